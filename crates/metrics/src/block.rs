//! A block: a file with the points of many series in one span of one tier, written once and never changed.
//!
//! ```text
//! head       kind, format, checksum (`format.rs`)
//! chunks     one for each series, in the order of their numbers (`chunk.rs`)
//! pages      an index, 256 series each: id · length of its chunk · first point · last point, sealed
//! contents   where the pages are, sealed; its length 4 and a checksum of that 4 are the file's end
//! ```
//!
//! In memory is the table of contents alone, 32 bytes for 256 series: a read is one of a page and one of a chunk.

use std::{
    io::{self, IoSlice},
    sync::Arc,
};

use flate2::Compression;
use nautilus_log::{Disk, File, Open};
use nautilus_stats::Distribution;

use crate::{
    Error, SeriesId,
    chunk::{self, Chunk},
    error::cannot,
    format::{self, HEAD_BYTES, Kind},
    limits::PAGE_SERIES_MAX,
    tier::Tier,
    varint,
};

/// A written block.
pub(crate) struct Block {
    pub entry: BlockEntry,
    file: Arc<dyn File>,
    pages: Vec<Page>,
}

/// What the manifest knows of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockEntry {
    pub number: u64,
    pub tier: Tier,
    /// Where its span begins.
    pub span_s: u32,
    /// Its first and its last point.
    pub first_s: u32,
    pub last_s: u32,
    /// Its length.
    pub bytes: u64,
}

impl BlockEntry {
    /// Where its span ends.
    pub fn end_s(&self) -> u32 {
        self.span_s.saturating_add(self.tier.span_s())
    }
}

#[derive(Debug, Clone, Copy)]
struct Page {
    first_id: SeriesId,
    offset: u64,
    len: u32,
    /// Where the chunk of its first series is.
    chunks: u64,
}

/// Where a series' chunk is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChunkEntry {
    pub id: SeriesId,
    offset: u64,
    len: usize,
    pub last_s: u32,
}

/// Why a part of a block cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("a wrong checksum")]
    Damaged,
    #[error("{0}")]
    Io(#[from] io::Error),
}

pub(crate) fn path(number: u64) -> String {
    format!("{}/block-{number:08}", crate::DIRECTORY)
}

/// A block in the making.
pub(crate) struct BlockWriter {
    file: Arc<dyn File>,
    entry: BlockEntry,
    level: Compression,
    /// Not written yet.
    buffer: Vec<u8>,
    flushed: u64,
    /// The last page, in the making.
    page: Vec<u8>,
    page_series: usize,
    page_first: Page,
    last_id: u32,
    pages: Vec<u8>,
    contents: Vec<Page>,
}

/// Bytes that are written at once.
const WRITE_BYTES: usize = 1 << 20;

impl BlockWriter {
    /// Begins a file; one of that number is what a crash left of another.
    pub fn create(
        disk: &dyn Disk,
        number: u64,
        tier: Tier,
        span_s: u32,
        level: Compression,
    ) -> io::Result<BlockWriter> {
        let file = disk.open(&path(number), Open::Either)?;
        file.set_len(0)?;
        let page_first = Page { first_id: SeriesId(0), offset: 0, len: 0, chunks: 0 };
        Ok(BlockWriter {
            file,
            entry: BlockEntry { number, tier, span_s, first_s: u32::MAX, last_s: 0, bytes: 0 },
            level,
            buffer: format::head(Kind::Block).to_vec(),
            flushed: 0,
            page: Vec::new(),
            page_series: 0,
            page_first,
            last_id: 0,
            pages: Vec::new(),
            contents: Vec::new(),
        })
    }

    fn end(&self) -> u64 {
        self.flushed + self.buffer.len() as u64
    }

    /// Adds a series' points, in order; series come in the order of their numbers.
    pub fn add<'a>(
        &mut self,
        id: SeriesId,
        points: impl IntoIterator<Item = (u32, &'a Distribution)>,
    ) -> io::Result<()> {
        let mut chunk = chunk::ChunkWriter::new(self.entry.tier, self.entry.span_s);
        points.into_iter().for_each(|(at_s, samples)| chunk.add(at_s, samples));
        let Chunk { bytes, first_s, last_s, count } = chunk.finish(id, self.level);
        if count == 0 {
            return Ok(());
        }
        if self.page_series == 0 {
            self.page_first = Page { first_id: id, offset: 0, len: 0, chunks: self.end() };
            self.last_id = id.0;
        }
        let step_s = self.entry.tier.step_s();
        varint::put(&mut self.page, (id.0 - self.last_id).into());
        varint::put(&mut self.page, bytes.len() as u64);
        varint::put(&mut self.page, ((first_s - self.entry.span_s) / step_s).into());
        varint::put(&mut self.page, ((last_s - first_s) / step_s).into());
        self.last_id = id.0;
        self.page_series += 1;
        self.entry.first_s = self.entry.first_s.min(first_s);
        self.entry.last_s = self.entry.last_s.max(last_s);
        self.buffer.extend_from_slice(&bytes);
        if self.page_series == PAGE_SERIES_MAX {
            self.end_page();
        }
        if self.buffer.len() >= WRITE_BYTES { self.flush() } else { Ok(()) }
    }

    fn end_page(&mut self) {
        if self.page_series == 0 {
            return;
        }
        format::seal(&mut self.page, 0);
        let offset = self.pages.len() as u64; // among the pages
        self.contents.push(Page { offset, len: self.page.len() as u32, ..self.page_first });
        self.pages.append(&mut self.page);
        self.page_series = 0;
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_at(&mut [IoSlice::new(&self.buffer)], self.flushed)?;
        self.flushed += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Writes the index and syncs. `None` if there are no points: then the file is of no use.
    pub fn finish(mut self) -> io::Result<Option<Block>> {
        self.end_page();
        if self.contents.is_empty() {
            return Ok(None);
        }
        let pages_at = self.end();
        self.contents.iter_mut().for_each(|page| page.offset += pages_at);
        self.buffer.append(&mut self.pages);
        let mut contents = Vec::new();
        for value in
            [self.entry.tier.number().into(), self.entry.span_s.into(), self.contents.len() as u64]
        {
            varint::put(&mut contents, value);
        }
        for page in &self.contents {
            for value in [page.first_id.0.into(), page.offset, page.len.into(), page.chunks] {
                varint::put(&mut contents, value);
            }
        }
        format::seal(&mut contents, 0);
        let mut end = (contents.len() as u32).to_le_bytes().to_vec();
        format::seal(&mut end, 0);
        self.buffer.extend_from_slice(&contents);
        self.buffer.extend_from_slice(&end);
        self.flush()?;
        self.file.sync()?;
        self.entry.bytes = self.flushed;
        Ok(Some(Block { entry: self.entry, file: self.file, pages: self.contents }))
    }
}

impl Block {
    /// Opens what the manifest knows; `None` if its index is damaged.
    pub fn open(disk: &dyn Disk, entry: BlockEntry) -> Result<Option<Block>, Error> {
        let name = path(entry.number);
        let file = disk.open(&name, Open::Existing).map_err(cannot("open a block"))?;
        let mut head = [0; HEAD_BYTES];
        if file.read_at(&mut head, 0).is_err() || !format::check_head(&name, &head, Kind::Block)? {
            return Ok(None);
        }
        let pages = contents(&*file, &entry);
        Ok(pages.map(|pages| Block { entry, file, pages }))
    }

    fn read(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        self.file.read_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    fn page(&self, page: &Page) -> Result<Vec<ChunkEntry>, ReadError> {
        let bytes = self.read(page.offset, page.len as usize)?;
        let page = format::unseal(&bytes).and_then(|bytes| page_entries(bytes, page, &self.entry));
        page.ok_or(ReadError::Damaged)
    }

    /// How many pages its index has.
    pub fn page_count(&self) -> usize {
        self.pages.len()
    }

    /// The series of a page of the index.
    pub fn entries(&self, page: usize) -> Result<Vec<ChunkEntry>, ReadError> {
        self.pages.get(page).map_or(Ok(Vec::new()), |page| self.page(page))
    }

    /// Gives the points of one chunk.
    pub fn read_chunk(
        &self,
        entry: ChunkEntry,
        each: impl FnMut(u32, Distribution),
    ) -> Result<(), ReadError> {
        let bytes = self.read(entry.offset, entry.len)?;
        let (tier, span_s) = (self.entry.tier, self.entry.span_s);
        chunk::read(&bytes, entry.id, tier, span_s, each).ok_or(ReadError::Damaged)
    }

    /// Gives the points of one series, if it has any.
    pub fn read_series(
        &self,
        id: SeriesId,
        each: impl FnMut(u32, Distribution),
    ) -> Result<(), ReadError> {
        let behind = self.pages.partition_point(|page| page.first_id <= id);
        let Some(page) = behind.checked_sub(1).and_then(|at| self.pages.get(at)) else {
            return Ok(());
        };
        let entries = self.page(page)?;
        match entries.binary_search_by_key(&id, |entry| entry.id) {
            Ok(at) => self.read_chunk(entries[at], each),
            Err(_) => Ok(()),
        }
    }
}

fn contents(file: &dyn File, entry: &BlockEntry) -> Option<Vec<Page>> {
    let mut end = [0; 8];
    file.read_at(&mut end, entry.bytes.checked_sub(8)?).ok()?;
    let len = u32::from_le_bytes(format::unseal(&end)?.try_into().ok()?);
    let mut bytes = vec![0; usize::try_from(u64::from(len).min(entry.bytes)).ok()?];
    file.read_at(&mut bytes, entry.bytes.checked_sub(8 + u64::from(len))?).ok()?;
    let mut rest = format::unseal(&bytes)?;
    let tier = Tier::of_number(varint::take(&mut rest)?.try_into().ok()?);
    if tier != Some(entry.tier) || varint::take(&mut rest)? != u64::from(entry.span_s) {
        return None;
    }
    let count = varint::take(&mut rest)?;
    let mut page = || {
        Some(Page {
            first_id: SeriesId(varint::take_u32(&mut rest)?),
            offset: varint::take(&mut rest)?,
            len: varint::take_u32(&mut rest)?,
            chunks: varint::take(&mut rest)?,
        })
    };
    (0..count).map(|_| page()).collect()
}

fn page_entries(mut bytes: &[u8], page: &Page, block: &BlockEntry) -> Option<Vec<ChunkEntry>> {
    let step_s = block.tier.step_s();
    let (mut id, mut offset) = (page.first_id.0, page.chunks);
    let mut entries = Vec::with_capacity(PAGE_SERIES_MAX);
    while !bytes.is_empty() {
        id = id.checked_add(varint::take_u32(&mut bytes)?)?;
        let len = varint::take(&mut bytes)?;
        let steps = varint::take_u32(&mut bytes)?.checked_add(varint::take_u32(&mut bytes)?)?;
        let last_s = block.span_s.checked_add(steps.checked_mul(step_s)?)?;
        entries.push(ChunkEntry {
            id: SeriesId(id),
            offset,
            len: usize::try_from(len).ok()?,
            last_s,
        });
        offset = offset.checked_add(len)?;
    }
    Some(entries)
}
