//! SubscribeToShard on the wire: messages that are sent the moment that there is something to say, to clients of any
//! pace, until somebody ends it.

mod common;

use std::time::{Duration, Instant};

use common::{TestServer, call, events::Consumer, http2::Http2, streams};
use nautilus_server::{Config, Limits};
use nautilus_wire::Protocol;
use tokio::time::{sleep, timeout};

const SOON: Duration = Duration::from_millis(300);

async fn start(limits: Limits) -> (TestServer, Http2, Consumer) {
    let server = TestServer::start_with(Config { limits, ..Config::default() }, true).await;
    let client = Http2::connect(server.address).await;
    streams::create(&client).await;
    let consumer = Consumer::register(&client, "c").await;
    (server, client, consumer)
}

async fn advance(server: &TestServer, by: &str) {
    let body = format!(r#"{{"advance":"{by}"}}"#);
    let mut client = server.connect().await;
    let length = body.len();
    client
        .send(format!(
            "POST /_nautilus/clock HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
        .await;
    assert_eq!(client.answer().await.status, 200);
}

#[tokio::test]
async fn in_both_versions_of_http_each_record_is_a_message_of_its_own() {
    let (server, client, first) = start(Limits::default()).await;
    let second = Consumer::register(&client, "d").await;
    let mut all = [
        first.subscribe_in_http1(&server, "LATEST").await,
        second.subscribe(&client, "LATEST").await,
    ];
    for events in &mut all {
        assert_eq!(events.head.status(), 200);
        let head = events.head.headers();
        assert_eq!(head["content-type"], "application/vnd.amazon.eventstream");
        assert!(head.contains_key("x-amzn-requestid") && head.contains_key("x-amz-id-2"));
        let message = events.next().await.expect("a message");
        assert_eq!((&*message.kind, &*message.text()), ("initial-response", "{}"));
    }
    for n in 0..5u8 {
        streams::put(&client, Protocol::Json, &[n]).await;
        for events in &mut all {
            let message = events.next().await.expect("a message");
            assert_eq!((&*message.kind, message.records()), ("SubscribeToShardEvent", 1));
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_the_call_is_answered_as_everywhere() {
    let (server, client, consumer) = start(Limits::default()).await;
    let _events = consumer.subscribe(&client, "LATEST").await;
    let answer = client.answer(consumer.request("LATEST")).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.header("content-type"), Some("application/x-amz-json-1.1"));
    assert_eq!(answer.header("x-amzn-errortype"), Some("ResourceInUseException"));
    server.stop().await;
}

#[tokio::test]
async fn after_five_minutes_the_answer_ends_and_the_connection_goes_on() {
    let (server, client, consumer) = start(Limits::default()).await;
    let mut events = consumer.subscribe(&client, "LATEST").await;
    assert_eq!(events.next().await.expect("a message").kind, "initial-response");
    advance(&server, "5s").await;
    let message = events.next().await.expect("a heartbeat");
    assert_eq!((&*message.kind, message.records()), ("SubscribeToShardEvent", 0));
    advance(&server, "5m").await;
    assert_eq!(events.next().await, None);

    let mut events = consumer.subscribe(&client, "TRIM_HORIZON").await;
    assert_eq!(events.next().await.expect("a message").kind, "initial-response");
    advance(&server, "6s").await;
    let mut second = consumer.subscribe(&client, "LATEST").await;
    assert_eq!(second.next().await.expect("a message").kind, "initial-response");
    let mut last = events.next().await.expect("a message");
    if last.records() == 0 && last.kind == "SubscribeToShardEvent" {
        last = events.next().await.expect("a message"); // the heartbeat was faster
    }
    assert_eq!(last.kind, "ResourceInUseException");
    assert!(last.text().contains("Another active subscription exists"), "{}", last.text());
    assert_eq!(events.next().await, None);
    server.stop().await;
}

#[tokio::test]
#[allow(clippy::disallowed_methods)] // how long a stop takes is what is asked
async fn a_stop_ends_all_answers_in_peace_and_at_once() {
    let (server, client, first) = start(Limits::default()).await;
    let second = Consumer::register(&client, "d").await;
    let mut all = [
        first.subscribe_in_http1(&server, "LATEST").await,
        second.subscribe(&client, "LATEST").await,
    ];
    for events in &mut all {
        assert_eq!(events.next().await.expect("a message").kind, "initial-response");
    }
    let began = Instant::now();
    let drained = server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!((drained.unanswered, drained.connections_cut), (0, 0));
    for events in &mut all {
        assert_eq!(events.next().await, None);
    }
}

#[tokio::test]
async fn one_that_reads_nothing_stops_no_server() {
    let (server, client, consumer) = start(Limits::default()).await;
    for n in 0..20u8 {
        streams::put(&client, Protocol::Json, &vec![n; 1_000_000]).await;
    }
    let events = consumer.subscribe_in_http1(&server, "TRIM_HORIZON").await;
    sleep(SOON).await;
    let drained = timeout(Duration::from_secs(3), server.stop()).await.expect("a quick stop");
    assert_eq!(drained.unanswered, 0);
    drop(events);
}

#[tokio::test]
async fn a_subscription_in_which_nothing_happens_is_not_an_idle_connection() {
    let limits = Limits { idle_time_max: SOON, head_time_max: SOON, ..Limits::default() };
    let (server, client, consumer) = start(limits).await;
    let mut events = consumer.subscribe_in_http1(&server, "LATEST").await;
    assert_eq!(events.next().await.expect("a message").kind, "initial-response");
    assert!(events.is_silent(4 * SOON).await);
    let other = Http2::connect(server.address).await;
    streams::put(&other, Protocol::Json, b"still there").await;
    assert_eq!(events.next().await.expect("a message").records(), 1);
    drop(client);
    server.stop().await;
}

#[tokio::test]
async fn one_that_takes_its_time_gets_everything_and_keeps_nobody_waiting() {
    const RECORDS: usize = 30;
    let limits = Limits { write_stall_max: SOON, answer_grace: SOON, ..Limits::default() };
    let (server, client, slow) = start(limits).await;
    let quick = Consumer::register(&client, "d").await;
    let in_http2 = Http2::connect_with(server.address, 1 << 16).await;
    let slow_too = Consumer::register(&client, "e").await;
    let mut slow = [
        slow.subscribe_in_http1(&server, "TRIM_HORIZON").await,
        slow_too.subscribe(&in_http2, "TRIM_HORIZON").await,
    ];
    // A connection's window is shared: what waits in it for one reader would hold up the writer's answers.
    let for_quick = Http2::connect(server.address).await;
    let mut quick = quick.subscribe(&for_quick, "TRIM_HORIZON").await;
    assert_eq!(quick.next().await.expect("a message").kind, "initial-response");
    for n in 0..RECORDS {
        streams::put(&client, Protocol::Json, &vec![n as u8; 1_000_000]).await;
        assert_eq!(quick.next().await.expect("a message").records(), 1);
    }
    sleep(4 * SOON).await; // longer than an answer may lie
    for events in &mut slow {
        assert_eq!(events.next().await.expect("a message").kind, "initial-response");
        for _ in 0..RECORDS {
            assert_eq!(events.next().await.expect("a message").records(), 1);
        }
        assert!(events.is_silent(SOON).await);
    }
    server.stop().await;
}

#[tokio::test]
async fn those_that_hold_all_room_for_messages_and_do_not_read_lose_their_connections() {
    // Room for one message of a mebibyte.
    let limits = Limits { event_bytes_max: 4 << 20, ..Limits::default() };
    let (server, client, _) = start(limits).await;
    for n in 0..12u8 {
        streams::put(&client, Protocol::Json, &vec![n; 1_000_000]).await;
    }
    let mut slow = Vec::new();
    for name in ["a", "b", "d", "e"] {
        let consumer = Consumer::register(&client, name).await;
        slow.push(consumer.subscribe_in_http1(&server, "TRIM_HORIZON").await);
    }
    sleep(SOON).await;
    let consumer = Consumer::register(&client, "healthy").await;
    let mut healthy = consumer.subscribe(&client, "TRIM_HORIZON").await;
    assert_eq!(healthy.next().await.expect("a message").kind, "initial-response");
    for _ in 0..12 {
        assert_eq!(healthy.next().await.expect("a message").records(), 1);
    }
    let mut lost = 0;
    for events in &mut slow {
        for _ in 0..=12 {
            match events.try_next().await {
                Ok(message) => assert!(message.is_some(), "none ends in peace"),
                Err(_) => {
                    lost += 1;
                    break;
                }
            }
        }
    }
    assert!(lost > 0, "nobody had to go, so nobody held the room");
    server.stop().await;
}

#[tokio::test]
async fn whoever_hangs_up_makes_room() {
    let (server, client, consumer) = start(Limits::default()).await;
    for version in [1, 2] {
        let other = Http2::connect(server.address).await;
        let mut events = match version {
            1 => consumer.subscribe_in_http1(&server, "LATEST").await,
            _ => consumer.subscribe(&other, "LATEST").await,
        };
        assert_eq!(events.next().await.expect("a message").kind, "initial-response");
        drop((events, other));
        advance(&server, "6s").await;
    }
    // Every connection but the client's is gone: none is held by what nobody hears.
    let mut probe = server.connect().await;
    probe.send(call("ListStreams", "{}")).await;
    assert_eq!(probe.answer().await.status, 200);
    drop((probe, client));
    let drained = server.stop().await;
    assert_eq!((drained.unanswered, drained.connections_cut), (0, 0));
}
