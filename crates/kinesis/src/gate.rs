//! The gate before the log: lets a call's records in by their shard's rates, all by one reading of the clock, and injects
//! faults into them.
//!
//! What a run has room for as a whole is let in at once; else it is decided record by record, in the request's order, so
//! that a small record may pass where a large one before it did not. Without rates and faults it costs two branches.

use smallvec::SmallVec;

use crate::{
    append::{Entry, Failure, Placed},
    faults::Faults,
    kinesis::Inner,
    limits,
    model::{shard::Shard, stream::Stream},
    on_demand::Spread,
    ops::Operation,
    rates::shard::{Batch, WriteRates},
};

/// See the module.
pub(crate) struct Gate<'a> {
    /// `None` if no rate holds.
    rates: Option<&'a WriteRates>,
    now_ms: u64,
    /// `None` if there are none.
    faults: Option<&'a Faults>,
    operation: Operation,
    pub(crate) spread: &'a Spread,
}

impl<'a> Gate<'a> {
    /// `now_ms` spares a look at the clock.
    pub(crate) fn new(inner: &'a Inner, operation: Operation, now_ms: Option<u64>) -> Gate<'a> {
        let rates = inner.rates.writes.as_ref();
        let now_ms = rates.map_or(0, |_| now_ms.unwrap_or_else(|| inner.now_ms()));
        let faults = inner.faults.are_there().then_some(&inner.faults);
        Gate { rates, now_ms, faults, operation, spread: &inner.spread }
    }

    /// Keeps of a shard's records those that are let in; of the others it is noted why they were not. Answers how many
    /// were throttled.
    pub(crate) fn admit(
        &self,
        (stream, shard): (&Stream, &Shard),
        entries: &[Entry<'_>],
        which: &mut SmallVec<[u32; 1]>,
        placed: &mut [Placed],
    ) -> u64 {
        let mut throttled = 0;
        let mut refused = |entry: u32, failure: Failure| {
            throttled += u64::from(failure.is_throttled());
            placed[entry as usize] = Placed { shard: shard.id(), result: Err(failure) };
        };
        if let Some(faults) = self.faults {
            which.retain(|entry| {
                let action = faults.of_shard(self.operation, &stream.name, shard.id());
                action.inspect(|action| refused(*entry, Failure::Injected(*action))).is_none()
            });
        }
        let Some(rates) = self.rates else { return throttled };
        let among_large = stream.record_bytes_max() > limits::LARGE_RECORD_BYTES;
        let one = |entry: u32| Batch::one(entries[entry as usize].bytes(), among_large);
        // All at once, as nearly always; what does not go so is decided record by record, in order.
        if which.len() > 1 {
            let batches = which.iter().map(|&entry| one(entry));
            if let Some(whole) = batches.reduce(Batch::with)
                && shard.live.writes.take(rates, whole, self.now_ms)
            {
                return throttled;
            }
        }
        which.retain(|entry| {
            let taken = shard.live.writes.take(rates, one(*entry), self.now_ms);
            if !taken {
                refused(*entry, Failure::Throttled);
            }
            taken
        });
        throttled
    }
}
