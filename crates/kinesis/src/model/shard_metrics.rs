//! The shard-level metrics, and which of them a stream has on.

use std::{
    fmt,
    ops::{BitOr, Sub},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A shard-level metric, by its CloudWatch name. In the catalog it is that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum ShardMetric {
    IncomingBytes,
    IncomingRecords,
    OutgoingBytes,
    OutgoingRecords,
    WriteProvisionedThroughputExceeded,
    ReadProvisionedThroughputExceeded,
    IteratorAgeMilliseconds,
}

impl ShardMetric {
    pub(crate) const ALL: [ShardMetric; 7] = [
        ShardMetric::IncomingBytes,
        ShardMetric::IncomingRecords,
        ShardMetric::OutgoingBytes,
        ShardMetric::OutgoingRecords,
        ShardMetric::WriteProvisionedThroughputExceeded,
        ShardMetric::ReadProvisionedThroughputExceeded,
        ShardMetric::IteratorAgeMilliseconds,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            ShardMetric::IncomingBytes => "IncomingBytes",
            ShardMetric::IncomingRecords => "IncomingRecords",
            ShardMetric::OutgoingBytes => "OutgoingBytes",
            ShardMetric::OutgoingRecords => "OutgoingRecords",
            ShardMetric::WriteProvisionedThroughputExceeded => "WriteProvisionedThroughputExceeded",
            ShardMetric::ReadProvisionedThroughputExceeded => "ReadProvisionedThroughputExceeded",
            ShardMetric::IteratorAgeMilliseconds => "IteratorAgeMilliseconds",
        }
    }
}

/// Some of the shard-level metrics. In the catalog it is the list of their names.
///
/// Every record that is put or read asks what is on: that is one instruction here.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ShardMetrics(u8);

impl ShardMetrics {
    pub(crate) const NONE: ShardMetrics = ShardMetrics(0);

    pub(crate) fn is_empty(self) -> bool {
        self == ShardMetrics::NONE
    }

    pub(crate) fn contains(self, metric: ShardMetric) -> bool {
        self.0 & bit(metric) != 0
    }

    /// In the order of [`ShardMetric::ALL`].
    pub(crate) fn iter(self) -> impl Iterator<Item = ShardMetric> {
        ShardMetric::ALL.into_iter().filter(move |metric| self.contains(*metric))
    }
}

const fn bit(metric: ShardMetric) -> u8 {
    1 << metric as u8
}

impl FromIterator<ShardMetric> for ShardMetrics {
    fn from_iter<I: IntoIterator<Item = ShardMetric>>(metrics: I) -> ShardMetrics {
        ShardMetrics(metrics.into_iter().fold(0, |bits, metric| bits | bit(metric)))
    }
}

impl BitOr for ShardMetrics {
    type Output = ShardMetrics;

    fn bitor(self, other: ShardMetrics) -> ShardMetrics {
        ShardMetrics(self.0 | other.0)
    }
}

/// Those of the first that are not of the second.
impl Sub for ShardMetrics {
    type Output = ShardMetrics;

    fn sub(self, other: ShardMetrics) -> ShardMetrics {
        ShardMetrics(self.0 & !other.0)
    }
}

impl fmt::Debug for ShardMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for ShardMetrics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for ShardMetrics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ShardMetrics, D::Error> {
        Ok(Vec::<ShardMetric>::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn metrics() -> impl Strategy<Value = BTreeSet<ShardMetric>> {
        prop::collection::btree_set(prop::sample::select(&ShardMetric::ALL[..]), 0..=7)
    }

    #[test]
    fn a_row_has_the_names_in_their_order() {
        let row = r#"["IncomingRecords","OutgoingBytes","IteratorAgeMilliseconds"]"#;
        let set: ShardMetrics = serde_json::from_str(row).expect("a row");
        assert_eq!(serde_json::to_string(&set).expect("JSON"), row);
        assert_eq!(format!("{set:?}"), "{IncomingRecords, OutgoingBytes, IteratorAgeMilliseconds}");
        assert!(serde_json::from_str::<ShardMetrics>(r#"["Unknown"]"#).is_err());
    }

    proptest! {
        #[test]
        fn it_is_a_set_and_its_row_is_that_of_one(one in metrics(), other in metrics()) {
            let set = |of: &BTreeSet<ShardMetric>| of.iter().copied().collect::<ShardMetrics>();
            prop_assert!(set(&one).iter().eq(one.iter().copied()));
            prop_assert_eq!(set(&one).is_empty(), one.is_empty());
            for metric in ShardMetric::ALL {
                prop_assert_eq!(set(&one).contains(metric), one.contains(&metric));
            }
            prop_assert_eq!(set(&one) | set(&other), set(&(&one | &other)));
            prop_assert_eq!(set(&one) - set(&other), set(&(&one - &other)));
            let row = serde_json::to_string(&one).expect("JSON");
            prop_assert_eq!(serde_json::to_string(&set(&one)).expect("JSON"), row.clone());
            prop_assert_eq!(serde_json::from_str::<ShardMetrics>(&row).expect("a row"), set(&one));
        }
    }
}
