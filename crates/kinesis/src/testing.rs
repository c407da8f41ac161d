//! A whole room in memory, stepped by the test: its catalog, its journal, a clock that stands still and may jump.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use nautilus_identity::{Caller, Identity};
use nautilus_log::{
    Clock, Journal, Options, SeededRng, ShardLogId, Threads,
    testing::{FollowingClock, MemoryDisk},
};
use nautilus_store::{Store, StoreManifest};
use nautilus_wire::{AwsError, Protocol, json};

use crate::{
    Config, Kinesis, Limit, Limits, Response, living_shards,
    model::sequence_number::{Decoded, SequenceNumber},
};

/// When a test begins.
pub(crate) const NOW_MS: u64 = 1_795_489_200_000;

pub(crate) const DELAY_MS: u64 = 2000;
const DEADLINE_POLLS: usize = 10_000;

/// The caller of most tests.
pub(crate) fn caller() -> Caller {
    caller_of("AKID", "us-east-1")
}

pub(crate) fn caller_of(access_key: &str, region: &str) -> Caller {
    Identity::dev().operator(access_key, region)
}

/// The same shard's number some positions later.
pub(crate) fn plus_positions(number: &str, count: u64) -> String {
    match SequenceNumber::parse(number) {
        Some(Decoded::Current(number)) => {
            SequenceNumber { counter: number.counter + count, ..number }.to_string()
        }
        other => panic!("{number} is {other:?}"),
    }
}

/// AWS's quotas without its rates: most tests make many calls in one moment.
fn quotas() -> Limits {
    let rates = [
        Limit::WriteRecordsPerShard,
        Limit::WriteBytesPerShard,
        Limit::ReadCallsPerShard,
        Limit::ReadBytesPerShard,
        Limit::FanOutBytesPerShard,
        Limit::SubscribeCallsPerShard,
        Limit::ControlCalls,
    ];
    rates.into_iter().fold(Limits::aws(), |limits, rate| limits.with(rate, None))
}

pub(crate) struct World {
    pub disk: Arc<MemoryDisk>,
    pub clock: Arc<FollowingClock>,
    limits: Limits,
    /// Whether a restart counts what is done.
    pub metrics: bool,
    /// `None` only within a restart.
    room: Option<Room>,
}

pub(crate) struct Room {
    pub kinesis: Kinesis,
    pub journal: Journal,
}

impl World {
    pub(crate) fn new() -> World {
        World::with_limits(quotas())
    }

    /// A world whose quotas hold or do not.
    pub(crate) fn with_limits(limits: Limits) -> World {
        let disk = Arc::new(MemoryDisk::default());
        let clock = Arc::new(FollowingClock::new(NOW_MS));
        let room = open(&disk, &clock, limits, true);
        World { disk, clock, limits, metrics: true, room: Some(room) }
    }

    /// A world with the stream `s`.
    pub(crate) fn with_stream(shard_count: u32) -> World {
        let world = World::new();
        world.create("s", shard_count);
        world
    }

    pub(crate) fn room(&self) -> &Room {
        self.room.as_ref().expect("no restart is going on")
    }

    /// Stops in peace and starts again.
    pub(crate) fn restart(&mut self) {
        if let Some(room) = self.room.take() {
            room.journal.stop();
        }
        self.room = Some(open(&self.disk, &self.clock, self.limits, self.metrics));
    }

    /// Starts again after an end in the middle of anything.
    pub(crate) fn kill(&mut self) {
        self.room = None;
        self.room = Some(open(&self.disk, &self.clock, self.limits, self.metrics));
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    pub(crate) fn set_now(&self, now_ms: u64) {
        self.clock.set_ms(now_ms);
    }

    pub(crate) fn advance(&self, ms: u64) {
        self.clock.pass_ms(ms);
        self.run(self.room().kinesis.tick());
    }

    /// Lets every passing state end.
    pub(crate) fn settle(&self) {
        self.advance(DELAY_MS);
    }

    /// Lets every passing state end, and has the clock stand where it stood.
    pub(crate) fn settle_without_time(&self) {
        let now = self.now_ms();
        self.settle();
        self.set_now(now);
    }

    /// Polls a future, stepping the journal whenever it waits.
    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..DEADLINE_POLLS {
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return value;
            }
            self.room().journal.step();
        }
        panic!("a future never ended");
    }

    /// The answer's body, or `<code>: <message>`.
    pub(crate) fn call_as(&self, caller: &Caller, operation: &str, input: &str) -> String {
        let value = match json::parse(input.as_bytes()) {
            Ok(value) => value,
            Err(error) => panic!("the test's input {input} is {error}"),
        };
        match self.run(self.room().kinesis.call(caller, operation, value)) {
            Ok(answer) => String::from_utf8(answer.body.to_vec()).expect("bodies are UTF-8"),
            Err(error) => error.to_string(),
        }
    }

    /// A call as it comes from the network.
    pub(crate) fn client_call(
        &self,
        caller: &Caller,
        operation: &str,
        input: &str,
    ) -> Result<Response, AwsError> {
        let input = json::parse(input.as_bytes()).expect("the test's input");
        self.run(self.room().kinesis.call_in(Protocol::Json, caller, operation, input))
    }

    /// Its answer's body, or its error.
    pub(crate) fn client_answer(
        &self,
        caller: &Caller,
        operation: &str,
        input: &str,
    ) -> Result<String, AwsError> {
        match self.client_call(caller, operation, input)? {
            Response::Answer(answer) => Ok(String::from_utf8_lossy(&answer.body).into_owned()),
            Response::Events(events) => panic!("{events:?} and no answer"),
        }
    }

    pub(crate) fn check(&self, operation: &str, input: &str, expected: &str) {
        let answer = self.call_as(&caller(), operation, input);
        assert_eq!(answer, expected, "{operation} {:.300}", input);
    }

    pub(crate) fn error(&self, operation: &str, input: &str) -> String {
        let answer = self.call_as(&caller(), operation, input);
        assert!(!answer.is_empty() && !answer.starts_with('{'), "{operation} {input}: {answer}");
        answer
    }

    pub(crate) fn ok(&self, operation: &str, input: &str) -> serde_json::Value {
        let answer = self.call_as(&caller(), operation, input);
        match serde_json::from_str(&answer) {
            Ok(value) => value,
            Err(_) => panic!("{operation} {:.300}: {answer}", input),
        }
    }

    pub(crate) fn create(&self, name: &str, shard_count: u32) {
        let input = format!(r#"{{"StreamName":"{name}","ShardCount":{shard_count}}}"#);
        self.check("CreateStream", &input, "");
        self.settle();
    }

    /// Makes a stream on demand, with more members of the input.
    pub(crate) fn create_on_demand(&self, name: &str, rest: &str) {
        let mode = r#"{"StreamMode":"ON_DEMAND"}"#;
        let input = format!(r#"{{"StreamName":"{name}","StreamModeDetails":{mode}{rest}}}"#);
        self.check("CreateStream", &input, "");
        self.settle();
    }

    pub(crate) fn summary(&self, name: &str) -> serde_json::Value {
        let input = format!(r#"{{"StreamName":"{name}"}}"#);
        self.ok("DescribeStreamSummary", &input)["StreamDescriptionSummary"].clone()
    }

    pub(crate) fn status(&self, name: &str) -> String {
        self.summary(name)["StreamStatus"].as_str().expect("text").to_owned()
    }

    /// Registers a consumer of the stream `s`; its ARN.
    pub(crate) fn register(&self, name: &str) -> String {
        let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
        let input = format!(r#"{{"StreamARN":"{arn}","ConsumerName":"{name}"}}"#);
        let answer = self.ok("RegisterStreamConsumer", &input);
        answer["Consumer"]["ConsumerARN"].as_str().expect("text").to_owned()
    }

    /// The status of a consumer of the stream `s`.
    pub(crate) fn consumer_status(&self, name: &str) -> String {
        let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
        let input = format!(r#"{{"StreamARN":"{arn}","ConsumerName":"{name}"}}"#);
        let answer = self.ok("DescribeStreamConsumer", &input);
        answer["ConsumerDescription"]["ConsumerStatus"].as_str().expect("text").to_owned()
    }

    pub(crate) fn open_shard_count(&self, name: &str) -> i64 {
        self.summary(name)["OpenShardCount"].as_i64().expect("a number")
    }

    /// The stream's shards as ListShards shows them.
    pub(crate) fn shards(&self, name: &str) -> Vec<serde_json::Value> {
        self.list_shards(&format!(r#"{{"StreamName":"{name}"}}"#))
    }

    /// All pages of ListShards for one input.
    pub(crate) fn list_shards(&self, input: &str) -> Vec<serde_json::Value> {
        let (mut input, mut shards) = (input.to_owned(), Vec::new());
        loop {
            let answer = self.ok("ListShards", &input);
            shards.extend(answer["Shards"].as_array().expect("a list").iter().cloned());
            let Some(token) = answer.get("NextToken") else { return shards };
            input = format!(r#"{{"NextToken":{token}}}"#);
        }
    }

    /// The open shard that holds an explicit hash key.
    pub(crate) fn shard_of(&self, name: &str, hash_key: &str) -> String {
        let key: u128 = hash_key.parse().expect("a number");
        let number = |text: &serde_json::Value| -> u128 {
            text.as_str().expect("text").parse().expect("a number")
        };
        let holds = |shard: &&serde_json::Value| {
            let range = &shard["HashKeyRange"];
            let (start, end) = (&range["StartingHashKey"], &range["EndingHashKey"]);
            let is_open = shard["SequenceNumberRange"].get("EndingSequenceNumber").is_none();
            is_open && (number(start)..=number(end)).contains(&key)
        };
        let shards = self.shards(name);
        let shard = shards.iter().find(holds).expect("open shards tile the space");
        shard["ShardId"].as_str().expect("text").to_owned()
    }

    /// Puts a record by its explicit hash key; its sequence number.
    pub(crate) fn put_at(&self, name: &str, hash_key: &str, data: &[u8]) -> String {
        let data = base64_simd::STANDARD.encode_to_string(data);
        let input = format!(
            r#"{{"StreamName":"{name}","PartitionKey":"k","ExplicitHashKey":"{hash_key}","Data":"{data}"}}"#
        );
        self.ok("PutRecord", &input)["SequenceNumber"].as_str().expect("text").to_owned()
    }

    pub(crate) fn created_second(&self, name: &str) -> u64 {
        self.summary(name)["StreamCreationTimestamp"].as_u64().expect("whole seconds")
    }

    /// A shard's StartingSequenceNumber.
    pub(crate) fn shard_start(&self, name: &str, index: usize) -> String {
        let answer = self.ok("ListShards", &format!(r#"{{"StreamName":"{name}"}}"#));
        let range = &answer["Shards"][index]["SequenceNumberRange"];
        range["StartingSequenceNumber"].as_str().expect("text").to_owned()
    }

    /// Puts a record; its sequence number.
    pub(crate) fn put(&self, name: &str, key: &str, data: &[u8]) -> String {
        let data = base64_simd::STANDARD.encode_to_string(data);
        let input = format!(r#"{{"StreamName":"{name}","PartitionKey":"{key}","Data":"{data}"}}"#);
        self.ok("PutRecord", &input)["SequenceNumber"].as_str().expect("text").to_owned()
    }

    pub(crate) fn iterator(&self, name: &str, shard: usize, kind: &str) -> String {
        let input = format!(
            r#"{{"StreamName":"{name}","ShardId":"{shard}","ShardIteratorType":"{kind}"}}"#
        );
        self.ok("GetShardIterator", &input)["ShardIterator"].as_str().expect("text").to_owned()
    }

    /// The data of all records from an iterator to the tip.
    pub(crate) fn read_from(&self, iterator: &str) -> Vec<Vec<u8>> {
        let (mut iterator, mut data) = (iterator.to_owned(), Vec::new());
        loop {
            let answer = self.ok("GetRecords", &format!(r#"{{"ShardIterator":"{iterator}"}}"#));
            for record in answer["Records"].as_array().expect("a list") {
                let text = record["Data"].as_str().expect("text");
                data.push(base64_simd::STANDARD.decode_to_vec(text).expect("Base64"));
            }
            if answer["MillisBehindLatest"] == 0 {
                return data;
            }
            iterator = answer["NextShardIterator"].as_str().expect("text").to_owned();
        }
    }

    /// The answer that the reader gets who has read all from an iterator on.
    pub(crate) fn last_answer(&self, iterator: &str) -> serde_json::Value {
        let mut iterator = iterator.to_owned();
        loop {
            let answer = self.ok("GetRecords", &format!(r#"{{"ShardIterator":"{iterator}"}}"#));
            let is_last = answer["MillisBehindLatest"] == 0;
            match answer.get("NextShardIterator").and_then(|next| next.as_str()) {
                Some(next) if !is_last => iterator = next.to_owned(),
                _ => return answer,
            }
        }
    }

    /// Splits a shard at a hash key.
    pub(crate) fn split(&self, name: &str, shard: &str, key: &str) {
        let input = format!(
            r#"{{"StreamName":"{name}","ShardToSplit":"{shard}","NewStartingHashKey":"{key}"}}"#
        );
        self.check("SplitShard", &input, "");
        self.settle();
    }

    /// Merges two shards, the lower one first.
    pub(crate) fn merge(&self, name: &str, lower: &str, upper: &str) {
        let input = format!(
            r#"{{"StreamName":"{name}","ShardToMerge":"{lower}","AdjacentShardToMerge":"{upper}"}}"#
        );
        self.check("MergeShards", &input, "");
        self.settle();
    }

    pub(crate) fn read_all(&self, name: &str, shard: usize) -> Vec<Vec<u8>> {
        self.read_from(&self.iterator(name, shard, "TRIM_HORIZON"))
    }
}

fn open(
    disk: &Arc<MemoryDisk>,
    clock: &Arc<FollowingClock>,
    limits: Limits,
    metrics: bool,
) -> Room {
    let rng = Arc::new(SeededRng::new(7));
    let fatal = |error: &dyn std::fmt::Display| panic!("{error}");
    let store = Store::open(&**disk, Threads::Stepped, Box::new(move |error| fatal(error)))
        .expect("the catalog opens");
    let shards = living_shards(&store).expect("the catalog is ours");
    let options = Options {
        disk: disk.clone(),
        clock: clock.clone(),
        rng: rng.clone(),
        manifest: Arc::new(StoreManifest::open(&store).expect("the manifest is ours")),
        living: shards.living,
        next_shard: ShardLogId(shards.next_id),
        config: nautilus_log::Config {
            durability: nautilus_log::Durability::Fsync,
            segment_bytes: 32 << 20,
            tail_bytes_max: 1 << 20,
            footer_bytes_max: 16 << 20,
            threads: Threads::Stepped,
            on_fatal: Box::new(move |error| fatal(error)),
        },
    };
    let (journal, _report) = Journal::open(options).expect("the journal opens");
    let config = Config { transition_delay_ms: DELAY_MS, limits, metrics };
    let kinesis =
        Kinesis::open(store, journal.clone(), clock.clone(), rng, config).expect("the room opens");
    Room { kinesis, journal }
}
