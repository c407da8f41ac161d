//! What is done on a change of a state, and what the history says of it.

use super::*;

#[test]
fn actions_are_done_on_a_change_and_only_where_they_are_enabled() {
    let world = World::new();
    let lambda = "arn:aws:lambda:us-east-1:000000000000:function:f";
    let actions = json!({"AlarmActions": [lambda]});
    world.check("PutMetricAlarm", &definition("a", actions), "");
    world.advance(0);
    let actions = || world.history(r#"{"HistoryItemType":"Action"}"#);
    world.set("a", "ALARM");
    world.advance(0);
    let failed = format!(
        "Failed to execute action {lambda}. Received error: \"This server publishes to its own SNS \
         topics; it has no lambda to act on.\""
    );
    assert_eq!(actions(), [failed.as_str()]);
    world.set("a", "ALARM");
    world.advance(0);
    assert_eq!(actions().len(), 1, "it was ALARM already");

    world.check("DisableAlarmActions", r#"{"AlarmNames":["a","unknown"]}"#, "");
    world.set("a", "OK");
    world.set("a", "ALARM");
    world.advance(0);
    assert_eq!(actions().len(), 1);
    let enabled = || world.ok("DescribeAlarms", "{}")["MetricAlarms"][0]["ActionsEnabled"].clone();
    assert_eq!(enabled(), json!(false));

    world.check("EnableAlarmActions", r#"{"AlarmNames":["a"]}"#, "");
    world.advance(0);
    assert_eq!((actions().len(), enabled()), (1, json!(true)), "what was missed is not done");
    world.set("a", "OK");
    world.set("a", "ALARM");
    world.advance(0);
    assert_eq!(actions(), [failed.as_str(), failed.as_str()]);
}

#[test]
fn what_was_to_be_done_is_done_after_a_kill_with_the_same_ids() {
    let mut world = World::new();
    world.check("PutMetricAlarm", &definition("a", json!({"AlarmActions": [TOPIC]})), "");
    world.set("a", "ALARM");
    let pending = |world: &World| -> Vec<_> {
        let snapshot = world.room().inner().catalog.snapshot();
        snapshot.pending().map(|(number, pending)| (number, pending.clone())).collect()
    };
    let before = pending(&world);
    assert_eq!((before.len(), before[0].1.todo.len()), (1, 1));
    world.kill();
    assert_eq!(pending(&world), before);
    assert_eq!(world.state_value("a"), "ALARM");
    world.advance(0);
    assert_eq!(pending(&world), []);
    assert_eq!(world.history(r#"{"HistoryItemType":"Action"}"#).len(), 1);
}

#[test]
fn a_topic_is_told_and_the_history_says_so() {
    let world = World::new();
    world.topic();
    let actions =
        json!({"AlarmActions": [TOPIC], "OKActions": [TOPIC], "AlarmDescription": "late"});
    world.check("PutMetricAlarm", &definition("a", actions), "");
    world.minute(Some(3.0));
    world.posts();
    world.minute(Some(11.0));
    let posts = world.posts();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0]["Subject"], "ALARM: \"a\" in US East (N. Virginia)");
    let message: Value =
        serde_json::from_str(posts[0]["Message"].as_str().expect("text")).expect("JSON");
    assert_eq!(message["AlarmName"], "a");
    assert_eq!(
        (&message["OldStateValue"], &message["NewStateValue"]),
        (&json!("OK"), &json!("ALARM"))
    );
    assert_eq!(message["Trigger"]["MetricName"], "m");
    let id = posts[0]["MessageId"].as_str().expect("text");
    assert_eq!(
        world.history(r#"{"HistoryItemType":"Action"}"#)[..2],
        [
            format!("Delivered notification {id} to {ENDPOINT}"),
            format!("Successfully executed action {TOPIC}"),
        ]
    );
}

#[test]
fn an_endpoint_that_does_not_answer_is_told_of_again_and_again() {
    let world = World::new();
    world.topic();
    world.check("PutMetricAlarm", &definition("a", json!({"AlarmActions": [TOPIC]})), "");
    world.advance(0);
    world.set("a", "ALARM");
    world.advance(0);
    assert_eq!(world.answered(&Outcome::Status(500)).len(), 1);
    let next_ms = world.run(world.room().tick()).expect("something is due");
    assert!(next_ms <= world.now_ms() + 5_000, "what becomes of it is looked at");
    let history = world.history(r#"{"HistoryItemType":"Action","MaxRecords":1}"#);
    assert!(history[0].starts_with("Failed to deliver notification "), "{history:?}");
    assert!(history[0].contains("attempt 1 failed"), "{history:?}");
    world.clock.set_ms(world.now_ms() + MINUTE_MS);
    assert_eq!(world.answered(&Outcome::Status(404)).len(), 1);
    let history = world.history(r#"{"HistoryItemType":"Action","MaxRecords":1}"#);
    assert!(history[0].contains("given up"), "{history:?}");
}

#[test]
fn a_topic_that_is_not_there_or_is_anothers_is_a_failed_action() {
    let world = World::new();
    let other = "arn:aws:sns:us-east-1:111111111111:t";
    let actions = json!({"AlarmActions": [TOPIC, other]});
    world.check("PutMetricAlarm", &definition("a", actions), "");
    world.advance(0);
    world.set("a", "ALARM");
    world.advance(0);
    assert_eq!(
        world.history(r#"{"HistoryItemType":"Action"}"#),
        [
            format!(
                "Failed to execute action {other}. Received error: \"CloudWatch Alarms is not \
                 authorized to perform: SNS:Publish on resource: {other} because no resource-based \
                 policy allows the SNS:Publish action\""
            ),
            format!("Failed to execute action {TOPIC}. Received error: \"Topic does not exist\""),
        ]
    );
    let elsewhere = "arn:aws:sns:eu-west-1:000000000000:t";
    world.check(
        "PutMetricAlarm",
        &definition("a", json!({"AlarmActions": [elsewhere]})),
        "ValidationException: Invalid region eu-west-1 specified. Only us-east-1 is supported.",
    );
}

#[test]
fn a_message_keeps_its_id_wherever_the_process_ends() {
    // Between the change and the action, and between the action and its record: the disk is as it was then.
    for ends_after_the_action in [false, true] {
        let mut world = World::new();
        world.topic();
        world.check("PutMetricAlarm", &definition("a", json!({"AlarmActions": [TOPIC]})), "");
        world.advance(0);
        world.set("a", "ALARM");
        let snapshot = world.room().inner().catalog.snapshot();
        let (_, pending) = snapshot.pending().next().expect("it is to be done");
        let id = pending.todo[0].message_id.clone();
        if ends_after_the_action {
            let publish = nautilus_sns::Publish {
                topic_arn: TOPIC.to_owned(),
                subject: Some(pending.subject.clone()),
                message: pending.message.clone(),
                message_id: id.clone(),
                origin: None,
            };
            world.run(world.room().inner().sns.publish(publish)).expect("it is published");
        }
        world.kill();
        world.advance(0);
        let posts = world.posts();
        assert_eq!(posts.len(), 1, "after the action: {ends_after_the_action}");
        assert_eq!(posts[0]["MessageId"], id);
        world.advance(0);
        world.kill();
        world.advance(0);
        assert_eq!(world.posts().len(), 0);
    }
}
