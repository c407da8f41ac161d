//! Every limit of this room, by name. Those that AWS lets an account raise are quotas; the rest always hold.

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
