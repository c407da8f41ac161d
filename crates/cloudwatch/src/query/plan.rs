//! Queries, understood: everything about them that can be wrong is found here, before anything is read.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use nautilus_stats::Statistic;

use super::{
    limits::SEARCHES_MAX,
    math::{Budget, Context, Evaluated, Grid, MathError, Program, Series, Value, evaluate},
    search::Search,
};
use crate::{
    error::Error,
    metric::{Asked, MetricDataQuery, MetricStat},
};

/// The period of an expression in a request without any other.
const PERIOD_S: u32 = 60;

/// Queries that can be run.
#[derive(Debug)]
pub(crate) struct Plan<'q> {
    pub queries: &'q [MetricDataQuery],
    /// One for each query.
    pub tasks: Vec<Task>,
    /// The expressions, each behind those that it refers to.
    pub order: Vec<usize>,
}

/// What a query takes.
#[derive(Debug)]
pub(crate) enum Task {
    Stat(Statistic),
    Math(Math),
}

/// An expression.
#[derive(Debug)]
pub(crate) struct Math {
    pub program: Program,
    /// One for each SEARCH of the program.
    pub searches: Vec<(Search, Statistic)>,
    /// The query's, else the longest of the request, in seconds.
    pub period_s: u32,
}

/// What an expression is worth, whatever the points are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Scalar,
    Series,
    Array,
}

impl<'q> Plan<'q> {
    /// Understands queries, or tells the first that is wrong.
    pub(crate) fn new(queries: &'q [MetricDataQuery]) -> Result<Plan<'q>, Error> {
        let mut indices = HashMap::with_capacity(queries.len());
        for (index, query) in queries.iter().enumerate() {
            if indices.insert(query.id.as_str(), index).is_some() {
                return Err(Error::Validation(
                    "The values for parameter id in MetricDataQueries are not unique.".to_owned(),
                ));
            }
        }
        let mut tasks = Vec::with_capacity(queries.len());
        for query in queries {
            tasks.push(Task::of(query).map_err(|error| in_expression(&query.id, &error))?);
        }
        let order = order(queries, &tasks, &indices)?;
        let mut plan = Plan { queries, tasks, order };
        plan.set_periods();
        if plan.search_count() > SEARCHES_MAX {
            return Err(Error::Validation(format!(
                "A request has at most {SEARCHES_MAX} SEARCH expressions."
            )));
        }
        for (id, kind) in plan.kinds()? {
            let returns_data = indices.get(id).is_some_and(|&index| queries[index].returns_data());
            if kind == Kind::Scalar && returns_data {
                return Err(in_expression(id, &MathError(
                    "The expression's result is a scalar. It must be a time series or an array of \
                     time series"
                        .to_owned(),
                )));
            }
        }
        Ok(plan)
    }

    /// Whether every query is a metric.
    pub(crate) fn is_plain(&self) -> bool {
        self.order.is_empty()
    }

    fn search_count(&self) -> usize {
        self.maths().map(|(_, math)| math.searches.len()).sum()
    }

    /// The expressions with their ids, each behind those that it refers to.
    pub(crate) fn maths(&self) -> impl Iterator<Item = (&'q str, &Math)> {
        self.order.iter().filter_map(|&index| match &self.tasks[index] {
            Task::Math(math) => Some((self.queries[index].id.as_str(), math)),
            Task::Stat(_) => None,
        })
    }

    fn set_periods(&mut self) {
        let periods = self.queries.iter().filter_map(|query| match &query.asked {
            Asked::Stat(stat) => Some(stat.period_s),
            Asked::Expression { period_s, .. } => *period_s,
        });
        let searched = self.maths().flat_map(|(_, math)| &math.program.searches);
        let searched = searched.filter_map(|search| search.period_s);
        let longest = periods.chain(searched).max().unwrap_or(PERIOD_S);
        for (task, query) in self.tasks.iter_mut().zip(self.queries) {
            if let (Task::Math(math), Asked::Expression { period_s, .. }) = (task, &query.asked) {
                math.period_s = period_s.unwrap_or(longest).max(1);
            }
        }
    }

    /// Runs all expressions over series without points: that tells what each is worth, and every error of types.
    fn kinds(&self) -> Result<Vec<(&'q str, Kind)>, Error> {
        let metrics = self.metrics().map(|(_, id, stat, _)| (id, empty(stat.period_s)));
        let metrics: Vec<_> = metrics.collect();
        let series = metrics.iter().map(|(id, series)| (*id, Value::Series(Arc::clone(series))));
        let (mut values, mut kinds) = (series.collect::<HashMap<_, _>>(), Vec::new());
        let mut budget = Budget::default();
        for (id, math) in self.maths() {
            let searches = vec![Vec::new(); math.searches.len()];
            let context = Context {
                grid: Grid { from_ms: 0, to_ms: 0, is_from_start: true },
                period_s: math.period_s,
                metrics: &metrics,
                values: &values,
                searches: &searches,
            };
            let Evaluated { value, .. } = evaluate(&math.program, &context, &mut budget)
                .map_err(|error| in_expression(id, &error))?;
            let kind = match value {
                Value::Scalar(_) => Kind::Scalar,
                Value::Series(_) => Kind::Series,
                Value::Array(_) => Kind::Array,
            };
            kinds.push((id, kind));
            values.insert(id, value);
        }
        Ok(kinds)
    }

    /// The metrics: index among the queries, id, what is asked of it.
    pub(crate) fn metrics(
        &self,
    ) -> impl Iterator<Item = (usize, &'q str, &'q MetricStat, Statistic)> + use<'_, 'q> {
        let all = self.queries.iter().zip(&self.tasks).enumerate();
        all.filter_map(|(index, (query, task))| match (&query.asked, task) {
            (Asked::Stat(stat), Task::Stat(statistic)) => {
                Some((index, query.id.as_str(), stat, *statistic))
            }
            _ => None,
        })
    }
}

/// Whether an alarm can watch these queries: exactly one returns data, and it is one time series.
pub(crate) fn check_alarm(queries: &[MetricDataQuery]) -> Result<(), Error> {
    if !queries.iter().all(|query| is_id(&query.id)) {
        return Err(Error::Validation("Invalid metrics list".to_owned()));
    }
    let mut watched = queries.iter().filter(|query| query.returns_data());
    let (Some(watched), None) = (watched.next(), watched.next()) else {
        return Err(Error::Validation(
            "Exactly one element of the metrics list should return data.".to_owned(),
        ));
    };
    let plan = Plan::new(queries)?;
    if plan.search_count() > 0 {
        return Err(Error::Validation(
            "SEARCH is not supported in the metrics of an alarm.".to_owned(),
        ));
    }
    let kinds = plan.kinds()?;
    let kind = kinds.iter().find(|(id, _)| *id == watched.id).map(|(_, kind)| *kind);
    if kind.is_some_and(|kind| kind != Kind::Series) {
        return Err(in_expression(
            &watched.id,
            &MathError("The expression of an alarm must be a single time series".to_owned()),
        ));
    }
    Ok(())
}

/// Whether a text may be the id of a query: `^[a-z][a-zA-Z0-9_]*$`.
pub(crate) fn is_id(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether a metric can be asked for by periods of so many seconds.
pub(crate) fn is_period(period_s: u32) -> bool {
    matches!(period_s, 1 | 5 | 10 | 20 | 30) || (period_s > 0 && period_s.is_multiple_of(60))
}

pub(super) fn in_expression(id: &str, error: &MathError) -> Error {
    Error::Validation(format!("Error in expression '{id}': {error}."))
}

impl Task {
    fn of(query: &MetricDataQuery) -> Result<Task, MathError> {
        let statistic = |text: &str| {
            Statistic::parse(text)
                .ok_or_else(|| MathError(format!("'{text:.64}' is not a valid statistic")))
        };
        match &query.asked {
            Asked::Stat(stat) => Ok(Task::Stat(statistic(&stat.stat)?)),
            Asked::Expression { text, .. } => {
                if is_select(text) {
                    return Err(MathError("Metrics Insights queries are not supported".to_owned()));
                }
                let program = Program::parse(text)?;
                let mut searches = Vec::with_capacity(program.searches.len());
                for search in &program.searches {
                    if !search.period_s.is_none_or(is_period) {
                        return Err(MathError(
                            "The period of a SEARCH must be 1, 5, 10, 20, 30 or a multiple of 60"
                                .to_owned(),
                        ));
                    }
                    searches.push((Search::parse(&search.text)?, statistic(&search.stat)?));
                }
                Ok(Task::Math(Math { program, searches, period_s: PERIOD_S }))
            }
        }
    }
}

/// A Metrics Insights query: SQL begins so, and no expression does.
fn is_select(text: &str) -> bool {
    let word = text.split_whitespace().next().unwrap_or_default();
    word.eq_ignore_ascii_case("SELECT")
}

fn empty(period_s: u32) -> Arc<Series> {
    Arc::new(Series { points: Vec::new(), period_s, source: None, is_metric: true })
}

/// The expressions in an order in which each stands behind those that it refers to.
fn order(
    queries: &[MetricDataQuery],
    tasks: &[Task],
    indices: &HashMap<&str, usize>,
) -> Result<Vec<usize>, Error> {
    // For each query, who refers to it; and how many expressions each one waits for.
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); queries.len()];
    let mut waits = vec![0_usize; queries.len()];
    for (reader, task) in tasks.iter().enumerate() {
        let Task::Math(math) = task else { continue };
        let mut ids: Vec<_> = math.program.references().collect();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            let Some(&read) = indices.get(id) else {
                let unknown = MathError(format!("Unrecognized id '{id}'"));
                return Err(in_expression(&queries[reader].id, &unknown));
            };
            if matches!(tasks[read], Task::Math(_)) {
                readers[read].push(reader);
                waits[reader] += 1;
            }
        }
    }
    let is_math = |&index: &usize| matches!(tasks[index], Task::Math(_));
    let mut ready: VecDeque<_> =
        (0..queries.len()).filter(is_math).filter(|&index| waits[index] == 0).collect();
    let mut order = Vec::new();
    while let Some(index) = ready.pop_front() {
        order.push(index);
        for &reader in &readers[index] {
            waits[reader] -= 1;
            if waits[reader] == 0 {
                ready.push_back(reader);
            }
        }
    }
    match waits.iter().position(|&count| count > 0) {
        None => Ok(order),
        Some(waiting) => {
            let circle = MathError("It refers to itself, directly or by others".to_owned());
            Err(in_expression(&queries[waiting].id, &circle))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{Dimension, Metric};

    pub(crate) fn stat(id: &str) -> MetricDataQuery {
        let dimensions = vec![Dimension { name: "StreamName".into(), value: "s".into() }];
        let metric =
            Metric { namespace: "AWS/Kinesis".into(), name: "IncomingBytes".into(), dimensions };
        let stat = MetricStat { metric, period_s: 300, stat: "Sum".into(), unit: None };
        query(id, Asked::Stat(stat))
    }

    fn math(id: &str, text: &str) -> MetricDataQuery {
        query(id, Asked::Expression { text: text.to_owned(), period_s: None })
    }

    fn query(id: &str, asked: Asked) -> MetricDataQuery {
        MetricDataQuery {
            id: id.to_owned(),
            asked,
            label: None,
            return_data: None,
            account_id: None,
        }
    }

    fn hidden(query: MetricDataQuery) -> MetricDataQuery {
        MetricDataQuery { return_data: Some(false), ..query }
    }

    fn check(queries: &[MetricDataQuery], expected: &str) {
        let outcome = match Plan::new(queries) {
            Ok(plan) => plan.maths().map(|(id, _)| id).collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        };
        assert_eq!(outcome, expected);
    }

    #[test]
    fn expressions_refer_to_others_in_any_order() {
        check(
            &[math("e1", "e2 + m1"), math("e2", "e3 * 2"), stat("m1"), math("e3", "-m1")],
            "e3 e2 e1",
        );
        check(&[stat("m1"), stat("m2")], "");
        check(&[math("e", "SUM(METRICS())"), stat("m1")], "e");
    }

    #[test]
    fn what_cannot_be_computed_is_refused() {
        check(
            &[stat("m"), stat("m")],
            "The values for parameter id in MetricDataQueries are not unique.",
        );
        check(&[math("e", "x + 1")], "Error in expression 'e': Unrecognized id 'x'.");
        check(
            &[math("e1", "e2"), math("e2", "e1 + m"), stat("m"), math("e3", "m")],
            "Error in expression 'e1': It refers to itself, directly or by others.",
        );
        check(
            &[math("e", "e")],
            "Error in expression 'e': It refers to itself, directly or by others.",
        );
        let scalar = "Error in expression 'e': The expression's result is a scalar. It must be a time series or an array of time series.";
        check(&[math("e", "AVG(m)"), stat("m")], scalar);
        check(&[hidden(math("e", "AVG(m)")), stat("m"), math("f", "m - e")], "e f");
        check(
            &[math("e", "SEARCH('x', 'Sum', 61)")],
            "Error in expression 'e': The period of a SEARCH must be 1, 5, 10, 20, 30 or a multiple of 60.",
        );
        check(
            &[math("e", "SEARCH('x', 'Most')")],
            "Error in expression 'e': 'Most' is not a valid statistic.",
        );
        check(
            &[math("e", "SEARCH('', 'Sum')")],
            "Error in expression 'e': Invalid SEARCH: it has neither a schema nor a term.",
        );
        check(
            &[math("e", "SELECT AVG(x) FROM y")],
            "Error in expression 'e': Metrics Insights queries are not supported.",
        );
        let many = math("e", &format!("[{}]", vec!["SEARCH('x','Sum')"; 101].join(",")));
        check(&[many], "A request has at most 100 SEARCH expressions.");
    }

    #[test]
    fn expressions_have_the_longest_period_or_their_own() {
        let mut own = math("f", "TIME_SERIES(2)");
        own.asked = Asked::Expression { text: "TIME_SERIES(2)".into(), period_s: Some(60) };
        let queries = [math("e", "TIME_SERIES(1)"), own, stat("m")];
        let plan = Plan::new(&queries).expect("a plan");
        let periods: Vec<_> = plan.maths().map(|(_, math)| math.period_s).collect();
        assert_eq!(periods, [300, 60]);
    }

    #[test]
    fn alarms_watch_one_series() {
        let check = |queries: &[MetricDataQuery], expected: &str| {
            let outcome =
                check_alarm(queries).map_or_else(|error| error.to_string(), |()| "fine".into());
            assert_eq!(outcome, expected);
        };
        check(&[hidden(stat("m")), math("e", "m / 2")], "fine");
        check(&[stat("m")], "fine");
        check(
            &[stat("m"), math("e", "m")],
            "Exactly one element of the metrics list should return data.",
        );
        check(&[hidden(stat("m"))], "Exactly one element of the metrics list should return data.");
        check(&[stat("M")], "Invalid metrics list");
        check(
            &[math("e", "SUM(SEARCH('x', 'Sum'))")],
            "SEARCH is not supported in the metrics of an alarm.",
        );
        check(
            &[hidden(stat("m")), math("e", "[m]")],
            "Error in expression 'e': The expression of an alarm must be a single time series.",
        );
    }

    #[test]
    fn ids_and_periods_have_a_form() {
        for (text, expected) in [
            ("m1", true),
            ("mM_9", true),
            ("M", false),
            ("1m", false),
            ("", false),
            ("m-1", false),
            ("_m", false),
            ("mé", false),
        ] {
            assert_eq!(is_id(text), expected, "{text}");
        }
        for (period_s, expected) in
            [(1, true), (5, true), (2, false), (60, true), (90, false), (0, false), (86_400, true)]
        {
            assert_eq!(is_period(period_s), expected, "{period_s}");
        }
    }
}
