//! The built binary as a process, and a client that writes bytes to it.

#![allow(dead_code)] // each test file uses a part
#![allow(clippy::disallowed_methods)] // the process under test has the clocks and files of its own

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// `nautilus` with the environment of nobody in particular.
pub fn nautilus(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nautilus"));
    command.args(words).env_clear().stdin(Stdio::null());
    command
}

/// Runs it to its end: exit code, stdout, stderr.
pub fn run(words: &[&str]) -> (i32, String, String) {
    told(nautilus(words).output().expect("it runs"))
}

/// What an ended process left: exit code, stdout, stderr.
pub fn told(output: Output) -> (i32, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it speaks UTF-8");
    (output.status.code().expect("it exits"), text(output.stdout), text(output.stderr))
}

/// A running server.
pub struct Process {
    child: Child,
    lines: Receiver<String>,
    pub address: SocketAddr,
    /// What it said until it was ready.
    pub said: String,
}

impl Process {
    /// Starts `serve --dev` on a free port and waits until it is ready.
    pub fn start(data_dir: &Path, more: &[&str]) -> Process {
        let data_dir = data_dir.to_str().expect("a path in UTF-8");
        let mut words = vec!["serve", "--dev", "--listen", "127.0.0.1:0", "--data-dir", data_dir];
        words.extend(more);
        Process::spawn(nautilus(&words))
    }

    /// Starts what is a server in the end, and waits until it is ready.
    pub fn spawn(mut command: Command) -> Process {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
        let stderr = child.stderr.take().expect("a pipe");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut process =
            Process { child, lines, address: ([0, 0, 0, 0], 0).into(), said: String::new() };
        process.wait_until_ready();
        process
    }

    fn wait_until_ready(&mut self) {
        while self.address.port() == 0 {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("no address in: {}", self.said));
            if let Some((_, address)) = line.split_once("answers on http://") {
                self.address = address.parse().expect("an address");
            }
            self.said += &(line + "\n");
        }
        let started = Instant::now();
        while self.get("/readyz").0 != 200 {
            assert!(started.elapsed() < PATIENCE, "it does not become ready");
            std::thread::yield_now();
        }
        self.said.extend(self.lines.try_iter().map(|line| line + "\n"));
    }

    pub fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Client { stream }
    }

    /// Waits until it says this line.
    pub fn wait_for_line(&self, wanted: &str) {
        while self.lines.recv_timeout(PATIENCE).expect("it says more") != wanted {}
    }

    pub fn get(&self, path: &str) -> (u16, String) {
        let mut client = self.connect();
        client.send(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        client.answer()
    }

    pub fn call(&self, operation: &str, body: &str) -> (u16, String) {
        let mut client = self.connect();
        client.send(&call(operation, body));
        client.answer()
    }

    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(id.expect("a process id"), signal).expect("it lives");
    }

    /// Waits for its end: how it ended, how long that took, and what it said since it was ready.
    pub fn wait(mut self) -> (ExitStatus, Duration, String) {
        let started = Instant::now();
        let status = self.child.wait().expect("it ends");
        let took = started.elapsed();
        let said = self.lines.iter().map(|line| line + "\n").collect();
        (status, took, said)
    }

    /// Ctrl-C.
    pub fn stop(self) -> (ExitStatus, Duration, String) {
        self.signal(Signal::INT);
        self.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }
}

pub struct Client {
    pub stream: TcpStream,
}

impl Client {
    pub fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).expect("the server reads");
    }

    pub fn answer(&mut self) -> (u16, String) {
        self.try_answer().expect("an answer, not an end")
    }

    /// Status and body of the next answer; none if the connection ended before its first byte.
    pub fn try_answer(&mut self) -> Option<(u16, String)> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            match self.stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ if head.is_empty() => return None,
                end => panic!("half an answer: {end:?}, {}", head.escape_ascii()),
            }
        }
        let head = String::from_utf8(head).expect("an ASCII head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let length = head.lines().find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()
        });
        let mut body = vec![0; length.unwrap_or(0)];
        self.stream.read_exact(&mut body).expect("the whole answer");
        Some((status.expect("a status"), String::from_utf8(body).expect("UTF-8")))
    }

    /// True if the server closes without another word.
    pub fn closes(&mut self) -> bool {
        !matches!(self.stream.read(&mut [0]), Ok(1))
    }
}

/// The head of a call with more headers, each ending in `\r\n`.
pub fn head(operation: &str, more: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.1\r\n\
         X-Amz-Target: Kinesis_20131202.{operation}\r\n\
         Authorization: AWS4-HMAC-SHA256 \
         Credential=AKID/20261124/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=00\r\n\
         X-Amz-Date: 20261124T030000Z\r\n{more}\r\n"
    )
}

/// A whole call of Kinesis.
pub fn call(operation: &str, body: &str) -> String {
    head(operation, &format!("Content-Length: {}\r\n", body.len())) + body
}

/// The text of a JSON member, wherever it stands.
pub fn member<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let start = body.find(&format!("\"{name}\":\""))? + name.len() + 4;
    body[start..].split('"').next()
}
