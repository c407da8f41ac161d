//! When an alarm is looked at and which states it comes to.

use super::*;
use crate::testing::NOW_MS;

#[test]
fn an_alarm_lives_through_its_states_and_a_restart() {
    let mut world = World::new();
    world.put_alarm("a");
    assert_eq!(
        world.state("a"),
        ("INSUFFICIENT_DATA".to_owned(), "Unchecked: Initial alarm creation".to_owned())
    );
    world.minute(None);
    assert_eq!(world.state_value("a"), "INSUFFICIENT_DATA");
    world.minute(Some(3.0));
    assert_eq!(world.state_value("a"), "OK");

    world.restart();
    assert_eq!(world.state_value("a"), "OK");
    world.minute(Some(11.0));
    let (state, reason) = world.state("a");
    assert_eq!(state, "ALARM");
    assert_eq!(
        reason,
        "Threshold Crossed: 1 datapoint [11.0 (24/11/26 03:02:00)] was greater than the threshold \
         (10.0)."
    );
    world.minute(Some(4.0));
    assert_eq!(world.state_value("a"), "OK");
    assert_eq!(
        world.history(r#"{"AlarmName":"a"}"#),
        [
            "Alarm updated from ALARM to OK",
            "Alarm updated from OK to ALARM",
            "Alarm updated from INSUFFICIENT_DATA to OK",
            "Alarm \"a\" created",
        ]
    );
}

#[test]
fn an_evaluation_that_changes_nothing_writes_nothing() {
    let world = World::new();
    world.put_alarm("a");
    world.minute(Some(3.0));
    let snapshot = || world.room().inner().catalog.snapshot();
    let before = snapshot();
    world.minute(Some(4.0));
    world.minute(Some(5.0));
    assert!(std::sync::Arc::ptr_eq(&before, &snapshot()));
}

#[test]
fn a_new_alarm_is_looked_at_at_once_and_so_are_all_after_a_start() {
    let mut world = World::new();
    world.minute(Some(11.0));
    world.put_alarm("a");
    world.advance(0);
    assert_eq!(world.state_value("a"), "ALARM");

    world.set("a", "OK");
    world.restart();
    world.sample("n", "m", world.now_ms() - MINUTE_MS, 11.0); // a store in memory has forgotten it
    world.advance(0);
    assert_eq!(world.state_value("a"), "ALARM");
}

#[test]
fn an_alarm_is_over_within_five_seconds_after_its_minute_and_no_later_than_its_slot() {
    let world = World::new();
    for n in 0..100 {
        world.put_alarm(&format!("a{n}"));
    }
    world.advance(0);
    world.sample("n", "m", NOW_MS, 11.0);
    let alarms = || {
        let answer = world.ok("DescribeAlarms", r#"{"StateValue":"ALARM","MaxRecords":100}"#);
        answer["MetricAlarms"].as_array().expect("a list").len()
    };
    world.advance(MINUTE_MS);
    assert_eq!(alarms(), 0, "the minute's last counts may be missing yet");
    let mut counts = Vec::new();
    for _ in 0..20 {
        world.advance(250);
        counts.push(alarms());
    }
    assert_eq!(counts[..3], [0, 0, 0]);
    assert!(counts.windows(2).filter(|pair| pair[1] > pair[0]).count() >= 8, "{counts:?}");
    assert_eq!(counts[19], 100);
}

#[test]
fn the_next_tick_is_wanted_when_an_alarm_is_due() {
    let world = World::new();
    let tick = || world.run(world.room().tick());
    assert_eq!(tick(), Some(NOW_MS + 1_000), "the minute before is collected");
    world.clock.set_ms(NOW_MS + 2_000);
    assert_eq!(tick(), Some(NOW_MS + MINUTE_MS + 1_000), "and this one");
    world.put_alarm("a");
    world.run(world.room().next_due_changed().notified());
    assert_eq!(tick(), Some(NOW_MS + MINUTE_MS + 1_000));

    world.check("PutMetricAlarm", &definition("b", json!({"Period": 10})), "");
    assert_eq!(tick(), Some(NOW_MS + 11_000));
    let mut last_ms = NOW_MS;
    for _ in 0..40 {
        let next_ms = tick().expect("alarms are there");
        assert!(next_ms > last_ms && next_ms <= last_ms + 11_000, "{next_ms} after {last_ms}");
        last_ms = next_ms;
        world.clock.set_ms(next_ms);
    }
}

#[test]
fn periods_of_ten_seconds_are_looked_at_every_ten_seconds() {
    let world = World::new();
    world.check("PutMetricAlarm", &definition("a", json!({"Period": 10})), "");
    world.advance(0);
    world.sample("n", "m", NOW_MS + 3_000, 11.0);
    world.advance(15_000);
    assert_eq!(world.state_value("a"), "ALARM");
    world.sample("n", "m", NOW_MS + 13_000, 1.0);
    world.advance(10_000);
    assert_eq!(world.state_value("a"), "OK");
}

#[test]
fn a_jump_of_the_clock_makes_one_round() {
    let world = World::new();
    world.put_alarm("a");
    world.minute(Some(3.0));
    let day_ms = 86_400_000;
    world.clock.set_ms(world.now_ms() + 30 * day_ms);
    world.run(world.room().tick());
    let next_ms = world.run(world.room().tick()).expect("an alarm is there");
    assert!(next_ms > world.now_ms() && next_ms <= world.now_ms() + 61_000);
    assert_eq!(world.state_value("a"), "INSUFFICIENT_DATA");

    world.clock.set_ms(NOW_MS);
    world.run(world.room().tick());
    let next_ms = world.run(world.room().tick()).expect("an alarm is there");
    assert!(next_ms > NOW_MS && next_ms <= NOW_MS + 61_000);
}

#[test]
fn a_state_set_by_hand_lasts_until_the_next_look() {
    let world = World::new();
    world.put_alarm("a");
    world.minute(Some(3.0));
    let input = json!({"AlarmName": "a", "StateValue": "ALARM", "StateReason": "testing",
        "StateReasonData": "{\"by\":\"me\"}"});
    world.check("SetAlarmState", &input.to_string(), "");
    let alarm = world.ok("DescribeAlarms", "{}")["MetricAlarms"][0].clone();
    assert_eq!(
        (&alarm["StateReason"], &alarm["StateReasonData"]),
        (&json!("testing"), &json!("{\"by\":\"me\"}"))
    );
    let history = world.ok("DescribeAlarmHistory", r#"{"HistoryItemType":"StateUpdate"}"#);
    let data = history["AlarmHistoryItems"][0]["HistoryData"].as_str().expect("text");
    let data: Value = serde_json::from_str(data).expect("JSON");
    assert_eq!(
        data["newState"],
        json!({"stateValue": "ALARM", "stateReason": "testing", "stateReasonData": {"by": "me"}})
    );
    world.minute(Some(3.0));
    assert_eq!(world.state_value("a"), "OK");
}

#[test]
fn a_state_of_nobody_or_that_is_none_is_refused() {
    let world = World::new();
    let set = |name: &str, state: &str, data: &str| {
        let input = json!({"AlarmName": name, "StateValue": state, "StateReason": "r",
            "StateReasonData": data});
        world.error("SetAlarmState", &input.to_string())
    };
    assert_eq!(set("a", "OK", "{}"), "ResourceNotFound");
    world.put_alarm("a");
    assert_eq!(
        set("a", "INVALID", "{}"),
        "ValidationException: 1 validation error detected: Value 'INVALID' at 'stateValue' failed \
         to satisfy constraint: Member must satisfy enum value set: [INSUFFICIENT_DATA, ALARM, OK]"
    );
    assert!(set("a", "OK", "{").starts_with("InvalidFormatFault: "));
}

#[test]
fn an_alarm_on_math_watches_what_it_computes() {
    let world = World::new();
    let stat = json!({"Metric": {"Namespace": "n", "MetricName": "m",
        "Dimensions": [{"Name": "D", "Value": "d"}]}, "Period": 60, "Stat": "Sum"});
    let input = json!({"AlarmName": "a", "EvaluationPeriods": 1, "Threshold": 10,
        "ComparisonOperator": "GreaterThanThreshold", "Metrics": [
            {"Id": "e", "Expression": "m * 2"},
            {"Id": "m", "ReturnData": false, "MetricStat": stat}]});
    world.check("PutMetricAlarm", &input.to_string(), "");
    world.minute(Some(5.0));
    assert_eq!(world.state_value("a"), "OK");
    world.minute(Some(6.0));
    let (state, reason) = world.state("a");
    assert_eq!(state, "ALARM");
    assert!(reason.contains("[12.0 (24/11/26 03:01:00)]"), "{reason}");
}

#[test]
fn a_definition_that_changed_while_it_was_looked_at_is_not_changed_by_that() {
    let world = World::new();
    world.put_alarm("a");
    world.minute(Some(3.0));
    world.set("a", "ALARM");
    // A look at the alarm as it was is under way when somebody defines it anew.
    let inner = world.room().inner().clone();
    let before = inner.catalog.snapshot();
    world.clock.set_ms(world.now_ms() + 1);
    world.check("PutMetricAlarm", &definition("a", json!({"Threshold": 1})), "");
    assert!(!std::sync::Arc::ptr_eq(&before, &inner.catalog.snapshot()));
    world.run(super::super::schedule::look_at_all(&inner, &before));
    assert_eq!(world.state_value("a"), "ALARM");
    world.advance(0);
    assert_eq!(world.state_value("a"), "ALARM", "3 is greater than 1");
}

#[test]
fn a_minute_is_not_looked_at_before_its_last_counts_are_there() {
    let world = World::new();
    let fewer = json!({"ComparisonOperator": "LessThanThreshold", "Statistic": "Sum"});
    world.minute(Some(20.0));
    world.sample("n", "m", world.now_ms(), 4.0);
    world.clock.set_ms(NOW_MS + 2 * MINUTE_MS + 500);
    world.check("PutMetricAlarm", &definition("a", fewer), "");
    world.advance(0);
    assert_eq!(world.state_value("a"), "OK", "of the minute before");
    world.sample("n", "m", NOW_MS + 2 * MINUTE_MS - 1, 10.0);
    world.advance(5_000);
    assert_eq!(world.state_value("a"), "OK", "of both counts");
}

#[test]
fn an_alarm_that_looks_back_for_days_is_looked_at_each_hour() {
    let world = World::new();
    let days = json!({"Period": 86_400, "EvaluationPeriods": 2, "DatapointsToAlarm": 1});
    world.check("PutMetricAlarm", &definition("a", days), "");
    world.advance(5_000);
    world.sample("n", "m", world.now_ms(), 11.0);
    for _ in 0..59 {
        world.advance(MINUTE_MS);
        assert_eq!(world.state_value("a"), "INSUFFICIENT_DATA");
    }
    world.advance(MINUTE_MS);
    assert_eq!(world.state_value("a"), "ALARM");
}
