//! Whether a metric is found.

use nautilus_metrics::Series;

use super::{Place, Schema, Search, Step, Term, Text, Words};

/// A search under way: it counts what it compares, and finds nothing more when that is too much.
#[derive(Debug)]
pub(crate) struct Matcher<'s> {
    search: &'s Search,
    work: &'s mut usize,
    stack: Vec<bool>,
}

/// A metric's names: the namespace, the metric's own, then each dimension's name and value. Each is split into words when
/// that is first asked for.
struct Names<'m> {
    series: &'m Series,
    words: Vec<Option<Words>>,
}

impl<'s> Matcher<'s> {
    /// `work` is how many bytes may still be compared.
    pub(crate) fn new(search: &'s Search, work: &'s mut usize) -> Matcher<'s> {
        Matcher { search, work, stack: Vec::new() }
    }

    /// Whether something may have been left out because it was too much work.
    pub(crate) fn is_exhausted(&self) -> bool {
        *self.work == 0
    }

    /// Whether the search finds this metric.
    pub(crate) fn matches(&mut self, series: &Series) -> bool {
        if self.is_exhausted() || !self.search.schema.as_ref().is_none_or(|s| s.admits(series)) {
            return false;
        }
        let mut names = Names::of(series);
        self.stack.clear();
        for step in &self.search.steps {
            let found = match step {
                Step::Term(index) => {
                    let term = self.search.terms.get(*index);
                    term.is_some_and(|term| term.matches(&mut names, self.work))
                }
                Step::Not => !self.stack.pop().unwrap_or(false),
                Step::And => self.pair(|a, b| a && b),
                Step::Or => self.pair(|a, b| a || b),
            };
            self.stack.push(found);
        }
        !self.is_exhausted() && self.stack.pop().unwrap_or(true)
    }

    fn pair(&mut self, join: impl Fn(bool, bool) -> bool) -> bool {
        let (b, a) = (self.stack.pop(), self.stack.pop());
        join(a.unwrap_or(false), b.unwrap_or(false))
    }
}

impl Schema {
    fn admits(&self, series: &Series) -> bool {
        // Both are sorted.
        *self.namespace == *series.namespace
            && self.dimensions.len() == series.dimensions.len()
            && self.dimensions.iter().zip(&series.dimensions).all(|(a, b)| **a == *b.name)
    }
}

impl Term {
    fn matches(&self, names: &mut Names<'_>, work: &mut usize) -> bool {
        let series = names.series;
        if self.place == Place::Account {
            *work = work.saturating_sub(1);
            return match &self.text {
                Text::Exact(account) => **account == *series.account || account == "LOCAL",
                Text::Partial(partial) => {
                    partial.matches(&Words::of(&series.account))
                        || partial.matches(&Words::of("LOCAL"))
                }
            };
        }
        for index in 0..names.count() {
            if !self.place.is_at(index, series) {
                continue;
            }
            let found = match &self.text {
                Text::Exact(text) => spend(work, 1) && names.name(index) == text,
                Text::Partial(partial) => {
                    let words = names.words(index);
                    spend(work, words.bytes()) && partial.matches(words)
                }
            };
            if found {
                return true;
            }
        }
        false
    }
}

impl Place {
    /// Whether a term of this place looks at a metric's name of this index.
    fn is_at(&self, index: usize, series: &Series) -> bool {
        match self {
            Place::Anywhere => true,
            Place::Namespace => index == 0,
            Place::MetricName => index == 1,
            Place::Dimension(name) => {
                let is_value = index >= 3 && index % 2 == 1;
                is_value && *series.dimensions[index / 2 - 1].name == **name
            }
            Place::Account => false,
        }
    }
}

fn spend(work: &mut usize, bytes: usize) -> bool {
    *work = work.saturating_sub(bytes);
    *work > 0
}

impl<'m> Names<'m> {
    fn of(series: &'m Series) -> Names<'m> {
        Names { series, words: Vec::new() }
    }

    fn count(&self) -> usize {
        2 + 2 * self.series.dimensions.len()
    }

    /// `index` is less than the count.
    fn name(&self, index: usize) -> &'m str {
        match index {
            0 => &self.series.namespace,
            1 => &self.series.name,
            _ => {
                let dimension = &self.series.dimensions[index / 2 - 1];
                if index.is_multiple_of(2) { &dimension.name } else { &dimension.value }
            }
        }
    }

    fn words(&mut self, index: usize) -> &Words {
        if self.words.is_empty() {
            self.words.resize(self.count(), None);
        }
        let name = self.name(index);
        self.words[index].get_or_insert_with(|| Words::of(name))
    }
}
