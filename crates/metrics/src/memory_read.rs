//! A read of what is in memory, part by part, so that a put waits for one part at most, and nobody's thread is kept.
//!
//! Always: each sample that was there when the read began is in it once. Those that come meanwhile may be.
//!
//! Which tables and blocks there are is one moment's. A frozen table stays as it is. The open one grows: its points are taken
//! in their order, each as it is then. If it is frozen meanwhile, the rest is taken from the frozen one; if that is in blocks
//! by then, of which the read does not know, the read begins again. Tables live for minutes, and a read for milliseconds.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    SeriesId,
    block::Block,
    core::{Core, Generation, Tables},
    limits::{POINTS_PER_BREATH, ROW_BYTES_PER_BREATH},
    memtable::{MemTable, Point},
    periods::{Periods, Range},
    tier::Tier,
};

/// See the module.
pub(crate) struct MemoryRead {
    id: SeriesId,
    range: Range,
    periods: Periods,
    /// Those that are not read yet, the oldest first.
    frozen: VecDeque<Arc<Generation>>,
    /// The number of the table that was open, if it is not among them.
    open: Option<u64>,
    /// The last point that was taken out of the first of these tables.
    after: Option<(Tier, u32)>,
    blocks: Vec<Arc<Block>>,
}

impl MemoryRead {
    pub fn new(core: &Core, id: SeriesId, range: Range) -> MemoryRead {
        let (from_s, to_s) = range.seconds();
        let overlaps =
            |block: &&Arc<Block>| block.entry.last_s >= from_s && block.entry.first_s < to_s;
        let tables = core.tables.read();
        MemoryRead {
            id,
            range,
            periods: Periods::new(range),
            frozen: tables.frozen.clone(),
            open: Some(tables.open.number),
            after: None,
            blocks: tables.blocks.iter().filter(overlaps).cloned().collect(),
        }
    }

    /// Takes one part. False if that was the last one; before the next one, others should have the thread.
    pub fn go_on(&mut self, core: &Core) -> bool {
        let mut points = Vec::new();
        let mut bytes = 0;
        while points.len() < POINTS_PER_BREATH && bytes < ROW_BYTES_PER_BREATH {
            let is_at_end = match (self.frozen.front(), self.open) {
                (Some(frozen), _) => self.take(&frozen.table, &mut points, &mut bytes),
                (None, None) => {
                    self.add(points);
                    return false;
                }
                (None, Some(number)) => {
                    let tables = core.tables.read();
                    if tables.open.number == number {
                        self.take(&tables.open.table, &mut points, &mut bytes)
                    } else if let Some(frozen) = frozen(&tables, number) {
                        self.frozen.push_back(frozen);
                        self.open = None;
                        continue;
                    } else {
                        drop(tables);
                        *self = MemoryRead::new(core, self.id, self.range);
                        return true;
                    }
                }
            };
            if is_at_end {
                self.after = None;
                if self.frozen.pop_front().is_none() {
                    self.open = None;
                }
            } else {
                self.after = points.last().map(Point::key);
            }
        }
        self.add(points);
        true
    }

    /// Copies points until it is enough for one part. Whether the table has no more.
    fn take(&self, table: &MemTable, points: &mut Vec<Point>, bytes: &mut usize) -> bool {
        let (from_s, to_s) = self.range.seconds();
        for point in table.points(self.id, from_s, to_s, self.after) {
            points.push(point.clone());
            *bytes += point.bytes();
            if points.len() == POINTS_PER_BREATH || *bytes >= ROW_BYTES_PER_BREATH {
                return false;
            }
        }
        true
    }

    fn add(&mut self, points: Vec<Point>) {
        for point in points {
            self.periods.add(point.tier, point.at_s, || point.distribution());
        }
    }

    /// What memory knows, and the blocks that may know more, all of the moment when the read began.
    pub fn finish(self) -> (Periods, Vec<Arc<Block>>) {
        (self.periods, self.blocks)
    }
}

fn frozen(tables: &Tables, number: u64) -> Option<Arc<Generation>> {
    tables.frozen.iter().find(|generation| generation.number == number).cloned()
}
