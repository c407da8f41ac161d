use proptest::prelude::*;

use super::*;
use crate::alarm::model::{Comparison, Watched, WatchedStatistic, tests::metric_alarm};

const NOW_MS: u64 = 1_772_100_000_000;
const TREATMENTS: [Missing; 4] =
    [Missing::Unfilled, Missing::Ignore, Missing::Breaching, Missing::NotBreaching];

/// An alarm on values above 10, M of N.
fn alarm(to_alarm: u32, periods: u32, missing: Missing) -> MetricAlarm {
    let mut alarm = metric_alarm();
    alarm.comparison = Comparison::Greater;
    alarm.threshold = 10.0;
    alarm.evaluation_periods = periods;
    alarm.datapoints_to_alarm = Some(to_alarm);
    alarm.treat_missing_data = Some(missing);
    alarm
}

/// Points as AWS's tables show them, oldest first: 0 is fine, X breaches, - is missing.
fn points(range: &EvaluationRange, text: &str) -> Vec<Option<Point>> {
    let periods = text.chars().filter(|letter| !letter.is_whitespace());
    let points: Vec<_> = periods
        .enumerate()
        .map(|(period, letter)| {
            let value = match letter {
                'X' => 20.0,
                '0' => 5.0,
                _ => return None,
            };
            Some(Point { at_ms: range.start_ms(period), value, sample_count: Some(1.0) })
        })
        .collect();
    assert_eq!(points.len(), range.periods, "{text}");
    points
}

fn state(alarm: &MetricAlarm, text: &str) -> &'static str {
    let range = EvaluationRange::of(alarm, NOW_MS);
    shown(&evaluate(alarm, &points(&range, text), &range, NOW_MS))
}

fn shown(verdict: &Verdict<'_>) -> &'static str {
    match verdict {
        Verdict::Keep => "keep",
        Verdict::Be(state, _) => state.text(),
    }
}

/// A row for each pattern: the states by `missing`, `ignore`, `breaching`, `notBreaching`.
fn check(to_alarm: u32, periods: u32, rows: &[(&str, [&str; 4])]) {
    for (text, states) in rows {
        for (missing, expected) in TREATMENTS.into_iter().zip(states) {
            let alarm = alarm(to_alarm, periods, missing);
            assert_eq!(
                state(&alarm, text),
                *expected,
                "{text}, {to_alarm} of {periods}, {}",
                missing.text()
            );
        }
    }
}

#[test]
fn three_of_three_as_aws_documents_it() {
    check(
        3,
        3,
        &[
            ("0 - X - X", ["OK", "OK", "OK", "OK"]),
            ("0 - - - -", ["OK", "OK", "OK", "OK"]),
            ("- - - - -", ["INSUFFICIENT_DATA", "keep", "ALARM", "OK"]),
            ("0 X X - X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
            ("- - X - -", ["ALARM", "keep", "ALARM", "OK"]),
        ],
    );
}

#[test]
fn two_of_three_as_aws_documents_it() {
    check(
        2,
        3,
        &[
            ("0 - X - X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
            ("0 0 X 0 X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
            ("0 - X - -", ["OK", "OK", "ALARM", "OK"]),
            ("- - - - 0", ["OK", "OK", "ALARM", "OK"]),
            ("- - - X -", ["ALARM", "keep", "ALARM", "OK"]),
        ],
    );
}

#[test]
fn a_lone_young_point_that_breaches_does_not_alarm_yet() {
    check(
        3,
        3,
        &[
            ("- - - - X", ["keep", "keep", "ALARM", "OK"]),
            ("- - - X -", ["keep", "keep", "ALARM", "OK"]),
            ("- - - X X", ["keep", "keep", "ALARM", "OK"]),
            ("- - X - X", ["ALARM", "keep", "ALARM", "OK"]),
            ("X - - - -", ["ALARM", "keep", "ALARM", "OK"]),
            // What follows does not breach: no alarm.
            ("- - - X 0", ["OK", "OK", "OK", "OK"]),
            ("- - X - 0", ["OK", "OK", "OK", "OK"]),
        ],
    );
}

#[test]
fn whole_ranges_know_no_treatment() {
    check(
        3,
        3,
        &[
            ("0 0 0 0 0", ["OK"; 4]),
            ("X X 0 0 0", ["OK"; 4]),
            ("0 0 X X X", ["ALARM"; 4]),
            ("X X X X 0", ["OK"; 4]),
            ("X X X 0 X", ["OK"; 4]),
        ],
    );
    check(
        1,
        3,
        &[("X X 0 0 0", ["OK"; 4]), ("0 0 X 0 0", ["ALARM"; 4]), ("0 X 0 - 0", ["ALARM"; 4])],
    );
}

#[test]
fn one_of_one_waits_for_late_samples() {
    check(
        1,
        1,
        &[
            ("- - X", ["ALARM"; 4]),
            ("X - -", ["ALARM"; 4]),
            ("X 0 -", ["OK"; 4]),
            ("0 - X", ["ALARM"; 4]),
            ("- - -", ["INSUFFICIENT_DATA", "keep", "ALARM", "OK"]),
        ],
    );
}

#[test]
fn missing_is_what_an_alarm_does_that_was_not_told() {
    let mut alarm = alarm(3, 3, Missing::Unfilled);
    alarm.treat_missing_data = None;
    alarm.datapoints_to_alarm = None;
    assert_eq!(state(&alarm, "- - - - -"), "INSUFFICIENT_DATA");
    assert_eq!(state(&alarm, "0 X X - X"), "ALARM");
    assert_eq!(state(&alarm, "0 0 X 0 X"), "OK", "all of N have to breach");
}

#[test]
fn the_value_is_the_left_operand() {
    for (comparison, below, equal, above) in [
        (Comparison::Greater, "OK", "OK", "ALARM"),
        (Comparison::GreaterOrEqual, "OK", "ALARM", "ALARM"),
        (Comparison::Less, "ALARM", "OK", "OK"),
        (Comparison::LessOrEqual, "ALARM", "ALARM", "OK"),
    ] {
        let mut alarm = alarm(1, 1, Missing::Unfilled);
        alarm.comparison = comparison;
        let range = EvaluationRange::of(&alarm, NOW_MS);
        for (value, expected) in [(9.0, below), (10.0, equal), (11.0, above)] {
            let point = Point { at_ms: range.start_ms(2), value, sample_count: None };
            let verdict = evaluate(&alarm, &range.place([point]), &range, NOW_MS);
            assert_eq!(shown(&verdict), expected, "{value} {}", comparison.text());
        }
    }
}

#[test]
fn the_range_ends_with_the_last_whole_step() {
    for (period_s, periods, read, step_ms) in [
        (60, 1, 3, 60_000),
        (60, 3, 5, 60_000),
        (60, 30, 40, 60_000),
        (300, 6, 8, 60_000),
        (86_400, 1, 3, 60_000),
        (86_400, 7, 9, 3_600_000),
        (3600, 25, 33, 3_600_000),
        (10, 1, 3, 10_000),
        (30, 9, 12, 10_000),
    ] {
        let mut alarm = alarm(1, periods, Missing::Unfilled);
        let Watched::Metric(metric) = &mut alarm.watched else { panic!("one metric") };
        metric.period_s = period_s;
        let now_ms = NOW_MS + 3_210;
        let range = EvaluationRange::of(&alarm, now_ms);
        assert_eq!(range.periods, read, "{periods} periods");
        assert_eq!(range.to_ms(), now_ms / step_ms * step_ms);
        assert_eq!(range.to_ms() - range.from_ms, read as u64 * u64::from(period_s) * 1000);
        assert_eq!(evaluation_interval_ms(&alarm), step_ms);
    }
}

#[test]
fn points_find_their_places() {
    let alarm = alarm(1, 1, Missing::Unfilled);
    let range = EvaluationRange::of(&alarm, NOW_MS);
    let point = |at_ms, value| Point { at_ms, value, sample_count: None };
    let placed = range.place([
        point(range.from_ms - 1, 1.0),
        point(range.from_ms, 2.0),
        point(range.to_ms() - 1, 3.0),
        point(range.to_ms(), 4.0),
        point(range.from_ms + 60_000, f64::NAN),
        point(u64::MAX, 5.0),
    ]);
    let values: Vec<_> = placed.iter().map(|point| point.map(|point| point.value)).collect();
    assert_eq!(values, [Some(2.0), None, Some(3.0)]);
}

#[test]
fn percentiles_of_too_few_samples_keep_the_state_if_told_so() {
    for (statistic, samples, low_samples, expected) in [
        ("p90", 99.0, Some(LowSamples::Ignore), "keep"),
        ("p90", 100.0, Some(LowSamples::Ignore), "ALARM"),
        ("p99", 999.0, Some(LowSamples::Ignore), "keep"),
        ("p99", 1000.0, Some(LowSamples::Ignore), "ALARM"),
        ("p50", 19.0, Some(LowSamples::Ignore), "keep"),
        ("p50", 20.0, Some(LowSamples::Ignore), "ALARM"),
        ("p10", 99.0, Some(LowSamples::Ignore), "keep"),
        ("p10", 100.0, Some(LowSamples::Ignore), "ALARM"),
        ("p100", 1.0, Some(LowSamples::Ignore), "ALARM"),
        ("tm90", 1.0, Some(LowSamples::Ignore), "ALARM"),
        ("p99", 1.0, Some(LowSamples::Evaluate), "ALARM"),
        ("p99", 1.0, None, "ALARM"),
    ] {
        let mut alarm = alarm(1, 1, Missing::Unfilled);
        alarm.low_samples = low_samples;
        let Watched::Metric(metric) = &mut alarm.watched else { panic!("one metric") };
        metric.statistic = WatchedStatistic::Extended(statistic.to_owned());
        let range = EvaluationRange::of(&alarm, NOW_MS);
        let point = |at_ms, count| Point { at_ms, value: 20.0, sample_count: Some(count) };
        // Only what is evaluated counts: the oldest is not.
        let points = range.place([point(range.from_ms, 0.5), point(range.start_ms(2), samples)]);
        let verdict = evaluate(&alarm, &points, &range, NOW_MS);
        assert_eq!(shown(&verdict), expected, "{statistic} of {samples}");
    }
}

/// An alarm and its points, oldest first: `None` missing, else whether it breaches.
fn worlds() -> impl Strategy<Value = (MetricAlarm, Vec<Option<bool>>)> {
    (1_u32..12, 1_u32..12, 0_usize..4).prop_flat_map(|(one, other, treatment)| {
        let alarm = alarm(one.min(other), one.max(other), TREATMENTS[treatment]);
        let periods = EvaluationRange::of(&alarm, NOW_MS).periods;
        let points = proptest::collection::vec(proptest::option::of(any::<bool>()), periods);
        (Just(alarm), points)
    })
}

fn evaluate_pattern<'a>(alarm: &'a MetricAlarm, pattern: &[Option<bool>]) -> Verdict<'a> {
    let range = EvaluationRange::of(alarm, NOW_MS);
    let points: Vec<_> = pattern
        .iter()
        .enumerate()
        .map(|(period, breaches)| {
            let value = if (*breaches)? { 20.0 } else { 5.0 };
            Some(Point { at_ms: range.start_ms(period), value, sample_count: None })
        })
        .collect();
    evaluate(alarm, &points, &range, NOW_MS)
}

proptest! {
    #[test]
    fn one_more_breach_never_ends_an_alarm((alarm, pattern) in worlds(), at in any::<prop::sample::Index>()) {
        let before = evaluate_pattern(&alarm, &pattern);
        let mut more = pattern.clone();
        *at.get_mut(&mut more[..]) = Some(true);
        let after = evaluate_pattern(&alarm, &more);
        if shown(&before) == "ALARM" {
            prop_assert_eq!(shown(&after), "ALARM", "{:?}", pattern);
        }
    }

    #[test]
    fn one_more_good_point_never_starts_an_alarm((alarm, pattern) in worlds(), at in any::<prop::sample::Index>()) {
        let before = evaluate_pattern(&alarm, &pattern);
        let mut more = pattern.clone();
        *at.get_mut(&mut more[..]) = Some(false);
        let after = evaluate_pattern(&alarm, &more);
        if shown(&before) == "OK" {
            prop_assert_eq!(shown(&after), "OK", "{:?}", pattern);
        }
    }

    #[test]
    fn fewer_to_alarm_alarm_sooner((alarm, pattern) in worlds()) {
        let verdict = evaluate_pattern(&alarm, &pattern);
        let mut eager = alarm.clone();
        eager.datapoints_to_alarm = Some(1);
        if shown(&verdict) == "ALARM" {
            prop_assert_eq!(shown(&evaluate_pattern(&eager, &pattern)), "ALARM");
        }
    }

    #[test]
    fn treatments_differ_only_where_points_are_missing((alarm, pattern) in worlds()) {
        let mut verdicts = TREATMENTS.map(|missing| {
            let mut alarm = alarm.clone();
            alarm.treat_missing_data = Some(missing);
            shown(&evaluate_pattern(&alarm, &pattern))
        });
        let real = pattern.iter().flatten().count();
        if real >= alarm.evaluation_periods as usize {
            verdicts.sort_unstable();
            prop_assert_eq!(verdicts[0], verdicts[3]);
        } else {
            // Good fillers alarm least, bad ones most.
            prop_assert!(!(verdicts[3] == "ALARM" && verdicts[2] != "ALARM"));
        }
        prop_assert_eq!(verdicts.contains(&"INSUFFICIENT_DATA"), real == 0);
    }

    #[test]
    fn no_alarm_and_no_points_make_it_panic(
        to_alarm in any::<u32>(),
        periods in 0_u32..3_000,
        period_s in any::<u32>(),
        threshold in any::<f64>(),
        values in proptest::collection::vec((any::<u64>(), any::<f64>(), any::<f64>()), 0..40),
        now_ms in any::<u64>(),
        treatment in 0_usize..4,
        with_hint in any::<bool>(),
    ) {
        let mut alarm = alarm(to_alarm, periods, TREATMENTS[treatment]);
        alarm.threshold = threshold;
        alarm.low_samples = Some(LowSamples::Ignore);
        let Watched::Metric(metric) = &mut alarm.watched else { panic!("one metric") };
        metric.period_s = period_s;
        if with_hint {
            metric.dimensions.clear();
            metric.statistic = WatchedStatistic::Extended("p99.9".to_owned());
        }
        let range = EvaluationRange::of(&alarm, now_ms);
        let points = range.place(values.iter().map(|(at, value, count)| Point {
            at_ms: range.from_ms.saturating_add(at % 4_000_000),
            value: *value,
            sample_count: Some(*count),
        }));
        prop_assert_eq!(points.len(), range.periods);
        if let Verdict::Be(state, evaluated) = evaluate(&alarm, &points, &range, now_ms) {
            prop_assert!(evaluated.reason(state).chars().count() <= 1_023);
            prop_assert!(evaluated.reason_data().len() <= 4_000);
        }
    }
}

#[test]
fn the_reason_goes_along() {
    let alarm = alarm(1, 1, Missing::Unfilled);
    let range = EvaluationRange::of(&alarm, NOW_MS);
    let verdict = evaluate(&alarm, &points(&range, "- - X"), &range, NOW_MS);
    let Verdict::Be(state, evaluated) = verdict else { panic!("{verdict:?}") };
    assert_eq!(state, StateValue::Alarm);
    let (reason, reason_data) = (evaluated.reason(state), evaluated.reason_data());
    assert!(reason.starts_with("Threshold Crossed: 1 out of the last 1 datapoints [20.0 ("));
    assert!(reason_data.contains(r#""recentDatapoints":[20.0]"#), "{reason_data}");
}
