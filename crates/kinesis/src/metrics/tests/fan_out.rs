//! Subscriptions and their events.

use super::*;
use crate::limits::HEARTBEAT_MS;

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
