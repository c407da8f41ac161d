//! What can be defined, how it is shown, and the tags of it.

use super::*;

#[test]
fn what_was_given_is_shown_and_what_was_not_is_not_there() {
    let world = World::new();
    world.put_alarm("a");
    let alarm = world.ok("DescribeAlarms", "{}")["MetricAlarms"][0].clone();
    let mut members: Vec<_> = alarm.as_object().expect("members").keys().cloned().collect();
    members.sort();
    assert_eq!(
        members,
        [
            "ActionsEnabled",
            "AlarmActions",
            "AlarmArn",
            "AlarmConfigurationUpdatedTimestamp",
            "AlarmName",
            "ComparisonOperator",
            "Dimensions",
            "EvaluationPeriods",
            "InsufficientDataActions",
            "MetricName",
            "Namespace",
            "OKActions",
            "Period",
            "StateReason",
            "StateTransitionedTimestamp",
            "StateUpdatedTimestamp",
            "StateValue",
            "Statistic",
            "Threshold",
        ]
    );
    assert_eq!(alarm["AlarmArn"], "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a");
    assert_eq!((&alarm["OKActions"], &alarm["ActionsEnabled"]), (&json!([]), &json!(true)));

    let more = json!({
        "AlarmDescription": "", "ActionsEnabled": false, "OKActions": [TOPIC],
        "Statistic": null, "ExtendedStatistic": "p99.9", "Unit": "Bytes", "DatapointsToAlarm": 1,
        "TreatMissingData": "notBreaching", "EvaluateLowSampleCountPercentile": "ignore",
        "Dimensions": [{"Name": "Z", "Value": "1"}, {"Name": "A", "Value": "2"}],
        "Threshold": 0.1, "Period": 300, "EvaluationPeriods": 3,
    });
    world.check("PutMetricAlarm", &definition("b", more.clone()), "");
    let answer = world.ok("DescribeAlarms", r#"{"AlarmNames":["b"]}"#);
    for (member, value) in more.as_object().expect("members") {
        assert_eq!(answer["MetricAlarms"][0][member], *value, "{member}");
    }
}

#[test]
fn an_alarm_on_math_is_shown_as_it_was_given() {
    let world = World::new();
    let metrics = json!([
        {"Id": "e", "Expression": "m * 2", "Label": "twice", "ReturnData": true},
        {"Id": "m", "ReturnData": false, "MetricStat": {
            "Metric": {"Namespace": "n", "MetricName": "m", "Dimensions": []},
            "Period": 60, "Stat": "Sum", "Unit": "Count"}},
    ]);
    let input = json!({"AlarmName": "a", "Metrics": metrics, "EvaluationPeriods": 1,
        "Threshold": 1, "ComparisonOperator": "LessThanThreshold"});
    world.check("PutMetricAlarm", &input.to_string(), "");
    let alarm = world.ok("DescribeAlarms", "{}")["MetricAlarms"][0].clone();
    assert_eq!(alarm["Metrics"], metrics);
    assert!(alarm.get("MetricName").is_none() && alarm.get("Period").is_none());
}

#[test]
fn an_update_replaces_the_definition_and_keeps_state_and_tags() {
    let world = World::new();
    let tags = json!({"Tags": [{"Key": "k", "Value": "v"}], "AlarmDescription": "first"});
    world.check("PutMetricAlarm", &definition("a", tags), "");
    world.set("a", "ALARM");
    let tags = json!({"Tags": [{"Key": "other", "Value": "w"}], "Threshold": 20});
    world.check("PutMetricAlarm", &definition("a", tags), "");

    let alarm = world.ok("DescribeAlarms", "{}")["MetricAlarms"][0].clone();
    assert_eq!((&alarm["Threshold"], &alarm["StateValue"]), (&json!(20.0), &json!("ALARM")));
    assert!(alarm.get("AlarmDescription").is_none());
    world.check(
        "ListTagsForResource",
        r#"{"ResourceARN":"arn:aws:cloudwatch:us-east-1:000000000000:alarm:a"}"#,
        r#"{"Tags":[{"Key":"k","Value":"v"}]}"#,
    );
    assert_eq!(
        world.history(r#"{"HistoryItemType":"ConfigurationUpdate"}"#)[0],
        "Alarm \"a\" updated"
    );
}

#[test]
fn a_metric_without_its_dimensions_has_no_data_and_the_alarm_says_which_one_has() {
    let world = World::new();
    let metric = json!({"Namespace": "AWS/Kinesis", "Dimensions": null,
        "MetricName": "GetRecords.IteratorAgeMilliseconds"});
    world.check("PutMetricAlarm", &definition("a", metric), "");
    let (state, reason) = world.state("a");
    assert_eq!(state, "INSUFFICIENT_DATA");
    assert!(
        reason.starts_with("Unchecked: Initial alarm creation. ")
            && reason.contains("GetRecords.IteratorAgeMilliseconds with StreamName"),
        "{reason}"
    );
    let right = json!({"Namespace": "AWS/Kinesis",
        "MetricName": "GetRecords.IteratorAgeMilliseconds",
        "Dimensions": [{"Name": "StreamName", "Value": "s"}]});
    world.check("PutMetricAlarm", &definition("a", right), "");
    assert_eq!(world.state("a").1, "Unchecked: Initial alarm creation");
}

#[test]
fn tags_come_and_go() {
    let world = World::new();
    world.put_alarm("a:b/c");
    let arn = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a:b/c";
    let call = |operation: &str, more: Value| {
        let mut input = json!({"ResourceARN": arn});
        for (member, value) in more.as_object().expect("members") {
            input[member] = value.clone();
        }
        world.call_as(&crate::testing::caller(), operation, &input.to_string())
    };
    let tag = |key: &str, value: &str| json!({"Tags": [{"Key": key, "Value": value}]});
    assert_eq!(call("ListTagsForResource", json!({})), r#"{"Tags":[]}"#);
    assert_eq!(call("TagResource", tag("k", "v")), "{}");
    assert_eq!(call("TagResource", tag("k", "w")), "{}");
    assert_eq!(call("TagResource", tag("e", "")), "{}");
    assert_eq!(
        call("ListTagsForResource", json!({})),
        r#"{"Tags":[{"Key":"e","Value":""},{"Key":"k","Value":"w"}]}"#
    );
    assert_eq!(call("UntagResource", json!({"TagKeys": ["k", "none"]})), "{}");
    assert_eq!(call("ListTagsForResource", json!({})), r#"{"Tags":[{"Key":"e","Value":""}]}"#);
    for bad in [
        tag("aws:x", ""),
        json!({"Tags": [{"Key": "a", "Value": ""}, {"Key": "a", "Value": ""}]}),
        json!({"Tags": (0..50).map(|n| json!({"Key": n.to_string(), "Value": ""})).collect::<Vec<_>>()}),
    ] {
        assert!(call("TagResource", bad).starts_with("InvalidParameterValueException: "));
    }
    let none = r#"{"ResourceARN":"arn:aws:cloudwatch:us-east-1:000000000000:alarm:none"}"#;
    world.check("ListTagsForResource", none, r#"{"Tags":[]}"#);
    let other = r#"{"ResourceARN":"arn:aws:cloudwatch:us-east-1:000000000000:dashboard/d"}"#;
    world.error("ListTagsForResource", other);
    let none =
        r#"{"ResourceARN":"arn:aws:cloudwatch:us-east-1:000000000000:alarm:none","TagKeys":[]}"#;
    assert!(world.error("UntagResource", none).starts_with("ResourceNotFoundException: "));
    let others = r#"{"ResourceARN":"arn:aws:cloudwatch:us-east-1:111111111111:alarm:a"}"#;
    assert!(world.error("ListTagsForResource", others).starts_with("AccessDeniedException: "));
}

#[test]
fn a_definition_that_cannot_be_is_refused_and_nothing_is_defined() {
    let world = World::new();
    let stat = |period: u32| json!({"Metric": {"Namespace": "n", "MetricName": "m"}, "Period": period, "Stat": "Sum"});
    let math = |metrics: Value| {
        json!({"MetricName": null, "Namespace": null, "Dimensions": null, "Statistic": null,
            "Period": null, "Metrics": metrics})
    };
    let validation = |text: &str| format!("ValidationException: {text}");
    for (more, expected) in [
        (json!({"MetricName": null}), validation("MetricName must not be null")),
        (json!({"Threshold": null}), validation("Threshold must not be null")),
        (json!({"EvaluationPeriods": null}), validation("EvaluationPeriods must not be null")),
        (json!({"Period": null}), validation("Period must not be null")),
        (
            json!({"DatapointsToAlarm": 2}),
            validation("DatapointsToAlarm must be less than or equal to EvaluationPeriods"),
        ),
        (json!({"Period": 59}), validation("Period must be 10, 20, 30 or a multiple of 60")),
        (
            json!({"EvaluationPeriods": 1441}),
            validation(
                "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must \
                 be <= 86400).",
            ),
        ),
        (
            json!({"EvaluationPeriods": 169, "Period": 3600}),
            validation(
                "Metrics cannot be checked across more than seven days (EvaluationPeriods * Period \
                 must be <= 604800).",
            ),
        ),
        (json!({"OKActions": ["topic"]}), validation("Invalid arn syntax: topic")),
        (
            json!({"ExtendedStatistic": "p9"}),
            "InvalidParameterCombinationException: The parameters Statistic and ExtendedStatistic \
             are mutually exclusive and you have specified both."
                .to_owned(),
        ),
        (
            json!({"Metrics": [{"Id": "m", "MetricStat": stat(60)}]}),
            validation("MetricName should not be set if list of Metrics is set."),
        ),
        (
            math(json!([{"Id": "m", "MetricStat": stat(60)}, {"Id": "o", "MetricStat": stat(60)}])),
            validation("Exactly one element of the metrics list should return data."),
        ),
        (
            math(json!([{"Id": "m", "MetricStat": stat(61)}])),
            validation("Period must be 10, 20, 30 or a multiple of 60"),
        ),
        (
            math(json!([{"Id": "m"}])),
            validation("Exactly one of MetricStat or Expression must be set in Metrics.member.1."),
        ),
    ] {
        world.check("PutMetricAlarm", &definition("a", more), &expected);
    }
    for more in [
        json!({"AlarmName": "a\u{1}"}),
        json!({"TreatMissingData": "x"}),
        json!({"EvaluateLowSampleCountPercentile": "x"}),
        json!({"Statistic": null}),
        json!({"Statistic": null, "ExtendedStatistic": "p101"}),
        json!({"Statistic": null, "ExtendedStatistic": "Sum"}),
        json!({"ComparisonOperator": "GreaterThanUpperThreshold", "ThresholdMetricId": "t"}),
        json!({"ComparisonOperator": "GreaterThanUpperThreshold"}),
        json!({"EvaluationCriteria": {"PromQLCriteria": {"Query": "up"}}}),
        json!({"EvaluationInterval": 60}),
        json!({"EvaluationWindow": {}}),
        json!({"Tags": [{"Key": "aws:x", "Value": ""}]}),
        math(json!([{"Id": "m", "MetricStat": stat(60), "AccountId": "111111111111"}])),
    ] {
        let answer = world.error("PutMetricAlarm", &definition("a", more.clone()));
        let code = answer.split(": ").next().expect("a code");
        assert!(
            ["ValidationException", "InvalidParameterValueException"].contains(&code),
            "{more}: {answer}"
        );
    }
    assert_eq!(names(&world, "{}"), "");
    assert_eq!(world.history("{}"), Vec::<String>::new());
}

#[test]
fn alarms_are_defined_and_shown_in_all_protocols() {
    let world = World::new();
    let form = "AlarmName=a&MetricName=m&Namespace=n&Dimensions.member.1.Name=D\
                &Dimensions.member.1.Value=d&Statistic=Maximum&Period=60&EvaluationPeriods=1\
                &Threshold=10&ComparisonOperator=GreaterThanThreshold&OKActions=";
    let answers = world.in_all_protocols("PutMetricAlarm", &definition("a", json!({})), form);
    assert_eq!(answers, ["", "", ""].map(str::to_owned));

    let [json, cbor, xml] = world.in_all_protocols(
        "DescribeAlarms",
        r#"{"AlarmNames":["a"]}"#,
        "AlarmNames.member.1=a",
    );
    let threshold = |text: &str| {
        let answer: Value = serde_json::from_str(text).expect("JSON");
        answer["MetricAlarms"][0]["Threshold"].clone()
    };
    assert_eq!((threshold(&json), threshold(&cbor)), (json!(10.0), json!(10.0)));
    for part in [
        "<MetricAlarms><member><AlarmName>a</AlarmName>",
        "<OKActions/>",
        "<Threshold>10.0</Threshold>",
        "<Dimensions><member><Name>D</Name><Value>d</Value></member></Dimensions>",
        "<StateUpdatedTimestamp>2026-11-24T03:00:00Z</StateUpdatedTimestamp>",
        "<CompositeAlarms/>",
    ] {
        assert!(xml.contains(part), "{part} in {xml}");
    }
    let tag = r#"{"ResourceARN":"arn:aws:cloudwatch:us-east-1:000000000000:alarm:a","Tags":[]}"#;
    let form = "ResourceARN=arn:aws:cloudwatch:us-east-1:000000000000:alarm:a&Tags=";
    let answers = world.in_all_protocols("TagResource", tag, form);
    assert_eq!(answers, ["{}", "{}", ""].map(str::to_owned));
}
