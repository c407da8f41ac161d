//! The store's sizes and times. Tests have smaller ones.

use flate2::Compression;

use crate::limits;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// False in memory mode: there is no log, and blocks are in memory.
    pub has_log: bool,
    /// The log turns to a new file after so long, or when the samples in it take so much memory.
    pub turn_ms: u64,
    pub turn_bytes: usize,
    /// Or when the file is this long: samples that come to a known period make the log longer, and memory not larger.
    pub turn_log_bytes: u64,
    /// What the log may take for frozen samples.
    pub log_bytes: u64,
    /// Samples stay in memory for so long after their log's turn, while all of them take no more than so much. What
    /// alarms read is there.
    pub window_ms: u64,
    pub memory_bytes: usize,
    /// When they take more than this, because they cannot be written, the oldest are given up.
    pub memory_bytes_max: usize,
    /// How often the log is synced.
    pub sync_ms: u64,
    /// How soon what failed is tried again.
    pub retry_ms: u64,
    /// Blocks of one span that are merged at once, and more than which there hardly are.
    pub merge_blocks: usize,
    /// What blocks may take, if they are in memory: the oldest go first.
    pub blocks_bytes_max: u64,
    pub registry_bytes_max: usize,
    /// For blocks that are soon merged, and for those that stay.
    pub quick: Compression,
    pub thorough: Compression,
}

impl Settings {
    pub fn new(is_durable: bool) -> Settings {
        Settings {
            has_log: is_durable,
            turn_ms: 15 * 60_000,
            turn_bytes: 24 << 20,
            turn_log_bytes: 48 << 20,
            log_bytes: 192 << 20,
            window_ms: 60 * 60_000,
            memory_bytes: 96 << 20,
            memory_bytes_max: 160 << 20,
            sync_ms: 55_000,
            retry_ms: 10_000,
            merge_blocks: 6,
            blocks_bytes_max: if is_durable { u64::MAX } else { 256 << 20 },
            registry_bytes_max: limits::REGISTRY_BYTES_MAX,
            quick: Compression::new(3),
            thorough: Compression::new(6),
        }
    }
}
