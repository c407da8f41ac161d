//! Messages of `application/vnd.amazon.eventstream`: how an answer that does not end tells one thing after another.
//!
//! ```text
//! message  = total bytes u32 · header bytes u32 · CRC-32 of those 8 bytes · header* · payload · CRC-32 of all before
//! header   = name bytes u8 · name · type u8 · value        type 7 is text: bytes u16 · UTF-8
//! ```
//!
//! All numbers are big-endian. Always: the payload is written where it will be sent from, whatever its size, and each
//! message says the content type of its payload, which is the protocol of the call.

use crc32fast::Hasher;

use crate::{AwsError, Output, Protocol, Writer};

/// The header `Content-Type` of such an answer.
pub const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

const PRELUDE_BYTES: usize = 12;
const CRC_BYTES: usize = 4;
const TEXT: u8 = 7;
/// More than the headers of any message take.
const HEADERS_BYTES_HINT: usize = 160;

/// What clients want to see before anything else: the answer itself, which has no members.
pub fn initial_response(protocol: Protocol) -> Vec<u8> {
    event(protocol, "initial-response", &NoMembers)
}

/// Something that happened.
pub fn event(protocol: Protocol, event_type: &str, output: &impl Output) -> Vec<u8> {
    message(protocol, &[(":message-type", "event"), (":event-type", event_type)], output)
}

/// Why the stream ends before its time, by an error that the service model has for it.
pub fn exception(protocol: Protocol, error: &AwsError) -> Vec<u8> {
    let headers = [(":message-type", "exception"), (":exception-type", &*error.code)];
    message(protocol, &headers, &Message(error.message.as_deref()))
}

fn message(protocol: Protocol, headers: &[(&str, &str)], payload: &impl Output) -> Vec<u8> {
    let bytes_max = PRELUDE_BYTES + HEADERS_BYTES_HINT + payload.bytes_hint() + CRC_BYTES;
    let mut bytes = Vec::with_capacity(bytes_max);
    bytes.extend_from_slice(&[0; PRELUDE_BYTES]);
    for (name, value) in headers {
        put_header(&mut bytes, name, value);
    }
    put_header(&mut bytes, ":content-type", protocol.content_type());
    let headers_bytes = bytes.len() - PRELUDE_BYTES;

    let mut bytes = protocol.append(bytes, payload);
    let total_bytes = bytes.len() + CRC_BYTES;
    bytes[..4].copy_from_slice(&length(total_bytes));
    bytes[4..8].copy_from_slice(&length(headers_bytes));
    let crc = checksum(&bytes[..8]);
    bytes[8..PRELUDE_BYTES].copy_from_slice(&crc);
    let crc = checksum(&bytes);
    bytes.extend_from_slice(&crc);
    bytes
}

fn put_header(bytes: &mut Vec<u8>, name: &str, value: &str) {
    let name_bytes = u8::try_from(name.len()).expect("names are ours and short");
    let value_bytes = u16::try_from(value.len()).expect("values are ours and short");
    bytes.push(name_bytes);
    bytes.extend_from_slice(name.as_bytes());
    bytes.push(TEXT);
    bytes.extend_from_slice(&value_bytes.to_be_bytes());
    bytes.extend_from_slice(value.as_bytes());
}

fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).expect("a payload is far below 4 GiB").to_be_bytes()
}

fn checksum(bytes: &[u8]) -> [u8; 4] {
    let mut hasher = Hasher::new();
    hasher.update(bytes);
    hasher.finalize().to_be_bytes()
}

struct NoMembers;

impl Output for NoMembers {
    fn bytes_hint(&self) -> usize {
        2
    }

    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|_| {});
    }
}

struct Message<'a>(Option<&'a str>);

impl Output for Message<'_> {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            if let Some(message) = self.0 {
                w.field_str("message", message);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Takes a message apart as a client does; panics where a client would.
    fn parse(message: &[u8]) -> (Vec<(String, String)>, Vec<u8>) {
        let number = |at: usize| {
            u32::from_be_bytes(message[at..at + 4].try_into().expect("four bytes")) as usize
        };
        assert_eq!(number(0), message.len());
        assert_eq!(message[8..12], checksum(&message[..8]));
        let end = message.len() - CRC_BYTES;
        assert_eq!(message[end..], checksum(&message[..end]));

        let payload = PRELUDE_BYTES + number(4);
        let (mut rest, mut headers) = (&message[PRELUDE_BYTES..payload], Vec::new());
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
        while let [name_bytes, more @ ..] = rest {
            let (name, more) = more.split_at(usize::from(*name_bytes));
            assert_eq!(more[0], TEXT);
            let value_bytes = usize::from(u16::from_be_bytes([more[1], more[2]]));
            let (value, more) = more[3..].split_at(value_bytes);
            headers.push((text(name), text(value)));
            rest = more;
        }
        (headers, message[payload..end].to_vec())
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_initial_response_is_the_one_that_botocore_accepts() {
        assert_eq!(
            hex(&initial_response(Protocol::Json)),
            "0000007200000060ab820d9e0d3a6d6573736167652d747970650700056576656e740b3a6576656e742d\
             74797065070010696e697469616c2d726573706f6e73650d3a636f6e74656e742d7479706507001a6170\
             706c69636174696f6e2f782d616d7a2d6a736f6e2d312e317b7de16e66e4"
        );
    }

    #[test]
    fn an_exception_names_its_type_and_says_its_message() {
        let error = AwsError::resource_in_use("Another one");
        let (headers, payload) = parse(&exception(Protocol::Json, &error));
        let expected = [
            (":message-type", "exception"),
            (":exception-type", "ResourceInUseException"),
            (":content-type", "application/x-amz-json-1.1"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(headers, expected);
        assert_eq!(payload, br#"{"message":"Another one"}"#);
        let silent = AwsError::internal_failure();
        assert_eq!(parse(&exception(Protocol::Json, &silent)).1, b"{}");
    }

    #[test]
    fn in_cbor_the_payload_is_cbor_and_says_so() {
        let (headers, payload) = parse(&initial_response(Protocol::Cbor));
        assert_eq!(headers[2].1, "application/x-amz-cbor-1.1");
        assert_eq!(payload, [0xa0]);
    }

    struct Data(Vec<u8>);

    impl Output for Data {
        fn write<W: Writer>(&self, w: &mut W) {
            w.map(|w| w.field_blob("Data", &self.0));
        }
    }

    proptest! {
        #[test]
        fn every_payload_comes_out_as_it_went_in(data in prop::collection::vec(any::<u8>(), 0..5000)) {
            let data = Data(data);
            for protocol in Protocol::OF_KINESIS {
                let (headers, payload) = parse(&event(protocol, "SubscribeToShardEvent", &data));
                prop_assert_eq!(&headers[1].1, "SubscribeToShardEvent");
                prop_assert_eq!(&payload[..], &protocol.answer(&data).body[..]);
            }
        }
    }
}
