//! Metric math: expressions over time series, pure.
//!
//! A text becomes a [`Program`], steps in the order in which they are done (operands first), so that running one needs
//! no recursion; [`evaluate`] runs it over series that somebody else has read. Running it over series without points
//! tells every error of types that there is: that is how a definition is checked before anything is read.
//!
//! AWS: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html>

mod evaluate;
mod functions;
mod parse;
mod program;
mod series;
#[cfg(test)]
mod tests;
mod token;

pub(crate) use evaluate::{Context, Evaluated, Value, evaluate};
pub(crate) use program::Program;
pub(crate) use series::{Budget, Grid, Series};

use crate::error::Error;

/// Why an expression cannot be understood or computed, as a sentence without its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct MathError(pub String);

impl From<MathError> for Error {
    fn from(error: MathError) -> Error {
        Error::Validation(format!("{error}."))
    }
}

impl MathError {
    fn new(text: impl Into<String>) -> MathError {
        MathError(text.into())
    }
}
