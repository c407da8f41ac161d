//! The way of a call from its body to the room that answers it, in AWS's order: can it be read, is there such an
//! operation, who calls, and only then the operation. The room for the answer is taken before anything is parsed.

use hyper::{StatusCode, header::CONTENT_ENCODING, http::request::Parts};
use nautilus_identity::{Caller, sts};
use nautilus_kinesis::Response;
use nautilus_wire::{Answer, AwsError, Protocol, Value, query as xml};

use crate::{
    body::{self, Body, BodyError},
    budget::Permit,
    limits::{METRIC_BODY_BYTES_MAX, SMALL_ANSWER_BYTES_MAX},
    query::{self, Call, Called},
    reply::{Reply, Voice},
    request_id::RequestId,
    rooms::{Room, STS},
    route::no_operation,
    service::{Service, overloaded},
    watch::Row,
};

impl Service {
    /// A call of Kinesis, which may answer with events.
    pub(crate) async fn kinesis(
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

    /// A call of the rooms whose bodies may come compressed.
    pub(crate) async fn room(
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
    pub(crate) async fn form<'s>(
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

pub(crate) fn with_permit((reply, permit): (Reply, Permit)) -> (Reply, Option<Permit>) {
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

pub(crate) fn too_large(message: String) -> AwsError {
    AwsError::new("RequestEntityTooLarge", StatusCode::PAYLOAD_TOO_LARGE.as_u16(), Some(message))
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
