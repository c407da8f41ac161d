//! Every limit of this room, by name. Those that AWS lets an account raise are quotas; the rest always hold.
//! `enforced.rs` says which of the rates, quotas and counts hold in this process.

mod enforced;

pub use enforced::{Limit, Limits};

/// Rate: records that a shard takes in a second.
pub(crate) const WRITE_RECORDS_PER_SECOND: u64 = 1_000;
/// Rate: data and keys that a shard takes in a second.
pub(crate) const WRITE_BYTES_PER_SECOND: u64 = 1024 * 1024;
/// Records over this size may burst, up to [`WRITE_BURST_BYTES`]; others come at their rate.
pub(crate) const LARGE_RECORD_BYTES: usize = 1024 * 1024;
/// What a shard that was quiet for long enough takes at once in a stream with large records.
pub(crate) const WRITE_BURST_BYTES: u64 = 10 * 1024 * 1024;
/// Rate: calls of GetRecords, and of GetShardIterator, that a shard answers in a second.
pub(crate) const READ_CALLS_PER_SECOND: u64 = 5;
/// Rate: data and keys that a shard's GetRecords give in a second.
pub(crate) const READ_BYTES_PER_SECOND: u64 = 2 * 1024 * 1024;
/// Rate: data and keys that one consumer's subscription to a shard gives in a second.
pub(crate) const FAN_OUT_BYTES_PER_SECOND: u64 = 2 * 1024 * 1024;
/// Rate: calls of SubscribeToShard that are answered in a second for one consumer and shard.
pub(crate) const SUBSCRIBE_CALLS_PER_SECOND: u64 = 1;
/// Accounts, regions, streams and operations whose control calls are counted at once: those of the last second.
pub(crate) const CONTROL_BUCKETS_MAX: usize = 16 * 1024;
/// Faults that are injected at once.
pub(crate) const FAULTS_MAX: usize = 100;
/// Quota: consumers of a stream that are CREATING at once.
pub(crate) const CREATING_CONSUMERS_MAX: usize = 5;

/// Quota: consumers of a stream.
pub(crate) const CONSUMERS_MAX: usize = 20;
/// The same in an account with On-demand Advantage.
pub(crate) const CONSUMERS_ADVANTAGE_MAX: usize = 50;
/// Consumers of a stream, whatever the quota is: each is looked at when a stream is deleted.
pub(crate) const CONSUMER_ROWS_MAX: usize = 10_000;
/// Consumers that ListStreamConsumers shows at most, and by default.
pub(crate) const LIST_CONSUMERS_MAX: usize = 100;

/// The shortest commitment of an account.
pub(crate) const COMMITMENT_MS_MIN: u64 = 24 * 3_600_000;
/// MiB a second that a stream on demand is made warm for at most.
pub(crate) const WARM_MIBPS_MAX: u32 = 10 * 1024;
/// MiB a second that a shard takes.
pub(crate) const SHARD_MIBPS: u32 = 1;
/// A resource policy's text.
pub(crate) const POLICY_BYTES_MAX: usize = 20 * 1024;

/// Data and keys of one PutRecords.
pub(crate) const PUT_RECORDS_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Data and key of one record in a stream that was not told otherwise.
pub(crate) const RECORD_KIB_DEFAULT: u32 = 1024;

/// Records of one GetRecords, and its default.
pub(crate) const GET_RECORDS_MAX: usize = 10_000;
/// Data and keys of one GetRecords; a single record may be larger.
pub(crate) const GET_RECORDS_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Reads of the journal for one GetRecords: an empty page with a new iterator is a valid answer.
pub(crate) const GET_RECORDS_READS_MAX: usize = 4;
/// How long a shard iterator lives.
pub(crate) const ITERATOR_LIFE_MS: u64 = 300_000;

/// Records of one message of a subscription.
pub(crate) const EVENT_RECORDS_MAX: usize = 10_000;
/// Data and keys of one message of a subscription; a single record may be larger.
pub(crate) const EVENT_BYTES_MAX: usize = 1024 * 1024;
/// A message of a subscription beside its records.
pub(crate) const EVENT_WORD_BYTES: usize = 1024;
/// Subscriptions that live at once: each costs some memory, whoever it is of.
pub(crate) const SUBSCRIPTIONS_MAX: usize = 16 * 1024;
/// How long a subscription lives.
pub(crate) const SUBSCRIPTION_LIFE_MS: u64 = 300_000;
/// How long a subscription is silent at most: consumers give up on one that is silent for a minute, and some sooner.
pub(crate) const HEARTBEAT_MS: u64 = 5_000;
/// For how long a subscription cannot be taken over.
pub(crate) const TAKE_OVER_AFTER_MS: u64 = 5_000;

/// Shards that DescribeStream shows at most, and by default.
pub(crate) const DESCRIBE_SHARDS_MAX: usize = 100;
/// Streams that ListStreams shows at most, and by default.
pub(crate) const LIST_STREAMS_MAX: usize = 100;
/// Shards that ListShards shows at most, and by default.
pub(crate) const LIST_SHARDS_MAX: usize = 1000;
/// How long a NextToken lives.
pub(crate) const NEXT_TOKEN_LIFE_MS: u64 = 300_000;

/// Shards of one stream, whatever the account's quota is: more would make its row of the catalog too large.
pub(crate) const SHARD_COUNT_MAX: u32 = 20_000;
/// Open and closed shards of one stream, for the same reason.
pub(crate) const SHARD_ROWS_MAX: usize = 100_000;
/// Shards that UpdateShardCount goes to at most.
pub(crate) const TARGET_SHARD_COUNT_MAX: u32 = 10_000;
/// Quota: changes by UpdateShardCount of a stream in 24 hours.
pub(crate) const SHARD_COUNT_UPDATES_MAX: usize = 10;
/// How far back that quota looks.
pub(crate) const SHARD_COUNT_UPDATES_WINDOW_MS: u64 = 24 * 3_600_000;
/// Shards of a stream made on demand.
pub(crate) const ON_DEMAND_SHARDS: u32 = 4;
/// Quota: streams that are CREATING at once.
pub(crate) const CREATING_STREAMS_MAX: usize = 5;
/// Quota: streams on demand of an account in a region.
pub(crate) const ON_DEMAND_STREAMS_MAX: usize = 50;

/// Quota: switches of a stream's mode in 24 hours.
pub(crate) const MODE_SWITCHES_MAX: usize = 2;
/// How far back that quota looks.
pub(crate) const MODE_SWITCHES_WINDOW_MS: u64 = 24 * 3_600_000;

/// Tags of a resource.
pub(crate) const TAGS_MAX: usize = 50;

/// Shortest, and first, retention.
pub(crate) const RETENTION_HOURS_MIN: u32 = 24;
/// Longest retention: a year.
pub(crate) const RETENTION_HOURS_MAX: u32 = 8760;
/// How often expired segments are looked for.
pub(crate) const TRIM_INTERVAL_MS: u64 = 60_000;

/// Counts of streams, shards and consumers that are gone, kept until they are told.
pub(crate) const GONE_COUNTS_MAX: usize = 1024;

/// A service clock may be set back by so much, and still nothing comes back that had expired.
pub(crate) const SMALL_STEP_MS: u64 = 60_000;

/// How long a write waits for the shards that follow a closed one.
pub(crate) const REROUTE_WAIT_MS: u64 = 5_000;
/// How often waiting writes look at the clock.
pub(crate) const REROUTE_TICK_MS: u64 = 500;

/// Quota: shards of an account in a region.
pub(crate) fn shard_limit(region: &str) -> usize {
    match region {
        "us-east-1" | "us-west-2" | "eu-west-1" => 20_000,
        _ => 6_000,
    }
}
