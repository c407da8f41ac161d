//! What the catalog keeps for the journal: which segments exist, and how the last life ended.
//!
//! The journal decides nothing by file names alone. A segment is real once it is listed here, and gone once it is
//! in the removal list. The room above implements the trait over its database; every change is durable when
//! [`Manifest::record`] returns.

use std::collections::{BTreeMap, BTreeSet};

use crate::{NextPosition, Position, ShardLogId};

/// The catalog's side of the journal.
pub trait Manifest: Send + Sync + 'static {
    /// What is recorded now.
    fn state(&self) -> ManifestState;
    /// Makes a change durable.
    fn record(&self, change: ManifestChange) -> Result<(), ManifestError>;
}

/// The catalog could not make a change durable.
#[derive(Debug, thiserror::Error)]
#[error("catalog: {0}")]
pub struct ManifestError(pub String);

/// Everything that is recorded of a journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ManifestState {
    /// Stands in every segment's header; 0 until the journal is made.
    pub journal_id: u128,
    /// The number of the next segment; none at or above it was ever made.
    pub next_segment: u64,
    /// Live segments by number.
    pub segments: BTreeMap<u64, ListedSegment>,
    /// Segments whose files may still be there and must go.
    pub removing: BTreeSet<u64>,
    /// For each shard with records in segments that were removed, the position behind the last of them: what is missing
    /// before it has expired, what is missing behind it is damage.
    pub trimmed: BTreeMap<ShardLogId, Position>,
    /// How often positions were left out, in all shards at once. A position's upper 32 bits say after which time it was
    /// given, so that none is given twice even when all that was written since is lost.
    pub skips: u64,
    /// How the journal was left, if it was left in peace.
    pub clean_stop: Option<CleanStop>,
}

/// A live segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedSegment {
    /// Its salt.
    pub salt: u64,
    /// Its place among the others: its own number, or that of the segment whose living records it took over.
    pub place: u64,
}

/// Where a journal ended that was stopped in peace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CleanStop {
    /// The segment that was written last, 0 if none.
    pub segment: u64,
    /// Where its frames end.
    pub offset: u64,
    /// The number of the next group.
    pub next_group: u64,
    /// Every living shard's next position.
    pub next: Vec<NextPosition>,
}

/// One durable change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManifestChange {
    /// The journal is born with this id.
    Made {
        /// Random, never 0.
        journal_id: u128,
    },
    /// The next segment will have this number, which is not given again.
    SegmentAllotted {
        /// The number.
        number: u64,
    },
    /// The segment's file is durable under its name.
    SegmentListed {
        /// Its number.
        number: u64,
        /// Its salt.
        salt: u64,
    },
    /// These segments are dead; their files may go.
    RemovalStarted {
        /// Their numbers.
        numbers: Vec<u64>,
        /// The position behind the last record that each living shard had there.
        trimmed: Vec<(ShardLogId, Position)>,
        /// Shards that are gone, of which nothing need be known any more.
        forgotten: Vec<ShardLogId>,
    },
    /// The next segment has this number and takes over what another has alive: until that is done, its file may be
    /// anything and must go.
    RewriteStarted {
        /// The number.
        number: u64,
    },
    /// A segment's living records are durable in another one, which takes its place.
    Rewritten {
        /// The segment whose file may go.
        old: u64,
        /// The one that stands for it.
        new: u64,
        /// What the new one is.
        listed: ListedSegment,
        /// For each living shard that lost records by this, the position behind the last of them.
        trimmed: Vec<(ShardLogId, Position)>,
    },
    /// The files of these segments are gone for good.
    RemovalFinished {
        /// Their numbers.
        numbers: Vec<u64>,
    },
    /// Positions are left out for the so-manieth time.
    PositionsSkipped {
        /// Greater than before.
        times: u64,
    },
    /// Nothing is written behind this.
    Stopped(CleanStop),
    /// Something may be written from now on.
    Started,
}

impl ManifestState {
    /// The state after `change`.
    pub fn apply(&mut self, change: &ManifestChange) {
        match change {
            ManifestChange::Made { journal_id } => {
                self.journal_id = *journal_id;
                self.next_segment = 1;
            }
            ManifestChange::SegmentAllotted { number } => self.next_segment = number + 1,
            ManifestChange::SegmentListed { number, salt } => {
                self.segments.insert(*number, ListedSegment { salt: *salt, place: *number });
            }
            ManifestChange::RewriteStarted { number } => {
                self.next_segment = number + 1;
                self.removing.insert(*number);
            }
            ManifestChange::Rewritten { old, new, listed, trimmed } => {
                self.segments.remove(old);
                self.segments.insert(*new, *listed);
                self.removing.remove(new);
                self.removing.insert(*old);
                self.trimmed.extend(trimmed.iter().copied());
            }
            ManifestChange::RemovalStarted { numbers, trimmed, forgotten } => {
                for number in numbers {
                    self.segments.remove(number);
                    self.removing.insert(*number);
                }
                self.trimmed.extend(trimmed.iter().copied());
                self.trimmed.retain(|shard, _| !forgotten.contains(shard));
            }
            ManifestChange::RemovalFinished { numbers } => {
                for number in numbers {
                    self.removing.remove(number);
                }
            }
            ManifestChange::PositionsSkipped { times } => self.skips = *times,
            ManifestChange::Stopped(stop) => self.clean_stop = Some(stop.clone()),
            ManifestChange::Started => self.clean_stop = None,
        }
    }
}
