//! The clock moves only when the server was started for it.

mod common;

use common::TestServer;
use nautilus_server::Config;

fn advance(by: &str) -> String {
    let body = format!(r#"{{"advance":"{by}"}}"#);
    format!(
        "POST /_nautilus/clock HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn a_test_clock_can_be_moved_ahead() {
    let server = TestServer::start_with(Config::default(), true).await;
    let mut client = server.connect().await;
    let mut times = Vec::new();
    for by in ["0ms", "25h"] {
        client.send(advance(by)).await;
        let answer = client.answer().await;
        assert_eq!(answer.status, 200);
        let digits: String = answer.body.chars().filter(char::is_ascii_digit).collect();
        times.push(digits.parse::<u64>().expect("a time"));
    }
    let moved = times[1] - times[0];
    assert!((90_000_000..90_010_000).contains(&moved), "{moved}");
    client.send(advance("soon")).await;
    assert_eq!(client.answer().await.status, 400);
    server.stop().await;
}

#[tokio::test]
async fn without_a_test_clock_the_path_only_says_how_to_get_one() {
    let server = TestServer::start_with(Config::default(), false).await;
    let mut client = server.connect().await;
    client.send(advance("25h")).await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.body.contains("--test-clock")), (404, true));
    server.stop().await;
}
