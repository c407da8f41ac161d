//! The shards of a stream, open and closed, as the catalog keeps them.
//!
//! Always: in a stream that has shards, the open ones tile the hash space · indexes are never given twice: the highest is
//! an open shard's, or of a plan whose result is published whole, and what is pruned has children above it.

use std::collections::BTreeMap;

use nautilus_log::Position;
use serde::{Deserialize, Serialize, Serializer};

use crate::model::{
    hash_range::HashKey,
    ids::ShardId,
    shard::{Closed, Shard},
};

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Vec<Shard>")]
pub(crate) struct Shards {
    /// By index.
    all: Vec<Shard>,
    /// Where the open ones stand in `all`, by their ranges.
    open: Vec<u32>,
}

impl From<Vec<Shard>> for Shards {
    fn from(mut all: Vec<Shard>) -> Shards {
        all.sort_by_key(|shard| shard.index);
        let mut open: Vec<u32> =
            (0..).zip(&all).filter(|(_, shard)| shard.is_open()).map(|(at, _)| at).collect();
        open.sort_by_key(|&at| all[at as usize].range.start);
        Shards { all, open }
    }
}

impl Serialize for Shards {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.all.serialize(serializer)
    }
}

impl Shards {
    /// All of them, by index.
    pub(crate) fn all(&self) -> &[Shard] {
        &self.all
    }

    /// The open ones, by their ranges.
    pub(crate) fn open(&self) -> impl ExactSizeIterator<Item = &Shard> + Clone {
        self.open.iter().map(|&at| &self.all[at as usize])
    }

    pub(crate) fn open_count(&self) -> usize {
        self.open.len()
    }

    /// The open shard whose range holds `key`. `None` only in a stream without shards.
    pub(crate) fn route(&self, key: HashKey) -> Option<&Shard> {
        let after = self.open.partition_point(|&at| self.all[at as usize].range.start <= key);
        let at = *self.open[..after].last()?;
        Some(&self.all[at as usize])
    }

    pub(crate) fn get(&self, id: ShardId) -> Option<&Shard> {
        let at = self.all.binary_search_by_key(&id.0, |shard| shard.index).ok()?;
        Some(&self.all[at])
    }

    /// The open shard at a place between 0 and the number of them, by their ranges.
    pub(crate) fn open_at(&self, place: usize) -> Option<&Shard> {
        self.open.get(place).map(|&at| &self.all[at as usize])
    }

    /// The first index that was never given.
    pub(crate) fn next_index(&self) -> u32 {
        self.all.last().map_or(0, |shard| shard.index + 1)
    }

    /// Closes the parents of `planned` and opens what has no child among them: one step for all of a plan.
    ///
    /// `lasts` says where the parents that took records end. What is both made and closed by the plan never took one,
    /// and was at no moment open.
    pub(crate) fn reshard(
        &mut self,
        planned: &[Shard],
        lasts: &BTreeMap<u32, Position>,
        closed_ms: u64,
    ) {
        let mut all = std::mem::take(&mut self.all);
        let first_planned = all.len();
        all.extend(
            planned.iter().cloned().map(|shard| Shard { opened_ms: closed_ms + 1, ..shard }),
        );
        for at in first_planned..all.len() {
            let child = all[at].index;
            for parent in all[at].parents.clone() {
                let parent_at = all.binary_search_by_key(&parent, |shard| shard.index);
                let parent_at = parent_at.expect("a plan's parents are open until it is published");
                let last = lasts.get(&parent).copied().unwrap_or(0);
                let end = || Closed { last, closed_ms, children: Vec::new() };
                all[parent_at].closed.get_or_insert_with(end).children.push(child);
            }
        }
        *self = Shards::from(all);
    }

    /// The first moment from which on the shards that are left tile the hash space: the parents of some may be gone.
    pub(crate) fn tile_from_ms(&self) -> u64 {
        let is_gone = |parent: &u32| self.get(ShardId(*parent)).is_none();
        let orphans = self.all.iter().filter(|shard| shard.parents.iter().any(is_gone));
        orphans.map(|shard| shard.opened_ms).max().unwrap_or(0)
    }

    /// Takes away the closed shards whose records have all expired.
    pub(crate) fn prune(&mut self, horizon_ms: u64) -> Vec<Shard> {
        let all = std::mem::take(&mut self.all);
        let (kept, expired) = all.into_iter().partition(|shard| shard.ended_not_before(horizon_ms));
        *self = Shards::from(kept);
        expired
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Panics unless the ranges tile the hash space.
    pub(crate) fn check_tiling<'a>(shards: impl IntoIterator<Item = &'a Shard>) {
        let mut ranges: Vec<_> = shards.into_iter().map(|shard| shard.range).collect();
        ranges.sort_by_key(|range| range.start);
        let mut next = Some(0);
        for range in ranges {
            assert_eq!(Some(range.start.0), next, "no gap and no overlap");
            assert!(range.start <= range.end);
            next = range.end.0.checked_add(1);
        }
        assert_eq!(next, None, "the last range ends at the space's end");
    }
}
