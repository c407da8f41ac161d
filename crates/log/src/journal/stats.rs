//! What the journal counts of itself, for whoever watches the server: how long syncs take, how large groups are, where reads
//! find their records, what waits, how much there is.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use nautilus_stats::{Counted, Histogram};

use super::{Durability, World};
use crate::Refusal;

/// Counted on the way, since the journal was opened.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub write_us: Histogram,
    pub sync_us: Histogram,
    pub group_bytes: Histogram,
    pub group_frames: Histogram,
    pub reads_from_memory: AtomicU64,
    pub reads_from_disk: AtomicU64,
    pub refused_full: AtomicU64,
    pub refused_overloaded: AtomicU64,
}

/// The journal's figures at a moment. What is counted begins at 0 when the journal is opened.
#[derive(Debug, Clone)]
pub struct JournalStats {
    /// Writing a group's frames, microseconds.
    pub write_us: Counted,
    /// Syncing a group, microseconds; nothing is counted where nothing is synced.
    pub sync_us: Counted,
    /// Bytes of groups.
    pub group_bytes: Counted,
    /// Frames of groups: one for each call and shard.
    pub group_frames: Counted,
    /// Reads that were answered from memory.
    pub reads_from_memory: u64,
    /// Reads that went to the disk.
    pub reads_from_disk: u64,
    /// Reads that met damaged bytes.
    pub damage_met: u64,
    /// Appends that were refused because the disk is full, or the memory in [`Durability::Memory`].
    pub refused_full: u64,
    /// Appends that were refused because too much waited.
    pub refused_overloaded: u64,
    /// Calls that wait for the next group.
    pub waiting_items: u64,
    /// Bytes of them.
    pub waiting_bytes: u64,
    /// Segments, with the active one.
    pub segments: u64,
    /// Bytes that the segments take.
    pub segment_bytes: u64,
    /// Bytes of records that are kept in memory.
    pub memory_bytes: u64,
    /// The most that these may be.
    pub memory_bytes_max: u64,
    /// Bytes that are free where the journal is; `None` if nobody knows.
    pub free_bytes: Option<u64>,
    /// Bytes of the whole file system there.
    pub disk_bytes: Option<u64>,
    /// What an answered append survives.
    pub durability: Durability,
}

impl Counters {
    pub(crate) fn read(&self, from_disk: bool) {
        let reads = if from_disk { &self.reads_from_disk } else { &self.reads_from_memory };
        reads.fetch_add(1, Relaxed);
    }

    pub(crate) fn refused(&self, refusal: Refusal, appends: u64) {
        match refusal {
            Refusal::Full => drop(self.refused_full.fetch_add(appends, Relaxed)),
            Refusal::Overloaded => drop(self.refused_overloaded.fetch_add(appends, Relaxed)),
            // The caller tries again elsewhere, or the process ends.
            Refusal::Closed | Refusal::NotOwner | Refusal::Poisoned => {}
        }
    }
}

/// Looks at everything. Asks the file system, so it may block.
pub(super) fn look(world: &World, memory_bytes: usize) -> JournalStats {
    let counters = &world.counters;
    let (waiting_items, waiting_bytes) = world.queue.waiting();
    let segments = world.segments.all();
    JournalStats {
        write_us: counters.write_us.counted(),
        sync_us: counters.sync_us.counted(),
        group_bytes: counters.group_bytes.counted(),
        group_frames: counters.group_frames.counted(),
        reads_from_memory: counters.reads_from_memory.load(Relaxed),
        reads_from_disk: counters.reads_from_disk.load(Relaxed),
        damage_met: world.damage_met.load(Relaxed),
        refused_full: counters.refused_full.load(Relaxed),
        refused_overloaded: counters.refused_overloaded.load(Relaxed),
        waiting_items: waiting_items as u64,
        waiting_bytes: waiting_bytes as u64,
        segments: segments.len() as u64,
        segment_bytes: segments.iter().map(|segment| segment.bytes).sum(),
        memory_bytes: memory_bytes as u64,
        memory_bytes_max: world.config.tail_bytes_max as u64,
        free_bytes: world.disk.free_bytes().ok().flatten(),
        disk_bytes: world.disk.size_bytes().ok().flatten(),
        durability: world.config.durability,
    }
}
