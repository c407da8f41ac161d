//! The way of counted samples into the metric store.
//!
//! A sample belongs to the minute of its request's clock reading. Whoever collects takes what the sources have for the
//! minute before and the current one; the store merges what it gets for one minute, so that it may be told in parts.

use std::sync::atomic::{AtomicU64, Ordering};

use nautilus_metrics::Sample;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::{cloudwatch::Inner, error::Error, limits};

/// What has been collected when.
pub(crate) struct Collector {
    /// One collection at a time: who reads after another's collection finds all of it in the store.
    turn: Semaphore,
    last_ms: AtomicU64,
    /// Until then what was collected is fresh enough: a rest in proportion to what collecting took.
    rests_until_us: AtomicU64,
    /// What the store had no room for: sources tell a sample once.
    left: Mutex<Vec<Sample>>,
}

/// Whether a collection may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// If there was one just now.
    Fresh,
    /// Never: a minute has ended, or the server stops.
    Now,
}

impl Default for Collector {
    fn default() -> Collector {
        Collector {
            turn: Semaphore::new(1),
            last_ms: AtomicU64::new(0),
            rests_until_us: AtomicU64::new(0),
            left: Mutex::default(),
        }
    }
}

impl Collector {
    /// Whether the minute that ended last is not collected to its end, and may be.
    pub(crate) fn is_due(&self, now_ms: u64) -> bool {
        let last_ms = self.last_ms.load(Ordering::SeqCst);
        last_ms < settled_ms(now_ms) || last_ms > now_ms // then the clock was set back
    }

    /// When it is next due.
    pub(crate) fn next_ms(&self, now_ms: u64) -> u64 {
        match self.is_due(now_ms) {
            true => now_ms,
            false => settled_ms(now_ms) + limits::MINUTE_MS,
        }
    }
}

/// The last moment up to now at which a minute that had ended could be collected to its end.
fn settled_ms(now_ms: u64) -> u64 {
    let settled = now_ms.saturating_sub(limits::COLLECT_GRACE_MS) / limits::MINUTE_MS;
    settled * limits::MINUTE_MS + limits::COLLECT_GRACE_MS
}

impl Inner {
    /// Brings what was counted into the store. When it answers, all that was counted before the call can be read; of
    /// many calls, however dense, collecting takes a twentieth of the time at most, and the rest sees what is a second
    /// old at most.
    pub(crate) async fn collect(&self, need: Need) -> Result<(), Error> {
        let Ok(_turn) = self.collector.turn.acquire().await else { return Ok(()) };
        let (now_ms, began_us) = (self.now_ms(), self.monotonic_us());
        let rests_until_us = &self.collector.rests_until_us;
        let is_fresh = began_us < rests_until_us.load(Ordering::SeqCst);
        if need == Need::Fresh && is_fresh && !self.collector.is_due(now_ms) {
            return Ok(());
        }
        self.collector.last_ms.store(now_ms, Ordering::SeqCst);
        let mut samples: Vec<Sample> = Vec::new();
        let left = std::mem::take(&mut *self.collector.left.lock());
        let minute = now_ms / limits::MINUTE_MS;
        for source in &self.sources {
            for minute in [minute.saturating_sub(1), minute] {
                source.drain(minute, &mut |sample| samples.push(sample));
            }
        }
        let collected = self.store_samples(samples, left, now_ms).await;
        let ended_us = self.monotonic_us();
        let rest_us = ended_us.saturating_sub(began_us) * limits::COLLECT_RESTS;
        rests_until_us.store(ended_us + rest_us.min(limits::COLLECT_REST_US_MAX), Ordering::SeqCst);
        collected
    }

    async fn store_samples(
        &self,
        mut samples: Vec<Sample>,
        left: Vec<Sample>,
        now_ms: u64,
    ) -> Result<(), Error> {
        self.totals.add(&samples);
        self.totals.forget_idle(now_ms);
        samples.extend(left);
        if samples.is_empty() {
            return Ok(());
        }
        let put = self.metrics.put(samples.clone()).await;
        if let Err(nautilus_metrics::Error::Busy) = put {
            samples.truncate(limits::COLLECT_LEFT_MAX);
            *self.collector.left.lock() = samples;
        }
        Ok(put?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use nautilus_metrics::{Distribution, Resolution, Series, Unit};

    use super::*;
    use crate::{
        Source,
        testing::{NOW_MS, World},
    };

    /// Counts what is put into it, by minute.
    #[derive(Default)]
    struct Counts(Mutex<Vec<(u64, f64)>>);

    impl Counts {
        fn count(&self, at_ms: u64, value: f64) {
            self.0.lock().push((at_ms / limits::MINUTE_MS, value));
        }
    }

    impl Source for Counts {
        fn drain(&self, minute: u64, tell: &mut dyn FnMut(Sample)) {
            self.0.lock().retain(|(of, value)| {
                if *of == minute {
                    tell(Sample {
                        series: series(),
                        at_ms: minute * limits::MINUTE_MS,
                        resolution: Resolution::Minute,
                        distribution: Distribution::of(*value, 1.0),
                    });
                }
                *of != minute
            });
        }
    }

    fn series() -> Series {
        Series {
            account: "1".into(),
            region: "r".into(),
            namespace: "n".into(),
            name: "m".into(),
            dimensions: Vec::new(),
            unit: Unit::Count,
        }
    }

    /// The sum of each minute from the test's beginning on.
    fn sums(world: &World, minutes: u64) -> Vec<f64> {
        let metrics = &world.room().inner().metrics;
        let found = metrics.find(&series());
        let Some((id, _)) = found.first() else { return Vec::new() };
        let to_ms = NOW_MS + minutes * limits::MINUTE_MS;
        let read = world.run(metrics.read(*id, NOW_MS, to_ms, 60)).expect("it reads");
        read.into_iter().map(|(_, distribution)| distribution.sum).collect()
    }

    fn world() -> (World, Arc<Counts>) {
        let counts = Arc::new(Counts::default());
        (World::with_sources(vec![counts.clone()]), counts)
    }

    #[test]
    fn a_minute_is_collected_to_its_end_after_a_grace() {
        let (world, counts) = world();
        world.advance(1_000);
        counts.count(NOW_MS, 1.0);
        world.advance(58_999);
        counts.count(world.now_ms(), 2.0);
        world.advance(1_000);
        assert_eq!(sums(&world, 2), Vec::<f64>::new(), "nobody asked, and the grace is not over");
        counts.count(world.now_ms() - 1_000, 4.0);
        counts.count(world.now_ms(), 8.0);
        world.advance(1);
        assert_eq!(sums(&world, 2), [7.0, 8.0]);
    }

    #[test]
    fn a_reader_has_what_was_counted_before_it_asked() {
        let (world, counts) = world();
        world.advance(10_000);
        let read = || {
            world.run(world.room().refresh()).expect("it collects");
            sums(&world, 1)
        };
        counts.count(world.now_ms(), 1.0);
        assert_eq!(read(), [1.0]);
        counts.count(world.now_ms(), 2.0);
        assert_eq!(read(), [3.0]);
    }

    #[test]
    fn what_the_store_had_no_room_for_comes_with_the_next_collection() {
        let (world, counts) = world();
        world.advance(10_000);
        counts.count(NOW_MS, 1.0);
        let mut left = Vec::new();
        counts.drain(NOW_MS / limits::MINUTE_MS, &mut |sample| left.push(sample));
        *world.room().inner().collector.left.lock() = left;
        world.run(world.room().collect()).expect("it collects");
        assert_eq!(sums(&world, 1), [1.0]);
        world.run(world.room().collect()).expect("it collects");
        assert_eq!(sums(&world, 1), [1.0], "once");
    }

    #[test]
    fn a_stop_collects_the_open_minute() {
        let (world, counts) = world();
        world.advance(10_000);
        counts.count(world.now_ms(), 1.0);
        world.run(world.room().stop()).expect("it stops");
        assert_eq!(sums(&world, 1), [1.0]);
    }

    #[test]
    fn a_clock_that_was_set_back_stops_no_collection() {
        let (world, counts) = world();
        world.advance(86_400_000);
        world.clock.set_ms(NOW_MS);
        counts.count(NOW_MS, 1.0);
        world.advance(0);
        assert_eq!(sums(&world, 1), [1.0]);
        let next = world.run(world.room().tick());
        assert_eq!(next, Some(NOW_MS + limits::COLLECT_GRACE_MS));
    }
}
