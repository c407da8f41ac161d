//! One simulated world: the rooms, the disk under them, the clock above them, and the model beside them.
//!
//! A life of the process begins with [`World::open`] and ends in peace, by a kill or by a loss of power. Whatever it
//! acknowledged or showed must be there in every later life.

use std::{fmt, ops::Bound, sync::Arc};

use nautilus_log::{Clock, ManualClock};

use crate::{
    chance::Chance,
    counts::{Counts, End, Outcome},
    disk::{Fuse, Keep, Lie, SimDisk},
    engine::{Engine, Settings},
    model::{Model, Sequence, Violation},
    reply::{Call, Reply},
    workload::{self, Prepared},
};

mod samplers;

/// The names that streams of a world can have.
pub(crate) const NAMES: [&str; 4] = ["alpha", "beta", "gamma", "delta"];
/// The keys that tags of a world can have.
pub(crate) const TAG_KEYS: [&str; 4] = ["env", "owner", "team", "tier"];

const REGION: &str = "us-east-1";
const ACCOUNT: &str = "000000000000";
/// Some day in 2026.
const START_MS: u64 = 1_795_489_200_000;
const READERS_MAX: usize = 6;

/// A reader that follows its iterators.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    pub name: String,
    pub incarnation: u64,
    pub shard: usize,
    pub iterator: String,
    pub issued_ms: u64,
    /// What it must see next.
    pub from: Bound<Sequence>,
}

/// See the module.
pub struct World {
    pub(crate) chance: Chance,
    pub(crate) model: Model,
    pub(crate) counts: Counts,
    disk: SimDisk,
    clock: Arc<ManualClock>,
    settings: Settings,
    engine: Option<Engine>,
    readers: Vec<Reader>,
    /// Shards whose parents a reader has read to the end: stream, its life, and which.
    to_follow: Vec<(String, u64, usize)>,
    /// How many batches of calls there were.
    turn: u64,
    /// The least that the clock was since every stream's shards were listed.
    lowest_ms: u64,
    next_record: u64,
    next_incarnation: u64,
    next_life: u64,
    /// Every record has the same size: then one life's frames lie exactly over another's.
    equal_bytes: Option<u64>,
    story: String,
}

impl World {
    /// A new world on an empty disk.
    pub fn new(seed: u64, lie: Option<Lie>) -> Result<World, Violation> {
        let chance = Chance::new(seed);
        let disk = SimDisk::new(chance.below(u64::MAX));
        disk.set_lie(lie);
        let settings = Settings {
            segment_bytes: 1024 * chance.pick(&[4, 8, 16, 64]).copied().unwrap_or(8),
            tail_bytes_max: chance.pick(&[0, 2_000, 1_000_000]).copied().unwrap_or(0),
            transition_delay_ms: chance.pick(&[100, 500, 5_000]).copied().unwrap_or(500),
        };
        let mut world = World {
            model: Model::new(settings.transition_delay_ms),
            counts: Counts::default(),
            disk,
            clock: Arc::new(ManualClock::new(START_MS)),
            engine: None,
            readers: Vec::new(),
            to_follow: Vec::new(),
            turn: 0,
            lowest_ms: START_MS,
            next_record: 1,
            next_incarnation: 1,
            next_life: 1,
            // From several frames in a sector to several sectors in a frame.
            equal_bytes: if chance.one_in(2) {
                chance.pick(&[24, 424, 936, 1_900]).copied()
            } else {
                None
            },
            story: String::new(),
            settings,
            chance,
        };
        let chosen = format!("{:?}, equal bytes: {:?}", world.settings, world.equal_bytes);
        world.tell(format_args!("{chosen}"));
        world.open_or_crash()?;
        Ok(world)
    }

    /// Does `steps` steps, then a last check of everything, over one more restart.
    pub fn live(&mut self, steps: u64) -> Result<(), Violation> {
        for step in 0..steps {
            workload::step(self).map_err(|violation| violation.at(format!("step {step}")))?;
        }
        self.disk.set_fuse(None);
        self.crash()?;
        workload::verify_all(self)
    }

    /// What was done so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// What happened, line by line; the same for the same seed.
    pub fn story(&self) -> &str {
        &self.story
    }

    fn tell(&mut self, line: fmt::Arguments<'_>) {
        use fmt::Write;
        let now_ms = self.clock.now_ms() as i64 - START_MS as i64;
        // Data is mostly padding: the head of a line says what happened.
        let line = line.to_string();
        tracing::debug!("{line:.1000}");
        writeln!(self.story, "{now_ms:>10} {line:.1000}").expect("a string takes every line");
    }
}

/// What steps do.
impl World {
    /// Makes calls that run beside each other, judges the answers, and ends the life if the disk stopped.
    pub(crate) fn run(&mut self, prepared: Vec<Box<dyn Prepared>>) -> Result<(), Violation> {
        self.run_beside(prepared, None)
    }

    /// Does so while what is due is finished, its turn before that of one of the calls.
    pub(crate) fn run_with_tick(
        &mut self,
        prepared: Vec<Box<dyn Prepared>>,
    ) -> Result<(), Violation> {
        let before = self.chance.below(prepared.len() as u64) as usize;
        self.run_beside(prepared, Some(before))
    }

    fn run_beside(
        &mut self,
        prepared: Vec<Box<dyn Prepared>>,
        tick_before: Option<usize>,
    ) -> Result<(), Violation> {
        self.turn += 1;
        let calls: Vec<Call> = prepared.iter().map(|one| one.call()).collect();
        let hung_up = self.some_hang_ups(&calls);
        let replies = self.engine().call_all(&calls, &hung_up, tick_before)?;
        if tick_before.is_some() {
            self.ticked()?;
        }
        for (one, (call, reply)) in prepared.into_iter().zip(calls.iter().zip(replies)) {
            self.tell(format_args!("{} {} -> {reply}", call.operation, call.input));
            if let Reply::Lost(what) = &reply
                && !self.is_down()
                && what != Engine::HUNG_UP
            {
                return Err(Violation::new(format!("{}: {what}", call.operation)));
            }
            let settled = one.settle(self, reply);
            let outcome = settled.map_err(|violation| violation.at(call.operation))?;
            self.counts.operation(call.operation, outcome);
        }
        self.crash_if_down()
    }

    /// Some writers hang up before they are answered; their records may be written all the same.
    fn some_hang_ups(&self, calls: &[Call]) -> Vec<bool> {
        let is_put = |call: &Call| matches!(call.operation, "PutRecord" | "PutRecords");
        calls.iter().map(|call| is_put(call) && self.chance.one_in(40)).collect()
    }

    /// One call that must be answered.
    pub(crate) fn ask(&mut self, call: Call) -> Result<Reply, Violation> {
        match self.try_ask(call.clone())? {
            Reply::Lost(what) => Err(Violation::new(format!("{}: {what}", call.operation))),
            reply => Ok(reply),
        }
    }

    /// One call that may fail, because the disk does.
    pub(crate) fn try_ask(&mut self, call: Call) -> Result<Reply, Violation> {
        let mut replies = self.engine().call_all(std::slice::from_ref(&call), &[false], None)?;
        let reply = replies.pop().expect("one answer for one call");
        if matches!(reply, Reply::Done(_)) {
            self.counts.operation(call.operation, Outcome::Done);
        }
        Ok(reply)
    }

    pub(crate) fn set_clock(&mut self, to_ms: u64) -> Result<(), Violation> {
        self.move_clock(to_ms);
        self.engine().tick()?;
        if self.is_down() {
            return self.crash();
        }
        self.ticked()
    }

    /// Moves the clock, and nobody has noticed yet.
    pub(crate) fn move_clock(&mut self, to_ms: u64) {
        self.clock.set_ms(to_ms);
        self.lowest_ms = self.lowest_ms.min(to_ms);
        self.tell(format_args!("clock"));
        self.clock_moved();
    }

    /// What was due is finished, unless the disk stopped meanwhile: then it may be.
    fn ticked(&mut self) -> Result<(), Violation> {
        if !self.is_down() {
            let now_ms = self.now_ms();
            self.engine().tick()?;
            if !self.is_down() {
                self.model.settle(now_ms);
            }
        }
        if self.is_down() && self.reshards_are_under_way() {
            self.counts.event("disk stops in a reshard's last step", 1);
        }
        workload::learn_all(self).map_err(|violation| violation.at("after a tick"))
    }

    fn reshards_are_under_way(&self) -> bool {
        self.model.streams().values().any(|stream| stream.plan.is_some())
    }

    /// Ends this life while what is due is half done.
    pub(crate) fn crash_in_a_tick(&mut self, turns: u64) -> Result<(), Violation> {
        self.tell(format_args!("{turns} turns of a tick"));
        self.engine().part_of_a_tick(turns);
        self.counts.event("crash in a reshard's last step", 1);
        self.crash()
    }

    pub(crate) fn clock_moved(&mut self) {
        let now_ms = self.now_ms();
        self.model.move_floors(now_ms);
    }

    /// The retention of a stream is about to change.
    pub(crate) fn expire_for_good(&mut self, name: &str) {
        let now_ms = self.now_ms();
        self.model.expire_for_good(name, now_ms);
    }

    pub(crate) fn light(&mut self, fuse: Fuse) {
        self.tell(format_args!("fuse {fuse:?}"));
        self.disk.set_fuse(Some(fuse));
    }

    /// Stops in peace and starts again.
    pub(crate) fn restart(&mut self) -> Result<(), Violation> {
        self.engine().stop();
        if self.is_down() {
            return self.crash();
        }
        self.end(End::CleanStop);
        // What was stopped in peace is durable even if the power goes a moment later.
        if self.chance.one_in(2) {
            self.disk.lose_power(some_keep(&self.chance));
        } else {
            self.disk.kill();
        }
        self.engine = None;
        self.open_or_crash()
    }

    /// Ends this life, and perhaps the next ones while they recover, and looks at what is left.
    pub(crate) fn crash(&mut self) -> Result<(), Violation> {
        loop {
            self.last_look()?;
            let end = self.end_life(End::Killed, End::PowerLost);
            self.end(end);
            self.open_or_crash()?;
            if self.chance.percent(50) {
                workload::verify_all(self)?;
            }
            // Two crashes in a row, with nothing written between them.
            if !self.chance.percent(25) {
                return Ok(());
            }
        }
    }

    fn crash_if_down(&mut self) -> Result<(), Violation> {
        if self.is_down() { self.crash() } else { Ok(()) }
    }

    /// A process that cannot write any more goes on answering readers for a moment.
    fn last_look(&mut self) -> Result<(), Violation> {
        if !self.is_down() {
            return Ok(());
        }
        workload::last_look(self).map_err(|violation| violation.at("last look before the end"))
    }

    fn end_life(&mut self, killed: End, power_lost: End) -> End {
        if let Some(site) = self.disk.stopped_at() {
            *self.counts.sites.entry(site).or_default() += 1;
            self.tell(format_args!("stopped in: {site}"));
        }
        let end = if self.chance.one_in(2) {
            self.disk.kill();
            killed
        } else {
            self.disk.lose_power(some_keep(&self.chance));
            power_lost
        };
        // Only now, so that nothing of an orderly end reaches the disk.
        self.engine = None;
        end
    }

    fn end(&mut self, end: End) {
        *self.counts.ends.entry(end).or_default() += 1;
        self.tell(format_args!("{end}"));
    }

    /// Opens, and crashes a few times on the way.
    fn open_or_crash(&mut self) -> Result<(), Violation> {
        for _ in 0..3 {
            if self.chance.percent(30) {
                self.disk.set_fuse(Some(Fuse::Calls(self.chance.below(40))));
            }
            match self.open() {
                Ok(()) if !self.is_down() => break,
                Err(error) if !self.is_down() => {
                    return Err(Violation::new(format!("does not open: {error}")));
                }
                _ => {
                    let end = self.end_life(End::KilledInRecovery, End::PowerLostInRecovery);
                    self.end(end);
                }
            }
        }
        self.disk.set_fuse(None);
        if self.engine.is_none() {
            self.open().map_err(|error| Violation::new(format!("does not open: {error}")))?;
        }
        if self.reshards_are_under_way() {
            self.counts.event("life ends with a reshard under way", 1);
        }
        self.model.restarted();
        workload::look_at_all(self).map_err(|violation| violation.at("after a start"))
    }

    fn open(&mut self) -> Result<(), String> {
        // A new life does not know how far the clock was; a start takes longer than clocks are set back.
        let now_ms = self.now_ms();
        self.clock.set_ms(now_ms.max(self.model.furthest_ms()));
        self.clock_moved();
        self.disk.set_recovering(true);
        let life = self.next_life;
        self.next_life += 1;
        let opened = Engine::open(&self.disk, self.clock.clone(), life, &self.settings);
        self.disk.set_recovering(false);
        let (engine, report) = opened?;
        self.tell(format_args!("opened: {report}"));
        self.engine = Some(engine);
        Ok(())
    }

    fn engine(&self) -> &Engine {
        self.engine.as_ref().expect("a life goes on between steps")
    }
}

fn some_keep(chance: &Chance) -> Keep {
    match chance.weighted(&[2, 1, 3, 2, 2]) {
        0 => Keep::Nothing,
        1 => Keep::Everything,
        2 => Keep::EachSector { percent: 50 },
        3 => Keep::EachSector { percent: 10 },
        _ => Keep::EachSector { percent: 90 },
    }
}
