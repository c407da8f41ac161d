//! AWS's examples, and texts that are none.

use nautilus_metrics::{Dimension, Series, Unit};
use proptest::prelude::*;

use super::{Search, matches::Matcher};

fn series(namespace: &str, name: &str, dimensions: &[(&str, &str)]) -> Series {
    let dimensions = dimensions
        .iter()
        .map(|(name, value)| Dimension { name: (*name).into(), value: (*value).into() });
    Series {
        account: "000000000000".into(),
        region: "us-east-1".into(),
        namespace: namespace.into(),
        name: name.into(),
        dimensions: dimensions.collect(),
        unit: Unit::None,
    }
}

fn finds(text: &str, series: &Series) -> bool {
    let search = Search::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    Matcher::new(&search, &mut 1_000_000).matches(series)
}

fn check(text: &str, expected: &[&str]) {
    let ec2 = |value| [("InstanceId", value)];
    let lambda = |value| [("FunctionName", value)];
    let all = [
        ("cpu-1", series("AWS/EC2", "CPUUtilization", &ec2("i-1234567890123456"))),
        ("cpu-2", series("AWS/EC2", "CPUUtilization", &ec2("i-2222222222222222"))),
        ("cpu-type", series("AWS/EC2", "CPUUtilization", &[("InstanceType", "t2.micro")])),
        ("cpu-all", series("AWS/EC2", "CPUUtilization", &[])),
        ("net", series("AWS/EC2", "NetworkPacketsIn", &ec2("i-1234567890123456"))),
        ("ebs", series("AWS/EBS", "VolumeReadOps", &[("VolumeId", "vol-1")])),
        ("errors-a", series("AWS/Lambda", "Errors", &lambda("ProjectA-in"))),
        ("calls-a", series("AWS/Lambda", "Invocations", &lambda("ProjectA-in"))),
        ("calls-c", series("AWS/Lambda", "Invocations", &lambda("ProjectC-in"))),
        ("custom", series("My Namespace", "Custom:Name[Special", &[("Dimension@Name", "x")])),
        ("traffic", series("Net", r"Europe\France Traffic(Network)", &[])),
    ];
    let found: Vec<_> =
        all.iter().filter(|(_, series)| finds(text, series)).map(|(name, _)| *name).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn schemas_and_exact_terms() {
    check(r#"{AWS/EC2,InstanceId} MetricName="CPUUtilization""#, &["cpu-1", "cpu-2"]);
    check(r#" {AWS/EC2, InstanceType}, "CPUUtilization" "#, &["cpu-type"]);
    check(r#"{AWS/EC2}"#, &["cpu-all"]);
    check(r#""CPUUtilization""#, &["cpu-1", "cpu-2", "cpu-type", "cpu-all"]);
    check(r#""cpuutilization""#, &[]);
    check(r#"{"My Namespace", "Dimension@Name"}, "Custom:Name[Special""#, &["custom"]);
    check(r#""Europe\\France Traffic\(Network\)""#, &["traffic"]);
    check(r#"InstanceType="t2.micro" Namespace="AWS/EC2""#, &["cpu-type"]);
    check(r#"MetricName="InstanceId""#, &[]);
    check(r#"{AWS/Kinesis, StreamName} "CPUUtilization""#, &[]);
}

#[test]
fn partial_terms() {
    check("InstanceType=micro", &["cpu-type"]);
    check("cpu InstanceId=2222222222222222", &["cpu-2"]);
    check("packets", &["net"]);
    check("{AWS/EC2,InstanceId} network packets", &["net"]);
    check("NetworkPackets", &["net"]);
    check("networkpackets", &[]);
    check("Namespace=custom", &[]);
}

#[test]
fn terms_are_joined() {
    check("NOT Namespace=AWS", &["custom", "traffic"]);
    check(r#"{AWS/EC2,InstanceId} MetricName="CPUUtilization" NOT i-1234567890123456"#, &["cpu-2"]);
    check("(EC2 OR EBS) AND MetricName=ReadOps", &["ebs"]);
    check("(EC2 OR EBS) MetricName=ReadOps", &["ebs"]);
    check("EC2 packets OR ReadOps", &["net", "ebs"]);
    check(
        r#"{AWS/Lambda,FunctionName} MetricName="Errors" OR (MetricName="Invocations" AND (ProjectA OR ProjectB))"#,
        &["errors-a", "calls-a"],
    );
    check("NOT NOT ReadOps", &["ebs"]);
}

#[test]
fn only_the_own_account_is_here() {
    let own = series("n", "m", &[]);
    assert!(finds(r#":aws.AccountId="000000000000""#, &own));
    assert!(finds(":aws.AccountId = 'LOCAL'", &own));
    assert!(!finds(":aws.AccountId = 444455556666", &own));
}

#[test]
fn what_cannot_be_read_is_refused() {
    let check = |text: &str, expected: &str| {
        let error = Search::parse(text).expect_err(text);
        assert_eq!(error.0, format!("Invalid SEARCH: {expected}"));
    };
    check("", "it has neither a schema nor a term");
    check("{AWS/EC2", "unexpected end");
    check("{}", "unexpected '}'");
    check("(a", "unexpected end");
    check("a)", "unexpected ')'");
    check("a OR", "unexpected end");
    check("AND a", "unexpected AND");
    check("MetricName=", "unexpected end");
    check("\"open", "a text has no closing \"");
    check(".*", "'.*' has neither a letter nor a digit");
    check(&"a".repeat(1_025), "it has at most 1024 characters");
    check(&format!("{}a", "(".repeat(1_000)), "it is nested at most 32 deep");
    check(&format!("{}a", "NOT ".repeat(200)), "it is nested at most 32 deep");
}

/// What would keep an engine of patterns busy for ever is just text here.
#[test]
fn patterns_are_text() {
    let long = "a".repeat(200);
    let hostile = format!("({}+)+$", "a".repeat(40));
    assert!(!finds(&format!("MetricName={}", "aa.".repeat(300)), &series("n", &long, &[])));
    assert!(!finds("MetricName=\"(a+)+$\"", &series("n", &long, &[])));
    assert!(Search::parse(&hostile).is_err(), "nothing but a sign stands behind the parenthesis");
}

#[test]
fn work_has_a_limit() {
    let search = Search::parse("NOT something").expect("a search");
    let mut work = 40;
    let mut matcher = Matcher::new(&search, &mut work);
    assert!(matcher.matches(&series("n", "m", &[])));
    assert!(!matcher.matches(&series("n", &"long".repeat(10), &[])));
    assert!(matcher.is_exhausted());
    assert!(!matcher.matches(&series("n", "m", &[])), "and then nothing is found");
}

proptest! {
    #[test]
    fn no_text_panics(text in r#"[ a-zA-Z0-9(){}=,"'\\é:.*+-]{0,60}|\PC{0,40}"#) {
        if let Ok(search) = Search::parse(&text) {
            Matcher::new(&search, &mut 1_000_000).matches(&series("AWS/EC2", "m", &[("a", "b")]));
        }
    }

    /// What is searched by its exact name is found, and by each place that it has.
    #[test]
    fn names_are_found(name in "[A-Za-z][A-Za-z0-9_-]{0,20}") {
        prop_assume!(!["AND", "OR", "NOT"].contains(&name.as_str()));
        let found = series("space", &name, &[]);
        for text in [format!("MetricName=\"{name}\""), format!("MetricName={name}"), name.clone()] {
            prop_assert!(finds(&text, &found), "{}", text);
        }
        let negated = format!("NOT {name}");
        prop_assert!(!finds(&negated, &found), "{}", negated);
    }
}
