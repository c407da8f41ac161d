//! From a request's head to the service that answers it, and AWS's answers for those that no service takes.
//!
//! The order of the checks and the bodies are AWS's to the letter, oddities included: clients and their test suites
//! look at them. A target says who is meant, whatever the path; without one a path of RPC v2 does, else a form. Nothing
//! here reads more of a body than whether it is empty.

use std::borrow::Cow;

use hyper::{
    HeaderMap, Method, StatusCode, Uri,
    header::{CONTENT_TYPE, HeaderName},
};
use nautilus_wire::{AwsError, Protocol, query};

use crate::{
    reply::{Reply, Voice},
    rooms::Room,
};

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
/// Says that a request is one of RPC v2, and in which encoding.
pub(crate) const SMITHY_PROTOCOL: HeaderName = HeaderName::from_static("smithy-protocol");
/// Its one value here, of requests and of answers.
pub(crate) const RPC_V2_CBOR: &str = "rpc-v2-cbor";

const JSON: &str = "application/json";

const NO_OPERATION: &str = "<AccessDeniedException>\n  \
    <Message>Unable to determine service/operation name to be authorized</Message>\n\
    </AccessDeniedException>\n";
const UNKNOWN_OPERATION: &str = "<UnknownOperationException/>\n";

/// Who answers.
#[derive(Debug)]
pub(crate) enum Route<'a> {
    /// A room. The body is looked at before the operation's name is, as at AWS.
    Call { room: Room, protocol: Protocol, operation: Option<&'a str> },
    /// A body for Kinesis under the content type `application/json`, which AWS reads and then refuses.
    PlainJson,
    /// A service with the Query protocol; which one is told by the form.
    Query,
    /// Nobody, for this reason.
    Refused(AwsError, Voice),
    /// Nobody: this is the answer.
    Nobody(Reply),
}

/// What an `X-Amz-Target` header names. A service that there is not counts as Kinesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target<'a> {
    Missing,
    Unknown(Room),
    Known(Room, &'a str),
}

/// Decides by the head and whether there is a body.
pub(crate) fn route<'a>(
    method: &Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    has_body: bool,
) -> Route<'a> {
    let content_type = content_type(headers);
    let target = target(headers);
    if target == Target::Missing {
        if let Some(version) = headers.get(SMITHY_PROTOCOL) {
            return rpc(method, uri.path(), version.as_bytes(), content_type, has_body);
        }
        if is_query(method, uri.query(), content_type, has_body) {
            return Route::Query;
        }
    }
    if method != Method::POST {
        return Route::Nobody(no_operation());
    }
    if !has_body {
        return no_body(content_type, target);
    }
    let (room, operation) = match target {
        Target::Known(room, operation) => (room, Some(operation)),
        Target::Unknown(room) => (room, None),
        Target::Missing => (Room::Kinesis, None),
    };
    if let Some(protocol) = spoken_to(room, content_type) {
        return Route::Call { room, protocol, operation };
    }
    match content_type {
        JSON => Route::PlainJson,
        _ if target == Target::Missing => Route::Nobody(no_operation()),
        _ => Route::Nobody(
            Reply::new(StatusCode::NOT_FOUND, None, UNKNOWN_OPERATION)
                .named("UnknownOperationException"),
        ),
    }
}

/// The protocol of a content type that comes with a target. CloudWatch takes either version of JSON for its own.
fn spoken_to(room: Room, content_type: &str) -> Option<Protocol> {
    match (room, Protocol::from_content_type(content_type)?) {
        (Room::Kinesis, protocol @ (Protocol::Json | Protocol::Cbor)) => Some(protocol),
        (Room::CloudWatch, Protocol::Json | Protocol::Json10) => Some(Protocol::Json10),
        _ => None,
    }
}

/// A call of RPC v2: `/service/<service>/operation/<operation>`, behind whatever path an endpoint has.
fn rpc<'a>(
    method: &Method,
    path: &'a str,
    version: &[u8],
    content_type: &str,
    has_body: bool,
) -> Route<'a> {
    if method != Method::POST {
        return Route::Nobody(no_operation());
    }
    let mut parts = path.rsplit('/');
    let parts = [parts.next(), parts.next(), parts.next(), parts.next()];
    let called = match parts {
        [Some(operation), Some("operation"), Some(service), Some("service")] => {
            Room::of_target(service).map(|room| (room, operation))
        }
        _ => None,
    };
    let protocol = Protocol::RpcCbor;
    let voice = Voice::of(Room::CloudWatch, protocol);
    match called {
        Some((room @ Room::CloudWatch, operation)) if version == RPC_V2_CBOR.as_bytes() => {
            if has_body && content_type != protocol.content_type() {
                return Route::Refused(AwsError::serialization(None), voice);
            }
            let operation = Some(operation).filter(|operation| room.knows(operation));
            Route::Call { room, protocol, operation }
        }
        _ => Route::Refused(AwsError::unknown_operation(), voice),
    }
}

/// AWS's answer to `application/json`, by whether the body was an object.
pub(crate) fn plain_json(body_is_object: bool) -> Reply {
    let (status, name) = match body_is_object {
        true => (StatusCode::NOT_FOUND, "UnknownOperationException"),
        false => (StatusCode::BAD_REQUEST, "SerializationException"),
    };
    let body =
        format!(r#"{{"Output":{{"__type":"com.amazon.coral.service#{name}"}},"Version":"1.0"}}"#);
    Reply::new(status, Some(JSON), body).named(name)
}

/// How a request is answered that no service has seen: by what it says that it speaks.
pub(crate) fn voice(headers: &HeaderMap) -> Voice {
    let protocol = match headers.contains_key(SMITHY_PROTOCOL) {
        true => Some(Protocol::RpcCbor),
        false => Protocol::from_content_type(content_type(headers)),
    };
    match protocol {
        Some(protocol @ (Protocol::Json10 | Protocol::RpcCbor)) => {
            Voice::of(Room::CloudWatch, protocol)
        }
        Some(Protocol::Query) => Voice::OF_FORMS,
        Some(protocol @ (Protocol::Json | Protocol::Cbor)) => Voice::of(Room::Kinesis, protocol),
        None => Voice::of(Room::Kinesis, Protocol::Json),
    }
}

fn content_type(headers: &HeaderMap) -> &str {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    value.split(';').next().unwrap_or("").trim()
}

fn target(headers: &HeaderMap) -> Target<'_> {
    let value = headers.get(TARGET).and_then(|value| value.to_str().ok()).unwrap_or("");
    match value.split_once('.') {
        Some((service, operation)) if !service.is_empty() && !operation.is_empty() => {
            match Room::of_target(service) {
                Some(room) if room.knows(operation) => Target::Known(room, operation),
                room => Target::Unknown(room.unwrap_or(Room::Kinesis)),
            }
        }
        _ => Target::Missing,
    }
}

/// True for a form, or for an action in the query string.
fn is_query(method: &Method, query: Option<&str>, content_type: &str, has_body: bool) -> bool {
    let action_in_url = query
        .is_some_and(|query| query.split('&').any(|pair| pair.split('=').next() == Some("Action")));
    (method == Method::POST && content_type == query::CONTENT_TYPE && has_body)
        || (action_in_url && (method == Method::GET || method == Method::POST))
}

/// AWS's answer when it cannot tell what is meant.
pub(crate) fn no_operation() -> Reply {
    Reply::new(StatusCode::FORBIDDEN, None, NO_OPERATION).named("AccessDeniedException")
}

fn no_body<'a>(content_type: &str, target: Target<'a>) -> Route<'a> {
    let (room, error) = match target {
        Target::Known(room, _) => (room, AwsError::serialization(None)),
        Target::Unknown(room) => (room, AwsError::unknown_operation()),
        Target::Missing => (Room::Kinesis, AwsError::unknown_operation()),
    };
    let otherwise = match room {
        Room::Kinesis => Protocol::Cbor,
        Room::CloudWatch | Room::Sns => Protocol::Json10,
    };
    let protocol = spoken_to(room, content_type).unwrap_or(otherwise);
    Route::Refused(error, Voice::of(room, protocol))
}

impl Reply {
    /// An error whose body was written by hand.
    fn named(mut self, error_type: &'static str) -> Reply {
        self.error_type = Some(Cow::Borrowed(error_type));
        self
    }
}

#[cfg(test)]
mod tests {
    use nautilus_log::SeededRng;

    use super::*;
    use crate::request_id::RequestIds;

    fn head(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let value = |text: &str| text.parse().expect("a header's value");
        pairs.iter().map(|(name, text)| (HeaderName::from_static(name), value(text))).collect()
    }

    /// "who answers", or status, content type and body.
    fn check(
        method: &str,
        url_query: &str,
        headers: &[(&'static str, &str)],
        body: bool,
    ) -> String {
        check_path(method, &format!("/?{url_query}"), headers, body)
    }

    fn check_path(method: &str, uri: &str, headers: &[(&'static str, &str)], body: bool) -> String {
        let method = method.parse().expect("a method");
        let id = RequestIds::new(&SeededRng::new(1)).next();
        let shown = |reply: Reply| {
            let content_type = reply.content_type.unwrap_or("-");
            format!("{} {content_type} {}", reply.status.as_u16(), reply.body.escape_ascii())
        };
        match route(&method, &uri.parse().expect("a path"), &head(headers), body) {
            Route::Call { room, protocol, operation } => {
                format!("{room:?} {protocol:?} {operation:?}")
            }
            Route::PlainJson => "plain json".to_owned(),
            Route::Query => "query".to_owned(),
            Route::Refused(error, voice) => shown(Reply::error(error, voice, &id)),
            Route::Nobody(reply) => shown(reply),
        }
    }

    const KNOWN: (&str, &str) = ("x-amz-target", "Kinesis_20131202.PutRecord");
    const UNKNOWN: (&str, &str) = ("x-amz-target", "Kinesis_20131202.Nothing");
    const DENIED: &str = "403 - <AccessDeniedException>\\n  <Message>Unable to determine \
        service/operation name to be authorized</Message>\\n</AccessDeniedException>\\n";

    #[test]
    fn a_json_call_goes_to_kinesis() {
        let json = ("content-type", "application/x-amz-json-1.1");
        assert_eq!(check("POST", "", &[json, KNOWN], true), "Kinesis Json Some(\"PutRecord\")");
        let with_charset = ("content-type", "application/x-amz-json-1.1; charset=utf-8");
        assert_eq!(
            check("POST", "", &[with_charset, KNOWN], true),
            "Kinesis Json Some(\"PutRecord\")"
        );
        assert_eq!(check("POST", "", &[json, UNKNOWN], true), "Kinesis Json None");
        assert_eq!(check("POST", "", &[json], true), "Kinesis Json None");
    }

    #[test]
    fn other_methods_are_denied() {
        for method in ["GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "BREW"] {
            assert_eq!(check(method, "", &[KNOWN], true), DENIED);
        }
    }

    #[test]
    fn a_missing_body_is_told_in_cbor_unless_the_type_is_json_1_1() {
        let json = ("content-type", "application/x-amz-json-1.1");
        assert_eq!(
            check("POST", "", &[json, KNOWN], false),
            r#"400 application/x-amz-json-1.1 {\"__type\":\"SerializationException\"}"#
        );
        assert_eq!(
            check("POST", "", &[json], false),
            r#"400 application/x-amz-json-1.1 {\"__type\":\"UnknownOperationException\"}"#
        );
        assert_eq!(
            check("POST", "", &[], false),
            r"400 application/x-amz-cbor-1.1 \xa1f__typex\x19UnknownOperationException"
        );
        assert_eq!(
            check("POST", "", &[("content-type", "application/json"), KNOWN], false),
            r"400 application/x-amz-cbor-1.1 \xa1f__typevSerializationException"
        );
    }

    #[test]
    fn an_unknown_content_type_is_denied_without_a_target_and_not_found_with_one() {
        let xml = ("content-type", "text/xml");
        assert_eq!(check("POST", "", &[xml], true), DENIED);
        assert_eq!(check("POST", "", &[], true), DENIED);
        let not_found = r"404 - <UnknownOperationException/>\n";
        assert_eq!(check("POST", "", &[xml, KNOWN], true), not_found);
        assert_eq!(check("POST", "", &[UNKNOWN], true), not_found);
        let form = ("content-type", "application/x-www-form-urlencoded");
        assert_eq!(check("POST", "", &[form, KNOWN], true), not_found);
    }

    #[test]
    fn a_target_without_an_operation_counts_as_none() {
        for target in ["Kinesis_20131202", "Kinesis_20131202.", ".PutRecord", "."] {
            assert_eq!(check("POST", "", &[("x-amz-target", target)], true), DENIED);
        }
    }

    #[test]
    fn forms_and_actions_are_queries() {
        let form = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        assert_eq!(check("POST", "", &[form], true), "query");
        assert_eq!(
            check("GET", "Action=GetCallerIdentity&Version=2011-06-15", &[], false),
            "query"
        );
        assert_eq!(check("GET", "NotAction=x", &[], false), DENIED);
        assert_eq!(check("DELETE", "Action=x", &[], false), DENIED);
    }

    #[test]
    fn plain_json_is_answered_in_the_deprecated_form() {
        let json = ("content-type", "application/json");
        assert_eq!(check("POST", "", &[json, KNOWN], true), "plain json");
        let body = |object| plain_json(object).body;
        assert_eq!(
            body(false),
            r#"{"Output":{"__type":"com.amazon.coral.service#SerializationException"},"Version":"1.0"}"#
        );
        assert_eq!(
            body(true),
            r#"{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}"#
        );
    }

    #[test]
    fn a_cbor_call_goes_to_kinesis_too() {
        let cbor = ("content-type", "application/x-amz-cbor-1.1");
        assert_eq!(check("POST", "", &[cbor, KNOWN], true), "Kinesis Cbor Some(\"PutRecord\")");
        assert_eq!(check("POST", "", &[cbor, UNKNOWN], true), "Kinesis Cbor None");
        assert!(
            check("POST", "", &[cbor, KNOWN], false).contains("400 application/x-amz-cbor-1.1")
        );
    }

    const METRIC: (&str, &str) =
        ("x-amz-target", "GraniteServiceVersion20100801.ListTagsForResource");
    const NO_METRIC: (&str, &str) = ("x-amz-target", "GraniteServiceVersion20100801.PutRecord");

    #[test]
    fn a_target_of_cloudwatch_is_a_call_in_json_1_0() {
        let call = "CloudWatch Json10 Some(\"ListTagsForResource\")";
        let json = ("content-type", "application/x-amz-json-1.0");
        assert_eq!(check("POST", "", &[json, METRIC], true), call);
        assert_eq!(check("POST", "", &[json, NO_METRIC], true), "CloudWatch Json10 None");
        let newer = ("content-type", "application/x-amz-json-1.1; charset=utf-8");
        assert_eq!(check("POST", "", &[newer, METRIC], true), call);
        assert_eq!(
            check("POST", "", &[json, METRIC], false),
            "400 application/x-amz-json-1.0 \
             {\\\"__type\\\":\\\"com.amazon.coral.service#SerializationException\\\"}"
        );
        let not_found = r"404 - <UnknownOperationException/>\n";
        let cbor = ("content-type", "application/x-amz-cbor-1.1");
        assert_eq!(check("POST", "", &[cbor, METRIC], true), not_found);
        assert_eq!(check("POST", "", &[json, KNOWN], true), not_found, "Kinesis speaks 1.1");
        assert_eq!(check("GET", "", &[json, METRIC], true), DENIED);
    }

    const RPC: (&str, &str) = ("smithy-protocol", "rpc-v2-cbor");
    const CBOR: (&str, &str) = ("content-type", "application/cbor");

    #[test]
    fn a_path_of_rpc_v2_is_a_call() {
        let path = "/service/GraniteServiceVersion20100801/operation/";
        let known = format!("{path}ListTagsForResource");
        let call = "CloudWatch RpcCbor Some(\"ListTagsForResource\")";
        assert_eq!(check_path("POST", &known, &[RPC, CBOR], true), call);
        assert_eq!(check_path("POST", &known, &[RPC], false), call, "without input");
        assert_eq!(check_path("POST", &format!("/base{known}?x=y"), &[RPC, CBOR], true), call);
        let unknown = format!("{path}PutRecord");
        assert_eq!(check_path("POST", &unknown, &[RPC, CBOR], true), "CloudWatch RpcCbor None");
        assert_eq!(check_path("GET", &known, &[RPC], false), DENIED);
        assert_eq!(check_path("POST", &known, &[CBOR], true), DENIED, "the header is what counts");
        assert!(check_path("POST", &known, &[RPC, KNOWN, CBOR], true).starts_with("404"));

        let json = ("content-type", "application/json");
        let answer = check_path("POST", &known, &[RPC, json], true);
        assert!(answer.starts_with("400 application/cbor") && answer.contains("Serialization"));
        let other_version = ("smithy-protocol", "rpc-v2-json");
        for (path, version) in [
            (known.as_str(), other_version),
            ("/", RPC),
            ("/service/GraniteServiceVersion20100801/operation", RPC),
            ("/service/Other/operation/ListMetrics", RPC),
            ("/service/Kinesis_20131202/operation/PutRecord", RPC),
            ("/service//operation/Publish", RPC),
        ] {
            let answer = check_path("POST", path, &[version, CBOR], true);
            assert!(answer.starts_with("400 application/cbor"), "{path} {answer}");
            assert!(answer.contains("com.amazon.coral.service#UnknownOperationException"));
        }
    }

    #[test]
    fn a_request_that_no_service_has_seen_is_answered_in_what_it_speaks() {
        let check = |headers: &[(&'static str, &str)]| voice(&head(headers)).protocol;
        let content_type = |value| ("content-type", value);
        assert_eq!(check(&[content_type("application/x-amz-cbor-1.1")]), Protocol::Cbor);
        assert_eq!(check(&[content_type("application/x-amz-json-1.0")]), Protocol::Json10);
        assert_eq!(check(&[content_type(query::CONTENT_TYPE)]), Protocol::Query);
        assert_eq!(check(&[RPC]), Protocol::RpcCbor);
        assert_eq!(check(&[]), Protocol::Json);
    }
}
