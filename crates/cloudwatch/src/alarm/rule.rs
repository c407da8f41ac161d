//! The rule of a composite alarm: which states of which alarms make it ALARM.
//!
//! AWS: AlarmRule of <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html>
//!
//! ```text
//! rule      = operand { ("AND" | "OR") operand }             NOT binds closest, then AND, then OR
//! operand   = { "NOT" } ( "TRUE" | "FALSE" | condition | at-least | "(" rule ")" )
//! condition = state "(" alarm ")"
//! at-least  = "AT_LEAST" "(" (count | percent "%") "," [ "NOT" ] state "," "(" alarm { "," alarm } ")" ")"
//! state     = "ALARM" | "OK" | "INSUFFICIENT_DATA"
//! alarm     = name or ARN, bare or in double quotes; \" and \\ stand for themselves there
//! ```
//!
//! A rule is kept as steps for a stack, in the order in which they are done: neither reading nor evaluating one recurses,
//! however deep it is nested.

use super::model::{StateValue, alarm_arn};
use crate::limits;

/// A rule that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    steps: Vec<Step>,
    children: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Push(bool),
    /// Whether a child is in a state.
    Is(StateValue, usize),
    /// Whether so many of these children are in a state, or not in it.
    AtLeast {
        count: usize,
        negated: bool,
        state: StateValue,
        children: Vec<usize>,
    },
    Not,
    And,
    Or,
}

impl Rule {
    /// Reads a rule; what is wrong with it is said as AWS does (of a ValidationError).
    pub(crate) fn parse(text: &str) -> Result<Rule, String> {
        if text.trim() != text || text.is_empty() {
            return Err(
                "AlarmRule must not contain leading or trailing whitespace or be null".to_owned()
            );
        }
        if text.chars().count() > limits::RULE_CHARS_MAX {
            return Err(format!(
                "AlarmRule must not be longer than {} characters",
                limits::RULE_CHARS_MAX
            ));
        }
        Parser {
            lexer: Lexer { text, at: 0 },
            steps: Vec::new(),
            children: Vec::new(),
            elements: 0,
        }
        .rule()
        .map_err(|error| format!("Error in AlarmRule [{error}]"))
    }

    /// The alarms that it speaks of, each once, by name or ARN as they stand there.
    pub(crate) fn children(&self) -> &[String] {
        &self.children
    }

    /// Whether the alarm is ALARM when `state_of` a child (as in [`Rule::children`]) is this. A condition about a child
    /// that is not there does not hold.
    pub(crate) fn is_alarm(&self, mut state_of: impl FnMut(&str) -> Option<StateValue>) -> bool {
        let states: Vec<_> = self.children.iter().map(|child| state_of(child)).collect();
        let state_of = |child: usize| states.get(child).copied().flatten();
        let mut stack: Vec<bool> = Vec::new();
        for step in &self.steps {
            // The parser made the steps: none finds too little on the stack.
            let mut pop = || stack.pop().unwrap_or(false);
            let value = match step {
                Step::Push(value) => *value,
                Step::Is(state, child) => state_of(*child) == Some(*state),
                Step::AtLeast { count, negated, state, children } => {
                    let holds = |child: &&usize| {
                        state_of(**child).is_some_and(|is| (is == *state) != *negated)
                    };
                    children.iter().filter(holds).count() >= *count
                }
                Step::Not => !pop(),
                Step::And => pop() & pop(),
                Step::Or => pop() | pop(),
            };
            stack.push(value);
        }
        stack.pop().unwrap_or(false)
    }
}

/// The name of a child in this account and region; `None` for the ARN of anything else.
pub(crate) fn child_name<'a>(child: &'a str, account: &str, region: &str) -> Option<&'a str> {
    match child.starts_with("arn:") {
        true => child.strip_prefix(alarm_arn(account, region, "").as_str()),
        false => Some(child),
    }
}

/// What waits for its right side, or for its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    Group,
    Or,
    And,
    Not,
}

impl Waiting {
    fn step(self) -> Option<Step> {
        match self {
            Waiting::Group => None,
            Waiting::Or => Some(Step::Or),
            Waiting::And => Some(Step::And),
            Waiting::Not => Some(Step::Not),
        }
    }

    /// How close it binds.
    fn rank(self) -> u8 {
        match self {
            Waiting::Group => 0,
            Waiting::Or => 1,
            Waiting::And => 2,
            Waiting::Not => 3,
        }
    }
}

const OPERANDS: &str = "'(', 'NOT', AT_LEAST, TRUE or FALSE, ALARM, OK, or INSUFFICIENT_DATA";

struct Parser<'a> {
    lexer: Lexer<'a>,
    steps: Vec<Step>,
    children: Vec<String>,
    elements: usize,
}

impl Parser<'_> {
    fn rule(mut self) -> Result<Rule, String> {
        let mut waiting: Vec<Waiting> = Vec::new();
        let (mut wants_operand, mut open_groups) = (true, 0);
        while let Some(token) = self.lexer.next()? {
            match (wants_operand, token.word()) {
                (true, "(") => {
                    self.count_element()?;
                    waiting.push(Waiting::Group);
                    open_groups += 1;
                }
                (true, "NOT") => waiting.push(Waiting::Not),
                (true, word) => {
                    self.operand(&token, word)?;
                    wants_operand = false;
                }
                (false, "AND" | "OR") => {
                    let operator = if token.word() == "AND" { Waiting::And } else { Waiting::Or };
                    self.finish(&mut waiting, operator.rank());
                    waiting.push(operator);
                    wants_operand = true;
                }
                (false, ")") if open_groups > 0 => {
                    self.count_element()?;
                    self.finish(&mut waiting, Waiting::Or.rank());
                    waiting.pop();
                    open_groups -= 1;
                }
                (false, _) => {
                    let wanted =
                        if open_groups > 0 { "'AND', 'OR', or ')'" } else { "'AND', or 'OR'" };
                    return Err(token.unsupported(wanted));
                }
            }
        }
        if wants_operand {
            return Err(self.lexer.unexpected_end(OPERANDS));
        }
        self.finish(&mut waiting, Waiting::Or.rank());
        if !waiting.is_empty() {
            return Err(self.lexer.unexpected_end("'AND', 'OR', or ')'"));
        }
        Ok(Rule { steps: self.steps, children: self.children })
    }

    /// Does what waits and binds as close as this or closer.
    fn finish(&mut self, waiting: &mut Vec<Waiting>, rank: u8) {
        while let Some(step) = waiting.pop_if(|at| at.rank() >= rank).and_then(Waiting::step) {
            self.steps.push(step);
        }
    }

    fn operand(&mut self, token: &Token<'_>, word: &str) -> Result<(), String> {
        let step = match word {
            "TRUE" | "FALSE" => {
                self.count_element()?;
                Step::Push(word == "TRUE")
            }
            "AT_LEAST" => self.at_least()?,
            _ => {
                let state = StateValue::parse(word).ok_or_else(|| token.unsupported(OPERANDS))?;
                self.expect("(")?;
                let child = self.child(false)?;
                self.expect(")")?;
                Step::Is(state, child)
            }
        };
        self.steps.push(step);
        Ok(())
    }

    fn at_least(&mut self) -> Result<Step, String> {
        self.expect("(")?;
        let needed = self.lexer.next_listed()?;
        let needed_text = needed.as_ref().map_or("", Token::word);
        let (digits, is_percent) = match needed_text.strip_suffix('%') {
            Some(digits) => (digits, true),
            None => (needed_text, false),
        };
        let number: Option<usize> = digits.parse().ok().filter(|number| *number > 0);
        let Some(number) = number.filter(|number| !is_percent || *number <= 100) else {
            return Err(self.lexer.wrong(needed, "a number or percentage"));
        };
        self.expect_listed(",")?;
        let mut condition = self.lexer.next_listed()?;
        let negated = condition.as_ref().is_some_and(|token| token.word() == "NOT");
        if negated {
            condition = self.lexer.next_listed()?;
        }
        let Some(state) = condition.as_ref().and_then(|token| StateValue::parse(token.word()))
        else {
            return Err(self.lexer.wrong(condition, "ALARM, OK, or INSUFFICIENT_DATA"));
        };
        self.expect_listed(",")?;
        self.expect("(")?;
        let mut children = vec![self.child(true)?];
        loop {
            let token = self.lexer.next_listed()?;
            match token.as_ref().map(Token::word) {
                Some(",") => children.push(self.child(true)?),
                Some(")") => break,
                _ => return Err(self.lexer.wrong(token, "',', or ')'")),
            }
        }
        self.expect(")")?;
        let count = match is_percent {
            true => (children.len() * number).div_ceil(100),
            false => number,
        };
        if count > children.len() {
            return Err(format!("AT_LEAST asks for {count} of {} alarms", children.len()));
        }
        Ok(Step::AtLeast { count, negated, state, children })
    }

    /// The number of a child; in a list its bare name ends at a comma.
    fn child(&mut self, is_listed: bool) -> Result<usize, String> {
        self.count_element()?;
        let token = if is_listed { self.lexer.next_listed()? } else { self.lexer.next()? };
        let name = match &token {
            Some(Token { kind: Kind::Quoted(name), .. }) if !name.is_empty() => name.clone(),
            Some(Token { kind: Kind::Word(name), .. }) => (*name).to_owned(),
            _ => return Err(self.lexer.wrong(token, "an alarm name or ARN")),
        };
        if let Some(known) = self.children.iter().position(|child| *child == name) {
            return Ok(known);
        }
        if self.children.len() == limits::RULE_CHILDREN_MAX {
            return Err(format!(
                "the rule has more than {} child alarms",
                limits::RULE_CHILDREN_MAX
            ));
        }
        self.children.push(name);
        Ok(self.children.len() - 1)
    }

    fn count_element(&mut self) -> Result<(), String> {
        self.elements += 1;
        if self.elements > limits::RULE_ELEMENTS_MAX {
            return Err(format!("the rule has more than {} elements", limits::RULE_ELEMENTS_MAX));
        }
        Ok(())
    }

    fn expect(&mut self, mark: &str) -> Result<(), String> {
        let token = self.lexer.next()?;
        self.is(token, mark)
    }

    fn expect_listed(&mut self, mark: &str) -> Result<(), String> {
        let token = self.lexer.next_listed()?;
        self.is(token, mark)
    }

    fn is(&self, token: Option<Token<'_>>, mark: &str) -> Result<(), String> {
        match token {
            Some(token) if token.word() == mark => Ok(()),
            other => Err(self.lexer.wrong(other, &format!("'{mark}'"))),
        }
    }
}

#[derive(Debug)]
struct Token<'a> {
    /// What stands before it.
    before: &'a str,
    kind: Kind<'a>,
}

#[derive(Debug)]
enum Kind<'a> {
    /// A parenthesis or a comma.
    Mark(&'a str),
    Word(&'a str),
    Quoted(String),
}

impl Token<'_> {
    /// The word or mark; what was quoted is none.
    fn word(&self) -> &str {
        match &self.kind {
            Kind::Mark(text) | Kind::Word(text) => text,
            Kind::Quoted(_) => "",
        }
    }

    fn unsupported(&self, wanted: &str) -> String {
        let text = match &self.kind {
            Kind::Mark(text) | Kind::Word(text) => text,
            Kind::Quoted(text) => text.as_str(),
        };
        format!(
            "Unsupported token '{text}' at char {}, must be: {wanted}",
            self.before.chars().count()
        )
    }
}

struct Lexer<'a> {
    text: &'a str,
    /// In bytes.
    at: usize,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Result<Option<Token<'a>>, String> {
        self.token(false)
    }

    /// As [`Lexer::next`], within a list of AT_LEAST: a comma is a mark there.
    fn next_listed(&mut self) -> Result<Option<Token<'a>>, String> {
        self.token(true)
    }

    fn token(&mut self, is_listed: bool) -> Result<Option<Token<'a>>, String> {
        let rest = self.rest().trim_start();
        self.at = self.text.len() - rest.len();
        let before = self.text.get(..self.at).unwrap_or("");
        let is_mark = |letter: char| matches!(letter, '(' | ')') || (is_listed && letter == ',');
        let Some(first) = rest.chars().next() else { return Ok(None) };
        if is_mark(first) {
            self.at += first.len_utf8();
            let (mark, _) = rest.split_at(first.len_utf8());
            return Ok(Some(Token { before, kind: Kind::Mark(mark) }));
        }
        if first == '"' {
            return self.quoted(before).map(Some);
        }
        let ends = |letter: char| letter.is_whitespace() || letter == '"' || is_mark(letter);
        let (word, _) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
        self.at += word.len();
        Ok(Some(Token { before, kind: Kind::Word(word) }))
    }

    fn quoted(&mut self, before: &'a str) -> Result<Token<'a>, String> {
        let mut text = String::new();
        let mut letters = self.rest().char_indices().skip(1);
        while let Some((offset, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.at += offset + 1;
                    return Ok(Token { before, kind: Kind::Quoted(text) });
                }
                '\\' => match letters.next() {
                    Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                    Some((_, other)) => text.extend(['\\', other]),
                    None => break,
                },
                other => text.push(other),
            }
        }
        Err(format!("Missing closing quote for the name at char {}", before.chars().count()))
    }

    fn wrong(&self, token: Option<Token<'_>>, wanted: &str) -> String {
        match token {
            Some(token) => token.unsupported(wanted),
            None => self.unexpected_end(wanted),
        }
    }

    fn unexpected_end(&self, wanted: &str) -> String {
        format!("Unexpected end at char {}, must be: {wanted}", self.text.chars().count())
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }
}

#[cfg(test)]
mod tests;
