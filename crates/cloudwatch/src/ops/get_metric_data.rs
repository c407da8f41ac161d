//! GetMetricData: statistics of many metrics at once, and metric math over them.
//!
//! Periods lie at the multiples of their length since the epoch. A request of metrics alone is answered in pages; a
//! token says with which query and after which point the next one goes on. One with expressions has one page, and what
//! is beyond its points is left out as PartialData.
//! AWS: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html>
//! Not as AWS: only the caller's own account and region can be asked, and there are no Metrics Insights queries.

use std::borrow::Cow;

use nautilus_stats::Statistic;
use nautilus_wire::{
    Members, Output as WireOutput, Writer,
    rules::{LengthRule, StringRule},
};

use crate::{
    cloudwatch::{Ctx, Request},
    collect::Need,
    error::Error,
    metric::{self, Asked, GivenQuery, GivenStat, Metric, MetricDataQuery, MetricStat},
    ops::ANY_RESOURCE,
    query::{
        self, Message, Plan, QueryResult, Range, Run, Scope,
        limits::{LABEL_CHARS_MAX, PAGE_US_MAX, POINTS_MAX, QUERIES_MAX},
    },
    rules, token,
};

const SCAN_BY: StringRule = StringRule::one_of(&["TimestampDescending", "TimestampAscending"]);
/// The kind of our tokens.
const TOKEN: &str = "metric-data";

#[derive(Debug)]
pub(crate) struct Input<'a> {
    queries: Option<Vec<GivenQuery>>,
    start_ms: i64,
    end_ms: i64,
    next_token: Option<Cow<'a, str>>,
    scan_by: Option<Cow<'a, str>>,
    max_datapoints: Option<i64>,
    zone: Option<Cow<'a, str>>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            queries: metric::read_queries(members, "MetricDataQueries", &LengthRule::ANY),
            start_ms: members.required_timestamp_ms("StartTime"),
            end_ms: members.required_timestamp_ms("EndTime"),
            next_token: members.string("NextToken", &StringRule::ANY),
            scan_by: members.string("ScanBy", &SCAN_BY),
            max_datapoints: members.integer("MaxDatapoints", &rules::ANY_INTEGER),
            zone: members
                .structure("LabelOptions", |members| members.string("Timezone", &StringRule::ANY))
                .flatten(),
        }
    }

    pub(crate) fn resource(&self, _request: &Request<'_>) -> Result<String, Error> {
        Ok(ANY_RESOURCE.to_owned())
    }
}

#[derive(Debug, Default)]
pub(crate) struct Output {
    results: Vec<Part>,
    next_token: Option<String>,
    messages: Vec<Message>,
}

/// A result, or what this page has of it.
#[derive(Debug)]
struct Part {
    /// Its points are in the order of the scan.
    result: QueryResult,
    is_complete: bool,
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    /// Which query.
    index: usize,
    /// The last point of it that was answered.
    after_ms: Option<u64>,
}

/// What a request asks for beside its queries.
#[derive(Debug, Clone, Copy)]
struct Scan {
    range: Range,
    is_ascending: bool,
    points_max: usize,
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Output, Error> {
    let queries = checked(input.queries.unwrap_or_default(), &ctx.caller.account)?;
    let scan = Scan {
        range: range(input.start_ms, input.end_ms)?,
        is_ascending: input.scan_by.as_deref() == Some("TimestampAscending"),
        points_max: points_max(input.max_datapoints)?,
    };
    let zone_minutes = match input.zone.as_deref() {
        None => 0,
        Some(zone) => query::zone_minutes(zone).ok_or_else(|| {
            Error::Validation(format!(
                "The value {zone:.64} for parameter LabelOptions.Timezone is not matching the \
                 expected pattern [+-][0-9]{{4}}."
            ))
        })?,
    };
    let plan = Plan::new(&queries)?;
    let request = fingerprint(&queries, scan);
    let place = input.next_token.as_deref().map(|token| open_token(token, &request, &plan));
    let place = place.transpose()?;

    ctx.inner.collect(Need::Fresh).await?;
    let (account, region) = (&*ctx.caller.account, &*ctx.caller.region);
    let scope = Scope { account, region, now_ms: ctx.inner.now_ms(), zone_minutes };
    let run = Run::new(&ctx.inner.metrics, scope, &plan, scan.range);
    if plan.is_plain() {
        let until_us = ctx.inner.monotonic_us().saturating_add(PAGE_US_MAX);
        let is_late = || ctx.inner.monotonic_us() >= until_us;
        page(run, &plan, scan, place.unwrap_or_default(), &request, is_late).await
    } else {
        whole(run, scan).await
    }
}

/// A page of a request of metrics alone: one after the other, each read only when its turn comes. It ends when it is late,
/// but not before it has something: metrics may have many more samples than they have points.
async fn page(
    mut run: Run<'_>,
    plan: &Plan<'_>,
    scan: Scan,
    place: Place,
    request: &str,
    is_late: impl Fn() -> bool,
) -> Result<Output, Error> {
    let mut output = Output::default();
    let mut room = scan.points_max;
    let mut after_ms = place.after_ms;
    for (index, query) in plan.queries.iter().enumerate().skip(place.index) {
        if !query.returns_data() {
            continue;
        }
        if room == 0 || (!output.results.is_empty() && is_late()) {
            output.next_token = Some(make_token(request, Place { index, after_ms: None }));
            break;
        }
        let Some(result) = run.metric(index).await? else { continue };
        let part = scan.part(result, after_ms.take(), room);
        room -= part.result.points.len();
        if !part.is_complete {
            let after_ms = part.result.points.last().map(|(at, _)| *at);
            output.next_token = Some(make_token(request, Place { index, after_ms }));
        }
        let is_full = !part.is_complete;
        output.results.push(part);
        if is_full {
            break;
        }
    }
    Ok(output)
}

/// The one page of a request with expressions.
async fn whole(run: Run<'_>, scan: Scan) -> Result<Output, Error> {
    let outcome = run.all().await?;
    let mut output = Output { messages: outcome.messages, ..Output::default() };
    let mut room = scan.points_max;
    for result in outcome.results {
        let part = scan.part(result, None, room);
        room -= part.result.points.len();
        output.results.push(part);
    }
    Ok(output)
}

impl Scan {
    /// The next points of a result in the order of the scan, no more than there is room for.
    fn part(self, mut result: QueryResult, after_ms: Option<u64>, room: usize) -> Part {
        let points = &mut result.points;
        if !self.is_ascending {
            points.reverse();
        }
        if let Some(after_ms) = after_ms {
            points
                .retain(|(at, _)| if self.is_ascending { *at > after_ms } else { *at < after_ms });
        }
        let is_complete = points.len() <= room;
        points.truncate(room);
        Part { result, is_complete }
    }
}

/// The queries, if each is whole and alone well formed. Of everything that is wrong AWS makes a line.
fn checked(given: Vec<GivenQuery>, account: &str) -> Result<Vec<MetricDataQuery>, Error> {
    if given.is_empty() {
        return Err(Error::MissingParameter(
            "The parameter MetricDataQueries is required.".to_owned(),
        ));
    }
    if given.len() > QUERIES_MAX {
        return Err(Error::Validation(format!(
            "The collection MetricDataQueries must not have a size greater than {QUERIES_MAX}."
        )));
    }
    let (mut queries, mut wrong) = (Vec::with_capacity(given.len()), String::new());
    for (index, query) in given.into_iter().enumerate() {
        let path = format!("MetricDataQueries.member.{}", index + 1);
        let mut tell = |text: &str| {
            wrong.push_str(text);
            wrong.push('\n');
        };
        queries.extend(check(query, &path, account, &mut tell));
    }
    if wrong.is_empty() { Ok(queries) } else { Err(Error::Validation(wrong)) }
}

fn check(
    given: GivenQuery,
    path: &str,
    own_account: &str,
    tell: &mut impl FnMut(&str),
) -> Option<MetricDataQuery> {
    let GivenQuery { id, stat, expression, label, return_data, period_s, account_id } = given;
    if !query::is_id(&id) {
        tell(&format!(
            "The value {id} for parameter {path}.Id is not matching the expected pattern \
             ^[a-z][a-zA-Z0-9_]*$."
        ));
    }
    if account_id.as_ref().is_some_and(|account| account != own_account) {
        tell(&format!(
            "The value for parameter {path}.AccountId must be the account of the caller."
        ));
    }
    if label.as_ref().is_some_and(|label| label.chars().count() > LABEL_CHARS_MAX) {
        tell(&format!(
            "The value for parameter {path}.Label must not be longer than {LABEL_CHARS_MAX} \
             characters."
        ));
    }
    let asked = match (stat, expression) {
        (Some(_), Some(_)) => {
            tell(&format!(
                "The parameters {path}.MetricStat and {path}.Expression are mutually exclusive and \
                 you have specified both."
            ));
            return None;
        }
        (None, None) => {
            tell(&format!("The parameter {path}.MetricStat is required."));
            return None;
        }
        (Some(stat), None) => Asked::Stat(check_stat(stat, &format!("{path}.MetricStat"), tell)?),
        (None, Some(text)) => {
            if let Some(period_s) = period_s {
                check_period(period_s, path, tell);
            }
            Asked::Expression { text, period_s }
        }
    };
    Some(MetricDataQuery { id, asked, label, return_data, account_id })
}

fn check_stat(given: GivenStat, path: &str, tell: &mut impl FnMut(&str)) -> Option<MetricStat> {
    let GivenStat { namespace, name, dimensions, period_s, stat, unit } = given;
    check_period(period_s, path, tell);
    if Statistic::parse(&stat).is_none() {
        tell(&format!("The value for parameter {path}.Stat is not a valid statistic."));
    }
    let mut required = |member: &str, value: Option<String>| {
        if value.is_none() {
            tell(&format!("The parameter {path}.Metric.{member} is required."));
        }
        value
    };
    let namespace = required("Namespace", namespace);
    let name = required("MetricName", name);
    let metric = Metric { namespace: namespace?, name: name?, dimensions };
    Some(MetricStat { metric, period_s, stat, unit })
}

fn check_period(period_s: u32, path: &str, tell: &mut impl FnMut(&str)) {
    if !query::is_period(period_s) {
        tell(&format!(
            "The value {period_s} for parameter {path}.Period is not valid: it must be 1, 5, 10, \
             20, 30 or a multiple of 60."
        ));
    }
}

/// The range of a request. Times are as fine as a second, and none is before 1970.
fn range(start_ms: i64, end_ms: i64) -> Result<Range, Error> {
    let second = |ms: i64| u64::try_from(ms).unwrap_or(0) / 1000;
    let (start, end) = (second(start_ms), second(end_ms));
    let wrong = |text: &str| Err(Error::Validation(text.to_owned()));
    if start == end {
        return wrong("The parameter StartTime must not equal parameter EndTime.");
    }
    if start > end {
        return wrong("The parameter EndTime must be greater than StartTime.");
    }
    let to_ms = u64::try_from(end_ms).unwrap_or(0);
    Ok(Range { from_ms: start * 1000, to_ms, is_from_start: false })
}

fn points_max(given: Option<i64>) -> Result<usize, Error> {
    let Some(given) = given else { return Ok(POINTS_MAX) };
    usize::try_from(given).ok().filter(|max| (1..=POINTS_MAX).contains(max)).ok_or_else(|| {
        Error::Validation(format!(
            "The value {given} for parameter MaxDatapoints is not valid: it must be between 1 and \
             {POINTS_MAX}."
        ))
    })
}

/// Tells requests apart: a token is good for its own only.
fn fingerprint(queries: &[MetricDataQuery], scan: Scan) -> String {
    let Scan { range, is_ascending, .. } = scan;
    let queries = serde_json::to_string(queries).unwrap_or_default();
    let text = format!("{} {} {is_ascending} {queries}", range.from_ms, range.to_ms);
    format!("{:08x}", crc32fast::hash(text.as_bytes()))
}

fn make_token(request: &str, Place { index, after_ms }: Place) -> String {
    let after = after_ms.map_or(String::new(), |at| at.to_string());
    token::make(TOKEN, &[request, &index.to_string(), &after])
}

fn open_token(text: &str, request: &str, plan: &Plan<'_>) -> Result<Place, Error> {
    let [of, index, after] = token::open::<3>(TOKEN, text)?;
    let index = index.parse().ok().filter(|index| *index < plan.queries.len());
    let after_ms = match after.as_str() {
        "" => Some(None),
        after => after.parse().ok().map(Some),
    };
    match (index, after_ms) {
        (Some(index), Some(after_ms)) if of == request && plan.is_plain() => {
            Ok(Place { index, after_ms })
        }
        _ => Err(Error::InvalidNextToken),
    }
}

impl WireOutput for Output {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_list("MetricDataResults", &self.results, |w, part| part.write(w));
            if let Some(token) = &self.next_token {
                w.field_str("NextToken", token);
            }
            write_messages(w, &self.messages);
        });
    }

    fn bytes_hint(&self) -> usize {
        let points = self.results.iter().map(|part| part.result.points.len());
        256 + 128 * self.results.len() + 32 * points.sum::<usize>()
    }
}

impl WireOutput for Part {
    fn write<W: Writer>(&self, w: &mut W) {
        let QueryResult { id, label, points, messages } = &self.result;
        w.map(|w| {
            w.field_str("Id", id);
            w.field_str("Label", label);
            w.field_list("Timestamps", points, |w, (at, _)| w.timestamp_ms(*at));
            w.field_list("Values", points, |w, (_, value)| w.f64(*value));
            w.field_str("StatusCode", if self.is_complete { "Complete" } else { "PartialData" });
            if !messages.is_empty() {
                write_messages(w, messages);
            }
        });
    }
}

fn write_messages<W: Writer>(w: &mut W, messages: &[Message]) {
    w.field_list("Messages", messages, |w, message| {
        w.map(|w| {
            w.field_str("Code", message.code);
            w.field_str("Value", &message.value);
        });
    });
}

#[cfg(test)]
mod tests;
