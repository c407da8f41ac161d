//! Subscriptions against a world whose clock and journal stand still until a test moves them.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use nautilus_wire::{Protocol, json};
use serde_json::{Value as Json, json};

use super::{Subscription, Told};
use crate::{
    Limit, Limits, Response,
    limits::{EVENT_BYTES_MAX, HEARTBEAT_MS, SUBSCRIPTION_LIFE_MS, TAKE_OVER_AFTER_MS},
    testing::{World, caller, plus_positions},
};

/// What a client hears.
#[derive(Debug, PartialEq)]
enum Heard {
    Event(Json),
    Exception(String),
    /// It would have to wait.
    Silence,
    End,
}

impl Heard {
    fn event(self) -> Json {
        match self {
            Heard::Event(event) => event,
            other => panic!("{other:?} and no event"),
        }
    }
}

/// A stream `s` with a consumer `c`.
fn world(shard_count: u32) -> (World, String) {
    with_consumer(World::with_stream(shard_count))
}

fn with_consumer(world: World) -> (World, String) {
    let arn = world.register("c");
    world.settle();
    (world, arn)
}

fn input(arn: &str, shard: usize, position: &str) -> String {
    format!(r#"{{"ConsumerARN":"{arn}","ShardId":"{shard}","StartingPosition":{position}}}"#)
}

fn try_subscribe(
    world: &World,
    arn: &str,
    shard: usize,
    start: &str,
) -> Result<Subscription, String> {
    match world.client_call(&caller(), "SubscribeToShard", &input(arn, shard, start)) {
        Ok(Response::Events(subscription)) => Ok(*subscription),
        Ok(Response::Answer(answer)) => panic!("{answer:?}"),
        Err(error) => Err(error.to_string()),
    }
}

fn subscribe(world: &World, arn: &str, shard: usize, start: &str) -> Subscription {
    try_subscribe(world, arn, shard, start).expect("it begins")
}

fn of_type(kind: &str) -> String {
    format!(r#"{{"Type":"{kind}"}}"#)
}

fn at_number(kind: &str, number: &str) -> String {
    format!(r#"{{"Type":"{kind}","SequenceNumber":"{number}"}}"#)
}

const LATEST: &str = r#"{"Type":"LATEST"}"#;
const TRIM_HORIZON: &str = r#"{"Type":"TRIM_HORIZON"}"#;

/// What is told now, without anything more happening.
fn hear(world: &World, subscription: &mut Subscription) -> Heard {
    loop {
        let mut context = Context::from_waker(Waker::noop());
        let bytes_max = match pin!(subscription.ready()).poll(&mut context) {
            Poll::Ready(bytes_max) => bytes_max,
            Poll::Pending => return Heard::Silence,
        };
        match world.run(subscription.next()) {
            Told::Message(message) => {
                assert!(message.len() <= bytes_max, "{} of {bytes_max}", message.len());
                return heard(&message);
            }
            Told::Nothing => {}
            Told::End => return Heard::End,
        }
    }
}

fn heard(message: &[u8]) -> Heard {
    let headers_bytes = u32::from_be_bytes(message[4..8].try_into().expect("four bytes")) as usize;
    let headers = String::from_utf8_lossy(&message[12..12 + headers_bytes]);
    let payload = &message[12 + headers_bytes..message.len() - 4];
    let payload: Json = serde_json::from_slice(payload).expect("JSON");
    if headers.contains("SubscribeToShardEvent") {
        return Heard::Event(payload);
    }
    let name = headers.split(":exception-type").nth(1).expect("an exception");
    let name: String = name.chars().filter(|it| it.is_ascii_alphabetic()).collect();
    let name = name.split("content").next().expect("there is one").to_owned();
    match payload["message"].as_str() {
        Some(message) => Heard::Exception(format!("{name}: {message}")),
        None => Heard::Exception(name),
    }
}

fn data(event: &Json) -> Vec<Vec<u8>> {
    let decode = |record: &Json| {
        let text = record["Data"].as_str().expect("text");
        base64_simd::STANDARD.decode_to_vec(text).expect("Base64")
    };
    event["Records"].as_array().expect("a list").iter().map(decode).collect()
}

fn continuation(event: &Json) -> String {
    event["ContinuationSequenceNumber"].as_str().expect("text").to_owned()
}

#[test]
fn a_record_is_told_the_moment_that_it_is_visible() {
    let (world, arn) = world(1);
    world.put("s", "k", b"before");
    let mut subscription = subscribe(&world, &arn, 0, LATEST);
    assert_eq!(hear(&world, &mut subscription), Heard::Silence);

    let number = world.put("s", "ключ", b"behind");
    let event = hear(&world, &mut subscription).event();
    let arrived = world.now_ms() as f64 / 1000.0;
    let record = json!({
        "SequenceNumber": number,
        "ApproximateArrivalTimestamp": event["Records"][0]["ApproximateArrivalTimestamp"],
        "Data": base64_simd::STANDARD.encode_to_string(b"behind"),
        "PartitionKey": "ключ",
    });
    let expected = json!({
        "Records": [record],
        "ContinuationSequenceNumber": number,
        "MillisBehindLatest": 0,
    });
    assert_eq!(event, expected);
    assert_eq!(record["ApproximateArrivalTimestamp"].as_f64(), Some(arrived));
    assert_eq!(hear(&world, &mut subscription), Heard::Silence);
}

#[test]
fn what_waits_together_is_told_together() {
    let (world, arn) = world(1);
    let mut subscription = subscribe(&world, &arn, 0, LATEST);
    for n in 0..50u8 {
        world.put("s", "k", &[n]);
    }
    let expected: Vec<_> = (0..50u8).map(|n| vec![n]).collect();
    assert_eq!(data(&hear(&world, &mut subscription).event()), expected);
}

#[test]
fn every_start_is_where_it_says() {
    let (world, arn) = world(1);
    let first_ms = world.now_ms();
    let numbers: Vec<_> = [b"a", b"b", b"c"]
        .iter()
        .map(|data| {
            world.advance(1000);
            world.put("s", "k", *data)
        })
        .collect();
    let at = |ms: u64| format!(r#"{{"Type":"AT_TIMESTAMP","Timestamp":{}}}"#, ms / 1000);
    for (start, expected) in [
        (of_type("TRIM_HORIZON"), &[b"a", b"b", b"c"][..]),
        (at_number("AT_SEQUENCE_NUMBER", &numbers[1]), &[b"b", b"c"]),
        (at_number("AFTER_SEQUENCE_NUMBER", &numbers[1]), &[b"c"]),
        (at_number("AFTER_SEQUENCE_NUMBER", &world.shard_start("s", 0)), &[b"a", b"b", b"c"]),
        (at(first_ms + 2000), &[b"b", b"c"]),
        (at(1_000_000), &[b"a", b"b", b"c"]),
    ] {
        world.advance(TAKE_OVER_AFTER_MS);
        let mut subscription = subscribe(&world, &arn, 0, &start);
        let event = hear(&world, &mut subscription).event();
        assert_eq!(data(&event), expected, "{start}");
        assert_eq!(continuation(&event), numbers[2]);
    }
    for start in [of_type("LATEST"), at_number("AFTER_SEQUENCE_NUMBER", &numbers[2])] {
        world.advance(TAKE_OVER_AFTER_MS);
        let mut subscription = subscribe(&world, &arn, 0, &start);
        assert_eq!(hear(&world, &mut subscription), Heard::Silence, "{start}");
    }
}

#[test]
fn what_is_wrong_with_a_call_is_an_answer_and_no_message() {
    let (world, arn) = world(2);
    let check = |input: &str, expected: &str| world.check("SubscribeToShard", input, expected);
    let start = |position: &str| input(&arn, 0, position);
    check(
        "{}",
        "ValidationException: 3 validation errors detected: Value null at 'consumerARN' failed to \
         satisfy constraint: Member must not be null; Value null at 'shardId' failed to satisfy \
         constraint: Member must not be null; Value null at 'startingPosition' failed to satisfy \
         constraint: Member must not be null",
    );
    check(
        &start(r#"{"Type":"EARLIEST"}"#),
        "ValidationException: 1 validation error detected: Value 'EARLIEST' at \
         'startingPosition.type' failed to satisfy constraint: Member must satisfy enum value set: \
         [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]",
    );
    let must = "InvalidArgumentException: Must either specify (1) AT_SEQUENCE_NUMBER or \
                AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and \
                no StartingSequenceNumber. Request specified";
    check(
        &start(&of_type("AT_SEQUENCE_NUMBER")),
        &format!("{must} AT_SEQUENCE_NUMBER and no StartingSequenceNumber."),
    );
    check(
        &start(&at_number("AT_SEQUENCE_NUMBER", &world.shard_start("s", 1))),
        "InvalidArgumentException: Invalid StartingSequenceNumber. It encodes \
         shardId-000000000001, while it was used in a call to a shard with shardId-000000000000",
    );
    let nonsense = "9".repeat(56);
    check(
        &start(&at_number("AT_SEQUENCE_NUMBER", &nonsense)),
        &format!(
            "InvalidArgumentException: StartingSequenceNumber {nonsense} used in SubscribeToShard \
             on shard shardId-000000000000 in stream s under account 000000000000 is invalid."
        ),
    );
    check(
        &input(&arn, 7, LATEST),
        "ResourceNotFoundException: Shard shardId-000000000007 in stream s under account \
         000000000000 does not exist",
    );
    let unknown = arn.replace("/c:", "/d:");
    check(
        &input(&unknown, 0, LATEST),
        &format!("ResourceNotFoundException: Consumer {unknown}, account 000000000000 not found."),
    );
    let dry = start(LATEST).replace("{\"ConsumerARN", "{\"DryRun\":true,\"ConsumerARN");
    assert!(world.error("SubscribeToShard", &dry).starts_with("DryRunOperationException"));
    subscribe(&world, &arn, 0, LATEST); // none of these took the seat
}

#[test]
fn only_a_consumer_that_is_active_may_subscribe() {
    let world = World::with_stream(1);
    let (arn, second) = (world.register("c"), world.now_ms() / 1000);
    let error = try_subscribe(&world, &arn, 0, LATEST).expect_err("it is CREATING");
    assert_eq!(
        error,
        format!(
            "ResourceInUseException: Consumer c with creation timestamp {second} under stream s and \
             account 000000000000 is not in ACTIVE status."
        )
    );
    world.settle();
    subscribe(&world, &arn, 0, LATEST);
}

#[test]
fn a_silent_shard_is_told_of_every_few_seconds_and_one_that_is_not_silent_is_not() {
    let (world, arn) = world(1);
    let mut subscription = subscribe(&world, &arn, 0, LATEST);
    let mut heartbeats = 0;
    for second in 0..60 {
        world.advance(1000);
        match hear(&world, &mut subscription) {
            Heard::Silence => {}
            Heard::Event(event) => {
                let expected = json!({
                    "Records": [],
                    "ContinuationSequenceNumber": world.shard_start("s", 0),
                    "MillisBehindLatest": 0,
                });
                assert_eq!(event, expected, "after {second} s");
                heartbeats += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!((10..=12).contains(&heartbeats), "{heartbeats} in a minute");
    for _ in 0..30 {
        world.put("s", "k", b"x");
        assert_eq!(data(&hear(&world, &mut subscription).event()).len(), 1);
        world.advance(1000);
        assert_eq!(hear(&world, &mut subscription), Heard::Silence);
    }
}

#[test]
fn the_ticker_is_told_of_the_next_heartbeat() {
    let (world, arn) = world(1);
    let mut subscription = subscribe(&world, &arn, 0, LATEST);
    let tick = || world.run(world.room().kinesis.tick()).expect("there is always a next");
    tick();
    world.run(world.room().kinesis.next_due_changed().notified());
    assert_eq!(hear(&world, &mut subscription), Heard::Silence);
    world.run(world.room().kinesis.next_due_changed().notified());
    let due_ms = tick();
    let expected = world.now_ms() + HEARTBEAT_MS;
    assert!((expected..expected + 250).contains(&due_ms), "{due_ms} and not {expected}");
    world.set_now(due_ms);
    tick();
    assert!(data(&hear(&world, &mut subscription).event()).is_empty());
}

#[test]
fn a_subscription_ends_after_five_minutes_and_its_last_word_is_where_to_go_on() {
    let (mut world, arn) = world(1);
    world.put("s", "k", b"old");
    let mut subscription = subscribe(&world, &arn, 0, LATEST);
    let mut last = String::new();
    loop {
        world.advance(1000);
        match hear(&world, &mut subscription) {
            Heard::Silence => {}
            Heard::Event(event) => last = continuation(&event),
            Heard::End => break,
            other => panic!("{other:?}"),
        }
    }
    drop(subscription);
    world.restart();
    world.put("s", "k", b"new");
    let after = at_number("AFTER_SEQUENCE_NUMBER", &last);
    let mut subscription = subscribe(&world, &arn, 0, &after);
    assert_eq!(data(&hear(&world, &mut subscription).event()), [b"new"], "and nothing old");
    assert_eq!(hear(&world, &mut subscription), Heard::Silence);
}

#[test]
fn a_subscription_lives_for_five_minutes_to_the_second() {
    let (world, arn) = world(1);
    let mut subscription = subscribe(&world, &arn, 0, LATEST);
    world.advance(SUBSCRIPTION_LIFE_MS - 1);
    assert!(data(&hear(&world, &mut subscription).event()).is_empty());
    world.put("s", "k", b"still");
    assert_eq!(data(&hear(&world, &mut subscription).event()), [b"still"]);
    world.put("s", "k", b"too late");
    world.advance(1);
    assert_eq!(hear(&world, &mut subscription), Heard::End);
    assert_eq!(hear(&world, &mut subscription), Heard::End, "and stays so");
}

#[test]
fn a_clock_that_is_set_back_stops_no_heartbeat() {
    let (world, arn) = world(1);
    let mut subscription = subscribe(&world, &arn, 0, LATEST);
    assert_eq!(hear(&world, &mut subscription), Heard::Silence);
    world.set_now(world.now_ms() - 3_600_000);
    world.advance(0);
    assert_eq!(hear(&world, &mut subscription), Heard::Silence);
    world.advance(HEARTBEAT_MS);
    assert!(data(&hear(&world, &mut subscription).event()).is_empty());
}

#[test]
fn the_last_message_of_a_shard_that_ended_names_those_that_follow_and_nothing_else() {
    let (world, arn) = world(1);
    let mut subscription = subscribe(&world, &arn, 0, LATEST);
    assert_eq!(hear(&world, &mut subscription), Heard::Silence);
    world.put("s", "k", b"last");
    world.split("s", "0", "9");
    let event = hear(&world, &mut subscription).event();
    assert_eq!(data(&event), [b"last"]);
    assert!(event.get("ContinuationSequenceNumber").is_none());
    assert_eq!(event["MillisBehindLatest"], 0);
    let child = |index: u32, range: Json| {
        json!({
            "ShardId": format!("shardId-{index:012}"),
            "ParentShards": ["shardId-000000000000"],
            "HashKeyRange": range,
        })
    };
    let shards = world.shards("s");
    let range = |index: usize| shards[index]["HashKeyRange"].clone();
    assert_eq!(event["ChildShards"], json!([child(1, range(1)), child(2, range(2))]));
    assert_eq!(hear(&world, &mut subscription), Heard::End);

    // One that waits where nothing comes any more is told so too, and one that begins there.
    let mut waiting = subscribe(&world, &arn, 1, LATEST);
    assert_eq!(hear(&world, &mut waiting), Heard::Silence);
    world.merge("s", "1", "2");
    let event = hear(&world, &mut waiting).event();
    assert!(data(&event).is_empty());
    let both = json!(["shardId-000000000001", "shardId-000000000002"]);
    assert_eq!(event["ChildShards"][0]["ParentShards"], both, "both parents, from either's end");
    assert_eq!(hear(&world, &mut waiting), Heard::End);
    world.advance(TAKE_OVER_AFTER_MS);
    let mut late = subscribe(&world, &arn, 0, LATEST);
    let event = hear(&world, &mut late).event();
    assert_eq!(event["ChildShards"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_shard_that_never_had_a_record_has_an_end_too() {
    let (world, arn) = world(2);
    let input = r#"{"StreamName":"s","TargetShardCount":3,"ScalingType":"UNIFORM_SCALING"}"#;
    world.ok("UpdateShardCount", input);
    world.settle();
    let shards = world.shards("s");
    let is_closed =
        |shard: &Json| shard["SequenceNumberRange"].get("EndingSequenceNumber").is_some();
    let closed: Vec<_> = (0..shards.len()).filter(|&index| is_closed(&shards[index])).collect();
    assert!(closed.len() > 2, "some were closed when they were made");
    for start in [TRIM_HORIZON, LATEST] {
        for &index in &closed {
            let mut subscription = subscribe(&world, &arn, index, start);
            let event = hear(&world, &mut subscription).event();
            assert!(event["ChildShards"].as_array().is_some_and(|children| !children.is_empty()));
            assert_eq!(hear(&world, &mut subscription), Heard::End);
        }
        world.advance(TAKE_OVER_AFTER_MS);
    }
}

#[test]
fn a_second_call_is_refused_for_five_seconds_and_then_takes_over() {
    let (world, arn) = world(1);
    let exists = "ResourceInUseException: Another active subscription exists for this consumer: \
                  000000000000:s:shardId-000000000000:c";
    let mut first = subscribe(&world, &arn, 0, LATEST);
    world.advance(TAKE_OVER_AFTER_MS - 1);
    let refused = try_subscribe(&world, &arn, 0, LATEST).expect_err("it is too early");
    assert_eq!(refused, exists);
    assert_eq!(hear(&world, &mut first), Heard::Silence, "the first goes on");

    world.advance(1);
    let mut second = subscribe(&world, &arn, 0, LATEST);
    assert_eq!(hear(&world, &mut first), Heard::Exception(exists.to_owned()));
    assert_eq!(hear(&world, &mut first), Heard::End);
    drop(first);
    world.put("s", "k", b"to the second");
    assert_eq!(data(&hear(&world, &mut second).event()), [b"to the second"]);

    // One that hung up counts as one that was answered.
    drop(second);
    assert_eq!(try_subscribe(&world, &arn, 0, LATEST).expect_err("as before"), exists);
    world.advance(TAKE_OVER_AFTER_MS);
    subscribe(&world, &arn, 0, LATEST);
}

#[test]
fn other_consumers_and_other_shards_are_other_subscriptions() {
    let (world, arn) = world(2);
    let other = world.register("d");
    world.settle();
    let mut subscriptions = [
        subscribe(&world, &arn, 0, TRIM_HORIZON),
        subscribe(&world, &arn, 1, TRIM_HORIZON),
        subscribe(&world, &other, 0, TRIM_HORIZON),
    ];
    world.put_at("s", "0", b"x");
    let heard = subscriptions.each_mut().map(|subscription| hear(&world, subscription));
    let [first, second, third] = heard;
    assert_eq!(second, Heard::Silence);
    assert_eq!(
        (data(&first.event()), data(&third.event())),
        (vec![b"x".to_vec()], vec![b"x".to_vec()])
    );
}

#[test]
fn a_consumer_or_a_stream_that_goes_ends_the_subscription() {
    let (world, arn) = world(1);
    let mut subscription = subscribe(&world, &arn, 0, LATEST);
    assert_eq!(hear(&world, &mut subscription), Heard::Silence);
    world.check("DeregisterStreamConsumer", &format!(r#"{{"ConsumerARN":"{arn}"}}"#), "");
    let gone =
        format!("ResourceNotFoundException: Consumer {arn}, account 000000000000 not found.");
    assert_eq!(hear(&world, &mut subscription), Heard::Exception(gone));
    assert_eq!(hear(&world, &mut subscription), Heard::End);

    world.settle();
    let arn = world.register("e");
    world.settle();
    let mut subscription = subscribe(&world, &arn, 0, LATEST);
    world.check("DeleteStream", r#"{"StreamName":"s","EnforceConsumerDeletion":true}"#, "");
    match hear(&world, &mut subscription) {
        Heard::Exception(text) => assert!(text.starts_with("ResourceNotFoundException"), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_that_waits_all_the_time_is_woken_by_each_of_what_it_waits_for() {
    let (world, arn) = world(1);
    let other = world.register("d");
    world.settle();
    type Ring<'a> = (&'static str, &'a dyn Fn(&World));
    let rings: [Ring<'_>; 4] = [
        ("an append", &|world| _ = world.put("s", "k", b"x")),
        ("a tick", &|world| world.advance(HEARTBEAT_MS + 250)),
        ("another subscription", &|world| drop(subscribe(world, &arn, 0, LATEST))),
        ("a change of the catalog", &|world| {
            world.check("DeregisterStreamConsumer", &format!(r#"{{"ConsumerARN":"{other}"}}"#), "")
        }),
    ];
    for (what, ring) in rings {
        let arn = if what.starts_with("a change") { &other } else { &arn };
        let mut subscription = subscribe(&world, arn, 0, LATEST);
        world.create(what.split(' ').next_back().expect("a word"), 1); // news that is none
        let mut ready = pin!(subscription.ready());
        let mut context = Context::from_waker(Waker::noop());
        assert!(ready.as_mut().poll(&mut context).is_pending(), "{what}");
        world.set_now(world.now_ms() + TAKE_OVER_AFTER_MS);
        assert!(ready.as_mut().poll(&mut context).is_pending(), "time alone rings nothing");
        ring(&world);
        assert!(ready.as_mut().poll(&mut context).is_ready(), "{what}");
        world.set_now(world.now_ms() + TAKE_OVER_AFTER_MS);
    }
}

#[test]
fn changes_elsewhere_are_no_news() {
    let (world, arn) = world(1);
    let mut subscription = subscribe(&world, &arn, 0, LATEST);
    world.create("t", 1);
    world.put("t", "k", b"elsewhere");
    assert_eq!(hear(&world, &mut subscription), Heard::Silence);
}

#[test]
fn one_that_lags_is_told_pages_until_it_has_caught_up() {
    let (world, arn) = world(1);
    let size = 300_000;
    for n in 0..10u8 {
        world.put("s", "k", &vec![n; size]);
        world.advance(1000);
    }
    let mut subscription = subscribe(&world, &arn, 0, TRIM_HORIZON);
    let (mut seen, mut events) = (Vec::new(), 0);
    while seen.len() < 10 {
        let event = hear(&world, &mut subscription).event();
        let data = data(&event);
        assert!(data.iter().map(Vec::len).sum::<usize>() <= EVENT_BYTES_MAX);
        seen.extend(data.iter().map(|data| data[0]));
        events += 1;
        let behind = event["MillisBehindLatest"].as_u64().expect("a number");
        let last_ms = (10 - seen.len() as u64 + 1) * 1000;
        assert_eq!(behind, if seen.len() == 10 { 0 } else { last_ms });
    }
    assert_eq!(seen, (0..10).collect::<Vec<u8>>());
    assert_eq!(events, 4);
    assert_eq!(hear(&world, &mut subscription), Heard::Silence);
}

#[test]
fn a_record_of_a_mebibyte_is_told_whole() {
    let (world, arn) = world(1);
    let mut subscription = subscribe(&world, &arn, 0, LATEST);
    world.put("s", "k", &vec![7; 1024 * 1024 - 1]);
    world.put("s", "k", b"small");
    assert_eq!(data(&hear(&world, &mut subscription).event())[0].len(), 1024 * 1024 - 1);
    assert_eq!(data(&hear(&world, &mut subscription).event()), [b"small"]);
}

#[test]
fn by_awss_limits_a_subscription_gives_two_mebibytes_a_second() {
    let limits = Limits::off().with(Limit::FanOutBytesPerShard, Some(2 << 20));
    let world = World::with_limits(limits);
    world.create("s", 1);
    let (world, arn) = with_consumer(world);
    for n in 0..20u8 {
        world.put("s", "k", &vec![n; 1 << 19]);
    }
    let mut subscription = subscribe(&world, &arn, 0, TRIM_HORIZON);
    let (mut seen, began_ms) = (Vec::new(), world.now_ms());
    while seen.len() < 20 {
        match hear(&world, &mut subscription) {
            Heard::Silence => world.advance(50),
            Heard::Event(event) => {
                seen.extend(data(&event).iter().map(|data| data[0]));
                let passed_ms = world.now_ms() - began_ms;
                let given = seen.len() as u64 * (1 << 19);
                assert!(given <= (2 << 20) * (1 + passed_ms / 1000) + (1 << 20), "{passed_ms} ms");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seen, (0..20).collect::<Vec<u8>>());
    let took_ms = world.now_ms() - began_ms;
    assert!((3_500..=5_500).contains(&took_ms), "10 MiB took {took_ms} ms");
}

#[test]
fn by_awss_limits_one_call_a_second_is_answered_for_a_consumer_and_a_shard() {
    let world = World::with_limits(Limits::off().with(Limit::SubscribeCallsPerShard, Some(1)));
    world.create("s", 2);
    let (world, arn) = with_consumer(world);
    let other = world.register("d");
    world.settle();
    let call = |arn: &str, shard| try_subscribe(&world, arn, shard, LATEST).map(drop);
    let often = "LimitExceededException: Rate exceeded for shard shardId-000000000000 in stream s \
                 under account 000000000000.";
    assert_eq!(call(&arn, 0), Ok(()));
    assert_eq!((call(&arn, 1), call(&other, 0)), (Ok(()), Ok(())), "others have their own");
    assert_eq!(call(&arn, 0), Err(often.to_owned()));
    world.advance(1_000);
    assert!(call(&arn, 0).is_err_and(|error| error.starts_with("ResourceInUseException")));
    assert_eq!(call(&arn, 0), Err(often.to_owned()));
    world.advance(TAKE_OVER_AFTER_MS);
    assert_eq!(call(&arn, 0), Ok(()));
    assert_eq!(call(&arn, 0), Err(often.to_owned()));
}

#[test]
fn what_has_expired_is_not_told_and_the_place_moves_on_behind_it() {
    let (world, arn) = world(1);
    let old = world.put("s", "k", b"old");
    world.advance(25 * 3_600_000);
    let mut subscription = subscribe(&world, &arn, 0, TRIM_HORIZON);
    assert_eq!(hear(&world, &mut subscription), Heard::Silence);
    world.advance(HEARTBEAT_MS + 250);
    let event = hear(&world, &mut subscription).event();
    assert!(data(&event).is_empty());
    let number = continuation(&event);
    assert!(number.len() == old.len() && number >= old, "{number} is not before {old}");
    world.put("s", "k", b"new");
    assert_eq!(data(&hear(&world, &mut subscription).event()), [b"new"]);
}

#[test]
fn a_start_ahead_of_the_shard_waits_for_that_record() {
    let (world, arn) = world(1);
    let number = world.put("s", "k", b"0");
    let ahead = at_number("AT_SEQUENCE_NUMBER", &plus_positions(&number, 2));
    let mut subscription = subscribe(&world, &arn, 0, &ahead);
    world.put("s", "k", b"1");
    assert_eq!(hear(&world, &mut subscription), Heard::Silence);
    world.put("s", "k", b"2");
    assert_eq!(data(&hear(&world, &mut subscription).event()), [b"2"]);
}

#[test]
fn what_stands_before_damage_is_told_and_then_the_stream_fails() {
    let (mut world, arn) = world(1);
    for data in ["first-record", "second-record", "third-record", "fourth-record"] {
        world.put("s", "k", data.as_bytes());
    }
    for path in world.disk.paths().iter().filter(|path| path.ends_with(".seg")) {
        world.disk.edit(path, |bytes| {
            let found = bytes.windows(12).position(|window| window == b"third-record");
            if let Some(at) = found {
                bytes[at] ^= 1;
            }
        });
    }
    world.restart();
    let mut subscription = subscribe(&world, &arn, 0, TRIM_HORIZON);
    let event = hear(&world, &mut subscription).event();
    assert_eq!(data(&event), [&b"first-record"[..], b"second-record"]);
    let failure = "InternalFailureException".to_owned();
    assert_eq!(hear(&world, &mut subscription), Heard::Exception(failure));
    assert_eq!(hear(&world, &mut subscription), Heard::End);
}

#[test]
fn a_stop_ends_every_subscription_and_any_that_begins_later() {
    let (world, arn) = world(2);
    let mut running = subscribe(&world, &arn, 0, LATEST);
    assert_eq!(hear(&world, &mut running), Heard::Silence);
    world.room().kinesis.end_subscriptions();
    assert_eq!(hear(&world, &mut running), Heard::End);
    assert_eq!(hear(&world, &mut subscribe(&world, &arn, 1, LATEST)), Heard::End);
}

#[test]
fn a_position_that_was_told_works_again_after_a_restart() {
    let (mut world, arn) = world(1);
    let mut told = Vec::new();
    let mut start = TRIM_HORIZON.to_owned();
    for round in 0..4u8 {
        world.put("s", "k", &[2 * round]);
        let mut subscription = subscribe(&world, &arn, 0, &start);
        let event = hear(&world, &mut subscription).event();
        told.extend(data(&event).concat());
        start = at_number("AFTER_SEQUENCE_NUMBER", &continuation(&event));
        world.put("s", "k", &[2 * round + 1]); // nobody hears it before the restart
        drop(subscription);
        world.kill();
    }
    let mut subscription = subscribe(&world, &arn, 0, &start);
    told.extend(data(&hear(&world, &mut subscription).event()).concat());
    assert_eq!(told, (0..8).collect::<Vec<u8>>());
}

#[test]
fn in_cbor_the_messages_are_cbor() {
    let (world, arn) = world(1);
    let input = input(&arn, 0, TRIM_HORIZON);
    let value = json::parse(input.as_bytes()).expect("JSON");
    let caller = caller();
    let call = world.room().kinesis.call_in(Protocol::Cbor, &caller, "SubscribeToShard", value);
    let Ok(Response::Events(mut subscription)) = world.run(call) else {
        panic!("it does not begin")
    };
    world.put("s", "k", b"raw bytes");
    world.run(subscription.ready());
    let Told::Message(message) = world.run(subscription.next()) else { panic!("no message") };
    let has = |part: &[u8]| message.windows(part.len()).any(|window| window == part);
    assert!(has(b"application/x-amz-cbor-1.1") && has(b"raw bytes"));
}
