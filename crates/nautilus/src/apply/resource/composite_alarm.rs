//! `aws_cloudwatch_composite_alarm`.

use super::{
    Nested, Schema,
    alarm::{Alarm, Form},
};
use crate::apply::{arguments::Arguments, fault::Fault};

pub(super) const SCHEMA: Schema = Schema {
    name: "aws_cloudwatch_composite_alarm",
    arguments: &[
        "actions_enabled",
        "alarm_actions",
        "alarm_description",
        "alarm_name",
        "alarm_rule",
        "insufficient_data_actions",
        "ok_actions",
        "tags",
    ],
    nested: &[Nested {
        block: "actions_suppressor",
        required: &["alarm", "extension_period", "wait_period"],
        optional: &[],
    }],
    repeated: &[],
    answered: &["arn", "id", "tags_all"],
    unread: &["region"],
    read: |arguments| Ok(Box::new(read(arguments)?)),
};

const FORM: Form = Form {
    put: "PutCompositeAlarm",
    alarm_type: "CompositeAlarm",
    listed: "CompositeAlarms",
    members: &[
        ("actions_enabled", "ActionsEnabled"),
        ("alarm_actions", "AlarmActions"),
        ("alarm_description", "AlarmDescription"),
        ("alarm_rule", "AlarmRule"),
        ("insufficient_data_actions", "InsufficientDataActions"),
        ("ok_actions", "OKActions"),
    ],
    blocks: &[
        ("actions_suppressor.alarm", "ActionsSuppressor"),
        ("actions_suppressor.extension_period", "ActionsSuppressorExtensionPeriod"),
        ("actions_suppressor.wait_period", "ActionsSuppressorWaitPeriod"),
    ],
    kept: &[],
    usual: &[],
};

fn read(arguments: &Arguments<'_, '_>) -> Result<Alarm, Fault> {
    let mut alarm = Alarm::read(arguments, &FORM)?;
    alarm.set("AlarmRule", Some(arguments.required("alarm_rule")?));
    alarm.set("ActionsSuppressor", arguments.text("actions_suppressor.alarm")?);
    for (argument, member) in [
        ("actions_suppressor.extension_period", "ActionsSuppressorExtensionPeriod"),
        ("actions_suppressor.wait_period", "ActionsSuppressorWaitPeriod"),
    ] {
        alarm.set(member, arguments.whole(argument, 0..=i32::MAX as u64)?);
    }
    Ok(alarm)
}
