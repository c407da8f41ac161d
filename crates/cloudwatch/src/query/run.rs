//! Runs queries that are understood.

use std::{collections::HashMap, sync::Arc};

use nautilus_metrics::{MetricStore, Unit};
use nautilus_stats::Statistic;

use super::{
    Message, Plan, QueryResult, Range, Scope, breathe, fetch,
    label::{self, Labelled, Source},
    limits::{SEARCH_WORK_MAX, SERIES_MAX},
    math::{Budget, Context, Series, Value, evaluate},
    plan::{Math, in_expression},
    search::Search,
};
use crate::{
    error::Error,
    metric::{Asked, Metric, MetricDataQuery, MetricStat},
};

/// Runs queries: the results of those that return data, in their order. Whoever asks for the open minute has collected
/// before. What is wrong with the queries is told as [`Error::Validation`].
pub(crate) async fn run(
    metrics: &MetricStore,
    scope: Scope<'_>,
    queries: &[MetricDataQuery],
    range: Range,
) -> Result<Vec<QueryResult>, Error> {
    let plan = Plan::new(queries)?;
    Ok(Run::new(metrics, scope, &plan, range).all().await?.results)
}

/// What all queries of a request have given.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub results: Vec<QueryResult>,
    /// About the request as a whole.
    pub messages: Vec<Message>,
}

/// Queries under way. What it reads and computes in all has a limit.
pub(crate) struct Run<'r> {
    metrics: &'r MetricStore,
    scope: Scope<'r>,
    plan: &'r Plan<'r>,
    range: Range,
    /// By the plan's metrics, what labels say of them.
    sources: HashMap<usize, Arc<Source>>,
    budget: Budget,
    search_work: usize,
    /// How many metrics may still be found.
    metrics_left: usize,
    /// Whether a SEARCH has left metrics out.
    is_cut: bool,
}

impl<'r> Run<'r> {
    pub(crate) fn new(
        metrics: &'r MetricStore,
        scope: Scope<'r>,
        plan: &'r Plan<'r>,
        range: Range,
    ) -> Run<'r> {
        let stats =
            plan.metrics().map(|(_, _, stat, _)| (&stat.metric, &*stat.stat, stat.period_s));
        let sources = named(scope, stats);
        let sources = plan.metrics().zip(sources).map(|((index, ..), mut source)| {
            if let Some(label) =
                plan.queries[index].label.as_ref().filter(|l| !label::is_dynamic(l))
            {
                source.label.clone_from(label);
            }
            (index, Arc::new(source))
        });
        Run {
            metrics,
            scope,
            plan,
            range,
            sources: sources.collect(),
            budget: Budget::default(),
            search_work: SEARCH_WORK_MAX,
            metrics_left: SERIES_MAX.saturating_sub(plan.metrics().count()),
            is_cut: false,
        }
    }

    /// The one result of a query that is a metric; it needs nothing of the others.
    pub(crate) async fn metric(&mut self, index: usize) -> Result<Option<QueryResult>, Error> {
        let metric = self.plan.metrics().find(|(metric, ..)| *metric == index);
        let Some((_, _, stat, statistic)) = metric else { return Ok(None) };
        // Each comes and goes alone.
        self.budget = Budget::default();
        let (series, messages) = self.read(index, stat, statistic).await?;
        Ok(Some(self.labelled(&self.plan.queries[index], series, false, messages)))
    }

    /// The results of all queries that return data.
    pub(crate) async fn all(mut self) -> Result<Outcome, Error> {
        let plan = self.plan;
        let mut read = Vec::new();
        let mut told: HashMap<&str, Vec<Message>> = HashMap::new();
        for (index, id, stat, statistic) in plan.metrics() {
            let (series, messages) = self.read(index, stat, statistic).await?;
            read.push((id, series));
            told.insert(id, messages);
        }
        let series = read.iter().map(|(id, series)| (*id, Value::Series(Arc::clone(series))));
        let mut values: HashMap<_, _> = series.collect();
        for (id, math) in plan.maths() {
            let (value, messages) = self.expression(id, math, &read, &values).await?;
            breathe().await;
            values.insert(id, value);
            told.insert(id, messages);
        }
        drop(read);

        let mut results = Vec::new();
        for query in plan.queries.iter().filter(|query| query.returns_data()) {
            let messages = told.remove(query.id.as_str()).unwrap_or_default();
            match values.remove(query.id.as_str()) {
                Some(Value::Series(series)) => {
                    results.push(self.labelled(query, series, false, messages));
                }
                Some(Value::Array(all)) => results.extend(
                    all.into_iter().map(|one| self.labelled(query, one, true, messages.clone())),
                ),
                Some(Value::Scalar(_)) | None => {}
            }
        }
        let messages = self.is_cut.then(Message::too_many_metrics).into_iter().collect();
        Ok(Outcome { results, messages })
    }

    async fn read(
        &mut self,
        index: usize,
        stat: &MetricStat,
        statistic: Statistic,
    ) -> Result<(Arc<Series>, Vec<Message>), Error> {
        let source = self.sources.get(&index).cloned().unwrap_or_default();
        self.series(&stat.metric, stat.unit, statistic, stat.period_s, source).await
    }

    async fn series(
        &mut self,
        metric: &Metric,
        unit: Option<Unit>,
        statistic: Statistic,
        period_s: u32,
        source: Arc<Source>,
    ) -> Result<(Arc<Series>, Vec<Message>), Error> {
        let (metrics, scope, range) = (self.metrics, self.scope, self.range);
        let fetched = fetch::read(metrics, scope, metric, unit, period_s, range).await?;
        self.budget.spend(fetched.samples.len())?;
        let points = fetched.samples.iter().filter_map(|(at, samples)| {
            let value = samples.statistic(&statistic).filter(|value| value.is_finite())?;
            Some((*at, value))
        });
        let points = points.collect();
        let series = Series { points, period_s, source: Some(source), is_metric: true };
        let messages = Message::of_units(&fetched.units).into_iter().collect();
        Ok((Arc::new(series), messages))
    }

    async fn expression(
        &mut self,
        id: &str,
        math: &Math,
        read: &[(&str, Arc<Series>)],
        values: &HashMap<&str, Value>,
    ) -> Result<(Value, Vec<Message>), Error> {
        let mut searches = Vec::with_capacity(math.searches.len());
        for ((search, statistic), call) in math.searches.iter().zip(&math.program.searches) {
            let period_s = call.period_s.unwrap_or(math.period_s);
            let stat = (call.stat.as_str(), *statistic, period_s);
            searches.push(self.search(search, stat).await?);
        }
        let context = Context {
            grid: self.range,
            period_s: math.period_s,
            metrics: read,
            values,
            searches: &searches,
        };
        let outcome = evaluate(&math.program, &context, &mut self.budget)
            .map_err(|error| in_expression(id, &error))?;
        let dropped = outcome.has_dropped.then(Message::arithmetic_error);
        Ok((outcome.value, dropped.into_iter().collect()))
    }

    async fn search(
        &mut self,
        search: &Search,
        (stat, statistic, period_s): (&str, Statistic, u32),
    ) -> Result<Vec<Arc<Series>>, Error> {
        let (metrics, work) = (self.metrics, &mut self.search_work);
        let found = fetch::search(metrics, self.scope, search, self.metrics_left, work).await;
        self.is_cut |= found.is_cut;
        self.metrics_left -= found.metrics.len();
        let stats = found.metrics.iter().map(|metric| (metric, stat, period_s));
        let sources = named(self.scope, stats);
        let mut all = Vec::with_capacity(found.metrics.len());
        for (metric, source) in found.metrics.iter().zip(sources) {
            let source = Arc::new(source);
            let (series, _) = self.series(metric, None, statistic, period_s, source).await?;
            all.push(series);
        }
        Ok(all)
    }

    /// `is_item`: one of several series of the query.
    fn labelled(
        &self,
        query: &MetricDataQuery,
        series: Arc<Series>,
        is_item: bool,
        messages: Vec<Message>,
    ) -> QueryResult {
        let source = series.source.as_deref();
        let is_metric = matches!(query.asked, Asked::Stat(_));
        let named = source.filter(|_| is_metric || is_item);
        let default = named.map_or(query.id.as_str(), |source| source.label.as_str());
        let label = match query.label.as_deref() {
            None => default.to_owned(),
            Some(label) if label::is_dynamic(label) => label::render(
                label,
                Labelled {
                    points: &series.points,
                    source,
                    default,
                    now_ms: self.scope.now_ms,
                    zone_minutes: self.scope.zone_minutes,
                },
            ),
            Some(label) if !is_item => label.to_owned(),
            Some("") => default.to_owned(),
            Some(label) => format!("{label} {default}"),
        };
        let points = Arc::unwrap_or_clone(series).points;
        QueryResult { id: query.id.clone(), label, points, messages }
    }
}

/// What labels say of metrics that stand side by side: each with its default label.
fn named<'m>(
    scope: Scope<'_>,
    metrics: impl Iterator<Item = (&'m Metric, &'m str, u32)>,
) -> Vec<Source> {
    let source = |(metric, stat, period_s): (&Metric, &str, u32)| {
        let dimensions = metric.dimensions.iter();
        let mut dimensions: Vec<_> =
            dimensions.map(|one| (one.name.clone(), one.value.clone())).collect();
        dimensions.sort();
        Source {
            account: scope.account.to_owned(),
            region: scope.region.to_owned(),
            namespace: metric.namespace.clone(),
            name: metric.name.clone(),
            dimensions,
            stat: stat.to_owned(),
            period_s,
            label: String::new(),
        }
    };
    let mut sources: Vec<_> = metrics.map(source).collect();
    let labels = label::defaults(&sources);
    for (source, label) in sources.iter_mut().zip(labels) {
        source.label = label;
    }
    sources
}

impl Message {
    /// A metric has samples of several units, and the request does not say which.
    fn of_units(units: &[Unit]) -> Option<Message> {
        let names: Vec<_> = units.iter().map(|unit| unit.text()).collect();
        (names.len() > 1).then(|| Message {
            code: "MultipleUnits",
            value: format!("Multiple units returned: '[{}]'", names.join(", ")),
        })
    }

    fn arithmetic_error() -> Message {
        Message {
            code: "ArithmeticError",
            value: "One or more data-points have been dropped due to non-numeric values (NaN, \
                    -Infinite, +Infinite)"
                .to_owned(),
        }
    }

    fn too_many_metrics() -> Message {
        Message {
            code: "MaxMetricsExceeded",
            value: "Maximum number of allowed metrics exceeded".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use nautilus_metrics::{Distribution, Resolution, Sample, Series as Stored};

    use super::*;
    use crate::testing::{NOW_MS, World};

    /// An alarm's periods begin where its range does.
    #[test]
    fn periods_may_begin_at_the_start() {
        let world = World::new();
        let metrics = &world.room().inner().metrics;
        let samples = (0..6).map(|minute| Sample {
            series: Stored {
                account: "000000000000".into(),
                region: "us-east-1".into(),
                namespace: "n".into(),
                name: "m".into(),
                dimensions: Vec::new(),
                unit: Unit::None,
            },
            at_ms: NOW_MS - 360_000 + minute * 60_000,
            resolution: Resolution::Minute,
            distribution: Distribution::of(10_f64.powi(minute as i32), 1.0),
        });
        world.run(metrics.put(samples.collect())).expect("the store takes them");

        let metric = Metric { namespace: "n".into(), name: "m".into(), dimensions: Vec::new() };
        let stat = MetricStat { metric, period_s: 120, stat: "Sum".into(), unit: None };
        let query = |id: &str, asked, return_data| MetricDataQuery {
            id: id.to_owned(),
            asked,
            label: None,
            return_data: Some(return_data),
            account_id: None,
        };
        let text = "m * 2".to_owned();
        let queries = [
            query("m", Asked::Stat(stat), false),
            query("e", Asked::Expression { text, period_s: None }, true),
        ];
        let scope =
            Scope { account: "000000000000", region: "us-east-1", now_ms: NOW_MS, zone_minutes: 0 };
        let from_ms = NOW_MS - 300_000;
        let range = Range { from_ms, to_ms: from_ms + 240_000, is_from_start: true };
        let results = world.run(run(metrics, scope, &queries, range)).expect("results");
        let points = vec![(from_ms, 220.0), (from_ms + 120_000, 22_000.0)];
        let label = "e".to_owned();
        assert_eq!(results, [QueryResult { id: "e".into(), label, points, messages: Vec::new() }]);
    }
}
