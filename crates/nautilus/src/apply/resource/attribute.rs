//! Attributes of topics and subscriptions: texts by their names, each set by a call of its own.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{Call, Difference, parsed};
use crate::apply::{arguments::Arguments, fault::Fault, value::Value};

/// An argument that is an attribute.
#[derive(Debug)]
pub(super) struct Attribute {
    pub argument: &'static str,
    pub name: &'static str,
    pub form: Form,
    /// The value that takes it away where the module does not say it. Nothing for what the service then chooses.
    pub absent: Option<&'static str>,
}

/// What an attribute's text is.
#[derive(Debug)]
pub(super) enum Form {
    Text,
    Word(&'static [&'static str]),
    /// Compared as JSON.
    Document,
    Flag,
    /// A whole number from the first to the last.
    Whole(u64, u64),
}

/// The attributes that a module says.
#[derive(Debug)]
pub(super) struct Attributes {
    table: &'static [Attribute],
    given: BTreeMap<&'static str, String>,
}

impl Attributes {
    pub(super) fn read(
        arguments: &Arguments<'_, '_>,
        table: &'static [Attribute],
    ) -> Result<Attributes, Fault> {
        let mut given = BTreeMap::new();
        for Attribute { argument, name, form, .. } in table {
            let text = match *form {
                Form::Text => arguments.text(argument)?,
                Form::Word(words) => arguments.word(argument, words)?,
                Form::Document => arguments.document(argument)?,
                Form::Flag => arguments.flag(argument)?.then(|| "true".to_owned()),
                Form::Whole(least, most) => {
                    arguments.whole(argument, least..=most)?.map(|whole| whole.to_string())
                }
            };
            given.extend(text.map(|text| (*name, text)));
        }
        Ok(Attributes { table, given })
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(String::as_str)
    }

    /// Names and values, as they are set.
    pub(super) fn given(&self) -> &BTreeMap<&'static str, String> {
        &self.given
    }

    /// The same, and numbers that the module does not say: the provider sets these, too, when it makes something.
    pub(super) fn initial(&self) -> BTreeMap<&'static str, &str> {
        let numbers =
            self.table.iter().filter(|attribute| matches!(attribute.form, Form::Whole(..)));
        let mut all: BTreeMap<_, _> =
            numbers.filter_map(|number| Some((number.name, number.absent?))).collect();
        all.extend(self.given.iter().map(|(name, text)| (*name, text.as_str())));
        all
    }

    pub(super) fn described(&self) -> Vec<(&'static str, String)> {
        let given = self.table.iter().filter_map(|attribute| {
            Some((attribute.argument, attribute.form.shown(self.get(attribute.name)?)))
        });
        given.collect()
    }

    /// What the rest of the module sees; what the service chooses is not known before `found`.
    pub(super) fn values(
        &self,
        address: &str,
        found: Option<&Json>,
    ) -> impl Iterator<Item = (&'static str, Value)> {
        self.table.iter().map(move |attribute| {
            let chosen =
                |found: &Json| found["Attributes"][attribute.name].as_str().map(str::to_owned);
            let text = match (self.get(attribute.name), attribute.absent, found) {
                (Some(text), ..) => Some(text.to_owned()),
                (None, Some(absent), _) => Some(absent.to_owned()),
                (None, None, Some(found)) => chosen(found),
                (None, None, None) => {
                    return (attribute.argument, Value::Unknown(address.to_owned()));
                }
            };
            (attribute.argument, attribute.form.value(text))
        })
    }

    /// Everything that differs from what the service has. `set` makes the call that sets one.
    pub(super) fn changes(
        &self,
        found: &Json,
        set: impl Fn(&'static str, &str) -> Call,
    ) -> Vec<Difference> {
        let changes = self.table.iter().filter_map(|attribute| {
            let Attribute { argument, name, form, absent } = attribute;
            let had = found["Attributes"][*name].as_str().unwrap_or_default();
            let (wanted, is_same) = match self.get(name) {
                Some(wanted) => (wanted, form.is_same(had, wanted)),
                None => ((*absent)?, had.is_empty() || form.is_same(had, (*absent)?)),
            };
            let line = match (had, self.get(name)) {
                ("", _) => format!("+ {argument} = {}", form.shown(wanted)),
                (_, None) => format!("- {argument} = {}", form.shown(had)),
                _ => format!("~ {argument} = {} -> {}", form.shown(had), form.shown(wanted)),
            };
            (!is_same).then(|| Difference::by(line, set(name, wanted)))
        });
        changes.collect()
    }
}

impl Form {
    fn is_same(&self, one: &str, other: &str) -> bool {
        match self {
            Form::Document => parsed(one) == parsed(other),
            Form::Text | Form::Word(_) | Form::Flag | Form::Whole(..) => one == other,
        }
    }

    /// On one line, as it is written.
    fn shown(&self, text: &str) -> String {
        match self {
            Form::Document => parsed(text).to_string(),
            Form::Text | Form::Word(_) => format!("{text:?}"),
            Form::Flag | Form::Whole(..) => text.to_owned(),
        }
    }

    fn value(&self, text: Option<String>) -> Value {
        match (self, text) {
            (_, None) => Value::Null,
            (Form::Flag, Some(text)) => Value::Bool(text == "true"),
            (Form::Whole(..), Some(text)) => text.parse().map_or(Value::Null, Value::Number),
            (Form::Text | Form::Word(_) | Form::Document, Some(text)) => Value::String(text),
        }
    }
}

/// The input of a call that sets an attribute of what `member` names.
pub(super) fn input(member: &str, arn: &str, name: &str, value: &str) -> Json {
    json!({ member: arn, "AttributeName": name, "AttributeValue": value })
}
