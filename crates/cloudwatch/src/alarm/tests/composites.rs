//! Composite alarms: how they follow, what they may speak of, when they go.

use super::*;

#[test]
fn a_composite_alarm_follows_its_children_in_the_same_change() {
    let world = World::new();
    world.put_alarm("x");
    world.put_alarm("y");
    world.put_composite("one", "ALARM(x) OR ALARM(\"y\")");
    world.put_composite("two", "NOT ALARM(one) AND OK(x)");
    assert_eq!(world.state_value("one"), "OK");
    assert_eq!(
        world.state("two").1,
        "arn:aws:cloudwatch:us-east-1:000000000000:alarm:two was created and its alarm rule \
         evaluates to OK"
    );
    world.set("x", "OK");
    assert_eq!(world.state_value("two"), "ALARM");
    world.set("y", "ALARM");
    assert_eq!((world.state_value("one"), world.state_value("two")), ("ALARM".into(), "OK".into()));
    assert_eq!(
        world.state("one").1,
        "arn:aws:cloudwatch:us-east-1:000000000000:alarm:y transitioned to ALARM at Tuesday 24 \
         November, 2026 03:00:00 UTC"
    );
    let arn = "ALARM(arn:aws:cloudwatch:us-east-1:000000000000:alarm:x)";
    world.put_composite("one", arn);
    assert_eq!((world.state_value("one"), world.state_value("two")), ("OK".into(), "ALARM".into()));
}

#[test]
fn of_two_ways_to_a_composite_alarm_the_longer_one_is_waited_for() {
    let world = World::new();
    world.put_alarm("x");
    world.put_composite("a-last", "TRUE");
    world.put_composite("b", "ALARM(x)");
    world.put_composite("c", "ALARM(b)");
    world.put_composite("a-last", "ALARM(x) AND NOT ALARM(c)");
    world.set("x", "ALARM");
    assert_eq!(world.state_value("c"), "ALARM");
    assert_eq!(world.state_value("a-last"), "OK");
    let history = world.history(r#"{"AlarmName":"a-last","HistoryItemType":"StateUpdate"}"#);
    assert_eq!(history.iter().filter(|one| one.ends_with("to ALARM")).count(), 1, "{history:?}");
}

#[test]
fn alarms_in_a_circle_come_to_rest_and_go_when_the_circle_is_broken() {
    let world = World::new();
    world.put_alarm("x");
    world.put_composite("a", "ALARM(x)");
    world.put_composite("b", "NOT ALARM(a)");
    world.put_composite("a", "ALARM(b) OR ALARM(x)");
    for state in ["ALARM", "OK", "ALARM", "OK"] {
        world.set("x", state);
        world.advance(MINUTE_MS);
    }
    let held =
        "ValidationException: Cannot delete a as there are composite alarm(s) depending on it.";
    world.check("DeleteAlarms", r#"{"AlarmNames":["a"]}"#, held);
    world.put_composite("a", "FALSE");
    world.check("DeleteAlarms", r#"{"AlarmNames":["b"]}"#, "");
    world.check("DeleteAlarms", r#"{"AlarmNames":["a"]}"#, "");
}

#[test]
fn a_composite_alarm_must_speak_of_alarms_that_are_there() {
    let world = World::new();
    world.put_alarm("x");
    let put = |rule: &str| {
        let input = json!({"AlarmName": "c", "AlarmRule": rule}).to_string();
        world.error("PutCompositeAlarm", &input)
    };
    assert_eq!(
        put("ALARM(x) OR ALARM(y) OR OK(\"z z\")"),
        "ValidationException: Could not save the composite alarm as alarms [y, z z] in the alarm \
         rule do not exist"
    );
    let other = "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:x";
    assert!(put(&format!("ALARM({other})")).ends_with("do not exist"));
    assert!(put("ALARM(x) AND").starts_with("ValidationException: Error in AlarmRule ["));
    assert_eq!(world.history("{}"), ["Alarm \"x\" created"]);
}

#[test]
fn a_name_is_of_one_kind() {
    let world = World::new();
    world.put_alarm("x");
    let input = json!({"AlarmName": "x", "AlarmRule": "TRUE"}).to_string();
    assert!(world.error("PutCompositeAlarm", &input).starts_with("ValidationException: "));
}

#[test]
fn an_alarm_in_a_composite_alarm_stays_and_so_do_all_of_the_call() {
    let world = World::new();
    for name in ["x", "y", "z"] {
        world.put_alarm(name);
    }
    world.put_composite("c", "ALARM(x) OR ALARM(y)");
    world.put_composite("d", "TRUE");
    world.check(
        "DeleteAlarms",
        r#"{"AlarmNames":["z","y","x"]}"#,
        "ValidationException: Cannot delete x,y as there are composite alarm(s) depending on them.",
    );
    assert!(world.error("DeleteAlarms", r#"{"AlarmNames":["c","d"]}"#).starts_with("Validation"));
    assert_eq!(names(&world, r#"{"AlarmTypes":["CompositeAlarm","MetricAlarm"]}"#), "x y z c d");

    world.check("DeleteAlarms", r#"{"AlarmNames":["c","x","y","unknown"]}"#, "");
    assert_eq!(names(&world, r#"{"AlarmTypes":["CompositeAlarm","MetricAlarm"]}"#), "z d");
    assert_eq!(world.history(r#"{"AlarmName":"x"}"#)[0], "Alarm \"x\" deleted");
}

#[test]
fn a_composite_alarm_tells_which_child_it_was() {
    let world = World::new();
    world.topic();
    world.put_alarm("x");
    world.put_alarm("y");
    let input = json!({"AlarmName": "c", "AlarmRule": "ALARM(x) OR ALARM(y)",
        "AlarmActions": [TOPIC]});
    world.check("PutCompositeAlarm", &input.to_string(), "");
    world.advance(0);
    world.set("y", "ALARM");
    world.advance(0);
    let posts = world.posts();
    let message: Value =
        serde_json::from_str(posts[0]["Message"].as_str().expect("text")).expect("JSON");
    assert_eq!(message["AlarmRule"], "ALARM(x) OR ALARM(y)");
    let children = message["TriggeringChildren"].as_array().expect("a list");
    assert_eq!(children.len(), 1);
    assert_eq!(children[0]["Arn"], "arn:aws:cloudwatch:us-east-1:000000000000:alarm:y");
}
