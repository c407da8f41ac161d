//! Whole requests, in the three protocols.

use nautilus_identity::{Caller, Identity};
use nautilus_metrics::{Dimension, Distribution, Resolution, Sample, Series, Unit};
use nautilus_wire::{Protocol, cbor, query};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::testing::{NOW_MS, World, caller};

const MINUTE_MS: u64 = 60_000;

/// Puts values, one a minute from ten minutes ago on; `None` leaves the minute out.
fn put_as(world: &World, name: &str, stream: &str, unit: Unit, values: &[Option<f64>]) {
    let dimensions = match stream {
        "" => Vec::new(),
        stream => vec![Dimension { name: "StreamName".into(), value: stream.into() }],
    };
    let series = Series {
        account: "000000000000".into(),
        region: "us-east-1".into(),
        namespace: "AWS/Kinesis".into(),
        name: name.into(),
        dimensions,
        unit,
    };
    let samples = values.iter().enumerate().filter_map(|(minute, value)| {
        Some(Sample {
            series: series.clone(),
            at_ms: NOW_MS - 10 * MINUTE_MS + minute as u64 * MINUTE_MS,
            resolution: Resolution::Minute,
            distribution: Distribution::of((*value)?, 2.0),
        })
    });
    let samples = samples.collect();
    world.run(world.room().inner().metrics.put(samples)).expect("the store takes them");
}

fn put(world: &World, name: &str, stream: &str, values: &[f64]) {
    let values: Vec<_> = values.iter().copied().map(Some).collect();
    put_as(world, name, stream, Unit::Bytes, &values);
}

fn second(minute: u64) -> u64 {
    NOW_MS / 1000 - 600 + minute * 60
}

fn stat(id: &str, name: &str, stream: &str, stat: &str, period_s: u32) -> Value {
    let dimensions = match stream {
        "" => json!([]),
        stream => json!([{"Name": "StreamName", "Value": stream}]),
    };
    json!({"Id": id, "MetricStat": {
        "Metric": {"Namespace": "AWS/Kinesis", "MetricName": name, "Dimensions": dimensions},
        "Period": period_s, "Stat": stat,
    }})
}

fn sum(id: &str, name: &str, stream: &str) -> Value {
    stat(id, name, stream, "Sum", 60)
}

fn math(id: &str, text: &str) -> Value {
    json!({"Id": id, "Expression": text})
}

/// A query with more members, or others.
fn with(mut query: Value, more: Value) -> Value {
    let (query_map, more) = (query.as_object_mut().expect("a map"), more);
    query_map.extend(more.as_object().expect("a map").clone());
    query
}

/// A request for the ten minutes before now, oldest first.
fn request(queries: &[Value]) -> Value {
    json!({
        "MetricDataQueries": queries,
        "StartTime": second(0),
        "EndTime": second(10),
        "ScanBy": "TimestampAscending",
    })
}

fn ask(world: &World, request: &Value) -> Value {
    world.ok("GetMetricData", &request.to_string())
}

/// Each result as `id label: minute=value …`, with its status unless that is Complete.
fn shown(answer: &Value) -> Vec<String> {
    let all = answer["MetricDataResults"].as_array().expect("a list");
    let show = |result: &Value| {
        let (times, values) = (&result["Timestamps"], &result["Values"]);
        let points =
            times.as_array().expect("times").iter().zip(values.as_array().expect("values"));
        let points = points.map(|(time, value)| {
            let minute = (time.as_f64().expect("a time") as u64 - second(0)) / 60;
            format!(" {minute}={}", value.as_f64().expect("a number"))
        });
        let (id, label) = (result["Id"].as_str(), result["Label"].as_str());
        let status = match result["StatusCode"].as_str() {
            Some("Complete") => String::new(),
            status => format!(" ({})", status.expect("a status")),
        };
        let points: String = points.collect();
        format!("{} {}:{points}{status}", id.expect("an id"), label.expect("a label"))
    };
    all.iter().map(show).collect()
}

fn check(world: &World, queries: &[Value], expected: &[&str]) {
    assert_eq!(shown(&ask(world, &request(queries))), expected);
}

#[test]
fn a_statistic_is_answered_by_period() {
    let world = World::new();
    put(&world, "IncomingBytes", "s", &[10.0, 20.0, 30.0]);
    world.check(
        "GetMetricData",
        &request(&[sum("m1", "IncomingBytes", "s")]).to_string(),
        &format!(
            r#"{{"MetricDataResults":[{{"Id":"m1","Label":"IncomingBytes","Timestamps":[{},{},{}],"Values":[20.0,40.0,60.0],"StatusCode":"Complete"}}],"Messages":[]}}"#,
            second(0),
            second(1),
            second(2),
        ),
    );
    for (statistic, expected) in [
        ("Average", "m1 IncomingBytes: 0=20"),
        ("SampleCount", "m1 IncomingBytes: 0=6"),
        ("Minimum", "m1 IncomingBytes: 0=10"),
        ("Maximum", "m1 IncomingBytes: 0=30"),
        ("p100", "m1 IncomingBytes: 0=30"),
    ] {
        check(&world, &[stat("m1", "IncomingBytes", "s", statistic, 300)], &[expected]);
    }
}

#[test]
fn newest_is_first_unless_asked_otherwise_and_the_end_is_exclusive() {
    let world = World::new();
    put(&world, "IncomingBytes", "s", &[1.0, 2.0, 3.0, 4.0]);
    let mut asked = request(&[sum("m", "IncomingBytes", "s")]);
    asked["EndTime"] = json!(second(3));
    asked.as_object_mut().expect("a map").remove("ScanBy");
    assert_eq!(shown(&ask(&world, &asked)), ["m IncomingBytes: 2=6 1=4 0=2"]);
    asked["StartTime"] = json!(second(1) + 30);
    assert_eq!(shown(&ask(&world, &asked)), ["m IncomingBytes: 2=6 1=4"], "rounded down");
}

#[test]
fn what_is_not_there_is_complete_and_empty() {
    let world = World::new();
    put(&world, "IncomingBytes", "s", &[1.0]);
    let other_unit = with(sum("u", "IncomingBytes", "s"), json!({}));
    let mut other_unit = other_unit;
    other_unit["MetricStat"]["Unit"] = json!("Count");
    check(
        &world,
        &[sum("a", "IncomingBytes", "t"), sum("b", "IncomingBytes", ""), other_unit],
        &["a t:", "b IncomingBytes:", "u s:"],
    );
}

#[test]
fn metrics_are_added_and_hidden_ones_are_not_shown() {
    let world = World::new();
    put(&world, "IncomingBytes", "s", &[10.0, 20.0]);
    put_as(&world, "IncomingRecords", "s", Unit::Count, &[Some(1.0), None, Some(2.0)]);
    let hidden = json!({"ReturnData": false});
    check(
        &world,
        &[
            math("per_record", "double / 2 / records"),
            with(sum("bytes", "IncomingBytes", "s"), hidden.clone()),
            with(sum("records", "IncomingRecords", "s"), hidden.clone()),
            with(math("double", "bytes * 2"), hidden),
            with(math("total", "SUM(METRICS())"), json!({"Label": "Total"})),
        ],
        &["per_record per_record: 0=10 2=0", "total Total: 0=22 1=40 2=4"],
    );
    let answer = ask(&world, &request(&[math("e", "m / 0"), sum("m", "IncomingBytes", "s")]));
    assert_eq!(
        answer["MetricDataResults"][0]["Messages"],
        json!([{
            "Code": "ArithmeticError",
            "Value": "One or more data-points have been dropped due to non-numeric values (NaN, -Infinite, +Infinite)",
        }])
    );
}

#[test]
fn search_finds_the_streams() {
    let world = World::new();
    for (stream, value) in [("orders", 1.0), ("payments", 2.0), ("order-items", 3.0)] {
        put(&world, "IncomingBytes", stream, &[value]);
        put_as(&world, "IncomingRecords", stream, Unit::Count, &[Some(7.0)]);
    }
    let search = |text: &str| format!("SEARCH('{{AWS/Kinesis,StreamName}} {text}', 'Sum', 60)");
    let bytes = search(r#"MetricName="IncomingBytes""#);
    check(
        &world,
        &[math("e", &bytes)],
        &["e order-items: 0=6", "e orders: 0=2", "e payments: 0=4"],
    );
    check(&world, &[math("e", &format!("SUM({bytes})"))], &["e e: 0=12"]);
    let labelled = with(math("e", &bytes), json!({"Label": "[${MAX}] ${LABEL}"}));
    check(
        &world,
        &[labelled],
        &["e [6] order-items: 0=6", "e [2] orders: 0=2", "e [4] payments: 0=4"],
    );
    let behind = with(math("e", &search("orders")), json!({"Label": "All:"}));
    check(&world, &[behind], &["e All: IncomingBytes: 0=2", "e All: IncomingRecords: 0=14"]);
    check(&world, &[math("e", &search("NOT Incoming"))], &[]);
    let two = "SEARCH('payments', 'Maximum', 60) / 2";
    check(&world, &[math("e", two)], &["e IncomingBytes: 0=1", "e IncomingRecords: 0=3.5"]);
}

#[test]
fn search_finds_no_more_than_500_series_and_says_so() {
    let world = World::new();
    for index in 0..1_200 {
        put(&world, "IncomingBytes", &format!("s{index:04}"), &[1.0]);
    }
    let found = |text: &str| {
        let query = format!("SEARCH('{{AWS/Kinesis,StreamName}} {text}', 'Sum', 60)");
        let answer = ask(&world, &request(&[math("e", &query)]));
        (answer["MetricDataResults"].as_array().expect("a list").len(), answer["Messages"].clone())
    };
    let (count, messages) = found("IncomingBytes");
    assert_eq!(count, 500);
    let expected = "Maximum number of allowed metrics exceeded";
    assert_eq!(messages, json!([{"Code": "MaxMetricsExceeded", "Value": expected}]));
    let twice = math("f", "SEARCH('IncomingBytes StreamName=s', 'Average', 60)");
    let once = math("e", "SEARCH('StreamName=\"s0001\"', 'Sum', 60)");
    let answer = ask(&world, &request(&[twice, once, sum("m", "IncomingBytes", "s0000")]));
    assert_eq!(shown(&answer).len(), 500, "in all, with the metric that is asked for by name");
    // Behind the first page of the store's list.
    assert_eq!(found("StreamName=\"s1199\""), (1, json!([])));
    let last_hundred = "NOT IncomingRecords StreamName=1";
    assert_eq!(found(last_hundred), (0, json!([])), "1 is no word of s1199");
}

#[test]
fn search_finds_what_is_the_callers_and_not_old() {
    let world = World::new();
    put(&world, "IncomingBytes", "s", &[1.0]);
    let request = request(&[math("e", "SEARCH('IncomingBytes', 'Sum', 60)")]).to_string();
    let count = |caller: &Caller| {
        let answer = world.call_as(caller, "GetMetricData", &request);
        let answer: Value = serde_json::from_str(&answer).expect("an answer");
        answer["MetricDataResults"].as_array().expect("a list").len()
    };
    let identity = Identity::dev();
    assert_eq!(count(&caller()), 1);
    assert_eq!(count(&identity.operator("AKID", "eu-central-1")), 0);
    assert_eq!(count(&identity.operator("111111111111", "us-east-1")), 0);
    world.clock.set_ms(NOW_MS + 15 * 24 * 60 * MINUTE_MS);
    assert_eq!(count(&caller()), 0);
}

#[test]
fn labels_say_what_differs_and_hold_values() {
    let world = World::new();
    put(&world, "IncomingBytes", "s", &[1.0, 3.0]);
    check(
        &world,
        &[
            sum("a", "IncomingBytes", "s"),
            stat("b", "IncomingBytes", "s", "Average", 300),
            with(sum("c", "IncomingBytes", "s"), json!({"Label": "mine"})),
            with(
                sum("d", "IncomingBytes", "s"),
                json!({"Label": "${PROP('Dim.StreamName')} ${MAX} ${LABEL}"}),
            ),
        ],
        &[
            "a IncomingBytes Sum 60: 0=2 1=6",
            "b IncomingBytes Average 300: 0=2",
            "c mine: 0=2 1=6",
            "d s 6 IncomingBytes Sum 60: 0=2 1=6",
        ],
    );
    let mut zoned =
        request(&[with(sum("a", "IncomingBytes", "s"), json!({"Label": "${LAST_TIME}"}))]);
    zoned["LabelOptions"] = json!({"Timezone": "+0130"});
    assert_eq!(shown(&ask(&world, &zoned)), ["a 2026-11-24 04:21:00 +0130: 0=2 1=6"]);
}

#[test]
fn several_units_are_told_and_not_mixed() {
    let world = World::new();
    put_as(&world, "m", "", Unit::Seconds, &[Some(1.0)]);
    put_as(&world, "m", "", Unit::Milliseconds, &[Some(500.0), Some(700.0)]);
    let answer = ask(&world, &request(&[sum("m", "m", "")]));
    assert_eq!(shown(&answer), ["m m: 0=1000 1=1400"]);
    let expected = "Multiple units returned: '[Milliseconds, Seconds]'";
    assert_eq!(
        answer["MetricDataResults"][0]["Messages"],
        json!([{"Code": "MultipleUnits", "Value": expected}])
    );
    let mut one = sum("m", "m", "");
    one["MetricStat"]["Unit"] = json!("Seconds");
    let answer = ask(&world, &request(&[one]));
    assert_eq!(shown(&answer), ["m m: 0=2"]);
    assert_eq!(answer["MetricDataResults"][0].get("Messages"), None);
}

#[test]
fn pages_go_on_where_the_last_one_ended() {
    let world = World::new();
    put(&world, "IncomingBytes", "s", &[1.0, 2.0, 3.0]);
    put(&world, "IncomingBytes", "t", &[4.0, 5.0]);
    let queries = [
        sum("a", "IncomingBytes", "s"),
        with(sum("hidden", "IncomingBytes", "s"), json!({"ReturnData": false})),
        sum("none", "IncomingBytes", "u"),
        sum("b", "IncomingBytes", "t"),
    ];
    for scan in ["TimestampAscending", "TimestampDescending"] {
        for max in 1..=6 {
            let mut asked = request(&queries);
            asked["ScanBy"] = json!(scan);
            let whole = shown(&ask(&world, &asked));
            asked["MaxDatapoints"] = json!(max);
            let (mut parts, mut pages) = (Vec::<(String, String)>::new(), 0);
            loop {
                let answer = ask(&world, &asked);
                let count: usize = answer["MetricDataResults"]
                    .as_array()
                    .expect("a list")
                    .iter()
                    .map(|result| result["Values"].as_array().expect("values").len())
                    .sum();
                assert!(count <= max, "{answer}");
                for part in shown(&answer) {
                    let part = part.trim_end_matches(" (PartialData)");
                    let (name, points) = part.split_once(':').expect("a name");
                    match parts.last_mut().filter(|(last, _)| last == name) {
                        Some((_, before)) => before.push_str(points),
                        None => parts.push((name.to_owned(), points.to_owned())),
                    }
                }
                pages += 1;
                match answer.get("NextToken") {
                    Some(token) => asked["NextToken"] = token.clone(),
                    None => break,
                }
            }
            let parts: Vec<_> =
                parts.iter().map(|(name, points)| format!("{name}:{points}")).collect();
            assert_eq!(parts, whole, "{scan} {max}");
            assert!(pages <= 5_usize.div_ceil(max) + 1, "{pages} pages of {max}");
        }
    }
}

#[test]
fn a_token_is_of_its_request() {
    let world = World::new();
    put(&world, "IncomingBytes", "s", &[1.0, 2.0, 3.0]);
    let mut asked = request(&[sum("a", "IncomingBytes", "s")]);
    asked["MaxDatapoints"] = json!(1);
    let answer = ask(&world, &asked);
    assert_eq!(shown(&answer), ["a IncomingBytes: 0=2 (PartialData)"]);
    let token = answer["NextToken"].clone();

    let refused = |mut request: Value, token: &Value| {
        request["NextToken"] = token.clone();
        let error = world.error("GetMetricData", &request.to_string());
        assert!(error.starts_with("InvalidNextToken"), "{error}");
    };
    refused(request(&[sum("b", "IncomingBytes", "s")]), &token);
    refused(request(&[sum("a", "IncomingBytes", "s"), math("e", "a")]), &token);
    for other in ["", "x", &"A".repeat(100_000), "bWV0cmljLWRhdGE"] {
        refused(asked.clone(), &json!(other));
    }
    asked["NextToken"] = token;
    assert_eq!(shown(&ask(&world, &asked)), ["a IncomingBytes: 1=4 (PartialData)"]);
}

#[test]
fn with_expressions_there_is_one_page() {
    let world = World::new();
    put(&world, "IncomingBytes", "s", &[1.0, 2.0, 3.0]);
    let mut asked = request(&[sum("a", "IncomingBytes", "s"), math("e", "-a")]);
    asked["MaxDatapoints"] = json!(4);
    let answer = ask(&world, &asked);
    assert_eq!(shown(&answer), ["a IncomingBytes: 0=2 1=4 2=6", "e e: 0=-2 (PartialData)"]);
    assert_eq!(answer.get("NextToken"), None);
}

#[test]
fn what_is_wrong_is_told_in_awss_words() {
    let world = World::new();
    let check = |request: Value, expected: &str| {
        world.check("GetMetricData", &request.to_string(), expected);
    };
    let of = |query: Value| request(&[query]);
    let bytes = || sum("m", "IncomingBytes", "s");
    check(
        request(&[sum("M", "IncomingBytes", "s"), sum("1m", "IncomingBytes", "s")]),
        "ValidationException: The value M for parameter MetricDataQueries.member.1.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.\nThe value 1m for parameter MetricDataQueries.member.2.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.\n",
    );
    check(
        of(json!({"Id": "m"})),
        "ValidationException: The parameter MetricDataQueries.member.1.MetricStat is required.\n",
    );
    check(
        of(with(bytes(), json!({"Expression": "m"}))),
        "ValidationException: The parameters MetricDataQueries.member.1.MetricStat and MetricDataQueries.member.1.Expression are mutually exclusive and you have specified both.\n",
    );
    check(
        of(stat("m", "IncomingBytes", "s", "Most", 60)),
        "ValidationException: The value for parameter MetricDataQueries.member.1.MetricStat.Stat is not a valid statistic.\n",
    );
    check(
        of(stat("m", "IncomingBytes", "s", "Sum", 90)),
        "ValidationException: The value 90 for parameter MetricDataQueries.member.1.MetricStat.Period is not valid: it must be 1, 5, 10, 20, 30 or a multiple of 60.\n",
    );
    check(
        of(with(bytes(), json!({"AccountId": "111111111111"}))),
        "ValidationException: The value for parameter MetricDataQueries.member.1.AccountId must be the account of the caller.\n",
    );
    check(
        request(&[bytes(), bytes()]),
        "ValidationException: The values for parameter id in MetricDataQueries are not unique.",
    );
    let many: Vec<_> =
        (0..501).map(|index| sum(&format!("m{index}"), "IncomingBytes", "s")).collect();
    check(
        request(&many),
        "ValidationException: The collection MetricDataQueries must not have a size greater than 500.",
    );
    check(of(math("e", "m +")), "ValidationException: Error in expression 'e': Unexpected end.");
    check(
        of(math("e", &"(".repeat(1_000))),
        "ValidationException: Error in expression 'e': An expression is nested at most 64 deep.",
    );
    let long = world.error("GetMetricData", &of(math("e", &"(".repeat(10_000))).to_string());
    assert!(long.contains("Member must have length less than or equal to 2048"), "{long:.200}");

    let changed = |name: &str, value: Value| with(of(bytes()), json!({name: value}));
    check(
        changed("StartTime", json!(second(10))),
        "ValidationException: The parameter StartTime must not equal parameter EndTime.",
    );
    check(
        changed("StartTime", json!(second(11))),
        "ValidationException: The parameter EndTime must be greater than StartTime.",
    );
    check(
        changed("MaxDatapoints", json!(0)),
        "ValidationException: The value 0 for parameter MaxDatapoints is not valid: it must be between 1 and 100800.",
    );
    check(
        changed("MaxDatapoints", json!(100_801)),
        "ValidationException: The value 100801 for parameter MaxDatapoints is not valid: it must be between 1 and 100800.",
    );
    check(
        changed("LabelOptions", json!({"Timezone": "CET"})),
        "ValidationException: The value CET for parameter LabelOptions.Timezone is not matching the expected pattern [+-][0-9]{4}.",
    );
}

/// The furthest times and the finest periods: answered or refused, soon.
#[test]
fn the_largest_ranges_cost_little() {
    let world = World::new();
    put(&world, "IncomingBytes", "s", &[1.0]);
    let ask_all = |text: &str, period_s: u32| {
        let queries = [stat("m", "IncomingBytes", "s", "Sum", period_s), math("e", text)];
        let mut asked = request(&queries);
        asked["StartTime"] = json!(-1e18);
        asked["EndTime"] = json!(1e18);
        world.call_as(&caller(), "GetMetricData", &asked.to_string())
    };
    assert!(ask_all("m * 2", 60).starts_with('{'));
    for text in ["FILL(m, 0)", "TIME_SERIES(1)", "EPOCH(m)"] {
        assert_eq!(
            ask_all(text, 1),
            "ValidationException: Error in expression 'e': The request computes more than 4000000 data points. Use a shorter time range or a longer period."
        );
    }
}

fn call_in(world: &World, protocol: Protocol, input: nautilus_wire::Value<'_>) -> Vec<u8> {
    let answer = world.run(world.room().call(protocol, &caller(), "GetMetricData", input));
    answer.expect("an answer").body.to_vec()
}

#[test]
fn cbor_says_the_same() {
    let world = World::new();
    put(&world, "IncomingBytes", "s", &[1.5]);
    let text = request(&[sum("m", "IncomingBytes", "s")]).to_string();
    let input = nautilus_wire::json::parse(text.as_bytes()).expect("the test's input");
    let body = call_in(&world, Protocol::RpcCbor, input);
    let value = cbor::parse(&body).expect("CBOR");
    let text = format!("{value:?}");
    for part in [
        "MetricDataResults",
        "IncomingBytes",
        "Float(3.0)",
        "Complete",
        "Messages",
        &second(0).to_string(),
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn xml_says_the_same() {
    let world = World::new();
    put(&world, "IncomingBytes", "s", &[1.5]);
    let form = "MetricDataQueries.member.1.Id=m&MetricDataQueries.member.1.MetricStat.Metric.Namespace=AWS/Kinesis&MetricDataQueries.member.1.MetricStat.Metric.MetricName=IncomingBytes&MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Name=StreamName&MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Value=s&MetricDataQueries.member.1.MetricStat.Period=60&MetricDataQueries.member.1.MetricStat.Stat=Sum&MetricDataQueries.member.2.Id=e&MetricDataQueries.member.2.Expression=m%2F2&StartTime=2026-11-24T02:50:00Z&EndTime=2026-11-24T03:00:00Z";
    let input = query::Form::parse(form.as_bytes()).expect("a form").into_value().expect("a tree");
    let body = call_in(&world, Protocol::Query, input);
    assert_eq!(
        String::from_utf8(body).expect("text"),
        "<MetricDataResults><member><Id>m</Id><Label>IncomingBytes</Label><Timestamps><member>2026-11-24T02:50:00Z</member></Timestamps><Values><member>3.0</member></Values><StatusCode>Complete</StatusCode></member><member><Id>e</Id><Label>e</Label><Timestamps><member>2026-11-24T02:50:00Z</member></Timestamps><Values><member>1.5</member></Values><StatusCode>Complete</StatusCode></member></MetricDataResults><Messages/>"
    );
}

/// Queries that are nearly right, and times that are.
fn any_request() -> impl Strategy<Value = Value> {
    let id = || prop::sample::select(vec!["a", "b", "c", "A", ""]);
    let expression = prop::sample::select(vec![
        "a",
        "a + b",
        "b * c",
        "SUM(METRICS())",
        "AVG(a)",
        "FILL(a, b)",
        "SEARCH('Incoming', 'Sum')",
        "SEARCH('(', 'Sum')",
        "SORT(METRICS(), SUM, DESC)",
        "a +",
        "TIME_SERIES(1)",
        "[a, b]",
        "",
    ]);
    let period = prop::sample::select(vec![1, 10, 60, 61, 300, 3600, 0, -1]);
    let label = prop::sample::select(vec!["x", "${MAX} ${LABEL}", "${", ""]);
    let of_metric =
        (id(), period, "(Sum|p9[0-9]|TM\\(1%:9%\\)|Most)").prop_map(|(id, period, stat_name)| {
            let mut query = stat(id, "IncomingBytes", "s", &stat_name, 60);
            query["MetricStat"]["Period"] = json!(period);
            query
        });
    let of_math = (id(), expression).prop_map(|(id, text)| math(id, text));
    let query = (prop_oneof![of_metric, of_math], any::<bool>(), prop::option::of(label)).prop_map(
        |(mut query, returns_data, label)| {
            query["ReturnData"] = json!(returns_data);
            if let Some(label) = label {
                query["Label"] = json!(label);
            }
            query
        },
    );
    let times = (0_u64..20, 0_u64..20, prop::option::of(-1..5));
    (prop::collection::vec(query, 0..5), times).prop_map(|(queries, (start, end, max))| {
        let mut request = request(&queries);
        request["StartTime"] = json!(second(start));
        request["EndTime"] = json!(second(end));
        if let Some(max) = max {
            request["MaxDatapoints"] = json!(max);
        }
        request
    })
}

proptest! {
    /// Any request is answered, or refused as the client's mistake; and the same twice.
    #[test]
    fn every_request_has_one_outcome(request in any_request()) {
        let world = World::new();
        put(&world, "IncomingBytes", "s", &[1.0, 2.0, 0.0]);
        let answer = world.call_as(&caller(), "GetMetricData", &request.to_string());
        let is_refused = ["ValidationException: ", "MissingRequiredParameterException: "]
            .iter()
            .any(|code| answer.starts_with(code));
        prop_assert!(is_refused || answer.starts_with('{'), "{}", answer);
        let again = world.call_as(&caller(), "GetMetricData", &request.to_string());
        prop_assert_eq!(answer, again);
    }
}

#[test]
fn a_page_that_is_late_ends_but_is_never_empty() {
    use super::{Place, Plan, Range, Run, Scan, Scope, open_token, page};
    use crate::metric::{Asked, Metric, MetricDataQuery, MetricStat};

    let world = World::new();
    put(&world, "m", "", &[1.0, 2.0]);
    let query = |id: &str| MetricDataQuery {
        id: id.to_owned(),
        asked: Asked::Stat(MetricStat {
            metric: Metric {
                namespace: "AWS/Kinesis".into(),
                name: "m".into(),
                dimensions: Vec::new(),
            },
            period_s: 60,
            stat: "Sum".into(),
            unit: None,
        }),
        label: None,
        return_data: None,
        account_id: None,
    };
    let queries = ["a", "b", "c"].map(query);
    let plan = Plan::new(&queries).expect("a plan");
    let range = Range { from_ms: NOW_MS - 600_000, to_ms: NOW_MS, is_from_start: false };
    let scan = Scan { range, is_ascending: true, points_max: 100 };
    let (account, region) = ("000000000000", "us-east-1");
    let scope = Scope { account, region, now_ms: NOW_MS, zone_minutes: 0 };
    let metrics = &world.room().inner().metrics;
    let page_at = |place: Place, is_late: bool| {
        let run = Run::new(metrics, scope, &plan, range);
        let page = world.run(page(run, &plan, scan, place, "r", || is_late)).expect("a page");
        let ids: Vec<_> = page.results.iter().map(|part| part.result.id.clone()).collect();
        (ids.concat(), page.next_token)
    };
    assert_eq!(page_at(Place::default(), false), ("abc".to_owned(), None));
    let (mut ids, mut place) = (Vec::new(), Some(Place::default()));
    while let Some(at) = place {
        let (found, token) = page_at(at, true);
        ids.push(found);
        place = token.map(|token| open_token(&token, "r", &plan).expect("our own token"));
    }
    assert_eq!(ids, ["a", "b", "c"]);
}
