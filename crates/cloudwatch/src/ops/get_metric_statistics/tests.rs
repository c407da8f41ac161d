use nautilus_metrics::{Distribution, Resolution, Sample};

use super::*;
use crate::testing::{NOW_MS, World};

const NOW_S: u64 = NOW_MS / 1000;

fn put(world: &World, members: &str) {
    let input = format!(r#"{{"Namespace":"Own","MetricData":[{{"MetricName":"m",{members}}}]}}"#);
    world.check("PutMetricData", &input, "");
}

/// One sample `ago_s` seconds before the test's beginning.
fn put_ago(world: &World, ago_s: u64, value: f64) {
    put(world, &format!(r#""Value":{value},"Timestamp":{}"#, NOW_S - ago_s));
}

fn input(from_s: u64, to_s: u64, more: &str) -> String {
    format!(
        r#"{{"Namespace":"Own","MetricName":"m","StartTime":{from_s},"EndTime":{to_s},{more}}}"#
    )
}

/// Datapoints as seconds before the test's beginning (or behind it: negative) and a statistic.
fn points(world: &World, input: &str, statistic: &str) -> Vec<(i64, f64)> {
    let answer = world.ok("GetMetricStatistics", input);
    let points = answer["Datapoints"].as_array().expect("a list");
    let point = |point: &serde_json::Value| {
        let at_s = point["Timestamp"].as_f64().expect("a time") as i64;
        (NOW_S as i64 - at_s, point[statistic].as_f64().expect("a value"))
    };
    points.iter().map(point).collect()
}

#[test]
fn every_protocol_answers() {
    let world = World::new();
    put(&world, r#""Values":[1,2.5,4],"Unit":"Count""#);
    let json = input(
        NOW_S,
        NOW_S + 60,
        r#""Period":60,"Statistics":["SampleCount","Average","Sum","Minimum","Maximum"]"#,
    );
    let form = "Namespace=Own&MetricName=m&StartTime=2026-11-24T03:00:00Z&EndTime=2026-11-24T03:01:00Z&Period=60&\
        Statistics.member.1=SampleCount&Statistics.member.2=Average&Statistics.member.3=Sum&\
        Statistics.member.4=Minimum&Statistics.member.5=Maximum";
    let [json, cbor, xml] = world.in_all_protocols("GetMetricStatistics", &json, form);
    let expected: serde_json::Value = serde_json::json!({
        "Label": "m",
        "Datapoints": [{
            "Timestamp": 1_795_489_200_u64, "SampleCount": 3.0, "Average": 2.5, "Sum": 7.5, "Minimum": 1.0, "Maximum": 4.0,
            "Unit": "Count",
        }],
    });
    let parsed = |text: &str| {
        let mut value: serde_json::Value = serde_json::from_str(text).expect("JSON");
        let at = value["Datapoints"][0]["Timestamp"].as_f64().expect("a time");
        value["Datapoints"][0]["Timestamp"] = (at as u64).into();
        value
    };
    assert_eq!(parsed(&json), expected);
    assert_eq!(parsed(&cbor), expected);
    assert_eq!(
        xml,
        "<Label>m</Label><Datapoints><member><Timestamp>2026-11-24T03:00:00Z</Timestamp>\
         <SampleCount>3.0</SampleCount><Average>2.5</Average><Sum>7.5</Sum><Minimum>1.0</Minimum>\
         <Maximum>4.0</Maximum><Unit>Count</Unit></member></Datapoints>"
    );
}

#[test]
fn extended_statistics_stand_in_a_map_of_their_own() {
    let world = World::new();
    put(&world, r#""Values":[4],"Counts":[100]"#);
    let json = input(NOW_S, NOW_S + 60, r#""Period":60,"ExtendedStatistics":["p99","tm90","p99"]"#);
    let form = "Namespace=Own&MetricName=m&StartTime=1795489200&EndTime=1795489260&Period=60&\
        ExtendedStatistics.member.1=p99&ExtendedStatistics.member.2=tm90";
    let [json, cbor, xml] = world.in_all_protocols("GetMetricStatistics", &json, form);
    for body in [json, cbor] {
        let answer: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        let point = &answer["Datapoints"][0];
        assert_eq!(point["ExtendedStatistics"], serde_json::json!({"p99": 4.0, "tm90": 4.0}));
        assert_eq!(point["Unit"], "None");
        assert_eq!(point.get("p99"), None);
    }
    assert!(
        xml.contains(
            "<ExtendedStatistics><entry><key>p99</key><value>4.0</value></entry>\
             <entry><key>tm90</key><value>4.0</value></entry></ExtendedStatistics>"
        ),
        "{xml}"
    );
    // Where a sample is negative there are no percentiles, and so no datapoint.
    put(&world, r#""Value":-1"#);
    let percentiles = input(NOW_S, NOW_S + 60, r#""Period":60,"ExtendedStatistics":["p50"]"#);
    assert_eq!(points(&world, &percentiles, "Sum"), []);
}

#[test]
fn periods_run_from_the_start() {
    let world = World::new();
    for (ago_s, value) in [(400, 1.0), (301, 2.0), (300, 4.0), (61, 8.0), (60, 16.0), (1, 32.0)] {
        put_ago(&world, ago_s, value);
    }
    let sums = |from_ago_s: u64, to_ago_s: u64, period_s: u64| {
        let more = format!(r#""Period":{period_s},"Statistics":["Sum"]"#);
        points(&world, &input(NOW_S - from_ago_s, NOW_S - to_ago_s, &more), "Sum")
    };
    assert_eq!(sums(600, 0, 300), [(600, 3.0), (300, 60.0)]);
    assert_eq!(sums(480, 0, 300), [(480, 7.0), (180, 56.0)]);
    // The start goes down to its minute; the end is not within, but a period that began before it is whole.
    assert_eq!(sums(61, 1, 60), [(120, 8.0), (60, 48.0)]);
    assert_eq!(sums(300, 60, 60), [(300, 4.0), (120, 8.0)]);
    assert_eq!(sums(3_600, 3_000, 60), []);
}

#[test]
fn units_stay_apart() {
    let world = World::new();
    put(&world, r#""Value":1,"Unit":"Seconds""#);
    put(&world, r#""Value":5,"Unit":"Milliseconds""#);
    let both = input(NOW_S, NOW_S + 60, r#""Period":60,"Statistics":["Sum"]"#);
    let answer = world.ok("GetMetricStatistics", &both);
    let units: Vec<_> =
        answer["Datapoints"].as_array().expect("a list").iter().map(|at| &at["Unit"]).collect();
    assert_eq!(units, ["Seconds", "Milliseconds"]);
    let one = input(NOW_S, NOW_S + 60, r#""Period":60,"Statistics":["Sum"],"Unit":"Milliseconds""#);
    assert_eq!(points(&world, &one, "Sum"), [(0, 5.0)]);
}

#[test]
fn what_is_not_there_is_no_error() {
    let world = World::new();
    let more = r#""Period":60,"Statistics":["Sum"]"#;
    let expected = r#"{"Label":"m","Datapoints":[]}"#;
    world.check("GetMetricStatistics", &input(NOW_S - 60, NOW_S, more), expected);
    // Dimensions have to be the same, no more and no less.
    put_ago(&world, 30, 1.0);
    let with = format!(r#"{more},"Dimensions":[{{"Name":"a","Value":"1"}}]"#);
    world.check("GetMetricStatistics", &input(NOW_S - 60, NOW_S, &with), expected);
    // Before 1970 there is nothing.
    let before = r#"{"Namespace":"Own","MetricName":"m","StartTime":-7200,"EndTime":-3600,"Period":3600,"Statistics":["Sum"]}"#;
    world.check("GetMetricStatistics", before, expected);
}

#[test]
fn seconds_are_there_for_three_hours() {
    let world = World::new();
    put(&world, &format!(r#""Value":1,"StorageResolution":1,"Timestamp":{}"#, NOW_S - 7));
    put(&world, &format!(r#""Value":2,"StorageResolution":1,"Timestamp":{}"#, NOW_S - 2));
    let sums = |from_ago_s: u64, period_s: u64| {
        let more = format!(r#""Period":{period_s},"Statistics":["Sum"]"#);
        points(&world, &input(NOW_S - from_ago_s, NOW_S, &more), "Sum")
    };
    assert_eq!(sums(10, 1), [(7, 1.0), (2, 2.0)]);
    assert_eq!(sums(10, 5), [(10, 1.0), (5, 2.0)]);
    assert_eq!(sums(3, 10), [(10, 3.0)], "the start goes down to ten seconds");
    assert_eq!(sums(30, 30), [(30, 3.0)]);
}

fn range(from_ago_s: i64, to_ago_s: i64, period_s: u32) -> Result<Option<Range>, String> {
    let ms = |ago_s: i64| NOW_MS as i64 - ago_s * 1000;
    let input = Input {
        namespace: "Own".into(),
        name: "m".into(),
        dimensions: Vec::new(),
        start_ms: ms(from_ago_s),
        end_ms: ms(to_ago_s),
        period_s,
        statistics: Vec::new(),
        extended_statistics: Vec::new(),
        unit: None,
    };
    Range::of(&input, NOW_MS).map_err(|error| error.to_string())
}

#[test]
fn old_samples_are_there_in_longer_periods_only() {
    const HOUR: i64 = 3_600;
    const DAY: i64 = 24 * HOUR;
    for (from_ago_s, period_s, is_there) in [
        (3 * HOUR, 1, true),
        (3 * HOUR + 1, 1, false),
        (3 * HOUR + 1, 30, false),
        (3 * HOUR + 1, 60, true),
        (15 * DAY, 60, true),
        (15 * DAY + 1, 60, false),
        (15 * DAY + 1, 300, true),
        (63 * DAY, 300, true),
        (63 * DAY + 1, 300, false),
        (63 * DAY + 1, 3_600, true),
        (400 * DAY, 86_400, true),
    ] {
        let found = range(from_ago_s, from_ago_s - 120, period_s).expect("no error");
        assert_eq!(found.is_some(), is_there, "{from_ago_s} s ago by {period_s} s");
    }
}

#[test]
fn the_start_goes_down_to_what_is_kept() {
    let from = |ago_s: i64, period_s: u32| {
        let range = range(ago_s, ago_s - 1, period_s).expect("no error").expect("there");
        (NOW_MS as i64 - range.from_ms as i64) / 1000
    };
    assert_eq!(from(7, 1), 7);
    assert_eq!(from(7, 5), 10);
    assert_eq!(from(7, 60), 60);
    assert_eq!(from(61, 300), 120);
    assert_eq!(from(16 * 86_400 + 1, 300), 16 * 86_400 + 300);
    assert_eq!(from(64 * 86_400 + 1, 3_600), 64 * 86_400 + 3_600);
}

#[test]
fn a_call_asks_for_1440_points_at_most() {
    assert!(range(1_440 * 60, 0, 60).is_ok());
    assert_eq!(
        range(86_400, 0, 1),
        Err("You have requested up to 86400 datapoints, which exceeds the limit of 1440. You may reduce the datapoints requested by increasing Period, or decreasing the time range.".to_owned())
    );
    // Whatever the numbers: no overflow.
    let world = World::new();
    let input = r#"{"Namespace":"Own","MetricName":"m","StartTime":0,"EndTime":9e15,"Period":2147483640,"Statistics":["Sum"]}"#;
    assert!(
        world.call_as(&crate::testing::caller(), "GetMetricStatistics", input).contains("1440")
    );
}

#[test]
fn bad_calls_are_told() {
    let world = World::new();
    let check = |from_s: u64, to_s: u64, more: &str, expected: &str| {
        assert_eq!(
            world.error("GetMetricStatistics", &input(from_s, to_s, more)),
            expected,
            "{more}"
        );
    };
    let sum = r#""Statistics":["Sum"]"#;
    let start = "InvalidParameterValueException: The parameter StartTime must be less than the parameter EndTime.";
    check(NOW_S, NOW_S, &format!(r#""Period":60,{sum}"#), start);
    check(NOW_S + 1, NOW_S, &format!(r#""Period":60,{sum}"#), start);
    let period = "InvalidParameterValueException: The parameter Period must be 1, 5, 10, 20, 30, or a multiple of 60.";
    for period_s in [2, 45, 61, 90] {
        check(NOW_S, NOW_S + 60, &format!(r#""Period":{period_s},{sum}"#), period);
    }
    check(
        NOW_S,
        NOW_S + 60,
        r#""Period":60"#,
        "InvalidParameterCombinationException: At least one of the parameters Statistics and ExtendedStatistics must be specified.",
    );
    check(
        NOW_S,
        NOW_S + 60,
        r#""Period":60,"Statistics":["Sum"],"ExtendedStatistics":["p99"]"#,
        "InvalidParameterCombinationException: The parameters Statistics and ExtendedStatistics are mutually exclusive and you have specified both.",
    );
    for name in ["p101", "Sum", "x", "p"] {
        check(
            NOW_S,
            NOW_S + 60,
            &format!(r#""Period":60,"ExtendedStatistics":["p1","{name}"]"#),
            &format!(
                "InvalidParameterValueException: The value {name} for parameter ExtendedStatistics.member.2 is not supported."
            ),
        );
    }
    check(
        NOW_S,
        NOW_S + 60,
        r#""Period":0,"Statistics":["Sum"]"#,
        "ValidationException: 1 validation error detected: Value '0' at 'period' failed to satisfy constraint: Member must have value greater than or equal to 1",
    );
    assert!(
        world
            .error("GetMetricStatistics", "{}")
            .starts_with("ValidationException: 5 validation errors detected: ")
    );
}

/// Counts one record in the open minute.
struct OneRecord;

impl crate::Source for OneRecord {
    fn drain(&self, minute: u64, tell: &mut dyn FnMut(Sample)) {
        if minute == NOW_MS / limits::MINUTE_MS {
            tell(Sample {
                series: Series {
                    account: "000000000000".into(),
                    region: "us-east-1".into(),
                    namespace: "AWS/Kinesis".into(),
                    name: "IncomingRecords".into(),
                    dimensions: metric::sorted(&[Dimension {
                        name: "StreamName".to_owned(),
                        value: "s".to_owned(),
                    }]),
                    unit: Unit::Count,
                },
                at_ms: minute * limits::MINUTE_MS,
                resolution: Resolution::Minute,
                distribution: Distribution::of(1.0, 1.0),
            });
        }
    }
}

#[test]
fn the_open_minute_is_collected_first() {
    let world = World::with_sources(vec![std::sync::Arc::new(OneRecord)]);
    let input = format!(
        r#"{{"Namespace":"AWS/Kinesis","MetricName":"IncomingRecords","Dimensions":[{{"Name":"StreamName","Value":"s"}}],"StartTime":{NOW_S},"EndTime":{},"Period":60,"Statistics":["Sum"]}}"#,
        NOW_S + 60
    );
    assert_eq!(points(&world, &input, "Sum"), [(0, 1.0)]);
    let answer = world.ok("ListMetrics", r#"{"Namespace":"AWS/Kinesis"}"#);
    assert_eq!(answer["Metrics"][0]["Dimensions"][0]["Value"], "s");
}
