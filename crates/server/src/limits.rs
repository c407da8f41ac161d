//! Every limit of the way in, with its name.
//!
//! Together they bound the memory that clients can make this process hold:
//! `connections_max` read buffers, `request_bytes_max` of bodies and `answer_bytes_max` of answers.

use std::time::Duration;

/// What one server allows. [`Limits::default`] is the product; tests make some of them small.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections; more wait in the kernel's backlog.
    pub connections_max: u32,
    /// From the first byte of a head (or the accept) to its last.
    pub head_time_max: Duration,
    /// How long a connection may stay open between two requests.
    pub idle_time_max: Duration,
    /// How long a client may take none of the bytes that wait for it.
    pub write_stall_max: Duration,
    /// Longest body. A PutRecords of 10 MiB in base64 with escaped keys stays below.
    pub body_bytes_max: usize,
    /// A body may take this long, plus what its bytes take at [`Limits::body_bytes_per_second_min`].
    pub body_grace: Duration,
    /// Slowest body that is waited for, after the grace.
    pub body_bytes_per_second_min: u32,
    /// Bodies held at once, all connections together.
    pub request_bytes_max: u32,
    /// Answers held at once until they are written, all connections together.
    pub answer_bytes_max: u32,
    /// How long a request waits for its share of the two budgets before it is answered 503.
    pub budget_wait_max: Duration,
    /// After a stop: how long a request that is still arriving is waited for.
    pub drain_arriving: Duration,
    /// After a stop: how long requests that have arrived may take to be answered.
    pub drain_answering: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections_max: 4096,
            head_time_max: Duration::from_secs(20),
            idle_time_max: Duration::from_secs(360),
            write_stall_max: Duration::from_secs(30),
            body_bytes_max: 16 << 20,
            body_grace: Duration::from_secs(20),
            body_bytes_per_second_min: 64 << 10,
            request_bytes_max: 256 << 20,
            answer_bytes_max: 256 << 20,
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
/// How a body of unknown length takes its permits.
pub(crate) const CHUNKED_STEP_BYTES: usize = 64 << 10;
/// Bytes of a refused body that are read and thrown away, so that the client gets to read its answer.
pub(crate) const DISCARD_BYTES_MAX: usize = 64 << 20;
/// Time for the same.
pub(crate) const DISCARD_TIME_MAX: Duration = Duration::from_secs(5);
/// After a stop: how long an idle connection stays open, in case a request is on its way already.
pub(crate) const DRAIN_IDLE: Duration = Duration::from_millis(100);
