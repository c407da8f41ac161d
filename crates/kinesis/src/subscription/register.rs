//! Who is subscribed to what: at most one subscription for each consumer and shard.
//!
//! A call within five seconds of one that succeeded is refused, whatever became of the other; a later one takes over.
//! Calls come at a rate besides: AWS's is one a second for each consumer and shard, and one that is refused for the five
//! seconds counts. All that, and the bytes that were given, is remembered for as long as it matters and no longer.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering::SeqCst},
    },
};

use nautilus_wire::AwsError;
use parking_lot::Mutex;
use tokio::sync::{Notify, futures::Notified};

use crate::{
    error::Error,
    limits,
    model::{consumer::Consumer, ids::ShardId},
    rates::bucket::{Bucket, Meter, Rate},
};

/// All subscriptions of the process.
#[derive(Debug, Default)]
pub(crate) struct Register {
    seats: Arc<Mutex<Seats>>,
}

#[derive(Debug, Default)]
struct Seats {
    taken: HashMap<Key, Taken>,
    /// How many of those are of subscriptions that live.
    living: usize,
    /// No more: the server goes.
    stopped: bool,
}

/// A consumer's ARN, which is given once, and a shard of its stream.
type Key = (Arc<str>, ShardId);

#[derive(Debug)]
struct Taken {
    begun_ms: u64,
    /// Of the calls for it.
    calls: Bucket,
    bell: Arc<Bell>,
    bytes: Arc<Meter>,
    is_living: bool,
}

/// The right to be subscribed, until it is dropped or somebody else has it.
#[derive(Debug)]
pub(crate) struct Seat {
    pub bell: Arc<Bell>,
    /// What the consumer was given of the shard, by this and earlier subscriptions.
    pub bytes: Arc<Meter>,
    key: Key,
    account: String,
    stream: String,
    consumer: String,
    seats: Arc<Mutex<Seats>>,
}

/// What wakes a subscription that nothing is appended for.
#[derive(Debug)]
pub(crate) struct Bell {
    rung: Notify,
    ended: AtomicU8,
    /// When the wheel rings it, and `u64::MAX` if it does not.
    pub(super) due_ms: AtomicU64,
}

/// Why a subscription is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Ended {
    /// Another has its seat.
    Replaced = 1,
    /// The server stops.
    Stopped = 2,
}

impl Register {
    /// Takes the seat of a consumer at a shard, from whoever has it, if `rate` lets the call in.
    pub(crate) fn take(
        &self,
        consumer: &Consumer,
        shard: ShardId,
        rate: Option<&Rate>,
        now_ms: u64,
    ) -> Result<Seat, Error> {
        let key: Key = (consumer.arn().into(), shard);
        let mut seats = self.seats.lock();
        let (mut bytes, calls) = (Arc::default(), Bucket::default());
        if let Some(before) = seats.taken.get(&key) {
            if rate.is_some_and(|rate| !before.calls.take(rate, 1, now_ms)) {
                return Err(too_often(consumer, shard));
            }
            if before.is_fresh(now_ms) {
                return Err(exists(&consumer.account, &consumer.stream, shard, &consumer.name));
            }
            bytes = before.bytes.clone();
        }
        let replaces = seats.taken.get(&key).is_some_and(|before| before.is_living);
        if seats.living >= limits::SUBSCRIPTIONS_MAX && !replaces {
            let text = "There are too many subscriptions. Try again.";
            return Err(Error::Wire(AwsError::service_unavailable(text)));
        }
        seats.sweep(now_ms);
        if let Some(rate) = rate {
            calls.take(rate, 1, now_ms);
        }
        let bell = Arc::new(Bell::default());
        if seats.stopped {
            bell.end(Ended::Stopped);
        }
        let taken = Taken {
            begun_ms: now_ms,
            calls,
            bell: bell.clone(),
            bytes: Arc::clone(&bytes),
            is_living: true,
        };
        match seats.taken.insert(key.clone(), taken) {
            Some(before) if before.is_living => before.bell.end(Ended::Replaced),
            _ => seats.living += 1,
        }
        Ok(Seat {
            bell,
            bytes,
            key,
            account: consumer.account.clone(),
            stream: consumer.stream.clone(),
            consumer: consumer.name.clone(),
            seats: self.seats.clone(),
        })
    }

    /// How many subscriptions live.
    pub(crate) fn living(&self) -> usize {
        self.seats.lock().living
    }

    /// Ends all, and whatever begins later.
    pub(crate) fn stop(&self) {
        let mut seats = self.seats.lock();
        seats.stopped = true;
        for taken in seats.taken.values() {
            taken.bell.end(Ended::Stopped);
        }
    }
}

impl Seats {
    /// Forgets what does not matter any more, when that is much of what is here.
    fn sweep(&mut self, now_ms: u64) {
        const KEPT_MIN: usize = 1024;
        if self.taken.len() >= KEPT_MIN.max(2 * self.living) {
            self.taken.retain(|_, taken| taken.is_living || taken.is_fresh(now_ms));
        }
    }
}

impl Taken {
    /// False for a moment that lies ahead too: the clock was set back since.
    fn is_fresh(&self, now_ms: u64) -> bool {
        now_ms.abs_diff(self.begun_ms) < limits::TAKE_OVER_AFTER_MS
    }
}

impl Seat {
    /// What whoever lost the seat is told.
    pub(crate) fn replaced_error(&self) -> Error {
        exists(&self.account, &self.stream, self.key.1, &self.consumer)
    }
}

fn too_often(consumer: &Consumer, shard: ShardId) -> Error {
    let Consumer { account, stream, .. } = consumer;
    Error::LimitExceeded(format!(
        "Rate exceeded for shard {shard} in stream {stream} under account {account}."
    ))
}

fn exists(account: &str, stream: &str, shard: ShardId, consumer: &str) -> Error {
    Error::SubscriptionExists {
        account: account.to_owned(),
        stream: stream.to_owned(),
        shard: shard.to_string(),
        consumer: consumer.to_owned(),
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.seats.lock();
        if let Some(taken) = seats.taken.get_mut(&self.key)
            && Arc::ptr_eq(&taken.bell, &self.bell)
        {
            taken.is_living = false;
            seats.living -= 1;
        }
    }
}

impl Default for Bell {
    fn default() -> Bell {
        Bell { rung: Notify::new(), ended: AtomicU8::new(0), due_ms: AtomicU64::new(u64::MAX) }
    }
}

impl Bell {
    /// Rings. A ring that nobody waits for is not lost.
    pub(crate) fn ring(&self) {
        self.rung.notify_one();
    }

    pub(crate) fn rung(&self) -> Notified<'_> {
        self.rung.notified()
    }

    fn end(&self, why: Ended) {
        self.ended.store(why as u8, SeqCst);
        self.ring();
    }

    pub(crate) fn ended(&self) -> Option<Ended> {
        match self.ended.load(SeqCst) {
            0 => None,
            1 => Some(Ended::Replaced),
            _ => Some(Ended::Stopped),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{consumer::tests::consumer_of, stream::tests::stream_of};

    const NOW_MS: u64 = 1_795_489_200_000;

    #[test]
    fn there_is_an_end_to_how_many_live_at_once() {
        let (register, consumer) = (Register::default(), consumer_of(&stream_of(1), "c"));
        let take =
            |index: usize, now_ms| register.take(&consumer, ShardId(index as u32), None, now_ms);
        let mut seats: Vec<_> = (0..limits::SUBSCRIPTIONS_MAX)
            .map(|index| take(index, NOW_MS).expect("there is room"))
            .collect();
        let full = take(limits::SUBSCRIPTIONS_MAX, NOW_MS).expect_err("there is none");
        assert_eq!(AwsError::from(full).status, 503);
        // Taking over takes no room, and who goes makes some.
        seats.push(take(0, NOW_MS + limits::TAKE_OVER_AFTER_MS).expect("it is another's seat"));
        seats.remove(1);
        take(limits::SUBSCRIPTIONS_MAX, NOW_MS).expect("there is room again");
    }

    #[test]
    fn what_does_not_matter_any_more_is_forgotten() {
        let (register, consumer) = (Register::default(), consumer_of(&stream_of(1), "c"));
        let kept = register.take(&consumer, ShardId(0), None, NOW_MS).expect("it is free");
        for index in 1..10_000 {
            let now_ms = NOW_MS + u64::from(index) * 100;
            drop(register.take(&consumer, ShardId(index), None, now_ms).expect("it is free"));
        }
        assert!(register.seats.lock().taken.len() <= 1100);
        let later_ms = NOW_MS + 2_000_000;
        register.take(&consumer, ShardId(0), None, later_ms).expect("it takes over");
        assert_eq!(kept.bell.ended(), Some(Ended::Replaced), "one that lives is not forgotten");
    }

    #[test]
    fn a_clock_that_was_set_back_refuses_nobody_for_long() {
        let (register, consumer) = (Register::default(), consumer_of(&stream_of(1), "c"));
        drop(register.take(&consumer, ShardId(0), None, NOW_MS).expect("it is free"));
        assert!(register.take(&consumer, ShardId(0), None, NOW_MS - 1000).is_err());
        assert!(register.take(&consumer, ShardId(0), None, NOW_MS - 3_600_000).is_ok());
    }

    #[test]
    fn calls_for_one_seat_come_at_their_rate() {
        let (register, consumer) = (Register::default(), consumer_of(&stream_of(1), "c"));
        let rate = Rate::per_second(1);
        let take = |shard, now_ms| {
            let taken = register.take(&consumer, ShardId(shard), Some(&rate), now_ms);
            taken.map(drop).map_err(|error| AwsError::from(error).code.into_owned())
        };
        let (often, exists) =
            (Err("LimitExceededException".to_owned()), Err("ResourceInUseException".to_owned()));
        assert_eq!(take(0, NOW_MS), Ok(()));
        assert_eq!(take(1, NOW_MS), Ok(()), "each shard has a rate of its own");
        assert_eq!(take(0, NOW_MS + 999), often);
        assert_eq!(take(0, NOW_MS + 1_000), exists, "what was refused took nothing");
        assert_eq!(take(0, NOW_MS + 1_500), often, "and what exists was a call");
        let over_ms = NOW_MS + limits::TAKE_OVER_AFTER_MS;
        assert_eq!(take(0, over_ms - 1), exists);
        assert_eq!(take(0, over_ms), often);
        assert_eq!(take(0, over_ms + 999), Ok(()));
        assert_eq!(take(0, over_ms + 1_000), often, "one that took over is a call too");
        assert_eq!(take(0, NOW_MS - 3_600_000), Ok(()), "a clock that was set back refuses nobody");
    }
}
