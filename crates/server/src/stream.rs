//! A connection's bytes with deadlines: how long a head may take, how long a connection may idle, how long a client
//! may take nothing of what is written to it, and how slowly an answer.
//!
//! The deadlines stand here and not in hyper because hyper's one timer for heads also runs while a kept-alive connection
//! idles, and it has none for writing. A timer is touched only when a read or write has to wait, and then re-used:
//! a connection that answers thousands of requests a second arms it once in a while.
//! The body's least rate is [`crate::body`]'s.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::Notify,
    time::{Instant, Sleep, sleep_until},
};

use crate::{
    budget::{AnswerBudget, Sent},
    limits::{Limits, PRESSED_BYTES_PER_SECOND_MIN, PRESSED_GRACE},
};

/// The first bytes of every HTTP/2 client, and of nobody else.
const PREFACE: [u8; 24] = *b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoken {
    Http1,
    Http2,
}

/// What a connection is doing, told by the service to the stream below it.
#[derive(Debug)]
pub(crate) struct Activity {
    requests: AtomicU32,
    in_request: AtomicU32,
    /// Answers that go on.
    pushing: AtomicU32,
    /// That bytes that come now belong to a request that has begun.
    in_body: AtomicBool,
    untaken: Mutex<Vec<Deadlines>>,
    answers: AtomicU32,
    budget: AnswerBudget,
    idled: Notify,
}

/// When an answer that is not written whole must be, at the latest and while others wait for room.
#[derive(Debug, Clone, Copy)]
struct Deadlines {
    number: u32,
    sent: Sent,
    latest: Instant,
    pressed: Instant,
}

impl Activity {
    pub(crate) fn new(budget: AnswerBudget) -> Activity {
        Activity {
            requests: AtomicU32::new(0),
            in_request: AtomicU32::new(0),
            pushing: AtomicU32::new(0),
            in_body: AtomicBool::new(false),
            untaken: Mutex::default(),
            answers: AtomicU32::new(0),
            budget,
            idled: Notify::new(),
        }
    }

    /// The head of a request has arrived; the request is over when the answer drops.
    pub(crate) fn begin(self: &Arc<Activity>) -> InRequest {
        self.in_body.store(true, Relaxed);
        self.in_request.fetch_add(1, Relaxed);
        self.requests.fetch_add(1, Relaxed);
        InRequest(Arc::clone(self))
    }

    /// An answer of so many bytes is there for the client to take, until what this gives drops.
    pub(crate) fn answered(self: &Arc<Activity>, bytes: usize, limits: &Limits) -> Untaken {
        let time_max = limits.answer_grace + time_for(bytes, limits.answer_bytes_per_second_min);
        self.untaken(Sent::Answer, bytes, time_max)
    }

    /// The same of a message of an answer that goes on: its client may read on when it has worked through the last one.
    pub(crate) fn pushed(self: &Arc<Activity>, bytes: usize, limits: &Limits) -> Untaken {
        self.untaken(Sent::Event, bytes, limits.event_time_max)
    }

    fn untaken(self: &Arc<Activity>, sent: Sent, bytes: usize, time_max: Duration) -> Untaken {
        let now = Instant::now();
        let pressed = now + PRESSED_GRACE + time_for(bytes, PRESSED_BYTES_PER_SECOND_MIN);
        let number = self.answers.fetch_add(1, Relaxed);
        self.untaken.lock().push(Deadlines { number, sent, latest: now + time_max, pressed });
        Untaken { activity: Arc::clone(self), number }
    }

    /// An answer begins that goes on, until what this gives drops: a client may take its time with it.
    pub(crate) fn push(self: &Arc<Activity>) -> Pushing {
        self.pushing.fetch_add(1, Relaxed);
        Pushing(Arc::clone(self))
    }

    /// The request's body has been read, or will not be: what comes now is the next request's.
    pub(crate) fn has_arrived(&self) {
        self.in_body.store(false, Relaxed);
    }

    /// Rings when an HTTP/2 connection has had no request for too long and should say farewell.
    pub(crate) async fn idled(&self) {
        self.idled.notified().await;
    }

    fn is_in_request(&self) -> bool {
        self.in_request.load(Relaxed) > 0
    }

    /// When to look at the answers again that are not taken; at once if one must be given up.
    fn answers_due(&self) -> Option<Instant> {
        const AGAIN: Duration = Duration::from_secs(1);
        let untaken = self.untaken.lock();
        if untaken.is_empty() {
            return None;
        }
        let now = Instant::now();
        let due = |&Deadlines { sent, latest, pressed, .. }: &Deadlines| match pressed <= now
            && !self.budget.is_pressed(sent)
        {
            true => latest.min(now + AGAIN),
            false => latest.min(pressed),
        };
        untaken.iter().map(due).min()
    }
}

fn time_for(bytes: usize, bytes_per_second: u32) -> Duration {
    Duration::from_secs_f64(bytes as f64 / f64::from(bytes_per_second.max(1)))
}

/// Held while an answer goes on.
#[derive(Debug)]
pub(crate) struct Pushing(Arc<Activity>);

impl Drop for Pushing {
    fn drop(&mut self) {
        self.0.pushing.fetch_sub(1, Relaxed);
    }
}

/// Held from a request's head to its answer.
#[derive(Debug)]
pub(crate) struct InRequest(Arc<Activity>);

impl Drop for InRequest {
    fn drop(&mut self) {
        self.0.in_request.fetch_sub(1, Relaxed);
    }
}

/// Held from an answer's making until the client has taken it.
#[derive(Debug)]
pub(crate) struct Untaken {
    activity: Arc<Activity>,
    number: u32,
}

impl Drop for Untaken {
    fn drop(&mut self) {
        self.activity.untaken.lock().retain(|answer| answer.number != self.number);
    }
}

/// What a read waits for, when no request is being served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    Head,
    Idle,
}

/// A TCP stream with deadlines.
#[derive(Debug)]
pub(crate) struct TimedStream {
    stream: TcpStream,
    activity: Arc<Activity>,
    head_time_max: Duration,
    idle_time_max: Duration,
    write_stall_max: Duration,
    spoken: Option<Spoken>,
    /// What was read to learn what is spoken, and how much of it has been given on.
    first_bytes: [u8; PREFACE.len()],
    first_filled: usize,
    first_given: usize,
    /// The number of requests begun when a byte of the next head was read.
    head_begun_after: u32,
    /// What the last waiting read waited for: after how many requests, for what, since when.
    waiting: Option<(u32, Waiting, Instant)>,
    /// That an idle HTTP/2 connection's end has been asked for.
    farewell: bool,
    read_timer: Option<Pin<Box<Sleep>>>,
    /// Since when nothing has been taken of what is written.
    write_waits: Option<Instant>,
    write_timer: Option<Pin<Box<Sleep>>>,
}

impl TimedStream {
    pub(crate) fn new(stream: TcpStream, activity: Arc<Activity>, limits: &Limits) -> TimedStream {
        TimedStream {
            stream,
            activity,
            head_time_max: limits.head_time_max,
            idle_time_max: limits.idle_time_max,
            write_stall_max: limits.write_stall_max,
            spoken: None,
            first_bytes: [0; PREFACE.len()],
            first_filled: 0,
            first_given: 0,
            head_begun_after: 0, // a new connection owes its first head from the start
            waiting: None,
            farewell: false,
            read_timer: None,
            write_waits: None,
            write_timer: None,
        }
    }

    /// Reads until it is clear what the client speaks; what was read is read again by whoever serves it.
    pub(crate) async fn spoken(&mut self) -> io::Result<Spoken> {
        std::future::poll_fn(|cx| self.poll_spoken(cx)).await
    }

    fn poll_spoken(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Spoken>> {
        loop {
            let filled = self.first_filled;
            let spoken = match PREFACE.starts_with(&self.first_bytes[..filled]) {
                false => Spoken::Http1,
                true if filled == PREFACE.len() => Spoken::Http2,
                true => {
                    let mut bytes = self.first_bytes;
                    let mut buf = ReadBuf::new(&mut bytes[filled..]);
                    ready!(self.poll_socket(cx, &mut buf))?;
                    if buf.filled().is_empty() {
                        return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                    }
                    self.first_filled += buf.filled().len();
                    self.first_bytes = bytes;
                    continue;
                }
            };
            self.spoken = Some(spoken);
            return Poll::Ready(Ok(spoken));
        }
    }

    fn poll_socket(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        if let Poll::Ready(result) = Pin::new(&mut self.stream).poll_read(cx, buf) {
            let activity = &self.activity;
            // What comes with the end of a body in one read is not seen: that head may take as long as an idle client.
            let next_head = !activity.is_in_request() || !activity.in_body.load(Relaxed);
            if buf.filled().len() > before && next_head {
                self.head_begun_after = self.activity.requests.load(Relaxed);
            }
            return Poll::Ready(result);
        }
        self.poll_read_deadline(cx)
    }

    /// Called when a read has to wait: pending until the deadline of what it waits for.
    fn poll_read_deadline(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let answers_due = self.activity.answers_due();
            // A client that is taking an answer does not idle.
            let waiting = match answers_due {
                None => self.waiting(),
                Some(_) => {
                    self.waiting = None;
                    None
                }
            };
            let waiting_due = waiting.map(|(_, deadline)| deadline);
            let Some(deadline) = answers_due.into_iter().chain(waiting_due).min() else {
                return Poll::Pending;
            };
            let now = Instant::now();
            if answers_due.is_some_and(|due| due <= now) {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            let timer = self.read_timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            if timer.deadline() > deadline {
                timer.as_mut().reset(deadline);
            }
            // A timer that was armed for an earlier wait may ring too soon: arm it again.
            while timer.as_mut().poll_ready(cx) {
                if Instant::now() >= deadline {
                    break;
                }
                timer.as_mut().reset(deadline);
            }
            if Instant::now() < deadline {
                return Poll::Pending;
            }
            match waiting {
                _ if waiting_due != Some(deadline) => {} // the answers are looked at again
                Some((Waiting::Idle, _))
                    if self.spoken == Some(Spoken::Http2) && !self.farewell =>
                {
                    self.farewell = true;
                    self.waiting = None;
                    self.activity.idled.notify_one();
                }
                Some((Waiting::Idle, _)) => return Poll::Ready(Ok(())), // as if the client had closed
                _ => return Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            }
        }
    }

    /// What is waited for and until when, if no request is being served.
    fn waiting(&mut self) -> Option<(Waiting, Instant)> {
        if self.activity.is_in_request() {
            return None;
        }
        let requests = self.activity.requests.load(Relaxed);
        // In HTTP/2 bytes come that belong to no head.
        let head = self.spoken != Some(Spoken::Http2) && self.head_begun_after == requests;
        let waiting = if head { Waiting::Head } else { Waiting::Idle };
        let since = match self.waiting {
            Some((after, what, since)) if after == requests && what == waiting => since,
            _ => Instant::now(),
        };
        self.waiting = Some((requests, waiting, since));
        let time = match waiting {
            Waiting::Idle if !self.farewell => self.idle_time_max,
            Waiting::Head | Waiting::Idle => self.head_time_max,
        };
        Some((waiting, since + time))
    }

    /// Passes on what a write said; one that waits is pending until the client has taken nothing for too long, or an
    /// answer too slowly.
    fn watch_write<T>(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            (self.write_waits, self.write_timer) = (None, None);
            return polled;
        }
        let waits_since = *self.write_waits.get_or_insert_with(Instant::now);
        loop {
            // Of an answer that goes on, the deadlines of its messages say how long they may lie.
            let is_pushing = self.activity.pushing.load(Relaxed) > 0;
            let stalled = (!is_pushing).then_some(waits_since + self.write_stall_max);
            let due = self.activity.answers_due().into_iter().chain(stalled).min();
            let Some(due) = due else { return Poll::Pending };
            if due <= Instant::now() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            let timer = self.write_timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
            if timer.deadline() > due {
                timer.as_mut().reset(due);
            }
            if !timer.as_mut().poll_ready(cx) {
                return Poll::Pending;
            }
            self.write_timer = None; // it rang: look again
        }
    }
}

trait PollReady {
    fn poll_ready(self, cx: &mut Context<'_>) -> bool;
}

impl PollReady for Pin<&mut Sleep> {
    fn poll_ready(self, cx: &mut Context<'_>) -> bool {
        Future::poll(self, cx).is_ready()
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let first = &self.first_bytes[self.first_given..self.first_filled];
        if first.is_empty() {
            return self.poll_socket(cx, buf);
        }
        let given = first.len().min(buf.remaining());
        buf.put_slice(&first[..given]);
        self.first_given += given;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch_write(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch_write(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        Poll::Ready(Ok(()))
    }
}
