//! What a journal without a disk keeps: everything, up to its bytes, until it is expired or deleted.
//!
//! Frames that are dead go soon, not only when memory is short. For the first touch of fresh memory costs more than all
//! else that is done for the records on it, and what went serves those that come.
//!
//! Owned by the committer, which is the only one that adds frames. What readers hold counts.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    ShardLogId,
    frame::{Alive, FRAME_OVERHEAD_BYTES},
};

use super::shard::{Shard, ShardTable};

/// Between two looks for what is dead.
const SWEPT_EVERY_MS: u64 = 500;

/// See the module.
pub(crate) struct InMemory {
    /// The shards that have frames, deleted ones too.
    shards: BTreeMap<ShardLogId, Arc<Shard>>,
    bytes_max: usize,
    alive: Arc<Alive>,
    /// Unix ms.
    swept_ms: u64,
}

impl InMemory {
    /// Has room as long as the frames in `alive` are at most `bytes_max`.
    pub fn new(bytes_max: usize, alive: Arc<Alive>) -> InMemory {
        InMemory { shards: BTreeMap::new(), bytes_max, alive, swept_ms: 0 }
    }

    /// Whether so many frames of so many bytes can be kept.
    pub fn has_room(
        &mut self,
        living: &ShardTable,
        frames: usize,
        bytes: usize,
        now_ms: u64,
    ) -> bool {
        if now_ms.abs_diff(self.swept_ms) >= SWEPT_EVERY_MS {
            self.swept_ms = now_ms;
            self.sweep(living);
        }
        self.alive.bytes() + bytes + frames * FRAME_OVERHEAD_BYTES <= self.bytes_max
    }

    /// Takes note that `shard` has frames.
    pub fn put(&mut self, shard: &Arc<Shard>) {
        self.shards.entry(shard.id).or_insert_with(|| shard.clone());
    }

    /// Lets go of what is expired, and of the shards that are deleted.
    pub fn sweep(&mut self, living: &ShardTable) {
        self.shards.retain(|&id, shard| {
            let lives = living.get(id).is_some();
            let floor = shard.floor();
            let mut index = shard.index.write();
            let dead = index.tail.partition_point(|frame| !lives || frame.view.end() <= floor);
            let gone: Vec<_> = index.tail.drain(..dead).collect();
            let empty = index.tail.is_empty();
            drop(index);
            // Readers need not wait while much memory is given back.
            drop(gone);
            !empty
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::tail::tests::{empty_shard, publish};

    const FRAME_BYTES: usize = 1000;

    #[test]
    fn what_is_expired_or_deleted_goes_before_memory_is_short() {
        let (a, b) = (empty_shard(1), empty_shard(2));
        let living = ShardTable::new([a.clone(), b.clone()]);
        let mut memory = InMemory::new(1 << 20, Arc::default());
        for shard in [&a, &a, &b, &a] {
            memory.put(shard);
            drop(publish(shard, FRAME_BYTES, &memory.alive));
        }
        let one = memory.alive.bytes() / 4;

        assert!(memory.has_room(&living, 1, FRAME_BYTES, 1000));
        assert_eq!(memory.alive.bytes(), 4 * one, "all is alive");
        a.trim_to(3);
        living.remove(&[b.id]);
        assert!(memory.has_room(&living, 1, FRAME_BYTES, 1001));
        assert_eq!(memory.alive.bytes(), 4 * one, "looked for just now");
        assert!(memory.has_room(&living, 1, FRAME_BYTES, 1500));
        assert_eq!(memory.alive.bytes(), one);
        assert_eq!(a.index.read().tail.len(), 1);
        a.trim_to(4);
        memory.sweep(&living);
        assert_eq!(memory.alive.bytes(), 0);
        assert!(memory.shards.is_empty());
    }

    #[test]
    fn what_a_reader_holds_is_not_free_yet() {
        let shard = empty_shard(1);
        let living = ShardTable::new([shard.clone()]);
        let mut memory = InMemory::new(2500, Arc::default());
        memory.put(&shard);
        let held = publish(&shard, FRAME_BYTES, &memory.alive);
        assert!(!memory.has_room(&living, 1, FRAME_BYTES, 1000));
        shard.trim_to(held.end());
        assert!(!memory.has_room(&living, 1, FRAME_BYTES, 2000));
        drop(held);
        assert!(memory.has_room(&living, 1, FRAME_BYTES, 2001));
    }
}
