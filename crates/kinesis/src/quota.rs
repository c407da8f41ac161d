//! The quotas of an account in a region that creating a stream may run into.

use crate::{
    catalog::{Address, Plan, Region, Snapshot},
    error::Error,
    limits,
    model::stream::{Status, Stream, StreamMode},
};

/// Refuses more shards than the account may have. One stream's own bound holds even when quotas do not.
pub(crate) fn check_new_shards(
    snapshot: &Snapshot,
    at: Address<'_>,
    more: u32,
    limits_enforced: bool,
) -> Result<(), Error> {
    let planned: i64 = snapshot
        .intents()
        .filter(|(_, intent)| (&*intent.account, &*intent.region) == (at.account, at.region))
        .map(|(_, intent)| match &intent.plan {
            Plan::Create { shards } => shards.len() as i64,
            Plan::Reshard(reshard) => reshard.more_open().max(0),
            Plan::Update | Plan::Delete { .. } => 0,
        })
        .sum();
    let region = snapshot.region(at.account, at.region);
    let open: usize = region.map_or(0, |region| {
        region.streams().values().map(|stream| stream.open_shard_count()).sum()
    });
    let (count, limit) = (open + planned as usize, limits::shard_limit(at.region));
    let over_quota = limits_enforced && count + more as usize > limit;
    if !over_quota && more <= limits::SHARD_COUNT_MAX {
        return Ok(());
    }
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
) -> Result<(), Error> {
    let Some(region) = snapshot.region(at.account, at.region) else { return Ok(()) };
    let creating =
        region.streams().values().filter(|stream| stream.status == Status::Creating).count();
    if creating >= limits::CREATING_STREAMS_MAX {
        // Two blanks, as AWS writes it; clients look for a part of this sentence.
        return Err(Error::LimitExceeded(format!(
            "This request would have exceed the limit on the number  of streams that can \
             simultaneously be in CREATING or DELETING for the account {}. Limit: {}.",
            at.account,
            limits::CREATING_STREAMS_MAX
        )));
    }
    check_on_demand(region, at, mode)
}

/// Refuses a stream on demand too many.
fn check_on_demand(region: &Region, at: Address<'_>, mode: StreamMode) -> Result<(), Error> {
    let on_demand =
        region.streams().values().filter(|stream| stream.mode == StreamMode::OnDemand).count();
    if mode == StreamMode::Provisioned || on_demand < limits::ON_DEMAND_STREAMS_MAX {
        return Ok(());
    }
    Err(Error::LimitExceeded(format!(
        "This request would exceed the on-demand stream limit for the account {}. Limit: {}.",
        at.account,
        limits::ON_DEMAND_STREAMS_MAX
    )))
}
