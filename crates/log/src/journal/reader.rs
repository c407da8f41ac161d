//! Reads from segments, off the caller's thread: by the runs of the active one, by the footer of a sealed one.
//!
//! Every frame that comes from a disk is checked before anyone sees it.

use std::{io, sync::atomic::Ordering};

use bytes::Bytes;

use crate::{
    Page, Position, ReadError, ReadRequest,
    format::{FLAG_GAP, HEAD_BYTES, Head},
    frame::FrameView,
};

use super::{
    World,
    plan::{ColdRuns, choose},
    shard::{DAMAGED, IndexedRun, Shard, Span},
};

/// Reads from a sealed segment, at most to its end. `None` if it was removed or rewritten meanwhile.
pub(crate) fn read_span(
    world: &World,
    shard: &Shard,
    request: &ReadRequest,
    span: Span,
    start: Position,
) -> Result<Option<Page>, ReadError> {
    let end = span.last + 1;
    let Some(segment) = world.segments.get(span.segment) else { return Ok(None) };
    let footer = world.footers.get(&segment, &world.damage_met)?;
    let runs = footer.runs_of(shard.id);
    let at = runs.partition_point(|run| run.run.last < start);
    let before = at.checked_sub(1).map_or(0, |before| runs[before].effective_ms);
    let effective_ms = span.effective_before_ms.max(before);
    let cold = choose(runs[at..].iter().copied(), start, effective_ms, request);
    let Some(read) = read_runs(world, shard, request, &cold)? else { return Ok(None) };
    let last_run = at + cold.runs.len() == runs.len();
    if last_run && read.next < end && world.segments.get(span.segment).is_some() {
        // The segment has fewer positions than it should.
        return damaged_or_partial(shard, request, read.frames, read.next, end).map(Some);
    }
    Ok(Some(read))
}

/// Finds the first position in a span whose effective time is `ms` or later; `None` if the segment is not there any more.
pub(crate) fn moment_in_span(
    world: &World,
    shard: &Shard,
    span: Span,
    ms: u64,
) -> Result<Option<Position>, ReadError> {
    let Some(segment) = world.segments.get(span.segment) else { return Ok(None) };
    let footer = world.footers.get(&segment, &world.damage_met)?;
    let runs = footer.runs_of(shard.id);
    let at = runs.partition_point(|run| run.effective_ms < ms);
    let Some(run) = runs.get(at) else { return Ok(Some(span.first)) };
    let before = at.checked_sub(1).map(|before| &runs[before]);
    let effective_ms = before.map_or(0, |before| before.effective_ms);
    let next = before.map_or(span.first, |before| before.run.last + 1);
    let effective_ms = span.effective_before_ms.max(effective_ms);
    moment_behind(world, shard, *run, Behind { next, effective_ms }, ms)
}

/// Finds the first position in a run whose effective time is `ms` or later; `None` if the segment is not there any more.
pub(crate) fn moment_in_run(
    world: &World,
    shard: &Shard,
    run: IndexedRun,
    effective_ms: u64,
    ms: u64,
) -> Result<Option<Position>, ReadError> {
    moment_behind(world, shard, run, Behind { next: run.run.first, effective_ms }, ms)
}

/// What stands before a run: the position behind it, and the largest arrival.
struct Behind {
    next: Position,
    effective_ms: u64,
}

fn moment_behind(
    world: &World,
    shard: &Shard,
    run: IndexedRun,
    Behind { mut next, mut effective_ms }: Behind,
    ms: u64,
) -> Result<Option<Position>, ReadError> {
    let Some(found) = read_stretch(world, shard, &[run])? else { return Ok(None) };
    for view in found {
        effective_ms = effective_ms.max(view.arrival_ms());
        if effective_ms >= ms {
            // What is lost before it may be of that moment too: whoever reads from there is told.
            let lost = view.first() > next && !view.follows_gap();
            return Ok(Some(if lost { next } else { view.first() }));
        }
        next = view.end();
    }
    // It is lost.
    Ok(Some(next))
}

/// Reads planned runs. `None` if their segment was removed or rewritten meanwhile.
pub(crate) fn read_runs(
    world: &World,
    shard: &Shard,
    request: &ReadRequest,
    cold: &ColdRuns,
) -> Result<Option<Page>, ReadError> {
    let mut effective_ms = cold.effective_ms;
    let mut frames = Vec::new();
    let mut next = cold.start;
    // Neighbouring runs are one read.
    for stretch in cold.runs.chunk_by(|a, b| {
        a.segment == b.segment && a.run.offset + u64::from(a.run.bytes) == b.run.offset
    }) {
        let promised = stretch.last().expect("a chunk has a run").run.last + 1;
        let Some(found) = read_stretch(world, shard, stretch)? else {
            // What was found so far is whole; the rest stands elsewhere, or nowhere.
            return Ok((!frames.is_empty()).then(|| page(shard, frames, next)));
        };
        for view in found {
            effective_ms = effective_ms.max(view.arrival_ms());
            if view.end() <= next {
                continue;
            }
            if view.first() > next && !view.follows_gap() {
                return damaged_or_partial(shard, request, frames, next, view.first()).map(Some);
            }
            next = view.end();
            if effective_ms >= request.cutoff_ms {
                frames.push(view);
            }
        }
        if next < promised {
            return damaged_or_partial(shard, request, frames, next, promised).map(Some);
        }
    }
    Ok(Some(page(shard, frames, next)))
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
    // What cannot be read is damage, and so is a file that ends early: the caller tells it from the missing positions.
    let unreadable = match segment.read(&mut bytes, first.run.offset) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Some(Vec::new())),
        Err(source) => return Err(ReadError::Io { segment: segment.number, source }),
        Ok(unreadable) => !unreadable.is_empty(),
    };
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
    if unreadable || frames_lost_at.is_some() {
        world.damage_met.fetch_add(1, Ordering::Relaxed);
    }
    Ok(Some(frames))
}

impl FrameView {
    /// True if positions before it were never given to records.
    fn follows_gap(&self) -> bool {
        self.flags() & FLAG_GAP != 0
    }
}
