//! Right requests for every operation, in all with all members: what the wrong ones are made from.

use nautilus_log::{Rng, SeededRng};
use serde_json::{Value, json};

use crate::testing::{NOW_MS, World};

/// Members that are points in time.
pub(super) const TIMES: &[&str] = &["StartDate", "EndDate", "StartTime", "EndTime", "Timestamp"];

/// What the requests are about.
pub(super) struct Bases {
    pub world: World,
}

const ARN: &str = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:m";
const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:t";

impl Bases {
    /// A metric alarm and a composite one, and a metric.
    pub fn new() -> Bases {
        let bases = Bases { world: World::new() };
        for (operation, name) in [("PutMetricAlarm", "m"), ("PutCompositeAlarm", "c")] {
            let mut input = bases.of(operation).swap_remove(0);
            input["AlarmName"] = name.into();
            bases.world.check(operation, &input.to_string(), "");
        }
        bases.world.sample("n", "m", NOW_MS, 1.0);
        bases.world.advance(0);
        bases
    }

    /// The requests of an operation: nothing in them is wrong.
    pub fn of(&self, operation: &str) -> Vec<Value> {
        let dimensions = json!([{"Name": "D", "Value": "d"}]);
        let actions = json!([TOPIC]);
        let tags = json!([{"Key": "k", "Value": "v"}]);
        let stat = json!({
            "Metric": {"Namespace": "n", "MetricName": "m", "Dimensions": dimensions},
            "Period": 60, "Stat": "Sum", "Unit": "Bytes",
        });
        let queries = json!([
            {"Id": "m1", "MetricStat": stat, "Label": "l", "ReturnData": false,
                "AccountId": "000000000000"},
            {"Id": "e1", "Expression": "m1 * 2", "Period": 60},
        ]);
        let backwards = json!([queries[1], queries[0]]);
        let (start, end) = (NOW_MS / 1000 - 600, NOW_MS / 1000 + 60);
        let alarm = |more: Value| {
            let mut input = json!({
                "AlarmName": "new", "AlarmDescription": "d", "ActionsEnabled": true,
                "OKActions": actions, "AlarmActions": actions,
                "InsufficientDataActions": actions, "Tags": tags,
            });
            for (name, value) in more.as_object().into_iter().flatten() {
                input[name] = value.clone();
            }
            input
        };
        let of_metric = |more: Value| {
            let mut input = alarm(json!({
                "EvaluationPeriods": 3, "DatapointsToAlarm": 2, "Threshold": 1.5,
                "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "breaching",
                "EvaluateLowSampleCountPercentile": "ignore",
            }));
            for (name, value) in more.as_object().into_iter().flatten() {
                input[name] = value.clone();
            }
            input
        };
        let one = match operation {
            "PutMetricAlarm" => {
                return vec![
                    of_metric(json!({
                        "MetricName": "m", "Namespace": "n", "Dimensions": dimensions,
                        "Statistic": "Sum", "Period": 60, "Unit": "Bytes",
                    })),
                    of_metric(json!({
                        "MetricName": "m", "Namespace": "n", "ExtendedStatistic": "p99.9",
                        "Period": 10,
                    })),
                    of_metric(json!({"Metrics": queries})),
                    of_metric(json!({"Metrics": backwards})),
                ];
            }
            "PutCompositeAlarm" => alarm(json!({
                "AlarmRule": "ALARM(m) OR OK(m)", "ActionsSuppressor": "m",
                "ActionsSuppressorWaitPeriod": 10, "ActionsSuppressorExtensionPeriod": 20,
            })),
            "DescribeAlarms" => {
                return vec![
                    json!({"AlarmNames": ["m", "c"], "AlarmTypes": ["MetricAlarm"],
                        "StateValue": "OK", "ActionPrefix": "arn", "MaxRecords": 10}),
                    json!({"AlarmNamePrefix": "m"}),
                    json!({"ChildrenOfAlarmName": "c"}),
                    json!({"ParentsOfAlarmName": "m"}),
                ];
            }
            "DescribeAlarmsForMetric" => json!({
                "MetricName": "m", "Namespace": "n", "Dimensions": dimensions,
                "Statistic": "Sum", "ExtendedStatistic": "p9", "Period": 60, "Unit": "Bytes",
            }),
            "DescribeAlarmHistory" => json!({
                "AlarmName": "m", "AlarmTypes": ["MetricAlarm"], "HistoryItemType": "StateUpdate",
                "StartDate": start, "EndDate": end, "MaxRecords": 10,
                "ScanBy": "TimestampAscending",
            }),
            "SetAlarmState" => json!({
                "AlarmName": "m", "StateValue": "ALARM", "StateReason": "r",
                "StateReasonData": "{\"a\":1}",
            }),
            "EnableAlarmActions" | "DisableAlarmActions" => json!({"AlarmNames": ["m", "c"]}),
            "DeleteAlarms" => json!({"AlarmNames": ["c"]}),
            "TagResource" => json!({"ResourceARN": ARN, "Tags": tags}),
            "UntagResource" => json!({"ResourceARN": ARN, "TagKeys": ["k"]}),
            "ListTagsForResource" => json!({"ResourceARN": ARN}),
            "GetMetricData" => {
                let of = |queries: &Value| {
                    json!({
                        "MetricDataQueries": queries, "StartTime": start, "EndTime": end,
                        "ScanBy": "TimestampDescending", "MaxDatapoints": 100,
                        "LabelOptions": {"Timezone": "+0100"},
                    })
                };
                return vec![of(&queries), of(&backwards)];
            }
            "GetMetricStatistics" => {
                let of = |member: &str, statistic: &str| {
                    json!({
                        "Namespace": "n", "MetricName": "m", "Dimensions": dimensions,
                        "StartTime": start, "EndTime": end, "Period": 60, "Unit": "Bytes",
                        member: [statistic],
                    })
                };
                return vec![of("Statistics", "Sum"), of("ExtendedStatistics", "p90")];
            }
            "ListMetrics" => json!({
                "Namespace": "n", "MetricName": "m", "Dimensions": dimensions,
                "RecentlyActive": "PT3H", "IncludeLinkedAccounts": false,
                "OwningAccount": "000000000000",
            }),
            "PutMetricData" => {
                let of = |more: Value| {
                    let mut datum = json!({
                        "MetricName": "m", "Dimensions": dimensions, "Timestamp": end - 60,
                        "Unit": "Count", "StorageResolution": 1,
                    });
                    for (name, value) in more.as_object().into_iter().flatten() {
                        datum[name] = value.clone();
                    }
                    json!({"Namespace": "own", "MetricData": [datum]})
                };
                let set = json!({"SampleCount": 2, "Sum": 3, "Minimum": 1, "Maximum": 2});
                return vec![
                    of(json!({"Value": 1.5})),
                    of(json!({"StatisticValues": set})),
                    of(json!({"Values": [1, 2.5], "Counts": [1, 2]})),
                ];
            }
            other => panic!("there is no request for {other}"),
        };
        vec![one]
    }
}

/// A value that somebody might send.
pub(super) fn odd_value(rng: &SeededRng) -> Value {
    let odd = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(61),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(1e300),
        json!(-0.5),
        json!(1_795_489_200),
        json!(""),
        json!("x"),
        json!("0"),
        json!("c"),
        json!(ARN),
        json!("arn:aws:cloudwatch:us-east-1:111122223333:alarm:m"),
        json!("arn:aws:cloudwatch:eu-west-1:000000000000:alarm:m"),
        json!("arn:aws:lambda:us-east-1:000000000000:function:f"),
        json!("NOT (ALARM(c) AND ALARM(m))"),
        json!("((((((((TRUE"),
        json!("SEARCH('{n,D} m', 'Sum')"),
        json!("p99"),
        json!("NaN"),
        json!("é\u{0}💧"),
        json!("A".repeat(300)),
        json!("{\"a\":"),
        json!([]),
        json!({}),
        json!([[]]),
        json!([null]),
        json!([{"Name": "D", "Value": "d"}]),
    ];
    odd[(rng.next_u64() % odd.len() as u64) as usize].clone()
}
