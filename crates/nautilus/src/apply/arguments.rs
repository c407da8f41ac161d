//! A block's arguments as what they must be; `null` is an argument that is not there.
//!
//! All of them must be known before anything is made, but for those that `later` reads.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use super::{
    fault::Fault,
    module::Block,
    scope::{ACCOUNT, Name, Scope},
    source::Expr,
    value::{Type, Value},
};

/// The arguments of one block.
pub(super) struct Arguments<'s, 'a> {
    pub scope: &'s Scope<'a>,
    pub block: &'s Block<'a>,
    /// `aws_kinesis_stream.orders`.
    pub address: String,
}

/// A text, or the address of the resource that must be made before it is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Text {
    Known(String),
    After(String),
}

impl<'a> Arguments<'_, 'a> {
    /// What is wrong with an argument, at its line, or at the block's if it is not written.
    pub(super) fn fault(&self, name: &str, reason: impl Into<String>) -> Fault {
        match self.at(name) {
            Some(at) => at.fault(reason),
            None => self.block.place.fault(reason),
        }
    }

    /// A text; an empty one is, for the provider, one that is not there.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Fault> {
        match self.get(name, &Type::String)? {
            Value::String(text) if !text.is_empty() => Ok(Some(text)),
            _ => Ok(None),
        }
    }

    pub(super) fn required(&self, name: &str) -> Result<String, Fault> {
        self.text(name)?.ok_or_else(|| self.missing(name))
    }

    /// A text that may come of what is still to be made.
    pub(super) fn later(&self, name: &str) -> Result<Text, Fault> {
        let at = self.at(name).ok_or_else(|| self.missing(name))?;
        match self.scope.eval_as(at, &Type::String)? {
            Value::String(text) if !text.is_empty() => Ok(Text::Known(text)),
            Value::Unknown(resource) => Ok(Text::After(resource)),
            _ => Err(self.missing(name)),
        }
    }

    /// A name by AWS's rule for streams and consumers.
    pub(super) fn name(&self, of: &str) -> Result<String, Fault> {
        let name = self.required("name")?;
        match is_name(&name) {
            true => Ok(name),
            false => {
                let reason = format!("a {of}'s name has 1 to 128 of a-z A-Z 0-9 _ . -");
                Err(self.fault("name", reason))
            }
        }
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Fault> {
        Ok(self.get(name, &Type::Bool)? == Value::Bool(true))
    }

    /// A flag that is up where it is not written.
    pub(super) fn flag_or_true(&self, name: &str) -> Result<bool, Fault> {
        Ok(self.get(name, &Type::Bool)? != Value::Bool(false))
    }

    /// Whether it says anything.
    pub(super) fn is_given(&self, name: &str) -> Result<bool, Fault> {
        Ok(match self.get(name, &Type::Any)? {
            Value::Null => false,
            Value::String(text) => !text.is_empty(),
            Value::Map(items) => !items.is_empty(),
            _ => true,
        })
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<f64>, Fault> {
        match self.get(name, &Type::Number)? {
            Value::Number(number) => Ok(Some(number)),
            _ => Ok(None),
        }
    }

    /// One of the words that the service has for it.
    pub(super) fn word(&self, name: &str, words: &[&str]) -> Result<Option<String>, Fault> {
        match self.text(name)? {
            Some(text) if !words.contains(&text.as_str()) => {
                let reason = format!("{text:?} is not one of {}", words.join(", "));
                Err(self.fault(name, reason))
            }
            text => Ok(text),
        }
    }

    /// A JSON document.
    pub(super) fn document(&self, name: &str) -> Result<Option<String>, Fault> {
        let text = self.text(name)?;
        match text.as_deref().map(serde_json::from_str::<serde::de::IgnoredAny>) {
            Some(Err(error)) => Err(self.fault(name, format!("`{name}` is not JSON: {error}"))),
            _ => Ok(text),
        }
    }

    /// The arguments of each of the blocks within that may be repeated.
    pub(super) fn repeated(&self, name: &str) -> impl Iterator<Item = Arguments<'_, 'a>> {
        let blocks = self.block.repeated.get(name).into_iter().flatten();
        let (scope, address) = (self.scope, &self.address);
        blocks.map(move |block| Arguments { scope, block, address: address.clone() })
    }

    pub(super) fn whole(
        &self,
        name: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, Fault> {
        let Value::Number(n) = self.get(name, &Type::Number)? else { return Ok(None) };
        let whole = n as u64;
        if whole as f64 != n || !range.contains(&whole) {
            let (least, most) = range.into_inner();
            let reason = format!("{n} is not a whole number from {least} to {most}");
            return Err(self.fault(name, reason));
        }
        Ok(Some(whole))
    }

    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, Fault> {
        let (Value::List(items) | Value::Set(items)) =
            self.get(name, &Type::Set(Box::new(Type::String)))?
        else {
            return Ok(Vec::new());
        };
        let texts = items.into_iter().map(|item| match item {
            Value::String(text) => Ok(text),
            _ => Err(self.fault(name, "null is not a string")),
        });
        texts.collect()
    }

    pub(super) fn tags(&self, name: &str) -> Result<BTreeMap<String, String>, Fault> {
        self.map(name, "tag")
    }

    /// Texts by their keys; `each` is what a person calls one of them.
    pub(super) fn map(&self, name: &str, each: &str) -> Result<BTreeMap<String, String>, Fault> {
        let Value::Map(items) = self.get(name, &Type::Map(Box::new(Type::String)))? else {
            return Ok(BTreeMap::new());
        };
        let texts = items.into_iter().map(|(key, value)| match value {
            Value::String(text) => Ok((key, text)),
            _ => Err(self.fault(name, format!("the {each} {key:?} is null"))),
        });
        texts.collect()
    }

    /// A length of time as Go writes it, `1h30m`.
    pub(super) fn duration(&self, name: &str, default: Duration) -> Result<Duration, Fault> {
        match self.text(name)? {
            Some(text) => duration(&text).ok_or_else(|| {
                self.fault(name, format!("{text:?} is not a duration like \"10m\""))
            }),
            None => Ok(default),
        }
    }

    /// The provider's settings.
    pub(super) fn provider(&self) -> Result<Value, Fault> {
        self.scope.value(Name::Provider)
    }

    /// The ARN of a stream of this name, in the provider's region.
    pub(super) fn stream_arn(&self, name: &str) -> Result<String, Fault> {
        self.arn("kinesis", &format!("stream/{name}"))
    }

    /// An ARN in the provider's region.
    pub(super) fn arn(&self, service: &str, path: &str) -> Result<String, Fault> {
        let provider = self.provider()?;
        let region = provider.text_of("region");
        let partition = nautilus_identity::partition(region);
        Ok(format!("arn:{partition}:{service}:{region}:{ACCOUNT}:{path}"))
    }

    /// Refuses what is no ARN of a stream of this account and region.
    pub(super) fn check_stream_arn(&self, name: &str, arn: &str) -> Result<(), Fault> {
        match self.arn_path(arn)?.map(|path| path.split_once('/')) {
            Some(None) => Ok(()),
            _ => Err(self.no_arn(name, arn, "a stream")?),
        }
    }

    /// Refuses what is no ARN of a stream or a consumer of this account and region.
    pub(super) fn check_resource_arn(&self, name: &str, arn: &str) -> Result<(), Fault> {
        match self.arn_path(arn)?.map(|path| path.split_once('/')) {
            Some(None) => Ok(()),
            Some(Some((_, consumer))) if is_consumer(consumer) => Ok(()),
            _ => Err(self.no_arn(name, arn, "a stream or a consumer")?),
        }
    }

    /// What follows `stream/` in an ARN of this account and region, if it begins with a name.
    fn arn_path<'t>(&self, arn: &'t str) -> Result<Option<&'t str>, Fault> {
        let path = arn.strip_prefix(self.stream_arn("")?.as_str());
        Ok(path.filter(|path| is_name(path.split('/').next().unwrap_or_default())))
    }

    fn no_arn(&self, name: &str, arn: &str, of: &str) -> Result<Fault, Fault> {
        let here = self.stream_arn("")?;
        Ok(self.fault(name, format!("{arn:?} is not the ARN of {of} here, {here}…")))
    }

    fn at(&self, name: &str) -> Option<Expr<'a>> {
        self.block.arguments.get(name).copied()
    }

    fn get(&self, name: &str, of: &Type) -> Result<Value, Fault> {
        self.at(name).map_or(Ok(Value::Null), |at| self.scope.known(at, of))
    }

    pub(super) fn missing(&self, name: &str) -> Fault {
        self.fault(name, format!("{} has no `{name}`", self.address))
    }
}

fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    (1..=128).contains(&name.len()) && name.chars().all(allowed)
}

/// `consumer/name:second`, the end of a consumer's ARN.
fn is_consumer(path: &str) -> bool {
    let parts = path.strip_prefix("consumer/").and_then(|path| path.split_once(':'));
    parts.is_some_and(|(name, second)| is_name(name) && second.parse::<u64>().is_ok())
}

fn duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (count, unit) = rest.split_at(digits);
        let length = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        let seconds = match &unit[..length] {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return None,
        };
        let seconds = count.parse::<u32>().ok()?.checked_mul(seconds)?;
        total += Duration::from_secs(seconds.into());
        rest = &unit[length..];
    }
    Some(total)
}
