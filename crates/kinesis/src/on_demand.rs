//! What only streams on demand have: warm throughput and AUTO distribution, and the shards that they begin with.
//!
//! `scaling.rs` changes their shards without a call.

pub(crate) mod scaling;

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{
    catalog::{Address, Snapshot},
    error::Error,
    limits,
    model::stream::{Stream, StreamMode},
};

/// Whether a stream of that account may be told to be ready for so many MiB a second; none for 0.
pub(crate) fn warm_throughput(
    snapshot: &Snapshot,
    at: Address<'_>,
    now_ms: u64,
    mibps: i64,
) -> Result<Option<u32>, Error> {
    if !snapshot.commitment(at.account, at.region).holds_at(now_ms) {
        return Err(Error::InvalidArgument(
            "WarmThroughputMiBps needs the account setting MinimumThroughputBillingCommitment."
                .to_owned(),
        ));
    }
    let mibps = u32::try_from(mibps).unwrap_or(u32::MAX);
    if mibps > limits::WARM_MIBPS_MAX {
        return Err(Error::LimitExceeded(format!(
            "WarmThroughputMiBps cannot be greater than {} for the stream {} under account {}. \
             Requested: {mibps}.",
            limits::WARM_MIBPS_MAX,
            at.name,
            at.account
        )));
    }
    Ok(Some(mibps).filter(|mibps| *mibps > 0))
}

/// How many shards a new stream has.
pub(crate) fn first_shards(warm_mibps: Option<u32>) -> u32 {
    warm_mibps.unwrap_or(0).div_ceil(limits::SHARD_MIBPS).max(limits::ON_DEMAND_SHARDS)
}

/// Refuses what a provisioned stream does not have.
pub(crate) fn check_is_on_demand(stream: &Stream, setting: &str) -> Result<(), Error> {
    match stream.mode {
        StreamMode::OnDemand => Ok(()),
        StreamMode::Provisioned => Err(Error::InvalidArgument(format!(
            "{setting} is only for streams in On-Demand mode. Stream {} under account {} is in \
             Provisioned mode.",
            stream.name, stream.account
        ))),
    }
}

/// Where the records of AUTO streams go, one after the other: evenly, whoever asks in between.
///
/// The multiples of the golden section are spread evenly over a circle, and so are those of every arithmetic series of
/// them: streams that are written in turn share one of these without a pattern.
#[derive(Debug, Default)]
pub(crate) struct Spread {
    asked: AtomicU64,
}

impl Spread {
    /// One of `count` places, for each of so many records that come at once.
    pub(crate) fn places(&self, count: usize, records: usize) -> impl Iterator<Item = usize> {
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        let first = self.asked.fetch_add(records as u64, Ordering::Relaxed);
        (first..).take(records).map(move |asked| {
            let on_circle = asked.wrapping_mul(GOLDEN);
            ((u128::from(on_circle) * count as u128) >> 64) as usize
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_spread_evenly_also_in_turn_with_others() {
        for (count, records_of_others) in [(2, 0), (2, 1), (3, 2), (7, 6), (100, 1)] {
            let (spread, mut taken) = (Spread::default(), vec![0; count]);
            for _ in 0..1000 * count {
                spread.places(count, 1).for_each(|place| taken[place] += 1);
                spread.places(count, records_of_others).for_each(drop);
            }
            assert!(taken.iter().all(|taken| (990..1010).contains(taken)), "{taken:?}");
        }
    }

    #[test]
    fn a_new_stream_has_four_shards_or_what_it_shall_be_ready_for() {
        assert_eq!([None, Some(3), Some(9)].map(first_shards), [4, 4, 9]);
    }
}
