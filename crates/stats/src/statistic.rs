//! What can be asked of samples, by AWS's names: `Sum`, `p99.9`, `TM(10%:90%)`, `IQM`.
//!
//! A percentile is the least sample that so many percent of all are not above (nearest rank). A range by percent keeps
//! every sample of which any part lies in it: `tm90` of one sample is that sample. A range by value is exclusive at its
//! lower bound and inclusive at its upper. AWS says no more than that:
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html>

use crate::{Distribution, ranked::Ranked};

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Statistic {
    /// How many samples.
    SampleCount,
    /// All together.
    Sum,
    /// The mean.
    Average,
    /// The least.
    Minimum,
    /// The greatest.
    Maximum,
    /// `p90`: of so many percent, 0 to 100.
    Percentile(f64),
    /// `TM`, `tm90`, `IQM`: the mean of the samples in the range.
    TrimmedMean(Range),
    /// `WM`, `wm90`: the mean of all, where what is outside of the range counts as its end.
    WinsorizedMean(Range),
    /// `TC`, `tc90`: how many samples are in the range.
    TrimmedCount(Range),
    /// `TS`, `ts90`: the sum of the samples in the range.
    TrimmedSum(Range),
    /// `PR`: how many percent of the samples are in the range.
    PercentileRank(Range),
}

/// From where to where samples are looked at; at least one end is not open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// Where it begins.
    pub lower: Bound,
    /// Where it ends.
    pub upper: Bound,
}

/// An end of a [`Range`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// Nothing is left out on this side.
    Open,
    /// At so many percent of the samples, 0 to 100.
    Percent(f64),
    /// At this value, zero or greater.
    Value(f64),
}

/// `IQM`.
const INTERQUARTILE: Range = Range { lower: Bound::Percent(25.0), upper: Bound::Percent(75.0) };

impl Statistic {
    /// Reads AWS's name of one; `None` for what is none.
    pub fn parse(text: &str) -> Option<Statistic> {
        Some(match text {
            "SampleCount" => Statistic::SampleCount,
            "Sum" => Statistic::Sum,
            "Average" => Statistic::Average,
            "Minimum" => Statistic::Minimum,
            "Maximum" => Statistic::Maximum,
            "IQM" => Statistic::TrimmedMean(INTERQUARTILE),
            _ => return parse_up_to(text).or_else(|| parse_range(text)),
        })
    }

    /// True for those that need to know where the samples lie: AWS's ExtendedStatistic.
    pub fn is_extended(&self) -> bool {
        !matches!(
            self,
            Statistic::SampleCount
                | Statistic::Sum
                | Statistic::Average
                | Statistic::Minimum
                | Statistic::Maximum
        )
    }

    pub(crate) fn of(&self, samples: &Distribution) -> Option<f64> {
        let ranked = || Ranked::of(samples);
        Some(match *self {
            Statistic::SampleCount => samples.count,
            Statistic::Sum => samples.sum,
            Statistic::Average => samples.average(),
            Statistic::Minimum => samples.min,
            Statistic::Maximum => samples.max,
            Statistic::Percentile(percent) => ranked()?.percentile(percent),
            Statistic::TrimmedMean(range) => ranked()?.trimmed_mean(range)?,
            Statistic::WinsorizedMean(range) => ranked()?.winsorized_mean(range)?,
            Statistic::TrimmedCount(range) => ranked()?.trimmed_count(range),
            Statistic::TrimmedSum(range) => ranked()?.trimmed_sum(range),
            Statistic::PercentileRank(range) => ranked()?.percentile_rank(range),
        })
    }
}

/// `p99.9`, and `tm90`, which is `TM(:90%)`.
fn parse_up_to(text: &str) -> Option<Statistic> {
    let (name, number) = text.split_at(text.find(|c: char| c.is_ascii_digit())?);
    let percent = parse_percent(number)?;
    let range = Range { lower: Bound::Open, upper: Bound::Percent(percent) };
    Some(match name {
        "p" => Statistic::Percentile(percent),
        "tm" => Statistic::TrimmedMean(range),
        "wm" => Statistic::WinsorizedMean(range),
        "tc" => Statistic::TrimmedCount(range),
        "ts" => Statistic::TrimmedSum(range),
        _ => return None,
    })
}

/// `TM(10%:90%)`, `PR(:300)`.
fn parse_range(text: &str) -> Option<Statistic> {
    let (name, rest) = text.split_once('(')?;
    let (lower, upper) = rest.strip_suffix(')')?.split_once(':')?;
    let range = Range { lower: parse_bound(lower)?, upper: parse_bound(upper)? };
    let is_empty = match (range.lower, range.upper) {
        (Bound::Open, Bound::Open) => true,
        (Bound::Percent(lower), Bound::Percent(upper)) => lower >= upper,
        (Bound::Value(lower), Bound::Value(upper)) => lower >= upper,
        _ => false,
    };
    if is_empty {
        return None;
    }
    Some(match name {
        "TM" => Statistic::TrimmedMean(range),
        "WM" => Statistic::WinsorizedMean(range),
        "TC" => Statistic::TrimmedCount(range),
        "TS" => Statistic::TrimmedSum(range),
        "PR" => Statistic::PercentileRank(range),
        _ => return None,
    })
}

fn parse_bound(text: &str) -> Option<Bound> {
    Some(match text.strip_suffix('%') {
        _ if text.is_empty() => Bound::Open,
        Some(percent) => Bound::Percent(parse_percent(percent)?),
        None => Bound::Value(parse_number(text)?),
    })
}

fn parse_percent(text: &str) -> Option<f64> {
    parse_number(text).filter(|percent| *percent <= 100.0)
}

/// Digits, and up to ten more behind a point.
fn parse_number(text: &str) -> Option<f64> {
    const DIGITS_MAX: usize = 120; // more than 2^360 has
    const DECIMALS_MAX: usize = 10;
    let (whole, decimals) = match text.split_once('.') {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (text, None),
    };
    let is_number = |digits: &str, max: usize| {
        (1..=max).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_valid = is_number(whole, DIGITS_MAX)
        && decimals.is_none_or(|decimals| is_number(decimals, DECIMALS_MAX));
    is_valid.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::{Bound::*, Statistic::*, *};

    fn range(lower: Bound, upper: Bound) -> Range {
        Range { lower, upper }
    }

    #[test]
    fn names_are_read_as_aws_writes_them() {
        let table = [
            ("SampleCount", SampleCount),
            ("Sum", Sum),
            ("Average", Average),
            ("Minimum", Minimum),
            ("Maximum", Maximum),
            ("p0", Percentile(0.0)),
            ("p99.9", Percentile(99.9)),
            ("p99.9999999999", Percentile(99.999_999_999_9)),
            ("p100", Percentile(100.0)),
            ("tm90", TrimmedMean(range(Open, Percent(90.0)))),
            ("wm99.5", WinsorizedMean(range(Open, Percent(99.5)))),
            ("tc5", TrimmedCount(range(Open, Percent(5.0)))),
            ("ts50", TrimmedSum(range(Open, Percent(50.0)))),
            ("IQM", TrimmedMean(range(Percent(25.0), Percent(75.0)))),
            ("TM(10%:90%)", TrimmedMean(range(Percent(10.0), Percent(90.0)))),
            ("TM(:99.5%)", TrimmedMean(range(Open, Percent(99.5)))),
            ("WM(80:500)", WinsorizedMean(range(Value(80.0), Value(500.0)))),
            ("TC(0.005:0.030)", TrimmedCount(range(Value(0.005), Value(0.03)))),
            ("TS(80%:)", TrimmedSum(range(Percent(80.0), Open))),
            ("PR(:300)", PercentileRank(range(Open, Value(300.0)))),
        ];
        for (text, statistic) in table {
            assert_eq!(Statistic::parse(text), Some(statistic), "{text}");
            assert_eq!(
                statistic.is_extended(),
                !text.ends_with(char::is_alphabetic) || text == "IQM"
            );
        }
    }

    #[test]
    fn what_is_no_statistic_is_none() {
        let long = format!("PR(:{})", "9".repeat(121));
        let table = [
            "",
            "sum",
            "SUM",
            "p",
            "p101",
            "p-1",
            "p+5",
            "p1e1",
            "p99.",
            "p.5",
            "p9.12345678901",
            "pNaN",
            "p 9",
            "P99",
            "iqm",
            "pr50",
            "TM",
            "TM()",
            "TM(:)",
            "TM(10%)",
            "TM(90%:10%)",
            "TM(5%:5%)",
            "TM(1:1)",
            "TM(:101%)",
            "TM(-1:5)",
            "TM(1:2",
            "TM(1:2))",
            "tm(1:2)",
            "XX(1:2)",
            "TM(1:2:3)",
            "TM(%:5%)",
            "p٣",
            &long,
        ];
        for text in table {
            assert_eq!(Statistic::parse(text), None, "{text}");
        }
    }
}
