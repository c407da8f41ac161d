//! When a metric alarm changes its state: a pure function of the alarm, its datapoints and the time.
//!
//! AWS: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html>
//!
//! An alarm looks at N periods (EvaluationPeriods), of which M (DatapointsToAlarm) have to breach. More than N are read:
//! where newer ones have no samples, older ones step in, so that a late sample does no harm. What is still missing then is
//! filled as TreatMissingData says.
//!
//! ```text
//! newest N periods with samples among the range       what is evaluated
//! N of them                                            these; TreatMissingData is not used
//! fewer: `breaching`, `notBreaching`                   these, and fillers for the rest
//! fewer: `missing`, `ignore`                           these, if M breach or one does not;
//!                                                      else see `alarms_early`
//! none: `missing`, `ignore`                            INSUFFICIENT_DATA, or the state stays
//! ```

use super::{
    model::{LowSamples, MetricAlarm, Missing, StateValue},
    reason,
};
use crate::limits;

/// The value of one period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    /// When the period begins, Unix ms.
    pub at_ms: u64,
    pub value: f64,
    /// Of how many samples; results of metric math have none.
    pub sample_count: Option<f64>,
}

/// The periods that are read for one evaluation: they end with the last whole minute, or with the last whole ten seconds if
/// they are shorter than a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EvaluationRange {
    /// Inclusive, Unix ms.
    pub from_ms: u64,
    pub period_ms: u64,
    pub periods: usize,
}

impl EvaluationRange {
    /// What has to be read to evaluate an alarm now.
    pub(crate) fn of(alarm: &MetricAlarm, now_ms: u64) -> EvaluationRange {
        let period_ms = u64::from(alarm.period_s().max(1)) * 1000;
        let looked_at = u64::from(alarm.evaluation_periods.max(1));
        // AWS says only that it reads more; of three periods it reads five in all of its examples.
        let periods = looked_at + (looked_at / 3).max(2);
        let step_ms = evaluation_interval_ms(alarm);
        let to_ms = now_ms / step_ms * step_ms;
        let length_ms = periods.saturating_mul(period_ms);
        EvaluationRange {
            from_ms: to_ms.saturating_sub(length_ms),
            period_ms,
            periods: usize::try_from(periods).unwrap_or(usize::MAX),
        }
    }

    /// Exclusive, Unix ms.
    pub(crate) fn to_ms(self) -> u64 {
        let length_ms = self.period_ms.saturating_mul(self.periods as u64);
        self.from_ms.saturating_add(length_ms)
    }

    /// When a period begins.
    pub(crate) fn start_ms(self, period: usize) -> u64 {
        self.from_ms.saturating_add(self.period_ms.saturating_mul(period as u64))
    }

    /// The points in their places, oldest period first. What lies outside of the range or is no number has no place.
    pub(crate) fn place(self, points: impl IntoIterator<Item = Point>) -> Vec<Option<Point>> {
        let mut places = vec![None; self.periods];
        for point in points {
            let Some(offset_ms) = point.at_ms.checked_sub(self.from_ms) else { continue };
            let place = usize::try_from(offset_ms / self.period_ms.max(1));
            let place = place.ok().and_then(|place| places.get_mut(place));
            if let Some(place) = place
                && point.value.is_finite()
            {
                *place = Some(point);
            }
        }
        places
    }
}

/// How often an alarm is evaluated: each minute; every ten seconds if its periods are shorter than a minute; each hour, up to
/// the whole hour, if the periods that it looks at are longer than a day in all (AWS: a multi-day alarm).
pub(crate) fn evaluation_interval_ms(alarm: &MetricAlarm) -> u64 {
    let period_s = u64::from(alarm.period_s());
    let span_s = period_s.saturating_mul(alarm.evaluation_periods.into());
    match period_s {
        _ if span_s > limits::ALARM_SPAN_S => 3_600_000,
        0..60 => 10_000,
        _ => 60_000,
    }
}

/// What an evaluation comes to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict<'a> {
    /// The state stays what it is.
    Keep,
    /// The state is this; it may be the one that the alarm has already.
    Be(StateValue, Evaluated<'a>),
}

/// What was evaluated: it makes the words that explain a state. Most evaluations change nothing and need none.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Evaluated<'a> {
    pub alarm: &'a MetricAlarm,
    pub now_ms: u64,
    /// Periods with samples, newest first.
    pub real: Vec<Point>,
    /// When the periods begin that had none and were filled, newest first.
    pub missing_ms: Vec<u64>,
}

impl Evaluated<'_> {
    /// StateReason of the state that was found.
    pub(crate) fn reason(&self, state: StateValue) -> String {
        reason::sentence(self, state)
    }

    /// StateReasonData: a JSON text.
    pub(crate) fn reason_data(&self) -> String {
        reason::data(self)
    }
}

/// Evaluates an alarm over the points of its [`EvaluationRange`], oldest first, one place for each period.
pub(crate) fn evaluate<'a>(
    alarm: &'a MetricAlarm,
    points: &[Option<Point>],
    range: &EvaluationRange,
    now_ms: u64,
) -> Verdict<'a> {
    let looked_at = alarm.evaluation_periods.max(1) as usize;
    let to_alarm = (alarm.to_alarm().max(1) as usize).min(looked_at);

    let newest_first = || points.iter().enumerate().rev();
    let real: Vec<Point> = newest_first().filter_map(|(_, point)| *point).take(looked_at).collect();
    if has_too_few_samples(alarm, &real) {
        return Verdict::Keep;
    }
    let fillers = looked_at - real.len();
    let missing_ms: Vec<u64> = newest_first()
        .filter(|(_, point)| point.is_none())
        .map(|(period, _)| range.start_ms(period))
        .take(fillers)
        .collect();

    let breaches = |point: &Point| alarm.comparison.breaches(point.value, alarm.threshold);
    let breaching = real.iter().filter(|point| breaches(point)).count();
    let by_count = |breaching: usize| match breaching >= to_alarm {
        true => StateValue::Alarm,
        false => StateValue::Ok,
    };
    let state = match alarm.missing() {
        _ if fillers == 0 => by_count(breaching),
        Missing::Breaching => by_count(breaching + fillers),
        Missing::NotBreaching => by_count(breaching),
        Missing::Unfilled if real.is_empty() => StateValue::InsufficientData,
        Missing::Ignore if real.is_empty() => return Verdict::Keep,
        // Enough breach, or one does not: the fillers do not matter.
        Missing::Unfilled | Missing::Ignore if breaching >= to_alarm || breaching < real.len() => {
            by_count(breaching)
        }
        Missing::Unfilled if alarms_early(points, to_alarm) => StateValue::Alarm,
        Missing::Unfilled | Missing::Ignore => return Verdict::Keep,
    };
    Verdict::Be(state, Evaluated { alarm, now_ms, real, missing_ms })
}

/// AWS's "premature alarm state": fewer than M periods have samples, but all of them breach, and the oldest lies M periods
/// back or more. A younger one may yet be followed by one that does not breach: then nothing is said.
fn alarms_early(points: &[Option<Point>], to_alarm: usize) -> bool {
    let oldest = points.iter().position(Option::is_some);
    oldest.is_some_and(|oldest| points.len() - oldest >= to_alarm)
}

/// Whether a percentile is asked of too few samples to mean anything, and the alarm wants to know nothing of those. AWS asks
/// for 10 / (1 - percentile) samples above the median and for 10 / percentile below it. One such period among those that
/// are evaluated keeps the state.
fn has_too_few_samples(alarm: &MetricAlarm, real: &[Point]) -> bool {
    if alarm.low_samples != Some(LowSamples::Ignore) {
        return false;
    }
    let Some(needed) = alarm.extended_statistic().and_then(samples_needed) else { return false };
    real.iter().any(|point| point.sample_count.is_some_and(|count| count < needed))
}

/// How many samples a percentile needs; `None` for what is no percentile, and for p0 and p100, the least and the greatest.
fn samples_needed(statistic: &str) -> Option<f64> {
    let percent: f64 = statistic.strip_prefix('p')?.parse().ok()?;
    (percent > 0.0 && percent < 100.0).then(|| 1000.0 / percent.min(100.0 - percent))
}

#[cfg(test)]
mod tests;
