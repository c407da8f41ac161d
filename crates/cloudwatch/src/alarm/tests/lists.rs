//! What DescribeAlarms, DescribeAlarmsForMetric and DescribeAlarmHistory find, page by page.

use super::*;
use crate::testing::NOW_MS;

/// All pages of a list, by one member of its items.
fn pages(
    world: &World,
    operation: &str,
    input: &Value,
    list: &[&str],
    member: &str,
) -> Vec<String> {
    let (mut input, mut all) = (input.clone(), Vec::new());
    for _ in 0..100 {
        let answer = world.ok(operation, &input.to_string());
        let items = list.iter().flat_map(|list| answer[*list].as_array().expect("a list").clone());
        let items: Vec<Value> = items.collect();
        assert!(items.len() as u64 <= input["MaxRecords"].as_u64().expect("a number"));
        all.extend(items.iter().map(|item| item[member].as_str().expect("text").to_owned()));
        match answer.get("NextToken") {
            None => return all,
            Some(token) => input["NextToken"] = token.clone(),
        }
    }
    panic!("the list of {operation} never ends");
}

#[test]
fn alarms_are_found_by_what_is_asked() {
    let world = World::new();
    for name in ["ab", "a", "b", "ä"] {
        world.put_alarm(name);
    }
    world.check("PutMetricAlarm", &definition("topic", json!({"OKActions": [TOPIC]})), "");
    world.put_composite("ac", "ALARM(a) AND ALARM(b)");
    world.set("b", "ALARM");
    for (input, expected) in [
        ("{}", "a ab b topic ä"),
        (r#"{"AlarmTypes":[]}"#, "a ab b topic ä"),
        (r#"{"AlarmTypes":["CompositeAlarm"]}"#, "ac"),
        (r#"{"AlarmNamePrefix":"a"}"#, "a ab"),
        (r#"{"AlarmNamePrefix":"a","AlarmTypes":["CompositeAlarm","MetricAlarm"]}"#, "a ab ac"),
        (r#"{"AlarmNames":["b","a","none","b"]}"#, "a b"),
        (r#"{"AlarmNames":["ac"]}"#, ""),
        (r#"{"StateValue":"ALARM"}"#, "b"),
        (r#"{"ActionPrefix":"arn:aws:sns:"}"#, "topic"),
        (r#"{"ActionPrefix":"arn:aws:lambda:"}"#, ""),
        (r#"{"ChildrenOfAlarmName":"ac"}"#, "a b"),
        (r#"{"ParentsOfAlarmName":"a"}"#, "ac"),
        (r#"{"ParentsOfAlarmName":"ab"}"#, ""),
        (r#"{"ChildrenOfAlarmName":"unknown"}"#, ""),
    ] {
        assert_eq!(names(&world, input), expected, "{input}");
    }
    world.check(
        "DescribeAlarms",
        r#"{"AlarmNames":["none"]}"#,
        r#"{"MetricAlarms":[],"CompositeAlarms":[],"LogAlarms":[]}"#,
    );
    for input in [
        r#"{"ChildrenOfAlarmName":"ac","StateValue":"OK"}"#,
        r#"{"ParentsOfAlarmName":"a","AlarmNames":["a"]}"#,
        r#"{"ParentsOfAlarmName":"a","ChildrenOfAlarmName":"ac"}"#,
        r#"{"AlarmNames":["a"],"AlarmNamePrefix":"a"}"#,
        r#"{"NextToken":"garbage"}"#,
        r#"{"MaxRecords":101}"#,
    ] {
        world.error("DescribeAlarms", input);
    }
    let child = world.ok("DescribeAlarms", r#"{"ChildrenOfAlarmName":"ac","MaxRecords":1}"#);
    let mut members: Vec<_> =
        child["MetricAlarms"][0].as_object().expect("members").keys().cloned().collect();
    members.sort();
    assert_eq!(members, ["AlarmArn", "AlarmName", "StateUpdatedTimestamp", "StateValue"]);
}

#[test]
fn pages_of_alarms_tell_each_once() {
    let world = World::new();
    for n in 0..7 {
        world.put_alarm(&format!("m{n}"));
        world.put_composite(&format!("m{n}c"), "TRUE");
    }
    let lists = ["MetricAlarms", "CompositeAlarms"];
    let all = |max: u64| {
        let types = json!(["CompositeAlarm", "MetricAlarm"]);
        let input = json!({"MaxRecords": max, "AlarmNamePrefix": "m", "AlarmTypes": types});
        let mut names = pages(&world, "DescribeAlarms", &input, &lists, "AlarmName");
        names.sort();
        names
    };
    let expected: Vec<String> = (0..7).flat_map(|n| [format!("m{n}"), format!("m{n}c")]).collect();
    for max in [1, 3, 7, 14, 15] {
        assert_eq!(all(max), expected, "{max} a page");
    }
}

#[test]
fn pages_of_history_tell_each_once_in_both_orders() {
    let world = World::new();
    world.put_alarm("a");
    for n in 0..9 {
        world.set("a", if n % 2 == 0 { "ALARM" } else { "OK" });
        if n % 3 == 0 {
            world.clock.set_ms(world.now_ms() + 1);
        }
    }
    let whole = world.history("{}");
    assert_eq!(whole.len(), 10);
    let mut ascending = whole.clone();
    ascending.reverse();
    for max in [1, 3, 10] {
        let input = json!({"MaxRecords": max});
        let list = ["AlarmHistoryItems"];
        let told = pages(&world, "DescribeAlarmHistory", &input, &list, "HistorySummary");
        assert_eq!(told, whole);
        let input = json!({"MaxRecords": max, "ScanBy": "TimestampAscending"});
        let told = pages(&world, "DescribeAlarmHistory", &input, &list, "HistorySummary");
        assert_eq!(told, ascending);
    }
    world.error("DescribeAlarmHistory", r#"{"NextToken":"garbage"}"#);
}

#[test]
fn a_history_is_filtered_and_forgets_after_two_weeks() {
    let mut world = World::new();
    world.put_alarm("a");
    world.put_composite("c", "ALARM(a)");
    world.clock.set_ms(NOW_MS + MINUTE_MS);
    world.set("a", "ALARM");
    let second = NOW_MS / 1000 + 30;
    for (input, count) in [
        (json!({}), 5),
        (json!({"AlarmName": "a"}), 2),
        (json!({"AlarmTypes": ["CompositeAlarm"]}), 3),
        (json!({"HistoryItemType": "StateUpdate"}), 3),
        (json!({"HistoryItemType": "AlarmContributorAction"}), 0),
        (json!({"AlarmContributorId": "x"}), 0),
        (json!({"StartDate": second}), 2),
        (json!({"EndDate": second}), 3),
        (json!({"AlarmName": "none"}), 0),
    ] {
        assert_eq!(world.history(&input.to_string()).len(), count, "{input}");
    }
    world.check("DeleteAlarms", r#"{"AlarmNames":["c"]}"#, "");
    world.restart();
    assert_eq!(
        world.history(r#"{"AlarmTypes":["CompositeAlarm"]}"#).len(),
        4,
        "after its deletion"
    );

    let rows = |world: &World| world.room().inner().catalog.snapshot().history.entries().count();
    assert_eq!(rows(&world), 6);
    world.clock.set_ms(NOW_MS + crate::limits::HISTORY_LIFE_MS + MINUTE_MS / 2);
    assert_eq!(world.history("{}").len(), 3);
    world.advance(0);
    world.advance(crate::limits::HISTORY_PRUNE_INTERVAL_MS);
    assert_eq!(rows(&world), 1, "of the alarm that is left: it has no data any more");
    world.restart();
    assert_eq!(rows(&world), 1);
}

#[test]
fn alarms_of_a_metric_have_its_dimensions_in_any_order() {
    let world = World::new();
    let pair = |a: &str, b: &str| json!([{"Name": a, "Value": "1"}, {"Name": b, "Value": "1"}]);
    world.check("PutMetricAlarm", &definition("a", json!({"Dimensions": pair("X", "Y")})), "");
    world.put_alarm("b");
    let found = |input: Value| {
        let mut input = input;
        (input["MetricName"], input["Namespace"]) = (json!("m"), json!("n"));
        let answer = world.ok("DescribeAlarmsForMetric", &input.to_string());
        let alarms = answer["MetricAlarms"].as_array().expect("a list").clone();
        alarms
            .iter()
            .map(|alarm| alarm["AlarmName"].as_str().expect("text").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(found(json!({"Dimensions": pair("Y", "X")})), ["a"]);
    assert_eq!(found(json!({})), Vec::<String>::new());
    let of_b = json!([{"Name": "D", "Value": "d"}]);
    assert_eq!(found(json!({"Dimensions": of_b, "Statistic": "Maximum", "Period": 60})), ["b"]);
    assert_eq!(found(json!({"Dimensions": of_b, "Statistic": "Sum"})), Vec::<String>::new());
    assert_eq!(found(json!({"Dimensions": of_b, "ExtendedStatistic": "p9"})), Vec::<String>::new());
    assert_eq!(found(json!({"Dimensions": of_b, "Unit": "Bytes"})), Vec::<String>::new());
}
