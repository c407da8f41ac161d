//! A shard: a range of the hash space, a log, the numbers of its records, and its place between parents and children.
//!
//! Always: a closed shard has children, and their indexes are above its own; its last position and its time of closing
//! never change. Parents stay named when they are gone.

use nautilus_log::{Position, ShardLogId};
use serde::{Deserialize, Serialize};

use crate::model::{
    hash_range::HashRange,
    ids::ShardId,
    live::Live,
    sequence_number::{COUNTER_MAX, SequenceNumber},
};

/// A shard, as the catalog keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shard {
    pub index: u32,
    /// Its log in the journal: never reused, whatever becomes of the stream.
    pub log: u64,
    pub range: HashRange,
    /// Greater than that of every shard that the stream's name had before, and than its parents'.
    pub created_second: u64,
    /// Since when it is open: the moment after its parents' last, or 0 in the stream's first generation.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub opened_ms: u64,
    /// The shard that was split, or both that were merged, in AWS's order; none in the stream's first generation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<u32>,
    /// How it ended; an open shard has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closed>,
    #[serde(skip)]
    pub live: Live,
}

/// The end of a shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Closed {
    /// The position of its last record, 0 if it never had one.
    pub last: Position,
    /// Not before any of its records arrived.
    pub closed_ms: u64,
    pub children: Vec<u32>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Shard {
    /// An open shard without parents.
    pub(crate) fn first(index: u32, log: u64, range: HashRange, created_second: u64) -> Shard {
        Shard {
            index,
            log,
            range,
            created_second,
            opened_ms: 0,
            parents: Vec::new(),
            closed: None,
            live: Live::default(),
        }
    }

    pub(crate) fn id(&self) -> ShardId {
        ShardId(self.index)
    }

    pub(crate) fn log_id(&self) -> ShardLogId {
        ShardLogId(self.log)
    }

    pub(crate) fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// False for an intermediate: it was closed when it was made, and has no log.
    pub(crate) fn was_ever_open(&self) -> bool {
        self.closed.as_ref().is_none_or(|closed| closed.closed_ms >= self.opened_ms)
    }

    /// True if `position` is behind all that a closed shard has, or will ever have.
    pub(crate) fn has_ended_before(&self, position: Position) -> bool {
        self.closed.as_ref().is_some_and(|closed| closed.last < position)
    }

    /// True if it was open at that moment: for every moment, such shards tile the hash space.
    pub(crate) fn was_open_at(&self, ms: u64) -> bool {
        self.opened_ms <= ms && self.ended_not_before(ms)
    }

    /// True if it is open, or was closed at that moment or later.
    pub(crate) fn ended_not_before(&self, ms: u64) -> bool {
        self.closed.as_ref().is_none_or(|closed| closed.closed_ms >= ms)
    }

    /// The number of the record at `position`.
    pub(crate) fn sequence_number(&self, position: Position, arrival_ms: u64) -> SequenceNumber {
        SequenceNumber::new(self.created_second, self.index, position, arrival_ms / 1000)
    }

    /// The number before the first record.
    pub(crate) fn starting_sequence_number(&self) -> SequenceNumber {
        SequenceNumber::new(self.created_second, self.index, 0, self.created_second)
    }

    /// The number behind the last record of a closed shard.
    pub(crate) fn ending_sequence_number(&self) -> Option<SequenceNumber> {
        let closed = self.closed.as_ref()?;
        Some(self.sequence_number(COUNTER_MAX, closed.closed_ms))
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

    fn shard() -> Shard {
        let range = HashRange::even(1).next().expect("one range");
        Shard::first(3, 9, range, 1_795_489_200)
    }

    #[test]
    fn a_shard_knows_its_own_numbers() {
        let shard = shard();
        let own = shard.sequence_number(7, 1_795_489_260_123);

        assert!(shard.gave(&own));
        assert!(shard.gave(&shard.starting_sequence_number()));
        assert!(!Shard { index: 4, ..shard.clone() }.gave(&own));
        assert!(!Shard { created_second: 1_795_489_201, ..shard }.gave(&own));
    }

    #[test]
    fn a_closed_shard_has_an_ending_number_above_all_others() {
        let mut shard = shard();
        assert_eq!(shard.ending_sequence_number(), None);
        let last = shard.sequence_number(7, 1_795_489_999_000);
        shard.closed = Some(Closed { last: 7, closed_ms: 1_795_489_260_123, children: vec![4] });

        let end = shard.ending_sequence_number().expect("it is closed");
        assert!(end > last && shard.gave(&end));
    }

    #[test]
    fn a_row_of_the_first_version_is_an_open_shard() {
        let row = r#"{"index":3,"log":9,"range":{"start":"0",
            "end":"340282366920938463463374607431768211455"},"created_second":1795489200}"#;
        let parsed: Shard = serde_json::from_str(row).expect("an old row");
        assert_eq!(parsed, shard());
        let written = serde_json::to_string(&parsed).expect("a shard is JSON");
        assert_eq!(written, row.split_whitespace().collect::<String>(), "and stays as small");
    }
}
