//! The store's door.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use nautilus_log::{Clock, Disk, MemoryDisk, Threads};
use nautilus_stats::Distribution;
use parking_lot::{Condvar, Mutex};

use crate::{
    Error, Series, SeriesId,
    core::Core,
    error::cannot,
    lane::Lane,
    limits::{SERIES_PER_HOLD, WAITING_READS_MAX, WAITING_SAMPLES_MAX},
    memory_read::MemoryRead,
    periods::Range,
    settings::Settings,
};

/// How fine a sample's time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// A second: kept for three hours, then by the minute.
    Second,
    /// A minute.
    Minute,
}

/// Samples of one series in one second or minute.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Which metric.
    pub series: Series,
    /// When, Unix ms; the store rounds down to the resolution.
    pub at_ms: u64,
    /// How fine.
    pub resolution: Resolution,
    /// The samples.
    pub distribution: Distribution,
}

/// How the store is set up.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Own threads, or none for tests: then what the store does by itself happens in puts.
    pub threads: Threads,
    /// False in memory mode: nothing is written. The newest hour takes what it always takes of memory, and of what is
    /// older, deflated, 256 MiB are kept: the oldest is forgotten first.
    pub is_durable: bool,
}

/// A series, and when its newest samples are of.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its number.
    pub id: SeriesId,
    /// The series.
    pub series: Arc<Series>,
    /// The period of its newest samples, Unix ms.
    pub newest_ms: u64,
}

/// Handle of the store; clones are the same one. The last one that is dropped ends its threads.
#[derive(Clone)]
pub struct MetricStore {
    inner: Arc<Inner>,
}

struct Inner {
    core: Arc<Core>,
    threads: Threads,
    writer: Lane,
    reader: Lane,
    keeping: Arc<Keeping>,
}

/// What the keeper's thread waits for.
#[derive(Default)]
struct Keeping {
    lock: Mutex<()>,
    changed: Condvar,
    is_over: AtomicBool,
}

impl MetricStore {
    pub(crate) fn core(&self) -> &Core {
        &self.inner.core
    }

    /// Opens the store in the directory `metrics` of `disk`.
    pub fn open(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        config: Config,
    ) -> Result<MetricStore, Error> {
        let settings = Settings::new(config.is_durable);
        let disk = if config.is_durable { disk } else { Arc::new(MemoryDisk::default()) };
        MetricStore::open_with(disk, clock, config.threads, settings)
    }

    pub(crate) fn open_with(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        threads: Threads,
        settings: Settings,
    ) -> Result<MetricStore, Error> {
        let core = Arc::new(Core::open(disk, clock, settings)?);
        let keeping = Arc::new(Keeping::default());
        let inner = Inner {
            writer: Lane::new("metrics-writer", threads, WAITING_SAMPLES_MAX)?,
            reader: Lane::new("metrics-reader", threads, WAITING_READS_MAX)?,
            core,
            threads,
            keeping,
        };
        if threads == Threads::Own {
            let (core, keeping) = (inner.core.clone(), inner.keeping.clone());
            let named = std::thread::Builder::new().name("metrics-keeper".to_owned());
            named.spawn(move || keeping.serve(&core)).map_err(cannot("start a thread"))?;
        }
        Ok(MetricStore { inner: Arc::new(inner) })
    }

    /// Takes samples; those of one series and period are merged. When it answers, they can be read, and `kill -9` does not
    /// lose them; a power loss loses the last minute. While the disk is full or fails, they are in memory alone.
    ///
    /// Samples that are a day ahead of the clock, or older than anything is kept, are left out. Dropping the future takes
    /// nothing back.
    pub async fn put(&self, samples: Vec<Sample>) -> Result<(), Error> {
        let core = self.inner.core.clone();
        let put = self.inner.writer.run(samples.len(), move || core.put(&samples)).await?;
        if self.inner.threads == Threads::Stepped {
            self.inner.core.keep();
        }
        put
    }

    /// The series of a metric, one for each unit; dimensions must be the same, sorted by name.
    pub fn find(&self, metric: &Series) -> Vec<(SeriesId, Arc<Series>)> {
        self.inner.core.tables.read().registry.find(metric)
    }

    /// The series of a number; `None` if it is forgotten.
    pub fn series(&self, id: SeriesId) -> Option<Arc<Series>> {
        self.inner.core.tables.read().registry.series(id).cloned()
    }

    /// Up to `count` series of an account and region that `wanted` says yes to, in their order, behind `after`. A metric
    /// is listed once for each of its units, one behind the other. However many `wanted` refuses, others have the thread in
    /// between.
    pub async fn list(
        &self,
        account: &str,
        region: &str,
        after: Option<&Series>,
        count: usize,
        mut wanted: impl FnMut(&Listed) -> bool,
    ) -> Vec<Listed> {
        let mut found = Vec::new();
        let mut last: Option<Arc<Series>> = None;
        while found.len() < count {
            let after = last.as_deref().or(after);
            let page = {
                let tables = self.inner.core.tables.read();
                tables.registry.page(account, region, after, SERIES_PER_HOLD)
            };
            let is_last = page.len() < SERIES_PER_HOLD;
            last = page.last().map(|(_, series, _)| series.clone());
            let listed = page.into_iter().map(|(id, series, seen_s)| Listed {
                id,
                series,
                newest_ms: u64::from(seen_s) * 1000,
            });
            found.extend(listed.filter(|listed| wanted(listed)).take(count - found.len()));
            if is_last {
                break;
            }
            if found.len() < count {
                breathe().await;
            }
        }
        found
    }

    /// Samples of a series in periods of `period_s` from `from_ms` (inclusive) to before `to_ms`, oldest first; periods
    /// without samples are absent. What age has made coarser than the period, or of another length, is not in it: after 3
    /// hours (seconds), 15 days (minutes) and 63 days (five minutes), rounded up to whole hours.
    ///
    /// The newest hour is answered from memory. The caller bounds the number of periods.
    pub async fn read(
        &self,
        id: SeriesId,
        from_ms: u64,
        to_ms: u64,
        period_s: u32,
    ) -> Result<Vec<(u64, Distribution)>, Error> {
        let core = &self.inner.core;
        let range = Range { from_ms, to_ms, period_s, now_s: core.now_s() };
        let mut read = MemoryRead::new(core, id, range);
        while read.go_on(core) {
            breathe().await;
        }
        let (periods, blocks) = read.finish();
        if blocks.is_empty() {
            return Ok(periods.finish());
        }
        let core = core.clone();
        let read = move || core.read_blocks(id, periods, &blocks);
        Ok(self.inner.reader.run(1, read).await??.finish())
    }

    /// Does what is due by the clock: syncs, writes blocks, rolls up, forgets. With own threads this happens by itself.
    pub fn tick(&self) {
        self.inner.core.keep();
    }

    /// Finishes what was put before and makes it durable; nothing is taken or written afterwards.
    pub async fn close(&self) -> Result<(), Error> {
        self.inner.keeping.end();
        let core = self.inner.core.clone();
        core.is_closing.store(true, Ordering::SeqCst);
        self.inner.writer.run(0, move || core.close()).await?
    }
}

/// Lets others have this thread. What memory answers alone would keep it to itself.
async fn breathe() {
    let mut has_waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.keeping.end();
        self.core.is_closing.store(true, Ordering::SeqCst);
    }
}

impl Keeping {
    /// How often it is looked for what is due.
    const EVERY: Duration = Duration::from_secs(1);

    fn serve(&self, core: &Core) {
        while !self.is_over.load(Ordering::SeqCst) {
            core.keep();
            let mut lock = self.lock.lock();
            if !self.is_over.load(Ordering::SeqCst) {
                self.changed.wait_for(&mut lock, Keeping::EVERY);
            }
        }
    }

    fn end(&self) {
        let _lock = self.lock.lock();
        self.is_over.store(true, Ordering::SeqCst);
        self.changed.notify_all();
    }
}
