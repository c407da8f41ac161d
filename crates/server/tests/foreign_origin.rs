//! Web pages of others cannot call, whatever name they use for this server; listed ones get AWS's CORS headers.

mod common;

use common::{Client, TestServer};
use nautilus_server::{Config, Limits};

async fn server() -> TestServer {
    let config = Config {
        allowed_hosts: vec!["kinesis.example.com".to_owned()],
        allowed_origins: vec!["https://app.example.com".to_owned()],
        limits: Limits::default(),
    };
    TestServer::start_with(config, false).await
}

async fn check(client: &mut Client, method: &str, headers: &str) -> common::Answer {
    client.send(format!("{method} /livez HTTP/1.1\r\n{headers}\r\n")).await;
    client.answer().await
}

#[tokio::test]
async fn names_that_a_public_page_could_use_are_refused() {
    let server = server().await;
    let mut client = server.connect().await;
    for (host, status) in [
        ("localhost:4566", 200),
        ("127.0.0.1", 200),
        ("kinesis.example.com", 200),
        ("evil.example.com", 403),
        ("", 403),
    ] {
        let answer = check(&mut client, "GET", &format!("Host: {host}\r\n")).await;
        assert_eq!(answer.status, status, "{host}");
    }
    let answer = check(&mut client, "GET", "Host: localhost\r\nHost: evil.example.com\r\n").await;
    assert_eq!(answer.status, 403);
    assert_eq!(check(&mut client, "GET", "").await.status, 403);
    server.stop().await;
}

#[tokio::test]
async fn foreign_origins_are_refused_with_a_sentence() {
    let server = server().await;
    let mut client = server.connect().await;
    let answer = check(&mut client, "GET", "Host: localhost\r\nOrigin: https://evil.com\r\n").await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("--allowed-origin"), "{}", answer.body);
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let answer = check(&mut client, "OPTIONS", "Host: localhost\r\nOrigin: null\r\n").await;
    assert_eq!(answer.status, 403);
    server.stop().await;
}

#[tokio::test]
async fn allowed_origins_get_awss_headers() {
    let server = server().await;
    let mut client = server.connect().await;
    for origin in ["http://localhost:1234", "https://app.example.com"] {
        let headers = format!("Host: localhost:1234\r\nOrigin: {origin}\r\n");
        let answer = check(&mut client, "GET", &headers).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(
            answer.header("access-control-expose-headers"),
            Some(
                "x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,x-amzn-ErrorMessage,Date"
            )
        );
    }
    let asked = "Host: localhost\r\nOrigin: https://app.example.com\r\n\
        Access-Control-Request-Headers: x-amz-target\r\nAccess-Control-Request-Method: POST\r\n";
    let answer = check(&mut client, "OPTIONS", asked).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(answer.header("access-control-allow-headers"), Some("x-amz-target"));
    assert_eq!(answer.header("access-control-allow-methods"), Some("POST"));
    assert_eq!(answer.header("access-control-max-age"), Some("172800"));
    assert_eq!(answer.header("x-amz-id-2"), None);
    assert!(answer.header("x-amzn-requestid").is_some());
    server.stop().await;
}
