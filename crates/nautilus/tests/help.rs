//! What a person reads first: `--help`, `env` and the lines at the start, kept as they are in `texts/`.
//!
//! After a change that is meant, `NAUTILUS_WRITE_TEXTS=1 cargo test -p nautilus --test help` writes them anew.

#![allow(clippy::disallowed_methods)] // the expected texts are files

mod common;

use std::{fs, path::PathBuf};

use common::{Process, run};

fn check(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/texts").join(name);
    if std::env::var_os("NAUTILUS_WRITE_TEXTS").is_some() {
        fs::write(&path, text).expect("the text can be written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(text == expected, "tests/texts/{name} should be:\n{text}");
}

fn check_output(name: &str, words: &[&str]) {
    let (code, stdout, stderr) = run(words);
    assert_eq!((code, stderr.as_str()), (0, ""));
    check(name, &stdout);
}

#[test]
fn help_is_what_a_person_can_read() {
    check_output("help.txt", &["--help"]);
    check_output("serve-help-short.txt", &["serve", "-h"]);
    check_output("serve-help.txt", &["serve", "--help"]);
    check_output("env-help.txt", &["env", "--help"]);
}

#[test]
fn env_prints_what_a_shell_exports() {
    check_output("env.txt", &["env"]);
    check_output("env-region.txt", &["env", "--region", "eu-west-1", "--listen", "0.0.0.0:5000"]);
}

#[test]
fn the_first_lines_say_where_and_what_next() {
    let directory = tempfile::tempdir().expect("a directory");
    let process = Process::start(directory.path(), &["--test-clock"]);
    let port = process.address.port().to_string();
    let said = process.said.clone();
    let (status, _, rest) = process.stop();
    assert!(status.success());
    let path = directory.path().to_str().expect("a path in UTF-8");
    check("start.txt", &(said + &rest).replace(path, "DIRECTORY").replace(&port, "PORT"));
}
