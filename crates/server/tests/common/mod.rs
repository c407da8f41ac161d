//! A server on a free port over a new data directory, and a client that writes bytes.

#![allow(dead_code)] // each test file uses a part

pub mod events;
pub mod http2;
pub mod streams;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use nautilus_cloudwatch::{CloudWatch, Parts};
use nautilus_identity::Identity;
use nautilus_kinesis::{Config as KinesisConfig, Kinesis, living_shards};
use nautilus_log::{
    Config as LogConfig, Journal, Options, RealDisk, ShardLogId, SystemClock, SystemRng, Threads,
};
use nautilus_metrics::MetricStore;
use nautilus_server::{Config, Drained, Handle, Limits, Server, Services, Socket};
use nautilus_sns::{Options as SnsOptions, Reach, Sns};
use nautilus_store::{Store, StoreManifest};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

/// Longer than anything here may take.
pub const PATIENCE: Duration = Duration::from_secs(10);

pub struct TestServer {
    pub address: SocketAddr,
    pub handle: Handle,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Drained>,
    journal: Journal,
    _directory: tempfile::TempDir,
}

impl TestServer {
    pub async fn start(limits: Limits) -> TestServer {
        TestServer::start_with(Config { limits, ..Config::default() }, false).await
    }

    pub async fn start_with(config: Config, test_clock: bool) -> TestServer {
        let directory = tempfile::tempdir().expect("a directory");
        let clock = Arc::new(SystemClock::default());
        let socket = Socket::bind(([127, 0, 0, 1], 0).into()).expect("a port");
        let address = socket.address();
        let Rooms { kinesis, journal, cloudwatch, sns } =
            open(directory.path(), clock.clone(), address);
        let services = Services {
            kinesis,
            cloudwatch,
            sns,
            journal: journal.clone(),
            identity: Identity::dev(),
            clock: clock.clone(),
            rng: Arc::new(SystemRng),
            test_clock: test_clock.then_some(clock),
            faults: test_clock,
        };
        let server = Server::new(socket, config, services);
        let handle = server.handle();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        TestServer { address, handle, stop, running, journal, _directory: directory }
    }

    pub async fn connect(&self) -> Client {
        Client { stream: TcpStream::connect(self.address).await.expect("a connection") }
    }

    /// Stops it and waits for the end.
    pub async fn stop(self) -> Drained {
        drop(self.stop);
        let drained = timeout(PATIENCE, self.running).await.expect("a drain ends");
        self.journal.stop();
        drained.expect("the server does not panic")
    }
}

struct Rooms {
    kinesis: Kinesis,
    journal: Journal,
    cloudwatch: CloudWatch,
    sns: Sns,
}

fn open(path: &std::path::Path, clock: Arc<SystemClock>, address: SocketAddr) -> Rooms {
    let disk = Arc::new(RealDisk::new(path).expect("a disk"));
    let store = Store::open(&*disk, Threads::Own, Box::new(|_| {})).expect("a catalog");
    let shards = living_shards(&store).expect("a catalog");
    let rng = Arc::new(SystemRng);
    let config = nautilus_metrics::Config { threads: Threads::Own, is_durable: true };
    let metrics = MetricStore::open(disk.clone(), clock.clone(), config).expect("a store");
    let options = SnsOptions {
        disk: disk.clone(),
        reach: Reach::new(&[], true).expect("no list"),
        public_url: format!("http://{address}"),
    };
    let sns = Sns::open(store.clone(), clock.clone(), rng.clone(), options).expect("SNS");
    let parts = Parts {
        store: store.clone(),
        metrics,
        sns: sns.clone(),
        sources: Vec::new(),
        clock: clock.clone(),
        rng: rng.clone(),
    };
    let cloudwatch = CloudWatch::open(parts).expect("CloudWatch");
    let options = Options {
        disk,
        clock: clock.clone(),
        rng: rng.clone(),
        manifest: Arc::new(StoreManifest::open(&store).expect("a manifest")),
        living: shards.living,
        next_shard: ShardLogId(shards.next_id),
        config: LogConfig {
            durability: nautilus_log::Durability::Fsync,
            segment_bytes: 1 << 20,
            tail_bytes_max: 1 << 20,
            footer_bytes_max: 16 << 20,
            threads: Threads::Own,
            on_fatal: Box::new(|error| panic!("{error}")),
        },
    };
    let (journal, _) = Journal::open(options).expect("a journal");
    let config = KinesisConfig {
        transition_delay_ms: 0,
        limits: nautilus_kinesis::Limits::off(),
        metrics: true,
    };
    let kinesis = Kinesis::open(store, journal.clone(), clock, rng, config).expect("Kinesis");
    Rooms { kinesis, journal, cloudwatch, sns }
}

/// A connection that says exactly what a test wants.
pub struct Client {
    pub stream: TcpStream,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

impl Client {
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.expect("the server reads");
    }

    /// Sends what the server may not want any more.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok()
    }

    pub async fn answer(&mut self) -> Answer {
        self.try_answer().await.expect("an answer, not an end")
    }

    /// The next answer; none if the server has closed.
    pub async fn try_answer(&mut self) -> Option<Answer> {
        let mut answer = self.try_head().await?;
        let length =
            answer.header("content-length").map_or(0, |length| length.parse().expect("a number"));
        let mut body = vec![0; length];
        timeout(PATIENCE, self.stream.read_exact(&mut body)).await.expect("in time").ok()?;
        answer.body = String::from_utf8_lossy(&body).into_owned();
        Some(answer)
    }

    /// The next answer, which is one without a body whatever length it tells.
    pub async fn head(&mut self) -> Answer {
        self.try_head().await.expect("an answer, not an end")
    }

    async fn try_head(&mut self) -> Option<Answer> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = timeout(PATIENCE, self.stream.read_u8()).await.expect("an answer in time");
            head.push(byte.ok()?);
        }
        let head = String::from_utf8(head).expect("an ASCII head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Some(Answer { status: status.expect("a status"), head, body: String::new() })
    }

    /// Waits for the server to close; true if it said nothing before.
    pub async fn closes_silently(&mut self) -> bool {
        let mut rest = Vec::new();
        let read = timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await;
        read.expect("the server closes").is_err() || rest.is_empty()
    }
}

pub const CREDENTIAL: &str = "AWS4-HMAC-SHA256 \
    Credential=AKID/20261124/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=00";

/// The head of a call of Kinesis with more headers, each ending in `\r\n`.
pub fn head(operation: &str, more: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.1\r\n\
         X-Amz-Target: Kinesis_20131202.{operation}\r\nAuthorization: {CREDENTIAL}\r\n\
         X-Amz-Date: 20261124T030000Z\r\n{more}\r\n"
    )
}

/// A whole call.
pub fn call(operation: &str, body: &str) -> String {
    head(operation, &format!("Content-Length: {}\r\n", body.len())) + body
}
