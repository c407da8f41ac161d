//! Where the answer of a read comes from: the newest frames in memory, or runs in a segment.
//!
//! Decided under the shard's lock, without the disk. A position that should be there and is not is damage and answered as
//! such, never skipped.

use crate::{Page, Position, ReadRequest, frame::FrameView};

use super::shard::{DAMAGED, Index, IndexedRun, Shard, Span};

/// Bytes of segments that one read looks at, unless one frame is larger.
const STRETCH_BYTES_MAX: u64 = 12 << 20;

/// Where the answer of a read comes from.
pub(crate) enum Plan {
    /// From memory.
    Ready(Page),
    /// From these runs of the active segment.
    Runs(ColdRuns),
    /// From a sealed segment: its footer says where.
    Span { span: Span, start: Position },
    /// The position should be there and is not.
    Damaged { first: Position, end: Position },
}

/// Runs to read, in order.
pub(crate) struct ColdRuns {
    pub runs: Vec<IndexedRun>,
    pub start: Position,
    /// The largest arrival before the first run.
    pub effective_ms: u64,
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
    let Some(oldest) = index.oldest_from(request.cutoff_ms) else {
        return page(Vec::new(), visible_end);
    };
    // What stands before the floor may be gone, whatever clock the caller looked at.
    let start = request.from.max(oldest).max(shard.floor());
    if start >= visible_end {
        return page(Vec::new(), start);
    }
    if index.tail.front().is_some_and(|oldest| oldest.view.first() <= start) {
        let (frames, next) = from_tail(&index, start, request);
        return page(frames, next);
    }
    let at = index.spans.partition_point(|span| span.last < start);
    if let Some(span) = index.spans.get(at) {
        return match span {
            Span { segment: DAMAGED, last, .. } => Plan::Damaged { first: start, end: last + 1 },
            // A span that begins later has lost what was between: the reader finds that out.
            span => Plan::Span { span: *span, start },
        };
    }
    let at = index.runs.partition_point(|run| run.run.last < start);
    if index.runs.get(at).is_none() {
        return Plan::Damaged { first: start, end: visible_end };
    }
    let before = at.checked_sub(1).map(|before| index.runs[before].effective_ms);
    let effective_ms = before.unwrap_or(index.sealed_effective_ms());
    Plan::Runs(choose(index.runs.range(at..).copied(), start, effective_ms, request))
}

/// As many runs as the request wants.
pub(crate) fn choose(
    from: impl Iterator<Item = IndexedRun>,
    start: Position,
    effective_ms: u64,
    request: &ReadRequest,
) -> ColdRuns {
    let mut runs: Vec<IndexedRun> = Vec::new();
    let (mut records, mut bytes) = (0, 0);
    for run in from {
        let enough = records >= request.records_max as u64
            || bytes >= request.bytes_max as u64
            || bytes + u64::from(run.run.bytes) > STRETCH_BYTES_MAX;
        if enough && !runs.is_empty() {
            break;
        }
        records += u64::from(run.run.records).saturating_sub(start.saturating_sub(run.run.first));
        bytes += u64::from(run.run.bytes);
        runs.push(run);
    }
    ColdRuns { runs, start, effective_ms }
}

impl Index {
    /// Where the records begin that are not expired by `cutoff_ms`, to a span or run.
    pub fn oldest_from(&self, cutoff_ms: u64) -> Option<Position> {
        let at = self.spans.partition_point(|span| span.effective_ms < cutoff_ms);
        if let Some(span) = self.spans.get(at) {
            return Some(span.first);
        }
        let at = self.runs.partition_point(|run| run.effective_ms < cutoff_ms);
        if let Some(run) = self.runs.get(at) {
            return Some(run.run.first);
        }
        // Without a disk the newest frames are all there is.
        let at = self.tail.partition_point(|frame| frame.effective_ms < cutoff_ms);
        self.tail.get(at).map(|frame| frame.view.first())
    }

    fn sealed_effective_ms(&self) -> u64 {
        self.spans.back().map_or(0, |span| span.effective_ms)
    }
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

/// Where a shard's records from a moment on begin.
pub(crate) enum Moment {
    /// At this position.
    At(Position),
    /// In this run of the active segment, or behind it; the largest arrival before it.
    InRun(IndexedRun, u64),
    /// In this span.
    InSpan(Span),
}

/// Finds the first position whose effective time is `ms` or later.
pub(crate) fn moment(shard: &Shard, ms: u64) -> Moment {
    let index = shard.index.read();
    let visible_end = shard.visible_end();
    let Some(oldest) = index.oldest_from(ms) else { return Moment::At(visible_end) };
    if index.tail.front().is_some_and(|frame| frame.view.first() <= oldest) {
        let at = index.tail.partition_point(|frame| frame.effective_ms < ms);
        return Moment::At(index.tail.get(at).map_or(visible_end, |frame| frame.view.first()));
    }
    let at = index.spans.partition_point(|span| span.effective_ms < ms);
    match index.spans.get(at) {
        Some(Span { segment: DAMAGED, first, .. }) => Moment::At(*first),
        Some(span) => Moment::InSpan(*span),
        None => {
            let at = index.runs.partition_point(|run| run.effective_ms < ms);
            let before = at.checked_sub(1).map(|before| index.runs[before].effective_ms);
            Moment::InRun(index.runs[at], before.unwrap_or(index.sealed_effective_ms()))
        }
    }
}
