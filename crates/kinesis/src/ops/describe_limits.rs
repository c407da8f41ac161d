//! DescribeLimits: the account's quotas in the region, and what it uses of them.
//!
//! Terraform asks for them at each plan and fails if they are zero, so they are AWS's also when they are lifted.
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeLimits.html>

use nautilus_wire::{Members, Output as WireOutput, Writer};

use super::ANY_RESOURCE;
use crate::{
    error::Error,
    kinesis::{Ctx, Request},
    limits::{self, Limit},
    model::stream::StreamMode,
};

#[derive(Debug)]
pub(crate) struct Input;

impl Input {
    pub(crate) fn read(_members: &mut Members<'_>) -> Input {
        Input
    }

    pub(crate) fn resource(&self, _request: &Request<'_>) -> Result<String, Error> {
        Ok(ANY_RESOURCE.to_owned())
    }
}

#[derive(Debug)]
pub(crate) struct Output {
    shard_limit: u64,
    open_shard_count: usize,
    on_demand_stream_count: usize,
    on_demand_stream_count_limit: u64,
}

pub(crate) async fn act(ctx: &Ctx<'_>, _input: Input) -> Result<Output, Error> {
    let snapshot = ctx.inner.catalog.snapshot();
    let region = snapshot.region(&ctx.caller.account, &ctx.caller.region);
    let (limits, caller_region) = (&ctx.inner.config.limits, &*ctx.caller.region);
    let streams = || region.into_iter().flat_map(|region| region.streams().values());

    Ok(Output {
        shard_limit: limits
            .shards(caller_region)
            .unwrap_or(limits::shard_limit(caller_region) as u64),
        open_shard_count: streams().map(|stream| stream.open_shard_count()).sum(),
        on_demand_stream_count: streams()
            .filter(|stream| stream.mode == StreamMode::OnDemand)
            .count(),
        on_demand_stream_count_limit: limits
            .get(Limit::OnDemandStreams)
            .unwrap_or(limits::ON_DEMAND_STREAMS_MAX as u64),
    })
}

impl WireOutput for Output {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_i64("ShardLimit", self.shard_limit as i64);
            w.field_i64("OpenShardCount", self.open_shard_count as i64);
            w.field_i64("OnDemandStreamCount", self.on_demand_stream_count as i64);
            w.field_i64("OnDemandStreamCountLimit", self.on_demand_stream_count_limit as i64);
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::{Limits, limits::Limit, testing::World};

    #[test]
    fn what_is_used_is_counted() {
        World::with_stream(3).check(
            "DescribeLimits",
            "{}",
            r#"{"ShardLimit":20000,"OpenShardCount":3,"OnDemandStreamCount":0,"OnDemandStreamCountLimit":50}"#,
        );
    }

    #[test]
    fn what_the_operator_chose_is_shown_and_what_was_lifted_is_awss() {
        let limits = Limits::off().with(Limit::Shards, Some(7));
        World::with_limits(limits).check(
            "DescribeLimits",
            "{}",
            r#"{"ShardLimit":7,"OpenShardCount":0,"OnDemandStreamCount":0,"OnDemandStreamCountLimit":50}"#,
        );
    }

    #[test]
    fn an_account_without_anything_has_limits_too() {
        World::new().check(
            "DescribeLimits",
            "{}",
            r#"{"ShardLimit":20000,"OpenShardCount":0,"OnDemandStreamCount":0,"OnDemandStreamCountLimit":50}"#,
        );
    }
}
