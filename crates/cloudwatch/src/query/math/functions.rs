//! The functions.
//!
//! What AWS's guide says of missing values holds: an AVG counts them as 0 (so that of one series divides by the periods
//! of the range), a SUM is not changed by them, and an IF has none where its condition has none. Its words leave open
//! what the least and the greatest of nothing are, and which deviation STDDEV is: here nothing, and the population's.

use std::sync::Arc;

use nautilus_wire::time::Date;

use super::{
    MathError, Series,
    evaluate::{Machine, Operand, Value, union},
    program::{Function, Word},
};

pub(super) fn call(
    machine: &mut Machine<'_>,
    function: Function,
    arguments: Vec<Operand>,
) -> Result<Value, MathError> {
    let arguments = Arguments { function, all: arguments };
    match function {
        Function::Abs => machine.each(arguments.one()?, f64::abs),
        Function::Ceil => machine.each(arguments.one()?, f64::ceil),
        Function::Floor => machine.each(arguments.one()?, f64::floor),
        Function::Log => machine.each(arguments.one()?, f64::ln),
        Function::Log10 => machine.each(arguments.one()?, f64::log10),

        Function::Avg
        | Function::DatapointCount
        | Function::Max
        | Function::Min
        | Function::Stddev
        | Function::Sum => aggregate(machine, arguments),

        Function::Diff => steps(machine, arguments, |(_, a), (_, b)| b - a),
        Function::DiffTime => steps(machine, arguments, |(a, _), (b, _)| seconds(a, b)),
        Function::Rate => steps(machine, arguments, |(s, a), (t, b)| (b - a) / seconds(s, t)),
        Function::RunningSum => running_sum(machine, arguments),
        Function::Fill => fill(machine, arguments),
        Function::If => choose(machine, arguments),
        Function::TimeSeries => time_series(machine, arguments),

        Function::Minute => of_date(machine, arguments, |date| date.minute.into()),
        Function::Hour => of_date(machine, arguments, |date| date.hour.into()),
        Function::Day => of_date(machine, arguments, |date| date.weekday().into()),
        Function::Date => of_date(machine, arguments, |date| date.day.into()),
        Function::Month => of_date(machine, arguments, |date| date.month.into()),
        Function::Year => of_date(machine, arguments, |date| date.year),
        Function::Epoch => of_time(machine, arguments, |at_ms| at_ms / 1000),

        Function::Period => match arguments.one()? {
            Value::Series(series) if series.is_metric => Ok(Value::Scalar(series.period_s.into())),
            _ => Err(MathError::new("PERIOD is of a metric, not of an expression")),
        },
        Function::MetricCount => Ok(Value::Scalar(arguments.array()?.len() as f64)),
        Function::First => Ok(one_of(machine, arguments.array()?.into_iter().next())),
        Function::Last => Ok(one_of(machine, arguments.array()?.pop())),
        Function::RemoveEmpty => {
            let mut all = arguments.array()?;
            all.retain(|series| !series.points.is_empty());
            Ok(Value::Array(all))
        }
        Function::Slice => slice(arguments),
        Function::Sort => sort(machine, arguments),
    }
}

/// What a function was given.
struct Arguments {
    function: Function,
    all: Vec<Operand>,
}

impl Arguments {
    fn wrong(&self) -> MathError {
        let kinds = self.all.iter().map(|argument| match argument {
            Operand::Value(Value::Scalar(_)) => "Scalar",
            Operand::Value(Value::Series(_)) => "TimeSeries",
            Operand::Value(Value::Array(_)) => "Array[TimeSeries]",
            Operand::Word(word) => word.text(),
        });
        let kinds: Vec<_> = kinds.collect();
        MathError::new(format!(
            "Unsupported argument type(s) for {}: ({})",
            self.function.text(),
            kinds.join(", ")
        ))
    }

    fn one(mut self) -> Result<Value, MathError> {
        match (self.all.len(), self.all.pop()) {
            (1, Some(Operand::Value(value))) => Ok(value),
            (_, last) => {
                self.all.extend(last);
                Err(self.wrong())
            }
        }
    }

    fn array(self) -> Result<Vec<Arc<Series>>, MathError> {
        match self.all.as_slice() {
            [Operand::Value(Value::Array(all))] => Ok(all.clone()),
            [Operand::Value(Value::Series(series))] => Ok(vec![Arc::clone(series)]),
            _ => Err(self.wrong()),
        }
    }

    fn value(&self, index: usize) -> Result<&Value, MathError> {
        match self.all.get(index) {
            Some(Operand::Value(value)) => Ok(value),
            _ => Err(self.wrong()),
        }
    }

    /// A scalar as a count or an index: less than 0 is 0.
    fn index(&self, index: usize) -> Result<Option<usize>, MathError> {
        match self.all.get(index) {
            None => Ok(None),
            Some(Operand::Value(Value::Scalar(value))) => Ok(Some(*value as usize)),
            Some(_) => Err(self.wrong()),
        }
    }
}

fn seconds(from_ms: u64, to_ms: u64) -> f64 {
    to_ms.saturating_sub(from_ms) as f64 / 1000.0
}

/// One number of some. `slots` is how many there would be if none were missing. NaN where there is no such number.
fn reduce(function: Function, values: &[f64], slots: usize) -> f64 {
    let sum = values.iter().fold(0.0, |sum, value| sum + value); // the empty `sum()` is -0
    match function {
        Function::Sum => sum,
        Function::Avg => sum / slots.max(values.len()) as f64,
        Function::DatapointCount => values.len() as f64,
        Function::Min => values.iter().copied().fold(f64::NAN, f64::min),
        Function::Max => values.iter().copied().fold(f64::NAN, f64::max),
        Function::Stddev => {
            let mean = sum / values.len() as f64;
            let squares = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>();
            (squares / values.len() as f64).sqrt()
        }
        _ => f64::NAN,
    }
}

/// A scalar of a series, a series of an array.
fn aggregate(machine: &mut Machine<'_>, arguments: Arguments) -> Result<Value, MathError> {
    let function = arguments.function;
    match arguments.all.as_slice() {
        [Operand::Value(Value::Series(series))] => {
            machine.budget.spend(series.points.len())?;
            Ok(Value::Scalar(of_series(machine, function, series)))
        }
        [Operand::Value(Value::Array(all))] => {
            let count = all.iter().map(|series| series.points.len()).sum();
            machine.budget.spend(count)?;
            // Stable: the sum of a moment is always taken in the array's order.
            let mut points: Vec<_> = Vec::with_capacity(count);
            all.iter().for_each(|series| points.extend_from_slice(&series.points));
            points.sort_by_key(|(at, _)| *at);
            let period_s = all.iter().map(|series| series.period_s).max();
            let like = plain(period_s.unwrap_or(machine.context.period_s));
            let mut values = Vec::with_capacity(all.len());
            let reduced = points.chunk_by(|a, b| a.0 == b.0).map(|moment| {
                values.clear();
                values.extend(moment.iter().map(|(_, value)| *value));
                (moment[0].0, reduce(function, &values, all.len()))
            });
            Ok(Value::Series(Arc::new(machine.derived(&like, reduced)?)))
        }
        _ => Err(arguments.wrong()),
    }
}

fn of_series(machine: &Machine<'_>, function: Function, series: &Series) -> f64 {
    let values: Vec<_> = series.points.iter().map(|(_, value)| *value).collect();
    let slots = machine.context.grid.count(series.period_s);
    reduce(function, &values, usize::try_from(slots).unwrap_or(usize::MAX))
}

fn plain(period_s: u32) -> Series {
    Series { points: Vec::new(), period_s, source: None, is_metric: false }
}

fn one_of(machine: &Machine<'_>, series: Option<Arc<Series>>) -> Value {
    Value::Series(series.unwrap_or_else(|| Arc::new(plain(machine.context.period_s))))
}

/// Only series: these functions have no meaning for a scalar.
fn of_series_only(arguments: Arguments) -> Result<Value, MathError> {
    match arguments.all.as_slice() {
        [Operand::Value(value @ (Value::Series(_) | Value::Array(_)))] => Ok(value.clone()),
        _ => Err(arguments.wrong()),
    }
}

/// From each point and the one before it.
fn steps(
    machine: &mut Machine<'_>,
    arguments: Arguments,
    compute: impl Fn((u64, f64), (u64, f64)) -> f64,
) -> Result<Value, MathError> {
    machine.series_wise(of_series_only(arguments)?, |machine, series| {
        let pairs = series.points.iter().zip(series.points.iter().skip(1));
        machine.derived(series, pairs.map(|(before, point)| (point.0, compute(*before, *point))))
    })
}

fn running_sum(machine: &mut Machine<'_>, arguments: Arguments) -> Result<Value, MathError> {
    machine.series_wise(of_series_only(arguments)?, |machine, series| {
        let sums = series.points.iter().scan(0.0, |sum, (at, value)| {
            *sum += value;
            Some((*at, *sum))
        });
        machine.derived(series, sums)
    })
}

/// A value for every period of the series.
fn of_date(
    machine: &mut Machine<'_>,
    arguments: Arguments,
    part: impl Fn(Date) -> i64,
) -> Result<Value, MathError> {
    of_time(machine, arguments, |at_ms| part(Date::from_unix_ms(at_ms)))
}

fn of_time(
    machine: &mut Machine<'_>,
    arguments: Arguments,
    compute: impl Fn(i64) -> i64,
) -> Result<Value, MathError> {
    let Value::Series(series) = arguments.value(0)? else { return Err(arguments.wrong()) };
    if arguments.all.len() > 1 {
        return Err(arguments.wrong());
    }
    let times = machine.context.grid.times(series.period_s);
    let made = machine
        .derived(&plain(series.period_s), times.map(|at| (at, compute(at.cast_signed()) as f64)))?;
    Ok(Value::Series(Arc::new(made)))
}

fn time_series(machine: &mut Machine<'_>, arguments: Arguments) -> Result<Value, MathError> {
    let [Operand::Value(Value::Scalar(value))] = *arguments.all.as_slice() else {
        return Err(arguments.wrong());
    };
    let period_s = machine.context.period_s;
    let times = machine.context.grid.times(period_s);
    let made = machine.derived(&plain(period_s), times.map(|at| (at, value)))?;
    Ok(Value::Series(Arc::new(made)))
}

/// How FILL fills.
enum Filler {
    Scalar(f64),
    Series(Arc<Series>),
    Repeat,
    Linear,
}

fn fill(machine: &mut Machine<'_>, arguments: Arguments) -> Result<Value, MathError> {
    let filler = match arguments.all.as_slice() {
        [_, Operand::Value(Value::Scalar(value))] => Filler::Scalar(*value),
        [_, Operand::Value(Value::Series(series))] => Filler::Series(Arc::clone(series)),
        [_, Operand::Word(Word::Repeat)] => Filler::Repeat,
        [_, Operand::Word(Word::Linear)] => Filler::Linear,
        _ => return Err(arguments.wrong()),
    };
    let Some(Operand::Value(value @ (Value::Series(_) | Value::Array(_)))) = arguments.all.first()
    else {
        return Err(arguments.wrong());
    };
    machine.series_wise(value.clone(), |machine, series| {
        let grid = machine.context.grid;
        let count = grid.count(series.period_s);
        machine.budget.spend(usize::try_from(count).unwrap_or(usize::MAX))?;
        let slots: Vec<_> = grid.times(series.period_s).map(|at| (at, f64::NAN)).collect();
        // Points may lie beside the grid, if they come from a series of another period.
        let with_gaps = union(&slots, &series.points).map(|(at, _, value)| (at, value)).collect();
        let filled = filled(with_gaps, &filler).into_iter();
        machine.derived(series, filled.filter_map(|(at, value)| Some((at, value?))))
    })
}

fn filled(mut points: Vec<(u64, Option<f64>)>, filler: &Filler) -> Vec<(u64, Option<f64>)> {
    match filler {
        Filler::Scalar(filler) => {
            points.iter_mut().for_each(|(_, value)| *value = value.or(Some(*filler)));
        }
        Filler::Series(fillers) => {
            let mut fillers = Cursor::Points(fillers.points.iter().peekable());
            points.iter_mut().for_each(|(at, value)| *value = value.or(fillers.at(*at)));
        }
        Filler::Repeat => {
            let mut last = None;
            for (_, value) in &mut points {
                last = value.or(last);
                *value = last;
            }
        }
        Filler::Linear => return linear(points),
    }
    points
}

/// Between two points, on the line between them; before the first and behind the last, nothing.
fn linear(mut points: Vec<(u64, Option<f64>)>) -> Vec<(u64, Option<f64>)> {
    let mut last: Option<(usize, f64)> = None;
    for index in 0..points.len() {
        let Some(value) = points[index].1 else { continue };
        if let Some((from, start)) = last {
            let (from_ms, to_ms) = (points[from].0, points[index].0);
            for (at, gap) in &mut points[from + 1..index] {
                let share = seconds(from_ms, *at) / seconds(from_ms, to_ms);
                *gap = Some(start + (value - start) * share);
            }
        }
        last = Some((index, value));
    }
    points
}

/// IF. Where the condition has no value there is none; a series that is chosen and has none there counts as 0 behind
/// the condition and as nothing behind "else".
fn choose(machine: &mut Machine<'_>, arguments: Arguments) -> Result<Value, MathError> {
    if !(2..=3).contains(&arguments.all.len()) {
        return Err(arguments.wrong());
    }
    let (condition, then) = (arguments.value(0)?, arguments.value(1)?);
    let otherwise = if arguments.all.len() == 3 { Some(arguments.value(2)?) } else { None };
    let is_array = |value: &Value| matches!(value, Value::Array(_));
    if is_array(condition) || is_array(then) || otherwise.is_some_and(is_array) {
        return Err(arguments.wrong());
    }
    let condition = match condition {
        Value::Series(series) => series,
        Value::Scalar(value) => {
            let chosen = match *value {
                0.0 => otherwise,
                value if value.is_nan() => None,
                _ => Some(then),
            };
            return Ok(chosen.cloned().unwrap_or_else(|| one_of(machine, None)));
        }
        Value::Array(_) => return Err(arguments.wrong()),
    };
    let mut then = Cursor::new(Some(then));
    let mut otherwise = Cursor::new(otherwise);
    let chosen = condition.points.iter().filter_map(|(at, value)| {
        let (yes, no) = (then.at(*at), otherwise.at(*at));
        let value = if *value != 0.0 { Some(yes.unwrap_or(0.0)) } else { no };
        Some((*at, value?))
    });
    let made = machine.derived(&plain(condition.period_s), chosen)?;
    Ok(Value::Series(Arc::new(made)))
}

/// Reads a value at times that only grow.
enum Cursor<'v> {
    Scalar(f64),
    Points(std::iter::Peekable<std::slice::Iter<'v, (u64, f64)>>),
    Nothing,
}

impl<'v> Cursor<'v> {
    fn new(value: Option<&'v Value>) -> Cursor<'v> {
        match value {
            Some(Value::Scalar(value)) => Cursor::Scalar(*value),
            Some(Value::Series(series)) => Cursor::Points(series.points.iter().peekable()),
            Some(Value::Array(_)) | None => Cursor::Nothing,
        }
    }

    fn at(&mut self, at: u64) -> Option<f64> {
        match self {
            Cursor::Scalar(value) => Some(*value),
            Cursor::Nothing => None,
            Cursor::Points(points) => {
                while points.next_if(|point| point.0 < at).is_some() {}
                points.peek().filter(|point| point.0 == at).map(|point| point.1)
            }
        }
    }
}

fn slice(arguments: Arguments) -> Result<Value, MathError> {
    let (Value::Array(all), 2..=3) = (arguments.value(0)?, arguments.all.len()) else {
        return Err(arguments.wrong());
    };
    let from = arguments.index(1)?.unwrap_or(0).min(all.len());
    let to = arguments.index(2)?.unwrap_or(all.len()).clamp(from, all.len());
    Ok(Value::Array(all[from..to].to_vec()))
}

fn sort(machine: &mut Machine<'_>, arguments: Arguments) -> Result<Value, MathError> {
    let (function, is_descending) = match arguments.all.as_slice() {
        [_, Operand::Word(by), Operand::Word(order), ..] if arguments.all.len() <= 4 => {
            let function = match by {
                Word::Avg => Function::Avg,
                Word::Min => Function::Min,
                Word::Max => Function::Max,
                Word::Sum => Function::Sum,
                _ => return Err(arguments.wrong()),
            };
            match order {
                Word::Ascending => (function, false),
                Word::Descending => (function, true),
                _ => return Err(arguments.wrong()),
            }
        }
        _ => return Err(arguments.wrong()),
    };
    let Value::Array(all) = arguments.value(0)? else { return Err(arguments.wrong()) };
    let limit = arguments.index(3)?.unwrap_or(all.len());
    machine.budget.spend(all.iter().map(|series| series.points.len()).sum())?;
    let keyed = all.iter().map(|series| (of_series(machine, function, series), series));
    // A series without points is last, whatever the order.
    let (mut full, empty): (Vec<_>, Vec<_>) =
        keyed.partition(|(key, series)| !key.is_nan() && !series.points.is_empty());
    full.sort_by(|(a, _), (b, _)| if is_descending { b.total_cmp(a) } else { a.total_cmp(b) });
    let sorted = full.into_iter().chain(empty).take(limit);
    Ok(Value::Array(sorted.map(|(_, series)| Arc::clone(series)).collect()))
}
