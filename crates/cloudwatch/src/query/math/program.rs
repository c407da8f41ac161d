//! An expression as steps.

use super::{MathError, parse};

/// Steps of an expression: each takes its operands from the end of a stack and puts its result there.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Program {
    pub(super) steps: Vec<Step>,
    /// What it looks for, by the index in [`Step::Search`].
    pub(crate) searches: Vec<SearchCall>,
}

/// A SEARCH in an expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SearchCall {
    /// What is looked for; [`crate::query::search`] reads it.
    pub text: String,
    pub stat: String,
    /// In seconds; the query's, if it is not given.
    pub period_s: Option<u32>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Number(f64),
    /// A metric or another expression, by its id.
    Reference(String),
    /// REPEAT, LINEAR, ASC, DESC; AVG, MIN, MAX and SUM for SORT.
    Word(Word),
    /// All metrics of the request, or those whose id holds a text.
    Metrics(Option<String>),
    /// Series that were found.
    Search(usize),
    /// An array of the last so many values.
    Array(usize),
    Negate,
    Binary(Operator),
    /// A function of the last so many values.
    Call(Function, usize),
}

/// Enumerations of the language's own words.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($item:ident $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum $name { $($item,)* }

        impl $name {
            pub(super) fn parse(text: &str) -> Option<$name> {
                match text { $($text => Some($name::$item),)* _ => None }
            }

            pub(super) const fn text(self) -> &'static str {
                match self { $($name::$item => $text,)* }
            }
        }
    };
}

words! {
    /// What stands between two operands.
    Operator {
        Or "OR", And "AND",
        Equal "==", NotEqual "!=", Less "<", LessOrEqual "<=", Greater ">", GreaterOrEqual ">=",
        Add "+", Subtract "-", Multiply "*", Divide "/", Power "^",
    }
}

words! {
    /// A function by name. METRICS and SEARCH are steps of their own.
    Function {
        Abs "ABS", Avg "AVG", Ceil "CEIL", DatapointCount "DATAPOINT_COUNT", Date "DATE", Day "DAY",
        Diff "DIFF", DiffTime "DIFF_TIME", Epoch "EPOCH", Fill "FILL", First "FIRST", Floor "FLOOR",
        Hour "HOUR", If "IF", Last "LAST", Log "LOG", Log10 "LOG10", Max "MAX",
        MetricCount "METRIC_COUNT", Min "MIN", Minute "MINUTE", Month "MONTH", Period "PERIOD",
        Rate "RATE", RemoveEmpty "REMOVE_EMPTY", RunningSum "RUNNING_SUM", Slice "SLICE",
        Sort "SORT", Stddev "STDDEV", Sum "SUM", TimeSeries "TIME_SERIES", Year "YEAR",
    }
}

words! {
    /// A word that is an argument.
    Word {
        Repeat "REPEAT", Linear "LINEAR", Ascending "ASC", Descending "DESC",
        Avg "AVG", Min "MIN", Max "MAX", Sum "SUM",
    }
}

impl Program {
    /// Reads an expression.
    pub(crate) fn parse(text: &str) -> Result<Program, MathError> {
        parse::parse(text)
    }

    /// The ids that it refers to, each as often as it does.
    pub(crate) fn references(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match step {
            Step::Reference(id) => Some(id.as_str()),
            _ => None,
        })
    }
}
