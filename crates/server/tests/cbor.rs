//! CBOR says what JSON says, in its own types, and is answered in CBOR whatever goes wrong.

mod common;

use common::{
    TestServer,
    http2::{Answer, Http2, call, whole},
    streams::{create, input, iterator, member, put, text},
};
use nautilus_server::Limits;
use nautilus_wire::{Number, Protocol, Value, Writer, cbor::CborWriter};

#[tokio::test]
async fn records_go_either_way_in_either_protocol() {
    let server = TestServer::start(Limits::default()).await;
    let client = Http2::connect(server.address).await;
    create(&client).await;
    put(&client, Protocol::Json, b"\0\xff json").await;
    put(&client, Protocol::Cbor, b"\0\xff cbor").await;

    let iterator = iterator(&client, Protocol::Cbor).await;
    let body = input(Protocol::Cbor, &[("ShardIterator", &iterator)], None);
    let answer = client.call(Protocol::Cbor, "GetRecords", body).await;
    assert_eq!(answer.header("content-type"), Some("application/x-amz-cbor-1.1"));
    let time = b"\x78\x1bApproximateArrivalTimestamp\xc1\x1b"; // a tag, then an integer of 64 bits
    assert_eq!(answer.body.windows(time.len()).filter(|bytes| bytes == time).count(), 2);
    let page = Protocol::Cbor.parse(&answer.body).expect("CBOR");
    let Value::List(records) = member(&page, "Records") else { panic!("{page:?}") };
    let data: Vec<_> = records.iter().map(|record| member(record, "Data").clone()).collect();
    let bytes = |bytes: &'static [u8]| Value::Bytes(bytes.into());
    assert_eq!(data, [bytes(b"\0\xff json"), bytes(b"\0\xff cbor")]);
    assert_eq!(member(&page, "MillisBehindLatest"), &Value::Number(Number::Integer(0)));

    let body = input(Protocol::Json, &[("ShardIterator", &iterator)], None);
    let answer = client.call(Protocol::Json, "GetRecords", body).await;
    let page = Protocol::Json.parse(&answer.body).expect("JSON");
    let Value::List(records) = member(&page, "Records") else { panic!("{page:?}") };
    assert_eq!(text(&records[1], "Data"), "AP8gY2Jvcg==");
    server.stop().await;
}

#[tokio::test]
async fn a_timestamp_is_milliseconds() {
    let server = TestServer::start(Limits::default()).await;
    let client = Http2::connect(server.address).await;
    create(&client).await;
    put(&client, Protocol::Cbor, b"x").await;
    for (ms, status) in [(1_000, 200), (95_617_584_000_000, 400)] {
        let mut body = CborWriter::default();
        body.map(|w| {
            w.field_str("StreamName", "s");
            w.field_str("ShardId", "shardId-000000000000");
            w.field_str("ShardIteratorType", "AT_TIMESTAMP");
            w.field_timestamp_ms("Timestamp", ms);
        });
        let answer = client.call(Protocol::Cbor, "GetShardIterator", body.finish()).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
    server.stop().await;
}

#[track_caller]
fn check_error(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/x-amz-cbor-1.1"));
    assert_eq!(answer.header("x-amzn-errortype"), Some(code));
    let body = Protocol::Cbor.parse(&answer.body).expect("CBOR");
    assert_eq!(text(&body, "__type"), code);
}

#[tokio::test]
async fn whatever_is_wrong_is_told_in_cbor() {
    let limits = Limits { body_bytes_max: 1000, request_bytes_max: 1000, ..Limits::default() };
    let server = TestServer::start(limits).await;
    let client = Http2::connect(server.address).await;
    let stream = input(Protocol::Cbor, &[("StreamName", "none")], None);
    for (operation, body, code) in [
        ("DescribeStream", &stream[..], "ResourceNotFoundException"),
        ("DescribeStream", b"\xa1\x6aStreamName\x61 ", "ValidationException"),
        ("DescribeStream", b"\xa1\x6aStreamName\x41a", "SerializationException"),
        ("DescribeStream", b"\xa1", "SerializationException"),
        ("DescribeStream", b"{}", "SerializationException"),
        ("DescribeStream", b"\x80", "SerializationException"),
        ("DescribeStream", b"", "SerializationException"),
        ("Nothing", b"\xa0", "UnknownOperationException"),
        ("Nothing", b"", "UnknownOperationException"),
    ] {
        check_error(&client.call(Protocol::Cbor, operation, body.to_vec()).await, 400, code);
    }

    let mut request = call(Protocol::Cbor, "ListStreams", whole(&b"\xa0"[..]));
    request.headers_mut().remove("authorization");
    check_error(&client.answer(request).await, 400, "MissingAuthenticationTokenException");
    let mut request = call(Protocol::Cbor, "ListStreams", whole(&b"\xa0"[..]));
    *request.uri_mut() = "http://evil.example.com/".parse().expect("a URI");
    check_error(&client.answer(request).await, 403, "AccessDeniedException");

    let answer = client.call(Protocol::Cbor, "CreateStream", stream_of("s")).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(answer.header("content-type"), Some("application/x-amz-cbor-1.1"));
    server.stop().await;
}

fn stream_of(name: &str) -> Vec<u8> {
    let mut body = CborWriter::default();
    body.map(|w| {
        w.field_str("StreamName", name);
        w.field_i64("ShardCount", 1);
    });
    body.finish()
}

#[tokio::test]
async fn http_1_1_carries_cbor_too() {
    let server = TestServer::start(Limits::default()).await;
    let mut client = server.connect().await;
    let head = common::head("ListStreams", "Content-Length: 1\r\n");
    let head = head.replace("x-amz-json-1.1", "x-amz-cbor-1.1");
    client.send([head.as_bytes(), b"\xa0"].concat()).await;
    let answer = client.answer().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/x-amz-cbor-1.1"));
    assert!(answer.body.contains("StreamNames"));
    server.stop().await;
}
