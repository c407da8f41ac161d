//! Whose records a shard log holds: the journal knows logs by number, an operator knows streams and shards.

use std::sync::Arc;

use nautilus_log::{Position, ShardLogId};

use crate::{
    Kinesis,
    model::{shard::Shard, stream::Stream},
};

/// A living shard by its log.
#[derive(Debug)]
pub struct ShardOwner {
    stream: Arc<Stream>,
    shard: Shard,
}

impl Kinesis {
    /// The shard whose records are in `log`; `None` if it was deleted.
    pub fn owner(&self, log: ShardLogId) -> Option<ShardOwner> {
        let snapshot = self.catalog_snapshot();
        snapshot.all_streams().find_map(|stream| {
            let shard = stream.shards.all().iter().find(|shard| shard.log_id() == log)?;
            Some(ShardOwner { stream: stream.clone(), shard: shard.clone() })
        })
    }
}

impl ShardOwner {
    /// The stream's name.
    pub fn stream(&self) -> &str {
        &self.stream.name
    }

    /// The shard's id.
    pub fn shard_id(&self) -> String {
        self.shard.id().to_string()
    }

    /// The sequence number that a position has or would have.
    pub fn sequence_number(&self, position: Position, arrival_ms: u64) -> String {
        self.shard.sequence_number(position, arrival_ms).to_string()
    }
}
