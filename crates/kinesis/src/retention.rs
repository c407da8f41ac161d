//! What has expired. One horizon serves iterators, GetRecords and the removal of segments.

use std::sync::atomic::Ordering;

use crate::{error::Error, kinesis::Inner, limits, model::stream::Stream};

const HOUR_MS: u64 = 3_600_000;

/// Whatever arrived before this is expired.
pub(crate) fn horizon_ms(stream: &Stream, now_ms: u64) -> u64 {
    let kept_ms = u64::from(stream.retention_hours) * HOUR_MS;
    now_ms.saturating_sub(kept_ms).max(stream.trim_floor_ms)
}

/// A client's wish as hours that a stream can have.
pub(crate) fn checked_hours(wanted: i64) -> Result<u32, Error> {
    let (min, max) = (limits::RETENTION_HOURS_MIN, limits::RETENTION_HOURS_MAX);
    match u32::try_from(wanted) {
        Ok(hours) if (min..=max).contains(&hours) => Ok(hours),
        _ if wanted < i64::from(min) => Err(Error::InvalidArgument(format!(
            "Minimum allowed retention period is {min} hours. Requested retention period ({wanted} \
             hours) is too short."
        ))),
        _ => Err(Error::InvalidArgument(format!(
            "Maximum allowed retention period is {max} hours. Requested retention period ({wanted} \
             hours) is too long."
        ))),
    }
}

/// Sets another retention. What has expired by now stays so, and what a shorter one expires goes at once.
pub(crate) fn set(stream: &mut Stream, retention_hours: u32, now_ms: u64) {
    let before = horizon_ms(stream, now_ms);
    stream.retention_hours = retention_hours;
    stream.trim_floor_ms = before.max(horizon_ms(stream, now_ms));
}

/// Lets the journal drop what has expired, if it is time to; answers when it is time again.
pub(crate) fn trim(inner: &Inner) -> u64 {
    let now = inner.now_ms();
    let next = inner.next_trim_ms.load(Ordering::SeqCst);
    // A clock that was set back must not stop the trimming.
    if now < next && next - now <= limits::TRIM_INTERVAL_MS {
        return next;
    }
    let snapshot = inner.catalog.snapshot();
    let mut cutoffs = Vec::new();
    for stream in snapshot.all_streams() {
        let cutoff_ms = horizon_ms(stream, inner.expiry_now_ms());
        cutoffs.extend(stream.shards.iter().map(|shard| (shard.log_id(), cutoff_ms)));
    }
    inner.journal.trim(&cutoffs);
    let next = now + limits::TRIM_INTERVAL_MS;
    inner.next_trim_ms.store(next, Ordering::SeqCst);
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stream::tests::stream_of;

    #[test]
    fn raising_the_retention_does_not_bring_back_what_was_expired() {
        let mut stream = stream_of(1);
        let now = 100 * HOUR_MS;
        assert_eq!(horizon_ms(&stream, now), 76 * HOUR_MS);

        set(&mut stream, 48, now);
        assert_eq!(horizon_ms(&stream, now), 76 * HOUR_MS);
        assert_eq!(horizon_ms(&stream, now + 24 * HOUR_MS), 76 * HOUR_MS);
        assert_eq!(horizon_ms(&stream, now + 25 * HOUR_MS), 77 * HOUR_MS);
    }

    #[test]
    fn lowering_the_retention_expires_at_once_and_for_good() {
        let mut stream = Stream { retention_hours: 48, ..stream_of(1) };
        let now = 100 * HOUR_MS;

        set(&mut stream, 24, now);
        set(&mut stream, 48, now);
        assert_eq!(horizon_ms(&stream, now), 76 * HOUR_MS);
    }
}
