//! Filter policies: which messages a subscription wants.
//!
//! AWS: <https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html>. All keys must match; of a
//! key's conditions one. Not as AWS: `cidr` is refused, and a body's arrays of objects match if any element has a wanted
//! value at the end of a path, elements of different objects together included.

use serde_json::{Map, Value};

use crate::model::message::{Attribute, Message};

/// AWS's limit on the values of a policy, all combinations counted.
const COMBINATIONS_MAX: usize = 150;

/// What a filter looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// `MessageAttributes`.
    Attributes,
    /// `MessageBody`.
    Body,
}

impl Scope {
    pub(crate) fn from_name(name: &str) -> Option<Scope> {
        match name {
            "MessageAttributes" => Some(Scope::Attributes),
            "MessageBody" => Some(Scope::Body),
            _ => None,
        }
    }
}

/// A policy that was understood.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Filter {
    scope: Scope,
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq)]
enum Rule {
    /// One of the conditions at this place.
    At(Vec<String>, Vec<Condition>),
    /// All rules of one of these.
    Or(Vec<Vec<Rule>>),
}

#[derive(Debug, Clone, PartialEq)]
enum Condition {
    Exactly(Value),
    Prefix(String),
    Suffix(String),
    IgnoringCase(String),
    Wildcard(String),
    Numeric(Vec<(Comparison, f64)>),
    AnythingBut(Vec<Condition>),
    Exists(bool),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Filter {
    /// Reads a policy. What is wrong is told without the head of AWS's sentence.
    pub(crate) fn parse(text: &str, scope: Scope) -> Result<Filter, String> {
        let read = || {
            let policy: Value = serde_json::from_str(text)
                .map_err(|error| format!("failed to parse JSON. {error}"))?;
            let policy = policy.as_object().ok_or("it must be a JSON object")?;
            let rules = rules(policy, scope, &mut Vec::new())?;
            match combinations(&rules) {
                0..=COMBINATIONS_MAX => Ok(Filter { scope, rules }),
                _ => Err("Filter policy is too complex".to_owned()),
            }
        };
        read().map_err(|reason| format!("FilterPolicy: {reason}"))
    }

    /// Whether a subscription with this policy wants a message.
    pub(crate) fn admits(&self, message: &Message) -> bool {
        let body = match self.scope {
            Scope::Attributes => attributes(&message.attributes),
            // A body that is no object satisfies no policy.
            Scope::Body => match serde_json::from_str(&message.text) {
                Ok(body @ Value::Object(_)) => body,
                _ => return false,
            },
        };
        all_match(&self.rules, &body)
    }
}

/// The attributes as if they were a body.
fn attributes(attributes: &std::collections::BTreeMap<String, Attribute>) -> Value {
    let value = |attribute: &Attribute| {
        let text = attribute.value.as_str();
        match attribute.data_type.split('.').next() {
            Some("String") if attribute.data_type == "String.Array" => {
                serde_json::from_str(text).unwrap_or(Value::Null)
            }
            Some("String") => Value::from(text),
            Some("Number") => text.parse::<f64>().map_or(Value::Null, Value::from),
            _ => Value::Null, // filters do not look at bytes
        }
    };
    Value::Object(attributes.iter().map(|(name, one)| (name.clone(), value(one))).collect())
}

fn all_match(rules: &[Rule], body: &Value) -> bool {
    rules.iter().all(|rule| match rule {
        Rule::Or(choices) => choices.iter().any(|rules| all_match(rules, body)),
        Rule::At(path, conditions) => {
            let mut values = Vec::new();
            collect(body, path, &mut values);
            conditions.iter().any(|condition| match condition {
                Condition::Exists(wanted) => *wanted != values.is_empty(),
                _ => values.iter().any(|value| condition.matches(value)),
            })
        }
    })
}

/// All values at a place; arrays on the way stand for their elements.
fn collect<'v>(value: &'v Value, path: &[String], found: &mut Vec<&'v Value>) {
    match (value, path.split_first()) {
        (Value::Array(items), _) => items.iter().for_each(|item| collect(item, path, found)),
        (Value::Object(members), Some((name, rest))) => {
            if let Some(member) = members.get(name) {
                collect(member, rest, found);
            }
        }
        (Value::Object(_), None) | (_, Some(_)) => {}
        (leaf, None) => found.push(leaf),
    }
}

impl Condition {
    fn matches(&self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Condition::Exactly(wanted) => match (wanted.as_f64(), value.as_f64()) {
                (Some(wanted), Some(value)) => wanted == value,
                _ => wanted == value,
            },
            Condition::Prefix(prefix) => text.is_some_and(|text| text.starts_with(prefix)),
            Condition::Suffix(suffix) => text.is_some_and(|text| text.ends_with(suffix)),
            Condition::IgnoringCase(wanted) => {
                text.is_some_and(|text| text.to_lowercase() == *wanted)
            }
            Condition::Wildcard(pattern) => text.is_some_and(|text| wildcard(pattern, text)),
            Condition::Numeric(comparisons) => value.as_f64().is_some_and(|value| {
                comparisons.iter().all(|(comparison, bound)| match comparison {
                    Comparison::Equal => value == *bound,
                    Comparison::Less => value < *bound,
                    Comparison::LessOrEqual => value <= *bound,
                    Comparison::Greater => value > *bound,
                    Comparison::GreaterOrEqual => value >= *bound,
                })
            }),
            Condition::AnythingBut(unwanted) => !unwanted.iter().any(|one| one.matches(value)),
            Condition::Exists(_) => false, // it is not about a value
        }
    }
}

/// Whether a text matches a pattern in which `*` stands for anything; time at most the product of their lengths.
fn wildcard(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

fn rules(
    policy: &Map<String, Value>,
    scope: Scope,
    path: &mut Vec<String>,
) -> Result<Vec<Rule>, String> {
    let mut found = Vec::new();
    for (name, value) in policy {
        if name == "$or"
            && let Value::Array(choices) = value
            && choices.len() > 1
            && choices.iter().all(Value::is_object)
        {
            let choices = choices.iter().filter_map(Value::as_object);
            let choices = choices.map(|choice| rules(choice, scope, path));
            found.push(Rule::Or(choices.collect::<Result<_, _>>()?));
            continue;
        }
        path.push(name.clone());
        match value {
            Value::Array(conditions) if conditions.is_empty() => {
                return Err("Empty arrays are not allowed".to_owned());
            }
            Value::Array(conditions) => {
                let conditions = conditions.iter().map(condition).collect::<Result<_, _>>()?;
                found.push(Rule::At(path.clone(), conditions));
            }
            Value::Object(nested) if scope == Scope::Body && !nested.is_empty() => {
                found.extend(rules(nested, scope, path)?);
            }
            Value::Object(_) if scope == Scope::Attributes => {
                return Err(
                    "Filter policy scope MessageAttributes does not support nested filter \
                            policy"
                        .to_owned(),
                );
            }
            _ => return Err(format!("\"{name}\" must be an object or an array")),
        }
        path.pop();
    }
    Ok(found)
}

fn condition(value: &Value) -> Result<Condition, String> {
    let Value::Object(members) = value else {
        return match value {
            Value::Array(_) => {
                Err("Match value must be String, number, true, false, or null".into())
            }
            leaf => Ok(Condition::Exactly(leaf.clone())),
        };
    };
    let mut members = members.iter();
    let (Some((name, value)), None) = (members.next(), members.next()) else {
        return Err("Only one key allowed in match expression".to_owned());
    };
    let text = || {
        let text = value.as_str().map(str::to_owned);
        text.ok_or_else(|| format!("{name} match pattern must be a string"))
    };
    match name.as_str() {
        "prefix" => text().map(Condition::Prefix),
        "suffix" => text().map(Condition::Suffix),
        "wildcard" => text().map(Condition::Wildcard),
        "equals-ignore-case" => text().map(|text| Condition::IgnoringCase(text.to_lowercase())),
        "exists" => match value {
            Value::Bool(wanted) => Ok(Condition::Exists(*wanted)),
            _ => Err("exists match pattern must be either true or false.".to_owned()),
        },
        "numeric" => numeric(value).map(Condition::Numeric),
        "anything-but" => {
            let unwanted = match value {
                Value::Array(items) => items.iter().map(condition).collect::<Result<_, _>>()?,
                one => vec![condition(one)?],
            };
            Ok(Condition::AnythingBut(unwanted))
        }
        _ => Err(format!("Unrecognized match type {name}")),
    }
}

fn numeric(value: &Value) -> Result<Vec<(Comparison, f64)>, String> {
    let items = value.as_array().map_or(&[][..], Vec::as_slice);
    if items.is_empty() || !items.len().is_multiple_of(2) || items.len() > 4 {
        return Err("Value of numeric must be an array of operators and numbers".to_owned());
    }
    let pair = |pair: &[Value]| {
        let [operator, bound] = pair else { return None };
        let comparison = match operator.as_str()? {
            "=" => Comparison::Equal,
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            _ => return None,
        };
        Some((comparison, bound.as_f64()?))
    };
    let pairs: Option<Vec<_>> = items.chunks(2).map(pair).collect();
    pairs.ok_or_else(|| "Value of numeric must be an array of operators and numbers".to_owned())
}

fn combinations(rules: &[Rule]) -> usize {
    let count = |rule: &Rule| match rule {
        Rule::At(_, conditions) => conditions.len(),
        Rule::Or(choices) => choices.iter().map(|rules| combinations(rules)).sum(),
    };
    rules.iter().map(count).fold(1, usize::saturating_mul)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::model::message::Kind;

    fn message(text: &str, attributes: &[(&str, &str, &str)]) -> Message {
        let attribute = |(name, data_type, value): &(&str, &str, &str)| {
            let (data_type, value) = (data_type.to_string(), value.to_string());
            (name.to_string(), Attribute { data_type, value })
        };
        Message {
            id: "m".to_owned(),
            topic_arn: "t".to_owned(),
            kind: Kind::Notification,
            subject: None,
            text: text.to_owned(),
            texts: BTreeMap::new(),
            attributes: attributes.iter().map(attribute).collect(),
            published_ms: 0,
            origin: None,
        }
    }

    fn check(policy: &str, attributes: &[(&str, &str, &str)], expected: bool) {
        let filter = Filter::parse(policy, Scope::Attributes).expect(policy);
        let admits = filter.admits(&message("hello", attributes));
        assert_eq!(admits, expected, "{policy} {attributes:?}");
    }

    #[test]
    fn attributes_are_matched_as_documented() {
        let store = |value| [("store", "String", value)];
        check(r#"{"store":["a","b"]}"#, &store("b"), true);
        check(r#"{"store":["a"]}"#, &store("b"), false);
        check(r#"{"store":["a"]}"#, &[], false);
        check(r#"{"store":[{"prefix":"ex"}]}"#, &store("example"), true);
        check(r#"{"store":[{"suffix":"le"}]}"#, &store("example"), true);
        check(r#"{"store":[{"wildcard":"e*m*le"}]}"#, &store("example"), true);
        check(r#"{"store":[{"wildcard":"e*z*le"}]}"#, &store("example"), false);
        check(r#"{"store":[{"equals-ignore-case":"ExAmple"}]}"#, &store("example"), true);
        check(r#"{"store":[{"anything-but":["a","b"]}]}"#, &store("c"), true);
        check(r#"{"store":[{"anything-but":["a","b"]}]}"#, &store("b"), false);
        check(r#"{"store":[{"anything-but":{"prefix":"x"}}]}"#, &store("xy"), false);
        check(r#"{"store":[{"anything-but":["a"]}]}"#, &[], false);
        check(r#"{"store":[{"exists":true}]}"#, &store("c"), true);
        check(r#"{"store":[{"exists":false}]}"#, &store("c"), false);
        check(r#"{"store":[{"exists":false}]}"#, &[], true);
        let price = |value| [("price", "Number", value)];
        check(r#"{"price":[{"numeric":[">",0,"<=",100]}]}"#, &price("99.12"), true);
        check(r#"{"price":[{"numeric":[">",0,"<=",100]}]}"#, &price("100.5"), false);
        check(r#"{"price":[{"numeric":["=",7.0]}]}"#, &price("7"), true);
        check(r#"{"price":[7]}"#, &price("7.0"), true);
        check(r#"{"price":["7"]}"#, &price("7"), false);
        let list = [("sports", "String.Array", r#"["rugby",true,3]"#)];
        check(r#"{"sports":["rugby"]}"#, &list, true);
        check(r#"{"sports":[true]}"#, &list, true);
        check(r#"{"sports":["soccer"]}"#, &list, false);
        check(r#"{"b":["x"]}"#, &[("b", "Binary", "x")], false);
    }

    #[test]
    fn all_keys_must_match_and_one_side_of_an_or() {
        let both = [("a", "String", "1"), ("b", "String", "2")];
        check(r#"{"a":["1"],"b":["2"]}"#, &both, true);
        check(r#"{"a":["1"],"b":["3"]}"#, &both, false);
        check(r#"{"$or":[{"a":["9"]},{"b":["2"]}]}"#, &both, true);
        check(r#"{"$or":[{"a":["9"]},{"b":["3"]}]}"#, &both, false);
    }

    #[test]
    fn bodies_are_matched_at_any_depth() {
        let check = |policy: &str, body: &str, expected: bool| {
            let filter = Filter::parse(policy, Scope::Body).expect(policy);
            assert_eq!(filter.admits(&message(body, &[])), expected, "{policy} {body}");
        };
        check(r#"{"a":{"b":["c"]}}"#, r#"{"a":{"b":"c"}}"#, true);
        check(r#"{"a":{"b":["c"]}}"#, r#"{"a":[{"b":"x"},{"b":["y","c"]}]}"#, true);
        check(r#"{"a":{"b":["c"]}}"#, r#"{"a":"c"}"#, false);
        check(r#"{"a":[null]}"#, r#"{"a":null}"#, true);
        check(r#"{"a":[{"exists":false}]}"#, "{}", true);
        check(r#"{"a":["b"]}"#, "no json", false);
        check(r#"{"a":["b"]}"#, "[]", false);
    }

    #[test]
    fn what_is_no_policy_is_told() {
        let told = |text: &str| Filter::parse(text, Scope::Attributes).expect_err(text);
        assert!(told("{i}").starts_with("FilterPolicy: failed to parse JSON."));
        for (text, reason) in [
            ("[]", "it must be a JSON object"),
            (r#"{"a":"b"}"#, r#""a" must be an object or an array"#),
            (r#"{"a":[]}"#, "Empty arrays are not allowed"),
            (r#"{"a":[{"cidr":"10.0.0.0/8"}]}"#, "Unrecognized match type cidr"),
            (r#"{"a":[{"prefix":1}]}"#, "prefix match pattern must be a string"),
            (r#"{"a":[{"prefix":"a","suffix":"b"}]}"#, "Only one key allowed in match expression"),
            (
                r#"{"a":[{"numeric":[">"]}]}"#,
                "Value of numeric must be an array of operators and numbers",
            ),
        ] {
            assert_eq!(told(text), format!("FilterPolicy: {reason}"));
        }
        let many = (0..COMBINATIONS_MAX + 1).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
        assert_eq!(
            told(&format!(r#"{{"a":[{many}]}}"#)),
            "FilterPolicy: Filter policy is too complex"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_or_a_match_panic(policy: String, body: String) {
            for scope in [Scope::Attributes, Scope::Body] {
                if let Ok(filter) = Filter::parse(&policy, scope) {
                    filter.admits(&message(&body, &[]));
                }
            }
        }

        #[test]
        fn a_wildcard_matches_what_it_was_made_from(text in "[a-c]{0,8}", at in 0usize..8, to in 0usize..8) {
            let (from, to) = (at.min(to).min(text.len()), at.max(to).min(text.len()));
            let pattern = format!("{}*{}", &text[..from], &text[to..]);
            prop_assert!(wildcard(&pattern, &text), "{pattern} {text}");
        }
    }
}
