//! What an alarm tells SNS when its state changes: the JSON that AWS's receivers know, and the subject of a mail.

use serde::Serialize;

use super::{
    model::{About, CompositeAlarm, MetricAlarm, State, StateValue, Watched, WatchedStatistic},
    text::iso,
};
use crate::{
    limits,
    metric::{Asked, Dimension, MetricDataQuery},
};

/// A child whose state is in its parent's message.
#[derive(Debug, Clone)]
pub(crate) struct Child {
    pub arn: String,
    pub state: StateValue,
    /// Since when, Unix ms.
    pub since_ms: u64,
}

/// `ALARM: "late-readers" in US East (N. Virginia)`. A long name is cut so that it fits a Subject.
pub(crate) fn subject(about: &About, state: StateValue) -> String {
    let (before, behind) = (state.text(), region_name(&about.region));
    let around = before.chars().count() + behind.chars().count() + ": \"\" in ".len();
    let room = limits::SUBJECT_CHARS_MAX.saturating_sub(around);
    let name = match about.name.chars().count() <= room {
        true => about.name.clone(),
        false => {
            let kept: String = about.name.chars().take(room.saturating_sub(3)).collect();
            kept + "..."
        }
    };
    format!("{before}: \"{name}\" in {behind}")
}

/// The message of a metric alarm that came from the state `old` to `new`. `alarm` is the alarm as it was then.
pub(crate) fn of_metric_alarm(alarm: &MetricAlarm, old: StateValue, new: &State) -> String {
    let about = &alarm.about;
    to_json(&MetricMessage {
        alarm_name: &about.name,
        alarm_description: about.description.as_deref(),
        account: &about.account,
        configured: iso(about.configured_ms),
        new_state_value: new.value.text(),
        new_state_reason: &new.reason,
        changed: iso(new.updated_ms),
        region: region_name(&about.region),
        alarm_arn: about.arn(),
        old_state_value: old.text(),
        after_mute_window: false,
        ok_actions: &about.ok_actions,
        alarm_actions: &about.alarm_actions,
        insufficient_data_actions: &about.insufficient_data_actions,
        trigger: Trigger::of(alarm),
    })
}

/// The message of a composite alarm, likewise, with the children that made it change.
pub(crate) fn of_composite_alarm(
    alarm: &CompositeAlarm,
    old: StateValue,
    new: &State,
    triggering: &[Child],
) -> String {
    let about = &alarm.about;
    let children = triggering.iter().map(|child| TriggeringChild {
        arn: &child.arn,
        state: ChildState { value: child.state.text(), timestamp: iso(child.since_ms) },
    });
    to_json(&CompositeMessage {
        alarm_name: &about.name,
        alarm_description: about.description.as_deref(),
        account: &about.account,
        new_state_value: new.value.text(),
        new_state_reason: &new.reason,
        changed: iso(new.updated_ms),
        region: region_name(&about.region),
        alarm_arn: about.arn(),
        old_state_value: old.text(),
        ok_actions: &about.ok_actions,
        alarm_actions: &about.alarm_actions,
        insufficient_data_actions: &about.insufficient_data_actions,
        alarm_rule: &alarm.rule,
        triggering_children: children.collect(),
    })
}

fn to_json(message: &impl Serialize) -> String {
    // Texts, numbers and lists only: serde_json writes all of them. A number that JSON has not becomes null.
    serde_json::to_string(message).unwrap_or_default()
}

#[derive(Serialize)]
struct MetricMessage<'a> {
    #[serde(rename = "AlarmName")]
    alarm_name: &'a str,
    #[serde(rename = "AlarmDescription")]
    alarm_description: Option<&'a str>,
    #[serde(rename = "AWSAccountId")]
    account: &'a str,
    #[serde(rename = "AlarmConfigurationUpdatedTimestamp")]
    configured: String,
    #[serde(rename = "NewStateValue")]
    new_state_value: &'static str,
    #[serde(rename = "NewStateReason")]
    new_state_reason: &'a str,
    #[serde(rename = "StateChangeTime")]
    changed: String,
    #[serde(rename = "Region")]
    region: &'a str,
    #[serde(rename = "AlarmArn")]
    alarm_arn: String,
    #[serde(rename = "OldStateValue")]
    old_state_value: &'static str,
    #[serde(rename = "ActionExecutedAfterMuteWindow")]
    after_mute_window: bool,
    #[serde(rename = "OKActions")]
    ok_actions: &'a [String],
    #[serde(rename = "AlarmActions")]
    alarm_actions: &'a [String],
    #[serde(rename = "InsufficientDataActions")]
    insufficient_data_actions: &'a [String],
    #[serde(rename = "Trigger")]
    trigger: Trigger<'a>,
}

#[derive(Serialize)]
struct CompositeMessage<'a> {
    #[serde(rename = "AlarmName")]
    alarm_name: &'a str,
    #[serde(rename = "AlarmDescription")]
    alarm_description: Option<&'a str>,
    #[serde(rename = "AWSAccountId")]
    account: &'a str,
    #[serde(rename = "NewStateValue")]
    new_state_value: &'static str,
    #[serde(rename = "NewStateReason")]
    new_state_reason: &'a str,
    #[serde(rename = "StateChangeTime")]
    changed: String,
    #[serde(rename = "Region")]
    region: &'a str,
    #[serde(rename = "AlarmArn")]
    alarm_arn: String,
    #[serde(rename = "OldStateValue")]
    old_state_value: &'static str,
    #[serde(rename = "OKActions")]
    ok_actions: &'a [String],
    #[serde(rename = "AlarmActions")]
    alarm_actions: &'a [String],
    #[serde(rename = "InsufficientDataActions")]
    insufficient_data_actions: &'a [String],
    #[serde(rename = "AlarmRule")]
    alarm_rule: &'a str,
    #[serde(rename = "TriggeringChildren")]
    triggering_children: Vec<TriggeringChild<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TriggeringChild<'a> {
    arn: &'a str,
    state: ChildState,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ChildState {
    value: &'static str,
    timestamp: String,
}

/// What the alarm watches and when it changes. Of a metric the members up to `dimensions` are there, of queries `metrics`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Trigger<'a> {
    #[serde(flatten)]
    metric: Option<TriggerMetric<'a>>,
    period: u32,
    evaluation_periods: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    datapoints_to_alarm: Option<u32>,
    comparison_operator: &'static str,
    threshold: f64,
    treat_missing_data: &'static str,
    evaluate_low_sample_count_percentile: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<Vec<TriggerQuery<'a>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TriggerMetric<'a> {
    metric_name: &'a str,
    namespace: &'a str,
    statistic_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    statistic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extended_statistic: Option<&'a str>,
    unit: Option<&'static str>,
    dimensions: Vec<TriggerDimension<'a>>,
}

/// Its member names begin with small letters, unlike all others.
#[derive(Serialize)]
struct TriggerDimension<'a> {
    value: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TriggerQuery<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    expression: Option<&'a str>,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric_stat: Option<TriggerStat<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<u32>,
    return_data: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TriggerStat<'a> {
    metric: TriggerName<'a>,
    period: u32,
    stat: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TriggerName<'a> {
    dimensions: Vec<TriggerDimension<'a>>,
    metric_name: &'a str,
    namespace: &'a str,
}

impl<'a> Trigger<'a> {
    fn of(alarm: &'a MetricAlarm) -> Trigger<'a> {
        let (metric, metrics) = match &alarm.watched {
            Watched::Metric(metric) => {
                let (statistic_type, statistic, extended_statistic) = match &metric.statistic {
                    WatchedStatistic::Simple(text) => ("Statistic", Some(upper_snake(text)), None),
                    WatchedStatistic::Extended(text) => {
                        ("ExtendedStatistic", None, Some(text.as_str()))
                    }
                };
                let metric = TriggerMetric {
                    metric_name: &metric.name,
                    namespace: &metric.namespace,
                    statistic_type,
                    statistic,
                    extended_statistic,
                    unit: metric.unit.map(|unit| unit.text()),
                    dimensions: dimensions(&metric.dimensions),
                };
                (Some(metric), None)
            }
            Watched::Queries(queries) => (None, Some(queries.iter().map(query).collect())),
        };
        Trigger {
            metric,
            period: alarm.period_s(),
            evaluation_periods: alarm.evaluation_periods,
            datapoints_to_alarm: alarm.datapoints_to_alarm,
            comparison_operator: alarm.comparison.text(),
            threshold: alarm.threshold,
            treat_missing_data: alarm.treat_missing_data.map_or("", |missing| missing.text()),
            evaluate_low_sample_count_percentile: alarm.low_samples.map_or("", |low| low.text()),
            metrics,
        }
    }
}

fn query(query: &MetricDataQuery) -> TriggerQuery<'_> {
    let (expression, metric_stat, period) = match &query.asked {
        Asked::Expression { text, period_s } => (Some(text.as_str()), None, *period_s),
        Asked::Stat(stat) => {
            let metric = TriggerName {
                dimensions: dimensions(&stat.metric.dimensions),
                metric_name: &stat.metric.name,
                namespace: &stat.metric.namespace,
            };
            let (period, unit) = (stat.period_s, stat.unit.map(|unit| unit.text()));
            (None, Some(TriggerStat { metric, period, stat: &stat.stat, unit }), None)
        }
    };
    TriggerQuery {
        expression,
        id: &query.id,
        label: query.label.as_deref(),
        metric_stat,
        period,
        return_data: query.returns_data(),
    }
}

fn dimensions(dimensions: &[Dimension]) -> Vec<TriggerDimension<'_>> {
    dimensions.iter().map(|Dimension { name, value }| TriggerDimension { value, name }).collect()
}

/// `SampleCount` is SAMPLE_COUNT in messages.
fn upper_snake(statistic: &str) -> String {
    let mut text = String::new();
    for (at, letter) in statistic.char_indices() {
        if at > 0 && letter.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(letter.to_ascii_uppercase());
    }
    text
}

/// A region's name for people; one that is not known is called by its code.
pub(crate) fn region_name(region: &str) -> &str {
    match region {
        "af-south-1" => "Africa (Cape Town)",
        "ap-east-1" => "Asia Pacific (Hong Kong)",
        "ap-east-2" => "Asia Pacific (Taipei)",
        "ap-northeast-1" => "Asia Pacific (Tokyo)",
        "ap-northeast-2" => "Asia Pacific (Seoul)",
        "ap-northeast-3" => "Asia Pacific (Osaka)",
        "ap-south-1" => "Asia Pacific (Mumbai)",
        "ap-south-2" => "Asia Pacific (Hyderabad)",
        "ap-southeast-1" => "Asia Pacific (Singapore)",
        "ap-southeast-2" => "Asia Pacific (Sydney)",
        "ap-southeast-3" => "Asia Pacific (Jakarta)",
        "ap-southeast-4" => "Asia Pacific (Melbourne)",
        "ap-southeast-5" => "Asia Pacific (Malaysia)",
        "ap-southeast-7" => "Asia Pacific (Thailand)",
        "ca-central-1" => "Canada (Central)",
        "ca-west-1" => "Canada West (Calgary)",
        "cn-north-1" => "China (Beijing)",
        "cn-northwest-1" => "China (Ningxia)",
        // The messages kept these names when the console began to say Europe.
        "eu-central-1" => "EU (Frankfurt)",
        "eu-central-2" => "Europe (Zurich)",
        "eu-north-1" => "EU (Stockholm)",
        "eu-south-1" => "EU (Milan)",
        "eu-south-2" => "Europe (Spain)",
        "eu-west-1" => "EU (Ireland)",
        "eu-west-2" => "EU (London)",
        "eu-west-3" => "EU (Paris)",
        "il-central-1" => "Israel (Tel Aviv)",
        "me-central-1" => "Middle East (UAE)",
        "me-south-1" => "Middle East (Bahrain)",
        "mx-central-1" => "Mexico (Central)",
        "sa-east-1" => "South America (Sao Paulo)",
        "us-east-1" => "US East (N. Virginia)",
        "us-east-2" => "US East (Ohio)",
        "us-gov-east-1" => "AWS GovCloud (US-East)",
        "us-gov-west-1" => "AWS GovCloud (US-West)",
        "us-west-1" => "US West (N. California)",
        "us-west-2" => "US West (Oregon)",
        other => other,
    }
}

#[cfg(test)]
mod tests;
