//! Every statistic of binned samples against the samples themselves.

use nautilus_stats::{Bound, Distribution, Range, Statistic};
use proptest::prelude::*;

/// What bins may be wrong by.
const ERROR: f64 = 0.01;

fn distribution(samples: &[f64]) -> Distribution {
    let mut all = Distribution::of(samples[0], 1.0);
    samples[1..].iter().for_each(|value| all.record(*value, 1.0));
    all
}

fn rank(count: usize, percent: f64) -> f64 {
    count as f64 * percent / 100.0
}

/// The samples in the range, and how many are before it; `None` if there is no such range.
fn within(sorted: &[f64], range: Range) -> (usize, usize) {
    let up_to = |bound: f64| sorted.partition_point(|value| *value <= bound);
    let from = match range.lower {
        Bound::Open => 0,
        Bound::Percent(percent) => (rank(sorted.len(), percent) + 1e-9).floor() as usize,
        Bound::Value(value) => up_to(value),
    };
    let to = match range.upper {
        Bound::Open => sorted.len(),
        Bound::Percent(percent) => (rank(sorted.len(), percent) - 1e-9).ceil() as usize,
        Bound::Value(value) => up_to(value),
    };
    (from.min(sorted.len()), to)
}

fn exact(sorted: &[f64], statistic: &Statistic) -> Option<f64> {
    let sum = |samples: &[f64]| samples.iter().sum::<f64>();
    let kept = |range: Range| {
        let (from, to) = within(sorted, range);
        sorted.get(from..to).unwrap_or(&[])
    };
    let count = sorted.len() as f64;
    Some(match *statistic {
        Statistic::SampleCount => count,
        Statistic::Sum => sum(sorted),
        Statistic::Average => sum(sorted) / count,
        Statistic::Minimum => sorted[0],
        Statistic::Maximum => sorted[sorted.len() - 1],
        Statistic::Percentile(percent) => {
            let rank = (rank(sorted.len(), percent) - 1e-9).ceil() as usize;
            sorted[rank.saturating_sub(1)]
        }
        Statistic::TrimmedCount(range) => kept(range).len() as f64,
        Statistic::TrimmedSum(range) => sum(kept(range)),
        Statistic::PercentileRank(range) => 100.0 * kept(range).len() as f64 / count,
        Statistic::TrimmedMean(range) => {
            let kept = kept(range);
            return (!kept.is_empty()).then(|| sum(kept) / kept.len() as f64);
        }
        Statistic::WinsorizedMean(range) => {
            let (from, to) = within(sorted, range);
            if from > to {
                return None;
            }
            let lowest = match range.lower {
                Bound::Value(value) => value,
                _ => sorted[from.min(sorted.len() - 1)],
            };
            let highest = match range.upper {
                Bound::Value(value) => value,
                _ => sorted[to.saturating_sub(1)],
            };
            let outside = lowest * from as f64 + highest * (sorted.len() - to) as f64;
            (sum(&sorted[from..to]) + outside) / count
        }
    })
}

/// All that do not look for samples by value.
const BY_PERCENT: &[&str] = &[
    "SampleCount",
    "Sum",
    "Average",
    "Minimum",
    "Maximum",
    "p0",
    "p1",
    "p10",
    "p25",
    "p50",
    "p90",
    "p99",
    "p99.9",
    "p100",
    "tm90",
    "tm99",
    "wm90",
    "wm99.9",
    "tc50",
    "tc99",
    "ts75",
    "ts99",
    "IQM",
    "TM(10%:90%)",
    "TM(99%:)",
    "WM(10%:90%)",
    "WM(5%:)",
    "TC(0.5%:99.5%)",
    "TS(20%:21%)",
    "PR(10%:50%)",
];
const BY_VALUE: &[&str] = &[
    "TM(10:100)",
    "TM(:50)",
    "TM(50:)",
    "WM(10:100)",
    "WM(:7)",
    "TC(0:1)",
    "TC(0:100)",
    "TS(:120)",
    "PR(:64)",
    "PR(3:)",
    "PR(10:90%)",
    "TM(10%:90)",
];

fn check(samples: &mut [f64], names: &[&str], error: f64) {
    samples.sort_by(f64::total_cmp);
    let binned = distribution(samples);
    for name in names {
        let statistic = Statistic::parse(name).expect("a statistic's name");
        let (found, wanted) = (binned.statistic(&statistic), exact(samples, &statistic));
        let is_near = match (found, wanted) {
            (Some(found), Some(wanted)) => (found - wanted).abs() <= wanted * error + 1e-9,
            (found, wanted) => found == wanted,
        };
        assert!(is_near, "{name} is {found:?}, not {wanted:?}, of {samples:?}");
    }
}

proptest! {
    #[test]
    fn samples_of_any_size_are_right_within_one_percent(
        powers in prop::collection::vec(-20.0..50.0f64, 1..300),
    ) {
        let mut samples: Vec<f64> = powers.into_iter().map(f64::exp2).collect();
        check(&mut samples, BY_PERCENT, ERROR);
    }

    #[test]
    fn samples_that_lie_near_each_other_are_right_within_one_percent(
        first in 0.001..1e12f64, steps in prop::collection::vec(1.0..1.03f64, 1..100),
    ) {
        let mut samples: Vec<f64> = steps.into_iter().map(|step| first * step).collect();
        check(&mut samples, BY_PERCENT, ERROR);
    }

    #[test]
    fn equal_samples_are_exact(value in 0.0..1e12f64, count in 1..50usize) {
        // But for the rounding of sums.
        let mut samples = vec![value; count];
        check(&mut samples, BY_PERCENT, 1e-12);
        check(&mut samples, BY_VALUE, 1e-12);
    }

    #[test]
    fn small_whole_numbers_are_exact(numbers in prop::collection::vec(0..=128u32, 1..200)) {
        let mut samples: Vec<f64> = numbers.into_iter().map(f64::from).collect();
        check(&mut samples, BY_PERCENT, 1e-12);
        check(&mut samples, BY_VALUE, 1e-12);
    }

    #[test]
    fn a_value_s_bound_is_right_within_one_percent(
        samples in prop::collection::vec(0.0..1e4f64, 1..100), bound in 1.0..1e4f64,
    ) {
        let up_to = |bound: f64| samples.iter().filter(|value| **value <= bound).count() as f64;
        let range = Range { lower: Bound::Open, upper: Bound::Value(bound) };
        let found = distribution(&samples).statistic(&Statistic::TrimmedCount(range)).unwrap();
        let allowed = up_to(bound * (1.0 - ERROR))..=up_to(bound * (1.0 + ERROR));
        prop_assert!(allowed.contains(&found), "{found} is not in {allowed:?}");
    }

    #[test]
    fn parts_merge_into_what_all_together_are(
        mut samples in prop::collection::vec(0..100_000u32, 2..100), at in 1..100usize,
    ) {
        let at = at.min(samples.len() - 1);
        let values: Vec<f64> = samples.iter().copied().map(f64::from).collect();
        let mut merged = distribution(&values[at..]);
        merged.merge(&distribution(&values[..at]));
        samples.sort_unstable();
        prop_assert_eq!(merged, distribution(&values));
    }

    #[test]
    fn no_name_and_no_samples_panic(
        name in "[a-zA-Z(]{0,4}[0-9.%:]{0,12}[)]?", value in any::<f64>(), other in any::<f64>(),
    ) {
        let mut samples = Distribution::of(value, 0.3);
        samples.record(other, 1e300);
        samples.merge(&Distribution::of_set(value, other, other, value));
        for name in [name.as_str(), "p50", "WM(1:99%)", "TM(10%:90%)"] {
            if let Some(statistic) = Statistic::parse(name) {
                let _ = samples.statistic(&statistic);
            }
        }
    }
}

#[test]
fn negative_samples_and_bare_sets_have_no_percentiles() {
    let mut negative = Distribution::of(5.0, 3.0);
    negative.record(-1.0, 1.0);
    let mut merged = Distribution::of(5.0, 3.0);
    merged.merge(&Distribution::of(-2.0, 1.0));
    let table = [
        (Distribution::of(-5.0, 1.0), false),
        (negative, false),
        (merged, false),
        (Distribution::of_set(3.0, 30.0, 1.0, 20.0), false),
        (Distribution::of_set(3.0, 30.0, 10.0, 10.0), true),
        (Distribution::of_set(1.0, 10.0, 10.0, 10.0), true),
        (Distribution::of(5.0, 3.0), true),
    ];
    for (samples, has_percentiles) in table {
        for name in BY_PERCENT.iter().chain(BY_VALUE) {
            let statistic = Statistic::parse(name).unwrap();
            let is_had = samples.statistic(&statistic).is_some();
            // TM, WM of nothing within bounds are not had either.
            if !statistic.is_extended() || !has_percentiles || name.starts_with('p') {
                assert_eq!(
                    is_had,
                    has_percentiles || !statistic.is_extended(),
                    "{name}: {samples:?}"
                );
            }
        }
    }
}

#[test]
fn counts_need_not_be_whole() {
    let mut samples = Distribution::of(1.0, 0.5);
    samples.record(3.0, 0.25);
    let statistic = |name| samples.statistic(&Statistic::parse(name).unwrap());
    assert_eq!(statistic("SampleCount"), Some(0.75));
    assert_eq!(statistic("TC(:2)"), Some(0.5));
    assert_eq!(statistic("p100"), Some(3.0));
}
