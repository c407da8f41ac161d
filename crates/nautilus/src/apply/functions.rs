//! The functions that expressions may call: what validation rules need, and `jsonencode`, which policies are written
//! with. `check` refuses all others by name.

use std::fmt::Write;

use super::{eval::equal, fault::Fault, source::Expr, value::Value};

type Function = fn(Expr<'_>, &[Value]) -> Option<Result<Value, Fault>>;

/// A function answers nothing where `--apply` does not read it with such arguments.
const FUNCTIONS: &[(&str, Function)] =
    &[("contains", contains), ("jsonencode", jsonencode), ("length", length)];

pub(super) fn exists(name: &str) -> bool {
    FUNCTIONS.iter().any(|(other, _)| *other == name)
}

pub(super) fn call(at: Expr<'_>, name: &str, arguments: &[Value]) -> Result<Value, Fault> {
    let function = FUNCTIONS.iter().find(|(other, _)| *other == name);
    function.and_then(|(_, function)| function(at, arguments)).unwrap_or_else(|| {
        Err(at.fault(format!("`{name}(…)` is not read by --apply with these arguments")))
    })
}

fn contains(at: Expr<'_>, arguments: &[Value]) -> Option<Result<Value, Fault>> {
    let (items, wanted) = match arguments {
        [Value::List(items) | Value::Set(items), wanted] => (items, wanted),
        [unknown @ Value::Unknown(_), _] => return Some(Ok(unknown.clone())),
        _ => return None,
    };
    let mut answer = Value::Bool(false);
    for item in items {
        match equal(at, item, wanted) {
            Ok(Value::Bool(false)) => {}
            Ok(unknown @ Value::Unknown(_)) => answer = unknown,
            decided => return Some(decided),
        }
    }
    Some(Ok(answer))
}

fn length(_: Expr<'_>, arguments: &[Value]) -> Option<Result<Value, Fault>> {
    let length = match arguments {
        [Value::List(items) | Value::Set(items)] => items.len(),
        [Value::Map(items)] => items.len(),
        // Terraform counts what a person sees as one character; for ASCII these are bytes.
        [Value::String(text)] if text.is_ascii() => text.len(),
        [unknown @ Value::Unknown(_)] => return Some(Ok(unknown.clone())),
        _ => return None,
    };
    Some(Ok(Value::Number(length as f64)))
}

fn jsonencode(at: Expr<'_>, arguments: &[Value]) -> Option<Result<Value, Fault>> {
    let [value] = arguments else { return None };
    if let Some(unknown) = value.unknown() {
        return Some(Ok(unknown.clone()));
    }
    let mut text = String::new();
    Some(match write_json(&mut text, value) {
        Ok(()) => Ok(Value::String(text)),
        Err(why) => Err(at.fault(why)),
    })
}

/// On one line, members by name: to the byte what Terraform writes, which is what the service keeps.
fn write_json(text: &mut String, value: &Value) -> Result<(), String> {
    match value {
        Value::Null => text.push_str("null"),
        Value::String(string) => write_json_string(text, string),
        Value::Bool(_) | Value::Number(_) => text.push_str(&value.clone().into_text()?),
        Value::List(items) | Value::Set(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                write_json(text, item)?;
            }
            text.push(']');
        }
        Value::Map(items) => {
            text.push('{');
            for (index, (name, item)) in items.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                write_json_string(text, name);
                text.push(':');
                write_json(text, item)?;
            }
            text.push('}');
        }
        Value::Unknown(_) => return Err("this is not known yet".to_owned()),
    }
    Ok(())
}

/// Terraform also escapes what could end a script or a line of one.
fn write_json_string(text: &mut String, string: &str) {
    text.push('"');
    for c in string.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                // Writing into a string cannot fail.
                let _ = write!(text, "\\u{:04x}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push('"');
}
