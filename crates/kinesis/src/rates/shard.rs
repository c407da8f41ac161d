//! The rates of one shard.
//!
//! Writes: records, and bytes. Where a stream takes records over 1 MiB, those do not fit what comes back in a second;
//! they are paid from a second, larger bucket of bytes that fills as slowly and that all records of such a stream are
//! taken from: so a large one may come at once when the shard was quiet, and what follows it comes at the rate.
//!
//! Reads: calls are counted before, bytes when they are given, since nobody knows before how many there are.

use crate::{
    limits::{LARGE_RECORD_BYTES, Limit, Limits, WRITE_BURST_BYTES, WRITE_BYTES_PER_SECOND},
    rates::bucket::{Bucket, Meter, Rate},
};

/// The rates at which shards are written, of which one holds at least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WriteRates {
    records: Option<Rate>,
    bytes: Option<Rate>,
    burst: Option<Rate>,
}

/// The rates at which shards are read, of which one holds at least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadRates {
    calls: Option<Rate>,
    bytes: Option<Rate>,
}

/// What a shard's writers have used.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    records: Bucket,
    bytes: Bucket,
    burst: Bucket,
}

/// What a shard's readers have used.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    calls: Bucket,
    iterators: Bucket,
    bytes: Meter,
}

/// Some records that are to be taken together or not at all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch {
    pub records: u64,
    pub bytes: u64,
    /// Whether it is one record over 1 MiB.
    pub is_large: bool,
    /// Whether its stream takes such records.
    pub among_large: bool,
}

impl Batch {
    /// One record.
    pub(crate) fn one(bytes: usize, among_large: bool) -> Batch {
        let is_large = bytes > LARGE_RECORD_BYTES;
        Batch { records: 1, bytes: bytes as u64, is_large, among_large }
    }
}

impl Batch {
    /// Both together: never let in where one after the other would not be.
    pub(crate) fn with(self, other: Batch) -> Batch {
        Batch {
            records: self.records + other.records,
            bytes: self.bytes + other.bytes,
            is_large: self.is_large && other.is_large,
            among_large: self.among_large || other.among_large,
        }
    }
}

impl WriteRates {
    pub(crate) fn new(limits: &Limits) -> Option<WriteRates> {
        let records = limits.get(Limit::WriteRecordsPerShard).map(Rate::per_second);
        let bytes = limits.get(Limit::WriteBytesPerShard);
        // However low the rate is, every valid record fits the full bucket.
        let holding = |least: u64, seconds: u64| {
            bytes.map(|bytes| Rate::with_burst(bytes, least.max(bytes.saturating_mul(seconds))))
        };
        let (burst_seconds, second) = (WRITE_BURST_BYTES / WRITE_BYTES_PER_SECOND, 1);
        let rates = WriteRates {
            records,
            bytes: holding(LARGE_RECORD_BYTES as u64, second),
            burst: holding(WRITE_BURST_BYTES, burst_seconds),
        };
        (records.is_some() || bytes.is_some()).then_some(rates)
    }
}

impl Writes {
    /// Takes what a batch needs; false, and nothing is taken, if there is not enough.
    pub(crate) fn take(&self, rates: &WriteRates, batch: Batch, now_ms: u64) -> bool {
        let needs = [
            (&self.records, rates.records, batch.records),
            (&self.bytes, rates.bytes.filter(|_| !batch.is_large), batch.bytes),
            (&self.burst, rates.burst.filter(|_| batch.among_large), batch.bytes),
        ];
        for (at, (bucket, rate, count)) in needs.iter().enumerate() {
            if rate.is_none_or(|rate| bucket.take(&rate, *count, now_ms)) {
                continue;
            }
            for (bucket, rate, count) in &needs[..at] {
                rate.inspect(|rate| bucket.give_back(rate, *count));
            }
            return false;
        }
        true
    }
}

impl ReadRates {
    pub(crate) fn new(limits: &Limits) -> Option<ReadRates> {
        let calls = limits.get(Limit::ReadCallsPerShard).map(Rate::per_second);
        let bytes = limits.get(Limit::ReadBytesPerShard).map(Rate::per_second);
        (calls.is_some() || bytes.is_some()).then_some(ReadRates { calls, bytes })
    }
}

impl Reads {
    /// Counts a GetRecords, if it may read.
    pub(crate) fn begin(&self, rates: &ReadRates, now_ms: u64) -> bool {
        rates.bytes.is_none_or(|rate| self.bytes.is_open(&rate, now_ms))
            && rates.calls.is_none_or(|rate| self.calls.take(&rate, 1, now_ms))
    }

    /// Counts what it gave.
    pub(crate) fn end(&self, rates: &ReadRates, bytes: usize, now_ms: u64) {
        if let Some(rate) = rates.bytes {
            self.bytes.charge(&rate, bytes as u64, now_ms);
        }
    }

    /// Counts a GetShardIterator, if it is answered.
    pub(crate) fn iterator(&self, rates: &ReadRates, now_ms: u64) -> bool {
        rates.calls.is_none_or(|rate| self.iterators.take(&rate, 1, now_ms))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW_MS: u64 = 1_795_489_200_000;
    const MIB: usize = 1 << 20;

    fn aws() -> WriteRates {
        WriteRates::new(&Limits::aws()).expect("AWS has rates")
    }

    #[test]
    fn a_record_that_is_refused_for_its_bytes_counts_as_no_record() {
        let (writes, rates) = (Writes::default(), aws());
        assert!(writes.take(&rates, Batch::one(MIB, false), NOW_MS));
        for _ in 0..5000 {
            assert!(!writes.take(&rates, Batch::one(1, false), NOW_MS));
        }
        // Half of the bytes are back, and all of the records.
        let taken = (0..2000).filter(|_| writes.take(&rates, Batch::one(100, false), NOW_MS + 500));
        assert_eq!(taken.count(), 1000);
    }

    #[test]
    fn a_large_record_comes_at_once_and_then_all_come_at_the_rate() {
        let (writes, rates) = (Writes::default(), aws());
        let take = |bytes, now_ms| writes.take(&rates, Batch::one(bytes, true), now_ms);
        assert!(take(10 * MIB, NOW_MS));
        assert!(!take(1, NOW_MS), "the shard's bytes are used up");
        assert!(take(MIB / 2, NOW_MS + 500), "they come back at once");
        assert!(!take(2 * MIB, NOW_MS + 1_000));
        assert!(take(2 * MIB, NOW_MS + 2_500));
    }

    #[test]
    fn without_large_records_nothing_bursts() {
        let (writes, rates) = (Writes::default(), aws());
        let taken =
            (0..100).filter(|_| writes.take(&rates, Batch::one(MIB / 4, true), NOW_MS)).count();
        assert_eq!(taken, 4);
    }

    #[test]
    fn however_low_the_rate_is_every_record_comes_through() {
        let slow = Limits::off().with(Limit::WriteBytesPerShard, Some(1024));
        let rates = WriteRates::new(&slow).expect("a rate");
        let writes = Writes::default();
        assert!(writes.take(&rates, Batch::one(10 * MIB, true), NOW_MS));
        assert!(writes.take(&rates, Batch::one(MIB, false), NOW_MS));
        assert!(!writes.take(&rates, Batch::one(MIB, false), NOW_MS + 1_023_000));
        assert!(writes.take(&rates, Batch::one(MIB, false), NOW_MS + 1_024_000));
    }

    proptest! {
        #[test]
        fn a_batch_is_let_in_only_where_one_after_the_other_would_be(
            before in prop::collection::vec(1usize..2 * MIB, 0..4),
            batch in prop::collection::vec(1usize..3 * MIB, 1..6),
            among_large: bool,
        ) {
            let (rates, together, singly) = (aws(), Writes::default(), Writes::default());
            let most = if among_large { 3 * MIB } else { MIB };
            let one = |bytes: usize| Batch::one(bytes.min(most), among_large);
            for &bytes in &before {
                let taken = together.take(&rates, one(bytes), NOW_MS);
                prop_assert_eq!(taken, singly.take(&rates, one(bytes), NOW_MS));
            }
            let whole = batch.iter().map(|&bytes| one(bytes)).reduce(Batch::with).expect("some");
            if together.take(&rates, whole, NOW_MS) {
                for &bytes in &batch {
                    prop_assert!(singly.take(&rates, one(bytes), NOW_MS));
                }
            }
        }
    }

    #[test]
    fn what_is_lifted_is_not_counted() {
        assert_eq!(WriteRates::new(&Limits::off()), None);
        assert_eq!(ReadRates::new(&Limits::off()), None);
    }

    #[test]
    fn a_refused_read_is_no_call() {
        let (reads, rates) = (Reads::default(), ReadRates::new(&Limits::aws()).expect("rates"));
        assert!(reads.begin(&rates, NOW_MS));
        reads.end(&rates, 10 * MIB, NOW_MS);
        for ms in 0..4_999 {
            assert!(!reads.begin(&rates, NOW_MS + ms));
        }
        let begun = (0..10).filter(|_| reads.begin(&rates, NOW_MS + 5_000)).count();
        assert_eq!(begun, 5);
    }
}
