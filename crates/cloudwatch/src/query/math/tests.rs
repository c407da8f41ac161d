//! AWS's documented examples and rules as a table, and what must hold for any text.
//!
//! A series is written as its values by the minute, `-` where there is none.

use std::{collections::HashMap, sync::Arc};

use proptest::prelude::*;

use super::*;
use crate::query::limits::{EXPRESSION_CHARS_MAX, MATH_POINTS_MAX, SERIES_MAX};

const GRID: Grid = Grid { from_ms: 0, to_ms: 300_000, is_from_start: false };

fn series(text: &str) -> Arc<Series> {
    let values = text.split_whitespace().enumerate().filter(|(_, value)| *value != "-");
    let points = values.map(|(minute, value)| {
        (minute as u64 * 60_000, value.parse().unwrap_or_else(|_| panic!("{value}")))
    });
    let points = points.collect();
    Arc::new(Series { points, period_s: 60, source: None, is_metric: true })
}

fn text_of(series: &Series) -> String {
    let value = |at: u64| series.points.iter().find(|point| point.0 == at).map(|point| point.1);
    let slots = GRID.times(60).map(|at| value(at).map_or("-".to_owned(), |v| v.to_string()));
    slots.collect::<Vec<_>>().join(" ")
}

fn run_with(text: &str, metrics: &[(&str, Arc<Series>)]) -> Result<Evaluated, MathError> {
    let program = Program::parse(text)?;
    let values = metrics.iter().map(|(id, series)| (*id, Value::Series(Arc::clone(series))));
    let context = Context {
        grid: GRID,
        period_s: 60,
        metrics,
        values: &values.collect(),
        searches: &[vec![series("1 - - - -"), series("2 2 - - -")]],
    };
    evaluate(&program, &context, &mut Budget::default())
}

fn metrics() -> Vec<(&'static str, Arc<Series>)> {
    vec![
        ("m1", series("30 20 0 0 -")),
        ("m2", series("20 - 20 - -")),
        ("m3", series("- 4 - 8 -")),
        ("none", series("- - - - -")),
    ]
}

/// The value as text: a scalar as it is, arrays with bars between the series.
fn run(text: &str) -> String {
    match run_with(text, &metrics()) {
        Ok(Evaluated { value: Value::Scalar(value), .. }) => format!("scalar {value}"),
        Ok(Evaluated { value: Value::Series(series), .. }) => text_of(&series),
        Ok(Evaluated { value: Value::Array(all), .. }) => {
            all.iter().map(|series| text_of(series)).collect::<Vec<_>>().join(" | ")
        }
        Err(error) => format!("error {error}"),
    }
}

fn check(text: &str, expected: &str) {
    assert_eq!(run(text), expected, "{text}");
}

#[test]
fn arithmetic_takes_what_is_missing_for_0() {
    check("m1 + m2", "50 20 20 0 -");
    check("m1 - m2", "10 20 -20 0 -");
    check("5 * m1", "150 100 0 0 -");
    check("m1 * m2", "600 0 0 0 -");
    check("-m2", "-20 - -20 - -");
    check("2 ^ m3", "- 16 - 256 -");
    check("PERIOD(m1)/60", "scalar 1");
    check("METRICS()*100", "3000 2000 0 0 - | 2000 - 2000 - - | - 400 - 800 - | - - - - -");
    check("[m1, m2] - m2", "10 20 -20 0 - | 0 - 0 - -");
    check("m2 / [m1, m2]", "0.6666666666666666 0 - - - | 1 - 1 - -");
}

#[test]
fn a_division_by_0_gives_no_point_and_that_is_told() {
    check("m2 / m1", "0.6666666666666666 0 - - -");
    assert!(run_with("m2 / m1", &metrics()).expect("a value").has_dropped);
    assert!(!run_with("m1 / 2", &metrics()).expect("a value").has_dropped);
    check("m1 / 0", "- - - - -");
    check("LOG10(m1 * 10 / 3)", "2 1.8239087409443189 - - -");
}

#[test]
fn operators_bind_as_in_mathematics() {
    check("1 + 2 * 3 - 4 / 2", "scalar 5");
    check("2 ^ 3 ^ 2", "scalar 512");
    check("-2 ^ 2", "scalar -4");
    check("2 ^ -1", "scalar 0.5");
    check("- - 3", "scalar 3");
    check("---3", "scalar -3");
    check("10 - 2 - 3", "scalar 5");
    check("2 * (3 + 4)", "scalar 14");
    check("1 < 2 == 1", "scalar 1");
    check("1 OR 0 AND 0", "scalar 1");
    check("1 + 1 > 1 && 3 != 3 || 2 <= 2", "scalar 1");
}

/// The guide's table.
#[test]
fn comparisons_are_1_or_0() {
    check("m1 < m2", "0 0 1 0 -");
    check("m1 >= 30", "1 0 0 0 -");
    check("m1 > 15 AND m2 > 15", "1 0 0 0 -");
    check("m1 == 20", "0 1 0 0 -");
    check("15 < m1", "1 1 0 0 -");
}

/// The guide's tables.
#[test]
fn if_chooses_point_by_point() {
    let metrics = [
        ("metric1", series("1 1 0 0 -")),
        ("metric2", series("30 - 0 0 30")),
        ("metric3", series("0 0 20 - 20")),
    ];
    for (text, expected) in [
        ("IF(metric1, metric2, metric3)", "30 0 20 - -"),
        ("IF(metric1, 5, metric3)", "5 5 20 - -"),
        ("IF(metric1, metric2, 5)", "30 0 5 5 -"),
        ("IF(metric1, metric2)", "30 0 - - -"),
        ("IF(metric2 < 25, 10, 2)", "2 - 10 10 2"),
        ("IF(metric3 < 10, metric3)", "0 0 - - -"),
        ("IF(1, metric2, metric3)", "30 - 0 0 30"),
        ("IF(0, metric2, metric3)", "0 0 20 - 20"),
        ("IF(0, metric2)", "- - - - -"),
        ("IF(-3, metric2)", "30 - 0 0 30"),
    ] {
        match run_with(text, &metrics) {
            Ok(Evaluated { value: Value::Series(series), .. }) => {
                assert_eq!(text_of(&series), expected, "{text}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn a_series_becomes_a_scalar_and_an_array_a_series() {
    check("SUM(m1)", "scalar 50");
    check("AVG(m1)", "scalar 10");
    check("MAX(m1)", "scalar 30");
    check("MIN(m3)", "scalar 4");
    check("STDDEV(m3)", "scalar 2");
    check("DATAPOINT_COUNT(m1)", "scalar 4");
    check("SUM(m1) / DATAPOINT_COUNT(m1)", "scalar 12.5");
    check("SUM(none)", "scalar 0");
    check("MAX(none)", "scalar NaN");
    check("m1 - MAX(none)", "- - - - -");
    check("m1 > MAX(none)", "- - - - -");
    check("IF(MAX(none) > 1, m1, m2)", "- - - - -");

    check("SUM([m1, m2])", "50 20 20 0 -");
    check("AVG([m1, m2])", "25 10 10 0 -");
    check("MAX([m1, m2, m3])", "30 20 20 8 -");
    check("MIN([m1, m2, m3])", "20 4 0 0 -");
    check("STDDEV([m1, m2])", "5 0 10 0 -");
    check("DATAPOINT_COUNT(METRICS())", "2 2 2 2 -");
    check("SUM(METRICS(\"m\"))", "50 24 20 8 -");
    check("METRICS('on')", "- - - - -");
    check("METRIC_COUNT(METRICS())", "scalar 4");
    check("m1 / METRIC_COUNT([m1, [m2, m3]])", "10 6.666666666666667 0 0 -");
}

#[test]
fn functions_of_each_point() {
    check("ABS(m1 - m2 * 2)", "10 20 40 0 -");
    check("CEIL(m1 / 7)", "5 3 0 0 -");
    check("FLOOR([m1, m2] / 7)", "4 2 0 0 - | 2 - 2 - -");
    check("LOG(m3 / 4)", "- 0 - 0.6931471805599453 -");
    check("MIN(ABS([m1, m2]))", "20 20 0 0 -");
}

#[test]
fn functions_of_points_one_after_another() {
    check("DIFF(m1)", "- -10 -20 0 -");
    check("DIFF(m2)", "- - 0 - -");
    check("DIFF_TIME(m3)", "- - - 120 -");
    check("RATE(m1)", "- -0.16666666666666666 -0.3333333333333333 0 -");
    check("RUNNING_SUM([m1, m3])", "30 50 50 50 - | - 4 - 12 -");
}

#[test]
fn gaps_are_filled() {
    check("FILL(m2, 7)", "20 7 20 7 7");
    check("FILL(m3, REPEAT)", "- 4 4 8 8");
    check("FILL(m3, LINEAR)", "- 4 6 8 -");
    check("FILL([m2, m3], m1)", "20 20 20 0 - | 30 4 0 8 -");
    check("FILL(m3, MIN(m3))", "4 4 4 8 4");
    check("FILL(none, LINEAR)", "- - - - -");
}

#[test]
fn arrays_are_sorted_and_cut() {
    check(
        "SORT([m1, m2, none, m3], SUM, DESC)",
        "30 20 0 0 - | 20 - 20 - - | - 4 - 8 - | - - - - -",
    );
    check("SORT([m1, none, m3], MAX, ASC, 1)", "- 4 - 8 -");
    check("SLICE(SORT([m1, m2, m3], AVG, ASC), 1)", "20 - 20 - - | 30 20 0 0 -");
    check("SLICE([m1, m2, m3], 1, 2)", "20 - 20 - -");
    check("SLICE([m1], 5, 2)", "");
    check("FIRST([m3, m1])", "- 4 - 8 -");
    check("LAST([m3, m1])", "30 20 0 0 -");
    check("FIRST([])", "- - - - -");
    check("REMOVE_EMPTY([none, m3])", "- 4 - 8 -");
    check("IF(FIRST(SORT(METRICS(), AVG, DESC)) > 25, 1, 0)", "1 0 0 0 -");
    check("SUM(SEARCH('x', 'Sum', 60))", "3 2 - - -");
}

#[test]
fn series_of_nothing_but_time() {
    check("TIME_SERIES(2 * 5)", "10 10 10 10 10");
    check("TIME_SERIES(MAX(m1))", "30 30 30 30 30");
    check("MINUTE(m2)", "0 1 2 3 4");
    check("EPOCH(none)", "0 60 120 180 240");
    check("HOUR(m1) + DAY(m1) * 10 + DATE(m1) * 100", "140 140 140 140 140");
    check("MONTH(m1) + YEAR(m1)", "1971 1971 1971 1971 1971");
    check("IF(MINUTE(m1) < 2, m1)", "30 20 - - -");
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (text, expected) in [
        ("", "Unexpected end"),
        ("m1 +", "Unexpected end"),
        ("m1 m2", "Unexpected word 'm2'"),
        ("(m1", "Unexpected end"),
        ("m1)", "Unexpected ')'"),
        ("* 2", "Unexpected '*'"),
        ("other + 1", "Unrecognized id 'other'"),
        ("Metric", "Unexpected word 'Metric'"),
        ("avg(m1)", "'avg' is not a function"),
        ("REPEAT", "Unexpected word 'REPEAT'"),
        ("m1 + ASC", "Unsupported operand type(s) for +: 'ASC'"),
        ("'text'", "Unexpected text 'text'"),
        ("[m1, 5]", "An array holds time series only"),
        (
            "[m1] + [m2]",
            "Unsupported operand type(s) for +: 'Array[TimeSeries]' and 'Array[TimeSeries]'",
        ),
        ("AVG(5)", "Unsupported argument type(s) for AVG: (Scalar)"),
        ("AVG(m1, m2)", "Unsupported argument type(s) for AVG: (TimeSeries, TimeSeries)"),
        ("AVG()", "Unsupported argument type(s) for AVG: ()"),
        ("ABS(m1, 1)", "Unsupported argument type(s) for ABS: (TimeSeries, Scalar)"),
        ("PERIOD(m1 + 1)", "PERIOD is of a metric, not of an expression"),
        ("SORT(m1, AVG, ASC)", "Unsupported argument type(s) for SORT: (TimeSeries, AVG, ASC)"),
        (
            "SORT([m1], ASC, AVG)",
            "Unsupported argument type(s) for SORT: (Array[TimeSeries], ASC, AVG)",
        ),
        (
            "IF([m1], 1, 0)",
            "Unsupported argument type(s) for IF: (Array[TimeSeries], Scalar, Scalar)",
        ),
        ("FILL(m1)", "Unsupported argument type(s) for FILL: (TimeSeries)"),
        ("FILL(1, 2)", "Unsupported argument type(s) for FILL: (Scalar, Scalar)"),
        ("SEARCH(m1)", "Unexpected word 'm1'"),
        ("SEARCH('x', 'Sum', 1.5)", "Unexpected number 1.5"),
        (
            "ANOMALY_DETECTION_BAND(m1)",
            "The function ANOMALY_DETECTION_BAND is not supported: there are no anomaly detectors here",
        ),
        (
            "SERVICE_QUOTA(m1)",
            "The function SERVICE_QUOTA is not supported: there are no usage metrics here",
        ),
        (
            "INSIGHT_RULE_METRIC('a', 'b')",
            "The function INSIGHT_RULE_METRIC is not supported: there is no Contributor Insights here",
        ),
        ("m1 ; m2", "Unexpected character ';'"),
    ] {
        check(text, &format!("error {expected}"));
    }
}

/// Nested as deep as a text can be: refused, or done, without a deep stack.
#[test]
fn depth_and_length_have_limits() {
    for text in [
        format!("{}1{}", "(".repeat(10_000), ")".repeat(10_000)),
        "[".repeat(EXPRESSION_CHARS_MAX),
        "(".repeat(EXPRESSION_CHARS_MAX),
        "-(".repeat(EXPRESSION_CHARS_MAX / 2),
        "ABS(".repeat(EXPRESSION_CHARS_MAX / 4),
        "2^".repeat(EXPRESSION_CHARS_MAX / 2),
        "1".repeat(EXPRESSION_CHARS_MAX + 1),
    ] {
        let refused = Program::parse(&text).expect_err("it is too deep or too long");
        assert!(refused.0.contains("at most"), "{refused}");
    }
    check(&format!("{}1", "1+".repeat(EXPRESSION_CHARS_MAX / 2 - 1)), "scalar 1024");
    check(&format!("{}1", "-".repeat(EXPRESSION_CHARS_MAX - 1)), "scalar -1");
    check(&"1 ".repeat(EXPRESSION_CHARS_MAX / 2), "error Unexpected number 1");
}

#[test]
fn arrays_and_work_have_limits() {
    let many = vec!["METRICS()"; SERIES_MAX / 4 + 1].join(",");
    check(&format!("METRIC_COUNT([{many}])"), "error An array has at most 500 time series");

    let long = Series {
        points: (0..100_000).map(|second| (second * 1000, 1.0)).collect(),
        period_s: 1,
        source: None,
        is_metric: true,
    };
    let sum = vec!["m"; MATH_POINTS_MAX / 100_000 + 2].join("+");
    let refused = run_with(&sum, &[("m", Arc::new(long))]).expect_err("it is too much");
    assert!(refused.0.contains("more than 4000000 data points"), "{refused}");

    let context = Context {
        grid: Grid { to_ms: u64::MAX, ..GRID },
        period_s: 1,
        metrics: &[],
        values: &HashMap::from([("m", Value::Series(series("1")))]),
        searches: &[],
    };
    for text in ["TIME_SERIES(1)", "FILL(m, 0)", "DAY(m)"] {
        let program = Program::parse(text).expect("an expression");
        let refused = evaluate(&program, &context, &mut Budget::default()).expect_err(text);
        assert!(refused.0.contains("more than 4000000 data points"), "{text}: {refused}");
    }
}

/// Texts that are nearly expressions.
fn expression() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "m1",
        "m2",
        "m3",
        "none",
        "0",
        "1.5",
        "+",
        "-",
        "*",
        "/",
        "^",
        "<",
        "==",
        "AND",
        "OR",
        "(",
        ")",
        "[",
        "]",
        ",",
        "SUM(",
        "AVG(",
        "FILL(",
        "IF(",
        "SORT(",
        "SLICE(",
        "RATE(",
        "LOG(",
        "METRICS()",
        "METRICS('m')",
        "SEARCH('a','Sum')",
        "REPEAT",
        "LINEAR",
        "AVG",
        "DESC",
        "TIME_SERIES(",
        "PERIOD(m1)",
        "DAY(",
        "FIRST(",
        "REMOVE_EMPTY(",
        "STDDEV(",
        "'x'",
    ]);
    prop::collection::vec(word, 0..14).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Never a panic; and twice the same is twice the same.
    #[test]
    fn any_text_has_one_outcome(text in prop_oneof![expression(), "\\PC{0,60}"]) {
        prop_assert_eq!(run(&text), run(&text));
    }

    /// A program's errors of types do not depend on the points: what is checked without any holds for all.
    #[test]
    fn points_do_not_change_what_is_refused(text in expression()) {
        let full = run_with(&text, &metrics());
        let none: Vec<_> = metrics().into_iter().map(|(id, _)| (id, series(""))).collect();
        let empty = run_with(&text, &none);
        prop_assert_eq!(full.is_err(), empty.is_err());
        if let (Ok(full), Ok(empty)) = (full, empty) {
            prop_assert_eq!(
                std::mem::discriminant(&full.value),
                std::mem::discriminant(&empty.value)
            );
        }
    }

    /// Points stay in order, no time twice, all finite.
    #[test]
    fn outcomes_are_series(text in expression()) {
        let all = match run_with(&text, &metrics()).map(|outcome| outcome.value) {
            Ok(Value::Series(series)) => vec![series],
            Ok(Value::Array(all)) => all,
            Ok(Value::Scalar(_)) | Err(_) => Vec::new(),
        };
        for series in all {
            prop_assert!(series.points.is_sorted_by(|a, b| a.0 < b.0));
            prop_assert!(series.points.iter().all(|(_, value)| value.is_finite()));
        }
    }
}
