//! Deliveries: who gets what when, and what is left of it after an end in the middle of anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering::Relaxed,
};

use proptest::prelude::*;

use super::*;
use crate::{
    catalog::Waiting,
    testing::{NOW_MS, TOPIC, World},
};

const MINUTE_MS: u64 = 60_000;

fn ids(attempts: &[Attempt]) -> Vec<String> {
    attempts.iter().map(|attempt| attempt.message_id().to_owned()).collect()
}

fn no_answer() -> Outcome {
    Outcome::NoAnswer("connection refused".to_owned())
}

fn letters(world: &World) -> Vec<serde_json::Value> {
    let mut text = String::new();
    world.disk.edit("sns-dead-letters.jsonl", |bytes| {
        text = String::from_utf8_lossy(bytes).into_owned();
    });
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn publish(world: &World, id: &str) -> Result<(), Error> {
    world.run(world.room().publish(Publish {
        topic_arn: TOPIC.to_owned(),
        subject: None,
        message: "hello".to_owned(),
        message_id: id.to_owned(),
        origin: Some(format!("origin of {id}")),
    }))
}

/// How each outcome is judged, with AWS's own policy: when the next attempt is, or that there is none.
#[test]
fn an_answer_says_whether_it_is_worth_another_attempt() {
    for (outcome, expected) in [
        (Outcome::Status(200), "delivered"),
        (Outcome::Status(204), "delivered"),
        (Outcome::Status(500), "again"),
        (Outcome::Status(503), "again"),
        (Outcome::Status(429), "again"),
        (no_answer(), "again"),
        (Outcome::Status(100), "given up"),
        (Outcome::Status(301), "given up"),
        (Outcome::Status(400), "given up"),
        (Outcome::Status(404), "given up"),
        (Outcome::Status(600), "given up"),
        (Outcome::Forbidden("10.0.0.1".to_owned()), "given up"),
    ] {
        let world = World::with_topic();
        world.confirmed("http://example.com/");
        world.publish("hello");
        let due = world.due();
        world.report(&due[0], outcome.clone());
        let told = match (world.room().next_due(), letters(&world).len()) {
            (None, 0) => "delivered",
            (Some(next_ms), 0) if next_ms == NOW_MS + 20_000 => "again",
            (None, 1) => "given up",
            other => panic!("{outcome:?}: {other:?}"),
        };
        assert_eq!(told, expected, "{outcome:?}");
    }
}

#[test]
fn the_schedule_is_the_policys_and_its_end_is_a_dead_letter() {
    let world = World::with_topic();
    world.confirmed("http://example.com/");
    let id = world.publish("hello");
    for number in 1..=4 {
        let due = world.due();
        assert_eq!((ids(&due), due[0].number()), (vec![id.clone()], number));
        assert!(world.due().is_empty(), "it is under way");
        world.report(&due[0], Outcome::Status(503));
        assert!(world.due().is_empty(), "not before its time");
        world.advance(20_000);
    }
    assert_eq!(world.room().next_due(), None);
    let letters = letters(&world);
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!(letter["message_id"], id);
    assert_eq!(letter["attempts"], 4);
    assert_eq!(letter["reason"], "the endpoint answered 503");
}

#[test]
fn a_clock_that_was_set_back_keeps_nothing_waiting() {
    let mut world = World::with_topic();
    world.confirmed("http://example.com/");
    world.advance(86_400_000);
    let id = world.publish("hello");
    world.report(&world.due()[0], Outcome::Status(503));
    world.clock.set_ms(NOW_MS);
    world.kill();
    assert_eq!(world.room().next_due(), Some(NOW_MS));
    let due = world.due();
    assert_eq!((ids(&due), due[0].number()), (vec![id], 2));
    world.report(&due[0], Outcome::Status(503));
    assert!(world.due().is_empty(), "from here on it waits as by its policy");
    assert_eq!(world.room().next_due(), Some(NOW_MS + 20_000));
}

#[test]
fn a_topics_delivery_policy_holds_for_what_is_published_then() {
    let world = World::with_topic();
    world.confirmed("http://example.com/");
    let policy = r#"{"http":{"defaultHealthyRetryPolicy":{"numRetries":1,"minDelayTarget":1,"maxDelayTarget":1},"defaultRequestPolicy":{"headerContentType":"application/json"}}}"#;
    world.ok(
        "SetTopicAttributes",
        &format!("TopicArn={TOPIC}&AttributeName=DeliveryPolicy&AttributeValue={policy}"),
    );
    world.publish("hello");
    let due = world.due();
    let headers = due[0].request().headers;
    assert!(headers.contains(&("content-type", "application/json".to_owned())));
    world.report(&due[0], no_answer());
    assert_eq!(world.room().next_due(), Some(NOW_MS + 1_000));
    world.advance(1_000);
    world.report(&world.due()[0], no_answer());
    assert_eq!((world.room().next_due(), letters(&world).len()), (None, 1));
}

#[test]
fn what_waits_survives_an_end_at_any_moment_under_its_id() {
    let mut world = World::with_topic();
    world.confirmed("http://example.com/a");
    world.confirmed("http://other.example/b");
    let id = world.publish("hello");
    world.kill();
    let due = world.due();
    assert_eq!(ids(&due), [id.clone(), id.clone()]);
    world.report(&due[0], Outcome::Status(200));
    world.report(&due[1], Outcome::Status(500));

    // The one that has it does not get it again, the other goes on where it was.
    world.kill();
    assert!(world.due().is_empty());
    world.advance(20_000);
    let due = world.due();
    assert_eq!((ids(&due), due[0].number()), (vec![id.clone()], 2));

    // Under way, and nobody knows how it went: made again.
    world.kill();
    let due = world.due();
    assert_eq!((ids(&due), due[0].number()), (vec![id], 2));
    world.report(&due[0], Outcome::Status(200));
    world.kill();
    world.advance(60 * MINUTE_MS);
    assert!(world.due().is_empty());
}

#[test]
fn a_message_of_another_room_is_taken_once_while_it_waits() {
    let world = World::with_topic();
    world.confirmed("http://example.com/");
    publish(&world, "m-1").expect("taken");
    publish(&world, "m-1").expect("known");
    let due = world.due();
    assert_eq!(ids(&due), ["m-1"]);
    let other = world.run(world.room().publish(Publish {
        topic_arn: format!("{TOPIC}x"),
        subject: None,
        message: "x".to_owned(),
        message_id: "m-2".to_owned(),
        origin: None,
    }));
    assert!(matches!(other, Err(Error::TopicNotFound)));
}

#[test]
fn who_published_is_told_of_every_attempt() {
    let world = World::with_topic();
    world.confirmed("http://example.com/");
    let lambda = "arn:aws:lambda:us-east-1:000000000000:function:f";
    world.subscribe("lambda", lambda);
    publish(&world, "m-1").expect("taken");
    world.report(&world.due()[0], Outcome::Status(500));
    world.advance(20_000);
    world.report(&world.due()[0], Outcome::Status(200));
    let told: Vec<_> = world
        .room()
        .take_outcomes()
        .into_iter()
        .map(|one| {
            assert_eq!((&*one.origin, &*one.message_id), ("origin of m-1", "m-1"));
            (one.endpoint, one.attempt, one.result)
        })
        .collect();
    let reason = "nothing is delivered to endpoints of the protocol lambda here".to_owned();
    let retried = DeliveryResult::Retried {
        reason: "the endpoint answered 500".to_owned(),
        next_ms: NOW_MS + 20_000,
    };
    assert_eq!(
        told,
        [
            (lambda.to_owned(), 0, DeliveryResult::GivenUp { reason }),
            ("http://example.com/".to_owned(), 1, retried),
            ("http://example.com/".to_owned(), 2, DeliveryResult::Delivered),
        ]
    );
    assert!(world.room().take_outcomes().is_empty(), "once");
    world.publish("without an origin");
    world.report(&world.due()[0], Outcome::Status(200));
    assert!(world.room().take_outcomes().is_empty());
}

#[test]
fn an_endpoint_that_hangs_keeps_nothing_from_the_others() {
    let world = World::with_topic();
    world.confirmed("http://hangs.example/a");
    world.confirmed("http://hangs.example/b");
    world.confirmed("http://works.example/");
    for _ in 0..10 {
        world.publish("hello");
    }
    let of = |due: &[Attempt], host: &str| {
        due.iter().filter(|attempt| attempt.endpoint().contains(host)).count()
    };
    let due = world.due();
    assert_eq!(of(&due, "hangs"), limits::ATTEMPTS_PER_ENDPOINT_MAX);
    let mut delivered = 0;
    let mut works: Vec<Attempt> =
        due.into_iter().filter(|attempt| attempt.endpoint().contains("works")).collect();
    while let Some(attempt) = works.pop() {
        world.report(&attempt, Outcome::Status(200));
        delivered += 1;
        let due = world.due();
        assert_eq!(of(&due, "hangs"), 0, "those under way have not been reported");
        works.extend(due);
    }
    assert_eq!(delivered, 10);
    assert_eq!(world.room().next_due(), None, "there is no room for what is due");
}

#[test]
fn a_topic_and_an_account_that_hang_keep_nothing_from_the_others() {
    let world = World::new();
    // Each subscription asks its endpoint whether it wants messages.
    let due_of = |account: &str, topic: &str, endpoints: usize| {
        let caller = World::caller(account, "us-east-1");
        world.call_as(Some(&caller), "CreateTopic", &format!("Name={topic}"));
        let arn = format!("arn:aws:sns:us-east-1:{account}:{topic}");
        for port in 1..=endpoints {
            let endpoint = format!("http://{topic}-{account}.example:{port}/");
            let form = format!("TopicArn={arn}&Protocol=http&Endpoint={endpoint}");
            world.call_as(Some(&caller), "Subscribe", &form);
        }
        let due = world.due();
        assert!(due.iter().all(|attempt| attempt.message.topic_arn == arn), "{arn}");
        assert_eq!((world.due().len(), world.room().next_due()), (0, None), "no more has room");
        due
    };
    let first = due_of("111111111111", "a", 100);
    assert_eq!(first.len(), limits::ATTEMPTS_PER_TOPIC_MAX);
    assert_eq!(due_of("111111111111", "b", 100).len(), limits::ATTEMPTS_PER_TOPIC_MAX);
    assert_eq!(due_of("111111111111", "c", 100).len(), 0, "the account has half");
    for (account, expected) in [
        ("222222222222", 32),
        ("333333333333", 16),
        ("444444444444", 8),
        ("555555555555", 4),
        ("666666666666", 2),
        ("777777777777", 1),
    ] {
        assert_eq!(due_of(account, "a", 100).len(), expected, "{account}");
    }
    // What one gives back is for those who have less.
    world.report(&first[0], Outcome::Status(200));
    assert_eq!(due_of("888888888888", "a", 1).len(), 1);
}

#[test]
fn attempts_that_have_ended_leave_nothing_behind() {
    let world = World::with_topic();
    for n in 0..10 {
        world.confirmed(&format!("http://h{n}.example/"));
    }
    world.publish("hello");
    for attempt in world.due() {
        world.report(&attempt, Outcome::Status(200));
    }
    let flights = world.room().inner().flights.lock();
    assert_eq!(flights.all, Load::default());
    let left = flights.by_account.len() + flights.by_topic.len() + flights.by_authority.len();
    assert_eq!((left, flights.count()), (0, 0));
}

#[test]
fn large_messages_go_few_at_a_time() {
    let world = World::with_topic();
    for n in 0..100 {
        world.confirmed(&format!("http://h{n}.example/"));
    }
    world.publish(&"x".repeat(limits::MESSAGE_BYTES_MAX));
    let due = world.due();
    assert_eq!(due.len(), limits::ATTEMPT_BYTES_PER_TOPIC_MAX / limits::MESSAGE_BYTES_MAX);
}

/// A message of an account, as long as that.
fn of_account(account: &str, bytes: usize) -> Message {
    let mut message = Message {
        id: "id".to_owned(),
        topic_arn: format!("arn:aws:sns:us-east-1:{account}:t"),
        kind: Kind::Notification,
        subject: None,
        text: String::new(),
        texts: Default::default(),
        attributes: Default::default(),
        published_ms: 0,
        origin: None,
    };
    message.text = "x".repeat(bytes.saturating_sub(message.bytes()));
    message
}

#[test]
fn the_outbox_has_an_end_and_publish_says_so() {
    let one = of_account("1", 5);
    let outbox = Outbox { deliveries: limits::OUTBOX_DELIVERIES_MAX - 1, ..Outbox::default() };
    assert!(check_room(&outbox, &one, 1).is_ok());
    let told = check_room(&outbox, &one, 2).expect_err("full").to_string();
    assert_eq!(
        told,
        "The outbox is full: 19999 deliveries wait. Messages are taken again when some have been \
         delivered."
    );
    let bytes = limits::OUTBOX_BYTES_MAX - one.bytes();
    assert!(check_room(&Outbox { bytes, ..Outbox::default() }, &one, 1).is_ok());
    let bytes = bytes + 1;
    let refused = check_room(&Outbox { bytes, ..Outbox::default() }, &one, 1);
    assert!(matches!(refused, Err(Error::Throttled(_))));
}

#[test]
fn one_account_leaves_room_for_the_others() {
    // Four messages wait, each of a quarter of what one account may have.
    let waiting = of_account("1", limits::OUTBOX_ACCOUNT_BYTES_MAX / 4);
    let bytes = waiting.bytes();
    let waiting = Waiting { message: Arc::new(waiting), deliveries: BTreeMap::new() };
    let messages = (0..4).map(|n| (n, Arc::new(waiting.clone()))).collect();
    let outbox = Outbox { messages, bytes: 4 * bytes, ..Outbox::default() };
    let told = check_room(&outbox, &of_account("1", 1), 1).expect_err("its share is full");
    assert!(told.to_string().contains("bytes of this account wait"), "{told}");
    assert!(check_room(&outbox, &of_account("2", 1), 1).is_ok());
}

#[test]
fn a_full_outbox_takes_no_message_and_no_subscription() {
    let world = World::with_topic();
    for n in 0..640 {
        world.confirmed(&format!("http://h{n}.example/"));
    }
    let throttled = |answer: &str| answer.starts_with("429 Throttled: The outbox is full: ");
    let message = format!("TopicArn={TOPIC}&Message=x");
    let taken = (0..100).take_while(|_| !throttled(&world.call("Publish", &message))).count();
    assert_eq!(taken, limits::OUTBOX_ACCOUNT_DELIVERIES_MAX / 640);
    // There is room for single ones.
    for n in 0..limits::OUTBOX_ACCOUNT_DELIVERIES_MAX % 640 {
        world.subscribe("http", &format!("http://more{n}.example/"));
    }
    let one = format!("TopicArn={TOPIC}&Protocol=http&Endpoint=http://last.example/");
    assert!(throttled(&world.call("Subscribe", &one)));
    assert!(!world.ok("ListSubscriptions", "").contains("last.example"));
}

#[test]
fn a_letter_that_cannot_be_written_keeps_its_delivery() {
    let world = World::with_topic();
    world.confirmed("http://example.com/");
    world.publish("hello");
    let due = world.due();
    world.letters_fail.store(true, Relaxed);
    let failed = world.run(world.room().report(&due[0], Outcome::Status(404)));
    assert!(matches!(failed, Err(Error::DeadLetters(_))), "{failed:?}");
    assert!(world.due().is_empty(), "it is not sent again for that");

    world.letters_fail.store(false, Relaxed);
    world.report(&due[0], Outcome::Status(404));
    assert_eq!((letters(&world).len(), world.room().next_due()), (1, None));
    // Reported again, as after an answer that got lost: nothing is there any more.
    world.report(&due[0], Outcome::Status(404));
    assert_eq!(letters(&world).len(), 1);
}

#[test]
fn raw_delivery_sends_the_message_itself() {
    let world = World::with_topic();
    let arn = world.confirmed("http://example.com/");
    world.ok(
        "SetSubscriptionAttributes",
        &format!("SubscriptionArn={arn}&AttributeName=RawMessageDelivery&AttributeValue=true"),
    );
    let id = world.publish("hello");
    let request = world.due()[0].request();
    assert_eq!(request.body, "hello");
    let header = |name: &'static str, value: &str| (name, value.to_owned());
    assert_eq!(
        request.headers,
        [
            header("x-amz-sns-message-type", "Notification"),
            header("x-amz-sns-message-id", &id),
            header("x-amz-sns-topic-arn", TOPIC),
            header("x-amz-sns-subscription-arn", &arn),
            header("x-amz-sns-rawdelivery", "true"),
            header("content-type", "text/plain; charset=UTF-8"),
            header("user-agent", "Amazon Simple Notification Service Agent"),
        ]
    );
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Publish,
    Due,
    Report { which: usize, status: u16 },
    Pass { ms: u64 },
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Publish),
        Just(Step::Due),
        (0usize..8, prop_oneof![Just(200u16), Just(500), Just(429), Just(404)])
            .prop_map(|(which, status)| Step::Report { which, status }),
        (1u64..30_000).prop_map(|ms| Step::Pass { ms }),
        Just(Step::Kill),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever happens in whatever order: each endpoint has each message or its dead letter in the end.
    #[test]
    fn nothing_is_lost(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::with_topic();
        world.confirmed("http://a.example/");
        world.confirmed("http://b.example/");
        let (mut published, mut delivered) = (Vec::new(), BTreeSet::new());
        let mut flying: Vec<Attempt> = Vec::new();
        let mut report = |world: &World, attempt: &Attempt, status: u16| {
            if status == 200 {
                delivered.insert((attempt.message_id().to_owned(), attempt.endpoint().to_owned()));
            }
            world.report(attempt, Outcome::Status(status));
        };
        for step in steps {
            match step {
                Step::Publish => published.push(world.publish("hello")),
                Step::Due => flying.extend(world.due()),
                Step::Report { which, status } if which < flying.len() => {
                    report(&world, &flying.remove(which), status);
                }
                Step::Report { .. } => {}
                Step::Pass { ms } => world.advance(ms),
                Step::Kill => {
                    world.kill();
                    flying.clear();
                }
            }
        }
        for _ in 0..100 {
            flying.extend(world.due());
            for attempt in flying.drain(..) {
                report(&world, &attempt, 200);
            }
            world.advance(MINUTE_MS);
        }
        prop_assert_eq!(world.room().next_due(), None);
        for letter in letters(&world) {
            let text = |name: &str| letter[name].as_str().expect("text").to_owned();
            delivered.insert((text("message_id"), text("endpoint")));
        }
        for id in published {
            for endpoint in ["http://a.example/", "http://b.example/"] {
                prop_assert!(delivered.contains(&(id.clone(), endpoint.to_owned())));
            }
        }
    }
}
