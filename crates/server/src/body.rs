//! Reading a request's body into one piece of memory, with permission first.
//!
//! Always: no byte is buffered before the budget has given a permit for it, and the permit lives as long as the bytes.
//! A body of known length asks once, for all of it; one of unknown length asks in steps. A body that is too long, too
//! slow or cut short ends here and never reaches an operation.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout, timeout_at},
};

use crate::limits::{CHUNKED_STEP_BYTES, DISCARD_BYTES_MAX, DISCARD_TIME_MAX, Limits};

/// Bytes that all connections share.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    semaphore: Arc<Semaphore>,
    bytes_max: u32,
    received_bytes: Arc<AtomicU64>,
}

/// A part of a [`Budget`], given back when it drops.
pub(crate) type Permit = OwnedSemaphorePermit;

/// A whole body. The permit must outlive what was made of the bytes, not only the bytes.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    pub(crate) permit: Option<Permit>,
}

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyError {
    TooLong,
    TooSlow,
    CutShort,
    Overloaded,
}

impl Budget {
    pub(crate) fn new(bytes_max: u32) -> Budget {
        Budget {
            semaphore: Arc::new(Semaphore::new(bytes_max as usize)),
            bytes_max,
            received_bytes: Arc::default(),
        }
    }

    /// All that has arrived so far: grows while bodies make progress.
    pub(crate) fn received_bytes(&self) -> u64 {
        self.received_bytes.load(Relaxed)
    }

    /// Waits for `bytes` of the budget; `None` if they do not come free in `wait_max`.
    pub(crate) async fn take(&self, bytes: usize, wait_max: Duration) -> Option<Permit> {
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.bytes_max);
        if let Ok(permit) = Arc::clone(&self.semaphore).try_acquire_many_owned(permits) {
            return Some(permit);
        }
        let wait = Arc::clone(&self.semaphore).acquire_many_owned(permits);
        timeout(wait_max, wait).await.ok()?.ok()
    }
}

/// Reads all of `incoming`.
pub(crate) async fn read(
    mut incoming: Incoming,
    expects_continue: bool,
    budget: &Budget,
    limits: &Limits,
) -> Result<Body, BodyError> {
    if incoming.is_end_stream() {
        return Ok(Body { bytes: Bytes::new(), permit: None });
    }
    let result = match incoming.size_hint().exact() {
        Some(bytes) if bytes > limits.body_bytes_max as u64 => Err(BodyError::TooLong),
        Some(bytes) => read_known(&mut incoming, bytes as usize, budget, limits).await,
        None => read_chunked(&mut incoming, budget, limits).await,
    };
    // A client that waits for `100 Continue` has sent nothing yet, and sends nothing after another answer.
    if matches!(result, Err(BodyError::TooLong | BodyError::Overloaded)) && !expects_continue {
        discard(&mut incoming).await;
    }
    result
}

/// Reads what a client still sends, without keeping it: closing a socket with unread bytes would take the answer away
/// from the client before it was read.
pub(crate) async fn discard(incoming: &mut Incoming) {
    let read_all = async {
        let mut bytes = 0;
        while let Some(Ok(frame)) = incoming.frame().await {
            bytes += frame.data_ref().map_or(0, Bytes::len);
            if bytes > DISCARD_BYTES_MAX {
                return;
            }
        }
    };
    let _ = timeout(DISCARD_TIME_MAX, read_all).await; // either way there is nothing more to do
}

async fn read_known(
    incoming: &mut Incoming,
    body_bytes: usize,
    budget: &Budget,
    limits: &Limits,
) -> Result<Body, BodyError> {
    let permit = budget.take(body_bytes, limits.budget_wait_max).await;
    let permit = Some(permit.ok_or(BodyError::Overloaded)?);
    let started = Instant::now();
    let first = next(incoming, started, 0, budget, limits).await?.ok_or(BodyError::CutShort)?;
    if first.len() == body_bytes {
        return Ok(Body { bytes: first, permit }); // most bodies: one read, no copy
    }
    let mut bytes = Vec::with_capacity(body_bytes);
    bytes.extend_from_slice(&first);
    drop(first);
    while bytes.len() < body_bytes {
        let chunk = next(incoming, started, bytes.len(), budget, limits).await?;
        bytes.extend_from_slice(&chunk.ok_or(BodyError::CutShort)?);
    }
    Ok(Body { bytes: bytes.into(), permit })
}

async fn read_chunked(
    incoming: &mut Incoming,
    budget: &Budget,
    limits: &Limits,
) -> Result<Body, BodyError> {
    let mut bytes = Vec::new();
    let mut permit: Option<Permit> = None;
    let started = Instant::now();
    while let Some(chunk) = next(incoming, started, bytes.len(), budget, limits).await? {
        let needed = bytes.len() + chunk.len();
        if needed > limits.body_bytes_max {
            return Err(BodyError::TooLong);
        }
        let held = permit.as_ref().map_or(0, Permit::num_permits);
        if needed > held {
            let step = (needed - held).next_multiple_of(CHUNKED_STEP_BYTES);
            let more = budget.take(step, limits.budget_wait_max).await;
            let more = more.ok_or(BodyError::Overloaded)?;
            match &mut permit {
                Some(permit) => permit.merge(more),
                None => permit = Some(more),
            }
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Body { bytes: bytes.into(), permit })
}

/// The next piece, if it comes before the body as a whole is too slow.
async fn next(
    incoming: &mut Incoming,
    started: Instant,
    received: usize,
    budget: &Budget,
    limits: &Limits,
) -> Result<Option<Bytes>, BodyError> {
    let earned = received as f64 / f64::from(limits.body_bytes_per_second_min.max(1));
    let deadline = started + limits.body_grace + Duration::from_secs_f64(earned);
    loop {
        let frame = timeout_at(deadline, incoming.frame()).await;
        match frame.map_err(|_| BodyError::TooSlow)? {
            None => return Ok(None),
            Some(Err(_)) => return Err(BodyError::CutShort),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    budget.received_bytes.fetch_add(data.len() as u64, Relaxed);
                    return Ok(Some(data)); // trailers are read and dropped
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_budget_gives_no_more_than_it_has() {
        let budget = Budget::new(100);
        let wait = Duration::from_millis(5);
        let first = budget.take(60, wait).await;
        assert!(first.is_some());
        assert!(budget.take(60, wait).await.is_none());
        drop(first);
        assert!(budget.take(60, wait).await.is_some());
    }

    #[tokio::test]
    async fn one_that_asks_for_more_than_there_is_gets_all() {
        let budget = Budget::new(100);
        let all = budget.take(usize::MAX, Duration::ZERO).await;
        assert_eq!(all.map(|permit| permit.num_permits()), Some(100));
    }
}
