//! A plain Kinesis in memory, which knows what every answer must be.
//!
//! Streams are held as their names say; records by the *incarnation* of their stream, so that a deleted namesake's
//! record is foreign. An operation whose answer was lost in a crash may have happened: until the next look at the
//! stream the model holds both, and takes the one that is seen.

mod loss;
mod records;
mod stream;
mod topology;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::Bound,
};

pub use self::{
    loss::{Groups, Loss},
    records::{Floors, Put, Sequence, ShardRecords},
    stream::{Incarnation, Status, Stream},
    topology::{Filter, Listed, Moment, Range, Topology},
};

/// A broken promise, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation(String);

impl Violation {
    /// A broken promise.
    pub fn new(what: impl Into<String>) -> Violation {
        Violation(what.into())
    }

    /// Says where it was seen.
    #[must_use]
    pub fn at(self, place: impl fmt::Display) -> Violation {
        Violation(format!("{place}: {}", self.0))
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A record as GetRecords gave it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Where it stands.
    pub sequence: Sequence,
    /// Which record of the world it is, told by its data.
    pub id: u64,
    /// Its partition key.
    pub key: String,
    /// The length of its data.
    pub data_bytes: usize,
    /// When it arrived.
    pub arrival_ms: u64,
}

/// What a look at a stream shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// As the client reads it.
    pub status: String,
    /// Hours.
    pub retention_hours: u64,
    /// Open shards.
    pub shard_count: u64,
    /// Shard-level metrics.
    pub metrics: BTreeSet<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// All that a world knows.
#[derive(Debug)]
pub struct Model {
    transition_delay_ms: u64,
    /// How far the clock ever was.
    furthest_ms: u64,
    streams: BTreeMap<String, Stream>,
    incarnations: BTreeMap<u64, Incarnation>,
    /// The stream that an operation whose answer was lost may have made of this name; `None`: deleted it.
    unsure: Option<(String, Option<Stream>)>,
    /// The highest number of each name's earlier lives.
    last_of_name: BTreeMap<String, Sequence>,
    /// The power failed where nothing was synced, and not everything was read since.
    loss: Option<Loss>,
}

impl Model {
    /// Without a stream.
    pub fn new(transition_delay_ms: u64) -> Model {
        Model {
            transition_delay_ms,
            furthest_ms: 0,
            streams: BTreeMap::new(),
            incarnations: BTreeMap::new(),
            unsure: None,
            last_of_name: BTreeMap::new(),
            loss: None,
        }
    }

    /// The streams by name, in any state.
    pub fn streams(&self) -> &BTreeMap<String, Stream> {
        &self.streams
    }

    /// A stream in any state.
    pub fn stream(&self, name: &str) -> Option<&Stream> {
        self.streams.get(name)
    }

    /// The names whose streams are in a state that fits.
    pub fn names(&self, fits: impl Fn(Status) -> bool) -> Vec<String> {
        let fitting = self.streams.iter().filter(|(_, stream)| fits(stream.status));
        fitting.map(|(name, _)| name.clone()).collect()
    }

    /// One life of a stream; also of one that was deleted.
    pub fn incarnation(&mut self, number: u64) -> &mut Incarnation {
        self.incarnations.get_mut(&number).expect("every incarnation that was made is kept")
    }

    /// How many shards a stream ever had.
    pub fn shard_count(&self, name: &str) -> usize {
        let incarnation = self.stream(name).and_then(|it| self.incarnations.get(&it.incarnation));
        incarnation.map_or(0, |incarnation| incarnation.topology().count())
    }

    /// What an operation answered with success made of a stream. `None`: it is gone.
    pub fn set(&mut self, name: &str, stream: Option<Stream>) {
        match stream {
            Some(stream) => {
                let incarnation = Incarnation::new(name, &stream);
                self.incarnations.entry(stream.incarnation).or_insert(incarnation);
                self.streams.insert(name.to_owned(), stream);
            }
            None => self.remove(name),
        }
    }

    /// What an operation may have made of a stream, if it happened at all; its answer was lost.
    pub fn set_unsure(&mut self, name: &str, stream: Option<Stream>) {
        assert!(self.unsure.is_none(), "one change at a time, and a look after each that is lost");
        if let Some(stream) = &stream {
            let incarnation = Incarnation::new(name, stream);
            self.incarnations.entry(stream.incarnation).or_insert(incarnation);
        }
        self.unsure = Some((name.to_owned(), stream));
    }

    /// Time has passed and the transitions that were due have been run.
    pub fn settle(&mut self, now_ms: u64) {
        for name in self.due(now_ms) {
            self.finish(&name);
        }
    }

    /// The streams whose passing state is over by now.
    pub fn due(&self, now_ms: u64) -> Vec<String> {
        // What began much later than now, began before the clock was set back.
        let is_over = |since_ms| {
            since_ms + self.transition_delay_ms <= now_ms || since_ms > now_ms + SMALL_STEP_MS
        };
        let is_due = |stream: &Stream| stream.status.since_ms().is_some_and(is_over);
        let due = self.streams.iter().filter(|(_, stream)| is_due(stream));
        due.map(|(name, _)| name.clone()).collect()
    }

    /// A stream is due and there may have been no space to note its end: takes the side that a look shows. True if it has
    /// ended.
    pub fn settle_as_seen(&mut self, name: &str, look: Option<&Look>) -> Result<bool, Violation> {
        let Some(stream) = self.streams.get(name) else { return Ok(true) };
        let mut ended = Some(stream.clone());
        finish(&mut ended);
        let (before, after) = (stream.look(), ended.map(|stream| stream.look()));
        if look == after.as_ref() {
            self.finish(name);
            return Ok(true);
        }
        if look == Some(&before) {
            return Ok(false);
        }
        Err(Violation::new(format!("{name} shows {look:?}, expected {before:?} or {after:?}")))
    }

    /// A restart finishes every transition, and it does so before anyone can look.
    pub fn restarted(&mut self) {
        let passing = self.names(|status| status.since_ms().is_some());
        passing.iter().for_each(|name| self.finish(name));
        if let Some((_, stream)) = &mut self.unsure {
            finish(stream);
        }
    }

    /// The end of a process that kept everything in its memory.
    pub fn forget_everything(&mut self) {
        self.unsure = None;
        let names: Vec<String> = self.streams.keys().cloned().collect();
        names.iter().for_each(|name| self.remove(name));
        self.incarnations.values_mut().for_each(|it| it.gone(0));
        self.last_of_name.clear();
    }

    /// The power failed where nothing from this group on was synced: what is gone is found out by reading everything.
    pub fn lose_power(&mut self, at_risk_from: u64) {
        self.loss.get_or_insert(Loss::new(at_risk_from));
    }

    /// Nobody has looked yet at what a loss of power took.
    pub fn has_open_loss(&self) -> bool {
        self.loss.is_some()
    }

    /// Everything was read: what is gone is a suffix of whole groups. How many records.
    pub fn settle_loss(&mut self) -> Result<u64, Violation> {
        let Some(loss) = self.loss.take() else { return Ok(0) };
        for (name, stream) in &self.streams {
            if let Some(incarnation) = self.incarnations.get(&stream.incarnation) {
                incarnation.check_kept(&loss).map_err(|violation| violation.at(name))?;
            }
        }
        Ok(loss.count())
    }

    /// What a memory may hold at most: all that was not deleted for a while.
    pub fn bytes_max(&self, now_ms: u64) -> u64 {
        self.incarnations.values().map(|incarnation| incarnation.bytes_max(now_ms)).sum()
    }

    fn finish(&mut self, name: &str) {
        let mut stream = self.streams.get(name).cloned();
        finish(&mut stream);
        match stream {
            Some(stream) => _ = self.streams.insert(name.to_owned(), stream),
            None => self.remove(name),
        }
    }

    fn remove(&mut self, name: &str) {
        let Some(stream) = self.streams.remove(name) else { return };
        let last = self.incarnation(stream.incarnation).highest().cloned();
        let highest = self.last_of_name.remove(name).max(last);
        self.last_of_name.extend(highest.map(|last| (name.to_owned(), last)));
        let gone_ms = self.furthest_ms + GONE_MS;
        self.incarnation(stream.incarnation).gone(gone_ms);
    }

    /// Checks what a look at `name` shows (`None`: not found), and takes the side that it shows.
    pub fn check_look(&mut self, name: &str, look: Option<&Look>) -> Result<(), Violation> {
        let expected = self.stream(name).map(Stream::look);
        if let Some((_, unsure)) = self.unsure.take_if(|(unsure, _)| unsure == name) {
            let other = unsure.as_ref().map(Stream::look);
            if look == other.as_ref() {
                self.set(name, unsure);
                return Ok(());
            }
            if look != expected.as_ref() {
                return Err(Violation::new(format!(
                    "stream {name} shows {look:?}, expected {expected:?} or {other:?}"
                )));
            }
            return Ok(());
        }
        if look == expected.as_ref() {
            return Ok(());
        }
        Err(Violation::new(format!("stream {name} shows {look:?}, expected {expected:?}")))
    }

    /// How far the clock ever was.
    pub fn furthest_ms(&self) -> u64 {
        self.furthest_ms
    }

    /// The clock or a retention changed: moves the time before which each stream's records may be expired.
    pub fn move_floors(&mut self, now_ms: u64) {
        self.furthest_ms = self.furthest_ms.max(now_ms);
        for stream in self.streams.values() {
            if let Some(incarnation) = self.incarnations.get_mut(&stream.incarnation) {
                let floor_ms = now_ms.saturating_sub(stream.retention_hours * 3_600_000);
                incarnation.move_floor(floor_ms);
            }
        }
    }

    /// When a stream's records expire, as of now.
    pub fn floors(&self, name: &str, now_ms: u64) -> Floors {
        let Some(stream) = self.stream(name) else { return Floors::default() };
        let hard_ms = now_ms.saturating_sub(stream.retention_hours * 3_600_000);
        let soft_ms = self.incarnations.get(&stream.incarnation).map_or(0, Incarnation::floor_ms);
        Floors { hard_ms, soft_ms: soft_ms.max(hard_ms), opened_ms: 0 }
    }

    /// Learns a stream's shards from a whole list; how many are new and how many vanished. With `may_be_early` nobody
    /// knows whether a reshard under way is finished.
    pub fn learn_shards(
        &mut self,
        name: &str,
        listed: &[Listed],
        may_be_early: bool,
        at: Moment,
        now_ms: u64,
    ) -> Result<(usize, usize), Violation> {
        let floors = self.floors(name, now_ms);
        let stream = self.streams.get(name).ok_or_else(|| Violation::new("no such stream"))?;
        let mut either = vec![&*stream.ranges];
        either.extend(stream.plan.as_deref().filter(|_| may_be_early));
        let incarnation = self.incarnations.get_mut(&stream.incarnation);
        let incarnation = incarnation.ok_or_else(|| Violation::new("no such incarnation"))?;
        incarnation.learn(listed, &either, at, floors)
    }

    /// A retention is about to change: what is expired by now stays so.
    pub fn expire_for_good(&mut self, name: &str, now_ms: u64) {
        let floors = self.floors(name, now_ms);
        if let Some(incarnation) = self.stream(name).map(|stream| stream.incarnation) {
            self.incarnation(incarnation).expire(floors);
        }
    }

    /// A put was answered: the record stands at `sequence`, which must be above `before` and above every number of
    /// an earlier life of the name.
    pub fn acknowledged(
        &mut self,
        name: &str,
        shard: usize,
        put: Put,
        answer: Acknowledged<'_>,
    ) -> Result<(), Violation> {
        let stream = self.stream(name).ok_or_else(|| Violation::new("no such stream"))?;
        let incarnation = stream.incarnation;
        let Acknowledged { sequence, arrival_ms, before, closed_before } = answer;
        if closed_before {
            return Err(Violation::new(format!("{put:?} went to shard {shard}, closed before")));
        }
        for (what, floor) in [("its shard", before), ("its name", self.last_of_name.get(name))] {
            if floor.is_some_and(|floor| sequence <= *floor) {
                return Err(Violation::new(format!(
                    "record {} was given {sequence}, not above {floor:?} of {what}",
                    put.id
                )));
            }
        }
        let incarnation = self.incarnation(incarnation);
        incarnation.check_shard_of(&put, shard)?;
        incarnation.shard(shard)?.learn(sequence, put, arrival_ms)
    }

    /// Checks a page of `name`'s shard. How many of its records are there though their answer was lost.
    pub fn check_page(
        &mut self,
        name: &str,
        shard: usize,
        from: &Bound<Sequence>,
        page: &[Seen],
        reaches_end: bool,
        now_ms: u64,
    ) -> Result<u64, Violation> {
        let floors = self.floors(name, now_ms);
        let stream = self.stream(name).ok_or_else(|| Violation::new("no such stream"))?;
        let number = stream.incarnation;
        let incarnation = self.incarnations.get_mut(&number);
        let incarnation = incarnation.ok_or_else(|| Violation::new("no such incarnation"))?;
        let resolved = incarnation.resolve(shard, page)?;
        let floors = incarnation.floors_of(shard, floors);
        incarnation.shard(shard)?.check_page(
            from,
            page,
            reaches_end,
            floors,
            self.loss.as_mut(),
        )?;
        Ok(resolved)
    }
}

/// By so much a clock may be set back as if nothing were.
const SMALL_STEP_MS: u64 = 60_000;

/// How long a memory may hold what was deleted.
const GONE_MS: u64 = 1_000;

/// A stream's passing state is over.
fn finish(stream: &mut Option<Stream>) {
    match stream.as_ref().map(|stream| stream.status) {
        Some(Status::Deleting { .. }) => *stream = None,
        Some(_) => stream.iter_mut().for_each(Stream::activate),
        None => {}
    }
}

/// What a put was answered, and after what.
#[derive(Debug)]
pub struct Acknowledged<'a> {
    /// The number that it was given.
    pub sequence: Sequence,
    /// The time of the answer, which is the record's.
    pub arrival_ms: u64,
    /// The highest number that its shard had before the call.
    pub before: Option<&'a Sequence>,
    /// Its shard was closed before the call.
    pub closed_before: bool,
}
