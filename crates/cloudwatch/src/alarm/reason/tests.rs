use super::*;
use crate::{
    alarm::{
        evaluate::{EvaluationRange, Point, Verdict, evaluate},
        model::{WatchedMetric, tests::metric_alarm},
    },
    metric::Dimension,
};

/// 26 February 2026, 10:01:00.
const NOW_MS: u64 = 1_772_100_060_000;

/// Evaluates values, oldest first, of which the last belongs to the last whole period; gives sentence and data.
fn explain(alarm: &MetricAlarm, values: &[Option<f64>]) -> (String, String) {
    let range = EvaluationRange::of(alarm, NOW_MS);
    let first = range.periods - values.len();
    let points = values.iter().enumerate().filter_map(|(period, value)| {
        let at_ms = range.start_ms(first + period);
        value.map(|value| Point { at_ms, value, sample_count: Some(2.0) })
    });
    match evaluate(alarm, &range.place(points), &range, NOW_MS) {
        Verdict::Be(state, evaluated) => (evaluated.reason(state), evaluated.reason_data()),
        Verdict::Keep => panic!("the state is kept"),
    }
}

fn check(alarm: &MetricAlarm, values: &[Option<f64>], expected: &str) {
    assert_eq!(explain(alarm, values).0, expected, "{values:?}");
}

fn alarm(periods: u32, to_alarm: Option<u32>, threshold: f64) -> MetricAlarm {
    let mut alarm = metric_alarm();
    alarm.evaluation_periods = periods;
    alarm.datapoints_to_alarm = to_alarm;
    alarm.threshold = threshold;
    alarm
}

fn metric(alarm: &mut MetricAlarm) -> &mut WatchedMetric {
    match &mut alarm.watched {
        Watched::Metric(metric) => metric,
        Watched::Queries(_) => panic!("one metric"),
    }
}

#[test]
fn without_datapoints_to_alarm() {
    let one = alarm(1, None, 21.0);
    check(
        &one,
        &[Some(21.5)],
        "Threshold Crossed: 1 datapoint [21.5 (26/02/26 10:00:00)] was greater than the threshold (21.0).",
    );
    check(
        &one,
        &[Some(0.0)],
        "Threshold Crossed: 1 datapoint [0.0 (26/02/26 10:00:00)] was not greater than the threshold (21.0).",
    );
    let two = alarm(2, None, 42.0);
    check(
        &two,
        &[Some(1.0), Some(0.0)],
        "Threshold Crossed: 2 datapoints [0.0 (26/02/26 10:00:00), 1.0 (26/02/26 09:59:00)] were not greater than the threshold (42.0).",
    );
    let mut five = alarm(5, None, 80.0);
    five.comparison = Comparison::GreaterOrEqual;
    check(
        &five,
        &[Some(84.5), Some(80.0), Some(81.0), Some(82.0), Some(1e8)],
        "Threshold Crossed: 5 datapoints were greater than or equal to the threshold (80.0). The most recent datapoints which crossed the threshold: [1.0E8 (26/02/26 10:00:00), 82.0 (26/02/26 09:59:00), 81.0 (26/02/26 09:58:00), 80.0 (26/02/26 09:57:00), 84.5 (26/02/26 09:56:00)].",
    );
}

#[test]
fn with_datapoints_to_alarm() {
    let one = alarm(1, Some(1), 50.0);
    check(
        &one,
        &[Some(99.501_602_296_934_34)],
        "Threshold Crossed: 1 out of the last 1 datapoints [99.50160229693434 (26/02/26 10:00:00)] was greater than the threshold (50.0) (minimum 1 datapoint for OK -> ALARM transition).",
    );
    check(
        &one,
        &[Some(0.066_685_190_330_647_2)],
        "Threshold Crossed: 1 out of the last 1 datapoints [0.0666851903306472 (26/02/26 10:00:00)] was not greater than the threshold (50.0) (minimum 1 datapoint for ALARM -> OK transition).",
    );
    let mut two = alarm(2, Some(2), 1.0);
    two.comparison = Comparison::LessOrEqual;
    check(
        &two,
        &[Some(2.0), Some(1.0)],
        "Threshold Crossed: 1 out of the last 2 datapoints [2.0 (26/02/26 09:59:00)] was not less than or equal to the threshold (1.0) (minimum 1 datapoint for ALARM -> OK transition).",
    );
    let mut many = alarm(30, Some(20), 20.0);
    many.comparison = Comparison::Less;
    check(
        &many,
        &[Some(1.0); 30],
        "Threshold Crossed: 30 out of the last 30 datapoints were less than the threshold (20.0). The most recent datapoints which crossed the threshold: [1.0 (26/02/26 10:00:00), 1.0 (26/02/26 09:59:00), 1.0 (26/02/26 09:58:00), 1.0 (26/02/26 09:57:00), 1.0 (26/02/26 09:56:00)] (minimum 20 datapoints for OK -> ALARM transition).",
    );
    // Of 30, 11 that do not breach make it OK.
    let (reason, _) = explain(&many, &[Some(50.0); 30]);
    assert!(reason.ends_with("(minimum 11 datapoints for ALARM -> OK transition)."), "{reason}");
}

#[test]
fn with_missing_datapoints() {
    let mut alarm = alarm(2, None, 2.0);
    alarm.treat_missing_data = Some(Missing::Breaching);
    check(
        &alarm,
        &[],
        "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as [Breaching].",
    );
    check(
        &alarm,
        &[Some(5.0)],
        "Threshold Crossed: 1 datapoint was received for 2 periods and 1 missing datapoint was treated as [Breaching].",
    );
    alarm.evaluation_periods = 1;
    alarm.treat_missing_data = Some(Missing::NotBreaching);
    check(
        &alarm,
        &[],
        "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [NonBreaching].",
    );
    alarm.evaluation_periods = 20;
    alarm.datapoints_to_alarm = Some(1);
    alarm.comparison = Comparison::GreaterOrEqual;
    check(
        &alarm,
        &[Some(613.0)],
        "Threshold Crossed: 1 out of the last 20 datapoints [613.0 (26/02/26 10:00:00)] was greater than or equal to the threshold (2.0) and 19 missing datapoints were treated as [NonBreaching] (minimum 1 datapoint for OK -> ALARM transition).",
    );
    // Missing stays missing: it is not told.
    alarm.evaluation_periods = 3;
    alarm.datapoints_to_alarm = Some(3);
    alarm.treat_missing_data = None;
    check(
        &alarm,
        &[Some(613.0), None, None],
        "Threshold Crossed: 1 out of the last 3 datapoints [613.0 (26/02/26 09:58:00)] was greater than or equal to the threshold (2.0) (minimum 3 datapoints for OK -> ALARM transition).",
    );
    check(&alarm, &[], "Insufficient Data: 3 datapoints were unknown.");
    alarm.evaluation_periods = 1;
    check(&alarm, &[], "Insufficient Data: 1 datapoint was unknown.");
}

#[test]
fn data_as_aws_writes_it() {
    let mut alarm = alarm(1, None, 21.0);
    metric(&mut alarm).statistic = WatchedStatistic::Simple("Average".to_owned());
    metric(&mut alarm).unit = Some(nautilus_metrics::Unit::Seconds);
    let (_, data) = explain(&alarm, &[Some(21.5)]);
    assert_eq!(
        data,
        r#"{"version":"1.0","queryDate":"2026-02-26T10:01:00.000+0000","startDate":"2026-02-26T10:00:00.000+0000","unit":"Seconds","statistic":"Average","period":60,"recentDatapoints":[21.5],"threshold":21.0,"evaluatedDatapoints":[{"timestamp":"2026-02-26T10:00:00.000+0000","sampleCount":2.0,"value":21.5}]}"#
    );
    metric(&mut alarm).unit = None;
    alarm.evaluation_periods = 2;
    let (_, data) = explain(&alarm, &[Some(3.0), Some(4.0)]);
    assert_eq!(
        data,
        r#"{"version":"1.0","queryDate":"2026-02-26T10:01:00.000+0000","startDate":"2026-02-26T09:59:00.000+0000","statistic":"Average","period":60,"recentDatapoints":[3.0,4.0],"threshold":21.0,"evaluatedDatapoints":[{"timestamp":"2026-02-26T10:00:00.000+0000","sampleCount":2.0,"value":4.0},{"timestamp":"2026-02-26T09:59:00.000+0000","sampleCount":2.0,"value":3.0}]}"#
    );
    let (_, data) = explain(&alarm, &[]);
    assert_eq!(
        data,
        r#"{"version":"1.0","queryDate":"2026-02-26T10:01:00.000+0000","statistic":"Average","period":60,"recentDatapoints":[],"threshold":21.0,"evaluatedDatapoints":[{"timestamp":"2026-02-26T10:00:00.000+0000"},{"timestamp":"2026-02-26T09:59:00.000+0000"}]}"#
    );
}

#[test]
fn data_of_many_datapoints_keeps_the_newest() {
    let alarm = alarm(1_440, None, 21.0);
    let values: Vec<_> = (0..1_440).map(|at| Some(f64::from(at))).collect();
    let (_, data) = explain(&alarm, &values);
    assert!((2_500..4_000).contains(&data.len()), "{}", data.len());
    let data: serde_json::Value = serde_json::from_str(&data).expect("JSON");
    let recent = data["recentDatapoints"].as_array().expect("a list");
    assert_eq!(recent.last(), Some(&serde_json::Value::from(1_439.0)));
    assert_eq!(data["evaluatedDatapoints"][0]["value"], 1_439.0);
}

#[test]
fn composites_say_which_child_it_was() {
    let arn = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a";
    assert_eq!(
        of_child(arn, StateValue::Alarm, 1_658_505_465_394),
        format!("{arn} transitioned to ALARM at Friday 22 July, 2022 15:57:45 UTC")
    );
    assert_eq!(
        of_rule(arn, true, StateValue::Ok),
        format!("{arn} was created and its alarm rule evaluates to OK")
    );
    assert_eq!(
        composite_data(&[(arn, StateValue::Alarm, 1_658_505_465_394)]),
        r#"{"triggeringAlarms":[{"arn":"arn:aws:cloudwatch:us-east-1:000000000000:alarm:a","state":{"value":"ALARM","timestamp":"2022-07-22T15:57:45.394+0000"}}]}"#
    );
    let many = vec![(arn, StateValue::Ok, 0); 500];
    let data = composite_data(&many);
    assert!(data.len() < 4_000 && serde_json::from_str::<serde_json::Value>(&data).is_ok());
}

#[test]
fn an_alarm_that_cannot_get_data_hears_which_one_does() {
    let hint_of = |name: &str, dimensions: &[&str]| {
        let mut alarm = metric_alarm();
        metric(&mut alarm).name = name.to_owned();
        metric(&mut alarm).dimensions = dimensions
            .iter()
            .map(|name| Dimension { name: (*name).to_owned(), value: "v".to_owned() })
            .collect();
        hint(&alarm)
    };
    let stream = ["StreamName"];
    let shard = ["StreamName", "ShardId"];
    let consumer = ["ConsumerName", "StreamName"];
    assert_eq!(hint_of("GetRecords.IteratorAgeMilliseconds", &stream), None);
    assert_eq!(hint_of("IncomingBytes", &stream), None);
    assert_eq!(hint_of("IteratorAgeMilliseconds", &shard), None);
    assert_eq!(hint_of("SubscribeToShardEvent.Bytes", &consumer), None);
    assert_eq!(
        hint_of("GetRecords.IteratorAgeMilliseconds", &[]).as_deref(),
        Some(
            "The metric GetRecords.IteratorAgeMilliseconds without dimensions has no data: watch GetRecords.IteratorAgeMilliseconds with StreamName."
        )
    );
    assert_eq!(
        hint_of("IteratorAgeMilliseconds", &[]).as_deref(),
        Some(
            "The metric IteratorAgeMilliseconds without dimensions has no data: watch GetRecords.IteratorAgeMilliseconds with StreamName, or, where enhanced monitoring is on, IteratorAgeMilliseconds with StreamName and ShardId."
        )
    );
    assert_eq!(
        hint_of("SubscribeToShardEvent.Bytes", &stream).as_deref(),
        Some(
            "The metric SubscribeToShardEvent.Bytes with the dimensions [StreamName] has no data: watch SubscribeToShardEvent.Bytes with StreamName and ConsumerName."
        )
    );
    assert!(hint_of("IteratorAgeMilliseconds", &stream).is_some());
    for dimensions in [stream.as_slice(), &shard, &consumer, &[]] {
        assert_eq!(
            hint_of("GetRecords.IteratorAgeMiliseconds", dimensions).as_deref(),
            Some(
                "AWS/Kinesis has no metric GetRecords.IteratorAgeMiliseconds: look for a typing error."
            )
        );
    }
    for name in OF_STREAMS {
        assert_eq!(hint_of(name, &stream), None, "{name}");
    }
    for name in OF_CONSUMERS {
        assert_eq!(hint_of(name, &consumer), None, "{name}");
    }
    assert!(hint_of("PutRecord.Bytes", &shard).is_some());

    let mut alarm = metric_alarm();
    metric(&mut alarm).dimensions.clear();
    check(
        &alarm,
        &[],
        "Insufficient Data: 1 datapoint was unknown. The metric GetRecords.IteratorAgeMilliseconds without dimensions has no data: watch GetRecords.IteratorAgeMilliseconds with StreamName.",
    );
    metric(&mut alarm).namespace = "Own".to_owned();
    assert_eq!(hint(&alarm), None);
}
