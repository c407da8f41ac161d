//! `/metrics`: what the server says of itself to Prometheus, in its text format.
//!
//! Everything that is counted on the way of a request is an atomic; what is costly is done when somebody asks, on a thread
//! of its own and for one at a time. The number of series is bounded: operations are a fixed table, streams are limited by
//! quotas, shards are told only while enhanced monitoring is on, and of all of these CloudWatch keeps no more than its
//! limit. A page waits for room as any long answer does.

mod journal;
mod kinesis;
mod process;
mod rooms;
mod served;
mod text;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use nautilus_cloudwatch::CloudWatch;
use nautilus_kinesis::Kinesis;
use nautilus_log::{Clock, Journal, ProcessFigures};
use nautilus_sns::Sns;
use tokio::{
    runtime::Handle,
    sync::{Semaphore, SemaphorePermit},
    task::spawn_blocking,
    time::timeout,
};

pub(crate) use self::served::Row;
use self::{
    served::Served,
    text::{Kind, Text},
};
use crate::{
    budget::{AnswerBudget, BodyBudget},
    limits::Limits,
    rooms::{Room, STS},
};

/// The path that Prometheus asks for.
const PATH: &str = "/metrics";

/// What is counted on the way, and where the rest is known.
pub(crate) struct Watch {
    served: Served,
    journal: Journal,
    connections: AtomicUsize,
    connections_max: u32,
    clock: Arc<dyn Clock>,
    started_ms: u64,
    /// One page at a time is made.
    turn: Semaphore,
}

/// An open connection.
pub(crate) struct Connected<'a>(&'a AtomicUsize);

impl Drop for Connected<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// What a page is made of beside what the [`Watch`] has.
pub(crate) struct Seen<'a> {
    pub(crate) kinesis: &'a Kinesis,
    pub(crate) cloudwatch: &'a CloudWatch,
    pub(crate) sns: &'a Sns,
    pub(crate) in_flight: usize,
    pub(crate) requests: &'a BodyBudget,
    pub(crate) answers: &'a AnswerBudget,
}

impl Watch {
    /// The type of a page.
    pub(crate) const CONTENT_TYPE: &str = Text::CONTENT_TYPE;

    pub(crate) fn new(journal: Journal, limits: &Limits, clock: &Arc<dyn Clock>) -> Watch {
        let kinesis = nautilus_kinesis::operations().into_iter().map(|it| it.name).collect();
        let name = |room: Room| room.service().signing_name;
        Watch {
            served: Served::new(&[
                (name(Room::Kinesis), kinesis),
                (name(Room::CloudWatch), CloudWatch::operations()),
                (name(Room::Sns), Sns::operations()),
                (STS.signing_name, vec!["GetCallerIdentity"]),
            ]),
            journal,
            connections: AtomicUsize::new(0),
            connections_max: limits.connections_max,
            clock: Arc::clone(clock),
            started_ms: clock.wall_ms(),
            turn: Semaphore::new(1),
        }
    }

    /// Where a request to an operation of a service is counted.
    pub(crate) fn row(&self, service: &str, operation: Option<&str>) -> &Row {
        self.served.row(service, operation.unwrap_or(""))
    }

    /// Counts a connection as open until the answer drops.
    pub(crate) fn connected(&self) -> Connected<'_> {
        self.connections.fetch_add(1, Relaxed);
        Connected(&self.connections)
    }

    /// Counts an answer by its status.
    pub(crate) fn answered(&self, status: u16) {
        self.served.answered(status);
    }

    /// For durations.
    pub(crate) fn now_us(&self) -> u64 {
        self.clock.monotonic_us()
    }

    /// Whether a path is the page's.
    pub(crate) fn is_asked(path: &str) -> bool {
        path == PATH
    }

    /// The right to make a page and to find room for it; none if others keep it for too long.
    pub(crate) async fn turn(&self, wait_max: Duration) -> Option<SemaphorePermit<'_>> {
        timeout(wait_max, self.turn.acquire()).await.ok()?.ok()
    }

    /// The whole page.
    pub(crate) async fn page(&self, seen: Seen<'_>) -> String {
        let mut text = Text::default();
        self.tell(&mut text, &seen);
        let (journal, started_ms) = (self.journal.clone(), self.started_ms);
        let (kinesis, cloudwatch, sns) =
            (seen.kinesis.clone(), seen.cloudwatch.clone(), seen.sns.clone());
        let runtime = Handle::current();
        let told = spawn_blocking(move || {
            // To collect from many shards takes a while, and no other request's worker is to wait for that.
            if let Err(error) = runtime.block_on(cloudwatch.refresh()) {
                tracing::warn!(%error, "the newest counts of the streams cannot be told");
            }
            process::tell(&mut text, &ProcessFigures::look(), started_ms);
            journal::tell(&mut text, &journal.stats());
            rooms::tell_kinesis(&mut text, &kinesis.figures());
            rooms::tell_cloudwatch(&mut text, &cloudwatch.figures());
            rooms::tell_sns(&mut text, &sns.figures());
            kinesis::tell(&mut text, &cloudwatch.totals());
            text.finish()
        });
        told.await.unwrap_or_default() // only a runtime that ends does not do it
    }

    /// What the server itself knows.
    fn tell(&self, text: &mut Text, seen: &Seen<'_>) {
        text.family("nautilus_build_info", Kind::Gauge, "Which Nautilus this is; always 1.");
        text.sample("nautilus_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
        for (name, help, value) in [
            (
                "nautilus_http_connections",
                "Connections that are open.",
                self.connections.load(Relaxed),
            ),
            (
                "nautilus_http_connections_limit",
                "Connections that may be open.",
                self.connections_max as usize,
            ),
            (
                "nautilus_http_requests_in_flight",
                "Requests that are being answered.",
                seen.in_flight,
            ),
        ] {
            text.single(name, Kind::Gauge, help, value as f64);
        }
        let held = seen.requests.held().into_iter().chain(seen.answers.held());
        let held: Vec<_> = held.collect();
        let name = "nautilus_http_held_bytes";
        text.family(name, Kind::Gauge, "Bytes of memory that requests and answers hold.");
        for (of, held) in &held {
            text.sample(name, &[("of", of)], held.bytes as f64);
        }
        let name = "nautilus_http_held_limit_bytes";
        text.family(name, Kind::Gauge, "The most that they may hold; who needs more waits.");
        for (of, held) in &held {
            text.sample(name, &[("of", of)], held.bytes_max as f64);
        }
        self.served.tell(text);
    }
}
