//! Forms: `a=b&c=d` to pairs.

use std::borrow::Cow;

use super::tree::tree;
use crate::{AwsError, Value, limits::FORM_PAIRS_MAX};

/// The parameters of a request, from its body or its query string, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form<'a> {
    pairs: Vec<Pair<'a>>,
}

/// A name and its value.
pub(super) type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

const ACTION: &str = "Action";
const VERSION: &str = "Version";

impl<'a> Form<'a> {
    /// Reads `a=b&c=d`, undoing `+` and `%xx`.
    pub fn parse(text: &'a [u8]) -> Result<Form<'a>, AwsError> {
        Form::parse_if(text, |_| true)
    }

    /// Reads no parameters but those of these names, in their plain spelling: enough to know who is meant, and cheap
    /// whatever else there is.
    pub fn parse_only(text: &'a [u8], names: &[&str]) -> Result<Form<'a>, AwsError> {
        Form::parse_if(text, |name| names.iter().any(|wanted| wanted.as_bytes() == name))
    }

    fn parse_if(text: &'a [u8], wanted: impl Fn(&[u8]) -> bool) -> Result<Form<'a>, AwsError> {
        let mut pairs = Vec::new();
        for pair in text.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()) {
            let split = memchr::memchr(b'=', pair);
            let (name, value) = split.map_or((pair, &b""[..]), |at| (&pair[..at], &pair[at + 1..]));
            if !wanted(name) {
                continue;
            }
            if pairs.len() == FORM_PAIRS_MAX {
                return Err(malformed("too many parameters"));
            }
            pairs.push((decode(name)?, decode(value)?));
        }
        Ok(Form { pairs })
    }

    /// A parameter's value; of several with one name the first.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Every parameter.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// The operation that is asked for.
    pub fn action(&self) -> Result<&str, AwsError> {
        self.get(ACTION).filter(|action| !action.is_empty()).ok_or_else(|| {
            let message = "No action was supplied with this request.";
            AwsError::new("MissingAction", 400, Some(message.to_owned()))
        })
    }

    /// The version of the service that is asked for.
    pub fn version(&self) -> Option<&str> {
        self.get(VERSION)
    }

    /// What a service answers to an action that it does not have.
    pub fn unknown_action(&self) -> AwsError {
        let (action, version) = (self.get(ACTION), self.version());
        let (action, version) = (action.unwrap_or_default(), version.unwrap_or_default());
        let message = format!("Could not find operation {action} for version {version}");
        AwsError::new("InvalidAction", 400, Some(message))
    }

    /// The input of the operation: a structure of what the parameters' names say, without action and version.
    ///
    /// `A.B=x` is a structure in a structure, `A.member.1=x` a list, `A.entry.1.key=k&A.entry.1.value=v` a map. All
    /// scalars are texts: [`Members`](crate::Members) knows what is meant. An empty list or map cannot be told from an
    /// empty text here. Items of a list stand in the order of their numbers, whatever numbers are missing. Of several
    /// parameters with one name the first counts; a name that is both a scalar and a structure is refused.
    pub fn into_value(mut self) -> Result<Value<'a>, AwsError> {
        self.pairs.retain(|(name, _)| name != ACTION && name != VERSION);
        tree(self.pairs)
    }
}

pub(super) fn malformed(reason: &str) -> AwsError {
    let message = format!("The query string is malformed: {reason}");
    AwsError::new("MalformedQueryString", 400, Some(message))
}

fn decode(text: &[u8]) -> Result<Cow<'_, str>, AwsError> {
    let not_utf8 = || malformed("not UTF-8");
    if memchr::memchr2(b'%', b'+', text).is_none() {
        return std::str::from_utf8(text).map(Cow::Borrowed).map_err(|_| not_utf8());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        let (byte, tail) = match byte {
            b'+' => (b' ', tail),
            b'%' => percent(tail).ok_or_else(|| malformed("bad percent encoding"))?,
            _ => (byte, tail),
        };
        bytes.push(byte);
        rest = tail;
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| not_utf8())
}

fn percent(text: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = text.split_at_checked(2)?;
    let digit = |at: usize| (digits[at] as char).to_digit(16);
    Some((u8::try_from(digit(0)? << 4 | digit(1)?).ok()?, rest))
}
