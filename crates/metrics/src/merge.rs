//! Several blocks of one span become one: merged, and rolled up if that is due.
//!
//! The series are walked in the order of their numbers, in all blocks at once; the points of one series are in memory at
//! a time.

use std::{io, sync::Arc};

use flate2::Compression;
use nautilus_stats::Distribution;

use crate::{
    block::{Block, BlockWriter, ChunkEntry, ReadError},
    core::Core,
    tier::Tier,
};

/// What is to be made of some blocks of one span.
pub(crate) struct Merge {
    pub blocks: Vec<Arc<Block>>,
    /// The tier of the result; `None` if all of it is too old.
    pub target: Option<Tier>,
}

/// Finds what is due: what is to be rolled up or removed first, then what is in too many blocks.
pub(crate) fn find(blocks: &[Arc<Block>], now_s: u32, merge_blocks: usize) -> Option<Merge> {
    let mut blocks = blocks.to_vec();
    let span = |block: &Block| (block.entry.tier, block.entry.span_s);
    blocks.sort_by_key(|block| (span(block), block.entry.bytes));
    let mut spans = blocks.chunk_by(|one, other| span(one) == span(other));
    let aged = spans.clone().find_map(|blocks| {
        let entry = blocks.first()?.entry;
        // The last hour of the span.
        let target = Tier::of_age(entry.end_s() - 1, now_s);
        (target != Some(entry.tier) && target.is_none_or(|target| target > entry.tier))
            .then(|| Merge { blocks: blocks.to_vec(), target })
    });
    aged.or_else(|| {
        spans.find_map(|blocks| {
            let entry = blocks.first()?.entry;
            let is_over = entry.end_s() < now_s;
            let run = run_of_like_size(blocks.iter().map(|block| block.entry.bytes));
            let wanted = if is_over { 2 } else { merge_blocks };
            let run = if blocks.len() >= 3 * merge_blocks {
                blocks.len().min(2 * merge_blocks)
            } else {
                run
            };
            (run >= wanted)
                .then(|| Merge { blocks: blocks[..run].to_vec(), target: Some(entry.tier) })
        })
    })
}

/// Series that are merged, within some milliseconds, before it is looked at what else is due.
const SERIES_PER_BEAT: u64 = 64;

/// How many of the smallest to merge, smallest first: none that is much larger than all before it together, so that what
/// is large is not written again for little.
fn run_of_like_size(sizes: impl Iterator<Item = u64>) -> usize {
    const MUCH: u64 = 4;
    const SMALL_BYTES: u64 = 64 << 10; // what costs hardly more than its file
    let mut all = 0;
    let is_like = |size: &u64| {
        let is_like = all == 0 || *size <= (all * MUCH).max(SMALL_BYTES);
        all += size;
        is_like
    };
    sizes.take_while(is_like).count()
}

/// One of the blocks on the way.
struct Cursor<'a> {
    block: &'a Block,
    page: usize,
    /// Of the page before, the last first.
    entries: Vec<ChunkEntry>,
}

impl Cursor<'_> {
    fn peek(&mut self, core: &Core) -> io::Result<Option<ChunkEntry>> {
        while self.entries.is_empty() && self.page < self.block.page_count() {
            match self.block.entries(self.page) {
                Ok(entries) => self.entries = entries,
                Err(ReadError::Damaged) => core.tell_damage(self.block),
                Err(ReadError::Io(error)) => return Err(error),
            }
            self.entries.reverse();
            self.page += 1;
        }
        Ok(self.entries.last().copied())
    }
}

/// Writes the one block that these become in `target`; `None` if they have no points. What is damaged is left out.
pub(crate) fn write(
    core: &Core,
    blocks: &[Arc<Block>],
    target: Tier,
    level: Compression,
) -> io::Result<Option<Block>> {
    let Some(first) = blocks.first() else { return Ok(None) };
    let span_s = target.span_of(first.entry.span_s);
    let number = core.next_file();
    let written = || {
        let mut out = BlockWriter::create(&*core.disk, number, target, span_s, level)?;
        let cursor = |block| Cursor { block, page: 0, entries: Vec::new() };
        let mut cursors: Vec<_> = blocks.iter().map(|block| cursor(&**block)).collect();
        let mut points: Vec<(u32, Distribution)> = Vec::new();
        for series in 0u64.. {
            if core.is_closing() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            if series % SERIES_PER_BEAT == 0 {
                core.beat();
            }
            let mut id = None;
            for cursor in &mut cursors {
                let next = cursor.peek(core)?.map(|entry| entry.id);
                id = [id, next].into_iter().flatten().min();
            }
            let Some(id) = id else { break };
            points.clear();
            for cursor in &mut cursors {
                let Some(entry) = cursor.entries.pop_if(|entry| entry.id == id) else { continue };
                let read = cursor
                    .block
                    .read_chunk(entry, |at_s, samples| points.push((target.floor(at_s), samples)));
                match read {
                    Ok(()) => {}
                    Err(ReadError::Damaged) => core.tell_damage(cursor.block),
                    Err(ReadError::Io(error)) => return Err(error),
                }
            }
            merge_points(&mut points);
            out.add(id, points.iter().map(|(at_s, samples)| (*at_s, samples)))?;
        }
        out.finish()
    };
    let block = written();
    if !matches!(block, Ok(Some(_))) {
        // If it stays, the next start removes it.
        let _ = core.disk.remove(&crate::block::path(number));
    }
    block
}

/// Puts points in order, and those of one period together.
pub(crate) fn merge_points(points: &mut Vec<(u32, Distribution)>) {
    points.sort_by_key(|(at_s, _)| *at_s);
    points.dedup_by(|next, kept| {
        let is_same = next.0 == kept.0;
        if is_same {
            kept.1.merge(&next.1);
        }
        is_same
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_large_is_not_written_again_for_little() {
        let table: [(&[u64], usize); 6] = [
            (&[], 0),
            (&[1_000_000], 1),
            (&[1_000_000, 1_000_000, 4_000_000], 3),
            (&[1_000_000, 9_000_000], 1),
            (&[100, 200, 60_000], 3),
            (&[1_000_000, 1_000_000, 1_000_000, 90_000_000], 3),
        ];
        for (sizes, run) in table {
            assert_eq!(run_of_like_size(sizes.iter().copied()), run, "{sizes:?}");
        }
    }
}
