//! Reading a request's body into one piece of memory, with permission first.
//!
//! Always: nothing is kept beyond a connection's read buffer before the budget has given a permit for it, and the permit
//! lives as long as the bytes. A body asks in steps, as it arrives: what its head announces costs nothing. A body that is
//! too long, too slow or cut short ends here and never reaches an operation.

use std::{io::Read as _, time::Duration};

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
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
    /// It is not what its `Content-Encoding` says.
    Garbled,
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

/// A body as it was before its client compressed it with gzip. What comes out of it is bounded as every body is, and asks
/// for permission in steps: what it would come to costs nothing.
pub(crate) async fn unpacked(
    packed: Body,
    budget: &BodyBudget,
    limits: &Limits,
) -> Result<Body, BodyError> {
    let Body { bytes: packed, mut permit } = packed;
    let mut decoder = MultiGzDecoder::new(&packed[..]);
    // One more than is allowed shows that there is more.
    let (bytes_max, mut bytes) = (limits.body_bytes_max + 1, Vec::new());
    loop {
        let room = room_for(bytes.len() + 1, bytes_max);
        budget.grow(&mut permit, packed.len() + room).await.ok_or(BodyError::Overloaded)?;
        bytes.reserve_exact(room - bytes.len());
        let wanted = room - bytes.len();
        let read = decoder.by_ref().take(wanted as u64).read_to_end(&mut bytes);
        if read.map_err(|_| BodyError::Garbled)? < wanted {
            return Ok(Body { bytes: bytes.into(), permit });
        }
        if bytes.len() == bytes_max {
            return Err(BodyError::TooLong);
        }
    }
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
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).expect("memory takes all");
        encoder.finish().expect("memory takes all")
    }

    async fn check(packed: Vec<u8>, limits: &Limits) -> Result<Vec<u8>, BodyError> {
        let budget = BodyBudget::new(limits);
        let packed = Body { bytes: packed.into(), permit: BodyPermit::default() };
        let body = unpacked(packed, &budget, limits).await?;
        assert!(body.permit.bytes() >= body.bytes.len(), "it has permission for all of it");
        Ok(body.bytes.to_vec())
    }

    #[tokio::test]
    async fn what_was_packed_comes_out() {
        let limits = Limits::default();
        for length in [0, 1, FIRST_ROOM_BYTES - 1, FIRST_ROOM_BYTES, 100_000, 3_000_000] {
            let bytes: Vec<u8> = (0..length).map(|n: usize| ((n * n) >> 7) as u8).collect();
            assert_eq!(check(gzip(&bytes), &limits).await.as_ref(), Ok(&bytes), "{length}");
        }
        let twice = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(check(twice, &limits).await, Ok(b"one two".to_vec()));
    }

    #[tokio::test]
    async fn a_bomb_is_refused_at_the_limit_of_every_body() {
        let limits = Limits { body_bytes_max: 100_000, ..Limits::default() };
        assert_eq!(check(gzip(&[0; 100_000]), &limits).await, Ok(vec![0; 100_000]));
        assert_eq!(check(gzip(&[0; 100_001]), &limits).await, Err(BodyError::TooLong));
        assert_eq!(check(gzip(&vec![0; 50 << 20]), &limits).await, Err(BodyError::TooLong));
    }

    #[tokio::test]
    async fn a_bomb_waits_for_room_like_any_large_body() {
        let limits = Limits {
            request_bytes_max: 1 << 20,
            budget_wait_max: Duration::from_millis(1),
            ..Limits::default()
        };
        let budget = BodyBudget::new(&limits);
        let mut held = [BodyPermit::default(), BodyPermit::default(), BodyPermit::default()];
        for permit in &mut held {
            budget.grow(permit, 1 << 20).await.expect("room, or leave to finish");
        }
        let packed = Body { bytes: gzip(&[0; 200_000]).into(), permit: BodyPermit::default() };
        let refused = unpacked(packed, &budget, &limits).await;
        assert_eq!(refused.err(), Some(BodyError::Overloaded));
    }

    #[tokio::test]
    async fn what_is_no_gzip_is_refused() {
        let limits = Limits::default();
        let whole = gzip(b"something to be read");
        for bad in [
            b"Action=ListMetrics".to_vec(),
            Vec::new(),
            whole[..whole.len() - 1].to_vec(),
            [&whole[..], b"x"].concat(),
            whole.iter().enumerate().map(|(at, byte)| byte ^ u8::from(at == 15)).collect(),
        ] {
            assert_eq!(check(bad, &limits).await, Err(BodyError::Garbled));
        }
    }

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
