//! A stop loses nothing that was answered, answers what had arrived, and is quick.

mod common;

use std::{collections::HashSet, time::Duration};

use common::{Client, Process, call, member};
use rustix::process::Signal;

const STREAM: &str = r#""StreamName":"s""#;

fn create_stream(process: &Process) {
    let created = process.call("CreateStream", &format!(r#"{{{STREAM},"ShardCount":2}}"#));
    assert_eq!(created, (200, String::new()));
    let describe = format!("{{{STREAM}}}");
    while !process.call("DescribeStreamSummary", &describe).1.contains("\"ACTIVE\"") {}
}

fn put(key: usize) -> String {
    call("PutRecord", &format!(r#"{{{STREAM},"PartitionKey":"{key}","Data":"aGVsbG8="}}"#))
}

/// Every sequence number in the stream.
fn read_all(process: &Process) -> HashSet<String> {
    let mut found = HashSet::new();
    for shard in 0..2 {
        let wanted = format!(
            r#"{{{STREAM},"ShardId":"shardId-00000000000{shard}","ShardIteratorType":"TRIM_HORIZON"}}"#
        );
        let (_, body) = process.call("GetShardIterator", &wanted);
        let mut iterator = member(&body, "ShardIterator").expect("an iterator").to_owned();
        loop {
            let wanted = format!(r#"{{"ShardIterator":"{iterator}"}}"#);
            let (status, body) = process.call("GetRecords", &wanted);
            assert_eq!(status, 200, "{body}");
            let before = found.len();
            found.extend(body.split("{\"").filter_map(|record| {
                member(&format!("{{\"{record}"), "SequenceNumber").map(str::to_owned)
            }));
            if found.len() == before {
                break;
            }
            iterator = member(&body, "NextShardIterator").expect("an iterator").to_owned();
        }
    }
    found
}

#[test]
fn sigterm_with_256_requests_in_flight_answers_each_and_a_restart_has_them_all() {
    let directory = tempfile::tempdir().expect("a directory");
    let process = Process::start(directory.path(), &["--transition-delay", "0"]);
    create_stream(&process);
    let mut clients: Vec<Client> = (0..256).map(|_| process.connect()).collect();
    for (index, client) in clients.iter_mut().enumerate() {
        client.send(&put(index));
    }
    process.signal(Signal::TERM);

    let mut answered = HashSet::new();
    for client in &mut clients {
        let (status, body) = client.answer();
        assert_eq!(status, 200, "{body}");
        answered.insert(member(&body, "SequenceNumber").expect("a number").to_owned());
        assert!(client.closes());
    }
    let (status, took, said) = process.wait();
    assert!(status.success(), "{said}");
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(answered.len(), 256);

    let process = Process::start(directory.path(), &[]);
    assert_eq!(read_all(&process), answered);
    assert!(process.stop().0.success());
}

#[test]
fn ctrl_c_with_clients_that_do_nothing_takes_less_than_a_second() {
    let directory = tempfile::tempdir().expect("a directory");
    let process = Process::start(directory.path(), &[]);
    let mut idle = process.connect();
    idle.send(&call("ListStreams", "{}"));
    assert_eq!(idle.answer().0, 200);
    let _silent = process.connect();
    let mut half = process.connect();
    half.send("POST / HTTP/1.1\r\nHost: ");
    let (status, took, said) = process.stop();
    assert!(status.success() && took < Duration::from_secs(1), "{status} {took:?} {said}");
}

#[test]
fn a_second_ctrl_c_ends_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let process = Process::start(directory.path(), &[]);
    let mut half_a_body = process.connect();
    half_a_body.send(&common::head("PutRecord", "Content-Length: 100\r\nExpect: 100-continue\r\n"));
    assert_eq!(half_a_body.answer().0, 100); // the body is awaited now, and a stop waits a moment for it
    process.signal(Signal::INT);
    process.wait_for_line("Stopping");
    process.signal(Signal::INT);
    let (status, ..) = process.wait();
    assert_eq!(status.code(), Some(130));
}
