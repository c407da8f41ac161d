//! A message that waits in the outbox, and its deliveries.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::subscription::{Protocol, Subscription};
use crate::{delivery_policy::Effective, limits, reach};

/// A message as its row keeps it, as long as one of its deliveries waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Message {
    /// A UUID; the same in every attempt.
    pub id: String,
    pub topic_arn: String,
    #[serde(default)]
    pub kind: Kind,
    pub subject: Option<String>,
    pub text: String,
    /// What protocols get in the place of `text`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, Attribute>,
    pub published_ms: u64,
    /// What whoever published wants to find in the outcomes.
    #[serde(default)]
    pub origin: Option<String>,
}

/// What a message is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Somebody published it.
    #[default]
    Notification,
    /// It asks an endpoint whether it wants messages.
    Confirmation { token: String },
    /// It tells an endpoint that it gets no more.
    Farewell { token: String },
}

impl Kind {
    /// AWS's name of it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Kind::Notification => "Notification",
            Kind::Confirmation { .. } => "SubscriptionConfirmation",
            Kind::Farewell { .. } => "UnsubscribeConfirmation",
        }
    }
}

/// An attribute of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attribute {
    /// `String`, `String.Array`, `Number`, `Binary`, perhaps with a suffix of the client's.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Binary values in Base64.
    pub value: String,
}

impl Message {
    /// About what it holds in memory and on disk.
    pub(crate) fn bytes(&self) -> usize {
        let texts = self.texts.iter().map(|(name, text)| name.len() + text.len());
        let attributes = self.attributes.iter();
        let attributes = attributes.map(|(name, attribute)| name.len() + attribute.bytes());
        let subject = self.subject.as_ref().map_or(0, String::len);
        self.text.len() + subject + texts.sum::<usize>() + attributes.sum::<usize>()
    }

    /// What a protocol gets.
    pub(crate) fn text_for(&self, protocol: Protocol) -> &str {
        self.texts.get(protocol.name()).unwrap_or(&self.text)
    }
}

impl Attribute {
    pub(crate) fn bytes(&self) -> usize {
        self.data_type.len() + self.value.len()
    }
}

/// One endpoint that has not got a message yet. It holds all that an attempt needs: the subscription may end meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    pub subscription_arn: String,
    pub protocol: Protocol,
    pub endpoint: String,
    /// Scheme, host and port: attempts under way are counted by it.
    pub authority: String,
    pub raw: bool,
    pub policy: Effective,
    /// Attempts that have failed.
    pub attempts: u32,
    /// When it is tried next, by the service clock.
    pub due_ms: u64,
}

impl Delivery {
    pub(crate) fn new(to: &Subscription, policy: Effective, now_ms: u64) -> Delivery {
        Delivery {
            subscription_arn: to.arn.clone(),
            protocol: to.protocol,
            endpoint: to.endpoint.clone(),
            authority: reach::authority(&to.endpoint),
            raw: to.is_raw(),
            policy,
            attempts: 0,
            due_ms: now_ms,
        }
    }

    /// When it is tried next, as the clock is now. One that was set back since is no reason to wait longer than any delay
    /// of the policy.
    pub(crate) fn due_ms(&self, now_ms: u64) -> u64 {
        let delay_ms_max = u64::from(self.policy.retry.max_delay_target) * 1000;
        match self.due_ms > now_ms.saturating_add(delay_ms_max) {
            true => now_ms,
            false => self.due_ms,
        }
    }
}

/// What is told of a failure: one line, not longer than it is worth.
pub(crate) fn reason(text: &str) -> String {
    let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    printable.take(limits::REASON_CHARS_MAX).collect()
}
