//! What Kinesis counts, as samples of CloudWatch's metrics: the two rooms do not know each other.

use std::{collections::HashSet, sync::Arc};

use nautilus_cloudwatch::Source;
use nautilus_kinesis::{Kinesis, Measured};
use nautilus_metrics::{Dimension, Resolution, Sample, Series, Unit};
use parking_lot::Mutex;

const NAMESPACE: &str = "AWS/Kinesis";
const MINUTE_MS: u64 = 60_000;
/// Texts that are kept once instead of in each series.
const SHARED_MAX: usize = 10_000;

/// See the module.
pub(super) struct Counted {
    kinesis: Kinesis,
    shared: Mutex<HashSet<Arc<str>>>,
}

impl Counted {
    pub(super) fn new(kinesis: Kinesis) -> Counted {
        Counted { kinesis, shared: Mutex::default() }
    }
}

impl Source for Counted {
    fn drain(&self, minute: u64, tell: &mut dyn FnMut(Sample)) {
        let mut shared = self.shared.lock();
        self.kinesis.measure(minute, &mut |measured| tell(sample(&mut shared, minute, measured)));
    }
}

fn sample(shared: &mut HashSet<Arc<str>>, minute: u64, measured: Measured<'_>) -> Sample {
    let mut text = |text: &str| share(shared, text);
    let mut dimensions: Vec<Dimension> = measured
        .dimensions
        .iter()
        .map(|(name, value)| Dimension { name: text(name), value: text(value) })
        .collect();
    dimensions.sort_unstable();
    let series = Series {
        account: text(measured.account),
        region: text(measured.region),
        namespace: text(NAMESPACE),
        name: text(measured.name),
        dimensions,
        unit: Unit::parse(measured.unit).unwrap_or_default(),
    };
    let at_ms = minute * MINUTE_MS;
    Sample { series, at_ms, resolution: Resolution::Minute, distribution: measured.distribution }
}

fn share(shared: &mut HashSet<Arc<str>>, text: &str) -> Arc<str> {
    if let Some(known) = shared.get(text) {
        return known.clone();
    }
    if shared.len() >= SHARED_MAX {
        shared.clear();
    }
    let new: Arc<str> = text.into();
    shared.insert(new.clone());
    new
}
