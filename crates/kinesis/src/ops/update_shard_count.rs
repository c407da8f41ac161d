//! UpdateShardCount: brings a stream to a number of shards of even ranges.
//!
//! One plan of splits and merges, one UPDATING period. Shards that only the way needs are published closed: they never
//! take a record. The present count is accepted, changes nothing and counts against no quota.
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html>
//! Not as AWS: its way between two counts is not published; ours is of splits at the new borders, then merges.

use nautilus_wire::{
    Members, Output as WireOutput, Writer,
    rules::{StringRule, kinesis as rules},
};

use crate::{
    catalog::{Address, Snapshot},
    error::Error,
    input::StreamRef,
    kinesis::{Ctx, Request},
    limits::{self, Limit, Limits},
    model::stream::Stream,
    quota, transitions,
};

/// ScalingType.
const SCALING_TYPE: StringRule = StringRule::one_of(&["UNIFORM_SCALING"]);

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub stream: StreamRef<'a>,
    pub target_shard_count: i64,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        members.required_string("ScalingType", &SCALING_TYPE);
        Input {
            stream: StreamRef::read(members),
            target_shard_count: members.required_integer("TargetShardCount", &rules::SHARD_COUNT),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(self.stream.address(request.caller)?.arn())
    }
}

#[derive(Debug)]
pub(crate) struct Output {
    stream_name: String,
    stream_arn: String,
    current_shard_count: usize,
    target_shard_count: u32,
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Output, Error> {
    let at = input.stream.address(ctx.caller)?;
    let target = u32::try_from(input.target_shard_count).unwrap_or(u32::MAX);
    let (now_ms, limits) = (ctx.inner.now_ms(), ctx.inner.config.limits);

    let current = transitions::reshard_stream(ctx.inner, at, move |snapshot, stream, planner| {
        let current = stream.open_shard_count();
        if target as usize != current {
            check_target(snapshot, stream, target, &limits)?;
            note_update(stream, now_ms, limits.get(Limit::ShardCountUpdates))?;
            planner.even(target);
        }
        Ok(current)
    })
    .await?;
    Ok(Output {
        stream_name: at.name.to_owned(),
        stream_arn: at.arn(),
        current_shard_count: current,
        target_shard_count: target,
    })
}

/// Not more than twice and not less than half, whatever is enforced; and within the limits of stream and account.
fn check_target(
    snapshot: &Snapshot,
    stream: &Stream,
    target: u32,
    limits: &Limits,
) -> Result<(), Error> {
    let (current, wanted) = (stream.open_shard_count(), target as usize);
    let refused = |text: String| Err(Error::LimitExceeded(text));
    if wanted > 2 * current {
        return refused(format!(
            "UpdateShardCount cannot scale up over double your current open shard count. Current \
             open shard count: {current} Target shard count: {target}"
        ));
    }
    if 2 * wanted < current {
        return refused(format!(
            "UpdateShardCount cannot scale down below half your current open shard count. Current \
             open shard count: {current}, Target shard count: {target}"
        ));
    }
    let limit = match limits.shards(&stream.region) {
        Some(_) => limits::TARGET_SHARD_COUNT_MAX,
        None => limits::SHARD_COUNT_MAX,
    };
    if target > limit {
        return refused(format!(
            "Target shard count or number of open shards cannot be greater than {limit}. Current \
             open shard count: {current}, Target shard count: {target}"
        ));
    }
    let more = wanted.saturating_sub(current) as u32;
    quota::check_new_shards(snapshot, Address::of(stream), more, limits)
}

/// Counts an update against the daily quota.
fn note_update(stream: &mut Stream, now_ms: u64, limit: Option<u64>) -> Result<(), Error> {
    let is_recent =
        |then: &u64| now_ms.saturating_sub(*then) < limits::SHARD_COUNT_UPDATES_WINDOW_MS;
    stream.shard_count_updates_ms.retain(is_recent);
    // Without the quota nobody counts, and the row stays small.
    let Some(limit) = limit else { return Ok(()) };
    if stream.shard_count_updates_ms.len() >= quota::as_count(limit) {
        return Err(Error::LimitExceeded(format!(
            "The shard count of stream {} under account {} was updated {limit} times in the last \
             24 hours, which is the limit.",
            stream.name, stream.account,
        )));
    }
    stream.shard_count_updates_ms.push(now_ms);
    Ok(())
}

impl WireOutput for Output {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_str("StreamName", &self.stream_name);
            w.field_i64("CurrentShardCount", self.current_shard_count as i64);
            w.field_i64("TargetShardCount", i64::from(self.target_shard_count));
            w.field_str("StreamARN", &self.stream_arn);
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{Limits, testing::World};

    fn input(target: i64) -> String {
        format!(
            r#"{{"StreamName":"s","TargetShardCount":{target},"ScalingType":"UNIFORM_SCALING"}}"#
        )
    }

    fn update(world: &World, target: i64) {
        let answer = world.ok("UpdateShardCount", &input(target));
        assert_eq!(answer["TargetShardCount"], target);
        world.settle();
        assert_eq!(world.status("s"), "ACTIVE");
        assert_eq!(world.open_shard_count("s"), target);
    }

    #[test]
    fn a_stream_goes_through_the_counts_and_keeps_its_lineage() {
        let world = World::with_stream(2);
        world.check(
            "UpdateShardCount",
            &input(4),
            r#"{"StreamName":"s","CurrentShardCount":2,"TargetShardCount":4,"StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s"}"#,
        );
        assert_eq!(world.status("s"), "UPDATING");
        assert_eq!(world.shards("s").len(), 2, "nothing is shown before it is done");
        world.settle();
        for target in [3, 2, 1] {
            update(&world, target);
        }
        let shards = world.shards("s");
        let ids: Vec<_> = shards.iter().map(|shard| shard["ShardId"].as_str()).collect();
        for shard in &shards {
            for parent in ["ParentShardId", "AdjacentParentShardId"] {
                if let Some(parent) = shard.get(parent) {
                    assert!(ids.contains(&parent.as_str()), "{shard}");
                }
            }
        }
        let open: Vec<_> = shards
            .iter()
            .filter(|shard| shard["SequenceNumberRange"].get("EndingSequenceNumber").is_none())
            .map(|shard| shard["HashKeyRange"].clone())
            .collect();
        let all = json!({
            "StartingHashKey": "0", "EndingHashKey": "340282366920938463463374607431768211455"
        });
        assert_eq!(open, [all]);
    }

    #[test]
    fn the_present_count_is_accepted_and_nothing_happens() {
        let world = World::with_stream(3);
        for _ in 0..12 {
            let answer = world.ok("UpdateShardCount", &input(3));
            assert_eq!(answer["CurrentShardCount"], 3);
            assert_eq!(world.status("s"), "ACTIVE");
        }
        assert_eq!(world.shards("s").len(), 3);
    }

    #[test]
    fn twice_and_half_are_the_ends() {
        let world = World::with_stream(6);
        world.check(
            "UpdateShardCount",
            &input(13),
            "LimitExceededException: UpdateShardCount cannot scale up over double your current open \
             shard count. Current open shard count: 6 Target shard count: 13",
        );
        world.check(
            "UpdateShardCount",
            &input(2),
            "LimitExceededException: UpdateShardCount cannot scale down below half your current \
             open shard count. Current open shard count: 6, Target shard count: 2",
        );
        update(&world, 12);
        update(&world, 6);
        update(&world, 3);
        update(&world, 2);
    }

    #[test]
    fn more_than_ten_thousand_are_refused() {
        let world = World::with_stream(8000);
        world.check(
            "UpdateShardCount",
            &input(10_001),
            "LimitExceededException: Target shard count or number of open shards cannot be greater \
             than 10000. Current open shard count: 8000, Target shard count: 10001",
        );
        update(&world, 10_000);
    }

    #[test]
    fn ten_updates_a_day_are_allowed() {
        let world = World::with_stream(2);
        for n in 0..10 {
            update(&world, 2 + (n + 1) % 2);
        }
        let error = world.error("UpdateShardCount", &input(3));
        assert!(error.starts_with("LimitExceededException: "), "{error}");
        assert_eq!(world.status("s"), "ACTIVE");
        world.advance(24 * 3_600_000);
        update(&world, 3);
    }

    #[test]
    fn without_limits_nobody_counts_and_twice_stays_the_end() {
        let world = World::with_limits(Limits::off());
        world.create("s", 1);
        for n in 0..14 {
            update(&world, 2 - n % 2);
        }
        let error = world.error("UpdateShardCount", &input(5));
        assert!(error.contains("cannot scale up over double"), "{error}");
    }

    #[test]
    fn the_scaling_type_must_be_given_and_known() {
        let world = World::with_stream(1);
        world.check(
            "UpdateShardCount",
            r#"{"StreamName":"s","TargetShardCount":2}"#,
            "ValidationException: 1 validation error detected: Value null at 'scalingType' failed \
             to satisfy constraint: Member must not be null",
        );
        let error = world.error("UpdateShardCount", &input(2).replace("UNIFORM_SCALING", "x"));
        assert!(error.contains("Member must satisfy enum value set: [UNIFORM_SCALING]"), "{error}");
    }

    #[test]
    fn the_plan_is_finished_after_a_restart() {
        let mut world = World::with_stream(3);
        let number = world.put_at("s", "0", b"before");
        world.ok("UpdateShardCount", &input(4));
        world.restart();
        assert_eq!(world.status("s"), "ACTIVE");
        assert_eq!(world.open_shard_count("s"), 4);
        assert_eq!(world.read_all("s", 0), [b"before"]);
        let next = world.put_at("s", "0", b"after");
        assert!(next > number);
    }

    #[test]
    fn intermediates_are_read_at_once_and_need_no_log() {
        let mut world = World::with_stream(2);
        world.ok("UpdateShardCount", &input(3));
        world.settle();
        let shards = world.shards("s");
        for _ in 0..2 {
            let logs = world.room().kinesis.inner().catalog.snapshot().shard_logs();
            assert_eq!(logs.len(), 2 + 3, "those that took records or will");
            for kind in ["TRIM_HORIZON", "LATEST"] {
                for (index, shard) in (0..).zip(&shards) {
                    let answer = world.last_answer(&world.iterator("s", index, kind));
                    let is_open =
                        shard["SequenceNumberRange"].get("EndingSequenceNumber").is_none();
                    assert_eq!(answer.get("NextShardIterator").is_some(), is_open);
                    assert_eq!(answer.get("ChildShards").is_some(), !is_open);
                }
            }
            world.restart();
        }
    }
}
