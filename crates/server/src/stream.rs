//! A connection's bytes with deadlines: how long a head may take, how long a connection may idle, how long a client
//! may take nothing of what is written to it.
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

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};

use crate::limits::Limits;

/// What a connection is doing, told by the service to the stream below it. Both run in one task.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    requests: AtomicU32,
    in_request: AtomicBool,
}

impl Activity {
    /// The head of a request has arrived; the request is over when the answer drops.
    pub(crate) fn begin(self: &Arc<Activity>) -> InRequest {
        self.requests.fetch_add(1, Relaxed);
        self.in_request.store(true, Relaxed);
        InRequest(Arc::clone(self))
    }
}

/// Held from a request's head to its answer.
#[derive(Debug)]
pub(crate) struct InRequest(Arc<Activity>);

impl Drop for InRequest {
    fn drop(&mut self) {
        self.0.in_request.store(false, Relaxed);
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
    /// The number of requests begun when a byte of the next head was read.
    head_begun_after: u32,
    /// What the last waiting read waited for: after how many requests, for what, since when.
    waiting: Option<(u32, Waiting, Instant)>,
    read_timer: Option<Pin<Box<Sleep>>>,
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
            head_begun_after: 0, // a new connection owes its first head from the start
            waiting: None,
            read_timer: None,
            write_timer: None,
        }
    }

    /// Called when a read has to wait: pending until the deadline of what it waits for.
    fn poll_read_deadline(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.activity.in_request.load(Relaxed) {
            return Poll::Pending;
        }
        let requests = self.activity.requests.load(Relaxed);
        let waiting = if self.head_begun_after == requests { Waiting::Head } else { Waiting::Idle };
        let since = match self.waiting {
            Some((after, what, since)) if after == requests && what == waiting => since,
            _ => Instant::now(),
        };
        self.waiting = Some((requests, waiting, since));
        let deadline = match waiting {
            Waiting::Head => since + self.head_time_max,
            Waiting::Idle => since + self.idle_time_max,
        };

        let timer = self.read_timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        // A timer that was armed for an earlier wait may ring too soon: arm it again.
        while timer.as_mut().poll_ready(cx) {
            if Instant::now() >= deadline {
                return Poll::Ready(match waiting {
                    Waiting::Head => Err(io::ErrorKind::TimedOut.into()),
                    Waiting::Idle => Ok(()), // as if the client had closed
                });
            }
            timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }

    /// Passes on what a write said; one that waits is pending until the client has taken nothing for too long.
    fn watch_write<T>(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.write_timer = None;
            return polled;
        }
        let stall_max = self.write_stall_max;
        let timer = self.write_timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(stall_max)));
        if timer.as_mut().poll_ready(cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
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
        let before = buf.filled().len();
        if let Poll::Ready(result) = Pin::new(&mut self.stream).poll_read(cx, buf) {
            let activity = &self.activity;
            if buf.filled().len() > before && !activity.in_request.load(Relaxed) {
                self.head_begun_after = activity.requests.load(Relaxed);
            }
            return Poll::Ready(result);
        }
        self.poll_read_deadline(cx)
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
