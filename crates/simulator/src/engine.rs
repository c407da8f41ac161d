//! The rooms of one life of the process, opened in the order of the product, driven without threads or a runtime.

use std::{
    cell::Cell,
    future::Future,
    mem,
    pin::{Pin, pin},
    sync::{Arc, OnceLock},
    task::{Context, Poll, Waker},
};

use nautilus_identity::{Caller, Identity};
use nautilus_kinesis::{Config, Kinesis, Limits};
use nautilus_log::{
    Clock, Config as JournalConfig, Disk, Durability, Journal, ManualClock, Options, Reserve,
    SeededRng, ShardLogId, Threads,
};
use nautilus_store::{Store, StoreManifest};
use nautilus_wire::{Answer, AwsError, json};
use serde_json::Value as Json;

use crate::{
    disk::SimDisk,
    model::{Groups, Violation},
    reply::{Call, NO_SPACE, Reply},
};

/// What a world chooses for all its lives.
#[derive(Debug)]
pub(crate) struct Settings {
    pub durability: Durability,
    pub segment_bytes: u64,
    /// In memory, this is all there is.
    pub tail_bytes_max: usize,
    pub transition_delay_ms: u64,
}

/// Turns without any progress after which nothing will come any more.
const IDLE_TURNS_MAX: usize = 50;
/// So long a write waits for the shards that follow a closed one, and some time more.
const WAIT_MS: u64 = 6_000;
/// In proportion to a world's segments.
const RESERVE_BYTES: usize = 32 << 10;

/// What came back, and what the world knows besides.
pub(crate) struct Answered {
    pub reply: Reply,
    /// The groups in which what was written may be.
    pub groups: Groups,
    /// It waited by the clock.
    pub late: bool,
}

pub(crate) struct Engine {
    journal: Journal,
    kinesis: Kinesis,
    clock: Arc<ManualClock>,
    disk: SimDisk,
    caller: Caller,
    reserve: Reserve,
    /// Why the process must end, once catalog or journal have said so.
    failure: Arc<OnceLock<String>>,
    /// Groups that were written, counted on from the lives before.
    groups: Cell<u64>,
}

impl Engine {
    /// The reply to a writer that did not wait for one.
    pub(crate) const HUNG_UP: &str = "hung up";

    /// Opens what is on the disk; tells what the journal found.
    pub(crate) fn open(
        sim_disk: &SimDisk,
        clock: Arc<ManualClock>,
        life: u64,
        groups: u64,
        settings: &Settings,
    ) -> Result<(Engine, String), String> {
        let disk: Arc<dyn Disk> = Arc::new(sim_disk.clone());
        let rng = Arc::new(SeededRng::new(life));
        let failure = Arc::new(OnceLock::new());
        let (of_catalog, of_journal) = (failure.clone(), failure.clone());
        let store = Store::open(
            &*disk,
            Threads::Stepped,
            Box::new(move |error| _ = of_catalog.set(error.to_string())),
        )
        .map_err(text)?;
        let reserve = Reserve::of_bytes(disk.clone(), RESERVE_BYTES);
        store.set_reserve(reserve.clone());
        let shards = nautilus_kinesis::living_shards(&store).map_err(text)?;
        let (journal, report) = Journal::open(Options {
            disk,
            clock: clock.clone(),
            rng: rng.clone(),
            manifest: Arc::new(StoreManifest::open(&store).map_err(text)?),
            living: shards.living,
            next_shard: ShardLogId(shards.next_id),
            config: JournalConfig {
                durability: settings.durability,
                segment_bytes: settings.segment_bytes,
                tail_bytes_max: settings.tail_bytes_max,
                footer_bytes_max: 4_000,
                threads: Threads::Stepped,
                on_fatal: Box::new(move |error| _ = of_journal.set(error.to_string())),
            },
        })
        .map_err(text)?;
        let config = Config {
            transition_delay_ms: settings.transition_delay_ms,
            limits: Limits::off(),
            metrics: true,
        };
        let kinesis =
            Kinesis::open(store, journal.clone(), clock.clone(), rng, config).map_err(text)?;
        if !report.damage.is_empty() {
            return Err(format!("{:?}", report.damage));
        }
        let caller = Identity::dev().operator("000000000000", "us-east-1");
        let told = format!("{} cuts", report.cuts.len());
        let (disk, groups) = (sim_disk.clone(), Cell::new(groups));
        Ok((Engine { journal, kinesis, clock, disk, caller, reserve, failure, groups }, told))
    }

    /// Why the process must end, if it must.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// The disk stopped or the process must end: this life is over, the process may not know it yet.
    pub(crate) fn is_down(&self) -> bool {
        self.disk.stopped_at().is_some() || self.failure().is_some()
    }

    /// Groups that were written so far, in all lives.
    pub(crate) fn groups(&self) -> u64 {
        self.groups.get()
    }

    fn step(&self) -> bool {
        let waited = self.journal.step();
        self.groups.set(self.groups.get() + u64::from(waited));
        waited
    }

    /// A turn of the journal with nothing to do.
    pub(crate) fn idle(&self) {
        self.step();
    }

    /// Makes a segment ahead, if there is none; false if that failed.
    pub(crate) fn make_ahead(&self) -> bool {
        self.journal.make_ahead(&self.reserve)
    }

    /// Ends in peace.
    pub(crate) fn stop(&self) {
        self.journal.stop();
    }

    /// Makes calls beside each other. Who hangs up does so when the call first has to wait. What is due is finished
    /// meanwhile, its turn before that of a call, if that is said. A call that waits for what cannot come is waited for,
    /// if it may, by the clock.
    pub(crate) fn call_all(
        &self,
        calls: &[Call],
        hung_up: &[bool],
        tick_before: Option<usize>,
        may_wait: bool,
    ) -> Result<Vec<Answered>, Violation> {
        let bodies: Vec<Vec<u8>> =
            calls.iter().map(|call| call.input.to_string().into_bytes()).collect();
        let mut waiting: Vec<Option<Calling<'_>>> = calls
            .iter()
            .zip(&bodies)
            .map(|(call, body)| Some(Box::pin(self.call(call, body)) as Calling<'_>))
            .collect();
        let first = self.groups() + 1;
        let mut replies: Vec<Option<Answered>> = calls.iter().map(|_| None).collect();
        let mut tick = tick_before.map(|before| (before, Box::pin(self.kinesis.tick())));
        let (mut idle_turns, mut patient) = (0, may_wait);
        while idle_turns < IDLE_TURNS_MAX {
            let mut progress = false;
            for (index, slot) in waiting.iter_mut().enumerate() {
                if tick.as_mut().is_some_and(|(before, tick)| {
                    *before == index && poll(tick.as_mut()).is_ready()
                }) {
                    tick = None;
                    progress = true;
                }
                let Some(calling) = slot else { continue };
                let reply = match poll(calling.as_mut()) {
                    Poll::Ready(reply) => reply,
                    Poll::Pending if hung_up[index] => Reply::Lost(Engine::HUNG_UP.to_owned()),
                    Poll::Pending => continue,
                };
                // Who hung up does not know what became of it.
                let last = if hung_up[index] { u64::MAX } else { self.groups() };
                *slot = None;
                let late = may_wait && !patient;
                replies[index] = Some(Answered { reply, groups: Groups { first, last }, late });
                progress = true;
            }
            // Also what nobody waits for any more is written.
            progress |= self.step();
            if !progress && tick.is_none() && waiting.iter().all(Option::is_none) {
                break;
            }
            idle_turns = if progress { 0 } else { idle_turns + 1 };
            if idle_turns == IDLE_TURNS_MAX && mem::take(&mut patient) && !self.is_down() {
                self.clock.set_ms(self.clock.now_ms() + WAIT_MS);
                self.tick()?;
                idle_turns = 0;
            }
        }
        if idle_turns == IDLE_TURNS_MAX && !self.is_down() {
            return Err(Violation::new("a call is never answered"));
        }
        let now = self.groups();
        let answered = |answered: Option<Answered>| {
            let lost = || Reply::Lost("no answer".to_owned());
            let Some(Answered { reply, groups, late }) = answered else {
                return Answered { reply: lost(), groups: Groups { first, last: now }, late: true };
            };
            Answered { reply, groups: Groups { first, last: groups.last.min(now) }, late }
        };
        Ok(replies.into_iter().map(answered).collect())
    }

    async fn call(&self, call: &Call, body: &[u8]) -> Reply {
        let answered = match json::parse(body) {
            Ok(input) => self.kinesis.call(&self.caller, call.operation, input).await,
            Err(error) => Err(error),
        };
        reply_of(answered)
    }

    /// Lets what is due go on for some turns of the journal, and leaves it there: the process is about to end.
    pub(crate) fn part_of_a_tick(&self, turns: u64) {
        let mut tick = pin!(self.kinesis.tick());
        for _ in 0..turns {
            if poll(tick.as_mut()).is_ready() {
                return;
            }
            self.step();
        }
    }

    /// Has everything done that is due by now.
    pub(crate) fn tick(&self) -> Result<(), Violation> {
        for _ in 0..IDLE_TURNS_MAX {
            let mut tick = pin!(self.kinesis.tick());
            let mut turns = 0;
            let next = loop {
                match poll(tick.as_mut()) {
                    Poll::Ready(next) => break next,
                    Poll::Pending if turns == IDLE_TURNS_MAX => {
                        return match self.is_down() {
                            true => Ok(()),
                            false => Err(Violation::new("a tick never ends")),
                        };
                    }
                    Poll::Pending => {
                        self.step();
                        turns += 1;
                    }
                }
            };
            let now_ms = self.clock.now_ms();
            if next.is_none_or(|next| next > now_ms) || self.is_down() {
                return Ok(());
            }
        }
        Err(Violation::new("ticks are always due"))
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

type Calling<'a> = Pin<Box<dyn Future<Output = Reply> + 'a>>;

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn reply_of(answered: Result<Answer, AwsError>) -> Reply {
    match answered {
        Ok(answer) if answer.body.is_empty() => Reply::Done(Json::Null),
        Ok(answer) => match serde_json::from_slice(&answer.body) {
            Ok(json) => Reply::Done(json),
            Err(error) => Reply::Refused {
                code: "no JSON".to_owned(),
                message: format!("{error}: {:?}", answer.body),
            },
        },
        Err(error) if error.status >= 500 && error.code != NO_SPACE => {
            Reply::Lost(error.to_string())
        }
        Err(error) => Reply::Refused {
            code: error.code.into_owned(),
            message: error.message.unwrap_or_default(),
        },
    }
}
