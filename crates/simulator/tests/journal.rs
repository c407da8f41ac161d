//! The journal alone, with thousands of short lives: every acknowledged record once, at its position, after every
//! crash; what one recovery cut comes back at none; no position is given twice.
//!
//! Narrower than `model.rs` and far quicker: it opens no Kinesis. A failing seed replays with
//! `NAUTILUS_SEEDS=<seed>..<seed + 1>`.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    ops::Range,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use nautilus_log::{
    AppendResult, Clock, Config, Disk, FrameBuilder, Journal, ManualClock, Options, ReadRequest,
    SeededRng, ShardLogId, Threads,
};
use nautilus_simulator::{Chance, Fuse, Keep, SimDisk};
use nautilus_store::{Store, StoreManifest};

const SEEDS: Range<u64> = 0..300;
const STEPS: u64 = 150;
const SHARDS: u64 = 3;

/// The records of one append, by shard.
type Sent = Vec<(u64, Vec<u64>)>;
type Results = Pin<Box<dyn Future<Output = Vec<AppendResult>>>>;

struct World {
    chance: Chance,
    disk: SimDisk,
    clock: Arc<ManualClock>,
    journal: Option<Journal>,
    segment_bytes: u64,
    tail_bytes_max: usize,
    equal: Option<u64>,
    next_record: u64,
    life: u64,
    /// By shard and position: acknowledged or seen.
    known: BTreeMap<(u64, u64), u64>,
    /// Sent, fate unknown: record to shard.
    open: BTreeMap<u64, u64>,
    expired: BTreeMap<u64, u64>,
    cutoff_ms: u64,
    arrived: BTreeMap<(u64, u64), u64>,
    story: Vec<String>,
}

impl World {
    fn new(seed: u64) -> World {
        let chance = Chance::new(seed);
        World {
            disk: SimDisk::new(chance.below(u64::MAX)),
            clock: Arc::new(ManualClock::new(1_000_000)),
            journal: None,
            segment_bytes: 1024 * *chance.pick(&[2, 4, 8, 32]).expect("not empty"),
            tail_bytes_max: *chance.pick(&[0, 1_000, 100_000]).expect("not empty"),
            equal: if chance.one_in(2) { chance.pick(&[24, 440, 1_900]).copied() } else { None },
            next_record: 1,
            life: 0,
            known: BTreeMap::new(),
            open: BTreeMap::new(),
            expired: BTreeMap::new(),
            cutoff_ms: 0,
            arrived: BTreeMap::new(),
            story: Vec::new(),
            chance,
        }
    }

    fn tell(&mut self, line: String) {
        self.story.push(line);
    }

    fn try_open(&mut self) -> Result<(), String> {
        self.life += 1;
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let store =
            Store::open(&*disk, Threads::Stepped, Box::new(|_| ())).map_err(|e| text(&e))?;
        let manifest = Arc::new(StoreManifest::open(&store).map_err(|e| text(&e))?);
        let (journal, report) = Journal::open(Options {
            disk,
            clock: self.clock.clone(),
            rng: Arc::new(SeededRng::new(self.life)),
            manifest,
            living: (1..=SHARDS).map(ShardLogId).collect(),
            next_shard: ShardLogId(SHARDS + 1),
            config: Config {
                durability: nautilus_log::Durability::Fsync,
                segment_bytes: self.segment_bytes,
                tail_bytes_max: self.tail_bytes_max,
                footer_bytes_max: 4_000,
                threads: Threads::Stepped,
                on_fatal: Box::new(|_| ()),
            },
        })
        .map_err(|e| text(&e))?;
        if !report.damage.is_empty() {
            return Err(format!("damage: {:?}", report.damage));
        }
        self.tell(format!("opened, cuts {:?}", report.cuts));
        self.journal = Some(journal);
        Ok(())
    }

    fn open(&mut self) -> Result<(), String> {
        loop {
            if self.chance.percent(30) {
                self.disk.set_fuse(Some(Fuse::Calls(self.chance.below(30))));
            }
            let opened = self.try_open();
            if self.disk.stopped_at().is_some() {
                self.die();
                continue;
            }
            self.disk.set_fuse(None);
            return opened;
        }
    }

    /// A process that cannot write any more goes on answering readers for a moment: what they see must stay.
    fn last_look(&mut self) -> Result<(), String> {
        let journal = self.journal();
        for shard in 1..=SHARDS {
            let last = self.known.range((shard, 0)..(shard + 1, 0)).next_back();
            let request = ReadRequest {
                shard: ShardLogId(shard),
                from: last.map_or(1, |((_, at), _)| at + 1),
                records_max: 100,
                bytes_max: 100_000,
                cutoff_ms: 0,
            };
            let Poll::Ready(Ok(page)) = poll(pin!(journal.read(request))) else { continue };
            for frame in &page.frames {
                for record in frame.records().filter(|record| record.position >= request.from) {
                    let head = record.data[..8].try_into().expect("eight bytes");
                    let id = u64::from_le_bytes(head);
                    if self.open.remove(&id) != Some(shard) {
                        return Err(format!("{id} at {} came from nowhere", record.position));
                    }
                    self.learn(shard, record.position, id, frame.arrival_ms());
                }
            }
        }
        Ok(())
    }

    fn die(&mut self) {
        let site = self.disk.stopped_at();
        let keep = match self.chance.below(5) {
            0 => None,
            1 => Some(Keep::Nothing),
            2 => Some(Keep::Everything),
            3 => Some(Keep::EachSector { percent: 50 }),
            _ => Some(Keep::EachSector { percent: 90 }),
        };
        match keep {
            None => self.disk.kill(),
            Some(keep) => self.disk.lose_power(keep),
        }
        self.tell(format!("died, stopped at {site:?}, kept {keep:?}"));
        self.journal = None;
    }

    fn step(&mut self) -> Result<(), String> {
        match self.chance.weighted(&[60, 8, 6, 4, 10, 6]) {
            0 => self.append()?,
            1 => {
                let fuse =
                    Fuse::Calls(self.chance.below(if self.chance.one_in(2) { 3 } else { 25 }));
                self.tell(format!("fuse {fuse:?}"));
                self.disk.set_fuse(Some(fuse));
            }
            2 => {
                self.die();
                self.open()?;
            }
            3 => {
                self.journal().stop();
                if self.disk.stopped_at().is_none() {
                    self.disk.kill();
                    self.tell("stopped in peace".to_owned());
                    self.journal = None;
                    self.open()?;
                }
            }
            4 => {
                let now_ms = self.clock.now_ms() + self.chance.between(1, 2_000_000);
                self.clock.set_ms(now_ms);
            }
            _ => self.trim(),
        }
        if self.disk.stopped_at().is_some() {
            self.last_look()?;
            self.die();
            self.open()?;
        }
        if self.chance.percent(30) { self.read_all() } else { Ok(()) }
    }

    fn journal(&self) -> Journal {
        self.journal.clone().expect("open between steps")
    }

    fn trim(&mut self) {
        let now_ms = self.clock.now_ms();
        self.cutoff_ms = self.cutoff_ms.max(now_ms.saturating_sub(4_000_000));
        let cutoffs: Vec<_> = (1..=SHARDS).map(|id| (ShardLogId(id), self.cutoff_ms)).collect();
        self.tell(format!("trim to {}", self.cutoff_ms));
        self.journal().trim(&cutoffs);
    }

    fn append(&mut self) -> Result<(), String> {
        let journal = self.journal();
        let now_ms = self.clock.now_ms();
        let mut waiting: Vec<(Sent, Results)> = Vec::new();
        for _ in 0..self.chance.between(1, 4) {
            let mut sent = Vec::new();
            let mut frames = Vec::new();
            for shard in 1..=SHARDS {
                // The last shard is mostly idle: its position must not be forgotten.
                if !self.chance.one_in(if shard == SHARDS { 60 } else { 2 }) {
                    continue;
                }
                let mut builder = FrameBuilder::new(ShardLogId(shard), 64);
                let count = if self.equal.is_some() { 1 } else { self.chance.between(1, 4) };
                let ids: Vec<u64> = (0..count).map(|_| self.send(shard, &mut builder)).collect();
                sent.push((shard, ids));
                frames.push(builder.finish());
            }
            if frames.is_empty() {
                continue;
            }
            self.tell(format!("append {sent:?}"));
            let append = journal.append(frames.into_iter().collect());
            waiting.push((sent, Box::pin(async move { append.await.into_iter().collect() })));
        }
        while journal.step() {}
        for (sent, mut results) in waiting {
            let Poll::Ready(results) = poll(results.as_mut()) else {
                return Err("an append is never answered".to_owned());
            };
            for ((shard, ids), result) in sent.into_iter().zip(results) {
                match result {
                    AppendResult::Written { first, arrival_ms } => {
                        for (id, position) in ids.into_iter().zip(first..) {
                            self.open.remove(&id);
                            self.check_new(shard, position, id)?;
                            self.learn(shard, position, id, arrival_ms);
                        }
                        if arrival_ms != now_ms {
                            return Err(format!("arrived at {arrival_ms}, not {now_ms}"));
                        }
                    }
                    AppendResult::Refused(_) if self.disk.stopped_at().is_some() => {}
                    AppendResult::Refused(refusal) => return Err(format!("{refusal:?}")),
                }
            }
        }
        Ok(())
    }

    fn send(&mut self, shard: u64, builder: &mut FrameBuilder) -> u64 {
        let id = self.next_record;
        self.next_record += 1;
        self.open.insert(id, shard);
        let more = self.equal.unwrap_or_else(|| self.chance.below(700)) as usize;
        let pushed: Result<(), ()> = builder.push(b"key", None, 8 + more, |data| {
            data.fill(7);
            data[..8].copy_from_slice(&id.to_le_bytes());
            Ok(())
        });
        assert!(pushed.is_ok());
        id
    }

    fn check_new(&self, shard: u64, at: u64, id: u64) -> Result<(), String> {
        let last = self.known.range((shard, 0)..(shard + 1, 0)).next_back();
        if let Some(((_, last), _)) = last
            && at <= *last
        {
            return Err(format!("record {id} at {shard}/{at}, but {last} was given before"));
        }
        Ok(())
    }

    fn learn(&mut self, shard: u64, at: u64, id: u64, arrival_ms: u64) {
        self.known.insert((shard, at), id);
        self.arrived.insert((shard, at), arrival_ms);
    }

    fn read_all(&mut self) -> Result<(), String> {
        for shard in 1..=SHARDS {
            self.read_shard(shard).map_err(|error| format!("shard {shard}: {error}"))?;
        }
        self.open.clear();
        Ok(())
    }

    fn read_shard(&mut self, shard: u64) -> Result<(), String> {
        let journal = self.journal();
        let mut from = 1;
        let mut seen = BTreeSet::new();
        loop {
            let request = ReadRequest {
                shard: ShardLogId(shard),
                from,
                records_max: self.chance.between(1, 50) as usize,
                bytes_max: self.chance.between(1, 10_000) as usize,
                cutoff_ms: self.cutoff_ms,
            };
            let Poll::Ready(page) = poll(pin!(journal.read(request))) else {
                return Err("a read is never answered".to_owned());
            };
            let page = page.map_err(|error| error.to_string())?;
            for frame in &page.frames {
                for record in frame.records().filter(|record| record.position >= from) {
                    let head = record.data[..8].try_into().expect("eight bytes");
                    let (id, at) = (u64::from_le_bytes(head), record.position);
                    if record.data[8..].iter().any(|byte| *byte != 7) {
                        return Err(format!("{at} holds other bytes"));
                    }
                    if !seen.insert(at) {
                        return Err(format!("{at} came twice"));
                    }
                    match self.known.get(&(shard, at)) {
                        Some(known) if *known == id => {}
                        Some(known) => return Err(format!("{at} is {id}, was {known}")),
                        None if self.open.remove(&id) == Some(shard) => {
                            self.learn(shard, at, id, frame.arrival_ms());
                        }
                        None => return Err(format!("{id} at {at} came from nowhere")),
                    }
                }
            }
            if page.next >= page.visible_end {
                break;
            }
            if page.next <= from {
                return Err(format!("a read from {from} stays there"));
            }
            from = page.next;
        }
        self.check_missing(shard, &seen)
    }

    fn check_missing(&mut self, shard: u64, seen: &BTreeSet<u64>) -> Result<(), String> {
        let (mut effective_ms, mut expired) = (0, self.expired.get(&shard).copied().unwrap_or(0));
        for (&(_, at), _) in self.known.range((shard, 0)..(shard + 1, 0)) {
            effective_ms = effective_ms.max(self.arrived[&(shard, at)]);
            match (seen.contains(&at), effective_ms < self.cutoff_ms) {
                (true, false) if at > expired => {}
                (true, _) if at <= expired => return Err(format!("expired {at} came back")),
                (false, true) => expired = expired.max(at),
                (false, false) if at > expired => return Err(format!("{at} is missing")),
                // An expired record may be given together with a living one of its frame or run.
                _ => {}
            }
        }
        self.expired.insert(shard, expired);
        Ok(())
    }
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn run(seed: u64) -> Result<(), (String, Vec<String>)> {
    let mut world = World::new(seed);
    let mut live = || {
        world.open()?;
        for _ in 0..STEPS {
            world.step()?;
        }
        world.die();
        world.open()?;
        world.read_all()
    };
    let lived: Result<(), String> = live();
    lived.map_err(|error| (error, world.story))
}

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("NAUTILUS_SEEDS") else { return SEEDS };
    let (from, to) = text.split_once("..").expect("NAUTILUS_SEEDS is like 0..200");
    from.parse().expect("a number")..to.parse().expect("a number")
}

#[test]
fn the_journal_keeps_every_promise_on_every_seed() {
    for seed in seeds() {
        if let Err((error, story)) = run(seed) {
            let last = story.len().saturating_sub(40);
            panic!("{}\nseed {seed}: {error}", story[last..].join("\n"));
        }
    }
}
