//! Opens what stands behind the server, in order: directory, catalog, journal, Kinesis, SNS, metrics, CloudWatch; and
//! closes it again.
//!
//! The lock on the directory is held from before the first file is opened until after the last is closed. When the disk
//! fails, [`Engine::failed`] tells it, and the process ends within a second, whatever still waits: what was answered is
//! on disk, and nothing more can be promised.

use std::{io, path::Path, sync::Arc, thread, time::Duration};

use nautilus_cloudwatch::{CloudWatch, Parts, Source};
use nautilus_kinesis::{Config, Kinesis, Shards, living_shards};
use nautilus_log::{
    self as log, Clock, DirectoryLock, Disk, Journal, MemoryDisk, RealDisk, Rng, ShardLogId,
    SystemRng, Threads,
};
use nautilus_metrics::{self as metrics, MetricStore};
use nautilus_sns::{self as sns, Reach, Sns};
use nautilus_store::{self as store, Store, StoreManifest};
use tokio::sync::watch;

use super::{
    counted::Counted,
    failure::{CANNOT_CREATE, DATA, Failure, IO, TEMPORARY, USAGE},
};
use crate::config::{Durability, ServeArgs, Switch};

/// Newest records that readers find in memory.
const TAIL_BYTES_MAX: usize = 64 << 20;
/// From the disk's failure to the end of the process.
const END_AFTER_FAILURE: Duration = Duration::from_millis(900);

/// A data directory that is ours.
pub(super) struct Directory {
    disk: Arc<dyn Disk>,
    /// None where nothing is kept.
    lock: Option<DirectoryLock>,
}

/// Everything behind the server.
pub(super) struct Engine {
    kinesis: Kinesis,
    cloudwatch: CloudWatch,
    sns: Sns,
    metrics: MetricStore,
    journal: Journal,
    failure: watch::Receiver<Option<String>>,
    _lock: Option<DirectoryLock>,
}

/// Where the data is: in the directory, which is made if need be and whose lock is taken, or in memory.
pub(super) fn directory(args: &ServeArgs) -> Result<Directory, Failure> {
    match args.durability {
        Durability::Memory => Ok(Directory { disk: Arc::new(MemoryDisk::default()), lock: None }),
        Durability::Fsync | Durability::Os => lock(&args.data_dir),
    }
}

fn lock(data_dir: &Path) -> Result<Directory, Failure> {
    let shown = data_dir.display();
    let cannot = |error: io::Error| {
        Failure::with_hint(
            CANNOT_CREATE,
            format!("the data directory `{shown}` cannot be used: {error}"),
            "choose one that you may write to with `--data-dir`",
        )
    };
    let disk = RealDisk::new(data_dir).map_err(cannot)?;
    let lock = disk.lock().map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => Failure::with_hint(
            TEMPORARY,
            format!("another process has the data directory `{shown}`"),
            "stop the other Nautilus, or choose another directory with `--data-dir`",
        ),
        _ => cannot(error),
    })?;
    Ok(Directory { disk: Arc::new(disk), lock: Some(lock) })
}

impl Engine {
    /// Opens all of it; recovers what an unclean end left.
    pub(super) fn open(
        directory: Directory,
        clock: Arc<dyn Clock>,
        args: &ServeArgs,
        public_url: String,
    ) -> Result<Engine, Failure> {
        let Directory { disk, lock } = directory;
        let (tell, failure) = watch::channel(None);
        let tell = Arc::new(tell);

        let catalog_failed = fatal(Arc::clone(&tell));
        let on_fatal = Box::new(move |error: &store::Error| catalog_failed(error.to_string()));
        log::prepare(&*disk).map_err(|error| disk_failure(&error.to_string()))?;
        let store = Store::open(&*disk, Threads::Own, on_fatal).map_err(|e| store_failure(&e))?;
        store.set_reserve(log::Reserve::new(Arc::clone(&disk)));
        let Shards { living, next_id } =
            living_shards(&store).map_err(|error| Failure::new(DATA, error.to_string()))?;
        let manifest = StoreManifest::open(&store).map_err(|error| store_failure(&error))?;

        let journal_failed = fatal(tell);
        let (journal, report) = Journal::open(log::Options {
            disk: Arc::clone(&disk),
            clock: Arc::clone(&clock),
            rng: Arc::new(SystemRng),
            manifest: Arc::new(manifest),
            living,
            next_shard: ShardLogId(next_id),
            config: log::Config {
                durability: match args.durability {
                    Durability::Fsync => log::Durability::Fsync,
                    Durability::Os => log::Durability::Os,
                    Durability::Memory => log::Durability::Memory,
                },
                segment_bytes: args.segment_size,
                tail_bytes_max: match args.durability {
                    Durability::Memory => args.memory_limit as usize,
                    Durability::Fsync | Durability::Os => TAIL_BYTES_MAX,
                },
                footer_bytes_max: 16 << 20,
                threads: Threads::Own,
                on_fatal: Box::new(move |error| journal_failed(error.to_string())),
            },
        })
        .map_err(|error| journal_failure(&error))?;

        let config = Config {
            transition_delay_ms: args.transition_delay_ms(),
            limits: args.limits(),
            metrics: args.metrics == Switch::On,
        };
        let rng: Arc<dyn Rng> = Arc::new(SystemRng);
        let (at, chance) = (Arc::clone(&clock), Arc::clone(&rng));
        let kinesis = Kinesis::open(store.clone(), journal.clone(), at, chance, config)
            .map_err(|error| disk_failure(&error.to_string()))?;
        tell_recovery(&kinesis, &report);

        let reach = Reach::new(&args.allowed_webhook, args.dev)
            .map_err(|sentence| Failure::new(USAGE, sentence))?;
        let options = sns::Options { disk: Arc::clone(&disk), reach, public_url };
        let sns = Sns::open(store.clone(), Arc::clone(&clock), Arc::clone(&rng), options)
            .map_err(|error| Failure::new(DATA, error.to_string()))?;
        let config = metrics::Config {
            threads: Threads::Own,
            is_durable: args.durability != Durability::Memory,
        };
        let metrics = MetricStore::open(disk, Arc::clone(&clock), config)
            .map_err(|error| Failure::new(DATA, error.to_string()))?;
        let counted: Arc<dyn Source> = Arc::new(Counted::new(kinesis.clone()));
        let cloudwatch = CloudWatch::open(Parts {
            store,
            metrics: metrics.clone(),
            sns: sns.clone(),
            sources: vec![counted],
            clock,
            rng,
        })
        .map_err(|error| Failure::new(DATA, error.to_string()))?;
        Ok(Engine { kinesis, cloudwatch, sns, metrics, journal, failure, _lock: lock })
    }

    pub(super) fn kinesis(&self) -> Kinesis {
        self.kinesis.clone()
    }

    pub(super) fn cloudwatch(&self) -> CloudWatch {
        self.cloudwatch.clone()
    }

    pub(super) fn sns(&self) -> Sns {
        self.sns.clone()
    }

    pub(super) fn journal(&self) -> Journal {
        self.journal.clone()
    }

    /// Waits until the disk has failed.
    pub(super) async fn failed(&self) -> Failure {
        let mut failure = self.failure.clone();
        let reason = match failure.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            Err(_) => std::future::pending().await, // nobody is left who could fail
        };
        disk_failure(&reason)
    }

    /// Ends in peace: what was taken is written, and the next start has nothing to recover.
    pub(super) async fn close(self) -> Result<(), Failure> {
        // What was counted in the open minute goes on in the next life.
        if let Err(error) = self.cloudwatch.stop().await {
            tracing::warn!(%error, "the last minute's metrics could not be stored");
        }
        if let Err(error) = self.metrics.close().await {
            tracing::warn!(%error, "the metric store did not end in order");
        }
        self.journal.stop();
        match self.failure.borrow().as_deref() {
            None => Ok(()),
            Some(reason) => Err(disk_failure(reason)),
        }
    }
}

/// What is called when the disk fails. The end does not depend on anything that may hang with the disk.
fn fatal(tell: Arc<watch::Sender<Option<String>>>) -> impl Fn(String) + Send + Sync {
    move |reason| {
        tell.send_if_modified(|told| {
            let is_first = told.is_none();
            if is_first {
                *told = Some(reason.clone());
            }
            is_first
        });
        let reason = reason.clone();
        thread::spawn(move || {
            thread::sleep(END_AFTER_FAILURE);
            disk_failure(&reason).tell();
            std::process::exit(i32::from(IO));
        });
    }
}

fn disk_failure(reason: &str) -> Failure {
    Failure::with_hint(
        IO,
        format!("the disk failed: {reason}"),
        "what was answered is safe; a write without an answer may or may not be there. \
         Look after the disk and start again",
    )
}

fn store_failure(error: &store::Error) -> Failure {
    Failure::with_hint(
        IO,
        error.to_string(),
        "nothing was changed; look after the data directory, or choose another with `--data-dir`",
    )
}

fn journal_failure(error: &log::Error) -> Failure {
    match error {
        log::Error::Io { .. } | log::Error::Manifest(_) => Failure::new(IO, error.to_string()),
        _ => Failure::with_hint(DATA, error.to_string(), "nothing was changed"),
    }
}

fn tell_recovery(kinesis: &Kinesis, report: &log::Report) {
    for log::Cut { segment, offset, bytes, shards } in &report.cuts {
        tracing::warn!(segment, offset, bytes, "cut a write that was never acknowledged");
        for log::CutShard { shard, first, last, arrived_ms } in shards {
            let Some(owner) = kinesis.owner(*shard) else { continue };
            tracing::warn!(
                stream = owner.stream(),
                shard = owner.shard_id(),
                first = owner.sequence_number(*first, *arrived_ms),
                last = owner.sequence_number(*last, *arrived_ms),
                "these records were cut"
            );
        }
    }
    for log::Damage { segment, offset, end, what } in &report.damage {
        tracing::error!(segment, offset, end, what, "damaged records; the rest stays readable");
    }
}
