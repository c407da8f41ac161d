use super::*;
use crate::{
    alarm::model::{
        Missing,
        tests::{about, metric_alarm},
    },
    metric::{Metric, MetricStat},
};

fn alarmed(reason: &str) -> State {
    State {
        value: StateValue::Alarm,
        reason: reason.to_owned(),
        reason_data: None,
        updated_ms: 1_772_100_060_040,
        transitioned_ms: 1_772_100_060_040,
    }
}

#[test]
fn a_metric_alarm_tells_what_aws_tells() {
    let mut alarm = metric_alarm();
    alarm.treat_missing_data = Some(Missing::Ignore);
    let message = of_metric_alarm(&alarm, StateValue::InsufficientData, &alarmed("so \"it\" is"));
    assert_eq!(
        message,
        r#"{"AlarmName":"late-readers","AlarmDescription":null,"AWSAccountId":"000000000000","AlarmConfigurationUpdatedTimestamp":"2026-02-26T09:43:20.000+0000","NewStateValue":"ALARM","NewStateReason":"so \"it\" is","StateChangeTime":"2026-02-26T10:01:00.040+0000","Region":"US East (N. Virginia)","AlarmArn":"arn:aws:cloudwatch:us-east-1:000000000000:alarm:late-readers","OldStateValue":"INSUFFICIENT_DATA","ActionExecutedAfterMuteWindow":false,"OKActions":[],"AlarmActions":["arn:aws:sns:us-east-1:000000000000:alarms"],"InsufficientDataActions":[],"Trigger":{"MetricName":"GetRecords.IteratorAgeMilliseconds","Namespace":"AWS/Kinesis","StatisticType":"Statistic","Statistic":"MAXIMUM","Unit":null,"Dimensions":[{"value":"s","name":"StreamName"}],"Period":60,"EvaluationPeriods":1,"ComparisonOperator":"GreaterThanThreshold","Threshold":60000.0,"TreatMissingData":"ignore","EvaluateLowSampleCountPercentile":""}}"#
    );
}

#[test]
fn an_extended_statistic_has_a_member_of_its_own() {
    let mut alarm = metric_alarm();
    alarm.datapoints_to_alarm = Some(1);
    alarm.low_samples = Some(crate::alarm::model::LowSamples::Ignore);
    let Watched::Metric(metric) = &mut alarm.watched else { panic!("one metric") };
    metric.statistic = WatchedStatistic::Extended("p99".to_owned());
    metric.unit = Some(nautilus_metrics::Unit::Milliseconds);
    let message = of_metric_alarm(&alarm, StateValue::Ok, &alarmed(""));
    let message: serde_json::Value = serde_json::from_str(&message).expect("JSON");
    let trigger = &message["Trigger"];
    assert_eq!(trigger["StatisticType"], "ExtendedStatistic");
    assert_eq!(trigger["ExtendedStatistic"], "p99");
    assert_eq!(trigger.get("Statistic"), None);
    assert_eq!(trigger["Unit"], "Milliseconds");
    assert_eq!(trigger["DatapointsToAlarm"], 1);
    assert_eq!(trigger["TreatMissingData"], "");
    assert_eq!(trigger["EvaluateLowSampleCountPercentile"], "ignore");
}

#[test]
fn metric_math_is_told_by_its_queries() {
    let mut alarm = metric_alarm();
    let metric = Metric {
        namespace: "Own".to_owned(),
        name: "m".to_owned(),
        dimensions: vec![Dimension { name: "d".to_owned(), value: "v".to_owned() }],
    };
    let stat = MetricStat { metric, period_s: 60, stat: "Sum".to_owned(), unit: None };
    let expression = Asked::Expression { text: "m1*2".to_owned(), period_s: None };
    let query = |id: &str, asked, label: Option<&str>, return_data| MetricDataQuery {
        id: id.to_owned(),
        asked,
        label: label.map(str::to_owned),
        return_data,
        account_id: None,
    };
    alarm.watched = Watched::Queries(vec![
        query("e1", expression, Some("twice"), None),
        query("m1", Asked::Stat(stat), None, Some(false)),
    ]);
    let message = of_metric_alarm(&alarm, StateValue::Ok, &alarmed(""));
    let (_, trigger) = message.split_once(r#""Trigger":"#).expect("a trigger");
    assert_eq!(
        trigger,
        r#"{"Period":60,"EvaluationPeriods":1,"ComparisonOperator":"GreaterThanThreshold","Threshold":60000.0,"TreatMissingData":"","EvaluateLowSampleCountPercentile":"","Metrics":[{"Expression":"m1*2","Id":"e1","Label":"twice","ReturnData":true},{"Id":"m1","MetricStat":{"Metric":{"Dimensions":[{"value":"v","name":"d"}],"MetricName":"m","Namespace":"Own"},"Period":60,"Stat":"Sum"},"ReturnData":false}]}}"#
    );
}

#[test]
fn a_composite_alarm_tells_its_rule_and_children() {
    let alarm = CompositeAlarm {
        about: about("all"),
        rule: "ALARM(\"late-readers\")".to_owned(),
        suppressor: None,
        suppressor_wait_s: None,
        suppressor_extension_s: None,
    };
    let child = Child {
        arn: "arn:aws:cloudwatch:us-east-1:000000000000:alarm:late-readers".to_owned(),
        state: StateValue::Alarm,
        since_ms: 1_772_100_060_000,
    };
    assert_eq!(
        of_composite_alarm(&alarm, StateValue::Ok, &alarmed("why"), &[child]),
        r#"{"AlarmName":"all","AlarmDescription":null,"AWSAccountId":"000000000000","NewStateValue":"ALARM","NewStateReason":"why","StateChangeTime":"2026-02-26T10:01:00.040+0000","Region":"US East (N. Virginia)","AlarmArn":"arn:aws:cloudwatch:us-east-1:000000000000:alarm:all","OldStateValue":"OK","OKActions":[],"AlarmActions":["arn:aws:sns:us-east-1:000000000000:alarms"],"InsufficientDataActions":[],"AlarmRule":"ALARM(\"late-readers\")","TriggeringChildren":[{"Arn":"arn:aws:cloudwatch:us-east-1:000000000000:alarm:late-readers","State":{"Value":"ALARM","Timestamp":"2026-02-26T10:01:00.000+0000"}}]}"#
    );
}

#[test]
fn the_subject_fits() {
    let subject_of = |name: &str, region: &str, state| {
        let about = About { region: region.to_owned(), ..about(name) };
        subject(&about, state)
    };
    assert_eq!(subject_of("a", "eu-central-1", StateValue::Ok), r#"OK: "a" in EU (Frankfurt)"#);
    assert_eq!(subject_of("a", "local", StateValue::Alarm), r#"ALARM: "a" in local"#);
    let long = subject_of(&"ä".repeat(255), "us-east-1", StateValue::InsufficientData);
    assert_eq!(long.chars().count(), 100);
    assert!(long.ends_with("ä...\" in US East (N. Virginia)"), "{long}");
}

#[test]
fn statistics_are_shouted() {
    assert_eq!(upper_snake("SampleCount"), "SAMPLE_COUNT");
    assert_eq!(upper_snake("Average"), "AVERAGE");
}
