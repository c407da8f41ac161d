//! What both kinds of alarms are defined by: name, description, actions, tags.

use std::collections::BTreeMap;

use nautilus_identity::Caller;
use nautilus_wire::{Members, rules::LengthRule};

use super::{
    describe,
    history::{Act, Item},
    model::{About, Alarm, State, alarm_arn},
};
use crate::{
    catalog::{AlarmId, Edit},
    error::Error,
    limits, rules,
};

/// The members that PutMetricAlarm and PutCompositeAlarm share.
#[derive(Debug)]
pub(crate) struct Given {
    pub name: String,
    pub description: Option<String>,
    pub actions_enabled: Option<bool>,
    pub ok_actions: Vec<String>,
    pub alarm_actions: Vec<String>,
    pub insufficient_data_actions: Vec<String>,
    pub tags: Vec<(String, String)>,
}

impl Given {
    pub(crate) fn read(members: &mut Members<'_>) -> Given {
        Given {
            name: members.required_string("AlarmName", &rules::ALARM_NAME).into_owned(),
            description: members
                .string("AlarmDescription", &rules::ALARM_DESCRIPTION)
                .map(|text| text.into_owned()),
            actions_enabled: members.boolean("ActionsEnabled"),
            ok_actions: read_actions(members, "OKActions"),
            alarm_actions: read_actions(members, "AlarmActions"),
            insufficient_data_actions: read_actions(members, "InsufficientDataActions"),
            tags: members.list("Tags", &LengthRule::ANY, read_tag).unwrap_or_default(),
        }
    }

    /// The ARN that the alarm has or will have.
    pub(crate) fn resource(&self, caller: &Caller) -> String {
        alarm_arn(&caller.account, &caller.region, &self.name)
    }

    /// What no constraint of the model says.
    pub(crate) fn check(&self, region: &str) -> Result<(), Error> {
        if self.name.chars().any(char::is_control) {
            return Err(Error::Validation(
                "AlarmName must not contain control characters".to_owned(),
            ));
        }
        let actions = [&self.ok_actions, &self.alarm_actions, &self.insufficient_data_actions];
        if let Some(action) = actions.into_iter().flatten().find(|action| !is_arn(action)) {
            return Err(Error::Validation(format!("Invalid arn syntax: {action}")));
        }
        let is_elsewhere = |action: &&String| {
            let mut parts = action.split(':').skip(2);
            parts.next() == Some("sns") && parts.next() != Some(region)
        };
        if let Some(action) = actions.into_iter().flatten().find(is_elsewhere) {
            let elsewhere = action.split(':').nth(3).unwrap_or_default();
            return Err(Error::Validation(format!(
                "Invalid region {elsewhere} specified. Only {region} is supported."
            )));
        }
        owned_tags(&self.tags).map(drop)
    }

    /// What the alarm is, defined now. One that is there keeps its state and its tags: AWS ignores those of an update.
    pub(crate) fn about(self, id: &AlarmId, before: Option<&About>, now_ms: u64) -> About {
        let tags = || self.tags.iter().cloned().collect();
        About {
            account: id.account.clone(),
            region: id.region.clone(),
            tags: before.map_or_else(tags, |about| about.tags.clone()),
            name: self.name,
            description: self.description,
            actions_enabled: self.actions_enabled.unwrap_or(true),
            ok_actions: self.ok_actions,
            alarm_actions: self.alarm_actions,
            insufficient_data_actions: self.insufficient_data_actions,
            configured_ms: now_ms,
            state: before.map_or_else(|| State::unchecked(now_ms), |about| about.state.clone()),
        }
    }
}

/// Puts a defined alarm in its place, with the item that tells of it.
pub(crate) fn define(edit: &mut Edit, alarm: Alarm, now_ms: u64) -> Result<(), Error> {
    let id = AlarmId::of(alarm.about());
    let act = match edit.next().alarm(&id) {
        None => Act::Create,
        Some(before) if before.kind() == alarm.kind() => Act::Update,
        Some(_) => {
            return Err(Error::Validation(format!(
                "An alarm of another type has the name {} already.",
                id.name
            )));
        }
    };
    let definition = describe::definition(&alarm);
    edit.add_item(&Item::configuration(id, alarm.kind(), now_ms, act, &definition));
    edit.define_alarm(alarm)
}

fn read_actions(members: &mut Members<'_>, name: &'static str) -> Vec<String> {
    let actions = members.strings(name, &rules::ACTIONS, &rules::ACTION).unwrap_or_default();
    actions.into_iter().map(|action| action.into_owned()).collect()
}

/// Reads a member of `Tags`.
pub(crate) fn read_tag(members: &mut Members<'_>) -> (String, String) {
    let key = members.required_string("Key", &rules::TAG_KEY).into_owned();
    (key, members.required_string("Value", &rules::TAG_VALUE).into_owned())
}

/// Tags by key, if one alarm may have them.
pub(crate) fn owned_tags(tags: &[(String, String)]) -> Result<BTreeMap<String, String>, Error> {
    let by_key: BTreeMap<String, String> = tags.iter().cloned().collect();
    if by_key.len() < tags.len() {
        return Err(Error::InvalidParameterValue("Tag keys must be unique.".to_owned()));
    }
    let is_reserved =
        |key: &String| key.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("aws:"));
    if by_key.keys().any(is_reserved) {
        return Err(Error::InvalidParameterValue(
            "Tag keys that start with aws: are reserved for AWS use.".to_owned(),
        ));
    }
    if by_key.len() > limits::TAGS_MAX {
        return Err(too_many_tags());
    }
    Ok(by_key)
}

pub(crate) fn too_many_tags() -> Error {
    Error::InvalidParameterValue(format!("An alarm has at most {} tags.", limits::TAGS_MAX))
}

/// Whether a text looks like an ARN: `arn:partition:service:region:account:resource`. It comes to logs and histories, so
/// nothing in it may look like a line's end.
fn is_arn(text: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    let is_named = |part: Option<&str>| part.is_some_and(|part| !part.is_empty());
    !text.chars().any(|c| c.is_control() || c.is_whitespace())
        && parts.next() == Some("arn")
        && is_named(parts.next())
        && is_named(parts.next())
        && parts.next().is_some()
        && parts.next().is_some()
        && is_named(parts.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_an_arn() {
        for good in [
            "arn:aws:sns:us-east-1:000000000000:topic",
            "arn:aws:automate:us-east-1:ec2:stop",
            "arn:aws:lambda:us-east-1:000000000000:function:f:live",
            "arn:aws:swf:::x",
        ] {
            assert!(is_arn(good), "{good}");
        }
        for bad in [
            "",
            "topic",
            "arn",
            "arn:aws:sns",
            "arn::sns:r:a:t",
            "arn:aws:sns:r:a:",
            "arn:aws:sns:r:a:t\r\nx",
            "arn:aws:sns:r:a:t\u{2028}",
            "arn:aws:sns:r:a:t t",
        ] {
            assert!(!is_arn(bad), "{bad}");
        }
    }
}
