//! The footer of a sealed segment and the trailer behind it; `format.rs` has the definition.

use super::{Bad, VERSION, put_u32, put_u64, salted_crc, u32_at, u64_at};
use crate::{Position, ShardLogId};

/// Bytes of the trailer.
pub(crate) const TRAILER_BYTES: usize = 16;
/// What a footer begins with.
pub(crate) const FOOTER_MAGIC: [u8; 4] = *b"NFT1";
const TRAILER_MAGIC: [u8; 4] = *b"NFE1";

const FOOTER_HEAD_BYTES: usize = 48;
const RUN_BYTES: usize = 56;
const ROW_BYTES: usize = 24;

/// Where a stretch of one shard's records stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub shard: ShardLogId,
    pub first: Position,
    /// The last position, inclusive.
    pub last: Position,
    pub first_arrival_ms: u64,
    /// The largest arrival in the run.
    pub arrival_ms_max: u64,
    pub offset: u64,
    pub bytes: u32,
    pub records: u32,
}

/// What a shard's next record will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextPosition {
    /// The shard.
    pub shard: ShardLogId,
    /// The position that its next record gets.
    pub next: Position,
    /// The largest arrival of its records, Unix ms; 0 if it has none.
    pub arrival_ms_max: u64,
}

/// What a sealed segment says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Footer {
    pub first_group: u64,
    pub last_group: u64,
    pub runs: Vec<Run>,
    pub next: Vec<NextPosition>,
}

impl Footer {
    /// Bytes of a footer and the trailer.
    pub fn bytes(runs: usize, rows: usize) -> usize {
        FOOTER_HEAD_BYTES + runs * RUN_BYTES + rows * ROW_BYTES + TRAILER_BYTES
    }

    /// Footer and trailer, to be written at `offset`, where the frames end.
    pub fn encode(&self, salt: u64, offset: u64) -> Vec<u8> {
        let bytes = Footer::bytes(self.runs.len(), self.next.len()) - TRAILER_BYTES;
        let mut out = vec![0; FOOTER_HEAD_BYTES];
        out.reserve(bytes + TRAILER_BYTES - FOOTER_HEAD_BYTES);
        out[0..4].copy_from_slice(&FOOTER_MAGIC);
        put_u64(&mut out, 8, bytes as u64);
        out[16] = VERSION;
        put_u64(&mut out, 24, self.first_group);
        put_u64(&mut out, 32, self.last_group);
        put_u32(&mut out, 40, self.runs.len() as u32);
        put_u32(&mut out, 44, self.next.len() as u32);
        for run in &self.runs {
            for field in [
                run.shard.0,
                run.first,
                run.last,
                run.first_arrival_ms,
                run.arrival_ms_max,
                run.offset,
            ] {
                out.extend_from_slice(&field.to_le_bytes());
            }
            out.extend_from_slice(&run.bytes.to_le_bytes());
            out.extend_from_slice(&run.records.to_le_bytes());
        }
        for row in &self.next {
            for field in [row.shard.0, row.next, row.arrival_ms_max] {
                out.extend_from_slice(&field.to_le_bytes());
            }
        }
        let crc = salted_crc(salt, &out[8..]);
        put_u32(&mut out, 4, crc);
        out.extend_from_slice(&TRAILER_MAGIC);
        out.extend_from_slice(&salted_crc(salt, &offset.to_le_bytes()).to_le_bytes());
        out.extend_from_slice(&offset.to_le_bytes());
        out
    }

    /// Reads a footer from exactly its bytes, without the trailer.
    pub fn decode(salt: u64, bytes: &[u8]) -> Result<Footer, Bad> {
        if bytes.len() < FOOTER_HEAD_BYTES
            || bytes[0..4] != FOOTER_MAGIC
            || u64_at(bytes, 8) != bytes.len() as u64
            || u32_at(bytes, 4) != salted_crc(salt, &bytes[8..])
        {
            return Err(Bad::Invalid);
        }
        if bytes[16] != VERSION || bytes[17..24] != [0; 7] {
            return Err(Bad::Newer);
        }
        let (runs, rows) = (u32_at(bytes, 40) as usize, u32_at(bytes, 44) as usize);
        if bytes.len() != FOOTER_HEAD_BYTES + runs * RUN_BYTES + rows * ROW_BYTES {
            return Err(Bad::Invalid);
        }
        let (run_bytes, row_bytes) = bytes[FOOTER_HEAD_BYTES..].split_at(runs * RUN_BYTES);
        Ok(Footer {
            first_group: u64_at(bytes, 24),
            last_group: u64_at(bytes, 32),
            runs: run_bytes.chunks_exact(RUN_BYTES).map(decode_run).collect(),
            next: row_bytes
                .chunks_exact(ROW_BYTES)
                .map(|row| NextPosition {
                    shard: ShardLogId(u64_at(row, 0)),
                    next: u64_at(row, 8),
                    arrival_ms_max: u64_at(row, 16),
                })
                .collect(),
        })
    }
}

fn decode_run(run: &[u8]) -> Run {
    Run {
        shard: ShardLogId(u64_at(run, 0)),
        first: u64_at(run, 8),
        last: u64_at(run, 16),
        first_arrival_ms: u64_at(run, 24),
        arrival_ms_max: u64_at(run, 32),
        offset: u64_at(run, 40),
        bytes: u32_at(run, 48),
        records: u32_at(run, 52),
    }
}

/// Where the footer stands, if `bytes` are a segment's trailer.
pub(crate) fn decode_trailer(salt: u64, bytes: &[u8; TRAILER_BYTES]) -> Option<u64> {
    let offset = u64_at(bytes, 8);
    let whole =
        bytes[0..4] == TRAILER_MAGIC && u32_at(bytes, 4) == salted_crc(salt, &offset.to_le_bytes());
    whole.then_some(offset)
}
