//! Prometheus's text format, version 0.0.4: families of samples, each under its name, its type and a sentence.

use std::{fmt::Write, ops::RangeInclusive};

use nautilus_stats::Counted;

/// What a family's samples are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only grows, but for a restart.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by upper bounds.
    Histogram,
}

/// A page in the making.
#[derive(Debug, Default)]
pub(crate) struct Text {
    page: String,
}

/// How a histogram is told. All of one family have the same bounds, at all times: only then may they be added up.
#[derive(Debug, Clone)]
pub(crate) struct Scale {
    /// How many of the unit that is counted are one of the unit that is told.
    pub(crate) per_unit: f64,
    /// The bounds are 2 to the power of these, in the unit that is counted.
    pub(crate) powers: RangeInclusive<u8>,
}

impl Scale {
    /// Microseconds, told as seconds: from 16 µs to 8.4 s for steps of the disk.
    pub(crate) const DISK_US: Scale = Scale { per_unit: 1e6, powers: 4..=23 };
    /// The same of whole requests: from 64 µs to 16.8 s.
    pub(crate) const REQUEST_US: Scale = Scale { per_unit: 1e6, powers: 6..=24 };
    /// From 256 B to 16 MiB.
    pub(crate) const BYTES: Scale = Scale { per_unit: 1.0, powers: 8..=24 };
    /// From 1 to 16,384.
    pub(crate) const COUNT: Scale = Scale { per_unit: 1.0, powers: 0..=14 };
}

/// Names and values.
pub(crate) type Labels<'a> = &'a [(&'a str, &'a str)];

impl Text {
    /// The type of the page.
    pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

    /// Begins a family; its samples follow at once, and it comes once.
    pub(crate) fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        self.parts(&["# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind, "\n"]);
    }

    /// One sample.
    pub(crate) fn sample(&mut self, name: &str, labels: Labels<'_>, value: f64) {
        self.line(name, "", labels, None, value);
    }

    /// A family of one sample without labels.
    pub(crate) fn single(&mut self, name: &str, kind: Kind, help: &str, value: f64) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    /// One histogram: how many samples are at or below each bound, their sum, and how many there are.
    pub(crate) fn histogram(
        &mut self,
        name: &str,
        labels: Labels<'_>,
        up_to: impl IntoIterator<Item = (f64, f64)>,
        (sum, count): (f64, f64),
    ) {
        for (bound, count) in up_to {
            self.line(name, "_bucket", labels, Some(&number(bound)), count);
        }
        self.line(name, "_bucket", labels, Some("+Inf"), count);
        self.line(name, "_sum", labels, None, sum);
        self.line(name, "_count", labels, None, count);
    }

    /// One whose samples were counted in a unit that is so many times smaller than the one that is told.
    pub(crate) fn counted(
        &mut self,
        name: &str,
        labels: Labels<'_>,
        counted: &Counted,
        Scale { per_unit, powers }: Scale,
    ) {
        let up_to = powers.map(|power| {
            let bound = f64::powi(2.0, power.into()) / per_unit;
            (bound, counted.at_or_below(power.into()) as f64)
        });
        let all = (counted.sum as f64 / per_unit, counted.count as f64);
        self.histogram(name, labels, up_to, all);
    }

    /// The page.
    pub(crate) fn finish(self) -> String {
        self.page
    }

    fn line(
        &mut self,
        name: &str,
        suffix: &str,
        labels: Labels<'_>,
        bound: Option<&str>,
        value: f64,
    ) {
        self.parts(&[name, suffix]);
        let mut separator = "{";
        for (label, value) in labels.iter().copied().chain(bound.map(|bound| ("le", bound))) {
            self.parts(&[separator, label, "=\""]);
            self.escaped(value);
            self.page.push('"');
            separator = ",";
        }
        if separator == "," {
            self.page.push('}');
        }
        self.parts(&[" ", &number(value), "\n"]);
    }

    fn escaped(&mut self, value: &str) {
        for c in value.chars() {
            match c {
                '\\' => self.page.push_str("\\\\"),
                '"' => self.page.push_str("\\\""),
                '\n' => self.page.push_str("\\n"),
                c => self.page.push(c),
            }
        }
    }

    fn parts(&mut self, parts: &[&str]) {
        self.page.extend(parts.iter().copied());
    }
}

/// A number as Go reads it: the shortest text that means it.
fn number(value: f64) -> String {
    let mut text = String::new();
    let written = match value {
        f64::INFINITY => write!(text, "+Inf"),
        f64::NEG_INFINITY => write!(text, "-Inf"),
        value => write!(text, "{value}"),
    };
    debug_assert!(written.is_ok(), "a text takes everything");
    text
}

#[cfg(test)]
mod tests {
    use nautilus_stats::Histogram;

    use super::*;

    #[test]
    fn families_have_their_type_and_values_are_escaped() {
        let mut text = Text::default();
        text.family("nautilus_things_total", Kind::Counter, "Things.");
        text.sample("nautilus_things_total", &[("name", "a\"b\\c\nd"), ("x", "é")], 3.0);
        text.single("nautilus_load", Kind::Gauge, "Load.", 0.25);
        assert_eq!(
            text.finish(),
            "# HELP nautilus_things_total Things.\n# TYPE nautilus_things_total counter\n\
             nautilus_things_total{name=\"a\\\"b\\\\c\\nd\",x=\"é\"} 3\n\
             # HELP nautilus_load Load.\n# TYPE nautilus_load gauge\nnautilus_load 0.25\n"
        );
    }

    #[test]
    fn a_histogram_ends_with_all_samples_its_sum_and_its_count() {
        let histogram = Histogram::default();
        for us in [1, 3, 900] {
            histogram.record(us);
        }
        let mut text = Text::default();
        let scale = Scale { per_unit: 1e6, powers: 1..=11 };
        text.counted("t_seconds", &[("of", "x")], &histogram.counted(), scale);
        let page = text.finish();
        let lines: Vec<_> = page.lines().collect();
        assert_eq!(lines[0], "t_seconds_bucket{of=\"x\",le=\"0.000002\"} 1");
        assert_eq!(lines[1], "t_seconds_bucket{of=\"x\",le=\"0.000004\"} 2");
        let ends = [
            "t_seconds_bucket{of=\"x\",le=\"0.002048\"} 3",
            "t_seconds_bucket{of=\"x\",le=\"+Inf\"} 3",
            "t_seconds_sum{of=\"x\"} 0.000904",
            "t_seconds_count{of=\"x\"} 3",
        ];
        assert_eq!(lines[lines.len() - 4..], ends);
    }
}
