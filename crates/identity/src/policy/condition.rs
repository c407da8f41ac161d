//! The element Condition: what must hold for a statement to count.
//!
//! What is not known here (a key, an operator, a policy variable) is neither met nor failed: an Allow then does not
//! count, and a Deny does. So a condition never opens more than it would on AWS.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

use serde_json::Value;

use super::{Asked, wildcard::is_like};

/// All tests of a statement. It holds if each of them does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Condition {
    tests: Vec<Test>,
    /// What in it IAM would not take.
    pub(super) fault: Option<String>,
}

/// One key and the values that it is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Test {
    operator: Operator,
    /// Whether a key that is absent is good enough.
    if_exists: bool,
    /// In lower case: keys are of no case.
    key: String,
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    /// Some value is the key's, by this comparison; or none is.
    Compare {
        by: Compare,
        negated: bool,
    },
    /// The key is absent, or is not.
    Null,
    NotKnown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compare {
    Exact,
    AnyCase,
    Like,
    Arn,
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    Yes,
    No,
    NotKnown,
}

/// What is known of a request by a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fact<'a> {
    Is(&'a str),
    /// It is known that such a request has none.
    Absent,
    NotKnown,
}

/// Operators that IAM has and that only what is not known here would need.
const OTHERS: [&str; 15] = [
    "BinaryEquals",
    "DateEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateNotEquals",
    "IpAddress",
    "NotIpAddress",
    "NumericEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericNotEquals",
];

/// Keys that no request has here: there are no organisations, no tags of principals, no sessions, no service that calls
/// for somebody.
const ABSENT: [&str; 15] = [
    "aws:calledvia",
    "aws:calledviafirst",
    "aws:calledvialast",
    "aws:federatedprovider",
    "aws:multifactorauthage",
    "aws:multifactorauthpresent",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalservicename",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceidentity",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:tokenissuetime",
];

impl Operator {
    /// The operator of a name, and whether it ends in `IfExists`; `None` if IAM has none of that name.
    fn parse(name: &str) -> Option<(Operator, bool)> {
        if let Some(of_set) =
            name.strip_prefix("ForAllValues:").or_else(|| name.strip_prefix("ForAnyValue:"))
        {
            // Of keys with many values, which are not known here.
            return Operator::parse(of_set).map(|_| (Operator::NotKnown, false));
        }
        let (name, if_exists) = match name.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let compare = |by, negated| Operator::Compare { by, negated };
        let operator = match name {
            "StringEquals" => compare(Compare::Exact, false),
            "StringNotEquals" => compare(Compare::Exact, true),
            "StringEqualsIgnoreCase" | "Bool" => compare(Compare::AnyCase, false),
            "StringNotEqualsIgnoreCase" => compare(Compare::AnyCase, true),
            "StringLike" => compare(Compare::Like, false),
            "StringNotLike" => compare(Compare::Like, true),
            "ArnEquals" | "ArnLike" => compare(Compare::Arn, false),
            "ArnNotEquals" | "ArnNotLike" => compare(Compare::Arn, true),
            "Null" if !if_exists => Operator::Null,
            other if OTHERS.contains(&other) => Operator::NotKnown,
            _ => return None,
        };
        Some((operator, if_exists))
    }
}

impl Compare {
    fn is_met(self, value: &str, text: &str) -> bool {
        match self {
            Compare::Exact => value == text,
            Compare::AnyCase => value.eq_ignore_ascii_case(text),
            Compare::Like => is_like(value, text),
            Compare::Arn => is_like_arn(value, text),
        }
    }
}

/// Part by part: a `*` does not reach over a colon, but in the last one.
fn is_like_arn(pattern: &str, text: &str) -> bool {
    let (patterns, parts) = (pattern.splitn(6, ':'), text.splitn(6, ':'));
    let is_whole = patterns.clone().count() == 6 && parts.clone().count() == 6;
    is_whole && patterns.zip(parts).all(|(pattern, part)| is_like(pattern, part))
}

impl Condition {
    /// Reads the element, whatever is in it.
    pub(super) fn read(element: &serde_json::Map<String, Value>) -> Condition {
        let mut condition = Condition::default();
        for (name, keys) in element {
            let operator = Operator::parse(name);
            if operator.is_none() {
                condition.fault(format!("{name} is no operator of a Condition."));
            }
            let (operator, if_exists) = operator.unwrap_or((Operator::NotKnown, false));
            let keys = keys.as_object().filter(|keys| !keys.is_empty());
            if keys.is_none() {
                condition.fault(format!("{name} must be a map of keys."));
                condition.tests.push(Test::of_nothing());
            }
            for (key, values) in keys.into_iter().flatten() {
                let values = texts(values);
                if values.is_none() {
                    condition.fault(format!("{key} must have a value, or a list of some."));
                }
                let is_clear = |values: &Vec<String>| values.iter().all(|it| !it.contains("${"));
                condition.tests.push(match values.filter(is_clear) {
                    Some(values) => {
                        Test { operator, if_exists, key: key.to_ascii_lowercase(), values }
                    }
                    None => Test::of_nothing(),
                });
            }
        }
        condition
    }

    fn fault(&mut self, text: String) {
        self.fault.get_or_insert(text);
    }

    pub(super) fn holds(&self, asked: &Asked<'_>) -> Truth {
        let mut all = Truth::Yes;
        for test in &self.tests {
            match test.holds(asked.fact(&test.key)) {
                Truth::Yes => {}
                Truth::No => return Truth::No,
                Truth::NotKnown => all = Truth::NotKnown,
            }
        }
        all
    }
}

impl Test {
    /// One that nobody can say anything of.
    fn of_nothing() -> Test {
        Test {
            operator: Operator::NotKnown,
            if_exists: false,
            key: String::new(),
            values: Vec::new(),
        }
    }

    fn holds(&self, fact: Fact<'_>) -> Truth {
        let is_met = match (self.operator, fact) {
            (Operator::NotKnown, _) | (_, Fact::NotKnown) => return Truth::NotKnown,
            (Operator::Null, fact) => {
                let is_absent = if fact == Fact::Absent { "true" } else { "false" };
                self.values.iter().any(|value| value.eq_ignore_ascii_case(is_absent))
            }
            (Operator::Compare { negated, .. }, Fact::Absent) => self.if_exists || negated,
            (Operator::Compare { by, negated }, Fact::Is(text)) => {
                self.values.iter().any(|value| by.is_met(value, text)) != negated
            }
        };
        if is_met { Truth::Yes } else { Truth::No }
    }
}

impl Asked<'_> {
    /// What is known of the request; `key` in lower case.
    fn fact(&self, key: &str) -> Fact<'_> {
        match key {
            "aws:principalaccount" => Fact::Is(&self.caller.account),
            "aws:principalarn" => Fact::Is(&self.caller_arn),
            "aws:principaltype" => Fact::Is("User"),
            "aws:requestedregion" => Fact::Is(&self.caller.region),
            "aws:resourceaccount" => Fact::Is(self.resource.account),
            "aws:principalisawsservice" | "aws:viaawsservice" => Fact::Is("false"),
            key if ABSENT.contains(&key) || key.starts_with("aws:principaltag/") => Fact::Absent,
            _ => Fact::NotKnown,
        }
    }
}

/// A value, or the values of a list. JSON's numbers and truths are texts in IAM.
fn texts(value: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    };
    match value {
        Value::Array(values) => values.iter().map(text).collect(),
        one => text(one).map(|text| vec![text]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::tests::asking, *};

    fn check(condition: Value, expected: Truth) {
        let element = condition.as_object().expect("a map");
        let holds = asking("111111111111", |asked| Condition::read(element).holds(asked));
        assert_eq!(holds, expected, "{condition}");
    }

    const ACCOUNT: &str = "aws:PrincipalAccount";

    #[test]
    fn operators_compare_as_iam_says() {
        let me = "arn:aws:iam::111111111111:user/nautilus";
        for (operator, key, value, expected) in [
            ("StringEquals", ACCOUNT, json!("111111111111"), Truth::Yes),
            ("StringEquals", "AWS:principalACCOUNT", json!("111111111111"), Truth::Yes),
            ("StringEquals", ACCOUNT, json!(["2", "111111111111"]), Truth::Yes),
            ("StringEquals", ACCOUNT, json!(111_111_111_111_u64), Truth::Yes),
            ("StringEquals", ACCOUNT, json!("1*"), Truth::No),
            ("StringEquals", ACCOUNT, json!([]), Truth::No),
            ("StringNotEquals", ACCOUNT, json!(["2", "111111111111"]), Truth::No),
            ("StringNotEquals", ACCOUNT, json!(["2", "3"]), Truth::Yes),
            ("StringLike", ACCOUNT, json!("1*1"), Truth::Yes),
            ("StringNotLike", ACCOUNT, json!("1*1"), Truth::No),
            ("StringEqualsIgnoreCase", "aws:RequestedRegion", json!("US-EAST-1"), Truth::Yes),
            ("StringNotEqualsIgnoreCase", "aws:RequestedRegion", json!("US-EAST-1"), Truth::No),
            ("StringEquals", "aws:ResourceAccount", json!("222222222222"), Truth::Yes),
            ("ArnEquals", "aws:PrincipalArn", json!(me), Truth::Yes),
            ("ArnLike", "aws:PrincipalArn", json!("arn:*:iam::111111111111:user/*"), Truth::Yes),
            ("ArnLike", "aws:PrincipalArn", json!("arn:*:user/nautilus"), Truth::No),
            ("ArnLike", "aws:PrincipalArn", json!("*"), Truth::No),
            ("ArnNotLike", "aws:PrincipalArn", json!("arn:aws:iam::2*:user/*"), Truth::Yes),
            ("Bool", "aws:ViaAWSService", json!(false), Truth::Yes),
            ("Bool", "aws:ViaAWSService", json!("True"), Truth::No),
        ] {
            check(json!({operator: {key: value}}), expected);
        }
    }

    #[test]
    fn a_key_that_is_absent_meets_what_is_negated_and_what_says_so() {
        for (operator, value, expected) in [
            ("StringEquals", "1", Truth::No),
            ("StringEqualsIfExists", "1", Truth::Yes),
            ("StringNotEquals", "1", Truth::Yes),
            ("Null", "true", Truth::Yes),
            ("Null", "false", Truth::No),
        ] {
            check(json!({operator: {"aws:SourceAccount": value}}), expected);
            check(json!({operator: {"aws:PrincipalTag/team": value}}), expected);
        }
        check(json!({"Null": {ACCOUNT: "true"}}), Truth::No);
        check(json!({"Null": {ACCOUNT: "false"}}), Truth::Yes);
    }

    #[test]
    fn what_is_not_known_is_neither_met_nor_failed() {
        for condition in [
            json!({"StringEquals": {"aws:SourceIp": "1.2.3.4"}}),
            json!({"StringNotEquals": {"s3:prefix": "a"}}),
            json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}),
            json!({"NumericEquals": {ACCOUNT: "111111111111"}}),
            json!({"ForAnyValue:StringEquals": {ACCOUNT: "111111111111"}}),
            json!({"ForAllValues:StringLike": {"aws:TagKeys": ["a*"]}}),
            json!({"StringEquals": {ACCOUNT: "${aws:PrincipalAccount}"}}),
            json!({"StringsEqual": {ACCOUNT: "111111111111"}}),
            json!({"StringEquals": {ACCOUNT: {"a": 1}}}),
            json!({"StringEquals": {ACCOUNT: [null]}}),
            json!({"StringEquals": {}}),
            json!({"StringEquals": 5}),
        ] {
            check(condition, Truth::NotKnown);
        }
    }

    #[test]
    fn all_tests_must_hold_and_one_that_fails_is_enough() {
        let right = json!("111111111111");
        check(json!({}), Truth::Yes);
        check(json!({"StringEquals": {ACCOUNT: right, "aws:PrincipalType": "Role"}}), Truth::No);
        let two =
            json!({"StringEquals": {ACCOUNT: right}, "Bool": {"aws:SecureTransport": "true"}});
        check(two, Truth::NotKnown);
        let two = json!({"StringEquals": {ACCOUNT: "2"}, "Bool": {"aws:SecureTransport": "true"}});
        check(two, Truth::No);
    }

    #[test]
    fn what_iam_would_not_take_is_named() {
        let fault = |condition: Value| {
            Condition::read(condition.as_object().expect("a map")).fault.unwrap_or_default()
        };
        for good in [
            json!({"DateLessThanIfExists": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}),
            json!({"ForAnyValue:StringLikeIfExists": {"aws:TagKeys": ["a", "b"]}}),
            json!({"Null": {"aws:TokenIssueTime": true}}),
        ] {
            assert_eq!(fault(good), "");
        }
        for (bad, text) in [
            (json!({"Equals": {ACCOUNT: "1"}}), "Equals is no operator of a Condition."),
            (json!({"NullIfExists": {}}), "NullIfExists is no operator of a Condition."),
            (json!({"Bool": "true"}), "Bool must be a map of keys."),
            (json!({"Bool": {"a": {}}}), "a must have a value, or a list of some."),
        ] {
            assert_eq!(fault(bad), text);
        }
    }
}
