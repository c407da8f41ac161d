//! SEARCH: which metrics a text finds. Pure, and linear in the text and in the names.
//!
//! A text is an optional schema in braces (a namespace and the names of all dimensions) and terms with AND, OR, NOT and
//! parentheses; terms side by side have all to match. A term is exact in double quotes, else it matches whole words of
//! names (see `words.rs`); `MetricName=`, `Namespace=` or a dimension's name before it says where. Nothing in it is a
//! pattern. Like expressions it becomes steps, so that matching needs no recursion.
//!
//! AWS: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html>

mod matches;
mod parse;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use matches::Matcher;
use words::{Partial, Words};

/// What is looked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Search {
    schema: Option<Schema>,
    terms: Vec<Term>,
    /// Over the terms, operands first. Empty: there are no terms, and all match.
    steps: Vec<Step>,
}

impl Search {
    /// The one namespace in which it looks, if there is one.
    pub(crate) fn namespace(&self) -> Option<&str> {
        self.schema.as_ref().map(|schema| schema.namespace.as_str())
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Schema {
    namespace: String,
    /// Sorted.
    dimensions: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
struct Term {
    place: Place,
    text: Text,
}

/// Where a term is looked for.
#[derive(Debug, Clone, PartialEq)]
enum Place {
    Anywhere,
    Namespace,
    MetricName,
    /// In the value of the dimension of this name.
    Dimension(String),
    Account,
}

#[derive(Debug, Clone, PartialEq)]
enum Text {
    Exact(String),
    Partial(Partial),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Term(usize),
    And,
    Or,
    Not,
}
