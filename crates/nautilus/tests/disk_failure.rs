//! When the disk fails the process says so and ends with 74, and what it had answered is there after the next start.
//!
//! The disk "fails" by a limit on the size of files, which the catalog reaches before the journal does.

mod common;

use std::process::{Command, Stdio};

use common::{Process, call};

/// `nautilus` for which no file grows beyond 260 KiB.
fn limited(data_dir: &str) -> Command {
    let mut command = Command::new("bash");
    let script = format!(
        "trap '' XFSZ; ulimit -f 260; exec {} serve --dev --listen 127.0.0.1:0 \
         --transition-delay 0 --data-dir {data_dir}",
        env!("CARGO_BIN_EXE_nautilus")
    );
    command.args(["-c", &script]).stdin(Stdio::null());
    command
}

#[test]
fn a_disk_that_fails_ends_the_process_with_74_and_loses_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().to_str().expect("a path in UTF-8");
    let process = Process::spawn(limited(path));
    let mut client = process.connect();
    let mut answered = Vec::new();
    for index in 0.. {
        client.send(&call(
            "CreateStream",
            &format!(r#"{{"StreamName":"s-{index}","ShardCount":1}}"#),
        ));
        match client.try_answer() {
            Some((200, _)) => answered.push(format!("\"s-{index}\"")),
            Some((400, body)) if body.contains("LimitExceeded") => {} // rates hold here too
            _ => break,
        }
    }
    let (status, took, said) = process.wait();
    assert_eq!(status.code(), Some(74), "{said}");
    assert!(took.as_secs() < 2, "{took:?}");
    assert!(said.contains("error: the disk failed: "), "{said}");
    assert!(said.contains("  hint: what was answered is safe"), "{said}");
    assert!(!answered.is_empty());

    let process = Process::start(directory.path(), &["--limits", "off"]);
    for name in answered {
        let wanted = format!(r#"{{"StreamName":{name}}}"#);
        let (status, body) = process.call("DescribeStreamSummary", &wanted);
        assert_eq!(status, 200, "{name}: {body}");
    }
    assert!(process.stop().0.success());
}
