//! A reader's periods: what points of any resolution and age become in them.

use std::collections::BTreeMap;

use nautilus_stats::Distribution;

use crate::tier::Tier;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub from_ms: u64,
    /// Exclusive.
    pub to_ms: u64,
    pub period_s: u32,
    pub now_s: u32,
}

impl Range {
    /// The seconds that points may begin at to be seen, with those that age makes begin earlier.
    pub fn seconds(&self) -> (u32, u32) {
        let second = |ms: u64| u32::try_from(ms.div_ceil(1000)).unwrap_or(u32::MAX);
        // A point of an hour ago may by its age belong to the hour's beginning, which is in the range.
        let to_s = second(self.to_ms);
        (second(self.from_ms), to_s.saturating_add(Tier::Hour.step_s()))
    }

    /// The period of a point, by number; `None` if it is not seen: outside, too old, or coarser than what is asked.
    fn period(&self, tier: Tier, at_s: u32) -> Option<u64> {
        let tier = tier.aged(at_s, self.now_s)?;
        let at_ms = u64::from(tier.floor(at_s)) * 1000;
        let is_seen = self.period_s.checked_rem(tier.step_s())? == 0
            && (self.from_ms..self.to_ms).contains(&at_ms);
        is_seen.then(|| (at_ms - self.from_ms).checked_div(u64::from(self.period_s) * 1000))?
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Periods {
    range: Range,
    periods: BTreeMap<u64, Distribution>,
}

impl Periods {
    pub fn new(range: Range) -> Periods {
        Periods { range, periods: BTreeMap::new() }
    }

    /// Adds a point, if it is seen.
    pub fn add(&mut self, tier: Tier, at_s: u32, samples: impl FnOnce() -> Distribution) {
        let Some(period) = self.range.period(tier, at_s) else { return };
        match self.periods.get_mut(&period) {
            Some(known) => known.merge(&samples()),
            None => {
                self.periods.insert(period, samples());
            }
        }
    }

    /// The periods that have samples, by their beginning, oldest first.
    pub fn finish(self) -> Vec<(u64, Distribution)> {
        let Range { from_ms, period_s, .. } = self.range;
        let start_ms = |period: u64| from_ms + period * u64::from(period_s) * 1000;
        self.periods.into_iter().map(|(period, samples)| (start_ms(period), samples)).collect()
    }
}
