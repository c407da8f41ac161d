//! One simulated world: the rooms, the disk under them, the clock above them, and the model beside them.
//!
//! A life of the process begins with [`World::open`] and ends in peace, by a kill or by a loss of power. Whatever it
//! acknowledged or showed must be there in every later life.

use std::{fmt, ops::Bound, sync::Arc};

use nautilus_log::{Clock, Durability, ManualClock};

use crate::{
    chance::Chance,
    counts::{Counts, Outcome},
    disk::{Call as DiskCall, FileClass, Lie, SimDisk, Site},
    engine::{Answered, Engine, Settings},
    model::{Groups, Model, Sequence, Violation},
    reply::{Call, Reply},
    workload::{self, Prepared},
};

mod faults;
mod lives;
mod samplers;

use self::faults::Trouble;

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
    /// The groups that the call whose answer is judged may be in.
    groups: Groups,
    /// And it waited by the clock.
    late: bool,
    /// Without syncs: whatever was written in an earlier group than this one was synced all the same.
    at_risk_from: u64,
    trouble: Trouble,
    /// Groups that were written by earlier lives.
    groups_before: u64,
    /// The least that the clock was since every stream's shards were listed.
    lowest_ms: u64,
    next_record: u64,
    next_call: u64,
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
        let settings = some_settings(&chance);
        let mut world = World {
            model: Model::new(settings.transition_delay_ms),
            counts: Counts::default(),
            disk,
            clock: Arc::new(ManualClock::new(START_MS)),
            engine: None,
            readers: Vec::new(),
            to_follow: Vec::new(),
            turn: 0,
            groups: Groups::default(),
            late: false,
            at_risk_from: 1,
            trouble: Trouble::default(),
            groups_before: 0,
            lowest_ms: START_MS,
            next_record: 1,
            next_call: 0,
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
        self.disk.set_fault(None);
        self.crash()?;
        // Only what takes another segment's place is made under a final name.
        let made = Site { call: DiskCall::Create, class: FileClass::Segment };
        self.counts.event("segment rewritten", self.disk.calls_at(made));
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
        self.begin_batch();
        let short = self.is_short_of_space();
        let replies = self.engine().call_all(&calls, &hung_up, tick_before, short)?;
        self.clock_moved();
        // Who waits by the clock, waits for what is due.
        match tick_before.is_some() || replies.iter().any(|answered| answered.late) {
            true => self.ticked()?,
            false => self.note_syncs(),
        }
        for (one, (call, answered)) in prepared.into_iter().zip(calls.iter().zip(replies)) {
            let Answered { reply, groups, late } = answered;
            self.tell(format_args!("{call} -> {reply}"));
            (self.groups, self.late) = (groups, late);
            let outcome = self.judge(call.operation, one, reply);
            let outcome = outcome.map_err(|violation| violation.at(call.operation))?;
            self.counts.operation(call.operation, outcome);
        }
        self.end_batch();
        self.crash_if_down()
    }

    fn judge(
        &mut self,
        operation: &str,
        one: Box<dyn Prepared>,
        reply: Reply,
    ) -> Result<Outcome, Violation> {
        if let Reply::Lost(what) = &reply
            && what != Engine::HUNG_UP
            && !self.is_down()
            && !self.was_interrupted()
        {
            return Err(Violation::new(what.clone()));
        }
        if matches!(reply, Reply::Lost(_)) && operation == "GetRecords" && !self.is_down() {
            self.counts.event("a read fails, and the reader asks again", 1);
        }
        if reply.is_no_space() {
            // Nothing was done, and the model says nothing else.
            self.refused_for_space(operation)?;
            return Ok(Outcome::Refused);
        }
        if reply.is_throttled() {
            self.throttled()?;
            return Ok(Outcome::Refused);
        }
        one.settle(self, reply)
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

    /// One call that may fail, because the disk does. A read that was interrupted is asked for again.
    pub(crate) fn try_ask(&mut self, call: Call) -> Result<Reply, Violation> {
        let strikes = self.disk.strikes();
        let mut reply = self.ask_once(&call)?;
        if matches!(reply, Reply::Lost(_)) && self.disk.strikes() > strikes && !self.is_down() {
            self.counts.event("a read fails, and the reader asks again", 1);
            reply = self.ask_once(&call)?;
        }
        if matches!(reply, Reply::Done(_)) {
            self.counts.operation(call.operation, Outcome::Done);
        }
        Ok(reply)
    }

    fn ask_once(&self, call: &Call) -> Result<Reply, Violation> {
        let mut replies =
            self.engine().call_all(std::slice::from_ref(call), &[false], None, false)?;
        Ok(replies.pop().expect("one answer for one call").reply)
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

    /// What was due is finished, unless the disk stopped meanwhile or is full: then it may be.
    fn ticked(&mut self) -> Result<(), Violation> {
        if !self.is_down() {
            let now_ms = self.now_ms();
            self.engine().tick()?;
            match (self.is_down(), self.is_short_of_space()) {
                (true, _) => {}
                (false, true) => self.settle_as_seen(now_ms)?,
                (false, false) => self.model.settle(now_ms),
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

    pub(crate) fn clock_moved(&mut self) {
        let now_ms = self.now_ms();
        self.model.move_floors(now_ms);
    }

    /// The retention of a stream is about to change.
    pub(crate) fn expire_for_good(&mut self, name: &str) {
        let now_ms = self.now_ms();
        self.model.expire_for_good(name, now_ms);
    }

    fn engine(&self) -> &Engine {
        self.engine.as_ref().expect("a life goes on between steps")
    }
}

fn some_settings(chance: &Chance) -> Settings {
    let durability = match chance.weighted(&[13, 5, 2]) {
        0 => Durability::Fsync,
        1 => Durability::Os,
        _ => Durability::Memory,
    };
    let tail_bytes: &[usize] = match durability {
        Durability::Memory => &[20_000, 60_000, 1_000_000],
        Durability::Fsync | Durability::Os => &[0, 2_000, 1_000_000],
    };
    Settings {
        durability,
        segment_bytes: 1024 * chance.pick(&[4, 8, 16, 64]).copied().unwrap_or(8),
        tail_bytes_max: chance.pick(tail_bytes).copied().unwrap_or(0),
        transition_delay_ms: chance.pick(&[100, 500, 5_000]).copied().unwrap_or(500),
    }
}
