//! What the model knows of one stream, and of one life of it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Floors, Listed, Look, Moment, Put, Range, Seen, Sequence, ShardRecords, Topology, Violation,
};

/// A stream's state and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// On the way in.
    Creating {
        /// The clock at the call.
        since_ms: u64,
    },
    /// Usable.
    Active,
    /// Usable, but nothing else may change.
    Updating {
        /// The clock at the call.
        since_ms: u64,
    },
    /// On the way out.
    Deleting {
        /// The clock at the call.
        since_ms: u64,
    },
}

/// A stream as the control plane sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// Which life of all lives of the world.
    pub incarnation: u64,
    /// Its state.
    pub status: Status,
    /// The ranges of its open shards, in order.
    pub ranges: Vec<Range>,
    /// What they will be when the reshard that is under way is finished.
    pub plan: Option<Vec<Range>>,
    /// How long it keeps records.
    pub retention_hours: u64,
    /// Its shard-level metrics.
    pub metrics: BTreeSet<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Stream {
    /// Its passing state is over.
    pub fn activate(&mut self) {
        self.status = Status::Active;
        if let Some(plan) = self.plan.take() {
            self.ranges = plan;
        }
    }

    /// What a client sees.
    pub fn look(&self) -> Look {
        let open = self.ranges.len() as u64;
        let (status, shard_count) = match self.status {
            Status::Creating { .. } => ("CREATING", 0),
            Status::Active => ("ACTIVE", open),
            Status::Updating { .. } => ("UPDATING", open),
            Status::Deleting { .. } => ("DELETING", open),
        };
        Look {
            status: status.to_owned(),
            retention_hours: self.retention_hours,
            shard_count,
            metrics: self.metrics.clone(),
            tags: self.tags.clone(),
        }
    }
}

/// The records of one life of a stream.
#[derive(Debug)]
pub struct Incarnation {
    /// The name that it had.
    pub name: String,
    shards: Vec<ShardRecords>,
    topology: Topology,
    /// Sent, and the answer was lost.
    unresolved: BTreeMap<u64, Put>,
    floor_ms: u64,
}

impl Incarnation {
    pub(super) fn new(name: &str, ranges: &[Range]) -> Incarnation {
        Incarnation {
            name: name.to_owned(),
            shards: ranges.iter().map(|_| ShardRecords::default()).collect(),
            topology: Topology::new(ranges),
            unresolved: BTreeMap::new(),
            floor_ms: 0,
        }
    }

    /// Where its shards stand.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Learns its shards from a whole list; how many are new and how many vanished.
    pub(super) fn learn(
        &mut self,
        listed: &[Listed],
        either: &[&[Range]],
        at: Moment,
        floors: Floors,
    ) -> Result<(usize, usize), Violation> {
        let news = self.topology.learn(listed, either, at, floors)?;
        self.shards.resize_with(self.topology.count(), ShardRecords::default);
        for shard in listed {
            self.shard(shard.index)?.check_bounds(&shard.start, shard.end.as_ref())?;
        }
        for &index in &news.vanished {
            // With the shard went its records: each must have been expired.
            let all = std::ops::Bound::Unbounded;
            self.shard(index)?.check_page(&all, &[], true, floors)?;
        }
        Ok((news.made, news.vanished.len()))
    }

    /// Whoever reads the shards in this order sees what has the same key in the order in which it was sent.
    pub fn check_key_order(&self, order: &[usize]) -> Result<(), Violation> {
        let mut turns = BTreeMap::<u128, u64>::new();
        for put in order.iter().filter_map(|&it| self.shards.get(it)).flat_map(ShardRecords::puts) {
            let before = turns.insert(put.hash_key(), put.turn);
            if before.is_some_and(|before| before > put.turn) {
                return Err(Violation::new(format!("read too late in {order:?}: {put:?}")));
            }
        }
        Ok(())
    }

    /// One of its shards.
    pub fn shard(&mut self, index: usize) -> Result<&mut ShardRecords, Violation> {
        let name = &self.name;
        let none = || Violation::new(format!("stream {name} has no shard {index}"));
        self.shards.get_mut(index).ok_or_else(none)
    }

    /// The highest number of each shard.
    pub fn lasts(&self) -> Vec<Option<Sequence>> {
        self.shards.iter().map(|shard| shard.last().cloned()).collect()
    }

    /// The highest number of all.
    pub fn last(&self) -> Option<&Sequence> {
        self.shards.iter().filter_map(ShardRecords::last).max()
    }

    /// Records whose fate is open.
    pub fn unresolved_count(&self) -> usize {
        self.unresolved.len()
    }

    /// A record was sent and the answer was lost.
    pub fn lost(&mut self, put: Put) {
        self.unresolved.insert(put.id, put);
    }

    /// All was read: what was not there will never be. How many those are.
    pub fn resolve_all(&mut self) -> usize {
        std::mem::take(&mut self.unresolved).len()
    }

    /// What is expired by now stays so.
    pub fn expire(&mut self, floors: Floors) {
        self.shards.iter_mut().for_each(|shard| shard.expire(floors));
    }

    /// Every record of a page must be known or unresolved; then it becomes known.
    pub(super) fn resolve(&mut self, shard: usize, page: &[Seen]) -> Result<u64, Violation> {
        let mut resolved = 0;
        for seen in page {
            if self.shard(shard)?.recognises(seen)? {
                continue;
            }
            let Some(put) = self.unresolved.remove(&seen.id) else {
                return Err(Violation::new(format!(
                    "record {} at {} is foreign, was refused, or was lost before and came back",
                    seen.id, seen.sequence
                )));
            };
            self.check_shard_of(&put, shard)?;
            if (&put.key, put.data_bytes) != (&seen.key, seen.data_bytes) {
                return Err(Violation::new(format!("sent {put:?}, read {seen:?}")));
            }
            self.shard(shard)?.learn(seen.sequence.clone(), put, seen.arrival_ms)?;
            resolved += 1;
        }
        Ok(resolved)
    }

    /// A record must be in a shard of its hash key.
    pub(super) fn check_shard_of(&self, put: &Put, shard: usize) -> Result<(), Violation> {
        let range = self.topology.range(shard);
        if range.is_some_and(|range| range.holds(put.hash_key())) {
            return Ok(());
        }
        Err(Violation::new(format!("{put:?} is in shard {shard}, {range:?}")))
    }

    pub(super) fn floor_ms(&self) -> u64 {
        self.floor_ms
    }

    pub(super) fn move_floor(&mut self, floor_ms: u64) {
        self.floor_ms = self.floor_ms.max(floor_ms);
    }
}
