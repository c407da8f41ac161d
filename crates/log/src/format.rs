//! The journal on disk, version 1. This comment is the definition; the code below only says it again.
//!
//! `journal/<segment number, 20 digits>.seg`: made ahead, append-only, number never reused.
//! Integers are little-endian, times Unix milliseconds, offsets count from the start of the file.
//!
//! ```text
//! segment = header frame* (footer trailer | torn tail) zeros
//!
//! header   0  4 magic "NSG1"                16 8 segment number
//!          4  4 CRC of 8..64                24 8 salt, random
//!          8  1 version 1                   32 16 journal id, random, the same in all segments
//!          9  7 zero                        48 8 made at, ms · 56 8 bytes written ahead
//!
//! frame    = head body zeros-to-8           the records of one call in one shard
//! head     0  4 magic "NFR1"                24 8 first position   in the shard, +1 per record
//!          4  4 CRC of salt and head 8..64  32 8 arrived ms       one clock reading per group
//!          8  4 CRC of body, plain          40 8 group            +1 per sync, never reused
//!         12  4 body bytes <= 16 MiB        48 4 bytes from the group's first frame to this one
//!         16  8 shard, never reused         52 4 records, 0 = empty frame
//!                                           56 1 version 1 · 57 1 flags · 58 6 zero
//! flags    1 gap before the first position · 2 written without sync · 4 encrypted · others: a newer format, refused
//! body     = { u16 key bytes, u32 data bytes, u8 has hash key, key, [u128 hash key], data }*
//!
//! footer   0  4 magic "NFT1"                24 8 first group, 0 = none
//!          4  4 CRC of salt and the rest    32 8 last group
//!          8  8 bytes of the whole footer   40 4 runs
//!         16  1 version 1 · 17 7 zero       44 4 shards in the table
//!         48    run*                        then table row*
//! run      = shard 8, first position 8, last position 8, first arrival 8, largest arrival 8, offset 8,
//!            bytes 4, records 4             56 bytes
//! row      = shard 8, next position 8, largest arrival 8, of ALL living shards, also those without a run here
//! trailer  = magic "NFE1" 4, CRC of salt and the 8 bytes behind 4, offset of the footer 8; the file ends here
//! ```
//!
//! CRCs are CRC-32C. The body's is computed by the request's task before the segment is known; only the head's
//! starts from the segment's salt: a frame left over from another life of the file's blocks never passes.
//!
//! A run is a stretch of the segment that begins with a frame of its shard and ends with one; frames of other
//! shards may stand between. How long a stretch may be is the writer's choice, not the format's.
//!
//! Always: positions in a shard increase, adjacent unless a flag says so · group n is synced before group n+1 is
//! written, but for its opening empty frame · a group lies in one segment and is durable as a whole before anyone
//! sees any of it · when the queue is empty after a sync, an empty frame opens the next group: it has that group's
//! number and offset 0, is not synced alone, and proves that what stands before it was synced.
//!
//! A sealed segment has its footer and ends with the trailer; its file may be shorter than what was written ahead.
//! An unsealed one is never shorter. `recovery.rs` says what an unclean stop may leave and what is done about it.
//!
//! Changing any of this: a new version number, a new golden file, the old reader kept.

mod footer;

pub use footer::NextPosition;
pub(crate) use footer::{FOOTER_MAGIC, Footer, Run, TRAILER_BYTES, decode_trailer};

use crate::{Position, ShardLogId};

/// Bytes of a frame's head and of a segment's header.
pub(crate) const HEAD_BYTES: usize = 64;
/// Largest body of a frame in bytes.
pub(crate) const BODY_BYTES_MAX: usize = 16 << 20;
/// Frames and footers begin at multiples of this.
pub(crate) const ALIGN: usize = 8;
/// The one version that this code reads and writes.
pub(crate) const VERSION: u8 = 1;

/// The frame's first position is not the one after the frame before it.
pub(crate) const FLAG_GAP: u8 = 1;
/// The group was acknowledged without a sync.
pub(crate) const FLAG_UNSYNCED: u8 = 2;
/// Flags that this version knows how to read.
const FLAGS_KNOWN: u8 = FLAG_GAP | FLAG_UNSYNCED;

const SEGMENT_MAGIC: [u8; 4] = *b"NSG1";
const FRAME_MAGIC: [u8; 4] = *b"NFR1";

/// Why bytes were not taken for what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bad {
    /// They are not what stands here, or not whole.
    Invalid,
    /// Their checksum is right, but a newer version wrote them.
    Newer,
}

/// `n` rounded up to the alignment of frames.
pub(crate) fn aligned(n: usize) -> usize {
    n.next_multiple_of(ALIGN)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

fn put_u32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

fn put_u64(bytes: &mut [u8], at: usize, value: u64) {
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

fn salted_crc(salt: u64, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&salt.to_le_bytes()), bytes)
}

/// First 64 bytes of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub number: u64,
    pub salt: u64,
    pub journal_id: u128,
    pub made_at_ms: u64,
    /// Bytes written ahead: an unsealed file is never shorter.
    pub bytes: u64,
}

impl SegmentHeader {
    pub fn encode(&self) -> [u8; HEAD_BYTES] {
        let mut out = [0; HEAD_BYTES];
        out[0..4].copy_from_slice(&SEGMENT_MAGIC);
        out[8] = VERSION;
        put_u64(&mut out, 16, self.number);
        put_u64(&mut out, 24, self.salt);
        out[32..48].copy_from_slice(&self.journal_id.to_le_bytes());
        put_u64(&mut out, 48, self.made_at_ms);
        put_u64(&mut out, 56, self.bytes);
        let crc = crc32c::crc32c(&out[8..]);
        put_u32(&mut out, 4, crc);
        out
    }

    pub fn decode(bytes: &[u8; HEAD_BYTES]) -> Result<SegmentHeader, Bad> {
        if bytes[0..4] != SEGMENT_MAGIC || u32_at(bytes, 4) != crc32c::crc32c(&bytes[8..]) {
            return Err(Bad::Invalid);
        }
        if bytes[8] != VERSION || bytes[9..16] != [0; 7] {
            return Err(Bad::Newer);
        }
        Ok(SegmentHeader {
            number: u64_at(bytes, 16),
            salt: u64_at(bytes, 24),
            journal_id: u128::from_le_bytes(bytes[32..48].try_into().expect("sixteen bytes")),
            made_at_ms: u64_at(bytes, 48),
            bytes: u64_at(bytes, 56),
        })
    }
}

/// Head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub body_crc: u32,
    pub body_bytes: u32,
    pub shard: ShardLogId,
    pub first: Position,
    pub arrived_ms: u64,
    pub group: u64,
    /// Bytes from the group's first frame to this one.
    pub group_offset: u32,
    /// 0 in an empty frame.
    pub records: u32,
    pub flags: u8,
}

impl Head {
    /// The frame without records that opens a group behind a synced one.
    pub fn empty(group: u64) -> Head {
        Head {
            body_crc: 0,
            body_bytes: 0,
            shard: ShardLogId(0),
            first: 0,
            arrived_ms: 0,
            group,
            group_offset: 0,
            records: 0,
            flags: 0,
        }
    }

    pub fn encode(&self, salt: u64, out: &mut [u8]) {
        out[0..4].copy_from_slice(&FRAME_MAGIC);
        put_u32(out, 8, self.body_crc);
        put_u32(out, 12, self.body_bytes);
        put_u64(out, 16, self.shard.0);
        put_u64(out, 24, self.first);
        put_u64(out, 32, self.arrived_ms);
        put_u64(out, 40, self.group);
        put_u32(out, 48, self.group_offset);
        put_u32(out, 52, self.records);
        out[56] = VERSION;
        out[57] = self.flags;
        out[58..64].fill(0);
        let crc = salted_crc(salt, &out[8..HEAD_BYTES]);
        put_u32(out, 4, crc);
    }

    /// Takes `bytes` for a head only if its checksum says so; the body is checked with [`Head::owns`].
    pub fn decode(salt: u64, bytes: &[u8]) -> Result<Head, Bad> {
        if bytes.len() < HEAD_BYTES || bytes[0..4] != FRAME_MAGIC {
            return Err(Bad::Invalid);
        }
        if u32_at(bytes, 4) != salted_crc(salt, &bytes[8..HEAD_BYTES]) {
            return Err(Bad::Invalid);
        }
        let flags = bytes[57];
        if bytes[56] != VERSION || flags & !FLAGS_KNOWN != 0 || bytes[58..64] != [0; 6] {
            return Err(Bad::Newer);
        }
        let head = Head {
            body_crc: u32_at(bytes, 8),
            body_bytes: u32_at(bytes, 12),
            shard: ShardLogId(u64_at(bytes, 16)),
            first: u64_at(bytes, 24),
            arrived_ms: u64_at(bytes, 32),
            group: u64_at(bytes, 40),
            group_offset: u32_at(bytes, 48),
            records: u32_at(bytes, 52),
            flags,
        };
        if head.body_bytes as usize > BODY_BYTES_MAX {
            return Err(Bad::Invalid);
        }
        Ok(head)
    }

    /// True if `rest`, the frame behind its head, is the frame's body and padding.
    pub fn owns(&self, rest: &[u8]) -> bool {
        let Some((body, padding)) = rest.split_at_checked(self.body_bytes as usize) else {
            return false;
        };
        rest.len() == self.frame_bytes() as usize - HEAD_BYTES
            && padding.iter().all(|&byte| byte == 0)
            && crc32c::crc32c(body) == self.body_crc
    }

    /// Bytes of head, body and padding.
    pub fn frame_bytes(&self) -> u64 {
        aligned(HEAD_BYTES + self.body_bytes as usize) as u64
    }

    /// The position after the frame's last one.
    pub fn end(&self) -> Position {
        self.first + u64::from(self.records)
    }
}

/// A record as it stands in a frame's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BodyRecord<'a> {
    pub key: &'a [u8],
    pub hash_key: Option<u128>,
    pub data: &'a [u8],
}

/// Fixed bytes before a record's key.
const RECORD_PREFIX_BYTES: usize = 7;

/// Appends everything of a record but its data; the caller appends exactly `data_bytes` more.
pub(crate) fn put_record_prefix(
    body: &mut Vec<u8>,
    key: &[u8],
    hash_key: Option<u128>,
    data_bytes: u32,
) {
    body.extend_from_slice(&(key.len() as u16).to_le_bytes());
    body.extend_from_slice(&data_bytes.to_le_bytes());
    body.push(u8::from(hash_key.is_some()));
    body.extend_from_slice(key);
    if let Some(hash_key) = hash_key {
        body.extend_from_slice(&hash_key.to_le_bytes());
    }
}

/// Takes the first record off `body`; `None` if it is not whole.
pub(crate) fn take_record<'a>(body: &mut &'a [u8]) -> Option<BodyRecord<'a>> {
    let (prefix, rest) = body.split_at_checked(RECORD_PREFIX_BYTES)?;
    let key_bytes = usize::from(u16::from_le_bytes([prefix[0], prefix[1]]));
    let data_bytes = u32_at(prefix, 2) as usize;
    let (key, rest) = rest.split_at_checked(key_bytes)?;
    let (hash_key, rest) = match prefix[6] {
        0 => (None, rest),
        1 => {
            let (bytes, rest) = rest.split_first_chunk::<16>()?;
            (Some(u128::from_le_bytes(*bytes)), rest)
        }
        _ => return None,
    };
    let (data, rest) = rest.split_at_checked(data_bytes)?;
    *body = rest;
    Some(BodyRecord { key, hash_key, data })
}

#[cfg(test)]
mod tests;
