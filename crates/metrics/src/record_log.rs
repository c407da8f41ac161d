//! A file of records, one behind the other.
//!
//! It is divided into pages of 32 KiB, and a record into as many fragments as it needs, none of which crosses a page. So
//! the places where a fragment may begin are known without what stands in the file: damage costs what is in its page and
//! the record that it cuts, and all behind stays readable. Behind the head:
//!
//! ```text
//! fragment   checksum 4 · length 2 · part 1 · bytes       checksum of all behind it; little endian
//! part       1 whole record · 2 first · 3 middle · 4 last
//! ```
//!
//! Fewer bytes at a page's end than a fragment's head are zeros.

use std::{
    io::{self, IoSlice},
    sync::Arc,
};

use nautilus_log::{Disk, File, Open};

use crate::{
    Error,
    error::cannot,
    format::{self, HEAD_BYTES, Kind},
};

const PAGE_BYTES: usize = 32 << 10;
const FRAGMENT_HEAD_BYTES: usize = 7;
/// Pages that are read at once.
const PAGES_PER_READ: usize = 32;

const WHOLE: u8 = 1;
const FIRST: u8 = 2;
const MIDDLE: u8 = 3;
const LAST: u8 = 4;

/// The end of a file where records are added.
pub(crate) struct RecordLog {
    file: Arc<dyn File>,
    end: u64,
}

impl RecordLog {
    /// An empty one, in a new file or instead of an old one.
    pub fn create(disk: &dyn Disk, path: &str) -> io::Result<RecordLog> {
        let create = || {
            let file = disk.open(path, Open::Either)?;
            file.set_len(0)?;
            file.write_at(&mut [IoSlice::new(&format::head(Kind::Log))], 0)?;
            Ok(RecordLog { file, end: HEAD_BYTES as u64 })
        };
        // Without its head it would be damage.
        create().inspect_err(|_| drop(disk.remove(path)))
    }

    /// One that goes on at `end`, the end of a record.
    pub fn open(disk: &dyn Disk, path: &str, end: u64) -> io::Result<RecordLog> {
        let file = disk.open(path, Open::Existing)?;
        file.set_len(end)?;
        Ok(RecordLog { file, end })
    }

    pub fn file(&self) -> &Arc<dyn File> {
        &self.file
    }

    /// Where the last record ends.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Adds a record. A failed one leaves nothing, if the disk lets it be cut off.
    pub fn append(&mut self, record: &[u8]) -> io::Result<()> {
        let fragments = fragments(record, self.end);
        let written = self.file.write_at(&mut [IoSlice::new(&fragments)], self.end);
        match written {
            Ok(()) => self.end += fragments.len() as u64,
            Err(_) => {
                let _ = self.file.set_len(self.end);
            }
        }
        written
    }
}

fn fragments(mut record: &[u8], offset: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(record.len() + 64);
    let mut is_first = true;
    loop {
        let place = (offset as usize + out.len()) % PAGE_BYTES;
        let left = PAGE_BYTES - place;
        if left < FRAGMENT_HEAD_BYTES {
            out.resize(out.len() + left, 0);
            continue;
        }
        let (bytes, rest) = record.split_at(record.len().min(left - FRAGMENT_HEAD_BYTES));
        let part = match (is_first, rest.is_empty()) {
            (true, true) => WHOLE,
            (true, false) => FIRST,
            (false, false) => MIDDLE,
            (false, true) => LAST,
        };
        let mut head = [0; FRAGMENT_HEAD_BYTES];
        head[4..6].copy_from_slice(&(bytes.len() as u16).to_le_bytes());
        head[6] = part;
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&head[4..]), bytes);
        head[..4].copy_from_slice(&checksum.to_le_bytes());
        out.extend_from_slice(&head);
        out.extend_from_slice(bytes);
        if rest.is_empty() {
            return out;
        }
        (record, is_first) = (rest, false);
    }
}

/// What was found in a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Where its last whole record ends.
    pub end: u64,
    /// Places where something is damaged and a whole record stands behind.
    pub damaged: u64,
    /// Something stands behind the last whole record: it was torn, or is damaged.
    pub has_tail: bool,
}

/// Gives each whole record of a file, up to `end` if that is known.
pub(crate) fn read(
    disk: &dyn Disk,
    path: &str,
    end: Option<u64>,
    each: &mut dyn FnMut(&[u8]),
) -> Result<Found, Error> {
    let file = disk.open(path, Open::Existing).map_err(cannot("open a log"))?;
    let len = file.len().map_err(cannot("read a log"))?.min(end.unwrap_or(u64::MAX));
    let mut reading = Reading { each, record: None, found: Found::default(), bad: 0 };
    let mut buffer = vec![0; PAGE_BYTES * PAGES_PER_READ];
    let mut offset = 0;
    while offset < len {
        let wanted = usize::try_from(len - offset).unwrap_or(usize::MAX).min(buffer.len());
        let pages = &mut buffer[..wanted];
        if file.read_at(pages, offset).is_err() {
            // A page at a time: what cannot be read is damage of its own.
            for (page, at) in pages.chunks_mut(PAGE_BYTES).zip((offset..).step_by(PAGE_BYTES)) {
                match file.read_at(page, at) {
                    Ok(()) => reading.page(path, page, at)?,
                    Err(_) => reading.is_bad(),
                }
            }
        } else {
            for (page, at) in pages.chunks(PAGE_BYTES).zip((offset..).step_by(PAGE_BYTES)) {
                reading.page(path, page, at)?;
            }
        }
        offset += wanted as u64;
    }
    let mut found = reading.found;
    found.has_tail = len > found.end;
    Ok(found)
}

struct Reading<'a> {
    each: &'a mut dyn FnMut(&[u8]),
    /// The fragments of a record that is not whole yet.
    record: Option<Vec<u8>>,
    found: Found,
    /// Bad places since the last whole record.
    bad: u64,
}

impl Reading<'_> {
    fn is_bad(&mut self) {
        self.record = None;
        self.bad += 1;
    }

    fn page(&mut self, path: &str, page: &[u8], offset: u64) -> Result<(), Error> {
        let mut at = 0;
        if offset == 0 {
            at = HEAD_BYTES;
            if page.len() < HEAD_BYTES {
                self.is_bad();
                return Ok(());
            }
            if format::check_head(path, &page[..HEAD_BYTES], Kind::Log)? {
                self.found.end = HEAD_BYTES as u64;
            } else {
                self.bad += 1;
            }
        }
        while page.len() - at >= FRAGMENT_HEAD_BYTES {
            let Some((part, bytes)) = fragment(&page[at..]) else {
                self.is_bad();
                return Ok(());
            };
            at += FRAGMENT_HEAD_BYTES + bytes.len();
            self.fragment(part, bytes, offset + at as u64);
        }
        Ok(())
    }

    fn fragment(&mut self, part: u8, bytes: &[u8], end: u64) {
        match (part, self.record.take()) {
            (WHOLE, before) => {
                self.bad += u64::from(before.is_some());
                self.whole(bytes, end);
            }
            (FIRST, before) => {
                self.bad += u64::from(before.is_some());
                self.record = Some(bytes.to_vec());
            }
            (MIDDLE, Some(mut record)) => {
                record.extend_from_slice(bytes);
                self.record = Some(record);
            }
            (LAST, Some(mut record)) => {
                record.extend_from_slice(bytes);
                self.whole(&record, end);
            }
            // Its beginning is damaged: that is counted.
            _ => {}
        }
    }

    fn whole(&mut self, record: &[u8], end: u64) {
        (self.each)(record);
        self.found.end = end;
        self.found.damaged += std::mem::take(&mut self.bad);
    }
}

/// The fragment at the beginning of `bytes`.
fn fragment(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (head, behind) = bytes.split_first_chunk::<FRAGMENT_HEAD_BYTES>()?;
    let [c0, c1, c2, c3, l0, l1, part] = *head;
    let bytes = behind.get(..usize::from(u16::from_le_bytes([l0, l1])))?;
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&head[4..]), bytes);
    let is_right = checksum == u32::from_le_bytes([c0, c1, c2, c3]);
    (is_right && (WHOLE..=LAST).contains(&part)).then_some((part, bytes))
}

#[cfg(test)]
mod tests {
    use nautilus_log::MemoryDisk;

    use super::*;

    fn records() -> Vec<Vec<u8>> {
        let lens = [0, 1, 100, 5_000, 27_600, 3, 70_000, 40_000, 12, 0];
        lens.iter().enumerate().map(|(at, len)| vec![at as u8 + 1; *len]).collect()
    }

    fn written(records: &[Vec<u8>]) -> (MemoryDisk, Vec<u64>) {
        let disk = MemoryDisk::default();
        let mut log = RecordLog::create(&disk, "log").unwrap();
        let mut ends = vec![log.end()];
        for record in records {
            log.append(record).unwrap();
            ends.push(log.end());
        }
        (disk, ends)
    }

    fn read_all(disk: &MemoryDisk) -> (Vec<Vec<u8>>, Found) {
        let mut all = Vec::new();
        let found = read(disk, "log", None, &mut |record| all.push(record.to_vec())).unwrap();
        (all, found)
    }

    #[test]
    fn records_of_any_length_come_back() {
        let (disk, ends) = written(&records());
        let (all, found) = read_all(&disk);
        assert!(all == records());
        assert_eq!(found, Found { end: ends[10], damaged: 0, has_tail: false });
    }

    #[test]
    fn records_may_end_anywhere_in_a_page() {
        for left in 0..20 {
            let records =
                [vec![1; PAGE_BYTES - HEAD_BYTES - FRAGMENT_HEAD_BYTES - left], vec![2; 30]];
            let (disk, _) = written(&records);
            assert!(read_all(&disk).0 == records, "{left} bytes left");
        }
    }

    #[test]
    fn a_file_that_ends_anywhere_has_the_records_before() {
        let records = records();
        let (disk, ends) = written(&records);
        let end = ends[10] as usize;
        for len in (0..end)
            .filter(|len| len % 97 == 0 || ends.iter().any(|end| end.abs_diff(*len as u64) < 20))
        {
            let torn = disk.copy();
            torn.edit("log", |bytes| bytes.truncate(len));
            let (all, found) = read_all(&torn);
            let whole = ends.iter().filter(|end| **end <= len as u64).count().saturating_sub(1);
            assert!(all == records[..whole], "{len}: {} records", all.len());
            assert_eq!(found.end, if len < HEAD_BYTES { 0 } else { ends[whole] });
            assert_eq!((found.has_tail, found.damaged), (len as u64 > found.end, 0));
        }
    }

    #[test]
    fn a_flipped_bit_costs_its_page_and_is_told() {
        let records = records();
        let (disk, ends) = written(&records);
        for at in (0..ends[10] as usize).step_by(61) {
            let flipped = disk.copy();
            flipped.edit("log", |bytes| bytes[at] ^= 1 << (at % 8));
            let (all, found) = read_all(&flipped);
            assert!(all.iter().all(|record| records.contains(record)));
            assert!(at < HEAD_BYTES || all.len() < 10, "{at}");
            assert!(found.damaged > 0 || found.has_tail, "{at}");
            let page_end = (at - at % PAGE_BYTES + PAGE_BYTES) as u64;
            let behind = ends[..10].iter().filter(|begin| **begin >= page_end).count();
            assert!(all.ends_with(&records[10 - behind..]), "{at}");
        }
    }

    #[test]
    fn another_format_is_refused_in_a_sentence() {
        let (disk, _) = written(&records());
        disk.edit("log", |bytes| {
            bytes[8] = 9;
            let checksum = crc32c::crc32c(&bytes[..12]);
            bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
        });
        let refused = read(&disk, "log", None, &mut |_| {}).unwrap_err().to_string();
        assert_eq!(refused, "metrics: log has format 9, and this version knows 1 only");
    }
}
