//! Where samples come from that no client puts.

use nautilus_metrics::Sample;

/// A room that counts. What it has told is gone from it: a sample is told once.
pub trait Source: Send + Sync {
    /// Tells all that was counted in a minute (Unix ms / 60,000) and not told yet.
    fn drain(&self, minute: u64, tell: &mut dyn FnMut(Sample));
}
