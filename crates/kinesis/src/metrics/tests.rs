//! Exact counts of known calls. Streams are told apart by nothing: each world has one.

use std::{
    collections::BTreeMap,
    pin::pin,
    task::{Context, Waker},
};

use nautilus_stats::Distribution;
use nautilus_wire::json;

use super::{MINUTE_MS, Measured};
use crate::{
    Fault, FaultAction, Kinesis, Limit, Limits, Response, Subscription, Told,
    limits::ITERATOR_LIFE_MS,
    model::shard_metrics::ShardMetric,
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
    let mut all: Vec<_> = ShardMetric::ALL.iter().map(|metric| metric.as_str()).collect();
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

mod fan_out;
mod life;
mod waiting;
