//! Every kind of member, right and wrong, in AWS's words.

use proptest::prelude::*;

use super::*;
use crate::{Number, Shape, json, rules::kinesis};

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

/// Reads a body in one of the protocols of CloudWatch.
fn in_protocol<T>(
    protocol: Protocol,
    body: &[u8],
    read: impl FnOnce(&mut Members<'_>) -> T,
) -> Result<T, String> {
    let input = protocol.parse(body).expect("the test's body is well-formed");
    let mut members = Members::new(input, protocol).expect("the test's body is a structure");
    let value = read(&mut members);
    members.finish().map(|()| value).map_err(|error| error.to_string())
}

fn in_query<T>(form: &str, read: impl FnOnce(&mut Members<'_>) -> T) -> Result<T, String> {
    in_protocol(Protocol::Query, form.as_bytes(), read)
}

#[test]
fn doubles_are_numbers_of_any_kind() {
    let double = |m: &mut Members<'_>| m.double("A");
    let json = |body: &str| in_protocol(Protocol::Json10, body.as_bytes(), double);
    assert_eq!(json(r#"{"A":1.5}"#), Ok(Some(1.5)));
    assert_eq!(json(r#"{"A":-3}"#), Ok(Some(-3.0)));
    assert_eq!(json(r#"{"A":null}"#), Ok(None));
    assert_eq!(json(r#"{"A":"-Infinity"}"#), Ok(Some(f64::NEG_INFINITY)));
    assert!(json(r#"{"A":"NaN"}"#).is_ok_and(|value| value.is_some_and(f64::is_nan)));
    for bad in [r#"{"A":"1.5"}"#, r#"{"A":true}"#, r#"{"A":[]}"#, r#"{"A":{}}"#] {
        assert!(json(bad).is_err_and(|text| text.starts_with("Serialization")), "{bad}");
    }

    let cbor = |item: &[u8]| in_protocol(Protocol::RpcCbor, &[b"\xa1\x61A", item].concat(), double);
    assert_eq!(cbor(b"\xf9\x3e\0"), Ok(Some(1.5)), "half precision");
    assert_eq!(cbor(b"\xfa\x3f\xc0\0\0"), Ok(Some(1.5)), "single precision");
    assert_eq!(cbor(b"\xfb\x3f\xf8\0\0\0\0\0\0"), Ok(Some(1.5)), "double precision");
    assert_eq!(cbor(b"\x22"), Ok(Some(-3.0)), "an integer");
    assert_eq!(cbor(b"\xf9\x7c\0"), Ok(Some(f64::INFINITY)));
    assert!(cbor(b"\x631.5").is_err());

    let required = |m: &mut Members<'_>| m.required_double("A");
    let message = "Value null at 'a' failed to satisfy constraint: Member must not be null";
    assert!(in_query("", required).is_err_and(|text| text.ends_with(message)));
}

#[test]
fn a_list_of_doubles_has_its_length_and_no_nulls() {
    let rule = LengthRule::new(1, 2);
    let read = |m: &mut Members<'_>| m.doubles("A", &rule);
    let json = |body: &str| in_protocol(Protocol::Json10, body.as_bytes(), read);
    assert_eq!(json(r#"{"A":[1,2.5]}"#), Ok(Some(vec![1.0, 2.5])));
    assert_eq!(json("{}"), Ok(None));
    let at_most = "Value at 'a' failed to satisfy constraint: \
        Member must have length less than or equal to 2";
    assert!(json(r#"{"A":[1,2,3]}"#).is_err_and(|text| text.ends_with(at_most)));
    let at_least = "Value '[]' at 'a' failed to satisfy constraint: \
        Member must have length greater than or equal to 1";
    assert!(json(r#"{"A":[]}"#).is_err_and(|text| text.ends_with(at_least)));
    assert!(in_query("A=", read).is_err_and(|text| text.ends_with(at_least)));
    assert!(json(r#"{"A":[null]}"#).is_err_and(|text| text.contains("at 'a.1.member'")));
    assert!(json(r#"{"A":["x"]}"#).is_err_and(|text| text.starts_with("Serialization")));
    assert_eq!(in_query("A.member.1=1e3&A.member.2=-.5", read), Ok(Some(vec![1000.0, -0.5])));
}

#[test]
fn in_query_numbers_booleans_and_times_are_texts() {
    let integer = |m: &mut Members<'_>| m.integer("A", &IntegerRule::integer(-5, 3600));
    assert_eq!(in_query("A=60", integer), Ok(Some(60)));
    assert_eq!(in_query("A=-5", integer), Ok(Some(-5)));
    assert!(in_query("A=3601", integer).is_err_and(|text| text.contains("Value '3601' at 'a'")));
    for bad in ["A=", "A=x", "A=1.5", "A=0x10", "A=+", "A=99999999999999999999", "A=+60+"] {
        let text = "SerializationException: \
            class java.lang.String can not be converted to an Integer";
        assert_eq!(in_query(bad, integer), Err(text.to_owned()), "{bad}");
    }

    let double = |m: &mut Members<'_>| m.double("A");
    for (text, value) in [("1", 1.0), ("-1.5", -1.5), ("1.0E7", 1e7), ("Infinity", f64::INFINITY)] {
        assert_eq!(in_query(&format!("A={text}"), double), Ok(Some(value)));
    }
    for bad in ["", "x", "inf", "nan", "infinity", "1,5", "0x1p3", "-", "e"] {
        assert!(in_query(&format!("A={bad}"), double).is_err(), "{bad:?}");
    }

    let flag = |m: &mut Members<'_>| m.boolean("A");
    assert_eq!(in_query("A=true", flag), Ok(Some(true)));
    assert_eq!(in_query("A=False", flag), Ok(Some(false)));
    assert!(in_query("A=on", flag).is_err());

    let time = |m: &mut Members<'_>| m.required_timestamp_ms("A");
    for text in
        ["2026-02-26T10:00:00Z", "2026-02-26T12:00:00.000%2B02:00", "1772100000", "1.7721e9"]
    {
        assert_eq!(in_query(&format!("A={text}"), time), Ok(1_772_100_000_000), "{text}");
    }
    for bad in ["", "now", "2026-02-30", "NaN", "inf"] {
        let text = "SerializationException: timestamp must follow ISO8601";
        assert_eq!(in_query(&format!("A={bad}"), time), Err(text.to_owned()), "{bad:?}");
    }
    assert!(in_query("", time).is_err_and(|text| text.contains("Value null at 'a'")));
}

#[test]
fn in_query_an_empty_text_is_an_empty_list_map_or_structure() {
    let strings = |m: &mut Members<'_>| {
        m.strings("A", &LengthRule::ANY, &StringRule::ANY).map(|items| items.len())
    };
    assert_eq!(in_query("A=", strings), Ok(Some(0)));
    assert!(in_query("A=x", strings).is_err());
    assert!(in_protocol(Protocol::Json10, br#"{"A":""}"#, strings).is_err());
    let list = |m: &mut Members<'_>| m.list("A", &LengthRule::ANY, |_| ()).map(|items| items.len());
    assert_eq!(in_query("A=", list), Ok(Some(0)));
    let map = |m: &mut Members<'_>| m.map("A", &LengthRule::ANY, |_| ()).map(|items| items.len());
    assert_eq!(in_query("A=", map), Ok(Some(0)));
    let tags = LengthRule::ANY.of(StringRule::ANY, StringRule::ANY);
    let tags = |m: &mut Members<'_>| m.string_map("A", &tags).map(|map| map.len());
    assert_eq!(in_query("A=", tags), Ok(Some(0)));
    let structure = |m: &mut Members<'_>| m.structure("A", |m| m.double("B"));
    assert_eq!(in_query("A=", structure), Ok(Some(None)));
    assert_eq!(in_query("A.B=1", structure), Ok(Some(Some(1.0))));
    assert!(in_query("A=1", structure).is_err());
}

#[test]
fn in_query_a_structure_for_a_scalar_is_a_list() {
    let text = |m: &mut Members<'_>| m.string("A", &StringRule::ANY).map(Cow::into_owned);
    let message = "SerializationException: Start of list found where not expected";
    assert_eq!(in_query("A.B=x", text), Err(message.to_owned()));
    assert_eq!(in_query("A.member.1=x", text), Err(message.to_owned()));
}

#[test]
fn bytes_are_base64_where_a_protocol_has_none() {
    let blob = |m: &mut Members<'_>| m.blob("A", &LengthRule::ANY).map(|blob| blob.to_vec());
    let hi = Ok(Some(Ok(b"hi".to_vec())));
    assert_eq!(in_query("A=aGk%3D", blob), hi);
    assert_eq!(in_protocol(Protocol::Json10, br#"{"A":"aGk="}"#, blob), hi);
    assert_eq!(in_protocol(Protocol::RpcCbor, b"\xa1\x61A\x42hi", blob), hi);
    assert!(in_protocol(Protocol::RpcCbor, b"\xa1\x61A\x64aGk=", blob).is_err());
}

#[test]
fn times_of_rpc_v2_are_seconds() {
    let time = |item: &[u8]| {
        let body = [b"\xa1\x61A", item].concat();
        in_protocol(Protocol::RpcCbor, &body, |m| m.timestamp_ms("A"))
    };
    assert_eq!(time(b"\xc1\x1a\x69\xa0\x19\xa0"), Ok(Some(1_772_100_000_000)));
    let with_fraction = [&b"\xc1\xfb"[..], &1_772_100_000.25_f64.to_be_bytes()].concat();
    assert_eq!(time(&with_fraction), Ok(Some(1_772_100_000_250)));
    assert!(time(b"\x6a2026-02-26").is_err());
}

#[test]
fn a_map_of_structures_keeps_its_order_and_tells_its_members() {
    let rule = LengthRule::new(0, 2);
    let read = |m: &mut Members<'_>| {
        let entries = m.map("A", &rule, |m| m.required_string("T", &StringRule::ANY).into_owned());
        let owned = |(key, value): (Cow<'_, str>, String)| (key.into_owned(), value);
        entries.map(|entries| entries.into_iter().map(owned).collect::<Vec<_>>())
    };
    let expected =
        Ok(Some(vec![("b".to_owned(), "1".to_owned()), ("a".to_owned(), "2".to_owned())]));
    let form = "A.entry.2.Name=a&A.entry.2.Value.T=2&A.entry.1.Name=b&A.entry.1.Value.T=1";
    assert_eq!(in_query(form, read), expected);
    let json = |body: &str| in_protocol(Protocol::Json10, body.as_bytes(), read);
    assert_eq!(json(r#"{"A":{"b":{"T":"1"},"a":{"T":"2"}}}"#), expected);
    assert_eq!(json("{}"), Ok(None));
    assert!(json(r#"{"A":{"b":{}}}"#).is_err_and(|text| text.contains("at 'a.1.member.t'")));
    assert!(json(r#"{"A":{"b":null}}"#).is_err_and(|text| text.contains("at 'a.1.member'")));
    assert!(json(r#"{"A":{"a":{"T":""},"b":{"T":""},"c":{"T":""}}}"#).is_err());
    for bad in [r#"{"A":[]}"#, r#"{"A":"x"}"#, r#"{"A":{"b":1}}"#, r#"{"A":{"b":[]}}"#] {
        assert!(json(bad).is_err_and(|text| text.starts_with("Serialization")), "{bad}");
    }

    let specs = Members::describe(|m| {
        read(m);
        m.doubles("D", &LengthRule::ANY);
        m.required_timestamp_ms("E");
    });
    let paths: Vec<_> = specs.iter().map(|spec| (spec.path.as_str(), spec.required)).collect();
    assert_eq!(paths, [("A", false), ("A.member.T", true), ("D", false), ("E", true)]);
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

fn any_protocol() -> impl Strategy<Value = Protocol> {
    prop::sample::select([Protocol::OF_KINESIS.as_slice(), &Protocol::OF_CLOUDWATCH].concat())
}

proptest! {
    #[test]
    fn any_tree_is_read_or_refused(value in any_json(), protocol in any_protocol()) {
        if let Ok(mut members) = Members::new(value, protocol) {
            let records = put_records(&mut members);
            members.boolean("X");
            members.timestamp_ms("X");
            members.double("X");
            members.doubles("X", &LengthRule::ANY);
            members.map("X", &LengthRule::ANY, |m| m.double("Data"));
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
