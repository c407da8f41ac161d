//! What goes back to the client beside the status and the headers of every answer.

use bytes::Bytes;

/// A body and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Empty for operations without output.
    pub body: Bytes,
    /// The header `Content-Type`.
    pub content_type: &'static str,
}

impl Answer {
    /// AWS JSON 1.1, which Kinesis speaks.
    pub const JSON: &'static str = "application/x-amz-json-1.1";
    /// What Query services answer.
    pub const XML: &'static str = "text/xml";

    /// The answer of an operation that has no output: 200 and zero bytes, not `{}`.
    pub fn empty() -> Answer {
        Answer { body: Bytes::new(), content_type: Answer::JSON }
    }
}
