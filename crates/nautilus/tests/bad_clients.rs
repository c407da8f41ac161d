//! Whatever clients send, the process lives, answers others, and keeps its connections in step.

mod common;

use common::{Process, call, head};
use nautilus_log::{Rng, SeededRng};

#[test]
fn nothing_from_the_network_ends_the_process() {
    let directory = tempfile::tempdir().expect("a directory");
    let process = Process::start(directory.path(), &[]);
    let good = call("ListStreams", "{}");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for request in [
        String::new(),
        "\0\0\0\0".to_owned(),
        "GET\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nno\r\n\r\n".to_owned(),
        call("ListStreams", "{\"Limit\":"),
        call("ListStreams", &deep),
        call("PutRecord", "{\"Data\":\"\\ud800\"}"),
        head("PutRecord", "Content-Length: 18446744073709551615\r\n"),
        head("PutRecord", "Content-Length: 99999999999999999999999\r\n"),
        head("PutRecord", "Transfer-Encoding: chunked\r\n") + "ffffffffffffffff\r\n",
        head("PutRecord", "Transfer-Encoding: gzip\r\n") + "x",
        head("PutRecord", "Content-Length: 1000\r\n") + "{",
        good[..good.len() - 1].to_owned(),
    ] {
        let mut client = process.connect();
        client.send(&request);
        let _ = client.stream.shutdown(std::net::Shutdown::Write); // it may have closed already
        let answer = client.try_answer();
        assert!(
            answer.as_ref().is_none_or(|(status, _)| *status < 500),
            "{request:.80} {answer:?}"
        );
    }
    assert_eq!(process.call("ListStreams", "{}").0, 200);
    let (status, _, said) = process.stop();
    assert!(status.success(), "{said}");
}

#[test]
fn requests_with_flipped_bytes_are_answered_or_closed() {
    let directory = tempfile::tempdir().expect("a directory");
    let process = Process::start(directory.path(), &[]);
    let rng = SeededRng::new(20_261_124);
    let body = r#"{"StreamName":"s","PartitionKey":"k","Data":"aGVsbG8=","ExplicitHashKey":"1"}"#;
    for _ in 0..300 {
        let mut request = call("PutRecord", body).into_bytes();
        for _ in 0..=rng.next_u64() % 3 {
            let place = rng.next_u64() as usize % request.len();
            request[place] = rng.next_u64() as u8;
        }
        let mut client = process.connect();
        let _ = std::io::Write::write_all(&mut client.stream, &request);
        let _ = client.stream.shutdown(std::net::Shutdown::Write);
        let answer = client.try_answer();
        assert!(
            answer.as_ref().is_none_or(|(status, _)| *status < 500),
            "{} {answer:?}",
            request.escape_ascii()
        );
    }
    assert_eq!(process.call("ListStreams", "{}").0, 200);
    assert!(process.stop().0.success());
}

#[test]
fn a_foreign_page_is_refused_and_terraforms_first_question_is_answered() {
    let directory = tempfile::tempdir().expect("a directory");
    let process = Process::start(directory.path(), &[]);
    let mut client = process.connect();
    let request = call("ListStreams", "{}");
    client.send(&request.replacen("localhost", "evil.example.com", 1));
    assert_eq!(client.answer().0, 403);
    client.send(&request.replacen("\r\n\r\n", "\r\nOrigin: https://evil.example.com\r\n\r\n", 1));
    assert_eq!(client.answer().0, 403);
    client.send(&request);
    assert_eq!(client.answer().0, 200);

    let form = "Action=GetCallerIdentity&Version=2011-06-15";
    let request = head("x", &format!("Content-Length: {}\r\n", form.len()))
        .replace("X-Amz-Target: Kinesis_20131202.x\r\n", "")
        .replace("application/x-amz-json-1.1", "application/x-www-form-urlencoded")
        .replace("/kinesis/", "/sts/");
    client.send(&(request + form));
    let (status, body) = client.answer();
    assert_eq!((status, body.contains("<Account>000000000000</Account>")), (200, true));
    assert!(process.stop().0.success());
}
