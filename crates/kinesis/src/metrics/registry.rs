//! Where the counts of everything are found again, also of what the catalog does not have any more.
//!
//! What counts for the first time is entered here. What is gone is told once more for both minutes and then forgotten.

use std::sync::{Arc, atomic};

use parking_lot::Mutex;

use super::{
    Measured,
    counts::{ConsumerCounts, ShardCounts, StreamCounts},
    tell::Teller,
};
use crate::{
    catalog::Address,
    limits,
    model::{consumer::Consumer, ids::ShardId, shard::Shard, stream::Stream},
};

/// All counts of the process.
#[derive(Debug)]
pub(crate) struct Meters {
    is_on: bool,
    /// Entered since the last telling. Locked for a moment, by whoever counts something for the first time.
    fresh: Mutex<Fresh>,
    /// Locked while they are told.
    known: Mutex<Vec<Entry>>,
}

#[derive(Debug, Default)]
struct Fresh {
    entries: Vec<Entry>,
    /// How many there were after the last sweep.
    swept: usize,
}

#[derive(Debug)]
struct Entry {
    account: Box<str>,
    region: Box<str>,
    stream: Box<str>,
    counts: Counts,
    /// Which of the two minutes were told since it is gone.
    told_gone: [bool; 2],
}

#[derive(Debug)]
enum Counts {
    Stream(Arc<StreamCounts>),
    Shard(ShardId, Arc<ShardCounts>),
    Consumer(Box<str>, Arc<ConsumerCounts>),
}

impl Meters {
    pub(crate) fn new(is_on: bool) -> Meters {
        Meters { is_on, fresh: Mutex::default(), known: Mutex::default() }
    }

    /// Whether anything is counted.
    pub(crate) fn are_on(&self) -> bool {
        self.is_on
    }

    pub(crate) fn of_stream<'s>(&self, stream: &'s Stream) -> &'s StreamCounts {
        stream.counted.get_or_make(|| self.enter(Address::of(stream), Counts::Stream))
    }

    pub(crate) fn of_shard<'s>(&self, stream: &Stream, shard: &'s Shard) -> &'s ShardCounts {
        let of = |counts| Counts::Shard(shard.id(), counts);
        shard.live.counted.get_or_make(|| self.enter(Address::of(stream), of))
    }

    pub(crate) fn of_consumer<'c>(&self, consumer: &'c Consumer) -> &'c ConsumerCounts {
        let of = |counts| Counts::Consumer(consumer.name.as_str().into(), counts);
        consumer.counted.get_or_make(|| self.enter(Address::of_consumer(consumer), of))
    }

    fn enter<C: Default>(&self, at: Address<'_>, of: impl FnOnce(Arc<C>) -> Counts) -> Arc<C> {
        let counts = Arc::<C>::default();
        let entry = Entry {
            account: at.account.into(),
            region: at.region.into(),
            stream: at.name.into(),
            counts: of(Arc::clone(&counts)),
            told_gone: [false; 2],
        };
        self.fresh.lock().push(entry);
        counts
    }

    /// See [`Kinesis::measure`](crate::Kinesis::measure).
    pub(crate) fn measure(&self, minute: u64, tell: &mut dyn FnMut(Measured<'_>)) {
        let mut known = self.known.lock();
        known.append(&mut std::mem::take(&mut *self.fresh.lock()).entries);
        known.retain_mut(|entry| entry.tell(minute, tell));
    }

    #[cfg(test)]
    pub(super) fn known(&self) -> usize {
        self.known.lock().len() + self.fresh.lock().entries.len()
    }
}

impl Fresh {
    fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
        // Nobody asks while streams come and go: the counts of those that are gone are given up.
        if self.entries.len() >= (2 * self.swept).max(limits::GONE_COUNTS_MAX) {
            self.entries.retain(|entry| !entry.counts.are_gone());
            self.swept = self.entries.len();
        }
    }
}

impl Entry {
    /// Tells what was counted in a minute; false if there never will be anything more.
    fn tell(&mut self, minute: u64, tell: &mut dyn FnMut(Measured<'_>)) -> bool {
        // Looked at first: what counted before it went is in what is told now.
        let is_gone = self.counts.are_gone();
        let (account, region, stream) = (&*self.account, &*self.region, &*self.stream);
        let mut teller = Teller { account, region, stream, minute, tell };
        match &self.counts {
            Counts::Stream(counts) => teller.stream(counts),
            Counts::Shard(id, counts) => teller.shard(*id, counts),
            Counts::Consumer(name, counts) => teller.consumer(name, counts),
        }
        self.told_gone[(minute & 1) as usize] |= is_gone;
        self.told_gone != [true; 2]
    }
}

impl Counts {
    /// True if nobody is left who could count.
    fn are_gone(&self) -> bool {
        let handles = match self {
            Counts::Stream(counts) => Arc::strong_count(counts),
            Counts::Shard(_, counts) => Arc::strong_count(counts),
            Counts::Consumer(_, counts) => Arc::strong_count(counts),
        };
        // What the last other handle counted is seen from here on.
        atomic::fence(atomic::Ordering::Acquire);
        handles == 1
    }
}
