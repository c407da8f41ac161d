//! Sealed segments that are mostly dead are rewritten, so that one long-lived stream does not hold everyone's space.
//!
//! What is alive is copied, frame by frame and in order, into a new segment that is sealed at once and takes the old
//! one's place; bodies stay as they are, heads are encoded again for the new salt. Until the catalog swaps the two in one
//! change the new file stands in the removal list, so that a crash leaves nothing that a start would not clear away.
//! Readers that hold the old segment go on in it; those that look for it plan again.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, IoSlice},
    sync::Arc,
};

use parking_lot::Mutex;

use crate::{
    Open, Position, ShardLogId,
    format::{FLAG_UNSYNCED, Footer, HEAD_BYTES, Head, Run, SegmentHeader},
    manifest::{ListedSegment, ManifestChange},
    mutant::{self, Mutant},
};

use super::{
    Error, World,
    committer::{SEALED_AFTER_MS, grow, run_of},
    removal::{finish_removal, is_dead, settled, unknown},
    scan::{Step, Walk},
    segment::{self, DIRECTORY, Sealed, Segment, Share, read_footer, write_footer},
    shard::Shard,
};

/// Bytes that are copied between two pauses.
const CHUNK_BYTES: usize = 1 << 20;

/// A rest between two chunks, so that the writers keep the disk; false if there shall be no more.
pub(crate) type Pause<'a> = &'a dyn Fn() -> bool;

/// Rewrites the segments that are worth it.
pub(crate) fn rewrite_mostly_dead(world: &World, pause: Pause<'_>) -> Result<(), Error> {
    for (segment, mut sealed) in settled(world) {
        if !may_be_worth(world, &sealed) {
            continue;
        }
        if !sealed.counted && !count(&segment, &mut sealed, pause)? {
            continue;
        }
        if alive_share(world, &sealed) < 0.25 && !rewrite(world, &segment, &sealed, pause)? {
            return Ok(());
        }
    }
    Ok(())
}

/// True if something is dead, perhaps most, and something else will live for long: a segment whose shards all expire
/// within the hour that it spans goes by itself.
fn may_be_worth(world: &World, sealed: &Sealed) -> bool {
    let remaining_ms = |(&id, share): (&ShardLogId, &Share)| {
        let alive = !is_dead(world, id, share);
        let cutoff_ms = world.shards.get(id).filter(|_| alive)?.cutoff_ms();
        Some(share.newest_ms.saturating_sub(cutoff_ms))
    };
    let longest_ms = sealed.shards.iter().filter_map(remaining_ms).max();
    let least = if sealed.counted { 0.25 } else { 0.5 };
    longest_ms.is_some_and(|ms| ms > SEALED_AFTER_MS) && alive_share(world, sealed) < least
}

fn alive_share(world: &World, sealed: &Sealed) -> f64 {
    let all: u64 = sealed.shards.values().map(|share| share.bytes).sum();
    let alive = |(id, share): &(&ShardLogId, &Share)| !is_dead(world, **id, share);
    let alive: u64 = sealed.shards.iter().filter(alive).map(|(_, share)| share.bytes).sum();
    alive as f64 / all.max(1) as f64
}

/// Counts what an earlier life's segment has of each shard; false if that shall stop, or the segment is damaged.
fn count(segment: &Segment, sealed: &mut Sealed, pause: Pause<'_>) -> Result<bool, Error> {
    let io = |source| Error::Io { op: "read", segment: segment.number, source };
    let end = match read_footer(segment, segment.file.len().map_err(io)?).map_err(io)? {
        Some((end, _)) => end,
        None => return Ok(leave_damaged(segment)),
    };
    let mut bytes: HashMap<ShardLogId, u64> = HashMap::new();
    let mut walk = Walk::new(segment).map_err(io)?;
    let mut pause_at = CHUNK_BYTES as u64;
    while walk.offset < end {
        let Step::Accepted { head, .. } = walk.step().map_err(io)? else {
            return Ok(leave_damaged(segment));
        };
        if head.records > 0 {
            *bytes.entry(head.shard).or_default() += head.frame_bytes();
        }
        if walk.offset >= pause_at {
            pause_at = walk.offset + CHUNK_BYTES as u64;
            if !pause() {
                return Ok(false);
            }
        }
    }
    for (id, share) in &mut sealed.shards {
        share.bytes = bytes.get(id).copied().unwrap_or(0);
    }
    sealed.counted = true;
    *segment.sealed.lock() = Some(sealed.clone());
    Ok(true)
}

/// A segment with damage is neither rewritten nor removed.
fn leave_damaged(segment: &Segment) -> bool {
    tracing::error!(segment = segment.number, "the segment is damaged and stays as it is");
    if let Some(sealed) = segment.sealed.lock().as_mut() {
        sealed.damaged = true;
    }
    false
}

/// Rewrites one segment; false if that was stopped.
fn rewrite(
    world: &World,
    old: &Arc<Segment>,
    sealed: &Sealed,
    pause: Pause<'_>,
) -> Result<bool, Error> {
    let (number, journal_id) =
        segment::allot(world, |number| ManifestChange::RewriteStarted { number })?;
    let header = SegmentHeader {
        number,
        salt: world.rng.next_u64(),
        journal_id,
        made_at_ms: world.clock.now_ms(),
        // What is shorter than it says was sealed, also when its footer is damaged.
        bytes: old.bytes,
    };
    let copied = copy(world, old, sealed, &header, pause);
    let Ok(Some(Copied { new, kept })) = copied else {
        // Nothing has happened yet; what is left of the file, a start would clear away.
        finish_removal(world, &[number])?;
        return copied.map(|_| false);
    };
    if mutant::is(Mutant::RemovalBeforeSwap) {
        let _ = world.disk.remove(&segment::path(old.number));
    }
    swap(world, old, &new, &kept)?;
    finish_removal(world, &[old.number])?;
    let bytes = new.file.len().unwrap_or(0);
    tracing::info!(old = old.number, new = number, bytes, "a mostly dead segment was rewritten");
    Ok(true)
}

/// What becomes of one living shard.
struct Kept {
    /// The largest arrival up to the last frame that was seen.
    effective_ms: u64,
    cutoff_ms: u64,
    floor: Position,
    /// The first position that is in the new segment.
    first: Option<Position>,
    /// The position behind the last record that is not.
    trimmed: Option<Position>,
    /// And the last one.
    last: Position,
    /// The last run, as an index.
    run: Option<usize>,
    bytes: u64,
}

struct Copied {
    new: Arc<Segment>,
    kept: BTreeMap<ShardLogId, Kept>,
}

fn copy(
    world: &World,
    old: &Segment,
    sealed: &Sealed,
    header: &SegmentHeader,
    pause: Pause<'_>,
) -> Result<Option<Copied>, Error> {
    let read = |source| Error::Io { op: "read", segment: old.number, source };
    let write = |source| Error::Io { op: "write", segment: header.number, source };
    let length = old.file.len().map_err(read)?;
    let Some((_, footer)) = read_footer(old, length).map_err(read)? else {
        leave_damaged(old);
        return Ok(None);
    };
    let kept = living(world, old, sealed);
    let ranges = ranges_of(footer.runs.iter().filter(|run| kept.contains_key(&run.shard)));
    let mut copy = Copy::new(world, header, kept).map_err(write)?;
    let mut walk = Walk::new(old).map_err(read)?;
    for (start, end) in ranges {
        walk.resume(start);
        while walk.offset < end {
            let Step::Accepted { head, offset } = walk.step().map_err(read)? else {
                leave_damaged(old);
                return Ok(None);
            };
            if copy.wants(&head) {
                copy.put(head, walk.group_start, walk.frame(offset, &head).map_err(read)?);
            }
            if copy.buffer.len() >= CHUNK_BYTES {
                copy.flush().map_err(write)?;
                if !pause() {
                    return Ok(None);
                }
            }
        }
    }
    copy.flush().map_err(write)?;
    copy.seal(world, old, footer).map(Some)
}

/// The shards with something alive in a segment.
fn living(world: &World, old: &Segment, sealed: &Sealed) -> BTreeMap<ShardLogId, Kept> {
    let living = sealed.shards.iter().filter(|(id, share)| !is_dead(world, **id, share));
    let kept = living.filter_map(|(&id, _)| {
        let shard = world.shards.get(id)?;
        let effective_ms = shard.index.read().effective_before(old.number).unwrap_or(0);
        let cutoff_ms = shard.cutoff_ms();
        let floor = shard.floor();
        let (first, trimmed, run) = (None, None, None);
        Some((id, Kept { effective_ms, cutoff_ms, floor, first, trimmed, run, last: 0, bytes: 0 }))
    });
    kept.collect()
}

/// The stretches that these runs cover together.
fn ranges_of<'a>(runs: impl Iterator<Item = &'a Run>) -> Vec<(u64, u64)> {
    let mut runs: Vec<(u64, u64)> =
        runs.map(|run| (run.offset, run.offset + u64::from(run.bytes))).collect();
    runs.sort_unstable();
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for (start, end) in runs {
        match ranges.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => ranges.push((start, end)),
        }
    }
    ranges
}

/// The new segment while it is written.
struct Copy {
    new: Segment,
    kept: BTreeMap<ShardLogId, Kept>,
    runs: Vec<Run>,
    /// What is not written yet stands at this offset.
    written: u64,
    buffer: Vec<u8>,
    /// The old group that is being copied, where it starts there and here.
    group: (u64, u64, u64),
}

impl Copy {
    fn new(
        world: &World,
        header: &SegmentHeader,
        kept: BTreeMap<ShardLogId, Kept>,
    ) -> io::Result<Copy> {
        let file = world.open_segment(&segment::path(header.number), Open::New)?;
        let mut buffer = Vec::with_capacity(2 * CHUNK_BYTES);
        buffer.extend_from_slice(&header.encode());
        let new = Segment::unsealed(header, file);
        Ok(Copy { new, kept, runs: Vec::new(), written: 0, buffer, group: (0, 0, 0) })
    }

    /// Whether a frame is alive.
    fn wants(&mut self, head: &Head) -> bool {
        let Some(kept) = self.kept.get_mut(&head.shard).filter(|_| head.records > 0) else {
            return false;
        };
        kept.effective_ms = kept.effective_ms.max(head.arrived_ms);
        let alive = kept.effective_ms >= kept.cutoff_ms && head.end() > kept.floor;
        if !alive {
            kept.trimmed = Some(head.end());
        }
        alive
    }

    fn put(&mut self, head: Head, old_group_start: u64, frame: &[u8]) {
        let offset = self.written + self.buffer.len() as u64;
        if (head.group, old_group_start) != (self.group.0, self.group.1) {
            self.group = (head.group, old_group_start, offset);
        }
        let group_offset = (offset - self.group.2) as u32;
        let head = Head { group_offset, flags: head.flags & !FLAG_UNSYNCED, ..head };
        let at = self.buffer.len();
        self.buffer.extend_from_slice(frame);
        head.encode(self.new.salt, &mut self.buffer[at..at + HEAD_BYTES]);
        let Some(kept) = self.kept.get_mut(&head.shard) else { return };
        kept.first.get_or_insert(head.first);
        kept.last = head.end() - 1;
        kept.bytes += head.frame_bytes();
        let grown = kept.run.is_some_and(|at| grow(&mut self.runs, at, &head, offset));
        if !grown {
            kept.run = Some(self.runs.len());
            self.runs.push(run_of(&head, offset));
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.new.file.write_at(&mut [IoSlice::new(&self.buffer)], self.written)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Writes the footer, makes file and name durable.
    fn seal(self, world: &World, old: &Segment, footer: Footer) -> Result<Copied, Error> {
        let living = |next: &crate::NextPosition| world.shards.get(next.shard).is_some();
        let footer = Footer {
            next: footer.next.into_iter().filter(living).collect(),
            runs: self.runs,
            ..footer
        };
        write_footer(&self.new, self.written, &footer)?;
        let synced = world.disk.sync_dir(DIRECTORY);
        let number = self.new.number;
        synced.map_err(|source| Error::Io { op: "sync directory", segment: number, source })?;
        let share = |(&id, kept): (&ShardLogId, &Kept)| {
            kept.first?;
            let Kept { last, effective_ms: newest_ms, bytes, .. } = *kept;
            Some((id, Share { last, newest_ms, bytes }))
        };
        let shards = self.kept.iter().filter_map(share).collect();
        let sealed = Sealed { shards, counted: true, damaged: false };
        let new = Segment { place: old.place, sealed: Mutex::new(Some(sealed)), ..self.new };
        Ok(Copied { new: Arc::new(new), kept: self.kept })
    }
}

/// The catalog first, then the readers' way.
fn swap(
    world: &World,
    old: &Segment,
    new: &Arc<Segment>,
    kept: &BTreeMap<ShardLogId, Kept>,
) -> Result<(), Error> {
    world.segments.insert(new.clone());
    // Of each shard in the old segment: where it goes on in the new one, and where it ends that has expired.
    let moved = |shard: Arc<Shard>| {
        let end = shard.index.read().end_in(old.number)?;
        let kept = kept.get(&shard.id).and_then(|kept| Some((kept.first?, kept.trimmed)));
        Some(match kept {
            Some((first, trimmed)) => (shard, Some(first), trimmed),
            None => (shard, None, Some(end)),
        })
    };
    let moved: Vec<_> = world.shards.all().into_iter().filter_map(moved).collect();
    let ends = moved.iter().filter_map(|(shard, _, end)| Some((shard.id, (*end)?)));
    let trimmed = unknown(&world.manifest.state().trimmed, ends);
    let recorded = world.manifest.record(ManifestChange::Rewritten {
        old: old.number,
        new: new.number,
        listed: ListedSegment { salt: new.salt, place: new.place },
        trimmed,
    });
    if let Err(error) = recorded {
        world.segments.remove(new.number);
        finish_removal(world, &[new.number])?;
        return Err(error.into());
    }
    for (shard, first, end) in moved {
        let mut index = shard.index.write();
        match first {
            Some(first) => index.move_span(old.number, new.number, first),
            None => drop(index.drop_segment(old.number)),
        }
        end.into_iter().for_each(|end| shard.trim_to(end));
    }
    world.segments.remove(old.number);
    Ok(())
}
