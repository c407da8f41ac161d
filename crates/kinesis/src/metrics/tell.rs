//! Counts as AWS's metrics: names, dimensions, units, and what follows from what was counted.
//!
//! Of a minute in which an operation was not called, nothing of it is told. A metric of what was refused is told whenever
//! the operation was called, with a 0 for each call that met no refusal.

use nautilus_stats::Distribution;

use super::{
    Measured,
    counts::{
        ConsumerCounts, GetRecords, Partial, PutRecord, PutRecords, ShardCounts, StreamCounts,
    },
};
use crate::model::{ids::ShardId, shard_metrics::ShardMetric};

const BYTES: &str = "Bytes";
const COUNT: &str = "Count";
const MILLISECONDS: &str = "Milliseconds";

/// Samples that may be none.
type Samples = Option<Distribution>;

/// Tells one stream's metrics of one minute.
pub(super) struct Teller<'a, 't> {
    pub account: &'a str,
    pub region: &'a str,
    pub stream: &'a str,
    pub minute: u64,
    pub tell: &'t mut dyn FnMut(Measured<'_>),
}

/// What a put operation adds to the metrics that both share.
#[derive(Default)]
struct Puts {
    bytes: Samples,
    records: Samples,
    throttled: Samples,
}

impl Teller<'_, '_> {
    pub(super) fn stream(&mut self, counts: &StreamCounts) {
        let one = counts.put_record.get().map(|counts| self.put_record(counts));
        let many = counts.put_records.get().map(|counts| self.put_records(counts));
        let (one, many) = (one.unwrap_or_default(), many.unwrap_or_default());
        self.of_stream("IncomingBytes", BYTES, all([one.bytes, many.bytes]));
        self.of_stream("IncomingRecords", COUNT, all([one.records, many.records]));
        let throttled = all([one.throttled, many.throttled]);
        self.of_stream("WriteProvisionedThroughputExceeded", COUNT, throttled);
        if let Some(counts) = counts.get_records.get() {
            self.get_records(counts);
        }
    }

    fn put_record(&mut self, counts: &PutRecord) -> Puts {
        let minute = self.minute;
        let (throttled, failed) = (counts.throttled.take(minute), counts.failed.take(minute));
        let bytes = counts.bytes.take(minute);
        let stored = samples(&bytes);
        self.of_stream("PutRecord.Bytes", BYTES, bytes.clone());
        self.of_stream("PutRecord.Latency", MILLISECONDS, counts.latency.take(minute));
        self.of_stream("PutRecord.Success", COUNT, flags(stored, throttled + failed));
        Puts { bytes, records: flags(stored, 0), throttled: flags(throttled, stored + failed) }
    }

    fn put_records(&mut self, counts: &PutRecords) -> Puts {
        let minute = self.minute;
        let (bytes, whole) = (counts.bytes.take(minute), counts.whole.take(minute));
        let failed = counts.failed.take(minute);
        let partial = counts.partial.get().map(|counts| partial(counts, minute));
        let partial = partial.unwrap_or_default();
        let no_refusal = flags(0, samples(&whole));
        let stored = all([whole.clone(), partial.stored]);
        let (succeeded, none_stored) = (samples(&stored), partial.none_stored);
        let answered = all([stored.clone(), flags(0, none_stored)]);
        let throttled = all([no_refusal.clone(), partial.throttled]);

        self.of_stream("PutRecords.Bytes", BYTES, bytes.clone());
        self.of_stream("PutRecords.Latency", MILLISECONDS, counts.latency.take(minute));
        self.of_stream("PutRecords.Success", COUNT, flags(succeeded, none_stored + failed));
        self.of_stream("PutRecords.TotalRecords", COUNT, all([whole, partial.total]));
        // The older name of the same.
        self.of_stream("PutRecords.Records", COUNT, answered.clone());
        self.of_stream("PutRecords.SuccessfulRecords", COUNT, answered);
        self.of_stream("PutRecords.FailedRecords", COUNT, all([no_refusal, partial.failed]));
        self.of_stream("PutRecords.ThrottledRecords", COUNT, throttled.clone());
        Puts { bytes, records: stored, throttled: all([throttled, flags(0, failed)]) }
    }

    fn get_records(&mut self, counts: &GetRecords) {
        let minute = self.minute;
        let (throttled, failed) = (counts.throttled.take(minute), counts.failed.take(minute));
        let records = counts.records.take(minute);
        let answered = samples(&records);
        self.of_stream("GetRecords.Bytes", BYTES, counts.bytes.take(minute));
        self.of_stream("GetRecords.Records", COUNT, records);
        let age = counts.age.take(minute);
        self.of_stream("GetRecords.IteratorAgeMilliseconds", MILLISECONDS, age);
        self.of_stream("GetRecords.Latency", MILLISECONDS, counts.latency.take(minute));
        self.of_stream("GetRecords.Success", COUNT, flags(answered, throttled + failed));
        let exceeded = flags(throttled, answered + failed);
        self.of_stream("ReadProvisionedThroughputExceeded", COUNT, exceeded);
    }

    pub(super) fn shard(&mut self, id: ShardId, counts: &ShardCounts) {
        let minute = self.minute;
        let reads = flags(counts.throttled_reads.take(minute), counts.other_reads.take(minute));
        for (metric, unit, samples) in [
            (ShardMetric::IncomingBytes, BYTES, counts.incoming_bytes.take(minute)),
            (ShardMetric::IncomingRecords, COUNT, counts.incoming_records.take(minute)),
            (ShardMetric::OutgoingBytes, BYTES, counts.outgoing_bytes.take(minute)),
            (ShardMetric::OutgoingRecords, COUNT, counts.outgoing_records.take(minute)),
            (ShardMetric::IteratorAgeMilliseconds, MILLISECONDS, counts.age.take(minute)),
            (
                ShardMetric::WriteProvisionedThroughputExceeded,
                COUNT,
                counts.throttled_writes.take(minute),
            ),
            (ShardMetric::ReadProvisionedThroughputExceeded, COUNT, reads),
        ] {
            self.of(metric.as_str(), unit, Some(("ShardId", id.text().as_str())), samples);
        }
    }

    pub(super) fn consumer(&mut self, name: &str, counts: &ConsumerCounts) {
        let minute = self.minute;
        let (yes, no) = (counts.subscribed.take(minute), counts.not_subscribed.take(minute));
        let records = counts.event_records.take(minute);
        let events = flags(samples(&records), counts.event_failed.take(minute));
        let behind = counts.event_behind.take(minute);
        for (metric, unit, samples) in [
            ("SubscribeToShard.Success", COUNT, flags(yes, no)),
            ("SubscribeToShard.RateExceeded", COUNT, flags(counts.rate_exceeded.take(minute), 0)),
            ("SubscribeToShardEvent.Success", COUNT, events),
            ("SubscribeToShardEvent.Bytes", BYTES, counts.event_bytes.take(minute)),
            ("SubscribeToShardEvent.Records", COUNT, records),
            ("SubscribeToShardEvent.MillisBehindLatest", MILLISECONDS, behind),
        ] {
            self.of(metric, unit, Some(("ConsumerName", name)), samples);
        }
    }

    fn of_stream(&mut self, name: &'static str, unit: &'static str, samples: Samples) {
        self.of(name, unit, None, samples);
    }

    fn of(
        &mut self,
        name: &'static str,
        unit: &'static str,
        within: Option<(&'static str, &str)>,
        samples: Samples,
    ) {
        let Some(distribution) = samples else { return };
        let (account, region) = (self.account, self.region);
        let stream = ("StreamName", self.stream);
        let dimensions = [stream, within.unwrap_or(stream)];
        let dimensions = &dimensions[..1 + usize::from(within.is_some())];
        (self.tell)(Measured { account, region, name, unit, dimensions, distribution });
    }
}

/// Of calls of which not all records were stored.
#[derive(Default)]
struct PartialCalls {
    total: Samples,
    stored: Samples,
    none_stored: u64,
    throttled: Samples,
    failed: Samples,
}

fn partial(counts: &Partial, minute: u64) -> PartialCalls {
    PartialCalls {
        total: counts.total.take(minute),
        stored: counts.stored.take(minute),
        none_stored: counts.none_stored.take(minute),
        throttled: counts.throttled.take(minute),
        failed: counts.failed.take(minute),
    }
}

/// All of them as one.
fn all<const N: usize>(parts: [Samples; N]) -> Samples {
    parts.into_iter().flatten().reduce(|mut all, part| {
        all.merge(&part);
        all
    })
}

/// So many ones, and so many zeros.
fn flags(ones: u64, zeros: u64) -> Samples {
    let some = |value, count: u64| (count > 0).then(|| Distribution::of(value, count as f64));
    all([some(1.0, ones), some(0.0, zeros)])
}

fn samples(samples: &Samples) -> u64 {
    samples.as_ref().map_or(0, |samples| samples.count as u64)
}
