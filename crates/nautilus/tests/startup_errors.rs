//! Whatever keeps the server from starting is told in a sentence with a hint and an exit code, never in a backtrace.

#![allow(clippy::disallowed_methods)] // directories and ports that are in the way are made here

mod common;

use std::{fs, net::TcpListener};

use common::{Process, run};

/// Checks the code and the whole text; `{}` in it is `name`.
fn check(words: &[&str], code: i32, name: &str, text: &str) {
    let (status, stdout, stderr) = run(words);
    assert_eq!(stderr, text.replace("{}", name));
    assert_eq!((status, stdout.as_str()), (code, ""));
}

#[test]
fn without_dev_it_does_not_start() {
    check(
        &["serve"],
        64,
        "",
        "error: `serve` starts only with `--dev` for now: it cannot verify signatures yet\n  \
         hint: add `--dev`; any credentials are accepted then, on loopback only\n",
    );
}

#[test]
fn dev_beyond_loopback_needs_a_second_word() {
    check(
        &["serve", "--dev", "--listen", "0.0.0.0:4566"],
        64,
        "",
        "error: `--dev` accepts any credentials, so it does not answer on 0.0.0.0:4566\n  \
         hint: listen on 127.0.0.1, or add `--dev-listen-anywhere` where only you can reach the port\n",
    );
}

#[test]
fn a_second_process_on_the_directory_ends_with_75() {
    let directory = tempfile::tempdir().expect("a directory");
    let first = Process::start(directory.path(), &[]);
    let path = directory.path().to_str().expect("a path in UTF-8");
    check(
        &["serve", "--dev", "--listen", "127.0.0.1:0", "--data-dir", path],
        75,
        path,
        "error: another process has the data directory `{}`\n  \
         hint: stop the other Nautilus, or choose another directory with `--data-dir`\n",
    );
    assert_eq!(first.get("/livez").0, 200);
    assert!(first.stop().0.success());
    assert!(Process::start(directory.path(), &[]).stop().0.success());
}

#[test]
fn a_port_in_use_ends_with_69() {
    let directory = tempfile::tempdir().expect("a directory");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let path = directory.path().to_str().expect("a path in UTF-8");
    let other = address.port() ^ 1;
    check(
        &["serve", "--dev", "--listen", &address.to_string(), "--data-dir", path],
        69,
        &address.to_string(),
        &format!(
            "error: cannot listen on {{}}: Address already in use (os error 98)\n  \
             hint: another program has the port: stop it, or choose one with `--listen 127.0.0.1:{other}`\n"
        ),
    );
    let made = fs::read_dir(directory.path()).expect("a directory").count();
    assert_eq!(made, 1, "only the lock is made before the port is ours");
}

#[test]
fn a_directory_that_cannot_be_made_ends_with_73() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("file");
    fs::write(&file, "in the way").expect("a file");
    for path in [file.clone(), file.join("below")] {
        let path = path.to_str().expect("a path in UTF-8");
        let (code, _, stderr) = run(&["serve", "--dev", "--data-dir", path]);
        assert_eq!(code, 73, "{stderr}");
        let start = format!("error: the data directory `{path}` cannot be used: ");
        assert!(stderr.starts_with(&start), "{stderr}");
        assert!(stderr.ends_with("\n  hint: choose one that you may write to with `--data-dir`\n"));
    }
}

#[test]
fn wrong_flags_end_with_64() {
    for (words, line) in [
        (vec!["serve", "--nonsense"], "error: unexpected argument '--nonsense' found"),
        (vec!["bogus"], "error: unrecognized subcommand 'bogus'"),
        (
            vec!["serve", "--listen", "here"],
            "error: invalid value 'here' for '--listen <ADDRESS:PORT>': \
             expected an address and a port, like `127.0.0.1:4566`",
        ),
        (
            vec!["env", "--region", "$(x)"],
            "error: invalid value '$(x)' for '--region <REGION>': expected a region like `us-east-1`",
        ),
    ] {
        let (code, stdout, stderr) = run(&words);
        assert_eq!((code, stderr.lines().next(), stdout.as_str()), (64, Some(line), ""));
    }
    let (code, _, stderr) = run(&["serve", "--dev", "--log", "a=b=c"]);
    assert_eq!(code, 64);
    assert!(stderr.starts_with("error: `--log a=b=c` is not understood: "), "{stderr}");
}

#[test]
fn a_module_that_is_not_understood_ends_with_78() {
    let directory = tempfile::tempdir().expect("a directory");
    let module = directory.path().join("module");
    fs::create_dir(&module).expect("a directory");
    fs::write(module.join("main.tf"), "resource \"aws_s3_bucket\" \"b\" {\n}\n").expect("a file");
    let data = directory.path().join("data");
    let (code, stdout, stderr) = common::nautilus(&["serve", "--dev", "--listen", "127.0.0.1:0"])
        .env("NAUTILUS_APPLY", &module)
        .env("NAUTILUS_DATA_DIR", &data)
        .output()
        .map(common::told)
        .expect("it runs");
    assert_eq!((code, stdout.as_str()), (78, ""));
    let place = format!("error: {}/main.tf:1: ", module.display());
    assert!(stderr.contains(&place) && stderr.contains("aws_s3_bucket"), "{stderr}");
    assert!(stderr.contains("\n  hint: "), "{stderr}");
}

#[test]
fn a_missing_module_ends_with_78() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let data = data.to_str().expect("a path in UTF-8");
    let words =
        ["serve", "--dev", "--listen", "127.0.0.1:0", "--data-dir", data, "--apply", "/no/such"];
    let (code, _, stderr) = run(&words);
    assert_eq!(code, 78, "{stderr}");
    assert!(stderr.contains("error: /no/such"), "{stderr}");
}

#[test]
fn environment_variables_are_flags() {
    let directory = tempfile::tempdir().expect("a directory");
    let address = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = address.local_addr().expect("an address").to_string();
    let (code, _, stderr) = common::nautilus(&["serve"])
        .env("NAUTILUS_DEV", "1")
        .env("NAUTILUS_LISTEN", &taken)
        .env("NAUTILUS_DATA_DIR", directory.path())
        .output()
        .map(common::told)
        .expect("it runs");
    assert_eq!(code, 69, "{stderr}");
    assert!(stderr.starts_with(&format!("error: cannot listen on {taken}: ")), "{stderr}");
}
