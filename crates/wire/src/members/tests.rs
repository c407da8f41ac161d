//! Every kind of member, right and wrong, in AWS's words.

use proptest::prelude::*;

use super::*;
use crate::{json, rules::kinesis};

/// Reads `body` and gives the error that a client would see: code and text.
fn error(body: &str, read: impl FnOnce(&mut Members<'_>)) -> Option<(String, String)> {
    let value = json::parse(body.as_bytes()).expect("the test's body is JSON");
    let mut members = Members::new(value, Protocol::Json).expect("the test's body is a structure");
    read(&mut members);
    let error = members.finish().err()?;
    Some((error.code.into_owned(), error.message.unwrap_or_default()))
}

#[track_caller]
fn check_type(body: &str, read: impl FnOnce(&mut Members<'_>), message: &str) {
    let expected = ("SerializationException".to_owned(), message.to_owned());
    assert_eq!(error(body, read), Some(expected), "{body}");
}

#[track_caller]
fn check_rules(body: &str, read: impl FnOnce(&mut Members<'_>), violations: &[&str]) {
    let plural = if violations.len() == 1 { "error" } else { "errors" };
    let head = format!("{} validation {plural} detected: ", violations.len());
    let expected = ("ValidationException".to_owned(), head + &violations.join("; "));
    assert_eq!(error(body, read), Some(expected), "{body}");
}

fn put_records<'a>(m: &mut Members<'a>) -> Vec<(Blob<'a>, Option<Cow<'a, str>>)> {
    m.string("StreamName", &kinesis::STREAM_NAME);
    m.required_list("Records", &kinesis::RECORDS, |m| {
        let data = m.required_blob("Data", &kinesis::DATA);
        m.string("ExplicitHashKey", &kinesis::HASH_KEY);
        (data, m.string("PartitionKey", &kinesis::PARTITION_KEY))
    })
}

#[test]
fn a_good_input_is_read_and_what_nobody_asks_for_ignored() {
    let body = br#"{"Records":[{"Data":"aGk=","PartitionKey":"k","X":[1]},{"Data":"","PartitionKey":null}],
                    "StreamName":"s","StreamId":{"any":"thing"}}"#;
    let mut members = Members::new(json::parse(body).unwrap(), Protocol::Json).unwrap();
    let records = put_records(&mut members);
    members.finish().unwrap();
    assert_eq!(records.len(), 2);
    assert_eq!(
        (records[0].0.to_vec().unwrap(), records[0].1.as_deref()),
        (b"hi".to_vec(), Some("k"))
    );
    assert_eq!((records[1].0.len(), records[1].1.as_deref()), (0, None));
}

#[test]
fn an_input_must_be_a_structure() {
    for body in [&b"[]"[..], b"1", b"null", b"\"a\"", b"true"] {
        let error = Members::new(json::parse(body).unwrap(), Protocol::Json).unwrap_err();
        assert_eq!(error, AwsError::serialization(None));
    }
}

#[test]
fn of_two_members_with_one_name_the_later_counts() {
    let mut members =
        Members::new(json::parse(br#"{"A":"x","A":"y"}"#).unwrap(), Protocol::Json).unwrap();
    assert_eq!(members.string("A", &StringRule::ANY).as_deref(), Some("y"));
}

#[test]
fn wrong_types_are_told_in_javas_words() {
    let name = |m: &mut Members<'_>| drop(m.string("A", &StringRule::ANY));
    let big = "class com.amazon.coral.value.json.numbers.TruncatingBigNumber";
    check_type(r#"{"A":1}"#, name, &format!("{big} can not be converted to an String"));
    check_type(r#"{"A":true}"#, name, "class java.lang.Boolean can not be converted to an String");
    check_type(r#"{"A":[]}"#, name, "Start of list found where not expected");
    check_type(r#"{"A":{}}"#, name, "Start of structure or map found where not expected.");

    let count = |m: &mut Members<'_>| _ = m.integer("A", &kinesis::LIMIT);
    check_type(r#"{"A":"1"}"#, count, "class java.lang.String can not be converted to an Integer");
    check_type(
        r#"{"A":false}"#,
        count,
        "class java.lang.Boolean can not be converted to an Integer",
    );
    check_type(r#"{"A":[]}"#, count, "Start of list found where not expected");

    let blob = |m: &mut Members<'_>| drop(m.blob("A", &kinesis::DATA));
    check_type(r#"{"A":1.5}"#, blob, &format!("{big} can not be converted to a Blob"));
    check_type(r#"{"A":true}"#, blob, "class java.lang.Boolean can not be converted to a Blob");

    let flag = |m: &mut Members<'_>| _ = m.boolean("A");
    check_type(r#"{"A":1}"#, flag, &format!("{big} can not be converted to an Boolean"));
    check_type(r#"{"A":"hi"}"#, flag, "'HI' can not be converted to an Boolean");

    let time = |m: &mut Members<'_>| _ = m.timestamp_ms("A");
    check_type(
        r#"{"A":"2026"}"#,
        time,
        "class java.lang.String can not be converted to milliseconds since epoch",
    );
}

#[test]
fn scalars_for_lists_maps_and_structures_are_told() {
    let strings = |m: &mut Members<'_>| drop(m.strings("A", &LengthRule::ANY, &StringRule::ANY));
    check_type(r#"{"A":"x"}"#, strings, "Expected list or null");
    check_type(r#"{"A":{}}"#, strings, "Start of structure or map found where not expected.");
    check_type(
        r#"{"A":["a",true]}"#,
        strings,
        "class java.lang.Boolean can not be converted to an String",
    );
    let list = |m: &mut Members<'_>| drop(m.list("A", &LengthRule::ANY, |_| ()));
    check_type(r#"{"A":1}"#, list, "Expected list or null");
    check_type(r#"{"A":[1]}"#, list, "Expected null");
    check_type(r#"{"A":[[]]}"#, list, "Start of list found where not expected");
    let map = |m: &mut Members<'_>| drop(m.string_map("A", &kinesis::TAG_MAP));
    check_type(r#"{"A":1}"#, map, "Expected map or null");
    check_type(r#"{"A":[]}"#, map, "Start of list found where not expected");
    check_type(r#"{"A":{"k":{}}}"#, map, "Start of structure or map found where not expected.");
    let structure = |m: &mut Members<'_>| _ = m.structure("A", |_| ());
    check_type(r#"{"A":"x"}"#, structure, "Expected null");
    check_type(r#"{"A":[]}"#, structure, "Start of list found where not expected");
}

#[test]
fn words_for_booleans_are_taken_as_aws_takes_them() {
    for (body, value) in [
        (r#"{"A":true}"#, Some(true)),
        (r#"{"A":"Yes"}"#, Some(true)),
        (r#"{"A":"0"}"#, Some(false)),
        (r#"{"A":null}"#, None),
        ("{}", None),
    ] {
        let mut members =
            Members::new(json::parse(body.as_bytes()).unwrap(), Protocol::Json).unwrap();
        assert_eq!(members.boolean("A"), value);
        members.finish().unwrap();
    }
}

#[test]
fn an_absent_member_is_null_if_it_is_required() {
    let missing =
        "Value null at 'streamName' failed to satisfy constraint: Member must not be null";
    let read = |m: &mut Members<'_>| drop(m.required_string("StreamName", &kinesis::STREAM_NAME));
    check_rules("{}", read, &[missing]);
    check_rules(r#"{"StreamName":null}"#, read, &[missing]);
    check_rules(
        "{}",
        |m| {
            m.required_integer("TargetShardCount", &kinesis::SHARD_COUNT);
            m.required_blob("Data", &kinesis::DATA);
            m.required_strings("TagKeys", &kinesis::TAG_KEY_LIST, &kinesis::TAG_KEY);
            m.required_string_map("Tags", &kinesis::TAG_MAP);
            m.required_structure("StreamModeDetails", |m| {
                m.required_string("StreamMode", &kinesis::STREAM_MODE);
            });
        },
        &[
            "Value null at 'targetShardCount' failed to satisfy constraint: Member must not be null",
            "Value null at 'data' failed to satisfy constraint: Member must not be null",
            "Value null at 'tagKeys' failed to satisfy constraint: Member must not be null",
            "Value null at 'tags' failed to satisfy constraint: Member must not be null",
            "Value null at 'streamModeDetails' failed to satisfy constraint: Member must not be null",
        ],
    );
}

#[test]
fn all_violations_are_told_at_once() {
    check_rules(
        r#"{"StreamName":"","Limit":0,"StreamARN":"x"}"#,
        |m| {
            m.string("StreamName", &kinesis::STREAM_NAME);
            m.integer("Limit", &kinesis::LIMIT);
            m.string("StreamARN", &kinesis::STREAM_ARN);
        },
        &[
            "Value '' at 'streamName' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
            "Value '' at 'streamName' failed to satisfy constraint: \
             Member must have length greater than or equal to 1",
            "Value '0' at 'limit' failed to satisfy constraint: \
             Member must have value greater than or equal to 1",
            r"Value 'x' at 'streamARN' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:aws.*:kinesis:.*:\d{12}:stream/\S+",
        ],
    );
}

#[test]
fn integers_are_cut_and_clamped_before_the_check() {
    let read = |m: &mut Members<'_>| _ = m.integer("Limit", &kinesis::LIMIT);
    let above = "failed to satisfy constraint: Member must have value less than or equal to 10000";
    check_rules(
        r#"{"Limit":100000000000}"#,
        read,
        &[&format!("Value '2147483647' at 'limit' {above}")],
    );
    check_rules(r#"{"Limit":10001.9}"#, read, &[&format!("Value '10001' at 'limit' {above}")]);
    assert_eq!(error(r#"{"Limit":10000.9}"#, read), None);
}

#[test]
fn enums_list_their_values_in_awss_order() {
    check_rules(
        r#"{"ShardIteratorType":"x"}"#,
        |m| drop(m.string("ShardIteratorType", &kinesis::SHARD_ITERATOR_TYPE)),
        &["Value 'x' at 'shardIteratorType' failed to satisfy constraint: \
           Member must satisfy enum value set: \
           [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]"],
    );
}

#[test]
fn items_are_named_by_their_place_from_one() {
    let long = "k".repeat(257);
    let key = format!(
        "Value '{long}' at 'records.2.member.partitionKey' failed to satisfy constraint: \
         Member must have length less than or equal to 256"
    );
    check_rules(
        &format!(
            r#"{{"Records":[{{"Data":""}},{{"PartitionKey":"{long}","ExplicitHashKey":"01"}},null]}}"#
        ),
        |m| drop(put_records(m)),
        &[
            "Value null at 'records.2.member.data' failed to satisfy constraint: Member must not be null",
            r"Value '01' at 'records.2.member.explicitHashKey' failed to satisfy constraint: Member must satisfy regular expression pattern: 0|([1-9]\d{0,38})",
            &key,
            "Value null at 'records.3.member' failed to satisfy constraint: Member must not be null",
        ],
    );
}

#[test]
fn at_most_ten_violations_are_listed_and_counted() {
    let body = format!(r#"{{"Records":[{}{{}}]}}"#, "{},".repeat(19));
    let (_, message) = error(&body, |m| drop(put_records(m))).expect("twenty violations");
    assert!(message.starts_with("10 validation errors detected: "), "{message}");
    assert_eq!(message.matches("Member must not be null").count(), 10);
}

#[test]
fn a_list_must_have_its_length() {
    let read = |m: &mut Members<'_>| drop(put_records(m));
    check_rules(
        r#"{"Records":[]}"#,
        read,
        &["Value '[]' at 'records' failed to satisfy constraint: \
           Member must have length greater than or equal to 1"],
    );
    check_rules(
        &format!(r#"{{"Records":[{}{{"Data":""}}]}}"#, r#"{"Data":""},"#.repeat(500)),
        read,
        &["Value at 'records' failed to satisfy constraint: \
           Member must have length less than or equal to 500"],
    );
}

#[test]
fn texts_in_a_list_are_told_with_the_whole_list() {
    check_rules(
        r#"{"TagKeys":["a",""]}"#,
        |m| drop(m.strings("TagKeys", &kinesis::TAG_KEY_LIST, &kinesis::TAG_KEY)),
        &["Value '[a, ]' at 'tagKeys' failed to satisfy constraint: \
           Member must satisfy constraint: [Member must have length less than or equal to 128, \
           Member must have length greater than or equal to 1]"],
    );
}

#[test]
fn null_in_a_list_of_texts_is_told_once() {
    check_rules(
        r#"{"TagKeys":[null]}"#,
        |m| drop(m.strings("TagKeys", &kinesis::TAG_KEY_LIST, &kinesis::TAG_KEY)),
        &["Value null at 'tagKeys.1.member' failed to satisfy constraint: Member must not be null"],
    );
}

#[test]
fn keys_and_values_of_a_map_are_told_with_the_whole_map() {
    let long = "v".repeat(257);
    let value = format!("Value '{{={long}, b=1}}' at 'tags' failed to satisfy constraint: Map");
    check_rules(
        &format!(r#"{{"Tags":{{"b":"1","":"{long}"}}}}"#),
        |m| drop(m.string_map("Tags", &kinesis::TAG_MAP)),
        &[
            &format!(
                "{value} keys must satisfy constraint: \
                 [Member must have length less than or equal to 128, \
                 Member must have length greater than or equal to 1]"
            ),
            &format!(
                "{value} value must satisfy constraint: \
                 [Member must have length less than or equal to 256, \
                 Member must have length greater than or equal to 0]"
            ),
        ],
    );
    check_rules(
        r#"{"Tags":{"k":null}}"#,
        |m| drop(m.string_map("Tags", &kinesis::TAG_MAP)),
        &["Value null at 'tags.k.member' failed to satisfy constraint: Member must not be null"],
    );
}

#[test]
fn a_blob_is_printed_as_java_prints_it() {
    check_rules(
        r#"{"Data":"aGVsbG8="}"#,
        |m| drop(m.blob("Data", &LengthRule::new(0, 4))),
        &[
            "Value 'java.nio.HeapByteBuffer[pos=0 lim=5 cap=5]' at 'data' failed to satisfy constraint: \
           Member must have length less than or equal to 4",
        ],
    );
}

#[test]
fn a_wrong_type_outranks_every_violation() {
    let read = |m: &mut Members<'_>| drop(put_records(m));
    for (data, reason) in [
        ("asdf1", "Base64 encoded length is expected a multiple of 4 bytes but found: 5"),
        ("asd$", "Invalid Base64 character: '$'"),
        (r"asd\u0024", "Invalid Base64 character: '$'"),
    ] {
        let shown = data.replace(r"\u0024", "$");
        check_type(
            &format!(r#"{{"StreamName":"","Records":[{{"Data":"{data}"}}]}}"#),
            read,
            &format!("'{shown}' can not be converted to a Blob: {reason}"),
        );
    }
}

#[test]
fn a_huge_value_is_not_sent_back_whole() {
    let body = format!(r#"{{"StreamName":"{}"}}"#, "é".repeat(1_000_000));
    let (_, message) =
        error(&body, |m| drop(m.string("StreamName", &kinesis::STREAM_NAME))).expect("too long");
    assert!(message.len() < 2 * crate::limits::PRINTED_VALUE_BYTES_MAX + 500);
}

#[test]
fn an_operation_can_tell_what_it_reads() {
    let specs = Members::describe(|m| drop(put_records(m)));
    let names: Vec<_> = specs.iter().map(|spec| (spec.path.as_str(), spec.required)).collect();
    assert_eq!(
        names,
        [
            ("StreamName", false),
            ("Records", true),
            ("Records.member.Data", true),
            ("Records.member.ExplicitHashKey", false),
            ("Records.member.PartitionKey", false),
        ]
    );
    assert!(matches!(specs[1].shape, Shape::List(LengthRule { min: 1, max: 500 })));
}

/// Reads a map of CBOR with the one member `A`.
fn in_cbor<T>(item: &[u8], read: impl FnOnce(&mut Members<'_>) -> T) -> Result<T, String> {
    let body = [b"\xa1\x61A", item].concat();
    let input = Protocol::Cbor.parse(&body).expect("the test's body is CBOR");
    let mut members = Members::new(input, Protocol::Cbor).expect("the test's body is a map");
    let value = read(&mut members);
    members.finish().map(|()| value).map_err(|error| error.to_string())
}

#[test]
fn cbor_has_its_own_bytes_and_times() {
    let time = |m: &mut Members<'_>| m.timestamp_ms("A");
    let ms = Ok(Some(1_459_799_926_480));
    assert_eq!(in_cbor(b"\xc1\x1b\0\0\x01\x53\xe2\xdb\x26\xd0", time), ms);
    assert_eq!(in_cbor(b"\x1b\0\0\x01\x53\xe2\xdb\x26\xd0", time), ms, "without its tag");
    assert_eq!(in_cbor(b"\xf6", time), Ok(None));
    assert!(in_cbor(b"\x64date", time).is_err_and(|text| text.starts_with("Serialization")));

    let blob = |m: &mut Members<'_>| m.blob("A", &kinesis::DATA).map(|blob| blob.to_vec());
    assert_eq!(in_cbor(b"\x42\0\xff", blob), Ok(Some(Ok(vec![0, 255]))));
    assert_eq!(in_cbor(b"\x5f\x41a\x41b\xff", blob), Ok(Some(Ok(b"ab".to_vec()))));
    assert_eq!(
        in_cbor(b"\x64AAAA", blob),
        Err("SerializationException: class java.lang.String can not be converted to a Blob".into())
    );
}

#[test]
fn cbor_has_the_constraints_of_json() {
    let text = |m: &mut Members<'_>| m.string("A", &StringRule::length(0, 2)).map(Cow::into_owned);
    assert_eq!(in_cbor(b"\x7f\x61a\x61b\xff", text), Ok(Some("ab".into())));
    assert!(in_cbor(b"\x63abc", text).is_err_and(|text| text.starts_with("Validation")));
    assert_eq!(
        in_cbor(b"\x41a", text),
        Err("SerializationException: class java.nio.HeapByteBuffer can not be converted to an String"
            .into())
    );
    let count = |m: &mut Members<'_>| m.integer("A", &kinesis::LIMIT);
    assert_eq!(in_cbor(b"\xf9\x3e\0", count), Ok(Some(1)), "cut as in JSON");
    assert!(in_cbor(b"\x20", count).is_err_and(|text| text.contains("Value '-1' at 'a' failed")));
    assert_eq!(in_cbor(b"\xf5", |m| m.boolean("A")), Ok(Some(true)));
    let map = |m: &mut Members<'_>| m.string_map("A", &kinesis::TAG_MAP).map(|map| map.len());
    assert_eq!(in_cbor(b"\xbf\x61k\x61v\xff", map), Ok(Some(1)));
    assert!(in_cbor(b"\xa1\x61k\x41v", map).is_err());
}

fn any_json() -> impl Strategy<Value = Value<'static>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|value| Value::Number(Number::Integer(value))),
        any::<f64>().prop_map(|value| Value::Number(Number::Float(value))),
        "[a-z=/+]{0,9}".prop_map(|text| Value::Str(Cow::Owned(text))),
        any::<Vec<u8>>().prop_map(|bytes| Value::Bytes(Cow::Owned(bytes))),
    ];
    leaf.prop_recursive(4, 64, 5, |inner| {
        let name = prop::sample::select(vec!["StreamName", "Records", "Data", "PartitionKey", "X"]);
        let entry = (name.prop_map(Cow::Borrowed), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(Value::List),
            prop::collection::vec(entry, 0..5).prop_map(Value::Map),
        ]
    })
}

proptest! {
    #[test]
    fn any_tree_is_read_or_refused(value in any_json()) {
        if let Ok(mut members) = Members::new(value, Protocol::Json) {
            let records = put_records(&mut members);
            members.boolean("X");
            members.timestamp_ms("X");
            if members.finish().is_ok() {
                prop_assert!((1..=500).contains(&records.len()));
                for (data, key) in records {
                    prop_assert!(key.is_none_or(|key| kinesis::PARTITION_KEY.admits(&key)));
                    prop_assert_eq!(data.to_vec().map(|bytes| bytes.len()), Ok(data.len()));
                }
            }
        }
    }
}
