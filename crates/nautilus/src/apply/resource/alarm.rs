//! What both kinds of alarms have in common: an alarm is the input of one operation, which puts it whole.
//!
//! A change of an alarm loses nothing, its state stays: it is put again, as the provider does.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::{
    Call, Difference, Look, Resource, Step, lines_of,
    tags::{self, Tags},
};
use crate::apply::{arguments::Arguments, fault::Fault, value::Value};

/// What differs between the kinds of alarms.
#[derive(Debug)]
pub(super) struct Form {
    /// The operation that makes and changes it.
    pub put: &'static str,
    /// How DescribeAlarms is asked for it, and where the answer has it.
    pub alarm_type: &'static str,
    pub listed: &'static str,
    /// All arguments but the name, and what the service calls them.
    pub members: &'static [(&'static str, &'static str)],
    /// The same for what is written as blocks.
    pub blocks: &'static [(&'static str, &'static str)],
    /// Members that stay as the service has them where the module does not say them.
    pub kept: &'static [&'static str],
    /// What it means that the service has none of a member.
    pub usual: &'static [(&'static str, &'static str)],
}

/// One alarm as the module wants it.
#[derive(Debug)]
pub(super) struct Alarm {
    pub form: &'static Form,
    pub name: String,
    pub arn: String,
    /// Its members, but for the name and the tags; what is not said is not there.
    pub members: Map<String, Json>,
    pub tags: Tags,
}

/// An alarm is there when it is put: only what throttles is waited for.
const WAIT: Duration = Duration::from_mins(1);

impl Form {
    fn all(&self) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
        self.members.iter().chain(self.blocks)
    }

    /// A member of the alarm that is there.
    fn had(&self, present: &Json, member: &str) -> Json {
        match plain(&present[member]) {
            Json::Null => {
                let usual = self.usual.iter().find(|(name, _)| *name == member);
                usual.map_or(Json::Null, |(_, usual)| json!(usual))
            }
            had => had,
        }
    }
}

impl Alarm {
    /// An alarm with what all of them have.
    pub(super) fn read(arguments: &Arguments<'_, '_>, form: &'static Form) -> Result<Alarm, Fault> {
        let name = arguments.required("alarm_name")?;
        if name.chars().count() > 255 {
            let reason = "an alarm's name has 1 to 255 characters";
            return Err(arguments.fault("alarm_name", reason));
        }
        let arn = arguments.arn("cloudwatch", &format!("alarm:{name}"))?;
        let members = Map::new();
        let mut alarm = Alarm { form, name, arn, members, tags: Tags::read(arguments)? };
        alarm.set("ActionsEnabled", Some(arguments.flag_or_true("actions_enabled")?));
        alarm.set("AlarmDescription", arguments.text("alarm_description")?);
        for (name, member) in [
            ("alarm_actions", "AlarmActions"),
            ("insufficient_data_actions", "InsufficientDataActions"),
            ("ok_actions", "OKActions"),
        ] {
            let actions = arguments.texts(name)?;
            alarm.set(member, (!actions.is_empty()).then_some(actions));
        }
        Ok(alarm)
    }

    /// Sets a member that is said.
    pub(super) fn set(&mut self, member: &str, value: Option<impl Into<Json>>) {
        self.members.extend(value.map(|value| (member.to_owned(), value.into())));
    }

    /// The call that puts it, with what it keeps of the one that is there.
    fn put(&self, present: Option<&Json>) -> Call {
        let mut input = self.members.clone();
        input.insert("AlarmName".to_owned(), json!(self.name));
        match present {
            None => input.extend(self.tags.list().map(|tags| ("Tags".to_owned(), tags))),
            Some(present) => {
                let kept =
                    self.form.kept.iter().filter(|member| !self.members.contains_key(**member));
                let kept = kept.map(|member| ((*member).to_owned(), present[*member].clone()));
                input.extend(kept.filter(|(_, value)| !value.is_null()));
            }
        }
        Call::cloudwatch(self.form.put, Json::Object(input))
    }

    fn present<'j>(&self, found: &'j Json) -> &'j Json {
        &found[self.form.listed][0]
    }
}

impl Resource for Alarm {
    fn identity(&self) -> String {
        self.name.clone()
    }

    fn look(&self, answers: &[Json]) -> Look {
        match answers {
            [] => {
                let input =
                    json!({ "AlarmNames": [self.name], "AlarmTypes": [self.form.alarm_type] });
                Look::Ask(Call::cloudwatch("DescribeAlarms", input))
            }
            [found] if self.present(found).is_null() => Look::Absent,
            [_] => {
                let input = json!({ "ResourceARN": self.arn });
                Look::Ask(Call::cloudwatch("ListTagsForResource", input))
            }
            _ => Look::Settled,
        }
    }

    fn patience(&self) -> Duration {
        WAIT
    }

    fn attributes(&self, _: Option<&Json>) -> Value {
        let mut attributes = vec![
            ("alarm_name", Value::string(&self.name)),
            ("arn", Value::string(&self.arn)),
            ("id", Value::string(&self.name)),
            ("tags", Value::texts(&self.tags.own)),
            ("tags_all", Value::texts(&self.tags.all)),
        ];
        attributes.extend(self.form.members.iter().map(|(argument, member)| {
            (*argument, self.members.get(*member).map_or(Value::Null, value))
        }));
        Value::Map(attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    fn described(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![("alarm_name", format!("{:?}", self.name))];
        for (argument, member) in self.form.all() {
            let said = self.members.get(*member).map(plain).filter(|said| !said.is_null());
            lines.extend(said.map(|said| (*argument, shown(&said))));
        }
        lines.extend(self.tags.described());
        lines
    }

    fn creation(&self) -> Vec<Step> {
        vec![Step::at_once(self.put(None))]
    }

    fn differences(&self, found: &Json) -> Vec<Difference> {
        let present = self.present(found);
        let mut lines = Vec::new();
        for (argument, member) in self.form.all() {
            let wanted = self.members.get(*member).map_or(Json::Null, plain);
            let had = self.form.had(present, member);
            if wanted != had && !(wanted.is_null() && self.form.kept.contains(member)) {
                lines.push(match (&had, &wanted) {
                    (Json::Null, _) => format!("+ {argument} = {}", shown(&wanted)),
                    (_, Json::Null) => format!("- {argument} = {}", shown(&had)),
                    _ => format!("~ {argument} = {} -> {}", shown(&had), shown(&wanted)),
                });
            }
        }
        let mut changes = lines_of(lines.into_iter(), Step::at_once(self.put(Some(present))));
        changes.extend(self.tags.changes(&tags::present(found), |operation, (member, value)| {
            Call::cloudwatch(operation, json!({ "ResourceARN": self.arn, member: value }))
        }));
        changes
    }
}

/// A number without a point where it is whole.
pub(super) fn figure(number: f64) -> Json {
    let whole = number as i64;
    if whole as f64 == number { json!(whole) } else { json!(number) }
}

/// Dimensions as the service takes them.
pub(super) fn dimensions(arguments: &Arguments<'_, '_>, name: &str) -> Result<Option<Json>, Fault> {
    let dimensions = arguments.map(name, "dimension")?;
    let pairs = dimensions.iter().map(|(name, value)| json!({ "Name": name, "Value": value }));
    Ok((!dimensions.is_empty()).then(|| pairs.collect()))
}

/// The same for what means the same: lists that are sets are sorted, dimensions are a map, and what is empty is nothing.
fn plain(value: &Json) -> Json {
    match value {
        Json::Number(number) => number.as_f64().map_or(Json::Null, figure),
        Json::Array(items) if items.is_empty() => Json::Null,
        Json::Array(items) if items.iter().all(|item| item["Name"].is_string()) => {
            let pair =
                |item: &Json| Some((item["Name"].as_str()?.to_owned(), item["Value"].clone()));
            Json::Object(items.iter().filter_map(pair).collect())
        }
        Json::Array(items) => {
            let mut items: Vec<Json> = items.iter().map(plain).collect();
            items.sort_by_key(|item| match &item["Id"] {
                Json::Null => item.to_string(),
                id => id.to_string(),
            });
            Json::Array(items)
        }
        Json::Object(members) => {
            let members = members.iter().map(|(name, member)| (name.clone(), plain(member)));
            Json::Object(members.filter(|(_, member)| !member.is_null()).collect())
        }
        Json::String(text) if text.is_empty() => Json::Null,
        other => other.clone(),
    }
}

/// As a module would write it.
fn shown(value: &Json) -> String {
    match value {
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(members) => {
            let pair = |(name, member): (&String, &Json)| format!("{name} = {}", shown(member));
            let pairs: Vec<String> = members.iter().map(pair).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        other => other.to_string(),
    }
}

/// What the module sees of a member.
fn value(member: &Json) -> Value {
    match plain(member) {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(flag),
        Json::Number(number) => number.as_f64().map_or(Value::Null, Value::Number),
        Json::String(text) => Value::String(text),
        Json::Array(items) => Value::Set(items.iter().map(value).collect()),
        Json::Object(members) => {
            Value::Map(members.iter().map(|(name, member)| (name.clone(), value(member))).collect())
        }
    }
}
