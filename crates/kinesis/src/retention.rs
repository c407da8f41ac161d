//! What has expired. One horizon serves iterators, GetRecords, the lists of shards and the removal of segments.
//!
//! A closed shard has expired when all that it could hold has: then it is in no list, and soon it is gone. Its children
//! keep its name.
//!
//! A clock that was wrong may have expired too much. That stays so, by position and in the journal; but no time in the
//! future is believed, and while the clock has jumped and nobody knows whether that stands, nothing expires.

use std::sync::{Arc, atomic::Ordering};

use nautilus_log::mutant::{self, Mutant};

use crate::{
    catalog::{Edit, Snapshot},
    error::Error,
    kinesis::Inner,
    limits,
    model::{shard::Shard, stream::Stream},
};

const HOUR_MS: u64 = 3_600_000;

/// Whatever arrived before this is expired.
pub(crate) fn horizon_ms(stream: &Stream, now_ms: u64) -> u64 {
    let kept_ms = u64::from(stream.retention_hours) * HOUR_MS;
    let horizon_ms = now_ms.saturating_sub(kept_ms);
    match has_wrong_floor(stream, now_ms) || mutant::is(Mutant::HorizonMovesBack) {
        false => horizon_ms.max(stream.trim_floor_ms),
        true => horizon_ms,
    }
}

/// Whatever arrived in a shard before this is expired: nothing, as long as the shard itself is younger by more than a
/// small step. Then it is the clock that was wrong.
pub(crate) fn cutoff_ms(stream: &Stream, shard: &Shard, now_ms: u64) -> u64 {
    let horizon_ms = horizon_ms(stream, now_ms);
    match (horizon_ms + limits::SMALL_STEP_MS..=now_ms).contains(&opened_ms(stream, shard)) {
        true => 0,
        false => horizon_ms,
    }
}

/// Since when a shard may have records.
pub(crate) fn opened_ms(stream: &Stream, shard: &Shard) -> u64 {
    shard.opened_ms.max(stream.created_ms)
}

/// True if a clock that was wrong set the floor: it would hide what arrives until it has passed.
fn has_wrong_floor(stream: &Stream, now_ms: u64) -> bool {
    stream.trim_floor_ms > now_ms
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

/// Lets go of what has expired, closed shards and records, if it is time to; answers when it is time again.
pub(crate) async fn trim(inner: &Inner) -> u64 {
    let now = inner.now_ms();
    let next = inner.next_trim_ms.load(Ordering::SeqCst);
    // A clock that was set back must not stop the trimming.
    if now < next && next - now <= limits::TRIM_INTERVAL_MS {
        return next;
    }
    if inner.time_is_unsure() {
        return now + limits::TRIM_INTERVAL_MS;
    }
    if let Err(error) = prune(inner).await {
        tracing::warn!(%error, "expired shards wait");
    }
    let snapshot = inner.catalog.snapshot();
    let mut cutoffs = Vec::new();
    for stream in snapshot.all_streams() {
        let now_ms = inner.expiry_now_ms();
        let cutoff = |shard| (Shard::log_id(shard), cutoff_ms(stream, shard, now_ms));
        cutoffs.extend(stream.shards.all().iter().map(cutoff));
    }
    inner.journal.trim(&cutoffs);
    let next = now + limits::TRIM_INTERVAL_MS;
    inner.next_trim_ms.store(next, Ordering::SeqCst);
    next
}

/// Takes away the closed shards whose records have all expired: out of the catalog, then their logs. And floors that
/// were set by a clock that was wrong.
async fn prune(inner: &Inner) -> Result<(), Error> {
    let now_ms = inner.expiry_now_ms();
    let is_due = move |stream: &Arc<Stream>| {
        let horizon_ms = horizon_ms(stream, now_ms);
        let has_expired = |shard: &Shard| !shard.ended_not_before(horizon_ms);
        has_wrong_floor(stream, now_ms) || stream.shards.all().iter().any(has_expired)
    };
    if !inner.catalog.snapshot().all_streams().any(is_due) {
        return Ok(());
    }
    let change = move |snapshot: &Snapshot| {
        let (mut edit, mut logs) = (Edit::new(snapshot), Vec::new());
        for stream in snapshot.all_streams().filter(|stream| is_due(stream)) {
            let mut stream = Stream::clone(stream);
            let horizon_ms = horizon_ms(&stream, now_ms);
            logs.extend(stream.shards.prune(horizon_ms).iter().map(Shard::log_id));
            stream.trim_floor_ms = horizon_ms;
            edit.put_stream(stream);
        }
        Ok(edit.finish(logs))
    };
    let logs = inner.change(change).await?;
    inner.journal.forget_shards(&logs);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::stream::tests::stream_of, testing::World};

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

    fn ids(world: &World) -> Vec<String> {
        let shards = world.shards("s");
        shards.iter().map(|shard| shard["ShardId"].as_str().expect("text").to_owned()).collect()
    }

    #[test]
    fn a_closed_shard_vanishes_after_its_records() {
        let mut world = World::with_stream(1);
        world.put("s", "k", b"a");
        world.split("s", "0", "9");
        let closed_ms = world.now_ms();
        let log = world.room().kinesis.inner().catalog.snapshot().shard_logs()[0];

        world.set_now(closed_ms + 24 * HOUR_MS);
        assert_eq!(ids(&world).len(), 3, "to its last millisecond");
        // Before any tick: lists do not wait for it.
        world.set_now(closed_ms + 24 * HOUR_MS + 1);
        assert_eq!(ids(&world), ["shardId-000000000001", "shardId-000000000002"]);
        world.advance(limits::TRIM_INTERVAL_MS);
        assert!(world.room().journal.tail(log).is_none(), "its log is forgotten");
        let iterator = r#"{"StreamName":"s","ShardId":"0","ShardIteratorType":"TRIM_HORIZON"}"#;
        let gone = "ResourceNotFoundException: Shard shardId-000000000000 in stream s under account \
                    000000000000 does not exist";
        world.check("GetShardIterator", iterator, gone);
        let child = world.shards("s").remove(0);
        assert_eq!(child["ParentShardId"], "shardId-000000000000", "children keep its name");

        world.restart();
        assert_eq!(ids(&world), ["shardId-000000000001", "shardId-000000000002"]);
        world.split("s", "1", "5");
        assert_eq!(ids(&world)[2..], ["shardId-000000000003", "shardId-000000000004"]);
        world.put_at("s", "0", b"b");
        assert_eq!(world.read_all("s", 3), [b"b"]);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_ask_for_shards_that_are_gone() {
        let mut world = World::with_stream(1);
        world.split("s", "0", "9");
        world.advance(25 * HOUR_MS);
        assert_eq!(ids(&world).len(), 2);
        world.set_now(world.now_ms() - 2 * HOUR_MS);
        world.restart();
        let input = r#"{"StreamName":"s","ShardFilter":{"Type":"AT_TRIM_HORIZON"}}"#;
        assert_eq!(world.list_shards(input).len(), 2, "the hash space is covered");
    }
}
