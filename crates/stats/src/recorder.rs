//! A distribution in atomics: what the way of a request counts with.
//!
//! Recording takes no lock and, but for the first sample of its power of two, allocates nothing. There are two halves, for
//! even and for odd minutes: a sample goes to the half of the minute that its request's clock shows, and whoever collects
//! takes the half of a minute that is over while the other fills. So each sample is counted once, in its minute.

use std::sync::{
    OnceLock,
    atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
};

use crate::{Bins, Distribution};

/// Bins that one power of two has.
const BINS: usize = 64;
/// The powers that samples may have, in the unit that is told: from 2^-10 to 2^38. Greater ones are counted, with their
/// sum and as the greatest, in the last power's bins.
const POWERS: usize = 48;
const LEAST: f64 = 1.0 / 1024.0;

/// See the module.
#[derive(Debug)]
pub struct Recorder {
    /// What is counted is so many times smaller than what is told: 1,000 for microseconds that are told as milliseconds.
    scale: f64,
    halves: [Half; 2],
}

#[derive(Debug)]
struct Half {
    sum: AtomicU64,
    min: AtomicU64,
    max: AtomicU64,
    zeros: AtomicU64,
    powers: [OnceLock<Box<[AtomicU32; BINS]>>; POWERS],
}

impl Half {
    const fn new() -> Half {
        Half {
            sum: AtomicU64::new(0),
            min: AtomicU64::new(u64::MAX),
            max: AtomicU64::new(0),
            zeros: AtomicU64::new(0),
            powers: [const { OnceLock::new() }; POWERS],
        }
    }
}

impl Default for Recorder {
    fn default() -> Recorder {
        Recorder::scaled(1.0)
    }
}

impl Recorder {
    /// One whose samples are told divided by `scale`.
    pub const fn scaled(scale: f64) -> Recorder {
        Recorder { scale, halves: [Half::new(), Half::new()] }
    }

    /// Counts one sample in the minute (since 1970) of its request.
    pub fn record(&self, minute: u64, value: u64) {
        let half = &self.halves[(minute & 1) as usize];
        half.sum.fetch_add(value, Relaxed);
        if value < half.min.load(Relaxed) {
            half.min.fetch_min(value, Relaxed);
        }
        if value > half.max.load(Relaxed) {
            half.max.fetch_max(value, Relaxed);
        }
        if value == 0 {
            half.zeros.fetch_add(1, Relaxed);
            return;
        }
        let bin = Bins::of(value as f64 / self.scale).saturating_sub(Bins::of(LEAST)) as usize;
        let power = (bin / BINS).min(POWERS - 1);
        let bins = half.powers[power].get_or_init(|| Box::new([const { AtomicU32::new(0) }; BINS]));
        bins[bin % BINS].fetch_add(1, Relaxed);
    }

    /// Takes what was counted in a minute that is as even or as odd as this one. `None` if nothing was.
    pub fn take(&self, minute: u64) -> Option<Distribution> {
        let half = &self.halves[(minute & 1) as usize];
        let mut counts = Vec::new();
        let zeros = half.zeros.swap(0, Relaxed);
        if zeros > 0 {
            counts.push((0, zeros as f64));
        }
        for (bins, first) in half.powers.iter().zip((Bins::of(LEAST)..).step_by(BINS)) {
            let Some(bins) = bins.get() else { continue };
            for (count, bin) in bins.iter().zip(first..) {
                let count = if count.load(Relaxed) == 0 { 0 } else { count.swap(0, Relaxed) };
                if count > 0 {
                    counts.push((bin, f64::from(count)));
                }
            }
        }
        let (first, last) = (counts.first()?.0, counts.last()?.0);
        let count = counts.iter().map(|(_, count)| count).sum();
        let min = half.min.swap(u64::MAX, Relaxed) as f64 / self.scale;
        let max = half.max.swap(0, Relaxed) as f64 / self.scale;
        // A sample that is being counted just now may have left its ends with those that were taken before it.
        let is_min_here = Bins::of(min) <= first;
        let is_max_here = Bins::of(max) >= last;
        Some(Distribution {
            count,
            sum: half.sum.swap(0, Relaxed) as f64 / self.scale,
            min: if is_min_here { min } else { Bins::lower(first) },
            max: if is_max_here { max } else { Bins::lower(last) },
            bins: Some(Bins::from_counts(counts)),
        })
    }
}
