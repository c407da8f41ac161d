//! A topic, and which attributes one has.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{delivery_policy, error::Error, limits, policy};

/// A topic as its row keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Topic {
    pub arn: String,
    pub account: String,
    pub region: String,
    /// What clients have set, as they wrote it.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// How many subscriptions it has had that are no more.
    #[serde(default)]
    pub subscriptions_deleted: u64,
}

/// Kept and shown, with no meaning here: they are about logs, keys and traces of AWS's own.
const KEPT: [&str; 17] = [
    "ApplicationFailureFeedbackRoleArn",
    "ApplicationSuccessFeedbackRoleArn",
    "ApplicationSuccessFeedbackSampleRate",
    "FirehoseFailureFeedbackRoleArn",
    "FirehoseSuccessFeedbackRoleArn",
    "FirehoseSuccessFeedbackSampleRate",
    "HTTPFailureFeedbackRoleArn",
    "HTTPSuccessFeedbackRoleArn",
    "HTTPSuccessFeedbackSampleRate",
    "KmsMasterKeyId",
    "LambdaFailureFeedbackRoleArn",
    "LambdaSuccessFeedbackRoleArn",
    "LambdaSuccessFeedbackSampleRate",
    "SQSFailureFeedbackRoleArn",
    "SQSSuccessFeedbackRoleArn",
    "SQSSuccessFeedbackSampleRate",
    "TracingConfig",
];

/// Attributes of FIFO topics alone.
const FIFO: [&str; 4] =
    ["ArchivePolicy", "ContentBasedDeduplication", "FifoThroughputScope", "FifoTopic"];

impl Topic {
    /// Sets an attribute, or takes it away with an empty value; nothing is changed if it is refused.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let wrong = |reason: &str| Err(Error::invalid(format!("{name} Reason: {reason}")));
        if value.len() > limits::ATTRIBUTE_VALUE_BYTES_MAX {
            return wrong("the value is too long");
        }
        match name {
            "DeliveryPolicy" if value.is_empty() => {}
            "DeliveryPolicy" => drop(delivery_policy::of_topic(value)?),
            "DisplayName" if value.chars().count() > 100 => {
                return wrong("a display name has at most 100 characters");
            }
            "DisplayName" => {}
            "MaximumMessageSize" => {
                // AWS allows up to 1 MiB for topics without HTTP subscriptions; here all messages are small.
                let bytes: Option<usize> = value.parse().ok();
                if !bytes.is_some_and(|bytes| (1024..=limits::MESSAGE_BYTES_MAX).contains(&bytes)) {
                    return wrong("it must be from 1024 to 262144");
                }
            }
            "Policy" => policy::check(value)?,
            "SignatureVersion" if !["1", "2"].contains(&value) => {
                return wrong("it must be 1 or 2");
            }
            "SignatureVersion" => {}
            _ if name.ends_with("SampleRate") && KEPT.contains(&name) => {
                let rate: Option<u8> = value.parse().ok();
                if !value.is_empty() && rate.is_none_or(|rate| rate > 100) {
                    return wrong("it must be from 0 to 100");
                }
            }
            "TracingConfig" if !["", "PassThrough", "Active"].contains(&value) => {
                return wrong("it must be PassThrough or Active");
            }
            _ if KEPT.contains(&name) => {}
            _ if FIFO.contains(&name) && ["", "false"].contains(&value) => return Ok(()),
            _ if FIFO.contains(&name) => {
                return wrong("FIFO topics are not to be had here, use a standard topic");
            }
            _ => return Err(Error::invalid("AttributeName")),
        }
        match value {
            "" => drop(self.attributes.remove(name)),
            _ => drop(self.attributes.insert(name.to_owned(), value.to_owned())),
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

    /// Longest message that it takes, with its attributes.
    pub(crate) fn message_bytes_max(&self) -> usize {
        let given = self.attribute("MaximumMessageSize").and_then(|text| text.parse().ok());
        given.unwrap_or(limits::MESSAGE_BYTES_MAX)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn topic() -> Topic {
        Topic {
            arn: "arn:aws:sns:us-east-1:000000000000:t".to_owned(),
            account: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            attributes: BTreeMap::new(),
            tags: BTreeMap::new(),
            subscriptions_deleted: 0,
        }
    }

    fn check(name: &str, value: &str, expected: &str) {
        let mut topic = topic();
        let told = match topic.set(name, value) {
            Ok(()) => topic.attribute(name).unwrap_or("-").to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(told, expected, "{name} {value}");
    }

    #[test]
    fn attributes_are_kept_as_they_were_given() {
        check("DisplayName", "My topic", "My topic");
        check("KmsMasterKeyId", "alias/aws/sns", "alias/aws/sns");
        check("HTTPSuccessFeedbackSampleRate", "100", "100");
        check("TracingConfig", "Active", "Active");
        check("SignatureVersion", "2", "2");
        check("MaximumMessageSize", "1024", "1024");
        check("DisplayName", "", "-");
        check("FifoTopic", "false", "-");
    }

    #[test]
    fn what_no_topic_has_is_refused() {
        check("Colour", "red", "Invalid parameter: AttributeName");
        check("TopicArn", "x", "Invalid parameter: AttributeName");
        let wrong = |name: &str, reason| format!("Invalid parameter: {name} Reason: {reason}");
        let fifo = "FIFO topics are not to be had here, use a standard topic";
        check("FifoTopic", "true", &wrong("FifoTopic", fifo));
        check("ArchivePolicy", "{}", &wrong("ArchivePolicy", fifo));
        let rate = "it must be from 0 to 100";
        check("SQSSuccessFeedbackSampleRate", "101", &wrong("SQSSuccessFeedbackSampleRate", rate));
        check("SignatureVersion", "3", &wrong("SignatureVersion", "it must be 1 or 2"));
        let size = "it must be from 1024 to 262144";
        check("MaximumMessageSize", "1048576", &wrong("MaximumMessageSize", size));
        check(
            "DisplayName",
            &"x".repeat(limits::ATTRIBUTE_VALUE_BYTES_MAX + 1),
            &wrong("DisplayName", "the value is too long"),
        );
    }
}
