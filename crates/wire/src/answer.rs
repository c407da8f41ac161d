//! What goes back to the client beside the status and the headers of every answer.

use bytes::Bytes;

/// A body and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Empty for operations without output.
    pub body: Bytes,
    /// The header `Content-Type`.
    pub content_type: &'static str,
    /// Whether the operation has an output, be it one without members: Query tells the two apart.
    pub has_output: bool,
}

impl Answer {
    /// What Query services answer.
    pub const XML: &'static str = "text/xml";
}
