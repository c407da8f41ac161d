//! The rooms of one life of the process, opened in the order of the product, driven without threads or a runtime.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use nautilus_identity::{Caller, Identity};
use nautilus_kinesis::{Config, Kinesis};
use nautilus_log::{
    Clock, Config as JournalConfig, Disk, Journal, ManualClock, Options, SeededRng, ShardLogId,
    Threads,
};
use nautilus_store::{Store, StoreManifest};
use nautilus_wire::{Answer, AwsError, json};
use serde_json::Value as Json;

use crate::{
    disk::SimDisk,
    model::Violation,
    reply::{Call, Reply},
};

/// What a world chooses for all its lives.
#[derive(Debug)]
pub(crate) struct Settings {
    pub segment_bytes: u64,
    pub tail_bytes_max: usize,
    pub transition_delay_ms: u64,
}

/// Turns without any progress after which nothing will come any more.
const IDLE_TURNS_MAX: usize = 50;

pub(crate) struct Engine {
    journal: Journal,
    kinesis: Kinesis,
    clock: Arc<ManualClock>,
    disk: SimDisk,
    caller: Caller,
}

impl Engine {
    /// The reply to a writer that did not wait for one.
    pub(crate) const HUNG_UP: &str = "hung up";

    /// Opens what is on the disk; tells what the journal found.
    pub(crate) fn open(
        sim_disk: &SimDisk,
        clock: Arc<ManualClock>,
        life: u64,
        settings: &Settings,
    ) -> Result<(Engine, String), String> {
        let disk: Arc<dyn Disk> = Arc::new(sim_disk.clone());
        let rng = Arc::new(SeededRng::new(life));
        let store = Store::open(&*disk, Threads::Stepped, Box::new(|_| ())).map_err(text)?;
        let shards = nautilus_kinesis::living_shards(&store).map_err(text)?;
        let (journal, report) = Journal::open(Options {
            disk,
            clock: clock.clone(),
            rng: rng.clone(),
            manifest: Arc::new(StoreManifest::open(&store).map_err(text)?),
            living: shards.living,
            next_shard: ShardLogId(shards.next_id),
            config: JournalConfig {
                durability: nautilus_log::Durability::Fsync,
                segment_bytes: settings.segment_bytes,
                tail_bytes_max: settings.tail_bytes_max,
                footer_bytes_max: 4_000,
                threads: Threads::Stepped,
                on_fatal: Box::new(|_| ()),
            },
        })
        .map_err(text)?;
        let config =
            Config { transition_delay_ms: settings.transition_delay_ms, limits_enforced: false };
        let kinesis =
            Kinesis::open(store, journal.clone(), clock.clone(), rng, config).map_err(text)?;
        if !report.damage.is_empty() {
            return Err(format!("{:?}", report.damage));
        }
        let caller = Identity::dev().operator("000000000000", "us-east-1");
        let told = format!("{} cuts", report.cuts.len());
        Ok((Engine { journal, kinesis, clock, disk: sim_disk.clone(), caller }, told))
    }

    /// Ends in peace.
    pub(crate) fn stop(&self) {
        self.journal.stop();
    }

    /// Makes calls beside each other. Who hangs up does so when the call first has to wait. What is due is finished
    /// meanwhile, its turn before that of a call, if that is said.
    pub(crate) fn call_all(
        &self,
        calls: &[Call],
        hung_up: &[bool],
        tick_before: Option<usize>,
    ) -> Result<Vec<Reply>, Violation> {
        let bodies: Vec<Vec<u8>> =
            calls.iter().map(|call| call.input.to_string().into_bytes()).collect();
        let mut waiting: Vec<Option<Calling<'_>>> = calls
            .iter()
            .zip(&bodies)
            .map(|(call, body)| Some(Box::pin(self.call(call, body)) as Calling<'_>))
            .collect();
        let mut replies: Vec<Option<Reply>> = calls.iter().map(|_| None).collect();
        let mut tick = tick_before.map(|before| (before, Box::pin(self.kinesis.tick())));
        let mut idle_turns = 0;
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
                *slot = None;
                replies[index] = Some(reply);
                progress = true;
            }
            // Also what nobody waits for any more is written.
            progress |= self.journal.step();
            if !progress && tick.is_none() && waiting.iter().all(Option::is_none) {
                break;
            }
            idle_turns = if progress { 0 } else { idle_turns + 1 };
        }
        if idle_turns == IDLE_TURNS_MAX && self.disk.stopped_at().is_none() {
            return Err(Violation::new("a call is never answered"));
        }
        let lost = || Reply::Lost("no answer".to_owned());
        Ok(replies.into_iter().map(|reply| reply.unwrap_or_else(lost)).collect())
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
            self.journal.step();
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
                        return match self.disk.stopped_at() {
                            Some(_) => Ok(()),
                            None => Err(Violation::new("a tick never ends")),
                        };
                    }
                    Poll::Pending => {
                        self.journal.step();
                        turns += 1;
                    }
                }
            };
            let now_ms = self.clock.now_ms();
            if next.is_none_or(|next| next > now_ms) || self.disk.stopped_at().is_some() {
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
        Err(error) if error.status >= 500 => Reply::Lost(error.to_string()),
        Err(error) => Reply::Refused {
            code: error.code.into_owned(),
            message: error.message.unwrap_or_default(),
        },
    }
}
