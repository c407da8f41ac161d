//! How an operation reads its input: member by member, each with its rule, everything that is wrong at once.
//!
//! Each method takes one member out of the structure. What is wrong with it is noted, and the method answers what
//! it has or a placeholder; [`Members::finish`] then tells. So **nothing that was read may be used before `finish`
//! has answered `Ok`**. A wrong type is told alone, before any violated constraint; members that nobody asks for
//! are ignored, and null is absence.

use std::{borrow::Cow, collections::BTreeMap};

use crate::{
    AwsError, Blob, MemberSpec, Protocol, Value,
    report::Report,
    rules::{IntegerRule, LengthRule, MapRule, StringRule},
};

/// The members of a structure, not read yet.
#[derive(Debug)]
#[must_use = "what was read is right only if `finish` says so"]
pub struct Members<'a> {
    entries: Vec<(Cow<'a, str>, Value<'a>)>,
    protocol: Protocol,
    report: Report,
}

impl<'a> Members<'a> {
    /// The input of a call. Anything but a structure is refused as an unreadable body is.
    pub fn new(input: Value<'a>, protocol: Protocol) -> Result<Members<'a>, AwsError> {
        match input {
            Value::Map(entries) => Ok(Members { entries, protocol, report: Report::default() }),
            _ => Err(AwsError::serialization(None)),
        }
    }

    /// What `read` asks for: the input's members with their constraints, for comparison with AWS's model.
    pub fn describe(read: impl FnOnce(&mut Members<'a>)) -> Vec<MemberSpec> {
        let (entries, protocol) = (Vec::new(), Protocol::Json);
        let mut members = Members { entries, protocol, report: Report::default() };
        members.report.specs = Some(Vec::new());
        read(&mut members);
        members.report.specs.unwrap_or_default()
    }

    /// Whether all that was read is right; else the one error that the client gets.
    pub fn finish(self) -> Result<(), AwsError> {
        self.report.finish()
    }

    /// Whether a member says anything: for those that are refused whatever they say. They are in no description.
    pub fn is_given(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, value)| key == name && *value != Value::Null)
    }

    /// A text.
    pub fn string(&mut self, name: &'static str, rule: &StringRule) -> Option<Cow<'a, str>> {
        self.text(name, rule, false)
    }

    /// A text that must be there; empty until `finish` has told that it is not.
    pub fn required_string(&mut self, name: &'static str, rule: &StringRule) -> Cow<'a, str> {
        self.text(name, rule, true).unwrap_or_default()
    }

    /// An integer; fractions are cut, as at AWS.
    pub fn integer(&mut self, name: &'static str, rule: &IntegerRule) -> Option<i64> {
        self.number(name, rule, false)
    }

    /// An integer that must be there; 0 until `finish` has told that it is not.
    pub fn required_integer(&mut self, name: &'static str, rule: &IntegerRule) -> i64 {
        self.number(name, rule, true).unwrap_or_default()
    }

    /// A floating point number. It may be no number or infinite, where the protocol can say so.
    pub fn double(&mut self, name: &'static str) -> Option<f64> {
        self.float(name, false)
    }

    /// A floating point number that must be there; 0 until `finish` has told that it is not.
    pub fn required_double(&mut self, name: &'static str) -> f64 {
        self.float(name, true).unwrap_or_default()
    }

    /// A boolean. AWS also takes some words for one.
    pub fn boolean(&mut self, name: &'static str) -> Option<bool> {
        self.flag(name)
    }

    /// A point in time, in milliseconds since 1970.
    pub fn timestamp_ms(&mut self, name: &'static str) -> Option<i64> {
        self.time(name, false)
    }

    /// A point in time that must be there; 0 until `finish` has told that it is not.
    pub fn required_timestamp_ms(&mut self, name: &'static str) -> i64 {
        self.time(name, true).unwrap_or_default()
    }

    /// Bytes.
    pub fn blob(&mut self, name: &'static str, rule: &LengthRule) -> Option<Blob<'a>> {
        self.bytes(name, rule, false)
    }

    /// Bytes that must be there; none until `finish` has told that they are not.
    pub fn required_blob(&mut self, name: &'static str, rule: &LengthRule) -> Blob<'a> {
        self.bytes(name, rule, true).unwrap_or(Blob::EMPTY)
    }

    /// A structure, by what `read` makes of its members.
    pub fn structure<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Members<'a>) -> T,
    ) -> Option<T> {
        self.nested(name, read, false)
    }

    /// A structure that must be there; `finish` tells if it is not, and so does `None`.
    pub fn required_structure<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Members<'a>) -> T,
    ) -> Option<T> {
        self.nested(name, read, true)
    }

    /// A list of structures, by what `read` makes of each.
    pub fn list<T>(
        &mut self,
        name: &'static str,
        rule: &LengthRule,
        read: impl FnMut(&mut Members<'a>) -> T,
    ) -> Option<Vec<T>> {
        self.structures(name, rule, read, false)
    }

    /// A list of structures that must be there; empty until `finish` has told that it is not.
    pub fn required_list<T>(
        &mut self,
        name: &'static str,
        rule: &LengthRule,
        read: impl FnMut(&mut Members<'a>) -> T,
    ) -> Vec<T> {
        self.structures(name, rule, read, true).unwrap_or_default()
    }

    /// A list of texts.
    pub fn strings(
        &mut self,
        name: &'static str,
        rule: &LengthRule,
        item: &StringRule,
    ) -> Option<Vec<Cow<'a, str>>> {
        self.texts(name, rule, item, false)
    }

    /// A list of texts that must be there; empty until `finish` has told that it is not.
    pub fn required_strings(
        &mut self,
        name: &'static str,
        rule: &LengthRule,
        item: &StringRule,
    ) -> Vec<Cow<'a, str>> {
        self.texts(name, rule, item, true).unwrap_or_default()
    }

    /// A list of floating point numbers.
    pub fn doubles(&mut self, name: &'static str, rule: &LengthRule) -> Option<Vec<f64>> {
        self.floats(name, rule)
    }

    /// A map from text to structures, by what `read` makes of each, in the order of the body. Of two entries with one
    /// key both are there.
    pub fn map<T>(
        &mut self,
        name: &'static str,
        rule: &LengthRule,
        read: impl FnMut(&mut Members<'a>) -> T,
    ) -> Option<Vec<(Cow<'a, str>, T)>> {
        self.structure_map(name, rule, read)
    }

    /// A map from text to text, sorted by key.
    pub fn string_map(
        &mut self,
        name: &'static str,
        rule: &MapRule,
    ) -> Option<BTreeMap<Cow<'a, str>, Cow<'a, str>>> {
        self.text_map(name, rule, false)
    }

    /// A map from text to text that must be there; empty until `finish` has told that it is not.
    pub fn required_string_map(
        &mut self,
        name: &'static str,
        rule: &MapRule,
    ) -> BTreeMap<Cow<'a, str>, Cow<'a, str>> {
        self.text_map(name, rule, true).unwrap_or_default()
    }
}

mod read;
#[cfg(test)]
mod tests;
