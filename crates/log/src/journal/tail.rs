//! How many bytes of the newest frames stay in memory, over all shards: the oldest go first.
//!
//! A frame counts until its last reader drops it. So readers that are slow cost the others memory hits, and never
//! the server memory.

use std::{collections::VecDeque, sync::Arc};

use crate::frame::Alive;

use super::shard::Shard;

/// See the module. Owned by the committer, which is the only one that adds frames.
pub(crate) struct TailBudget {
    /// The shards of the frames that are kept, in the order in which those came.
    kept: VecDeque<Arc<Shard>>,
    bytes_max: usize,
    alive: Arc<Alive>,
}

impl TailBudget {
    /// Keeps frames as long as those in `alive` are at most `bytes_max`.
    pub fn new(bytes_max: usize, alive: Arc<Alive>) -> TailBudget {
        TailBudget { kept: VecDeque::new(), bytes_max, alive }
    }

    /// What kept frames must count in.
    pub fn alive(&self) -> &Arc<Alive> {
        &self.alive
    }

    /// Takes note of a frame of `shard`, newer than all before.
    pub fn put(&mut self, shard: &Arc<Shard>) {
        self.kept.push_back(shard.clone());
    }

    /// Lets the oldest frames go until what is alive fits, or only readers hold it.
    pub fn shrink(&mut self) {
        while self.alive.bytes() > self.bytes_max
            && let Some(shard) = self.kept.pop_front()
        {
            let oldest = shard.index.write().tail.pop_front();
            drop(oldest);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        FrameBuilder, FrameView, NextPosition, ShardLogId,
        frame::{FRAME_OVERHEAD_BYTES, Place},
    };

    pub fn empty_shard(id: u64) -> Arc<Shard> {
        Shard::new(NextPosition { shard: ShardLogId(id), next: 1, arrival_ms_max: 0 })
    }

    /// Makes a frame of one record with so many bytes visible in `shard`, and answers it.
    pub fn publish(shard: &Shard, data_bytes: usize, alive: &Arc<Alive>) -> FrameView {
        let mut builder = FrameBuilder::new(shard.id, data_bytes + 64);
        let pushed = builder.push(b"key", None, data_bytes, |_| Ok::<_, ()>(()));
        assert_eq!(pushed, Ok(()));
        let mut frame = builder.finish();
        let first = shard.visible_end();
        let place = Place { first, arrived_ms: first, group: 0, group_offset: 0, flags: 0 };
        let head = frame.place(0, place);
        let view = frame.into_view(head, alive);
        shard.publish(0, &[], std::iter::once(view.clone()));
        view
    }

    #[test]
    fn what_a_reader_holds_counts_until_it_drops_it() {
        let (a, b) = (empty_shard(1), empty_shard(2));
        let mut tail = TailBudget::new(35_000, Arc::default());
        let mut put = |shard: &Arc<Shard>| {
            let view = publish(shard, 10_000, &tail.alive().clone());
            tail.put(shard);
            tail.shrink();
            view
        };
        let kept = || [&a, &b].map(|shard| shard.index.read().tail.len());

        let held = put(&a);
        drop(put(&a));
        drop(put(&b));
        assert_eq!(kept(), [2, 1]);
        drop(put(&b));
        assert_eq!(kept(), [0, 2], "the oldest went, and as a reader holds it, so did the next");
        drop(held);
        drop(put(&b));
        assert_eq!(kept(), [0, 3]);
    }

    #[test]
    fn a_frame_counts_what_it_takes() {
        let (shard, alive) = (empty_shard(1), Arc::default());
        let view = publish(&shard, 10_000, &alive);
        let bytes = alive.bytes();
        let takes = view.len() + FRAME_OVERHEAD_BYTES;
        assert!((takes..takes + 100).contains(&bytes), "{bytes}, {takes}");
        let also = view.clone();
        drop(view);
        shard.index.write().tail.clear();
        assert_eq!(alive.bytes(), bytes, "{} bytes are held", also.len());
        drop(also);
        assert_eq!(alive.bytes(), 0);
    }
}
