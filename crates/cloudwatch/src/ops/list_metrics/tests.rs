use super::*;
use crate::testing::{NOW_MS, World};

/// Puts one sample of a metric; dimensions as `name=value`.
fn put(world: &World, namespace: &str, name: &str, dimensions: &[&str]) {
    let dimensions: Vec<_> = dimensions
        .iter()
        .filter_map(|text| text.split_once('='))
        .map(|(name, value)| format!(r#"{{"Name":"{name}","Value":"{value}"}}"#))
        .collect();
    let input = format!(
        r#"{{"Namespace":"{namespace}","MetricData":[{{"MetricName":"{name}","Value":1,"Dimensions":[{}]}}]}}"#,
        dimensions.join(",")
    );
    world.check("PutMetricData", &input, "");
}

/// Metrics as `namespace/name name=value …`, and the token of the next page.
fn list(world: &World, input: &str) -> (Vec<String>, Option<String>) {
    let answer = world.ok("ListMetrics", input);
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    let metrics = answer["Metrics"].as_array().expect("a list").iter().map(|metric| {
        let mut shown = format!("{}/{}", text(&metric["Namespace"]), text(&metric["MetricName"]));
        for dimension in metric["Dimensions"].as_array().expect("a list") {
            shown += &format!(" {}={}", text(&dimension["Name"]), text(&dimension["Value"]));
        }
        shown
    });
    (metrics.collect(), answer.get("NextToken").map(text))
}

#[test]
fn metrics_are_found_by_what_they_are_called() {
    let world = World::new();
    put(&world, "A", "m", &[]);
    put(&world, "A", "n", &["x=1"]);
    put(&world, "A", "n", &["y=2", "x=1"]);
    put(&world, "AB", "m", &["x=2"]);
    put(&world, "B", "m", &["x=1"]);
    let all = ["A/m", "A/n x=1", "A/n x=1 y=2", "AB/m x=2", "B/m x=1"];
    for (input, expected) in [
        ("{}", &all[..]),
        (r#"{"Namespace":"A"}"#, &all[..3]),
        (r#"{"Namespace":"AB"}"#, &all[3..4]),
        (r#"{"Namespace":"B"}"#, &all[4..]),
        (r#"{"Namespace":"Z"}"#, &[]),
        (r#"{"MetricName":"m"}"#, &["A/m", "AB/m x=2", "B/m x=1"]),
        (r#"{"Namespace":"A","MetricName":"n"}"#, &all[1..3]),
        (r#"{"Dimensions":[{"Name":"x"}]}"#, &all[1..]),
        (r#"{"Dimensions":[{"Name":"x","Value":"1"}]}"#, &["A/n x=1", "A/n x=1 y=2", "B/m x=1"]),
        (r#"{"Dimensions":[{"Name":"x","Value":"1"},{"Name":"y"}]}"#, &all[2..3]),
        (r#"{"Dimensions":[{"Name":"z"}]}"#, &[]),
        (r#"{"Dimensions":[]}"#, &all[..]),
        (r#"{"RecentlyActive":"PT3H"}"#, &all[..]),
        (r#"{"OwningAccount":"000000000000"}"#, &all[..]),
        (r#"{"OwningAccount":"111111111111"}"#, &[]),
    ] {
        let (metrics, token) = list(&world, input);
        assert_eq!(metrics, expected, "{input}");
        assert_eq!(token, None);
    }
    let other = nautilus_identity::Identity::dev().operator("AKID", "eu-west-1");
    let answer = world.call_as(&other, "ListMetrics", "{}");
    assert_eq!(answer, r#"{"Metrics":[]}"#, "each region has its own");
}

#[test]
fn a_metric_in_several_units_is_one() {
    let world = World::new();
    for unit in ["Seconds", "Count", "None"] {
        let input = format!(
            r#"{{"Namespace":"A","MetricData":[{{"MetricName":"m","Value":1,"Unit":"{unit}"}}]}}"#
        );
        world.check("PutMetricData", &input, "");
    }
    assert_eq!(list(&world, "{}").0, ["A/m"]);
}

#[test]
fn metrics_leave_the_list() {
    let world = World::new();
    put(&world, "A", "m", &[]);
    let shown = |input: &str| list(&world, input).0.len();
    world.clock.set_ms(NOW_MS + limits::RECENT_MS);
    assert_eq!((shown(r#"{"RecentlyActive":"PT3H"}"#), shown("{}")), (1, 1));
    world.clock.set_ms(NOW_MS + limits::RECENT_MS + 1_000);
    assert_eq!((shown(r#"{"RecentlyActive":"PT3H"}"#), shown("{}")), (0, 1));
    world.clock.set_ms(NOW_MS + limits::LISTED_MS);
    assert_eq!(shown("{}"), 1);
    world.clock.set_ms(NOW_MS + limits::LISTED_MS + 1_000);
    assert_eq!(shown("{}"), 0);
}

#[test]
fn pages_of_500_go_on_by_token() {
    let world = World::new();
    let data: Vec<_> = (0..1_000)
        .map(|at| {
            format!(
                r#"{{"MetricName":"m{at:04}","Value":1,"Dimensions":[{{"Name":"quote\"","Value":"a\\b"}}]}}"#
            )
        })
        .collect();
    for data in data.chunks(500) {
        let input = format!(r#"{{"Namespace":"A","MetricData":[{}]}}"#, data.join(","));
        world.check("PutMetricData", &input, "");
    }
    put(&world, "B", "m", &[]);
    let (first, token) = list(&world, "{}");
    let token = token.expect("there is more");
    let (second, last) = list(&world, &format!(r#"{{"NextToken":"{token}"}}"#));
    let (third, none) =
        list(&world, &format!(r#"{{"NextToken":"{}"}}"#, last.expect("there is more")));
    assert_eq!((first.len(), second.len(), third.len(), none), (500, 500, 1, None));
    let all: Vec<_> = first.into_iter().chain(second).chain(third).collect();
    assert!(all.is_sorted() && all.first().is_some_and(|first| first.starts_with("A/m0000 ")));

    // A full last page has no token.
    let (second, none) = list(&world, &format!(r#"{{"Namespace":"A","NextToken":"{token}"}}"#));
    assert_eq!((second.len(), none), (500, None));
    for bad in ["x", "", &token[1..]] {
        let error = world.error("ListMetrics", &format!(r#"{{"NextToken":"{bad}"}}"#));
        assert!(error.starts_with("InvalidNextToken: "), "{error}");
    }
}

#[test]
fn the_longest_dimensions_have_a_token() {
    let mut last = series("000000000000", "us-east-1", "A", "m", Vec::new());
    last.dimensions = (0..30)
        .map(|at| nautilus_metrics::Dimension {
            name: format!("{}{at:02}", "\"".repeat(253)).as_str().into(),
            value: "\\".repeat(1_024).as_str().into(),
        })
        .collect();
    let opened = open(&seal(&last), "000000000000", "us-east-1").expect("a token");
    assert_eq!(opened, last);
}

#[test]
fn every_protocol_lists() {
    let world = World::new();
    put(&world, "A", "m", &["x=1"]);
    let json = r#"{"Namespace":"A","Dimensions":[{"Name":"x"}],"IncludeLinkedAccounts":true}"#;
    let form = "Namespace=A&Dimensions.member.1.Name=x&IncludeLinkedAccounts=true";
    let expected = r#"{"Metrics":[{"Namespace":"A","MetricName":"m","Dimensions":[{"Name":"x","Value":"1"}]}],"OwningAccounts":["000000000000"]}"#;
    let [json, cbor, xml] = world.in_all_protocols("ListMetrics", json, form);
    assert_eq!((json.as_str(), cbor.as_str()), (expected, expected));
    assert_eq!(
        xml,
        "<Metrics><member><Namespace>A</Namespace><MetricName>m</MetricName><Dimensions><member>\
         <Name>x</Name><Value>1</Value></member></Dimensions></member></Metrics>\
         <OwningAccounts><member>000000000000</member></OwningAccounts>"
    );
    let error = "ValidationException: 1 validation error detected: Value 'PT1H' at 'recentlyActive' failed to satisfy constraint: Member must satisfy enum value set: [PT3H]";
    let bad = world.in_all_protocols(
        "ListMetrics",
        r#"{"RecentlyActive":"PT1H"}"#,
        "RecentlyActive=PT1H",
    );
    assert_eq!(bad, [error; 3]);
}
