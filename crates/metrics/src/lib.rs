//! The metric store: every metric's samples, by minute, for as long as AWS keeps them, in files of their own.
//!
//! A [`Series`] is one metric with one unit; its samples of a period are a [`Distribution`]. The store knows nothing of
//! requests and alarms: it is given samples and asked for them.
//!
//! Samples go to a log and into a table in memory (`write.rs`, `memtable.rs`). After about an hour a table becomes blocks,
//! one for each day of minutes (`keep.rs`, `block.rs`); blocks of one day are merged, and rolled up when AWS would
//! (`merge.rs`, `tier.rs`). The manifest says which files there are (`manifest.rs`). A read puts all of them together
//! (`memory_read.rs`, `core.rs`, `periods.rs`).
//!
//! Metrics never stop records: what the disk does not take stays in memory, bounded, and is told in the log.

mod block;
mod chunk;
mod codec;
mod core;
mod entries;
mod error;
mod figures;
mod format;
mod keep;
mod lane;
mod limits;
mod manifest;
mod memory_read;
mod memtable;
mod merge;
mod open;
mod periods;
mod record_log;
mod registry;
mod series;
mod settings;
mod store;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tier;
mod varint;
mod write;

pub use error::Error;
pub use figures::Figures;
pub use nautilus_stats::Distribution;
pub use series::{Dimension, Series, SeriesId, Unit};
pub use store::{Config, Listed, MetricStore, Resolution, Sample};

/// Where the store's files are, in the data directory.
const DIRECTORY: &str = "metrics";
