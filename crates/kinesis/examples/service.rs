//! Prints the operations and the members that they read as JSON: what `tests/clients/conformance` compares with the
//! newest service model of AWS.

#![allow(clippy::print_stdout)] // that is what it is for

use nautilus_kinesis::operations;
use nautilus_wire::{
    MemberSpec, Shape,
    rules::{IntegerRule, LengthRule, StringRule},
};
use serde_json::{Value, json};

fn main() {
    let members = |input: &[MemberSpec]| input.iter().map(member).collect::<Vec<_>>();
    let operations: serde_json::Map<String, Value> = operations()
        .iter()
        .map(|operation| (operation.name.to_owned(), members(&operation.input).into()))
        .collect();
    println!("{}", Value::Object(operations));
}

fn member(spec: &MemberSpec) -> Value {
    let shape = match &spec.shape {
        Shape::String(rule) => string(rule),
        Shape::Integer(rule) => integer(rule),
        Shape::Double => json!({ "type": "double" }),
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Timestamp => json!({ "type": "timestamp" }),
        Shape::Blob(rule) => with_length("blob", rule),
        Shape::Strings(rule, item) => {
            let mut list = with_length("list", rule);
            list["member"] = string(item);
            list
        }
        Shape::Doubles(rule) => {
            let mut list = with_length("list", rule);
            list["member"] = json!({ "type": "double" });
            list
        }
        Shape::StringMap(rule) => {
            let mut map = with_length("map", &rule.length);
            map["key"] = string(&rule.key);
            map["value"] = string(&rule.value);
            map
        }
        Shape::Structure => json!({ "type": "structure" }),
        Shape::List(rule) => with_length("list", rule),
        Shape::Map(rule) => with_length("map", rule),
    };
    json!({ "path": spec.path, "required": spec.required, "shape": shape })
}

fn string(rule: &StringRule) -> Value {
    let length = LengthRule { min: rule.min, max: rule.max };
    let mut shape = with_length("string", &length);
    if let Some(pattern) = rule.pattern {
        shape["pattern"] = pattern.text.into();
    }
    if !rule.one_of.is_empty() {
        shape["enum"] = json!(rule.one_of);
    }
    shape
}

fn integer(rule: &IntegerRule) -> Value {
    let mut shape = json!({ "type": if rule.long { "long" } else { "integer" } });
    let ends = if rule.long { (i64::MIN, i64::MAX) } else { (i32::MIN.into(), i32::MAX.into()) };
    if rule.min != ends.0 {
        shape["min"] = rule.min.into();
    }
    if rule.max != ends.1 {
        shape["max"] = rule.max.into();
    }
    shape
}

fn with_length(kind: &str, rule: &LengthRule) -> Value {
    let mut shape = json!({ "type": kind });
    if rule.min != 0 {
        shape["min"] = rule.min.into();
    }
    if rule.max != usize::MAX {
        shape["max"] = rule.max.into();
    }
    shape
}
