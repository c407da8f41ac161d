//! Runs a program.

use std::{collections::HashMap, sync::Arc};

use super::{
    Budget, Grid, MathError, Program, Series, functions,
    program::{Operator, Step, Word},
};
use crate::query::limits::SERIES_MAX;

/// What an expression is worth.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Scalar(f64),
    Series(Arc<Series>),
    Array(Vec<Arc<Series>>),
}

/// What an expression is evaluated over.
#[derive(Debug)]
pub(crate) struct Context<'c> {
    pub grid: Grid,
    /// The period of series that are made of nothing but a scalar, in seconds.
    pub period_s: u32,
    /// The request's metrics, in its order: what METRICS speaks of.
    pub metrics: &'c [(&'c str, Arc<Series>)],
    /// What an id stands for: metrics and other expressions.
    pub values: &'c HashMap<&'c str, Value>,
    /// What each SEARCH of this expression has found.
    pub searches: &'c [Vec<Arc<Series>>],
}

/// The outcome of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Evaluated {
    pub value: Value,
    /// Whether points were left out because they would be no finite number.
    pub has_dropped: bool,
}

/// An operand: a value, or a word that only some functions take.
#[derive(Debug, Clone)]
pub(super) enum Operand {
    Value(Value),
    Word(Word),
}

/// Evaluates an expression. Costs as much as the points that it makes, and that has a limit.
pub(crate) fn evaluate(
    program: &Program,
    context: &Context<'_>,
    budget: &mut Budget,
) -> Result<Evaluated, MathError> {
    let mut machine = Machine { context, budget, has_dropped: false };
    let mut stack = Vec::new();
    for step in &program.steps {
        let operand = machine.step(step, &mut stack)?;
        stack.push(operand);
    }
    match stack.pop() {
        Some(Operand::Value(value)) => Ok(Evaluated { value, has_dropped: machine.has_dropped }),
        Some(Operand::Word(word)) => {
            Err(MathError::new(format!("Unexpected word '{}'", word.text())))
        }
        None => Err(MathError::new("Unexpected end")),
    }
}

/// What functions need besides their arguments.
pub(super) struct Machine<'c> {
    pub context: &'c Context<'c>,
    pub budget: &'c mut Budget,
    has_dropped: bool,
}

impl Machine<'_> {
    fn step(&mut self, step: &Step, stack: &mut Vec<Operand>) -> Result<Operand, MathError> {
        let value = match step {
            Step::Number(value) => Value::Scalar(*value),
            Step::Word(word) => return Ok(Operand::Word(*word)),
            Step::Reference(id) => self.reference(id)?,
            Step::Metrics(part) => self.metrics(part.as_deref()),
            Step::Search(index) => {
                Value::Array(self.context.searches.get(*index).cloned().unwrap_or_default())
            }
            Step::Array(count) => array(pop_many(stack, *count))?,
            Step::Negate => {
                let operand = value(stack.pop(), "-")?;
                self.each(operand, |value| -value)?
            }
            Step::Binary(operator) => {
                let right = value(stack.pop(), operator.text())?;
                let left = value(stack.pop(), operator.text())?;
                self.binary(*operator, left, right)?
            }
            Step::Call(function, count) => {
                functions::call(self, *function, pop_many(stack, *count))?
            }
        };
        // Arrays cost something even if there is no point in them.
        if let Value::Array(all) = &value {
            self.budget.spend(all.len())?;
        }
        Ok(Operand::Value(value))
    }

    fn reference(&self, id: &str) -> Result<Value, MathError> {
        let value = self.context.values.get(id).cloned();
        value.ok_or_else(|| MathError::new(format!("Unrecognized id '{id}'")))
    }

    fn metrics(&self, part: Option<&str>) -> Value {
        let asked = |id: &str| part.is_none_or(|part| id.contains(part));
        let metrics = self.context.metrics.iter().filter(|(id, _)| asked(id));
        Value::Array(metrics.map(|(_, series)| Arc::clone(series)).collect())
    }

    fn binary(
        &mut self,
        operator: Operator,
        left: Value,
        right: Value,
    ) -> Result<Value, MathError> {
        let compute = |a, b| apply(operator, a, b);
        match (left, right) {
            (Value::Scalar(a), Value::Scalar(b)) => Ok(Value::Scalar(compute(a, b))),
            (left, Value::Scalar(b)) => self.each(left, |a| compute(a, b)),
            (Value::Scalar(a), right) => self.each(right, |b| compute(a, b)),
            (Value::Series(a), Value::Series(b)) => {
                Ok(Value::Series(Arc::new(self.joined(&a, &b, None, compute)?)))
            }
            (Value::Array(left), Value::Series(b)) => {
                self.map(left, |machine, a| machine.joined(a, &b, Some(a), compute))
            }
            (Value::Series(a), Value::Array(right)) => {
                self.map(right, |machine, b| machine.joined(&a, b, Some(b), compute))
            }
            (Value::Array(_), Value::Array(_)) => Err(MathError::new(format!(
                "Unsupported operand type(s) for {}: 'Array[TimeSeries]' and 'Array[TimeSeries]'",
                operator.text()
            ))),
        }
    }

    /// Every value of the operand, computed anew.
    pub(super) fn each(
        &mut self,
        operand: Value,
        compute: impl Fn(f64) -> f64,
    ) -> Result<Value, MathError> {
        self.series_wise(operand, |machine, series| {
            machine.derived(series, series.points.iter().map(|(at, value)| (*at, compute(*value))))
        })
    }

    /// Every series of the operand, made anew; a scalar is a series of one point for `compute`, at no time.
    pub(super) fn series_wise(
        &mut self,
        operand: Value,
        compute: impl Fn(&mut Self, &Series) -> Result<Series, MathError>,
    ) -> Result<Value, MathError> {
        match operand {
            Value::Scalar(value) => {
                let lone = Series {
                    points: vec![(0, value)],
                    period_s: self.context.period_s,
                    source: None,
                    is_metric: false,
                };
                let points = compute(self, &lone)?.points;
                Ok(Value::Scalar(points.first().map_or(f64::NAN, |(_, value)| *value)))
            }
            Value::Series(series) => Ok(Value::Series(Arc::new(compute(self, &series)?))),
            Value::Array(all) => self.map(all, compute),
        }
    }

    fn map(
        &mut self,
        all: Vec<Arc<Series>>,
        compute: impl Fn(&mut Self, &Series) -> Result<Series, MathError>,
    ) -> Result<Value, MathError> {
        let made = all.iter().map(|series| compute(self, series).map(Arc::new));
        Ok(Value::Array(made.collect::<Result<_, _>>()?))
    }

    /// A series like another one, of new points. Those that are no finite number are left out, and that is told.
    pub(super) fn derived(
        &mut self,
        like: &Series,
        points: impl Iterator<Item = (u64, f64)>,
    ) -> Result<Series, MathError> {
        let mut kept = Vec::new();
        for (at, value) in points {
            self.budget.spend(1)?;
            if value.is_finite() {
                kept.push((at, value + 0.0)); // -0 is 0
            } else {
                self.has_dropped = true;
            }
        }
        let (period_s, source) = (like.period_s, like.source.clone());
        Ok(Series { points: kept, period_s, source, is_metric: false })
    }

    /// Two series by time: where only one has a value, the other counts as 0, as AWS says for all operators.
    fn joined(
        &mut self,
        a: &Series,
        b: &Series,
        named: Option<&Series>,
        compute: impl Fn(f64, f64) -> f64,
    ) -> Result<Series, MathError> {
        let like = Series {
            points: Vec::new(),
            period_s: a.period_s.max(b.period_s),
            source: named.and_then(|series| series.source.clone()),
            is_metric: false,
        };
        let both = union(&a.points, &b.points);
        self.derived(
            &like,
            both.map(|(at, a, b)| (at, compute(a.unwrap_or(0.0), b.unwrap_or(0.0)))),
        )
    }
}

/// All times of two series, with what each has there.
pub(super) fn union<'p>(
    a: &'p [(u64, f64)],
    b: &'p [(u64, f64)],
) -> impl Iterator<Item = (u64, Option<f64>, Option<f64>)> + use<'p> {
    let (mut a, mut b) = (a.iter().copied().peekable(), b.iter().copied().peekable());
    std::iter::from_fn(move || {
        let at = match (a.peek(), b.peek()) {
            (Some((a, _)), Some((b, _))) => *a.min(b),
            (Some((at, _)), None) | (None, Some((at, _))) => *at,
            (None, None) => return None,
        };
        let a = a.next_if(|point| point.0 == at).map(|(_, value)| value);
        let b = b.next_if(|point| point.0 == at).map(|(_, value)| value);
        Some((at, a, b))
    })
}

/// NaN is no value, and nothing can be told of it: no comparison of it is true or false.
fn apply(operator: Operator, a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    let truth = |is_true| if is_true { 1.0 } else { 0.0 };
    match operator {
        Operator::Or => truth(a != 0.0 || b != 0.0),
        Operator::And => truth(a != 0.0 && b != 0.0),
        Operator::Equal => truth(a == b),
        Operator::NotEqual => truth(a != b),
        Operator::Less => truth(a < b),
        Operator::LessOrEqual => truth(a <= b),
        Operator::Greater => truth(a > b),
        Operator::GreaterOrEqual => truth(a >= b),
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
        Operator::Power => a.powf(b),
    }
}

/// Arrays within arrays are one.
fn array(items: Vec<Operand>) -> Result<Value, MathError> {
    let mut all = Vec::new();
    for item in items {
        match item {
            Operand::Value(Value::Series(series)) => all.push(series),
            Operand::Value(Value::Array(series)) => all.extend(series),
            Operand::Value(Value::Scalar(_)) | Operand::Word(_) => {
                return Err(MathError::new("An array holds time series only"));
            }
        }
        if all.len() > SERIES_MAX {
            return Err(MathError::new(format!("An array has at most {SERIES_MAX} time series")));
        }
    }
    Ok(Value::Array(all))
}

/// The operand of an operator.
fn value(operand: Option<Operand>, of: &str) -> Result<Value, MathError> {
    match operand {
        Some(Operand::Value(value)) => Ok(value),
        Some(Operand::Word(word)) => {
            Err(MathError::new(format!("Unsupported operand type(s) for {of}: '{}'", word.text())))
        }
        None => Err(MathError::new("Unexpected end")),
    }
}

fn pop_many(stack: &mut Vec<Operand>, count: usize) -> Vec<Operand> {
    stack.split_off(stack.len().saturating_sub(count))
}
