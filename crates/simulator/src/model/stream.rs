//! What the model knows of one stream, and of one life of it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Floors, Listed, Look, Loss, Moment, Put, Range, Seen, Sequence, ShardRecords, Topology,
    Violation,
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

impl Status {
    /// When a passing state began.
    pub fn since_ms(self) -> Option<u64> {
        match self {
            Status::Active => None,
            Status::Creating { since_ms }
            | Status::Updating { since_ms }
            | Status::Deleting { since_ms } => Some(since_ms),
        }
    }
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
    created_ms: u64,
    /// From when on a memory holds nothing of it any more.
    gone_ms: Option<u64>,
}

impl Incarnation {
    /// A stream's life begins.
    pub(super) fn new(name: &str, stream: &Stream) -> Incarnation {
        Incarnation {
            name: name.to_owned(),
            shards: stream.ranges.iter().map(|_| ShardRecords::default()).collect(),
            topology: Topology::new(&stream.ranges),
            created_ms: stream.status.since_ms().unwrap_or(0),
            unresolved: BTreeMap::new(),
            floor_ms: 0,
            gone_ms: None,
        }
    }

    /// Its stream is deleted; behind this moment no memory may hold its records.
    pub(super) fn gone(&mut self, gone_ms: u64) {
        self.gone_ms = Some(gone_ms);
    }

    /// What a memory may hold of it at most.
    pub(super) fn bytes_max(&self, now_ms: u64) -> u64 {
        if self.gone_ms.is_some_and(|gone_ms| gone_ms < now_ms) {
            return 0;
        }
        let known = self.shards.iter().flat_map(ShardRecords::puts);
        known.chain(self.unresolved.values()).map(Put::bytes_max).sum()
    }

    /// When a shard's records expire: not before it was old enough itself.
    pub(super) fn floors_of(&self, shard: usize, floors: Floors) -> Floors {
        Floors { opened_ms: self.opened(shard).to_ms, ..floors }
    }

    /// Since when a shard may have records.
    pub fn opened(&self, shard: usize) -> Moment {
        let created = Moment { from_ms: self.created_ms, to_ms: self.created_ms };
        self.topology.opened(shard).filter(|opened| opened.to_ms > 0).unwrap_or(created)
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
            self.shard(index)?.check_page(&all, &[], true, floors, None)?;
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

    /// The highest number that each shard ever gave.
    pub fn highest_of_each(&self) -> Vec<Option<Sequence>> {
        self.shards.iter().map(|shard| shard.highest().cloned()).collect()
    }

    /// The highest number of all.
    pub fn highest(&self) -> Option<&Sequence> {
        self.shards.iter().filter_map(ShardRecords::highest).max()
    }

    /// After everything was read: what a loss of power took is a suffix.
    pub(super) fn check_kept(&self, loss: &Loss) -> Result<(), Violation> {
        self.shards.iter().try_for_each(|shard| shard.check_kept(loss))
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
        for index in 0..self.shards.len() {
            let floors = self.floors_of(index, floors);
            self.shards[index].expire(floors);
        }
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
