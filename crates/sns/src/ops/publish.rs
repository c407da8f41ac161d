//! Publish: gives a message to all who want a topic's.
//!
//! A call that was answered is durable: the message reaches each endpoint at least once, or the file of dead letters.
//! AWS: <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
//! Not as AWS: messages go to topics alone, not to phones and devices.

use std::{borrow::Cow, collections::BTreeMap};

use nautilus_wire::{
    Blob, Members, Output, Writer,
    rules::{LengthRule, StringRule},
};
use serde_json::Value;

use crate::{
    error::Error,
    ids, limits,
    model::message::{Attribute, Kind, Message},
    sns::{Ctx, Request, Resource},
};

pub(crate) struct Input<'a> {
    topic_arn: Option<Cow<'a, str>>,
    target_arn: Option<Cow<'a, str>>,
    phone_number: Option<Cow<'a, str>>,
    message: Cow<'a, str>,
    subject: Option<Cow<'a, str>>,
    message_structure: Option<Cow<'a, str>>,
    attributes: Vec<(Cow<'a, str>, GivenAttribute<'a>)>,
}

struct GivenAttribute<'a> {
    data_type: Cow<'a, str>,
    string_value: Option<Cow<'a, str>>,
    binary_value: Option<Blob<'a>>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            topic_arn: members.string("TopicArn", &StringRule::ANY),
            target_arn: members.string("TargetArn", &StringRule::ANY),
            phone_number: members.string("PhoneNumber", &StringRule::ANY),
            message: members.required_string("Message", &StringRule::ANY),
            subject: members.string("Subject", &StringRule::ANY),
            message_structure: members.string("MessageStructure", &StringRule::ANY),
            attributes: members
                .map("MessageAttributes", &LengthRule::ANY, |members| GivenAttribute {
                    data_type: members.required_string("DataType", &StringRule::ANY),
                    string_value: members.string("StringValue", &StringRule::ANY),
                    binary_value: members.blob("BinaryValue", &LengthRule::ANY),
                })
                .unwrap_or_default(),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<Resource, Error> {
        match (&self.topic_arn, &self.target_arn, &self.phone_number) {
            (None, None, Some(_)) => Err(Error::invalid(
                "PhoneNumber Reason: nothing is sent to phones here, publish to a topic",
            )),
            (Some(_), Some(_), _) | (_, Some(_), Some(_)) | (Some(_), _, Some(_)) => {
                Err(Error::invalid(
                    "TopicArn or TargetArn or PhoneNumber Reason: only one of them may be given",
                ))
            }
            (Some(arn), None, None) => request.topic(arn),
            (None, Some(arn), None) if arn.contains(":endpoint/") => Err(Error::invalid(
                "TargetArn Reason: No endpoint found for the target arn specified",
            )),
            (None, Some(arn), None) => request.topic(arn),
            (None, None, None) => {
                Err(Error::invalid("TopicArn or TargetArn Reason: no value for required parameter"))
            }
        }
    }
}

pub(crate) struct Published {
    message_id: String,
}

impl Output for Published {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| w.field_str("MessageId", &self.message_id));
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Published, Error> {
    let topic_arn = input.topic_arn.or(input.target_arn).unwrap_or_default().into_owned();
    let message_bytes_max = {
        let snapshot = ctx.inner.catalog.load();
        snapshot.topic(&topic_arn).ok_or(Error::TopicNotFound)?.message_bytes_max()
    };
    let (text, texts) = texts(&input.message, input.message_structure.as_deref())?;
    let subject = input.subject.map(Cow::into_owned);
    if !subject.as_deref().is_none_or(is_subject) {
        return Err(Error::invalid("Subject"));
    }
    if input.attributes.len() > limits::MESSAGE_ATTRIBUTES_MAX {
        return Err(Error::invalid("MessageAttributes Reason: there are too many"));
    }
    let attributes = input.attributes.into_iter();
    let attributes = attributes.map(|(name, given)| attribute(&name, given));
    let message_id = ids::uuid(&*ctx.inner.rng);
    let message = Message {
        id: message_id.clone(),
        topic_arn,
        kind: Kind::Notification,
        subject,
        text,
        texts,
        attributes: attributes.collect::<Result<_, _>>()?,
        published_ms: ctx.inner.now_ms(),
        origin: None,
    };
    let attribute_bytes: usize =
        message.attributes.iter().map(|(name, one)| name.len() + one.bytes()).sum();
    if input.message.len() + attribute_bytes > message_bytes_max {
        return Err(Error::invalid("Message too long"));
    }
    ctx.inner.publish(message).await?;
    Ok(Published { message_id })
}

/// The text for all, and those for single protocols.
fn texts(
    message: &str,
    structure: Option<&str>,
) -> Result<(String, BTreeMap<String, String>), Error> {
    match structure {
        None if message.is_empty() => Err(Error::invalid("Empty message")),
        None => Ok((message.to_owned(), BTreeMap::new())),
        Some("json") => {
            let failed = "Message Structure - JSON message body failed to parse";
            let parsed: Value =
                serde_json::from_str(message).map_err(|_| Error::invalid(failed))?;
            let Value::Object(mut members) = parsed else { return Err(Error::invalid(failed)) };
            let Some(Value::String(text)) = members.remove("default") else {
                return Err(Error::invalid(
                    "Message Structure - No default entry in JSON message body",
                ));
            };
            // Nothing is delivered by the others.
            let delivered = ["http", "https"].into_iter().filter_map(|protocol| {
                match members.remove(protocol) {
                    Some(Value::String(text)) => Some((protocol.to_owned(), text)),
                    _ => None,
                }
            });
            Ok((text, delivered.collect()))
        }
        Some(_) => Err(Error::invalid("Message Structure - Invalid message structure parameter")),
    }
}

/// AWS: printable ASCII that begins with a letter, a number or punctuation; no line breaks.
fn is_subject(text: &str) -> bool {
    (1..=limits::SUBJECT_CHARS_MAX).contains(&text.chars().count())
        && !text.starts_with(' ')
        && !text.chars().any(char::is_control)
}

fn attribute(name: &str, given: GivenAttribute<'_>) -> Result<(String, Attribute), Error> {
    let wrong =
        |reason: String| Err(Error::invalid(format!("The message attribute '{name}' {reason}")));
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    let is_name = (1..=256).contains(&name.len())
        && name.bytes().all(allowed)
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..");
    if !is_name {
        return wrong("has an invalid name.".to_owned());
    }
    let GivenAttribute { data_type, string_value, binary_value } = given;
    let value = match (data_type.split('.').next().unwrap_or(""), string_value, binary_value) {
        ("String" | "Number", Some(value), None) if value.is_empty() => {
            return wrong(format!(
                "must contain non-empty message attribute value for message attribute type \
                 '{data_type}'."
            ));
        }
        ("Number", Some(value), None) if value.parse::<f64>().is_err() => {
            return wrong("with type 'Number' must use a valid number as value.".to_owned());
        }
        ("String" | "Number", Some(value), None) => value.into_owned(),
        ("Binary", None, Some(value)) if !value.is_empty() => {
            base64_simd::STANDARD.encode_to_string(value.to_vec()?)
        }
        ("String" | "Number" | "Binary", ..) => {
            return wrong(format!("must use the value of its type '{data_type}'."));
        }
        _ => {
            return wrong(format!(
                "has an invalid message attribute type, the set of supported type prefixes is \
                 Binary, Number, and String: '{data_type}'."
            ));
        }
    };
    Ok((name.to_owned(), Attribute { data_type: data_type.into_owned(), value }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{
        limits,
        testing::{TOPIC, World},
    };

    fn told(reason: &str) -> String {
        format!("400 InvalidParameter: Invalid parameter: {reason}")
    }

    /// What the one endpoint gets.
    fn body(world: &World) -> Value {
        let due = world.due();
        assert_eq!(due.len(), 1);
        serde_json::from_slice(&due[0].request().body).expect("JSON")
    }

    #[test]
    fn a_message_reaches_the_outbox() {
        let world = World::with_topic();
        let arn = world.confirmed("http://example.com/");
        let input = format!("TopicArn={TOPIC}&Message=hello%0Aworld&Subject=Greetings");
        let id = World::text_in(&world.ok("Publish", &input), "MessageId");
        let mut body = body(&world);
        let signed = ["Signature", "SignatureVersion", "SigningCertURL"];
        let [_, version, url] =
            signed.map(|name| body.as_object_mut().expect("an object").remove(name));
        assert_eq!(version, Some(json!("2")));
        assert_eq!(url, Some(json!("http://127.0.0.1:4566/_nautilus/sns/certificate.pem")));
        assert_eq!(
            body,
            json!({
                "Type": "Notification",
                "MessageId": id,
                "TopicArn": TOPIC,
                "Subject": "Greetings",
                "Message": "hello\nworld",
                "Timestamp": "2026-11-24T03:00:00.000Z",
                "UnsubscribeURL": format!(
                    "http://127.0.0.1:4566/?Action=Unsubscribe&Version=2010-03-31&SubscriptionArn={arn}"
                ),
            })
        );
    }

    #[test]
    fn a_message_without_subscribers_is_answered_and_forgotten() {
        let world = World::with_topic();
        world.ok("Publish", &format!("TargetArn={TOPIC}&Message=hello"));
        assert!(world.due().is_empty());
    }

    #[test]
    fn attributes_go_along_and_are_filtered_by() {
        let world = World::with_topic();
        let arn = world.confirmed("http://example.com/");
        let filter = r#"{"store":["example"]}"#;
        world.ok(
            "SetSubscriptionAttributes",
            &format!("SubscriptionArn={arn}&AttributeName=FilterPolicy&AttributeValue={filter}"),
        );
        world.publish("not for it");
        assert!(world.due().is_empty());
        let attribute = "&MessageAttributes.entry.1.Name=store&MessageAttributes.entry.1.Value.DataType=String&MessageAttributes.entry.1.Value.StringValue=example";
        let binary = "&MessageAttributes.entry.2.Name=b&MessageAttributes.entry.2.Value.DataType=Binary&MessageAttributes.entry.2.Value.BinaryValue=AgME";
        world.ok("Publish", &format!("TopicArn={TOPIC}&Message=hello{attribute}{binary}"));
        let attributes = &body(&world)["MessageAttributes"];
        let expected = json!({
            "store": {"Type": "String", "Value": "example"},
            "b": {"Type": "Binary", "Value": "AgME"},
        });
        assert_eq!(*attributes, expected);
    }

    #[test]
    fn protocols_may_have_texts_of_their_own() {
        let world = World::with_topic();
        world.confirmed("http://example.com/");
        let message = r#"{"default":"all","http":"http alone","sqs":"x"}"#;
        let input = format!("TopicArn={TOPIC}&MessageStructure=json&Message={message}");
        world.ok("Publish", &input);
        assert_eq!(body(&world)["Message"], "http alone");
        for (message, reason) in [
            ("[]", "Message Structure - JSON message body failed to parse"),
            ("{", "Message Structure - JSON message body failed to parse"),
            ("{}", "Message Structure - No default entry in JSON message body"),
            (r#"{"default":1}"#, "Message Structure - No default entry in JSON message body"),
        ] {
            let input = format!("TopicArn={TOPIC}&MessageStructure=json&Message={message}");
            world.check("Publish", &input, &told(reason));
        }
    }

    #[test]
    fn what_is_wrong_is_told_in_awss_words() {
        let world = World::with_topic();
        world.confirmed("http://example.com/");
        let topic = format!("TopicArn={TOPIC}");
        for (input, reason) in [
            (format!("{topic}&Message="), "Empty message"),
            (format!("{topic}&Message=x&Subject="), "Subject"),
            (format!("{topic}&Message=x&Subject=a%0Ab"), "Subject"),
            (format!("{topic}&Message=x&Subject={}", "x".repeat(101)), "Subject"),
            (
                format!("{topic}&Message={}", "x".repeat(limits::MESSAGE_BYTES_MAX + 1)),
                "Message too long",
            ),
            (
                "TopicArn=&Message=x".to_owned(),
                "TopicArn Reason: An ARN must have at least 6 elements, not 1",
            ),
            (
                "Message=x".to_owned(),
                "TopicArn or TargetArn Reason: no value for required parameter",
            ),
            (
                "PhoneNumber=123&Message=x".to_owned(),
                "PhoneNumber Reason: nothing is sent to phones here, publish to a topic",
            ),
            (
                "TargetArn=arn:aws:sns:us-east-1:000000000000:endpoint/GCM/a/b&Message=x"
                    .to_owned(),
                "TargetArn Reason: No endpoint found for the target arn specified",
            ),
            (
                format!(
                    "{topic}&Message=x&MessageAttributes.entry.1.Name=n&MessageAttributes.entry.1.Value.DataType=Number&MessageAttributes.entry.1.Value.StringValue=x"
                ),
                "The message attribute 'n' with type 'Number' must use a valid number as value.",
            ),
        ] {
            world.check("Publish", &input, &told(reason));
        }
        let other = format!("TopicArn={TOPIC}x&Message=x");
        world.check("Publish", &other, "404 NotFound: Topic does not exist");
        assert!(world.due().is_empty(), "nothing of it was taken");
        world.ok("Publish", &format!("{topic}&Message={}", "x".repeat(limits::MESSAGE_BYTES_MAX)));
    }
}
