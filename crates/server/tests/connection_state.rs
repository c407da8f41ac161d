//! After a bad request a connection is either in order or closed, never out of step.

mod common;

use common::{TestServer, call, head};
use nautilus_server::Limits;

#[tokio::test]
async fn a_connection_goes_on_after_requests_that_are_merely_wrong() {
    let server = TestServer::start(Limits::default()).await;
    let mut client = server.connect().await;
    for (request, status, error) in [
        (call("ListStreams", "{"), 400, "SerializationException"),
        (call("ListStreams", "[]"), 400, "SerializationException"),
        (call("ListStreams", "\u{1}\u{fffd}"), 400, "SerializationException"),
        (call("ListStreams", ""), 400, "SerializationException"),
        (call("NoSuchThing", "{}"), 400, "UnknownOperationException"),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), 403, "AccessDeniedException"),
        (
            call("PutRecord", r#"{"StreamName":"s","PartitionKey":"k","Data":"***="}"#),
            400,
            "SerializationException",
        ),
    ] {
        client.send(&request).await;
        let answer = client.answer().await;
        assert_eq!(
            (answer.status, answer.header("x-amzn-errortype")),
            (status, Some(error)),
            "{request}"
        );
        for name in ["x-amzn-requestid", "x-amz-id-2", "date"] {
            assert!(answer.header(name).is_some(), "{name}");
        }
    }
    client.send(call("ListStreams", "{}")).await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.header("x-amzn-errortype")), (200, None));
    assert_eq!(answer.header("content-type"), Some("application/x-amz-json-1.1"));
    server.stop().await;
}

#[tokio::test]
async fn requests_in_a_row_are_answered_in_order() {
    let server = TestServer::start(Limits::default()).await;
    let mut client = server.connect().await;
    let requests = call("ListStreams", "{}") + &call("Nothing", "{}") + &call("ListStreams", "{}");
    client.send(requests).await;
    let statuses = [client.answer().await, client.answer().await, client.answer().await];
    assert_eq!(statuses.map(|answer| answer.status), [200, 400, 200]);
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_http_is_answered_400_and_closed() {
    let server = TestServer::start(Limits::default()).await;
    for wrong in [
        "BREW\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\u{0}hello tls\r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\nHost: localhost\r\nBad Header: x\r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: many\r\n\r\n".to_owned(),
        head("ListStreams", "Content-Length: 2\r\nContent-Length: 3\r\n"),
    ] {
        let mut client = server.connect().await;
        client.send(&wrong).await;
        if let Some(answer) = client.try_answer().await {
            assert_eq!(answer.status, 400, "{wrong}");
        }
        assert!(client.closes_silently().await);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_head_that_is_too_long_is_answered_431() {
    let server = TestServer::start(Limits::default()).await;
    let mut client = server.connect().await;
    client.try_send(head("ListStreams", &format!("X-Long: {}\r\n", "x".repeat(200_000)))).await;
    if let Some(answer) = client.try_answer().await {
        assert_eq!(answer.status, 431);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_is_cut_short_reaches_no_operation() {
    let server = TestServer::start(Limits::default()).await;
    for length in ["Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n"] {
        let mut client = server.connect().await;
        client.send(head("ListStreams", length) + "2\r\n{}\r\n").await;
        tokio::io::AsyncWriteExt::shutdown(&mut client.stream).await.expect("a half close");
        if let Some(answer) = client.try_answer().await {
            assert_eq!(answer.status, 400);
            assert_eq!(answer.body, r#"{"__type":"SerializationException"}"#);
        }
        assert!(client.closes_silently().await);
    }
    let mut client = server.connect().await;
    client.send(call("ListStreams", "{}")).await;
    assert_eq!(client.answer().await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn an_answer_tells_whether_the_connection_goes_on() {
    let server = TestServer::start(Limits::default()).await;
    let foreign = |more: &str| format!("POST / HTTP/1.1\r\nHost: evil.example.com\r\n{more}\r\n");
    let mut client = server.connect().await;
    for request in [
        foreign("Content-Length: 5\r\n") + "hello",
        foreign("Transfer-Encoding: chunked\r\n") + "1\r\n{\r\n0\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}".to_owned(),
    ] {
        client.send(&request).await;
        assert_eq!(client.answer().await.header("connection"), None, "{request}");
    }
    client.send(foreign("Content-Length: 5\r\nExpect: 100-continue\r\n")).await;
    assert_eq!(client.answer().await.header("connection"), Some("close"));
    assert!(client.closes_silently().await);
    server.stop().await;
}
