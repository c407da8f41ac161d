//! A stream and its states, as the catalog keeps them.
//!
//! Always: a stream that is CREATING has no shards yet (they stand in its intent), and in every passing state there
//! is exactly one intent that ends it. Shards that a reshard will make stand in its intent until all are published.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    metrics::StreamCounts,
    model::{
        hash_range::HashKey, ids::ShardId, live::Counted, shard::Shard,
        shard_metrics::ShardMetrics, shards::Shards,
    },
    on_demand::scaling::Peaks,
    policy::ResourcePolicy,
};

/// Where a stream stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Status {
    Creating,
    Active,
    Updating,
    Deleting,
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Status::Creating => "CREATING",
            Status::Active => "ACTIVE",
            Status::Updating => "UPDATING",
            Status::Deleting => "DELETING",
        }
    }
}

/// How a stream's capacity is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum StreamMode {
    Provisioned,
    OnDemand,
}

impl StreamMode {
    pub(crate) fn parse(name: &str) -> Option<StreamMode> {
        match name {
            "PROVISIONED" => Some(StreamMode::Provisioned),
            "ON_DEMAND" => Some(StreamMode::OnDemand),
            _ => None,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            StreamMode::Provisioned => "PROVISIONED",
            StreamMode::OnDemand => "ON_DEMAND",
        }
    }
}

/// Who decides which shard a record goes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Distribution {
    /// The service: records are spread evenly, whatever their keys are. Only on demand.
    Auto,
    #[default]
    UserPartitionKey,
}

impl Distribution {
    pub(crate) fn parse(name: &str) -> Option<Distribution> {
        match name {
            "AUTO" => Some(Distribution::Auto),
            "USER_PARTITION_KEY" => Some(Distribution::UserPartitionKey),
            _ => None,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Distribution::Auto => "AUTO",
            Distribution::UserPartitionKey => "USER_PARTITION_KEY",
        }
    }
}

/// A stream with everything that belongs to it: one row of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stream {
    /// Ours alone, never shown: a client that learns a StreamId sends its calls to hosts of AWS.
    pub id: u64,
    pub account: String,
    pub region: String,
    pub name: String,
    pub status: Status,
    pub mode: StreamMode,
    pub created_ms: u64,
    /// The greatest creation second of a shard that the name ever had, those being created included.
    pub last_created_second: u64,
    pub max_record_kib: u32,
    #[serde(default)]
    pub distribution: Distribution,
    /// The write throughput, in MiB a second, that a stream on demand was told to be ready for. Whoever scales such
    /// streams gives it at least that many shards, as long as the account's commitment holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_mibps: Option<u32>,
    /// By what a stream on demand was written, as far as that decides how many shards it has.
    #[serde(default, skip_serializing_if = "Peaks::is_empty")]
    pub peaks: Peaks,
    /// When the mode was switched, as far as the daily quota looks back.
    #[serde(default)]
    pub mode_switches_ms: Vec<u64>,
    /// When UpdateShardCount changed something, as far as the daily quota looks back.
    #[serde(default)]
    pub shard_count_updates_ms: Vec<u64>,
    pub retention_hours: u32,
    /// What arrived before it is expired for good; it never moves back.
    pub trim_floor_ms: u64,
    pub metrics: ShardMetrics,
    pub tags: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<ResourcePolicy>,
    /// Open and closed ones; none while the stream is CREATING.
    pub shards: Shards,
    #[serde(skip)]
    pub counted: Counted<StreamCounts>,
}

impl Stream {
    pub(crate) fn arn(&self) -> String {
        crate::model::arn::stream_arn(&self.account, &self.region, &self.name)
    }

    /// Whether its policy forbids anything.
    pub(crate) fn denies(&self) -> bool {
        self.policy.as_ref().is_some_and(ResourcePolicy::denies)
    }

    /// Whether a client means this life of the name. It has seen whole seconds, or a fraction of its own.
    pub(crate) fn was_created_at(&self, ms: i64) -> bool {
        ms / 1000 == self.created_ms as i64 / 1000
    }

    /// The open shard whose range holds `key`. `None` only in a stream without shards.
    pub(crate) fn route(&self, key: HashKey) -> Option<&Shard> {
        self.shards.route(key)
    }

    pub(crate) fn shard(&self, id: ShardId) -> Option<&Shard> {
        self.shards.get(id)
    }

    pub(crate) fn open_shard_count(&self) -> usize {
        self.shards.open_count()
    }

    /// The largest record that the stream takes, data and partition key together.
    pub(crate) fn record_bytes_max(&self) -> usize {
        self.max_record_kib as usize * 1024
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{limits, model::hash_range::HashRange};

    pub(crate) fn stream_of(shard_count: u32) -> Stream {
        let shards = HashRange::even(shard_count).zip(0..);
        let shards: Vec<_> = shards
            .map(|(range, index)| Shard::first(index, 10 + u64::from(index), range, 1))
            .collect();
        Stream {
            id: 1,
            account: "000000000000".into(),
            region: "us-east-1".into(),
            name: "s".into(),
            status: Status::Active,
            mode: StreamMode::Provisioned,
            created_ms: 1000,
            last_created_second: 1,
            max_record_kib: limits::RECORD_KIB_DEFAULT,
            distribution: Distribution::default(),
            warm_mibps: None,
            peaks: Peaks::default(),
            mode_switches_ms: Vec::new(),
            shard_count_updates_ms: Vec::new(),
            retention_hours: 24,
            trim_floor_ms: 0,
            metrics: ShardMetrics::NONE,
            tags: BTreeMap::new(),
            policy: None,
            shards: shards.into(),
            counted: Counted::default(),
        }
    }

    #[test]
    fn a_row_keeps_hash_keys_beyond_64_bits() {
        let stream = stream_of(3);
        let row = serde_json::to_vec(&stream).expect("a stream is JSON");

        assert_eq!(serde_json::from_slice::<Stream>(&row).expect("as written"), stream);
    }

    #[test]
    fn a_row_of_an_earlier_version_is_a_stream_with_the_usual_settings() {
        let stream = stream_of(1);
        let mut row = serde_json::to_value(&stream).expect("a stream is JSON");
        let members = row.as_object_mut().expect("a map");
        for later in ["mode_switches_ms", "shard_count_updates_ms", "distribution"] {
            assert!(members.remove(later).is_some(), "{later}");
        }
        assert_eq!(serde_json::from_value::<Stream>(row).expect("an old row"), stream);
    }

    #[test]
    fn a_stream_without_shards_routes_nowhere() {
        let stream = Stream { shards: Shards::default(), ..stream_of(1) };
        assert_eq!(stream.route(HashKey(0)), None);
    }

    proptest! {
        #[test]
        fn the_shard_found_holds_the_key(count in 1u32..300, key: u128) {
            let stream = stream_of(count);
            let shard = stream.route(HashKey(key)).expect("the ranges tile the space");
            prop_assert!(shard.range.start.0 <= key && key <= shard.range.end.0);
        }
    }
}
