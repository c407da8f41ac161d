//! CreateStream: makes a stream with its shards and tags. It is CREATING until its time is over.
//!
//! The shards are planned, and their logs allotted, in the change that makes the stream; they are shown, and take
//! records, once it is ACTIVE.
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html>

use std::{borrow::Cow, collections::BTreeMap};

use nautilus_wire::{Done, Members, rules::kinesis as rules};

use crate::{
    catalog::{Address, Edit, Intent, Plan, Snapshot},
    error::Error,
    kinesis::{Ctx, Request},
    limits::{self, Limits},
    model::{
        hash_range::HashRange,
        live::Counted,
        shard::Shard,
        shard_metrics::ShardMetrics,
        shards::Shards,
        stream::{Distribution, Status, Stream, StreamMode},
    },
    on_demand::{self, scaling::Peaks},
    quota,
    resource::Attached,
    tags::{self, Door, Given},
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub stream_name: Cow<'a, str>,
    pub mode: StreamMode,
    pub shard_count: Option<i64>,
    pub tags: Given<'a>,
    pub max_record_kib: Option<i64>,
    pub warm_throughput: Option<i64>,
    pub distribution: Option<Distribution>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        let mode = members
            .structure("StreamModeDetails", |details| {
                details.required_string("StreamMode", &rules::STREAM_MODE)
            })
            .and_then(|mode| StreamMode::parse(&mode))
            .unwrap_or(StreamMode::Provisioned);
        Input {
            stream_name: members.required_string("StreamName", &rules::STREAM_NAME),
            mode,
            // The model leaves it open; AWS's service asks for it all the same.
            shard_count: match mode {
                StreamMode::Provisioned => {
                    Some(members.required_integer("ShardCount", &rules::SHARD_COUNT))
                }
                StreamMode::OnDemand => members.integer("ShardCount", &rules::SHARD_COUNT),
            },
            tags: members.string_map("Tags", &rules::TAG_MAP).unwrap_or_default(),
            max_record_kib: members.integer("MaxRecordSizeInKiB", &rules::MAX_RECORD_SIZE),
            warm_throughput: members.integer("WarmThroughputMiBps", &rules::WARM_THROUGHPUT),
            distribution: members
                .string("RecordDistributionStrategy", &rules::RECORD_DISTRIBUTION_STRATEGY)
                .and_then(|strategy| Distribution::parse(&strategy)),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        let (account, region) = (&request.caller.account, &request.caller.region);
        Ok(Address { account, region, name: &self.stream_name }.arn())
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Done, Error> {
    check_shard_count(&input)?;
    let at = Address {
        account: &ctx.caller.account,
        region: &ctx.caller.region,
        name: &input.stream_name,
    };
    if ctx.inner.stream(at).is_ok() {
        return Err(Error::stream_exists(at));
    }
    check_options(&input)?;
    if !input.tags.is_empty() {
        ctx.authorize_too("kinesis:AddTagsToStream", &at.arn())?;
    }
    let (stream, shard_count) = new_stream(ctx, input)?;

    let due_ms = ctx.inner.now_ms() + ctx.inner.config.transition_delay_ms;
    let limits = ctx.inner.config.limits;
    let change = move |snapshot: &Snapshot| {
        let edit = start_creating(snapshot, stream, shard_count, due_ms, &limits)?;
        Ok(edit.finish(()))
    };
    ctx.inner.change(change).await?;
    ctx.inner.due_changed.notify_one();
    Ok(Done)
}

fn check_shard_count(input: &Input<'_>) -> Result<(), Error> {
    if input.mode == StreamMode::OnDemand && input.shard_count.is_some() {
        let text = "ShardCount is not expected when StreamMode=ON_DEMAND";
        return Err(Error::Validation(text.to_owned()));
    }
    Ok(())
}

fn check_options(input: &Input<'_>) -> Result<(), Error> {
    let given = [
        ("WarmThroughputMiBps", input.warm_throughput.is_some_and(|wanted| wanted > 0)),
        ("RecordDistributionStrategy", input.distribution.is_some()),
    ];
    match given.iter().find(|(_, given)| input.mode == StreamMode::Provisioned && *given) {
        Some((name, _)) => {
            Err(Error::InvalidArgument(format!("{name} is only for streams in On-Demand mode.")))
        }
        None => Ok(()),
    }
}

/// The stream as it begins, and how many shards it will have.
fn new_stream(ctx: &Ctx<'_>, input: Input<'_>) -> Result<(Stream, u32), Error> {
    let warm_mibps = match input.warm_throughput {
        Some(wanted) if wanted > 0 => {
            let (account, region) = (&ctx.caller.account, &ctx.caller.region);
            let at = Address { account, region, name: &input.stream_name };
            let snapshot = ctx.inner.catalog.load();
            on_demand::warm_throughput(&snapshot, at, ctx.inner.now_ms(), wanted)?
        }
        _ => None,
    };
    let shard_count = match input.shard_count {
        Some(count) => u32::try_from(count).unwrap_or(u32::MAX),
        None => on_demand::first_shards(warm_mibps),
    };
    let max_record_kib = input.max_record_kib.and_then(|kib| u32::try_from(kib).ok());
    let mut stream = Stream {
        id: 0,
        account: ctx.caller.account.clone(),
        region: ctx.caller.region.clone(),
        name: input.stream_name.into_owned(),
        status: Status::Creating,
        mode: input.mode,
        // AWS shows whole seconds.
        created_ms: ctx.inner.now_ms() / 1000 * 1000,
        last_created_second: 0,
        max_record_kib: max_record_kib.unwrap_or(limits::RECORD_KIB_DEFAULT),
        distribution: input.distribution.unwrap_or_default(),
        warm_mibps,
        peaks: Peaks::default(),
        mode_switches_ms: Vec::new(),
        shard_count_updates_ms: Vec::new(),
        retention_hours: limits::RETENTION_HOURS_MIN,
        trim_floor_ms: 0,
        metrics: ShardMetrics::NONE,
        tags: BTreeMap::new(),
        policy: None,
        shards: Shards::default(),
        counted: Counted::default(),
    };
    tags::add(Attached::of_stream(&mut stream), &tags::owned(input.tags), Door::Resource)?;
    Ok((stream, shard_count))
}

/// Gives the stream its id and plans its shards, if nothing stands in the way.
fn start_creating(
    snapshot: &Snapshot,
    mut stream: Stream,
    shard_count: u32,
    due_ms: u64,
    limits: &Limits,
) -> Result<Edit, Error> {
    let at = Address::of(&stream);
    if snapshot.stream(at).is_some() {
        return Err(Error::stream_exists(at));
    }
    quota::check_new_shards(snapshot, at, shard_count, limits)?;
    quota::check_new_stream(snapshot, at, stream.mode, limits)?;
    let created_second = (stream.created_ms / 1000).max(snapshot.created_second_min(at));

    let mut edit = Edit::new(snapshot);
    stream.id = edit.allot_stream();
    stream.last_created_second = created_second;
    let first_log = edit.allot_shard_logs(shard_count);
    let shards = HashRange::even(shard_count).zip(0..).map(|(range, index)| {
        Shard::first(index, first_log + u64::from(index), range, created_second)
    });
    let plan = Plan::Create { shards: shards.collect() };
    edit.add_intent(Intent::new(&stream, due_ms, plan));
    edit.put_stream(stream);
    Ok(edit)
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[test]
    fn a_stream_passes_through_creating() {
        let world = World::new();
        world.check(
            "CreateStream",
            r#"{"StreamName":"s","ShardCount":3,"Tags":{"team":"a:b"}}"#,
            "",
        );
        assert_eq!(world.status("s"), "CREATING");
        let description = world.ok("DescribeStream", r#"{"StreamName":"s"}"#);
        assert_eq!(description["StreamDescription"]["Shards"], serde_json::json!([]));
        world.check(
            "ListTagsForStream",
            r#"{"StreamName":"s"}"#,
            r#"{"Tags":[{"Key":"team","Value":"a:b"}],"HasMoreTags":false}"#,
        );

        world.settle();
        assert_eq!(world.status("s"), "ACTIVE");
        let description = world.ok("DescribeStream", r#"{"StreamName":"s"}"#);
        let shards = description["StreamDescription"]["Shards"].as_array().expect("a list").len();
        assert_eq!(shards, 3);
    }

    #[test]
    fn a_name_is_taken_once() {
        World::with_stream(1).check(
            "CreateStream",
            r#"{"StreamName":"s","ShardCount":1}"#,
            "ResourceInUseException: Stream s under account 000000000000 already exists.",
        );
    }

    #[test]
    fn a_name_that_is_taken_comes_before_other_mistakes() {
        let world = World::with_stream(1);
        let taken = "ResourceInUseException: Stream s under account 000000000000 already exists.";
        for rest in [
            r#""Tags":{"a;b":"c"}"#,
            r#""WarmThroughputMiBps":5"#,
            r#""RecordDistributionStrategy":"USER_PARTITION_KEY""#,
        ] {
            let input = |name| format!(r#"{{"StreamName":"{name}","ShardCount":1,{rest}}}"#);
            world.check("CreateStream", &input("s"), taken);
            let error = world.error("CreateStream", &input("t"));
            assert!(error.starts_with("InvalidArgumentException: "), "{error}");
        }
    }

    #[test]
    fn a_stream_on_demand_has_four_shards() {
        let world = World::new();
        let on_demand = r#""StreamModeDetails":{"StreamMode":"ON_DEMAND"}"#;
        world.check("CreateStream", &format!(r#"{{"StreamName":"s",{on_demand}}}"#), "");
        world.settle();
        let summary = world.ok("DescribeStreamSummary", r#"{"StreamName":"s"}"#);
        assert_eq!(summary["StreamDescriptionSummary"]["OpenShardCount"], 4);
        world.check(
            "CreateStream",
            &format!(r#"{{"StreamName":"t","ShardCount":1,{on_demand}}}"#),
            "ValidationException: ShardCount is not expected when StreamMode=ON_DEMAND",
        );
    }

    #[test]
    fn a_stream_on_demand_may_begin_warm_and_spread() {
        let world = World::new();
        let warm = r#","WarmThroughputMiBps":9,"RecordDistributionStrategy":"AUTO""#;
        let input = format!(
            r#"{{"StreamName":"s","StreamModeDetails":{{"StreamMode":"ON_DEMAND"}}{warm}}}"#
        );
        world.check(
            "CreateStream",
            &input,
            "InvalidArgumentException: WarmThroughputMiBps needs the account setting \
             MinimumThroughputBillingCommitment.",
        );
        let commitment = r#"{"MinimumThroughputBillingCommitment":{"Status":"ENABLED"}}"#;
        world.ok("UpdateAccountSettings", commitment);
        world.create_on_demand("s", warm);
        let summary = world.summary("s");
        assert_eq!(summary["OpenShardCount"], 9);
        assert_eq!(summary["RecordDistributionStrategy"], "AUTO");
        let shown = serde_json::json!({"TargetMiBps": 9, "CurrentMiBps": 9});
        assert_eq!(summary["WarmThroughput"], shown);
    }

    #[test]
    fn a_provisioned_stream_needs_a_shard_count() {
        let world = World::new();
        world.check(
            "CreateStream",
            r#"{"StreamName":"s"}"#,
            "ValidationException: 1 validation error detected: Value null at 'shardCount' failed \
             to satisfy constraint: Member must not be null",
        );
        world.check(
            "CreateStream",
            r#"{"StreamName":"s","ShardCount":0}"#,
            "ValidationException: 1 validation error detected: Value '0' at 'shardCount' failed \
             to satisfy constraint: Member must have value greater than or equal to 1",
        );
    }

    #[test]
    fn five_streams_may_be_created_at_once() {
        let world = World::new();
        let create = |n: usize, expected: &str| {
            let input = format!(r#"{{"StreamName":"s{n}","ShardCount":1}}"#);
            world.check("CreateStream", &input, expected);
        };
        (0..5).for_each(|n| create(n, ""));
        create(
            5,
            "LimitExceededException: This request would have exceed the limit on the number  of \
             streams that can simultaneously be in CREATING or DELETING for the account \
             000000000000. Limit: 5.",
        );
        world.settle();
        create(5, "");
    }

    #[test]
    fn the_shard_limit_is_the_accounts() {
        World::with_stream(1).check(
            "CreateStream",
            r#"{"StreamName":"t","ShardCount":20000}"#,
            "LimitExceededException: This request would exceed the shard limit for the account \
             000000000000 in us-east-1. Current shard count for the account: 1. Limit: 20000. \
             Number of additional shards that would have resulted from this request: 20000. Refer \
             to the AWS Service Limits page \
             (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current \
             limits and how to request higher limits.",
        );
    }

    #[test]
    fn accounts_and_regions_are_apart() {
        let world = World::with_stream(1);
        let elsewhere = crate::testing::caller_of("123456789012", "eu-west-1");
        let answer = world.call_as(&elsewhere, "ListStreams", "{}");
        assert_eq!(answer, r#"{"StreamNames":[],"HasMoreStreams":false,"StreamSummaries":[]}"#);
    }

    #[test]
    fn what_was_being_created_is_there_after_a_restart() {
        let mut world = World::new();
        world.check("CreateStream", r#"{"StreamName":"s","ShardCount":2}"#, "");
        world.restart();
        assert_eq!(world.status("s"), "ACTIVE");
        world.put("s", "k", b"a");
    }
}
