//! ListMetrics: which metrics there are in the caller's account and region, in the order of their names.
//!
//! AWS: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListMetrics.html>
//! As there, a metric is listed until two weeks after its last sample. Here it is listed at once; AWS takes minutes.

use std::{borrow::Cow, sync::Arc};

use nautilus_metrics::{Listed, Series, Unit};
use nautilus_wire::{
    Members, Output as WireOutput, Writer,
    rules::{LengthRule, StringRule},
};

use super::ANY_RESOURCE;
use crate::{
    cloudwatch::{Ctx, Request},
    collect::Need,
    error::Error,
    limits, rules, token,
};

const TOKEN: &str = "metrics";

#[derive(Debug)]
pub(crate) struct Input<'a> {
    namespace: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    dimensions: Vec<Wanted<'a>>,
    next_token: Option<Cow<'a, str>>,
    is_recent: bool,
    owner: Option<Cow<'a, str>>,
    with_owners: bool,
}

/// A dimension that a metric must have, with any value or with this one.
#[derive(Debug)]
struct Wanted<'a> {
    name: Cow<'a, str>,
    value: Option<Cow<'a, str>>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        let recently = StringRule::one_of(&["PT3H"]);
        Input {
            namespace: members.string("Namespace", &rules::NAMESPACE),
            name: members.string("MetricName", &rules::METRIC_NAME),
            dimensions: members
                .list("Dimensions", &LengthRule::new(0, 10), |members| Wanted {
                    name: members.required_string("Name", &rules::DIMENSION_NAME),
                    value: members.string("Value", &rules::DIMENSION_VALUE),
                })
                .unwrap_or_default(),
            next_token: members.string("NextToken", &StringRule::ANY),
            is_recent: members.string("RecentlyActive", &recently).is_some(),
            owner: members.string("OwningAccount", &StringRule::length(1, 255)),
            with_owners: members.boolean("IncludeLinkedAccounts").unwrap_or(false),
        }
    }

    pub(crate) fn resource(&self, _request: &Request<'_>) -> Result<String, Error> {
        Ok(ANY_RESOURCE.to_owned())
    }

    fn matches(&self, series: &Series) -> bool {
        let is = |wanted: &Option<Cow<'_, str>>, text: &str| {
            wanted.as_ref().is_none_or(|wanted| *wanted == *text)
        };
        let has = |wanted: &Wanted<'_>| {
            let mut dimensions = series.dimensions.iter();
            dimensions.any(|at| *at.name == *wanted.name && is(&wanted.value, &at.value))
        };
        is(&self.namespace, &series.namespace)
            && is(&self.name, &series.name)
            && self.dimensions.iter().all(has)
    }
}

#[derive(Debug)]
pub(crate) struct Output {
    metrics: Vec<Arc<Series>>,
    next_token: Option<String>,
    /// Whose each is, if that was asked for.
    owner: Option<String>,
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Output, Error> {
    let caller = ctx.caller;
    let owner = input.with_owners.then(|| caller.account.clone());
    let after = match &input.next_token {
        Some(token) => Some(open(token, &caller.account, &caller.region)?),
        // No metric is without a name: all of the namespace are behind this one.
        None => input
            .namespace
            .as_ref()
            .map(|namespace| series(&caller.account, &caller.region, namespace, "", Vec::new())),
    };
    if input.owner.as_ref().is_some_and(|owner| **owner != *caller.account) {
        return Ok(Output { metrics: Vec::new(), next_token: None, owner });
    }
    ctx.inner.collect(Need::Fresh).await?;
    let life_ms = if input.is_recent { limits::RECENT_MS } else { limits::LISTED_MS };
    let since_ms = ctx.inner.now_ms().saturating_sub(life_ms);

    let mut last: Option<Arc<Series>> = None;
    let listed = ctx.inner.metrics.list(
        &caller.account,
        &caller.region,
        after.as_ref(),
        limits::LIST_METRICS_PAGE + 1,
        |listed: &Listed| {
            let series = &listed.series;
            // The units of a metric stand side by side.
            let is_new = last.as_ref().is_none_or(|last| !is_same_metric(last, series));
            let is_wanted = is_new && listed.newest_ms >= since_ms && input.matches(series);
            if is_wanted {
                last = Some(series.clone());
            }
            is_wanted
        },
    );
    let mut metrics: Vec<_> = listed.await.into_iter().map(|listed| listed.series).collect();
    let is_more = metrics.len() > limits::LIST_METRICS_PAGE;
    metrics.truncate(limits::LIST_METRICS_PAGE);
    let next_token = metrics.last().filter(|_| is_more).map(|last| seal(last));
    Ok(Output { metrics, next_token, owner })
}

fn is_same_metric(one: &Series, other: &Series) -> bool {
    one.name == other.name && one.namespace == other.namespace && one.dimensions == other.dimensions
}

fn series(
    account: &str,
    region: &str,
    namespace: &str,
    name: &str,
    dimensions: Vec<nautilus_metrics::Dimension>,
) -> Series {
    // The last of all units: what comes behind it is another metric.
    Series {
        account: account.into(),
        region: region.into(),
        namespace: namespace.into(),
        name: name.into(),
        dimensions,
        unit: Unit::None,
    }
}

/// A token that goes on behind a metric.
fn seal(last: &Series) -> String {
    let dimensions: Vec<_> = last.dimensions.iter().map(|at| (&*at.name, &*at.value)).collect();
    let dimensions = serde_json::Value::from_iter(dimensions.iter().flat_map(|(a, b)| [*a, *b]));
    token::make(TOKEN, &[&last.namespace, &last.name, &dimensions.to_string()])
}

fn open(token: &str, account: &str, region: &str) -> Result<Series, Error> {
    let [namespace, name, dimensions] = token::open(TOKEN, token)?;
    let dimensions: Vec<String> =
        serde_json::from_str(&dimensions).map_err(|_| Error::InvalidNextToken)?;
    let dimensions = dimensions.chunks_exact(2).filter_map(|pair| match pair {
        [name, value] => Some(nautilus_metrics::Dimension {
            name: name.as_str().into(),
            value: value.as_str().into(),
        }),
        _ => None,
    });
    Ok(series(account, region, &namespace, &name, dimensions.collect()))
}

impl WireOutput for Output {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_list("Metrics", &self.metrics, |w, metric| {
                w.map(|w| {
                    w.field_str("Namespace", &metric.namespace);
                    w.field_str("MetricName", &metric.name);
                    w.field_list("Dimensions", &metric.dimensions, |w, dimension| {
                        w.map(|w| {
                            w.field_str("Name", &dimension.name);
                            w.field_str("Value", &dimension.value);
                        });
                    });
                });
            });
            if let Some(token) = &self.next_token {
                w.field_str("NextToken", token);
            }
            if let Some(owner) = &self.owner {
                w.field_strings("OwningAccounts", self.metrics.iter().map(|_| owner));
            }
        });
    }

    fn bytes_hint(&self) -> usize {
        128 + self.metrics.len() * 160
    }
}

#[cfg(test)]
mod tests;
