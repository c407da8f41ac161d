//! DescribeAlarmsForMetric: the alarms that watch one metric.
//!
//! Dimensions must be the same ones; what else is given narrows. Alarms on metric math are not found.
//! AWS: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarmsForMetric.html>

use std::sync::Arc;

use nautilus_metrics::Unit;
use nautilus_wire::{Members, Output as WireOutput, Writer, rules::StringRule};

use crate::{
    alarm::{
        describe::Described,
        model::{Alarm, Watched, WatchedMetric, WatchedStatistic, alarm_arn},
    },
    cloudwatch::{Ctx, Request},
    error::Error,
    metric::{self, Dimension},
    rules,
};

#[derive(Debug)]
pub(crate) struct Input {
    name: String,
    namespace: String,
    statistic: Option<WatchedStatistic>,
    /// Sorted.
    dimensions: Vec<Dimension>,
    period_s: Option<u32>,
    unit: Option<Unit>,
}

impl Input {
    pub(crate) fn read(members: &mut Members<'_>) -> Input {
        let simple = members.string("Statistic", &rules::STATISTIC);
        let extended = members.string("ExtendedStatistic", &StringRule::ANY);
        let simple = simple.map(|text| WatchedStatistic::Simple(text.into_owned()));
        let extended = extended.map(|text| WatchedStatistic::Extended(text.into_owned()));
        let mut dimensions = metric::read_dimensions(members).unwrap_or_default();
        dimensions.sort();
        Input {
            name: members.required_string("MetricName", &rules::METRIC_NAME).into_owned(),
            namespace: members.required_string("Namespace", &rules::NAMESPACE).into_owned(),
            statistic: simple.or(extended),
            dimensions,
            period_s: members.integer("Period", &rules::AT_LEAST_ONE).map(metric::small),
            unit: metric::read_unit(members),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(alarm_arn(&request.caller.account, &request.caller.region, "*"))
    }

    fn is_watched_by(&self, alarm: &Alarm) -> bool {
        let Alarm::Metric(alarm) = alarm else { return false };
        let Watched::Metric(metric) = &alarm.watched else { return false };
        let WatchedMetric { namespace, name, dimensions, statistic, period_s, unit } = metric;
        if *name != self.name || *namespace != self.namespace {
            return false;
        }
        let mut dimensions = dimensions.clone();
        dimensions.sort();
        dimensions == self.dimensions
            && self.statistic.as_ref().is_none_or(|asked| asked == statistic)
            && self.period_s.is_none_or(|asked| asked == *period_s)
            && self.unit.is_none_or(|asked| Some(asked) == *unit)
    }
}

#[derive(Debug)]
pub(crate) struct Output {
    alarms: Vec<Arc<Alarm>>,
}

impl WireOutput for Output {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_list("MetricAlarms", &self.alarms, |w, alarm| Described(alarm).write(w));
        });
    }

    fn bytes_hint(&self) -> usize {
        256 + self.alarms.len() * 1024
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input) -> Result<Output, Error> {
    let snapshot = ctx.inner.catalog.snapshot();
    let region = snapshot.region(&ctx.caller.account, &ctx.caller.region);
    let alarms = region.into_iter().flat_map(|region| region.alarms().values());
    let alarms = alarms.filter(|alarm| input.is_watched_by(alarm)).cloned().collect();
    Ok(Output { alarms })
}
