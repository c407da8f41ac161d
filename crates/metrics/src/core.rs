//! The store itself, without threads: what is in memory, and who may change what.
//!
//! Samples are in exactly one place: the open table, a frozen one, or a block; what is known of a period is all of these
//! together. A table is frozen when the log turns, and has all samples of its files of the log. When its blocks are in the
//! manifest, it and those files go, under one hold of the lock.
//!
//! Locks are taken in the order keeper, writer, tables.

use std::{
    collections::{HashSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use nautilus_log::{Clock, Disk};
use parking_lot::{Mutex, RwLock};

use crate::{
    Error, SeriesId,
    block::{Block, ReadError},
    error::cannot,
    keep::Keeper,
    memtable::MemTable,
    periods::Periods,
    registry::Registry,
    settings::Settings,
    write::Writer,
};

/// See the module.
pub(crate) struct Core {
    pub disk: Arc<dyn Disk>,
    pub clock: Arc<dyn Clock>,
    pub settings: Settings,
    pub tables: RwLock<Tables>,
    pub writer: Mutex<Writer>,
    pub keeper: Mutex<Keeper>,
    pub next_file: AtomicU64,
    /// When the log was synced, Unix ms.
    pub synced_ms: AtomicU64,
    /// What takes long looks at this, and stops.
    pub is_closing: AtomicBool,
    /// Blocks whose damage was told.
    damage_told: Mutex<HashSet<u64>>,
}

/// What is known, in memory and of the blocks.
#[derive(Default)]
pub(crate) struct Tables {
    pub registry: Registry,
    pub open: Generation,
    pub frozen: VecDeque<Arc<Generation>>,
    pub blocks: Vec<Arc<Block>>,
}

/// The samples between two turns of the log.
#[derive(Debug, Default)]
pub(crate) struct Generation {
    /// Each has another one, for as long as the store is open.
    pub number: u64,
    pub table: MemTable,
    /// The series that are new in it.
    pub registered: Vec<SeriesId>,
    /// The last file of the log that has samples of it.
    pub through: u64,
    /// What the log takes for it.
    pub log_bytes: u64,
    /// When its first sample came, and when it was frozen; Unix ms.
    pub opened_ms: u64,
    pub frozen_ms: u64,
    /// Some of it is in no file that is trusted.
    pub needs_flush: bool,
}

impl Tables {
    /// What samples take of memory.
    pub fn bytes(&self) -> usize {
        let frozen = self.frozen.iter().map(|generation| generation.table.bytes());
        self.open.table.bytes() + frozen.sum::<usize>()
    }
}

impl Core {
    pub fn new(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        settings: Settings,
        tables: Tables,
        keeper: Keeper,
        writer: Writer,
        next_file: u64,
    ) -> Core {
        Core {
            disk,
            clock,
            settings,
            writer: Mutex::new(writer),
            tables: RwLock::new(tables),
            keeper: Mutex::new(keeper),
            next_file: AtomicU64::new(next_file),
            synced_ms: AtomicU64::new(0),
            is_closing: AtomicBool::new(false),
            damage_told: Mutex::default(),
        }
    }

    pub fn now_s(&self) -> u32 {
        u32::try_from(self.clock.now_ms() / 1000).unwrap_or(u32::MAX)
    }

    /// The number of a new file, of any kind.
    pub fn next_file(&self) -> u64 {
        self.next_file.fetch_add(1, Ordering::SeqCst)
    }

    pub fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::SeqCst)
    }

    /// Adds what these blocks know. One chunk of one series is in memory at a time.
    pub fn read_blocks(
        &self,
        id: SeriesId,
        mut periods: Periods,
        blocks: &[Arc<Block>],
    ) -> Result<Periods, Error> {
        for block in blocks {
            let tier = block.entry.tier;
            match block.read_series(id, |at_s, samples| periods.add(tier, at_s, || samples)) {
                Ok(()) => {}
                Err(ReadError::Damaged) => self.tell_damage(block),
                Err(ReadError::Io(source)) => return Err(cannot("read a block")(source)),
            }
        }
        Ok(periods)
    }

    /// Says once that a part of a block is damaged.
    pub fn tell_damage(&self, block: &Block) {
        if self.damage_told.lock().insert(block.entry.number) {
            let path = crate::block::path(block.entry.number);
            tracing::error!(
                file = path,
                "metrics: this block is damaged: some samples are lost, and none of them is shown"
            );
        }
    }

    /// Writes what waits for it and ends: later calls do nothing.
    pub fn close(&self) -> Result<(), Error> {
        self.is_closing.store(true, Ordering::SeqCst);
        self.keeper.lock().close();
        self.sync_log().map_err(cannot("sync the log"))?;
        self.writer.lock().close();
        Ok(())
    }
}
