//! `aws_cloudwatch_metric_alarm`: on one metric, or on metric math of several.
//!
//! The provider's rules are checked here, before anything is made; what only the service knows, it says at the call.

use nautilus_metrics::Unit;
use serde_json::{Value as Json, json};

use super::{
    Nested, Repeated, Schema,
    alarm::{Alarm, Form, dimensions, figure},
};
use crate::apply::{arguments::Arguments, fault::Fault};

pub(super) const SCHEMA: Schema = Schema {
    name: "aws_cloudwatch_metric_alarm",
    arguments: &[
        "actions_enabled",
        "alarm_actions",
        "alarm_description",
        "alarm_name",
        "comparison_operator",
        "datapoints_to_alarm",
        "dimensions",
        "evaluate_low_sample_count_percentiles",
        "evaluation_periods",
        "extended_statistic",
        "insufficient_data_actions",
        "metric_name",
        "namespace",
        "ok_actions",
        "period",
        "statistic",
        "tags",
        "threshold",
        "threshold_metric_id",
        "treat_missing_data",
        "unit",
    ],
    nested: &[],
    repeated: &[Repeated {
        block: "metric_query",
        required: &["id"],
        optional: &["account_id", "expression", "label", "period", "return_data"],
        nested: &[Nested {
            block: "metric",
            required: &["metric_name", "period", "stat"],
            optional: &["dimensions", "namespace", "unit"],
        }],
    }],
    answered: &["arn", "id", "tags_all"],
    unread: &["evaluation_criteria", "evaluation_interval", "region"],
    read: |arguments| Ok(Box::new(read(arguments)?)),
};

const FORM: Form = Form {
    put: "PutMetricAlarm",
    alarm_type: "MetricAlarm",
    listed: "MetricAlarms",
    members: &[
        ("actions_enabled", "ActionsEnabled"),
        ("alarm_actions", "AlarmActions"),
        ("alarm_description", "AlarmDescription"),
        ("comparison_operator", "ComparisonOperator"),
        ("datapoints_to_alarm", "DatapointsToAlarm"),
        ("dimensions", "Dimensions"),
        ("evaluate_low_sample_count_percentiles", LOW_SAMPLES),
        ("evaluation_periods", "EvaluationPeriods"),
        ("extended_statistic", "ExtendedStatistic"),
        ("insufficient_data_actions", "InsufficientDataActions"),
        ("metric_name", "MetricName"),
        ("namespace", "Namespace"),
        ("ok_actions", "OKActions"),
        ("period", "Period"),
        ("statistic", "Statistic"),
        ("threshold", "Threshold"),
        ("treat_missing_data", MISSING_DATA),
        ("unit", "Unit"),
    ],
    blocks: &[("metric_query", "Metrics")],
    kept: &[LOW_SAMPLES],
    usual: &[(MISSING_DATA, "missing")],
};

const LOW_SAMPLES: &str = "EvaluateLowSampleCountPercentile";
const MISSING_DATA: &str = "TreatMissingData";

const COMPARISONS: &[&str] = &[
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
];
/// Of alarms on anomaly bands.
const BANDS: &[&str] = &[
    "GreaterThanUpperThreshold",
    "LessThanLowerOrGreaterThanUpperThreshold",
    "LessThanLowerThreshold",
];
const STATISTICS: &[&str] = &["Average", "Maximum", "Minimum", "SampleCount", "Sum"];
const MISSING: &[&str] = &["breaching", "ignore", "missing", "notBreaching"];
const LOW_SAMPLE_COUNTS: &[&str] = &["evaluate", "ignore"];
const COUNT_MAX: u64 = i32::MAX as u64;

fn read(arguments: &Arguments<'_, '_>) -> Result<Alarm, Fault> {
    let mut alarm = Alarm::read(arguments, &FORM)?;
    let required = |name: &str| {
        let count = arguments.whole(name, 1..=COUNT_MAX)?;
        count.ok_or_else(|| arguments.missing(name))
    };
    alarm.set("ComparisonOperator", Some(comparison(arguments)?));
    alarm.set("EvaluationPeriods", Some(required("evaluation_periods")?));
    alarm.set("DatapointsToAlarm", arguments.whole("datapoints_to_alarm", 1..=COUNT_MAX)?);
    alarm.set("Threshold", Some(figure(arguments.number("threshold")?.unwrap_or(0.0))));
    let missing = arguments.word("treat_missing_data", MISSING)?;
    alarm.set(MISSING_DATA, Some(missing.unwrap_or_else(|| "missing".to_owned())));
    let low = arguments.word("evaluate_low_sample_count_percentiles", LOW_SAMPLE_COUNTS)?;
    alarm.set(LOW_SAMPLES, low);

    let queries = arguments.repeated("metric_query").map(|query| read_query(&query));
    match queries.collect::<Result<Vec<Json>, Fault>>()? {
        queries if queries.is_empty() => read_metric(arguments, &mut alarm)?,
        queries => {
            refuse_beside_queries(arguments)?;
            alarm.set("Metrics", Some(queries));
        }
    }
    Ok(alarm)
}

fn comparison(arguments: &Arguments<'_, '_>) -> Result<String, Fault> {
    let at = "comparison_operator";
    let operator = arguments.required(at)?;
    let band = BANDS.contains(&operator.as_str()).then_some(at);
    let band = arguments.text("threshold_metric_id")?.map(|_| "threshold_metric_id").or(band);
    if let Some(at) = band {
        return Err(arguments.fault(at, "alarms on anomaly detection bands are not built yet"));
    }
    arguments.word(at, COMPARISONS)?;
    Ok(operator)
}

fn read_metric(arguments: &Arguments<'_, '_>, alarm: &mut Alarm) -> Result<(), Fault> {
    if arguments.text("metric_name")?.is_none() {
        return Err(arguments.fault(
            "metric_name",
            format!("{} has neither `metric_name` nor `metric_query`", arguments.address),
        ));
    }
    let statistic = arguments.word("statistic", STATISTICS)?;
    let extended = arguments.text("extended_statistic")?;
    if statistic.is_some() == extended.is_some() {
        let reason = "one of `statistic` and `extended_statistic` must be set";
        return Err(arguments.fault("extended_statistic", reason));
    }
    alarm.set("MetricName", arguments.text("metric_name")?);
    alarm.set("Namespace", Some(arguments.required("namespace")?));
    alarm.set("Statistic", statistic);
    alarm.set("ExtendedStatistic", extended);
    let period = period(arguments, "period", &[10, 20, 30])?;
    alarm.set("Period", Some(period.ok_or_else(|| arguments.missing("period"))?));
    alarm.set("Dimensions", dimensions(arguments, "dimensions")?);
    alarm.set("Unit", unit(arguments, "unit")?);
    Ok(())
}

/// Arguments that name one metric do not go with blocks that name several.
fn refuse_beside_queries(arguments: &Arguments<'_, '_>) -> Result<(), Fault> {
    for name in [
        "metric_name",
        "dimensions",
        "extended_statistic",
        "namespace",
        "period",
        "statistic",
        "unit",
    ] {
        if arguments.is_given(name)? {
            return Err(arguments.fault(name, format!("`{name}` does not go with `metric_query`")));
        }
    }
    Ok(())
}

/// One `metric_query`, as the service takes it.
fn read_query(arguments: &Arguments<'_, '_>) -> Result<Json, Fault> {
    let mut query = json!({
        "Id": arguments.required("id")?,
        "ReturnData": arguments.flag("return_data")?,
    });
    let metric = arguments.text("metric.metric_name")?;
    match (arguments.text("expression")?, metric) {
        (Some(expression), None) => query["Expression"] = json!(expression),
        (None, Some(name)) => query["MetricStat"] = read_stat(arguments, &name)?,
        _ => {
            let reason = "a metric_query has either an `expression` or a `metric`";
            return Err(arguments.fault("expression", reason));
        }
    }
    let others = [
        ("Label", arguments.text("label")?.map(Json::from)),
        ("Period", period(arguments, "period", &[1, 5, 10, 20, 30])?.map(Json::from)),
        ("AccountId", arguments.text("account_id")?.map(Json::from)),
    ];
    for (member, value) in others {
        if let Some(value) = value {
            query[member] = value;
        }
    }
    Ok(query)
}

fn read_stat(arguments: &Arguments<'_, '_>, name: &str) -> Result<Json, Fault> {
    let mut metric = json!({ "MetricName": name });
    if let Some(namespace) = arguments.text("metric.namespace")? {
        metric["Namespace"] = json!(namespace);
    }
    if let Some(dimensions) = dimensions(arguments, "metric.dimensions")? {
        metric["Dimensions"] = dimensions;
    }
    let mut stat = json!({
        "Metric": metric,
        "Period": period(arguments, "metric.period", &[1, 5, 10, 20, 30])?,
        "Stat": arguments.required("metric.stat")?,
    });
    if let Some(unit) = unit(arguments, "metric.unit")? {
        stat["Unit"] = json!(unit);
    }
    Ok(stat)
}

fn unit(arguments: &Arguments<'_, '_>, name: &str) -> Result<Option<String>, Fault> {
    match arguments.text(name)? {
        Some(unit) if Unit::parse(&unit).is_none() => {
            Err(arguments.fault(name, format!("{unit:?} is not a unit of CloudWatch")))
        }
        unit => Ok(unit),
    }
}

/// A period in seconds: one of a few short ones, or whole minutes.
fn period(arguments: &Arguments<'_, '_>, name: &str, short: &[u64]) -> Result<Option<u64>, Fault> {
    match arguments.whole(name, 1..=COUNT_MAX)? {
        Some(seconds) if !short.contains(&seconds) && !seconds.is_multiple_of(60) => {
            let short: Vec<String> = short.iter().map(u64::to_string).collect();
            let reason =
                format!("a period is {} or a multiple of 60, not {seconds}", short.join(", "));
            Err(arguments.fault(name, reason))
        }
        period => Ok(period),
    }
}
