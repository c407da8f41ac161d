//! Faults are injected only where the server was started for it, and meet what they were told to.

mod common;

use common::{Client, TestServer, call};
use nautilus_server::Config;

const PATH: &str = "/_nautilus/faults";

async fn ask(client: &mut Client, method: &str, path: &str, body: &str) -> (u16, String) {
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}");
    client.send(format!("{head}\r\n\r\n{body}")).await;
    let answer = client.answer().await;
    (answer.status, answer.body)
}

async fn list_streams(client: &mut Client) -> (u16, String) {
    client.send(call("ListStreams", "{}")).await;
    let answer = client.answer().await;
    (answer.status, answer.body)
}

#[tokio::test]
async fn a_fault_is_added_met_counted_and_taken_away() {
    let server = TestServer::start_with(Config::default(), true).await;
    let mut client = server.connect().await;
    assert_eq!(ask(&mut client, "GET", PATH, "").await, (200, "{\"faults\":[]}\n".into()));
    assert_eq!(list_streams(&mut client).await.0, 200);

    let body =
        r#"{"actionId":"aws:fis:inject-api-unavailable-error","operations":["ListStreams"]}"#;
    let (status, added) = ask(&mut client, "POST", PATH, body).await;
    assert_eq!((status, added.starts_with("{\"id\":1,")), (200, true), "{added}");
    let (status, answer) = list_streams(&mut client).await;
    assert_eq!((status, answer.contains("ServiceUnavailable")), (503, true), "{answer}");
    let (_, list) = ask(&mut client, "GET", PATH, "").await;
    assert!(list.contains(r#""percentage":"100","calls":1,"injected":1"#), "{list}");

    assert_eq!(ask(&mut client, "DELETE", "/_nautilus/faults/2", "").await.0, 404);
    assert_eq!(ask(&mut client, "DELETE", "/_nautilus/faults/1", "").await.0, 200);
    assert_eq!(list_streams(&mut client).await.0, 200);
    server.stop().await;
}

#[tokio::test]
async fn a_list_replaces_all_or_nothing() {
    let server = TestServer::start_with(Config::default(), true).await;
    let mut client = server.connect().await;
    let fault = r#"{"actionId":"aws:fis:inject-api-internal-error"}"#;
    let (status, _) = ask(&mut client, "PUT", PATH, &format!(r#"{{"faults":[{fault}]}}"#)).await;
    assert_eq!((status, list_streams(&mut client).await.0), (200, 500));
    let wrong = format!(r#"{{"faults":[{fault},{{"actionId":"none"}}]}}"#);
    let (status, sentence) = ask(&mut client, "PUT", PATH, &wrong).await;
    assert_eq!((status, sentence.contains("there is no action `none`")), (400, true), "{sentence}");
    assert_eq!(list_streams(&mut client).await.0, 500);
    assert_eq!(ask(&mut client, "DELETE", PATH, "").await.0, 200);
    assert_eq!(list_streams(&mut client).await.0, 200);
    assert_eq!(ask(&mut client, "PATCH", PATH, "").await.0, 405);
    server.stop().await;
}

#[tokio::test]
async fn without_dev_there_are_no_faults() {
    let server = TestServer::start_with(Config::default(), false).await;
    let mut client = server.connect().await;
    let body = r#"{"actionId":"aws:fis:inject-api-internal-error"}"#;
    let (status, sentence) = ask(&mut client, "POST", PATH, body).await;
    assert_eq!((status, sentence.contains("--dev")), (404, true), "{sentence}");
    assert_eq!(list_streams(&mut client).await.0, 200);
    server.stop().await;
}
