//! Terraform's values and types, as far as a module for streams needs them, and the conversions between them.
//!
//! Numbers are exact: a whole number up to 2^53, or a fraction as it was written. Terraform counts with 512 bits, so
//! whatever would come out differently here is refused by `number`, never rounded.

use std::{collections::BTreeMap, fmt};

/// A value of the expression language. Terraform's tuples are lists here, its objects maps.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Of any type: what the service says only when the resource of this address is made. Never in a set.
    Unknown(String),
    Null,
    Bool(bool),
    Number(f64),
    String(String),
    List(Vec<Value>),
    /// Sorted, each value once.
    Set(Vec<Value>),
    Map(BTreeMap<String, Value>),
}

/// A type constraint of a variable or an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    Any,
    String,
    Number,
    Bool,
    List(Box<Type>),
    Set(Box<Type>),
    Map(Box<Type>),
}

/// The largest whole number that is counted exactly.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// A number that is exact here.
pub(super) fn number(number: f64) -> Result<Value, String> {
    if number.abs() <= WHOLE_MAX {
        Ok(Value::Number(number + 0.0)) // which makes -0 a 0
    } else {
        Err("numbers beyond 2^53 are not read by --apply".to_owned())
    }
}

impl Value {
    pub(super) fn string(text: impl Into<String>) -> Value {
        Value::String(text.into())
    }

    /// An object, by its attributes.
    pub(super) fn object<const N: usize>(attributes: [(&str, Value); N]) -> Value {
        Value::Map(attributes.map(|(name, value)| (name.to_owned(), value)).into())
    }

    pub(super) fn texts(texts: &BTreeMap<String, String>) -> Value {
        Value::Map(texts.iter().map(|(key, text)| (key.clone(), Value::string(text))).collect())
    }

    pub(super) fn strings<S: Into<String>>(strings: impl IntoIterator<Item = S>) -> Vec<Value> {
        strings.into_iter().map(Value::string).collect()
    }

    /// The value as `wanted`, by Terraform's rules; `null` is of every type.
    pub(super) fn convert(self, wanted: &Type) -> Result<Value, String> {
        match (wanted, self) {
            (Type::Any, value) => Ok(value),
            (_, value @ (Value::Null | Value::Unknown(_))) => Ok(value),
            (Type::String, value) => value.into_text().map(Value::String),
            (Type::Number, Value::Number(n)) => Ok(Value::Number(n)),
            (Type::Number, Value::String(text)) => number(parse_number(&text)?),
            (Type::Bool, Value::Bool(b)) => Ok(Value::Bool(b)),
            (Type::Bool, Value::String(text)) => match text.as_str() {
                "true" | "1" => Ok(Value::Bool(true)),
                "false" | "0" => Ok(Value::Bool(false)),
                _ => Err(format!("a bool is wanted, this is the string {text:?}")),
            },
            (Type::List(of), Value::List(items) | Value::Set(items)) => {
                Ok(Value::List(convert_all(items, of)?))
            }
            (Type::Set(of), Value::List(items) | Value::Set(items)) => {
                let mut items = convert_all(items, of)?;
                if let Some(unknown) = items.iter().find_map(Value::unknown) {
                    return Ok(unknown.clone()); // nobody knows how many they are
                }
                items.sort_by_key(Value::to_string);
                items.dedup();
                Ok(Value::Set(items))
            }
            (Type::Map(of), Value::Map(items)) => {
                let items = items.into_iter().map(|(key, item)| {
                    item.convert(of).map(|item| (key.clone(), item)).map_err(|reason| {
                        format!("{key}: {reason}") // which one of them
                    })
                });
                Ok(Value::Map(items.collect::<Result<_, _>>()?))
            }
            (_, value) => Err(format!("{wanted} is wanted, this is {}", value.kind())),
        }
    }

    /// The text of a primitive value, as a template shows it.
    pub(super) fn into_text(self) -> Result<String, String> {
        match self {
            Value::String(text) => Ok(text),
            Value::Bool(b) => Ok(b.to_string()),
            Value::Number(n) => Ok(n.to_string()),
            value => Err(format!("a string is wanted, this is {}", value.kind())),
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Value::Unknown(_) => "not known yet",
            Value::Null => "null",
            Value::Bool(_) => "a bool",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::List(_) => "a list",
            Value::Set(_) => "a set",
            Value::Map(_) => "a map",
        }
    }

    /// The first thing in it that is not known yet.
    pub(super) fn unknown(&self) -> Option<&Value> {
        match self {
            Value::Unknown(_) => Some(self),
            Value::List(items) | Value::Set(items) => items.iter().find_map(Value::unknown),
            Value::Map(items) => items.values().find_map(Value::unknown),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        }
    }

    /// The text of a member; empty if there is none.
    pub(super) fn text_of(&self, name: &str) -> &str {
        match self.member(name) {
            Some(Value::String(text)) => text,
            _ => "",
        }
    }

    /// The texts of a member that is a map of them.
    pub(super) fn texts_of(&self, name: &str) -> BTreeMap<String, String> {
        let Some(Value::Map(items)) = self.member(name) else { return BTreeMap::new() };
        let texts = items.iter().filter_map(|(key, value)| match value {
            Value::String(text) => Some((key.clone(), text.clone())),
            _ => None,
        });
        texts.collect()
    }

    fn member(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Map(items) => items.get(name),
            _ => None,
        }
    }

    pub(super) fn is_primitive(&self) -> bool {
        matches!(self, Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_))
    }
}

fn convert_all(items: Vec<Value>, of: &Type) -> Result<Vec<Value>, String> {
    items.into_iter().map(|item| item.convert(of)).collect()
}

/// HCL's decimal numbers: Rust's parser also takes `inf`, `+1` and `.5`.
fn parse_number(text: &str) -> Result<f64, String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.starts_with(|c: char| c.is_ascii_digit()) && !digits.ends_with('.');
    match text.parse() {
        Ok(number) if plain => Ok(number),
        _ => Err(format!("a number is wanted, this is the string {text:?}")),
    }
}

/// As HCL writes it, on one line.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Unknown(_) => write!(f, "(known after apply)"),
            Value::Null => write!(f, "null"),
            Value::Bool(b) => write!(f, "{b}"),
            Value::Number(n) => write!(f, "{n}"),
            Value::String(text) => write!(f, "{text:?}"),
            Value::List(items) | Value::Set(items) => {
                let items: Vec<String> = items.iter().map(Value::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Value::Map(items) if items.is_empty() => write!(f, "{{}}"),
            Value::Map(items) => {
                let items: Vec<String> =
                    items.iter().map(|(key, item)| format!("{key} = {item}")).collect();
                write!(f, "{{ {} }}", items.join(", "))
            }
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Any => write!(f, "any"),
            Type::String => write!(f, "a string"),
            Type::Number => write!(f, "a number"),
            Type::Bool => write!(f, "a bool"),
            Type::List(_) => write!(f, "a list"),
            Type::Set(_) => write!(f, "a set"),
            Type::Map(_) => write!(f, "a map"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(items: &[&str]) -> Value {
        Value::Set(Value::strings(items.iter().copied()))
    }

    #[test]
    fn a_set_is_sorted_and_has_each_value_once() {
        let list = Value::List(Value::strings(["b", "a", "b"]));
        assert_eq!(list.convert(&Type::Set(Box::new(Type::String))), Ok(set(&["a", "b"])));
    }

    #[test]
    fn primitives_convert_as_terraform_converts_them() {
        let text = |text: &str| Value::String(text.to_owned());
        assert_eq!(Value::Number(1.5).convert(&Type::String), Ok(text("1.5")));
        assert_eq!(Value::Bool(true).convert(&Type::String), Ok(text("true")));
        assert_eq!(text("1e3").convert(&Type::Number), Ok(Value::Number(1000.0)));
        assert_eq!(text("0").convert(&Type::Bool), Ok(Value::Bool(false)));
        for wrong in ["", "inf", "NaN", "+1", ".5", "1.", "0x10", " 1"] {
            assert!(text(wrong).convert(&Type::Number).is_err(), "{wrong:?}");
        }
        assert!(Value::Number(1.0).convert(&Type::Bool).is_err());
        assert!(set(&["a"]).convert(&Type::String).is_err());
    }

    #[test]
    fn numbers_that_are_not_exact_here_are_refused() {
        assert!(number(9_007_199_254_740_992.0).is_ok());
        assert!(number(9_007_199_254_740_994.0).is_err());
        assert!(number(f64::NAN).is_err());
    }
}
