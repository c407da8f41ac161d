//! What a shard has while it is served, and the catalog does not keep: how much of its rates is used, and how much was
//! written to it.
//!
//! Every snapshot that has the shard has the same one of these: a clone is another handle. A start makes new ones.

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::rates::shard::{Reads, Writes};

/// See the module.
#[derive(Debug, Clone, Default)]
pub(crate) struct Live(Arc<LiveShard>);

/// What all handles share.
#[derive(Debug, Default)]
pub(crate) struct LiveShard {
    pub writes: Writes,
    pub reads: Reads,
    pub written: Written,
}

/// What a shard took since the start.
#[derive(Debug, Default)]
pub(crate) struct Written {
    bytes: AtomicU64,
    records: AtomicU64,
}

impl Written {
    pub(crate) fn add(&self, bytes: u64, records: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.records.fetch_add(records, Ordering::Relaxed);
    }

    /// Bytes of data and keys, and records.
    pub(crate) fn get(&self) -> (u64, u64) {
        (self.bytes.load(Ordering::Relaxed), self.records.load(Ordering::Relaxed))
    }
}

impl Deref for Live {
    type Target = LiveShard;

    fn deref(&self) -> &LiveShard {
        &self.0
    }
}

/// Two shards are the same if the catalog says the same of them.
impl PartialEq for Live {
    fn eq(&self, _other: &Live) -> bool {
        true
    }
}

impl Eq for Live {}
