//! DescribeStream: a stream with a page of its shards.
//!
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeStream.html>

use std::{borrow::Cow, sync::Arc};

use nautilus_wire::{Members, Output as WireOutput, Writer, rules::kinesis as rules};

use crate::{
    description,
    error::Error,
    input::{self, StreamRef},
    kinesis::{Ctx, Request},
    limits,
    model::{ids::ShardId, stream::Stream},
    retention,
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub stream: StreamRef<'a>,
    pub limit: Option<i64>,
    pub exclusive_start_shard_id: Option<Cow<'a, str>>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            stream: StreamRef::read(members),
            limit: members.integer("Limit", &rules::LIMIT),
            exclusive_start_shard_id: members.string("ExclusiveStartShardId", &rules::SHARD_ID),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(self.stream.address(request.caller)?.arn())
    }
}

#[derive(Debug)]
pub(crate) struct Output {
    stream: Arc<Stream>,
    after: Option<ShardId>,
    limit: usize,
    /// Closed shards that ended before it have expired, whether or not they were taken away yet.
    horizon_ms: u64,
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Output, Error> {
    let at = input.stream.address(ctx.caller)?;
    let stream = ctx.inner.stream(at)?;
    let start = input.exclusive_start_shard_id.as_deref();
    let after = start.map(|given| input::shard_id(at, given)).transpose()?;

    let limit = input.limit.and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.unwrap_or(usize::MAX).min(limits::DESCRIBE_SHARDS_MAX);
    let horizon_ms = retention::horizon_ms(&stream, ctx.inner.expiry_now_ms());
    Ok(Output { stream, after, limit, horizon_ms })
}

impl WireOutput for Output {
    fn write<W: Writer>(&self, w: &mut W) {
        let stream = &*self.stream;
        let rest = stream.shards.all().iter().filter(|shard| {
            Some(shard.id()) > self.after && shard.ended_not_before(self.horizon_ms)
        });
        let has_more = rest.clone().nth(self.limit).is_some();
        w.map(|w| {
            w.field_map("StreamDescription", |w| {
                description::write_identity(w, stream);
                w.field_list("Shards", rest.take(self.limit), |w, shard| shard.write(w));
                w.field_bool("HasMoreShards", has_more);
                description::write_settings(w, stream);
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[test]
    fn a_fresh_stream_is_described_whole() {
        let world = World::with_stream(1);
        let start = world.shard_start("s", 0);
        let created = world.created_second("s");
        let expected = format!(
            r#"{{"StreamDescription":{{"StreamName":"s","StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s","StreamStatus":"ACTIVE","StreamModeDetails":{{"StreamMode":"PROVISIONED"}},"StreamCreationTimestamp":{created},"Shards":[{{"ShardId":"shardId-000000000000","HashKeyRange":{{"StartingHashKey":"0","EndingHashKey":"340282366920938463463374607431768211455"}},"SequenceNumberRange":{{"StartingSequenceNumber":"{start}"}}}}],"HasMoreShards":false,"RetentionPeriodHours":24,"EncryptionType":"NONE","EnhancedMonitoring":[{{"ShardLevelMetrics":[]}}]}}}}"#
        );
        world.check(
            "DescribeStream",
            r#"{"StreamName":"s","StreamId":"abcdefghij0123456789-abc"}"#,
            &expected,
        );
    }

    #[test]
    fn pages_follow_the_last_shard() {
        let world = World::with_stream(5);
        let page = |rest: &str| {
            let answer = world.ok("DescribeStream", &format!(r#"{{"StreamName":"s"{rest}}}"#));
            let description = &answer["StreamDescription"];
            let shards = description["Shards"].as_array().expect("a list").len();
            (shards, description["HasMoreShards"].as_bool().expect("a boolean"))
        };
        assert_eq!(page(r#","Limit":3"#), (3, true));
        assert_eq!(
            page(r#","Limit":3,"ExclusiveStartShardId":"shardId-000000000002""#),
            (2, false)
        );
        assert_eq!(page(r#","Limit":5"#), (5, false));
        assert_eq!(page(r#","ExclusiveStartShardId":"9""#), (0, false));
    }

    #[test]
    fn more_than_a_hundred_shards_need_two_pages() {
        let world = World::with_stream(101);
        let answer = world.ok("DescribeStream", r#"{"StreamName":"s","Limit":10000}"#);
        let description = &answer["StreamDescription"];
        assert_eq!(description["Shards"].as_array().expect("a list").len(), 100);
        assert_eq!(description["HasMoreShards"], true);
    }
}
