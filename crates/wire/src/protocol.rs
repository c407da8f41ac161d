//! The protocols of the services: the same operations and members, written in different ways.
//!
//! An answer speaks as its request did. What differs beside the bytes stands here and nowhere else: the content type,
//! and what a number means where a point in time is asked for.

use bytes::Bytes;

use crate::{
    Answer, AwsError, Number, Output, Value, cbor, json,
    limits::METRIC_NODES_MAX,
    query::{self, Form},
};

/// How a call and its answer are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// AWS JSON 1.1: Kinesis, most clients.
    Json,
    /// AWS CBOR 1.1: Kinesis, the SDKs for Java.
    Cbor,
    /// AWS JSON 1.0: CloudWatch, the SDK for Python and the CLI.
    Json10,
    /// Smithy RPC v2 CBOR: CloudWatch, the newest SDKs.
    RpcCbor,
    /// AWS Query: forms in, XML out. SNS, STS, and the older clients of CloudWatch.
    Query,
}

impl Protocol {
    /// The two of Kinesis.
    pub const OF_KINESIS: [Protocol; 2] = [Protocol::Json, Protocol::Cbor];

    /// The three of CloudWatch.
    pub const OF_CLOUDWATCH: [Protocol; 3] = [Protocol::RpcCbor, Protocol::Json10, Protocol::Query];

    /// The header `Content-Type` of answers. It is that of requests too, but for Query, whose requests are forms.
    pub const fn content_type(self) -> &'static str {
        match self {
            Protocol::Json => "application/x-amz-json-1.1",
            Protocol::Cbor => "application/x-amz-cbor-1.1",
            Protocol::Json10 => "application/x-amz-json-1.0",
            Protocol::RpcCbor => "application/cbor",
            Protocol::Query => Answer::XML,
        }
    }

    /// The protocol of a request's content type without its parameters.
    pub fn from_content_type(content_type: &str) -> Option<Protocol> {
        const REQUESTS: [Protocol; 4] =
            [Protocol::Json, Protocol::Cbor, Protocol::Json10, Protocol::RpcCbor];
        match content_type {
            query::CONTENT_TYPE => Some(Protocol::Query),
            _ => REQUESTS.into_iter().find(|protocol| protocol.content_type() == content_type),
        }
    }

    /// The value of a whole body. In the protocols of Kinesis a body is smaller, and so is what it may cost; see
    /// [`crate::limits`].
    pub fn parse(self, body: &[u8]) -> Result<Value<'_>, AwsError> {
        match self {
            Protocol::Json => json::parse(body),
            Protocol::Cbor => cbor::parse(body),
            Protocol::Json10 => json::parse_up_to(METRIC_NODES_MAX, body),
            // An operation without input is called without a body.
            Protocol::RpcCbor if body.is_empty() => Ok(Value::Map(Vec::new())),
            Protocol::RpcCbor => cbor::parse_up_to(METRIC_NODES_MAX, body),
            Protocol::Query => Form::parse(body)?.into_value(),
        }
    }

    /// An output, or an error, as an answer. In Query that is what stands within the answer's root: see
    /// [`query::response`].
    pub fn answer(self, output: &impl Output) -> Answer {
        let body = self.append(Vec::with_capacity(output.bytes_hint()), output);
        Answer { body: Bytes::from(body), content_type: self.content_type(), has_output: true }
    }

    /// An output behind what stands in `bytes` already.
    pub(crate) fn append(self, bytes: Vec<u8>, output: &impl Output) -> Vec<u8> {
        match self {
            Protocol::Json | Protocol::Json10 => json::append(bytes, output),
            Protocol::Cbor => cbor::append(bytes, output),
            Protocol::RpcCbor => cbor::append_rpc(bytes, output),
            Protocol::Query => query::append(bytes, output),
        }
    }

    /// The answer of an operation that has no output: zero bytes, not an empty map.
    pub fn empty(self) -> Answer {
        Answer { body: Bytes::new(), content_type: self.content_type(), has_output: false }
    }

    /// A number that is a point in time, in milliseconds since 1970. AWS CBOR has milliseconds under the tag for
    /// which the standard has seconds; all others have seconds.
    pub(crate) fn time_ms(self, number: Number) -> i64 {
        match self {
            Protocol::Cbor => number.truncated(),
            _ => number.seconds_as_ms(),
        }
    }

    /// Whether it has bytes: where it has not, they come in Base64.
    pub(crate) fn has_bytes(self) -> bool {
        matches!(self, Protocol::Cbor | Protocol::RpcCbor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_names_its_protocol() {
        for protocol in [Protocol::Json, Protocol::Cbor, Protocol::Json10, Protocol::RpcCbor] {
            assert_eq!(Protocol::from_content_type(protocol.content_type()), Some(protocol));
        }
        let form = "application/x-www-form-urlencoded";
        assert_eq!(Protocol::from_content_type(form), Some(Protocol::Query));
        for other in ["", "text/xml", "application/json", "application/x-amz-json-1.2"] {
            assert_eq!(Protocol::from_content_type(other), None);
        }
    }

    #[test]
    fn no_output_is_no_bytes_of_the_requests_type() {
        let answer = Protocol::Cbor.empty();
        assert_eq!((answer.body.len(), answer.content_type), (0, "application/x-amz-cbor-1.1"));
        assert!(!answer.has_output);
    }

    #[test]
    fn a_call_without_input_has_no_body_in_rpc_v2() {
        assert_eq!(Protocol::RpcCbor.parse(b""), Ok(Value::Map(Vec::new())));
        assert!(Protocol::Cbor.parse(b"").is_err() && Protocol::Json10.parse(b"").is_err());
    }

    #[test]
    fn a_body_of_metrics_may_have_more_values_than_one_of_records() {
        use crate::limits::{METRIC_NODES_MAX, NODES_MAX};
        let json = |count: usize| format!("[{}0]", "0,".repeat(count - 2)).into_bytes();
        let cbor = |count: usize| [b"\x9f", &*vec![0; count - 1], b"\xff"].concat();
        for (protocol, body, max) in [
            (Protocol::Json, &json as &dyn Fn(usize) -> Vec<u8>, NODES_MAX),
            (Protocol::Json10, &json, METRIC_NODES_MAX),
            (Protocol::Cbor, &cbor, NODES_MAX),
            (Protocol::RpcCbor, &cbor, METRIC_NODES_MAX),
        ] {
            assert!(protocol.parse(&body(max)).is_ok(), "{protocol:?}");
            assert!(protocol.parse(&body(max + 1)).is_err(), "{protocol:?}");
        }
    }
}
