//! Parser and writer against each other, against `ciborium`, and against bytes that mean nothing.

use std::borrow::Cow;

use proptest::prelude::*;

use super::{CborWriter, parse};
use crate::{
    AwsError, Number, Value, Writer,
    limits::{DEPTH_MAX, NODES_MAX},
};

/// An item of CBOR in any of its spellings, and what it means.
#[derive(Debug, Clone)]
struct Spelt {
    bytes: Vec<u8>,
    value: Value<'static>,
}

fn head(major: u8, argument: u64, width: u8) -> Vec<u8> {
    let major = major << 5;
    let bytes = argument.to_be_bytes();
    match width {
        0 if argument < 24 => vec![major | argument as u8],
        0 | 1 if argument <= 0xff => [&[major | 24], &bytes[7..]].concat(),
        0..=2 if argument <= 0xffff => [&[major | 25], &bytes[6..]].concat(),
        0..=3 if argument <= 0xffff_ffff => [&[major | 26], &bytes[4..]].concat(),
        _ => [&[major | 27], &bytes[..]].concat(),
    }
}

fn open(major: u8) -> Vec<u8> {
    vec![major << 5 | 31]
}

/// Text (`major` 3) or bytes (2), whole or in chunks.
fn spelt_string(major: u8, content: &[u8], chunked: bool, width: u8) -> Vec<u8> {
    if !chunked {
        return [head(major, content.len() as u64, width), content.to_vec()].concat();
    }
    let mut bytes = open(major);
    // Chunks of a text are texts themselves: cut between characters.
    let mut start = 0;
    for end in 1..=content.len() {
        let boundary = major == 2 || content.get(end).is_none_or(|byte| byte & 0xc0 != 0x80);
        if boundary && (end - start >= 3 || end == content.len()) {
            bytes.extend(head(major, (end - start) as u64, width));
            bytes.extend(&content[start..end]);
            start = end;
        }
    }
    bytes.push(0xff);
    bytes
}

fn number(value: f64) -> Value<'static> {
    Value::Number(Number::Float(value))
}

fn any_item() -> impl Strategy<Value = Spelt> {
    let spelt = |bytes, value| Spelt { bytes, value };
    let width = 0..5_u8;
    let leaf = prop_oneof![
        Just(spelt(vec![0xf4], Value::Bool(false))),
        Just(spelt(vec![0xf5], Value::Bool(true))),
        Just(spelt(vec![0xf6], Value::Null)),
        Just(spelt(vec![0xf7], Value::Null)),
        (any::<i64>(), width.clone()).prop_map(move |(value, width)| {
            let (major, argument) = if value < 0 { (1, !value) } else { (0, value) };
            spelt(head(major, argument as u64, width), Value::Number(Number::Integer(value)))
        }),
        any::<f64>().prop_filter("comparable", |value| !value.is_nan()).prop_map(move |value| {
            spelt([&[0xfb], &value.to_be_bytes()[..]].concat(), number(value))
        }),
        any::<f32>().prop_filter("comparable", |value| !value.is_nan()).prop_map(move |value| {
            spelt([&[0xfa], &value.to_be_bytes()[..]].concat(), number(value.into()))
        }),
        (any::<String>(), any::<bool>(), width.clone()).prop_map(move |(text, chunked, width)| {
            spelt(spelt_string(3, text.as_bytes(), chunked, width), Value::Str(text.into()))
        }),
        (any::<Vec<u8>>(), any::<bool>(), width.clone()).prop_map(move |(data, chunked, width)| {
            spelt(spelt_string(2, &data, chunked, width), Value::Bytes(data.into()))
        }),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        let list = prop::collection::vec(inner.clone(), 0..6);
        let map = prop::collection::vec((any::<String>(), inner.clone()), 0..6);
        let form = (any::<bool>(), 0..5_u8);
        prop_oneof![
            // A tag changes nothing.
            (inner, 0..70_000_u64).prop_map(move |(item, tag)| spelt(
                [head(6, tag, 0), item.bytes].concat(),
                item.value
            )),
            (list, form.clone()).prop_map(move |(items, (definite, width))| {
                let (count, mut bytes) = (items.len() as u64, Vec::new());
                let values = items.into_iter().map(|item| {
                    bytes.extend(item.bytes);
                    item.value
                });
                let value = Value::List(values.collect());
                spelt(wrapped(4, count, bytes, definite, width), value)
            }),
            (map, form).prop_map(move |(entries, (definite, width))| {
                let (count, mut bytes) = (entries.len() as u64, Vec::new());
                let entries = entries.into_iter().map(|(key, item)| {
                    bytes.extend(spelt_string(3, key.as_bytes(), !definite, width));
                    bytes.extend(item.bytes);
                    (Cow::Owned(key), item.value)
                });
                let value = Value::Map(entries.collect());
                spelt(wrapped(5, count, bytes, definite, width), value)
            }),
        ]
    })
}

fn wrapped(major: u8, count: u64, bytes: Vec<u8>, definite: bool, width: u8) -> Vec<u8> {
    match definite {
        true => [head(major, count, width), bytes].concat(),
        false => [open(major), bytes, vec![0xff]].concat(),
    }
}

fn write(w: &mut CborWriter, value: &Value<'_>) {
    match value {
        // The writer has no null: absent members are not told.
        Value::Null => w.str("null"),
        Value::Bool(value) => w.bool(*value),
        Value::Number(Number::Integer(value)) => w.i64(*value),
        Value::Number(Number::Float(value)) => w.f64(*value),
        Value::Str(value) => w.str(value),
        Value::Bytes(value) => w.blob(value),
        Value::List(items) => w.list(items, write),
        Value::Map(entries) => w.map(|w| {
            for (key, value) in entries {
                w.key(key);
                write(w, value);
            }
        }),
    }
}

fn without_null(value: Value<'static>) -> Value<'static> {
    match value {
        Value::Null => Value::Str("null".into()),
        Value::List(items) => Value::List(items.into_iter().map(without_null).collect()),
        Value::Map(entries) => {
            let entries = entries.into_iter().map(|(key, value)| (key, without_null(value)));
            Value::Map(entries.collect())
        }
        other => other,
    }
}

fn written(tell: impl FnOnce(&mut CborWriter)) -> Vec<u8> {
    let mut writer = CborWriter::default();
    tell(&mut writer);
    writer.finish()
}

/// What ciborium makes of a value, as ours; none where it has what we have not.
fn from_ciborium(value: ciborium::Value) -> Option<Value<'static>> {
    Some(match value {
        ciborium::Value::Null => Value::Null,
        ciborium::Value::Bool(value) => Value::Bool(value),
        ciborium::Value::Integer(value) => match i64::try_from(value) {
            Ok(value) => Value::Number(Number::Integer(value)),
            Err(_) => number(i128::from(value) as f64),
        },
        ciborium::Value::Float(value) => number(value),
        ciborium::Value::Text(text) => Value::Str(text.into()),
        ciborium::Value::Bytes(bytes) => Value::Bytes(bytes.into()),
        ciborium::Value::Tag(_, value) => from_ciborium(*value)?,
        ciborium::Value::Array(items) => {
            Value::List(items.into_iter().map(from_ciborium).collect::<Option<_>>()?)
        }
        ciborium::Value::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| {
                    Some((Cow::Owned(key.into_text().ok()?), from_ciborium(value)?))
                })
                .collect::<Option<_>>()?,
        ),
        _ => return None,
    })
}

/// NaN is not equal to itself.
fn shown(value: Value<'_>) -> String {
    format!("{value:?}")
}

fn parsed(hex: &str) -> Result<Value<'static>, AwsError> {
    let bytes: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal digits"))
        .collect();
    parse(bytes.leak())
}

#[test]
fn texts_and_bytes_of_one_piece_are_slices_of_the_body() {
    let body = b"\xbf\x64Data\x42\x01\x02\x63Key\x7f\x61a\x61b\xff\xff";
    let Ok(Value::Map(entries)) = parse(body) else { panic!("a map") };
    assert!(matches!(&entries[0], (Cow::Borrowed("Data"), Value::Bytes(Cow::Borrowed(_)))));
    assert!(matches!(&entries[1].1, Value::Str(Cow::Owned(text)) if text == "ab"));
}

#[test]
fn what_the_standards_examples_say_is_read() {
    let integer = |value| Value::Number(Number::Integer(value));
    for (hex, value) in [
        ("1bffffffffffffffff", number(18_446_744_073_709_551_615.0)),
        ("3bffffffffffffffff", number(-18_446_744_073_709_551_616.0)),
        ("3903e7", integer(-1000)),
        ("f98000", number(-0.0)),
        ("f93e00", number(1.5)),
        ("f97bff", number(65_504.0)),
        ("f90001", number(5.960_464_477_539_063e-8)),
        ("f90400", number(0.000_061_035_156_25)),
        ("f9c400", number(-4.0)),
        ("f97c00", number(f64::INFINITY)),
        ("f9fc00", number(f64::NEG_INFINITY)),
        ("fa47c35000", number(100_000.0)),
        ("fbc010666666666666", number(-4.1)),
        ("c11a514b67b0", integer(1_363_896_240)),
        ("c1fb41d452d9ec200000", number(1_363_896_240.5)),
        ("d9d9f7f5", Value::Bool(true)),
        ("5f42010243030405ff", Value::Bytes(vec![1, 2, 3, 4, 5].into())),
        ("9fff", Value::List(vec![])),
        ("a0", Value::Map(vec![])),
    ] {
        assert_eq!(parsed(hex), Ok(value), "{hex}");
    }
    assert_eq!(shown(parsed("f97e00").expect("a number")), "Number(Float(NaN))");
}

#[test]
fn what_is_no_cbor_is_refused_without_a_message() {
    for bad in [
        "",
        "ff",                 // a break of nothing
        "1f",                 // an integer without end
        "df00",               // a tag without end
        "0000",               // something behind the value
        "18",                 // an argument cut off
        "1c",                 // reserved
        "6261",               // a text cut off
        "61ff",               // a text that is no UTF-8
        "7f61c361a9ff",       // a character in two pieces
        "7f4161ff",           // bytes in a text
        "7f7f6161ffff",       // pieces in a piece
        "5f41",               // pieces cut off
        "9f01",               // a list cut off
        "8201",               // another
        "bf6161ff",           // a key without its value
        "a10101",             // a key that is no text
        "a1f601",             // another
        "a1c1616101",         // a key with a tag
        "81ff",               // a break in the place of an item
        "9bffffffffffffffff", // a length that cannot be
        "bb7fffffffffffffff",
        "5bffffffffffffffff",
        "7b7fffffffffffffff",
        "9a0010000000",
        "f818", // a simple value that must not be written so
        "f8ff", // one that nobody knows
        "e0",
        "f3",
        "c1", // a tag of nothing
    ] {
        assert_eq!(parsed(bad), Err(AwsError::serialization(None)), "{bad:?}");
    }
}

#[test]
fn depth_and_count_are_bounded() {
    let nested = |depth| [vec![0x81; depth], vec![0]].concat();
    assert!(parse(&nested(DEPTH_MAX)).is_ok());
    assert!(parse(&nested(DEPTH_MAX + 1)).is_err());
    assert!(parse(&[0x9f; 1_000_000]).is_err());
    assert!(parse(&[0xc1; 1_000_000]).is_err());
    assert!(parse(&b"\xbf\x61a".repeat(1_000_000)).is_err());

    let list = |items: usize| [vec![0x9f], vec![0; items], vec![0xff]].concat();
    assert!(parse(&list(NODES_MAX - 1)).is_ok());
    assert!(parse(&list(NODES_MAX)).is_err());
    let list = |items: usize| [head(4, items as u64, 0), vec![0; items]].concat();
    assert!(parse(&list(NODES_MAX - 1)).is_ok());
    assert!(parse(&list(NODES_MAX)).is_err());
}

#[test]
fn times_are_integers_of_milliseconds_under_tag_1() {
    let bytes = written(|w| w.timestamp_ms(1_459_799_926_480));
    assert_eq!(bytes, b"\xc1\x1b\x00\x00\x01\x53\xe2\xdb\x26\xd0");
}

fn rpc_time(ms: u64) -> Vec<u8> {
    let mut writer = CborWriter::rpc(Vec::new());
    writer.timestamp_ms(ms);
    writer.finish()
}

#[test]
fn times_of_rpc_v2_are_seconds_under_tag_1_with_a_fraction_if_they_have_one() {
    assert_eq!(rpc_time(1_772_100_000_000), b"\xc1\x1a\x69\xa0\x19\xa0");
    let with_fraction = [&b"\xc1\xfb"[..], &1_772_100_000.25_f64.to_be_bytes()].concat();
    assert_eq!(rpc_time(1_772_100_000_250), with_fraction);
}

#[test]
fn short_maps_and_lists_have_their_length_and_long_ones_an_end() {
    let bytes = written(|w| {
        w.map(|w| {
            w.field_str("A", "é");
            w.field_list("B", [1, -2], |w, item| w.i64(item));
            w.field_map("C", |w| w.field_bool("D", true));
            w.field_blob("E", b"\0\xff");
            w.field_list("F", 0..24, |w, _| w.map(|_| {}));
            w.key("G");
            w.f64(0.5);
        });
    });
    let expected = [
        &b"\xa6\x61A\x62\xc3\xa9\x61B\x82\x01\x21\x61C\xa1\x61D\xf5\x61E\x42\x00\xff\x61F\x9f"[..],
        &[0xa0; 24],
        b"\xff\x61G\xfb\x3f\xe0\0\0\0\0\0\0",
    ];
    assert_eq!(bytes, expected.concat());
}

#[test]
fn errors_are_maps_of_type_and_message() {
    let bytes = super::to_vec(&AwsError::unknown_operation());
    assert_eq!(bytes, b"\xa1\x66__type\x78\x19UnknownOperationException");
    let bytes = super::to_vec(&AwsError::validation("no"));
    assert_eq!(bytes, b"\xa2\x66__type\x73ValidationException\x67message\x62no");
}

proptest! {
    #[test]
    fn a_time_of_rpc_v2_comes_back_to_the_millisecond(ms in 0..253_402_300_800_000_u64) {
        let bytes = rpc_time(ms);
        let Ok(Value::Number(seconds)) = parse(&bytes) else { panic!("no number: {bytes:?}") };
        prop_assert_eq!(u64::try_from(seconds.seconds_as_ms()), Ok(ms));
    }

    #[test]
    fn every_spelling_of_a_value_is_read(item in any_item()) {
        prop_assert_eq!(parse(&item.bytes), Ok(item.value));
    }

    #[test]
    fn what_was_written_is_read_again(item in any_item()) {
        let value = without_null(item.value);
        let bytes = written(|w| write(w, &value));
        prop_assert_eq!(parse(&bytes), Ok(value));
    }

    #[test]
    fn ciborium_reads_what_was_written_as_we_do(item in any_item()) {
        let bytes = written(|w| write(w, &item.value));
        let theirs: ciborium::Value = ciborium::from_reader(&bytes[..]).unwrap();
        prop_assert_eq!(from_ciborium(theirs), parse(&bytes).ok());
    }

    #[test]
    fn no_bytes_make_the_parser_panic_and_what_it_reads_ciborium_reads_too(
        bytes in prop::collection::vec(
            prop_oneof![any::<u8>(), Just(0x61), Just(0x9f), Just(0xbf), Just(0xff), 0..4_u8],
            0..40,
        ),
    ) {
        if let Ok(ours) = parse(&bytes) {
            let mut rest = &bytes[..];
            let theirs = ciborium::from_reader::<ciborium::Value, _>(&mut rest);
            prop_assert!(rest.is_empty());
            // It makes integers of tagged bytes; we leave them bytes.
            if let Some(theirs) = from_ciborium(theirs.unwrap())
                && !bytes.iter().any(|byte| (0xc2..=0xc3).contains(byte))
            {
                prop_assert_eq!(shown(ours), shown(theirs));
            }
        }
    }

    #[test]
    fn a_damaged_body_does_not_make_the_parser_panic(
        item in any_item(), at: prop::sample::Index, byte: u8, cut: bool,
    ) {
        let mut bytes = item.bytes;
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        let _ = parse(&bytes);
    }
}
