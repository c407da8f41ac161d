//! One request's way: may it come in, its body, its service, its answer.
//!
//! Every answer leaves through [`Reply::into_http`]; no step before it keeps anything of a request that failed.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use hyper::{
    HeaderMap, Method, Request, StatusCode, Version,
    body::Incoming,
    header::{ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, EXPECT, HOST, ORIGIN},
    http::request::Parts,
};
use nautilus_identity::Identity;
use nautilus_kinesis::Kinesis;
use nautilus_log::SystemClock;
use nautilus_wire::{AwsError, Value, json};
use tracing::debug;

use crate::{
    body::{self, Body, BodyError, Budget, Permit},
    dev,
    drain::InFlightCount,
    health::Health,
    host::{HostRules, Refused},
    limits::Limits,
    query,
    reply::{Cors, Guards, HttpAnswer, Reply},
    request_id::{RequestId, RequestIds},
    route::{Route, plain_json, route},
    stream::Activity,
};

/// What all connections share.
pub(crate) struct Service {
    pub(crate) kinesis: Kinesis,
    pub(crate) identity: Identity,
    pub(crate) test_clock: Option<Arc<SystemClock>>,
    pub(crate) hosts: HostRules,
    pub(crate) ids: RequestIds,
    pub(crate) health: Health,
    /// Set once: answers close their connections from then on.
    pub(crate) stopping: AtomicBool,
    pub(crate) limits: Limits,
    pub(crate) requests: Budget,
    pub(crate) answers: Budget,
    pub(crate) in_flight: Arc<InFlightCount>,
}

impl Service {
    /// Answers one request. Dropping the future drops the call: what it had appended stays appended.
    pub(crate) async fn answer(
        &self,
        peer: SocketAddr,
        activity: &Arc<Activity>,
        request: Request<Incoming>,
    ) -> HttpAnswer {
        let _in_request = activity.begin();
        let id = self.ids.next();
        let (head, mut incoming) = request.into_parts();

        let origin = match self.admit(&head) {
            Ok(origin) => origin,
            Err(refused) => {
                debug!(%peer, request_id = id.uuid(), ?refused, "refused");
                if !expects_continue(&head.headers) {
                    body::discard(&mut incoming).await;
                }
                let reply = Reply::from(AwsError::new(
                    "AccessDeniedException",
                    StatusCode::FORBIDDEN.as_u16(),
                    Some(refused.message()),
                ));
                return reply.into_http(&id, Cors::None, Guards::default());
            }
        };
        if origin == Origin::Allowed && head.method == Method::OPTIONS {
            return preflight(&head.headers, &id);
        }
        let cors = match origin {
            Origin::None => Cors::None,
            Origin::Allowed => Cors::Call,
        };

        let (mut reply, guards) = match self.health.answer(&head.method, head.uri.path()) {
            Some(reply) => (reply, Guards::default()),
            None => self.call(&head, incoming, &id).await,
        };
        debug!(
            %peer,
            request_id = id.uuid(),
            target = head.headers.get("x-amz-target").and_then(|value| value.to_str().ok()),
            status = reply.status.as_u16(),
            error = reply.error_type.as_deref(),
            "answered"
        );
        reply.close |= self.stopping.load(Relaxed);
        reply.into_http(&id, cors, guards)
    }

    /// Host and Origin, before anything else of the request counts.
    fn admit(&self, head: &Parts) -> Result<Origin, Refused> {
        let text = |name| head.headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let origin = text(ORIGIN);
        let mut hosts = head.headers.get_all(HOST).iter();
        match (hosts.next(), hosts.next()) {
            (Some(_), Some(_)) => return Err(Refused::Host("more than one".to_owned())),
            // Programs of HTTP/1.0 send none; browsers always do.
            (None, _) if head.version == Version::HTTP_10 && origin.is_none() => {}
            _ => self.hosts.check(text(HOST).unwrap_or(""), origin)?,
        }
        Ok(if origin.is_some() { Origin::Allowed } else { Origin::None })
    }

    /// Reads the body, and has it answered.
    async fn call(&self, head: &Parts, incoming: Incoming, id: &RequestId) -> (Reply, Guards) {
        let expects_continue = expects_continue(&head.headers);
        let read = body::read(incoming, expects_continue, &self.requests, &self.limits).await;
        let body = match read {
            Ok(body) => body,
            Err(error) => return (body_refused(error), Guards::default()),
        };
        let mut guards = Guards::new(self.in_flight.enter());

        let path = head.uri.path();
        if path.starts_with(dev::PREFIX) {
            let (kinesis, clock) = (&self.kinesis, self.test_clock.as_ref());
            return (dev::answer(clock, kinesis, &head.method, path, &body.bytes).await, guards);
        }
        let has_body = !body.bytes.is_empty();
        let reply = match route(&head.method, head.uri.query(), &head.headers, has_body) {
            Route::Nobody(reply) => reply,
            Route::PlainJson => plain_json(matches!(json::parse(&body.bytes), Ok(Value::Map(_)))),
            Route::Query => query::answer(&self.identity, head, &body.bytes, id),
            Route::Kinesis { operation } => match self.kinesis(head, operation, body).await {
                Ok((reply, permit)) => {
                    guards.answer_permit = Some(permit);
                    reply
                }
                Err(error) => Reply::from(error),
            },
        };
        (reply, guards)
    }

    /// In AWS's order: is it JSON, is there such an operation, who calls, and only then the operation.
    async fn kinesis(
        &self,
        head: &Parts,
        operation: Option<&str>,
        body: Body,
    ) -> Result<(Reply, Permit), AwsError> {
        let input = json::parse(&body.bytes)?;
        if !matches!(input, Value::Map(_)) {
            return Err(AwsError::serialization(None));
        }
        let operation = operation.ok_or_else(AwsError::unknown_operation)?;
        let caller = query::caller(&self.identity, head)?;

        let wait_max = self.limits.budget_wait_max;
        let permit = self.answers.take(answer_bytes_max(operation), wait_max).await;
        let mut permit = permit.ok_or_else(overloaded)?;
        let answer = self.kinesis.call(&caller, operation, input).await?;
        let kept = permit.split(answer.body.len().min(permit.num_permits()));
        drop(body.permit);
        Ok((Reply::from(answer), kept.unwrap_or(permit)))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    None,
    Allowed,
}

/// How much of the answers' budget an operation takes before it runs; what it does not use goes back when it has.
fn answer_bytes_max(operation: &str) -> usize {
    match operation {
        "GetRecords" => 20 << 20, // 10 MiB in base64, with keys and sequence numbers of 10,000 records
        "ListShards" | "DescribeStream" => 4 << 20,
        "ListStreams" => 1 << 20,
        _ => 128 << 10,
    }
}

fn expects_continue(headers: &HeaderMap) -> bool {
    headers.contains_key(EXPECT)
}

fn overloaded() -> AwsError {
    AwsError::service_unavailable("The server is busy with other requests. Try again.")
}

fn body_refused(error: BodyError) -> Reply {
    let (status, code, message) = match error {
        // AWS says no more than the status.
        BodyError::TooLong => return Reply::new(StatusCode::PAYLOAD_TOO_LARGE, None, "").closing(),
        BodyError::Overloaded => return Reply::from(overloaded()).closing(),
        BodyError::TooSlow => {
            (StatusCode::REQUEST_TIMEOUT, "RequestTimeoutException", "The body came too slowly.")
        }
        BodyError::CutShort => {
            (StatusCode::BAD_REQUEST, "SerializationException", "The body was cut short.")
        }
    };
    Reply::from(AwsError::new(code, status.as_u16(), Some(message.to_owned()))).closing()
}

fn preflight(headers: &HeaderMap, id: &RequestId) -> HttpAnswer {
    let cors = Cors::Preflight {
        headers: headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned(),
        method: headers.get(ACCESS_CONTROL_REQUEST_METHOD).cloned(),
    };
    Reply::new(StatusCode::OK, None, "").into_http(id, cors, Guards::default())
}
