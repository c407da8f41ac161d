//! What may go wrong in this room.

use std::io;

/// Why the store cannot do it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("metrics: cannot {op}: {source}")]
    Io {
        /// What was tried.
        op: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// The files are of another version of this program.
    #[error("metrics: {file} has format {found}, and this version knows {known} only")]
    Format {
        /// Which file.
        file: String,
        /// Its format.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// Both copies of the list of files are damaged.
    #[error(
        "metrics: both copies of metrics/manifest are damaged; without the directory metrics the server starts with no metrics"
    )]
    Manifest,
    /// Some series are new, and there is no room for more; the samples of all others are stored.
    #[error("metrics: there are too many series; samples of {left_out} new ones are left out")]
    TooManySeries {
        /// How many samples.
        left_out: usize,
    },
    /// Too much waits already; later it may go. Nothing was stored.
    #[error("metrics: too much waits for the disk")]
    Busy,
    /// The store is closed, or its thread has ended.
    #[error("metrics: the store is closed")]
    Closed,
}

/// Names what was tried.
pub(crate) fn cannot(op: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { op, source }
}
