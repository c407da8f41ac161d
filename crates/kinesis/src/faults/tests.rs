//! What injected faults do to clients' calls, and to which.

use super::*;
use crate::testing::{World, caller};

fn fault(action: FaultAction) -> Fault {
    Fault {
        action,
        stream: None,
        shard: None,
        operations: Vec::new(),
        percentage: 100.0,
        duration_ms: None,
        seed: None,
    }
}

fn inject(world: &World, fault: Fault) -> AddedFault {
    world.room().kinesis.faults().add(fault).expect("a fault that can be")
}

fn call(world: &World, operation: &str, input: &str) -> String {
    let answer = world.client_answer(&caller(), operation, input);
    answer.unwrap_or_else(|error| format!("{} {error}", error.status))
}

fn put(world: &World, stream: &str) -> String {
    let input = format!(r#"{{"StreamName":"{stream}","PartitionKey":"k","Data":""}}"#);
    call(world, "PutRecord", &input)
}

#[test]
fn every_action_fails_as_aws_fails() {
    let world = World::with_stream(1);
    let iterator = world.iterator("s", 0, "LATEST");
    let get = format!(r#"{{"ShardIterator":"{iterator}"}}"#);
    for (action, error) in [
        (
            FaultAction::ProvisionedThroughput,
            "400 ProvisionedThroughputExceededException: Rate exceeded for shard \
             shardId-000000000000 in stream s under account 000000000000.",
        ),
        (
            FaultAction::ExpiredIterator,
            "400 ExpiredIteratorException: Iterator expired. The iterator was created at time",
        ),
        (FaultAction::Throttle, "400 ThrottlingException: Rate exceeded"),
        (FaultAction::Internal, "500 InternalFailure"),
        (FaultAction::Unavailable, "503 ServiceUnavailable: Service is unavailable"),
    ] {
        let added = inject(&world, fault(action));
        let answer = call(&world, "GetRecords", &get);
        assert!(answer.starts_with(error), "{answer}");
        assert!(world.room().kinesis.faults().remove(added.id));
        assert!(call(&world, "GetRecords", &get).starts_with('{'));
    }
}

#[test]
fn a_fault_is_only_where_it_was_put() {
    let world = World::with_stream(2);
    world.create("t", 1);
    let mut only = fault(FaultAction::Internal);
    only.stream = Some("t".into());
    only.operations = vec!["PutRecord".into(), "DescribeStream".into()];
    inject(&world, only);

    assert!(put(&world, "s").starts_with('{'));
    assert_eq!(put(&world, "t"), "500 InternalFailure");
    assert_eq!(call(&world, "DescribeStream", r#"{"StreamName":"t"}"#), "500 InternalFailure");
    assert!(call(&world, "DescribeStream", r#"{"StreamName":"s"}"#).starts_with('{'));
    assert!(call(&world, "ListShards", r#"{"StreamName":"t"}"#).starts_with('{'));
    world.ok("DescribeStream", r#"{"StreamName":"t"}"#); // the operator's own
    assert_eq!(world.read_all("t", 0), Vec::<Vec<u8>>::new(), "nothing was stored");
}

#[test]
fn in_put_records_each_record_meets_the_faults_of_its_shard() {
    let world = World::with_stream(2);
    let mut throttled = fault(FaultAction::ProvisionedThroughput);
    throttled.shard = Some("shardId-000000000001".into());
    inject(&world, throttled);
    let records: Vec<String> =
        (0..20).map(|n| format!(r#"{{"PartitionKey":"key-{n}","Data":""}}"#)).collect();
    let input = format!(r#"{{"StreamName":"s","Records":[{}]}}"#, records.join(","));
    let answer = world.ok("PutRecords", &input);
    let failed: Vec<&serde_json::Value> = answer["Records"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|record| record.get("ErrorCode").is_some())
        .collect();
    assert_eq!(answer["FailedRecordCount"], failed.len());
    assert!(failed.len() > 3 && failed.len() < 17);
    for record in &failed {
        assert_eq!(record["ErrorCode"], "ProvisionedThroughputExceededException");
        let text = record["ErrorMessage"].as_str().expect("a sentence");
        assert!(text.contains("shardId-000000000001"), "{text}");
    }
    world.room().kinesis.faults().clear();
    assert_eq!(world.read_all("s", 0).len(), 20 - failed.len());
    assert_eq!(world.read_all("s", 1).len(), 0);

    inject(&world, fault(FaultAction::Unavailable));
    let answer = call(&world, "PutRecords", &input);
    assert!(answer.starts_with("503 "), "what the API injects fails the whole call: {answer}");
}

#[test]
fn a_share_of_the_calls_meets_it_and_a_seed_meets_the_same_again() {
    let world = World::with_stream(1);
    let mut some = fault(FaultAction::Throttle);
    (some.percentage, some.seed) = (30.0, Some(7));
    some.operations = vec!["PutRecord".into()];
    let hits = || {
        let faults = world.room().kinesis.faults();
        faults.replace(vec![some.clone()]).expect("it is fine");
        let hits: Vec<bool> = (0..200).map(|_| !put(&world, "s").starts_with('{')).collect();
        let list = faults.list();
        assert_eq!((list.len(), list[0].calls), (1, 200));
        assert_eq!(list[0].injected, hits.iter().filter(|hit| **hit).count() as u64);
        hits
    };
    let first = hits();
    assert_eq!(first, hits());
    let count = first.iter().filter(|hit| **hit).count();
    assert!((40..80).contains(&count), "{count} of 200");
}

#[test]
fn it_ends_when_its_time_is_over() {
    let world = World::with_stream(1);
    let mut short = fault(FaultAction::Internal);
    short.duration_ms = Some(5_000);
    inject(&world, short);
    assert_eq!(put(&world, "s"), "500 InternalFailure");
    world.advance(4_999);
    assert_eq!(put(&world, "s"), "500 InternalFailure");
    world.advance(1);
    assert!(put(&world, "s").starts_with('{'));
    assert_eq!(world.room().kinesis.faults().list(), []);
    assert!(!world.room().kinesis.faults().are_there());
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let world = World::with_stream(1);
    let faults = world.room().kinesis.faults();
    let before = inject(&world, fault(FaultAction::Throttle));
    let check = |change: &dyn Fn(&mut Fault), sentence: &str| {
        let mut wrong = fault(FaultAction::ExpiredIterator);
        change(&mut wrong);
        assert_eq!(faults.add(wrong.clone()), Err(sentence.to_owned()));
        let both = vec![fault(FaultAction::Internal), wrong];
        assert_eq!(faults.replace(both), Err(sentence.to_owned()));
        let ids: Vec<u64> = faults.list().iter().map(|added| added.id).collect();
        assert_eq!(ids, [before.id]);
    };
    for percentage in [0.0, -1.0, 100.1, f64::NAN, f64::INFINITY] {
        let change = |fault: &mut Fault| fault.percentage = percentage;
        check(&change, "`percentage` is above 0 and 100 at most");
    }
    check(&|fault| fault.operations = vec!["Put".into()], "there is no operation `Put`");
    check(
        &|fault| fault.operations = vec!["PutRecord".into()],
        "aws:kinesis:stream-expired-iterator-exception is not for PutRecord",
    );
    check(&|fault| fault.shard = Some("seven".into()), "`seven` is no shard's id");
    let change = |fault: &mut Fault| {
        (fault.action, fault.shard) = (FaultAction::Internal, Some("0".into()));
        fault.operations = vec!["ListStreams".into()];
    };
    check(&change, "ListStreams is not about one shard");
    for _ in 1..FAULTS_MAX {
        inject(&world, fault(FaultAction::Throttle));
    }
    assert!(faults.add(fault(FaultAction::Throttle)).is_err());
}
