//! Writers, readers and reshards together, with restarts in between: every acknowledged record is read once by whoever
//! follows ChildShards, in order for each key, from parents to children.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    task::{Context, Poll, Waker},
};

use nautilus_wire::json;
use proptest::prelude::*;
use serde_json::Value;

use crate::{
    model::shards::tests::check_tiling,
    testing::{self, DELAY_MS, World},
};

const KEYS: u8 = 12;

#[derive(Debug, Clone)]
enum Step {
    Put {
        key: u8,
        count: u8,
    },
    /// A record that waits in the queue of the writes while what is due is finished.
    PutInFlight {
        key: u8,
    },
    Split {
        at: prop::sample::Index,
        eighth: u8,
    },
    Merge {
        at: prop::sample::Index,
    },
    UpdateShardCount {
        target: u8,
    },
    /// Lets what is due go on for some turns of the journal, and then leaves it where it is.
    PartOfATick {
        turns: u8,
    },
    Settle,
    Read {
        limit: u8,
    },
    Restart,
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        6 => (0..KEYS, 1..6u8).prop_map(|(key, count)| Step::Put { key, count }),
        2 => (0..KEYS).prop_map(|key| Step::PutInFlight { key }),
        2 => (index(), 1..8u8).prop_map(|(at, eighth)| Step::Split { at, eighth }),
        2 => index().prop_map(|at| Step::Merge { at }),
        2 => (1..9u8).prop_map(|target| Step::UpdateShardCount { target }),
        3 => (0..3u8).prop_map(|turns| Step::PartOfATick { turns }),
        2 => Just(Step::Settle),
        5 => (1..5u8).prop_map(|limit| Step::Read { limit }),
        1 => Just(Step::Restart),
        1 => Just(Step::Kill),
    ]
}

/// A world with the stream `s`, one writer and one reader.
struct Run {
    world: World,
    written: BTreeMap<u8, Vec<u64>>,
    next: u64,
    read: BTreeMap<u8, Vec<u64>>,
    /// Where the reader stands in each shard that it reads.
    reading: BTreeMap<String, String>,
    started: BTreeSet<String>,
    finished: BTreeSet<String>,
}

impl Run {
    fn new(shard_count: u32) -> Run {
        let mut run = Run {
            world: World::with_stream(shard_count),
            written: BTreeMap::new(),
            next: 0,
            read: BTreeMap::new(),
            reading: BTreeMap::new(),
            started: BTreeSet::new(),
            finished: BTreeSet::new(),
        };
        for shard in run.world.shards("s") {
            run.start(shard["ShardId"].as_str().expect("text"));
        }
        run
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Put { key, count } => {
                (0..count).for_each(|_| self.put(key, 5));
            }
            Step::PutInFlight { key } => self.put(key, 0),
            Step::Split { at, eighth } => self.split(&at, eighth),
            Step::Merge { at } => self.merge(&at),
            Step::UpdateShardCount { target } => {
                let input = format!(
                    r#"{{"StreamName":"s","TargetShardCount":{target},"ScalingType":"UNIFORM_SCALING"}}"#
                );
                self.try_change("UpdateShardCount", &input);
            }
            Step::PartOfATick { turns } => self.part_of_a_tick(turns),
            Step::Settle => self.world.settle(),
            Step::Read { limit } => _ = self.read_pages(usize::from(limit)),
            Step::Restart => self.world.restart(),
            Step::Kill => self.world.kill(),
        }
        let snapshot = self.world.room().kinesis.inner().catalog.snapshot();
        let stream = snapshot.all_streams().next().expect("there is one");
        check_tiling(stream.shards.open());
    }

    fn open_shards(&self) -> Vec<Value> {
        let filter = r#"{"StreamName":"s","ShardFilter":{"Type":"AT_LATEST"},"MaxResults":3}"#;
        let mut open = self.world.list_shards(filter);
        open.sort_by_key(|shard| number(&shard["HashKeyRange"]["StartingHashKey"]));
        open
    }

    fn split(&mut self, at: &prop::sample::Index, eighth: u8) {
        let open = self.open_shards();
        let shard = &open[at.index(open.len())];
        let start = number(&shard["HashKeyRange"]["StartingHashKey"]);
        let end = number(&shard["HashKeyRange"]["EndingHashKey"]);
        let key = start + (end - start) / 8 * u128::from(eighth);
        let input = format!(
            r#"{{"StreamName":"s","ShardToSplit":{},"NewStartingHashKey":"{key}"}}"#,
            shard["ShardId"]
        );
        self.try_change("SplitShard", &input);
    }

    fn merge(&mut self, at: &prop::sample::Index) {
        let open = self.open_shards();
        if let Some(pair) = open.windows(2).nth(at.index(open.len())) {
            let input = format!(
                r#"{{"StreamName":"s","ShardToMerge":{},"AdjacentShardToMerge":{}}}"#,
                pair[0]["ShardId"], pair[1]["ShardId"]
            );
            self.try_change("MergeShards", &input);
        }
    }

    /// A change that the stream's state or a limit may refuse.
    fn try_change(&self, operation: &str, input: &str) {
        let answer = self.world.call_as(&testing::caller(), operation, input);
        let refused = ["ResourceInUseException", "LimitExceededException"];
        let is_refused = refused.iter().any(|code| answer.starts_with(code));
        assert!(answer.is_empty() || answer.starts_with('{') || is_refused, "{input}: {answer}");
    }

    fn part_of_a_tick(&self, turns: u8) {
        self.world.set_now(self.world.now_ms() + DELAY_MS);
        let room = self.world.room();
        let mut tick = pin!(room.kinesis.tick());
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..turns {
            if tick.as_mut().poll(&mut context).is_ready() {
                return;
            }
            room.journal.step();
        }
    }

    /// Puts a record. If it is not stored after some turns of the journal, as when its shard is closed already, what is due
    /// goes on meanwhile.
    fn put(&mut self, key: u8, turns: usize) {
        let data = base64_simd::STANDARD.encode_to_string(self.next.to_be_bytes());
        let input = format!(r#"{{"StreamName":"s","PartitionKey":"key-{key}","Data":"{data}"}}"#);
        let room = self.world.room();
        let caller = testing::caller();
        let value = json::parse(input.as_bytes()).expect("an input");
        let mut put = pin!(room.kinesis.call(&caller, "PutRecord", value));
        let mut context = Context::from_waker(Waker::noop());
        let mut answer = put.as_mut().poll(&mut context);
        for _ in 0..turns {
            if answer.is_pending() {
                room.journal.step();
                answer = put.as_mut().poll(&mut context);
            }
        }
        let answer = match answer {
            Poll::Ready(answer) => answer,
            Poll::Pending => {
                self.world.settle();
                self.world.run(put)
            }
        };
        answer.expect("a record is taken at every moment");
        self.written.entry(key).or_default().push(self.next);
        self.next += 1;
    }

    fn start(&mut self, shard: &str) {
        assert!(self.started.insert(shard.to_owned()), "{shard} is started once");
        let index = shard.trim_start_matches("shardId-").parse().expect("a number");
        let iterator = self.world.iterator("s", index, "TRIM_HORIZON");
        self.reading.insert(shard.to_owned(), iterator);
    }

    /// One page of each shard that is read; true if there was a record or the end of a shard.
    fn read_pages(&mut self, limit: usize) -> bool {
        let mut moved = false;
        for (shard, iterator) in self.reading.clone() {
            let input = format!(r#"{{"ShardIterator":"{iterator}","Limit":{limit}}}"#);
            let page = self.world.ok("GetRecords", &input);
            for record in page["Records"].as_array().expect("a list") {
                self.take(record);
                moved = true;
            }
            match (page.get("NextShardIterator"), page.get("ChildShards")) {
                (Some(next), None) => {
                    let next = next.as_str().expect("text").to_owned();
                    self.reading.insert(shard, next);
                }
                (None, Some(children)) => {
                    assert_eq!(page["MillisBehindLatest"], 0);
                    self.reading.remove(&shard);
                    self.finished.insert(shard.clone());
                    self.follow(&shard, children.as_array().expect("a list"));
                    moved = true;
                }
                _ => panic!("an iterator or children, and not both: {page}"),
            }
        }
        moved
    }

    /// Starts the children all of whose parents are read.
    fn follow(&mut self, shard: &str, children: &[Value]) {
        assert!(!children.is_empty());
        for child in children {
            let parents = child["ParentShards"].as_array().expect("a list");
            let parents: Vec<_> = parents.iter().map(|id| id.as_str().expect("text")).collect();
            assert!(parents.contains(&shard), "{child}");
            if parents.iter().all(|&parent| self.finished.contains(parent)) {
                self.start(child["ShardId"].as_str().expect("text"));
            }
        }
    }

    fn take(&mut self, record: &Value) {
        let key = record["PartitionKey"].as_str().expect("text");
        let key = key.trim_start_matches("key-").parse().expect("a number");
        let data = record["Data"].as_str().expect("text");
        let data = base64_simd::STANDARD.decode_to_vec(data).expect("Base64");
        let number = u64::from_be_bytes(data.try_into().expect("eight bytes"));
        self.read.entry(key).or_default().push(number);
    }

    fn check(mut self) {
        self.world.settle();
        while self.read_pages(7) {}
        assert_eq!(self.read, self.written);
        let open = self.open_shards();
        let open: BTreeSet<_> = open.iter().map(|shard| shard["ShardId"].as_str()).collect();
        let reading: BTreeSet<_> = self.reading.keys().map(|shard| Some(shard.as_str())).collect();
        assert_eq!(reading, open, "the reader came to the open shards");
    }
}

fn number(text: &Value) -> u128 {
    text.as_str().expect("text").parse().expect("a number")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_record_is_read_once_and_in_order(
        shard_count in 1u32..5, steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut run = Run::new(shard_count);
        steps.into_iter().for_each(|step| run.step(step));
        run.check();
    }
}

/// A plan is finished whatever its last life was doing: after the intent, in the queue, closed and not published.
#[test]
fn a_plan_is_finished_after_a_restart_at_any_of_its_steps() {
    for turns in 0..5 {
        for restart in [Step::Restart, Step::Kill] {
            for before in [None, Some(Step::Put { key: 1, count: 3 })] {
                let mut run = Run::new(2);
                run.put(1, 5);
                run.step(Step::UpdateShardCount { target: 3 });
                run.step(Step::PartOfATick { turns });
                before.into_iter().for_each(|step| run.step(step));
                run.step(restart.clone());
                assert_eq!(run.world.status("s"), "ACTIVE");
                assert_eq!(run.world.open_shard_count("s"), 3);
                run.put(1, 5);
                run.check();
            }
        }
    }
}
