//! What this room keeps durable: the namespace `kinesis` of the catalog, its rows and its snapshot.
//!
//! ```text
//! meta                                next ids and the key of the tokens
//! stream/<account>/<region>/<name>    a stream with its shards, tags, settings
//! consumer/<account>/<region>/<stream>/<name>    a consumer with its tags
//! account/<account>/<region>          the settings of an account in a region
//! name/<account>/<region>/<name>      the last creation second of a deleted stream's shards
//! intent/<number, 20 digits>          a change under way: what ends a passing state, and when
//! ```
//!
//! Always: a snapshot is what its rows say, since both come from one [`Edit`] · ids are durable before they are used
//! and never given twice · a stream in a passing state has exactly one intent.

use std::{collections::BTreeMap, sync::Arc};

use nautilus_log::{
    Rng, ShardLogId,
    mutant::{self, Mutant},
};
use nautilus_store::{Change, Row};
use serde::{Deserialize, Serialize};

use crate::{
    error::Error,
    model::{
        arn::{self, ConsumerArn, StreamArn},
        commitment::Commitment,
        consumer::Consumer,
        reshard::Reshard,
        seal::{KEY_BYTES, Seal},
        shard::Shard,
        stream::Stream,
    },
};

/// The namespace's name.
pub(crate) const NAMESPACE: &str = "kinesis";

const META: &str = "meta";
const STREAM: &str = "stream/";
const CONSUMER: &str = "consumer/";
const ACCOUNT: &str = "account/";
const NAME: &str = "name/";
const INTENT: &str = "intent/";

/// Which stream: names are unique in an account and region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address<'a> {
    pub account: &'a str,
    pub region: &'a str,
    pub name: &'a str,
}

impl<'a> Address<'a> {
    pub(crate) fn of(stream: &'a Stream) -> Address<'a> {
        Address { account: &stream.account, region: &stream.region, name: &stream.name }
    }

    /// The stream that a consumer reads.
    pub(crate) fn of_consumer(consumer: &'a Consumer) -> Address<'a> {
        Address { account: &consumer.account, region: &consumer.region, name: &consumer.stream }
    }

    pub(crate) fn arn(&self) -> String {
        arn::stream_arn(self.account, self.region, self.name)
    }

    fn key(&self, prefix: &str) -> String {
        format!("{prefix}{}/{}/{}", self.account, self.region, self.name)
    }
}

/// A change that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Intent {
    pub account: String,
    pub region: String,
    pub name: String,
    pub stream_id: u64,
    /// When it is finished, by the service clock.
    pub due_ms: u64,
    pub plan: Plan,
}

impl Intent {
    pub(crate) fn new(stream: &Stream, due_ms: u64, plan: Plan) -> Intent {
        Intent {
            account: stream.account.clone(),
            region: stream.region.clone(),
            name: stream.name.clone(),
            stream_id: stream.id,
            due_ms,
            plan,
        }
    }

    pub(crate) fn address(&self) -> Address<'_> {
        Address { account: &self.account, region: &self.region, name: &self.name }
    }

    /// Whether it ends a passing state of this consumer.
    pub(crate) fn is_of_consumer(&self, consumer: &Consumer) -> bool {
        let (Plan::Register { consumer: name, created_ms }
        | Plan::Deregister { consumer: name, created_ms }) = &self.plan
        else {
            return false;
        };
        (self.stream_id, name, *created_ms)
            == (consumer.stream_id, &consumer.name, consumer.created_ms)
    }
}

/// What an intent will have done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "lowercase")]
pub(crate) enum Plan {
    /// The stream gets its shards and is ACTIVE.
    Create { shards: Vec<Shard> },
    /// A setting has changed already; the stream is ACTIVE again.
    Update,
    /// Shards are closed and others follow them, all in one step; the stream is ACTIVE again.
    Reshard(Reshard),
    /// A consumer of the stream is ACTIVE.
    Register { consumer: String, created_ms: u64 },
    /// A consumer of the stream is gone.
    Deregister { consumer: String, created_ms: u64 },
    /// The stream is gone, and so are its consumers and its logs; `logs` are those of a stream that never was ACTIVE.
    Delete { logs: Vec<u64> },
}

impl Plan {
    /// What the log calls it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Plan::Create { .. } => "create",
            Plan::Update => "update",
            Plan::Reshard(_) => "reshard",
            Plan::Register { .. } => "register consumer",
            Plan::Deregister { .. } => "deregister consumer",
            Plan::Delete { .. } => "delete",
        }
    }
}

/// The whole of the namespace at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    meta: Meta,
    /// By account and region.
    regions: Vec<Arc<Region>>,
    intents: BTreeMap<u64, Arc<Intent>>,
    /// Streams and consumers whose policies forbid something.
    denying: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Meta {
    next_stream: u64,
    next_shard_log: u64,
    next_intent: u64,
    /// The least creation second of the next consumer: an ARN is given once.
    #[serde(default)]
    consumer_second_min: u64,
    token_key: [u8; KEY_BYTES],
}

/// What one account has in one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Region {
    account: String,
    region: String,
    streams: BTreeMap<String, Arc<Stream>>,
    /// By stream; no stream without consumers is here.
    consumers: BTreeMap<String, Consumers>,
    commitment: Commitment,
    last_created_second: BTreeMap<String, u64>,
}

/// A stream's consumers by name.
pub(crate) type Consumers = Arc<BTreeMap<String, Arc<Consumer>>>;

impl Region {
    /// The streams by name.
    pub(crate) fn streams(&self) -> &BTreeMap<String, Arc<Stream>> {
        &self.streams
    }

    pub(crate) fn commitment(&self) -> Commitment {
        self.commitment
    }
}

impl Snapshot {
    /// The snapshot that the rows say; `None` if there are none yet.
    pub(crate) fn load(rows: Vec<(String, Vec<u8>)>) -> Result<Option<Snapshot>, Error> {
        if rows.is_empty() {
            return Ok(None);
        }
        let mut meta = None;
        let mut snapshot = Snapshot::empty([0; KEY_BYTES]);
        for (key, value) in rows {
            if key == META {
                meta = Some(parse::<Meta>(&key, &value)?);
            } else if key.starts_with(STREAM) {
                let stream: Stream = parse(&key, &value)?;
                snapshot.denying += usize::from(stream.denies());
                let (region, name) = (snapshot.region_mut(Address::of(&stream)), &stream.name);
                region.streams.insert(name.clone(), Arc::new(stream));
            } else if key.starts_with(CONSUMER) {
                let consumer: Consumer = parse(&key, &value)?;
                snapshot.denying += usize::from(consumer.denies());
                snapshot.consumers_mut(&consumer).insert(consumer.name.clone(), Arc::new(consumer));
            } else if let Some((account, region)) =
                key.strip_prefix(ACCOUNT).and_then(|rest| rest.split_once('/'))
            {
                let commitment = parse(&key, &value)?;
                let at = Address { account, region, name: "" };
                snapshot.region_mut(at).commitment = commitment;
            } else if let Some(rest) = key.strip_prefix(NAME) {
                let mut parts = rest.splitn(3, '/');
                let (Some(account), Some(region), Some(name)) =
                    (parts.next(), parts.next(), parts.next())
                else {
                    return Err(Error::catalog_row(&key, "is no name of a stream"));
                };
                let second = parse(&key, &value)?;
                let region = snapshot.region_mut(Address { account, region, name });
                region.last_created_second.insert(name.to_owned(), second);
            } else if let Some(number) = key.strip_prefix(INTENT) {
                let number = number
                    .parse()
                    .map_err(|_| Error::catalog_row(&key, "is no number of an intent"))?;
                snapshot.intents.insert(number, Arc::new(parse(&key, &value)?));
            } else {
                return Err(Error::catalog_row(&key, "is not known to this version"));
            }
        }
        snapshot.meta = meta.ok_or_else(|| Error::catalog_row(META, "is missing"))?;
        Ok(Some(snapshot))
    }

    /// The first snapshot of a new catalog.
    pub(crate) fn new(rng: &dyn Rng) -> Snapshot {
        let mut token_key = [0; KEY_BYTES];
        rng.fill(&mut token_key);
        Snapshot::empty(token_key)
    }

    fn empty(token_key: [u8; KEY_BYTES]) -> Snapshot {
        let meta = Meta {
            next_stream: 1,
            next_shard_log: 1,
            next_intent: 1,
            consumer_second_min: 0,
            token_key,
        };
        Snapshot { meta, regions: Vec::new(), intents: BTreeMap::new(), denying: 0 }
    }

    pub(crate) fn seal(&self) -> Seal {
        Seal::new(&self.meta.token_key)
    }

    /// Whether any policy forbids anything: else nothing is forbidden to a caller of the owner's account.
    pub(crate) fn denies(&self) -> bool {
        self.denying > 0
    }

    pub(crate) fn next_shard_log(&self) -> u64 {
        self.meta.next_shard_log
    }

    pub(crate) fn stream(&self, at: Address<'_>) -> Option<&Arc<Stream>> {
        self.region(at.account, at.region)?.streams.get(at.name)
    }

    /// The consumers of a stream, by name.
    pub(crate) fn consumers(&self, at: Address<'_>) -> Option<&Consumers> {
        self.region(at.account, at.region)?.consumers.get(at.name)
    }

    /// What an account has committed itself to in a region.
    pub(crate) fn commitment(&self, account: &str, region: &str) -> Commitment {
        self.region(account, region).map_or(Commitment::default(), Region::commitment)
    }

    /// A consumer by its stream and its name.
    pub(crate) fn consumer(&self, at: Address<'_>, name: &str) -> Option<&Arc<Consumer>> {
        self.consumers(at)?.get(name)
    }

    /// A consumer by its ARN. An ARN of an earlier life of the name finds nothing.
    pub(crate) fn consumer_by_arn(&self, arn: &ConsumerArn<'_>) -> Option<&Arc<Consumer>> {
        let StreamArn { account, region, name } = arn.stream;
        let consumer = self.consumer(Address { account, region, name }, arn.name)?;
        (consumer.created_second() == arn.created_second).then_some(consumer)
    }

    pub(crate) fn region(&self, account: &str, region: &str) -> Option<&Region> {
        let index = self.region_index(account, region).ok()?;
        Some(&self.regions[index])
    }

    pub(crate) fn all_streams(&self) -> impl Iterator<Item = &Arc<Stream>> {
        self.regions.iter().flat_map(|region| region.streams.values())
    }

    /// The intents with their numbers, oldest first.
    pub(crate) fn intents(&self) -> impl Iterator<Item = (u64, &Arc<Intent>)> {
        self.intents.iter().map(|(&number, intent)| (number, intent))
    }

    pub(crate) fn intent(&self, number: u64) -> Option<&Arc<Intent>> {
        self.intents.get(&number)
    }

    /// Every shard log that may hold records.
    pub(crate) fn shard_logs(&self) -> Vec<ShardLogId> {
        let planned = self.intents.values().flat_map(|intent| match &intent.plan {
            Plan::Create { shards } => shards.iter().map(|shard| shard.log).collect(),
            Plan::Reshard(reshard) => reshard.opening().map(|shard| shard.log).collect(),
            Plan::Delete { logs } => logs.clone(),
            Plan::Update | Plan::Register { .. } | Plan::Deregister { .. } => Vec::new(),
        });
        let living = self.all_streams().flat_map(|stream| stream.shards.all());
        let living = living.filter(|shard| shard.was_ever_open());
        living.map(|shard| shard.log).chain(planned).map(ShardLogId).collect()
    }

    /// The least creation second that a new shard under this name may have.
    pub(crate) fn created_second_min(&self, at: Address<'_>) -> u64 {
        let last = self
            .region(at.account, at.region)
            .and_then(|region| region.last_created_second.get(at.name));
        last.map_or(0, |last| last + 1)
    }

    fn region_index(&self, account: &str, region: &str) -> Result<usize, usize> {
        self.regions.binary_search_by(|one| (&*one.account, &*one.region).cmp(&(account, region)))
    }

    fn region_mut(&mut self, at: Address<'_>) -> &mut Region {
        let index = self.region_index(at.account, at.region).unwrap_or_else(|index| {
            let region = Region {
                account: at.account.to_owned(),
                region: at.region.to_owned(),
                streams: BTreeMap::new(),
                consumers: BTreeMap::new(),
                commitment: Commitment::default(),
                last_created_second: BTreeMap::new(),
            };
            self.regions.insert(index, Arc::new(region));
            index
        });
        Arc::make_mut(&mut self.regions[index])
    }

    /// Counts a policy that comes in the place of another; false stands for one that forbids nothing.
    fn recount(&mut self, denied: bool, denies: bool) {
        self.denying = self.denying + usize::from(denies) - usize::from(denied);
    }

    /// The consumers of a consumer's stream.
    fn consumers_mut(&mut self, of: &Consumer) -> &mut BTreeMap<String, Arc<Consumer>> {
        let region = self.region_mut(Address::of_consumer(of));
        Arc::make_mut(region.consumers.entry(of.stream.clone()).or_default())
    }
}

fn parse<T: serde::de::DeserializeOwned>(key: &str, value: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(value).map_err(|error| Error::catalog_row(key, &error.to_string()))
}

/// A change in the making: the next snapshot, and the rows that make it durable.
pub(crate) struct Edit {
    next: Snapshot,
    rows: Vec<Row>,
    meta_changed: bool,
}

impl Edit {
    pub(crate) fn new(snapshot: &Snapshot) -> Edit {
        Edit { next: snapshot.clone(), rows: Vec::new(), meta_changed: false }
    }

    /// The change that makes a new catalog durable.
    pub(crate) fn first(snapshot: &Snapshot) -> Edit {
        Edit { meta_changed: true, ..Edit::new(snapshot) }
    }

    /// Puts a stream in the place of the one of its name.
    pub(crate) fn put_stream(&mut self, stream: Stream) {
        let at = Address::of(&stream);
        self.put_row(at.key(STREAM), &stream);
        let denies = stream.denies();
        let streams = &mut self.next.region_mut(at).streams;
        let before = streams.insert(stream.name.clone(), Arc::new(stream));
        self.next.recount(before.is_some_and(|before| before.denies()), denies);
    }

    /// Takes a stream away; `created_second` is the last that was given under its name.
    pub(crate) fn remove_stream(&mut self, at: Address<'_>, created_second: u64) {
        self.rows.push(Row { key: at.key(STREAM), value: None });
        self.put_row(at.key(NAME), &created_second);
        let region = self.next.region_mut(at);
        let before = region.streams.remove(at.name);
        region.last_created_second.insert(at.name.to_owned(), created_second);
        self.next.recount(before.is_some_and(|before| before.denies()), false);
    }

    /// Puts a consumer in the place of the one of its name.
    pub(crate) fn put_consumer(&mut self, consumer: Consumer) {
        self.put_row(consumer_key(&consumer), &consumer);
        let denies = consumer.denies();
        let consumers = self.next.consumers_mut(&consumer);
        let before = consumers.insert(consumer.name.clone(), Arc::new(consumer));
        self.next.recount(before.is_some_and(|before| before.denies()), denies);
    }

    pub(crate) fn remove_consumer(&mut self, consumer: &Consumer) {
        self.rows.push(Row { key: consumer_key(consumer), value: None });
        let consumers = self.next.consumers_mut(consumer);
        let before = consumers.remove(&consumer.name);
        if consumers.is_empty() {
            self.next.region_mut(Address::of_consumer(consumer)).consumers.remove(&consumer.stream);
        }
        self.next.recount(before.is_some_and(|before| before.denies()), false);
    }

    pub(crate) fn add_intent(&mut self, intent: Intent) {
        let number = self.next.meta.next_intent;
        self.next.meta.next_intent += 1;
        self.meta_changed = true;
        self.put_row(intent_key(number), &intent);
        self.next.intents.insert(number, Arc::new(intent));
    }

    pub(crate) fn drop_intent(&mut self, number: u64) {
        self.rows.push(Row { key: intent_key(number), value: None });
        self.next.intents.remove(&number);
    }

    /// The creation second of a consumer that is registered now.
    pub(crate) fn consumer_second(&self, now_second: u64) -> u64 {
        now_second.max(self.next.meta.consumer_second_min)
    }

    /// A consumer of that second goes: none gets it again, and so none gets its ARN.
    pub(crate) fn retire_consumer_second(&mut self, second: u64) {
        let least = &mut self.next.meta.consumer_second_min;
        *least = (*least).max(second + 1);
        self.meta_changed = true;
    }

    pub(crate) fn set_commitment(&mut self, account: &str, region: &str, commitment: Commitment) {
        self.put_row(format!("{ACCOUNT}{account}/{region}"), &commitment);
        self.next.region_mut(Address { account, region, name: "" }).commitment = commitment;
    }

    pub(crate) fn allot_stream(&mut self) -> u64 {
        self.meta_changed = true;
        self.next.meta.next_stream += 1;
        self.next.meta.next_stream - 1
    }

    /// The first of `count` shard logs.
    pub(crate) fn allot_shard_logs(&mut self, count: u32) -> u64 {
        self.meta_changed = true;
        let first = self.next.meta.next_shard_log;
        self.next.meta.next_shard_log += u64::from(count);
        first
    }

    pub(crate) fn finish<T>(mut self, answer: T) -> Change<Snapshot, T> {
        if self.meta_changed {
            let meta = self.next.meta.clone();
            self.put_row(META.to_owned(), &meta);
        }
        if mutant::is(Mutant::CatalogBeforeIntent) {
            self.rows.retain(|row| !(row.key.starts_with(INTENT) && row.value.is_some()));
        }
        Change { next: Some(self.next), rows: self.rows, answer }
    }

    fn put_row(&mut self, key: String, value: &impl Serialize) {
        let value = serde_json::to_vec(value).expect("rows are maps with text as keys");
        self.rows.push(Row { key, value: Some(value) });
    }
}

/// A change that leaves everything as it is.
pub(crate) fn unchanged<T>(answer: T) -> Change<Snapshot, T> {
    Change { next: None, rows: Vec::new(), answer }
}

fn consumer_key(consumer: &Consumer) -> String {
    format!("{}/{}", Address::of_consumer(consumer).key(CONSUMER), consumer.name)
}

fn intent_key(number: u64) -> String {
    format!("{INTENT}{number:020}")
}

#[cfg(test)]
mod tests {
    use nautilus_log::SeededRng;

    use super::*;
    use crate::{
        model::{consumer::tests::consumer_of, shards::Shards, stream::tests::stream_of},
        policy::ResourcePolicy,
    };

    fn apply(rows: &mut BTreeMap<String, Vec<u8>>, change: Change<Snapshot, ()>) -> Snapshot {
        for row in change.rows {
            match row.value {
                Some(value) => rows.insert(row.key, value),
                None => rows.remove(&row.key),
            };
        }
        change.next.expect("an edit has a next snapshot")
    }

    fn reloaded(rows: &BTreeMap<String, Vec<u8>>) -> Snapshot {
        let rows = rows.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        Snapshot::load(rows).expect("our own rows").expect("there are rows")
    }

    #[test]
    fn the_rows_say_what_the_snapshot_says() {
        let mut rows = BTreeMap::new();
        let mut snapshot = Snapshot::new(&SeededRng::new(1));
        snapshot = apply(&mut rows, Edit::first(&snapshot).finish(()));
        assert_eq!(reloaded(&rows), snapshot);

        let stream = stream_of(3);
        let mut edit = Edit::new(&snapshot);
        assert_eq!((edit.allot_stream(), edit.allot_shard_logs(3)), (1, 1));
        edit.add_intent(Intent::new(
            &stream,
            5,
            Plan::Create { shards: stream.shards.all().to_vec() },
        ));
        edit.put_stream(Stream { shards: Shards::default(), ..stream.clone() });
        snapshot = apply(&mut rows, edit.finish(()));
        assert_eq!(reloaded(&rows), snapshot);
        assert_eq!(snapshot.shard_logs().len(), 3, "planned logs may hold records after a crash");

        let mut edit = Edit::new(&snapshot);
        edit.drop_intent(1);
        edit.put_stream(stream.clone());
        snapshot = apply(&mut rows, edit.finish(()));
        assert_eq!(reloaded(&rows), snapshot);
        assert_eq!(snapshot.shard_logs().len(), 3);

        let consumer = consumer_of(&stream, "c");
        let mut edit = Edit::new(&snapshot);
        edit.put_consumer(consumer.clone());
        snapshot = apply(&mut rows, edit.finish(()));
        assert_eq!(reloaded(&rows), snapshot);
        let arn = consumer.arn();
        let found = ConsumerArn::parse(&arn).and_then(|arn| snapshot.consumer_by_arn(&arn));
        assert_eq!(found.map(|found| &**found), Some(&consumer));

        let denying = |arn: &str| {
            let statement = serde_json::json!({
                "Effect": "Deny", "Principal": "*", "Action": "kinesis:*", "Resource": arn,
            });
            let policy = serde_json::json!({"Version": "2012-10-17", "Statement": statement});
            Some(ResourcePolicy::parse(policy.to_string(), arn).expect("a policy"))
        };
        let mut edit = Edit::new(&snapshot);
        edit.put_stream(Stream { policy: denying(&stream.arn()), ..stream.clone() });
        edit.put_consumer(Consumer { policy: denying(&arn), ..consumer.clone() });
        edit.put_consumer(Consumer { policy: denying(&arn), ..consumer.clone() });
        snapshot = apply(&mut rows, edit.finish(()));
        assert_eq!(reloaded(&rows), snapshot);
        assert_eq!(snapshot.denying, 2);

        let mut edit = Edit::new(&snapshot);
        edit.put_stream(stream.clone());
        snapshot = apply(&mut rows, edit.finish(()));
        assert_eq!(reloaded(&rows), snapshot);
        assert!(snapshot.denies(), "the consumer's policy is left");

        let mut edit = Edit::new(&snapshot);
        edit.remove_consumer(&consumer);
        edit.retire_consumer_second(consumer.created_second());
        let commitment = Commitment::default().enabled(7);
        edit.set_commitment(&consumer.account, &consumer.region, commitment);
        snapshot = apply(&mut rows, edit.finish(()));
        assert_eq!(reloaded(&rows), snapshot);
        assert!(snapshot.consumers(Address::of(&stream)).is_none());
        assert!(!snapshot.denies(), "a policy goes with what it is attached to");
        assert_eq!(Edit::new(&snapshot).consumer_second(1), consumer.created_second() + 1);
        assert_eq!(snapshot.commitment(&consumer.account, &consumer.region), commitment);

        let mut edit = Edit::new(&snapshot);
        edit.put_stream(Stream { policy: denying(&stream.arn()), ..stream.clone() });
        edit.remove_stream(Address::of(&stream), 17);
        snapshot = apply(&mut rows, edit.finish(()));
        assert_eq!(reloaded(&rows), snapshot);
        assert!(!snapshot.denies());
        assert_eq!(snapshot.created_second_min(Address::of(&stream)), 18);
        assert_eq!(Edit::new(&snapshot).allot_shard_logs(1), 4, "never given twice");
    }

    #[test]
    fn a_row_that_is_not_understood_is_refused() {
        for (key, value) in [("stream/a/b/c", "{}"), ("what/is", "1"), ("intent/x", "{}")] {
            let rows = vec![(key.to_owned(), value.as_bytes().to_vec())];
            assert!(Snapshot::load(rows).is_err(), "{key}");
        }
    }
}
