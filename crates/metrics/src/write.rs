//! How samples come in: named, written to the log, then seen.
//!
//! A log that cannot be written stops nobody. Its samples stay in memory, where they are read as all others; that is told
//! once, and tried again every few seconds. As soon as it goes, a new file of the log begins and what only memory had
//! is written as blocks. The same after a sync that failed: a file whose sync failed is not trusted, and what was in it is
//! written anew from memory.

use std::{collections::HashMap, io, sync::Arc};

use nautilus_log::File;
use nautilus_stats::Distribution;

use crate::{
    DIRECTORY, Error, Resolution, Sample, SeriesId,
    core::{Core, Generation},
    entries::Record,
    limits::{AHEAD_S_MAX, RECORD_SAMPLES_MAX, SAMPLES_PER_HOLD},
    record_log::RecordLog,
    tier::Tier,
};

/// The log's writing side.
pub(crate) struct Writer {
    log: Option<RecordLog>,
    /// The number of the newest file of the log.
    through: u64,
    /// Files that have been written to since they were synced.
    unsynced: HashMap<u64, Arc<dyn File>>,
    /// A file is new: its name is not durable.
    has_new_name: bool,
    /// When a new file is tried again, Unix ms, if the last try failed.
    retry_ms: u64,
    has_failed: bool,
    /// Some samples are in no file that is trusted: memory should become blocks soon.
    pub needs_flush: bool,
    is_closed: bool,
}

pub(crate) fn log_path(number: u64) -> String {
    format!("{DIRECTORY}/log-{number:08}")
}

/// A sample with its number, in the period that it is kept in.
struct Named<'a> {
    id: SeriesId,
    tier: Tier,
    at_s: u32,
    samples: &'a Distribution,
}

impl Writer {
    pub fn new(through: u64, unsynced: HashMap<u64, Arc<dyn File>>) -> Writer {
        Writer {
            log: None,
            through,
            has_new_name: !unsynced.is_empty(),
            unsynced,
            retry_ms: 0,
            has_failed: false,
            needs_flush: false,
            is_closed: false,
        }
    }

    pub fn close(&mut self) {
        self.is_closed = true;
        self.log = None;
    }

    /// The next record goes to a new file.
    fn turn(&mut self) {
        self.log = None;
    }

    fn append(&mut self, core: &Core, record: &[u8]) {
        let now_ms = core.clock.now_ms();
        if !core.settings.has_log {
            return;
        }
        // If the clock was set back meanwhile, this waits no longer for that.
        let wait_ms = self.retry_ms.saturating_sub(now_ms);
        if self.has_failed && (1..=core.settings.retry_ms).contains(&wait_ms) {
            self.needs_flush = true;
            return;
        }
        match self.try_append(core, record) {
            Ok(()) => {
                if std::mem::take(&mut self.has_failed) {
                    tracing::warn!("metrics: the log is written again");
                }
            }
            Err(error) => self.fail(core, "written", &error),
        }
    }

    fn try_append(&mut self, core: &Core, record: &[u8]) -> io::Result<()> {
        let log = match &mut self.log {
            Some(log) => log,
            None => {
                let number = core.next_file();
                self.through = number;
                self.has_new_name = true;
                self.log.insert(RecordLog::create(&*core.disk, &log_path(number))?)
            }
        };
        log.append(record)?;
        let file = log.file();
        self.unsynced.entry(self.through).or_insert_with(|| file.clone());
        Ok(())
    }

    fn fail(&mut self, core: &Core, what: &str, error: &io::Error) {
        if !std::mem::replace(&mut self.has_failed, true) {
            tracing::error!(
                %error,
                "metrics: the log cannot be {what}: samples are kept in memory until it can"
            );
        }
        self.log = None;
        self.needs_flush = true;
        self.retry_ms = core.clock.now_ms() + core.settings.retry_ms;
    }
}

impl Core {
    /// Takes samples: when this returns, the log has them, and they can be read.
    pub fn put(&self, samples: &[Sample]) -> Result<(), Error> {
        let mut writer = self.writer.lock();
        if writer.is_closed {
            return Err(Error::Closed);
        }
        // What is too much is given up within a second; this is for whoever is faster.
        let bytes_max = self.settings.memory_bytes_max + 2 * self.settings.turn_bytes;
        if self.tables.read().bytes() > bytes_max {
            return Err(Error::Busy);
        }
        let mut left_out = 0;
        for samples in samples.chunks(RECORD_SAMPLES_MAX) {
            left_out += self.put_record(&mut writer, samples);
        }
        if left_out > 0 { Err(Error::TooManySeries { left_out }) } else { Ok(()) }
    }

    /// How many samples are left out.
    fn put_record(&self, writer: &mut Writer, samples: &[Sample]) -> usize {
        let mut record = Record::default();
        let mut named = Vec::with_capacity(samples.len());
        let mut left_out = 0;
        for samples in samples.chunks(SAMPLES_PER_HOLD) {
            left_out += self.name(samples, &mut named, &mut record);
        }
        for sample in &named {
            record.sample(sample.id, sample.tier, sample.at_s, sample.samples);
        }
        if !record.is_empty() {
            let record = record.finish();
            writer.append(self, &record);
            self.tables.write().open.log_bytes += record.len() as u64;
        }
        let now_ms = self.clock.now_ms();
        for named in named.chunks(SAMPLES_PER_HOLD) {
            let mut tables = self.tables.write();
            if tables.open.table.is_empty() {
                tables.open.opened_ms = now_ms;
            }
            tables.open.through = writer.through;
            for sample in named {
                tables.open.table.add(sample.id, sample.tier, sample.at_s, sample.samples);
                tables.registry.seen(sample.id, sample.at_s);
            }
        }
        left_out
    }

    /// Finds the samples' series, and registers what is new; how many samples are left out because there is no room.
    fn name<'a>(
        &self,
        samples: &'a [Sample],
        named: &mut Vec<Named<'a>>,
        record: &mut Record,
    ) -> usize {
        let now_s = self.now_s();
        let mut left_out = 0;
        let mut new = Vec::new();
        {
            let tables = self.tables.read();
            for sample in samples {
                let Some((tier, at_s)) = period(sample, now_s) else { continue };
                match tables.registry.id(&sample.series) {
                    Some(id) => named.push(Named { id, tier, at_s, samples: &sample.distribution }),
                    None => new.push((sample, tier, at_s)),
                }
            }
        }
        if new.is_empty() {
            return 0;
        }
        let mut tables = self.tables.write();
        for (sample, tier, at_s) in new {
            // It may come twice.
            let known = tables.registry.id(&sample.series);
            let registered = known.or_else(|| {
                let id =
                    tables.registry.register(&sample.series, self.settings.registry_bytes_max)?;
                tables.registry.seen(id, at_s);
                record.series(id, &sample.series);
                tables.open.registered.push(id);
                Some(id)
            });
            match registered {
                Some(id) => named.push(Named { id, tier, at_s, samples: &sample.distribution }),
                None => left_out += 1,
            }
        }
        left_out
    }

    /// Freezes the open table; the next samples go to a new file of the log.
    pub fn turn(&self) {
        let mut writer = self.writer.lock();
        writer.turn();
        let now_ms = self.clock.now_ms();
        let mut tables = self.tables.write();
        if !tables.open.table.is_empty() {
            let number = tables.open.number + 1;
            let open = Generation { number, through: writer.through, ..Generation::default() };
            let frozen = std::mem::replace(&mut tables.open, open);
            let needs_flush = std::mem::take(&mut writer.needs_flush);
            let through = writer.through;
            let frozen = Generation { through, frozen_ms: now_ms, needs_flush, ..frozen };
            tables.frozen.push_back(Arc::new(frozen));
        }
    }

    /// Makes what was written to the log durable. What was in a file whose sync fails becomes blocks.
    pub fn sync_log(&self) -> io::Result<()> {
        let (unsynced, has_new_name) = {
            let mut writer = self.writer.lock();
            (std::mem::take(&mut writer.unsynced), std::mem::take(&mut writer.has_new_name))
        };
        let synced = unsynced.values().try_for_each(|file| file.sync());
        let named = if has_new_name { self.disk.sync_dir(DIRECTORY) } else { Ok(()) };
        let done = synced.and(named);
        if let Err(error) = &done {
            self.writer.lock().fail(self, "synced", error);
        }
        done
    }
}

/// The period that a sample is kept in; `None` if it is too old, too far ahead, or no sample.
fn period(sample: &Sample, now_s: u32) -> Option<(Tier, u32)> {
    let at_s = sample.at_ms / 1000;
    let is_sample = sample.distribution.count > 0.0 && at_s <= u64::from(now_s) + AHEAD_S_MAX;
    let at_s = u32::try_from(at_s).ok().filter(|_| is_sample)?;
    let finest = match sample.resolution {
        Resolution::Second => Tier::Second,
        Resolution::Minute => Tier::Minute,
    };
    let tier = finest.aged(finest.floor(at_s), now_s)?;
    Some((tier, tier.floor(at_s)))
}
