//! How many bytes of the newest frames stay in memory, over all shards: the oldest go first.

use std::{collections::VecDeque, sync::Arc};

use super::shard::{Shard, ShardTable};

/// Memory that a kept frame costs beside its bytes.
const FRAME_OVERHEAD_BYTES: usize = 160;

/// See the module. Owned by the committer, which is the only one that adds frames.
pub(crate) struct TailBudget {
    kept: VecDeque<(Arc<Shard>, usize)>,
    bytes: usize,
    bytes_max: usize,
    /// There is no disk behind: nothing that is alive goes.
    in_memory: bool,
    /// When the dead were looked for last, Unix ms: that walks through everything.
    searched_ms: u64,
}

impl TailBudget {
    pub fn new(bytes_max: usize, in_memory: bool) -> TailBudget {
        TailBudget { kept: VecDeque::new(), bytes: 0, bytes_max, in_memory, searched_ms: 0 }
    }

    /// Whether frames of so many bytes can be kept; in memory, after what is expired or deleted has gone.
    pub fn has_room(
        &mut self,
        shards: &ShardTable,
        frames: usize,
        bytes: usize,
        now_ms: u64,
    ) -> bool {
        const BETWEEN_SEARCHES_MS: u64 = 500;
        let wanted = bytes + frames * FRAME_OVERHEAD_BYTES;
        let full = self.bytes + wanted > self.bytes_max;
        if full && now_ms.abs_diff(self.searched_ms) >= BETWEEN_SEARCHES_MS {
            self.searched_ms = now_ms;
            self.drop_dead(shards);
        }
        self.bytes + wanted <= self.bytes_max
    }

    fn drop_dead(&mut self, shards: &ShardTable) {
        let mut freed = 0;
        // Of each shard the oldest frames go first, as its own queue has them.
        self.kept.retain(|(shard, cost)| {
            let mut index = shard.index.write();
            let oldest_ms = index.tail.front().map_or(0, |frame| frame.effective_ms);
            let dead = oldest_ms < shard.cutoff_ms() || shards.get(shard.id).is_none();
            if dead {
                index.tail.pop_front();
                freed += cost;
            }
            !dead
        });
        self.bytes -= freed;
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
            && !self.in_memory
            && let Some((shard, cost)) = self.kept.pop_front()
        {
            self.bytes -= cost;
            shard.index.write().tail.pop_front();
        }
    }
}
