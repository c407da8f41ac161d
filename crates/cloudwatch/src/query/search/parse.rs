//! From a text to what is looked for.
//!
//! NOT binds tighter than AND, that tighter than OR. The parser calls itself only for NOT and parentheses, and that has a
//! limit.

use super::{Partial, Place, Schema, Search, Step, Term, Text};
use crate::query::{
    limits::{SEARCH_CHARS_MAX, SEARCH_DEPTH_MAX},
    math::MathError,
};

/// What asks for an account: there is only the caller's own here.
const ACCOUNT: &str = ":aws.AccountId";

impl Search {
    /// Reads what a SEARCH looks for.
    pub(crate) fn parse(text: &str) -> Result<Search, MathError> {
        if text.chars().count() > SEARCH_CHARS_MAX {
            return Err(wrong(format!("it has at most {SEARCH_CHARS_MAX} characters")));
        }
        let search = Search { schema: None, terms: Vec::new(), steps: Vec::new() };
        let mut parser = Parser { rest: text.trim(), depth: 0, search };
        parser.schema()?;
        if !parser.rest.is_empty() {
            parser.any()?;
            if !parser.rest.is_empty() {
                return Err(parser.unexpected());
            }
        } else if parser.search.schema.is_none() {
            return Err(wrong("it has neither a schema nor a term"));
        }
        Ok(parser.search)
    }
}

fn wrong(why: impl AsRef<str>) -> MathError {
    MathError(format!("Invalid SEARCH: {}", why.as_ref()))
}

struct Parser<'t> {
    rest: &'t str,
    depth: usize,
    search: Search,
}

impl<'t> Parser<'t> {
    fn unexpected(&self) -> MathError {
        match self.rest.chars().next() {
            Some(character) => wrong(format!("unexpected '{character}'")),
            None => wrong("unexpected end"),
        }
    }

    fn advance(&mut self, bytes: usize) {
        self.rest = self.rest[bytes..].trim_start();
    }

    fn takes(&mut self, character: char) -> bool {
        let is_it = self.rest.starts_with(character);
        if is_it {
            self.advance(character.len_utf8());
        }
        is_it
    }

    /// `{AWS/Kinesis, StreamName}`, perhaps with a comma behind it.
    fn schema(&mut self) -> Result<(), MathError> {
        if !self.takes('{') {
            return Ok(());
        }
        let mut names = Vec::new();
        loop {
            names.push(match self.quoted()? {
                Some(name) => name,
                None => self.bare(&[',', '}', '{', '"'])?.trim_end().to_owned(),
            });
            if !self.takes(',') {
                break;
            }
        }
        if !self.takes('}') {
            return Err(self.unexpected());
        }
        self.takes(',');
        let mut names = names.into_iter();
        let namespace = names.next().unwrap_or_default();
        let mut dimensions: Vec<_> = names.collect();
        dimensions.sort();
        self.search.schema = Some(Schema { namespace, dimensions });
        Ok(())
    }

    fn any(&mut self) -> Result<(), MathError> {
        self.all()?;
        while self.takes_word("OR") {
            self.all()?;
            self.search.steps.push(Step::Or);
        }
        Ok(())
    }

    fn all(&mut self) -> Result<(), MathError> {
        self.one()?;
        while !self.rest.is_empty() && !self.rest.starts_with(')') && !self.is_word("OR") {
            self.takes_word("AND");
            self.one()?;
            self.search.steps.push(Step::And);
        }
        Ok(())
    }

    fn one(&mut self) -> Result<(), MathError> {
        self.depth += 1;
        if self.depth > SEARCH_DEPTH_MAX {
            return Err(wrong(format!("it is nested at most {SEARCH_DEPTH_MAX} deep")));
        }
        if self.takes_word("NOT") {
            self.one()?;
            self.search.steps.push(Step::Not);
        } else if self.takes('(') {
            self.any()?;
            if !self.takes(')') {
                return Err(self.unexpected());
            }
        } else {
            self.term()?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn term(&mut self) -> Result<(), MathError> {
        let first = self.text()?;
        let term = if self.takes('=') {
            let name = match first {
                Raw::Exact(name) => name,
                Raw::Bare(name) => name.to_owned(),
            };
            let place = match name.as_str() {
                "Namespace" => Place::Namespace,
                "MetricName" => Place::MetricName,
                ACCOUNT => Place::Account,
                _ => Place::Dimension(name),
            };
            Term { place, text: self.text()?.read()? }
        } else {
            Term { place: Place::Anywhere, text: first.read()? }
        };
        self.search.steps.push(Step::Term(self.search.terms.len()));
        self.search.terms.push(term);
        Ok(())
    }

    fn text(&mut self) -> Result<Raw<'t>, MathError> {
        Ok(match self.quoted()? {
            Some(text) => Raw::Exact(text),
            None => {
                let text = self.bare(&[' ', '\t', '\n', '\r', '(', ')', '"', '='])?;
                if matches!(text, "AND" | "OR" | "NOT") {
                    return Err(wrong(format!("unexpected {text}")));
                }
                Raw::Bare(text)
            }
        })
    }

    /// What stands up to one of these characters.
    fn bare(&mut self, ends: &[char]) -> Result<&'t str, MathError> {
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        if end == 0 {
            return Err(self.unexpected());
        }
        let text = &self.rest[..end];
        self.advance(end);
        Ok(text)
    }

    /// What stands in double quotes, if something does. A backslash takes the next character as it is.
    fn quoted(&mut self) -> Result<Option<String>, MathError> {
        let Some(inside) = self.rest.strip_prefix('"') else { return Ok(None) };
        let (mut text, mut is_escaped) = (String::new(), false);
        for (at, character) in inside.char_indices() {
            match character {
                '\\' if !is_escaped => is_escaped = true,
                '"' if !is_escaped => {
                    self.advance(at + 2);
                    return Ok(Some(text));
                }
                _ => {
                    text.push(character);
                    is_escaped = false;
                }
            }
        }
        Err(wrong("a text has no closing \""))
    }

    fn is_word(&self, word: &str) -> bool {
        let rest = self.rest.strip_prefix(word);
        rest.is_some_and(|rest| {
            !rest.starts_with(|c: char| !c.is_whitespace() && !"()\"".contains(c))
        })
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is_it = self.is_word(word);
        if is_it {
            self.advance(word.len());
        }
        is_it
    }
}

enum Raw<'t> {
    Exact(String),
    Bare(&'t str),
}

impl Raw<'_> {
    fn read(self) -> Result<Text, MathError> {
        match self {
            Raw::Exact(text) => Ok(Text::Exact(text)),
            Raw::Bare(text) => Partial::of(text)
                .map(Text::Partial)
                .ok_or_else(|| wrong(format!("'{text}' has neither a letter nor a digit"))),
        }
    }
}
