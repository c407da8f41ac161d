//! What is counted lives for two minutes, is told once, and adds up whoever counts at the same time.

use std::{task::Poll, thread};

use proptest::prelude::*;

use super::*;
use crate::{
    limits::GONE_COUNTS_MAX,
    metrics::{Call, PutRecord},
};

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
