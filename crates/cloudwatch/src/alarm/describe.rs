//! How an alarm is shown: what was given, to the letter, and its state. What was not given is not there.

use nautilus_wire::{Output, Writer, json};

use super::model::{
    About, Alarm, CompositeAlarm, MetricAlarm, Watched, WatchedMetric, WatchedStatistic,
};
use crate::metric::{Asked, Dimension, MetricDataQuery, MetricStat};

/// A member of MetricAlarms or CompositeAlarms.
pub(crate) struct Described<'a>(pub &'a Alarm);

impl Output for Described<'_> {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            about(self.0.about(), w);
            match self.0 {
                Alarm::Metric(alarm) => metric_alarm(alarm, w),
                Alarm::Composite(alarm) => composite_alarm(alarm, w),
            }
        });
    }

    fn bytes_hint(&self) -> usize {
        2048
    }
}

/// What ChildrenOfAlarmName and ParentsOfAlarmName show of an alarm.
pub(crate) struct Related<'a>(pub &'a Alarm);

impl Output for Related<'_> {
    fn write<W: Writer>(&self, w: &mut W) {
        let about = self.0.about();
        w.map(|w| {
            w.field_str("AlarmName", &about.name);
            w.field_str("AlarmArn", &about.arn());
            w.field_str("StateValue", about.state.value.text());
            w.field_timestamp_ms("StateUpdatedTimestamp", about.state.updated_ms);
        });
    }
}

/// The same as a value, for the history.
pub(crate) fn definition(alarm: &Alarm) -> serde_json::Value {
    serde_json::from_slice(&json::to_vec(&Described(alarm))).unwrap_or_default()
}

fn about<W: Writer>(about: &About, w: &mut W) {
    w.field_str("AlarmName", &about.name);
    w.field_str("AlarmArn", &about.arn());
    field_given(w, "AlarmDescription", about.description.as_deref());
    w.field_timestamp_ms("AlarmConfigurationUpdatedTimestamp", about.configured_ms);
    w.field_bool("ActionsEnabled", about.actions_enabled);
    w.field_strings("OKActions", &about.ok_actions);
    w.field_strings("AlarmActions", &about.alarm_actions);
    w.field_strings("InsufficientDataActions", &about.insufficient_data_actions);
    let state = &about.state;
    w.field_str("StateValue", state.value.text());
    w.field_str("StateReason", &state.reason);
    field_given(w, "StateReasonData", state.reason_data.as_deref());
    w.field_timestamp_ms("StateUpdatedTimestamp", state.updated_ms);
    w.field_timestamp_ms("StateTransitionedTimestamp", state.transitioned_ms);
}

fn metric_alarm<W: Writer>(alarm: &MetricAlarm, w: &mut W) {
    match &alarm.watched {
        Watched::Metric(metric) => watched_metric(metric, w),
        Watched::Queries(queries) => {
            w.field_list("Dimensions", [(); 0], |_, ()| {});
            w.field_list("Metrics", queries, |w, query| metric_data_query(query, w));
        }
    }
    w.field_i64("EvaluationPeriods", alarm.evaluation_periods.into());
    if let Some(datapoints) = alarm.datapoints_to_alarm {
        w.field_i64("DatapointsToAlarm", datapoints.into());
    }
    w.field_f64("Threshold", alarm.threshold);
    w.field_str("ComparisonOperator", alarm.comparison.text());
    field_given(w, "TreatMissingData", alarm.treat_missing_data.map(|missing| missing.text()));
    let low_samples = alarm.low_samples.map(|low| low.text());
    field_given(w, "EvaluateLowSampleCountPercentile", low_samples);
}

fn watched_metric<W: Writer>(metric: &WatchedMetric, w: &mut W) {
    w.field_str("MetricName", &metric.name);
    w.field_str("Namespace", &metric.namespace);
    match &metric.statistic {
        WatchedStatistic::Simple(text) => w.field_str("Statistic", text),
        WatchedStatistic::Extended(text) => w.field_str("ExtendedStatistic", text),
    }
    dimensions(&metric.dimensions, w);
    w.field_i64("Period", metric.period_s.into());
    field_given(w, "Unit", metric.unit.map(|unit| unit.text()));
}

fn composite_alarm<W: Writer>(alarm: &CompositeAlarm, w: &mut W) {
    w.field_str("AlarmRule", &alarm.rule);
    field_given(w, "ActionsSuppressor", alarm.suppressor.as_deref());
    if let Some(wait_s) = alarm.suppressor_wait_s {
        w.field_i64("ActionsSuppressorWaitPeriod", wait_s.into());
    }
    if let Some(extension_s) = alarm.suppressor_extension_s {
        w.field_i64("ActionsSuppressorExtensionPeriod", extension_s.into());
    }
}

fn metric_data_query<W: Writer>(query: &MetricDataQuery, w: &mut W) {
    w.map(|w| {
        w.field_str("Id", &query.id);
        match &query.asked {
            Asked::Stat(stat) => {
                w.field_map("MetricStat", |w| metric_stat(stat, w));
            }
            Asked::Expression { text, period_s } => {
                w.field_str("Expression", text);
                if let Some(period_s) = period_s {
                    w.field_i64("Period", (*period_s).into());
                }
            }
        }
        field_given(w, "Label", query.label.as_deref());
        w.field_bool("ReturnData", query.returns_data());
        field_given(w, "AccountId", query.account_id.as_deref());
    });
}

fn metric_stat<W: Writer>(stat: &MetricStat, w: &mut W) {
    w.field_map("Metric", |w| {
        w.field_str("Namespace", &stat.metric.namespace);
        w.field_str("MetricName", &stat.metric.name);
        dimensions(&stat.metric.dimensions, w);
    });
    w.field_i64("Period", stat.period_s.into());
    w.field_str("Stat", &stat.stat);
    field_given(w, "Unit", stat.unit.map(|unit| unit.text()));
}

fn dimensions<W: Writer>(dimensions: &[Dimension], w: &mut W) {
    w.field_list("Dimensions", dimensions, |w, dimension| {
        w.map(|w| {
            w.field_str("Name", &dimension.name);
            w.field_str("Value", &dimension.value);
        });
    });
}

fn field_given<W: Writer>(w: &mut W, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        w.field_str(name, value);
    }
}
