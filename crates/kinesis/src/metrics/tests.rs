//! Exact counts of known calls. Streams are told apart by nothing: each world has one.

use std::{
    collections::BTreeMap,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    thread,
};

use nautilus_identity::Caller;
use nautilus_stats::Distribution;
use nautilus_wire::{Answer, AwsError, json};
use proptest::prelude::*;

use super::{Call, MINUTE_MS, Measured, PutRecord};
use crate::{
    Fault, FaultAction, Kinesis, Limit, Limits, Response, Subscription, Told,
    limits::{GONE_COUNTS_MAX, HEARTBEAT_MS, ITERATOR_LIFE_MS, REROUTE_WAIT_MS},
    testing::{self, NOW_MS, World, caller},
};

/// What was told, by metric; behind it what stands beside the stream's name among the dimensions.
type Metrics = BTreeMap<String, Distribution>;

/// Samples: how many, their sum, the least and the greatest.
type Samples = (f64, f64, f64, f64);

const MINUTE: u64 = NOW_MS / MINUTE_MS;
const PUT_RECORD: [&str; 6] = [
    "IncomingBytes",
    "IncomingRecords",
    "PutRecord.Bytes",
    "PutRecord.Latency",
    "PutRecord.Success",
    "WriteProvisionedThroughputExceeded",
];
const PUT_RECORDS: [&str; 11] = [
    "IncomingBytes",
    "IncomingRecords",
    "PutRecords.Bytes",
    "PutRecords.FailedRecords",
    "PutRecords.Latency",
    "PutRecords.Records",
    "PutRecords.Success",
    "PutRecords.SuccessfulRecords",
    "PutRecords.ThrottledRecords",
    "PutRecords.TotalRecords",
    "WriteProvisionedThroughputExceeded",
];
const GET_RECORDS: [&str; 6] = [
    "GetRecords.Bytes",
    "GetRecords.IteratorAgeMilliseconds",
    "GetRecords.Latency",
    "GetRecords.Records",
    "GetRecords.Success",
    "ReadProvisionedThroughputExceeded",
];

/// What is told of one minute, which is forgotten with it.
fn told_of(kinesis: &Kinesis, minute: u64) -> Metrics {
    let mut metrics = Metrics::new();
    kinesis.measure(minute, &mut |measured: Measured<'_>| {
        let Measured { account, region, name, unit, dimensions, distribution } = measured;
        assert_eq!((account, region), ("000000000000", "us-east-1"));
        assert_eq!(dimensions[0], ("StreamName", "s"));
        let is_of = |end: &[&str]| end.iter().any(|end| name.ends_with(end));
        let expected = match unit {
            "Bytes" => is_of(&["Bytes"]),
            "Milliseconds" => is_of(&["Latency", "Milliseconds", "MillisBehindLatest"]),
            other => other == "Count" && is_of(&["Records", "Success", "Exceeded"]),
        };
        assert!(expected, "{name} in {unit}");
        let key = match dimensions {
            [_] => name.to_owned(),
            [_, ("ShardId", id)] => format!("{name} {}", id.trim_start_matches("shardId-0000000")),
            [_, ("ConsumerName", consumer)] => format!("{name} {consumer}"),
            other => panic!("{other:?}"),
        };
        let twice = metrics.insert(key.clone(), distribution);
        assert!(twice.is_none(), "{key} is told once");
    });
    metrics
}

fn told(world: &World) -> Metrics {
    told_of(&world.room().kinesis, world.now_ms() / MINUTE_MS)
}

/// Without any, zeros.
fn samples(metrics: &Metrics, name: &str) -> Samples {
    metrics.get(name).map_or((0.0, 0.0, 0.0, 0.0), |it| (it.count, it.sum, it.min, it.max))
}

fn check(metrics: &Metrics, expected: &[(&str, Samples)]) {
    for (name, expected) in expected {
        assert_eq!(samples(metrics, name), *expected, "{name} of {metrics:#?}");
    }
}

fn check_names(metrics: &Metrics, expected: &[&str]) {
    let names: Vec<&str> = metrics.keys().map(String::as_str).collect();
    assert_eq!(names, expected);
}

/// A PutRecords with records of so many bytes of data and keys.
fn put_records(world: &World, sizes: &[usize]) -> serde_json::Value {
    world.ok("PutRecords", &put_records_input(sizes, "k"))
}

fn put_records_input(sizes: &[usize], key: &str) -> String {
    let record = |size: &usize| {
        let data = base64_simd::STANDARD.encode_to_string(vec![7; size - key.len()]);
        format!(r#"{{"PartitionKey":"{key}","Data":"{data}"}}"#)
    };
    let records: Vec<String> = sizes.iter().map(record).collect();
    format!(r#"{{"StreamName":"s","Records":[{}]}}"#, records.join(","))
}

fn monitor(world: &World, operation: &str, metrics: &str) {
    let input = format!(r#"{{"StreamName":"s","ShardLevelMetrics":[{metrics}]}}"#);
    world.ok(operation, &input);
    world.settle_without_time();
}

fn inject(world: &World, action: FaultAction, operation: &str) {
    let fault = Fault {
        action,
        stream: None,
        shard: None,
        operations: vec![operation.to_owned()],
        percentage: 100.0,
        duration_ms: None,
        seed: None,
    };
    world.room().kinesis.faults().add(fault).expect("a fault");
}

/// A call as clients make it; what is wrong with it is of no interest.
fn client(world: &World, operation: &str, input: &str) -> bool {
    world.client_answer(&caller(), operation, input).is_ok()
}

#[test]
fn every_sum_is_what_was_sent_and_read() {
    let world = World::with_stream(1);
    for size in [0, 10, 200] {
        world.put("s", "key", &vec![1; size]);
    }
    put_records(&world, &[100]);
    put_records(&world, &[1, 2, 3]);
    for _ in 0..2 {
        let input = format!(
            r#"{{"ShardIterator":"{}","Limit":4}}"#,
            world.iterator("s", 0, "TRIM_HORIZON")
        );
        let answer = world.ok("GetRecords", &input);
        let next = answer["NextShardIterator"].as_str().expect("text");
        world.read_from(next);
    }
    let metrics = told(&world);
    check(
        &metrics,
        &[
            ("PutRecord.Bytes", (3.0, 219.0, 3.0, 203.0)),
            ("PutRecord.Success", (3.0, 3.0, 1.0, 1.0)),
            ("PutRecords.Bytes", (2.0, 106.0, 6.0, 100.0)),
            ("PutRecords.TotalRecords", (2.0, 4.0, 1.0, 3.0)),
            ("PutRecords.SuccessfulRecords", (2.0, 4.0, 1.0, 3.0)),
            ("PutRecords.Records", (2.0, 4.0, 1.0, 3.0)),
            ("PutRecords.FailedRecords", (2.0, 0.0, 0.0, 0.0)),
            ("PutRecords.ThrottledRecords", (2.0, 0.0, 0.0, 0.0)),
            ("PutRecords.Success", (2.0, 2.0, 1.0, 1.0)),
            ("IncomingBytes", (5.0, 325.0, 3.0, 203.0)),
            ("IncomingRecords", (5.0, 7.0, 1.0, 3.0)),
            ("WriteProvisionedThroughputExceeded", (5.0, 0.0, 0.0, 0.0)),
            ("GetRecords.Records", (4.0, 14.0, 3.0, 4.0)),
            ("GetRecords.Bytes", (4.0, 650.0, 6.0, 319.0)),
            ("GetRecords.Success", (4.0, 4.0, 1.0, 1.0)),
            ("ReadProvisionedThroughputExceeded", (4.0, 0.0, 0.0, 0.0)),
            ("PutRecord.Latency", (3.0, 0.0, 0.0, 0.0)),
            ("PutRecords.Latency", (2.0, 0.0, 0.0, 0.0)),
            ("GetRecords.Latency", (4.0, 0.0, 0.0, 0.0)),
        ],
    );
    check_names(&told(&world), &[]);
}

#[test]
fn the_age_is_that_of_the_last_record_and_nothing_where_there_is_none() {
    let world = World::with_stream(1);
    let began_ms = world.now_ms();
    for at in 0..3 {
        world.set_now(began_ms + at * 1000);
        world.put("s", "k", b"x");
    }
    world.set_now(began_ms + 10_000);
    let iterator = world.iterator("s", 0, "TRIM_HORIZON");
    let input = format!(r#"{{"ShardIterator":"{iterator}","Limit":2}}"#);
    let answer = world.ok("GetRecords", &input);
    let next = answer["NextShardIterator"].as_str().expect("text").to_owned();
    let age = "GetRecords.IteratorAgeMilliseconds";
    check(&told(&world), &[(age, (1.0, 9000.0, 9000.0, 9000.0))]);
    world.read_from(&next);
    world.read_from(&world.iterator("s", 0, "LATEST"));
    check(&told(&world), &[(age, (2.0, 8000.0, 0.0, 8000.0))]);
}

#[test]
fn an_operation_that_was_not_called_tells_nothing() {
    let world = World::with_stream(1);
    check_names(&told(&world), &[]);
    assert_eq!(world.room().kinesis.inner().meters.known(), 0, "an idle stream costs a pointer");
    world.put("s", "k", b"x");
    check_names(&told(&world), &PUT_RECORD);
    put_records(&world, &[5]);
    check_names(&told(&world), &PUT_RECORDS);
    world.read_all("s", 0);
    check_names(&told(&world), &GET_RECORDS);
    check_names(&told(&world), &[]);
}

#[test]
fn what_is_wrong_with_a_call_is_not_the_streams() {
    let world = World::with_stream(1);
    let iterator = world.iterator("s", 0, "LATEST");
    for (operation, input) in [
        ("PutRecord", r#"{"StreamName":"none","PartitionKey":"k","Data":""}"#.to_owned()),
        ("PutRecord", r#"{"StreamName":"s","Data":""}"#.to_owned()),
        ("PutRecord", r#"{"StreamName":"s","PartitionKey":"k","Data":"A$AAAAAA"}"#.to_owned()),
        (
            "PutRecord",
            r#"{"StreamName":"s","PartitionKey":"k","Data":"","DryRun":true}"#.to_owned(),
        ),
        ("PutRecords", r#"{"StreamName":"s","Records":[]}"#.to_owned()),
        (
            "PutRecords",
            r#"{"StreamName":"s","Records":[{"PartitionKey":"k","Data":"A$AAAAAA"}]}"#.to_owned(),
        ),
        ("GetRecords", r#"{"ShardIterator":"none"}"#.to_owned()),
        ("GetRecords", format!(r#"{{"ShardIterator":"{iterator}","DryRun":true}}"#)),
    ] {
        assert!(!client(&world, operation, &input), "{operation} {input}");
    }
    check_names(&told(&world), &[]);
}

#[test]
fn what_shards_throttle_is_counted_by_call_and_by_record() {
    let limits = Limits::off()
        .with(Limit::WriteRecordsPerShard, Some(5))
        .with(Limit::ReadCallsPerShard, Some(2));
    let world = World::with_limits(limits);
    world.create("s", 1);
    monitor(&world, "EnableEnhancedMonitoring", r#""ALL""#);
    let iterator = world.iterator("s", 0, "TRIM_HORIZON");
    put_records(&world, &[10, 20]);
    put_records(&world, &[1, 2, 3, 4, 5]);
    put_records(&world, &[7, 7]);
    let put = r#"{"StreamName":"s","PartitionKey":"k","Data":""}"#;
    assert!(!client(&world, "PutRecord", put));
    let get = format!(r#"{{"ShardIterator":"{iterator}"}}"#);
    let got: Vec<bool> = (0..3).map(|_| client(&world, "GetRecords", &get)).collect();
    assert_eq!(got, [true, true, false]);

    let metrics = told(&world);
    check(
        &metrics,
        &[
            ("PutRecords.TotalRecords", (3.0, 9.0, 2.0, 5.0)),
            ("PutRecords.SuccessfulRecords", (3.0, 5.0, 0.0, 3.0)),
            ("PutRecords.Records", (3.0, 5.0, 0.0, 3.0)),
            ("PutRecords.ThrottledRecords", (3.0, 4.0, 0.0, 2.0)),
            ("PutRecords.FailedRecords", (3.0, 0.0, 0.0, 0.0)),
            ("PutRecords.Success", (3.0, 2.0, 0.0, 1.0)),
            ("PutRecords.Bytes", (2.0, 36.0, 6.0, 30.0)),
            ("PutRecords.Latency", (3.0, 0.0, 0.0, 0.0)),
            ("PutRecord.Success", (1.0, 0.0, 0.0, 0.0)),
            ("PutRecord.Latency", (1.0, 0.0, 0.0, 0.0)),
            ("PutRecord.Bytes", (0.0, 0.0, 0.0, 0.0)),
            ("IncomingBytes", (2.0, 36.0, 6.0, 30.0)),
            ("IncomingRecords", (2.0, 5.0, 2.0, 3.0)),
            ("WriteProvisionedThroughputExceeded", (4.0, 5.0, 0.0, 2.0)),
            ("GetRecords.Success", (3.0, 2.0, 0.0, 1.0)),
            ("GetRecords.Records", (2.0, 10.0, 5.0, 5.0)),
            ("ReadProvisionedThroughputExceeded", (3.0, 1.0, 0.0, 1.0)),
            ("IncomingRecords 00000", (2.0, 5.0, 2.0, 3.0)),
            ("IncomingBytes 00000", (2.0, 36.0, 6.0, 30.0)),
            ("WriteProvisionedThroughputExceeded 00000", (4.0, 5.0, 0.0, 2.0)),
            ("ReadProvisionedThroughputExceeded 00000", (3.0, 1.0, 0.0, 1.0)),
            ("OutgoingRecords 00000", (2.0, 10.0, 5.0, 5.0)),
        ],
    );
    assert!(!metrics.contains_key("PutRecord.Bytes"), "missing, not 0");
}

/// One call that meets a fault: what is told of it beside its latency.
fn check_fault(action: FaultAction, operation: &str, expected: &[(&str, Samples)]) {
    let world = World::with_stream(1);
    let input = match operation {
        "PutRecord" => r#"{"StreamName":"s","PartitionKey":"k","Data":""}"#.to_owned(),
        "PutRecords" => put_records_input(&[5, 5], "k"),
        _ => format!(r#"{{"ShardIterator":"{}"}}"#, world.iterator("s", 0, "LATEST")),
    };
    inject(&world, action, operation);
    client(&world, operation, &input);
    let mut metrics = told(&world);
    let latency = metrics.remove(&format!("{operation}.Latency"));
    assert_eq!(latency.map(|it| it.count), Some(1.0), "{action:?} in {operation}");
    check_names(&metrics, &expected.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    check(&metrics, expected);
}

#[test]
fn faults_are_counted_like_those_that_nobody_injected() {
    const ONE: Samples = (1.0, 1.0, 1.0, 1.0);
    const TWO: Samples = (1.0, 2.0, 2.0, 2.0);
    const ZERO: Samples = (1.0, 0.0, 0.0, 0.0);
    let put =
        |exceeded| [("PutRecord.Success", ZERO), ("WriteProvisionedThroughputExceeded", exceeded)];
    check_fault(FaultAction::ProvisionedThroughput, "PutRecord", &put(ONE));
    check_fault(FaultAction::Throttle, "PutRecord", &put(ONE));
    check_fault(FaultAction::Internal, "PutRecord", &put(ZERO));
    check_fault(FaultAction::Unavailable, "PutRecord", &put(ZERO));

    let get =
        |exceeded| [("GetRecords.Success", ZERO), ("ReadProvisionedThroughputExceeded", exceeded)];
    check_fault(FaultAction::ProvisionedThroughput, "GetRecords", &get(ONE));
    check_fault(FaultAction::ExpiredIterator, "GetRecords", &get(ZERO));
    check_fault(FaultAction::Internal, "GetRecords", &get(ZERO));

    let of_each = [
        ("PutRecords.FailedRecords", ZERO),
        ("PutRecords.Records", ZERO),
        ("PutRecords.Success", ZERO),
        ("PutRecords.SuccessfulRecords", ZERO),
        ("PutRecords.ThrottledRecords", TWO),
        ("PutRecords.TotalRecords", TWO),
        ("WriteProvisionedThroughputExceeded", TWO),
    ];
    check_fault(FaultAction::ProvisionedThroughput, "PutRecords", &of_each);
    let of_all = [("PutRecords.Success", ZERO), ("WriteProvisionedThroughputExceeded", ZERO)];
    check_fault(FaultAction::Internal, "PutRecords", &of_all);
}

#[test]
fn records_that_a_shard_loses_are_failed_ones() {
    let world = World::with_stream(2);
    let fault = Fault {
        action: FaultAction::Internal,
        stream: None,
        shard: Some("1".to_owned()),
        operations: vec!["PutRecords".to_owned()],
        percentage: 100.0,
        duration_ms: None,
        seed: None,
    };
    world.room().kinesis.faults().add(fault).expect("a fault");
    let record =
        |key: &str| format!(r#"{{"PartitionKey":"k","ExplicitHashKey":"{key}","Data":"AAAA"}}"#);
    let high = "340282366920938463463374607431768211455";
    let records = [record("0"), record(high), record(high)].join(",");
    let input = format!(r#"{{"StreamName":"s","Records":[{records}]}}"#);
    assert!(client(&world, "PutRecords", &input));
    check(
        &told(&world),
        &[
            ("PutRecords.TotalRecords", (1.0, 3.0, 3.0, 3.0)),
            ("PutRecords.SuccessfulRecords", (1.0, 1.0, 1.0, 1.0)),
            ("PutRecords.FailedRecords", (1.0, 2.0, 2.0, 2.0)),
            ("PutRecords.ThrottledRecords", (1.0, 0.0, 0.0, 0.0)),
            ("PutRecords.Success", (1.0, 1.0, 1.0, 1.0)),
            ("IncomingBytes", (1.0, 4.0, 4.0, 4.0)),
        ],
    );
}

#[test]
fn an_expired_iterator_has_reached_its_stream() {
    let world = World::with_stream(1);
    let iterator = world.iterator("s", 0, "LATEST");
    world.advance(ITERATOR_LIFE_MS + 1);
    let get = format!(r#"{{"ShardIterator":"{iterator}"}}"#);
    assert!(world.error("GetRecords", &get).starts_with("ExpiredIterator"));
    let metrics = told(&world);
    check(&metrics, &[("GetRecords.Success", (1.0, 0.0, 0.0, 0.0))]);
    assert!(!metrics.contains_key("GetRecords.Bytes"));
}

#[test]
fn a_client_that_hangs_up_has_met_a_failure() {
    let world = World::with_stream(1);
    let input = json::parse(br#"{"StreamName":"s","PartitionKey":"k","Data":""}"#).expect("JSON");
    let caller = caller();
    {
        let mut call = pin!(world.room().kinesis.call(&caller, "PutRecord", input));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        world.set_now(world.now_ms() + MINUTE_MS);
    }
    check_names(&told_of(&world.room().kinesis, MINUTE), &[]);
    let metrics = told(&world);
    check_names(
        &metrics,
        &["PutRecord.Latency", "PutRecord.Success", "WriteProvisionedThroughputExceeded"],
    );
    let (latency, success) = ((1.0, 6e4, 6e4, 6e4), (1.0, 0.0, 0.0, 0.0));
    check(&metrics, &[("PutRecord.Latency", latency), ("PutRecord.Success", success)]);
}

#[test]
fn shards_are_counted_while_their_metric_is_on() {
    let world = World::with_stream(2);
    let write = || {
        world.put_at("s", "0", b"abc");
        put_records(&world, &[10, 20]);
        world.read_all("s", 0);
    };
    let of_shards = || {
        let metrics = told(&world);
        metrics.into_iter().filter(|(name, _)| name.contains(' ')).collect::<Metrics>()
    };
    write();
    check_names(&of_shards(), &[]);

    monitor(&world, "EnableEnhancedMonitoring", r#""IncomingBytes","OutgoingRecords""#);
    write();
    let metrics = of_shards();
    check_names(&metrics, &["IncomingBytes 00000", "IncomingBytes 00001", "OutgoingRecords 00000"]);
    check(
        &metrics,
        &[
            ("IncomingBytes 00000", (1.0, 4.0, 4.0, 4.0)),
            ("IncomingBytes 00001", (1.0, 30.0, 30.0, 30.0)),
        ],
    );

    monitor(&world, "DisableEnhancedMonitoring", r#""IncomingBytes""#);
    write();
    check_names(&of_shards(), &["OutgoingRecords 00000"]);
    write();
    monitor(&world, "DisableEnhancedMonitoring", r#""ALL""#);
    write();
    assert_eq!(of_shards()["OutgoingRecords 00000"].count, 1.0, "what was counted is told");
    check_names(&of_shards(), &[]);
}

#[test]
fn shards_tell_all_seven() {
    let world = World::with_stream(1);
    monitor(&world, "EnableEnhancedMonitoring", r#""ALL""#);
    world.put("s", "k", b"abc");
    put_records(&world, &[10, 20]);
    world.read_all("s", 0);
    let metrics = told(&world);
    let of_shard: Vec<_> = metrics.keys().filter_map(|name| name.strip_suffix(" 00000")).collect();
    let mut all: Vec<_> =
        crate::model::stream::ShardMetric::ALL.iter().map(|metric| metric.as_str()).collect();
    all.sort_unstable();
    assert_eq!(of_shard, all);
    check(
        &metrics,
        &[
            ("IncomingBytes 00000", (2.0, 34.0, 4.0, 30.0)),
            ("IncomingRecords 00000", (2.0, 3.0, 1.0, 2.0)),
            ("OutgoingBytes 00000", (1.0, 34.0, 34.0, 34.0)),
            ("OutgoingRecords 00000", (1.0, 3.0, 3.0, 3.0)),
            ("IteratorAgeMilliseconds 00000", (1.0, 0.0, 0.0, 0.0)),
            ("WriteProvisionedThroughputExceeded 00000", (2.0, 0.0, 0.0, 0.0)),
            ("ReadProvisionedThroughputExceeded 00000", (1.0, 0.0, 0.0, 0.0)),
        ],
    );
}

fn subscribe(world: &World, arn: &str) -> Result<Subscription, String> {
    let input = format!(
        r#"{{"ConsumerARN":"{arn}","ShardId":"0","StartingPosition":{{"Type":"TRIM_HORIZON"}}}}"#
    );
    match world.client_call(&caller(), "SubscribeToShard", &input) {
        Ok(Response::Events(subscription)) => Ok(*subscription),
        Ok(Response::Answer(answer)) => panic!("{answer:?}"),
        Err(error) => Err(error.to_string()),
    }
}

fn next_event(world: &World, subscription: &mut Subscription) {
    world.run(subscription.ready());
    assert!(matches!(world.run(subscription.next()), Told::Message(_)));
}

/// A PutRecord whose shard closes behind the catalog's back, as it does while a change is under way.
fn put_while_closed(
    world: &World,
    caller: &Caller,
) -> impl Future<Output = Result<Answer, AwsError>> {
    let logs = world.room().kinesis.catalog_snapshot().shard_logs();
    world.run(world.room().journal.close(logs)).expect("the shard closes");
    let input = br#"{"StreamName":"s","PartitionKey":"k","ExplicitHashKey":"9","Data":"AAAA"}"#;
    world.room().kinesis.call(caller, "PutRecord", json::parse(input).expect("JSON"))
}

/// Steps the journal while a call waits for something else.
fn wait(world: &World, mut call: Pin<&mut impl Future>) {
    for _ in 0..10 {
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        world.room().journal.step();
    }
}

#[test]
fn a_record_that_waited_in_vain_was_throttled() {
    let world = World::with_stream(1);
    monitor(&world, "EnableEnhancedMonitoring", r#""ALL""#);
    let caller = caller();
    let mut call = pin!(put_while_closed(&world, &caller));
    wait(&world, call.as_mut());
    world.advance(REROUTE_WAIT_MS);
    world.run(call).expect_err("it is throttled");
    let metrics = told(&world);
    check(
        &metrics,
        &[
            ("PutRecord.Success", (1.0, 0.0, 0.0, 0.0)),
            ("WriteProvisionedThroughputExceeded", (1.0, 1.0, 1.0, 1.0)),
            ("WriteProvisionedThroughputExceeded 00000", (1.0, 1.0, 1.0, 1.0)),
        ],
    );
    assert!(!metrics.contains_key("IncomingBytes 00000"));
}

#[test]
fn a_record_whose_stream_went_away_while_it_waited_was_never_put() {
    let world = World::with_stream(1);
    let caller = caller();
    let mut call = pin!(put_while_closed(&world, &caller));
    wait(&world, call.as_mut());
    world.check("DeleteStream", r#"{"StreamName":"s"}"#, "");
    world.settle();
    world.run(call).expect_err("there is no stream");
    check_names(&told(&world), &[]);
}

/// Records that the journal has no room for are throttled too.
#[test]
fn records_that_find_the_queue_full_were_throttled() {
    let world = World::with_stream(1);
    monitor(&world, "EnableEnhancedMonitoring", r#""ALL""#);
    let input = put_records_input(&[1 << 20; 10], "k");
    let (caller, kinesis) = (caller(), &world.room().kinesis);
    let mut calls: Vec<_> = (0..10)
        .map(|_| {
            let value = json::parse(input.as_bytes()).expect("JSON");
            Box::pin(kinesis.call(&caller, "PutRecords", value))
        })
        .collect();
    // None is written before the last is queued, or is not.
    let mut context = Context::from_waker(Waker::noop());
    let refused = calls.iter_mut().filter_map(|call| match call.as_mut().poll(&mut context) {
        Poll::Ready(answer) => Some(answer.is_ok()),
        Poll::Pending => None,
    });
    assert_eq!(refused.collect::<Vec<_>>(), [true], "nine of ten fit");
    check(
        &told(&world),
        &[
            ("PutRecords.ThrottledRecords", (1.0, 10.0, 10.0, 10.0)),
            ("PutRecords.SuccessfulRecords", (1.0, 0.0, 0.0, 0.0)),
            ("PutRecords.Success", (1.0, 0.0, 0.0, 0.0)),
            ("WriteProvisionedThroughputExceeded", (1.0, 10.0, 10.0, 10.0)),
            ("WriteProvisionedThroughputExceeded 00000", (1.0, 10.0, 10.0, 10.0)),
        ],
    );
}

#[test]
fn a_record_that_waited_for_its_shard_is_counted_where_and_when_it_was_stored() {
    let world = World::with_stream(1);
    monitor(&world, "EnableEnhancedMonitoring", r#""IncomingBytes""#);
    let (began_ms, caller) = (world.now_ms(), caller());
    let mut call = pin!(put_while_closed(&world, &caller));
    wait(&world, call.as_mut());
    world.split("s", "0", "9");
    world.run(call).expect("it is stored in a child");
    let latency = (world.now_ms() - began_ms) as f64;
    assert!(latency > 0.0);
    check(
        &told(&world),
        &[
            ("PutRecord.Latency", (1.0, latency, latency, latency)),
            ("IncomingBytes", (1.0, 4.0, 4.0, 4.0)),
            ("IncomingBytes 00000", (0.0, 0.0, 0.0, 0.0)),
            ("IncomingBytes 00001", (0.0, 0.0, 0.0, 0.0)),
            ("IncomingBytes 00002", (1.0, 4.0, 4.0, 4.0)),
        ],
    );
}

#[test]
fn an_event_that_could_not_be_made_is_a_failed_one() {
    let mut world = World::with_stream(1);
    let arn = world.register("c");
    world.settle();
    world.put("s", "k", b"damaged-record");
    for path in world.disk.paths().iter().filter(|path| path.ends_with(".seg")) {
        world.disk.edit(path, |bytes| {
            let found = bytes.windows(14).position(|window| window == b"damaged-record");
            if let Some(at) = found {
                bytes[at] ^= 1;
            }
        });
    }
    world.restart();
    let mut subscription = subscribe(&world, &arn).expect("it begins");
    next_event(&world, &mut subscription);
    let metrics = told(&world);
    check_names(&metrics, &["SubscribeToShard.Success c", "SubscribeToShardEvent.Success c"]);
    check(&metrics, &[("SubscribeToShardEvent.Success c", (1.0, 0.0, 0.0, 0.0))]);
}

#[test]
fn a_subscription_that_a_fault_refuses_is_counted() {
    for (action, exceeded) in [(FaultAction::Throttle, 1.0), (FaultAction::Internal, 0.0)] {
        let world = World::with_stream(1);
        let arn = world.register("c");
        world.settle();
        inject(&world, action, "SubscribeToShard");
        assert!(subscribe(&world, &arn).is_err());
        check(
            &told(&world),
            &[
                ("SubscribeToShard.Success c", (1.0, 0.0, 0.0, 0.0)),
                ("SubscribeToShard.RateExceeded c", (exceeded, exceeded, exceeded, exceeded)),
            ],
        );
    }
}

#[test]
fn a_subscription_that_is_asked_for_too_often_exceeds_the_rate() {
    let limits = Limits::off().with(Limit::SubscribeCallsPerShard, Some(1));
    let world = World::with_limits(limits);
    world.create("s", 1);
    let arn = world.register("c");
    world.settle();
    let living = subscribe(&world, &arn);
    for (later_ms, code) in [(0, "LimitExceeded"), (1_000, "ResourceInUse")] {
        world.set_now(world.now_ms() + later_ms);
        let refused = subscribe(&world, &arn).expect_err("it is refused");
        assert!(refused.starts_with(code), "{refused}");
    }
    drop(living);
    check(
        &told(&world),
        &[
            ("SubscribeToShard.Success c", (3.0, 1.0, 0.0, 1.0)),
            ("SubscribeToShard.RateExceeded c", (2.0, 2.0, 1.0, 1.0)),
        ],
    );
}

#[test]
fn subscriptions_are_counted_by_consumer_and_by_event() {
    let world = World::with_stream(1);
    monitor(&world, "EnableEnhancedMonitoring", r#""OutgoingBytes","OutgoingRecords""#);
    let arn = world.register("c");
    world.settle();
    world.put("s", "k", b"abc");
    put_records(&world, &[10, 20]);
    let began_ms = world.now_ms();
    told(&world);

    let mut subscription = subscribe(&world, &arn).expect("it begins");
    assert!(subscribe(&world, &arn).is_err(), "there is one");
    world.set_now(began_ms + 500);
    next_event(&world, &mut subscription);
    world.set_now(began_ms + 500 + HEARTBEAT_MS);
    next_event(&world, &mut subscription);
    let metrics = told(&world);
    check_names(
        &metrics,
        &[
            "OutgoingBytes 00000",
            "OutgoingRecords 00000",
            "SubscribeToShard.RateExceeded c",
            "SubscribeToShard.Success c",
            "SubscribeToShardEvent.Bytes c",
            "SubscribeToShardEvent.MillisBehindLatest c",
            "SubscribeToShardEvent.Records c",
            "SubscribeToShardEvent.Success c",
        ],
    );
    check(
        &metrics,
        &[
            ("SubscribeToShard.Success c", (2.0, 1.0, 0.0, 1.0)),
            ("SubscribeToShard.RateExceeded c", (1.0, 1.0, 1.0, 1.0)),
            ("SubscribeToShardEvent.Success c", (2.0, 2.0, 1.0, 1.0)),
            ("SubscribeToShardEvent.Bytes c", (2.0, 34.0, 0.0, 34.0)),
            ("SubscribeToShardEvent.Records c", (2.0, 3.0, 0.0, 3.0)),
            ("SubscribeToShardEvent.MillisBehindLatest c", (2.0, 0.0, 0.0, 0.0)),
            ("OutgoingBytes 00000", (2.0, 34.0, 0.0, 34.0)),
            ("OutgoingRecords 00000", (2.0, 3.0, 0.0, 3.0)),
        ],
    );
    check_names(&told(&world), &[]);
}

#[test]
fn a_deleted_streams_last_counts_are_told_once_and_then_forgotten() {
    let world = World::with_stream(1);
    monitor(&world, "EnableEnhancedMonitoring", r#""ALL""#);
    let arn = world.register("c");
    world.settle();
    drop(subscribe(&world, &arn));
    world.set_now(world.now_ms() + MINUTE_MS);
    world.put("s", "k", b"ab");
    world.set_now(world.now_ms() - MINUTE_MS);
    world.put("s", "k", b"abc");
    world.check("DeleteStream", r#"{"StreamName":"s","EnforceConsumerDeletion":true}"#, "");
    world.settle();
    let meters = &world.room().kinesis.inner().meters;
    assert_eq!(meters.known(), 3);
    let metrics = told(&world);
    check(&metrics, &[("IncomingBytes", (1.0, 4.0, 4.0, 4.0))]);
    assert!(metrics.contains_key("IncomingBytes 00000"));
    assert!(metrics.contains_key("SubscribeToShard.Success c"));
    let next = told_of(&world.room().kinesis, world.now_ms() / MINUTE_MS + 1);
    check(&next, &[("IncomingBytes", (1.0, 3.0, 3.0, 3.0))]);
    assert_eq!(meters.known(), 0);

    world.create("s", 1);
    check_names(&told(&world), &[]);
    world.put("s", "k", b"abcd");
    check(&told(&world), &[("IncomingBytes", (1.0, 5.0, 5.0, 5.0))]);
}

#[test]
fn streams_that_come_and_go_while_nobody_asks_are_given_up() {
    let world = World::new();
    let inner = world.room().kinesis.inner();
    for _ in 0..2 * GONE_COUNTS_MAX {
        let stream = crate::model::stream::tests::stream_of(1);
        drop(Call::<PutRecord>::begin(inner, &stream, None));
    }
    let known = inner.meters.known();
    assert!(known <= GONE_COUNTS_MAX, "{known}");

    let living = crate::model::stream::tests::stream_of(1);
    drop(Call::<PutRecord>::begin(inner, &living, None));
    for _ in 0..GONE_COUNTS_MAX {
        let stream = crate::model::stream::tests::stream_of(1);
        drop(Call::<PutRecord>::begin(inner, &stream, None));
    }
    for minute in [MINUTE, MINUTE + 1] {
        inner.meters.measure(minute, &mut |_| ());
    }
    assert_eq!(inner.meters.known(), 1, "one that lives is kept");
    drop(Call::<PutRecord>::begin(inner, &living, None));
    check(&told(&world), &[("PutRecord.Success", (1.0, 0.0, 0.0, 0.0))]);
}

#[test]
fn a_minute_ends_for_what_is_counted_behind_it() {
    let world = World::with_stream(1);
    let kinesis = &world.room().kinesis;
    let minute = world.now_ms() / MINUTE_MS;
    let end_ms = (minute + 1) * MINUTE_MS;
    world.set_now(end_ms - 1);
    world.put("s", "k", b"1");
    world.set_now(end_ms);
    world.put("s", "k", b"22");
    check(&told_of(kinesis, minute), &[("IncomingBytes", (1.0, 2.0, 2.0, 2.0))]);
    check(&told_of(kinesis, minute + 1), &[("IncomingBytes", (1.0, 3.0, 3.0, 3.0))]);
    world.put("s", "k", b"333");
    check_names(&told_of(kinesis, minute), &[]);
    check(&told_of(kinesis, minute + 1), &[("IncomingBytes", (1.0, 4.0, 4.0, 4.0))]);
}

#[test]
fn nothing_is_counted_where_metrics_are_off() {
    let mut world = World::with_stream(1);
    world.metrics = false;
    world.restart();
    world.put("s", "k", b"1");
    put_records(&world, &[5]);
    world.read_all("s", 0);
    let arn = world.register("c");
    world.settle();
    let mut subscription = subscribe(&world, &arn).expect("it begins");
    next_event(&world, &mut subscription);
    check_names(&told(&world), &[]);
    assert_eq!(world.room().kinesis.inner().meters.known(), 0);
}

/// What a writer or reader did, for the whole of all minutes.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Did {
    puts: f64,
    put_bytes: f64,
    batches: f64,
    batch_records: f64,
    batch_bytes: f64,
    gets: f64,
    got_records: f64,
    got_bytes: f64,
}

impl Did {
    fn plus(self, other: Did) -> Did {
        Did {
            puts: self.puts + other.puts,
            put_bytes: self.put_bytes + other.put_bytes,
            batches: self.batches + other.batches,
            batch_records: self.batch_records + other.batch_records,
            batch_bytes: self.batch_bytes + other.batch_bytes,
            gets: self.gets + other.gets,
            got_records: self.got_records + other.got_records,
            got_bytes: self.got_bytes + other.got_bytes,
        }
    }

    fn told(metrics: &Metrics) -> Did {
        let of = |name: &str| samples(metrics, name);
        let (bytes, batch_bytes) = (of("PutRecord.Bytes"), of("PutRecords.Bytes"));
        let incoming = of("IncomingBytes");
        assert_eq!(incoming.1, bytes.1 + batch_bytes.1);
        Did {
            puts: of("PutRecord.Success").1,
            put_bytes: bytes.1,
            batches: of("PutRecords.Success").1,
            batch_records: of("PutRecords.TotalRecords").1,
            batch_bytes: batch_bytes.1,
            gets: of("GetRecords.Success").1,
            got_records: of("GetRecords.Records").1,
            got_bytes: of("GetRecords.Bytes").1,
        }
    }
}

/// Answers a call while another thread steps the journal.
fn call(kinesis: &Kinesis, operation: &str, input: &str) -> serde_json::Value {
    let input = json::parse(input.as_bytes()).expect("JSON");
    let caller = testing::caller();
    let mut call = pin!(kinesis.call(&caller, operation, input));
    loop {
        match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => {
                let body = answer.expect("it succeeds").body;
                return serde_json::from_slice(&body).expect("JSON");
            }
            Poll::Pending => thread::yield_now(),
        }
    }
}

fn work(kinesis: &Kinesis, iterator: &str, sizes: &[usize]) -> Did {
    let (mut did, mut iterator) = (Did::default(), iterator.to_owned());
    for (turn, &size) in sizes.iter().enumerate() {
        if turn % 3 == 0 {
            let data = base64_simd::STANDARD.encode_to_string(vec![7; size]);
            let input = format!(r#"{{"StreamName":"s","PartitionKey":"k{turn}","Data":"{data}"}}"#);
            call(kinesis, "PutRecord", &input);
            did.puts += 1.0;
            did.put_bytes += (size + format!("k{turn}").len()) as f64;
        } else if turn % 3 == 1 {
            let sizes: Vec<usize> = (0..=size % 7).map(|more| size + more + 10).collect();
            call(kinesis, "PutRecords", &put_records_input(&sizes, &format!("k{turn}")));
            did.batches += 1.0;
            did.batch_records += sizes.len() as f64;
            did.batch_bytes += sizes.iter().sum::<usize>() as f64;
        } else {
            let input = format!(r#"{{"ShardIterator":"{iterator}","Limit":{}}}"#, 1 + size % 9);
            let answer = call(kinesis, "GetRecords", &input);
            let records = answer["Records"].as_array().expect("a list");
            did.gets += 1.0;
            did.got_records += records.len() as f64;
            for record in records {
                let text = |name: &str| record[name].as_str().expect("text").to_owned();
                let data = base64_simd::STANDARD.decode_to_vec(text("Data")).expect("Base64");
                did.got_bytes += (data.len() + text("PartitionKey").len()) as f64;
            }
            iterator = answer["NextShardIterator"].as_str().expect("text").to_owned();
        }
    }
    did
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn all_that_is_told_adds_up_to_what_was_done_by_all_at_once(
        sizes in prop::collection::vec(prop::collection::vec(0usize..5000, 1..40), 2..5),
        shards in 1u32..4,
    ) {
        let world = World::with_stream(shards);
        let room = world.room();
        let iterator = world.iterator("s", 0, "TRIM_HORIZON");
        let mut all = Did::default();
        let done = thread::scope(|scope| {
            let workers: Vec<_> = sizes
                .iter()
                .map(|sizes| {
                    scope.spawn(|| work(&room.kinesis, &iterator, sizes))
                })
                .collect();
            // Minutes turn, and now and then the clock is set back: iterators are to live.
            let (began_ms, mut turn) = (world.now_ms(), 0);
            while workers.iter().any(|worker| !worker.is_finished()) {
                room.journal.step();
                world.set_now(began_ms + turn % 20 * 7_000);
                turn += 1;
                let minute = world.now_ms() / MINUTE_MS;
                all = all.plus(collect(&room.kinesis, minute - 1));
                all = all.plus(collect(&room.kinesis, minute));
            }
            let done = workers.into_iter().map(|worker| worker.join().expect("no panic"));
            done.fold(Did::default(), Did::plus)
        });
        let minute = world.now_ms() / MINUTE_MS;
        all = all.plus(collect(&room.kinesis, minute - 1));
        all = all.plus(collect(&room.kinesis, minute));
        prop_assert_eq!(all, done);
    }
}

fn collect(kinesis: &Kinesis, minute: u64) -> Did {
    Did::told(&told_of(kinesis, minute))
}
