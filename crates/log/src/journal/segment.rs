//! Segments: made ahead, listed in the catalog, sealed with a footer, removed when all in them is dead.

use std::{
    collections::BTreeMap,
    io::{self, IoSlice},
    sync::Arc,
};

use parking_lot::Mutex;

use crate::{
    File, Open, Position, ShardLogId,
    disk::{Unreadable, read_around},
    format::{Footer, HEAD_BYTES, Run, SegmentHeader, TRAILER_BYTES, decode_trailer},
    manifest::ManifestChange,
};

use super::{Error, World, shard::ShardTable};

/// Directory of the segments.
pub(crate) const DIRECTORY: &str = "journal";
/// Ending of a file that is not a segment yet.
pub(crate) const TEMPORARY: &str = ".tmp";
/// Bytes of a journal's first segment; each later one is twice as large, up to the configured size. A small journal
/// shall not cost much, and the segment behind a small one shall not take longer to make than the small one lasts.
const FIRST_SEGMENT_BYTES: u64 = 16 << 20;

/// A segment's file.
pub(crate) struct Segment {
    pub number: u64,
    /// Where it stands among the others: its number, or that of the segment whose living records it took over.
    pub place: u64,
    pub salt: u64,
    /// Bytes written ahead.
    pub bytes: u64,
    pub file: Arc<dyn File>,
    /// Set when the footer is durable.
    pub sealed: Mutex<Option<Sealed>>,
}

impl Segment {
    /// A new one in its own place.
    pub fn unsealed(header: &SegmentHeader, file: Arc<dyn File>) -> Segment {
        let &SegmentHeader { number, salt, bytes, .. } = header;
        Segment { number, place: number, salt, bytes, file, sealed: Mutex::new(None) }
    }

    /// Reads what can be read; answers, and tells, what cannot. That is zeros in `buf`, and damage to whoever needs it.
    pub fn read(&self, buf: &mut [u8], offset: u64) -> io::Result<Unreadable> {
        let unreadable = read_around(&*self.file, buf, offset)?;
        if let (Some(first), Some(last)) = (unreadable.first(), unreadable.last()) {
            let bytes: u64 = unreadable.iter().map(|range| range.end - range.start).sum();
            let (from, to) = (first.start, last.end);
            tracing::error!(segment = self.number, from, to, bytes, "bytes cannot be read");
        }
        Ok(unreadable)
    }
}

/// What decides when a sealed segment may go, or is worth rewriting.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sealed {
    /// Every shard with records here.
    pub shards: BTreeMap<ShardLogId, Share>,
    /// The bytes were counted and not estimated.
    pub counted: bool,
    /// It has damage, and so no footer: it is left as it is.
    pub damaged: bool,
}

/// What a shard has in a sealed segment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Share {
    /// Its last record here: when that is expired, all here are.
    pub last: Position,
    /// That one's effective time.
    pub newest_ms: u64,
    /// Bytes of its frames.
    pub bytes: u64,
}

impl Sealed {
    /// To be made while these runs are the newest that the shards know: a shard's largest arrival so far is then the
    /// effective time of its last record here, also if the clock was set back. `bytes_of` knows a run's share of bytes.
    pub fn of(runs: &[Run], shards: &ShardTable, bytes_of: impl Fn(&Run) -> u64) -> Sealed {
        let mut sealed = Sealed::default();
        for run in runs {
            let share = sealed.shards.entry(run.shard).or_default();
            share.last = share.last.max(run.last);
            share.newest_ms = share.newest_ms.max(run.arrival_ms_max);
            share.bytes += bytes_of(run);
        }
        for (&id, share) in &mut sealed.shards {
            let effective_ms = shards.get(id).map_or(0, |shard| shard.arrival_ms_max());
            share.newest_ms = share.newest_ms.max(effective_ms);
        }
        sealed
    }

    /// Of the segment that the shards counted their bytes for.
    pub fn counted(runs: &[Run], shards: &ShardTable) -> Sealed {
        let mut sealed = Sealed::of(runs, shards, |_| 0);
        for (&id, share) in &mut sealed.shards {
            let Some(shard) = shards.get(id) else { continue };
            share.bytes = std::mem::take(&mut shard.writer.lock().segment_bytes);
        }
        sealed.counted = true;
        sealed
    }
}

/// A segment's path below the data directory.
pub(crate) fn path(number: u64) -> String {
    format!("{DIRECTORY}/{number:020}.seg")
}

/// The number in a segment's file name.
pub(crate) fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".seg")?;
    (digits.len() == 20).then(|| digits.parse().ok())?
}

/// All segments that readers may need.
#[derive(Default)]
pub(crate) struct SegmentTable {
    map: Mutex<BTreeMap<u64, Arc<Segment>>>,
}

impl SegmentTable {
    pub fn get(&self, number: u64) -> Option<Arc<Segment>> {
        self.map.lock().get(&number).cloned()
    }

    pub fn insert(&self, segment: Arc<Segment>) {
        self.map.lock().insert(segment.number, segment);
    }

    pub fn remove(&self, number: u64) {
        self.map.lock().remove(&number);
    }

    /// All of them, oldest first.
    pub fn all(&self) -> Vec<Arc<Segment>> {
        let mut segments: Vec<_> = self.map.lock().values().cloned().collect();
        segments.sort_unstable_by_key(|segment| segment.place);
        segments
    }
}

/// Makes the next segment: written, synced, named, listed. Only then may a group go there.
pub(crate) fn make(world: &World) -> Result<Arc<Segment>, Error> {
    let (number, journal_id) = allot(world, |number| ManifestChange::SegmentAllotted { number })?;
    let doublings = (number - 1).min(16) as u32;
    let bytes = world.config.segment_bytes.min(FIRST_SEGMENT_BYTES << doublings);
    let header = SegmentHeader {
        number,
        salt: world.rng.next_u64(),
        journal_id,
        made_at_ms: world.clock.now_ms(),
        bytes,
    };
    let path = path(number);
    let temporary = format!("{path}{TEMPORARY}");
    let made = write_ahead(world, &temporary, &path, &header);
    let file = made.map_err(|source| {
        // What was written of it would only take space; a start without it would remove it too.
        let _ = world.disk.remove(&temporary);
        Error::Io { op: "make", segment: number, source }
    })?;
    world.manifest.record(ManifestChange::SegmentListed { number, salt: header.salt })?;
    tracing::debug!(segment = number, bytes, "segment made ahead");
    Ok(Arc::new(Segment::unsealed(&header, file)))
}

/// The next segment's number, which `change` makes durable, and the journal's id.
pub(crate) fn allot(
    world: &World,
    change: impl FnOnce(u64) -> ManifestChange,
) -> Result<(u64, u128), Error> {
    let _one_at_a_time = world.allotting.lock();
    let state = world.manifest.state();
    world.manifest.record(change(state.next_segment))?;
    Ok((state.next_segment, state.journal_id))
}

/// Blocks that are really written are synced about a third faster later than ones that are only reserved.
fn write_ahead(
    world: &World,
    temporary: &str,
    path: &str,
    header: &SegmentHeader,
) -> io::Result<Arc<dyn File>> {
    const CHUNK: usize = 1 << 20;
    let file = world.open_segment(temporary, Open::New)?;
    let zeros = vec![0; CHUNK.min(header.bytes as usize)];
    let mut offset = 0;
    while offset < header.bytes {
        let take = zeros.len().min((header.bytes - offset) as usize);
        file.write_at(&mut [IoSlice::new(&zeros[..take])], offset)?;
        offset += take as u64;
    }
    file.write_at(&mut [IoSlice::new(&header.encode())], 0)?;
    file.sync()?;
    file.zeros_from(HEAD_BYTES as u64);
    world.disk.rename(temporary, path)?;
    world.disk.sync_dir(DIRECTORY)?;
    Ok(file)
}

/// Reads the header of a segment's file.
pub(crate) fn read_header(file: &dyn File) -> io::Result<Option<SegmentHeader>> {
    if file.len()? < HEAD_BYTES as u64 {
        return Ok(None);
    }
    let mut bytes = [0; HEAD_BYTES];
    file.read_at(&mut bytes, 0)?;
    Ok(SegmentHeader::decode(&bytes).ok())
}

/// Where the footer stands, if the file ends with a trailer. One that cannot be read is none.
pub(crate) fn read_trailer(segment: &Segment, length: u64) -> io::Result<Option<u64>> {
    let Some(trailer_at) = length.checked_sub(TRAILER_BYTES as u64) else { return Ok(None) };
    let mut trailer = [0; TRAILER_BYTES];
    segment.read(&mut trailer, trailer_at)?;
    let offset = decode_trailer(segment.salt, &trailer);
    Ok(offset.filter(|&offset| offset <= trailer_at))
}

/// Footer and its offset, if the file ends with a trailer and the footer before it is whole.
pub(crate) fn read_footer(segment: &Segment, length: u64) -> io::Result<Option<(u64, Footer)>> {
    let Some(offset) = read_trailer(segment, length)? else { return Ok(None) };
    let mut footer = vec![0; (length - TRAILER_BYTES as u64 - offset) as usize];
    segment.read(&mut footer, offset)?;
    Ok(Footer::decode(segment.salt, &footer).ok().map(|footer| (offset, footer)))
}

/// Writes footer and trailer behind the frames and cuts the file there. A crash may leave any part of it.
pub(crate) fn write_footer(segment: &Segment, end: u64, footer: &Footer) -> Result<(), Error> {
    let bytes = footer.encode(segment.salt, end);
    let seal = || {
        segment.file.write_at(&mut [IoSlice::new(&bytes)], end)?;
        // Durable before the file is cut: a short file without a footer would be damage.
        segment.file.sync()?;
        segment.file.set_len(end + bytes.len() as u64)?;
        segment.file.sync()
    };
    seal().map_err(|source| Error::Io { op: "seal", segment: segment.number, source })
}

/// Writes zeros over what is not zero.
pub(crate) fn zero(segment: &Segment, from: u64, to: u64) -> io::Result<()> {
    const CHUNK: u64 = 1 << 20;
    let to = to.min(segment.file.len()?);
    let mut at = from;
    let mut bytes = vec![0; CHUNK.min(to.saturating_sub(from)) as usize];
    while at < to {
        let take = CHUNK.min(to - at) as usize;
        segment.file.read_at(&mut bytes[..take], at)?;
        if bytes[..take].iter().any(|&byte| byte != 0) {
            bytes[..take].fill(0);
            segment.file.write_at(&mut [IoSlice::new(&bytes[..take])], at)?;
        }
        at += take as u64;
    }
    Ok(())
}
