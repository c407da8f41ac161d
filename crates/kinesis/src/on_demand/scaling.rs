//! How a stream on demand gets its shards: enough for twice the most that was written in a minute of the last thirty
//! days, and what it was told to be ready for.
//!
//! Once a minute the writes of each open shard are looked at. A stream that needs more shards gets them at once, evenly; a
//! shard that alone takes more than half of what it may is split; a stream that needs far fewer loses half of them,
//! once a day. A day's peak is durable when it has grown by a quarter, so that a restart forgets little.
//! AWS: <https://docs.aws.amazon.com/streams/latest/dev/how-do-i-size-a-stream.html>
//! Not as AWS: the pace of merging is not published; ours is by halves, a day apart.

use std::{collections::HashMap, sync::Arc};

use nautilus_log::ShardLogId;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::{
    catalog::{Address, Snapshot},
    error::Error,
    kinesis::Inner,
    limits,
    model::{
        hash_range::HashKey,
        ids::ShardId,
        reshard::Planner,
        shard::Shard,
        stream::{Status, Stream, StreamMode},
    },
    transitions::{self, Effect},
};

/// Between two looks at the writes.
const LOOK_MS: u64 = 60_000;
/// Before a stream that was not ACTIVE is looked at again.
const AGAIN_MS: u64 = 1_000;
const DAY_MS: u64 = 24 * 3_600_000;
/// How long a peak counts, its own day included.
const PEAK_DAYS: u64 = 30;
/// A shard that takes more than this is split, whatever the others take.
const HOT: Rate = Rate { bytes: 500_000, records: 500 };
/// Shards that a stream on demand may have: 200 MiB a second by default, 10 GiB in the large regions.
const SHARDS_MAX: u32 = 10 * 1024;

/// Writes in a second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rate {
    bytes: u64,
    records: u64,
}

/// What a stream was written in a second at most, day by day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Peaks {
    /// Oldest first: the day since 1970, and its peak.
    days: Vec<(u64, Rate)>,
    /// When shards were last taken away.
    #[serde(default)]
    shrunk_ms: u64,
}

/// What the last look saw. Lost with the process: then the next look only begins anew.
#[derive(Debug, Default)]
pub(crate) struct Looks(Mutex<Look>);

#[derive(Debug, Default)]
struct Look {
    at_ms: u64,
    next_ms: u64,
    written: HashMap<ShardLogId, Rate>,
}

impl Looks {
    /// Has all streams looked at with the next tick; also when a look is going on, which may be past what it is about.
    pub(crate) fn soon(&self) {
        self.0.lock().next_ms = 0;
    }

    /// Ends a look; answers when it is time for the next. What [`Looks::soon`] has asked for meanwhile stands.
    fn end(&self, next_ms: u64) -> u64 {
        let mut look = self.0.lock();
        look.next_ms = look.next_ms.min(next_ms);
        look.next_ms
    }
}

impl Rate {
    fn max(self, other: Rate) -> Rate {
        Rate { bytes: self.bytes.max(other.bytes), records: self.records.max(other.records) }
    }

    fn plus(self, other: Rate) -> Rate {
        Rate { bytes: self.bytes + other.bytes, records: self.records + other.records }
    }

    /// What was counted, as it was `before` and `ms` ago.
    fn since(self, before: Rate, ms: u64) -> Rate {
        let per_second = |now: u64, before: u64| now.saturating_sub(before) * 1000 / ms.max(1);
        Rate {
            bytes: per_second(self.bytes, before.bytes),
            records: per_second(self.records, before.records),
        }
    }

    fn is_over(self, other: Rate) -> bool {
        self.bytes > other.bytes || self.records > other.records
    }

    /// Shards that take twice as much.
    fn shards(self) -> u64 {
        let bytes = (2 * self.bytes).div_ceil(limits::WRITE_BYTES_PER_SECOND);
        bytes.max((2 * self.records).div_ceil(limits::WRITE_RECORDS_PER_SECOND))
    }
}

impl Peaks {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Peaks::default()
    }

    fn highest(&self, today: u64) -> Rate {
        let counts = |(day, _): &&(u64, Rate)| day + PEAK_DAYS > today && *day <= today;
        let rates = self.days.iter().filter(counts).map(|(_, rate)| *rate);
        rates.fold(Rate::default(), Rate::max)
    }

    /// Notes a rate of today; false if that says nothing new.
    fn note(&mut self, today: u64, rate: Rate) -> bool {
        let known = self.days.last().filter(|(day, _)| *day == today).map(|(_, rate)| *rate);
        let before = known.unwrap_or_default();
        let grown = |now: u64, before: u64| now > before + before / 4;
        if !grown(rate.bytes, before.bytes) && !grown(rate.records, before.records) {
            return false;
        }
        self.days.retain(|(day, _)| *day + PEAK_DAYS > today && *day < today);
        self.days.push((today, before.max(rate)));
        true
    }
}

/// Looks at all streams on demand if it is time to; answers when it is time again.
pub(crate) async fn scale(inner: &Inner) -> u64 {
    let now_ms = inner.now_ms();
    let Some((snapshot, seen)) = look(inner, now_ms) else {
        return inner.looks.0.lock().next_ms;
    };
    let mut next_ms = now_ms + LOOK_MS;
    for (stream, rates) in seen {
        if stream.status != Status::Active {
            next_ms = now_ms + AGAIN_MS;
            continue;
        }
        if let Err(error) = scale_stream(inner, &snapshot, &stream, &rates, now_ms).await {
            tracing::warn!(stream = stream.name, %error, "a stream on demand keeps its shards for now");
        }
    }
    inner.looks.end(next_ms)
}

type Seen = Vec<(Arc<Stream>, HashMap<u32, Rate>)>;

/// The streams on demand, with the rate of each open shard since the last look if that was a minute ago.
fn look(inner: &Inner, now_ms: u64) -> Option<(Arc<Snapshot>, Seen)> {
    let mut look = inner.looks.0.lock();
    // A clock that was set back must not stop the looks.
    if now_ms < look.next_ms && look.next_ms - now_ms <= LOOK_MS {
        return None;
    }
    // What is asked for from here on is for the next look: this one may have seen the catalog as it was before.
    look.next_ms = u64::MAX;
    let snapshot = inner.catalog.snapshot();
    let elapsed_ms = now_ms.saturating_sub(look.at_ms);
    let measures = elapsed_ms >= LOOK_MS || now_ms < look.at_ms;
    let on_demand = snapshot.all_streams().filter(|stream| stream.mode == StreamMode::OnDemand);
    let mut written = HashMap::new();
    let seen: Seen = on_demand
        .map(|stream| {
            let mut rates = HashMap::new();
            for shard in stream.shards.open() {
                let (bytes, records) = shard.live.written.get();
                let now = Rate { bytes, records };
                written.insert(shard.log_id(), now);
                // A shard that is new since the last look began with nothing, and so did all before the first one.
                let before = look.written.get(&shard.log_id()).copied().unwrap_or_default();
                if measures && look.at_ms > 0 {
                    rates.insert(shard.index, now.since(before, elapsed_ms));
                }
            }
            (stream.clone(), rates)
        })
        .collect();
    if measures {
        (look.at_ms, look.written) = (now_ms, written);
    }
    (!seen.is_empty()).then_some((snapshot, seen))
}

/// What is to become of a stream's shards.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Stay,
    Even(u32),
    Split(Vec<u32>),
}

async fn scale_stream(
    inner: &Inner,
    snapshot: &Snapshot,
    stream: &Stream,
    rates: &HashMap<u32, Rate>,
    now_ms: u64,
) -> Result<(), Error> {
    let today = now_ms / DAY_MS;
    let mut peaks = stream.peaks.clone();
    let is_news = peaks.note(today, rates.values().fold(Rate::default(), |a, b| a.plus(*b)));
    let holds = snapshot.commitment(&stream.account, &stream.region).holds_at(now_ms);
    let warm = stream.warm_mibps.filter(|_| holds);
    let wanted = u32::try_from(peaks.highest(today).shards()).unwrap_or(u32::MAX);
    // One that was switched to this mode keeps what it had, until it needs more.
    let wanted = wanted.max(warm.map_or(0, |_| super::first_shards(warm))).min(SHARDS_MAX);
    let step = step(stream, wanted, rates, peaks.shrunk_ms, now_ms);
    if matches!(step, Step::Even(count) if (count as usize) < stream.open_shard_count()) {
        peaks.shrunk_ms = now_ms;
    }
    let at = Address::of(stream);
    if step == Step::Stay {
        if is_news {
            let note = move |stream: &mut Stream| {
                stream.peaks = peaks;
                Ok((Effect::Immediate, ()))
            };
            transitions::update_stream(inner, at, note).await?;
        }
        return Ok(());
    }
    tracing::info!(stream = stream.name, ?step, "a stream on demand gets other shards");
    let plan = move |_: &Snapshot, stream: &mut Stream, planner: &mut Planner<'_>| {
        stream.peaks = peaks;
        match step {
            Step::Even(count) => planner.even(count),
            Step::Split(shards) => {
                for shard in shards.into_iter().filter_map(|index| stream.shard(ShardId(index))) {
                    planner.split(shard.index, middle(shard));
                }
            }
            Step::Stay => {}
        }
        Ok(())
    };
    transitions::reshard_on_demand(inner, at, plan).await
}

fn step(
    stream: &Stream,
    wanted: u32,
    rates: &HashMap<u32, Rate>,
    shrunk_ms: u64,
    now_ms: u64,
) -> Step {
    let open = stream.open_shard_count() as u32;
    if wanted > open {
        return Step::Even(wanted);
    }
    let is_hot = |shard: &&Shard| {
        let rate = rates.get(&shard.index).copied().unwrap_or_default();
        rate.is_over(HOT) && middle(shard) > shard.range.start
    };
    let hot: Vec<u32> = stream.shards.open().filter(is_hot).map(|shard| shard.index).collect();
    let wanted = wanted.max(limits::ON_DEMAND_SHARDS);
    // One key's shard stays hot however often it is split: that ends somewhere.
    if !hot.is_empty() && open + hot.len() as u32 <= (4 * wanted).min(SHARDS_MAX) {
        return Step::Split(hot);
    }
    if hot.is_empty() && wanted <= open / 2 && now_ms.saturating_sub(shrunk_ms) >= DAY_MS {
        return Step::Even(wanted.max(open / 2));
    }
    Step::Stay
}

/// Where the upper half of a shard's range begins.
fn middle(shard: &Shard) -> HashKey {
    let (start, end) = (shard.range.start.0, shard.range.end.0);
    HashKey(start + (end - start) / 2 + u128::from(end > start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    const MIB: u64 = 1024 * 1024;

    /// A world with a stream on demand whose first look is behind it.
    fn world() -> World {
        let world = World::new();
        world.create_on_demand("s", "");
        world.advance(LOOK_MS);
        world
    }

    /// Has every open shard written so much in the next minute, and the service look at it.
    fn write(world: &World, bytes_per_second: u64, records_per_second: u64) {
        let snapshot = world.room().kinesis.catalog_snapshot();
        for shard in snapshot.all_streams().flat_map(|stream| stream.shards.open()) {
            shard.live.written.add(bytes_per_second * 60, records_per_second * 60);
        }
        world.advance(LOOK_MS);
        world.settle_without_time();
    }

    fn open(world: &World) -> i64 {
        world.open_shard_count("s")
    }

    #[test]
    fn a_stream_takes_up_to_twice_its_peak() {
        let world = world();
        assert_eq!(open(&world), 4);
        write(&world, 400_000, 10);
        assert_eq!(open(&world), 4, "1.6 MB a second is less than half of four shards");
        write(&world, MIB, 10);
        assert_eq!(open(&world), 8);
        write(&world, MIB, 10);
        assert_eq!(open(&world), 16);
        write(&world, 1000, 600);
        assert_eq!(open(&world), 20, "records count too: 9,600 a second");
    }

    #[test]
    fn a_hot_shard_is_split_and_one_hot_key_ends_somewhere() {
        let world = world();
        for round in 0..30 {
            let snapshot = world.room().kinesis.catalog_snapshot();
            let stream = snapshot.all_streams().next().expect("a stream");
            let shard = stream.route(HashKey(7)).expect("a shard");
            shard.live.written.add(600_000 * 60, 60);
            world.advance(LOOK_MS);
            world.settle();
            if round == 0 {
                assert_eq!(open(&world), 5);
            }
        }
        assert_eq!(open(&world), 16);
    }

    #[test]
    fn a_peak_counts_for_thirty_days_and_then_shards_go_by_halves_a_day_apart() {
        let mut world = world();
        write(&world, MIB, 10);
        write(&world, MIB, 10);
        assert_eq!(open(&world), 16);
        let began_ms = world.now_ms();
        let mut halved_on = Vec::new();
        let mut last = 16;
        for hour in 1..=24 * 40 {
            world.set_now(began_ms + hour * 3_600_000);
            world.advance(0);
            world.settle_without_time();
            if hour == 24 * 3 {
                world.restart();
            }
            if open(&world) != last {
                last = open(&world);
                halved_on.push((hour / 24, last));
            }
        }
        assert_eq!(halved_on.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [8, 4]);
        let days: Vec<u64> = halved_on.iter().map(|(day, _)| *day).collect();
        assert!((29..=30).contains(&days[0]) && days[1] == days[0] + 1, "{days:?}");
    }

    #[test]
    fn warm_throughput_is_shards_and_records_are_where_they_were() {
        let world = world();
        world.put("s", "k", b"before");
        let commit = r#"{"MinimumThroughputBillingCommitment":{"Status":"ENABLED"}}"#;
        world.ok("UpdateAccountSettings", commit);
        let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
        let input = format!(r#"{{"StreamARN":"{arn}","WarmThroughputMiBps":10}}"#);
        world.ok("UpdateStreamWarmThroughput", &input);
        (0..4).for_each(|_| world.settle());
        assert_eq!(open(&world), 10);
        world.put("s", "k", b"after");
        let read = |at: usize| {
            let answer = world.last_answer(&world.iterator("s", at, "TRIM_HORIZON"));
            answer["Records"].as_array().map_or(0, Vec::len)
        };
        assert_eq!((0..world.shards("s").len()).map(read).sum::<usize>(), 2);
    }

    #[test]
    fn a_look_that_is_asked_for_during_another_is_not_lost() {
        let world = world();
        let kinesis = &world.room().kinesis;
        let inner = kinesis.inner();
        world.clock.pass_ms(LOOK_MS);
        let now_ms = world.now_ms();
        assert!(look(inner, now_ms).is_some(), "one begins");
        inner.looks.soon();
        assert_eq!(inner.looks.end(now_ms + LOOK_MS), 0);
        assert_eq!(world.run(scale(inner)), now_ms + LOOK_MS, "the next one begins at once");
        assert!(look(inner, now_ms).is_none(), "and no third");
        assert_eq!(world.run(kinesis.tick()), Some(now_ms + LOOK_MS));
    }

    #[test]
    fn a_provisioned_stream_keeps_its_shards() {
        let world = World::with_stream(2);
        world.advance(LOOK_MS);
        write(&world, 10 * MIB, 10_000);
        assert_eq!(open(&world), 2);
    }
}
