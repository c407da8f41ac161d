//! When alarms are looked at, and the look itself.
//!
//! Alarms with periods of a minute or more are looked at each minute, those with shorter ones every ten seconds, those that
//! look back for days each hour: after the boundary and a grace in which the last counts arrive, spread over a few seconds by their names. A round is made for
//! the newest boundary and replaces the one before, so that neither a jump of the clock nor a slow round piles up more
//! than one. What was just defined is looked at at once, and so is everything when the room opens.

use std::{
    collections::{BTreeMap, BTreeSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    task::Poll,
};

use nautilus_metrics::Series;
use nautilus_stats::Statistic;
use parking_lot::Mutex;

use super::{
    evaluate::{EvaluationRange, Point, Verdict, evaluate, evaluation_interval_ms},
    model::{Alarm, MetricAlarm, State, Watched, WatchedMetric},
    transition::{NewState, enter_all},
};
use crate::{
    catalog::{AlarmId, Edit, Snapshot, unchanged},
    cloudwatch::Inner,
    error::Error,
    limits,
    metric::MetricDataQuery,
    query::{self, Scope},
};

/// How often alarms are looked at, by their periods.
const INTERVALS_MS: [u64; 3] = [3_600_000, 60_000, 10_000];

/// Which alarms are due when.
#[derive(Default)]
pub(crate) struct Schedule {
    state: Mutex<Due>,
}

#[derive(Default)]
struct Due {
    rounds: [Round; INTERVALS_MS.len()],
    soon: BTreeSet<AlarmId>,
}

/// The alarms of one interval after one boundary.
#[derive(Default)]
struct Round {
    /// `None` before the first.
    boundary_ms: Option<u64>,
    /// By when they are due, Unix ms.
    slots: BTreeMap<u64, Vec<AlarmId>>,
}

impl Schedule {
    /// Something was defined: it is looked at with the next tick.
    pub(crate) fn look_soon(&self, id: AlarmId) {
        self.state.lock().soon.insert(id);
    }

    /// Takes out what is due.
    fn take(&self, snapshot: &Snapshot, now_ms: u64) -> Vec<AlarmId> {
        let mut state = self.state.lock();
        let mut due: Vec<AlarmId> = std::mem::take(&mut state.soon).into_iter().collect();
        for (round, interval_ms) in state.rounds.iter_mut().zip(INTERVALS_MS) {
            let boundary_ms = now_ms / interval_ms * interval_ms;
            if round.boundary_ms != Some(boundary_ms) {
                let is_first = round.boundary_ms.is_none();
                *round = Round::of(snapshot, interval_ms, boundary_ms);
                if is_first {
                    due.extend(round.slots.values().flatten().cloned());
                    round.slots.clear();
                }
            }
            let later = round.slots.split_off(&(now_ms + 1));
            due.extend(std::mem::replace(&mut round.slots, later).into_values().flatten());
        }
        due
    }

    /// When something is due next, Unix ms.
    pub(crate) fn next_ms(&self, snapshot: &Snapshot, now_ms: u64) -> Option<u64> {
        let state = self.state.lock();
        if !state.soon.is_empty() {
            return Some(now_ms);
        }
        let next = |(round, interval_ms): (&Round, u64)| {
            let slot = round.slots.keys().next().copied();
            slot.or_else(|| {
                let boundary_ms = round.boundary_ms? + interval_ms;
                let has_some = metric_alarms(snapshot)
                    .any(|alarm| evaluation_interval_ms(alarm) == interval_ms);
                has_some.then_some(boundary_ms + limits::COLLECT_GRACE_MS)
            })
        };
        state.rounds.iter().zip(INTERVALS_MS).filter_map(next).min()
    }
}

impl Round {
    fn of(snapshot: &Snapshot, interval_ms: u64, boundary_ms: u64) -> Round {
        let mut slots: BTreeMap<u64, Vec<AlarmId>> = BTreeMap::new();
        let alarms = metric_alarms(snapshot);
        for alarm in alarms.filter(|alarm| evaluation_interval_ms(alarm) == interval_ms) {
            let id = AlarmId::of(&alarm.about);
            let due_ms = boundary_ms + limits::COLLECT_GRACE_MS + slot(&id) * limits::SLOT_MS;
            slots.entry(due_ms).or_default().push(id);
        }
        Round { boundary_ms: Some(boundary_ms), slots }
    }
}

/// Which of the slots after a boundary is an alarm's, always the same.
fn slot(id: &AlarmId) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish() % limits::SLOTS
}

fn metric_alarms(snapshot: &Snapshot) -> impl Iterator<Item = &MetricAlarm> {
    let alarms = snapshot.regions().flat_map(|region| region.alarms().values());
    alarms.filter_map(|alarm| match &**alarm {
        Alarm::Metric(alarm) => Some(alarm),
        Alarm::Composite(_) => None,
    })
}

/// Looks at all alarms that are due.
pub(crate) async fn run_due(inner: &Inner) {
    let due = inner.schedule.take(&inner.catalog.load(), inner.now_ms());
    for ids in due.chunks(limits::LOOK_BATCH) {
        let snapshot = inner.catalog.snapshot();
        look_at(inner, &snapshot, ids).await;
        pause().await;
    }
}

/// Looks at some alarms, as they are in a snapshot, and makes their changes.
async fn look_at(inner: &Inner, snapshot: &Snapshot, ids: &[AlarmId]) {
    let mut changes = Vec::new();
    for id in ids {
        let Some(alarm) = snapshot.alarm(id) else { continue };
        let Alarm::Metric(metric) = &**alarm else { continue };
        match look(inner, metric, inner.now_ms()).await {
            Ok(Some(new)) => changes.push((id.clone(), Seen::of(metric), new)),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(alarm = id.name, %error, "an alarm could not be evaluated");
            }
        }
    }
    if let Err(error) = change(inner, changes).await {
        // They are what they were: the next look finds the same.
        tracing::warn!(%error, "alarms could not come to their states");
    }
}

/// Looks at all alarms of a snapshot that may be old.
#[cfg(test)]
pub(super) async fn look_at_all(inner: &Inner, snapshot: &Snapshot) {
    let ids: Vec<_> = metric_alarms(snapshot).map(|alarm| AlarmId::of(&alarm.about)).collect();
    look_at(inner, snapshot, &ids).await;
}

/// What an alarm was when it was looked at: its change is not made to another one.
#[derive(PartialEq, Eq)]
struct Seen {
    configured_ms: u64,
    state: State,
}

impl Seen {
    fn of(alarm: &MetricAlarm) -> Seen {
        Seen { configured_ms: alarm.about.configured_ms, state: alarm.about.state.clone() }
    }
}

async fn change(inner: &Inner, changes: Vec<(AlarmId, Seen, NewState)>) -> Result<(), Error> {
    if changes.is_empty() {
        return Ok(());
    }
    let (ids, now_ms) = (inner.ids.clone(), inner.now_ms());
    inner
        .change(move |snapshot| {
            let mut edit = Edit::new(snapshot);
            let is_as_seen = |id: &AlarmId, seen: &Seen| match snapshot.alarm(id).map(|one| &**one)
            {
                Some(Alarm::Metric(alarm)) => Seen::of(alarm) == *seen,
                _ => false,
            };
            let states: Vec<_> = changes
                .into_iter()
                .filter(|(id, seen, _)| is_as_seen(id, seen))
                .map(|(id, _, new)| (id, new))
                .collect();
            if states.is_empty() {
                return Ok(unchanged(()));
            }
            enter_all(&mut edit, &ids, states, now_ms);
            Ok(edit.finish(()))
        })
        .await
}

/// The state that an alarm should come to, if it is another one.
async fn look(inner: &Inner, alarm: &MetricAlarm, now_ms: u64) -> Result<Option<NewState>, Error> {
    // Just behind a boundary the last counts before it may not be there: then it is not reached yet.
    let range = EvaluationRange::of(alarm, now_ms.saturating_sub(limits::COLLECT_GRACE_MS));
    let points = match &alarm.watched {
        Watched::Metric(metric) => read(inner, alarm, metric, &range).await?,
        Watched::Queries(queries) => compute(inner, alarm, queries, &range, now_ms).await?,
    };
    let points = range.place(points);
    Ok(match evaluate(alarm, &points, &range, now_ms) {
        Verdict::Be(state, evaluated) if state != alarm.about.state.value => Some(NewState {
            value: state,
            reason: evaluated.reason(state),
            reason_data: Some(evaluated.reason_data()),
            triggering: Vec::new(),
        }),
        Verdict::Be(..) | Verdict::Keep => None,
    })
}

/// The points of the one metric that an alarm watches.
async fn read(
    inner: &Inner,
    alarm: &MetricAlarm,
    metric: &WatchedMetric,
    range: &EvaluationRange,
) -> Result<Vec<Point>, Error> {
    let Some(statistic) = Statistic::parse(metric.statistic.text()) else { return Ok(Vec::new()) };
    let series = series(alarm, metric);
    let mut points: BTreeMap<u64, Point> = BTreeMap::new();
    for (id, found) in inner.metrics.find(&series) {
        if metric.unit.is_some_and(|unit| unit != found.unit) {
            continue;
        }
        let read = inner.metrics.read(id, range.from_ms, range.to_ms(), metric.period_s).await?;
        for (at_ms, distribution) in read {
            // AWS does not say what an alarm without unit sees of a metric in several; here it sees one for each period.
            if let Some(value) = distribution.statistic(&statistic) {
                let sample_count = Some(distribution.count);
                points.entry(at_ms).or_insert(Point { at_ms, value, sample_count });
            }
        }
    }
    Ok(points.into_values().collect())
}

/// The points of the one query that an alarm watches.
async fn compute(
    inner: &Inner,
    alarm: &MetricAlarm,
    queries: &[MetricDataQuery],
    range: &EvaluationRange,
    now_ms: u64,
) -> Result<Vec<Point>, Error> {
    let (account, region) = (&alarm.about.account, &alarm.about.region);
    let scope = Scope { account, region, now_ms, zone_minutes: 0 };
    let periods =
        query::Range { from_ms: range.from_ms, to_ms: range.to_ms(), is_from_start: true };
    let results = query::run(&inner.metrics, scope, queries, periods).await?;
    let points = results.into_iter().next().map(|result| result.points).unwrap_or_default();
    Ok(points
        .into_iter()
        .map(|(at_ms, value)| Point { at_ms, value, sample_count: None })
        .collect())
}

fn series(alarm: &MetricAlarm, metric: &WatchedMetric) -> Series {
    let mut dimensions: Vec<_> = metric
        .dimensions
        .iter()
        .map(|dimension| nautilus_metrics::Dimension {
            name: dimension.name.as_str().into(),
            value: dimension.value.as_str().into(),
        })
        .collect();
    dimensions.sort();
    Series {
        account: alarm.about.account.as_str().into(),
        region: alarm.about.region.as_str().into(),
        namespace: metric.namespace.as_str().into(),
        name: metric.name.as_str().into(),
        dimensions,
        unit: metric.unit.unwrap_or_default(),
    }
}

/// Lets others have the thread.
async fn pause() {
    let mut has_paused = false;
    std::future::poll_fn(|context| {
        if has_paused {
            return Poll::Ready(());
        }
        has_paused = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
