//! What is counted, in atomics. Each sample stands in one place: nothing is the difference of two counts, so that whoever
//! takes them while others count finds each sample in this taking or in the next one.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use nautilus_stats::Recorder;

/// Microseconds that are told as milliseconds.
const US_IN_MS: f64 = 1000.0;

/// How often something happened in each of two minutes.
#[derive(Debug, Default)]
pub(crate) struct Counter([AtomicU64; 2]);

impl Counter {
    pub(crate) fn add(&self, minute: u64) {
        self.0[(minute & 1) as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn take(&self, minute: u64) -> u64 {
        self.0[(minute & 1) as usize].swap(0, Relaxed)
    }
}

/// A stream's calls. A kind that is never called costs a pointer.
#[derive(Debug, Default)]
pub(crate) struct StreamCounts {
    pub put_record: OnceLock<Box<PutRecord>>,
    pub put_records: OnceLock<Box<PutRecords>>,
    pub get_records: OnceLock<Box<GetRecords>>,
}

/// Calls of PutRecord: each is stored, throttled or failed.
#[derive(Debug)]
pub(crate) struct PutRecord {
    /// Of what was stored.
    pub bytes: Recorder,
    pub latency: Recorder,
    pub throttled: Counter,
    pub failed: Counter,
}

/// Calls of PutRecords: each is whole, partial or failed.
#[derive(Debug)]
pub(crate) struct PutRecords {
    /// Of what was stored, if anything was.
    pub bytes: Recorder,
    pub latency: Recorder,
    /// Records of the calls of which all were stored.
    pub whole: Recorder,
    /// Calls that were answered, and not all of their records were stored.
    pub partial: OnceLock<Box<Partial>>,
    pub failed: Counter,
}

/// Records of calls of which not all were stored.
#[derive(Debug, Default)]
pub(crate) struct Partial {
    pub total: Recorder,
    /// Of the calls of which some were.
    pub stored: Recorder,
    /// Calls of which none was.
    pub none_stored: Counter,
    pub throttled: Recorder,
    pub failed: Recorder,
}

/// Calls of GetRecords: each is answered, throttled or failed.
#[derive(Debug)]
pub(crate) struct GetRecords {
    pub bytes: Recorder,
    pub records: Recorder,
    /// How old the last records of the answered ones were, in milliseconds.
    pub age: Recorder,
    pub latency: Recorder,
    pub throttled: Counter,
    pub failed: Counter,
}

/// A shard, as far as its stream's enhanced monitoring is switched on.
#[derive(Debug, Default)]
pub(crate) struct ShardCounts {
    pub incoming_bytes: Recorder,
    pub incoming_records: Recorder,
    pub outgoing_bytes: Recorder,
    pub outgoing_records: Recorder,
    pub age: Recorder,
    /// Records that were throttled, by call.
    pub throttled_writes: Recorder,
    pub throttled_reads: Counter,
    pub other_reads: Counter,
}

/// A consumer's subscriptions to all shards of its stream.
#[derive(Debug, Default)]
pub(crate) struct ConsumerCounts {
    pub subscribed: Counter,
    pub not_subscribed: Counter,
    /// Of those, the ones that came too early.
    pub rate_exceeded: Counter,
    pub event_bytes: Recorder,
    pub event_records: Recorder,
    pub event_behind: Recorder,
    /// Events that were due and could not be made.
    pub event_failed: Counter,
}

impl Default for PutRecord {
    fn default() -> PutRecord {
        PutRecord {
            bytes: Recorder::default(),
            latency: Recorder::scaled(US_IN_MS),
            throttled: Counter::default(),
            failed: Counter::default(),
        }
    }
}

impl Default for PutRecords {
    fn default() -> PutRecords {
        PutRecords {
            bytes: Recorder::default(),
            latency: Recorder::scaled(US_IN_MS),
            whole: Recorder::default(),
            partial: OnceLock::new(),
            failed: Counter::default(),
        }
    }
}

impl Default for GetRecords {
    fn default() -> GetRecords {
        GetRecords {
            bytes: Recorder::default(),
            records: Recorder::default(),
            age: Recorder::default(),
            latency: Recorder::scaled(US_IN_MS),
            throttled: Counter::default(),
            failed: Counter::default(),
        }
    }
}
