//! CloudWatch is spoken to in three protocols, and answers in that of the request whatever goes wrong.

mod common;

use std::io::Write as _;

use common::{
    TestServer,
    http2::{Answer, Body, Http2, whole},
};
use flate2::{Compression, write::GzEncoder};
use hyper::{Request, http::request::Builder};
use nautilus_server::Limits;
use nautilus_wire::{Protocol, Writer, cbor::CborWriter};

const CREDENTIAL: &str = "AWS4-HMAC-SHA256 \
    Credential=AKID/20261124/us-east-1/monitoring/aws4_request, SignedHeaders=host, Signature=00";
const ALARM: &str = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a";
const TARGET: &str = "GraniteServiceVersion20100801";

/// A call with text members.
fn call(protocol: Protocol, operation: &str, members: &[(&str, &str)]) -> (Builder, Vec<u8>) {
    let request = |path: &str, content_type: &str| {
        Request::post(format!("http://localhost{path}"))
            .header("content-type", content_type)
            .header("authorization", CREDENTIAL)
            .header("x-amz-date", "20261124T030000Z")
    };
    let texts = |name: &str, between: &str, of: fn(&str, &str) -> String| {
        let members = members.iter().map(|(name, value)| of(name, value));
        format!("{name}{}", members.collect::<Vec<_>>().join(between))
    };
    match protocol {
        Protocol::Json10 => {
            let body = texts("{", ",", |name, value| format!(r#""{name}":"{value}""#)) + "}";
            let request = request("/", protocol.content_type());
            (request.header("x-amz-target", format!("{TARGET}.{operation}")), body.into_bytes())
        }
        Protocol::RpcCbor => {
            let mut w = CborWriter::rpc(Vec::new());
            w.map(|w| members.iter().for_each(|(name, value)| w.field_str(name, value)));
            let path = format!("/service/{TARGET}/operation/{operation}");
            let request = request(&path, protocol.content_type());
            (request.header("smithy-protocol", "rpc-v2-cbor"), w.finish())
        }
        Protocol::Query => {
            let head = format!("Version=2010-08-01&Action={operation}");
            let body = texts(&head, "", |name, value| format!("&{name}={value}"));
            (request("/", "application/x-www-form-urlencoded; charset=utf-8"), body.into_bytes())
        }
        other => panic!("CloudWatch does not speak {other:?}"),
    }
}

async fn answer(client: &Http2, (request, body): (Builder, Vec<u8>)) -> Answer {
    let request: Request<Body> = request.body(whole(body)).expect("a request");
    client.answer(request).await
}

/// What every answer in a protocol has.
#[track_caller]
fn check_head(protocol: Protocol, answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{protocol:?} {answer:?}");
    assert_eq!(answer.header("content-type"), Some(protocol.content_type()));
    let smithy = (protocol == Protocol::RpcCbor).then_some("rpc-v2-cbor");
    assert_eq!(answer.header("smithy-protocol"), smithy);
    assert!(answer.header("x-amzn-requestid").is_some_and(|id| id.len() == 36));
}

/// An error, by its full name, Query's code and a part of its message.
#[track_caller]
fn check_error(
    protocol: Protocol,
    answer: &Answer,
    (status, name, code, message): (u16, &str, &str, &str),
) {
    check_head(protocol, answer, status);
    let body = answer.body.escape_ascii().to_string();
    let has = |part: &str| assert!(body.contains(part), "{protocol:?}: no {part} in {body}");
    has(message);
    match protocol {
        Protocol::Query => {
            has("<ErrorResponse xmlns=\\\"http://monitoring.amazonaws.com/doc/2010-08-01/\\\">");
            has(&format!("<Error><Type>Sender</Type><Code>{code}</Code>"));
            let id = answer.header("x-amzn-requestid").unwrap_or_default();
            has(&format!("<RequestId>{id}</RequestId>"));
            assert_eq!(answer.header("x-amzn-errortype"), Some(code));
        }
        _ => {
            has(name);
            let query_error = format!("{code};Sender");
            assert_eq!(answer.header("x-amzn-query-error"), Some(query_error.as_str()));
            let bare = name.rsplit('#').next();
            assert_eq!(answer.header("x-amzn-errortype"), bare);
        }
    }
}

#[tokio::test]
async fn a_call_is_answered_in_its_protocol() {
    let server = TestServer::start(Limits::default()).await;
    let client = Http2::connect(server.address).await;
    for protocol in Protocol::OF_CLOUDWATCH {
        let call = call(protocol, "ListTagsForResource", &[("ResourceARN", ALARM)]);
        let answer = answer(&client, call).await;
        check_head(protocol, &answer, 200);
        assert_eq!(answer.header("x-amzn-query-error"), None);
        if protocol == Protocol::Query {
            let body = String::from_utf8_lossy(&answer.body);
            let start = "<ListTagsForResourceResponse \
                xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\">\
                <ListTagsForResourceResult><Tags";
            assert!(body.starts_with(start), "{body}");
        } else {
            let parsed = protocol.parse(&answer.body).expect("an output");
            common::streams::member(&parsed, "Tags");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn an_action_may_stand_in_the_url() {
    let server = TestServer::start(Limits::default()).await;
    let client = Http2::connect(server.address).await;
    for method in ["GET", "POST"] {
        let query = format!("Version=2010-08-01&ResourceARN={ALARM}&Action=ListTagsForResource");
        let request = Request::builder()
            .method(method)
            .uri(format!("http://localhost/?{query}"))
            .header("authorization", CREDENTIAL)
            .header("x-amz-date", "20261124T030000Z");
        let answer = answer(&client, (request, Vec::new())).await;
        check_head(Protocol::Query, &answer, 200);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_clients_mistake_is_told_in_its_protocol() {
    let server = TestServer::start(Limits::default()).await;
    let client = Http2::connect(server.address).await;
    for protocol in Protocol::OF_CLOUDWATCH {
        let constraint = call(protocol, "ListTagsForResource", &[]);
        let error = (
            400,
            "com.amazon.coral.validate#ValidationException",
            "ValidationError",
            "Value null at \\'resourceARN\\' failed to satisfy constraint: Member must not be null",
        );
        check_error(protocol, &answer(&client, constraint).await, error);

        let unknown = call(protocol, "PutRecord", &[]);
        let unknown = answer(&client, unknown).await;
        let name = "com.amazon.coral.service#UnknownOperationException";
        check_error(protocol, &unknown, (400, name, "InvalidAction", ""));

        let (request, _) = call(protocol, "ListTagsForResource", &[]);
        let garbage = match protocol {
            Protocol::Query => b"Action=ListTagsForResource&Version=2010-08-01&A=1&A.B=2".to_vec(),
            _ => b"\xff".to_vec(),
        };
        let garbage = answer(&client, (request, garbage)).await;
        let name = "com.amazon.coral.service#SerializationException";
        check_error(protocol, &garbage, (400, name, "MalformedInput", ""));

        let (mut request, body) = call(protocol, "ListTagsForResource", &[("ResourceARN", ALARM)]);
        let headers = request.headers_mut().expect("a request");
        headers.remove("authorization");
        let unsigned = answer(&client, (request, body)).await;
        let name = "com.amazon.coral.service#MissingAuthenticationTokenException";
        let status = if protocol == Protocol::Query { 403 } else { 400 };
        let code = "MissingAuthenticationToken";
        check_error(protocol, &unsigned, (status, name, code, "Missing Authentication Token"));
    }
    server.stop().await;
}

/// The code alone: while a form is packed, it cannot be told whose errors it would have.
#[track_caller]
fn check_code(protocol: Protocol, answer: &Answer, status: u16, code: &str) {
    check_head(protocol, answer, status);
    match protocol {
        Protocol::Query => {
            let body = String::from_utf8_lossy(&answer.body);
            assert!(body.contains(&format!("<Code>{code}</Code>")), "{body}");
        }
        _ => {
            let query_error = format!("{code};Sender");
            assert_eq!(answer.header("x-amzn-query-error"), Some(query_error.as_str()));
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

#[tokio::test]
async fn bodies_may_be_compressed_but_not_without_end() {
    let server = TestServer::start(Limits::default()).await;
    let client = Http2::connect(server.address).await;
    for protocol in Protocol::OF_CLOUDWATCH {
        let (request, body) = call(protocol, "ListTagsForResource", &[("ResourceARN", ALARM)]);
        let packed = (request.header("content-encoding", "gzip"), gzip(&body));
        check_head(protocol, &answer(&client, packed).await, 200);

        let compressed = |encoding: &str, bytes: &[u8]| {
            let (request, _) = call(protocol, "ListTagsForResource", &[]);
            (request.header("content-encoding", encoding), bytes.to_vec())
        };
        let bomb = answer(&client, compressed("gzip", &gzip(&vec![b' '; 17 << 20]))).await;
        check_code(protocol, &bomb, 413, "RequestEntityTooLarge");
        let garbled = answer(&client, compressed("gzip", b"no gzip")).await;
        check_code(protocol, &garbled, 400, "MalformedInput");
        let other = answer(&client, compressed("br", b"no gzip")).await;
        check_code(protocol, &other, 400, "MalformedInput");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_body_of_metrics_has_a_megabyte() {
    let server = TestServer::start(Limits::default()).await;
    let client = Http2::connect(server.address).await;
    for protocol in Protocol::OF_CLOUDWATCH {
        let long = "x".repeat(1 << 20);
        let members = [("ResourceARN", ALARM), ("Nothing", &long)];
        let body = call(protocol, "ListTagsForResource", &members);
        let sent = body.1.len();
        let answer_to_it = answer(&client, body).await;
        check_code(protocol, &answer_to_it, 413, "RequestEntityTooLarge");
        let message = format!("Request size {sent} exceeded 1048576 bytes");
        let body = String::from_utf8_lossy(&answer_to_it.body);
        assert!(body.contains(&message), "{body}");

        // One that is not even read is told so too: clients take an answer without a body for a broken one.
        let (request, _) = call(protocol, "ListTagsForResource", &[]);
        let unread = answer(&client, (request, vec![b'x'; (16 << 20) + 1])).await;
        check_code(protocol, &unread, 413, "RequestEntityTooLarge");

        // What counts is what is sent.
        let (request, body) = call(protocol, "ListTagsForResource", &members);
        let packed = (request.header("content-encoding", "gzip"), gzip(&body));
        check_head(protocol, &answer(&client, packed).await, 200);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_page_that_is_not_trusted_may_not_call() {
    let server = TestServer::start(Limits::default()).await;
    let client = Http2::connect(server.address).await;
    for protocol in Protocol::OF_CLOUDWATCH {
        let (request, body) = call(protocol, "ListTagsForResource", &[("ResourceARN", ALARM)]);
        let request = request.header("origin", "https://evil.example.com");
        let answer = answer(&client, (request, body)).await;
        check_head(protocol, &answer, 403);
        let body = answer.body.escape_ascii().to_string();
        assert!(body.contains("AccessDenied"), "{body}");
    }
    server.stop().await;
}
