//! How often control operations are answered: for an account in a region, or for a stream, as AWS says for each.
//!
//! A bucket is kept from its first call until it is full again, which a second later it is: so what is kept is
//! bounded by what is called. Beyond [`CONTROL_BUCKETS_MAX`] nothing new is counted.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
};

use parking_lot::Mutex;

use crate::{
    limits::{CONTROL_BUCKETS_MAX, Limit, Limits},
    rates::bucket::{Bucket, Rate},
};

/// Whose calls are counted together, and how many of them are answered in a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallRate {
    /// Data: the shard's own rates hold.
    OfShards,
    PerAccount(u64),
    PerStream(u64),
}

/// The buckets of all callers.
#[derive(Debug)]
pub(crate) struct ControlRates {
    limits: Limits,
    kept: Mutex<Kept>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Kept {
    /// By the hash of whose it is: names of any length cost the same.
    buckets: HashMap<u64, Bucket>,
    swept_ms: u64,
}

impl ControlRates {
    pub(crate) fn new(limits: &Limits) -> ControlRates {
        ControlRates { limits: *limits, kept: Mutex::default(), hasher: RandomState::new() }
    }

    /// Counts a call of `who`, if it is answered; `aws` is how many AWS answers in a second.
    pub(crate) fn take(&self, who: impl Hash, aws: u64, now_ms: u64) -> bool {
        let Some(per_second) = self.limits.control_calls(aws) else { return true };
        let key = self.hasher.hash_one(who);
        let mut kept = self.kept.lock();
        if kept.is_full_for(key) && !kept.sweep(now_ms) {
            return true;
        }
        kept.buckets.entry(key).or_default().take(&Rate::per_second(per_second), 1, now_ms)
    }

    /// Whether calls are counted at all.
    pub(crate) fn hold(&self) -> bool {
        self.limits.get(Limit::ControlCalls).is_some()
    }
}

impl Kept {
    fn is_full_for(&self, key: u64) -> bool {
        self.buckets.len() >= CONTROL_BUCKETS_MAX && !self.buckets.contains_key(&key)
    }

    /// Forgets the full buckets, once a second at most; whether there is room.
    fn sweep(&mut self, now_ms: u64) -> bool {
        if now_ms.abs_diff(self.swept_ms) < 1_000 {
            return false;
        }
        self.swept_ms = now_ms;
        self.buckets.retain(|_, bucket| !bucket.is_full(now_ms));
        self.buckets.len() < CONTROL_BUCKETS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_795_489_200_000;

    #[test]
    fn everyone_has_a_bucket_of_their_own() {
        let rates = ControlRates::new(&Limits::aws());
        let taken = |who: &str| (0..50).filter(|_| rates.take(who, 5, NOW_MS)).count();
        assert_eq!((taken("a"), taken("b"), taken("a")), (5, 5, 0));
        assert!(rates.take("a", 5, NOW_MS + 200));
    }

    #[test]
    fn the_operators_number_stands_in_the_place_of_awss() {
        let limits = Limits::aws().with(Limit::ControlCalls, Some(20));
        let rates = ControlRates::new(&limits);
        assert_eq!((0..50).filter(|_| rates.take("a", 5, NOW_MS)).count(), 20);
        let rates = ControlRates::new(&Limits::off());
        assert!((0..50).all(|_| rates.take("a", 5, NOW_MS)) && !rates.hold());
    }

    #[test]
    fn what_is_kept_is_bounded_and_forgotten_when_it_is_full() {
        let rates = ControlRates::new(&Limits::aws());
        for who in 0..2 * CONTROL_BUCKETS_MAX {
            assert!(rates.take(who, 5, NOW_MS));
        }
        assert_eq!(rates.kept.lock().buckets.len(), CONTROL_BUCKETS_MAX);
        assert!(rates.take("one more", 5, NOW_MS + 1_000));
        assert_eq!(rates.kept.lock().buckets.len(), 1);
    }
}
