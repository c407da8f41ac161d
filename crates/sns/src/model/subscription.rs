//! A subscription: who gets a topic's messages, how, and whether that was confirmed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{delivery_policy, error::Error, filter, limits};

/// A subscription as its row keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subscription {
    pub arn: String,
    pub topic_arn: String,
    /// The account that subscribed.
    pub owner: String,
    /// The ARN of who subscribed.
    pub principal: String,
    pub protocol: Protocol,
    pub endpoint: String,
    /// What clients have set; RawMessageDelivery in lower case, all others as they were written.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    pub state: State,
}

/// Whether messages are for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "lowercase")]
pub(crate) enum State {
    /// Its endpoint was asked whether it wants messages.
    Pending { token: String, since_ms: u64 },
    /// It gets messages.
    Confirmed {
        /// Whether who confirmed it had a credential.
        authenticated: bool,
        /// Whether only who has a credential may end it.
        #[serde(default)]
        authenticate_on_unsubscribe: bool,
        /// What confirmed it: who shows that again is told the same.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<String>,
    },
    /// Its endpoint ended it without a credential, and may take that back with the token.
    Ended { token: String, since_ms: u64 },
}

/// The state of what needs no confirmation: the endpoint is the caller's own.
pub(crate) const CONFIRMED: State =
    State::Confirmed { authenticated: true, authenticate_on_unsubscribe: false, token: None };

/// How messages go to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub(crate) enum Protocol {
    Http,
    Https,
    Email,
    EmailJson,
    Sms,
    Sqs,
    Application,
    Lambda,
    Firehose,
}

impl Protocol {
    const ALL: [Protocol; 9] = [
        Protocol::Http,
        Protocol::Https,
        Protocol::Email,
        Protocol::EmailJson,
        Protocol::Sms,
        Protocol::Sqs,
        Protocol::Application,
        Protocol::Lambda,
        Protocol::Firehose,
    ];

    pub(crate) fn from_name(name: &str) -> Option<Protocol> {
        Protocol::ALL.into_iter().find(|protocol| protocol.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Protocol::Http => "http",
            Protocol::Https => "https",
            Protocol::Email => "email",
            Protocol::EmailJson => "email-json",
            Protocol::Sms => "sms",
            Protocol::Sqs => "sqs",
            Protocol::Application => "application",
            Protocol::Lambda => "lambda",
            Protocol::Firehose => "firehose",
        }
    }

    /// Whether Nautilus delivers to it. All others are kept and shown.
    pub(crate) fn is_delivered(self) -> bool {
        matches!(self, Protocol::Http | Protocol::Https)
    }

    /// Whether the endpoint's owner has to confirm it; the others are in the caller's own account.
    pub(crate) fn wants_confirmation(self) -> bool {
        self.is_delivered() || matches!(self, Protocol::Email | Protocol::EmailJson)
    }
}

/// The attributes that a client may set.
pub(crate) const SETTABLE: [&str; 6] = [
    "DeliveryPolicy",
    "FilterPolicy",
    "FilterPolicyScope",
    "RawMessageDelivery",
    "RedrivePolicy",
    "SubscriptionRoleArn",
];

impl Subscription {
    /// Sets an attribute, or takes it away with an empty value. What is wrong is told without AWS's head of the sentence.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        if value.len() > limits::ATTRIBUTE_VALUE_BYTES_MAX {
            return Err(format!("{name}: the value is too long"));
        }
        let mut kept = value.to_owned();
        match name {
            "RawMessageDelivery" => {
                kept.make_ascii_lowercase();
                if !["true", "false"].contains(&&*kept) {
                    return Err(format!(
                        "RawMessageDelivery: Invalid value [{value}]. Must be true or false."
                    ));
                }
                let is_able = self.protocol.is_delivered()
                    || matches!(self.protocol, Protocol::Sqs | Protocol::Firehose);
                if kept == "true" && !is_able {
                    let protocol = self.protocol.name();
                    return Err(format!(
                        "Delivery protocol [{protocol}] does not support raw message delivery."
                    ));
                }
            }
            "DeliveryPolicy" if value.is_empty() => {}
            "DeliveryPolicy" => drop(delivery_policy::of_subscription(value)?),
            "FilterPolicy" if ["", "{}"].contains(&value) => kept.clear(),
            "FilterPolicy" => drop(filter::Filter::parse(value, self.filter_scope())?),
            "FilterPolicyScope" => {
                let scope = filter::Scope::from_name(value).ok_or_else(|| {
                    format!(
                        "FilterPolicyScope: Invalid value [{value}]. Please use either MessageBody \
                         or MessageAttributes"
                    )
                })?;
                if let Some(policy) = self.attributes.get("FilterPolicy") {
                    filter::Filter::parse(policy, scope)?;
                }
            }
            "RedrivePolicy" if value.is_empty() => {}
            "RedrivePolicy" => check_redrive_policy(value)?,
            "SubscriptionRoleArn" if value.is_empty() || value.starts_with("arn:") => {}
            "SubscriptionRoleArn" => return Err("SubscriptionRoleArn: it is no ARN".to_owned()),
            "ReplayPolicy" => {
                return Err("ReplayPolicy: it is only for FIFO topics".to_owned());
            }
            _ => return Err("AttributeName".to_owned()),
        }
        match kept.as_str() {
            "" => drop(self.attributes.remove(name)),
            _ => drop(self.attributes.insert(name.to_owned(), kept)),
        }
        Ok(())
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    /// Bytes that its attributes hold.
    pub(crate) fn attribute_bytes(&self) -> usize {
        self.attributes.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    pub(crate) fn is_raw(&self) -> bool {
        self.attribute("RawMessageDelivery") == Some("true")
    }

    pub(crate) fn filter_scope(&self) -> filter::Scope {
        let given = self.attribute("FilterPolicyScope").and_then(filter::Scope::from_name);
        given.unwrap_or(filter::Scope::Attributes)
    }

    /// Whether messages are for it.
    pub(crate) fn is_confirmed(&self) -> bool {
        matches!(self.state, State::Confirmed { .. })
    }

    pub(crate) fn is_pending(&self) -> bool {
        matches!(self.state, State::Pending { .. })
    }

    /// Whether it is shown: not after its end, nor when nobody has confirmed it in time.
    pub(crate) fn is_shown(&self, now_ms: u64) -> bool {
        !matches!(self.state, State::Ended { .. }) && !self.is_over(now_ms)
    }

    /// Whether its token has gone bad and nothing can become of it any more.
    pub(crate) fn is_over(&self, now_ms: u64) -> bool {
        match self.state {
            State::Pending { since_ms, .. } | State::Ended { since_ms, .. } => {
                now_ms.saturating_sub(since_ms) > limits::TOKEN_LIFE_MS
            }
            State::Confirmed { .. } => false,
        }
    }

    pub(crate) fn token(&self) -> Option<&str> {
        match &self.state {
            State::Pending { token, .. } | State::Ended { token, .. } => Some(token),
            State::Confirmed { token, .. } => token.as_deref(),
        }
    }
}

/// The dead letters of an endpoint go to a file here, whatever queue is named; but it must be one.
fn check_redrive_policy(text: &str) -> Result<(), String> {
    let policy: serde_json::Value = serde_json::from_str(text)
        .map_err(|error| format!("RedrivePolicy: failed to parse JSON. {error}"))?;
    let target = policy.get("deadLetterTargetArn").and_then(serde_json::Value::as_str);
    let parts: Vec<&str> = target.unwrap_or("").split(':').collect();
    match parts[..] {
        ["arn", _, "sqs", _, _, name] if !name.is_empty() => Ok(()),
        _ => Err("RedrivePolicy: deadLetterTargetArn is an invalid arn".to_owned()),
    }
}

/// The error of an attribute that came with Subscribe.
pub(crate) fn refused_at_subscribe(reason: &str) -> Error {
    Error::invalid(format!("Attributes Reason: {reason}"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn subscription(protocol: Protocol, endpoint: &str) -> Subscription {
        Subscription {
            arn: "arn:aws:sns:us-east-1:000000000000:t:1".to_owned(),
            topic_arn: "arn:aws:sns:us-east-1:000000000000:t".to_owned(),
            owner: "000000000000".to_owned(),
            principal: "arn:aws:iam::000000000000:user/nautilus".to_owned(),
            protocol,
            endpoint: endpoint.to_owned(),
            attributes: BTreeMap::new(),
            state: State::Pending { token: "t".to_owned(), since_ms: 0 },
        }
    }

    fn check(protocol: Protocol, name: &str, value: &str, expected: &str) {
        let mut subscription = subscription(protocol, "https://example.com/");
        let told = match subscription.set(name, value) {
            Ok(()) => subscription.attribute(name).unwrap_or("-").to_owned(),
            Err(reason) => reason,
        };
        assert_eq!(told, expected, "{name} {value}");
    }

    #[test]
    fn attributes_are_checked_in_awss_words() {
        let http = Protocol::Https;
        check(http, "RawMessageDelivery", "TRUE", "true");
        check(
            http,
            "RawMessageDelivery",
            "test-ValUe",
            "RawMessageDelivery: Invalid value [test-ValUe]. Must be true or false.",
        );
        check(
            Protocol::Email,
            "RawMessageDelivery",
            "true",
            "Delivery protocol [email] does not support raw message delivery.",
        );
        check(http, "FilterPolicy", r#"{"a":["b"]}"#, r#"{"a":["b"]}"#);
        check(http, "FilterPolicy", "{}", "-");
        check(http, "FilterPolicyScope", "MessageBody", "MessageBody");
        let queue = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:q"}"#;
        check(http, "RedrivePolicy", queue, queue);
        check(http, "RedrivePolicy", "", "-");
        let invalid = "RedrivePolicy: deadLetterTargetArn is an invalid arn";
        check(http, "RedrivePolicy", r#"{"deadLetterTargetArn":"fake"}"#, invalid);
        check(http, "Colour", "red", "AttributeName");
        check(http, "PendingConfirmation", "false", "AttributeName");
    }

    #[test]
    fn a_scope_must_suit_the_filter_that_is_there() {
        let mut one = subscription(Protocol::Https, "https://example.com/");
        one.set("FilterPolicyScope", "MessageBody").expect("a scope");
        one.set("FilterPolicy", r#"{"a":{"b":["c"]}}"#).expect("bodies have depth");
        one.set("FilterPolicyScope", "MessageAttributes").expect_err("attributes have none");
        assert_eq!(one.attribute("FilterPolicyScope"), Some("MessageBody"));
    }

    #[test]
    fn a_token_is_good_for_two_days() {
        let mut one = subscription(Protocol::Https, "https://example.com/");
        assert!(one.is_shown(limits::TOKEN_LIFE_MS) && !one.is_shown(limits::TOKEN_LIFE_MS + 1));
        one.state = CONFIRMED;
        assert!(one.is_shown(u64::MAX));
        one.state = State::Ended { token: "t".to_owned(), since_ms: 0 };
        assert!(!one.is_shown(0) && !one.is_over(0));
    }

    #[test]
    fn every_protocol_is_found_by_its_name() {
        for protocol in Protocol::ALL {
            assert_eq!(Protocol::from_name(protocol.name()), Some(protocol));
            let row = serde_json::to_value(protocol).expect("JSON");
            assert_eq!(row, protocol.name());
        }
        assert_eq!(Protocol::from_name("HTTP"), None);
    }
}
