//! Bins of values: how many samples lie where.
//!
//! A positive value's bin is the head of its bits as a double: the exponent and the first six bits of the fraction. So 64
//! bins divide each power of two, none is wider than 1/64 of its lower end, and its middle is nowhere further than 0.79 %
//! from what lies in it. Zero has a bin of its own. The bins of two distributions are the same ones: they add up.

/// How many bits of a double stand behind a bin's number.
const BITS_BELOW: u32 = 52 - 6;

/// Samples by bin, in the order of the bins. Without negative values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bins {
    counts: Vec<(u32, f64)>,
}

impl Bins {
    /// The bin of a value that is zero or greater, and finite.
    pub fn of(value: f64) -> u32 {
        // -0.0 is zero too.
        (value.abs().to_bits() >> BITS_BELOW) as u32
    }

    /// Where a bin begins.
    pub fn lower(bin: u32) -> f64 {
        f64::from_bits(u64::from(bin) << BITS_BELOW)
    }

    /// The middle of a bin; zero for that of zero.
    pub fn middle(bin: u32) -> f64 {
        if bin == 0 { 0.0 } else { (Bins::lower(bin) + Bins::lower(bin + 1)) / 2.0 }
    }

    /// Bins with what is in them, in any order; a bin may come more than once.
    pub fn from_counts(mut counts: Vec<(u32, f64)>) -> Bins {
        // The stable sort knows runs that are in order: two of them are merged.
        counts.sort_by_key(|(bin, _)| *bin);
        counts.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        Bins { counts }
    }

    /// The bins that have samples, and how many.
    pub fn counts(&self) -> &[(u32, f64)] {
        &self.counts
    }

    pub(crate) fn add(&mut self, bin: u32, count: f64) {
        match self.counts.binary_search_by_key(&bin, |(bin, _)| *bin) {
            Ok(at) => self.counts[at].1 += count,
            Err(at) => self.counts.insert(at, (bin, count)),
        }
    }

    pub(crate) fn merge(&mut self, other: &Bins) {
        if self.counts.iter().map(|(bin, _)| bin).eq(other.counts.iter().map(|(bin, _)| bin)) {
            for (mine, others) in self.counts.iter_mut().zip(&other.counts) {
                mine.1 += others.1;
            }
            return;
        }
        let mut counts = std::mem::take(&mut self.counts);
        counts.extend_from_slice(&other.counts);
        *self = Bins::from_counts(counts);
    }
}
