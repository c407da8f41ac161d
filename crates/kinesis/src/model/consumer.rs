//! A registered consumer of a stream: who reads by enhanced fan-out.
//!
//! Always: a consumer's name is unique in its stream, and its ARN, which ends in its creation second, is given once ·
//! while it is CREATING or DELETING there is exactly one intent that ends that: its own, or its stream's deletion.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    metrics::ConsumerCounts,
    model::{arn::consumer_arn, live::Counted},
    policy::ResourcePolicy,
};

/// Where a consumer stands in its life. It reads only while it is ACTIVE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum ConsumerStatus {
    Creating,
    Active,
    Deleting,
}

impl ConsumerStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            ConsumerStatus::Creating => "CREATING",
            ConsumerStatus::Active => "ACTIVE",
            ConsumerStatus::Deleting => "DELETING",
        }
    }
}

/// A consumer with everything that belongs to it: one row of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Consumer {
    pub account: String,
    pub region: String,
    /// The name of its stream.
    pub stream: String,
    /// Which life of that name.
    pub stream_id: u64,
    pub name: String,
    pub status: ConsumerStatus,
    /// In whole seconds, as its ARN has it.
    pub created_ms: u64,
    pub tags: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<ResourcePolicy>,
    #[serde(skip)]
    pub counted: Counted<ConsumerCounts>,
}

impl Consumer {
    pub(crate) fn arn(&self) -> String {
        consumer_arn(&self.account, &self.region, &self.stream, &self.name, self.created_second())
    }

    /// Whether its policy forbids anything.
    pub(crate) fn denies(&self) -> bool {
        self.policy.as_ref().is_some_and(ResourcePolicy::denies)
    }

    pub(crate) fn created_second(&self) -> u64 {
        self.created_ms / 1000
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::stream::Stream;

    pub(crate) fn consumer_of(stream: &Stream, name: &str) -> Consumer {
        Consumer {
            account: stream.account.clone(),
            region: stream.region.clone(),
            stream: stream.name.clone(),
            stream_id: stream.id,
            name: name.to_owned(),
            status: ConsumerStatus::Active,
            created_ms: 1000,
            tags: BTreeMap::new(),
            policy: None,
            counted: Counted::default(),
        }
    }
}
