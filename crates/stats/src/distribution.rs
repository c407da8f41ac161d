//! The samples of one metric in one period.

use crate::{Bins, Statistic};

/// See the module. Never without samples: what has none is an absent distribution.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// How many samples.
    pub count: f64,
    /// All of them together.
    pub sum: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// Where they lie; `None` if percentiles cannot be had: a sample was negative, or only sums are known.
    pub bins: Option<Bins>,
}

impl Distribution {
    /// `count` samples of one value. Both are finite, `count` is greater than zero.
    pub fn of(value: f64, count: f64) -> Distribution {
        let bins = (value >= 0.0).then(|| Bins::from_counts(vec![(Bins::of(value), count)]));
        Distribution { count, sum: value * count, min: value, max: value, bins }
    }

    /// A statistic set as a client sends it. Its bins are known where all samples must be the same.
    pub fn of_set(count: f64, sum: f64, min: f64, max: f64) -> Distribution {
        let is_one_value = min == max && (sum == min * count || count == 1.0);
        let bins =
            (is_one_value && min >= 0.0).then(|| Bins::from_counts(vec![(Bins::of(min), count)]));
        Distribution { count, sum, min, max, bins }
    }

    /// One more value, `count` times.
    pub fn record(&mut self, value: f64, count: f64) {
        self.count += count;
        self.sum += value * count;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        match &mut self.bins {
            Some(bins) if value >= 0.0 => bins.add(Bins::of(value), count),
            bins => *bins = None,
        }
    }

    /// What both together are.
    pub fn merge(&mut self, other: &Distribution) {
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        match (&mut self.bins, &other.bins) {
            (Some(bins), Some(others)) => bins.merge(others),
            (bins, _) => *bins = None,
        }
    }

    /// The mean.
    pub fn average(&self) -> f64 {
        self.sum / self.count
    }

    /// What AWS calls the statistic; `None` where it cannot be had of these samples.
    pub fn statistic(&self, statistic: &Statistic) -> Option<f64> {
        statistic.of(self)
    }
}
