//! Every limit of the way in, with its name.
//!
//! Together they bound the memory that clients can make this process hold: `connections_max` read buffers (in HTTP/2 a
//! connection's window), `requests_max` heads, `request_bytes_max` and
//! `small_request_bytes_max` of bodies, `answer_bytes_max` and `small_answer_bytes_max` of answers, `event_bytes_max` of
//! what is pushed.

use std::time::Duration;

/// What one server allows. [`Limits::default`] is the product; tests make some of them small.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections; more wait in the kernel's backlog.
    pub connections_max: u32,
    /// Requests served at once, all connections together; HTTP/2 has many on one. More are answered 503.
    pub requests_max: u32,
    /// Requests that one HTTP/2 connection may have open; its client waits with more.
    pub streams_max: u32,
    /// From the first byte of a head (or the accept) to its last.
    pub head_time_max: Duration,
    /// How long a connection may stay open between two requests.
    pub idle_time_max: Duration,
    /// How long a client may take none of the bytes that wait for it.
    pub write_stall_max: Duration,
    /// An answer may take this long to be taken, plus what its bytes take at
    /// [`Limits::answer_bytes_per_second_min`].
    pub answer_grace: Duration,
    /// Slowest taking of an answer that is borne, after the grace.
    pub answer_bytes_per_second_min: u32,
    /// Longest body. A PutRecords of 10 MiB in base64 with escaped keys stays below.
    pub body_bytes_max: usize,
    /// A body may take this long, plus what its bytes take at [`Limits::body_bytes_per_second_min`].
    pub body_grace: Duration,
    /// Slowest body that is waited for, after the grace.
    pub body_bytes_per_second_min: u32,
    /// Large bodies held at once, all connections together.
    pub request_bytes_max: u32,
    /// The same of bodies up to 64 KiB, which so wait for no large one.
    pub small_request_bytes_max: u32,
    /// Answers held at once until they are written, all connections together.
    pub answer_bytes_max: u32,
    /// The same of operations whose answers are small.
    pub small_answer_bytes_max: u32,
    /// Messages of answers that go on, held at once until they are written.
    pub event_bytes_max: u32,
    /// How long a client may take for one of those, if nobody waits for its room: as long as it may go on with.
    pub event_time_max: Duration,
    /// How long a request waits for its share of the two budgets before it is answered 503.
    pub budget_wait_max: Duration,
    /// After a stop: how long a request that is still arriving is waited for.
    pub drain_arriving: Duration,
    /// After a stop: how long requests that have arrived may take to be answered.
    pub drain_answering: Duration,
}

impl Limits {
    /// With no more connections than leave enough of so many file descriptors to the data directory.
    pub fn within_descriptors(mut self, descriptors: u64) -> Limits {
        const FILES: u64 = 256;
        const CONNECTIONS_MIN: u32 = 16;
        let connections = u32::try_from(descriptors.saturating_sub(FILES)).unwrap_or(u32::MAX);
        self.connections_max = self.connections_max.min(connections.max(CONNECTIONS_MIN));
        self
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections_max: 4096,
            requests_max: 16_384,
            streams_max: 256,
            head_time_max: Duration::from_secs(20),
            idle_time_max: Duration::from_secs(360),
            write_stall_max: Duration::from_secs(30),
            answer_grace: Duration::from_secs(30),
            answer_bytes_per_second_min: 64 << 10,
            body_bytes_max: 16 << 20,
            body_grace: Duration::from_secs(20),
            body_bytes_per_second_min: 64 << 10,
            request_bytes_max: 256 << 20,
            small_request_bytes_max: 64 << 20,
            answer_bytes_max: 256 << 20,
            small_answer_bytes_max: 64 << 20,
            event_bytes_max: 128 << 20,
            event_time_max: Duration::from_secs(330),
            budget_wait_max: Duration::from_secs(10),
            drain_arriving: Duration::from_millis(300),
            drain_answering: Duration::from_secs(10),
        }
    }
}

/// Connections that the kernel holds for us until we accept them.
pub(crate) const BACKLOG: u32 = 1024;
/// Longest head; a longer one is answered 431. Also the most that a connection buffers unread.
pub(crate) const HEAD_BYTES_MAX: usize = 128 << 10;
/// Longest head in HTTP/2, as its standard counts: every connection may have many.
pub(crate) const HTTP2_HEAD_BYTES_MAX: u32 = 32 << 10;
/// What an HTTP/2 client may send of one body before we have read it.
pub(crate) const STREAM_WINDOW_BYTES: u32 = 128 << 10;
/// The same of all its bodies: a connection's read buffer.
pub(crate) const CONNECTION_WINDOW_BYTES: u32 = 256 << 10;
/// The longest piece of a body in HTTP/2: fewer and longer ones cost less.
pub(crate) const FRAME_BYTES_MAX: u32 = 64 << 10;
/// An HTTP/2 client that is silent is asked at this interval whether it is there.
pub(crate) const PING_INTERVAL: Duration = Duration::from_secs(30);
/// How long it may take to say so.
pub(crate) const PING_TIME_MAX: Duration = Duration::from_secs(20);
/// A body up to here is a small one.
pub(crate) const SMALL_BODY_BYTES_MAX: usize = 64 << 10;
/// Longest body of CloudWatch as it is sent, compressed or not: AWS's 1 MB.
pub(crate) const METRIC_BODY_BYTES_MAX: usize = 1 << 20;
/// Room for the first bytes of a body that does not come in one piece.
pub(crate) const FIRST_ROOM_BYTES: usize = 4 << 10;
/// Room for a body that is not small any more: most bodies then need no more.
pub(crate) const LARGE_ROOM_BYTES_MIN: usize = 1 << 20;
/// Large bodies that may grow to their end though [`Limits::request_bytes_max`] is taken.
pub(crate) const FINISHERS: usize = 2;
/// An operation whose answers stay below this takes from the budget of the small ones.
pub(crate) const SMALL_ANSWER_BYTES_MAX: usize = 128 << 10;
/// Somebody who has waited for room for this long makes those hurry who hold it.
pub(crate) const PRESSED_AFTER: Duration = Duration::from_secs(1);
/// [`Limits::answer_grace`] for those.
pub(crate) const PRESSED_GRACE: Duration = Duration::from_secs(1);
/// [`Limits::answer_bytes_per_second_min`] for those.
pub(crate) const PRESSED_BYTES_PER_SECOND_MIN: u32 = 4 << 20;
/// Bytes of a refused body that are read and thrown away, so that the client gets to read its answer.
pub(crate) const DISCARD_BYTES_MAX: usize = 64 << 20;
/// Time for the same.
pub(crate) const DISCARD_TIME_MAX: Duration = Duration::from_secs(5);
/// After a stop: how long an idle connection stays open, in case a request is on its way already.
pub(crate) const DRAIN_IDLE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_files() {
        let connections =
            |descriptors| Limits::default().within_descriptors(descriptors).connections_max;
        assert_eq!((connections(65_536), connections(1024), connections(100)), (4096, 768, 16));
    }
}
