//! One stream's way with the AWS SDK for Rust: made, written, read, tagged, kept longer, subscribed to, deleted.
//!
//! The SDK is unmodified but for its endpoint, and the server is the built binary in a process of its own: what
//! passes here passes for a program that knows nothing of Nautilus. `NAUTILUS_BIN` names a binary to test instead.

#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

use std::{
    collections::HashMap,
    env,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use aws_sdk_kinesis::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    error::ProvideErrorMetadata,
    primitives::Blob,
    types::{
        ChildShard, ConsumerStatus, PutRecordsRequestEntry, Record, ShardIteratorType,
        StartingPosition, StreamMode, StreamStatus, SubscribeToShardEventStream,
    },
};
use aws_smithy_http_client::Builder as HttpClientBuilder;

const STREAM: &str = "nautilus-stream";
const SHARD: &str = "shardId-000000000000";

#[tokio::test]
async fn a_stream_is_made_written_read_tagged_kept_longer_subscribed_to_and_deleted() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let client = server.client();

    create(&client).await;
    put(&client).await;
    read_back(&client).await;
    tag(&client).await;
    keep_longer(&client).await;
    subscribe(&client).await;
    delete(&client).await;
}

async fn create(client: &Client) {
    client
        .create_stream()
        .stream_name(STREAM)
        .shard_count(1)
        .tags("team", "nautilus")
        .send()
        .await
        .unwrap();
    assert_eq!(
        wait_until_active(client).await[0],
        StreamStatus::Creating,
        "a client that looks at once sees the stream being made"
    );

    let summary = client.describe_stream_summary().stream_name(STREAM).send().await.unwrap();
    let summary = summary.stream_description_summary().unwrap();
    assert_eq!(
        summary.stream_arn(),
        "arn:aws:kinesis:us-east-1:000000000000:stream/nautilus-stream"
    );
    assert_eq!(summary.open_shard_count(), 1);
    assert_eq!(summary.retention_period_hours(), 24);
    assert_eq!(*summary.stream_mode_details().unwrap().stream_mode(), StreamMode::Provisioned);

    let again = client.create_stream().stream_name(STREAM).shard_count(1).send().await.unwrap_err();
    assert_eq!(again.code(), Some("ResourceInUseException"));
}

async fn put(client: &Client) {
    let one = client
        .put_record()
        .stream_name(STREAM)
        .partition_key("partition_key")
        .data(Blob::new("record 0"))
        .send()
        .await
        .unwrap();
    assert_eq!(one.shard_id(), SHARD);

    let entries = (1..=500)
        .map(|i| {
            PutRecordsRequestEntry::builder()
                .partition_key("k")
                .data(Blob::new(format!("record {i}")))
                .build()
                .unwrap()
        })
        .collect();
    let many =
        client.put_records().stream_name(STREAM).set_records(Some(entries)).send().await.unwrap();
    assert_eq!(many.failed_record_count(), Some(0));
    assert_eq!(many.records().len(), 500);
    assert!(many.records()[0].sequence_number().unwrap() > one.sequence_number());
}

async fn read_back(client: &Client) {
    let iterator = client
        .get_shard_iterator()
        .stream_name(STREAM)
        .shard_id(SHARD)
        .shard_iterator_type(ShardIteratorType::TrimHorizon)
        .send()
        .await
        .unwrap();
    let mut iterator = iterator.shard_iterator().map(str::to_owned);
    let mut read = Vec::new();
    while read.len() < 501 {
        let page =
            client.get_records().shard_iterator(iterator.unwrap()).limit(200).send().await.unwrap();
        read.extend(page.records().iter().map(text));
        iterator = page.next_shard_iterator().map(str::to_owned);
    }
    assert_eq!(read, (0..=500).map(|i| format!("record {i}")).collect::<Vec<_>>());
    assert!(iterator.is_some(), "an open shard has always a next iterator");

    let missing = client.get_shard_iterator().stream_name("no-such-stream").shard_id(SHARD);
    let missing = missing.shard_iterator_type(ShardIteratorType::Latest).send().await.unwrap_err();
    assert!(missing.into_service_error().is_resource_not_found_exception());
}

fn text(record: &Record) -> String {
    String::from_utf8(record.data().as_ref().to_vec()).unwrap()
}

async fn tag(client: &Client) {
    client.add_tags_to_stream().stream_name(STREAM).tags("stage", "test").send().await.unwrap();
    client.remove_tags_from_stream().stream_name(STREAM).tag_keys("team").send().await.unwrap();
    let tags = client.list_tags_for_stream().stream_name(STREAM).send().await.unwrap();
    let tags: HashMap<_, _> = tags.tags().iter().map(|tag| (tag.key(), tag.value())).collect();
    assert_eq!(tags, HashMap::from([("stage", Some("test"))]));
}

async fn keep_longer(client: &Client) {
    client
        .increase_stream_retention_period()
        .stream_name(STREAM)
        .retention_period_hours(168)
        .send()
        .await
        .unwrap();
    wait_until_active(client).await;
    let summary = client.describe_stream_summary().stream_name(STREAM).send().await.unwrap();
    assert_eq!(summary.stream_description_summary().unwrap().retention_period_hours(), 168);

    let shorter =
        client.increase_stream_retention_period().stream_name(STREAM).retention_period_hours(24);
    let shorter = shorter.send().await.unwrap_err().into_service_error();
    assert!(shorter.is_invalid_argument_exception());
}

/// What is there is told first, then what is put meanwhile, then that the shard has ended.
async fn subscribe(client: &Client) {
    let consumer = register(client).await;
    let from = StartingPosition::builder().r#type(ShardIteratorType::TrimHorizon).build().unwrap();
    let subscription = client.subscribe_to_shard().consumer_arn(&consumer);
    let subscription = subscription.shard_id(SHARD).starting_position(from);
    let mut events = subscription.send().await.unwrap().event_stream;

    let again = client.subscribe_to_shard().consumer_arn(&consumer).shard_id(SHARD);
    let latest = StartingPosition::builder().r#type(ShardIteratorType::Latest).build().unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await; // one call a second is answered
    let again = again.starting_position(latest).send().await.unwrap_err();
    assert_eq!(again.code(), Some("ResourceInUseException"), "not twice within five seconds");

    let (mut read, mut children): (Vec<String>, Vec<ChildShard>) = Default::default();
    while let Some(event) = events.recv().await.unwrap() {
        let SubscribeToShardEventStream::SubscribeToShardEvent(event) = event else {
            panic!("an event that the SDK does not know: {event:?}");
        };
        assert_ne!(
            event.continuation_sequence_number().is_empty(),
            event.child_shards().is_empty()
        );
        children.extend_from_slice(event.child_shards());
        read.extend(event.records().iter().map(text));
        match (event.records().len(), read.len()) {
            (0, _) => {}
            (_, 501) => put_live(client).await,
            (_, 502) => split(client).await,
            _ => {}
        }
    }
    assert_eq!(read.len(), 502);
    assert_eq!(read[501], "live");
    assert_eq!(children.len(), 2);
    assert_eq!(children[0].parent_shards(), [SHARD]);
    wait_until_active(client).await;
}

/// A consumer that is ACTIVE.
async fn register(client: &Client) -> String {
    let summary = client.describe_stream_summary().stream_name(STREAM).send().await.unwrap();
    let arn = summary.stream_description_summary().unwrap().stream_arn();
    let registered = client.register_stream_consumer().stream_arn(arn).consumer_name("fan-out");
    let consumer = registered.send().await.unwrap().consumer.unwrap().consumer_arn;
    for _ in 0..100 {
        let got = client.describe_stream_consumer().consumer_arn(&consumer).send().await.unwrap();
        if *got.consumer_description().unwrap().consumer_status() == ConsumerStatus::Active {
            return consumer;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the consumer is not ACTIVE after ten seconds");
}

async fn put_live(client: &Client) {
    let live = client.put_record().stream_name(STREAM).partition_key("k").data(Blob::new("live"));
    live.send().await.unwrap();
}

async fn split(client: &Client) {
    let split = client.split_shard().stream_name(STREAM).shard_to_split(SHARD);
    split.new_starting_hash_key("1000").send().await.unwrap();
}

async fn delete(client: &Client) {
    let delete = client.delete_stream().stream_name(STREAM);
    delete.enforce_consumer_deletion(true).send().await.unwrap();
    for _ in 0..100 {
        match client.describe_stream_summary().stream_name(STREAM).send().await {
            Ok(summary) => {
                let status = summary.stream_description_summary().unwrap().stream_status().clone();
                assert_eq!(status, StreamStatus::Deleting);
            }
            Err(error) => {
                assert!(error.into_service_error().is_resource_not_found_exception());
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the stream is still there ten seconds after DeleteStream");
}

/// Every status seen on the way to ACTIVE, the first look first.
async fn wait_until_active(client: &Client) -> Vec<StreamStatus> {
    let mut seen = Vec::new();
    for _ in 0..100 {
        let summary = client.describe_stream_summary().stream_name(STREAM).send().await.unwrap();
        seen.push(summary.stream_description_summary().unwrap().stream_status().clone());
        if seen.last() == Some(&StreamStatus::Active) {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("not ACTIVE after ten seconds: {seen:?}");
}

/// A `nautilus serve --dev` of our own on a free port; killed when dropped.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start(data_dir: &Path) -> Server {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new(nautilus_binary())
            .args(["serve", "--dev", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"])
            .arg(data_dir)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Server { process, port };
        server.wait_until_ready();
        server
    }

    fn wait_until_ready(&mut self) {
        for _ in 0..500 {
            if let Some(status) = self.process.try_wait().unwrap() {
                panic!("nautilus ended before it was ready: {status}");
            }
            if ready(self.port).unwrap_or(false) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("nautilus is not ready after ten seconds");
    }

    fn client(&self) -> Client {
        let config = aws_sdk_kinesis::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(format!("http://127.0.0.1:{}", self.port))
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .http_client(HttpClientBuilder::new().build_http())
            .build();
        Client::from_conf(config)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn ready(port: u16) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.1 200"))
}

/// The binary of this very tree. Cargo has no stable way to ask for another package's binary, so it is built
/// here, which costs nothing when it is there already.
fn nautilus_binary() -> PathBuf {
    if let Some(binary) = env::var_os("NAUTILUS_BIN") {
        return binary.into();
    }
    // This test is target/<profile>/deps/flow-<hash>.
    let profile_dir = env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_owned();
    let profile = if profile_dir.ends_with("debug") { "dev" } else { "release" };
    let build = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "nautilus", "--profile", profile])
        .arg("--target-dir")
        .arg(profile_dir.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(build.success(), "`cargo build --package nautilus` failed");
    profile_dir.join("nautilus")
}
