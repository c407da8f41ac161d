//! Parser and writer against each other, against `serde_json`, and against bytes that mean nothing.

use std::borrow::Cow;

use proptest::prelude::*;

use super::{JsonWriter, parse};
use crate::{
    AwsError, Number, Value, Writer,
    limits::{DEPTH_MAX, NODES_MAX},
};

fn write(w: &mut JsonWriter, value: &Value<'_>) {
    match value {
        // The writer has no null: absent members are not told.
        Value::Null => unreachable!("not generated"),
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

fn text(value: &Value<'_>) -> Vec<u8> {
    let mut writer = JsonWriter::default();
    write(&mut writer, value);
    writer.finish()
}

fn written(tell: impl FnOnce(&mut JsonWriter)) -> String {
    let mut writer = JsonWriter::default();
    tell(&mut writer);
    String::from_utf8(writer.finish()).expect("JSON is UTF-8")
}

fn any_value() -> impl Strategy<Value = Value<'static>> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|value| Value::Number(Number::Integer(value))),
        // serde_json is exact only for short ones.
        (any::<i32>(), 0..8_u8).prop_map(|(whole, eighths)| {
            Value::Number(Number::Float(f64::from(whole) + f64::from(eighths) / 8.0))
        }),
        any::<String>().prop_map(|value| Value::Str(Cow::Owned(value))),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        let entry = (any::<String>().prop_map(Cow::Owned), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Value::List),
            prop::collection::vec(entry, 0..6).prop_map(Value::Map),
        ]
    })
}

fn from_serde(value: serde_json::Value) -> Value<'static> {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(value),
        serde_json::Value::Number(number) => Value::Number(match number.as_i64() {
            Some(value) => Number::Integer(value),
            None => Number::Float(number.as_f64().expect("a number is one or the other")),
        }),
        serde_json::Value::String(text) => Value::Str(Cow::Owned(text)),
        serde_json::Value::Array(items) => Value::List(items.into_iter().map(from_serde).collect()),
        serde_json::Value::Object(map) => {
            let entries = map.into_iter().map(|(key, value)| (Cow::Owned(key), from_serde(value)));
            Value::Map(entries.collect())
        }
    }
}

/// serde_json keeps its maps sorted and without doubles, so ours is put into the same order.
fn sorted(value: Value<'_>) -> Value<'_> {
    match value {
        Value::List(items) => Value::List(items.into_iter().map(sorted).collect()),
        Value::Map(entries) => {
            let map: std::collections::BTreeMap<_, _> = entries.into_iter().collect();
            Value::Map(map.into_iter().map(|(key, value)| (key, sorted(value))).collect())
        }
        other => other,
    }
}

#[test]
fn strings_without_escapes_are_slices_of_the_body() {
    let body = br#"{"Data":"AAAA","Key":"a\/b"}"#;
    let Ok(Value::Map(entries)) = parse(body) else { panic!("a map") };
    assert!(matches!(&entries[0], (Cow::Borrowed("Data"), Value::Str(Cow::Borrowed("AAAA")))));
    assert!(matches!(&entries[1].1, Value::Str(Cow::Owned(text)) if text == "a/b"));
}

#[test]
fn every_escape_is_undone() {
    let body = br#""\"\\\/\b\f\n\r\t\u00e9\uD83D\udca7.""#;
    assert_eq!(parse(body), Ok(Value::Str("\"\\/\u{8}\u{c}\n\r\té💧.".into())));
}

#[test]
fn what_is_no_json_is_refused_without_a_message() {
    for bad in [
        "",
        " ",
        "{",
        "}",
        "{}{}",
        "{},",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "[1 2]",
        "'a'",
        "\"a",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"a\nb\"",
        "\"\\n\u{1}\"",
        "tru",
        "nulL",
        "NaN",
        "-",
        "01",
        "+1",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x1",
        "\u{feff}{}",
    ] {
        assert_eq!(parse(bad.as_bytes()), Err(AwsError::serialization(None)), "{bad:?}");
    }
    assert_eq!(parse(b"\"\xff\""), Err(AwsError::serialization(None)));
}

#[test]
fn numbers_keep_what_they_say() {
    let number = |text: &str| match parse(text.as_bytes()) {
        Ok(Value::Number(number)) => number,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(number("-0"), Number::Integer(0));
    assert_eq!(number("9223372036854775807"), Number::Integer(i64::MAX));
    assert_eq!(number("9223372036854775808"), Number::Float(9_223_372_036_854_775_808.0));
    assert_eq!(number("1.459799926E9"), Number::Float(1_459_799_926.0));
    assert_eq!(number("1459799926.48").seconds_as_ms(), 1_459_799_926_480);
    assert_eq!(number("1e999").truncated(), i64::MAX);
}

#[test]
fn depth_and_count_are_bounded() {
    let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
    assert!(parse(nested(DEPTH_MAX).as_bytes()).is_ok());
    assert!(parse(nested(DEPTH_MAX + 1).as_bytes()).is_err());
    assert!(parse("[".repeat(1_000_000).as_bytes()).is_err());
    assert!(parse("{\"a\":".repeat(1_000_000).as_bytes()).is_err());

    let list = |count: usize| format!("[{}1]", "1,".repeat(count - 2));
    assert!(parse(list(NODES_MAX).as_bytes()).is_ok());
    assert!(parse(list(NODES_MAX + 1).as_bytes()).is_err());
}

#[test]
fn timestamps_are_seconds_with_as_few_digits_as_they_need() {
    for (ms, text) in [
        (1_459_799_926_480, "1459799926.48"),
        (1_459_799_926_400, "1459799926.4"),
        (1_459_799_926_481, "1459799926.481"),
        (1_459_799_926_001, "1459799926.001"),
        (1_459_799_926_010, "1459799926.01"),
        (1_459_799_926_000, "1459799926"),
        (0, "0"),
    ] {
        assert_eq!(written(|w| w.timestamp_ms(ms)), text);
    }
}

#[test]
fn commas_and_brackets_stand_where_they_must() {
    let text = written(|w| {
        w.map(|w| {
            w.field_str("A", "x\"\u{1}\u{7f}é");
            w.field_list("B", [1, 2], |w, item| w.i64(item));
            w.field_strings("C", Vec::<&str>::new());
            w.field_map("D", |_| {});
            w.field_map("E", |w| w.field_bool("F", true));
            w.field_list("G", [(); 2], |w, ()| w.map(|w| w.field_i64("H", -1)));
            w.field_blob("I", b"hello");
        });
    });
    assert_eq!(
        text,
        "{\"A\":\"x\\\"\\u0001\u{7f}é\",\"B\":[1,2],\"C\":[],\"D\":{},\"E\":{\"F\":true},\
         \"G\":[{\"H\":-1},{\"H\":-1}],\"I\":\"aGVsbG8=\"}"
    );
}

proptest! {
    #[test]
    fn what_was_written_is_read_again(value in any_value()) {
        let text = text(&value);
        prop_assert_eq!(parse(&text), Ok(value));
    }

    #[test]
    fn serde_json_reads_what_was_written_as_we_do(value in any_value()) {
        let text = text(&value);
        let theirs = serde_json::from_slice(&text).map(from_serde).unwrap();
        prop_assert_eq!(sorted(theirs), sorted(value));
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes: Vec<u8>) {
        let _ = parse(&bytes);
    }

    #[test]
    fn near_json_is_judged_as_serde_json_judges_it(
        text in r#"[\[\]{}:," \n0-9eE.+\-a-c\\untrfalse]{0,24}"#
    ) {
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        // Numbers beyond a float are an error only there.
        prop_assume!(!matches!(&theirs, Err(error) if error.to_string().contains("out of range")));
        prop_assert_eq!(parse(text.as_bytes()).is_ok(), theirs.is_ok());
    }

    #[test]
    fn a_damaged_body_does_not_make_the_parser_panic(
        value in any_value(), at: prop::sample::Index, byte: u8, cut: bool,
    ) {
        let mut text = text(&value);
        let at = at.index(text.len());
        if cut { text.truncate(at) } else { text[at] = byte }
        let _ = parse(&text);
    }
}
