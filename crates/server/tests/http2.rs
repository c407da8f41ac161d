//! HTTP/2 by prior knowledge on the port of HTTP/1.1: the same answers, the same limits.

mod common;

use std::time::Duration;

use common::{
    PATIENCE, TestServer,
    http2::{Body, Http2, call, pieces, whole},
    streams::{create, input, iterator, member, put},
};
use hyper::Request;
use nautilus_server::{Config, Limits};
use nautilus_wire::{Protocol, Value};
use tokio::{io::AsyncWriteExt, sync::oneshot, time::timeout};

const SOON: Duration = Duration::from_millis(300);

/// A GetRecords of all there is.
fn read(iterator: &str) -> Request<Body> {
    let body = input(Protocol::Cbor, &[("ShardIterator", iterator)], None);
    call(Protocol::Cbor, "GetRecords", whole(body))
}

#[tokio::test]
async fn both_versions_share_the_port() {
    let server = TestServer::start(Limits::default()).await;
    let client = Http2::connect(server.address).await;
    let mut old = server.connect().await;
    for _ in 0..3 {
        let answer = client.call(Protocol::Json, "ListStreams", "{}").await;
        assert_eq!(answer.status, 200);
        for name in ["x-amzn-requestid", "x-amz-id-2", "date", "content-length"] {
            assert!(answer.header(name).is_some(), "{name}");
        }
        assert_eq!(answer.header("connection"), None);
        old.send(common::call("ListStreams", "{}")).await;
        assert_eq!(old.answer().await.status, 200);
    }
    // One byte at a time, until it is clear what is spoken.
    let mut slow = server.connect().await;
    for byte in common::call("ListStreams", "{}").as_bytes() {
        slow.send([*byte]).await;
    }
    assert_eq!(slow.answer().await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn what_only_begins_as_http_2_is_no_request() {
    let server = TestServer::start(Limits::default()).await;
    let mut client = server.connect().await;
    client.send("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n").await;
    if let Some(answer) = client.try_answer().await {
        assert_eq!(answer.status, 400);
    }
    assert!(client.closes_silently().await);
    let mut client = server.connect().await;
    client.send("PRI * HT").await;
    client.stream.shutdown().await.expect("a half close");
    assert!(client.closes_silently().await);
    let mut client = server.connect().await;
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    client.try_send([0xff; 100]).await; // a frame longer than any may be
    let _ = client.closes_silently().await; // it says farewell first
    assert_eq!(
        Http2::connect(server.address).await.call(Protocol::Json, "ListStreams", "{}").await.status,
        200
    );
    server.stop().await;
}

#[tokio::test]
async fn the_authority_is_the_host() {
    let config = Config { allowed_hosts: vec!["kinesis.example.com".into()], ..Config::default() };
    let server = TestServer::start_with(config, false).await;
    let client = Http2::connect(server.address).await;
    for (authority, host, status) in [
        ("localhost:4566", None, 200),
        ("kinesis.example.com", None, 200),
        ("localhost", Some("localhost"), 200),
        ("evil.example.com", None, 403),
        ("evil.example.com", Some("localhost"), 403),
        ("localhost", Some("evil.example.com"), 403),
    ] {
        let mut request = Request::get(format!("http://{authority}/livez"));
        if let Some(host) = host {
            request = request.header("host", host);
        }
        match client.try_answer(request.body(whole("")).expect("a request")).await {
            Ok(answer) => assert_eq!(answer.status, status, "{authority} {host:?}"),
            Err(error) => assert_eq!(status, 403, "{error}"), // it may be refused as malformed
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_hundred_requests_at_once_are_answered() {
    let server = TestServer::start(Limits::default()).await;
    let client = Http2::connect(server.address).await;
    create(&client).await;
    let data = vec![7; 30_000];
    let puts = (0..100).map(|_| {
        let body =
            input(Protocol::Cbor, &[("StreamName", "s"), ("PartitionKey", "k")], Some(&data));
        let request = call(Protocol::Cbor, "PutRecord", whole(body));
        let mut sender = client.sender.clone();
        tokio::spawn(async move { sender.send_request(request).await })
    });
    for put in puts.collect::<Vec<_>>() {
        assert_eq!(put.await.expect("a task").expect("an answer").status(), 200);
    }

    let iterator = iterator(&client, Protocol::Cbor).await;
    let body = input(Protocol::Cbor, &[("ShardIterator", &iterator)], None);
    let answer = client.call(Protocol::Cbor, "GetRecords", body).await;
    assert_eq!(answer.status, 200);
    let page = Protocol::Cbor.parse(&answer.body).expect("CBOR");
    let Value::List(records) = member(&page, "Records") else { panic!("{page:?}") };
    assert_eq!(records.len(), 100);
    server.stop().await;
}

#[tokio::test]
async fn more_requests_than_are_allowed_wait_or_are_told() {
    let limits = Limits { streams_max: 2, requests_max: 1, ..Limits::default() };
    let server = TestServer::start(limits).await;
    let client = Http2::connect(server.address).await;
    let (holder, body) = pieces();
    holder.send("{".into()).await.expect("it is read");
    let mut sender = client.sender.clone();
    let held = tokio::spawn(sender.send_request(call(Protocol::Json, "ListStreams", body)));
    let refused = loop {
        let answer = client.call(Protocol::Json, "ListStreams", "{}").await;
        if answer.status != 200 {
            break answer; // the held one's head has been read
        }
    };
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("x-amzn-errortype"), Some("ServiceUnavailable"));
    holder.send("}".into()).await.expect("it is read");
    drop(holder);
    assert_eq!(held.await.expect("a task").expect("an answer").status(), 200);
    assert_eq!(client.call(Protocol::Json, "ListStreams", "{}").await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn bodies_have_the_limits_of_http_1_1() {
    let limits = Limits { body_bytes_max: 1_000_000, ..Limits::default() };
    let server = TestServer::start(limits).await;
    let client = Http2::connect(server.address).await;
    let long = format!("{{\"Unknown\":\"{}\"}}", "x".repeat(900_000));
    assert_eq!(client.call(Protocol::Json, "ListStreams", long).await.status, 200);

    let (sender, body) = pieces();
    for piece in ["{", "", "}"] {
        sender.send(piece.into()).await.expect("room");
    }
    drop(sender);
    assert_eq!(client.answer(call(Protocol::Json, "ListStreams", body)).await.status, 200);

    // Too long, told before it is sent or found out; the connection goes on.
    for known in [true, false] {
        let body = match known {
            true => whole(vec![b' '; 3_000_000]),
            false => {
                let (sender, body) = pieces();
                tokio::spawn(async move {
                    while sender.send(vec![b' '; 50_000].into()).await.is_ok() {}
                });
                body
            }
        };
        let response = client.start(call(Protocol::Json, "ListStreams", body)).await;
        assert_eq!(response.expect("an answer").status(), 413);
        assert_eq!(client.call(Protocol::Json, "ListStreams", "{}").await.status, 200);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_answered_408_and_nobody_else_notices() {
    let limits =
        Limits { body_grace: SOON, body_bytes_per_second_min: 1_000_000, ..Limits::default() };
    let server = TestServer::start(limits).await;
    let client = Http2::connect(server.address).await;
    let (sender, body) = pieces();
    sender.send("{".into()).await.expect("room");
    let slow = client.start(call(Protocol::Json, "ListStreams", body)).await;
    assert_eq!(slow.expect("an answer").status(), 408);
    assert_eq!(client.call(Protocol::Json, "ListStreams", "{}").await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn a_request_that_is_taken_back_gives_back_what_it_held() {
    let limits =
        Limits { request_bytes_max: 100_000, budget_wait_max: PATIENCE, ..Limits::default() };
    let server = TestServer::start(limits).await;
    let client = Http2::connect(server.address).await;
    for _ in 0..20 {
        let (sender, body) = pieces();
        sender.send(vec![b' '; 60_000].into()).await.expect("room");
        let (told, begun) = oneshot::channel();
        let mut http = client.sender.clone();
        let request = tokio::spawn(async move {
            let answer = http.send_request(call(Protocol::Json, "ListStreams", body));
            let _ = told.send(());
            answer.await
        });
        begun.await.expect("it begins");
        request.abort();
        let _ = request.await;
        drop(sender);
    }
    let body = vec![b' '; 90_000];
    assert_eq!(client.call(Protocol::Json, "ListStreams", body).await.status, 400);
    server.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_not_taken_ends_its_connection_and_frees_its_budget() {
    let limits = Limits {
        answer_grace: SOON,
        answer_bytes_per_second_min: 100_000_000,
        answer_bytes_max: 20 << 20,
        budget_wait_max: PATIENCE,
        ..Limits::default()
    };
    let server = TestServer::start(limits).await;
    let client = Http2::connect(server.address).await;
    create(&client).await;
    for _ in 0..4 {
        put(&client, Protocol::Cbor, &vec![7; 500_000]).await;
    }
    let iterator = iterator(&client, Protocol::Cbor).await;
    // The window of an answer is 1000 bytes, and nobody opens it. Other requests on the connection do not help.
    let slow = Http2::connect_with(server.address, 1000).await;
    let untaken = slow.start(read(&iterator)).await.expect("a head");
    assert_eq!(untaken.status(), 200);
    let get = || Request::get("http://localhost/livez").body(whole("")).expect("a request");
    while slow.try_answer(get()).await.is_ok() {}
    slow.closes().await;
    drop(untaken);

    let answer = client.answer(read(&iterator)).await;
    assert_eq!((answer.status, answer.body.len() > 2_000_000), (200, true));
    server.stop().await;
}

#[tokio::test]
async fn readers_that_do_not_read_make_room_when_others_wait() {
    let limits = Limits { answer_bytes_max: 20 << 20, ..Limits::default() };
    let server = TestServer::start(limits).await;
    let client = Http2::connect(server.address).await;
    create(&client).await;
    put(&client, Protocol::Cbor, &vec![7; 100_000]).await;
    let iterator = iterator(&client, Protocol::Cbor).await;
    let slow = Http2::connect_with(server.address, 1000).await;
    let untaken = slow.start(read(&iterator)).await.expect("a head");
    // It may take its time, until its bytes are wanted.
    assert_eq!(client.answer(read(&iterator)).await.status, 200);
    slow.closes().await;
    drop(untaken);
    server.stop().await;
}

#[tokio::test]
async fn a_connection_that_idles_closes_in_peace() {
    let limits = Limits { idle_time_max: SOON, head_time_max: SOON, ..Limits::default() };
    let server = TestServer::start(limits).await;
    let client = Http2::connect(server.address).await;
    assert_eq!(client.call(Protocol::Json, "ListStreams", "{}").await.status, 200);
    client.closes().await;
    Http2::connect(server.address).await.closes().await;
    // One that does not answer the farewell goes too.
    let mut silent = server.connect().await;
    silent.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    let _farewell = silent.closes_silently().await;
    server.stop().await;
}

#[tokio::test]
async fn requests_under_way_are_answered_before_the_end() {
    let limits = Limits { drain_arriving: Duration::from_secs(5), ..Limits::default() };
    let server = TestServer::start(limits).await;
    let client = Http2::connect(server.address).await;
    let idle = Http2::connect(server.address).await;
    assert_eq!(idle.call(Protocol::Json, "ListStreams", "{}").await.status, 200);
    let mut under_way = Vec::new();
    for _ in 0..10 {
        let (sender, body) = pieces();
        sender.send("{".into()).await.expect("room");
        let mut http = client.sender.clone();
        let answer = http.send_request(call(Protocol::Json, "ListStreams", body));
        under_way.push((sender, tokio::spawn(answer)));
    }
    // Requests are begun in order: when a later one is answered, those have begun.
    assert_eq!(client.call(Protocol::Json, "ListStreams", "{}").await.status, 200);

    let stop = tokio::spawn(server.stop());
    idle.closes().await;
    for (sender, _) in &under_way {
        sender.send("}".into()).await.expect("it is read");
    }
    for (sender, answer) in under_way {
        drop(sender);
        let answer = timeout(PATIENCE, answer).await.expect("in time").expect("a task");
        assert_eq!(answer.expect("an answer").status(), 200);
    }
    client.closes().await;
    let drained = stop.await.expect("a stop");
    assert_eq!((drained.unanswered, drained.connections_cut), (0, 0));
}

#[tokio::test]
#[allow(clippy::disallowed_methods)] // how long a stop takes is what is asked
async fn a_stop_does_not_wait_for_those_who_say_nothing() {
    let server = TestServer::start(Limits::default()).await;
    let mut silent = server.connect().await;
    silent.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    let client = Http2::connect(server.address).await;
    let (_sender, body) = pieces();
    let _half =
        tokio::spawn(client.sender.clone().send_request(call(Protocol::Json, "ListStreams", body)));
    assert_eq!(client.call(Protocol::Json, "ListStreams", "{}").await.status, 200);
    let started = std::time::Instant::now();
    let drained = server.stop().await;
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(drained.unanswered, 0);
}
