//! What the protocols must know of a service that speaks several of them.

/// A service by its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Service {
    /// The service in a credential's scope: `monitoring`.
    pub signing_name: &'static str,
    /// Before the operation in the header `X-Amz-Target`, and in the path of RPC v2; empty if it has neither.
    pub target_prefix: &'static str,
    /// The parameter `Version` of Query.
    pub version: &'static str,
    /// The namespace of its XML.
    pub xml_namespace: &'static str,
    /// Before the name of an error in JSON and RPC v2, with its `#`; empty if errors have bare names.
    pub error_prefix: &'static str,
}
