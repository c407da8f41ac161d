//! GetMetricStatistics: one metric by periods.
//!
//! AWS: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html>
//! As there, samples of different units stay apart: a period has a datapoint for each unit. Here they come in the order of
//! time; AWS promises none.

use std::borrow::Cow;

use nautilus_metrics::{Series, Unit};
use nautilus_stats::Statistic;
use nautilus_wire::{
    Members, Output as WireOutput, Writer,
    rules::{LengthRule, StringRule},
};

use super::ANY_RESOURCE;
use crate::{
    cloudwatch::{Ctx, Request},
    collect::Need,
    error::Error,
    limits,
    metric::{self, Dimension},
    rules,
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    namespace: Cow<'a, str>,
    name: Cow<'a, str>,
    dimensions: Vec<Dimension>,
    start_ms: i64,
    end_ms: i64,
    period_s: u32,
    statistics: Vec<Cow<'a, str>>,
    extended_statistics: Vec<Cow<'a, str>>,
    unit: Option<Unit>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            namespace: members.required_string("Namespace", &rules::NAMESPACE),
            name: members.required_string("MetricName", &rules::METRIC_NAME),
            dimensions: metric::read_dimensions(members).unwrap_or_default(),
            start_ms: members.required_timestamp_ms("StartTime"),
            end_ms: members.required_timestamp_ms("EndTime"),
            period_s: metric::small(members.required_integer("Period", &rules::AT_LEAST_ONE)),
            statistics: members
                .strings("Statistics", &LengthRule::new(1, 5), &rules::STATISTIC)
                .unwrap_or_default(),
            extended_statistics: members
                .strings("ExtendedStatistics", &LengthRule::new(1, 10), &StringRule::ANY)
                .unwrap_or_default(),
            unit: metric::read_unit(members),
        }
    }

    pub(crate) fn resource(&self, _request: &Request<'_>) -> Result<String, Error> {
        Ok(ANY_RESOURCE.to_owned())
    }

    /// Which statistics are asked for, by AWS's names.
    fn asked(&self) -> Result<Vec<Asked>, Error> {
        match (self.statistics.is_empty(), self.extended_statistics.is_empty()) {
            (true, true) => {
                return Err(Error::InvalidParameterCombination(
                    "At least one of the parameters Statistics and ExtendedStatistics must be \
                     specified."
                        .to_owned(),
                ));
            }
            (false, false) => {
                return Err(Error::InvalidParameterCombination(
                    "The parameters Statistics and ExtendedStatistics are mutually exclusive and \
                     you have specified both."
                        .to_owned(),
                ));
            }
            _ => {}
        }
        let mut asked: Vec<Asked> = Vec::new();
        let simple = self.statistics.iter().map(|name| (name, false));
        let extended = self.extended_statistics.iter().map(|name| (name, true));
        for (at, (name, is_extended)) in simple.chain(extended).enumerate() {
            let statistic = Statistic::parse(name);
            let statistic = statistic.filter(|statistic| statistic.is_extended() == is_extended);
            let Some(statistic) = statistic else {
                return Err(Error::InvalidParameterValue(format!(
                    "The value {name:.64} for parameter ExtendedStatistics.member.{} is not supported.",
                    at + 1
                )));
            };
            if !asked.iter().any(|known| known.name == **name) {
                asked.push(Asked { name: name.clone().into_owned(), statistic, is_extended });
            }
        }
        Ok(asked)
    }
}

#[derive(Debug)]
struct Asked {
    name: String,
    statistic: Statistic,
    is_extended: bool,
}

#[derive(Debug)]
pub(crate) struct Output {
    label: String,
    asked: Vec<Asked>,
    datapoints: Vec<Datapoint>,
}

#[derive(Debug)]
struct Datapoint {
    at_ms: u64,
    unit: Unit,
    /// One for each that was asked for; those that cannot be had are absent.
    values: Vec<Option<f64>>,
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Output, Error> {
    let now_ms = ctx.inner.now_ms();
    let asked = input.asked()?;
    let range = Range::of(&input, now_ms)?;
    let mut datapoints = Vec::new();
    if let Some(range) = range {
        if range.to_ms + limits::MINUTE_MS > now_ms {
            ctx.inner.collect(Need::Fresh).await?;
        }
        let metric = Series {
            account: ctx.caller.account.as_str().into(),
            region: ctx.caller.region.as_str().into(),
            namespace: (*input.namespace).into(),
            name: (*input.name).into(),
            dimensions: metric::sorted(&input.dimensions),
            unit: Unit::None,
        };
        for (id, series) in ctx.inner.metrics.find(&metric) {
            if input.unit.is_some_and(|unit| unit != series.unit) {
                continue;
            }
            let read = ctx.inner.metrics.read(id, range.from_ms, range.to_ms, input.period_s);
            for (at_ms, samples) in read.await? {
                let value = |asked: &Asked| samples.statistic(&asked.statistic);
                let values: Vec<_> = asked.iter().map(value).collect();
                if values.iter().any(Option::is_some) {
                    datapoints.push(Datapoint { at_ms, unit: series.unit, values });
                }
            }
        }
        datapoints.sort_by_key(|at| (at.at_ms, at.unit));
    }
    Ok(Output { label: input.name.into_owned(), asked, datapoints })
}

/// What is read: whole periods, of which the last one begins before the end that was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Range {
    from_ms: u64,
    to_ms: u64,
}

impl Range {
    /// `None` if the store no longer has what is so fine: AWS finds nothing then.
    fn of(input: &Input<'_>, now_ms: u64) -> Result<Option<Range>, Error> {
        let period_s = input.period_s;
        if !matches!(period_s, 1 | 5 | 10 | 20 | 30) && !period_s.is_multiple_of(60) {
            return Err(Error::InvalidParameterValue(
                "The parameter Period must be 1, 5, 10, 20, 30, or a multiple of 60.".to_owned(),
            ));
        }
        if input.start_ms >= input.end_ms {
            return Err(Error::InvalidParameterValue(
                "The parameter StartTime must be less than the parameter EndTime.".to_owned(),
            ));
        }
        // Before 1970 there is nothing.
        let unix_ms = |ms: i64| u64::try_from(ms).unwrap_or_default();
        let (start_ms, end_ms) = (unix_ms(input.start_ms), unix_ms(input.end_ms));
        let age_ms = now_ms.saturating_sub(start_ms);
        let (step_s, finest_s) = match age_ms {
            _ if age_ms > limits::KEPT_5_MINUTES_MS => (3_600, 3_600),
            _ if age_ms > limits::KEPT_MINUTES_MS => (300, 300),
            _ if age_ms > limits::KEPT_SECONDS_MS => (60, 60),
            _ => (period_s.min(60), 1),
        };
        let step_ms = u64::from(step_s) * 1000;
        let from_ms = start_ms / step_ms * step_ms;
        let period_ms = u64::from(period_s) * 1000;
        let periods = end_ms.saturating_sub(from_ms).div_ceil(period_ms);
        if periods > limits::STATISTICS_POINTS_MAX {
            return Err(Error::InvalidParameterCombination(format!(
                "You have requested up to {periods} datapoints, which exceeds the limit of {}. You may reduce the \
                 datapoints requested by increasing Period, or decreasing the time range.",
                limits::STATISTICS_POINTS_MAX
            )));
        }
        if !period_s.is_multiple_of(finest_s) {
            return Ok(None);
        }
        Ok(Some(Range { from_ms, to_ms: from_ms + periods * period_ms }))
    }
}

impl WireOutput for Output {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_str("Label", &self.label);
            w.field_list("Datapoints", &self.datapoints, |w, point| {
                w.map(|w| {
                    w.field_timestamp_ms("Timestamp", point.at_ms);
                    let values = || self.asked.iter().zip(&point.values);
                    for (asked, value) in values().filter(|(asked, _)| !asked.is_extended) {
                        if let Some(value) = value {
                            w.field_f64(&asked.name, *value);
                        }
                    }
                    w.field_str("Unit", point.unit.text());
                    if self.asked.iter().any(|asked| asked.is_extended) {
                        let extended =
                            values().filter_map(|(asked, value)| Some((&asked.name, (*value)?)));
                        w.field_double_map("ExtendedStatistics", extended);
                    }
                });
            });
        });
    }

    fn bytes_hint(&self) -> usize {
        128 + self.datapoints.len() * (64 + 32 * self.asked.len())
    }
}

#[cfg(test)]
mod tests;
