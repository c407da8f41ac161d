//! How many bytes of the newest frames stay in memory, over all shards: the oldest go first.

use std::{collections::VecDeque, sync::Arc};

use super::shard::Shard;

/// Memory that a kept frame costs beside its bytes.
const FRAME_OVERHEAD_BYTES: usize = 160;

/// See the module. Owned by the committer, which is the only one that adds frames.
pub(crate) struct TailBudget {
    kept: VecDeque<(Arc<Shard>, usize)>,
    bytes: usize,
    bytes_max: usize,
}

impl TailBudget {
    pub fn new(bytes_max: usize) -> TailBudget {
        TailBudget { kept: VecDeque::new(), bytes: 0, bytes_max }
    }

    /// Counts a frame of `shard` in, newer than all before.
    pub fn put(&mut self, shard: &Arc<Shard>, frame_bytes: usize) {
        let cost = frame_bytes + FRAME_OVERHEAD_BYTES;
        self.bytes += cost;
        self.kept.push_back((shard.clone(), cost));
    }

    /// Lets the oldest frames go until the rest fits.
    pub fn shrink(&mut self) {
        while self.bytes > self.bytes_max
            && let Some((shard, cost)) = self.kept.pop_front()
        {
            self.bytes -= cost;
            shard.index.write().tail.pop_front();
        }
    }
}
