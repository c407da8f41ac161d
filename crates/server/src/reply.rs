//! From an answer to HTTP: status, the headers that every answer has, and the guards that live until it is written.

use std::borrow::Cow;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CONNECTION, CONTENT_TYPE,
        HeaderName, HeaderValue,
    },
};
use nautilus_kinesis::Subscription;
use nautilus_wire::{Answer, AwsError, Protocol, Service, event_stream, query};

use crate::{
    budget::Permit,
    drain::InFlight,
    events::AnswerBody,
    request_id::RequestId,
    rooms::{Room, STS},
    route::{RPC_V2_CBOR, SMITHY_PROTOCOL},
    stream::Untaken,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const EXTENDED_ID: HeaderName = HeaderName::from_static("x-amz-id-2");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,x-amzn-ErrorMessage,Date",
);
const CORS_AGE_SECONDS: HeaderValue = HeaderValue::from_static("172800");

/// What hyper writes.
pub(crate) type HttpAnswer = Response<AnswerBody>;

/// An answer before it has its headers.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) error_type: Option<Cow<'static, str>>,
    /// What Query calls the error, in other protocols of a service that speaks Query too.
    query_error: Option<String>,
    /// The methods that the path has, if the request's is none of them.
    allow: Option<&'static str>,
    pub(crate) body: Bytes,
    /// In place of the body.
    pub(crate) events: Option<Box<Subscription>>,
    /// The connection cannot go on after this answer.
    pub(crate) close: bool,
}

/// How errors are said: in a protocol, as a service does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Voice {
    pub(crate) protocol: Protocol,
    pub(crate) service: &'static Service,
}

impl Voice {
    /// Of a form of which it is not known yet whom it is for.
    pub(crate) const OF_FORMS: Voice = Voice { protocol: Protocol::Query, service: &STS };

    pub(crate) fn of(room: Room, protocol: Protocol) -> Voice {
        Voice { protocol, service: room.service() }
    }
}

/// What AWS tells a browser whose page may call.
#[derive(Debug)]
pub(crate) enum Cors {
    /// No browser: nothing.
    None,
    /// The answer of a call.
    Call,
    /// The answer to the browser's question before the call: what it asked for is allowed.
    Preflight { headers: Option<HeaderValue>, method: Option<HeaderValue> },
}

impl Reply {
    pub(crate) fn new(
        status: StatusCode,
        content_type: Option<&'static str>,
        body: impl Into<Bytes>,
    ) -> Reply {
        let body = body.into();
        Reply {
            status,
            content_type,
            error_type: None,
            query_error: None,
            allow: None,
            body,
            events: None,
            close: false,
        }
    }

    pub(crate) fn text(status: StatusCode, text: impl Into<Bytes>) -> Reply {
        Reply::new(status, Some("text/plain; charset=utf-8"), text)
    }

    /// For a path that is only there to be read.
    pub(crate) fn read_only() -> Reply {
        let reply = Reply::text(StatusCode::METHOD_NOT_ALLOWED, "use GET\n");
        Reply { allow: Some("GET, HEAD"), ..reply }
    }

    pub(crate) fn closing(mut self) -> Reply {
        self.close = true;
        self
    }

    pub(crate) fn events(subscription: Box<Subscription>) -> Reply {
        let reply = Reply::new(StatusCode::OK, Some(event_stream::CONTENT_TYPE), "");
        Reply { events: Some(subscription), ..reply }
    }

    /// The body, with the guards tied to it: they drop when it has been written.
    pub(crate) fn guarded(&mut self, guards: Guards) -> AnswerBody {
        let body = std::mem::take(&mut self.body);
        AnswerBody::Whole(Full::new(match body.is_empty() {
            true => Bytes::new(),
            false => Bytes::from_owner(Guarded { body, _guards: guards }),
        }))
    }

    /// Adds the ids and the browser's headers.
    pub(crate) fn into_http(self, id: &RequestId, cors: Cors, body: AnswerBody) -> HttpAnswer {
        let mut answer = Response::new(body);
        *answer.status_mut() = self.status;
        let headers = answer.headers_mut();
        headers.reserve(8);
        headers.insert(REQUEST_ID, text_value(id.uuid()));
        if !matches!(cors, Cors::Preflight { .. }) {
            headers.insert(EXTENDED_ID, text_value(id.extended()));
        }
        if let Some(content_type) = self.content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            if content_type == Protocol::RpcCbor.content_type() {
                // Without it clients take no answer for one.
                headers.insert(SMITHY_PROTOCOL, HeaderValue::from_static(RPC_V2_CBOR));
            }
        }
        if let Some(error_type) = self.error_type {
            headers.insert(ERROR_TYPE, text_value(&error_type));
        }
        if let Some(query_error) = self.query_error {
            headers.insert(QUERY_ERROR, text_value(&query_error));
        }
        if let Some(allow) = self.allow {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        if self.close {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if !matches!(cors, Cors::None) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        }
        match cors {
            Cors::None => {}
            Cors::Call => {
                headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
            }
            Cors::Preflight { headers: asked_headers, method } => {
                headers.extend(asked_headers.map(|value| (ACCESS_CONTROL_ALLOW_HEADERS, value)));
                headers.extend(method.map(|value| (ACCESS_CONTROL_ALLOW_METHODS, value)));
                headers.insert(ACCESS_CONTROL_MAX_AGE, CORS_AGE_SECONDS);
            }
        }
        answer
    }
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Reply {
        Reply::new(StatusCode::OK, Some(answer.content_type), answer.body)
    }
}

impl Reply {
    /// An error, as the service says it that was called.
    pub(crate) fn error(error: AwsError, voice: Voice, id: &RequestId) -> Reply {
        let Voice { protocol, service } = voice;
        let (answer, query_error, error) = match protocol {
            Protocol::Json | Protocol::Cbor => (error.answer(protocol), None, error),
            Protocol::Json10 | Protocol::RpcCbor => {
                (error.answer_of(protocol, service), Some(error.query_error()), error)
            }
            Protocol::Query => {
                let error = error.for_query();
                let answer = query::error_response(&error, service.xml_namespace, id.uuid());
                (answer, None, error)
            }
        };
        let status = StatusCode::from_u16(error.status);
        Reply {
            status: status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            error_type: Some(error.code),
            query_error,
            ..Reply::from(answer)
        }
    }
}

/// Held until an answer has gone to the kernel.
#[derive(Debug, Default)]
pub(crate) struct Guards {
    pub(crate) answer_permit: Option<Permit>,
    pub(crate) untaken: Option<Untaken>,
    _in_flight: Option<InFlight>,
}

impl Guards {
    pub(crate) fn new(in_flight: InFlight) -> Guards {
        Guards { answer_permit: None, untaken: None, _in_flight: Some(in_flight) }
    }

    /// Of an answer that no stop waits for.
    pub(crate) fn of_answer(permit: Permit) -> Guards {
        Guards { answer_permit: Some(permit), untaken: None, _in_flight: None }
    }
}

struct Guarded {
    body: Bytes,
    _guards: Guards,
}

impl AsRef<[u8]> for Guarded {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

/// A header's value from text that we made; what cannot stand in a header becomes an empty one.
fn text_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}
