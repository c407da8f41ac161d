//! Token buckets: how fast something may go, and how much of it at once. Each is one number in one atomic.
//!
//! The number is the moment at which the bucket is full again, in nanoseconds of the service clock: nothing has to
//! refill it, a full one costs nothing, and taking is one addition. A moment further ahead than taking can bring
//! it was written under a clock that has been set back since: such a bucket counts as full.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const NS_PER_MS: u64 = 1_000_000;
const NS_PER_SECOND: u64 = 1_000_000_000;

/// The largest answer of a read; see [`Rate::debt_max_ns`].
const LARGEST_CHARGE: u64 = 10 << 20;
/// How far a [`Meter`] may be charged ahead at least.
const DEBT_MIN_NS: u64 = 60 * NS_PER_SECOND;

/// How many tokens come back in a second, and how many a full bucket holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    per_second: u64,
    /// How long an empty bucket needs to be full.
    fill_ns: u64,
}

impl Rate {
    /// A bucket that holds what comes back in a second.
    pub(crate) const fn per_second(per_second: u64) -> Rate {
        Rate::with_burst(per_second, per_second)
    }

    /// A bucket that holds `burst` tokens. No rate is below one a second.
    pub(crate) const fn with_burst(per_second: u64, burst: u64) -> Rate {
        let per_second = if per_second == 0 { 1 } else { per_second };
        Rate { per_second, fill_ns: burst.saturating_mul(NS_PER_SECOND) / per_second }
    }

    /// Rounded down: less than a nanosecond for each call is too little to count, and a bucket can be emptied exactly.
    const fn cost_ns(&self, count: u64) -> u64 {
        count.saturating_mul(NS_PER_SECOND) / self.per_second
    }

    /// How far ahead a [`Meter`] can be charged: two of the largest answers, or a minute's worth.
    const fn debt_max_ns(&self) -> u64 {
        let two = self.cost_ns(2 * LARGEST_CHARGE);
        if two > DEBT_MIN_NS { two } else { DEBT_MIN_NS }
    }
}

/// Tokens that are taken before something is done, all that it needs or none.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    full_at_ns: AtomicU64,
}

impl Bucket {
    /// Takes `count` tokens; false, and nothing is taken, if there are not so many.
    pub(crate) fn take(&self, rate: &Rate, count: u64, now_ms: u64) -> bool {
        let (now_ns, cost_ns) = (now_ms.saturating_mul(NS_PER_MS), rate.cost_ns(count));
        let taken = self.full_at_ns.fetch_update(Relaxed, Relaxed, |full_at_ns| {
            let after_ns = ahead(full_at_ns, now_ns, rate.fill_ns)
                .saturating_add(now_ns)
                .saturating_add(cost_ns);
            (after_ns - now_ns <= rate.fill_ns).then_some(after_ns)
        });
        taken.is_ok()
    }

    /// Takes back a [`Bucket::take`] whose tokens were not used after all.
    pub(crate) fn give_back(&self, rate: &Rate, count: u64) {
        let cost_ns = rate.cost_ns(count);
        let _ = self
            .full_at_ns
            .fetch_update(Relaxed, Relaxed, |full_at_ns| Some(full_at_ns.saturating_sub(cost_ns)));
    }

    /// True if nothing is missing in it: forgetting such a bucket changes nothing.
    pub(crate) fn is_full(&self, now_ms: u64) -> bool {
        self.full_at_ns.load(Relaxed) <= now_ms.saturating_mul(NS_PER_MS)
    }
}

/// Tokens that are charged when it is known how many it took, as a read's bytes are.
///
/// It is open until a second's worth is used up, and then closed until all of that has come back: what was charged
/// beyond the bucket is waited for too. So 10 MiB at 2 MiB a second close it for five seconds.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// The lowest bit says that it is used up.
    state: AtomicU64,
}

const USED_UP: u64 = 1;

impl Meter {
    /// When it opens, in ms of the clock; `None` if it is open.
    pub(crate) fn closed_until_ms(&self, rate: &Rate, now_ms: u64) -> Option<u64> {
        let state = self.state.load(Relaxed);
        let ahead_ns =
            ahead(state & !USED_UP, now_ms.saturating_mul(NS_PER_MS), rate.debt_max_ns());
        (state & USED_UP != 0 && ahead_ns > 0).then(|| now_ms + ahead_ns.div_ceil(NS_PER_MS))
    }

    /// Whether more may be taken.
    pub(crate) fn is_open(&self, rate: &Rate, now_ms: u64) -> bool {
        self.closed_until_ms(rate, now_ms).is_none()
    }

    /// Counts what was taken.
    pub(crate) fn charge(&self, rate: &Rate, count: u64, now_ms: u64) {
        let (now_ns, cost_ns) = (now_ms.saturating_mul(NS_PER_MS), rate.cost_ns(count));
        let _ = self.state.fetch_update(Relaxed, Relaxed, |state| {
            let before_ns = ahead(state & !USED_UP, now_ns, rate.debt_max_ns());
            let after_ns = before_ns.saturating_add(cost_ns).min(rate.debt_max_ns());
            let was_used_up = state & USED_UP != 0 && before_ns > 0;
            let used_up = was_used_up || after_ns >= rate.fill_ns;
            Some((now_ns.saturating_add(after_ns) & !USED_UP) | u64::from(used_up))
        });
    }
}

/// How far a moment lies ahead of now; not at all if it lies further than it can.
fn ahead(moment_ns: u64, now_ns: u64, max_ns: u64) -> u64 {
    let ahead_ns = moment_ns.saturating_sub(now_ns);
    if ahead_ns > max_ns { 0 } else { ahead_ns }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW_MS: u64 = 1_795_489_200_000;
    const MIB: u64 = 1 << 20;

    #[test]
    fn a_full_bucket_gives_a_seconds_worth_and_then_as_it_fills() {
        let (bucket, rate) = (Bucket::default(), Rate::per_second(5));
        let taken = |now_ms| (0..20).filter(|_| bucket.take(&rate, 1, now_ms)).count();
        assert_eq!(taken(NOW_MS), 5);
        assert_eq!(taken(NOW_MS + 199), 0);
        assert_eq!(taken(NOW_MS + 200), 1);
        assert_eq!(taken(NOW_MS + 10_000), 5, "never more than it holds");
    }

    #[test]
    fn what_is_refused_takes_nothing() {
        let (bucket, rate) = (Bucket::default(), Rate::per_second(MIB));
        assert!(bucket.take(&rate, MIB - 1, NOW_MS));
        for _ in 0..100 {
            assert!(!bucket.take(&rate, 2, NOW_MS));
        }
        assert!(bucket.take(&rate, 1, NOW_MS));
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let (bucket, rate) = (Bucket::default(), Rate::per_second(1000));
        assert!(bucket.take(&rate, 1000, NOW_MS) && !bucket.take(&rate, 1, NOW_MS));
        bucket.give_back(&rate, 10);
        assert!(bucket.take(&rate, 10, NOW_MS) && !bucket.take(&rate, 1, NOW_MS));
    }

    #[test]
    fn a_clock_that_is_set_back_closes_nothing_for_long() {
        let (bucket, rate) = (Bucket::default(), Rate::per_second(5));
        assert!(bucket.take(&rate, 5, NOW_MS));
        assert!(bucket.take(&rate, 5, NOW_MS - 3_600_000));

        let (meter, rate) = (Meter::default(), Rate::per_second(2 * MIB));
        meter.charge(&rate, 10 * MIB, NOW_MS);
        assert!(!meter.is_open(&rate, NOW_MS) && meter.is_open(&rate, NOW_MS - 3_600_000));
    }

    #[test]
    fn no_time_and_no_count_is_too_large() {
        let (bucket, meter, rate) = (Bucket::default(), Meter::default(), Rate::per_second(1));
        for now_ms in [0, NOW_MS, u64::MAX] {
            bucket.take(&rate, u64::MAX, now_ms);
            meter.charge(&Rate::with_burst(0, u64::MAX), u64::MAX, now_ms);
        }
        assert!(bucket.take(&rate, 1, u64::MAX));
    }

    #[test]
    fn a_read_of_ten_mebibytes_closes_the_shard_for_five_seconds() {
        let (meter, rate) = (Meter::default(), Rate::per_second(2 * MIB));
        assert!(meter.is_open(&rate, NOW_MS));
        meter.charge(&rate, 10 * MIB, NOW_MS);
        assert_eq!(meter.closed_until_ms(&rate, NOW_MS), Some(NOW_MS + 5_000));
        assert!(!meter.is_open(&rate, NOW_MS + 4_999));
        assert!(meter.is_open(&rate, NOW_MS + 5_000));
    }

    #[test]
    fn reads_are_refused_for_a_second_when_two_mebibytes_are_used_up_and_not_before() {
        let (meter, rate) = (Meter::default(), Rate::per_second(2 * MIB));
        meter.charge(&rate, MIB, NOW_MS);
        assert!(meter.is_open(&rate, NOW_MS));
        meter.charge(&rate, MIB, NOW_MS);
        assert!(!meter.is_open(&rate, NOW_MS + 999));
        assert!(meter.is_open(&rate, NOW_MS + 1_000));
        meter.charge(&rate, MIB, NOW_MS + 1_000);
        assert!(meter.is_open(&rate, NOW_MS + 1_000), "being used up is over");
    }

    proptest! {
        #[test]
        fn no_more_is_given_than_the_rate_allows(
            per_second in 1u64..5_000,
            calls in prop::collection::vec((0u64..400, 1u64..300), 1..200),
        ) {
            let (bucket, rate) = (Bucket::default(), Rate::per_second(per_second));
            let (mut now_ms, mut given) = (NOW_MS, 0);
            for (passed_ms, count) in calls {
                now_ms += passed_ms;
                given += if bucket.take(&rate, count, now_ms) { count } else { 0 };
                let most = per_second + per_second * (now_ms - NOW_MS) / 1000 + 1;
                prop_assert!(given <= most, "{given} of {most} after {} ms", now_ms - NOW_MS);
            }
        }
    }
}
