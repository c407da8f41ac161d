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
    body::{Body as _, Incoming},
    header::{ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, EXPECT, HOST, ORIGIN},
    http::request::Parts,
};
use nautilus_identity::Identity;
use nautilus_kinesis::{Kinesis, Response};
use nautilus_wire::{AwsError, Protocol, Value, json};
use tokio::sync::Semaphore;
use tracing::debug;

use crate::{
    body::{self, Body, BodyError},
    budget::{AnswerBudget, BodyBudget, Permit},
    dev::{self, Dev},
    drain::InFlightCount,
    events::{AnswerBody, EventBody},
    health::Health,
    host::{HostRules, Refused},
    limits::{Limits, SMALL_ANSWER_BYTES_MAX},
    query,
    reply::{Cors, Guards, HttpAnswer, Reply},
    request_id::{RequestId, RequestIds},
    route::{self, Route, plain_json, route},
    stream::Activity,
};

/// What all connections share.
pub(crate) struct Service {
    pub(crate) kinesis: Kinesis,
    pub(crate) identity: Identity,
    pub(crate) dev: Dev,
    pub(crate) hosts: HostRules,
    pub(crate) ids: RequestIds,
    pub(crate) health: Health,
    /// Set once: answers close their connections from then on.
    pub(crate) stopping: AtomicBool,
    pub(crate) limits: Limits,
    /// One permit for each request that may be served.
    pub(crate) heads: Semaphore,
    pub(crate) requests: BodyBudget,
    pub(crate) answers: AnswerBudget,
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
        let in_request = activity.begin();
        let id = self.ids.next();
        let (head, incoming) = request.into_parts();
        let (mut reply, cors, mut guards) = match self.heads.try_acquire() {
            Ok(_served) => self.serve(peer, activity, &head, incoming, &id).await,
            Err(_) => {
                let reply = Reply::error(overloaded(), route::protocol(&head.headers));
                (reply.closing(), Cors::None, Guards::default())
            }
        };
        debug!(
            %peer,
            request_id = id.uuid(),
            target = head.headers.get("x-amz-target").and_then(|value| value.to_str().ok()),
            version = ?head.version,
            content_type = reply.content_type,
            status = reply.status.as_u16(),
            error = reply.error_type.as_deref(),
            "answered"
        );
        reply.close |= self.stopping.load(Relaxed);
        reply.close &= head.version != Version::HTTP_2; // there the connection says so itself
        let body = match reply.events.take() {
            None => {
                guards.untaken = Some(activity.answered(reply.body.len(), &self.limits));
                reply.guarded(guards)
            }
            Some(events) => {
                let (budget, limits) = (&self.answers, &self.limits);
                AnswerBody::Events(EventBody::new(events, activity, in_request, budget, limits))
            }
        };
        reply.into_http(&id, cors, body)
    }

    async fn serve(
        &self,
        peer: SocketAddr,
        activity: &Activity,
        head: &Parts,
        incoming: Incoming,
        id: &RequestId,
    ) -> (Reply, Cors, Guards) {
        let origin = match self.admit(head) {
            Ok(origin) => origin,
            Err(refused) => {
                debug!(%peer, request_id = id.uuid(), ?refused, "refused");
                let status = StatusCode::FORBIDDEN.as_u16();
                let message = Some(refused.message());
                let error = AwsError::new("AccessDeniedException", status, message);
                let mut reply = Reply::error(error, route::protocol(&head.headers));
                reply.close = !passed_over(head, incoming).await;
                return (reply, Cors::None, Guards::default());
            }
        };
        if origin == Origin::Allowed && head.method == Method::OPTIONS {
            let mut reply = Reply::new(StatusCode::OK, None, "");
            reply.close = !passed_over(head, incoming).await;
            return (reply, preflight(&head.headers), Guards::default());
        }
        let cors = match origin {
            Origin::None => Cors::None,
            Origin::Allowed => Cors::Call,
        };

        let (reply, guards) = match self.health.answer(&head.method, head.uri.path()) {
            Some(mut reply) => {
                reply.close = !passed_over(head, incoming).await;
                (reply, Guards::default())
            }
            None => self.call(activity, head, incoming, id).await,
        };
        (reply, cors, guards)
    }

    /// Host and Origin, before anything else of the request counts.
    fn admit(&self, head: &Parts) -> Result<Origin, Refused> {
        let text = |name| head.headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let origin = text(ORIGIN);
        // HTTP/2 has the host in the URI, and may have it in a header besides.
        let authority = head.uri.authority().filter(|_| head.version == Version::HTTP_2);
        let authority = authority.map(|authority| authority.as_str());
        let mut hosts = head.headers.get_all(HOST).iter();
        match (hosts.next(), hosts.next()) {
            (Some(_), Some(_)) => return Err(Refused::Host("more than one".to_owned())),
            (Some(host), _) if authority.is_some_and(|authority| authority != host) => {
                return Err(Refused::Host("more than one".to_owned()));
            }
            // Programs of HTTP/1.0 send none; browsers always do.
            (None, _) if head.version == Version::HTTP_10 && origin.is_none() => {}
            _ => self.hosts.check(authority.or(text(HOST)).unwrap_or(""), origin)?,
        }
        Ok(if origin.is_some() { Origin::Allowed } else { Origin::None })
    }

    /// Reads the body, and has it answered.
    async fn call(
        &self,
        activity: &Activity,
        head: &Parts,
        incoming: Incoming,
        id: &RequestId,
    ) -> (Reply, Guards) {
        let protocol = route::protocol(&head.headers);
        let is_coming = body_is_coming(head);
        let body = match body::read(incoming, is_coming, &self.requests, &self.limits).await {
            Ok(body) => body,
            Err(error) => return (body_refused(error, protocol), Guards::default()),
        };
        activity.has_arrived();
        let mut guards = Guards::new(self.in_flight.enter());

        let path = head.uri.path();
        if path.starts_with(dev::PREFIX) {
            return (self.dev.answer(&self.kinesis, &head.method, path, &body.bytes).await, guards);
        }
        let has_body = !body.bytes.is_empty();
        let reply = match route(&head.method, head.uri.query(), &head.headers, has_body) {
            Route::Nobody(reply) => reply,
            Route::PlainJson => plain_json(matches!(json::parse(&body.bytes), Ok(Value::Map(_)))),
            Route::Query => query::answer(&self.identity, head, &body.bytes, id),
            Route::Kinesis { protocol, operation } => {
                match self.kinesis(head, protocol, operation, body).await {
                    Ok((reply, permit)) => {
                        guards.answer_permit = Some(permit);
                        reply
                    }
                    Err(error) => Reply::error(error, protocol),
                }
            }
        };
        (reply, guards)
    }

    /// In AWS's order: can it be read, is there such an operation, who calls, and only then the operation.
    async fn kinesis(
        &self,
        head: &Parts,
        protocol: Protocol,
        operation: Option<&str>,
        body: Body,
    ) -> Result<(Reply, Permit), AwsError> {
        // Before there is a tree of values: that must not wait for anything.
        let permit = self.answers.take(operation.map_or(0, answer_bytes_max)).await;
        let mut permit = permit.ok_or_else(overloaded)?;
        let input = protocol.parse(&body.bytes)?;
        if !matches!(input, Value::Map(_)) {
            return Err(AwsError::serialization(None));
        }
        let operation = operation.ok_or_else(AwsError::unknown_operation)?;
        let caller = query::caller(&self.identity, head)?;

        let reply = match self.kinesis.call_in(protocol, &caller, operation, input).await? {
            Response::Answer(answer) => Reply::from(answer),
            Response::Events(subscription) => Reply::events(subscription),
        };
        let kept = permit.split(reply.body.len().min(permit.num_permits()));
        drop(body.permit);
        Ok((reply, kept.unwrap_or(permit)))
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
        _ => SMALL_ANSWER_BYTES_MAX,
    }
}

/// Whether a client sends its body whatever we answer. One that waits for `100 Continue` has sent nothing yet, and
/// sends nothing after another answer; in HTTP/2 we can tell a client to stop.
fn body_is_coming(head: &Parts) -> bool {
    head.version != Version::HTTP_2 && !head.headers.contains_key(EXPECT)
}

/// Gets a body out of the way that nobody wants; whether the connection can go on after it.
async fn passed_over(head: &Parts, mut incoming: Incoming) -> bool {
    if incoming.is_end_stream() || head.version == Version::HTTP_2 {
        return true;
    }
    body_is_coming(head) && body::discard(&mut incoming).await
}

fn overloaded() -> AwsError {
    AwsError::service_unavailable("The server is busy with other requests. Try again.")
}

fn body_refused(error: BodyError, protocol: Protocol) -> Reply {
    let error = match error {
        // AWS says no more than the status.
        BodyError::TooLong => return Reply::new(StatusCode::PAYLOAD_TOO_LARGE, None, "").closing(),
        BodyError::Overloaded => overloaded(),
        BodyError::TooSlow => AwsError::new(
            "RequestTimeoutException",
            StatusCode::REQUEST_TIMEOUT.as_u16(),
            Some("The body came too slowly.".to_owned()),
        ),
        BodyError::CutShort => AwsError::serialization(None),
    };
    Reply::error(error, protocol).closing()
}

fn preflight(headers: &HeaderMap) -> Cors {
    Cors::Preflight {
        headers: headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned(),
        method: headers.get(ACCESS_CONTROL_REQUEST_METHOD).cloned(),
    }
}
