use nautilus_wire::Protocol;
use proptest::prelude::*;

use super::*;
use crate::testing::{NOW_MS, World};

/// What the store has of a metric, by unit: count, sum, min, max of all of the last hours.
fn stored(world: &World, name: &str) -> Vec<(Unit, [f64; 4])> {
    let metric = Series {
        account: "000000000000".into(),
        region: "us-east-1".into(),
        namespace: "Own".into(),
        name: name.into(),
        dimensions: Vec::new(),
        unit: Unit::None,
    };
    let store = &world.room().inner().metrics;
    let mut found = Vec::new();
    for (id, series) in store.find(&metric) {
        let (from_ms, to_ms) = (NOW_MS - 3_600_000, NOW_MS + 3_600_000);
        let read = world.run(store.read(id, from_ms, to_ms, 7_200)).expect("the store reads");
        for (_, samples) in read {
            found.push((series.unit, [samples.count, samples.sum, samples.min, samples.max]));
        }
    }
    found
}

fn put(world: &World, data: &str) {
    let input = format!(r#"{{"Namespace":"Own","MetricData":[{data}]}}"#);
    world.check("PutMetricData", &input, "");
}

#[test]
fn samples_are_stored_as_they_were_given() {
    let world = World::new();
    put(&world, r#"{"MetricName":"value","Value":-2.5}"#);
    assert_eq!(stored(&world, "value"), [(Unit::None, [1.0, -2.5, -2.5, -2.5])]);

    put(&world, r#"{"MetricName":"values","Values":[1,2.5,4],"Unit":"Count"}"#);
    assert_eq!(stored(&world, "values"), [(Unit::Count, [3.0, 7.5, 1.0, 4.0])]);

    put(&world, r#"{"MetricName":"counts","Values":[1,2,9],"Counts":[2,3,0],"Unit":"Bytes"}"#);
    assert_eq!(stored(&world, "counts"), [(Unit::Bytes, [5.0, 8.0, 1.0, 2.0])]);

    let set = r#"{"SampleCount":4,"Sum":10,"Minimum":1,"Maximum":5}"#;
    put(&world, &format!(r#"{{"MetricName":"set","StatisticValues":{set}}}"#));
    assert_eq!(stored(&world, "set"), [(Unit::None, [4.0, 10.0, 1.0, 5.0])]);

    // Nothing was counted: nothing is stored.
    put(&world, r#"{"MetricName":"none","Values":[1],"Counts":[0]}"#);
    assert_eq!(stored(&world, "none"), []);
}

#[test]
fn samples_of_one_minute_add_up() {
    let world = World::new();
    put(&world, r#"{"MetricName":"m","Value":1},{"MetricName":"m","Value":5}"#);
    put(&world, r#"{"MetricName":"m","Value":3},{"MetricName":"m","Value":7,"Unit":"Count"}"#);
    let expected = [(Unit::Count, [1.0, 7.0, 7.0, 7.0]), (Unit::None, [3.0, 9.0, 1.0, 5.0])];
    assert_eq!(stored(&world, "m"), expected);
}

#[test]
fn the_order_of_dimensions_makes_no_other_metric() {
    let world = World::new();
    let one = r#"[{"Name":"b","Value":"2"},{"Name":"a","Value":"1"}]"#;
    let other = r#"[{"Name":"a","Value":"1"},{"Name":"b","Value":"2"}]"#;
    put(
        &world,
        &format!(
            r#"{{"MetricName":"m","Value":1,"Dimensions":{one}}},{{"MetricName":"m","Value":2,"Dimensions":{other}}}"#
        ),
    );
    assert_eq!(stored(&world, "m"), [], "without dimensions it is another metric");
    let input = format!(
        r#"{{"Namespace":"Own","MetricName":"m","Dimensions":{one},"StartTime":{},"EndTime":{},"Period":60,"Statistics":["Sum"]}}"#,
        NOW_MS / 1000 - 60,
        NOW_MS / 1000 + 60
    );
    let answer = world.ok("GetMetricStatistics", &input);
    assert_eq!(answer["Datapoints"][0]["Sum"], 3.0);
}

#[test]
fn data_of_entities_are_stored_too() {
    let world = World::new();
    let entity = r#"{"KeyAttributes":{"Type":"Service","Name":"s"}}"#;
    let input = format!(
        r#"{{"Namespace":"Own","StrictEntityValidation":false,"EntityMetricData":[{{"Entity":{entity},"MetricData":[{{"MetricName":"m","Value":1}}]}}]}}"#
    );
    world.check("PutMetricData", &input, "");
    assert_eq!(stored(&world, "m"), [(Unit::None, [1.0; 4])]);
    let input = input.replace("\"Value\":1", "\"Value\":1e300");
    assert_eq!(
        world.error("PutMetricData", &input),
        "InvalidParameterValueException: The value 1.0E300 for parameter EntityMetricData.member.1.MetricData.member.1.Value is invalid."
    );
}

#[test]
fn every_protocol_puts() {
    let world = World::new();
    let json = r#"{"Namespace":"Own","MetricData":[{"MetricName":"m","Values":[1,2.5],"Counts":[1,2],"Unit":"Count","StorageResolution":1,"Timestamp":1795489195.5}]}"#;
    let form = "Namespace=Own&MetricData.member.1.MetricName=m&MetricData.member.1.Values.member.1=1&\
        MetricData.member.1.Values.member.2=2.5&MetricData.member.1.Counts.member.1=1&\
        MetricData.member.1.Counts.member.2=2&MetricData.member.1.Unit=Count&\
        MetricData.member.1.StorageResolution=1&MetricData.member.1.Timestamp=2026-11-24T02%3A59%3A55.500Z";
    assert_eq!(world.in_all_protocols("PutMetricData", json, form), [""; 3]);
    assert_eq!(stored(&world, "m"), [(Unit::Count, [9.0, 18.0, 1.0, 2.5])]);

    let json = json.replace("[1,2]", "[1]");
    let form = form.replace("MetricData.member.1.Counts.member.2=2&", "");
    let error = "InvalidParameterValueException: The parameters MetricData.member.1.Values and MetricData.member.1.Counts must be of the same size.";
    assert_eq!(world.in_all_protocols("PutMetricData", &json, &form), [error; 3]);
}

#[test]
fn what_is_not_a_number_is_refused() {
    let world = World::new();
    for (text, printed) in [("NaN", "NaN"), ("Infinity", "Infinity"), ("-Infinity", "-Infinity")] {
        let form = format!(
            "Namespace=Own&MetricData.member.1.MetricName=m&MetricData.member.1.Value={text}"
        );
        let json = format!(
            r#"{{"Namespace":"Own","MetricData":[{{"MetricName":"m","Value":"{text}"}}]}}"#
        );
        let [_, _, query] = world.in_all_protocols("PutMetricData", &json, &form);
        assert_eq!(
            query,
            format!(
                "InvalidParameterValueException: The value {printed} for parameter MetricData.member.1.Value is invalid."
            )
        );
    }
    assert_eq!(stored(&world, "m"), []);
}

#[test]
fn bad_data_are_refused_and_nothing_is_stored() {
    let world = World::new();
    let invalid = "InvalidParameterValueException: ";
    let combination = "InvalidParameterCombinationException: ";
    let m = "MetricData.member.2";
    let set = |count: f64, sum: f64, min: f64, max: f64| {
        format!(
            r#""StatisticValues":{{"SampleCount":{count},"Sum":{sum},"Minimum":{min},"Maximum":{max}}}"#
        )
    };
    let two_weeks_s = NOW_MS as f64 / 1000.0 - 14.0 * 86_400.0;
    let two_hours_s = NOW_MS as f64 / 1000.0 + 7_200.0;
    for (members, expected) in [
        (
            r#""Value":1,"Values":[1]"#.to_owned(),
            format!(
                "{combination}The parameters {m}.Value and {m}.Values are mutually exclusive and you have specified both."
            ),
        ),
        (
            format!(r#""Value":1,{}"#, set(1.0, 1.0, 1.0, 1.0)),
            format!(
                "{combination}The parameters {m}.Value and {m}.StatisticValues are mutually exclusive and you have specified both."
            ),
        ),
        (
            format!(r#""Values":[1],{}"#, set(1.0, 1.0, 1.0, 1.0)),
            format!(
                "{combination}The parameters {m}.Values and {m}.StatisticValues are mutually exclusive and you have specified both."
            ),
        ),
        (
            r#""Unit":"Count""#.to_owned(),
            format!(
                "{combination}At least one of the parameters {m}.Value, {m}.Values and {m}.StatisticValues must be specified."
            ),
        ),
        (
            r#""Values":[1,2],"Counts":[1]"#.to_owned(),
            format!("{invalid}The parameters {m}.Values and {m}.Counts must be of the same size."),
        ),
        (
            r#""Value":1,"Counts":[1]"#.to_owned(),
            format!("{invalid}The parameters {m}.Values and {m}.Counts must be of the same size."),
        ),
        (
            r#""Value":2.4e108"#.to_owned(),
            format!("{invalid}The value 2.4E108 for parameter {m}.Value is invalid."),
        ),
        (
            r#""Values":[1,-2.4e108]"#.to_owned(),
            format!("{invalid}The value -2.4E108 for parameter {m}.Values.member.2 is invalid."),
        ),
        (
            r#""Values":[1],"Counts":[-1]"#.to_owned(),
            format!("{invalid}The value -1.0 for parameter {m}.Counts.member.1 is invalid."),
        ),
        (
            set(1.0, 1.0, 2.0, 1.0),
            format!(
                "{invalid}The parameter {m}.StatisticValues.Maximum must be greater than {m}.StatisticValues.Minimum."
            ),
        ),
        (
            set(-1.0, 1.0, 1.0, 1.0),
            format!(
                "{invalid}The value -1.0 for parameter {m}.StatisticValues.SampleCount is invalid."
            ),
        ),
        (
            r#""Value":1,"StorageResolution":30"#.to_owned(),
            format!("{invalid}The value 30 for parameter {m}.StorageResolution is invalid."),
        ),
        (
            format!(r#""Value":1,"Timestamp":{}"#, two_weeks_s - 1.0),
            format!(
                "{invalid}The parameter {m}.Timestamp must specify a time within the past two weeks."
            ),
        ),
        (
            format!(r#""Value":1,"Timestamp":{}"#, two_hours_s + 1.0),
            format!(
                "{invalid}The parameter {m}.Timestamp must specify a time no more than two hours in the future."
            ),
        ),
        (
            r#""Value":1,"Dimensions":[{"Name":"a","Value":"1"},{"Name":"a","Value":"2"}]"#
                .to_owned(),
            format!("{invalid}The parameter {m}.Dimensions must not have the name a twice."),
        ),
        (
            r#""Value":1,"Dimensions":[{"Name":"ä","Value":"1"}]"#.to_owned(),
            format!("{invalid}The value ä for parameter {m}.Dimensions.member.1.Name is invalid."),
        ),
        (
            r#""Value":1,"Dimensions":[{"Name":":a","Value":"1"}]"#.to_owned(),
            format!("{invalid}The value :a for parameter {m}.Dimensions.member.1.Name is invalid."),
        ),
        (
            r#""Value":1,"Dimensions":[{"Name":"a","Value":" "}]"#.to_owned(),
            format!("{invalid}The value   for parameter {m}.Dimensions.member.1.Value is invalid."),
        ),
        (
            format!(r#""Values":[{}]"#, vec!["1"; 151].join(",")),
            format!("{invalid}The collection {m}.Values must not have a size greater than 150."),
        ),
        (
            r#""Value":1,"Unit":"Furlong""#.to_owned(),
            format!(
                "ValidationException: 1 validation error detected: Value 'Furlong' at 'metricData.2.member.unit' failed to satisfy constraint: Member must satisfy enum value set: [{}]",
                Unit::NAMES.join(", ")
            ),
        ),
    ] {
        let input = format!(
            r#"{{"Namespace":"Own","MetricData":[{{"MetricName":"good","Value":1}},{{"MetricName":"m",{members}}}]}}"#
        );
        assert_eq!(world.error("PutMetricData", &input), expected, "{members}");
    }
    assert_eq!(stored(&world, "good"), []);
    // The edges are within.
    put(&world, &format!(r#"{{"MetricName":"edge","Value":1,"Timestamp":{two_weeks_s}}}"#));
    put(&world, &format!(r#"{{"MetricName":"edge","Value":1,"Timestamp":{two_hours_s}}}"#));
    put(&world, &format!(r#"{{"MetricName":"many","Values":[{}]}}"#, vec!["1"; 150].join(",")));
    assert_eq!(stored(&world, "many"), [(Unit::None, [150.0, 150.0, 1.0, 1.0])]);
}

#[test]
fn the_call_itself_may_be_wrong() {
    let world = World::new();
    let datum = r#"{"MetricName":"m","Value":1}"#;
    let check = |namespace: &str, data: &str, expected: &str| {
        let input = format!(r#"{{"Namespace":"{namespace}","MetricData":[{data}]}}"#);
        assert_eq!(world.error("PutMetricData", &input), expected);
    };
    check(
        "AWS/Kinesis",
        datum,
        "InvalidParameterValueException: The value AWS/ for parameter Namespace is invalid.",
    );
    check(
        ":a",
        datum,
        "ValidationException: 1 validation error detected: Value ':a' at 'namespace' failed to satisfy constraint: Member must satisfy regular expression pattern: [^:].*",
    );
    check("Own", "", "MissingRequiredParameterException: The parameter MetricData is required.");
    check(
        "Own",
        &vec![datum; 1_001].join(","),
        "InvalidParameterValueException: The collection MetricData must not have a size greater than 1000.",
    );
    let most = format!(r#"{{"Namespace":"Own","MetricData":[{}]}}"#, vec![datum; 1_000].join(","));
    world.check("PutMetricData", &most, "");
    assert_eq!(stored(&world, "m"), [(Unit::None, [1_000.0, 1_000.0, 1.0, 1.0])]);
}

#[test]
fn a_million_datapoints_are_refused() {
    let world = World::new();
    let datum = format!(r#"{{"MetricName":"m","Values":[{}]}}"#, vec!["1"; 1_000].join(","));
    let input = format!(r#"{{"Namespace":"Own","MetricData":[{}]}}"#, vec![datum; 1_000].join(","));
    assert!(Protocol::Json10.parse(input.as_bytes()).is_err(), "the parser refuses so many values");
    assert_eq!(stored(&world, "m"), []);
}

/// A datum's members as JSON, and what it counts if it is right: count and sum.
fn data() -> impl Strategy<Value = (String, Option<(f64, f64)>)> {
    // Whole numbers: their sums are exact in any order.
    let number = -1_000_i32..1_000;
    let count = 0_u8..5;
    prop_oneof![
        number.clone().prop_map(|value| {
            (format!(r#""Value":{value}"#), Some((1.0, f64::from(value))))
        }),
        proptest::collection::vec((number.clone(), count), 1..150).prop_map(|pairs| {
            let values: Vec<_> = pairs.iter().map(|(value, _)| value.to_string()).collect();
            let counts: Vec<_> = pairs.iter().map(|(_, count)| count.to_string()).collect();
            let sum = pairs.iter().map(|(value, count)| f64::from(*value) * f64::from(*count)).sum();
            let count = pairs.iter().map(|(_, count)| f64::from(*count)).sum();
            let members =
                format!(r#""Values":[{}],"Counts":[{}]"#, values.join(","), counts.join(","));
            (members, Some((count, sum)))
        }),
        (number.clone(), 1_u8..9).prop_map(|(value, count)| {
            let sum = f64::from(value) * f64::from(count);
            let members = format!(
                r#""StatisticValues":{{"SampleCount":{count},"Sum":{sum},"Minimum":{value},"Maximum":{value}}}"#
            );
            (members, Some((f64::from(count), sum)))
        }),
        prop_oneof![
            Just(r#""Value":1e109"#),
            Just(r#""Value":"one""#),
            Just(r#""Values":[]"#),
            Just(r#""Values":[1],"Counts":[1,1]"#),
            Just(r#""Value":1,"Values":[1]"#),
            Just(r#""Value":1,"Unit":"counts""#),
            Just(r#""Value":1,"Timestamp":1"#),
            Just(r#""Value":1,"Dimensions":[{"Name":"","Value":"x"}]"#),
            Just(r#""Value":1,"StorageResolution":2"#),
            Just(r#""StatisticValues":{"SampleCount":1}"#),
        ]
        .prop_map(|members| (members.to_owned(), None)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_call_is_stored_whole_or_not_at_all(data in proptest::collection::vec(data(), 1..12)) {
        let world = World::new();
        let members: Vec<_> =
            data.iter().map(|(members, _)| format!(r#"{{"MetricName":"m",{members}}}"#)).collect();
        let input = format!(r#"{{"Namespace":"Own","MetricData":[{}]}}"#, members.join(","));
        let answer = world.call_as(&crate::testing::caller(), "PutMetricData", &input);
        let counted: Option<Vec<_>> = data.iter().map(|(_, counted)| *counted).collect();
        let Some(counted) = counted else {
            prop_assert!(answer.contains("Exception: "), "{}", answer);
            prop_assert_eq!(stored(&world, "m"), []);
            return Ok(());
        };
        prop_assert_eq!(answer, "");
        let count: f64 = counted.iter().map(|(count, _)| count).sum();
        let sum: f64 = counted.iter().map(|(_, sum)| sum).sum();
        let found: Vec<_> =
            stored(&world, "m").iter().map(|(_, [count, sum, ..])| (*count, *sum)).collect();
        let expected = if count > 0.0 { vec![(count, sum)] } else { Vec::new() };
        prop_assert_eq!(found, expected);
    }
}
