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
use nautilus_cloudwatch::CloudWatch;
use nautilus_identity::Identity;
use nautilus_kinesis::Kinesis;
use nautilus_sns::Sns;
use nautilus_wire::{AwsError, Protocol, Value, json};
use tokio::sync::Semaphore;
use tracing::debug;

use crate::{
    body::{self, BodyError},
    budget::{AnswerBudget, BodyBudget},
    calls::{too_large, with_permit},
    dev::{self, Dev},
    drain::InFlightCount,
    events::{AnswerBody, EventBody},
    health::Health,
    host::{HostRules, Refused},
    limits::Limits,
    reply::{Cors, Guards, HttpAnswer, Reply, Voice},
    request_id::{RequestId, RequestIds},
    rooms::Room,
    route::{self, Route, plain_json, route},
    stream::Activity,
    watch::{Row, Seen, Watch},
    webhook,
};

/// What all connections share.
pub(crate) struct Service {
    pub(crate) kinesis: Kinesis,
    pub(crate) cloudwatch: CloudWatch,
    pub(crate) sns: Sns,
    pub(crate) watch: Watch,
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
                let reply = Reply::error(overloaded(), route::voice(&head.headers), &id);
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
        self.watch.answered(reply.status.as_u16());
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
                let mut reply = Reply::error(error, route::voice(&head.headers), id);
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
            None if Watch::is_asked(head.uri.path()) => {
                let (mut reply, guards) = self.metrics(&head.method).await;
                reply.close = !passed_over(head, incoming).await;
                (reply, guards)
            }
            None => self.call(activity, head, incoming, id).await,
        };
        (reply, cors, guards)
    }

    /// The page for Prometheus. It is long where there are many streams: one is made at a time, and kept within the budget.
    /// HEAD has the same answer; hyper leaves its body out.
    async fn metrics(&self, method: &Method) -> (Reply, Guards) {
        if method != Method::GET && method != Method::HEAD {
            return (Reply::read_only(), Guards::default());
        }
        let made = async {
            let _turn = self.watch.turn(self.limits.budget_wait_max).await?;
            let page = self.watch.page(Seen {
                kinesis: &self.kinesis,
                cloudwatch: &self.cloudwatch,
                sns: &self.sns,
                in_flight: self.in_flight.count(),
                requests: &self.requests,
                answers: &self.answers,
            });
            let page = page.await;
            let permit = self.answers.take(page.len()).await?;
            Some((page, permit))
        };
        match made.await {
            Some((page, permit)) => {
                let reply = Reply::new(StatusCode::OK, Some(Watch::CONTENT_TYPE), page);
                (reply, Guards::of_answer(permit))
            }
            None => {
                let reply = Reply::text(StatusCode::SERVICE_UNAVAILABLE, "no room; ask later\n");
                (reply, Guards::default())
            }
        }
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
        let voice = route::voice(&head.headers);
        let is_coming = body_is_coming(head);
        let body = match body::read(incoming, is_coming, &self.requests, &self.limits).await {
            Ok(body) => body,
            Err(error) => return (body_refused(error, voice, id), Guards::default()),
        };
        activity.has_arrived();
        let arrived_us = self.watch.now_us();
        let mut guards = Guards::new(self.in_flight.enter());

        let path = head.uri.path();
        if path == nautilus_sns::CERTIFICATE_PATH {
            return (webhook::certificate(&self.sns, &head.method), guards);
        }
        if path.starts_with(dev::PREFIX) {
            let rooms = (&self.kinesis, &self.cloudwatch);
            return (self.dev.answer(rooms, &head.method, path, &body.bytes).await, guards);
        }
        let has_body = !body.bytes.is_empty();
        let mut row = None;
        let answered = match route(&head.method, &head.uri, &head.headers, has_body) {
            Route::Nobody(reply) => Ok((reply, None)),
            Route::Refused(error, voice) => Err((error, voice)),
            Route::PlainJson => {
                let is_object = matches!(json::parse(&body.bytes), Ok(Value::Map(_)));
                Ok((plain_json(is_object), None))
            }
            Route::Call { room: Room::Kinesis, protocol, operation } => {
                row = Some(self.row(Room::Kinesis, operation));
                let answered = self.kinesis(head, protocol, operation, body).await;
                let voice = Voice::of(Room::Kinesis, protocol);
                answered.map(with_permit).map_err(|error| (error, voice))
            }
            // Boxed: Kinesis is not to pay for the room that the other futures take.
            Route::Call { room, protocol, operation } => {
                row = Some(self.row(room, operation));
                let answered = Box::pin(self.room(head, room, protocol, operation, body)).await;
                let voice = Voice::of(room, protocol);
                answered.map(with_permit).map_err(|error| (error, voice))
            }
            Route::Query => Box::pin(self.form(head, body, id, &mut row)).await,
        };
        let reply = match answered {
            Ok((reply, permit)) => {
                guards.answer_permit = permit;
                reply
            }
            Err((error, voice)) => Reply::error(error, voice, id),
        };
        if let Some(row) = row {
            let latency_us = self.watch.now_us().saturating_sub(arrived_us);
            row.count(latency_us, reply.status.as_u16());
        }
        (reply, guards)
    }

    pub(crate) fn row(&self, room: Room, operation: Option<&str>) -> &Row {
        self.watch.row(room.service().signing_name, operation)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    None,
    Allowed,
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

pub(crate) fn overloaded() -> AwsError {
    AwsError::service_unavailable("The server is busy with other requests. Try again.")
}

fn body_refused(error: BodyError, voice: Voice, id: &RequestId) -> Reply {
    let error = match error {
        BodyError::TooLong if matches!(voice.protocol, Protocol::Json | Protocol::Cbor) => {
            // Kinesis says no more than the status.
            return Reply::new(StatusCode::PAYLOAD_TOO_LARGE, None, "").closing();
        }
        BodyError::TooLong => too_large("Request size is too large".to_owned()),
        BodyError::Overloaded => overloaded(),
        BodyError::TooSlow => AwsError::new(
            "RequestTimeoutException",
            StatusCode::REQUEST_TIMEOUT.as_u16(),
            Some("The body came too slowly.".to_owned()),
        ),
        BodyError::CutShort | BodyError::Garbled => AwsError::serialization(None),
    };
    Reply::error(error, voice, id).closing()
}

fn preflight(headers: &HeaderMap) -> Cors {
    Cors::Preflight {
        headers: headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned(),
        method: headers.get(ACCESS_CONTROL_REQUEST_METHOD).cloned(),
    }
}
