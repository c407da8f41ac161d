//! Reading a request's body into one piece of memory, with permission first.
//!
//! Always: nothing is kept beyond a connection's read buffer before the budget has given a permit for it, and the permit
//! lives as long as the bytes. A body asks in steps, as it arrives: what its head announces costs nothing. A body that is
//! too long, too slow or cut short ends here and never reaches an operation.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, timeout, timeout_at};

use crate::{
    budget::{BodyBudget, BodyPermit},
    limits::{
        DISCARD_BYTES_MAX, DISCARD_TIME_MAX, FIRST_ROOM_BYTES, LARGE_ROOM_BYTES_MIN, Limits,
        SMALL_BODY_BYTES_MAX,
    },
};

/// A whole body.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    pub(crate) permit: BodyPermit,
}

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyError {
    TooLong,
    TooSlow,
    CutShort,
    Overloaded,
}

/// Reads all of `incoming`. `is_coming`: its client sends it whatever we answer, see [`discard`].
pub(crate) async fn read(
    mut incoming: Incoming,
    is_coming: bool,
    budget: &BodyBudget,
    limits: &Limits,
) -> Result<Body, BodyError> {
    if incoming.is_end_stream() {
        return Ok(Body { bytes: Bytes::new(), permit: BodyPermit::default() });
    }
    let length = incoming.size_hint().exact();
    let length = length.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    let result = match length {
        Some(bytes) if bytes > limits.body_bytes_max => Err(BodyError::TooLong),
        _ => read_all(&mut incoming, length, budget, limits).await,
    };
    if matches!(result, Err(BodyError::TooLong | BodyError::Overloaded)) && is_coming {
        discard(&mut incoming).await;
    }
    result
}

/// Reads what a client still sends, without keeping it: closing a socket with unread bytes would take the answer away
/// from the client before it was read. True if that was all.
pub(crate) async fn discard(incoming: &mut Incoming) -> bool {
    let read_all = async {
        let mut bytes = 0;
        while bytes <= DISCARD_BYTES_MAX {
            match incoming.frame().await {
                Some(Ok(frame)) => bytes += frame.data_ref().map_or(0, Bytes::len),
                Some(Err(_)) => return false,
                None => return true,
            }
        }
        false
    };
    timeout(DISCARD_TIME_MAX, read_all).await.unwrap_or(false)
}

/// Reads a body whose `length` may be known.
async fn read_all(
    incoming: &mut Incoming,
    length: Option<usize>,
    budget: &BodyBudget,
    limits: &Limits,
) -> Result<Body, BodyError> {
    let started = Instant::now();
    let bytes_max = length.unwrap_or(limits.body_bytes_max);
    let (mut bytes, mut permit) = (Vec::new(), BodyPermit::default());
    while let Some(piece) = next(incoming, started, bytes.len(), budget, limits).await? {
        let needed = bytes.len() + piece.len();
        if needed > bytes_max {
            return Err(BodyError::TooLong);
        }
        if bytes.is_empty() && length == Some(needed) {
            // Most bodies: one read, no copy.
            budget.grow(&mut permit, needed).await.ok_or(BodyError::Overloaded)?;
            return Ok(Body { bytes: piece, permit });
        }
        if needed > bytes.capacity() {
            let room = room_for(needed, bytes_max);
            budget.grow(&mut permit, room).await.ok_or(BodyError::Overloaded)?;
            bytes.reserve_exact(room - bytes.len());
        }
        bytes.extend_from_slice(&piece);
        if length == Some(needed) {
            break;
        }
    }
    match length {
        Some(length) if bytes.len() < length => Err(BodyError::CutShort),
        _ => Ok(Body { bytes: bytes.into(), permit }),
    }
}

/// Room for a body of which `needed` bytes have arrived: in proportion to those, whatever was announced.
fn room_for(needed: usize, bytes_max: usize) -> usize {
    let room = match needed {
        0..=FIRST_ROOM_BYTES => FIRST_ROOM_BYTES,
        _ if needed * 2 <= SMALL_BODY_BYTES_MAX => needed * 2,
        _ if needed <= SMALL_BODY_BYTES_MAX => SMALL_BODY_BYTES_MAX,
        _ => (needed * 2).max(LARGE_ROOM_BYTES_MIN),
    };
    room.clamp(needed, bytes_max.max(needed))
}

/// The next piece, if it comes before the body as a whole is too slow.
async fn next(
    incoming: &mut Incoming,
    started: Instant,
    received: usize,
    budget: &BodyBudget,
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
                    budget.received(data.len());
                    return Ok(Some(data)); // trailers are read and dropped
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_follows_what_has_arrived_and_not_what_was_announced() {
        const LENGTH: usize = 16 << 20;
        assert_eq!(room_for(1, LENGTH), FIRST_ROOM_BYTES);
        assert_eq!(room_for(FIRST_ROOM_BYTES + 1, LENGTH), 2 * FIRST_ROOM_BYTES + 2);
        assert_eq!(room_for(SMALL_BODY_BYTES_MAX - 1, LENGTH), SMALL_BODY_BYTES_MAX);
        assert_eq!(room_for(SMALL_BODY_BYTES_MAX + 1, LENGTH), LARGE_ROOM_BYTES_MIN);
        assert_eq!(room_for(SMALL_BODY_BYTES_MAX + 1, 100_000), 100_000);
        assert_eq!(room_for(10 << 20, LENGTH), LENGTH);
        assert_eq!(room_for(10, 10), 10);
    }
}
