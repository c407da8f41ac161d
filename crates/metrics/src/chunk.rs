//! A series' points in one block: columns, deflated.
//!
//! ```text
//! chunk      series 4 · length of what follows, inflated · deflated bytes · checksum 4
//! inflated   number of points · seven times: length of a column · the columns (`codec.rs`)
//! times      for each point, steps of the tier since the end of the one before; the first since the block's begin
//! ```
//!
//! Where not said otherwise, numbers are varints.

use std::io::{Read, Write};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use nautilus_stats::Distribution;

use crate::{
    SeriesId,
    codec::{self, COLUMNS, Column, Source},
    format,
    tier::Tier,
    varint,
};

/// Larger than any: 3,600 points of a few kilobytes.
const INFLATED_BYTES_MAX: u64 = 1 << 30;

/// A chunk in the making.
pub(crate) struct ChunkWriter {
    tier: Tier,
    expected_s: u32,
    first_s: Option<u32>,
    last_s: u32,
    count: u64,
    columns: [Vec<u8>; COLUMNS],
}

/// A chunk, written.
pub(crate) struct Chunk {
    pub bytes: Vec<u8>,
    pub first_s: u32,
    pub last_s: u32,
    pub count: u64,
}

impl ChunkWriter {
    pub fn new(tier: Tier, span_s: u32) -> ChunkWriter {
        ChunkWriter {
            tier,
            expected_s: span_s,
            first_s: None,
            last_s: span_s,
            count: 0,
            columns: Default::default(),
        }
    }

    /// Adds a point behind all others; its time is the begin of a period.
    pub fn add(&mut self, at_s: u32, samples: &Distribution) {
        let steps = (at_s - self.expected_s) / self.tier.step_s();
        varint::put(&mut self.columns[Column::Time as usize], steps.into());
        codec::put(&mut self.columns, samples);
        self.expected_s = at_s.saturating_add(self.tier.step_s());
        self.first_s.get_or_insert(at_s);
        self.last_s = at_s;
        self.count += 1;
    }

    pub fn finish(self, id: SeriesId, level: Compression) -> Chunk {
        let mut inflated = Vec::new();
        varint::put(&mut inflated, self.count);
        self.columns.iter().for_each(|column| varint::put(&mut inflated, column.len() as u64));
        self.columns.iter().for_each(|column| inflated.extend_from_slice(column));
        let mut bytes = id.0.to_le_bytes().to_vec();
        varint::put(&mut bytes, inflated.len() as u64);
        let mut deflated = DeflateEncoder::new(bytes, level);
        let written = deflated.write_all(&inflated).and_then(|()| deflated.finish());
        let mut bytes = written.expect("a vector takes all bytes");
        format::seal(&mut bytes, 0);
        Chunk {
            bytes,
            first_s: self.first_s.unwrap_or(self.last_s),
            last_s: self.last_s,
            count: self.count,
        }
    }
}

/// Gives the points of a chunk in order; `None` if these bytes are none of this series.
pub(crate) fn read(
    bytes: &[u8],
    id: SeriesId,
    tier: Tier,
    span_s: u32,
    mut each: impl FnMut(u32, Distribution),
) -> Option<()> {
    let (own_id, mut deflated) = format::unseal(bytes)?.split_first_chunk::<4>()?;
    let inflated_len = varint::take(&mut deflated)?;
    if u32::from_le_bytes(*own_id) != id.0 || inflated_len > INFLATED_BYTES_MAX {
        return None;
    }
    let mut inflated = Vec::with_capacity(inflated_len as usize);
    DeflateDecoder::new(deflated).take(inflated_len).read_to_end(&mut inflated).ok()?;

    let mut rest = inflated.as_slice();
    let count = varint::take(&mut rest)?;
    let mut lens = [0; COLUMNS];
    for len in &mut lens {
        *len = usize::try_from(varint::take(&mut rest)?).ok()?;
    }
    let mut columns = [&[][..]; COLUMNS];
    for (column, len) in columns.iter_mut().zip(lens) {
        *column = varint::take_bytes(&mut rest, len)?;
    }
    let mut expected_s = span_s;
    for _ in 0..count {
        let steps = varint::take_u32(columns.column(Column::Time))?;
        let at_s = expected_s.checked_add(steps.checked_mul(tier.step_s())?)?;
        each(at_s, codec::take(&mut columns)?);
        expected_s = at_s.saturating_add(tier.step_s());
    }
    Some(())
}
