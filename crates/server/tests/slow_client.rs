//! A client that is too slow at anything loses its connection, and nobody else notices.

mod common;

use std::time::Duration;

use common::{
    TestServer, call, head,
    http2::{self, Http2},
    streams,
};
use nautilus_server::Limits;
use nautilus_wire::Protocol;

const SOON: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_head_that_does_not_end_closes_the_connection() {
    let server = TestServer::start(Limits { head_time_max: SOON, ..Limits::default() }).await;
    let mut client = server.connect().await;
    client.send("POST / HTTP/1.1\r\nHost: local").await;
    assert!(client.closes_silently().await);

    let mut silent = server.connect().await;
    assert!(silent.closes_silently().await);

    let mut second = server.connect().await;
    second.send(call("ListStreams", "{}")).await;
    assert_eq!(second.answer().await.status, 200);
    second.send("POST / HTTP/1.1\r\nHost: local").await;
    assert!(second.closes_silently().await);
    server.stop().await;
}

#[tokio::test]
async fn a_head_that_begins_during_another_request_has_no_more_time() {
    let limits = Limits { head_time_max: SOON, answer_bytes_max: 20 << 20, ..Limits::default() };
    let server = TestServer::start(limits).await;
    let other = Http2::connect(server.address).await;
    streams::create(&other).await;
    streams::put(&other, Protocol::Json, &[7; 100_000]).await;
    let iterator = streams::iterator(&other, Protocol::Json).await;
    let body = format!(r#"{{"ShardIterator":"{iterator}"}}"#);

    // A request waits, because another's answer holds the budget and is not taken.
    let holder = Http2::connect_with(server.address, 1000).await;
    let held = http2::call(Protocol::Json, "GetRecords", http2::whole(body.clone()));
    let held = holder.start(held).await.expect("a head");
    let mut client = server.connect().await;
    client.send(call("GetRecords", &body)).await;
    tokio::time::sleep(SOON / 10).await; // what follows comes in a piece of its own
    client.send("POST / HTTP/1.1\r\nHost: local").await;
    assert_eq!(client.answer().await.status, 200);
    assert!(client.closes_silently().await);
    drop(held);
    server.stop().await;
}

#[tokio::test]
async fn a_connection_that_idles_closes_in_peace() {
    let limits = Limits { idle_time_max: SOON, ..Limits::default() };
    let server = TestServer::start(limits).await;
    let mut client = server.connect().await;
    for _ in 0..3 {
        client.send(call("ListStreams", "{}")).await;
        assert_eq!(client.answer().await.status, 200);
    }
    assert!(client.closes_silently().await);
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_answered_408() {
    let limits =
        Limits { body_grace: SOON, body_bytes_per_second_min: 1_000_000, ..Limits::default() };
    let server = TestServer::start(limits).await;
    for length in ["Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n"] {
        let mut client = server.connect().await;
        client.send(head("PutRecord", length)).await;
        client.send("5\r\n{").await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.header("connection")), (408, Some("close")));
        assert_eq!(answer.header("x-amzn-errortype"), Some("RequestTimeoutException"));
        assert!(client.closes_silently().await);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_reads_no_answers_loses_its_connection() {
    let limits = Limits { write_stall_max: SOON, ..Limits::default() };
    let server = TestServer::start(limits).await;
    let mut client = server.connect().await;
    let requests = call("ListStreams", "{}").repeat(100);
    // Both kernels' buffers fill with answers that nobody takes, then with requests that nobody reads, then it is over.
    let mut batches = 0;
    while client.try_send(&requests).await {
        batches += 1;
        assert!(batches < 10_000, "the server buffers without end");
    }
    let mut other = server.connect().await;
    other.send(call("ListStreams", "{}")).await;
    assert_eq!(other.answer().await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn more_connections_than_are_allowed_wait_their_turn() {
    let server = TestServer::start(Limits { connections_max: 1, ..Limits::default() }).await;
    let mut first = server.connect().await;
    first.send(call("ListStreams", "{}")).await;
    assert_eq!(first.answer().await.status, 200);
    let mut second = server.connect().await;
    second.send(call("ListStreams", "{}")).await;
    first.send(call("ListStreams", "{}")).await;
    assert_eq!(first.answer().await.status, 200);
    drop(first);
    assert_eq!(second.answer().await.status, 200);
    server.stop().await;
}
