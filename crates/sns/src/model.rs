//! What SNS is made of: topics, subscriptions, messages and their deliveries, as the catalog keeps them.

pub(crate) mod arn;
pub(crate) mod message;
pub(crate) mod subscription;
pub(crate) mod topic;
