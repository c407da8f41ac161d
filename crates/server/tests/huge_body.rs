//! A body that is too long is refused with an answer that the client gets to read, and memory is bounded from the head on.

mod common;

use std::time::Duration;

use common::{TestServer, call, head};
use nautilus_server::Limits;

fn small() -> Limits {
    Limits { body_bytes_max: 100_000, ..Limits::default() }
}

#[tokio::test]
async fn a_body_over_the_limit_is_answered_413_after_it_was_sent() {
    let server = TestServer::start(small()).await;
    let mut client = server.connect().await;
    let body = "x".repeat(5_000_000);
    client.send(head("PutRecord", &format!("Content-Length: {}\r\n", body.len()))).await;
    client.send(&body).await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.body.as_str()), (413, ""));
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(client.closes_silently().await);
    server.stop().await;
}

#[tokio::test]
async fn a_chunked_body_over_the_limit_is_answered_413() {
    let server = TestServer::start(small()).await;
    let mut client = server.connect().await;
    client.send(head("PutRecord", "Transfer-Encoding: chunked\r\n")).await;
    let chunk = format!("{:x}\r\n{}\r\n", 50_000, "x".repeat(50_000));
    for _ in 0..10 {
        client.send(&chunk).await;
    }
    client.send("0\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 413);
    assert!(client.closes_silently().await);
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_asks_first_is_not_made_to_send() {
    let server = TestServer::start(small()).await;
    let mut client = server.connect().await;
    client.send(head("PutRecord", "Content-Length: 100001\r\nExpect: 100-continue\r\n")).await;
    assert_eq!(client.answer().await.status, 413);

    let mut client = server.connect().await;
    client.send(head("ListStreams", "Content-Length: 2\r\nExpect: 100-continue\r\n")).await;
    assert_eq!(client.answer().await.status, 100);
    client.send("{}").await;
    assert_eq!(client.answer().await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn a_body_arrives_whole_in_any_pieces() {
    let server = TestServer::start(Limits::default()).await;
    let mut client = server.connect().await;
    let body = format!("{{\"Unknown\":\"{}\"}}", "x".repeat(3_000_000));
    client.send(call("ListStreams", &body)).await;
    assert_eq!(client.answer().await.status, 200);

    client.send(head("ListStreams", "Transfer-Encoding: chunked\r\n")).await;
    for piece in ["1\r\n{\r\n", "1\r\n", "}\r\n", "0\r\n\r\n"] {
        client.send(piece).await;
    }
    assert_eq!(client.answer().await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn bodies_that_are_only_announced_cost_nothing() {
    let limits = Limits {
        request_bytes_max: 1 << 20,
        small_request_bytes_max: 1 << 20,
        budget_wait_max: Duration::from_millis(100),
        ..Limits::default()
    };
    let server = TestServer::start(limits).await;
    let mut holders = Vec::new();
    for length in [16 << 20, 60_000].repeat(20) {
        let mut holder = server.connect().await;
        holder.send(head("ListStreams", &format!("Content-Length: {length}\r\n"))).await;
        holder.send("{").await;
        holders.push(holder);
    }
    let mut client = server.connect().await;
    for body in ["{}".to_owned(), format!("{{}}{}", " ".repeat(1_000_000))] {
        client.send(call("ListStreams", &body)).await;
        assert_eq!(client.answer().await.status, 200);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_large_body_waits_for_the_budget_and_a_small_one_does_not() {
    let limits = Limits {
        request_bytes_max: 1 << 20,
        budget_wait_max: Duration::from_millis(100),
        ..Limits::default()
    };
    let server = TestServer::start(limits).await;
    let mut holders = Vec::new();
    // One holds the budget, two more may grow all the same.
    for _ in 0..3 {
        let mut holder = server.connect().await;
        holder.send(head("ListStreams", "Content-Length: 1000000\r\n")).await;
        holder.send(" ".repeat(200_000)).await;
        holders.push(holder);
    }
    let large = call("ListStreams", &format!("{{}}{}", " ".repeat(200_000)));
    let mut client = server.connect().await;
    loop {
        client.send(&large).await;
        let answer = client.answer().await;
        if answer.status == 503 {
            assert_eq!(answer.header("x-amzn-errortype"), Some("ServiceUnavailable"));
            break;
        }
        assert_eq!(answer.status, 200); // the holders' bytes had not been read yet
    }
    assert!(client.closes_silently().await);

    let mut small = server.connect().await;
    small.send(call("ListStreams", "{}")).await;
    assert_eq!(small.answer().await.status, 200);

    drop(holders);
    let mut client = server.connect().await;
    loop {
        client.send(&large).await;
        if client.answer().await.status == 200 {
            break;
        }
        client = server.connect().await; // the holders' end had not been seen yet
    }
    server.stop().await;
}
