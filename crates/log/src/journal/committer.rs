//! Group commit: one owner of the journal's write side.
//!
//! It takes all that waits, allots positions, writes the frames with vectored writes, syncs once, makes the records
//! visible, answers. While it syncs, the next group gathers. Order is everything here: positions before the write,
//! the write before the sync, the sync before anyone sees or is told anything.

use std::{
    io::{self, IoSlice},
    mem,
    sync::Arc,
    time::Duration,
};

use smallvec::SmallVec;
use tokio::sync::oneshot;

use crate::{
    AppendResult, Frame, NextPosition, Position, Refusal, ShardLogId,
    format::{FLAG_GAP, FLAG_UNSYNCED, Footer, HEAD_BYTES, Head, Run},
    frame::{FrameView, Place},
    manifest::{CleanStop, ManifestChange},
    mutant::{self, Mutant},
};

use super::{
    Durability, Error, World,
    in_memory::InMemory,
    maker::Maker,
    queue::{AppendResults, CloseResult, Item, Taken},
    segment::{Sealed, Segment, write_footer},
    shard::Shard,
    tail::TailBudget,
};

/// A segment is sealed when it is this old, so that retention can remove it.
pub(crate) const SEALED_AFTER_MS: u64 = 3_600_000;
/// A stretch of the segment that one run covers, unless one frame is larger.
const RUN_BYTES_MAX: u64 = 64 << 10;
/// Runs of one segment after which stretches become twice as long, and so on.
const RUNS_BEFORE_DOUBLING: usize = 8192;
/// Up to 1 MiB.
const RUN_DOUBLINGS_MAX: usize = 4;

/// The segment that takes the groups.
pub(crate) struct Active {
    pub segment: Arc<Segment>,
    /// Where the next frame goes.
    pub offset: u64,
    /// Where the empty frame stands that opens the next group, if one was written.
    pub opened_at: Option<u64>,
    /// 0 = none yet.
    pub first_group: u64,
    pub last_group: u64,
    pub first_ms: u64,
    pub runs: Vec<Run>,
}

impl Active {
    pub fn new(segment: Arc<Segment>) -> Active {
        Active {
            segment,
            offset: HEAD_BYTES as u64,
            opened_at: None,
            first_group: 0,
            last_group: 0,
            first_ms: 0,
            runs: Vec::new(),
        }
    }

    fn is_unused(&self) -> bool {
        self.first_group == 0
    }

    /// Writes the empty frame that opens a group.
    pub fn open_group(&mut self, group: u64) -> Result<(), Error> {
        let mut head = [0; HEAD_BYTES];
        Head::empty(group).encode(self.segment.salt, &mut head);
        let written = self.segment.file.write_at(&mut [IoSlice::new(&head)], self.offset);
        let number = self.segment.number;
        written.map_err(|source| Error::Io { op: "write", segment: number, source })?;
        self.opened_at = Some(self.offset);
        self.offset += HEAD_BYTES as u64;
        Ok(())
    }

    /// Indexes durable frames and makes them visible, shard by shard.
    fn publish(&mut self, placed: Vec<Placed>, tail: &mut TailBudget) {
        let mut placed = placed.into_iter().peekable();
        let mut runs: SmallVec<[Run; 4]> = SmallVec::new();
        let mut frames: SmallVec<[FrameView; 4]> = SmallVec::new();
        while let Some(Placed { shard, frame, head, .. }) = placed.next() {
            self.index(&shard, &head, &mut runs);
            tail.put(&shard);
            frames.push(frame.into_view(head, tail.alive()));
            if placed.peek().is_none_or(|next| next.shard.id != shard.id) {
                shard.publish(self.segment.number, &runs, frames.drain(..));
                runs.clear();
            }
        }
        tail.shrink();
    }

    /// Notes where a frame stands; `runs` gets the shard's run that begins or grows by it.
    fn index(&mut self, shard: &Shard, head: &Head, runs: &mut SmallVec<[Run; 4]>) {
        let offset = self.offset;
        self.offset += head.frame_bytes();
        let mut writer = shard.writer.lock();
        writer.segment_bytes += head.frame_bytes();
        let open = writer.open_run.filter(|(number, _)| *number == self.segment.number);
        if let Some((_, at)) = open
            && grow(&mut self.runs, at, head, offset)
        {
            let grown = self.runs[at];
            match runs.last_mut() {
                Some(last) => *last = grown,
                None => runs.push(grown),
            }
            return;
        }
        let run = run_of(head, offset);
        writer.open_run = Some((self.segment.number, self.runs.len()));
        self.runs.push(run);
        runs.push(run);
    }
}

/// The run of one frame.
pub(crate) fn run_of(head: &Head, offset: u64) -> Run {
    Run {
        shard: head.shard,
        first: head.first,
        last: head.end() - 1,
        first_arrival_ms: head.arrived_ms,
        arrival_ms_max: head.arrived_ms,
        offset,
        bytes: head.frame_bytes() as u32,
        records: head.records,
    }
}

/// Takes a later frame of the same shard into `runs[at]`, if it is the next one and the stretch stays short.
pub(crate) fn grow(runs: &mut [Run], at: usize, head: &Head, offset: u64) -> bool {
    // Many shards that write in turn would make a run of every frame: then the stretches are longer.
    let doublings = (runs.len() / RUNS_BEFORE_DOUBLING).min(RUN_DOUBLINGS_MAX);
    let run = &mut runs[at];
    let bytes = offset + head.frame_bytes() - run.offset;
    if head.first != run.last + 1 || bytes > RUN_BYTES_MAX << doublings {
        return false;
    }
    run.last = head.end() - 1;
    run.arrival_ms_max = run.arrival_ms_max.max(head.arrived_ms);
    run.bytes = bytes as u32;
    run.records += head.records;
    true
}

pub(crate) struct Committer {
    pub world: Arc<World>,
    pub maker: Maker,
    pub active: Option<Active>,
    pub next_group: u64,
    /// The catalog says that the journal was left in peace; to be taken back before the first write.
    pub clean: bool,
    pub tail: TailBudget,
    /// What [`Durability::Memory`] keeps.
    pub memory: InMemory,
}

/// A frame that will be written.
struct Placed {
    shard: Arc<Shard>,
    frame: Frame,
    first: Position,
    flags: u8,
    /// Set when the head is filled.
    head: Head,
}

/// A group's items after the decision: what is written, what is answered when that is durable.
#[derive(Default)]
struct Decided {
    placed: Vec<Placed>,
    appends: Vec<(oneshot::Sender<AppendResults>, AppendResults)>,
    closes: Vec<(oneshot::Sender<CloseResult>, Vec<Position>)>,
}

impl Committer {
    /// Commits groups until the queue is stopped, then leaves the journal in peace.
    pub fn run(mut self) {
        const IDLE: Duration = Duration::from_secs(60);
        loop {
            let taken = self.world.queue.take(IDLE);
            if !self.turn(taken) {
                return;
            }
        }
    }

    /// One turn of the loop; false when there will be no other.
    pub fn turn(&mut self, taken: Taken) -> bool {
        let done = match taken {
            Taken::Group { items, bytes, more } => self.commit(items, bytes as u64, more),
            Taken::Idle => {
                self.memory.sweep(&self.world.shards);
                self.seal_if_old()
            }
            Taken::Stopped => {
                let stopped = self.leave_in_peace();
                if let Err(error) = stopped {
                    self.world.poison(&error);
                }
                return false;
            }
        };
        if let Err(error) = done {
            self.world.poison(&error);
            return false;
        }
        true
    }

    fn commit(&mut self, items: Vec<Item>, bytes: u64, more: bool) -> Result<(), Error> {
        let mut items = items;
        if bytes > 0 && !self.has_room(&items, bytes)? {
            // Closing writes nothing, and it is what frees space.
            let (appends, closes) =
                items.into_iter().partition(|item| matches!(item, Item::Append { .. }));
            self.world.counters.refused(Refusal::Full, Vec::len(&appends) as u64);
            Vec::into_iter(appends).for_each(|item| Item::refuse(item, Refusal::Full));
            items = closes;
        }
        let now_ms = self.world.clock.now_ms();
        let mut decided = decide(&self.world, items, now_ms);
        if mutant::is(Mutant::AckBeforeSync) {
            decided.answer();
        }
        let placed = mem::take(&mut decided.placed);
        let writes = !placed.is_empty() && !self.in_memory();
        if !writes {
            self.keep_in_memory(placed, now_ms);
        } else if let Err(error) = self.write_group(placed, now_ms) {
            decided.refuse();
            return Err(error);
        }
        if let Some(active) = self.active.as_ref().filter(|_| !decided.closes.is_empty()) {
            // The catalog is going to say where closed shards end, and it is synced: then their records must be too.
            sync_if_unsynced(&self.world, &active.segment)?;
        }
        decided.answer();
        if writes && !more {
            self.open_next_group()?;
        }
        self.seal_if_old()
    }

    fn in_memory(&self) -> bool {
        self.world.config.durability == Durability::Memory
    }

    fn has_room(&mut self, items: &[Item], bytes: u64) -> Result<bool, Error> {
        if !self.in_memory() {
            return self.make_room(bytes);
        }
        let frames = items.iter().map(Item::frame_count).sum();
        let now_ms = self.world.clock.now_ms();
        Ok(self.memory.has_room(&self.world.shards, frames, bytes as usize, now_ms))
    }

    /// Makes a group visible that no disk ever sees.
    fn keep_in_memory(&mut self, placed: Vec<Placed>, now_ms: u64) {
        for Placed { shard, mut frame, first, flags, .. } in placed {
            let place = Place { first, arrived_ms: now_ms, group: 0, group_offset: 0, flags };
            let head = frame.place(0, place);
            self.memory.put(&shard);
            let view = frame.into_view(head, self.tail.alive());
            shard.publish(0, &[], std::iter::once(view));
        }
    }

    /// Writes, syncs and publishes one group.
    fn write_group(&mut self, mut placed: Vec<Placed>, now_ms: u64) -> Result<(), Error> {
        let group = self.next_group;
        self.next_group += 1;
        // Frames of one shard stand side by side; the sort is stable, so each shard keeps its order.
        if placed.len() > 1 {
            placed.sort_by_key(|placed| placed.shard.id);
        }
        let active = self.active.as_mut().expect("room was made");
        let synced = self.world.config.durability == Durability::Fsync;
        let unsynced = if synced { 0 } else { FLAG_UNSYNCED };
        let group_start = active.opened_at.take().unwrap_or(active.offset);
        let mut offset = active.offset;
        for item in &mut placed {
            let place = Place {
                first: item.first,
                arrived_ms: now_ms,
                group,
                group_offset: (offset - group_start) as u32,
                flags: item.flags | unsynced,
            };
            item.head = item.frame.place(active.segment.salt, place);
            offset += item.frame.len() as u64;
        }
        let mut slices: Vec<IoSlice<'_>> =
            placed.iter().map(|item| IoSlice::new(item.frame.bytes())).collect();
        let number = active.segment.number;
        let file = &active.segment.file;
        let io = |op| move |source| Error::Io { op, segment: number, source };
        let counters = &self.world.counters;
        counters.group_bytes.record(offset - active.offset);
        counters.group_frames.record(placed.len() as u64);
        let began_us = self.world.clock.monotonic_us();
        file.write_at(&mut slices, active.offset).map_err(io("write"))?;
        let written_us = self.world.clock.monotonic_us();
        counters.write_us.record(written_us.saturating_sub(began_us));
        if synced && !mutant::is(Mutant::PublishBeforeSync) {
            file.sync().map_err(io("sync"))?;
            let synced_us = self.world.clock.monotonic_us();
            counters.sync_us.record(synced_us.saturating_sub(written_us));
        }

        if active.is_unused() {
            active.first_group = group;
            active.first_ms = now_ms;
        }
        active.last_group = group;
        active.publish(placed, &mut self.tail);
        if mutant::is(Mutant::PublishBeforeSync) {
            active.segment.file.sync().map_err(io("sync"))?;
        }
        Ok(())
    }

    /// Writes the empty frame that proves that the group before it was synced.
    fn open_next_group(&mut self) -> Result<(), Error> {
        let synced = self.world.config.durability == Durability::Fsync;
        let Some(active) = self.active.as_mut().filter(|_| synced) else { return Ok(()) };
        if active.opened_at.is_some() || active.is_unused() || !self.world.queue.is_empty() {
            return Ok(());
        }
        active.open_group(self.next_group)
    }

    /// Makes sure that `bytes` fit into the active segment; false if there is no space for another segment.
    fn make_room(&mut self, bytes: u64) -> Result<bool, Error> {
        if let Err(error) = self.take_back_clean_stop() {
            // A catalog that cannot be written at all ends the process by itself.
            tracing::debug!(%error, "writes are refused");
            return Ok(false);
        }
        let fits = self.active.as_ref().is_some_and(|active| {
            // A call's records may be larger than a whole segment: then they have one for themselves.
            // A footer has its place too: sealing takes no space that was not there when the segment was made.
            active.is_unused()
                || active.offset + bytes + self.footer_bytes(active) <= active.segment.bytes
        });
        if fits {
            return self.has_space_beyond(bytes);
        }
        let next = match self.maker.take(&self.world) {
            Ok(segment) => segment,
            Err(error) => {
                tracing::debug!(%error, "writes are refused");
                return Ok(false);
            }
        };
        self.seal()?;
        self.world.segments.insert(next.clone());
        self.active = Some(Active::new(next));
        self.has_space_beyond(bytes)
    }

    /// A call's records that are larger than a segment need space that was not taken with it: a full disk says so here,
    /// before anything is written.
    fn has_space_beyond(&self, bytes: u64) -> Result<bool, Error> {
        // Only what is alone in its segment may be larger.
        let Some(active) = self.active.as_ref().filter(|active| active.is_unused()) else {
            return Ok(true);
        };
        let Segment { bytes: made, number, file, .. } = &*active.segment;
        let needed = active.offset + bytes + self.footer_bytes(active);
        if needed <= *made {
            return Ok(true);
        }
        let zeros = vec![0; (needed - made) as usize];
        let taken = match file.write_at(&mut [IoSlice::new(&zeros)], *made) {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                tracing::debug!(
                    segment = number,
                    "no space beyond the segment; writes are refused"
                );
                file.set_len(*made).map(|()| false)
            }
            written => written.map(|()| true),
        };
        taken.map_err(|source| Error::Io { op: "write", segment: *number, source })
    }

    /// What the footer will take at most, with one more run for each shard.
    fn footer_bytes(&self, active: &Active) -> u64 {
        let shards = self.world.shards.count();
        Footer::bytes(active.runs.len() + shards, shards) as u64
    }

    /// A clean stop's promise ends here: durable before anything is written.
    fn take_back_clean_stop(&mut self) -> Result<(), Error> {
        if self.clean {
            self.world.manifest.record(ManifestChange::Started)?;
            self.clean = false;
        }
        Ok(())
    }

    fn seal_if_old(&mut self) -> Result<(), Error> {
        let now_ms = self.world.clock.now_ms();
        let old = self.active.as_ref().is_some_and(|active| {
            !active.is_unused() && now_ms.saturating_sub(active.first_ms) >= SEALED_AFTER_MS
        });
        // Without space to note that a clean stop is over, it stays as it is for now.
        let may = old && self.world.queue.is_empty() && self.take_back_clean_stop().is_ok();
        if may { self.seal() } else { Ok(()) }
    }

    /// Gives the active segment its footer; the next group goes to a new one.
    pub fn seal(&mut self) -> Result<(), Error> {
        let Some(active) = self.active.take_if(|active| !active.is_unused()) else {
            return Ok(());
        };
        // The footer, too, is written behind what a clean stop promised to be the end.
        self.take_back_clean_stop()?;
        // The empty frame's group is opened in the next segment, by its first frame.
        let end = active.opened_at.unwrap_or(active.offset);
        // A whole footer promises whole frames.
        sync_if_unsynced(&self.world, &active.segment)?;
        let sealed = Sealed::counted(&active.runs, &self.world.shards);
        let footer = Footer {
            first_group: active.first_group,
            last_group: active.last_group,
            next: self.next_positions(&active.runs),
            runs: active.runs,
        };
        write_footer(&active.segment, end, &footer)?;
        let number = active.segment.number;
        *active.segment.sealed.lock() = Some(sealed);
        // From here on readers find the runs in the footer.
        self.world.shards.all().iter().for_each(|shard| shard.index.write().seal(number));
        Ok(())
    }

    fn next_positions(&self, runs: &[Run]) -> Vec<NextPosition> {
        let forget = mutant::is(Mutant::NoNextPositionInFooter);
        self.world
            .shards
            .all()
            .iter()
            .filter(|shard| !forget || runs.iter().any(|run| run.shard == shard.id))
            .map(|shard| shard.next_position())
            .collect()
    }

    fn leave_in_peace(&mut self) -> Result<(), Error> {
        if self.clean {
            return Ok(());
        }
        let (segment, offset) = match &self.active {
            Some(active) => {
                let number = active.segment.number;
                // The empty frame was not synced; a clean stop promises all bytes before its offset.
                let synced = active.segment.file.sync();
                synced.map_err(|source| Error::Io { op: "sync", segment: number, source })?;
                (number, active.offset)
            }
            None => (0, 0),
        };
        let next = self.next_positions(&[]);
        let stop = CleanStop { segment, offset, next_group: self.next_group, next };
        Ok(self.world.manifest.record(ManifestChange::Stopped(stop))?)
    }
}

/// Makes durable what is written without a sync otherwise.
fn sync_if_unsynced(world: &World, segment: &Segment) -> Result<(), Error> {
    if world.config.durability != Durability::Os {
        return Ok(());
    }
    let synced = segment.file.sync();
    synced.map_err(|source| Error::Io { op: "sync", segment: segment.number, source })
}

/// Answers which frames are written and at which positions; allots those.
fn decide(world: &World, items: Vec<Item>, now_ms: u64) -> Decided {
    let mut decided = Decided::default();
    for item in items {
        match item {
            Item::Append { frames, answer } => {
                let results =
                    frames.into_iter().map(|frame| decided.place(world, frame, now_ms)).collect();
                decided.appends.push((answer, results));
            }
            Item::Close { ids, answer } => {
                let last = ids.iter().map(|&id| close(world, id)).collect();
                decided.closes.push((answer, last));
            }
        }
    }
    decided
}

/// Closes a shard; answers its last position. Closing twice is fine, and so is a shard that is gone.
fn close(world: &World, id: ShardLogId) -> Position {
    let Some(shard) = world.shards.get(id) else { return 0 };
    let mut writer = shard.writer.lock();
    writer.closed = true;
    // Positions that were left out and have none behind them were given to nobody.
    let end = if writer.gap { shard.visible_end() } else { writer.next };
    end - 1
}

impl Decided {
    fn place(&mut self, world: &World, frame: Frame, now_ms: u64) -> AppendResult {
        let Some(shard) = world.shards.get(frame.shard) else {
            return AppendResult::Refused(Refusal::NotOwner);
        };
        let mut writer = shard.writer.lock();
        if writer.closed {
            return AppendResult::Refused(Refusal::Closed);
        }
        let first = writer.next;
        writer.next += u64::from(frame.records);
        let flags = if mem::take(&mut writer.gap) { FLAG_GAP } else { 0 };
        drop(writer);
        self.placed.push(Placed { shard, frame, first, flags, head: Head::empty(0) });
        AppendResult::Written { first, arrival_ms: now_ms }
    }

    fn answer(&mut self) {
        for (answer, results) in self.appends.drain(..) {
            let _ = answer.send(results);
        }
        for (answer, last) in self.closes.drain(..) {
            let _ = answer.send(Ok(last));
        }
    }

    /// The outcome of everything here is unknown.
    fn refuse(self) {
        for (answer, mut results) in self.appends {
            results
                .iter_mut()
                .for_each(|result| *result = AppendResult::Refused(Refusal::Poisoned));
            let _ = answer.send(results);
        }
        for (answer, _) in self.closes {
            let _ = answer.send(Err(Refusal::Poisoned));
        }
    }
}
