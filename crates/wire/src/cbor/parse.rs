//! The CBOR parser: RFC 8949 as far as AWS's clients use it, lengths given or not.
//!
//! Keys are texts, nothing stands behind the value. Tags are skipped: what a number means is told by the member that
//! it is read for. A length is believed only when as many bytes are there, and a list's or map's items are
//! counted before room is made for them, so a body costs at most a fixed multiple of their bound beside itself.

use std::{borrow::Cow, str};

use super::{BREAK, INDEFINITE, major};
use crate::{
    AwsError, Number, Value,
    limits::{DEPTH_MAX, NODES_MAX},
};

/// The value of a whole body. All errors are the same one, without a message, as in JSON.
pub fn parse(body: &[u8]) -> Result<Value<'_>, AwsError> {
    parse_up_to(NODES_MAX, body)
}

/// The same with another bound on the number of values.
pub fn parse_up_to(nodes_max: usize, body: &[u8]) -> Result<Value<'_>, AwsError> {
    let mut parser = Parser { rest: body, nodes: 1, nodes_max };
    let value = parser.value(0).filter(|_| parser.rest.is_empty());
    value.ok_or_else(|| AwsError::serialization(None))
}

struct Parser<'a> {
    rest: &'a [u8],
    nodes: usize,
    nodes_max: usize,
}

/// How an item begins.
#[derive(Debug, Clone, Copy)]
struct Head {
    major: u8,
    /// The five bits beside it: a small argument, or where the argument stands.
    info: u8,
    /// A value or a length.
    argument: u64,
}

impl Head {
    /// The length of a text, of bytes, a list or a map; none if a break ends it.
    fn length(self) -> Option<u64> {
        (self.info != INDEFINITE).then_some(self.argument)
    }
}

// Each method answers `None` where the bytes are no CBOR that we read, or go beyond a limit.
impl<'a> Parser<'a> {
    fn value(&mut self, depth: usize) -> Option<Value<'a>> {
        let mut head = self.head()?;
        while head.major == major::TAG {
            head = self.head()?;
        }
        Some(match head.major {
            major::UNSIGNED => Value::Number(match i64::try_from(head.argument) {
                Ok(value) => Number::Integer(value),
                Err(_) => Number::Float(head.argument as f64),
            }),
            major::NEGATIVE => Value::Number(match i64::try_from(head.argument) {
                Ok(value) => Number::Integer(-1 - value),
                Err(_) => Number::Float(-1.0 - head.argument as f64),
            }),
            major::BYTES => Value::Bytes(self.bytes(head)?),
            major::TEXT => Value::Str(self.text(head)?),
            major::LIST => Value::List(self.list(head, depth + 1)?),
            major::MAP => Value::Map(self.map(head, depth + 1)?),
            _ => return simple(head),
        })
    }

    fn map(&mut self, head: Head, depth: usize) -> Option<Vec<(Cow<'a, str>, Value<'a>)>> {
        let mut entries = self.room(head, depth)?;
        while self.has_next(head, entries.len())? {
            let key = self.head().filter(|key| key.major == major::TEXT)?;
            entries.push((self.text(key)?, self.value(depth)?));
        }
        Some(entries)
    }

    fn list(&mut self, head: Head, depth: usize) -> Option<Vec<Value<'a>>> {
        let mut items = self.room(head, depth)?;
        while self.has_next(head, items.len())? {
            items.push(self.value(depth)?);
        }
        Some(items)
    }

    /// Room for a list or map that may be there: not too deep, and no longer than its bytes allow.
    fn room<T>(&mut self, head: Head, depth: usize) -> Option<Vec<T>> {
        if depth > DEPTH_MAX {
            return None;
        }
        let Some(length) = head.length() else { return Some(Vec::new()) };
        let length = usize::try_from(length).ok().filter(|&length| length <= self.rest.len())?;
        self.count(length)?;
        Some(Vec::with_capacity(length))
    }

    /// Whether a list or map of which `read` items have been read goes on; takes the break if not.
    fn has_next(&mut self, head: Head, read: usize) -> Option<bool> {
        match head.length() {
            Some(length) => Some((read as u64) < length),
            None if self.eat_break()? => Some(false),
            None => self.count(1).map(|()| true),
        }
    }

    fn count(&mut self, nodes: usize) -> Option<()> {
        self.nodes = self.nodes.checked_add(nodes).filter(|&nodes| nodes <= self.nodes_max)?;
        Some(())
    }

    fn text(&mut self, head: Head) -> Option<Cow<'a, str>> {
        if let Some(length) = head.length() {
            return str::from_utf8(self.take(length)?).ok().map(Cow::Borrowed);
        }
        let mut text = String::new();
        while !self.eat_break()? {
            text.push_str(str::from_utf8(self.chunk(head.major)?).ok()?);
        }
        Some(Cow::Owned(text))
    }

    fn bytes(&mut self, head: Head) -> Option<Cow<'a, [u8]>> {
        if let Some(length) = head.length() {
            return self.take(length).map(Cow::Borrowed);
        }
        let mut bytes = Vec::new();
        while !self.eat_break()? {
            bytes.extend_from_slice(self.chunk(head.major)?);
        }
        Some(Cow::Owned(bytes))
    }

    /// A piece of a text or of bytes whose length is not given; a piece has its length.
    fn chunk(&mut self, major: u8) -> Option<&'a [u8]> {
        let head = self.head().filter(|head| head.major == major)?;
        self.take(head.length()?)
    }

    fn head(&mut self) -> Option<Head> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        let (major, info) = (first >> 5, first & 31);
        let argument = match info {
            0..=23 => info.into(),
            24 => u8::from_be_bytes(self.array()?).into(),
            25 => u16::from_be_bytes(self.array()?).into(),
            26 => u32::from_be_bytes(self.array()?).into(),
            27 => u64::from_be_bytes(self.array()?),
            INDEFINITE if (major::BYTES..=major::MAP).contains(&major) => 0,
            _ => return None,
        };
        Some(Head { major, info, argument })
    }

    fn eat_break(&mut self) -> Option<bool> {
        let (&first, rest) = self.rest.split_first()?;
        if first == BREAK {
            self.rest = rest;
        }
        Some(first == BREAK)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*array)
    }

    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.rest = rest;
        Some(taken)
    }
}

fn simple(head: Head) -> Option<Value<'static>> {
    let float = |value| Some(Value::Number(Number::Float(value)));
    match (head.info, head.argument) {
        (20, _) => Some(Value::Bool(false)),
        (21, _) => Some(Value::Bool(true)),
        (22 | 23, _) => Some(Value::Null), // null and undefined
        (25, bits) => float(half(bits as u16)),
        (26, bits) => float(f32::from_bits(bits as u32).into()),
        (27, bits) => float(f64::from_bits(bits)),
        _ => None,
    }
}

/// A number of half precision: five bits of exponent, ten of fraction.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2_f64.powi(exponent - 25),
    };
    if bits >> 15 == 0 { size } else { -size }
}
