//! Reads by position: from the tail in memory, or from segments on a small pool of threads.
//!
//! Every frame that comes from a disk is checked before anyone sees it. A position that should be there and is not
//! is damage and answered as such, never skipped.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, atomic::Ordering},
};

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::{
    Page, Position, ReadError, ReadRequest, Threads,
    format::{FLAG_GAP, HEAD_BYTES, Head},
    frame::FrameView,
};

use super::{
    World,
    shard::{DAMAGED, Index, IndexedRun, Shard},
};

/// Bytes of segments that one read looks at, unless one frame is larger.
const STRETCH_BYTES_MAX: u64 = 12 << 20;

/// Where the answer of a read comes from.
pub(crate) enum Plan {
    /// From memory.
    Ready(Page),
    /// From these runs, in order; `effective_ms` is the largest arrival before the first of them.
    Cold { runs: Vec<IndexedRun>, start: Position, effective_ms: u64 },
    /// The position should be there and is not.
    Damaged { first: Position, end: Position },
}

/// Decides where the records from `request.from` come from.
pub(crate) fn plan(shard: &Shard, request: &ReadRequest) -> Plan {
    let index = shard.index.read();
    let visible_end = shard.visible_end();
    let page = |frames, next| {
        let last_arrival_ms = shard.arrival_ms_max();
        Plan::Ready(Page { frames, next, visible_end, last_arrival_ms })
    };
    if request.from >= visible_end {
        return page(Vec::new(), request.from);
    }
    let live = index.runs.partition_point(|run| run.effective_ms < request.cutoff_ms);
    let Some(oldest) = index.runs.get(live) else {
        // All is expired; its segments may be gone.
        return page(Vec::new(), visible_end);
    };
    let start = request.from.max(oldest.run.first);
    if index.tail.front().is_some_and(|oldest| oldest.view.first() <= start) {
        let (frames, next) = from_tail(&index, start, request);
        return page(frames, next);
    }
    let at = index.runs.partition_point(|run| run.run.last < start);
    match index.runs.get(at) {
        None => Plan::Damaged { first: start, end: visible_end },
        Some(_) => cold_plan(&index, at, start, request),
    }
}

/// Where a shard's records from a moment on begin.
pub(crate) enum Moment {
    /// At this position.
    At(Position),
    /// In or behind this run; `effective_ms` is the largest arrival before it.
    In { run: IndexedRun, effective_ms: u64 },
}

/// Finds the first position whose effective time is `ms` or later.
pub(crate) fn moment(shard: &Shard, ms: u64) -> Moment {
    let index = shard.index.read();
    let visible_end = shard.visible_end();
    let at = index.runs.partition_point(|run| run.effective_ms < ms);
    let Some(run) = index.runs.get(at) else { return Moment::At(visible_end) };
    let in_memory = index.tail.front().is_some_and(|oldest| oldest.view.first() <= run.run.first);
    if in_memory {
        let at = index.tail.partition_point(|frame| frame.effective_ms < ms);
        return Moment::At(index.tail.get(at).map_or(visible_end, |frame| frame.view.first()));
    }
    let effective_ms = at.checked_sub(1).map_or(0, |before| index.runs[before].effective_ms);
    Moment::In { run: *run, effective_ms }
}

/// Reads a run to find the first position in it whose effective time is `ms` or later.
pub(crate) fn moment_in(
    world: &World,
    shard: &Shard,
    run: IndexedRun,
    mut effective_ms: u64,
    ms: u64,
) -> Result<Position, ReadError> {
    for view in read_stretch(world, shard, &[run])?.unwrap_or_default() {
        effective_ms = effective_ms.max(view.arrival_ms());
        if effective_ms >= ms {
            return Ok(view.first());
        }
    }
    // Damaged or gone: whoever reads from the run's start is told which.
    Ok(run.run.first)
}

fn from_tail(index: &Index, start: Position, request: &ReadRequest) -> (Vec<FrameView>, Position) {
    let mut frames = Vec::new();
    let (mut next, mut records, mut bytes) = (start, 0, 0);
    let at = index.tail.partition_point(|frame| frame.view.end() <= start);
    for frame in index.tail.range(at..) {
        if records >= request.records_max || bytes >= request.bytes_max {
            break;
        }
        next = frame.view.end();
        if frame.effective_ms < request.cutoff_ms {
            continue;
        }
        let skipped = start.saturating_sub(frame.view.first());
        records += (frame.view.end() - frame.view.first() - skipped) as usize;
        bytes += frame.view.len();
        frames.push(frame.view.clone());
    }
    (frames, next)
}

fn cold_plan(index: &Index, at: usize, start: Position, request: &ReadRequest) -> Plan {
    let mut runs = Vec::new();
    let (mut records, mut bytes) = (0, 0);
    for run in index.runs.range(at..) {
        if !runs.is_empty()
            && (records >= request.records_max
                || bytes + u64::from(run.run.bytes) > STRETCH_BYTES_MAX
                || bytes as usize >= request.bytes_max)
        {
            break;
        }
        let skipped = start.saturating_sub(run.run.first);
        records += (u64::from(run.run.records).saturating_sub(skipped)) as usize;
        bytes += u64::from(run.run.bytes);
        runs.push(*run);
    }
    let effective_ms = at.checked_sub(1).map_or(0, |before| index.runs[before].effective_ms);
    Plan::Cold { runs, start, effective_ms }
}

/// Reads the planned runs.
pub(crate) fn read_cold(
    world: &World,
    shard: &Shard,
    request: &ReadRequest,
    runs: &[IndexedRun],
    start: Position,
    mut effective_ms: u64,
) -> Result<Page, ReadError> {
    let mut frames = Vec::new();
    let mut next = start;
    // Neighbouring runs are one read.
    for stretch in runs.chunk_by(|a, b| {
        a.segment == b.segment && a.run.offset + u64::from(a.run.bytes) == b.run.offset
    }) {
        let promised = stretch.last().expect("a chunk has a run").run.last + 1;
        let Some(found) = read_stretch(world, shard, stretch)? else {
            next = promised;
            continue;
        };
        for view in found {
            effective_ms = effective_ms.max(view.arrival_ms());
            if view.end() <= next {
                continue;
            }
            if view.first() > next && !view.follows_gap() {
                return damaged_or_partial(shard, request, frames, next, view.first());
            }
            next = view.end();
            if effective_ms >= request.cutoff_ms {
                frames.push(view);
            }
        }
        if next < promised {
            return damaged_or_partial(shard, request, frames, next, promised);
        }
    }
    Ok(page(shard, frames, next))
}

fn page(shard: &Shard, frames: Vec<FrameView>, next: Position) -> Page {
    Page { frames, next, visible_end: shard.visible_end(), last_arrival_ms: shard.arrival_ms_max() }
}

/// What stands before the damage is given; a read that begins at it fails.
fn damaged_or_partial(
    shard: &Shard,
    request: &ReadRequest,
    frames: Vec<FrameView>,
    next: Position,
    end: Position,
) -> Result<Page, ReadError> {
    if !frames.is_empty() {
        return Ok(page(shard, frames, next));
    }
    tracing::error!(shard = request.shard.0, first = next, end, "damaged records are not served");
    Err(ReadError::Damaged { shard: request.shard, first: next, end })
}

/// All whole frames of the shard in a stretch of one segment; `None` if the segment is gone, and all in it expired.
fn read_stretch(
    world: &World,
    shard: &Shard,
    stretch: &[IndexedRun],
) -> Result<Option<Vec<FrameView>>, ReadError> {
    let (first, last) = (stretch[0], stretch[stretch.len() - 1]);
    if first.segment == DAMAGED {
        return Ok(Some(Vec::new()));
    }
    let Some(segment) = world.segments.get(first.segment) else { return Ok(None) };
    let length = last.run.offset + u64::from(last.run.bytes) - first.run.offset;
    let mut bytes = vec![0; length as usize];
    match segment.file.read_at(&mut bytes, first.run.offset) {
        // A file that ends early is damage, which the caller tells from the missing positions.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Some(Vec::new())),
        Err(source) => return Err(ReadError::Io { segment: segment.number, source }),
        Ok(()) => {}
    }
    let bytes = Bytes::from(bytes);
    let mut frames = Vec::new();
    let mut frames_lost_at = None;
    let mut at = 0;
    while at + HEAD_BYTES <= bytes.len() {
        let Ok(head) = Head::decode(segment.salt, &bytes[at..]) else {
            // The bad bytes may belong to another shard: look on for the next head.
            if frames_lost_at.replace(at).is_none() {
                let offset = first.run.offset + at as u64;
                tracing::error!(segment = segment.number, offset, "damaged bytes are passed over");
                world.damage_met.fetch_add(1, Ordering::Relaxed);
            }
            at += crate::format::ALIGN;
            continue;
        };
        let end = at + head.frame_bytes() as usize;
        if head.shard == shard.id && head.records > 0 {
            let frame = bytes.slice(at..end.min(bytes.len()));
            frames.extend(FrameView::checked(head, frame));
        }
        at = end;
    }
    Ok(Some(frames))
}

impl FrameView {
    /// True if positions before it were never given to records.
    fn follows_gap(&self) -> bool {
        self.flags() & FLAG_GAP != 0
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// A few threads that wait for cold reads; started by the first one.
pub(crate) struct Pool {
    threads: Threads,
    state: Arc<PoolState>,
}

#[derive(Default)]
struct PoolState {
    jobs: Mutex<Jobs>,
    changed: Condvar,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    threads: usize,
    idle: usize,
    stopping: bool,
}

impl Pool {
    const THREADS_MAX: usize = 4;

    pub fn new(threads: Threads) -> Pool {
        Pool { threads, state: Arc::default() }
    }

    /// Runs `work` off the caller's thread.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        if self.threads == Threads::Stepped {
            return Some(work());
        }
        let (answer, answered) = oneshot::channel();
        self.submit(Box::new(move || {
            let _ = answer.send(work());
        }));
        answered.await.ok()
    }

    fn submit(&self, job: Job) {
        let mut jobs = self.state.jobs.lock();
        jobs.waiting.push_back(job);
        if jobs.idle == 0 && jobs.threads < Self::THREADS_MAX {
            let state = self.state.clone();
            let named = std::thread::Builder::new().name("journal-reader".to_owned());
            if named.spawn(move || state.serve()).is_ok() {
                jobs.threads += 1;
            }
        }
        self.state.changed.notify_one();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.state.jobs.lock().stopping = true;
        self.state.changed.notify_all();
    }
}

impl PoolState {
    fn serve(&self) {
        let mut jobs = self.jobs.lock();
        while !jobs.stopping {
            if let Some(job) = jobs.waiting.pop_front() {
                drop(jobs);
                job();
                jobs = self.jobs.lock();
            } else {
                jobs.idle += 1;
                self.changed.wait(&mut jobs);
                jobs.idle -= 1;
            }
        }
    }
}
