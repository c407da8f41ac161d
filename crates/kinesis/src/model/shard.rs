//! A shard: a range of the hash space, a log, and the numbers of its records.

use nautilus_log::{Position, ShardLogId};
use serde::{Deserialize, Serialize};

use crate::model::{hash_range::HashRange, ids::ShardId, sequence_number::SequenceNumber};

/// An open shard, as the catalog keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shard {
    pub index: u32,
    /// Its log in the journal: never reused, whatever becomes of the stream.
    pub log: u64,
    pub range: HashRange,
    /// Greater than that of every shard that the stream's name had before.
    pub created_second: u64,
}

impl Shard {
    pub(crate) fn id(&self) -> ShardId {
        ShardId(self.index)
    }

    pub(crate) fn log_id(&self) -> ShardLogId {
        ShardLogId(self.log)
    }

    /// The number of the record at `position`.
    pub(crate) fn sequence_number(&self, position: Position, arrival_ms: u64) -> SequenceNumber {
        SequenceNumber::new(self.created_second, self.index, position, arrival_ms / 1000)
    }

    /// The number before the first record.
    pub(crate) fn starting_sequence_number(&self) -> SequenceNumber {
        SequenceNumber::new(self.created_second, self.index, 0, self.created_second)
    }

    /// True if `number` came from this shard in this life of the stream.
    pub(crate) fn gave(&self, number: &SequenceNumber) -> bool {
        let own = self.sequence_number(number.counter, 0);
        SequenceNumber { arrived_second: 0, ..*number } == own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_knows_its_own_numbers() {
        let range = HashRange::even(1).next().expect("one range");
        let shard = Shard { index: 3, log: 9, range, created_second: 1_795_489_200 };
        let own = shard.sequence_number(7, 1_795_489_260_123);

        assert!(shard.gave(&own));
        assert!(shard.gave(&shard.starting_sequence_number()));
        assert!(!Shard { index: 4, ..shard.clone() }.gave(&own));
        assert!(!Shard { created_second: 1_795_489_201, ..shard }.gave(&own));
    }
}
