//! The golden segment both ways, and what any bytes may do to the decoders.

use proptest::prelude::*;

use super::*;

const SALT: u64 = 0x1122_3344_5566_7788;
const ARRIVED_MS: u64 = 1_795_489_201_234;

/// The bytes of a golden file: hexadecimal, `#` begins a comment.
fn golden() -> Vec<u8> {
    let text = include_str!("../../tests/golden/segment-v1.hex");
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
    let first = Head { shard: ShardLogId(3), first: 1, arrived_ms: ARRIVED_MS, ..Head::empty(41) };
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
