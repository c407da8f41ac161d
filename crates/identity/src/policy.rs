//! Policies: a document read once, and what it says of a request.
//!
//! One evaluator for all kinds. A policy of a resource names principals in its statements; one of an identity does not,
//! and is about whoever it is attached to. Statements with NotAction, NotPrincipal or NotResource are refused: nobody
//! who keeps policies here takes them.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>

mod condition;
mod wildcard;

use std::fmt;

use serde_json::{Map, Value};

use self::{
    condition::{Condition, Truth},
    wildcard::{is_like, is_like_in_any_case},
};
use crate::{Caller, authorization::Resource};

const VERSIONS: [&str; 2] = ["2012-10-17", "2008-10-17"];
const ELEMENTS: [&str; 6] = ["Sid", "Effect", "Principal", "Action", "Resource", "Condition"];
const PRINCIPALS: [&str; 4] = ["AWS", "CanonicalUser", "Federated", "Service"];

/// A policy that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    statements: Vec<Statement>,
}

/// One of a policy's statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    effect: Effect,
    principals: Option<Principals>,
    actions: Vec<String>,
    resources: Vec<String>,
    condition: Condition,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Allow,
    Deny,
}

/// Whom a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Principals {
    Everyone,
    /// Accounts and ARNs. Services and federated users never call here.
    Named(Vec<String>),
}

/// Why a text is no policy, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError(String);

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PolicyError {}

/// What a policy is asked about.
pub(crate) struct Asked<'a> {
    caller: &'a Caller,
    caller_arn: String,
    action: &'a str,
    resource: &'a Resource<'a>,
}

impl<'a> Asked<'a> {
    pub(crate) fn new(
        caller: &'a Caller,
        action: &'a str,
        resource: &'a Resource<'a>,
    ) -> Asked<'a> {
        Asked { caller, caller_arn: caller.arn(), action, resource }
    }
}

/// What a policy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// No statement is about the request.
    Silent,
    Allowed,
    /// Whatever else allows it.
    Denied,
}

impl Policy {
    /// Reads a document. Conditions are taken as they are: see [`Statement::condition_fault`].
    pub fn parse(text: &str) -> Result<Policy, PolicyError> {
        let document: Value = serde_json::from_str(text)
            .map_err(|error| PolicyError(format!("it is no JSON: {error}.")))?;
        let document = object(&document, "The policy")?;
        only(document, &["Version", "Id", "Statement"], "a policy")?;
        let version = document.get("Version").and_then(Value::as_str);
        if !version.is_some_and(|version| VERSIONS.contains(&version)) {
            return Err(PolicyError(format!("Version must be one of {}.", VERSIONS.join(", "))));
        }
        text_if_any(document, "Id")?;
        let statements = match document.get("Statement") {
            Some(Value::Array(statements)) if !statements.is_empty() => statements.as_slice(),
            Some(one @ Value::Object(_)) => std::slice::from_ref(one),
            _ => return refused("Statement must be a statement, or a list of some."),
        };
        let statements = statements.iter().map(Statement::read).collect::<Result<_, _>>()?;
        Ok(Policy { statements })
    }

    /// Its statements, at least one.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// Whether it forbids anything to anybody.
    pub fn denies(&self) -> bool {
        self.statements.iter().any(|statement| statement.effect == Effect::Deny)
    }

    /// What it says of a request. A Deny counts for more than any Allow.
    pub(crate) fn verdict(&self, asked: &Asked<'_>) -> Verdict {
        let mut verdict = Verdict::Silent;
        for statement in self.statements.iter().filter(|statement| statement.is_about(asked)) {
            match statement.effect {
                Effect::Deny => return Verdict::Denied,
                Effect::Allow => verdict = Verdict::Allowed,
            }
        }
        verdict
    }
}

impl Statement {
    fn read(statement: &Value) -> Result<Statement, PolicyError> {
        let statement = object(statement, "A statement")?;
        only(statement, &ELEMENTS, "a statement")?;
        text_if_any(statement, "Sid")?;
        let effect = match statement.get("Effect").and_then(Value::as_str) {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            _ => return refused("Effect must be Allow or Deny."),
        };
        Ok(Statement {
            effect,
            principals: statement.get("Principal").map(Principals::read).transpose()?,
            actions: texts(statement.get("Action"), "Action")?,
            resources: texts(statement.get("Resource"), "Resource")?,
            condition: match statement.get("Condition") {
                None => Condition::default(),
                Some(Value::Object(element)) => Condition::read(element),
                Some(_) => return refused("Condition must be a map."),
            },
        })
    }

    /// Whether it says whom it is about, as the statements of resources do.
    pub fn names_principals(&self) -> bool {
        self.principals.is_some()
    }

    /// Patterns of actions, at least one.
    pub fn actions(&self) -> &[String] {
        &self.actions
    }

    /// Patterns of resources, at least one.
    pub fn resources(&self) -> &[String] {
        &self.resources
    }

    /// What in its condition IAM would not take, as a sentence. Such a condition allows nothing.
    pub fn condition_fault(&self) -> Option<&str> {
        self.condition.fault.as_deref()
    }

    fn is_about(&self, asked: &Asked<'_>) -> bool {
        let is_action = |pattern: &String| is_like_in_any_case(pattern, asked.action);
        self.principals.as_ref().is_none_or(|principals| principals.include(asked))
            && self.actions.iter().any(is_action)
            && self.resources.iter().any(|pattern| is_like(pattern, asked.resource.arn))
            && match self.condition.holds(asked) {
                Truth::Yes => true,
                Truth::No => false,
                Truth::NotKnown => self.effect == Effect::Deny,
            }
    }
}

impl Principals {
    fn read(element: &Value) -> Result<Principals, PolicyError> {
        let kinds = match element {
            Value::String(all) if all == "*" => return Ok(Principals::Everyone),
            Value::Object(kinds) if !kinds.is_empty() => kinds,
            _ => return refused("Principal must be *, or a map of principals."),
        };
        only(kinds, &PRINCIPALS, "Principal")?;
        let mut named = Vec::new();
        for (kind, principals) in kinds {
            let principals = texts(Some(principals), "Principal")?;
            if kind == "AWS" {
                named = principals;
            }
        }
        Ok(match named.iter().any(|principal| principal == "*") {
            true => Principals::Everyone,
            false => Principals::Named(named),
        })
    }

    fn include(&self, asked: &Asked<'_>) -> bool {
        let named = match self {
            Principals::Everyone => return true,
            Principals::Named(named) => named,
        };
        let Caller { account, .. } = asked.caller;
        let is_caller = |principal: &String| {
            principal == account
                || *principal == asked.caller_arn
                || account_of_root(principal, asked.caller.partition()) == Some(account)
        };
        named.iter().any(is_caller)
    }
}

/// The account of `arn:aws:iam::<account>:root`, which stands for all that are in it.
fn account_of_root<'a>(principal: &'a str, partition: &str) -> Option<&'a str> {
    let rest = principal.strip_prefix("arn:")?.strip_prefix(partition)?;
    rest.strip_prefix(":iam::")?.strip_suffix(":root")
}

fn refused<T>(reason: &str) -> Result<T, PolicyError> {
    Err(PolicyError(reason.to_owned()))
}

fn object<'v>(value: &'v Value, what: &str) -> Result<&'v Map<String, Value>, PolicyError> {
    value.as_object().ok_or_else(|| PolicyError(format!("{what} must be a JSON object.")))
}

fn only(members: &Map<String, Value>, known: &[&str], of: &str) -> Result<(), PolicyError> {
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(PolicyError(format!("{name} is no element of {of}."))),
        None => Ok(()),
    }
}

fn text_if_any(members: &Map<String, Value>, name: &str) -> Result<(), PolicyError> {
    match members.get(name) {
        None | Some(Value::String(_)) => Ok(()),
        Some(_) => Err(PolicyError(format!("{name} must be a text."))),
    }
}

/// A text, or the texts of a list that is not empty.
fn texts(value: Option<&Value>, name: &str) -> Result<Vec<String>, PolicyError> {
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let found: Option<Vec<String>> = match value {
        Some(Value::Array(items)) => items.iter().map(text).collect(),
        Some(one) => text(one).map(|text| vec![text]),
        None => None,
    };
    found
        .filter(|texts| !texts.is_empty())
        .ok_or_else(|| PolicyError(format!("{name} must be given: a text, or a list of texts.")))
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::Identity;

    pub(crate) const STREAM: &str = "arn:aws:kinesis:us-east-1:222222222222:stream/s";

    /// Asks for PutRecord into a stream of the account 222222222222.
    pub(crate) fn asking<T>(account: &str, ask: impl FnOnce(&Asked<'_>) -> T) -> T {
        let caller = Identity::dev().operator(account, "us-east-1");
        let resource = Resource { arn: STREAM, account: "222222222222", policy: None };
        ask(&Asked::new(&caller, "kinesis:PutRecord", &resource))
    }

    fn statement() -> Value {
        json!({"Effect": "Allow", "Principal": "*", "Action": "kinesis:PutRecord", "Resource": STREAM})
    }

    fn with(changes: Value) -> Value {
        let mut statement = statement();
        for (name, value) in changes.as_object().expect("a map") {
            statement[name] = value.clone();
        }
        statement
    }

    fn policy(statements: Value) -> Result<Policy, PolicyError> {
        Policy::parse(&json!({"Version": "2012-10-17", "Statement": statements}).to_string())
    }

    fn verdict(statements: Value) -> Verdict {
        let policy = policy(statements).expect("a policy");
        asking("111111111111", |asked| policy.verdict(asked))
    }

    fn check(changes: Value, allowed: bool) {
        let expected = if allowed { Verdict::Allowed } else { Verdict::Silent };
        assert_eq!(verdict(with(changes.clone())), expected, "{changes}");
        let mut deny = with(changes.clone());
        deny["Effect"] = json!("Deny");
        let expected = if allowed { Verdict::Denied } else { Verdict::Silent };
        assert_eq!(verdict(json!([statement(), deny])) == Verdict::Denied, allowed, "{changes}");
        assert_eq!(verdict(json!([deny])), expected, "{changes}");
    }

    #[test]
    fn a_statement_is_about_its_principals() {
        let me = "arn:aws:iam::111111111111:user/nautilus";
        for (principal, is_in) in [
            (json!("*"), true),
            (json!({"AWS": "*"}), true),
            (json!({"AWS": "111111111111"}), true),
            (json!({"AWS": "arn:aws:iam::111111111111:root"}), true),
            (json!({"AWS": me}), true),
            (json!({"AWS": ["333333333333", me]}), true),
            (json!({"AWS": "111111111111", "Service": "lambda.amazonaws.com"}), true),
            (json!({"AWS": "333333333333"}), false),
            (json!({"AWS": "arn:aws:iam::333333333333:root"}), false),
            (json!({"AWS": "arn:aws-cn:iam::111111111111:root"}), false),
            (json!({"AWS": "arn:aws:iam::111111111111:user/other"}), false),
            (json!({"AWS": "arn:aws:iam::111111111111:user/*"}), false),
            (json!({"AWS": "arn:aws:iam::111111111111:role/nautilus"}), false),
            (json!({"Service": "kinesis.amazonaws.com"}), false),
            (json!({"Federated": "*"}), false),
            (json!({"CanonicalUser": "111111111111"}), false),
        ] {
            check(json!({"Principal": principal}), is_in);
        }
    }

    #[test]
    fn a_statement_is_about_its_actions_and_resources() {
        for (action, is_in) in [
            ("kinesis:PutRecord", true),
            ("Kinesis:putrecord", true),
            ("kinesis:Put*", true),
            ("kinesis:PutRecor?", true),
            ("kinesis:*", true),
            ("*", true),
            ("kinesis:PutRecords", false),
            ("kinesis:Get*", false),
        ] {
            check(json!({"Action": action}), is_in);
            check(json!({"Action": ["kinesis:ListShards", action]}), is_in);
        }
        for (resource, is_in) in [
            (STREAM, true),
            ("*", true),
            ("arn:aws:kinesis:*:222222222222:stream/?", true),
            ("arn:aws:kinesis:us-east-1:222222222222:stream/S", false),
            ("arn:aws:kinesis:us-east-1:222222222222:stream/s/consumer/c:1", false),
        ] {
            check(json!({"Resource": resource}), is_in);
        }
    }

    #[test]
    fn a_condition_that_nobody_knows_denies_and_does_not_allow() {
        let unknown = json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}});
        assert_eq!(verdict(with(json!({"Condition": unknown}))), Verdict::Silent);
        let deny = with(json!({"Effect": "Deny", "Condition": unknown}));
        assert_eq!(verdict(json!([statement(), deny])), Verdict::Denied);
        check(
            json!({"Condition": {"StringEquals": {"aws:PrincipalAccount": "111111111111"}}}),
            true,
        );
        check(
            json!({"Condition": {"StringEquals": {"aws:PrincipalAccount": "333333333333"}}}),
            false,
        );
    }

    #[test]
    fn a_deny_counts_wherever_it_stands() {
        let deny = with(json!({"Effect": "Deny", "Action": "kinesis:Put*"}));
        assert_eq!(verdict(json!([deny, statement()])), Verdict::Denied);
        assert_eq!(verdict(json!([statement(), deny])), Verdict::Denied);
        assert!(policy(json!([statement(), deny])).expect("a policy").denies());
        assert!(!policy(statement()).expect("a policy").denies());
    }

    #[test]
    fn a_statement_without_principals_is_about_whoever_it_is_attached_to() {
        let mut statement = statement();
        statement.as_object_mut().map(|it| it.remove("Principal"));
        assert_eq!(verdict(statement), Verdict::Allowed);
    }

    #[test]
    fn what_is_not_understood_is_no_policy() {
        for changes in [
            json!({"NotAction": "kinesis:PutRecord"}),
            json!({"NotPrincipal": "*"}),
            json!({"NotResource": STREAM}),
            json!({"Effect": "allow"}),
            json!({"Principal": null}),
            json!({"Principal": ["*"]}),
            json!({"Principal": {"aws": "*"}}),
            json!({"Principal": {"AWS": []}}),
            json!({"Action": ""}),
            json!({"Resource": [1]}),
            json!({"Condition": []}),
        ] {
            assert!(policy(with(changes.clone())).is_err(), "{changes}");
        }
        for text in ["", "null", "{}", r#"{"Version":"2012-10-17"}"#, &"[".repeat(100_000)] {
            assert!(Policy::parse(text).is_err());
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let names = "Version|Statement|Effect|Allow|Deny|Principal|AWS|Action|Resource|Condition|Null|[*?]{0,3}";
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            names.prop_map(Value::from),
            Just(json!("2012-10-17")),
        ];
        leaf.prop_recursive(5, 64, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((names, inner), 0..6)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_document_panics(
            effect in any_json(), principal in any_json(), action in any_json(), condition in any_json(),
        ) {
            for name in ["Effect", "Principal", "Action", "Resource", "Condition"] {
                let value = match name {
                    "Effect" => &effect,
                    "Principal" => &principal,
                    "Condition" => &condition,
                    _ => &action,
                };
                let read = policy(json!([statement(), with(json!({name: value}))]));
                // Whatever the other statement says, what this one allows stays allowed or is denied.
                if let Ok(policy) = read {
                    let verdict = asking("111111111111", |asked| policy.verdict(asked));
                    prop_assert_ne!(verdict, Verdict::Silent);
                }
            }
        }
    }
}
