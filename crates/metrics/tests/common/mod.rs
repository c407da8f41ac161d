//! What this room's bench and tests share: busy streams' metrics.

#![allow(dead_code)] // each uses a part

use std::path::Path;

pub use nautilus_log::wait;
use nautilus_metrics::{Dimension, Distribution, Resolution, Sample, Series, Unit};

/// A whole day.
pub const START_MS: u64 = 1_795_478_400_000;

/// Streams that are written and read, some much and some little.
pub struct Traffic {
    series: Vec<Series>,
    chance: u64,
}

const METRICS: [(&str, Unit); 20] = [
    ("GetRecords.Bytes", Unit::Bytes),
    ("GetRecords.IteratorAge", Unit::Milliseconds),
    ("GetRecords.IteratorAgeMilliseconds", Unit::Milliseconds),
    ("GetRecords.Latency", Unit::Milliseconds),
    ("GetRecords.Records", Unit::Count),
    ("GetRecords.Success", Unit::Count),
    ("IncomingBytes", Unit::Bytes),
    ("IncomingRecords", Unit::Count),
    ("PutRecord.Bytes", Unit::Bytes),
    ("PutRecord.Latency", Unit::Milliseconds),
    ("PutRecord.Success", Unit::Count),
    ("PutRecords.Bytes", Unit::Bytes),
    ("PutRecords.FailedRecords", Unit::Count),
    ("PutRecords.Records", Unit::Count),
    ("PutRecords.Success", Unit::Count),
    ("PutRecords.SuccessfulRecords", Unit::Count),
    ("PutRecords.ThrottledRecords", Unit::Count),
    ("PutRecords.TotalRecords", Unit::Count),
    ("ReadProvisionedThroughputExceeded", Unit::Count),
    ("WriteProvisionedThroughputExceeded", Unit::Count),
];
const SPREADS: [usize; 3] = [2, 3, 9];

impl Traffic {
    pub fn new(streams: usize) -> Traffic {
        let stream = |number| {
            METRICS.map(|(name, unit)| Series {
                account: "123456789012".into(),
                region: "eu-central-1".into(),
                namespace: "AWS/Kinesis".into(),
                name: name.into(),
                dimensions: vec![Dimension {
                    name: "StreamName".into(),
                    value: format!("orders-of-customer-{number:06}").into(),
                }],
                unit,
            })
        };
        Traffic { series: (0..streams).flat_map(stream).collect(), chance: 88_172_645_463_325_252 }
    }

    pub fn series(&self) -> &[Series] {
        &self.series
    }

    fn below(&mut self, end: u64) -> u64 {
        // xorshift64
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance % end
    }

    fn unit(&mut self) -> f64 {
        self.below(1 << 30) as f64 / f64::from(1 << 30)
    }

    /// A minute of all of them.
    pub fn minute(&mut self, at_ms: u64) -> Vec<Sample> {
        (0..self.series.len())
            .map(|number| Sample {
                series: self.series[number].clone(),
                at_ms,
                resolution: Resolution::Minute,
                distribution: self.samples(number % METRICS.len(), number / METRICS.len()),
            })
            .collect()
    }

    fn samples(&mut self, metric: usize, stream: usize) -> Distribution {
        // From a call a second to a hundred.
        let calls = 60 * (1 + stream as u64 % 10 * 11);
        let calls = calls - calls / 10 + self.below(calls / 5 + 1);
        if SPREADS.contains(&metric) {
            return self.spread(calls.min(600), calls);
        }
        let values: &[f64] = match METRICS[metric].0 {
            name if name.ends_with("Success") => &[1.0],
            name if name.ends_with("Exceeded") || name.contains("Failed") => &[0.0],
            name if name.contains("Throttled") => &[0.0, 0.0, 3.0],
            name if name.ends_with("Bytes") => &[1024.0, 512.0, 65_536.0, 20.0],
            _ => &[500.0, 100.0],
        };
        let mut all: Option<Distribution> = None;
        let mut left = calls;
        for value in values {
            let count = if values.len() == 1 { left } else { self.below(left / 2 + 1) };
            left -= count;
            if count > 0 {
                let one = Distribution::of(*value, count as f64);
                match &mut all {
                    Some(all) => all.merge(&one),
                    None => all = Some(one),
                }
            }
        }
        all.unwrap_or_else(|| Distribution::of(values[0], calls as f64))
    }

    /// Milliseconds, counted in microseconds, around a typical one with a long tail.
    fn spread(&mut self, samples: u64, calls: u64) -> Distribution {
        let each = (calls / samples).max(1) as f64;
        let mut all: Option<Distribution> = None;
        for _ in 0..samples {
            let normal: f64 = (0..4).map(|_| self.unit()).sum::<f64>() - 2.0;
            let tail = if self.below(50) == 0 { 8.0 * self.unit() } else { 0.0 };
            let micros = (1_800.0 * (normal * 0.8 + tail).exp()).round();
            match &mut all {
                Some(all) => all.record(micros / 1000.0, each),
                None => all = Some(Distribution::of(micros / 1000.0, each)),
            }
        }
        all.expect("there are samples")
    }
}

/// What the files below a directory take.
#[allow(clippy::disallowed_methods)]
pub fn stored_bytes(home: &Path) -> u64 {
    let entries = std::fs::read_dir(home.join("metrics")).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}

/// What this process has in memory.
#[allow(clippy::disallowed_methods)]
pub fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = status.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}
