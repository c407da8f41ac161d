//! `aws_kinesis_stream_consumer`: name and stream, neither of which can change. Its ARN ends in the second of its
//! creation, so nothing but the service knows it.

use std::time::Duration;

use nautilus_wire::time::Date;
use serde_json::{Value as Json, json};

use super::{Call, Difference, Look, Resource, Schema, Step};
use crate::apply::{arguments::Arguments, fault::Fault, value::Value};

pub(super) const SCHEMA: Schema = Schema {
    name: "aws_kinesis_stream_consumer",
    arguments: &["name", "stream_arn"],
    nested: &[],
    repeated: &[],
    answered: &["arn", "creation_timestamp", "id"],
    unread: &["region", "tags"],
    read: |arguments| Ok(Box::new(Consumer::read(arguments)?)),
};

/// The provider's patience, which no module changes.
const WAIT: Duration = Duration::from_mins(5);

/// One consumer as the module wants it.
#[derive(Debug)]
struct Consumer {
    address: String,
    name: String,
    stream_arn: String,
}

impl Consumer {
    fn read(arguments: &Arguments<'_, '_>) -> Result<Consumer, Fault> {
        let name = arguments.name("consumer")?;
        let stream_arn = arguments.required("stream_arn")?;
        arguments.check_stream_arn("stream_arn", &stream_arn)?;
        Ok(Consumer { address: arguments.address.clone(), name, stream_arn })
    }

    fn input(&self) -> Json {
        json!({ "StreamARN": self.stream_arn, "ConsumerName": self.name })
    }
}

impl Resource for Consumer {
    fn identity(&self) -> String {
        format!("{}/consumer/{}", self.stream_arn, self.name)
    }

    fn look(&self, answers: &[Json]) -> Look {
        let Some(answer) = answers.first() else {
            return Look::Ask(Call::kinesis("DescribeStreamConsumer", self.input()));
        };
        match answer["ConsumerDescription"]["ConsumerStatus"] == "ACTIVE" {
            true => Look::Settled,
            false => Look::Passing,
        }
    }

    fn patience(&self) -> Duration {
        WAIT
    }

    fn attributes(&self, found: Option<&Json>) -> Value {
        let description = found.map(|found| &found["ConsumerDescription"]);
        let answered = |member: &str, read: fn(&Json) -> Option<String>| {
            let text = description.and_then(|description| read(&description[member]));
            text.map_or_else(|| Value::Unknown(self.address.clone()), Value::String)
        };
        let arn = answered("ConsumerARN", |arn| arn.as_str().map(str::to_owned));
        let created = answered("ConsumerCreationTimestamp", |time| {
            time.as_f64().map(|seconds| Date::from_unix_ms(seconds as i64 * 1000).to_string())
        });
        Value::object([
            ("arn", arn.clone()),
            ("creation_timestamp", created),
            ("id", arn),
            ("name", Value::string(&self.name)),
            ("stream_arn", Value::string(&self.stream_arn)),
        ])
    }

    fn described(&self) -> Vec<(&'static str, String)> {
        vec![("name", format!("{:?}", self.name)), ("stream_arn", format!("{:?}", self.stream_arn))]
    }

    fn creation(&self) -> Vec<Step> {
        vec![Step::awaited(Call::kinesis("RegisterStreamConsumer", self.input()), WAIT)]
    }

    fn differences(&self, _: &Json) -> Vec<Difference> {
        Vec::new()
    }
}
