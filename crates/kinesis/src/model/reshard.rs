//! How shards divide: plans of splits and merges.
//!
//! A plan names the shards that will close and all that will follow them; what a later step of the same plan consumes is
//! an intermediate: it is published closed and never takes a record. Always: at each step the shards that are left tile
//! the hash space, and a child's creation second is above its parents', so its numbers are above theirs.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::{
    hash_range::{HashKey, HashRange},
    ids::ShardId,
    shard::Shard,
    shards::Shards,
};

/// What a reshard will do, whole: written down before any of it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reshard {
    /// The open shards that will close.
    pub close: Vec<u32>,
    /// The shards that will be made, by index; intermediates among them.
    pub make: Vec<Shard>,
}

impl Reshard {
    /// How many more shards will be open than are now.
    pub(crate) fn more_open(&self) -> i64 {
        self.opening().count() as i64 - self.close.len() as i64
    }

    /// The shards that will be open. The others are intermediates, and need no log.
    pub(crate) fn opening(&self) -> impl Iterator<Item = &Shard> {
        let parents = self.make.iter().flat_map(|shard| shard.parents.iter().copied());
        let consumed: BTreeSet<u32> = parents.collect();
        self.make.iter().filter(move |shard| !consumed.contains(&shard.index))
    }

    /// The greatest creation second that it uses.
    pub(crate) fn last_created_second(&self) -> Option<u64> {
        self.make.iter().map(|shard| shard.created_second).max()
    }
}

/// A plan in the making. Shards are named by index, those that it makes too.
pub(crate) struct Planner<'a> {
    shards: &'a Shards,
    /// The least creation second of a shard that is made now.
    created_second: u64,
    first_index: u32,
    close: Vec<u32>,
    make: Vec<Shard>,
}

impl<'a> Planner<'a> {
    /// `created_second` is above that of every shard that the stream had.
    pub(crate) fn new(shards: &'a Shards, created_second: u64) -> Planner<'a> {
        let first_index = shards.next_index();
        Planner { shards, created_second, first_index, close: Vec::new(), make: Vec::new() }
    }

    /// Splits a shard so that its upper part begins at `key`, which lies inside and is not its first.
    pub(crate) fn split(&mut self, parent: u32, key: HashKey) -> [u32; 2] {
        let HashRange { start, end } = self.range(parent);
        assert!(start < key && key <= end, "both parts have room");
        let lower = HashRange { start, end: HashKey(key.0 - 1) };
        let parents = vec![parent];
        [self.add(lower, parents.clone()), self.add(HashRange { start: key, end }, parents)]
    }

    /// Merges two neighbours, the lower one first.
    pub(crate) fn merge(&mut self, lower: u32, upper: u32) -> u32 {
        let (low, high) = (self.range(lower), self.range(upper));
        assert!(low.is_followed_by(&high), "neighbours are merged");
        self.add(HashRange { start: low.start, end: high.end }, vec![lower, upper])
    }

    /// Brings the open shards to `count` even ranges: splits at the new borders, then merges within them. A shard that
    /// has its range already stays as it is.
    pub(crate) fn even(&mut self, count: u32) {
        let targets: Vec<HashRange> = HashRange::even(count).collect();
        let open: Vec<u32> = self.shards.open().map(|shard| shard.index).collect();
        let mut pieces = Vec::with_capacity(open.len() + targets.len());
        for shard in open {
            let range = self.range(shard);
            let from = targets.partition_point(|target| target.start <= range.start);
            let to = targets.partition_point(|target| target.start <= range.end);
            self.split_at(shard, &targets[from..to], &mut pieces);
        }
        let mut rest = &pieces[..];
        for target in targets {
            let within = rest.partition_point(|&piece| self.range(piece).start <= target.end);
            let (of_target, behind) = rest.split_at(within);
            self.merge_all(of_target);
            rest = behind;
        }
    }

    /// The plan, its shards in logs from `first_log` on.
    pub(crate) fn finish(self, first_log: u64) -> Reshard {
        let logs = first_log..;
        let make = self.make.into_iter().zip(logs).map(|(shard, log)| Shard { log, ..shard });
        Reshard { close: self.close, make: make.collect() }
    }

    /// How many shards the plan makes.
    pub(crate) fn made(&self) -> u32 {
        self.make.len() as u32
    }

    /// Splits at the starts of `borders`; by halves, so that lineages stay short.
    fn split_at(&mut self, shard: u32, borders: &[HashRange], pieces: &mut Vec<u32>) {
        let middle = borders.len() / 2;
        let Some(border) = borders.get(middle) else {
            pieces.push(shard);
            return;
        };
        let [lower, upper] = self.split(shard, border.start);
        self.split_at(lower, &borders[..middle], pieces);
        self.split_at(upper, &borders[middle + 1..], pieces);
    }

    /// Merges neighbours to one; by halves, too.
    fn merge_all(&mut self, pieces: &[u32]) -> u32 {
        match *pieces {
            [one] => one,
            _ => {
                assert!(!pieces.is_empty(), "the pieces tile the space");
                let (lower, upper) = pieces.split_at(pieces.len() / 2);
                let (lower, upper) = (self.merge_all(lower), self.merge_all(upper));
                self.merge(lower, upper)
            }
        }
    }

    fn add(&mut self, range: HashRange, parents: Vec<u32>) -> u32 {
        let index = self.first_index + self.make.len() as u32;
        let mut created_second = self.created_second;
        for &parent in &parents {
            created_second = created_second.max(self.shard(parent).created_second + 1);
            // The second child of a split finds its parent noted already.
            if parent < self.first_index && self.close.last() != Some(&parent) {
                self.close.push(parent);
            }
        }
        self.make.push(Shard { parents, ..Shard::first(index, 0, range, created_second) });
        index
    }

    fn range(&self, index: u32) -> HashRange {
        self.shard(index).range
    }

    fn shard(&self, index: u32) -> &Shard {
        match index.checked_sub(self.first_index) {
            Some(made) => &self.make[made as usize],
            None => self.shards.get(ShardId(index)).expect("a plan is about shards that exist"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::model::shards::tests::check_tiling;

    /// A stream's shards through a life of reshards.
    struct Life {
        shards: Shards,
        last_created_second: u64,
        now_ms: u64,
    }

    impl Life {
        fn new(count: u32) -> Life {
            let first = HashRange::even(count).zip(0..);
            let first: Vec<_> = first
                .map(|(range, index)| Shard::first(index, u64::from(index) + 1, range, 100))
                .collect();
            Life { shards: first.into(), last_created_second: 100, now_ms: 100_000 }
        }

        /// Plans with `plan`, checks what was planned, and publishes it.
        fn reshard(&mut self, plan: impl FnOnce(&mut Planner<'_>)) -> Reshard {
            let second = (self.now_ms / 1000).max(self.last_created_second + 1);
            let mut planner = Planner::new(&self.shards, second);
            plan(&mut planner);
            let made = planner.made();
            let reshard = planner.finish(1000);

            assert_eq!(made as usize, reshard.make.len());
            let open_before = self.shards.open_count() as i64;
            let lasts: BTreeMap<_, _> = reshard.close.iter().map(|&index| (index, 7)).collect();
            self.last_created_second =
                reshard.last_created_second().unwrap_or(self.last_created_second);
            self.shards.reshard(&reshard.make, &lasts, self.now_ms);

            assert_eq!(self.shards.open_count() as i64, open_before + reshard.more_open());
            self.check();
            reshard
        }

        fn check(&self) {
            check_tiling(self.shards.open());
            for shard in self.shards.all() {
                for &parent in &shard.parents {
                    let parent = self.shards.get(ShardId(parent)).expect("none was pruned");
                    let closed = parent.closed.as_ref().expect("a parent is closed");
                    assert!(closed.children.contains(&shard.index), "both ways");
                    assert!(
                        parent.ending_sequence_number() < Some(shard.starting_sequence_number())
                    );
                    assert_eq!(shard.opened_ms, closed.closed_ms + 1);
                }
                if let Some(closed) = &shard.closed {
                    assert!(!closed.children.is_empty() && closed.children.len() <= 2);
                    assert!(closed.children.iter().all(|&child| child > shard.index));
                    let index = shard.index;
                    let of = |&child: &u32| {
                        let child = self.shards.get(ShardId(child)).expect("none was pruned");
                        child.parents.contains(&index)
                    };
                    assert!(closed.children.iter().all(of));
                }
            }
            for ms in [0, 99_999, 100_000, self.now_ms - 1, self.now_ms, self.now_ms + 1] {
                check_tiling(self.shards.all().iter().filter(|shard| shard.was_open_at(ms)));
            }
        }
    }

    #[test]
    fn a_split_and_a_merge_go_there_and_back() {
        let mut life = Life::new(1);
        let split = life.reshard(|plan| {
            assert_eq!(plan.split(0, HashKey(1 << 127)), [1, 2]);
        });
        assert_eq!(split.close, [0]);
        assert_eq!(split.make[1].parents, [0]);
        let merge = life.reshard(|plan| assert_eq!(plan.merge(1, 2), 3));
        assert_eq!((merge.close, &merge.make[0].parents), (vec![1, 2], &vec![1, 2]));
        assert_eq!(life.shards.open().map(|shard| shard.log).collect::<Vec<_>>(), [1000]);
    }

    #[test]
    fn numbers_grow_though_the_clock_stands_still() {
        let mut life = Life::new(1);
        for generation in 0..5 {
            let shard = life.shards.route(HashKey(0)).expect("there is one").index;
            life.reshard(|plan| _ = plan.split(shard, HashKey(1 << (100 - generation))));
        }
    }

    #[test]
    fn the_present_count_of_even_ranges_asks_for_nothing() {
        let reshard = Life::new(5).reshard(|plan| plan.even(5));
        assert_eq!(reshard, Reshard { close: vec![], make: vec![] });
    }

    #[test]
    fn doubling_needs_no_intermediates() {
        let reshard = Life::new(4).reshard(|plan| plan.even(8));
        assert_eq!((reshard.close.len(), reshard.make.len()), (4, 8));
        assert_eq!(reshard.more_open(), 4);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Split { at: prop::sample::Index, part: u128 },
        Merge { at: prop::sample::Index },
        Even { count: u32 },
        Prune { back_ms: u64 },
    }

    fn step() -> impl Strategy<Value = Step> {
        let index = any::<prop::sample::Index>;
        prop_oneof![
            (index(), any::<u128>()).prop_map(|(at, part)| Step::Split { at, part }),
            index().prop_map(|at| Step::Merge { at }),
            (1u32..40).prop_map(|count| Step::Even { count }),
            (0u64..5000).prop_map(|back_ms| Step::Prune { back_ms }),
        ]
    }

    proptest! {
        #[test]
        fn shards_tile_the_space_at_every_moment(
            first in 1u32..20, steps in prop::collection::vec((step(), 0u64..3000), 1..12),
        ) {
            let mut life = Life::new(first);
            for (step, later_ms) in steps {
                life.now_ms += later_ms;
                let open: Vec<Shard> = life.shards.open().cloned().collect();
                match step {
                    Step::Split { at, part } => {
                        let shard = &open[at.index(open.len())];
                        let HashRange { start, end } = shard.range;
                        if start < end {
                            let key = start.0 + 1 + part % (end.0 - start.0);
                            life.reshard(|plan| _ = plan.split(shard.index, HashKey(key)));
                        }
                    }
                    Step::Merge { at } if open.len() > 1 => {
                        let at = at.index(open.len() - 1);
                        let (lower, upper) = (open[at].index, open[at + 1].index);
                        life.reshard(|plan| _ = plan.merge(lower, upper));
                    }
                    Step::Merge { .. } => {}
                    Step::Even { count } => {
                        life.reshard(|plan| plan.even(count));
                        let ranges: Vec<_> = life.shards.open().map(|shard| shard.range).collect();
                        prop_assert_eq!(ranges, HashRange::even(count).collect::<Vec<_>>());
                    }
                    Step::Prune { back_ms } => {
                        let mut pruned = life.shards.clone();
                        let horizon = life.now_ms.saturating_sub(back_ms);
                        let gone = pruned.prune(horizon);
                        prop_assert_eq!(pruned.next_index(), life.shards.next_index());
                        prop_assert!(gone.iter().all(|shard| !shard.is_open()));
                        for ms in [horizon, horizon + 1, life.now_ms] {
                            check_tiling(pruned.all().iter().filter(|shard| shard.was_open_at(ms)));
                        }
                    }
                }
            }
        }
    }
}
