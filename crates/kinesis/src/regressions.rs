//! What others of this kind got wrong, by name: here each holds.

use crate::testing::World;

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";

/// Its Java hash code is the least integer, which has no positive counterpart: shards chosen by that fail on it.
#[test]
fn the_key_polygenelubricants_has_a_shard() {
    for shards in [1, 2, 3, 7] {
        let world = World::with_stream(shards);
        world.put("s", "polygenelubricants", b"data");
        let all: Vec<_> = (0..shards as usize).flat_map(|at| world.read_all("s", at)).collect();
        assert_eq!(all, [b"data"]);
    }
}

/// Terraform and CloudFormation send the present value again.
#[test]
fn a_retention_of_the_same_value_is_accepted_by_both_operations() {
    let world = World::with_stream(1);
    for operation in ["IncreaseStreamRetentionPeriod", "DecreaseStreamRetentionPeriod"] {
        world.check(operation, r#"{"StreamName":"s","RetentionPeriodHours":24}"#, "");
        assert_eq!(world.status("s"), "ACTIVE", "nothing is to be waited for");
    }
}

/// Terraform asks for the present mode at each refresh: that is no switch, and counts against no quota.
#[test]
fn the_present_mode_may_be_asked_for_at_each_refresh() {
    let world = World::with_stream(1);
    let mode = |mode: &str| {
        format!(r#"{{"StreamARN":"{ARN}","StreamModeDetails":{{"StreamMode":"{mode}"}}}}"#)
    };
    for _ in 0..10 {
        world.check("UpdateStreamMode", &mode("PROVISIONED"), "");
        assert_eq!(world.status("s"), "ACTIVE");
    }
    world.check("UpdateStreamMode", &mode("ON_DEMAND"), "");
    world.settle();
    assert_eq!(world.summary("s")["StreamModeDetails"]["StreamMode"], "ON_DEMAND");
}

#[test]
fn a_stream_on_demand_is_made_without_a_shard_count() {
    let world = World::new();
    world.create_on_demand("s", "");
    assert_eq!(world.open_shard_count("s"), 4);
}

/// SDKs send a call again whose answer was lost.
#[test]
fn get_records_tried_again_with_the_same_iterator_gives_the_same_records() {
    let world = World::with_stream(1);
    world.put("s", "k", b"a");
    let iterator = world.iterator("s", 0, "TRIM_HORIZON");
    let read = || {
        let answer = world.ok("GetRecords", &format!(r#"{{"ShardIterator":"{iterator}"}}"#));
        answer["Records"].clone()
    };
    let first = read();
    assert_eq!(first.as_array().map(Vec::len), Some(1));
    assert_eq!(read(), first);
    world.put("s", "k", b"b");
    assert_eq!(read()[0], first[0], "and later ones behind them");
}

/// A child's numbers are above its parents' also when all are made in one second.
#[test]
fn a_child_that_is_made_within_its_parents_second_has_higher_numbers() {
    let world = World::with_stream(1);
    let parent = world.put_at("s", "0", b"parent");
    let input = r#"{"StreamName":"s","ShardToSplit":"0","NewStartingHashKey":"9"}"#;
    world.check("SplitShard", input, "");
    world.settle_without_time();
    let child = world.put_at("s", "0", b"child");
    let input = r#"{"StreamName":"s","ShardToSplit":"1","NewStartingHashKey":"5"}"#;
    world.check("SplitShard", input, "");
    world.settle_without_time();
    let grandchild = world.put_at("s", "0", b"grandchild");
    assert!(parent < child && child < grandchild, "{parent} {child} {grandchild}");
    assert!([&parent, &child, &grandchild].iter().all(|number| number.len() == 56));
}

/// Account ids stand in the hosts of newer SDKs, and streams are kept apart by account and region.
#[test]
fn a_stream_of_another_account_or_region_is_another_stream() {
    let world = World::with_stream(1);
    let describe = r#"{"StreamName":"s"}"#;
    for (key, region) in [("123456789012", "us-east-1"), ("AKID", "eu-west-1")] {
        let caller = crate::testing::caller_of(key, region);
        let answer = world.call_as(&caller, "DescribeStreamSummary", describe);
        assert!(answer.starts_with("ResourceNotFoundException"), "{answer}");
        world.call_as(&caller, "CreateStream", r#"{"StreamName":"s","ShardCount":2}"#);
        world.settle();
        let answer = world.call_as(&caller, "DescribeStreamSummary", describe);
        assert!(answer.contains(r#""OpenShardCount":2"#), "{answer}");
    }
    assert_eq!(world.open_shard_count("s"), 1);
}
