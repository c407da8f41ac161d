//! What a result is called.
//!
//! A client's label may hold values that are put in here, `${MAX}` or `${PROP('Dim.StreamName')}`. Without one, a metric
//! is called by what tells it from the other metrics of the request, an expression by its id.
//! AWS: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/graph-dynamic-labels.html>. It does not say how
//! numbers and spans of time are printed: here with up to three decimals, and as `1h 5m`.

use std::{collections::BTreeSet, fmt::Write};

use nautilus_wire::time::Date;

use super::limits::LABEL_VALUES_MAX;

/// A metric as labels speak of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Source {
    pub account: String,
    pub region: String,
    pub namespace: String,
    pub name: String,
    /// By name.
    pub dimensions: Vec<(String, String)>,
    pub stat: String,
    pub period_s: u32,
    /// What it is called when it stands in an array.
    pub label: String,
}

impl Source {
    fn values(&self) -> String {
        let values: Vec<_> = self.dimensions.iter().map(|(_, value)| value.as_str()).collect();
        values.join(" ")
    }

    /// What `PROP('…')` asks for.
    fn property(&self, name: &str) -> Option<String> {
        Some(match name {
            "AccountId" => self.account.clone(),
            "Region" => self.region.clone(),
            "Namespace" => self.namespace.clone(),
            "MetricName" => self.name.clone(),
            "Stat" => self.stat.clone(),
            "Period" => self.period_s.to_string(),
            _ => {
                let dimension = name.strip_prefix("Dim.")?;
                self.dimensions.iter().find(|(name, _)| name == dimension)?.1.clone()
            }
        })
    }
}

/// Default labels of metrics that stand side by side: of name, dimensions, statistic and period what differs, and the
/// name in any case but that only dimensions tell them apart.
pub(crate) fn defaults(all: &[Source]) -> Vec<String> {
    let differs =
        |part: &dyn Fn(&Source) -> String| all.iter().map(part).collect::<BTreeSet<_>>().len() > 1;
    let by_values = differs(&Source::values);
    let by_name = differs(&|source| source.name.clone());
    let by_stat = differs(&|source| source.stat.clone());
    let by_period = differs(&|source| source.period_s.to_string());
    let label = |source: &Source| {
        let mut parts = Vec::new();
        if by_values && !source.dimensions.is_empty() {
            parts.push(source.values());
        }
        if by_name || parts.is_empty() {
            parts.push(source.name.clone());
        }
        if by_stat {
            parts.push(source.stat.clone());
        }
        if by_period {
            parts.push(source.period_s.to_string());
        }
        parts.join(" ")
    };
    all.iter().map(label).collect()
}

/// What is called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Labelled<'l> {
    pub points: &'l [(u64, f64)],
    pub source: Option<&'l Source>,
    /// What `${LABEL}` is.
    pub default: &'l str,
    pub now_ms: u64,
    /// Of the client's time zone, east of UTC.
    pub zone_minutes: i64,
}

/// Whether a label holds values.
pub(crate) fn is_dynamic(label: &str) -> bool {
    label.contains("${")
}

/// A label with its values. What it does not know, or has no value for, stays as it is.
pub(crate) fn render(label: &str, of: Labelled<'_>) -> String {
    let (mut text, mut rest) = (String::new(), label);
    let (mut values_left, mut has_label) = (LABEL_VALUES_MAX, false);
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else { break };
        let (before, written) = (&rest[..start], &rest[start..=start + length]);
        let name = &written[2..written.len() - 1];
        text.push_str(before);
        rest = &rest[start + written.len()..];
        let value = if name == "LABEL" {
            (!std::mem::replace(&mut has_label, true)).then(|| of.default.to_owned())
        } else if values_left == 0 {
            None
        } else {
            values_left -= 1;
            of.value(name)
        };
        text.push_str(value.as_deref().unwrap_or(written));
    }
    text.push_str(rest);
    text
}

impl Labelled<'_> {
    fn value(&self, name: &str) -> Option<String> {
        if let Some(property) = name.strip_prefix("PROP(") {
            let property = property.strip_suffix(')')?;
            let quoted = property.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
            return self.source?.property(quoted?);
        }
        let points = self.points;
        if name == "DATAPOINT_COUNT" {
            return Some(points.len().to_string());
        }
        let (first, last) = (*points.first()?, *points.last()?);
        let sum = || points.iter().map(|(_, value)| value).sum::<f64>();
        // Of equal ones the newest.
        let least = || points.iter().copied().fold(first, |a, b| if b.1 <= a.1 { b } else { a });
        let greatest = || points.iter().copied().fold(first, |a, b| if b.1 >= a.1 { b } else { a });
        Some(match name {
            "AVG" => number(sum() / points.len() as f64),
            "SUM" => number(sum()),
            "FIRST" => number(first.1),
            "LAST" => number(last.1),
            "MIN" => number(least().1),
            "MAX" => number(greatest().1),
            "FIRST_LAST_RANGE" => number(last.1 - first.1),
            "MIN_MAX_RANGE" => number(greatest().1 - least().1),
            "FIRST_TIME" => self.time(first.0),
            "LAST_TIME" => self.time(last.0),
            "MIN_TIME" => self.time(least().0),
            "MAX_TIME" => self.time(greatest().0),
            "FIRST_TIME_RELATIVE" => span(self.now_ms, first.0),
            "LAST_TIME_RELATIVE" => span(self.now_ms, last.0),
            "MIN_TIME_RELATIVE" => span(self.now_ms, least().0),
            "MAX_TIME_RELATIVE" => span(self.now_ms, greatest().0),
            "FIRST_LAST_TIME_RANGE" => span(first.0, last.0),
            "MIN_MAX_TIME_RANGE" => span(least().0, greatest().0),
            _ => return None,
        })
    }

    fn time(&self, at_ms: u64) -> String {
        local_time(at_ms, self.zone_minutes)
    }
}

/// `2026-02-26 10:00:00 UTC`, or `… +0130` in another zone.
fn local_time(unix_ms: u64, zone_minutes: i64) -> String {
    let local_ms = unix_ms.saturating_add_signed(zone_minutes * 60_000);
    let zone = match zone_minutes {
        0 => "UTC".to_owned(),
        minutes => {
            let sign = if minutes < 0 { '-' } else { '+' };
            format!("{sign}{:02}{:02}", minutes.abs() / 60, minutes.abs() % 60)
        }
    };
    let date = Date::from_unix_ms(i64::try_from(local_ms).unwrap_or(i64::MAX));
    let Date { year, month, day, hour, minute, second, .. } = date;
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} {zone}")
}

fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// How long it is between two points in time: `1d 2h 3m`.
fn span(a_ms: u64, b_ms: u64) -> String {
    let seconds = a_ms.abs_diff(b_ms) / 1000;
    let parts = [
        (seconds / 86_400, 'd'),
        (seconds / 3600 % 24, 'h'),
        (seconds / 60 % 60, 'm'),
        (seconds % 60, 's'),
    ];
    let mut text = String::new();
    for (count, unit) in parts.into_iter().filter(|(count, _)| *count > 0) {
        let space = if text.is_empty() { "" } else { " " };
        let _ = write!(text, "{space}{count}{unit}");
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Minutes of a time zone that is written as `+0130`.
pub(crate) fn zone_minutes(text: &str) -> Option<i64> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    if digits.len() != 4 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = (digits[..2].parse::<i64>().ok()?, digits[2..].parse::<i64>().ok()?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_shown_in_their_zone() {
        assert_eq!(local_time(951_827_696_000, 0), "2000-02-29 12:34:56 UTC");
        assert_eq!(local_time(951_827_696_000, 690), "2000-03-01 00:04:56 +1130");
        assert_eq!(local_time(951_827_696_000, -90), "2000-02-29 11:04:56 -0130");
        assert_eq!(local_time(0, -90), "1970-01-01 00:00:00 -0130", "nothing is before 1970");
    }

    fn source(name: &str, dimension: &str, stat: &str, period_s: u32) -> Source {
        let dimensions = match dimension {
            "" => Vec::new(),
            value => vec![("StreamName".to_owned(), value.to_owned())],
        };
        let [name, stat] = [name, stat].map(str::to_owned);
        Source { name, dimensions, stat, period_s, ..Source::default() }
    }

    #[test]
    fn metrics_are_called_by_what_differs() {
        let check = |all: &[Source], expected: &[&str]| assert_eq!(defaults(all), expected);
        let sum = |name, dimension| source(name, dimension, "Sum", 60);
        check(&[sum("metric1", "")], &["metric1"]);
        check(&[sum("metric1", "s")], &["metric1"]);
        check(&[sum("metric1", ""), sum("metric2", "")], &["metric1", "metric2"]);
        check(
            &[sum("metric1", ""), source("metric2", "", "Average", 60)],
            &["metric1 Sum", "metric2 Average"],
        );
        check(
            &[sum("metric1", ""), source("metric1", "", "Average", 300)],
            &["metric1 Sum 60", "metric1 Average 300"],
        );
        check(&[sum("m", "a"), sum("m", "b")], &["a", "b"]);
        check(&[sum("m", "a"), sum("n", "b")], &["a m", "b n"]);
        check(&[sum("m", "a"), sum("m", "")], &["a", "m"]);
    }

    fn check(label: &str, points: &[(u64, f64)], expected: &str) {
        let mut source = source("IncomingBytes", "orders", "Sum", 60);
        source.account = "000000000000".to_owned();
        let (now_ms, zone_minutes, source) = (7_400_000, 60, Some(&source));
        let of = Labelled { points, source, default: "IncomingBytes", now_ms, zone_minutes };
        assert_eq!(render(label, of), expected);
    }

    #[test]
    fn values_are_put_in() {
        let points = [(60_000, 2.0), (120_000, 5.0), (180_000, 1.0)];
        check("plain", &points, "plain");
        check("[max: ${MAX} of ${LABEL}]", &points, "[max: 5 of IncomingBytes]");
        check("${AVG} ${SUM} ${MIN} ${FIRST} ${LAST}", &points, "2.667 8 1 2 1");
        check("${DATAPOINT_COUNT} ${MIN_MAX_RANGE} ${FIRST_LAST_RANGE}", &points, "3 4 -1");
        check("${MAX_TIME}", &points, "1970-01-01 01:02:00 +0100");
        check("${LAST_TIME_RELATIVE} ${MIN_MAX_TIME_RANGE}", &points, "2h 20s 1m");
        check(
            "${PROP('Dim.StreamName')} ${PROP('Stat')} ${PROP('Period')} ${PROP('AccountId')}",
            &points,
            "orders Sum 60 000000000000",
        );
    }

    #[test]
    fn what_has_no_value_stays() {
        let points = [(60_000, 2.0)];
        check(
            "${NEVER} ${PROP('Dim.Other')} ${PROP(Stat)} ${MAX",
            &points,
            "${NEVER} ${PROP('Dim.Other')} ${PROP(Stat)} ${MAX",
        );
        check("${MAX} of ${DATAPOINT_COUNT}", &[], "${MAX} of 0");
        check("${LABEL}${LABEL}", &points, "IncomingBytes${LABEL}");
        check("${MAX}${MAX}${MAX}${MAX}${MAX}${MAX}", &points, "22222${MAX}");
    }

    #[test]
    fn zones_are_hours_and_minutes() {
        for (text, expected) in [
            ("+0130", Some(90)),
            ("-0800", Some(-480)),
            ("+0000", Some(0)),
            ("0130", None),
            ("+130", None),
            ("+2400", None),
            ("+0x30", None),
            ("", None),
            ("é0130", None),
        ] {
            assert_eq!(zone_minutes(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_label_panics(label in "[\\PC${}]{0,40}") {
            let of = Labelled { points: &[(0, 1.0)], source: None, default: "d", now_ms: 0, zone_minutes: 0 };
            render(&label, of);
        }
    }
}
