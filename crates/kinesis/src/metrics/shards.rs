//! What is counted of single shards: only the metrics that the stream's enhanced monitoring has on at that moment.

use super::counts::ShardCounts;
use crate::{
    append::Appended,
    kinesis::Inner,
    model::{
        shard::Shard,
        shard_metrics::{ShardMetric, ShardMetrics},
        stream::Stream,
    },
};

/// A shard of a stream with enhanced monitoring, in a minute.
pub(super) struct ShardMeter<'a> {
    on: ShardMetrics,
    counts: &'a ShardCounts,
    minute: u64,
}

impl<'a> ShardMeter<'a> {
    /// `None` if nothing is on.
    pub(super) fn of(
        inner: &Inner,
        stream: &'a Stream,
        shard: &'a Shard,
        minute: u64,
    ) -> Option<ShardMeter<'a>> {
        let on = stream.metrics;
        (!on.is_empty()).then(|| ShardMeter {
            on,
            counts: inner.meters.of_shard(stream, shard),
            minute,
        })
    }

    /// Records that a reader or a consumer got at once; there may be none.
    pub(super) fn given(&self, bytes: u64, records: u64) {
        if self.on.contains(ShardMetric::OutgoingBytes) {
            self.counts.outgoing_bytes.record(self.minute, bytes);
        }
        if self.on.contains(ShardMetric::OutgoingRecords) {
            self.counts.outgoing_records.record(self.minute, records);
        }
    }

    /// A GetRecords that was answered.
    pub(super) fn read(&self, age_ms: u64) {
        if self.on.contains(ShardMetric::IteratorAgeMilliseconds) {
            self.counts.age.record(self.minute, age_ms);
        }
        self.not_read(false);
    }

    /// One that was not; for its rates if it was throttled.
    pub(super) fn not_read(&self, is_throttled: bool) {
        if self.on.contains(ShardMetric::ReadProvisionedThroughputExceeded) {
            match is_throttled {
                true => self.counts.throttled_reads.add(self.minute),
                false => self.counts.other_reads.add(self.minute),
            }
        }
    }

    /// A put operation's records to it.
    fn put(&self, bytes: u64, records: u64, throttled: u64) {
        if records > 0 && self.on.contains(ShardMetric::IncomingBytes) {
            self.counts.incoming_bytes.record(self.minute, bytes);
        }
        if records > 0 && self.on.contains(ShardMetric::IncomingRecords) {
            self.counts.incoming_records.record(self.minute, records);
        }
        if self.on.contains(ShardMetric::WriteProvisionedThroughputExceeded) {
            self.counts.throttled_writes.record(self.minute, throttled);
        }
    }
}

/// Counts a put operation in the shards that it touched.
pub(super) fn put_in_shards(inner: &Inner, stream: &Stream, appended: &Appended, minute: u64) {
    // Shards that came while the call waited for them are in no older state of the stream.
    let newer = appended.rerouted.as_deref();
    for part in &appended.shards {
        let shard = newer.and_then(|newer| newer.shard(part.shard));
        let shard = shard.or_else(|| stream.shard(part.shard));
        if let Some(shard) = shard.and_then(|it| ShardMeter::of(inner, stream, it, minute)) {
            shard.put(part.bytes, part.records, part.throttled);
        }
    }
}
