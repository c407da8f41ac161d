//! For every operation and every constraint: a request that breaks it just so is refused with the error that tells, and
//! changes nothing.

use nautilus_wire::{
    MemberSpec, Protocol, Shape,
    rules::{IntegerRule, LengthRule, StringRule},
};
use serde_json::{Value, json};

use super::{State, bases::Bases, call, encode};
use crate::operations;

/// A value that breaks a rule, and what it breaks.
type Breach = (&'static str, Value);

fn texts(rule: &StringRule) -> Vec<Breach> {
    let mut breaches = Vec::new();
    if rule.min > 0 {
        breaches.push(("length", json!("")));
    }
    if rule.max < usize::MAX {
        breaches.push(("length", "a".repeat(rule.max + 1).into()));
    }
    if rule.pattern.is_some() {
        breaches.push(("pattern", json!("\u{1}")));
        breaches.push(("pattern", json!("a b")));
    }
    if !rule.one_of.is_empty() {
        breaches.extend([("enum", json!("x")), ("enum", json!(""))]);
        breaches.push(("enum", rule.one_of[0].to_lowercase().into()));
    }
    breaches
}

fn integers(rule: &IntegerRule) -> Vec<Breach> {
    let ends = if rule.long { (i64::MIN, i64::MAX) } else { (i32::MIN.into(), i32::MAX.into()) };
    let low = (rule.min > ends.0).then(|| ("range", json!(rule.min - 1)));
    let high = (rule.max < ends.1).then(|| ("range", json!(rule.max + 1)));
    low.into_iter().chain(high).collect()
}

/// Lists of too few and too many of an item.
fn lists(rule: &LengthRule, item: &Value) -> Vec<Breach> {
    let few = (rule.min > 0).then(|| ("length", json!([])));
    let many = (rule.max < 10_000).then(|| ("length", json!(vec![item; rule.max + 1])));
    few.into_iter().chain(many).collect()
}

fn breaches(spec: &MemberSpec, base: &Value) -> Vec<Breach> {
    let mut found = match &spec.shape {
        Shape::String(rule) => texts(rule),
        Shape::Integer(rule) => integers(rule),
        Shape::Boolean | Shape::Timestamp | Shape::Structure => Vec::new(),
        Shape::Blob(rule) => {
            let bytes = vec![0; if rule.max < 1 << 30 { rule.max + 1 } else { 0 }];
            vec![("length", base64_simd::STANDARD.encode_to_string(bytes).into())]
        }
        Shape::Strings(rule, item) => {
            let item = texts(item).into_iter().map(|(what, value)| (what, json!([value])));
            lists(rule, &json!("ALL")).into_iter().chain(item).collect()
        }
        Shape::StringMap(rule) => {
            let keys = texts(&rule.key)
                .into_iter()
                .filter_map(|(what, key)| Some((what, json!({ key.as_str()?: "v" }))));
            let values =
                texts(&rule.value).into_iter().map(|(what, value)| (what, json!({ "k": value })));
            let few = (rule.length.min > 0).then(|| ("length", json!({})));
            let many: serde_json::Map<_, _> =
                (0..=rule.length.max.min(1000)).map(|n| (n.to_string(), json!("v"))).collect();
            let many = (rule.length.max < 1000).then_some(("length", Value::Object(many)));
            keys.chain(values).chain(few).chain(many).collect()
        }
        Shape::List(rule) => lists(rule, &base[0]),
        Shape::Double | Shape::Doubles(_) | Shape::Map(_) => {
            unreachable!("Kinesis has no {spec:?}")
        }
    };
    if spec.required {
        found.push(("required", Value::Null));
    }
    found
}

/// Values of other types.
fn other_types(spec: &MemberSpec) -> Vec<Value> {
    let is_map = matches!(spec.shape, Shape::StringMap(_) | Shape::Structure);
    let is_list = matches!(spec.shape, Shape::Strings(..) | Shape::List(_));
    let mut others = Vec::new();
    if !is_map {
        others.push(json!({}));
    }
    if !is_list {
        others.push(json!([]));
    }
    if is_map || is_list {
        others.extend([json!("text"), json!(1)]);
    }
    others
}

/// Puts a value at a path like `Records.member.Data`; null takes the member away.
fn put(input: &mut Value, path: &str, value: Value) {
    let (mut at, mut steps) = (input, path.split('.').peekable());
    while let Some(step) = steps.next() {
        if step == "member" {
            at = &mut at[0];
        } else if steps.peek().is_some() {
            at = &mut at[step];
        } else if value.is_null() {
            at.as_object_mut().expect("a structure").remove(step);
            return;
        } else {
            at[step] = value;
            return;
        }
    }
}

fn get<'v>(input: &'v Value, path: &str) -> &'v Value {
    path.split('.').fold(input, |at, step| if step == "member" { &at[0] } else { &at[step] })
}

/// Members whose absence the service itself refuses, in words of its own.
fn is_wire_rule(operation: &str, spec: &MemberSpec, what: &str) -> bool {
    // Without a mode there must be a count; the base has one.
    !(operation == "CreateStream" && spec.path == "ShardCount" && what == "required")
}

#[test]
fn every_constraint_that_is_broken_is_told_and_nothing_is_changed() {
    let bases = Bases::new();
    let mut broken = 0;
    for operation in operations() {
        let base = bases.of(operation.name);
        for spec in &operation.input {
            for (what, value) in breaches(spec, get(&base, &spec.path)) {
                for protocol in Protocol::OF_KINESIS {
                    let mut input = base.clone();
                    put(&mut input, &spec.path, value.clone());
                    let state = State::of(&bases.world);
                    let body = encode(protocol, &input);
                    let answer = call(&bases.world, protocol, operation.name, &body);
                    let case = format!("{} {} {what} {protocol:?}", operation.name, spec.path);
                    assert!(state.is_that_of(&bases.world), "{case} changed something");
                    if !is_wire_rule(operation.name, spec, what) {
                        continue;
                    }
                    let error = answer.expect_err(&case);
                    assert_eq!(error.code, "ValidationException", "{case}: {error:.300}");
                    let member = spec.path.rsplit('.').next().unwrap_or_default();
                    let text = error.message.unwrap_or_default().to_lowercase();
                    assert!(text.contains(&member.to_lowercase()), "{case}: {text:.300}");
                    broken += 1;
                }
            }
        }
    }
    assert!(broken > 500, "{broken}");
}

#[test]
fn every_member_of_a_wrong_type_is_refused_and_nothing_is_changed() {
    let bases = Bases::new();
    for operation in operations() {
        let base = bases.of(operation.name);
        for spec in &operation.input {
            for value in other_types(spec) {
                for protocol in Protocol::OF_KINESIS {
                    let mut input = base.clone();
                    put(&mut input, &spec.path, value.clone());
                    let state = State::of(&bases.world);
                    let body = encode(protocol, &input);
                    let answer = call(&bases.world, protocol, operation.name, &body);
                    let case = format!("{} {} {value} {protocol:?}", operation.name, spec.path);
                    let error = answer.expect_err(&case);
                    assert_eq!(error.code, "SerializationException", "{case}: {error:.300}");
                    assert!(state.is_that_of(&bases.world), "{case} changed something");
                }
            }
        }
    }
}
