//! `aws_sns_topic_subscription`: who is told of a topic's messages. It is found again by its topic, protocol and
//! endpoint; with another endpoint it is another one.
//!
//! Its ARN is the service's, and known when it is confirmed. Nobody is waited for here: the receiver may be started
//! later than the server. While it has not confirmed, it is asked again each time.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{
    Call, Difference, Look, Resource, Schema, Step,
    attribute::{self, Attribute, Attributes, Form},
    items,
};
use crate::apply::{arguments::Arguments, fault::Fault, scope::ACCOUNT, value::Value};

pub(super) const SCHEMA: Schema = Schema {
    name: "aws_sns_topic_subscription",
    arguments: &[
        "confirmation_timeout_in_minutes",
        "delivery_policy",
        "endpoint",
        "endpoint_auto_confirms",
        "filter_policy",
        "filter_policy_scope",
        "protocol",
        "raw_message_delivery",
        "redrive_policy",
        "replay_policy",
        "subscription_role_arn",
        "topic_arn",
    ],
    nested: &[],
    repeated: &[],
    answered: &["arn", "confirmation_was_authenticated", "id", "owner_id", "pending_confirmation"],
    unread: &["region"],
    read: |arguments| Ok(Box::new(Subscription::read(arguments)?)),
};

/// The scope stands first or last, see [`Subscription::changes`].
const ATTRIBUTES: &[Attribute] = &[
    document("delivery_policy", "DeliveryPolicy", ""),
    document("filter_policy", "FilterPolicy", "{}"),
    Attribute {
        argument: "filter_policy_scope",
        name: SCOPE,
        form: Form::Word(&["MessageAttributes", BODY]),
        absent: None,
    },
    Attribute {
        argument: "raw_message_delivery",
        name: "RawMessageDelivery",
        form: Form::Flag,
        absent: Some("false"),
    },
    document("redrive_policy", "RedrivePolicy", ""),
    Attribute {
        argument: "subscription_role_arn",
        name: "SubscriptionRoleArn",
        form: Form::Text,
        absent: Some(""),
    },
];

const SCOPE: &str = "FilterPolicyScope";
const BODY: &str = "MessageBody";

const PROTOCOLS: &[&str] =
    &["application", "email", "email-json", "firehose", "http", "https", "lambda", "sms", "sqs"];

/// A subscription is there when it is made: only what throttles is waited for.
const WAIT: Duration = Duration::from_mins(1);

/// One subscription as the module wants it.
#[derive(Debug)]
struct Subscription {
    address: String,
    topic_arn: String,
    protocol: String,
    endpoint: String,
    /// What Terraform alone asks of it.
    endpoint_auto_confirms: bool,
    confirmation_timeout_minutes: u64,
    attributes: Attributes,
}

const fn document(argument: &'static str, name: &'static str, absent: &'static str) -> Attribute {
    Attribute { argument, name, form: Form::Document, absent: Some(absent) }
}

impl Subscription {
    fn read(arguments: &Arguments<'_, '_>) -> Result<Subscription, Fault> {
        let topic_arn = arguments.required("topic_arn")?;
        let here = arguments.arn("sns", "")?;
        let topic = topic_arn.strip_prefix(&here);
        if topic.is_none_or(|name| name.is_empty() || name.contains(':')) {
            let reason = format!("{topic_arn:?} is not the ARN of a topic here, {here}…");
            return Err(arguments.fault("topic_arn", reason));
        }
        let protocol = arguments.required("protocol")?;
        arguments.word("protocol", PROTOCOLS)?;
        if arguments.is_given("replay_policy")? {
            return Err(arguments.fault("replay_policy", "FIFO topics are not built yet"));
        }
        let attributes = Attributes::read(arguments, ATTRIBUTES)?;
        if attributes.get(SCOPE).is_some() && attributes.get("FilterPolicy").is_none() {
            let reason = "`filter_policy_scope` has no meaning without `filter_policy`";
            return Err(arguments.fault("filter_policy_scope", reason));
        }
        let minutes = arguments.whole("confirmation_timeout_in_minutes", 0..=u32::MAX.into())?;
        Ok(Subscription {
            address: arguments.address.clone(),
            topic_arn,
            protocol,
            endpoint: arguments.required("endpoint")?,
            endpoint_auto_confirms: arguments.flag("endpoint_auto_confirms")?,
            confirmation_timeout_minutes: minutes.unwrap_or(1),
            attributes,
        })
    }

    fn subscribe(&self) -> Call {
        let mut input = json!({
            "TopicArn": self.topic_arn,
            "Protocol": self.protocol,
            "Endpoint": self.endpoint,
        });
        if !self.attributes.given().is_empty() {
            input["Attributes"] = json!(self.attributes.given());
        }
        Call::sns("Subscribe", input)
    }

    fn list(&self, after: Option<&str>) -> Look {
        let mut input = json!({ "TopicArn": self.topic_arn });
        if let Some(after) = after {
            input["NextToken"] = json!(after);
        }
        Look::Ask(Call::sns("ListSubscriptionsByTopic", input))
    }

    /// The ARN that a page of the list has for it; a text that is none while it waits to be confirmed.
    fn arn_on<'j>(&self, page: &'j Json) -> Option<&'j str> {
        let ours = items(page, "Subscriptions")
            .find(|one| one["Protocol"] == *self.protocol && one["Endpoint"] == *self.endpoint);
        ours?["SubscriptionArn"].as_str()
    }

    /// The provider's order: bodies take every filter, so their scope is set before the filter; the other one after.
    fn changes(&self, found: &Json, arn: &str) -> Vec<Difference> {
        let mut changes = self.attributes.changes(found, |name, value| {
            let input = attribute::input("SubscriptionArn", arn, name, value);
            Call::sns("SetSubscriptionAttributes", input)
        });
        let sets_scope = |change: &Difference| {
            change.steps.iter().any(|step| step.call.input["AttributeName"] == SCOPE)
        };
        let is_body = self.attributes.get(SCOPE) == Some(BODY);
        changes.sort_by_key(|change| sets_scope(change) != is_body);
        changes
    }
}

impl Resource for Subscription {
    fn identity(&self) -> String {
        format!("{} {} {}", self.topic_arn, self.protocol, self.endpoint)
    }

    fn look(&self, answers: &[Json]) -> Look {
        let Some(last) = answers.last() else { return self.list(None) };
        if last["Attributes"].is_object() {
            return Look::Settled;
        }
        match (self.arn_on(last), last["NextToken"].as_str()) {
            (Some(arn), _) if arn.starts_with("arn:") => {
                Look::Ask(Call::sns("GetSubscriptionAttributes", json!({ "SubscriptionArn": arn })))
            }
            (Some(_), _) => Look::Settled,
            (None, Some(after)) => self.list(Some(after)),
            (None, None) => Look::Absent,
        }
    }

    fn patience(&self) -> Duration {
        WAIT
    }

    fn attributes(&self, found: Option<&Json>) -> Value {
        let attributes = found.map(|found| &found["Attributes"]);
        let answered = |name: &str| {
            let text = attributes.and_then(|attributes| attributes[name].as_str());
            text.map_or_else(|| Value::Unknown(self.address.clone()), Value::string)
        };
        let answered_flag = |name: &str| match answered(name) {
            Value::String(text) => Value::Bool(text == "true"),
            unknown => unknown,
        };
        let known = [
            ("arn", answered("SubscriptionArn")),
            (
                "confirmation_timeout_in_minutes",
                Value::Number(self.confirmation_timeout_minutes as f64),
            ),
            ("confirmation_was_authenticated", answered_flag("ConfirmationWasAuthenticated")),
            ("endpoint", Value::string(&self.endpoint)),
            ("endpoint_auto_confirms", Value::Bool(self.endpoint_auto_confirms)),
            ("id", answered("SubscriptionArn")),
            ("owner_id", Value::string(ACCOUNT)),
            ("pending_confirmation", answered_flag("PendingConfirmation")),
            ("protocol", Value::string(&self.protocol)),
            ("topic_arn", Value::string(&self.topic_arn)),
        ];
        let all = self.attributes.values(&self.address, found).chain(known);
        Value::Map(all.map(|(name, value)| (name.to_owned(), value)).collect())
    }

    fn described(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![
            ("topic_arn", format!("{:?}", self.topic_arn)),
            ("protocol", format!("{:?}", self.protocol)),
            ("endpoint", format!("{:?}", self.endpoint)),
        ];
        lines.extend(self.attributes.described());
        lines
    }

    fn creation(&self) -> Vec<Step> {
        vec![Step::at_once(self.subscribe())]
    }

    fn differences(&self, found: &Json) -> Vec<Difference> {
        match found["Attributes"]["SubscriptionArn"].as_str() {
            Some(arn) => self.changes(found, arn),
            // Others are confirmed by a person, whom nobody should ask at each start.
            None if self.protocol.starts_with("http") => {
                let line = "~ pending_confirmation = true: its endpoint is asked again".to_owned();
                vec![Difference::by(line, self.subscribe())]
            }
            None => Vec::new(),
        }
    }
}
