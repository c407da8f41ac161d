//! A stop is quick when nothing is going on, and waits only for what may become an answer.

mod common;

use std::time::{Duration, Instant};

use common::{TestServer, call, head};
use nautilus_server::{Config, Limits};
use tokio::net::TcpStream;

#[tokio::test]
#[allow(clippy::disallowed_methods)] // how long a stop takes is what is asked
async fn a_stop_takes_less_than_a_second_whatever_is_connected() {
    let server = TestServer::start(Limits::default()).await;
    let mut idle = server.connect().await;
    idle.send(call("ListStreams", "{}")).await;
    assert_eq!(idle.answer().await.status, 200);
    let mut silent = server.connect().await;
    let mut half_a_head = server.connect().await;
    half_a_head.send("POST / HTTP/1.1\r\n").await;
    let mut half_a_body = server.connect().await;
    half_a_body.send(head("ListStreams", "Content-Length: 100\r\n") + "{").await;

    let address = server.address;
    let started = Instant::now();
    let drained = server.stop().await;
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(drained.unanswered, 0);
    assert!(TcpStream::connect(address).await.is_err());
    for client in [&mut idle, &mut silent, &mut half_a_head, &mut half_a_body] {
        assert!(client.closes_silently().await);
    }
}

#[tokio::test]
async fn a_request_that_arrives_during_the_stop_is_answered() {
    let limits = Limits { drain_arriving: Duration::from_secs(5), ..Limits::default() };
    let server = TestServer::start(limits).await;
    let mut client = server.connect().await;
    client.send(head("ListStreams", "Content-Length: 2\r\nExpect: 100-continue\r\n")).await;
    assert_eq!(client.answer().await.status, 100); // the request is being read now

    let stop = tokio::spawn(server.stop());
    client.send("{}").await;
    let answer = client.answer().await;
    assert_eq!(answer.status, 200);
    assert!(client.closes_silently().await);
    let drained = stop.await.expect("a stop");
    assert_eq!((drained.unanswered, drained.connections_cut), (0, 0));
}

#[tokio::test]
async fn health_tells_readiness() {
    let server = TestServer::start_with(Config::default(), false).await;
    let mut client = server.connect().await;
    for (path, ready, status) in
        [("/livez", false, 200), ("/readyz", false, 503), ("/readyz", true, 200)]
    {
        server.handle.set_ready(ready);
        client.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
        assert_eq!(client.answer().await.status, status, "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn requests_that_have_been_sent_before_the_stop_are_all_answered() {
    let server = TestServer::start(Limits::default()).await;
    let mut clients = Vec::new();
    for index in 0..256 {
        let mut client = server.connect().await;
        if index % 2 == 0 {
            client.send(call("ListStreams", "{}")).await;
            assert_eq!(client.answer().await.status, 200);
        }
        clients.push(client);
    }
    for client in &mut clients {
        client.send(call("ListStreams", "{}")).await;
    }
    let stop = tokio::spawn(server.stop());
    for client in &mut clients {
        assert_eq!(client.answer().await.status, 200);
        assert!(client.closes_silently().await);
    }
    let drained = stop.await.expect("a stop");
    assert_eq!((drained.unanswered, drained.connections_cut), (0, 0));
}
