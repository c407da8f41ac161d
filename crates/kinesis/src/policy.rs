//! Resource policies: what a text must be to be kept as one. It is kept as it was given, and not enforced here.
//!
//! Each statement says whom it allows or forbids what on the one resource that it is attached to. Texts of errors are
//! ours: AWS's are not known.

use serde_json::{Map, Value};

use crate::{error::Error, limits};

const VERSIONS: [&str; 2] = ["2012-10-17", "2008-10-17"];
const PRINCIPALS: [&str; 4] = ["AWS", "CanonicalUser", "Federated", "Service"];

/// What stands for the policy of a resource that has none.
pub(crate) const NONE: &str = "{}";

/// Whether `text` may be the policy of the resource `arn`.
pub(crate) fn check(text: &str, arn: &str) -> Result<(), Error> {
    if text.len() > limits::POLICY_BYTES_MAX {
        return Err(Error::LimitExceeded(format!(
            "The resource policy is larger than {} bytes.",
            limits::POLICY_BYTES_MAX
        )));
    }
    check_document(text, arn).map_err(|reason| {
        Error::InvalidArgument(format!("The resource policy for {arn} is not valid: {reason}"))
    })
}

fn check_document(text: &str, arn: &str) -> Result<(), String> {
    let document: Value =
        serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}."))?;
    let document = object(&document, "The policy")?;
    only(document, &["Version", "Id", "Statement"], "a policy")?;
    let version = document.get("Version").and_then(Value::as_str);
    if !version.is_some_and(|version| VERSIONS.contains(&version)) {
        return Err(format!("Version must be one of {}.", VERSIONS.join(", ")));
    }
    text_if_any(document, "Id")?;
    let statements = match document.get("Statement") {
        Some(Value::Array(statements)) if !statements.is_empty() => statements.as_slice(),
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        _ => return Err("Statement must be a statement, or a list of some.".to_owned()),
    };
    statements.iter().try_for_each(|statement| check_statement(statement, arn))
}

fn check_statement(statement: &Value, arn: &str) -> Result<(), String> {
    let statement = object(statement, "A statement")?;
    let known = ["Sid", "Effect", "Principal", "Action", "Resource", "Condition"];
    only(statement, &known, "a statement")?;
    text_if_any(statement, "Sid")?;
    if !matches!(statement.get("Effect").and_then(Value::as_str), Some("Allow" | "Deny")) {
        return Err("Effect must be Allow or Deny.".to_owned());
    }
    check_principal(statement.get("Principal"))?;
    for action in texts(statement.get("Action"), "Action")? {
        let service = action.split_once(':').map(|(service, _)| service);
        if !service.is_some_and(|service| service.eq_ignore_ascii_case("kinesis")) {
            return Err(format!("Action {action} is not one of Kinesis."));
        }
    }
    if texts(statement.get("Resource"), "Resource")?.iter().any(|resource| *resource != arn) {
        return Err("Resource must be the ARN of the resource itself.".to_owned());
    }
    match statement.get("Condition") {
        None | Some(Value::Object(_)) => Ok(()),
        Some(_) => Err("Condition must be a map.".to_owned()),
    }
}

fn check_principal(principal: Option<&Value>) -> Result<(), String> {
    match principal {
        Some(Value::String(all)) if all == "*" => Ok(()),
        Some(Value::Object(kinds)) if !kinds.is_empty() => {
            only(kinds, &PRINCIPALS, "Principal")?;
            kinds.values().try_for_each(|named| texts(Some(named), "Principal").map(drop))
        }
        _ => Err("Principal must be given: *, or a map of principals.".to_owned()),
    }
}

fn object<'v>(value: &'v Value, what: &str) -> Result<&'v Map<String, Value>, String> {
    value.as_object().ok_or_else(|| format!("{what} must be a JSON object."))
}

fn only(members: &Map<String, Value>, known: &[&str], of: &str) -> Result<(), String> {
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!("{name} is no element of {of}.")),
        None => Ok(()),
    }
}

fn text_if_any(members: &Map<String, Value>, name: &str) -> Result<(), String> {
    match members.get(name) {
        None | Some(Value::String(_)) => Ok(()),
        Some(_) => Err(format!("{name} must be a text.")),
    }
}

/// A text, or the texts of a list that is not empty.
fn texts<'v>(value: Option<&'v Value>, name: &str) -> Result<Vec<&'v str>, String> {
    let found: Option<Vec<&str>> = match value {
        Some(Value::String(text)) => Some(vec![text]),
        Some(Value::Array(items)) => items.iter().map(Value::as_str).collect(),
        _ => None,
    };
    let found = found.filter(|texts| texts.iter().all(|text| !text.is_empty()));
    found
        .filter(|texts| !texts.is_empty())
        .ok_or_else(|| format!("{name} must be given: a text, or a list of texts."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";

    fn statement() -> Value {
        json!({
            "Sid": "one",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
            "Action": ["kinesis:GetRecords", "kinesis:PutRecord"],
            "Resource": ARN,
        })
    }

    fn policy(statement: Value) -> Value {
        json!({"Version": "2012-10-17", "Statement": [statement]})
    }

    fn check_with(name: &str, value: Value) -> Result<(), Error> {
        let mut statement = statement();
        match value {
            Value::Null => drop(statement.as_object_mut().map(|it| it.remove(name))),
            value => statement[name] = value,
        }
        check(&policy(statement).to_string(), ARN)
    }

    #[test]
    fn what_says_who_may_do_what_on_the_resource_is_a_policy() {
        assert!(check(&policy(statement()).to_string(), ARN).is_ok());
        let single = json!({"Version": "2008-10-17", "Id": "x", "Statement": statement()});
        assert!(check(&single.to_string(), ARN).is_ok(), "one statement needs no list");
        for (name, value) in [
            ("Sid", Value::Null),
            ("Effect", json!("Deny")),
            ("Principal", json!("*")),
            ("Principal", json!({"AWS": ["123456789012", "arn:aws:iam::000000000000:user/u"]})),
            ("Action", json!("kinesis:*")),
            ("Resource", json!([ARN])),
            ("Condition", json!({"StringEquals": {"aws:SourceAccount": "1"}})),
        ] {
            assert!(check_with(name, value.clone()).is_ok(), "{name} {value}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for (name, value) in [
            ("Sid", json!(1)),
            ("Effect", json!("Perhaps")),
            ("Effect", Value::Null),
            ("Principal", Value::Null),
            ("Principal", json!("someone")),
            ("Principal", json!({})),
            ("Principal", json!({"Aws": "*"})),
            ("Action", Value::Null),
            ("Action", json!([])),
            ("Action", json!("s3:GetObject")),
            ("Action", json!("GetRecords")),
            ("NotAction", json!("kinesis:GetRecords")),
            ("Resource", Value::Null),
            ("Resource", json!([ARN, "*"])),
            ("Condition", json!("often")),
        ] {
            let refused = check_with(name, value.clone());
            assert!(matches!(refused, Err(Error::InvalidArgument(_))), "{name} {value}");
        }
        for text in ["", "[]", "{", r#""text""#, "{}", r#"{"Version":"2012-10-17","Statement":[]}"#]
        {
            assert!(matches!(check(text, ARN), Err(Error::InvalidArgument(_))), "{text}");
        }
    }

    #[test]
    fn neither_depth_nor_size_does_harm() {
        let deep = "[".repeat(limits::POLICY_BYTES_MAX);
        assert!(matches!(check(&deep, ARN), Err(Error::InvalidArgument(_))));
        let large = format!("{deep}[");
        assert!(matches!(check(&large, ARN), Err(Error::LimitExceeded(_))));
    }
}
