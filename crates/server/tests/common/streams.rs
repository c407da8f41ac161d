//! What a test needs of a stream with records, told in either protocol.

use bytes::Bytes;
use nautilus_wire::{Protocol, Value, Writer, cbor::CborWriter, json::JsonWriter};

use super::http2::Http2;

/// A map whose texts and one blob are given.
pub fn input(protocol: Protocol, texts: &[(&str, &str)], data: Option<&[u8]>) -> Bytes {
    fn tell<W: Writer>(mut w: W, texts: &[(&str, &str)], data: Option<&[u8]>) -> W {
        w.map(|w| {
            for (name, text) in texts {
                w.field_str(name, text);
            }
            if let Some(data) = data {
                w.field_blob("Data", data);
            }
        });
        w
    }
    match protocol {
        Protocol::Json => tell(JsonWriter::default(), texts, data).finish().into(),
        Protocol::Cbor => tell(CborWriter::default(), texts, data).finish().into(),
        other => panic!("Kinesis does not speak {other:?}"),
    }
}

/// A member of an answer.
pub fn member<'v, 'a>(value: &'v Value<'a>, name: &str) -> &'v Value<'a> {
    match value {
        Value::Map(entries) => match entries.iter().find(|(key, _)| key == name) {
            Some((_, value)) => value,
            None => panic!("no {name} in {value:?}"),
        },
        other => panic!("no map: {other:?}"),
    }
}

/// A member of an answer that is text.
pub fn text<'v>(value: &'v Value<'_>, name: &str) -> &'v str {
    match member(value, name) {
        Value::Str(text) => text,
        other => panic!("{name} is {other:?}"),
    }
}

/// Makes the stream `s` of one shard and waits until it can be used.
pub async fn create(client: &Http2) {
    let body = r#"{"StreamName":"s","ShardCount":1}"#;
    assert_eq!(client.call(Protocol::Json, "CreateStream", body).await.status, 200);
    let body = r#"{"StreamName":"s"}"#;
    loop {
        let answer = client.call(Protocol::Json, "DescribeStreamSummary", body).await;
        if String::from_utf8_lossy(&answer.body).contains("\"ACTIVE\"") {
            return;
        }
    }
}

/// Puts a record into `s`.
pub async fn put(client: &Http2, protocol: Protocol, data: &[u8]) {
    let body = input(protocol, &[("StreamName", "s"), ("PartitionKey", "k")], Some(data));
    let answer = client.call(protocol, "PutRecord", body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// An iterator at the horizon of `s`.
pub async fn iterator(client: &Http2, protocol: Protocol) -> String {
    let asked = [
        ("StreamName", "s"),
        ("ShardId", "shardId-000000000000"),
        ("ShardIteratorType", "TRIM_HORIZON"),
    ];
    let answer = client.call(protocol, "GetShardIterator", input(protocol, &asked, None)).await;
    let answer = protocol.parse(&answer.body).expect("an answer");
    text(&answer, "ShardIterator").to_owned()
}
