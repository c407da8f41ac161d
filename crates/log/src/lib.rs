//! Durable shard logs: records go in by group commit, come out by position.
//!
//! This room knows nothing of AWS: a shard here is a number, a position is a count, a record is a key and bytes.
//! It needs no async runtime: threads and channels only, and with [`Threads::Stepped`] not even threads,
//! so that the simulator drives every step.
//!
//! Start at `format.rs` for the bytes and at `journal/mod.rs` for the way of a record.

mod clock;
mod disk;
mod format;
mod frame;
mod journal;
mod manifest;
pub mod mutant;
mod reserve;
mod rng;
pub mod testing;
mod wait;

pub use clock::{Clock, ManualClock, SystemClock};
pub use disk::{DirectoryLock, Disk, File, MemoryDisk, Open, ProcessFigures, RealDisk};
pub use format::NextPosition;
pub use frame::{Frame, FrameBuilder, FrameView, RecordView};
pub use journal::{
    Config, Cut, CutShard, Damage, Durability, Error, Journal, JournalStats, Options, Report,
    ShardWatch, prepare,
};
pub use manifest::{
    CleanStop, ListedSegment, Manifest, ManifestChange, ManifestError, ManifestState,
};
pub use reserve::Reserve;
pub use rng::{Rng, SeededRng, SystemRng};
pub use wait::wait;

/// Number of a shard's log: allotted by the catalog, durable before first use, never reused. 0 is no shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShardLogId(pub u64);

/// A record's place in its shard. The first record has 1; positions increase and need not be dense.
pub type Position = u64;

/// Whether a room runs threads of its own or does its work in the caller's call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// Its own threads: the product.
    Own,
    /// None: work is done in the call that asks for it, in a fixed order. For the simulator.
    Stepped,
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppendResult {
    /// It is durable and visible.
    Written {
        /// Position of its first record.
        first: Position,
        /// When its group arrived, Unix ms.
        arrival_ms: u64,
    },
    /// It is not written, or with [`Refusal::Poisoned`] nobody knows.
    Refused(Refusal),
}

/// Why a frame or a close was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The shard takes nothing more; its children do.
    Closed,
    /// The shard is not here.
    NotOwner,
    /// The disk is full; later it may go.
    Full,
    /// A write or sync failed, or the journal is stopping: the outcome is unknown.
    Poisoned,
    /// Too much waits already; later it may go.
    Overloaded,
}

/// Where a shard ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardTail {
    /// The position that the next visible record will have or exceed; 1 in an empty shard.
    pub visible_end: Position,
    /// The largest arrival so far, Unix ms, also if that is in the future; 0 in an empty shard.
    pub last_arrival_ms: u64,
}

/// What a reader wants.
#[derive(Debug, Clone, Copy)]
pub struct ReadRequest {
    /// From which shard.
    pub shard: ShardLogId,
    /// From which position on.
    pub from: Position,
    /// About how many records.
    pub records_max: usize,
    /// About how many bytes.
    pub bytes_max: usize,
    /// What arrived before this is expired and not given, Unix ms.
    pub cutoff_ms: u64,
}

/// What a reader gets.
#[derive(Debug, Clone)]
pub struct Page {
    /// Frames in order. The first may begin before the wanted position.
    pub frames: Vec<FrameView>,
    /// The position behind the last frame, or behind what is expired: where to read on.
    pub next: Position,
    /// Where the shard ended when this was read.
    pub visible_end: Position,
    /// The largest arrival in the shard, Unix ms.
    pub last_arrival_ms: u64,
}

/// Why a read has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such shard.
    #[error("unknown shard")]
    UnknownShard,
    /// Records that were durable are damaged; what stands behind them is readable.
    #[error("shard log {} is damaged from position {first} to before {end}", shard.0)]
    Damaged {
        /// The shard.
        shard: ShardLogId,
        /// The first damaged position.
        first: Position,
        /// The first position behind.
        end: Position,
    },
    /// The disk failed.
    #[error("cannot read segment {segment}: {source}")]
    Io {
        /// Which segment.
        segment: u64,
        /// Why not.
        source: std::io::Error,
    },
    /// The journal was stopped meanwhile.
    #[error("the journal is stopped")]
    Stopped,
}
