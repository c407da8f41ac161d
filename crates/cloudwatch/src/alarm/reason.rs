//! Why an alarm is in its state, in AWS's words: StateReason for people, StateReasonData for programs.
//!
//! AWS has two forms of its sentence. An alarm with DatapointsToAlarm says how many of how many periods there were and how
//! many it takes; one without says how many there were. Datapoints are listed newest first, five of them at most.

use std::fmt::Write;

use super::{
    evaluate::Evaluated,
    model::{Comparison, MetricAlarm, Missing, StateValue, Watched, WatchedStatistic},
    text::{Double, counted, iso, long, short},
};
use crate::limits;

/// How many datapoints stand in a sentence before it names only the newest of them.
const ALL_LISTED_MAX: usize = 4;
/// How many it names then.
const NEWEST_LISTED: usize = 5;

/// StateReason of an evaluation that came to this state.
pub(super) fn sentence(evaluated: &Evaluated<'_>, state: StateValue) -> String {
    let alarm = evaluated.alarm;
    let periods = alarm.evaluation_periods as usize;
    if state == StateValue::InsufficientData {
        let were = if periods == 1 { "was" } else { "were" };
        let sentence =
            format!("Insufficient Data: {} {were} unknown.", counted(periods, "datapoint"));
        return match hint(alarm) {
            Some(hint) => format!("{sentence} {hint}"),
            None => sentence,
        };
    }
    let filled = filled(evaluated);
    if evaluated.real.is_empty() {
        return format!(
            "Threshold Crossed: no datapoints were received for {} and {filled}.",
            counted(periods, "period")
        );
    }
    let Some(to_alarm) = alarm.datapoints_to_alarm else {
        return match filled.is_empty() {
            true => format!("Threshold Crossed: {}.", crossed(evaluated, state, None, "")),
            false => {
                let real = evaluated.real.len();
                let were = if real == 1 { "was" } else { "were" };
                format!(
                    "Threshold Crossed: {} {were} received for {} and {filled}.",
                    counted(real, "datapoint"),
                    counted(periods, "period")
                )
            }
        };
    };
    let (minimum, transition) = match state {
        StateValue::Alarm => (to_alarm as usize, "OK -> ALARM"),
        _ => ((periods + 1).saturating_sub(to_alarm as usize), "ALARM -> OK"),
    };
    let and_filled = if filled.is_empty() { filled } else { format!(" and {filled}") };
    format!(
        "Threshold Crossed: {} (minimum {} for {transition} transition).",
        crossed(evaluated, state, Some(periods), &and_filled),
        counted(minimum, "datapoint")
    )
}

/// `1 out of the last 3 datapoints [21.5 (26/02/26 10:00:00)] was greater than the threshold (21.0)`: the datapoints that
/// speak for the state.
fn crossed(
    evaluated: &Evaluated<'_>,
    state: StateValue,
    out_of: Option<usize>,
    and_filled: &str,
) -> String {
    let MetricAlarm { comparison, threshold, .. } = evaluated.alarm;
    let speaks = |value| comparison.breaches(value, *threshold) == (state == StateValue::Alarm);
    let listed = |points: usize| {
        let points = evaluated.real.iter().filter(|point| speaks(point.value)).take(points);
        let points: Vec<_> =
            points.map(|at| format!("{} ({})", Double(at.value), short(at.at_ms))).collect();
        points.join(", ")
    };
    let count = evaluated.real.iter().filter(|point| speaks(point.value)).count();
    let counted = match out_of {
        Some(periods) => format!("{count} out of the last {}", counted_many(periods)),
        None => counted(count, "datapoint"),
    };
    let were = if count == 1 { "was" } else { "were" };
    let not = if state == StateValue::Alarm { "" } else { "not " };
    let than = in_words(*comparison);
    let threshold = Double(*threshold);
    match count {
        0 => format!("{counted} {were} {not}{than} the threshold ({threshold}){and_filled}"),
        1..=ALL_LISTED_MAX => format!(
            "{counted} [{}] {were} {not}{than} the threshold ({threshold}){and_filled}",
            listed(ALL_LISTED_MAX)
        ),
        _ => format!(
            "{counted} {were} {not}{than} the threshold ({threshold}){and_filled}. The most recent datapoints which \
             crossed the threshold: [{}]",
            listed(NEWEST_LISTED)
        ),
    }
}

/// AWS says `the last 1 datapoints`.
fn counted_many(count: usize) -> String {
    format!("{count} datapoints")
}

/// `2 missing datapoints were treated as [Breaching]`; empty if there were none or they did not count.
fn filled(evaluated: &Evaluated<'_>) -> String {
    let treated = match evaluated.alarm.missing() {
        Missing::Breaching => "Breaching",
        Missing::NotBreaching => "NonBreaching",
        Missing::Unfilled | Missing::Ignore => return String::new(),
    };
    match evaluated.missing_ms.len() {
        0 => String::new(),
        1 => format!("1 missing datapoint was treated as [{treated}]"),
        count => format!("{count} missing datapoints were treated as [{treated}]"),
    }
}

fn in_words(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::GreaterOrEqual => "greater than or equal to",
        Comparison::Greater => "greater than",
        Comparison::Less => "less than",
        Comparison::LessOrEqual => "less than or equal to",
    }
}

/// StateReasonData: a JSON text. Of many datapoints only the newest are in it, for it is limited.
pub(super) fn data(evaluated: &Evaluated<'_>) -> String {
    let Evaluated { alarm, now_ms, real, missing_ms } = evaluated;
    let mut json = format!(r#"{{"version":"1.0","queryDate":"{}""#, iso(*now_ms));
    if let Some(oldest) = real.last() {
        _ = write!(json, r#","startDate":"{}""#, iso(oldest.at_ms));
    }
    if let Watched::Metric(metric) = &alarm.watched {
        if let Some(unit) = metric.unit {
            _ = write!(json, r#","unit":"{}""#, unit.text());
        }
        let statistic = match &metric.statistic {
            WatchedStatistic::Simple(text) | WatchedStatistic::Extended(text) => text,
        };
        // A statistic is a word of AWS's: nothing in it has to be escaped.
        _ = write!(json, r#","statistic":"{statistic}""#);
    }
    _ = write!(json, r#","period":{}"#, alarm.period_s());

    let recent = real.iter().map(|point| Double(point.value).to_string());
    let mut recent = within(recent, limits::REASON_DATA_RECENT_BYTES_MAX);
    recent.reverse(); // oldest first
    _ = write!(json, r#","recentDatapoints":[{}]"#, recent.join(","));
    _ = write!(json, r#","threshold":{}"#, Double(alarm.threshold));

    let mut periods: Vec<_> = real.iter().map(|point| (point.at_ms, Some(point))).collect();
    periods.extend(missing_ms.iter().map(|at_ms| (*at_ms, None)));
    periods.sort_by_key(|(at_ms, _)| std::cmp::Reverse(*at_ms));
    let periods = periods.into_iter().map(|(at_ms, point)| {
        let mut json = format!(r#"{{"timestamp":"{}""#, iso(at_ms));
        if let Some(point) = point {
            if let Some(count) = point.sample_count {
                _ = write!(json, r#","sampleCount":{}"#, Double(count));
            }
            _ = write!(json, r#","value":{}"#, Double(point.value));
        }
        json + "}"
    });
    let periods = within(periods, limits::REASON_DATA_EVALUATED_BYTES_MAX);
    _ = write!(json, r#","evaluatedDatapoints":[{}]}}"#, periods.join(","));
    json
}

/// As many of the first items as have room.
fn within(items: impl Iterator<Item = String>, bytes_max: usize) -> Vec<String> {
    let mut bytes = 0;
    let fits = |item: &String| {
        bytes += item.len() + 1;
        bytes <= bytes_max
    };
    items.take_while(fits).collect()
}

/// StateReason of a composite alarm whose state changed because a child's did.
pub(crate) fn of_child(child_arn: &str, state: StateValue, at_ms: u64) -> String {
    format!("{child_arn} transitioned to {} at {}", state.text(), long(at_ms))
}

/// StateReason of a composite alarm that was made or whose rule was changed.
pub(crate) fn of_rule(arn: &str, is_new: bool, state: StateValue) -> String {
    let done = if is_new { "created" } else { "updated" };
    format!("{arn} was {done} and its alarm rule evaluates to {}", state.text())
}

/// StateReasonData of a composite alarm: the children that made it change, with their states and since when (Unix ms).
pub(crate) fn composite_data(triggering: &[(&str, StateValue, u64)]) -> String {
    let bytes_max = limits::REASON_DATA_RECENT_BYTES_MAX + limits::REASON_DATA_EVALUATED_BYTES_MAX;
    let children = triggering.iter().map(|(arn, state, at_ms)| {
        format!(
            r#"{{"arn":{},"state":{{"value":"{}","timestamp":"{}"}}}}"#,
            serde_json::Value::from(*arn),
            state.text(),
            iso(*at_ms)
        )
    });
    format!(r#"{{"triggeringAlarms":[{}]}}"#, within(children, bytes_max).join(","))
}

/// The metrics of `AWS/Kinesis` for a stream, but for those that shards have by the same name.
const OF_STREAMS: &[&str] = &[
    "GetRecords.Bytes",
    "GetRecords.IteratorAgeMilliseconds",
    "GetRecords.Latency",
    "GetRecords.Records",
    "GetRecords.Success",
    "PutRecord.Bytes",
    "PutRecord.Latency",
    "PutRecord.Success",
    "PutRecords.Bytes",
    "PutRecords.FailedRecords",
    "PutRecords.Latency",
    "PutRecords.Records",
    "PutRecords.Success",
    "PutRecords.SuccessfulRecords",
    "PutRecords.ThrottledRecords",
    "PutRecords.TotalRecords",
];

/// The same for a consumer.
const OF_CONSUMERS: &[&str] = &[
    "SubscribeToShard.RateExceeded",
    "SubscribeToShard.Success",
    "SubscribeToShardEvent.Bytes",
    "SubscribeToShardEvent.MillisBehindLatest",
    "SubscribeToShardEvent.Records",
    "SubscribeToShardEvent.Success",
];

/// What an operator should know of an alarm that can never get data: a metric of `AWS/Kinesis` has another name or other
/// dimensions. AWS leaves such an alarm in INSUFFICIENT_DATA and does not say why. Nobody else can put such a metric:
/// PutMetricData refuses the namespaces of services.
pub(crate) fn hint(alarm: &MetricAlarm) -> Option<String> {
    const BY_SHARD: &[(&str, &str)] = &[
        ("IncomingBytes", "IncomingBytes"),
        ("IncomingRecords", "IncomingRecords"),
        ("IteratorAgeMilliseconds", "GetRecords.IteratorAgeMilliseconds"),
        ("OutgoingBytes", "GetRecords.Bytes"),
        ("OutgoingRecords", "GetRecords.Records"),
        ("ReadProvisionedThroughputExceeded", "ReadProvisionedThroughputExceeded"),
        ("WriteProvisionedThroughputExceeded", "WriteProvisionedThroughputExceeded"),
    ];
    let Watched::Metric(metric) = &alarm.watched else { return None };
    if metric.namespace != "AWS/Kinesis" {
        return None;
    }
    let mut given: Vec<&str> = metric.dimensions.iter().map(|at| at.name.as_str()).collect();
    given.sort_unstable();
    let name = metric.name.as_str();
    let of_shard = BY_SHARD.iter().find(|(of_shard, _)| *of_shard == name);
    let is_of_consumer = OF_CONSUMERS.contains(&name);
    if of_shard.is_none() && !is_of_consumer && !OF_STREAMS.contains(&name) {
        return Some(format!("AWS/Kinesis has no metric {name}: look for a typing error."));
    }
    let of_stream = of_shard.map_or(name, |(_, of_stream)| of_stream);
    let works = match given.as_slice() {
        ["StreamName"] => !is_of_consumer && of_stream == name,
        ["ShardId", "StreamName"] => of_shard.is_some(),
        ["ConsumerName", "StreamName"] => is_of_consumer,
        _ => false,
    };
    if works {
        return None;
    }
    let has = match given.is_empty() {
        true => "without dimensions".to_owned(),
        false => format!("with the dimensions [{}]", given.join(", ")),
    };
    let instead = match (is_of_consumer, of_shard) {
        (true, _) => format!("{name} with StreamName and ConsumerName"),
        (false, Some(_)) => format!(
            "{of_stream} with StreamName, or, where enhanced monitoring is on, {name} with StreamName and ShardId"
        ),
        (false, None) => format!("{name} with StreamName"),
    };
    Some(format!("The metric {name} {has} has no data: watch {instead}."))
}

#[cfg(test)]
mod tests;
