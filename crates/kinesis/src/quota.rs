//! The quotas that making or changing a stream, or registering a consumer, may run into.

use std::sync::Arc;

use crate::{
    catalog::{Address, Plan, Snapshot},
    error::Error,
    limits::{self, Limit, Limits},
    model::{
        consumer::{Consumer, ConsumerStatus},
        stream::{Status, Stream, StreamMode},
    },
};

/// Refuses more shards than the account may have. One stream's own bound holds even when quotas do not.
pub(crate) fn check_new_shards(
    snapshot: &Snapshot,
    at: Address<'_>,
    more: u32,
    limits: &Limits,
) -> Result<(), Error> {
    let planned: i64 = snapshot
        .intents()
        .filter(|(_, intent)| (&*intent.account, &*intent.region) == (at.account, at.region))
        .map(|(_, intent)| match &intent.plan {
            Plan::Create { shards } => shards.len() as i64,
            Plan::Reshard(reshard) => reshard.more_open().max(0),
            Plan::Update
            | Plan::Register { .. }
            | Plan::Deregister { .. }
            | Plan::Delete { .. } => 0,
        })
        .sum();
    let region = snapshot.region(at.account, at.region);
    let open: usize = region.map_or(0, |region| {
        region.streams().values().map(|stream| stream.open_shard_count()).sum()
    });
    let count = open + planned as usize;
    let quota = limits.shards(at.region).filter(|_| more > 0).map(as_count);
    let is_over = quota.is_some_and(|quota| count + more as usize > quota);
    if !is_over && more <= limits::SHARD_COUNT_MAX {
        return Ok(());
    }
    let limit = quota.unwrap_or(limits::SHARD_COUNT_MAX as usize);
    Err(Error::LimitExceeded(format!(
        "This request would exceed the shard limit for the account {} in {}. Current shard count \
         for the account: {count}. Limit: {limit}. Number of additional shards that would have \
         resulted from this request: {more}. Refer to the AWS Service Limits page \
         (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current limits \
         and how to request higher limits.",
        at.account, at.region
    )))
}

/// Refuses a reshard after which the stream's row would have too many shards, open and closed.
pub(crate) fn check_shard_rows(stream: &Stream, more: u32) -> Result<(), Error> {
    let kept = stream.shards.all().len();
    if kept + more as usize <= limits::SHARD_ROWS_MAX {
        return Ok(());
    }
    Err(Error::LimitExceeded(format!(
        "Stream {} under account {} has {kept} open and closed shards, and {more} more would be \
         over the limit of {}. Closed shards go when their retention is over.",
        stream.name,
        stream.account,
        limits::SHARD_ROWS_MAX
    )))
}

/// Refuses a stream too many: being created at once, or on demand.
pub(crate) fn check_new_stream(
    snapshot: &Snapshot,
    at: Address<'_>,
    mode: StreamMode,
    limits: &Limits,
) -> Result<(), Error> {
    let Some(region) = snapshot.region(at.account, at.region) else { return Ok(()) };
    let creating =
        region.streams().values().filter(|stream| stream.status == Status::Creating).count();
    if let Some(limit) = limits.get(Limit::CreatingStreams)
        && creating >= as_count(limit)
    {
        // Two blanks, as AWS writes it; clients look for a part of this sentence.
        return Err(Error::LimitExceeded(format!(
            "This request would have exceed the limit on the number  of streams that can \
             simultaneously be in CREATING or DELETING for the account {}. Limit: {limit}.",
            at.account,
        )));
    }
    check_on_demand(snapshot, at, mode, limits)
}

/// Refuses a stream on demand too many.
pub(crate) fn check_on_demand(
    snapshot: &Snapshot,
    at: Address<'_>,
    mode: StreamMode,
    limits: &Limits,
) -> Result<(), Error> {
    let (Some(region), Some(limit), StreamMode::OnDemand) =
        (snapshot.region(at.account, at.region), limits.get(Limit::OnDemandStreams), mode)
    else {
        return Ok(());
    };
    let on_demand =
        region.streams().values().filter(|stream| stream.mode == StreamMode::OnDemand).count();
    if on_demand < as_count(limit) {
        return Ok(());
    }
    Err(Error::LimitExceeded(format!(
        "This request would exceed the on-demand stream limit for the account {}. Limit: {limit}.",
        at.account,
    )))
}

/// Refuses a consumer too many: of the stream, or being created at once.
pub(crate) fn check_new_consumer(
    snapshot: &Snapshot,
    at: Address<'_>,
    is_advantage: bool,
    limits: &Limits,
) -> Result<(), Error> {
    let Some(consumers) = snapshot.consumers(at) else { return Ok(()) };
    let aws = match is_advantage {
        true => limits::CONSUMERS_ADVANTAGE_MAX,
        false => limits::CONSUMERS_MAX,
    };
    let quota = limits.consumers_per_stream(aws).map_or(limits::CONSUMER_ROWS_MAX, as_count);
    let limit = quota.min(limits::CONSUMER_ROWS_MAX);
    if consumers.len() >= limit {
        return Err(Error::LimitExceeded(format!(
            "This request would exceed the limit of consumers for the stream {} under account {}. \
             Limit: {limit}.",
            at.name, at.account,
        )));
    }
    let is_creating = |consumer: &&Arc<Consumer>| consumer.status == ConsumerStatus::Creating;
    let creating = consumers.values().filter(is_creating).count();
    match limits.get(Limit::CreatingConsumers) {
        Some(limit) if creating >= as_count(limit) => Err(Error::LimitExceeded(format!(
            "This request would exceed the limit on the number of consumers that can \
             simultaneously be in CREATING for the stream {} under account {}. Limit: {limit}.",
            at.name, at.account,
        ))),
        _ => Ok(()),
    }
}

/// A limit's number as one of things that are in memory.
pub(crate) fn as_count(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
