//! The rates as clients meet them: what is refused, in which words, and what a refusal leaves.

use crate::{
    Limit, Limits,
    model::{ids::ShardId, sequence_number::SequenceNumber},
    testing::{World, caller, caller_of},
};

const REFUSED: &str = "ProvisionedThroughputExceededException: Rate exceeded for shard \
                       shardId-000000000000 in stream s under account 000000000000.";

/// A world whose rates hold, with the stream `s`.
fn world(limits: Limits, shard_count: u32) -> World {
    let world = World::with_limits(limits);
    world.create("s", shard_count);
    world
}

/// A client's call: the answer's body, or its error.
fn call_from(world: &World, region: &str, operation: &str, input: &str) -> String {
    let answer = world.client_answer(&caller_of("AKID", region), operation, input);
    answer.unwrap_or_else(|error| error.to_string())
}

fn call(world: &World, operation: &str, input: &str) -> String {
    call_from(world, "us-east-1", operation, input)
}

/// A record of `bytes` bytes, its key included.
fn record(hash_key: &str, bytes: usize) -> String {
    let data = base64_simd::STANDARD.encode_to_string(vec![b'x'; bytes - 1]);
    format!(r#"{{"PartitionKey":"k","ExplicitHashKey":"{hash_key}","Data":"{data}"}}"#)
}

/// Puts records; of each, whether it was stored.
fn put_all(world: &World, records: &[String]) -> Vec<bool> {
    let input = format!(r#"{{"StreamName":"s","Records":[{}]}}"#, records.join(","));
    let answer = world.ok("PutRecords", &input);
    let stored: Vec<bool> = answer["Records"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|record| match record.get("ErrorCode") {
            None => record["SequenceNumber"].is_string(),
            Some(code) => {
                assert_eq!(code, "ProvisionedThroughputExceededException");
                let text = record["ErrorMessage"].as_str().expect("a sentence");
                assert!(text.starts_with("Rate exceeded for shard shardId-00000000000"), "{text}");
                assert!(record.get("SequenceNumber").is_none() && record.get("ShardId").is_none());
                false
            }
        })
        .collect();
    let failed = stored.iter().filter(|stored| !**stored).count();
    assert_eq!(answer["FailedRecordCount"], failed);
    stored
}

const LOW: &str = "0";
const HIGH: &str = "340282366920938463463374607431768211455";

#[test]
fn a_shard_takes_a_thousand_records_a_second() {
    let world = world(Limits::aws(), 1);
    let put = |at: u64| {
        world.set_now(crate::testing::NOW_MS + 10_000 + at);
        world.call_as(&caller(), "PutRecord", r#"{"StreamName":"s","PartitionKey":"k","Data":""}"#)
    };
    for _ in 0..1000 {
        assert!(put(0).starts_with('{'));
    }
    assert_eq!(put(0), REFUSED);
    assert!(put(1).starts_with('{'), "one comes back each millisecond");
    assert_eq!(put(1), REFUSED);
    assert_eq!(world.read_one_page("s").len(), 1001);
}

#[test]
fn records_are_let_in_in_their_order_and_the_others_are_told_one_by_one() {
    let world = world(Limits::aws(), 1);
    let few = |count: usize| put_all(&world, &vec![record(LOW, 10); count]);
    assert_eq!(few(500), vec![true; 500]);
    assert_eq!(few(400), vec![true; 400]);
    assert_eq!(few(200), [vec![true; 100], vec![false; 100]].concat());
    assert_eq!(few(10), vec![false; 10]);
    assert_eq!(world.read_one_page("s").len(), 1000, "what was refused is not stored");
}

#[test]
fn a_small_record_passes_where_a_large_one_before_it_was_refused() {
    let world = world(Limits::aws(), 1);
    let kib = |count: usize| record(LOW, count << 10);
    let stored = put_all(&world, &[kib(600), kib(600), kib(400), kib(100), kib(24)]);
    assert_eq!(stored, [true, false, true, false, true]);
    let sizes: Vec<usize> = world.read_one_page("s").iter().map(Vec::len).collect();
    assert_eq!(sizes, [600 << 10, 400 << 10, 24 << 10].map(|bytes: usize| bytes - 1));
}

#[test]
fn a_shard_that_is_full_holds_no_other_back() {
    let world = world(Limits::aws(), 2);
    put_all(&world, &[record(LOW, 1 << 20)]);
    let records = [record(LOW, 10), record(HIGH, 10), record(LOW, 10), record(HIGH, 10)];
    assert_eq!(put_all(&world, &records), [false, true, false, true]);
}

#[test]
fn what_is_used_of_a_shard_outlives_changes_of_its_stream() {
    let world = world(Limits::aws(), 1);
    put_all(&world, &[record(LOW, 1 << 20)]);
    world.check("AddTagsToStream", r#"{"StreamName":"s","Tags":{"a":"b"}}"#, "");
    assert_eq!(put_all(&world, &[record(LOW, 10)]), [false]);
    world.advance(1000);
    assert_eq!(put_all(&world, &[record(LOW, 1 << 20)]), [true]);
}

#[test]
fn a_large_record_may_burst_where_its_stream_takes_it() {
    let world = World::with_limits(Limits::aws());
    let input = r#"{"StreamName":"s","ShardCount":1,"MaxRecordSizeInKiB":10240}"#;
    world.check("CreateStream", input, "");
    world.settle();
    assert_eq!(put_all(&world, &[record(LOW, 8 << 20)]), [true]);
    assert_eq!(put_all(&world, &[record(LOW, 3 << 20), record(LOW, 1 << 20)]), [false, true]);
    world.advance(2_000);
    assert_eq!(put_all(&world, &[record(LOW, 3 << 20)]), [true]);
}

#[test]
fn a_shard_answers_five_reads_a_second() {
    let world = world(Limits::aws(), 1);
    let input = format!(r#"{{"ShardIterator":"{}"}}"#, world.iterator("s", 0, "LATEST"));
    for _ in 0..5 {
        world.ok("GetRecords", &input);
    }
    world.check("GetRecords", &input, REFUSED);
    world.advance(200);
    world.ok("GetRecords", &input);
    world.check("GetRecords", &input, REFUSED);
}

#[test]
fn a_read_of_ten_mebibytes_is_paid_for_five_seconds() {
    let world = world(Limits::aws().with(Limit::WriteBytesPerShard, None), 1);
    put_all(&world, &vec![record(LOW, 1 << 20); 10]);
    let input = format!(r#"{{"ShardIterator":"{}"}}"#, world.iterator("s", 0, "TRIM_HORIZON"));
    assert_eq!(world.ok("GetRecords", &input)["Records"].as_array().map(Vec::len), Some(10));
    for wait_ms in [0, 1_000, 3_999] {
        world.advance(wait_ms);
        world.check("GetRecords", &input, REFUSED);
    }
    world.advance(1);
    world.ok("GetRecords", &input);
}

#[test]
fn a_shard_gives_five_iterators_a_second() {
    let world = world(Limits::aws(), 2);
    let input =
        |shard| format!(r#"{{"StreamName":"s","ShardId":"{shard}","ShardIteratorType":"LATEST"}}"#);
    for _ in 0..5 {
        world.ok("GetShardIterator", &input(0));
    }
    world.check("GetShardIterator", &input(0), REFUSED);
    world.ok("GetShardIterator", &input(1));
}

#[test]
fn control_operations_are_counted_for_each_account_in_each_region() {
    let world = World::with_limits(Limits::aws().with(Limit::CreatingStreams, None));
    let create = |region: &str, name: usize| {
        let input = format!(r#"{{"StreamName":"s{name}","ShardCount":1}}"#);
        call_from(&world, region, "CreateStream", &input)
    };
    for name in 0..5 {
        assert_eq!(create("us-east-1", name), "");
    }
    let refused = "LimitExceededException: Rate exceeded for stream s5 under account 000000000000.";
    assert_eq!(create("us-east-1", 5), refused);
    assert_eq!(create("eu-west-1", 5), "");
    let input = r#"{"StreamName":"s5","ShardCount":1}"#;
    world.check("CreateStream", input, ""); // the operator's own

    assert!(call(&world, "DescribeLimits", "{}").starts_with('{'));
    let refused = "LimitExceededException: Rate exceeded for account 000000000000.";
    assert_eq!(call(&world, "DescribeLimits", "{}"), refused);
    world.advance(1000);
    assert!(call(&world, "DescribeLimits", "{}").starts_with('{'));
}

#[test]
fn list_shards_is_counted_for_each_stream() {
    let world = world(Limits::aws(), 1);
    world.create("t", 1);
    let list = |name: &str| call(&world, "ListShards", &format!(r#"{{"StreamName":"{name}"}}"#));
    for _ in 0..1000 {
        assert!(list("s").starts_with('{'));
    }
    let refused = "LimitExceededException: Rate exceeded for stream s under account 000000000000.";
    assert_eq!(list("s"), refused);
    assert!(list("t").starts_with('{'));
}

#[test]
fn nothing_is_refused_when_limits_are_off() {
    let world = world(Limits::off(), 1);
    for _ in 0..5 {
        assert_eq!(put_all(&world, &vec![record(LOW, 1000); 500]), vec![true; 500]);
    }
    let input = format!(r#"{{"ShardIterator":"{}"}}"#, world.iterator("s", 0, "TRIM_HORIZON"));
    for _ in 0..20 {
        assert_eq!(world.ok("GetRecords", &input)["Records"].as_array().map(Vec::len), Some(2500));
        assert!(call(&world, "ListStreams", "{}").starts_with('{'));
    }
}

#[test]
fn what_is_lifted_or_set_by_itself_is_and_the_rest_holds() {
    let world = world(Limits::aws().with(Limit::WriteRecordsPerShard, Some(20)), 1);
    let stored = put_all(&world, &vec![record(LOW, 10); 30]);
    assert_eq!(stored, [vec![true; 20], vec![false; 10]].concat());
    world.advance(1000);
    assert_eq!(put_all(&world, &[record(LOW, 1 << 20), record(LOW, 10)]), [true, false]);
}

impl World {
    /// The data of the first page of a stream's first shard.
    fn read_one_page(&self, name: &str) -> Vec<Vec<u8>> {
        let iterator = self.iterator(name, 0, "TRIM_HORIZON");
        let answer = self.ok("GetRecords", &format!(r#"{{"ShardIterator":"{iterator}"}}"#));
        let records = answer["Records"].as_array().expect("a list");
        let data = |record: &serde_json::Value| {
            base64_simd::STANDARD.decode_to_vec(record["Data"].as_str().expect("text"))
        };
        records.iter().map(|record| data(record).expect("Base64")).collect()
    }
}

/// The numbers of what was let in have no gaps: the others never had one.
#[test]
fn what_is_refused_leaves_no_gap_in_the_numbers() {
    let world = world(Limits::aws().with(Limit::WriteRecordsPerShard, Some(3)), 1);
    let answer = world.ok(
        "PutRecords",
        &format!(r#"{{"StreamName":"s","Records":[{}]}}"#, vec![record(LOW, 10); 5].join(",")),
    );
    world.advance(1000);
    let next = world.put("s", "k", b"x");
    let last = answer["Records"][2]["SequenceNumber"].as_str().expect("it was stored");
    let counter = |number: &str| match SequenceNumber::parse(number) {
        Some(crate::model::sequence_number::Decoded::Current(number)) => number.counter,
        other => panic!("{number} is {other:?}"),
    };
    assert_eq!(counter(&next), counter(last) + 1);
    assert_eq!(answer["Records"][0]["ShardId"], ShardId(0).to_string());
}
