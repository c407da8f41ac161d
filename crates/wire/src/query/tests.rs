//! Forms, trees and documents, against each other and against bytes that mean nothing.

use std::borrow::Cow;

use proptest::prelude::*;

use super::*;
use crate::{
    Number, Protocol, Value,
    limits::{FORM_DEPTH_MAX, FORM_PAIRS_MAX, METRIC_NODES_MAX},
};

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("XML is UTF-8")
}

#[test]
fn parameters_are_decoded() {
    let form = Form::parse(b"Action=Get%43aller&Version=1&a=x+y%26&b&&c=%C3%A9=").unwrap();
    assert_eq!((form.action(), form.version()), (Ok("GetCaller"), Some("1")));
    assert_eq!(form.get("a"), Some("x y&"));
    assert_eq!((form.get("b"), form.get("c"), form.get("d")), (Some(""), Some("é="), None));
}

#[test]
fn parameters_that_are_not_asked_for_are_not_even_decoded() {
    let form = Form::parse_only(b"A=%zz&Version=1&Versions=2&Action=x%26", &["Action", "Version"]);
    let form = form.unwrap();
    assert_eq!((form.get("Action"), form.version(), form.get("A")), (Some("x&"), Some("1"), None));
    assert_eq!(form.iter().count(), 2);
    assert!(Form::parse_only(b"Action=%", &["Action"]).is_err());
}

#[test]
fn malformed_forms_are_refused() {
    for bad in [&b"a=%"[..], b"a=%4", b"a=%zz", b"%ff=1", b"a=\xff", b"a=%+1"] {
        let error = Form::parse(bad).unwrap_err();
        assert_eq!((error.code.as_ref(), error.status), ("MalformedQueryString", 400));
    }
    assert!(Form::parse("a=1&".repeat(FORM_PAIRS_MAX + 1).as_bytes()).is_err());
}

#[test]
fn a_missing_and_an_unknown_action_are_told_apart() {
    let form = Form::parse(b"Version=2011-06-15").unwrap();
    assert_eq!(form.action().unwrap_err().code, "MissingAction");
    let form = Form::parse(b"Action=Nothing&Version=2011-06-15").unwrap();
    let message = "Could not find operation Nothing for version 2011-06-15";
    assert_eq!(form.unknown_action().message.as_deref(), Some(message));
}

fn value(form: &str) -> Result<Value<'_>, AwsError> {
    Protocol::Query.parse(form.as_bytes())
}

fn string(text: &str) -> Value<'_> {
    Value::Str(text.into())
}

fn strings<'a>(texts: &[&'a str]) -> Value<'a> {
    Value::List(texts.iter().map(|text| string(text)).collect())
}

fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Value<'a>)>) -> Value<'a> {
    Value::Map(entries.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

#[test]
fn names_spell_structures_lists_and_maps() {
    assert_eq!(
        value("Action=X&B=&Version=1&D.member.1.Name=n&D.member.1.Value=v%26&D.member.2.Name=m"),
        Ok(map([
            ("B", string("")),
            (
                "D",
                Value::List(vec![
                    map([("Name", string("n")), ("Value", string("v&"))]),
                    map([("Name", string("m"))]),
                ])
            ),
        ]))
    );
    assert_eq!(
        value(
            "M.member.1.Stat.Metric.Name=x&M.member.1.Values.member.2=2&M.member.1.Values.member.1=1"
        ),
        Ok(map([(
            "M",
            Value::List(vec![map([
                ("Stat", map([("Metric", map([("Name", string("x"))]))])),
                ("Values", strings(&["1", "2"])),
            ])])
        )]))
    );
    let attributes = map([("A", map([("a", string("1")), ("b.c", string("2"))]))]);
    assert_eq!(
        value("A.entry.1.key=a&A.entry.1.value=1&A.entry.2.value=2&A.entry.2.key=b.c"),
        Ok(attributes)
    );
    assert_eq!(
        value("A.entry.1.Name=a&A.entry.1.Value.DataType=String&A.entry.1.Value.StringValue=x"),
        Ok(map([(
            "A",
            map([("a", map([("DataType", string("String")), ("StringValue", string("x"))]))])
        )]))
    );
    assert_eq!(value(""), Ok(map([])));
}

#[test]
fn items_stand_in_the_order_of_their_numbers_and_no_room_is_made_for_numbers() {
    let form = "L.member.10=j&L.member.2=b&L.member.4294967295=z&L.member.1=a";
    assert_eq!(value(form), Ok(map([("L", strings(&["a", "b", "j", "z"]))])));
}

#[test]
fn of_two_parameters_with_one_name_the_first_counts() {
    let expected = Ok(map([("A", string("1")), ("B", strings(&["x"]))]));
    assert_eq!(value("A=1&B.member.1=x&A=2&B.member.1=y"), expected);
}

#[test]
fn names_that_no_member_has_are_ignored() {
    let form = "A=1&X-Amz-Date=2&A.-B=3&A+B=4&A%00=5&B.member.-1=6&B.member.1=x";
    assert_eq!(value(form), Ok(map([("A", string("1")), ("B", strings(&["x"]))])));
}

#[test]
fn names_that_contradict_each_other_are_refused() {
    for form in [
        "A=1&A.B=2",
        "A.B=2&A=1",
        "A-B=0&A=1&A.B=2",
        "A=&A.member.1=x",
        "L.member.1=a&L.member.1.B=b",
        "L.member.0=a",
        "L.member.01=a",
        "L.member.1_=a",
        "L.member.x=a",
        "L.member.4294967296=a",
        "L.member.=a",
        "L.member.1=a&L.member.x=b",
        "M.entry.1=a",
        "M.entry.1.value=a",
        "M.entry.1.key.x=a",
        "M.entry.1.key=a&M.entry.1.other=b",
        "M.entry.x.key=a&M.entry.x.value=b",
    ] {
        let error = value(form).expect_err(form).for_query();
        assert_eq!((error.code.as_ref(), error.status), ("MalformedInput", 400), "{form}");
    }
}

#[test]
fn a_member_of_a_structure_may_have_the_name_of_lists_or_maps() {
    let form = "A.member=x&B.entry=y&C.member.1=x&C.other=y";
    let c = map([("member", map([("1", string("x"))])), ("other", string("y"))]);
    let expected = map([
        ("A", map([("member", string("x"))])),
        ("B", map([("entry", string("y"))])),
        ("C", c),
    ]);
    assert_eq!(value(form), Ok(expected));
}

#[test]
fn depth_and_number_of_values_are_bounded() {
    let deep = |parts: usize| format!("{}a=1", "a.".repeat(parts - 1));
    assert!(value(&deep(FORM_DEPTH_MAX)).is_ok());
    assert!(value(&deep(FORM_DEPTH_MAX + 1)).is_err());
    assert!(value(&deep(100_000)).is_err());

    let parts = 17;
    let wide = |names: usize| {
        let name = |n| format!("{}.{}a=&", n, "a.".repeat(parts - 2));
        (0..names).map(name).collect::<String>()
    };
    assert!(value(&wide(METRIC_NODES_MAX / parts - 1)).is_ok());
    assert!(value(&wide(METRIC_NODES_MAX / parts + 1)).is_err());
}

#[test]
fn the_largest_legal_put_metric_data_is_read() {
    let mut form = String::from("Action=PutMetricData&Version=2010-08-01&Namespace=n");
    for datum in 1..=1000 {
        let mut pair = |name: &str, value: &str| {
            form.push_str(&format!("&MetricData.member.{datum}.{name}={value}"));
        };
        pair("MetricName", "m");
        for n in 1..=30 {
            pair(&format!("Dimensions.member.{n}.Name"), "n");
            pair(&format!("Dimensions.member.{n}.Value"), "v");
        }
        for n in 1..=150 {
            pair(&format!("Values.member.{n}"), "1.5");
            pair(&format!("Counts.member.{n}"), "2");
        }
        pair("Unit", "None");
        pair("StorageResolution", "60");
        pair("Timestamp", "2026-02-26T10:00:00Z");
    }
    let Ok(Value::Map(input)) = value(&form) else { panic!("refused") };
    let Value::List(data) = &input[0].1 else { panic!("{:?}", input[0].0) };
    assert_eq!((input.len(), data.len()), (2, 1000));
    let Value::Map(last) = &data[999] else { panic!("no structure") };
    let Some((_, Value::List(values))) = last.iter().find(|(name, _)| name == "Values") else {
        panic!("no values")
    };
    assert_eq!(values.len(), 150);
}

/// `value` as a form spells it.
fn spell(pairs: &mut Vec<(String, String)>, name: &str, value: &Value<'_>) {
    let within = |part: &str| match name {
        "" => part.to_owned(),
        _ => format!("{name}.{part}"),
    };
    match value {
        Value::Str(text) => pairs.push((name.to_owned(), text.to_string())),
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                spell(pairs, &within(&format!("member.{}", index + 1)), item);
            }
        }
        Value::Map(entries) => {
            for (key, value) in entries {
                spell(pairs, &within(key), value);
            }
        }
        other => panic!("no such value in a form: {other:?}"),
    }
}

fn percent_encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| match byte {
            byte if plain(byte) => char::from(byte).to_string(),
            b' ' => "+".to_owned(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

fn any_input() -> impl Strategy<Value = Value<'static>> {
    let leaf = any::<String>().prop_map(|text| Value::Str(Cow::Owned(text)));
    let inner = leaf.prop_recursive(4, 64, 12, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..12).prop_map(Value::List),
            structure(inner),
        ]
    });
    structure(inner)
}

/// With its members in the order of their names, as the parser gives them.
fn structure(
    inner: impl Strategy<Value = Value<'static>>,
) -> impl Strategy<Value = Value<'static>> {
    prop::collection::btree_map("[A-Z][a-z]{0,3}é?", inner, 1..5).prop_map(|entries| {
        Value::Map(entries.into_iter().map(|(key, value)| (Cow::Owned(key), value)).collect())
    })
}

proptest! {
    #[test]
    fn what_was_spelt_is_read_whatever_the_order(input in any_input(), seed: u64) {
        let mut pairs = Vec::new();
        spell(&mut pairs, "", &input);
        let mut state = seed | 1;
        for last in (1..pairs.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            pairs.swap(last, (state >> 33) as usize % (last + 1));
        }
        let pair = |(name, value): &(String, String)| {
            format!("{}={}", percent_encoded(name), percent_encoded(value))
        };
        let form = pairs.iter().map(pair).collect::<Vec<_>>().join("&");
        prop_assert_eq!(value(&form), Ok(input));
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes: Vec<u8>) {
        let _ = Protocol::Query.parse(&bytes);
    }

    #[test]
    fn no_names_make_the_parser_panic(form in "((a|member|entry|key|value|1|02|é|!)(\\.|=|&)){0,40}") {
        let _ = value(&form);
    }
}

struct Tell<F>(F);

impl<F: Fn(&mut XmlWriter)> Tell<F> {
    /// What stands in the writer's answer.
    fn text(&self) -> String {
        let mut w = XmlWriter::default();
        self.0(&mut w);
        String::from_utf8(w.finish()).expect("XML is UTF-8")
    }
}

#[test]
fn structures_lists_and_maps_are_elements() {
    let written = Tell(|w: &mut XmlWriter| {
        w.map(|w| {
            w.field_list("Alarms", ["a", "b"], |w, name| {
                w.map(|w| {
                    w.field_str("Name", name);
                    w.field_strings("Actions", Vec::<&str>::new());
                });
            });
            w.field_strings("Names", ["x"]);
            w.field_list("Lists", [[1, 2]], |w, items| w.list(items, |w, item| w.i64(item)));
            w.field_map("Empty", |_| {});
            w.field_string_map("Tags", [("k", "v&"), ("l", "")]);
            w.field_string_map("None", Vec::<(&str, &str)>::new());
            w.field_double_map("Percentiles", [("p90", 41.0)]);
            w.field_bool("On", true);
            w.field_i64("Count", -3);
            w.field_blob("Data", b"hi");
        });
    });
    assert_eq!(
        written.text(),
        "<Alarms><member><Name>a</Name><Actions/></member>\
         <member><Name>b</Name><Actions/></member></Alarms>\
         <Names><member>x</member></Names>\
         <Lists><member><member>1</member><member>2</member></member></Lists><Empty/>\
         <Tags><entry><key>k</key><value>v&amp;</value></entry>\
         <entry><key>l</key><value></value></entry></Tags><None/>\
         <Percentiles><entry><key>p90</key><value>41.0</value></entry></Percentiles>\
         <On>true</On><Count>-3</Count><Data>aGk=</Data>"
    );
}

#[test]
fn doubles_and_times_are_javas() {
    let double = |value: f64| Tell(move |w: &mut XmlWriter| w.field_f64("V", value)).text();
    assert_eq!(double(41.0), "<V>41.0</V>");
    assert_eq!(double(-0.125), "<V>-0.125</V>");
    assert_eq!(double(f64::NAN), "<V>NaN</V>");
    assert_eq!(double(f64::NEG_INFINITY), "<V>-Infinity</V>");
    let time = |ms| Tell(move |w: &mut XmlWriter| w.field_timestamp_ms("T", ms)).text();
    assert_eq!(time(1_772_100_000_000), "<T>2026-02-26T10:00:00Z</T>");
    assert_eq!(time(1_772_100_000_250), "<T>2026-02-26T10:00:00.250Z</T>");
    assert!(time(u64::MAX).starts_with("<T>"));
}

struct Described;

impl Output for Described {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| w.field_str("A", "<é&\"\u{1}>"));
    }
}

#[test]
fn answers_carry_namespace_result_and_request_id() {
    let answer = response("GetIt", "https://x/doc/", "r-1", &Protocol::Query.answer(&Described));
    assert_eq!(
        text(&answer.body),
        "<GetItResponse xmlns=\"https://x/doc/\"><GetItResult>\
         <A>&lt;é&amp;&quot;&#x1;&gt;</A></GetItResult>\
         <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></GetItResponse>"
    );
    assert_eq!(answer.content_type, "text/xml");
}

struct NoMembers;

impl Output for NoMembers {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|_| {});
    }
}

#[test]
fn an_output_without_members_is_told_from_none() {
    let metadata = "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>";
    let answer = response("Tag", "n", "r", &Protocol::Query.answer(&NoMembers));
    let expected =
        format!("<TagResponse xmlns=\"n\"><TagResult></TagResult>{metadata}</TagResponse>");
    assert_eq!(text(&answer.body), expected);
    let answer = response("Put", "n", "r", &Protocol::Query.empty());
    assert_eq!(text(&answer.body), format!("<PutResponse xmlns=\"n\">{metadata}</PutResponse>"));
}

#[test]
fn errors_say_whose_fault_it_is() {
    let error = AwsError::missing_authentication_token().for_query();
    assert_eq!(
        text(&error_response(&error, "n", "r").body),
        "<ErrorResponse xmlns=\"n\"><Error><Type>Sender</Type>\
         <Code>MissingAuthenticationToken</Code><Message>Missing Authentication Token</Message>\
         </Error><RequestId>r</RequestId></ErrorResponse>"
    );
    let error = AwsError::new("ResourceNotFound", 404, None).for_query();
    assert!(text(&error_response(&error, "n", "r").body).contains("NotFound</Code></Error>"));
    let error = AwsError::new("ServiceUnavailable", 503, None);
    assert!(text(&error_response(&error, "n", "r").body).contains("<Type>Receiver</Type>"));
}

fn any_output() -> impl Strategy<Value = Value<'static>> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|value| Value::Number(Number::Integer(value))),
        any::<f64>().prop_map(|value| Value::Number(Number::Float(value))),
        any::<String>().prop_map(|text| Value::Str(Cow::Owned(text))),
    ];
    leaf.prop_recursive(4, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
            structure(inner),
        ]
    })
}

fn write(w: &mut XmlWriter, value: &Value<'_>) {
    match value {
        Value::Bool(value) => w.bool(*value),
        Value::Number(Number::Integer(value)) => w.i64(*value),
        Value::Number(Number::Float(value)) => w.f64(*value),
        Value::Str(value) => w.str(value),
        Value::List(items) => w.list(items, write),
        Value::Map(entries) => w.map(|w| {
            for (key, value) in entries {
                w.key(key);
                write(w, value);
            }
        }),
        Value::Null | Value::Bytes(_) => w.str(""),
    }
}

proptest! {
    #[test]
    fn every_element_that_begins_ends(value in any_output()) {
        let written = Tell(|w: &mut XmlWriter| {
            w.key("Root");
            write(w, &value);
        });
        let written = written.text();
        let mut open = Vec::new();
        for tag in written.split('<').skip(1) {
            let (name, _) = tag.split_once('>').expect("a tag ends");
            match name.strip_prefix('/') {
                Some(name) => prop_assert_eq!(open.pop(), Some(name)),
                None if name.ends_with('/') => {}
                None => open.push(name),
            }
        }
        prop_assert!(open.is_empty());
        prop_assert!(written.ends_with("</Root>") || written == "<Root/>", "{}", written);
    }
}
