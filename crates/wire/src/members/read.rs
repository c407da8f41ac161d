//! How one member is read: what its shape wants of the value that is there, and what is told where it is another.

use std::{borrow::Cow, collections::BTreeMap, mem};

use super::Members;
use crate::{
    Blob, Number, Protocol, Shape, Value,
    report::{Step, cut, quoted},
    rules::{IntegerRule, LengthRule, MapRule, StringRule},
    time::parse_iso8601,
};

const NOT_NULL: &str = "Member must not be null";

impl<'a> Members<'a> {
    pub(super) fn text(
        &mut self,
        name: &'static str,
        rule: &StringRule,
        required: bool,
    ) -> Option<Cow<'a, str>> {
        self.report.describe(name, required, Shape::String(*rule));
        match self.take(name) {
            Value::Null => self.absent(name, required),
            Value::Str(text) => {
                for constraint in rule.violations(&text) {
                    self.report.violation(name, &quoted(&text), &constraint);
                }
                Some(text)
            }
            other => self.wrong_type(&other, "can not be converted to an String"),
        }
    }

    pub(super) fn number(
        &mut self,
        name: &'static str,
        rule: &IntegerRule,
        required: bool,
    ) -> Option<i64> {
        self.report.describe(name, required, Shape::Integer(*rule));
        let value = self.take(name);
        let known = match &value {
            Value::Null => return self.absent(name, required),
            Value::Number(number) => Some(number.truncated()),
            Value::Str(text) if self.is_query() => text.parse().ok(),
            _ => None,
        };
        let Some(value) = known else {
            let long = "can not be converted to an Long";
            let wish = if rule.long { long } else { "can not be converted to an Integer" };
            return self.wrong_type(&value, wish);
        };
        let value = rule.clamp(value);
        if let Some(constraint) = rule.violation(value) {
            self.report.violation(name, &quoted(&value.to_string()), &constraint);
        }
        Some(value)
    }

    pub(super) fn float(&mut self, name: &'static str, required: bool) -> Option<f64> {
        self.report.describe(name, required, Shape::Double);
        match self.take(name) {
            Value::Null => self.absent(name, required),
            value => self.double_of(value),
        }
    }

    pub(super) fn flag(&mut self, name: &'static str) -> Option<bool> {
        const WORDS: [(&str, bool); 6] = [
            ("TRUE", true),
            ("1", true),
            ("YES", true),
            ("FALSE", false),
            ("0", false),
            ("NO", false),
        ];
        self.report.describe(name, false, Shape::Boolean);
        match self.take(name) {
            Value::Null => None,
            Value::Bool(value) => Some(value),
            Value::Str(text) => {
                let known = WORDS.iter().find(|(word, _)| text.eq_ignore_ascii_case(word));
                if known.is_none() {
                    let shouted = cut(&text).to_uppercase();
                    self.report
                        .type_error(format!("'{shouted}' can not be converted to an Boolean"));
                }
                known.map(|(_, value)| *value)
            }
            other => self.wrong_type(&other, "can not be converted to an Boolean"),
        }
    }

    fn double_of(&mut self, value: Value<'_>) -> Option<f64> {
        let known = match &value {
            Value::Number(number) => Some(number.as_f64()),
            Value::Str(text) => no_number(text)
                .or_else(|| Some(text).filter(|_| self.is_query()).and_then(|text| decimal(text))),
            _ => None,
        };
        known.or_else(|| self.wrong_type(&value, "can not be converted to an Double"))
    }

    pub(super) fn time(&mut self, name: &'static str, required: bool) -> Option<i64> {
        self.report.describe(name, required, Shape::Timestamp);
        match self.take(name) {
            Value::Null => self.absent(name, required),
            Value::Number(value) => Some(self.protocol.time_ms(value)),
            Value::Str(text) if self.is_query() => {
                let seconds = || decimal(&text).map(|value| Number::Float(value).seconds_as_ms());
                let known = parse_iso8601(&text).or_else(seconds);
                known.or_else(|| self.expected("timestamp must follow ISO8601"))
            }
            other => self.wrong_type(&other, "can not be converted to milliseconds since epoch"),
        }
    }

    pub(super) fn bytes(
        &mut self,
        name: &'static str,
        rule: &LengthRule,
        required: bool,
    ) -> Option<Blob<'a>> {
        self.report.describe(name, required, Shape::Blob(*rule));
        let blob = match self.take(name) {
            Value::Null => return self.absent(name, required),
            Value::Bytes(bytes) => Ok(Blob::from_bytes(bytes)),
            // CBOR has bytes: a text there is no Base64.
            Value::Str(text) if !self.protocol.has_bytes() => Blob::from_base64(text),
            other => return self.wrong_type(&other, "can not be converted to a Blob"),
        };
        let blob = blob.map_err(|error| self.report.type_error_as(error)).ok()?;
        if let Some(constraint) = rule.violation(blob.len()) {
            let length = blob.len();
            let value = format!("'java.nio.HeapByteBuffer[pos=0 lim={length} cap={length}]'");
            self.report.violation(name, &value, &constraint);
        }
        Some(blob)
    }

    pub(super) fn nested<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Members<'a>) -> T,
        required: bool,
    ) -> Option<T> {
        self.report.describe(name, required, Shape::Structure);
        let entries = match self.take(name) {
            Value::Map(entries) => entries,
            Value::Null if self.report.specs.is_some() => Vec::new(),
            Value::Null => return self.absent(name, required),
            Value::List(_) => return self.unexpected_list(),
            value if self.is_empty(&value) => Vec::new(),
            _ => return self.expected("Expected null"),
        };
        self.report.path.push(Step::Member(name));
        let value = self.descend(entries, read);
        self.report.path.pop();
        Some(value)
    }

    pub(super) fn structures<T>(
        &mut self,
        name: &'static str,
        rule: &LengthRule,
        mut read: impl FnMut(&mut Members<'a>) -> T,
        required: bool,
    ) -> Option<Vec<T>> {
        self.report.describe(name, required, Shape::List(*rule));
        let items = match self.take(name) {
            Value::Null if self.report.specs.is_some() => vec![Value::Map(Vec::new())],
            value => self.items(name, value, required)?,
        };
        if let Some(constraint) = rule.violation(items.len()) {
            // AWS used to print the items as Java does, by their addresses; now it leaves them out.
            let value = if items.is_empty() { "'[]'" } else { "" };
            self.report.violation(name, value, &constraint);
        }
        self.report.path.push(Step::Member(name));
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            values.extend(self.structure_item(index, item, &mut read));
        }
        self.report.path.pop();
        Some(values)
    }

    pub(super) fn texts(
        &mut self,
        name: &'static str,
        rule: &LengthRule,
        item: &StringRule,
        required: bool,
    ) -> Option<Vec<Cow<'a, str>>> {
        self.report.describe(name, required, Shape::Strings(*rule, *item));
        let value = self.take(name);
        let items = self.items(name, value, required)?;
        let (count, mut texts) = (items.len(), Vec::with_capacity(items.len()));
        self.report.path.push(Step::Member(name));
        for (index, item) in items.into_iter().enumerate() {
            match item {
                Value::Str(text) => texts.push(text),
                Value::Null => self.null_item(index),
                other => drop(self.wrong_type::<()>(&other, "can not be converted to an String")),
            }
        }
        self.report.path.pop();

        let length = rule.violation(count); // null is an item, told already
        let items = texts.iter().any(|text| !item.admits(text));
        let items = items.then(|| format!("Member must satisfy constraint: {}", item.text()));
        for constraint in length.iter().chain(&items) {
            self.report.violation(name, &quoted(&format!("[{}]", texts.join(", "))), constraint);
        }
        Some(texts)
    }

    pub(super) fn text_map(
        &mut self,
        name: &'static str,
        rule: &MapRule,
        required: bool,
    ) -> Option<BTreeMap<Cow<'a, str>, Cow<'a, str>>> {
        self.report.describe(name, required, Shape::StringMap(*rule));
        let value = self.take(name);
        let entries = self.entries(name, value, required)?;
        let (mut map, mut nulls) = (BTreeMap::new(), 0);
        for (key, value) in entries {
            match value {
                Value::Str(text) => drop(map.insert(key, text)),
                Value::Null => {
                    nulls += 1;
                    let path = format!("{}.{}.member", self.report.path_text(name), cut(&key));
                    self.report.violation_at(&path, "null", NOT_NULL);
                }
                other => drop(self.wrong_type::<()>(&other, "can not be converted to an String")),
            }
        }

        let length = rule.length.violation(map.len() + nulls);
        let keys = map.keys().any(|key| !rule.key.admits(key));
        let keys = keys.then(|| format!("Map keys must satisfy constraint: {}", rule.key.text()));
        let values = map.values().any(|value| !rule.value.admits(value));
        let values =
            values.then(|| format!("Map value must satisfy constraint: {}", rule.value.text()));
        for constraint in length.iter().chain(&keys).chain(&values) {
            let entries: Vec<_> = map.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let value = quoted(&format!("{{{}}}", entries.join(", ")));
            self.report.violation(name, &value, constraint);
        }
        Some(map)
    }

    pub(super) fn floats(&mut self, name: &'static str, rule: &LengthRule) -> Option<Vec<f64>> {
        self.report.describe(name, false, Shape::Doubles(*rule));
        let value = self.take(name);
        let items = self.items(name, value, false)?;
        if let Some(constraint) = rule.violation(items.len()) {
            let value = if items.is_empty() { "'[]'" } else { "" };
            self.report.violation(name, value, &constraint);
        }
        self.report.path.push(Step::Member(name));
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            match item {
                Value::Null => self.null_item(index),
                item => values.extend(self.double_of(item)),
            }
        }
        self.report.path.pop();
        Some(values)
    }

    pub(super) fn structure_map<T>(
        &mut self,
        name: &'static str,
        rule: &LengthRule,
        mut read: impl FnMut(&mut Members<'a>) -> T,
    ) -> Option<Vec<(Cow<'a, str>, T)>> {
        self.report.describe(name, false, Shape::Map(*rule));
        let value = match self.take(name) {
            Value::Null if self.report.specs.is_some() => {
                Value::Map(vec![(Cow::Borrowed(""), Value::Map(Vec::new()))])
            }
            value => value,
        };
        let entries = self.entries(name, value, false)?;
        if let Some(constraint) = rule.violation(entries.len()) {
            let value = if entries.is_empty() { "'{}'" } else { "" };
            self.report.violation(name, value, &constraint);
        }
        self.report.path.push(Step::Member(name));
        let mut values = Vec::with_capacity(entries.len());
        for (index, (key, value)) in entries.into_iter().enumerate() {
            values.extend(self.structure_item(index, value, &mut read).map(|value| (key, value)));
        }
        self.report.path.pop();
        Some(values)
    }

    fn structure_item<T>(
        &mut self,
        index: usize,
        value: Value<'a>,
        read: &mut impl FnMut(&mut Members<'a>) -> T,
    ) -> Option<T> {
        match value {
            Value::Map(entries) => {
                self.report.path.push(Step::Item(index));
                let item = self.descend(entries, read);
                self.report.path.pop();
                Some(item)
            }
            Value::Null => {
                self.null_item(index);
                None
            }
            Value::List(_) => self.unexpected_list(),
            _ => self.expected("Expected null"),
        }
    }

    /// The later of two members with one name counts.
    pub(super) fn take(&mut self, name: &str) -> Value<'a> {
        match self.entries.iter_mut().rev().find(|(key, _)| key == name) {
            Some((_, value)) => mem::replace(value, Value::Null),
            None => Value::Null,
        }
    }

    fn items(
        &mut self,
        name: &'static str,
        value: Value<'a>,
        required: bool,
    ) -> Option<Vec<Value<'a>>> {
        match value {
            Value::List(items) => Some(items),
            Value::Null => self.absent(name, required),
            Value::Map(_) => self.unexpected_map(),
            value if self.is_empty(&value) => Some(Vec::new()),
            _ => self.expected("Expected list or null"),
        }
    }

    fn entries(
        &mut self,
        name: &'static str,
        value: Value<'a>,
        required: bool,
    ) -> Option<Vec<(Cow<'a, str>, Value<'a>)>> {
        match value {
            Value::Map(entries) => Some(entries),
            Value::Null => self.absent(name, required),
            Value::List(_) => self.unexpected_list(),
            value if self.is_empty(&value) => Some(Vec::new()),
            _ => self.expected("Expected map or null"),
        }
    }

    /// In Query all scalars are texts.
    fn is_query(&self) -> bool {
        self.protocol == Protocol::Query
    }

    /// Query's word for a list, a map or a structure with nothing in it.
    fn is_empty(&self, value: &Value<'_>) -> bool {
        self.is_query() && matches!(value, Value::Str(text) if text.is_empty())
    }

    /// Reads a structure inside this one; the report goes along and comes back.
    fn descend<T>(
        &mut self,
        entries: Vec<(Cow<'a, str>, Value<'a>)>,
        read: impl FnOnce(&mut Members<'a>) -> T,
    ) -> T {
        let report = mem::take(&mut self.report);
        let mut child = Members { entries, protocol: self.protocol, report };
        let value = read(&mut child);
        self.report = child.report;
        value
    }

    fn absent<T>(&mut self, name: &'static str, required: bool) -> Option<T> {
        if required {
            self.report.violation(name, "null", NOT_NULL);
        }
        None
    }

    fn null_item(&mut self, index: usize) {
        let path = self.report.path_text(&format!("{}.member", index + 1));
        self.report.violation_at(&path, "null", NOT_NULL);
    }

    pub(super) fn wrong_type<T>(&mut self, value: &Value<'_>, wish: &str) -> Option<T> {
        let class = match value {
            Value::List(_) => return self.unexpected_list(),
            Value::Map(_) => return self.unexpected_map(),
            Value::Bool(_) => "class java.lang.Boolean",
            Value::Number(Number::Integer(_) | Number::Float(_)) => {
                "class com.amazon.coral.value.json.numbers.TruncatingBigNumber"
            }
            Value::Bytes(_) => "class java.nio.HeapByteBuffer",
            Value::Str(_) | Value::Null => "class java.lang.String",
        };
        self.report.type_error(format!("{class} {wish}"));
        None
    }

    fn unexpected_list<T>(&mut self) -> Option<T> {
        self.expected("Start of list found where not expected")
    }

    fn unexpected_map<T>(&mut self) -> Option<T> {
        match self.protocol {
            Protocol::Query => self.unexpected_list(), // there they are the same
            _ => self.expected("Start of structure or map found where not expected."),
        }
    }

    fn expected<T>(&mut self, message: &str) -> Option<T> {
        self.report.type_error(message);
        None
    }
}

/// A number as a text, without the words for what is none.
fn decimal(text: &str) -> Option<f64> {
    let is_plain = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    text.bytes().all(is_plain).then(|| text.parse().ok())?
}

/// The words of all protocols without such numbers for those that are none.
fn no_number(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}
