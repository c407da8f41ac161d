//! A distribution as bytes: by itself (a *row*: in the log and in memory), or with its parts in *columns*, those of many
//! points behind one another, as a block's chunk has them.
//!
//! Whole numbers and thousandths (milliseconds that were counted in microseconds) are varints, all others are the eight
//! bytes of the double. A distribution whose samples are all in its least one's bin has no bins written.

use nautilus_stats::{Bins, Distribution};

use crate::varint;

/// What stands together in a chunk.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Column {
    /// When: the caller's.
    Time,
    /// How the others are written, a point each.
    Shape,
    Count,
    Sum,
    Ends,
    /// How many bins, and which.
    Bin,
    BinCount,
}

pub(crate) const COLUMNS: usize = 7;

/// Where bytes go.
pub(crate) trait Sink {
    fn column(&mut self, column: Column) -> &mut Vec<u8>;
}

/// Where bytes come from.
pub(crate) trait Source<'a> {
    fn column(&mut self, column: Column) -> &mut &'a [u8];
}

/// A row: all columns are one.
impl Sink for Vec<u8> {
    fn column(&mut self, _column: Column) -> &mut Vec<u8> {
        self
    }
}

impl<'a> Source<'a> for &'a [u8] {
    fn column(&mut self, _column: Column) -> &mut &'a [u8] {
        self
    }
}

impl Sink for [Vec<u8>; COLUMNS] {
    fn column(&mut self, column: Column) -> &mut Vec<u8> {
        &mut self[column as usize]
    }
}

impl<'a> Source<'a> for [&'a [u8]; COLUMNS] {
    fn column(&mut self, column: Column) -> &mut &'a [u8] {
        &mut self[column as usize]
    }
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Number {
    Whole(i64),
    Thousandths(i64),
    Raw(f64),
}

const NUMBER_BITS: u32 = 2;
const WHOLE: u64 = 0;
const THOUSANDTHS: u64 = 1;
const RAW: u64 = 2;

impl Number {
    fn of(value: f64) -> Number {
        const EXACT_MAX: f64 = (1u64 << 53) as f64;
        let is_same = |other: f64| other.to_bits() == value.to_bits();
        let whole = value.round();
        if whole.abs() < EXACT_MAX && is_same(whole as i64 as f64) {
            return Number::Whole(whole as i64);
        }
        let thousandths = (value * 1000.0).round();
        if thousandths.abs() < EXACT_MAX && is_same(thousandths as i64 as f64 / 1000.0) {
            return Number::Thousandths(thousandths as i64);
        }
        Number::Raw(value)
    }

    fn kind(self) -> u64 {
        match self {
            Number::Whole(_) => WHOLE,
            Number::Thousandths(_) => THOUSANDTHS,
            Number::Raw(_) => RAW,
        }
    }

    fn put(self, out: &mut Vec<u8>) {
        match self {
            Number::Whole(number) | Number::Thousandths(number) => {
                varint::put(out, varint::zigzag(number));
            }
            Number::Raw(value) => put_double(out, value),
        }
    }

    fn take(kind: u64, input: &mut &[u8]) -> Option<f64> {
        Some(match kind {
            WHOLE => varint::unzigzag(varint::take(input)?) as f64,
            THOUSANDTHS => varint::unzigzag(varint::take(input)?) as f64 / 1000.0,
            RAW => take_double(input)?,
            _ => return None,
        })
    }
}

fn put_double(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(&value.to_bits().to_le_bytes());
}

fn take_double(input: &mut &[u8]) -> Option<f64> {
    let bytes = varint::take_bytes(input, 8)?;
    Some(f64::from_bits(u64::from_le_bytes(bytes.try_into().ok()?)))
}

/// How the bins are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BinsAs {
    /// They are not known.
    Unknown,
    /// All samples are in the least one's bin.
    One,
    /// With whole counts that are the distribution's together: the last one follows from the others.
    Whole,
    /// With counts as doubles.
    Raw,
}

impl BinsAs {
    const ALL: [BinsAs; 4] = [BinsAs::Unknown, BinsAs::One, BinsAs::Whole, BinsAs::Raw];

    fn of(samples: &Distribution) -> BinsAs {
        let Some(bins) = &samples.bins else { return BinsAs::Unknown };
        let counts = bins.counts();
        if counts == [(Bins::of(samples.min), samples.count)] {
            return BinsAs::One;
        }
        let is_whole = |count: f64| matches!(Number::of(count), Number::Whole(count) if count > 0);
        let all: f64 = counts.iter().map(|(_, count)| count).sum();
        let are_whole = is_whole(samples.count)
            && counts.iter().all(|(_, count)| is_whole(*count))
            && all == samples.count;
        if are_whole { BinsAs::Whole } else { BinsAs::Raw }
    }
}

/// What the sum is if each sample is the least value, or the lower end of its bin, as small whole numbers are.
fn plain_sum(samples: &Distribution) -> Option<f64> {
    if samples.min == samples.max {
        return Some(samples.min * samples.count);
    }
    let bins = samples.bins.as_ref()?.counts();
    Some(bins.iter().map(|(bin, count)| Bins::lower(*bin) * count).sum())
}

/// Writes a distribution.
pub(crate) fn put(out: &mut impl Sink, samples: &Distribution) {
    let (count, sum) = (Number::of(samples.count), Number::of(samples.sum));
    let (min, max) = (Number::of(samples.min), Number::of(samples.max));
    let has_max = min != max;
    let has_sum = plain_sum(samples).map(f64::to_bits) != Some(samples.sum.to_bits());
    let bins_as = BinsAs::of(samples);
    let mut shape = bins_as as u64;
    for (value, bits) in [
        (u64::from(has_max), 1),
        (u64::from(has_sum), 1),
        (count.kind(), NUMBER_BITS),
        (min.kind(), NUMBER_BITS),
        (if has_max { max.kind() } else { 0 }, NUMBER_BITS),
        (if has_sum { sum.kind() } else { 0 }, NUMBER_BITS),
    ] {
        shape = shape << bits | value;
    }
    varint::put(out.column(Column::Shape), shape);
    count.put(out.column(Column::Count));
    min.put(out.column(Column::Ends));
    if has_max {
        max.put(out.column(Column::Ends));
    }
    if let Some(bins) = &samples.bins {
        match bins_as {
            BinsAs::Whole => put_whole_bins(out, bins.counts(), samples.min),
            BinsAs::Raw => put_raw_bins(out, bins.counts(), samples.min),
            BinsAs::One | BinsAs::Unknown => {}
        }
    }
    if has_sum {
        sum.put(out.column(Column::Sum));
    }
}

/// How many bins there are, and how far the first is from the least sample's: nothing, if no sample was counted while
/// its bins were taken.
fn put_bins_head(out: &mut Vec<u8>, counts: &[(u32, f64)], min: f64) {
    varint::put(out, counts.len() as u64);
    let first = counts.first().map_or(0, |(bin, _)| *bin);
    varint::put(out, varint::zigzag(i64::from(first) - i64::from(Bins::of(min))));
}

/// Empty bins between the one before and this one; bins stand in order, and once each.
fn gaps(counts: &[(u32, f64)]) -> impl Iterator<Item = u64> {
    counts.windows(2).map(|pair| u64::from(pair[1].0 - pair[0].0 - 1))
}

/// Most bins have no gap before them: one that has is told by a count of zero. The last one's gap is always told, and its
/// count never: it follows.
fn put_whole_bins(out: &mut impl Sink, counts: &[(u32, f64)], min: f64) {
    put_bins_head(out.column(Column::Bin), counts, min);
    for (at, gap) in [0].into_iter().chain(gaps(counts)).enumerate() {
        let is_last = at > 0 && at + 1 == counts.len();
        if gap > 0 && !is_last {
            varint::put(out.column(Column::BinCount), 0);
        }
        if gap > 0 || is_last {
            varint::put(out.column(Column::Bin), gap);
        }
        if !is_last {
            varint::put(out.column(Column::BinCount), counts[at].1 as u64);
        }
    }
}

fn put_raw_bins(out: &mut impl Sink, counts: &[(u32, f64)], min: f64) {
    put_bins_head(out.column(Column::Bin), counts, min);
    gaps(counts).for_each(|gap| varint::put(out.column(Column::Bin), gap));
    counts.iter().for_each(|(_, count)| put_double(out.column(Column::BinCount), *count));
}

/// Reads a distribution; `None` if these bytes are none.
pub(crate) fn take<'a>(input: &mut impl Source<'a>) -> Option<Distribution> {
    let mut shape = varint::take(input.column(Column::Shape))?;
    let mut bits = |count: u32| {
        let value = shape & ((1 << count) - 1);
        shape >>= count;
        value
    };
    let (sum_kind, max_kind) = (bits(NUMBER_BITS), bits(NUMBER_BITS));
    let (min_kind, count_kind) = (bits(NUMBER_BITS), bits(NUMBER_BITS));
    let (has_sum, has_max) = (bits(1) == 1, bits(1) == 1);
    let bins_as = *BinsAs::ALL.get(usize::try_from(shape).ok()?)?;

    let count = Number::take(count_kind, input.column(Column::Count))?;
    let min = Number::take(min_kind, input.column(Column::Ends))?;
    let max = if has_max { Number::take(max_kind, input.column(Column::Ends))? } else { min };
    let bins = match bins_as {
        BinsAs::Unknown => None,
        BinsAs::One => Some(vec![(Bins::of(min), count)]),
        BinsAs::Whole => Some(take_whole_bins(input, count, min)?),
        BinsAs::Raw => Some(take_raw_bins(input, min)?),
    };
    let bins = bins.map(Bins::from_counts);
    let mut samples = Distribution { count, sum: 0.0, min, max, bins };
    samples.sum = if has_sum {
        Number::take(sum_kind, input.column(Column::Sum))?
    } else {
        plain_sum(&samples)?
    };
    Some(samples)
}

/// How many bins, and the first.
fn take_bins_head(column: &mut &[u8], min: f64) -> Option<(usize, u32)> {
    let len = varint::take(column)?.try_into().ok()?;
    let distance = varint::unzigzag(varint::take(column)?);
    Some((len, i64::from(Bins::of(min)).checked_add(distance)?.try_into().ok()?))
}

/// The bin behind `gap` empty ones.
fn next_bin(bin: u32, gap: u64) -> Option<u32> {
    u64::from(bin).checked_add(1)?.checked_add(gap)?.try_into().ok()
}

fn take_whole_bins<'a>(
    input: &mut impl Source<'a>,
    mut left: f64,
    min: f64,
) -> Option<Vec<(u32, f64)>> {
    let (len, mut bin) = take_bins_head(input.column(Column::Bin), min)?;
    // Each but the last takes a byte at least.
    let mut counts = Vec::with_capacity(len.min(input.column(Column::BinCount).len() + 1));
    for at in 0..len {
        let is_last = at > 0 && at + 1 == len;
        let told = if is_last { 0 } else { varint::take(input.column(Column::BinCount))? };
        let gap = if told == 0 { varint::take(input.column(Column::Bin))? } else { 0 };
        let count = match told {
            _ if is_last => left,
            0 => varint::take(input.column(Column::BinCount))? as f64,
            told => told as f64,
        };
        if at > 0 {
            bin = next_bin(bin, gap)?;
        }
        left -= count;
        counts.push((bin, count));
    }
    Some(counts)
}

fn take_raw_bins<'a>(input: &mut impl Source<'a>, min: f64) -> Option<Vec<(u32, f64)>> {
    let (len, mut bin) = take_bins_head(input.column(Column::Bin), min)?;
    let mut counts = Vec::with_capacity(len.min(input.column(Column::BinCount).len() / 8 + 1));
    for at in 0..len {
        if at > 0 {
            bin = next_bin(bin, varint::take(input.column(Column::Bin))?)?;
        }
        counts.push((bin, 0.0));
    }
    for (_, count) in &mut counts {
        *count = take_double(input.column(Column::BinCount))?;
    }
    Some(counts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::distributions;

    fn row(samples: &Distribution) -> Vec<u8> {
        let mut row = Vec::new();
        put(&mut row, samples);
        row
    }

    proptest! {
        #[test]
        fn rows_come_back(samples in distributions()) {
            let row = row(&samples);
            let mut rest = row.as_slice();
            prop_assert_eq!(take(&mut rest), Some(samples));
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn columns_come_back(samples in prop::collection::vec(distributions(), 0..20)) {
            let mut columns: [Vec<u8>; COLUMNS] = Default::default();
            samples.iter().for_each(|samples| put(&mut columns, samples));
            let mut rest = columns.each_ref().map(Vec::as_slice);
            for samples in samples {
                prop_assert_eq!(take(&mut rest), Some(samples));
            }
            prop_assert!(rest.iter().all(|rest| rest.is_empty()));
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = take(&mut bytes.as_slice());
        }
    }

    #[test]
    fn usual_ones_are_small() {
        let mut latency = Distribution::of(1.234, 1.0);
        latency.record(5.678, 1.0);
        let mut success = Distribution::of(1.0, 999.0);
        success.record(0.0, 1.0);
        let table = [
            (Distribution::of(1.0, 60.0), 5),
            (Distribution::of(1000.0, 60.0), 8),
            (success, 14),
            (latency, 14),
            (Distribution::of_set(3.0, 60.0, 10.0, 30.0), 6),
        ];
        for (samples, bytes_max) in table {
            let bytes = row(&samples).len();
            assert!(bytes <= bytes_max, "{bytes}: {samples:?}");
        }
    }
}
