//! Waiting for a shard's next records without asking again and again.
//!
//! The committer rings behind each group that is visible, and only for shards that somebody watches: to the others it is
//! one look at a number under a lock that it has anyway.

use std::{fmt, sync::Arc};

use tokio::sync::futures::Notified;

use crate::{ShardLogId, ShardTail};

use super::shard::Shard;

/// A watch over one shard, from [`Journal::watch`](super::Journal::watch) until it is dropped. It outlives the shard: a
/// forgotten one never rings again, and only the catalog knows why.
pub struct ShardWatch {
    shard: Arc<Shard>,
}

impl ShardWatch {
    pub(crate) fn new(shard: Arc<Shard>) -> ShardWatch {
        shard.index.write().watches += 1;
        ShardWatch { shard }
    }

    /// Rings when records become visible from now on. Look at the shard after this call and before waiting: so nothing is
    /// missed.
    pub fn appended(&self) -> Notified<'_> {
        self.shard.appended.notified()
    }

    /// Where the shard ends now.
    pub fn tail(&self) -> ShardTail {
        self.shard.tail()
    }

    /// Which shard.
    pub fn id(&self) -> ShardLogId {
        self.shard.id
    }
}

impl Drop for ShardWatch {
    fn drop(&mut self) {
        self.shard.index.write().watches -= 1;
    }
}

impl fmt::Debug for ShardWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ShardWatch").field(&self.shard.id).finish()
    }
}
