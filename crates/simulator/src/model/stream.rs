//! What the model knows of one stream, and of one life of it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Floors, Look, Put, Seen, Sequence, ShardRecords, Violation};

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
    /// Its shards.
    pub shard_count: u64,
    /// How long it keeps records.
    pub retention_hours: u64,
    /// Its shard-level metrics.
    pub metrics: BTreeSet<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Stream {
    /// What a client sees.
    pub fn look(&self) -> Look {
        let (status, shard_count) = match self.status {
            Status::Creating { .. } => ("CREATING", 0),
            Status::Active => ("ACTIVE", self.shard_count),
            Status::Updating { .. } => ("UPDATING", self.shard_count),
            Status::Deleting { .. } => ("DELETING", self.shard_count),
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
    /// Sent, and the answer was lost.
    unresolved: BTreeMap<u64, Put>,
    floor_ms: u64,
}

impl Incarnation {
    pub(super) fn new(name: &str, shard_count: u64) -> Incarnation {
        let shards = (0..shard_count).map(|_| ShardRecords::default()).collect();
        Incarnation { name: name.to_owned(), shards, unresolved: BTreeMap::new(), floor_ms: 0 }
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

    /// A record that names its hash key must be in the shard of that key.
    pub(super) fn check_shard_of(&self, put: &Put, shard: usize) -> Result<(), Violation> {
        let Some(hash_key) = put.explicit_hash_key else { return Ok(()) };
        let expected = shard_of(hash_key, self.shards.len() as u64);
        if expected == shard as u64 {
            return Ok(());
        }
        Err(Violation::new(format!(
            "record {} belongs to shard {expected} and is in {shard}",
            put.id
        )))
    }

    pub(super) fn floor_ms(&self) -> u64 {
        self.floor_ms
    }

    pub(super) fn move_floor(&mut self, floor_ms: u64) {
        self.floor_ms = self.floor_ms.max(floor_ms);
    }
}

/// Which of `count` even shards owns a hash key; the last one takes what the division leaves.
fn shard_of(hash_key: u128, count: u64) -> u64 {
    // floor(2^128 / count), which needs more than 128 bits only for one shard.
    let count = u128::from(count);
    if count == 1 {
        return 0;
    }
    let step = u128::MAX / count + u128::from(u128::MAX % count == count - 1);
    (hash_key / step).min(count - 1) as u64
}

#[cfg(test)]
mod tests {
    use super::shard_of;

    #[test]
    fn hash_keys_belong_to_even_ranges() {
        assert_eq!(shard_of(113427455640312821154458202477256070484, 3), 0);
        assert_eq!(shard_of(113427455640312821154458202477256070485, 3), 1);
        assert_eq!(shard_of(u128::MAX, 3), 2);
        assert_eq!(shard_of(u128::MAX / 2, 2), 0);
        assert_eq!(shard_of(u128::MAX / 2 + 1, 2), 1);
        assert_eq!(shard_of(u128::MAX, 1), 0);
    }
}
