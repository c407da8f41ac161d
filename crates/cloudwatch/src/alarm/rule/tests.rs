use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Rule {
    match Rule::parse(text) {
        Ok(rule) => rule,
        Err(error) => panic!("{text:.200}: {error}"),
    }
}

/// The children's states by their first letters: A, O, I; others are not there.
fn is_alarm(text: &str, states: &[(&str, &str)]) -> bool {
    let states: BTreeMap<_, _> = states.iter().copied().collect();
    parse(text).is_alarm(|child| states.get(child).and_then(|text| StateValue::parse(text)))
}

#[test]
fn conditions_and_their_children() {
    let states = [("a", "ALARM"), ("b", "OK"), ("c", "INSUFFICIENT_DATA")];
    for (text, expected) in [
        ("TRUE", true),
        ("FALSE", false),
        ("NOT FALSE", true),
        ("ALARM(a)", true),
        ("ALARM ( a )", true),
        ("ALARM(\"a\")", true),
        ("OK(a)", false),
        ("OK(b)", true),
        ("INSUFFICIENT_DATA(c)", true),
        ("NOT ALARM(a)", false),
        ("NOT NOT ALARM(a)", true),
        ("(ALARM(a))", true),
        ("((ALARM(a) AND OK(b)))", true),
        ("ALARM(a)AND OK(b)", true),
        ("(ALARM(a))OR(FALSE)", true),
        // A child that is gone holds no condition.
        ("ALARM(gone) OR OK(gone) OR INSUFFICIENT_DATA(gone)", false),
        ("NOT OK(gone)", true),
        ("ALARM(a)\n  AND\tOK(b)", true),
    ] {
        assert_eq!(is_alarm(text, &states), expected, "{text}");
    }
}

#[test]
fn not_binds_closest_then_and_then_or() {
    for (text, expected) in [
        ("TRUE OR TRUE AND FALSE", true),
        ("(TRUE OR TRUE) AND FALSE", false),
        ("FALSE AND TRUE OR TRUE", true),
        ("FALSE AND (TRUE OR TRUE)", false),
        ("NOT TRUE OR TRUE", true),
        ("NOT (TRUE OR TRUE)", false),
        ("NOT FALSE AND FALSE", false),
        ("NOT (FALSE AND FALSE)", true),
        ("TRUE AND NOT FALSE OR FALSE", true),
        ("FALSE OR NOT TRUE", false),
        ("TRUE OR FALSE AND FALSE OR FALSE", true),
    ] {
        assert_eq!(is_alarm(text, &[]), expected, "{text}");
    }
}

#[test]
fn at_least_counts() {
    let states = [("a", "ALARM"), ("b", "OK"), ("c", "OK"), ("d,", "ALARM")];
    for (text, expected) in [
        ("AT_LEAST(1, ALARM, (a, b, c))", true),
        ("AT_LEAST(2, ALARM, (a, b, c))", false),
        ("AT_LEAST(2, OK, (a, \"b\", c))", true),
        ("AT_LEAST(2, NOT ALARM, (a, b, c))", true),
        ("AT_LEAST(3, NOT ALARM, (a, b, c))", false),
        ("AT_LEAST(50%, OK, (a, b, c))", true),
        ("AT_LEAST(67%, OK, (a, b, c))", false),
        ("AT_LEAST(100%, ALARM, (a,\"d,\"))", true),
        ("NOT AT_LEAST(1,ALARM,(a)) OR ALARM(d,)", true),
        // What is gone is in no state, and not in its opposite either.
        ("AT_LEAST(1, NOT OK, (gone))", false),
    ] {
        assert_eq!(is_alarm(text, &states), expected, "{text}");
    }
}

#[test]
fn children_are_told_once_as_they_stand() {
    let arn = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:b c";
    let rule = parse(&format!(
        r#"ALARM(a) OR OK("a") OR ALARM("{arn}") AND AT_LEAST(1, OK, (d, "e \"f\" \\"))"#
    ));
    assert_eq!(rule.children(), ["a", arn, "d", r#"e "f" \"#]);
    assert_eq!(child_name("a", "000000000000", "us-east-1"), Some("a"));
    assert_eq!(child_name(arn, "000000000000", "us-east-1"), Some("b c"));
    assert_eq!(child_name(arn, "000000000000", "eu-west-1"), None);
    assert_eq!(child_name(arn, "111111111111", "us-east-1"), None);
    assert_eq!(
        child_name("arn:aws:sns:us-east-1:000000000000:t", "000000000000", "us-east-1"),
        None
    );
}

#[test]
fn what_is_wrong_is_said() {
    const OPERAND: &str =
        "must be: '(', 'NOT', AT_LEAST, TRUE or FALSE, ALARM, OK, or INSUFFICIENT_DATA]";
    let token = |token: &str, at: usize| {
        format!("Error in AlarmRule [Unsupported token '{token}' at char {at}, ")
    };
    for (text, expected) in [
        ("()", format!("{}{OPERAND}", token(")", 1))),
        ("a", format!("{}{OPERAND}", token("a", 0))),
        ("alarm(a)", format!("{}{OPERAND}", token("alarm", 0))),
        ("\"TRUE\"", format!("{}{OPERAND}", token("TRUE", 0))),
        ("TRUE AND OR TRUE", format!("{}{OPERAND}", token("OR", 9))),
        ("ALARM(a b)", format!("{}must be: ')']", token("b", 8))),
        ("ALARM a", format!("{}must be: '(']", token("a", 6))),
        ("ALARM()", format!("{}must be: an alarm name or ARN]", token(")", 6))),
        ("ALARM(\"\")", format!("{}must be: an alarm name or ARN]", token("", 6))),
        ("TRUE TRUE", format!("{}must be: 'AND', or 'OR']", token("TRUE", 5))),
        ("TRUE)", format!("{}must be: 'AND', or 'OR']", token(")", 4))),
        ("(TRUE TRUE", format!("{}must be: 'AND', 'OR', or ')']", token("TRUE", 6))),
        ("ALARM(äö) x", format!("{}must be: 'AND', or 'OR']", token("x", 10))),
        ("AT_LEAST(0, OK, (a))", format!("{}must be: a number or percentage]", token("0", 9))),
        (
            "AT_LEAST(101%, OK, (a))",
            format!("{}must be: a number or percentage]", token("101%", 9)),
        ),
        (
            "AT_LEAST(1, TRUE, (a))",
            format!("{}must be: ALARM, OK, or INSUFFICIENT_DATA]", token("TRUE", 12)),
        ),
        ("AT_LEAST(1, OK, (a b))", format!("{}must be: ',', or ')']", token("b", 19))),
        ("TRUE AND", format!("Error in AlarmRule [Unexpected end at char 8, {OPERAND}")),
        (
            "(TRUE",
            "Error in AlarmRule [Unexpected end at char 5, must be: 'AND', 'OR', or ')']"
                .to_owned(),
        ),
        (
            "ALARM(",
            "Error in AlarmRule [Unexpected end at char 6, must be: an alarm name or ARN]"
                .to_owned(),
        ),
        (
            "ALARM(\"a)",
            "Error in AlarmRule [Missing closing quote for the name at char 6]".to_owned(),
        ),
        ("AT_LEAST(2, OK, (a))", "Error in AlarmRule [AT_LEAST asks for 2 of 1 alarms]".to_owned()),
        (
            " TRUE",
            "AlarmRule must not contain leading or trailing whitespace or be null".to_owned(),
        ),
        (
            "TRUE\n",
            "AlarmRule must not contain leading or trailing whitespace or be null".to_owned(),
        ),
        ("", "AlarmRule must not contain leading or trailing whitespace or be null".to_owned()),
    ] {
        assert_eq!(Rule::parse(text), Err(expected), "{text}");
    }
}

#[test]
fn rules_are_bounded() {
    let all = |count: usize, name: &dyn Fn(usize) -> String| {
        (0..count).map(|at| format!("OK({})", name(at))).collect::<Vec<_>>().join(" OR ")
    };
    assert_eq!(parse(&all(100, &|at| at.to_string())).children().len(), 100);
    let error = Rule::parse(&all(101, &|at| at.to_string())).expect_err("one too many");
    assert_eq!(error, "Error in AlarmRule [the rule has more than 100 child alarms]");

    assert_eq!(parse(&all(500, &|_| "a".to_owned())).children().len(), 1);
    let error = Rule::parse(&all(501, &|_| "a".to_owned())).expect_err("one too many");
    assert_eq!(error, "Error in AlarmRule [the rule has more than 500 elements]");

    let nested = |depth: usize| "(".repeat(depth) + "TRUE" + &")".repeat(depth);
    assert!(parse(&nested(249)).is_alarm(|_| None));
    assert!(Rule::parse(&nested(250)).is_err());
    assert!(Rule::parse(&"(".repeat(10_240)).is_err());
    // AWS does not count NOT: the rule's length is its bound.
    assert!(parse(&("NOT ".repeat(2_558) + "TRUE")).is_alarm(|_| None));
    assert!(Rule::parse(&("NOT ".repeat(2_559) + "TRUE ")).is_err());
    let long = format!("OK(\"{}\")", "x".repeat(10_240));
    assert_eq!(
        Rule::parse(&long),
        Err("AlarmRule must not be longer than 10240 characters".to_owned())
    );
}

/// A rule's text, fully parenthesised, and what it comes to.
fn rules() -> impl Strategy<Value = (String, bool)> {
    let leaf = any::<bool>()
        .prop_map(|value| (if value { "TRUE".to_owned() } else { "FALSE".to_owned() }, value));
    leaf.prop_recursive(5, 24, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|(text, value)| (format!("NOT ({text})"), !value)),
            (inner.clone(), inner.clone())
                .prop_map(|((a, x), (b, y))| (format!("({a}) AND ({b})"), x && y)),
            (inner.clone(), inner).prop_map(|((a, x), (b, y))| (format!("({a}) OR ({b})"), x || y)),
        ]
    })
}

proptest! {
    #[test]
    fn rules_come_to_what_they_say((text, value) in rules()) {
        prop_assert_eq!(parse(&text).is_alarm(|_| None), value, "{}", text);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in r#"([ ()",\\a1%]|ALARM|OK|NOT|AND|OR|TRUE|AT_LEAST|ä){0,40}"#) {
        if let Ok(rule) = Rule::parse(&text) {
            rule.is_alarm(|_| Some(StateValue::Ok));
        }
    }

    #[test]
    fn no_other_text_does_either(text in ".{0,80}") {
        if let Ok(rule) = Rule::parse(&text) {
            rule.is_alarm(|_| None);
        }
    }
}
