//! Who comes from kinesis-mock or LocalStack finds the variables understood, or named with what to use instead.

mod common;

use common::{Process, nautilus, told};

fn serve(directory: &std::path::Path, variables: &[(&str, &str)]) -> std::process::Command {
    let path = directory.to_str().expect("a path in UTF-8");
    let mut command = nautilus(&["serve", "--dev", "--listen", "127.0.0.1:0", "--data-dir", path]);
    command.envs(variables.iter().copied());
    command
}

#[test]
fn their_streams_are_there_when_the_server_is_ready_and_the_next_start_leaves_them() {
    let directory = tempfile::tempdir().expect("a directory");
    let variables = [
        ("INITIALIZE_STREAMS", "first:2,second"),
        ("NAUTILUS_STREAM", "third"),
        ("CREATE_STREAM_DURATION", "50ms"),
        ("PERSIST_PATH", "/tmp"),
    ];
    for _ in 0..2 {
        let process = Process::spawn(serve(directory.path(), &variables));
        assert!(
            process.said.contains("\n  INITIALIZE_STREAMS=first:2,second is taken as `--stream`\n")
        );
        assert!(
            process.said.contains("\n  PERSIST_PATH is not used: use `--data-dir`"),
            "{}",
            process.said
        );
        for (name, shard_count) in [("first", 2), ("second", 4), ("third", 1)] {
            let input = format!(r#"{{"StreamName":"{name}"}}"#);
            let (status, body) = process.call("DescribeStreamSummary", &input);
            assert_eq!(status, 200, "{body}");
            assert!(body.contains(r#""StreamStatus":"ACTIVE""#), "{body}");
            assert!(body.contains(&format!(r#""OpenShardCount":{shard_count}"#)), "{body}");
        }
        assert!(process.stop().0.success());
    }
}

#[test]
fn their_error_probability_is_a_fault_that_can_be_seen() {
    let directory = tempfile::tempdir().expect("a directory");
    let variables = [("KINESIS_ERROR_PROBABILITY", "1.0"), ("KINESIS_LATENCY", "0")];
    let process = Process::spawn(serve(
        directory.path(),
        &[&variables[..], &[("NAUTILUS_STREAM", "s")]].concat(),
    ));
    let (status, body) =
        process.call("PutRecord", r#"{"StreamName":"s","PartitionKey":"k","Data":""}"#);
    assert_eq!((status, body.contains("ProvisionedThroughputExceededException")), (400, true));
    let (status, faults) = process.get("/_nautilus/faults");
    assert_eq!((status, faults.contains(r#""injected":1"#)), (200, true), "{faults}");
    assert!(process.stop().0.success());
}

#[test]
fn what_is_not_understood_ends_the_start_with_64() {
    let directory = tempfile::tempdir().expect("a directory");
    let output = serve(directory.path(), &[("SHARD_LIMIT", "many")]).output().expect("it runs");
    let expected = "error: `SHARD_LIMIT=many` is not understood\n  \
                    hint: give a number or `Infinity`, or use `--limit shards=N`\n";
    assert_eq!(told(output), (64, String::new(), expected.to_owned()));
}
