//! The two protocols of one service: the same operations and members, in JSON or in CBOR.
//!
//! An answer speaks as its request did. What differs beside the bytes stands here and nowhere else: the content type,
//! and what a number means where a point in time is asked for.

use bytes::Bytes;

use crate::{Answer, AwsError, Number, Output, Value, cbor, json};

/// How a call and its answer are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// AWS JSON 1.1: most clients.
    Json,
    /// AWS CBOR 1.1: the SDKs for Java.
    Cbor,
}

impl Protocol {
    /// Both.
    pub const ALL: [Protocol; 2] = [Protocol::Json, Protocol::Cbor];

    /// The header `Content-Type`, of requests and of answers.
    pub const fn content_type(self) -> &'static str {
        match self {
            Protocol::Json => "application/x-amz-json-1.1",
            Protocol::Cbor => "application/x-amz-cbor-1.1",
        }
    }

    /// The protocol of a content type without its parameters.
    pub fn from_content_type(content_type: &str) -> Option<Protocol> {
        Protocol::ALL.into_iter().find(|protocol| protocol.content_type() == content_type)
    }

    /// The value of a whole body.
    pub fn parse(self, body: &[u8]) -> Result<Value<'_>, AwsError> {
        match self {
            Protocol::Json => json::parse(body),
            Protocol::Cbor => cbor::parse(body),
        }
    }

    /// An output, or an error, as an answer.
    pub fn answer(self, output: &impl Output) -> Answer {
        let body = self.append(Vec::with_capacity(output.bytes_hint()), output);
        Answer { body: Bytes::from(body), content_type: self.content_type() }
    }

    /// An output behind what stands in `bytes` already.
    pub(crate) fn append(self, bytes: Vec<u8>, output: &impl Output) -> Vec<u8> {
        match self {
            Protocol::Json => json::append(bytes, output),
            Protocol::Cbor => cbor::append(bytes, output),
        }
    }

    /// The answer of an operation that has no output: zero bytes, not an empty map.
    pub fn empty(self) -> Answer {
        Answer { body: Bytes::new(), content_type: self.content_type() }
    }

    /// A number that is a point in time, in milliseconds since 1970. AWS CBOR has milliseconds under the tag for
    /// which the standard has seconds; JSON has seconds.
    pub(crate) fn time_ms(self, number: Number) -> i64 {
        match self {
            Protocol::Json => number.seconds_as_ms(),
            Protocol::Cbor => number.truncated(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_names_its_protocol() {
        for protocol in Protocol::ALL {
            assert_eq!(Protocol::from_content_type(protocol.content_type()), Some(protocol));
        }
        assert_eq!(Protocol::from_content_type("application/cbor"), None);
        assert_eq!(Protocol::from_content_type(""), None);
    }

    #[test]
    fn no_output_is_no_bytes_of_the_requests_type() {
        let answer = Protocol::Cbor.empty();
        assert_eq!((answer.body.len(), answer.content_type), (0, "application/x-amz-cbor-1.1"));
    }
}
