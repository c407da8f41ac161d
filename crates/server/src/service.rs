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
    header::{
        ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, CONTENT_ENCODING, EXPECT,
        HOST, ORIGIN,
    },
    http::request::Parts,
};
use nautilus_cloudwatch::CloudWatch;
use nautilus_identity::{Caller, Identity, sts};
use nautilus_kinesis::{Kinesis, Response};
use nautilus_sns::Sns;
use nautilus_wire::{Answer, AwsError, Protocol, Value, json, query as xml};
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
    limits::{Limits, METRIC_BODY_BYTES_MAX, SMALL_ANSWER_BYTES_MAX},
    query::{self, Call, Called},
    reply::{Cors, Guards, HttpAnswer, Reply, Voice},
    request_id::{RequestId, RequestIds},
    rooms::{Room, STS},
    route::{self, Route, no_operation, plain_json, route},
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
            None if Watch::is_asked(&head.method, head.uri.path()) => {
                let (mut reply, guards) = self.metrics().await;
                reply.close = !passed_over(head, incoming).await;
                (reply, guards)
            }
            None => self.call(activity, head, incoming, id).await,
        };
        (reply, cors, guards)
    }

    /// The page for Prometheus. It is long where there are many streams: one is made at a time, and kept within the budget.
    async fn metrics(&self) -> (Reply, Guards) {
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

    fn row(&self, room: Room, operation: Option<&str>) -> &Row {
        self.watch.row(room.service().signing_name, operation)
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
        let permit = permit.ok_or_else(overloaded)?;
        let input = structure(protocol.parse(&body.bytes)?)?;
        let operation = operation.ok_or_else(AwsError::unknown_operation)?;
        let caller = query::caller(&self.identity, head)?;

        let reply = match self.kinesis.call_in(protocol, &caller, operation, input).await? {
            Response::Answer(answer) => Reply::from(answer),
            Response::Events(subscription) => Reply::events(subscription),
        };
        drop(body.permit);
        let permit = kept(permit, &reply);
        Ok((reply, permit))
    }

    /// The same of the rooms whose bodies may come compressed.
    async fn room(
        &self,
        head: &Parts,
        room: Room,
        protocol: Protocol,
        operation: Option<&str>,
        body: Body,
    ) -> Result<(Reply, Permit), AwsError> {
        fits(room, body.bytes.len())?;
        let body = self.unpacked(head, body).await?;
        let permit = self.answers.take(operation.map_or(0, answer_bytes_max)).await;
        let permit = permit.ok_or_else(overloaded)?;
        let input = structure(protocol.parse(&body.bytes)?)?;
        let operation = operation.ok_or_else(AwsError::unknown_operation)?;
        let caller = query::caller(&self.identity, head)?;

        let answer = self.ask(room, protocol, &caller, operation, input).await?;
        drop(body.permit);
        let reply = Reply::from(answer);
        let permit = kept(permit, &reply);
        Ok((reply, permit))
    }

    /// Answers a form, from the body or else from the URL. Who is meant is told first: it says how errors are said.
    async fn form<'s>(
        &'s self,
        head: &Parts,
        body: Body,
        id: &RequestId,
        row: &mut Option<&'s Row>,
    ) -> Result<(Reply, Option<Permit>), (AwsError, Voice)> {
        let (sent_bytes, voice) = (body.bytes.len(), Voice::OF_FORMS);
        let body = self.unpacked(head, body).await.map_err(|error| (error, voice))?;
        let text = query::text(head, &body.bytes);
        let call = Call::read(&self.identity, head, text).map_err(|error| (error, voice))?;
        let voice = call.called.voice();
        *row = match call.called {
            Called::Room(room) => Some(self.row(room, call.form.action().ok())),
            Called::Sts => Some(self.watch.row(STS.signing_name, call.form.action().ok())),
            Called::Other | Called::Nobody => None,
        };
        let answered = match call.called {
            Called::Nobody => Ok((no_operation(), None)),
            Called::Other => Err(call.caller.err().unwrap_or_else(|| call.form.unknown_action())),
            Called::Sts => call
                .caller
                .and_then(|caller| sts::call(&caller, &call.form, id.uuid()))
                .map(|answer| (Reply::from(answer), None)),
            Called::Room(room) => match fits(room, sent_bytes) {
                Ok(()) => self.query(room, call, text, id).await.map(with_permit),
                Err(error) => Err(error),
            },
        };
        answered.map_err(|error| (error, voice))
    }

    /// A call of a room in the form `text`: who calls, is there such an operation, can it be read.
    async fn query(
        &self,
        room: Room,
        call: Call<'_>,
        text: &[u8],
        id: &RequestId,
    ) -> Result<(Reply, Permit), AwsError> {
        let (form, service) = (&call.form, room.service());
        let caller = call.caller_of(room)?;
        let action = form.action()?;
        let is_other = form.version().is_some_and(|version| version != service.version);
        if is_other || !room.knows(action) {
            return Err(form.unknown_action());
        }
        let permit = self.answers.take(answer_bytes_max(action)).await.ok_or_else(overloaded)?;
        let input = Protocol::Query.parse(text)?;

        let answer = match caller {
            Some(caller) => self.ask(room, Protocol::Query, caller, action, input).await?,
            None => self.sns.call_unsigned(Protocol::Query, action, input).await?,
        };
        let namespace = service.xml_namespace;
        let reply = Reply::from(xml::response(action, namespace, id.uuid(), &answer));
        let permit = kept(permit, &reply);
        Ok((reply, permit))
    }

    /// What a room that answers at once says.
    async fn ask(
        &self,
        room: Room,
        protocol: Protocol,
        caller: &Caller,
        operation: &str,
        input: Value<'_>,
    ) -> Result<Answer, AwsError> {
        match room {
            Room::CloudWatch => self.cloudwatch.call(protocol, caller, operation, input).await,
            Room::Sns => self.sns.call(protocol, caller, operation, input).await,
            Room::Kinesis => Err(AwsError::unknown_operation()), // it may answer with events, in a way of its own
        }
    }

    /// The body without its compression.
    async fn unpacked(&self, head: &Parts, body: Body) -> Result<Body, AwsError> {
        let encoding = head.headers.get(CONTENT_ENCODING).map(|value| value.to_str());
        match encoding {
            None | Some(Ok("" | "identity")) => Ok(body),
            Some(Ok(encoding)) if encoding.eq_ignore_ascii_case("gzip") => {
                let unpacked = body::unpacked(body, &self.requests, &self.limits).await;
                unpacked.map_err(|error| match error {
                    BodyError::TooLong => too_large(format!(
                        "Request size exceeded {} bytes after decompression",
                        self.limits.body_bytes_max
                    )),
                    BodyError::Overloaded => overloaded(),
                    BodyError::Garbled | BodyError::TooSlow | BodyError::CutShort => {
                        AwsError::serialization(None)
                    }
                })
            }
            Some(_) => {
                let message = "Content-Encoding is neither gzip nor identity";
                Err(AwsError::serialization(Some(message.to_owned())))
            }
        }
    }
}

/// Bodies of every protocol are structures.
fn structure(value: Value<'_>) -> Result<Value<'_>, AwsError> {
    match value {
        Value::Map(_) => Ok(value),
        _ => Err(AwsError::serialization(None)),
    }
}

/// What of an answer's permit stays until the answer has gone; the rest goes back.
fn kept(mut permit: Permit, reply: &Reply) -> Permit {
    let kept = permit.split(reply.body.len().min(permit.num_permits()));
    kept.unwrap_or(permit)
}

fn with_permit((reply, permit): (Reply, Permit)) -> (Reply, Option<Permit>) {
    (reply, Some(permit))
}

/// Whether a body as it was sent is one that AWS takes.
fn fits(room: Room, bytes: usize) -> Result<(), AwsError> {
    if room == Room::CloudWatch && bytes > METRIC_BODY_BYTES_MAX {
        let message = format!("Request size {bytes} exceeded {METRIC_BODY_BYTES_MAX} bytes");
        return Err(too_large(message));
    }
    Ok(())
}

fn too_large(message: String) -> AwsError {
    AwsError::new("RequestEntityTooLarge", StatusCode::PAYLOAD_TOO_LARGE.as_u16(), Some(message))
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
        "ListStreams" | "GetMetricStatistics" => 1 << 20,
        "GetMetricData" => 8 << 20, // 100,800 points in XML
        "ListMetrics" => 20 << 20,  // 500 of 30 long dimensions
        "DescribeAlarms" | "DescribeAlarmsForMetric" => 12 << 20, // 100 of the longest
        "DescribeAlarmHistory" => 4 << 20,
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
