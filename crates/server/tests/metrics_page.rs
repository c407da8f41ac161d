//! `/metrics`: tells what was answered, to whoever may ask, and costs no more memory than any answer.

mod common;

use std::time::Duration;

use common::{Answer, Client, PATIENCE, TestServer, call};
use nautilus_server::Limits;
use tokio::time::timeout;

const PAGE: &str = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";

async fn page(client: &mut Client) -> Answer {
    client.send(PAGE).await;
    client.answer().await
}

#[tokio::test]
async fn what_was_answered_is_told_by_operation_and_status() {
    let server = TestServer::start(Limits::default()).await;
    let mut client = server.connect().await;
    for (operation, body, status) in [
        ("CreateStream", r#"{"StreamName":"s","ShardCount":1}"#, 200),
        ("DescribeStream", r#"{"StreamName":"other"}"#, 400),
        ("DropStream", "{}", 400),
    ] {
        client.send(call(operation, body)).await;
        assert_eq!(client.answer().await.status, status, "{operation}");
    }
    let answer = page(&mut client).await;
    assert_eq!(answer.status, 200);
    let content_type = answer.header("content-type");
    assert_eq!(content_type, Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        r#"nautilus_request_duration_seconds_count{service="kinesis",operation="CreateStream"} 1"#,
        r#"nautilus_request_errors_total{service="kinesis",operation="DescribeStream",fault="client"} 1"#,
        r#"nautilus_request_errors_total{service="none",operation="unknown",fault="client"} 1"#,
        r#"nautilus_http_responses_total{code="200"} 1"#,
        r#"nautilus_http_responses_total{code="400"} 2"#,
        r#"nautilus_durability_info{mode="fsync"} 1"#,
        r#"nautilus_alarms{state="alarm"} 0"#,
        "nautilus_http_connections 1",
        "nautilus_streams 1",
        "nautilus_clock_unsure 0",
        "nautilus_sns_dead_letters_total 0",
    ] {
        assert!(answer.body.lines().any(|it| it == line), "{line} is not in {}", answer.body);
    }
    let mut families: Vec<_> =
        answer.body.lines().filter(|line| line.starts_with("# TYPE ")).collect();
    let count = families.len();
    families.sort_unstable();
    families.dedup();
    assert_eq!(families.len(), count, "each family comes once");
    server.stop().await;
}

#[tokio::test]
async fn only_those_may_ask_who_may_call() {
    let server = TestServer::start(Limits::default()).await;
    let mut client = server.connect().await;
    client.send("GET /metrics HTTP/1.1\r\nHost: evil.example.com\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 403);
    server.stop().await;
}

#[tokio::test]
async fn it_is_there_to_be_read_and_for_nothing_else() {
    let server = TestServer::start(Limits::default()).await;
    let mut client = server.connect().await;
    let read = page(&mut client).await;
    client.send("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let head = client.head().await;
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-type"), read.header("content-type"));
    let length: usize = head.header("content-length").and_then(|it| it.parse().ok()).expect("it");
    assert!(length > read.body.len() / 2, "that of the page: {length}");
    // The connection goes on behind each of them: nothing of a body was sent, nor is left.
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let head = format!("{method} /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2");
        client.send(format!("{head}\r\n\r\n{{}}")).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{method}");
        assert_eq!(answer.body, "use GET\n");
    }
    server.stop().await;
}

#[tokio::test]
async fn many_who_ask_at_once_are_all_answered() {
    let server = TestServer::start(Limits::default()).await;
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(server.connect().await);
    }
    for client in &mut clients {
        client.send(PAGE).await;
    }
    for client in &mut clients {
        assert_eq!(client.answer().await.status, 200);
    }
    server.stop().await;
}

#[tokio::test]
async fn pages_that_nobody_takes_hold_no_more_than_the_budget() {
    let limits = Limits {
        small_answer_bytes_max: 1000, // less than a page, which then has all of it
        budget_wait_max: Duration::from_millis(20),
        ..Limits::default()
    };
    let server = TestServer::start(limits).await;
    // One that asks again and again and reads nothing.
    let mut deaf = server.connect().await;
    tokio::spawn(async move { while deaf.try_send(PAGE).await {} });
    let mut client = server.connect().await;
    let refused = async {
        // At first the kernel takes its pages.
        let mut in_a_row = 0;
        while in_a_row < 10 {
            let answer = page(&mut client).await;
            let is_refused = answer.status == 503 && answer.body == "no room; ask later\n";
            in_a_row = if is_refused { in_a_row + 1 } else { 0 };
        }
    };
    timeout(PATIENCE, refused).await.expect("there comes an end to it");
    server.stop().await;
}
