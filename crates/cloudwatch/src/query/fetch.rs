//! Samples of metrics, out of the store.

use std::sync::Arc;

use nautilus_metrics::{Distribution, Listed, MetricStore, Series, Unit};

use super::{
    Range, Scope, breathe,
    limits::{SEARCH_PAGE, SEARCHED_MS},
    search::{Matcher, Search},
};
use crate::{
    error::Error,
    metric::{Dimension, Metric, sorted},
};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// Samples by period.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    /// Start of a period in Unix ms, and what was in it. Oldest first; periods without samples are absent.
    pub samples: Vec<(u64, Distribution)>,
    /// The units in which there are samples in the range, by name.
    pub units: Vec<Unit>,
}

/// Metrics that a SEARCH has found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// In the store's order, each once whatever units it has.
    pub metrics: Vec<Metric>,
    /// Whether there may be more.
    pub is_cut: bool,
}

/// Looks for the metrics of the last two weeks that a SEARCH asks for, no more than `count_max`. `work` is what may
/// still be compared.
pub(super) async fn search(
    metrics: &MetricStore,
    scope: Scope<'_>,
    search: &Search,
    count_max: usize,
    work: &mut usize,
) -> Found {
    let mut found = Found::default();
    let mut matcher = Matcher::new(search, work);
    let namespace = search.namespace();
    // No metric is without a name: all of the namespace are behind this one.
    let mut after = namespace.map(|namespace| Arc::new(series(scope, namespace, "", &[])));
    let since_ms = scope.now_ms.saturating_sub(SEARCHED_MS);
    loop {
        let page = metrics
            .list(scope.account, scope.region, after.as_deref(), SEARCH_PAGE, |_| true)
            .await;
        let Some(Listed { series: last, .. }) = page.last() else { return found };
        let is_past = namespace.is_some_and(|namespace| *last.namespace > *namespace);
        after = Some(Arc::clone(last));
        for Listed { series, newest_ms, .. } in &page {
            if *newest_ms < since_ms || !matcher.matches(series) {
                continue;
            }
            let metric = metric(series);
            // The units of a metric stand side by side.
            if found.metrics.last() == Some(&metric) {
                continue;
            }
            if found.metrics.len() == count_max {
                found.is_cut = true;
                return found;
            }
            found.metrics.push(metric);
        }
        if matcher.is_exhausted() {
            found.is_cut = true;
        }
        if found.is_cut || is_past {
            return found;
        }
        breathe().await;
    }
}

fn metric(series: &Series) -> Metric {
    let dimensions = series.dimensions.iter();
    let dimensions = dimensions
        .map(|one| Dimension { name: one.name.to_string(), value: one.value.to_string() });
    Metric {
        namespace: series.namespace.to_string(),
        name: series.name.to_string(),
        dimensions: dimensions.collect(),
    }
}

/// Reads what a metric has in a range, by periods of `period_s`. Samples of other units are not merged: without a
/// unit, those of the one that has most of them come back, and [`Fetched::units`] names all.
pub(super) async fn read(
    metrics: &MetricStore,
    scope: Scope<'_>,
    metric: &Metric,
    unit: Option<Unit>,
    period_s: u32,
    range: Range,
) -> Result<Fetched, Error> {
    let mut found =
        metrics.find(&series(scope, &metric.namespace, &metric.name, &metric.dimensions));
    found.retain(|(_, series)| unit.is_none_or(|unit| series.unit == unit));
    found.sort_by_key(|(_, series)| series.unit.text());
    let mut best = Fetched::default();
    let mut best_count = 0.0;
    let mut units = Vec::new();
    let Some((from_ms, to_ms)) = kept(range, period_s, scope.now_ms) else { return Ok(best) };
    for (id, series) in found {
        let samples = metrics.read(id, from_ms, to_ms, period_s).await?;
        let count = samples.iter().map(|(_, samples)| samples.count).sum();
        if samples.is_empty() {
            continue;
        }
        units.push(series.unit);
        if count > best_count {
            (best.samples, best_count) = (samples, count);
        }
    }
    best.units = units;
    Ok(best)
}

/// A metric of a caller. Its unit says nothing.
fn series(scope: Scope<'_>, namespace: &str, name: &str, dimensions: &[Dimension]) -> Series {
    Series {
        account: scope.account.into(),
        region: scope.region.into(),
        namespace: namespace.into(),
        name: name.into(),
        dimensions: sorted(dimensions),
        unit: Unit::None,
    }
}

/// The part of a range in which samples are kept as finely as a period asks for: from the start of a period, to its end.
/// What is older is not there for that period, as AWS says of StartTime.
fn kept(range: Range, period_s: u32, now_ms: u64) -> Option<(u64, u64)> {
    let kept_ms = match period_s {
        period if period.is_multiple_of(3600) => 455 * DAY_MS,
        period if period.is_multiple_of(300) => 63 * DAY_MS,
        period if period.is_multiple_of(60) => 15 * DAY_MS,
        _ => 3 * HOUR_MS,
    };
    let period_ms = u64::from(period_s.max(1)) * 1000;
    let first_ms = range.first_ms(period_s);
    let gone_ms = now_ms.saturating_sub(kept_ms).saturating_sub(first_ms);
    let from_ms = first_ms.checked_add(gone_ms.div_ceil(period_ms) * period_ms)?;
    // Nobody can put samples further ahead.
    let to_ms = range.to_ms.min(now_ms.saturating_add(DAY_MS));
    (from_ms < to_ms).then_some((from_ms, to_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_it_is_kept_is_left_out() {
        const NOW_MS: u64 = 1_000 * DAY_MS + 30_000;
        let range =
            |days| Range { from_ms: NOW_MS - days * DAY_MS, to_ms: NOW_MS, is_from_start: false };
        let from = |days, period_s| {
            kept(range(days), period_s, NOW_MS).map(|(from_ms, _)| (NOW_MS - from_ms) / 1000)
        };
        assert_eq!(from(1, 60), Some(86_400 + 30));
        assert_eq!(from(14, 300), Some(14 * 86_400 + 30));
        assert_eq!(from(20, 60), Some(15 * 86_400 - 30));
        assert_eq!(from(20, 300), Some(20 * 86_400 + 30));
        assert_eq!(from(500, 3600), Some(455 * 86_400 - 3_570));
        assert_eq!(from(1, 10), Some(3 * 3600));
        let early = Range { from_ms: 0, to_ms: DAY_MS, is_from_start: false };
        assert_eq!(kept(early, 60, NOW_MS), None);
        let late = Range { from_ms: 0, to_ms: u64::MAX, is_from_start: true };
        assert_eq!(kept(late, 3600, NOW_MS).map(|(_, to)| to), Some(NOW_MS + DAY_MS));
    }
}
