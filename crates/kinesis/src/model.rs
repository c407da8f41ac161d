//! What Kinesis is made of: streams, shards, hash ranges, sequence numbers, iterators. No I/O, no clock.

pub(crate) mod arn;
pub(crate) mod commitment;
pub(crate) mod consumer;
pub(crate) mod hash_range;
pub(crate) mod ids;
pub(crate) mod iterator;
pub(crate) mod live;
pub(crate) mod reshard;
pub(crate) mod seal;
pub(crate) mod sequence_number;
pub(crate) mod shard;
pub(crate) mod shard_metrics;
pub(crate) mod shards;
pub(crate) mod stream;
