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

use crate::{Position, ShardLogId};

/// Bytes of a frame's head and of a segment's header.
pub(crate) const HEAD_BYTES: usize = 64;
/// Largest body of a frame in bytes.
pub(crate) const BODY_BYTES_MAX: usize = 16 << 20;
/// Frames and footers begin at multiples of this.
pub(crate) const ALIGN: usize = 8;
/// Bytes of the trailer.
pub(crate) const TRAILER_BYTES: usize = 16;
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
pub(crate) const FOOTER_MAGIC: [u8; 4] = *b"NFT1";
const TRAILER_MAGIC: [u8; 4] = *b"NFE1";

const FOOTER_HEAD_BYTES: usize = 48;
const RUN_BYTES: usize = 56;
const ROW_BYTES: usize = 24;

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SALT: u64 = 0x1122_3344_5566_7788;
    const ARRIVED_MS: u64 = 1_795_489_201_234;

    /// The bytes of a golden file: hexadecimal, `#` begins a comment.
    fn golden() -> Vec<u8> {
        let text = include_str!("../tests/golden/segment-v1.hex");
        let digits: String = text
            .lines()
            .flat_map(|line| line.split('#').next())
            .flat_map(str::split_whitespace)
            .collect();
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        (0..digits.len()).step_by(2).map(byte).collect()
    }

    fn header() -> SegmentHeader {
        SegmentHeader {
            number: 7,
            salt: SALT,
            journal_id: 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff,
            made_at_ms: 1_795_489_200_000,
            bytes: 1 << 20,
        }
    }

    fn footer() -> Footer {
        let run = |shard, first, last, ms, offset, bytes, records| Run {
            shard: ShardLogId(shard),
            first,
            last,
            first_arrival_ms: ms,
            arrival_ms_max: ms,
            offset,
            bytes,
            records,
        };
        let row = |shard, next, arrival_ms_max| NextPosition {
            shard: ShardLogId(shard),
            next,
            arrival_ms_max,
        };
        Footer {
            first_group: 41,
            last_group: 42,
            runs: vec![
                run(3, 1, 2, ARRIVED_MS, 64, 104, 2),
                run(300, 4_294_967_299, 4_294_967_299, ARRIVED_MS + 1000, 232, 80, 1),
            ],
            next: vec![
                row(3, 3, ARRIVED_MS),
                row(9, 1000, 1_795_400_000_000),
                row(300, 4_294_967_300, ARRIVED_MS + 1000),
            ],
        }
    }

    fn frame(head: Head, records: &[BodyRecord<'_>]) -> Vec<u8> {
        let mut bytes = vec![0; HEAD_BYTES];
        for record in records {
            put_record_prefix(&mut bytes, record.key, record.hash_key, record.data.len() as u32);
            bytes.extend_from_slice(record.data);
        }
        let body = &bytes[HEAD_BYTES..];
        let head = Head {
            body_crc: crc32c::crc32c(body),
            body_bytes: body.len() as u32,
            records: records.len() as u32,
            ..head
        };
        head.encode(SALT, &mut bytes[..HEAD_BYTES]);
        bytes.resize(aligned(bytes.len()), 0);
        bytes
    }

    fn record<'a>(key: &'a str, hash_key: Option<u128>, data: &'a str) -> BodyRecord<'a> {
        BodyRecord { key: key.as_bytes(), hash_key, data: data.as_bytes() }
    }

    #[test]
    fn the_golden_segment_is_what_we_write() {
        let first =
            Head { shard: ShardLogId(3), first: 1, arrived_ms: ARRIVED_MS, ..Head::empty(41) };
        let second = Head {
            shard: ShardLogId(300),
            first: 4_294_967_299,
            arrived_ms: ARRIVED_MS + 1000,
            group_offset: 64,
            flags: FLAG_GAP,
            ..Head::empty(42)
        };
        let mut written = header().encode().to_vec();
        let records = [record("a", None, "hello"), record("é", Some((1 << 127) + 5), "")];
        written.extend(frame(first, &records));
        written.extend(frame(Head::empty(42), &[]));
        written.extend(frame(second, &[record("key", None, "{}")]));
        written.extend(footer().encode(SALT, written.len() as u64));
        assert_eq!(written, golden());
    }

    #[test]
    fn the_golden_segment_is_what_we_read() {
        let golden = golden();
        assert_eq!(SegmentHeader::decode(golden[..64].try_into().unwrap()), Ok(header()));
        let head = Head::decode(SALT, &golden[64..]).unwrap();
        assert_eq!((head.shard, head.first, head.end(), head.group), (ShardLogId(3), 1, 3, 41));
        let mut body = &golden[64 + HEAD_BYTES..][..head.body_bytes as usize];
        assert!(head.owns(&golden[64 + HEAD_BYTES..64 + head.frame_bytes() as usize]));
        assert_eq!(take_record(&mut body), Some(record("a", None, "hello")));
        assert_eq!(take_record(&mut body), Some(record("é", Some((1 << 127) + 5), "")));
        assert_eq!(take_record(&mut body), None);

        let trailer = golden.last_chunk::<TRAILER_BYTES>().unwrap();
        let offset = decode_trailer(SALT, trailer).unwrap() as usize;
        let bytes = &golden[offset..golden.len() - TRAILER_BYTES];
        assert_eq!(Footer::decode(SALT, bytes), Ok(footer()));
        assert_eq!(Footer::decode(SALT + 1, bytes), Err(Bad::Invalid));
    }

    #[test]
    fn a_newer_version_or_flag_is_told_from_damage() {
        let mut bytes = [0; HEAD_BYTES];
        Head { flags: 8, ..Head::empty(1) }.encode(SALT, &mut bytes);
        assert_eq!(Head::decode(SALT, &bytes), Err(Bad::Newer));
        assert_eq!(Head::decode(SALT ^ 1, &bytes), Err(Bad::Invalid), "another life's salt");
    }

    proptest! {
        #[test]
        fn heads_come_back(
            numbers in any::<(u64, u64, u64, u64)>(), lengths in any::<(u32, u32, u32)>(),
            body_bytes in 0..=BODY_BYTES_MAX as u32, flags in 0..=FLAGS_KNOWN, salt in any::<u64>(),
        ) {
            let head = Head {
                body_crc: lengths.0,
                body_bytes,
                shard: ShardLogId(numbers.0),
                first: numbers.1,
                arrived_ms: numbers.2,
                group: numbers.3,
                group_offset: lengths.1,
                records: lengths.2,
                flags,
            };
            let mut bytes = [0; HEAD_BYTES];
            head.encode(salt, &mut bytes);
            prop_assert_eq!(Head::decode(salt, &bytes), Ok(head));
        }

        #[test]
        fn records_come_back(
            records in prop::collection::vec(
                (prop::collection::vec(any::<u8>(), 0..300), any::<Option<u128>>(),
                 prop::collection::vec(any::<u8>(), 0..2000)), 0..20),
        ) {
            let mut body = Vec::new();
            for (key, hash_key, data) in &records {
                put_record_prefix(&mut body, key, *hash_key, data.len() as u32);
                body.extend_from_slice(data);
            }
            let mut rest = body.as_slice();
            for (key, hash_key, data) in &records {
                let expected = BodyRecord { key, hash_key: *hash_key, data };
                prop_assert_eq!(take_record(&mut rest), Some(expected));
            }
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn no_bytes_make_a_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = Head::decode(0, &bytes);
            let _ = Footer::decode(0, &bytes);
            let mut body = bytes.as_slice();
            while take_record(&mut body).is_some() {}
        }
    }
}
