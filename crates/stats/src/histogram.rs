//! Samples since the start of the process, by powers of two: what Prometheus calls a histogram, and cheap to count.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bounds of 1, 2, 4, … 2^31 and none, in the unit of what is counted.
const BUCKETS: usize = 33;

/// See the module. Samples are whole numbers: microseconds, bytes, records.
#[derive(Debug)]
pub struct Histogram {
    sum: AtomicU64,
    buckets: [AtomicU64; BUCKETS],
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram { sum: AtomicU64::new(0), buckets: [const { AtomicU64::new(0) }; BUCKETS] }
    }
}

/// What was counted so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// How many samples.
    pub count: u64,
    /// All of them together.
    pub sum: u64,
    /// Upper bounds (inclusive) with how many samples are at or below them; without those above the greatest sample.
    pub up_to: Vec<(u64, u64)>,
}

impl Counted {
    /// How many samples are at or below 2^`power`.
    pub fn at_or_below(&self, power: usize) -> u64 {
        // Those above the greatest bound that is told are above all bounds.
        self.up_to.get(power).or(self.up_to.last()).map_or(0, |&(_, count)| count)
    }
}

impl Histogram {
    /// Counts one sample.
    pub fn record(&self, value: u64) {
        let power = u64::BITS - value.saturating_sub(1).leading_zeros();
        self.buckets[(power as usize).min(BUCKETS - 1)].fetch_add(1, Relaxed);
        self.sum.fetch_add(value, Relaxed);
    }

    /// What was counted so far; nothing is taken away.
    pub fn counted(&self) -> Counted {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect();
        let mut count = 0;
        let mut up_to = Vec::new();
        let bounded = &counts[..BUCKETS - 1];
        let used = bounded.iter().rposition(|&count| count > 0).map_or(0, |last| last + 1);
        for (power, of_bucket) in bounded[..used].iter().enumerate() {
            count += of_bucket;
            up_to.push((1 << power, count));
        }
        count += counts[BUCKETS - 1];
        Counted { count, sum: self.sum.load(Relaxed), up_to }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_at_or_below_its_bound() {
        let histogram = Histogram::default();
        assert_eq!(histogram.counted(), Counted { count: 0, sum: 0, up_to: Vec::new() });
        for value in [0, 1, 2, 3, 4, 5] {
            histogram.record(value);
        }
        let up_to = vec![(1, 2), (2, 3), (4, 5), (8, 6)];
        assert_eq!(histogram.counted(), Counted { count: 6, sum: 15, up_to });
        histogram.record(u64::from(u32::MAX));
        let counted = histogram.counted();
        assert_eq!((counted.count, counted.up_to.len()), (7, 4), "beyond the last bound");
        let below = [0, 1, 3, 4, 31].map(|power| counted.at_or_below(power));
        assert_eq!(below, [2, 3, 6, 6, 6]);
    }
}
