//! From a request's head to the service that answers it, and AWS's answers for those that no service takes.
//!
//! The order of the checks and the bodies are AWS's to the letter, oddities included: clients and their test suites
//! look at them. The path is not checked, as at AWS. Nothing here reads more of a body than whether it is empty.

use std::borrow::Cow;

use hyper::{
    HeaderMap, Method, StatusCode,
    header::{CONTENT_TYPE, HeaderName},
};
use nautilus_kinesis::Kinesis;
use nautilus_wire::{AwsError, Protocol};

use crate::reply::Reply;

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const KINESIS_TARGET: &str = "Kinesis_20131202";

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

const NO_OPERATION: &str = "<AccessDeniedException>\n  \
    <Message>Unable to determine service/operation name to be authorized</Message>\n\
    </AccessDeniedException>\n";
const UNKNOWN_OPERATION: &str = "<UnknownOperationException/>\n";

/// Who answers.
#[derive(Debug)]
pub(crate) enum Route<'a> {
    /// Kinesis. The body is looked at before the operation's name is, as at AWS.
    Kinesis { protocol: Protocol, operation: Option<&'a str> },
    /// The same body under the content type `application/json`, which AWS reads and then refuses.
    PlainJson,
    /// A service with the Query protocol.
    Query,
    /// Nobody: this is the answer.
    Nobody(Reply),
}

/// What an `X-Amz-Target` header names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target<'a> {
    Missing,
    Unknown,
    Known(&'a str),
}

/// Decides by the head and whether there is a body.
pub(crate) fn route<'a>(
    method: &Method,
    query: Option<&str>,
    headers: &'a HeaderMap,
    has_body: bool,
) -> Route<'a> {
    let content_type = content_type(headers);
    let target = target(headers);
    if target == Target::Missing && is_query(method, query, content_type, has_body) {
        return Route::Query;
    }
    if method != Method::POST {
        return Route::Nobody(no_operation());
    }
    if !has_body {
        return Route::Nobody(no_body(content_type, target));
    }
    if let Some(protocol) = Protocol::from_content_type(content_type) {
        let operation = match target {
            Target::Known(operation) => Some(operation),
            Target::Missing | Target::Unknown => None,
        };
        return Route::Kinesis { protocol, operation };
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

/// The protocol of an answer to a request that no service has seen: what the request says that it speaks.
pub(crate) fn protocol(headers: &HeaderMap) -> Protocol {
    Protocol::from_content_type(content_type(headers)).unwrap_or(Protocol::Json)
}

fn content_type(headers: &HeaderMap) -> &str {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    value.split(';').next().unwrap_or("").trim()
}

fn target(headers: &HeaderMap) -> Target<'_> {
    let value = headers.get(TARGET).and_then(|value| value.to_str().ok()).unwrap_or("");
    match value.split_once('.') {
        Some((service, operation)) if !service.is_empty() && !operation.is_empty() => {
            match service == KINESIS_TARGET && Kinesis::knows(operation) {
                true => Target::Known(operation),
                false => Target::Unknown,
            }
        }
        _ => Target::Missing,
    }
}

/// True for a form, or for an action in the query string.
fn is_query(method: &Method, query: Option<&str>, content_type: &str, has_body: bool) -> bool {
    let action_in_url = query
        .is_some_and(|query| query.split('&').any(|pair| pair.split('=').next() == Some("Action")));
    (method == Method::POST && content_type == FORM && has_body)
        || (action_in_url && (method == Method::GET || method == Method::POST))
}

/// AWS's answer when it cannot tell what is meant.
pub(crate) fn no_operation() -> Reply {
    Reply::new(StatusCode::FORBIDDEN, None, NO_OPERATION).named("AccessDeniedException")
}

fn no_body(content_type: &str, target: Target<'_>) -> Reply {
    let error = match target {
        Target::Known(_) => AwsError::serialization(None),
        Target::Missing | Target::Unknown => AwsError::unknown_operation(),
    };
    Reply::error(error, Protocol::from_content_type(content_type).unwrap_or(Protocol::Cbor))
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
    use super::*;

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
        let method = method.parse().expect("a method");
        let query = (!url_query.is_empty()).then_some(url_query);
        match route(&method, query, &head(headers), body) {
            Route::Kinesis { protocol, operation } => format!("kinesis {protocol:?} {operation:?}"),
            Route::PlainJson => "plain json".to_owned(),
            Route::Query => "query".to_owned(),
            Route::Nobody(reply) => format!(
                "{} {} {}",
                reply.status.as_u16(),
                reply.content_type.unwrap_or("-"),
                reply.body.escape_ascii()
            ),
        }
    }

    const KNOWN: (&str, &str) = ("x-amz-target", "Kinesis_20131202.PutRecord");
    const UNKNOWN: (&str, &str) = ("x-amz-target", "Kinesis_20131202.Nothing");
    const DENIED: &str = "403 - <AccessDeniedException>\\n  <Message>Unable to determine \
        service/operation name to be authorized</Message>\\n</AccessDeniedException>\\n";

    #[test]
    fn a_json_call_goes_to_kinesis() {
        let json = ("content-type", "application/x-amz-json-1.1");
        assert_eq!(check("POST", "", &[json, KNOWN], true), "kinesis Json Some(\"PutRecord\")");
        let with_charset = ("content-type", "application/x-amz-json-1.1; charset=utf-8");
        assert_eq!(
            check("POST", "", &[with_charset, KNOWN], true),
            "kinesis Json Some(\"PutRecord\")"
        );
        assert_eq!(check("POST", "", &[json, UNKNOWN], true), "kinesis Json None");
        assert_eq!(check("POST", "", &[json], true), "kinesis Json None");
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
        assert_eq!(check("POST", "", &[cbor, KNOWN], true), "kinesis Cbor Some(\"PutRecord\")");
        assert_eq!(check("POST", "", &[cbor, UNKNOWN], true), "kinesis Cbor None");
        assert!(
            check("POST", "", &[cbor, KNOWN], false).contains("400 application/x-amz-cbor-1.1")
        );
    }
}
