//! A store on a disk and a clock of its own, beside the plainest model of what it should answer.

use std::{collections::BTreeMap, sync::Arc};

use nautilus_log::{ManualClock, Threads, wait};
use nautilus_stats::Distribution;

use super::{TestDisk, series};
use crate::{Error, MetricStore, Resolution, Sample, Series, settings::Settings};

/// A whole hour.
const START_MS: u64 = 1_795_489_200_000;

/// Sizes and times at which everything happens soon.
pub(crate) fn small() -> Settings {
    Settings {
        turn_ms: 5 * 60_000,
        turn_bytes: 4 << 10,
        turn_log_bytes: 8 << 10,
        log_bytes: 32 << 10,
        window_ms: 10 * 60_000,
        memory_bytes: 12 << 10,
        memory_bytes_max: 1 << 20,
        merge_blocks: 3,
        ..Settings::new(true)
    }
}

/// See the module.
pub(crate) struct World {
    pub disk: TestDisk,
    pub clock: Arc<ManualClock>,
    pub now_ms: u64,
    pub settings: Settings,
    pub store: MetricStore,
    /// Samples by series, resolution in seconds, and begin of their period.
    pub model: BTreeMap<(usize, u64, u64), Distribution>,
}

impl World {
    pub fn new(settings: Settings) -> World {
        let disk = TestDisk::default();
        let clock = Arc::new(ManualClock::new(START_MS));
        let store = open(&disk, &clock, settings).unwrap();
        World { disk, clock, now_ms: START_MS, settings, store, model: BTreeMap::new() }
    }

    pub fn series(number: usize) -> Series {
        series(["IncomingBytes", "IncomingRecords"][number % 2], &format!("stream-{}", number / 2))
    }

    pub fn advance_ms(&mut self, ms: u64) {
        self.now_ms += ms;
        self.clock.set_ms(self.now_ms);
    }

    pub fn sample(
        number: usize,
        at_ms: u64,
        resolution: Resolution,
        distribution: Distribution,
    ) -> Sample {
        Sample { series: World::series(number), at_ms, resolution, distribution }
    }

    /// Puts, and tells the model if it was answered.
    pub fn put(
        &mut self,
        samples: Vec<(usize, u64, Resolution, Distribution)>,
    ) -> Result<(), Error> {
        let put = samples.iter().cloned();
        let put = put.map(|(number, at_ms, resolution, samples)| {
            World::sample(number, at_ms, resolution, samples)
        });
        wait(self.store.put(put.collect()))?;
        samples.into_iter().for_each(|sample| self.expect(sample));
        Ok(())
    }

    pub fn expect(
        &mut self,
        (number, at_ms, resolution, samples): (usize, u64, Resolution, Distribution),
    ) {
        let step_s = if resolution == Resolution::Second { 1 } else { 60 };
        let at_s = at_ms / 1000 / step_s * step_s;
        match self.model.get_mut(&(number, step_s, at_s)) {
            Some(known) => known.merge(&samples),
            None => {
                self.model.insert((number, step_s, at_s), samples);
            }
        }
    }

    /// The same directory, opened anew.
    pub fn reopen(&mut self, disk: TestDisk) {
        self.store = open(&disk, &self.clock, self.settings).unwrap();
        self.disk = disk;
    }

    pub fn read(
        &self,
        number: usize,
        from_ms: u64,
        to_ms: u64,
        period_s: u32,
    ) -> Vec<(u64, Distribution)> {
        let found = self.store.find(&World::series(number));
        match found.first() {
            Some((id, _)) => wait(self.store.read(*id, from_ms, to_ms, period_s)).unwrap(),
            None => Vec::new(),
        }
    }

    /// What the model says: each sample becomes coarser as its hour ages.
    pub fn expected(
        &self,
        number: usize,
        from_ms: u64,
        to_ms: u64,
        period_s: u32,
    ) -> Vec<(u64, Distribution)> {
        let mut periods = BTreeMap::<u64, Distribution>::new();
        for ((_, step_s, at_s), samples) in self.model.range((number, 0, 0)..(number + 1, 0, 0)) {
            let hour_end_s = at_s / 3600 * 3600 + 3600;
            let age_s = (self.now_ms / 1000).saturating_sub(hour_end_s);
            const DAY_S: u64 = 86_400;
            let is_younger = |kept_s: u64| hour_end_s > self.now_ms / 1000 || age_s < kept_s;
            let aged_s = match () {
                () if is_younger(3 * 3600) => 1,
                () if is_younger(15 * DAY_S) => 60,
                () if is_younger(63 * DAY_S) => 300,
                () if is_younger(455 * DAY_S) => 3600,
                () => continue,
            };
            let step_s = aged_s.max(*step_s);
            let at_ms = at_s / step_s * step_s * 1000;
            if u64::from(period_s) % step_s != 0 || at_ms < from_ms || at_ms >= to_ms {
                continue;
            }
            let period_ms = u64::from(period_s) * 1000;
            let start_ms = from_ms + (at_ms - from_ms) / period_ms * period_ms;
            match periods.get_mut(&start_ms) {
                Some(known) => known.merge(samples),
                None => {
                    periods.insert(start_ms, samples.clone());
                }
            }
        }
        periods.into_iter().collect()
    }

    pub fn check(&self, number: usize, from_ms: u64, to_ms: u64, period_s: u32) {
        let found = self.read(number, from_ms, to_ms, period_s);
        let expected = self.expected(number, from_ms, to_ms, period_s);
        assert!(
            found == expected,
            "series {number}, {from_ms}..{to_ms} by {period_s} at {}:\n{found:?}\n{expected:?}",
            self.now_ms
        );
    }

    /// Everything, by every resolution.
    pub fn check_all(&self, series: usize) {
        const DAY_MS: u64 = 86_400_000;
        let hour_ms = self.now_ms / 3_600_000 * 3_600_000;
        for number in 0..series {
            self.check(number, hour_ms - 6 * 3_600_000, self.now_ms + 3 * 3_600_000, 1);
            for period_s in [60, 300, 900, 3600, 86_400] {
                self.check(number, hour_ms - 480 * DAY_MS, self.now_ms + DAY_MS, period_s);
            }
        }
    }
}

pub(crate) fn open(
    disk: &TestDisk,
    clock: &Arc<ManualClock>,
    settings: Settings,
) -> Result<MetricStore, Error> {
    MetricStore::open_with(Arc::new(disk.clone()), clock.clone(), Threads::Stepped, settings)
}
