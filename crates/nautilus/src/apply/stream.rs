//! What the module wants: its streams, with the provider's rules checked and its defaults filled in.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    fault::{ApplyError, Fault, Faults},
    module::{Module, StreamBlock},
    scope::{ACCOUNT, Name, Scope},
    source::Expr,
    value::{Type, Value},
};

/// Everything that the module wants.
#[derive(Debug)]
pub(super) struct Wanted {
    pub region: String,
    pub streams: Vec<Stream>,
    /// A line for each output.
    pub outputs: Vec<String>,
}

/// One stream as the module wants it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stream {
    /// `aws_kinesis_stream.orders`, where it stands, and what to say when the service refuses it.
    pub address: String,
    pub place: Place,
    pub name: String,
    pub arn: String,
    pub mode: Mode,
    pub retention_hours: u64,
    pub metrics: BTreeSet<String>,
    pub enforce_consumer_deletion: bool,
    pub tags: BTreeMap<String, String>,
    /// With the provider's default tags: what the stream really has.
    pub tags_all: BTreeMap<String, String>,
    pub create_wait: Duration,
    pub update_wait: Duration,
}

/// A file and a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    path: String,
    line: usize,
}

/// The capacity mode, and the shards of a stream that has a fixed number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Provisioned { shard_count: u64 },
    OnDemand,
}

pub(super) const PROVISIONED: &str = "PROVISIONED";
pub(super) const ON_DEMAND: &str = "ON_DEMAND";

const METRICS: &[&str] = &[
    "IncomingBytes",
    "IncomingRecords",
    "IteratorAgeMilliseconds",
    "OutgoingBytes",
    "OutgoingRecords",
    "ReadProvisionedThroughputExceeded",
    "WriteProvisionedThroughputExceeded",
];

impl Mode {
    pub(super) fn name(self) -> &'static str {
        match self {
            Mode::Provisioned { .. } => PROVISIONED,
            Mode::OnDemand => ON_DEMAND,
        }
    }
}

impl Wanted {
    pub(super) fn of(scope: &Scope<'_>) -> Result<Wanted, ApplyError> {
        let module: &Module<'_> = scope.module;
        let mut faults = Faults::default();
        for (label, variable) in &module.variables {
            if faults.keep(scope.value(Name::Variable(label))).is_some() {
                faults.keep(variable.validate(label, scope));
            }
        }
        for label in module.locals.keys() {
            faults.keep(scope.value(Name::Local(label)));
        }
        let provider = faults.keep(scope.value(Name::Provider));

        let mut streams: Vec<Stream> = Vec::new();
        for block in module.streams.values() {
            // Through the scope first: it keeps what a cycle through this stream says.
            let known = scope.value(Name::Stream(block.label));
            let Some(stream) = faults.keep(known.and_then(|_| Stream::of(block, scope))) else {
                continue;
            };
            match streams.iter().find(|other| other.name == stream.name) {
                Some(twin) => faults.push(stream.fault(format!(
                    "{} has the name of {}: {:?}",
                    stream.address, twin.address, stream.name
                ))),
                None => streams.push(stream),
            }
        }
        let mut outputs = Vec::new();
        for (label, output) in &module.outputs {
            match faults.keep(scope.eval(output.value)) {
                Some(_) if output.sensitive => outputs.push(format!("{label} = (sensitive value)")),
                Some(value) => outputs.push(format!("{label} = {value}")),
                None => {}
            }
        }
        faults.finish()?;

        let region = provider.map_or_else(String::new, |provider| text_of(&provider, "region"));
        Ok(Wanted { region, streams, outputs })
    }
}

/// The provider's settings, as a map. Without a region in the module it is the environment's, as in Terraform.
pub(super) fn provider(scope: &Scope<'_>) -> Result<Value, Fault> {
    let block = scope.module.provider.as_ref();
    let mut arguments = Arguments { scope };

    let region = match arguments.string(block.and_then(|block| block.region))? {
        Some(region) => region,
        None => ["AWS_REGION", "AWS_DEFAULT_REGION"]
            .iter()
            .find_map(|name| scope.environment.get(*name).filter(|value| !value.is_empty()))
            .cloned()
            .ok_or_else(|| {
                let reason =
                    "the provider has no region: write `region = \"us-east-1\"`, or set AWS_REGION";
                block.map_or_else(|| Fault::new("provider.aws", 0, reason), |b| b.fault(reason))
            })?,
    };
    if !is_region(&region) {
        let reason = format!("{region:?} is not the name of an AWS region");
        return Err(
            block.map_or_else(|| Fault::new("AWS_REGION", 0, &reason), |b| b.fault(&reason))
        );
    }
    let default_tags = arguments.tags(block.and_then(|block| block.default_tags))?;
    Ok(Value::Map(BTreeMap::from([
        ("region".to_owned(), Value::String(region)),
        ("default_tags".to_owned(), map(&default_tags)),
    ])))
}

impl Stream {
    pub(super) fn of<'a>(block: &StreamBlock<'a>, scope: &Scope<'a>) -> Result<Stream, Fault> {
        let mut arguments = Arguments { scope };
        let argument = |name: &str| block.arguments.get(name).copied();
        let timeout = |name: &str| block.timeouts.get(name).copied();
        let provider = scope.value(Name::Provider)?;

        let name = arguments
            .string(argument("name"))?
            .ok_or_else(|| block.fault(format!("{} has no `name`", block.address())))?;
        check_name(&name)
            .map_err(|why| argument("name").map_or(block.fault(why), |at| at.fault(why)))?;
        let retention_hours = arguments.whole(argument("retention_period"), 24..=8760)?;
        arguments.no_encryption(argument("encryption_type"), argument("kms_key_id"))?;
        let tags = arguments.tags(argument("tags"))?;
        let mut tags_all = strings_of(&provider, "default_tags");
        tags_all.extend(tags.clone());

        Ok(Stream {
            address: block.address(),
            place: Place { path: block.file.path.clone(), line: block.line },
            arn: arn(&text_of(&provider, "region"), &name),
            name,
            mode: arguments.mode(block)?,
            retention_hours: retention_hours.unwrap_or(24),
            metrics: arguments.metrics(argument("shard_level_metrics"))?,
            enforce_consumer_deletion: arguments.flag(argument("enforce_consumer_deletion"))?,
            tags,
            tags_all,
            create_wait: arguments.duration(timeout("create"), Duration::from_mins(5))?,
            update_wait: arguments.duration(timeout("update"), Duration::from_mins(120))?,
        })
    }

    /// What the rest of the module sees of the stream.
    pub(super) fn attributes(&self) -> Value {
        let text = |text: &str| Value::String(text.to_owned());
        let shard_count = match self.mode {
            Mode::Provisioned { shard_count } => Value::Number(shard_count as f64),
            Mode::OnDemand => Value::Null,
        };
        let mode = BTreeMap::from([("stream_mode".to_owned(), text(self.mode.name()))]);
        let mode = Value::Map(mode);
        let attributes = [
            ("arn", text(&self.arn)),
            ("encryption_type", text("NONE")),
            ("enforce_consumer_deletion", Value::Bool(self.enforce_consumer_deletion)),
            ("id", text(&self.arn)),
            ("kms_key_id", Value::Null),
            ("name", text(&self.name)),
            ("retention_period", Value::Number(self.retention_hours as f64)),
            ("shard_count", shard_count),
            ("shard_level_metrics", Value::Set(Value::strings(self.metrics.iter().cloned()))),
            ("stream_mode_details", Value::List(vec![mode])),
            ("tags", map(&self.tags)),
            ("tags_all", map(&self.tags_all)),
        ];
        Value::Map(attributes.map(|(name, value)| (name.to_owned(), value)).into())
    }

    pub(super) fn fault(&self, reason: impl Into<String>) -> Fault {
        Fault::new(self.place.path.as_str(), self.place.line, reason)
    }
}

/// Arguments as the types that they must have; `null` is an argument that is not there.
struct Arguments<'s, 'a> {
    scope: &'s Scope<'a>,
}

impl<'a> Arguments<'_, 'a> {
    fn get(&mut self, at: Option<Expr<'a>>, of: &Type) -> Result<Value, Fault> {
        at.map_or(Ok(Value::Null), |at| self.scope.eval_as(at, of))
    }

    /// A text; an empty one is, for the provider, one that is not there.
    fn string(&mut self, at: Option<Expr<'a>>) -> Result<Option<String>, Fault> {
        match self.get(at, &Type::String)? {
            Value::String(text) if !text.is_empty() => Ok(Some(text)),
            _ => Ok(None),
        }
    }

    fn flag(&mut self, at: Option<Expr<'a>>) -> Result<bool, Fault> {
        Ok(self.get(at, &Type::Bool)? == Value::Bool(true))
    }

    fn whole(
        &mut self,
        at: Option<Expr<'a>>,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<Option<u64>, Fault> {
        match (self.get(at, &Type::Number)?, at) {
            (Value::Number(n), Some(at)) => {
                let whole = n as u64;
                if whole as f64 != n || !range.contains(&whole) {
                    let (least, most) = range.into_inner();
                    let reason = format!("{n} is not a whole number from {least} to {most}");
                    return Err(at.fault(reason));
                }
                Ok(Some(whole))
            }
            _ => Ok(None),
        }
    }

    fn strings(
        &mut self,
        at: Option<Expr<'a>>,
        of: &Type,
    ) -> Result<Vec<(String, Expr<'a>)>, Fault> {
        let (Some(at), Value::List(items) | Value::Set(items)) = (at, self.get(at, of)?) else {
            return Ok(Vec::new());
        };
        items
            .into_iter()
            .map(|item| match item {
                Value::String(text) => Ok((text, at)),
                _ => Err(at.fault("null is not a string")),
            })
            .collect()
    }

    fn tags(&mut self, at: Option<Expr<'a>>) -> Result<BTreeMap<String, String>, Fault> {
        let of = Type::Map(Box::new(Type::String));
        let (Some(at), Value::Map(items)) = (at, self.get(at, &of)?) else {
            return Ok(BTreeMap::new());
        };
        items
            .into_iter()
            .map(|(key, value)| match value {
                Value::String(text) => Ok((key, text)),
                _ => Err(at.fault(format!("the tag {key:?} is null"))),
            })
            .collect()
    }

    fn metrics(&mut self, at: Option<Expr<'a>>) -> Result<BTreeSet<String>, Fault> {
        let mut metrics = BTreeSet::new();
        for (name, at) in self.strings(at, &Type::Set(Box::new(Type::String)))? {
            if name == "ALL" {
                let reason =
                    "\"ALL\" is a change at every plan of Terraform (AWS answers names): name them";
                return Err(at.fault(reason));
            }
            if !METRICS.contains(&name.as_str()) {
                return Err(at.fault(format!("{name:?} is not a metric: {}", METRICS.join(", "))));
            }
            metrics.insert(name);
        }
        Ok(metrics)
    }

    fn mode(&mut self, block: &StreamBlock<'a>) -> Result<Mode, Fault> {
        let at = block.arguments.get("shard_count").copied();
        let shard_count = self.whole(at, 0..=100_000)?.unwrap_or(0);
        let fault = |reason: &str| at.map_or_else(|| block.fault(reason), |at| at.fault(reason));
        match (self.string(block.stream_mode)?.as_deref(), block.stream_mode) {
            (None | Some(PROVISIONED), _) if shard_count == 0 => {
                Err(fault("`shard_count` must be at least 1 when the stream mode is PROVISIONED"))
            }
            (None | Some(PROVISIONED), _) => Ok(Mode::Provisioned { shard_count }),
            (Some(ON_DEMAND), _) if shard_count > 0 => {
                Err(fault("`shard_count` must not be set when the stream mode is ON_DEMAND"))
            }
            (Some(ON_DEMAND), _) => Ok(Mode::OnDemand),
            (Some(other), at) => {
                let reason = format!("the stream mode is PROVISIONED or ON_DEMAND, not {other:?}");
                Err(at.map_or_else(|| block.fault(&reason), |at| at.fault(&reason)))
            }
        }
    }

    fn no_encryption(
        &mut self,
        encryption: Option<Expr<'a>>,
        key: Option<Expr<'a>>,
    ) -> Result<(), Fault> {
        let kind = self.string(encryption)?;
        match (kind.as_deref(), encryption) {
            (Some("KMS"), Some(at)) => Err(at.fault("encryption_type KMS is not built yet")),
            (Some(other), Some(at)) if other != "NONE" => {
                Err(at.fault(format!("encryption_type is NONE or KMS, not {other:?}")))
            }
            _ => match (self.string(key)?, key) {
                (Some(_), Some(at)) => Err(at.fault("`kms_key_id` has no meaning without KMS")),
                _ => Ok(()),
            },
        }
    }

    /// A length of time as Go writes it, `1h30m`.
    fn duration(&mut self, at: Option<Expr<'a>>, default: Duration) -> Result<Duration, Fault> {
        match (self.string(at)?, at) {
            (Some(text), Some(at)) => duration(&text)
                .ok_or_else(|| at.fault(format!("{text:?} is not a duration like \"10m\""))),
            _ => Ok(default),
        }
    }
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

/// AWS's rule for the name of a stream.
fn check_name(name: &str) -> Result<(), &'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if name.len() <= 128 && name.chars().all(allowed) {
        Ok(())
    } else {
        Err("a stream's name has 1 to 128 of a-z A-Z 0-9 _ . -")
    }
}

/// The shape of all regions' names, `us-gov-east-1`: new ones need no new version.
fn is_region(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.chars().all(plain) && name.split('-').filter(|part| !part.is_empty()).count() >= 3
}

fn arn(region: &str, name: &str) -> String {
    let partition = match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    format!("arn:{partition}:kinesis:{region}:{ACCOUNT}:stream/{name}")
}

fn map(strings: &BTreeMap<String, String>) -> Value {
    let strings = strings.iter();
    Value::Map(strings.map(|(key, value)| (key.clone(), Value::String(value.clone()))).collect())
}

fn text_of(provider: &Value, name: &str) -> String {
    match provider {
        Value::Map(items) => match items.get(name) {
            Some(Value::String(text)) => text.clone(),
            _ => String::new(),
        },
        _ => String::new(),
    }
}

fn strings_of(provider: &Value, name: &str) -> BTreeMap<String, String> {
    let Value::Map(items) = provider else { return BTreeMap::new() };
    let Some(Value::Map(strings)) = items.get(name) else { return BTreeMap::new() };
    let texts = strings.iter().filter_map(|(key, value)| match value {
        Value::String(text) => Some((key.clone(), text.clone())),
        _ => None,
    });
    texts.collect()
}
