//! Records that wait: for their shard, for the queue.

use std::{pin::Pin, task::Poll};

use nautilus_identity::Caller;
use nautilus_wire::{Answer, AwsError};

use super::*;
use crate::limits::REROUTE_WAIT_MS;

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
