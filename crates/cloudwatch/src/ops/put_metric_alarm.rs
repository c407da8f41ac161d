//! PutMetricAlarm: defines an alarm on a metric or on metric math, or defines it anew.
//!
//! A new alarm is INSUFFICIENT_DATA and is evaluated at once; one that is there keeps its state until it is evaluated.
//! AWS: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html>
//! Not as AWS: alarms on anomaly bands, on PromQL and on Metrics Insights are refused.

use nautilus_metrics::Unit;
use nautilus_stats::Statistic;
use nautilus_wire::{
    Members,
    rules::{LengthRule, StringRule},
};

use nautilus_wire::Done;

use crate::{
    alarm::{
        given::{self, Given},
        model::{
            Alarm, Comparison, LowSamples, MetricAlarm, Missing, Watched, WatchedMetric,
            WatchedStatistic,
        },
        reason,
    },
    catalog::{AlarmId, Edit},
    cloudwatch::{Ctx, Request},
    error::Error,
    limits,
    metric::{self, Asked, Dimension, GivenQuery, MetricDataQuery},
    query, rules,
};

/// With the words of anomaly bands, which are AWS's too.
const COMPARISONS: StringRule = StringRule::one_of(&[
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
    "LessThanLowerOrGreaterThanUpperThreshold",
    "LessThanLowerThreshold",
    "GreaterThanUpperThreshold",
]);
/// Members that alarms have which are not done here. Each may say anything: it is refused whatever it says.
const REFUSED: [(&str, &str); 5] = [
    ("EvaluationCriteria", "Alarms on PromQL queries"),
    ("EvaluationInterval", "Evaluation intervals of one's own"),
    ("EvaluationWindow", "Evaluation windows"),
    ("WarmUpConfiguration", "Warm-up periods"),
    ("ActionConfiguration", "Configurations of actions"),
];

#[derive(Debug)]
pub(crate) struct Input {
    given: Given,
    metric_name: Option<String>,
    namespace: Option<String>,
    statistic: Option<String>,
    extended_statistic: Option<String>,
    dimensions: Option<Vec<Dimension>>,
    period_s: Option<u32>,
    unit: Option<Unit>,
    evaluation_periods: Option<u32>,
    datapoints_to_alarm: Option<u32>,
    threshold: Option<f64>,
    comparison: Option<String>,
    treat_missing_data: Option<String>,
    low_samples: Option<String>,
    queries: Option<Vec<GivenQuery>>,
    threshold_metric_id: Option<String>,
    refused: Option<&'static str>,
}

impl Input {
    pub(crate) fn read(members: &mut Members<'_>) -> Input {
        let text = |members: &mut Members<'_>, name, rule: &StringRule| {
            members.string(name, rule).map(|text| text.into_owned())
        };
        Input {
            given: Given::read(members),
            metric_name: text(members, "MetricName", &rules::METRIC_NAME),
            namespace: text(members, "Namespace", &rules::NAMESPACE),
            statistic: text(members, "Statistic", &rules::STATISTIC),
            extended_statistic: text(members, "ExtendedStatistic", &StringRule::ANY),
            dimensions: metric::read_dimensions(members),
            period_s: members.integer("Period", &rules::AT_LEAST_ONE).map(metric::small),
            unit: metric::read_unit(members),
            evaluation_periods: members
                .integer("EvaluationPeriods", &rules::AT_LEAST_ONE)
                .map(metric::small),
            datapoints_to_alarm: members
                .integer("DatapointsToAlarm", &rules::AT_LEAST_ONE)
                .map(metric::small),
            threshold: members.double("Threshold"),
            comparison: text(members, "ComparisonOperator", &COMPARISONS),
            treat_missing_data: text(members, "TreatMissingData", &rules::TREATMENT),
            low_samples: text(members, "EvaluateLowSampleCountPercentile", &rules::TREATMENT),
            queries: metric::read_queries(members, "Metrics", &LengthRule::ANY),
            threshold_metric_id: text(members, "ThresholdMetricId", &rules::QUERY_NAME),
            refused: REFUSED
                .iter()
                .find(|(member, _)| members.is_given(member))
                .map(|(_, what)| *what),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(self.given.resource(request.caller))
    }

    /// All but what the alarm has in common with others: checked, and nothing changed.
    fn definition(&mut self, account: &str) -> Result<Definition, Error> {
        if let Some(what) = self.refused {
            return Err(Error::Validation(format!("{what} are not supported by this server.")));
        }
        if self.threshold_metric_id.is_some() {
            return Err(Error::Validation(
                "Alarms on anomaly detection bands are not supported by this server: \
                 ThresholdMetricId must not be set."
                    .to_owned(),
            ));
        }
        let comparison = required(self.comparison.take(), "ComparisonOperator")?;
        let comparison = Comparison::parse(&comparison).ok_or_else(|| {
            Error::Validation(format!(
                "Alarms on anomaly detection bands are not supported by this server: \
                 ComparisonOperator must not be {comparison}."
            ))
        })?;
        let threshold = required(self.threshold, "Threshold")?;
        if !threshold.is_finite() {
            return Err(Error::Validation("Threshold must be a finite number".to_owned()));
        }
        let evaluation_periods = required(self.evaluation_periods, "EvaluationPeriods")?;
        if self.datapoints_to_alarm.is_some_and(|datapoints| datapoints > evaluation_periods) {
            return Err(Error::Validation(
                "DatapointsToAlarm must be less than or equal to EvaluationPeriods".to_owned(),
            ));
        }
        let treat_missing_data =
            word(&self.treat_missing_data, "TreatMissingData", Missing::parse)?;
        let low_samples =
            word(&self.low_samples, "EvaluateLowSampleCountPercentile", LowSamples::parse)?;
        let watched = match self.queries.take() {
            Some(queries) if !queries.is_empty() => {
                self.refuse_beside_queries()?;
                Watched::Queries(check_queries(queries, account)?)
            }
            _ => Watched::Metric(self.metric()?),
        };
        for period_s in periods_s(&watched) {
            check_period(period_s, evaluation_periods)?;
        }
        Ok(Definition {
            watched,
            evaluation_periods,
            datapoints_to_alarm: self.datapoints_to_alarm,
            threshold,
            comparison,
            treat_missing_data,
            low_samples,
        })
    }

    /// What names one metric does not go with a list of queries.
    fn refuse_beside_queries(&self) -> Result<(), Error> {
        let given = [
            ("MetricName", self.metric_name.is_some()),
            ("Namespace", self.namespace.is_some()),
            ("Statistic", self.statistic.is_some()),
            ("ExtendedStatistic", self.extended_statistic.is_some()),
            ("Dimensions", self.dimensions.as_ref().is_some_and(|given| !given.is_empty())),
            ("Period", self.period_s.is_some()),
            ("Unit", self.unit.is_some()),
        ];
        match given.iter().find(|(_, is_given)| *is_given) {
            None => Ok(()),
            Some((member, _)) => Err(Error::Validation(format!(
                "{member} should not be set if list of Metrics is set."
            ))),
        }
    }

    fn metric(&mut self) -> Result<WatchedMetric, Error> {
        let name = required(self.metric_name.take(), "MetricName")?;
        let namespace = required(self.namespace.take(), "Namespace")?;
        let statistic = match (self.statistic.take(), self.extended_statistic.take()) {
            (Some(text), None) => WatchedStatistic::Simple(text),
            (None, Some(text)) => {
                let is_extended =
                    Statistic::parse(&text).is_some_and(|statistic| statistic.is_extended());
                if !is_extended {
                    return Err(Error::InvalidParameterValue(format!(
                        "The value {text:.64} for parameter ExtendedStatistic is not supported."
                    )));
                }
                WatchedStatistic::Extended(text)
            }
            (Some(_), Some(_)) => {
                return Err(Error::InvalidParameterCombination(
                    "The parameters Statistic and ExtendedStatistic are mutually exclusive and \
                     you have specified both."
                        .to_owned(),
                ));
            }
            (None, None) => {
                return Err(Error::Validation(
                    "Either Statistic or ExtendedStatistic must be set".to_owned(),
                ));
            }
        };
        Ok(WatchedMetric {
            namespace,
            name,
            dimensions: self.dimensions.take().unwrap_or_default(),
            statistic,
            period_s: required(self.period_s, "Period")?,
            unit: self.unit,
        })
    }
}

/// What an alarm watches and when it changes.
struct Definition {
    watched: Watched,
    evaluation_periods: u32,
    datapoints_to_alarm: Option<u32>,
    threshold: f64,
    comparison: Comparison,
    treat_missing_data: Option<Missing>,
    low_samples: Option<LowSamples>,
}

pub(crate) async fn act(ctx: &Ctx<'_>, mut input: Input) -> Result<Done, Error> {
    input.given.check(&ctx.caller.region)?;
    let definition = input.definition(&ctx.caller.account)?;
    let id = AlarmId {
        account: ctx.caller.account.clone(),
        region: ctx.caller.region.clone(),
        name: input.given.name.clone(),
    };
    let (given, now_ms, at) = (input.given, ctx.inner.now_ms(), id.clone());

    let hint = ctx
        .inner
        .change(move |snapshot| {
            let mut edit = Edit::new(snapshot);
            let before = snapshot.alarm(&at).map(|alarm| alarm.about());
            let mut alarm = definition.alarm(given.about(&at, before, now_ms));
            let hint = reason::hint(&alarm);
            let state = &mut alarm.about.state;
            if state.reason.starts_with(UNCHECKED) {
                let hint = hint.iter().flat_map(|hint| [".", " ", hint]);
                state.reason = std::iter::once(UNCHECKED).chain(hint).collect();
            }
            given::define(&mut edit, Alarm::Metric(alarm), now_ms)?;
            Ok(edit.finish(hint))
        })
        .await?;
    if let Some(hint) = hint {
        tracing::warn!(alarm = id.name, hint, "an alarm has no data");
    }
    ctx.inner.schedule.look_soon(id);
    ctx.inner.ring();
    Ok(Done)
}

/// How the reason of an alarm begins that was never evaluated.
const UNCHECKED: &str = "Unchecked: Initial alarm creation";

impl Definition {
    fn alarm(self, about: crate::alarm::model::About) -> MetricAlarm {
        let Definition {
            watched,
            evaluation_periods,
            datapoints_to_alarm,
            threshold,
            comparison,
            treat_missing_data,
            low_samples,
        } = self;
        MetricAlarm {
            about,
            watched,
            evaluation_periods,
            datapoints_to_alarm,
            threshold,
            comparison,
            treat_missing_data,
            low_samples,
        }
    }
}

fn required<T>(value: Option<T>, name: &str) -> Result<T, Error> {
    value.ok_or_else(|| Error::Validation(format!("{name} must not be null")))
}

/// A word for which the model has no set, but the service has.
fn word<T>(
    given: &Option<String>,
    name: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Error> {
    let Some(text) = given else { return Ok(None) };
    match parse(text) {
        Some(word) => Ok(Some(word)),
        None => Err(Error::InvalidParameterValue(format!(
            "The value {text:.255} for parameter {name} is not supported."
        ))),
    }
}

fn check_queries(given: Vec<GivenQuery>, account: &str) -> Result<Vec<MetricDataQuery>, Error> {
    let mut queries = Vec::with_capacity(given.len());
    for (index, query) in given.into_iter().enumerate() {
        queries.push(query.check(&format!("Metrics.member.{}", index + 1))?);
    }
    let is_others = |query: &&MetricDataQuery| {
        query.account_id.as_deref().is_some_and(|given| given != account)
    };
    if let Some(query) = queries.iter().find(is_others) {
        return Err(Error::Validation(format!(
            "Metrics of other accounts are not supported by this server: AccountId of {} must be \
             {account}.",
            query.id
        )));
    }
    let metrics = queries.iter().filter(|query| matches!(query.asked, Asked::Stat(_))).count();
    if metrics > limits::ALARM_METRICS_MAX || queries.len() > 2 * limits::ALARM_METRICS_MAX {
        return Err(Error::Validation(format!(
            "An alarm watches at most {} metrics.",
            limits::ALARM_METRICS_MAX
        )));
    }
    query::check_alarm(&queries)?;
    Ok(queries)
}

fn periods_s(watched: &Watched) -> Vec<u32> {
    match watched {
        Watched::Metric(metric) => vec![metric.period_s],
        Watched::Queries(queries) => queries
            .iter()
            .filter_map(|query| match &query.asked {
                Asked::Stat(stat) => Some(stat.period_s),
                Asked::Expression { period_s, .. } => *period_s,
            })
            .collect(),
    }
}

fn check_period(period_s: u32, evaluation_periods: u32) -> Result<(), Error> {
    if !matches!(period_s, 10 | 20 | 30) && !period_s.is_multiple_of(60) {
        return Err(Error::Validation("Period must be 10, 20, 30 or a multiple of 60".to_owned()));
    }
    let (span_s, what) = match period_s >= 3600 {
        true => (limits::ALARM_LONG_SPAN_S, "seven days"),
        false => (limits::ALARM_SPAN_S, "a day"),
    };
    match u64::from(period_s) * u64::from(evaluation_periods) <= span_s {
        true => Ok(()),
        false => Err(Error::Validation(format!(
            "Metrics cannot be checked across more than {what} (EvaluationPeriods * Period must \
             be <= {span_s})."
        ))),
    }
}
