//! Which of AWS's limits hold, and with which numbers: what `--limits` and `--limit` choose.
//!
//! Only rates, quotas and counts are here. What makes a request valid is not to be chosen. The numbers of AWS stand in
//! `limits.rs` and in the table of operations.

use super::{
    CREATING_CONSUMERS_MAX, CREATING_STREAMS_MAX, FAN_OUT_BYTES_PER_SECOND, MODE_SWITCHES_MAX,
    ON_DEMAND_STREAMS_MAX, READ_BYTES_PER_SECOND, READ_CALLS_PER_SECOND, SHARD_COUNT_UPDATES_MAX,
    SUBSCRIBE_CALLS_PER_SECOND, WRITE_BYTES_PER_SECOND, WRITE_RECORDS_PER_SECOND, shard_limit,
};

macro_rules! limits {
    ($($(#[doc = $doc:literal])* $limit:ident = $name:literal $(($unit:ident))?,)*) => {
        /// A limit that can be set by itself.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Limit {
            $($(#[doc = $doc])* $limit,)*
        }

        impl Limit {
            /// All of them.
            pub const ALL: &[Limit] = &[$(Limit::$limit,)*];

            /// What the command line calls it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Limit::$limit => $name,)*
                }
            }

            /// Whether its number is one of bytes.
            pub const fn is_bytes(self) -> bool {
                match self {
                    $(Limit::$limit => false $(|| stringify!($unit).len() > 0)?,)*
                }
            }
        }
    };
}

limits! {
    /// Records that a shard takes in a second.
    WriteRecordsPerShard = "write-records-per-shard",
    /// Bytes that a shard takes in a second.
    WriteBytesPerShard = "write-bytes-per-shard" (bytes),
    /// Calls of GetRecords, and of GetShardIterator, that a shard answers in a second.
    ReadCallsPerShard = "read-calls-per-shard",
    /// Bytes that a shard's GetRecords give in a second.
    ReadBytesPerShard = "read-bytes-per-shard" (bytes),
    /// Bytes that a subscription of one consumer to one shard gives in a second.
    FanOutBytesPerShard = "fan-out-bytes-per-shard" (bytes),
    /// Calls of SubscribeToShard for one consumer and one shard in a second.
    SubscribeCallsPerShard = "subscribe-calls-per-shard",
    /// Calls of each control operation in a second, in place of AWS's own number for it.
    ControlCalls = "control-calls",
    /// Open shards of an account in a region.
    Shards = "shards",
    /// Streams on demand of an account in a region.
    OnDemandStreams = "on-demand-streams",
    /// Streams that are CREATING at once.
    CreatingStreams = "creating-streams",
    /// Consumers of a stream.
    ConsumersPerStream = "consumers-per-stream",
    /// Consumers of a stream that are CREATING at once.
    CreatingConsumers = "creating-consumers",
    /// Changes of a stream's shard count by UpdateShardCount in 24 hours.
    ShardCountUpdates = "shard-count-updates",
    /// Switches of a stream's mode in 24 hours.
    ModeSwitches = "mode-switches",
}

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    values: [Setting; Limit::ALL.len()],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Setting {
    Aws,
    Off,
    At(u64),
}

impl Limits {
    /// All as AWS has them.
    pub const fn aws() -> Limits {
        Limits { values: [Setting::Aws; Limit::ALL.len()] }
    }

    /// None of them.
    pub const fn off() -> Limits {
        Limits { values: [Setting::Off; Limit::ALL.len()] }
    }

    /// The same with one limit at `value`, or lifted.
    #[must_use]
    pub fn with(mut self, limit: Limit, value: Option<u64>) -> Limits {
        self.values[limit as usize] = value.map_or(Setting::Off, Setting::At);
        self
    }

    /// What holds; `None` if nothing does.
    pub(crate) fn get(&self, limit: Limit) -> Option<u64> {
        match limit {
            Limit::WriteRecordsPerShard => self.or(limit, WRITE_RECORDS_PER_SECOND),
            Limit::WriteBytesPerShard => self.or(limit, WRITE_BYTES_PER_SECOND),
            Limit::ReadCallsPerShard => self.or(limit, READ_CALLS_PER_SECOND),
            Limit::ReadBytesPerShard => self.or(limit, READ_BYTES_PER_SECOND),
            Limit::FanOutBytesPerShard => self.or(limit, FAN_OUT_BYTES_PER_SECOND),
            Limit::SubscribeCallsPerShard => self.or(limit, SUBSCRIBE_CALLS_PER_SECOND),
            Limit::OnDemandStreams => self.or(limit, ON_DEMAND_STREAMS_MAX as u64),
            Limit::CreatingStreams => self.or(limit, CREATING_STREAMS_MAX as u64),
            Limit::CreatingConsumers => self.or(limit, CREATING_CONSUMERS_MAX as u64),
            Limit::ShardCountUpdates => self.or(limit, SHARD_COUNT_UPDATES_MAX as u64),
            Limit::ModeSwitches => self.or(limit, MODE_SWITCHES_MAX as u64),
            // AWS's number depends on more: see below.
            Limit::ControlCalls | Limit::Shards | Limit::ConsumersPerStream => self.or(limit, 0),
        }
    }

    /// How many open shards an account may have in `region`.
    pub(crate) fn shards(&self, region: &str) -> Option<u64> {
        self.or(Limit::Shards, shard_limit(region) as u64)
    }

    /// How many consumers a stream may have, where AWS allows `aws`.
    pub(crate) fn consumers_per_stream(&self, aws: usize) -> Option<u64> {
        self.or(Limit::ConsumersPerStream, aws as u64)
    }

    /// How many calls of a control operation are answered in a second, where AWS answers `aws`.
    pub(crate) fn control_calls(&self, aws: u64) -> Option<u64> {
        self.or(Limit::ControlCalls, aws)
    }

    fn or(&self, limit: Limit, aws: u64) -> Option<u64> {
        match self.values[limit as usize] {
            Setting::Aws => Some(aws),
            Setting::Off => None,
            Setting::At(value) => Some(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_limit_is_set_and_the_others_stay() {
        let limits = Limits::aws().with(Limit::WriteRecordsPerShard, Some(5000));
        assert_eq!(limits.get(Limit::WriteRecordsPerShard), Some(5000));
        assert_eq!(limits.get(Limit::WriteBytesPerShard), Some(1 << 20));
        let limits = Limits::off().with(Limit::Shards, Some(3));
        assert_eq!((limits.shards("us-east-1"), limits.control_calls(5)), (Some(3), None));
        assert_eq!(Limits::aws().with(Limit::Shards, None).shards("us-east-1"), None);
    }

    #[test]
    fn only_limits_of_bytes_are_in_bytes() {
        let bytes = Limit::ALL.iter().filter(|limit| limit.is_bytes());
        assert!(bytes.clone().all(|limit| limit.name().contains("bytes")));
        assert_eq!(bytes.count(), 3);
    }
}
