//! Resource policies: what a text must be to be kept as one, and what those that are kept allow and forbid.
//!
//! A caller of another account is let in where the policy of the stream or the consumer itself allows it, and only to the
//! operations that AWS lets be shared. What a policy forbids is forbidden to the owner's account too, but for the
//! operations on the policy: there is always a way out. A policy is read when it is put or loaded, and looked at when it
//! can matter: not for a caller's own resources while no policy forbids anything.
//! AWS: <https://docs.aws.amazon.com/streams/latest/dev/controlling-access.html>. Texts of errors are ours, but for the
//! AccessDeniedException.

use std::sync::Arc;

use nautilus_identity::{Authorized, Policy, Resource};
use serde::{Deserialize, Serialize};

use crate::{
    catalog::{Address, Snapshot},
    error::Error,
    kinesis::{Door, Request},
    limits,
    model::arn::{self, ConsumerArn, StreamArn},
};

/// What stands for the policy of a resource that has none.
pub(crate) const NONE: &str = "{}";

/// What the policy of a stream can let other accounts do.
const SHARED_OF_STREAMS: [&str; 7] = [
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
    "kinesis:PutRecord",
    "kinesis:PutRecords",
];

/// What the policy of a consumer can let other accounts do.
const SHARED_OF_CONSUMERS: [&str; 2] =
    ["kinesis:DescribeStreamConsumer", "kinesis:SubscribeToShard"];

/// What no policy forbids to the owner's account.
const OF_POLICIES: [&str; 3] =
    ["kinesis:DeleteResourcePolicy", "kinesis:GetResourcePolicy", "kinesis:PutResourcePolicy"];

/// A policy that is attached to a resource. In the catalog it is its text.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct ResourcePolicy {
    text: String,
    policy: Arc<Policy>,
}

impl ResourcePolicy {
    /// Reads the policy of the resource `arn`.
    pub(crate) fn parse(text: String, arn: &str) -> Result<ResourcePolicy, Error> {
        if text.len() > limits::POLICY_BYTES_MAX {
            return Err(Error::LimitExceeded(format!(
                "The resource policy is larger than {} bytes.",
                limits::POLICY_BYTES_MAX
            )));
        }
        let policy = ResourcePolicy::try_from(text);
        policy.and_then(|policy| policy.check(arn).map(|()| policy)).map_err(|reason| {
            Error::InvalidArgument(format!("The resource policy for {arn} is not valid: {reason}"))
        })
    }

    /// As it was given.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it forbids anything to anybody.
    pub(crate) fn denies(&self) -> bool {
        self.policy.denies()
    }

    /// Each statement says whom it allows or forbids what of Kinesis on the one resource that it is attached to.
    fn check(&self, arn: &str) -> Result<(), String> {
        for statement in self.policy.statements() {
            if !statement.names_principals() {
                return Err("Principal must be given: *, or a map of principals.".to_owned());
            }
            for action in statement.actions() {
                let service = action.split_once(':').map(|(service, _)| service);
                if !service.is_some_and(|service| service.eq_ignore_ascii_case("kinesis")) {
                    return Err(format!("Action {action} is not one of Kinesis."));
                }
            }
            if statement.resources().iter().any(|resource| resource != arn) {
                return Err("Resource must be the ARN of the resource itself.".to_owned());
            }
            if let Some(fault) = statement.condition_fault() {
                return Err(fault.to_owned());
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for ResourcePolicy {
    type Error = String;

    fn try_from(text: String) -> Result<ResourcePolicy, String> {
        let policy = Policy::parse(&text).map_err(|error| error.to_string())?;
        Ok(ResourcePolicy { text, policy: Arc::new(policy) })
    }
}

impl From<ResourcePolicy> for String {
    fn from(policy: ResourcePolicy) -> String {
        policy.text
    }
}

impl PartialEq for ResourcePolicy {
    fn eq(&self, other: &ResourcePolicy) -> bool {
        self.text == other.text
    }
}

impl Eq for ResourcePolicy {}

/// Whether the caller of a request may do `action` on `resource`, an ARN or `*`.
pub(crate) fn authorize(
    request: Request<'_>,
    door: Door,
    action: &str,
    resource: &str,
) -> Result<Authorized, Error> {
    if door == Door::Operator {
        return Ok(nautilus_identity::authorize_operator());
    }
    let Request { inner, caller } = request;
    // What is no ARN of Kinesis names nothing of anybody.
    let account = arn::account_in(resource).unwrap_or(&caller.account);
    let snapshot = inner.catalog.load();
    let policy = match account == caller.account {
        true if !snapshot.denies() || OF_POLICIES.contains(&action) => None,
        true => policy_of(&snapshot, resource),
        false => policy_of(&snapshot, resource).filter(|_| is_shared(action, resource)),
    };
    let resource = Resource { arn: resource, account, policy };
    Ok(nautilus_identity::authorize(caller, action, &resource)?)
}

fn is_shared(action: &str, resource: &str) -> bool {
    match StreamArn::parse(resource) {
        Some(_) => SHARED_OF_STREAMS.contains(&action),
        None => SHARED_OF_CONSUMERS.contains(&action),
    }
}

/// The policy of what an ARN names, if that is there and has one.
fn policy_of<'s>(snapshot: &'s Snapshot, resource: &str) -> Option<&'s Policy> {
    let policy = match StreamArn::parse(resource) {
        Some(StreamArn { region, account, name }) => {
            &snapshot.stream(Address { account, region, name })?.policy
        }
        None => &snapshot.consumer_by_arn(&ConsumerArn::parse(resource)?)?.policy,
    };
    policy.as_ref().map(|policy| &*policy.policy)
}

#[cfg(test)]
mod tests;
