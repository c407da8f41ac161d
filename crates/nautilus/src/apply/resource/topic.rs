//! `aws_sns_topic`: a name, by which it is found again, attributes and tags.
//!
//! A name that Terraform makes up is refused: Terraform finds it again in its state, and here is none.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{
    Call, Difference, Look, Resource, Schema, Step,
    attribute::{self, Attribute, Attributes, Form},
    tags::{self, Tags},
};
use crate::apply::{arguments::Arguments, fault::Fault, scope::ACCOUNT, value::Value};

pub(super) const SCHEMA: Schema = Schema {
    name: "aws_sns_topic",
    arguments: &[
        "application_failure_feedback_role_arn",
        "application_success_feedback_role_arn",
        "application_success_feedback_sample_rate",
        "archive_policy",
        "content_based_deduplication",
        "delivery_policy",
        "display_name",
        "fifo_throughput_scope",
        "fifo_topic",
        "firehose_failure_feedback_role_arn",
        "firehose_success_feedback_role_arn",
        "firehose_success_feedback_sample_rate",
        "http_failure_feedback_role_arn",
        "http_success_feedback_role_arn",
        "http_success_feedback_sample_rate",
        "kms_master_key_id",
        "lambda_failure_feedback_role_arn",
        "lambda_success_feedback_role_arn",
        "lambda_success_feedback_sample_rate",
        "name",
        "name_prefix",
        "policy",
        "signature_version",
        "sqs_failure_feedback_role_arn",
        "sqs_success_feedback_role_arn",
        "sqs_success_feedback_sample_rate",
        "tags",
        "tracing_config",
    ],
    nested: &[],
    repeated: &[],
    answered: &["arn", "beginning_archive_time", "id", "owner", "tags_all"],
    unread: &["region"],
    read: |arguments| Ok(Box::new(Topic::read(arguments)?)),
};

const ATTRIBUTES: &[Attribute] = &[
    text("application_failure_feedback_role_arn", "ApplicationFailureFeedbackRoleArn"),
    text("application_success_feedback_role_arn", "ApplicationSuccessFeedbackRoleArn"),
    rate("application_success_feedback_sample_rate", "ApplicationSuccessFeedbackSampleRate"),
    Attribute {
        argument: "delivery_policy",
        name: "DeliveryPolicy",
        form: Form::Document,
        absent: Some(""),
    },
    text("display_name", "DisplayName"),
    text("firehose_failure_feedback_role_arn", "FirehoseFailureFeedbackRoleArn"),
    text("firehose_success_feedback_role_arn", "FirehoseSuccessFeedbackRoleArn"),
    rate("firehose_success_feedback_sample_rate", "FirehoseSuccessFeedbackSampleRate"),
    text("http_failure_feedback_role_arn", "HTTPFailureFeedbackRoleArn"),
    text("http_success_feedback_role_arn", "HTTPSuccessFeedbackRoleArn"),
    rate("http_success_feedback_sample_rate", "HTTPSuccessFeedbackSampleRate"),
    text("kms_master_key_id", "KmsMasterKeyId"),
    text("lambda_failure_feedback_role_arn", "LambdaFailureFeedbackRoleArn"),
    text("lambda_success_feedback_role_arn", "LambdaSuccessFeedbackRoleArn"),
    rate("lambda_success_feedback_sample_rate", "LambdaSuccessFeedbackSampleRate"),
    chosen("policy", "Policy", Form::Document),
    chosen("signature_version", "SignatureVersion", Form::Whole(1, 2)),
    text("sqs_failure_feedback_role_arn", "SQSFailureFeedbackRoleArn"),
    text("sqs_success_feedback_role_arn", "SQSSuccessFeedbackRoleArn"),
    rate("sqs_success_feedback_sample_rate", "SQSSuccessFeedbackSampleRate"),
    chosen("tracing_config", "TracingConfig", Form::Word(&["Active", "PassThrough"])),
];

/// Of FIFO topics alone.
const FIFO: [&str; 4] =
    ["archive_policy", "content_based_deduplication", "fifo_throughput_scope", "fifo_topic"];

/// A topic is there when it is made: only what throttles is waited for.
const WAIT: Duration = Duration::from_mins(1);

/// One topic as the module wants it.
#[derive(Debug)]
struct Topic {
    address: String,
    name: String,
    arn: String,
    attributes: Attributes,
    tags: Tags,
}

const fn text(argument: &'static str, name: &'static str) -> Attribute {
    Attribute { argument, name, form: Form::Text, absent: Some("") }
}

/// A share in hundredths.
const fn rate(argument: &'static str, name: &'static str) -> Attribute {
    Attribute { argument, name, form: Form::Whole(0, 100), absent: Some("0") }
}

/// What the service chooses where nothing is said.
const fn chosen(argument: &'static str, name: &'static str, form: Form) -> Attribute {
    Attribute { argument, name, form, absent: None }
}

impl Topic {
    fn read(arguments: &Arguments<'_, '_>) -> Result<Topic, Fault> {
        for name in FIFO {
            if !["", "false"].contains(&arguments.text(name)?.unwrap_or_default().as_str()) {
                return Err(arguments.fault(name, "FIFO topics are not built yet"));
            }
        }
        let Some(name) = arguments.text("name")? else {
            let reason = "a topic wants a `name`: --apply has no state to keep one that is made up";
            return Err(arguments.fault("name_prefix", reason));
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        if name.len() > 256 || !name.chars().all(allowed) {
            return Err(arguments.fault("name", "a topic's name has 1 to 256 of a-z A-Z 0-9 _ -"));
        }
        if arguments.is_given("name_prefix")? {
            return Err(arguments.fault("name_prefix", "`name_prefix` does not go with `name`"));
        }
        Ok(Topic {
            address: arguments.address.clone(),
            arn: arguments.arn("sns", &name)?,
            name,
            attributes: Attributes::read(arguments, ATTRIBUTES)?,
            tags: Tags::read(arguments)?,
        })
    }

    fn set(&self, name: &'static str, value: &str) -> Call {
        Call::sns("SetTopicAttributes", attribute::input("TopicArn", &self.arn, name, value))
    }
}

impl Resource for Topic {
    fn identity(&self) -> String {
        self.name.clone()
    }

    fn look(&self, answers: &[Json]) -> Look {
        match answers {
            [] => Look::Ask(Call::sns("GetTopicAttributes", json!({ "TopicArn": self.arn }))),
            [_] => Look::Ask(Call::sns("ListTagsForResource", json!({ "ResourceArn": self.arn }))),
            _ => Look::Settled,
        }
    }

    fn patience(&self) -> Duration {
        WAIT
    }

    fn attributes(&self, found: Option<&Json>) -> Value {
        let known = [
            ("arn", Value::string(&self.arn)),
            ("content_based_deduplication", Value::Bool(false)),
            ("fifo_topic", Value::Bool(false)),
            ("id", Value::string(&self.arn)),
            ("name", Value::string(&self.name)),
            ("owner", Value::string(ACCOUNT)),
            ("tags", Value::texts(&self.tags.own)),
            ("tags_all", Value::texts(&self.tags.all)),
        ];
        let all = self.attributes.values(&self.address, found).chain(known);
        Value::Map(all.map(|(name, value)| (name.to_owned(), value)).collect())
    }

    fn described(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![("name", format!("{:?}", self.name))];
        lines.extend(self.attributes.described());
        lines.extend(self.tags.described());
        lines
    }

    fn creation(&self) -> Vec<Step> {
        let mut input = json!({ "Name": self.name });
        if let Some(tags) = self.tags.list() {
            input["Tags"] = tags;
        }
        let initial = self.attributes.initial().into_iter();
        let attributes = initial.map(|(name, value)| Step::at_once(self.set(name, value)));
        let create = Step::at_once(Call::sns("CreateTopic", input));
        std::iter::once(create).chain(attributes).collect()
    }

    fn differences(&self, found: &Json) -> Vec<Difference> {
        let mut changes = self.attributes.changes(found, |name, value| self.set(name, value));
        changes.extend(self.tags.changes(&tags::present(found), |operation, (member, value)| {
            Call::sns(operation, json!({ "ResourceArn": self.arn, member: value }))
        }));
        changes
    }
}
