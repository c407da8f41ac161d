//! Every limit of this room, by name.

/// What the names of all registered series may take in memory, about: some 500,000 usual ones. Others are refused.
pub(crate) const REGISTRY_BYTES_MAX: usize = 192 << 20;
/// Samples that wait to be written at once, of all puts; a single put may have more.
pub(crate) const WAITING_SAMPLES_MAX: usize = 250_000;
/// Reads that wait for the disk at once.
pub(crate) const WAITING_READS_MAX: usize = 10_000;
/// Samples that are taken under one hold of the lock, so that readers wait for no more than those.
pub(crate) const SAMPLES_PER_HOLD: usize = 256;
/// Series that are looked at under one hold of the lock.
pub(crate) const SERIES_PER_HOLD: usize = 1024;
/// A sample may be ahead of the clock by this; what is further is a wrong clock's.
pub(crate) const AHEAD_S_MAX: u64 = 86_400;
/// Samples of one record of the log.
pub(crate) const RECORD_SAMPLES_MAX: usize = 4096;
/// Series of one page of a block's index.
pub(crate) const PAGE_SERIES_MAX: usize = 256;
/// Points that a read takes out of memory under one hold of the lock, and merges before others have the thread: well below a
/// millisecond, as long as their rows are no longer than
pub(crate) const POINTS_PER_BREATH: usize = 256;
/// these bytes together. A single row may be.
pub(crate) const ROW_BYTES_PER_BREATH: usize = 256 << 10;
