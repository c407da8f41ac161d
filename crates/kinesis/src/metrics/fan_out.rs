//! What is counted of a consumer's subscriptions.

use super::{MINUTE_MS, shards::ShardMeter};
use crate::{
    error::Error,
    kinesis::Inner,
    model::{consumer::Consumer, shard::Shard, stream::Stream},
    page::Page,
};

/// How a call of SubscribeToShard ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subscribing {
    Begun,
    /// The consumer has one already, or asks too often.
    RateExceeded,
    Failed,
}

impl Subscribing {
    pub(crate) fn of<T>(begun: &Result<T, Error>) -> Subscribing {
        match begun {
            Ok(_) => Subscribing::Begun,
            Err(Error::SubscriptionExists { .. } | Error::LimitExceeded(_)) => {
                Subscribing::RateExceeded
            }
            Err(_) => Subscribing::Failed,
        }
    }
}

/// Counts a call of SubscribeToShard that found its consumer.
pub(crate) fn subscribed(inner: &Inner, consumer: &Consumer, how: Subscribing) {
    if !inner.meters.are_on() {
        return;
    }
    let (counts, minute) = (inner.meters.of_consumer(consumer), inner.now_ms() / MINUTE_MS);
    match how {
        Subscribing::Begun => counts.subscribed.add(minute),
        Subscribing::RateExceeded => {
            counts.rate_exceeded.add(minute);
            counts.not_subscribed.add(minute);
        }
        Subscribing::Failed => counts.not_subscribed.add(minute),
    }
}

/// An event that a consumer is told of a shard.
pub(crate) struct ToldEvent<'a> {
    pub consumer: &'a Consumer,
    pub stream: &'a Stream,
    pub shard: &'a Shard,
    /// `None` if it only says that there is nothing new.
    pub page: Option<&'a Page>,
    pub behind_ms: u64,
}

/// Counts an event.
pub(crate) fn told(inner: &Inner, event: &ToldEvent<'_>, now_ms: u64) {
    if !inner.meters.are_on() {
        return;
    }
    let (counts, minute) = (inner.meters.of_consumer(event.consumer), now_ms / MINUTE_MS);
    let bytes = event.page.map_or(0, Page::bytes) as u64;
    let records = event.page.map_or(0, Page::record_count) as u64;
    counts.event_bytes.record(minute, bytes);
    counts.event_records.record(minute, records);
    counts.event_behind.record(minute, event.behind_ms);
    if let Some(shard) = ShardMeter::of(inner, event.stream, event.shard, minute) {
        shard.given(bytes, records);
    }
}

/// Counts an event that was due and could not be made.
pub(crate) fn not_told(inner: &Inner, consumer: &Consumer) {
    if inner.meters.are_on() {
        inner.meters.of_consumer(consumer).event_failed.add(inner.now_ms() / MINUTE_MS);
    }
}
