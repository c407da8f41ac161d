//! Time series and the grid that they lie on.

use std::sync::Arc;

use super::MathError;
use crate::query::{label::Source, limits::MATH_POINTS_MAX};

/// A time series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    /// Start of a period in Unix ms, and the value. Oldest first, no time twice, all values finite.
    pub points: Vec<(u64, f64)>,
    /// In seconds.
    pub period_s: u32,
    /// The metric that it comes from, if it is made of one alone.
    pub source: Option<Arc<Source>>,
    /// Whether it is that metric, not computed.
    pub is_metric: bool,
}

/// Where the periods of a query begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    /// Inclusive, Unix ms.
    pub from_ms: u64,
    /// Exclusive, Unix ms.
    pub to_ms: u64,
    /// Whether a period begins at `from_ms`; else at the multiples of its length since the epoch.
    pub is_from_start: bool,
}

impl Grid {
    /// When the first period begins: not after the grid.
    pub(crate) fn first_ms(self, period_s: u32) -> u64 {
        let period_ms = u64::from(period_s.max(1)) * 1000;
        if self.is_from_start { self.from_ms } else { self.from_ms - self.from_ms % period_ms }
    }

    /// When each period begins.
    pub(crate) fn times(self, period_s: u32) -> impl Iterator<Item = u64> {
        (self.first_ms(period_s)..self.to_ms).step_by(period_s.max(1) as usize * 1000)
    }

    /// How many periods there are.
    pub(crate) fn count(self, period_s: u32) -> u64 {
        self.to_ms
            .saturating_sub(self.first_ms(period_s))
            .div_ceil(u64::from(period_s.max(1)) * 1000)
    }
}

/// What a call may still read and compute.
#[derive(Debug)]
pub(crate) struct Budget {
    points: usize,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { points: MATH_POINTS_MAX }
    }
}

impl Budget {
    /// Takes so many points, or tells that this is too much.
    pub(crate) fn spend(&mut self, points: usize) -> Result<(), MathError> {
        self.points = self.points.checked_sub(points).ok_or_else(|| {
            MathError::new(format!(
                "The request computes more than {MATH_POINTS_MAX} data points. Use a shorter time \
                 range or a longer period"
            ))
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_begin_at_multiples_of_the_epoch_or_at_the_start() {
        let grid = Grid { from_ms: 130_000, to_ms: 300_000, is_from_start: false };
        assert_eq!(grid.times(60).collect::<Vec<_>>(), [120_000, 180_000, 240_000]);
        assert_eq!(grid.count(60), 3);
        let grid = Grid { is_from_start: true, ..grid };
        assert_eq!(grid.times(60).collect::<Vec<_>>(), [130_000, 190_000, 250_000]);
        assert_eq!(grid.count(60), 3);
        let empty = Grid { from_ms: 0, to_ms: 0, is_from_start: true };
        assert_eq!((empty.times(60).count(), empty.count(60)), (0, 0));
    }
}
