//! Tags of resources: the module's own and the provider's default ones.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{Call, Difference, Step, items, lines_of};
use crate::apply::{arguments::Arguments, fault::Fault, value::Value};

/// The tags of one resource.
#[derive(Debug)]
pub(super) struct Tags {
    pub own: BTreeMap<String, String>,
    /// With the provider's default tags: what the resource really has.
    pub all: BTreeMap<String, String>,
}

/// A tag that differs.
pub(super) struct Tag<'t> {
    pub key: &'t str,
    pub value: &'t str,
    line: String,
}

impl Tags {
    pub(super) fn read(arguments: &Arguments<'_, '_>) -> Result<Tags, Fault> {
        let own = arguments.tags("tags")?;
        let mut all = arguments.provider()?.texts_of("default_tags");
        all.extend(own.clone());
        Ok(Tags { own, all })
    }

    /// Those that the service has and the module has not.
    pub(super) fn gone<'t>(&self, had: &'t BTreeMap<String, String>) -> Vec<Tag<'t>> {
        let gone = had.iter().filter(|(key, _)| !self.all.contains_key(*key));
        gone.map(|(key, value)| Tag { key, value, line: format!("- tags.{key} = {value:?}") })
            .collect()
    }

    /// Those that the service has not, or otherwise.
    pub(super) fn set(&self, had: &BTreeMap<String, String>) -> Vec<Tag<'_>> {
        let set = self.all.iter().filter(|(key, value)| had.get(*key) != Some(value));
        let tags = set.map(|(key, value)| {
            let line = match had.get(key) {
                Some(old) => format!("~ tags.{key} = {old:?} -> {value:?}"),
                None => format!("+ tags.{key} = {value:?}"),
            };
            Tag { key, value, line }
        });
        tags.collect()
    }

    /// The changes of CloudWatch and SNS, removals first. `call` makes the call about this resource.
    pub(super) fn changes(
        &self,
        had: &BTreeMap<String, String>,
        call: impl Fn(&'static str, (&str, Json)) -> Call,
    ) -> Vec<Difference> {
        let (gone, set) = (self.gone(had), self.set(had));
        let keys: Vec<&str> = gone.iter().map(|tag| tag.key).collect();
        let tags: Vec<Json> = set.iter().map(|tag| pair(tag.key, tag.value)).collect();
        let mut changes = lines(&gone, call("UntagResource", ("TagKeys", json!(keys))));
        changes.extend(lines(&set, call("TagResource", ("Tags", json!(tags)))));
        changes
    }

    /// As operations that create take them; nothing if there are none.
    pub(super) fn list(&self) -> Option<Json> {
        let tags = self.all.iter().map(|(key, value)| pair(key, value));
        (!self.all.is_empty()).then(|| tags.collect())
    }

    pub(super) fn described(&self) -> Option<(&'static str, String)> {
        (!self.all.is_empty()).then(|| ("tags", Value::texts(&self.all).to_string()))
    }
}

/// The tags that an answer lists, without AWS's own, which no module can set.
pub(super) fn present(found: &Json) -> BTreeMap<String, String> {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let tags = items(found, "Tags").map(|tag| (text(&tag["Key"]), text(&tag["Value"])));
    tags.filter(|(key, _)| !key.starts_with("aws:")).collect()
}

/// The lines of some tags that one call changes.
pub(super) fn lines(tags: &[Tag<'_>], call: Call) -> Vec<Difference> {
    lines_of(tags.iter().map(|tag| tag.line.clone()), Step::at_once(call))
}

fn pair(key: &str, value: &str) -> Json {
    json!({ "Key": key, "Value": value })
}
