//! What streams, shards and consumers have while they are served, and the catalog does not keep: how much of a shard's
//! rates is used, how much was written to it, and what is counted for CloudWatch.
//!
//! Every snapshot that has the shard has the same one of these: a clone is another handle. A start makes new ones.

use std::{
    ops::Deref,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    metrics::ShardCounts,
    rates::shard::{Reads, Writes},
};

/// See the module.
#[derive(Debug, Clone, Default)]
pub(crate) struct Live(Arc<LiveShard>);

/// What all handles share.
#[derive(Debug, Default)]
pub(crate) struct LiveShard {
    pub writes: Writes,
    pub reads: Reads,
    pub written: Written,
    pub counted: Counted<ShardCounts>,
}

/// Counts that are made when there is something to count: until then they cost a pointer.
#[derive(Debug)]
pub(crate) struct Counted<C>(Arc<OnceLock<Arc<C>>>);

impl<C> Counted<C> {
    /// The counts; what `make` gives if there are none yet.
    pub(crate) fn get_or_make(&self, make: impl FnOnce() -> Arc<C>) -> &C {
        self.0.get_or_init(make)
    }
}

impl<C> Clone for Counted<C> {
    fn clone(&self) -> Counted<C> {
        Counted(Arc::clone(&self.0))
    }
}

impl<C> Default for Counted<C> {
    fn default() -> Counted<C> {
        Counted(Arc::default())
    }
}

/// As with [`Live`]: what the catalog says is what is compared.
impl<C> PartialEq for Counted<C> {
    fn eq(&self, _other: &Counted<C>) -> bool {
        true
    }
}

impl<C> Eq for Counted<C> {}

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
