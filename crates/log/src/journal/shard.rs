//! One shard as a view of the journal: where its records stand, and the newest of them in memory.
//!
//! The committer is the only writer. Always: `visible_end` moves only after the group is durable, and behind the
//! index; spans, runs and tail frames stand in the order of their positions, spans before runs.
//!
//! A record's effective time is the largest arrival at or before it, where what arrived in the future counts as arrived
//! when the clock was seen to be right. `times.rs` works that out again whenever the clock says that it was wrong.
//!
//! Of a sealed segment a shard keeps one span, whatever stands there: the runs are in the segment's footer, and
//! `footers.rs` reads that when it is needed.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use crate::{NextPosition, Position, ShardLogId, ShardTail, format::Run, frame::FrameView};

/// A shard's log.
#[derive(Debug)]
pub(crate) struct Shard {
    pub id: ShardLogId,
    visible_end: AtomicU64,
    arrival_ms_max: AtomicU64,
    /// The largest arrival of all, whatever the clock was.
    raw_ms_max: AtomicU64,
    /// When effective times must be looked at again: some arrival is in the future no more.
    pub(super) unsettled_from_ms: AtomicU64,
    /// Everything that arrived before is expired, as the journal was told last.
    cutoff_ms: AtomicU64,
    /// Every position before is expired for good, whatever a clock says later.
    floor: AtomicU64,
    pub index: RwLock<Index>,
    pub writer: Mutex<Writer>,
    /// Rung when records have become visible, if anybody watches.
    pub appended: Notify,
}

/// What only the committer uses.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    pub next: Position,
    /// The next frame says that the positions before it were never given.
    pub gap: bool,
    pub closed: bool,
    /// The shard's last run in the active segment, as an index into the segment's runs.
    pub open_run: Option<(u64, usize)>,
    /// Bytes of the shard's frames in the segment that is not sealed.
    pub segment_bytes: u64,
}

/// Where a shard's records stand.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// In sealed segments.
    pub spans: VecDeque<Span>,
    /// In the segment that takes the groups.
    pub runs: VecDeque<IndexedRun>,
    /// In memory.
    pub tail: VecDeque<TailFrame>,
    /// How many [`ShardWatch`](super::ShardWatch)es there are. Under the index's lock, so that a watch that begins
    /// while records become visible either sees them or is rung.
    pub watches: usize,
}

/// The segment of a run whose records are known to be lost.
pub(crate) const DAMAGED: u64 = 0;

/// All positions of a shard that one sealed segment has, or should have: what is missing between is damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub segment: u64,
    pub first: Position,
    /// Inclusive.
    pub last: Position,
    /// Arrivals of its first record, and the largest one.
    pub first_arrival_ms: u64,
    pub arrival_ms_max: u64,
    /// The effective time before the span.
    pub effective_before_ms: u64,
    /// And up to its end.
    pub effective_ms: u64,
}

/// How many positions are left out where it is not known which were given.
pub(crate) const SKIPPED: Position = 1 << 32;

/// A run and its segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IndexedRun {
    pub segment: u64,
    pub run: Run,
    /// The effective time at the run's end: what decides whether the run is expired.
    pub effective_ms: u64,
}

/// A frame that is served without the disk.
#[derive(Debug, Clone)]
pub(crate) struct TailFrame {
    pub view: FrameView,
    /// Its effective time.
    pub effective_ms: u64,
    /// The largest arrival in the shard up to the frame, whatever the clock was.
    pub raw_ms: u64,
}

impl Shard {
    pub fn new(next: NextPosition) -> Arc<Shard> {
        Arc::new(Shard {
            id: next.shard,
            visible_end: AtomicU64::new(next.next),
            arrival_ms_max: AtomicU64::new(next.arrival_ms_max),
            raw_ms_max: AtomicU64::new(0),
            unsettled_from_ms: AtomicU64::new(0),
            cutoff_ms: AtomicU64::new(0),
            floor: AtomicU64::new(1),
            index: RwLock::default(),
            writer: Mutex::new(Writer { next: next.next, ..Writer::default() }),
            appended: Notify::new(),
        })
    }

    /// The position after the newest visible record.
    pub fn visible_end(&self) -> Position {
        self.visible_end.load(Ordering::Acquire)
    }

    /// The effective time of the newest visible record, Unix ms.
    pub fn arrival_ms_max(&self) -> u64 {
        self.arrival_ms_max.load(Ordering::Acquire)
    }

    fn raw_ms_max(&self) -> u64 {
        self.raw_ms_max.load(Ordering::Acquire)
    }

    pub(super) fn set_arrival_ms_max(&self, ms: u64) {
        self.arrival_ms_max.store(ms, Ordering::Release);
    }

    /// Where it ends now.
    pub fn tail(&self) -> ShardTail {
        let visible_end = self.visible_end();
        let last_arrival_ms = self.raw_ms_max().max(self.arrival_ms_max());
        ShardTail { visible_end, last_arrival_ms }
    }

    /// What the shard's next record will be, left out positions included. For the committer.
    pub fn next_position(&self) -> NextPosition {
        NextPosition {
            shard: self.id,
            next: self.writer.lock().next,
            arrival_ms_max: self.arrival_ms_max(),
        }
    }

    pub fn cutoff_ms(&self) -> u64 {
        self.cutoff_ms.load(Ordering::Acquire)
    }

    /// Everything that arrived before `cutoff_ms` is expired. A clock that is set back moves that back, but not the floor:
    /// what comes later is alive, and what was expired stays so.
    pub fn expire_before(&self, cutoff_ms: u64) {
        self.cutoff_ms.store(cutoff_ms, Ordering::Release);
        let index = self.index.read();
        self.trim_to(index.oldest_from(cutoff_ms).unwrap_or(self.visible_end()));
    }

    /// The first position that may be alive.
    pub fn floor(&self) -> Position {
        self.floor.load(Ordering::Acquire)
    }

    /// Every position before `end` is expired for good.
    pub fn trim_to(&self, end: Position) {
        self.floor.fetch_max(end, Ordering::AcqRel);
    }

    /// Makes durable frames visible. `runs` says where they stand: the first may be the last known one, grown.
    pub fn publish(&self, segment: u64, runs: &[Run], frames: impl Iterator<Item = FrameView>) {
        let mut frames = frames.peekable();
        let mut index = self.index.write();
        // One reading of the clock for the whole group.
        let now_ms = frames.peek().map_or(0, FrameView::arrival_ms);
        if frames.peek().is_some() {
            self.settle_for_arrival(&mut index, now_ms);
        }
        let mut run_effective_ms = self.arrival_ms_max();
        for run in runs {
            run_effective_ms = run_effective_ms.max(run.arrival_ms_max.min(now_ms));
            index.put_run(IndexedRun { segment, run: *run, effective_ms: run_effective_ms });
        }
        let mut effective_ms = self.arrival_ms_max();
        let (mut end, mut raw_ms) = (self.visible_end(), self.raw_ms_max());
        for view in frames {
            effective_ms = effective_ms.max(view.arrival_ms());
            end = view.end();
            raw_ms = raw_ms.max(view.arrival_ms());
            index.tail.push_back(TailFrame { view, effective_ms, raw_ms });
        }
        self.raw_ms_max.store(raw_ms, Ordering::Release);
        self.arrival_ms_max.store(effective_ms, Ordering::Release);
        self.visible_end.store(end, Ordering::Release);
        let is_watched = index.watches > 0;
        drop(index);
        if is_watched {
            self.appended.notify_waiters();
        }
    }

    /// Takes over what recovery found of the shard in one segment.
    pub fn adopt_run(&self, segment: u64, run: Run) {
        let effective_ms = self.arrival_ms_max().max(run.arrival_ms_max);
        self.arrival_ms_max.store(effective_ms, Ordering::Release);
        self.visible_end.fetch_max(run.last + 1, Ordering::AcqRel);
        let mut index = self.index.write();
        self.raw_ms_max.fetch_max(run.arrival_ms_max, Ordering::AcqRel);
        index.put_run(IndexedRun { segment, run, effective_ms });
        drop(index);
        let mut writer = self.writer.lock();
        writer.next = writer.next.max(run.last + 1);
    }

    /// Notes that the positions from `first` to before `end` stood in a sealed segment and are lost. They count as
    /// lost until `arrival_ms`, a time that they surely arrived before, has expired.
    pub fn adopt_lost_span(&self, first: Position, end: Position, arrival_ms: u64) {
        let lost = Run {
            shard: self.id,
            first,
            last: end - 1,
            first_arrival_ms: arrival_ms,
            arrival_ms_max: arrival_ms,
            offset: 0,
            bytes: 0,
            records: 0,
        };
        self.adopt_span(DAMAGED, &lost);
    }

    /// Leaves out positions that may have been given by a life whose traces are damaged: at least [`SKIPPED`], and up to
    /// where that is done for the `times`th time.
    pub fn skip_positions(&self, times: u64) {
        let mut writer = self.writer.lock();
        writer.next = times * SKIPPED + writer.next % SKIPPED;
        writer.gap = true;
    }

    /// Takes over a sealed segment's positions.
    pub fn adopt_span(&self, segment: u64, span: &Run) {
        let Run { first, last, first_arrival_ms, arrival_ms_max, .. } = *span;
        let effective_before_ms = self.arrival_ms_max();
        let effective_ms = effective_before_ms.max(arrival_ms_max);
        self.arrival_ms_max.store(effective_ms, Ordering::Release);
        self.visible_end.fetch_max(last + 1, Ordering::AcqRel);
        let mut index = self.index.write();
        self.raw_ms_max.fetch_max(arrival_ms_max, Ordering::AcqRel);
        index.spans.push_back(Span {
            segment,
            first,
            last,
            first_arrival_ms,
            arrival_ms_max,
            effective_before_ms,
            effective_ms,
        });
        drop(index);
        let mut writer = self.writer.lock();
        writer.next = writer.next.max(last + 1);
    }

    /// Notes that the positions from `first` to before `end` were given to records that are lost.
    pub fn adopt_damage(&self, first: Position, end: Position) {
        let run = Run {
            shard: self.id,
            first,
            last: end - 1,
            first_arrival_ms: 0,
            arrival_ms_max: self.arrival_ms_max(),
            offset: 0,
            bytes: 0,
            records: 0,
        };
        self.adopt_run(DAMAGED, run);
    }

    /// Takes over where the records ended that are gone: whatever was left out before, they were there.
    pub fn adopt_trimmed(&self, end: Position) {
        self.visible_end.fetch_max(end, Ordering::AcqRel);
        self.trim_to(end);
        let mut writer = self.writer.lock();
        writer.next = writer.next.max(end);
    }

    /// Takes over a next position from a footer's table.
    pub fn adopt_next(&self, next: NextPosition) {
        self.arrival_ms_max.fetch_max(next.arrival_ms_max, Ordering::AcqRel);
        let mut writer = self.writer.lock();
        if next.next >= self.visible_end().saturating_add(SKIPPED) {
            // Positions were left out and none behind them was given yet: there is nothing to see there.
            writer.gap = true;
        } else {
            self.visible_end.fetch_max(next.next, Ordering::AcqRel);
        }
        writer.next = writer.next.max(next.next);
    }
}

impl Index {
    fn put_run(&mut self, indexed: IndexedRun) {
        match self.runs.back_mut() {
            Some(last)
                if last.segment == indexed.segment && last.run.first == indexed.run.first =>
            {
                *last = indexed;
            }
            _ => self.runs.push_back(indexed),
        }
    }

    /// The active segment was sealed: its footer has the runs now.
    pub fn seal(&mut self, segment: u64) {
        let (Some(first), Some(last)) = (self.runs.front(), self.runs.back()) else { return };
        let span = Span {
            segment,
            first: first.run.first,
            last: last.run.last,
            first_arrival_ms: first.run.first_arrival_ms,
            arrival_ms_max: self.runs.iter().map(|run| run.run.arrival_ms_max).max().unwrap_or(0),
            effective_before_ms: self.spans.back().map_or(0, |span| span.effective_ms),
            effective_ms: last.effective_ms,
        };
        self.runs = VecDeque::new();
        self.spans.push_back(span);
    }

    /// The largest arrival in the shard before what a sealed segment has of it.
    pub fn effective_before(&self, segment: u64) -> Option<u64> {
        let span = self.spans.iter().find(|span| span.segment == segment);
        span.map(|span| span.effective_before_ms)
    }

    /// The position behind the last one that a sealed segment has.
    pub fn end_in(&self, segment: u64) -> Option<Position> {
        self.spans.iter().find(|span| span.segment == segment).map(|span| span.last + 1)
    }

    /// What is alive of a segment stands in another one now, from `first` on.
    pub fn move_span(&mut self, from: u64, to: u64, first: Position) {
        if let Some(span) = self.spans.iter_mut().find(|span| span.segment == from) {
            (span.segment, span.first) = (to, first);
        }
    }

    /// Forgets a segment that goes; answers the position behind the last one that stood there.
    pub fn drop_segment(&mut self, segment: u64) -> Option<Position> {
        let at = self.spans.iter().position(|span| span.segment == segment)?;
        self.spans.remove(at).map(|span| span.last + 1)
    }
}

/// All living shards.
#[derive(Debug, Default)]
pub(crate) struct ShardTable {
    map: ArcSwap<HashMap<ShardLogId, Arc<Shard>>>,
    change: Mutex<()>,
}

impl ShardTable {
    pub fn new(shards: impl IntoIterator<Item = Arc<Shard>>) -> ShardTable {
        let map: HashMap<_, _> = shards.into_iter().map(|shard| (shard.id, shard)).collect();
        ShardTable { map: ArcSwap::from_pointee(map), change: Mutex::new(()) }
    }

    pub fn get(&self, id: ShardLogId) -> Option<Arc<Shard>> {
        self.map.load().get(&id).cloned()
    }

    pub fn count(&self) -> usize {
        self.map.load().len()
    }

    /// All of them, by id.
    pub fn all(&self) -> Vec<Arc<Shard>> {
        let mut shards: Vec<_> = self.map.load().values().cloned().collect();
        shards.sort_unstable_by_key(|shard| shard.id);
        shards
    }

    pub fn insert(&self, ids: &[ShardLogId]) {
        self.edit(|map| {
            for &id in ids {
                map.entry(id).or_insert_with(|| {
                    Shard::new(NextPosition { shard: id, next: 1, arrival_ms_max: 0 })
                });
            }
        });
    }

    pub fn remove(&self, ids: &[ShardLogId]) {
        self.edit(|map| {
            for id in ids {
                map.remove(id);
            }
        });
    }

    fn edit(&self, edit: impl FnOnce(&mut HashMap<ShardLogId, Arc<Shard>>)) {
        let _one_at_a_time = self.change.lock();
        let mut map = HashMap::clone(&self.map.load());
        edit(&mut map);
        self.map.store(Arc::new(map));
    }
}
