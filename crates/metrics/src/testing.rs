//! What this room's tests share.

use std::sync::Arc;

use nautilus_stats::Distribution;
use proptest::prelude::*;

use crate::{Dimension, Series, Unit};

/// A metric of a stream.
pub(crate) fn series(name: &str, stream: &str) -> Series {
    Series {
        account: "123456789012".into(),
        region: "us-east-1".into(),
        namespace: "AWS/Kinesis".into(),
        name: name.into(),
        dimensions: vec![Dimension { name: "StreamName".into(), value: Arc::from(stream) }],
        unit: Unit::Count,
    }
}

/// Samples as the server counts them, and as clients may send them.
pub(crate) fn distributions() -> impl Strategy<Value = Distribution> {
    let value = prop_oneof![
        Just(0.0),
        (0..2000u32).prop_map(f64::from),
        (0..10_000_000u32).prop_map(|micros| f64::from(micros) / 1000.0),
        1e-9..1e15f64,
        -1e3..1e3f64,
        Just(2f64.powi(360)),
        Just(-0.0),
    ];
    let count = prop_oneof![4 => (1..100u32).prop_map(f64::from), 1 => 0.01..10.0f64];
    let sets = (value.clone(), count.clone(), 0.0..1e6f64).prop_map(|(min, count, more)| {
        Distribution::of_set(count, (min + more) * count, min, min + 2.0 * more)
    });
    let counted = prop::collection::vec((value, count), 1..12).prop_map(|samples| {
        let mut all = Distribution::of(samples[0].0, samples[0].1);
        samples[1..].iter().for_each(|(value, count)| all.record(*value, *count));
        all
    });
    prop_oneof![4 => counted, 1 => sets]
}

mod disk;
mod world;

pub(crate) use disk::TestDisk;
pub(crate) use nautilus_log::wait;
pub(crate) use world::{World, open, small};
