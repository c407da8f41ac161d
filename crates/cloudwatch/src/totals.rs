//! What was counted since the process started, for watchers that do not ask for minutes: Prometheus reads growing sums.
//!
//! Only of what this server counts itself; clients' own metrics are not in it.

use std::{
    cmp::Ordering,
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use nautilus_metrics::{Distribution, Sample, Series};
use nautilus_stats::Bins;
use parking_lot::Mutex;

use crate::limits;

/// All samples of one metric so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Total {
    /// How many.
    pub count: f64,
    /// All of them together.
    pub sum: f64,
    /// The greatest of this minute and the one before; none if these had none, as such a metric is missing with AWS. Two
    /// minutes, so that whoever looks at least once a minute misses none.
    pub recent_max: Option<f64>,
    /// How many are at or below a bound, by bounds of powers of two.
    pub up_to: Vec<(f64, f64)>,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    series: Mutex<BTreeMap<Series, Sums>>,
    left_out: AtomicU64,
}

#[derive(Debug)]
struct Sums {
    count: f64,
    sum: f64,
    /// The newest that had any,
    minute: u64,
    /// its greatest,
    max: f64,
    /// and that of the minute before it.
    max_before: Option<f64>,
    zeros: f64,
    /// By the power of two that is the greatest one at or below them.
    powers: BTreeMap<i32, f64>,
}

impl Totals {
    /// Adds what a source has told.
    pub(crate) fn add(&self, samples: &[Sample]) {
        let mut series = self.series.lock();
        for sample in samples {
            let minute = sample.at_ms / limits::MINUTE_MS;
            if let Some(sums) = series.get_mut(&sample.series) {
                sums.add(minute, &sample.distribution);
            } else if series.len() < limits::TOTALS_MAX {
                let mut sums = Sums::new(minute);
                sums.add(minute, &sample.distribution);
                series.insert(sample.series.clone(), sums);
            } else {
                self.left_out.fetch_add(1, Relaxed);
            }
        }
    }

    /// Forgets what nobody has counted for a day: its stream may be gone.
    pub(crate) fn forget_idle(&self, now_ms: u64) {
        let oldest = (now_ms.saturating_sub(limits::TOTALS_IDLE_MS)) / limits::MINUTE_MS;
        self.series.lock().retain(|_, sums| sums.minute >= oldest);
    }

    /// How many samples were of no metric that is kept.
    pub(crate) fn left_out(&self) -> u64 {
        self.left_out.load(Relaxed)
    }

    /// All of them, in the order of their names.
    pub(crate) fn all(&self, now_ms: u64) -> Vec<(Series, Total)> {
        let minute = now_ms / limits::MINUTE_MS;
        let series = self.series.lock();
        series.iter().map(|(series, sums)| (series.clone(), sums.total(minute))).collect()
    }
}

impl Sums {
    fn new(minute: u64) -> Sums {
        Sums {
            count: 0.0,
            sum: 0.0,
            minute,
            max: 0.0,
            max_before: None,
            zeros: 0.0,
            powers: BTreeMap::new(),
        }
    }

    fn add(&mut self, minute: u64, samples: &Distribution) {
        self.count += samples.count;
        self.sum += samples.sum;
        match minute.cmp(&self.minute) {
            Ordering::Greater => {
                self.max_before = (minute == self.minute + 1).then_some(self.max);
                (self.minute, self.max) = (minute, samples.max);
            }
            Ordering::Equal => self.max = self.max.max(samples.max),
            Ordering::Less if minute + 1 == self.minute => {
                let before = self.max_before.unwrap_or(samples.max);
                self.max_before = Some(before.max(samples.max));
            }
            Ordering::Less => {}
        }
        for &(bin, count) in samples.bins.iter().flat_map(|bins| bins.counts()) {
            match Bins::lower(bin) {
                0.0 => self.zeros += count,
                lower => *self.powers.entry(lower.log2().floor() as i32).or_default() += count,
            }
        }
    }

    fn recent_max(&self, minute: u64) -> Option<f64> {
        match minute.saturating_sub(self.minute) {
            0 => Some(self.max_before.map_or(self.max, |before| before.max(self.max))),
            1 => Some(self.max),
            _ => None,
        }
    }

    fn total(&self, minute: u64) -> Total {
        let mut below = self.zeros;
        let mut up_to = Vec::with_capacity(self.powers.len());
        for (&power, count) in &self.powers {
            below += count;
            up_to.push((f64::powi(2.0, power + 1), below));
        }
        Total { count: self.count, sum: self.sum, recent_max: self.recent_max(minute), up_to }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use nautilus_metrics::{Resolution, Unit};

    use super::*;

    fn sample(name: &str, minute: u64, value: f64, count: f64) -> Sample {
        let text = |text: &str| Arc::<str>::from(text);
        let series = Series {
            account: text("000000000000"),
            region: text("us-east-1"),
            namespace: text("AWS/Kinesis"),
            name: text(name),
            dimensions: Vec::new(),
            unit: Unit::Count,
        };
        let distribution = Distribution::of(value, count);
        Sample { series, at_ms: minute * 60_000, resolution: Resolution::Minute, distribution }
    }

    #[test]
    fn sums_grow_and_two_minutes_have_their_own_greatest() {
        let totals = Totals::default();
        totals.add(&[sample("a", 10, 5.0, 2.0), sample("b", 10, 0.0, 1.0)]);
        totals.add(&[sample("a", 11, 3.0, 1.0), sample("a", 10, 9.0, 1.0)]);
        let all = totals.all(11 * 60_000 + 59_999);
        assert_eq!(all.len(), 2);
        let expected = Total {
            count: 4.0,
            sum: 22.0,
            recent_max: Some(9.0),
            up_to: vec![(4.0, 1.0), (8.0, 3.0), (16.0, 4.0)],
        };
        assert_eq!((&*all[0].0.name, &all[0].1), ("a", &expected));
        let recent_max = |minute: u64| totals.all(minute * 60_000)[0].1.recent_max;
        assert_eq!([12, 13].map(recent_max), [Some(3.0), None], "the minute was silent");
        totals.add(&[sample("a", 12, 1.0, 1.0)]);
        assert_eq!([12, 13, 14].map(recent_max), [Some(3.0), Some(1.0), None]);
        totals.add(&[sample("a", 14, 2.0, 1.0)]);
        assert_eq!(recent_max(14), Some(2.0), "the minute before was silent");
    }

    #[test]
    fn what_is_idle_for_a_day_is_forgotten() {
        let totals = Totals::default();
        totals.add(&[sample("old", 10, 1.0, 1.0), sample("new", 2000, 1.0, 1.0)]);
        totals.forget_idle(2000 * 60_000);
        assert_eq!(totals.all(2000 * 60_000).len(), 1);
    }
}
