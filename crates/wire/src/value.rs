//! What a body says, before anyone asks what it means: the tree that every protocol's parser makes.
//!
//! Strings without escapes are slices of the body; a tree is therefore cheap, and lives no longer than its body.

use std::borrow::Cow;

/// One value of a request's body.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Absent and null are the same to AWS.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number; AWS's integers and timestamps come as these.
    Number(Number),
    /// Text; in JSON also a blob, in Base64.
    Str(Cow<'a, str>),
    /// Bytes as they are, from a protocol that has them. JSON has not.
    Bytes(Cow<'a, [u8]>),
    /// A list.
    List(Vec<Value<'a>>),
    /// A map or a structure, in the order of the body. Of two members with one name the later counts.
    Map(Vec<(Cow<'a, str>, Value<'a>)>),
}

/// A number as the client wrote it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// Written without fraction and exponent, and within 64 bits.
    Integer(i64),
    /// Any other.
    Float(f64),
}

impl Number {
    /// The number with its fraction cut off, as AWS does it; out of range is the nearest end.
    pub fn truncated(self) -> i64 {
        match self {
            Number::Integer(value) => value,
            Number::Float(value) => value as i64,
        }
    }

    /// The number as a double.
    pub fn as_f64(self) -> f64 {
        match self {
            Number::Integer(value) => value as f64,
            Number::Float(value) => value,
        }
    }

    /// Seconds, perhaps with a fraction, as whole milliseconds.
    pub fn seconds_as_ms(self) -> i64 {
        match self {
            Number::Integer(value) => value.saturating_mul(1000),
            Number::Float(value) => (value * 1000.0).round() as i64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_with_a_fraction_become_the_nearest_millisecond() {
        assert_eq!(Number::Float(1_459_799_926.48).seconds_as_ms(), 1_459_799_926_480);
        assert_eq!(Number::Integer(1_459_799_926).seconds_as_ms(), 1_459_799_926_000);
        assert_eq!(Number::Integer(i64::MAX).seconds_as_ms(), i64::MAX);
        assert_eq!(Number::Float(f64::INFINITY).seconds_as_ms(), i64::MAX);
    }

    #[test]
    fn fractions_are_cut_and_not_rounded() {
        assert_eq!(Number::Float(1.9).truncated(), 1);
        assert_eq!(Number::Float(-1.9).truncated(), -1);
        assert_eq!(Number::Float(1e300).truncated(), i64::MAX);
    }
}
