//! What an endpoint gets: the headers and the body of one POST.
//!
//! AWS: <https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html>. Members stand in AWS's order.

use std::collections::BTreeMap;

use bytes::Bytes;
use nautilus_wire::time::Date;
use serde::Serialize;

use crate::{
    model::message::{Delivery, Kind, Message},
    signature::{CERTIFICATE_PATH, SIGNATURE_VERSION, SigningKey},
    sns::SERVICE,
};

/// A POST to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Names in lower case; without `host` and `content-length`.
    pub headers: Vec<(&'static str, String)>,
    /// UTF-8.
    pub body: Bytes,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope<'a> {
    r#type: &'static str,
    message_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    topic_arn: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    message: &'a str,
    #[serde(rename = "SubscribeURL", skip_serializing_if = "Option::is_none")]
    subscribe_url: Option<String>,
    timestamp: String,
    #[serde(flatten)]
    signed: Option<Signed>,
    #[serde(rename = "UnsubscribeURL", skip_serializing_if = "Option::is_none")]
    unsubscribe_url: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    message_attributes: BTreeMap<&'a str, AttributeShown<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Signed {
    signature_version: &'static str,
    signature: String,
    #[serde(rename = "SigningCertURL")]
    signing_cert_url: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AttributeShown<'a> {
    r#type: &'a str,
    value: &'a str,
}

/// The POST that brings a message to an endpoint. `public_url` is where clients find this server, without a slash at
/// its end.
pub(crate) fn request(
    message: &Message,
    delivery: &Delivery,
    public_url: &str,
    key: Option<&SigningKey>,
) -> Request {
    let is_raw = delivery.raw && message.kind == Kind::Notification;
    let mut headers = vec![
        ("x-amz-sns-message-type", message.kind.name().to_owned()),
        ("x-amz-sns-message-id", message.id.clone()),
        ("x-amz-sns-topic-arn", message.topic_arn.clone()),
    ];
    if !matches!(message.kind, Kind::Confirmation { .. }) {
        headers.push(("x-amz-sns-subscription-arn", delivery.subscription_arn.clone()));
    }
    if is_raw {
        headers.push(("x-amz-sns-rawdelivery", "true".to_owned()));
    }
    headers.push(("content-type", delivery.policy.content_type.clone()));
    headers.push(("user-agent", "Amazon Simple Notification Service Agent".to_owned()));
    let body = match is_raw {
        true => message.text_for(delivery.protocol).as_bytes().to_vec(),
        false => {
            let mut envelope = envelope(message, delivery, public_url);
            envelope.signed = key.and_then(|key| signed(&envelope, public_url, key));
            serde_json::to_vec(&envelope).expect("an envelope holds texts")
        }
    };
    Request { headers, body: Bytes::from(body) }
}

fn envelope<'a>(message: &'a Message, delivery: &'a Delivery, public_url: &str) -> Envelope<'a> {
    let token = match &message.kind {
        Kind::Notification => None,
        Kind::Confirmation { token } | Kind::Farewell { token } => Some(token.as_str()),
    };
    let version = SERVICE.version;
    let action = |action: &str| format!("{public_url}/?Action={action}&Version={version}");
    let subscribe_url = token.map(|token| {
        let topic = &message.topic_arn;
        format!("{}&TopicArn={topic}&Token={token}", action("ConfirmSubscription"))
    });
    let unsubscribe_url = (message.kind == Kind::Notification).then(|| {
        format!("{}&SubscriptionArn={}", action("Unsubscribe"), delivery.subscription_arn)
    });
    let attributes = message.attributes.iter().map(|(name, attribute)| {
        let shown = AttributeShown { r#type: &attribute.data_type, value: &attribute.value };
        (name.as_str(), shown)
    });
    Envelope {
        r#type: message.kind.name(),
        message_id: &message.id,
        token,
        topic_arn: &message.topic_arn,
        subject: message.subject.as_deref(),
        message: message.text_for(delivery.protocol),
        subscribe_url,
        timestamp: timestamp(message.published_ms),
        signed: None,
        unsubscribe_url,
        message_attributes: attributes.collect(),
    }
}

/// None if it cannot be signed: an endpoint that looks will refuse it, all others get their message.
fn signed(envelope: &Envelope<'_>, public_url: &str, key: &SigningKey) -> Option<Signed> {
    let signature = key.sign(&text_to_sign(envelope)).inspect_err(|error| {
        tracing::error!(%error, "a message goes without its signature");
    });
    Some(Signed {
        signature_version: SIGNATURE_VERSION,
        signature: signature.ok()?,
        signing_cert_url: format!("{public_url}{CERTIFICATE_PATH}"),
    })
}

/// Names and values, each on a line, in the order of the names; AWS:
/// <https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html>
fn text_to_sign(envelope: &Envelope<'_>) -> String {
    let pairs = [
        ("Message", Some(envelope.message)),
        ("MessageId", Some(envelope.message_id)),
        ("Subject", envelope.subject),
        ("SubscribeURL", envelope.subscribe_url.as_deref()),
        ("Timestamp", Some(envelope.timestamp.as_str())),
        ("Token", envelope.token),
        ("TopicArn", Some(envelope.topic_arn)),
        ("Type", Some(envelope.r#type)),
    ];
    let given = pairs.into_iter().filter_map(|(name, value)| Some((name, value?)));
    given.map(|(name, value)| format!("{name}\n{value}\n")).collect()
}

/// Always with milliseconds, as SNS writes them.
fn timestamp(unix_ms: u64) -> String {
    let date = Date::from_unix_ms(i64::try_from(unix_ms).unwrap_or(i64::MAX));
    let Date { year, month, day, hour, minute, second, ms } = date;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}
