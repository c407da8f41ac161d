//! What is the same for every kind of resource: how it is written in a module, and what is asked of it. A kind is one
//! file in `resource/` and a line in [`Kind`].
//!
//! A resource says what calls show it and what calls make it so; it makes none itself, `perform` does.

mod alarm;
mod attribute;
mod composite_alarm;
mod consumer;
mod metric_alarm;
mod policy;
mod stream;
mod subscription;
mod tags;
mod topic;

use std::{fmt, time::Duration};

use serde_json::Value as Json;

use super::{api::Service, arguments::Arguments, fault::Fault, value::Value};

/// A kind of resource, in the order in which they are made where none refers to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Stream,
    StreamConsumer,
    ResourcePolicy,
    Topic,
    MetricAlarm,
    CompositeAlarm,
    Subscription,
}

/// How a kind is written, with all arguments that the provider has, and how it is read.
pub(super) struct Schema {
    pub name: &'static str,
    pub arguments: &'static [&'static str],
    pub nested: &'static [Nested],
    pub repeated: &'static [Repeated],
    /// What the service answers and nobody writes.
    pub answered: &'static [&'static str],
    /// What later versions of the provider have.
    pub unread: &'static [&'static str],
    pub read: fn(&Arguments<'_, '_>) -> Result<Box<dyn Resource>, Fault>,
}

/// A block within a block, which may stand there once; its arguments are called `block.argument`.
pub(super) struct Nested {
    pub block: &'static str,
    pub required: &'static [&'static str],
    pub optional: &'static [&'static str],
}

/// A block within a block, which may stand there as often as one likes.
pub(super) struct Repeated {
    pub block: &'static str,
    pub required: &'static [&'static str],
    pub optional: &'static [&'static str],
    pub nested: &'static [Nested],
}

/// `aws_kinesis_stream.orders`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Address<'a> {
    pub kind: Kind,
    pub label: &'a str,
}

/// A resource as the module wants it.
pub(super) trait Resource: fmt::Debug + Send + Sync {
    /// What no two resources of this kind may share.
    fn identity(&self) -> String;

    /// Whether nothing of it depends on what is still to be made.
    fn is_known(&self) -> bool {
        true
    }

    /// What is known of it by the answers so far, or what to ask next. Absent while nobody knows what to ask for.
    fn look(&self, answers: &[Json]) -> Look;

    /// How long to wait until it is in no passing state.
    fn patience(&self) -> Duration;

    /// What the rest of the module sees of it, before it is there or after: `found` are all answers together.
    fn attributes(&self, found: Option<&Json>) -> Value;

    /// Its arguments, as the plan of a new one shows them.
    fn described(&self) -> Vec<(&'static str, String)>;

    /// The calls that Terraform's provider makes for a new one.
    fn creation(&self) -> Vec<Step>;

    /// Everything that differs, in the order in which the provider changes it.
    fn differences(&self, found: &Json) -> Vec<Difference>;
}

/// An operation and its input.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    pub service: Service,
    pub operation: &'static str,
    pub input: Json,
}

/// What answers say of a resource.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Look {
    /// This is to be asked, too.
    Ask(Call),
    /// There is none.
    Absent,
    /// It is being made, changed or deleted.
    Passing,
    /// It is there, and the answers show all of it.
    Settled,
}

/// A call that changes something, and how long to wait until the resource is settled again, if it leaves that state.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub call: Call,
    pub wait: Option<Duration>,
}

/// One difference: its line, and the calls that take it away.
#[derive(Debug)]
pub(super) struct Difference {
    pub line: String,
    pub steps: Vec<Step>,
    /// Could lose records or move the stream to other shards: done only when that was asked for.
    pub is_drift: bool,
}

impl Kind {
    const ALL: [Kind; 7] = [
        Kind::Stream,
        Kind::StreamConsumer,
        Kind::ResourcePolicy,
        Kind::Topic,
        Kind::MetricAlarm,
        Kind::CompositeAlarm,
        Kind::Subscription,
    ];

    pub(super) fn schema(self) -> &'static Schema {
        match self {
            Kind::Stream => &stream::SCHEMA,
            Kind::StreamConsumer => &consumer::SCHEMA,
            Kind::ResourcePolicy => &policy::SCHEMA,
            Kind::Topic => &topic::SCHEMA,
            Kind::MetricAlarm => &metric_alarm::SCHEMA,
            Kind::CompositeAlarm => &composite_alarm::SCHEMA,
            Kind::Subscription => &subscription::SCHEMA,
        }
    }

    pub(super) fn named(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.schema().name == name)
    }

    /// The names of all kinds, for a person.
    pub(super) fn names() -> String {
        Kind::ALL.map(|kind| kind.schema().name).join(", ")
    }
}

impl Call {
    fn kinesis(operation: &'static str, input: Json) -> Call {
        Call { service: Service::Kinesis, operation, input }
    }

    fn cloudwatch(operation: &'static str, input: Json) -> Call {
        Call { service: Service::CloudWatch, operation, input }
    }

    fn sns(operation: &'static str, input: Json) -> Call {
        Call { service: Service::Sns, operation, input }
    }
}

impl Step {
    /// A change that is there when the call is answered.
    fn at_once(call: Call) -> Step {
        Step { call, wait: None }
    }

    fn awaited(call: Call, wait: Duration) -> Step {
        Step { call, wait: Some(wait) }
    }
}

impl Difference {
    /// What one call changes without losing anything.
    fn by(line: String, call: Call) -> Difference {
        Difference { line, steps: vec![Step::at_once(call)], is_drift: false }
    }
}

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind.schema().name, self.label)
    }
}

/// Several lines that one call answers for.
fn lines_of(lines: impl Iterator<Item = String>, step: Step) -> Vec<Difference> {
    let mut step = Some(step);
    lines
        .map(|line| Difference { line, steps: step.take().into_iter().collect(), is_drift: false })
        .collect()
}

fn items<'j>(answer: &'j Json, name: &str) -> impl Iterator<Item = &'j Json> {
    answer[name].as_array().into_iter().flatten()
}

/// A document, to be compared as JSON. What is none is the text that it is.
fn parsed(document: &str) -> Json {
    serde_json::from_str(document).unwrap_or_else(|_| Json::String(document.to_owned()))
}
