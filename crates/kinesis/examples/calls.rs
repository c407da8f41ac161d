//! Makes so many calls of a data operation in this process, one after another, over a disk in memory: what
//! `tests/clients/bench/metrics` counts the instructions of.
//!
//! `calls <PutRecord|PutRecords|GetRecords|Tip> <calls> <off|on|shards>`: without metrics, with them, and with all that
//! enhanced monitoring has besides. Records have 100 bytes; PutRecords has 500 of them, a page of GetRecords 100, and one
//! at the tip none.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
};

use nautilus_identity::{Caller, Identity};
use nautilus_kinesis::{Config, Kinesis, Limits, living_shards};
use nautilus_log::{Clock, Journal, Options, SeededRng, ShardLogId, Threads};
use nautilus_store::{Store, StoreManifest};
use nautilus_wire::json;

/// A clock that costs nothing: valgrind hides the one that the kernel maps into a process. Each look takes 37 us.
#[derive(Default)]
struct FreeClock(AtomicU64);

impl Clock for FreeClock {
    fn now_ms(&self) -> u64 {
        1_795_489_200_000
    }

    fn monotonic_us(&self) -> u64 {
        self.0.fetch_add(37, Relaxed)
    }
}

struct World {
    kinesis: Kinesis,
    journal: Journal,
    caller: Caller,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [operation, calls, metrics] = args.as_slice() else {
        panic!("calls <PutRecord|PutRecords|GetRecords|Tip> <calls> <off|on|shards>");
    };
    let calls: usize = calls.parse().expect("a number of calls");
    let world = World::new(metrics != "off");
    world.call("CreateStream", r#"{"StreamName":"s","ShardCount":1}"#);
    world.run(world.kinesis.tick());
    if metrics == "shards" {
        let all = r#"{"StreamName":"s","ShardLevelMetrics":["ALL"]}"#;
        world.call("EnableEnhancedMonitoring", all);
        world.run(world.kinesis.tick());
    }

    let data = base64_simd::STANDARD.encode_to_string([7; 92]);
    let record = format!(r#""PartitionKey":"key-0123","Data":"{data}""#);
    let put = format!(r#"{{"StreamName":"s",{record}}}"#);
    let records = vec![format!("{{{record}}}"); 500].join(",");
    let put_many = format!(r#"{{"StreamName":"s","Records":[{records}]}}"#);
    let iterator = |kind: &str| {
        let input = format!(r#"{{"StreamName":"s","ShardId":"0","ShardIteratorType":"{kind}"}}"#);
        let answer: serde_json::Value =
            serde_json::from_str(&world.call("GetShardIterator", &input)).expect("JSON");
        answer["ShardIterator"].as_str().expect("text").to_owned()
    };
    world.call("PutRecords", &put_many);
    let page = format!(r#"{{"ShardIterator":"{}","Limit":100}}"#, iterator("TRIM_HORIZON"));
    let tip = format!(r#"{{"ShardIterator":"{}"}}"#, iterator("LATEST"));
    let (operation, input) = match operation.as_str() {
        "PutRecord" => ("PutRecord", put),
        "PutRecords" => ("PutRecords", put_many),
        "GetRecords" => ("GetRecords", page),
        "Tip" => ("GetRecords", tip),
        other => panic!("{other} is not measured"),
    };
    for _ in 0..calls {
        world.call(operation, &input);
    }
}

impl World {
    fn new(metrics: bool) -> World {
        let disk = Arc::new(nautilus_log::MemoryDisk::default());
        let (clock, rng) = (Arc::new(FreeClock::default()), Arc::new(SeededRng::new(7)));
        let store = Store::open(&*disk, Threads::Stepped, Box::new(|error| panic!("{error}")))
            .expect("the catalog opens");
        let shards = living_shards(&store).expect("an empty catalog");
        let options = Options {
            disk,
            clock: clock.clone(),
            rng: rng.clone(),
            manifest: Arc::new(StoreManifest::open(&store).expect("an empty manifest")),
            living: shards.living,
            next_shard: ShardLogId(shards.next_id),
            config: nautilus_log::Config {
                durability: nautilus_log::Durability::Fsync,
                segment_bytes: 256 << 20,
                tail_bytes_max: 64 << 20,
                footer_bytes_max: 16 << 20,
                threads: Threads::Stepped,
                on_fatal: Box::new(|error| panic!("{error}")),
            },
        };
        let (journal, _) = Journal::open(options).expect("the journal opens");
        let config = Config { transition_delay_ms: 0, limits: Limits::off(), metrics };
        let kinesis =
            Kinesis::open(store, journal.clone(), clock, rng, config).expect("the room opens");
        let caller = Identity::dev().operator("AKID", "us-east-1");
        World { kinesis, journal, caller }
    }

    fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return value;
            }
            self.journal.step();
        }
    }

    fn call(&self, operation: &str, input: &str) -> String {
        let value = json::parse(input.as_bytes()).expect("JSON");
        let answer = self.run(self.kinesis.call(&self.caller, operation, value));
        let body = answer.unwrap_or_else(|error| panic!("{operation}: {error}")).body;
        String::from_utf8_lossy(&body).into_owned()
    }
}
