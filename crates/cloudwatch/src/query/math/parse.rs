//! From words to steps, by precedence climbing.
//!
//! Loosest to tightest: OR, AND, comparisons, + and -, * and /, the minus sign, ^ (from the right). The parser calls
//! itself only for what is nested, and that has a limit.

use super::{
    MathError,
    program::{Function, Operator, Program, SearchCall, Step, Word},
    token::{Token, tokens},
};
use crate::query::limits::EXPRESSION_DEPTH_MAX;

/// Functions that AWS has and that need what is not here.
const REFUSED: [(&str, &str); 5] = [
    ("ANOMALY_DETECTION_BAND", "there are no anomaly detectors here"),
    ("INSIGHT_RULE_METRIC", "there is no Contributor Insights here"),
    ("SERVICE_QUOTA", "there are no usage metrics here"),
    ("DB_PERF_INSIGHTS", "there are no databases here"),
    ("LAMBDA", "there are no data sources by Lambda here"),
];

/// How tight ^ binds; a minus sign takes what binds as tight as that.
const POWER: u8 = 6;

pub(super) fn parse(text: &str) -> Result<Program, MathError> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0, program: Program::default() };
    parser.expression(0)?;
    match parser.next() {
        None => Ok(parser.program),
        Some(token) => Err(unexpected(Some(token))),
    }
}

struct Parser<'t> {
    tokens: &'t [Token<'t>],
    at: usize,
    depth: usize,
    program: Program,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<Token<'t>> {
        self.tokens.get(self.at).copied()
    }

    fn next(&mut self) -> Option<Token<'t>> {
        let token = self.peek();
        self.at += usize::from(token.is_some());
        token
    }

    fn takes(&mut self, symbol: &str) -> bool {
        let is_it = self.peek() == Some(Token::Symbol(symbol));
        self.at += usize::from(is_it);
        is_it
    }

    fn expect(&mut self, symbol: &str) -> Result<(), MathError> {
        if self.takes(symbol) { Ok(()) } else { Err(unexpected(self.peek())) }
    }

    fn emit(&mut self, step: Step) {
        self.program.steps.push(step);
    }

    /// An expression of operators that bind at least as tight as `least`.
    fn expression(&mut self, least: u8) -> Result<(), MathError> {
        self.depth += 1;
        if self.depth > EXPRESSION_DEPTH_MAX {
            return Err(MathError::new(format!(
                "An expression is nested at most {EXPRESSION_DEPTH_MAX} deep"
            )));
        }
        self.operand()?;
        while let Some(operator) = self.peek_operator() {
            let binding = binding(operator);
            if binding < least {
                break;
            }
            self.at += 1;
            self.expression(if operator == Operator::Power { binding } else { binding + 1 })?;
            self.emit(Step::Binary(operator));
        }
        self.depth -= 1;
        Ok(())
    }

    fn peek_operator(&self) -> Option<Operator> {
        match self.peek()? {
            Token::Symbol(text) | Token::Name(text) => Operator::parse(text),
            _ => None,
        }
    }

    fn operand(&mut self) -> Result<(), MathError> {
        let (mut is_signed, mut is_negative) = (false, false);
        while self.takes("-") {
            (is_signed, is_negative) = (true, !is_negative);
        }
        if !is_signed {
            return self.primary();
        }
        self.expression(POWER)?;
        if is_negative {
            self.emit(Step::Negate);
        }
        Ok(())
    }

    fn primary(&mut self) -> Result<(), MathError> {
        match self.next() {
            Some(Token::Number(value)) => self.emit(Step::Number(value)),
            Some(Token::Symbol("(")) => {
                self.expression(0)?;
                self.expect(")")?;
            }
            Some(Token::Symbol("[")) => {
                let count = self.list("]")?;
                self.emit(Step::Array(count));
            }
            Some(Token::Name(name)) if self.takes("(") => self.call(name)?,
            Some(Token::Name(name)) => self.name(name)?,
            token => return Err(unexpected(token)),
        }
        Ok(())
    }

    fn name(&mut self, name: &str) -> Result<(), MathError> {
        if let Some(word) = Word::parse(name) {
            self.emit(Step::Word(word));
        } else if name.starts_with(|c: char| c.is_ascii_lowercase()) {
            self.emit(Step::Reference(name.to_owned()));
        } else {
            return Err(unexpected(Some(Token::Name(name))));
        }
        Ok(())
    }

    /// What stands between a bracket that is taken already and `close`; how many there are.
    fn list(&mut self, close: &str) -> Result<usize, MathError> {
        if self.takes(close) {
            return Ok(0);
        }
        let mut count = 0;
        loop {
            self.expression(0)?;
            count += 1;
            if !self.takes(",") {
                self.expect(close)?;
                return Ok(count);
            }
        }
    }

    fn call(&mut self, name: &str) -> Result<(), MathError> {
        if let Some((_, why)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
            return Err(MathError::new(format!("The function {name} is not supported: {why}")));
        }
        match name {
            "METRICS" => return self.metrics(),
            "SEARCH" => return self.search(),
            _ => {}
        }
        let function = Function::parse(name)
            .ok_or_else(|| MathError::new(format!("'{name}' is not a function")))?;
        let count = self.list(")")?;
        self.emit(Step::Call(function, count));
        Ok(())
    }

    fn metrics(&mut self) -> Result<(), MathError> {
        let part = match self.peek() {
            Some(Token::Text(text)) => {
                self.at += 1;
                Some(text.to_owned())
            }
            _ => None,
        };
        self.expect(")")?;
        self.emit(Step::Metrics(part));
        Ok(())
    }

    fn search(&mut self) -> Result<(), MathError> {
        let text = self.text()?;
        self.expect(",")?;
        let stat = self.text()?;
        let period_s = if self.takes(",") { Some(self.period()?) } else { None };
        self.expect(")")?;
        self.emit(Step::Search(self.program.searches.len()));
        self.program.searches.push(SearchCall { text, stat, period_s });
        Ok(())
    }

    fn text(&mut self) -> Result<String, MathError> {
        match self.next() {
            Some(Token::Text(text)) => Ok(text.to_owned()),
            token => Err(unexpected(token)),
        }
    }

    fn period(&mut self) -> Result<u32, MathError> {
        match self.next() {
            Some(Token::Number(value)) if value.fract() == 0.0 && value <= f64::from(u32::MAX) => {
                Ok(value as u32)
            }
            token => Err(unexpected(token)),
        }
    }
}

fn binding(operator: Operator) -> u8 {
    match operator {
        Operator::Or => 1,
        Operator::And => 2,
        Operator::Equal
        | Operator::NotEqual
        | Operator::Less
        | Operator::LessOrEqual
        | Operator::Greater
        | Operator::GreaterOrEqual => 3,
        Operator::Add | Operator::Subtract => 4,
        Operator::Multiply | Operator::Divide => 5,
        Operator::Power => POWER,
    }
}

fn unexpected(token: Option<Token<'_>>) -> MathError {
    MathError(match token {
        Some(Token::Number(value)) => format!("Unexpected number {value}"),
        Some(Token::Name(name)) => format!("Unexpected word '{name}'"),
        Some(Token::Text(text)) => format!("Unexpected text '{text}'"),
        Some(Token::Symbol(symbol)) => format!("Unexpected '{symbol}'"),
        None => "Unexpected end".to_owned(),
    })
}
