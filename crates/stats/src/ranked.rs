//! A distribution's samples in their order, as well as its bins tell them.

use crate::{Bins, Bound, Distribution, Range};

/// Values and how many samples have each, least first.
pub(crate) struct Ranked {
    values: Vec<(f64, f64)>,
    count: f64,
}

/// What of a count is rounding: 99.9 % of 1,000 are 999, not a little more.
const ROUNDING: f64 = 1e-12;

impl Ranked {
    /// `None` if the bins are not known.
    pub fn of(samples: &Distribution) -> Option<Ranked> {
        let bins = samples.bins.as_ref()?.counts();
        let is_at_lower_ends = are_at_lower_ends(samples, bins);
        let value = |bin: u32| {
            let value = if is_at_lower_ends { Bins::lower(bin) } else { Bins::middle(bin) };
            // Not `clamp`, which panics where the ends are told the wrong way round.
            value.max(samples.min).min(samples.max)
        };
        let mut values: Vec<_> = bins.iter().map(|&(bin, count)| (value(bin), count)).collect();
        let count = values.iter().map(|(_, count)| count).sum();
        // The least and the greatest are known by themselves.
        let first = values.first_mut()?;
        let is_split = take_one(first, samples.min);
        if is_split {
            values.insert(0, (samples.min, 1.0));
        }
        if take_one(values.last_mut()?, samples.max) {
            values.push((samples.max, 1.0));
        }
        Some(Ranked { values, count })
    }

    /// Nearest rank.
    pub fn percentile(&self, percent: f64) -> f64 {
        self.value_at(self.up_to_percent(percent))
    }

    pub fn trimmed_mean(&self, range: Range) -> Option<f64> {
        let count = self.trimmed_count(range);
        (count > 0.0).then(|| self.trimmed_sum(range) / count)
    }

    pub fn trimmed_count(&self, range: Range) -> f64 {
        let (from, to) = self.cut(range);
        (to - from).max(0.0)
    }

    pub fn trimmed_sum(&self, range: Range) -> f64 {
        let (from, to) = self.cut(range);
        let mut before = 0.0;
        let mut sum = 0.0;
        for &(value, count) in &self.values {
            let behind = before + count;
            let kept = f64::min(behind, to) - f64::max(before, from);
            if kept > 0.0 {
                sum += value * kept;
            }
            before = behind;
        }
        sum
    }

    pub fn winsorized_mean(&self, range: Range) -> Option<f64> {
        let (from, to) = self.cut(range);
        if from > to {
            return None;
        }
        let lowest = match range.lower {
            Bound::Value(value) => value,
            _ => self.value_behind(from),
        };
        let highest = match range.upper {
            Bound::Value(value) => value,
            _ => self.value_at(to),
        };
        let sum = self.trimmed_sum(range) + lowest * from + highest * (self.count - to);
        Some(sum / self.count)
    }

    pub fn percentile_rank(&self, range: Range) -> f64 {
        100.0 * self.trimmed_count(range) / self.count
    }

    /// The range as counts: behind so many samples, up to so many.
    fn cut(&self, range: Range) -> (f64, f64) {
        let from = match range.lower {
            Bound::Open => 0.0,
            Bound::Percent(percent) => {
                (self.count * (percent / 100.0 + ROUNDING)).floor().min(self.count)
            }
            Bound::Value(value) => self.count_up_to(value),
        };
        let to = match range.upper {
            Bound::Open => self.count,
            Bound::Percent(percent) => self.up_to_percent(percent),
            Bound::Value(value) => self.count_up_to(value),
        };
        (from, to)
    }

    fn up_to_percent(&self, percent: f64) -> f64 {
        (self.count * (percent / 100.0 - ROUNDING)).ceil().clamp(0.0, self.count)
    }

    fn count_up_to(&self, bound: f64) -> f64 {
        let within = self.values.iter().take_while(|(value, _)| *value <= bound);
        within.map(|(_, count)| count).sum()
    }

    /// The value of the sample that ends at `rank`.
    fn value_at(&self, rank: f64) -> f64 {
        let rank = rank - self.count * ROUNDING;
        self.find(|behind| behind >= rank)
    }

    /// The value of the first sample behind `rank`.
    fn value_behind(&self, rank: f64) -> f64 {
        let rank = rank + self.count * ROUNDING;
        self.find(|behind| behind > rank)
    }

    fn find(&self, is_reached: impl Fn(f64) -> bool) -> f64 {
        let mut behind = 0.0;
        let reached = self.values.iter().find(|(_, count)| {
            behind += count;
            is_reached(behind)
        });
        reached.or(self.values.last()).map_or(0.0, |(value, _)| *value)
    }
}

/// Takes one sample out of these, to stand beside them; if there is but one, it becomes that sample, and nothing is to
/// be put beside it.
fn take_one(samples: &mut (f64, f64), value: f64) -> bool {
    let (known, count) = samples;
    let has_others = *count > 1.0;
    if has_others {
        *count -= 1.0;
    } else {
        *known = value;
    }
    has_others
}

/// True if every sample is the lower end of its bin, as whole numbers up to 128 are. No sample is less than that, so
/// they all are if their sum is the bins'.
fn are_at_lower_ends(samples: &Distribution, bins: &[(u32, f64)]) -> bool {
    // A sample that is less than this share of the sum is lost in the sum's rounding.
    const LEAST_SHARE: f64 = 1e-12;
    let least = bins.iter().map(|(bin, _)| Bins::lower(*bin)).find(|lower| *lower > 0.0);
    let sum: f64 = bins.iter().map(|(bin, count)| Bins::lower(*bin) * count).sum();
    sum == samples.sum && least.is_none_or(|least| least >= samples.sum * LEAST_SHARE)
}
