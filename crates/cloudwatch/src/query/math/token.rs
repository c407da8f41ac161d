//! The words of an expression.

use super::MathError;
use crate::query::limits::EXPRESSION_CHARS_MAX;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token<'t> {
    Number(f64),
    /// An id, a function, a word like `AND`.
    Name(&'t str),
    /// What stands between quotes, as it is written: backslashes stay, for SEARCH reads them.
    Text(&'t str),
    /// `(` `)` `[` `]` `,` and the operators; `&&` and `||` are the names `AND` and `OR`.
    Symbol(&'t str),
}

/// Longer ones first.
const SYMBOLS: [&str; 18] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "+", "-", "*", "/", "^", "(", ")", "[", "]", ",",
];

/// The words of a whole expression.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, MathError> {
    if text.len() > EXPRESSION_CHARS_MAX && text.chars().count() > EXPRESSION_CHARS_MAX {
        return Err(MathError::new(format!(
            "An expression has at most {EXPRESSION_CHARS_MAX} characters"
        )));
    }
    let (mut tokens, mut rest) = (Vec::new(), text.trim_start());
    while let Some(first) = rest.chars().next() {
        let (token, bytes) = if first.is_ascii_digit() || first == '.' {
            number(rest)?
        } else if first.is_ascii_alphabetic() || first == '_' {
            let bytes = end_of(rest, |c| !c.is_ascii_alphanumeric() && c != '_');
            (Token::Name(&rest[..bytes]), bytes)
        } else if first == '\'' || first == '"' {
            quoted(rest, first)?
        } else {
            let symbol = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol));
            match symbol {
                Some(&"&&") => (Token::Name("AND"), 2),
                Some(&"||") => (Token::Name("OR"), 2),
                Some(symbol) => (Token::Symbol(symbol), symbol.len()),
                None => return Err(MathError::new(format!("Unexpected character '{first}'"))),
            }
        };
        tokens.push(token);
        rest = rest[bytes..].trim_start();
    }
    Ok(tokens)
}

fn end_of(text: &str, ends: impl Fn(char) -> bool) -> usize {
    text.find(ends).unwrap_or(text.len())
}

/// `5`, `.5`, `1.5e-3`.
fn number(text: &str) -> Result<(Token<'_>, usize), MathError> {
    let digits = |from: usize| from + end_of(&text[from..], |c| !c.is_ascii_digit());
    let mut end = digits(0);
    if text[end..].starts_with('.') {
        end = digits(end + 1);
    }
    if let Some(exponent) = text[end..].strip_prefix(['e', 'E']) {
        let sign = usize::from(exponent.starts_with(['+', '-']));
        let last = digits(end + 1 + sign);
        if last > end + 1 + sign {
            end = last;
        }
    }
    let word = &text[..end + end_of(&text[end..], |c| !c.is_ascii_alphanumeric() && c != '_')];
    match word.parse::<f64>() {
        Ok(value) if value.is_finite() && word.len() == end => Ok((Token::Number(value), end)),
        _ => Err(MathError::new(format!("'{word}' is not a number"))),
    }
}

fn quoted(text: &str, quote: char) -> Result<(Token<'_>, usize), MathError> {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == quote && !is_escaped {
            return Ok((Token::Text(&text[1..at]), at + 1));
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    Err(MathError::new(format!("A text has no closing {quote}")))
}

#[cfg(test)]
mod tests {
    use super::{Token::*, *};

    #[test]
    fn words_are_told_apart() {
        assert_eq!(
            tokens(r#" IF(m1_a>=1.5e-3&&b, 'x "y\'" z',.5)"#).expect("words"),
            [
                Name("IF"),
                Symbol("("),
                Name("m1_a"),
                Symbol(">="),
                Number(0.0015),
                Name("AND"),
                Name("b"),
                Symbol(","),
                Text(r#"x "y\'" z"#),
                Symbol(","),
                Number(0.5),
                Symbol(")"),
            ]
        );
        assert_eq!(tokens("2e").expect_err("no number").0, "'2e' is not a number");
        assert_eq!(tokens("1.2.3").expect("two numbers"), [Number(1.2), Number(0.3)]);
        assert!(tokens("'open").is_err() && tokens("m1 ; m2").is_err() && tokens(".").is_err());
        assert!(tokens("1e999").is_err());
    }
}
