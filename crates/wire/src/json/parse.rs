//! The JSON parser: recursive descent over a body whose UTF-8 was checked once.
//!
//! Strict, as AWS's is: RFC 8259, nothing before or behind the value but white space. Values are counted and depth
//! is bounded (see [`limits`]), so a body costs at most a fixed multiple of their bound beside itself.

use std::borrow::Cow;

use memchr::memchr2;

use crate::{
    AwsError, Number, Value,
    limits::{DEPTH_MAX, NODES_MAX},
};

#[cfg(doc)]
use crate::limits;

/// The value of a whole body. All errors are the same one, without a message: AWS says no more either.
pub fn parse(body: &[u8]) -> Result<Value<'_>, AwsError> {
    parse_up_to(NODES_MAX, body)
}

/// The same with another bound on the number of values.
pub fn parse_up_to(nodes_max: usize, body: &[u8]) -> Result<Value<'_>, AwsError> {
    let value = std::str::from_utf8(body).ok().and_then(|text| {
        let mut parser = Parser { text, bytes: body, at: 0, nodes: 0, nodes_max };
        let value = parser.value(0)?;
        parser.skip_blanks();
        (parser.at == body.len()).then_some(value)
    });
    value.ok_or_else(|| AwsError::serialization(None))
}

struct Parser<'a> {
    text: &'a str,
    /// The same, as bytes.
    bytes: &'a [u8],
    at: usize,
    nodes: usize,
    nodes_max: usize,
}

// Each method answers `None` where the text is no JSON or goes beyond a limit.
impl<'a> Parser<'a> {
    fn value(&mut self, depth: usize) -> Option<Value<'a>> {
        self.nodes += 1;
        if self.nodes > self.nodes_max {
            return None;
        }
        self.skip_blanks();
        match self.peek()? {
            b'"' => Some(Value::Str(self.string()?)),
            b'{' => self.map(depth + 1),
            b'[' => self.list(depth + 1),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'n' => self.word("null", Value::Null),
            _ => Some(Value::Number(self.number()?)),
        }
    }

    fn map(&mut self, depth: usize) -> Option<Value<'a>> {
        self.at += 1;
        if depth > DEPTH_MAX {
            return None;
        }
        let mut entries = Vec::new();
        self.skip_blanks();
        if self.eat(b'}') {
            return Some(Value::Map(entries));
        }
        loop {
            self.skip_blanks();
            let key = self.string()?;
            self.skip_blanks();
            self.eat(b':').then_some(())?;
            let value = self.value(depth)?;
            entries.push((key, value));
            self.skip_blanks();
            match self.next()? {
                b',' => {}
                b'}' => return Some(Value::Map(entries)),
                _ => return None,
            }
        }
    }

    fn list(&mut self, depth: usize) -> Option<Value<'a>> {
        self.at += 1;
        if depth > DEPTH_MAX {
            return None;
        }
        let mut items = Vec::new();
        self.skip_blanks();
        if self.eat(b']') {
            return Some(Value::List(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.skip_blanks();
            match self.next()? {
                b',' => {}
                b']' => return Some(Value::List(items)),
                _ => return None,
            }
        }
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        self.eat(b'"').then_some(())?;
        let start = self.at;
        self.at += memchr2(b'"', b'\\', &self.bytes[start..])?;
        if self.bytes[self.at] == b'"' {
            let text = self.plain(start)?;
            self.at += 1;
            return Some(Cow::Borrowed(text));
        }
        let mut text = String::from(self.plain(start)?);
        while self.next()? == b'\\' {
            text.push(self.escape()?);
            let start = self.at;
            self.at += memchr2(b'"', b'\\', &self.bytes[start..])?;
            text.push_str(self.plain(start)?);
        }
        Some(Cow::Owned(text))
    }

    /// The text from `start` to here, if it has no control characters: JSON wants those escaped.
    fn plain(&self, start: usize) -> Option<&'a str> {
        let text = self.text.get(start..self.at)?;
        // No early exit: so the compiler makes vector instructions of it.
        let control = text.bytes().fold(false, |any, byte| any | (byte < 0x20));
        (!control).then_some(text)
    }

    /// The character of an escape, behind its backslash.
    fn escape(&mut self) -> Option<char> {
        Some(match self.next()? {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex4()?;
                let scalar = match first {
                    0xd800..=0xdbff => {
                        (self.eat(b'\\') && self.eat(b'u')).then_some(())?;
                        let low = self.hex4()?.checked_sub(0xdc00).filter(|&low| low < 0x400)?;
                        0x10000 + ((first - 0xd800) << 10) + low
                    }
                    _ => first,
                };
                // Half of a surrogate pair is no character: refused rather than changed silently.
                char::from_u32(scalar)?
            }
            _ => return None,
        })
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self.bytes.get(self.at..self.at + 4)?;
        self.at += 4;
        digits.iter().try_fold(0, |value, &digit| Some(value << 4 | (digit as char).to_digit(16)?))
    }

    fn number(&mut self) -> Option<Number> {
        let start = self.at;
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        let mut integer = true;
        if self.eat(b'.') {
            integer = false;
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            integer = false;
            let _sign = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        let text = self.text.get(start..self.at)?;
        match text.parse() {
            Ok(value) if integer => Some(Number::Integer(value)),
            _ => text.parse().ok().map(Number::Float),
        }
    }

    /// One digit or more.
    fn digits(&mut self) -> Option<()> {
        let rest = &self.bytes[self.at..];
        let count = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        self.at += count;
        (count > 0).then_some(())
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Option<Value<'a>> {
        let found = self.bytes[self.at..].starts_with(word.as_bytes());
        self.at += word.len();
        found.then_some(value)
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
}
