//! A call of a data operation while it runs: counts how it ended, once.
//!
//! Dropping a [`Call`] counts a failure: so does every error that leaves the operation, and a client that hangs up. What
//! turns out to be a call's own mistake is forgotten.

use nautilus_stats::Recorder;

use super::{
    MINUTE_MS,
    counts::{Counter, GetRecords, Partial, PutRecord, PutRecords, StreamCounts},
    shards::{ShardMeter, put_in_shards},
};
use crate::{
    append::Appended,
    catalog::Address,
    kinesis::Inner,
    model::{arn::StreamArn, shard::Shard, stream::Stream},
    ops::Operation,
    page::Page,
};

/// See the module.
pub(crate) struct Call<'a, C: Counts> {
    /// `None` if nothing is counted, or all is.
    running: Option<Running<'a, C>>,
}

struct Running<'a, C> {
    inner: &'a Inner,
    counts: &'a C,
    began_ms: u64,
    began_us: u64,
}

/// What an operation's calls are counted by.
pub(crate) trait Counts {
    fn of(stream: &StreamCounts) -> &Self;
    fn latency(&self) -> &Recorder;
    fn failed(&self) -> &Counter;
}

impl<'a, C: Counts> Call<'a, C> {
    /// One that begins now. `now_ms` spares a look at the clock.
    pub(crate) fn begin(inner: &'a Inner, stream: &'a Stream, now_ms: Option<u64>) -> Call<'a, C> {
        if !inner.meters.are_on() {
            return Call { running: None };
        }
        let (began_ms, began_us) = match now_ms {
            Some(now_ms) => (now_ms, inner.monotonic_us()),
            None => inner.now_ms_and_monotonic_us(),
        };
        let counts = C::of(inner.meters.of_stream(stream));
        Call { running: Some(Running { inner, counts, began_ms, began_us }) }
    }

    /// When it began, if it is counted.
    pub(crate) fn began_ms(&self) -> Option<u64> {
        self.running.as_ref().map(|running| running.began_ms)
    }

    /// It was no call to this stream after all.
    pub(crate) fn forget(&mut self) {
        self.running = None;
    }

    /// Counts how it ended.
    fn end(&mut self, count: impl FnOnce(&Inner, &C, u64)) {
        let Some(Running { inner, counts, began_ms, began_us }) = self.running.take() else {
            return;
        };
        let latency_us = inner.monotonic_us().saturating_sub(began_us);
        let minute = (began_ms + latency_us / 1000) / MINUTE_MS;
        counts.latency().record(minute, latency_us);
        count(inner, counts, minute);
    }
}

impl<C: Counts> Drop for Call<'_, C> {
    fn drop(&mut self) {
        self.end(|_, counts, minute| counts.failed().add(minute));
    }
}

impl Call<'_, PutRecord> {
    /// Its one record was stored, throttled or lost.
    pub(crate) fn put(mut self, stream: &Stream, appended: &Appended) {
        self.end(|inner, counts, minute| {
            match appended.placed.first().map(|placed| placed.result) {
                Some(Ok(_)) => counts.bytes.record(minute, appended.bytes),
                Some(Err(failure)) if failure.is_throttled() => counts.throttled.add(minute),
                _ => counts.failed.add(minute),
            }
            put_in_shards(inner, stream, appended, minute);
        });
    }
}

impl Call<'_, PutRecords> {
    /// It was answered, whatever became of each record.
    pub(crate) fn put(mut self, stream: &Stream, appended: &Appended) {
        self.end(|inner, counts, minute| {
            let total = appended.placed.len() as u64;
            match appended.records == total {
                true => counts.whole.record(minute, total),
                false => put_partially(counts.partial.get_or_init(Box::default), appended, minute),
            }
            if appended.records > 0 {
                counts.bytes.record(minute, appended.bytes);
            }
            put_in_shards(inner, stream, appended, minute);
        });
    }
}

fn put_partially(counts: &Partial, appended: &Appended, minute: u64) {
    let total = appended.placed.len() as u64;
    let (mut throttled, mut failed) = (0, 0);
    for failure in appended.placed.iter().filter_map(|placed| placed.result.err()) {
        match failure.is_throttled() {
            true => throttled += 1,
            false => failed += 1,
        }
    }
    counts.total.record(minute, total);
    match appended.records {
        0 => counts.none_stored.add(minute),
        stored => counts.stored.record(minute, stored),
    }
    counts.throttled.record(minute, throttled);
    counts.failed.record(minute, failed);
}

impl Call<'_, GetRecords> {
    /// It is answered with a page whose last record is so old.
    pub(crate) fn read(mut self, stream: &Stream, shard: &Shard, page: &Page, age_ms: u64) {
        self.end(|inner, counts, minute| {
            counts.bytes.record(minute, page.bytes() as u64);
            counts.records.record(minute, page.record_count() as u64);
            counts.age.record(minute, age_ms);
            if let Some(shard) = ShardMeter::of(inner, stream, shard, minute) {
                shard.given(page.bytes() as u64, page.record_count() as u64);
                shard.read(age_ms);
            }
        });
    }

    /// It was refused by the shard's rates.
    pub(crate) fn throttled(mut self, stream: &Stream, shard: &Shard) {
        self.end(|inner, counts, minute| {
            counts.throttled.add(minute);
            if let Some(shard) = ShardMeter::of(inner, stream, shard, minute) {
                shard.not_read(true);
            }
        });
    }

    /// It found its shard, and failed for another reason.
    pub(crate) fn failed(mut self, stream: &Stream, shard: &Shard) {
        self.end(|inner, counts, minute| {
            counts.failed.add(minute);
            if let Some(shard) = ShardMeter::of(inner, stream, shard, minute) {
                shard.not_read(false);
            }
        });
    }
}

/// Counts a call that failed as a whole before its operation was asked.
pub(crate) fn fail_call(inner: &Inner, operation: Operation, arn: &str) {
    let Some(StreamArn { account, region, name }) = StreamArn::parse(arn) else { return };
    let Ok(stream) = inner.stream(Address { account, region, name }) else { return };
    match operation {
        Operation::PutRecord => drop(Call::<PutRecord>::begin(inner, &stream, None)),
        Operation::PutRecords => drop(Call::<PutRecords>::begin(inner, &stream, None)),
        Operation::GetRecords => drop(Call::<GetRecords>::begin(inner, &stream, None)),
        _ => {}
    }
}

impl Counts for PutRecord {
    fn of(stream: &StreamCounts) -> &PutRecord {
        stream.put_record.get_or_init(Box::default)
    }

    fn latency(&self) -> &Recorder {
        &self.latency
    }

    fn failed(&self) -> &Counter {
        &self.failed
    }
}

impl Counts for PutRecords {
    fn of(stream: &StreamCounts) -> &PutRecords {
        stream.put_records.get_or_init(Box::default)
    }

    fn latency(&self) -> &Recorder {
        &self.latency
    }

    fn failed(&self) -> &Counter {
        &self.failed
    }
}

impl Counts for GetRecords {
    fn of(stream: &StreamCounts) -> &GetRecords {
        stream.get_records.get_or_init(Box::default)
    }

    fn latency(&self) -> &Recorder {
        &self.latency
    }

    fn failed(&self) -> &Counter {
        &self.failed
    }
}
