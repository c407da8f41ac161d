//! What reading an input has found: the first wrong type, the violated constraints, and where we are.
//!
//! One report travels through an input, from the structure to its members and back. Its path is kept as steps and
//! becomes text only when something is wrong, so that a good request pays nothing for it.

use crate::{
    AwsError,
    limits::{PRINTED_VALUE_BYTES_MAX, VIOLATIONS_LISTED_MAX},
    rules::{IntegerRule, LengthRule, MapRule, StringRule},
};

/// A member that an operation reads, for checks of the operations against AWS's service model.
#[derive(Debug, Clone)]
pub struct MemberSpec {
    /// Where it stands, in the names of the model: `Records.member.PartitionKey`.
    pub path: String,
    /// Whether its absence is an error.
    pub required: bool,
    /// Its type and constraints.
    pub shape: Shape,
}

/// The type of a member, with its constraints.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// A text.
    String(StringRule),
    /// An integer.
    Integer(IntegerRule),
    /// A floating point number.
    Double,
    /// A boolean.
    Boolean,
    /// A point in time.
    Timestamp,
    /// Bytes.
    Blob(LengthRule),
    /// A list of texts.
    Strings(LengthRule, StringRule),
    /// A list of floating point numbers.
    Doubles(LengthRule),
    /// A map from text to text.
    StringMap(MapRule),
    /// A structure; its members follow.
    Structure,
    /// A list of structures; their members follow.
    List(LengthRule),
    /// A map from text to structures; their members follow.
    Map(LengthRule),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    Member(&'static str),
    /// Of a list or a map, from 0.
    Item(usize),
}

#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) path: Vec<Step>,
    pub(crate) specs: Option<Vec<MemberSpec>>,
    type_error: Option<AwsError>,
    violations: Vec<String>,
}

impl Report {
    /// Of several wrong types AWS tells the first.
    pub(crate) fn type_error(&mut self, message: impl Into<String>) {
        self.type_error_as(AwsError::serialization(Some(message.into())));
    }

    pub(crate) fn type_error_as(&mut self, error: AwsError) {
        self.type_error.get_or_insert(error);
    }

    /// `value` is printed as it is, quotes and brackets and length are the caller's; empty for no value.
    pub(crate) fn violation(&mut self, name: &'static str, value: &str, constraint: &str) {
        let path = self.path_text(name);
        self.violation_at(&path, value, constraint);
    }

    pub(crate) fn violation_at(&mut self, path: &str, value: &str, constraint: &str) {
        if self.violations.len() < VIOLATIONS_LISTED_MAX {
            self.violations.push(format!(
                "Value{}{value} at '{path}' failed to satisfy constraint: {constraint}",
                if value.is_empty() { "" } else { " " },
            ));
        }
    }

    pub(crate) fn describe(&mut self, name: &'static str, required: bool, shape: Shape) {
        let Some(specs) = &mut self.specs else { return };
        let mut path = String::new();
        for step in &self.path {
            path.push_str(match step {
                Step::Member(name) => name,
                Step::Item(_) => "member",
            });
            path.push('.');
        }
        path.push_str(name);
        specs.push(MemberSpec { path, required, shape });
    }

    /// Where a member stands, as AWS prints it: `records.1.member.partitionKey`.
    pub(crate) fn path_text(&self, name: &str) -> String {
        let mut text = String::new();
        for step in &self.path {
            match step {
                Step::Member(name) => lower_first(&mut text, name),
                Step::Item(index) => text.push_str(&format!("{}.member", index + 1)),
            }
            text.push('.');
        }
        lower_first(&mut text, name);
        text
    }

    pub(crate) fn finish(self) -> Result<(), AwsError> {
        if let Some(error) = self.type_error {
            return Err(error);
        }
        if self.violations.is_empty() {
            return Ok(());
        }
        let (count, plural) = (self.violations.len(), self.violations.len() > 1);
        let head = if plural { "validation errors detected" } else { "validation error detected" };
        Err(AwsError::validation(format!("{count} {head}: {}", self.violations.join("; "))))
    }
}

fn lower_first(text: &mut String, name: &str) {
    let mut characters = name.chars();
    if let Some(first) = characters.next() {
        text.push(first.to_ascii_lowercase());
        text.push_str(characters.as_str());
    }
}

/// A client's value, no longer than we are willing to send back.
pub(crate) fn cut(value: &str) -> &str {
    &value[..value.floor_char_boundary(PRINTED_VALUE_BYTES_MAX)]
}

/// A client's value as errors print it.
pub(crate) fn quoted(value: &str) -> String {
    format!("'{}'", cut(value))
}
