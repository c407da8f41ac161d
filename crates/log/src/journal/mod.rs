//! The local engine: one journal for all shards, one sync for all that waits.
//!
//! A record's way: [`Journal::append`] puts frames into the commit queue (`queue.rs`), the committer writes and syncs
//! a group (`committer.rs`), shows it (`shard.rs`) and answers; readers find it in memory or in a segment
//! (`plan.rs`, `reader.rs`). `maker.rs` prepares segments, `sweeper.rs` gives the space of dead ones back, `recovery.rs`
//! opens what an earlier life left.

mod committer;
mod footers;
mod in_memory;
mod leftovers;
mod maker;
mod plan;
mod pool;
mod queue;
mod reader;
mod recovery;
mod removal;
mod rewrite;
mod scan;
mod segment;
mod shard;
mod stats;
mod sweeper;
mod tail;
mod times;
mod verdict;
mod watch;

use std::{
    future::Future,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
};

pub use self::{recovery::prepare, stats::JournalStats, watch::ShardWatch};
use parking_lot::Mutex;
use smallvec::SmallVec;
use tokio::sync::oneshot;

use crate::{
    AppendResult, Clock, Disk, File, Frame, Manifest, ManifestError, NextPosition, Open, Page,
    Position, ReadError, ReadRequest, Refusal, Reserve, Rng, ShardLogId, ShardTail, Threads,
    frame::Alive,
};

use self::{
    committer::Committer,
    footers::Footers,
    in_memory::InMemory,
    maker::Maker,
    plan::{Moment, Plan},
    pool::Pool,
    queue::{Item, Queue, Taken},
    segment::SegmentTable,
    shard::{Shard, ShardTable},
    stats::Counters,
    sweeper::Sweeper,
    tail::TailBudget,
};

/// What an answered append survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Everything that the disk survives: synced before it is answered.
    #[default]
    Fsync,
    /// The end of the process, not of the machine: handed to the operating system before it is answered.
    Os,
    /// Nothing: kept in memory, up to the configured bytes.
    Memory,
}

/// Settings of a journal.
pub struct Config {
    /// What an answered append survives.
    pub durability: Durability,
    /// Bytes of a segment (the first one is at most 16 MiB).
    pub segment_bytes: u64,
    /// Bytes of the newest frames that are kept in memory; with [`Durability::Memory`] of all frames.
    pub tail_bytes_max: usize,
    /// Bytes of decoded footers that are kept, and at least one footer.
    pub footer_bytes_max: usize,
    /// Own threads, or steps.
    pub threads: Threads,
    /// Called once when a write or sync failed and nothing more is taken: the process must end soon.
    pub on_fatal: Box<dyn Fn(&Error) + Send + Sync>,
}

/// What a journal is opened with.
pub struct Options {
    /// The door to the disk.
    pub disk: Arc<dyn Disk>,
    /// The door to time.
    pub clock: Arc<dyn Clock>,
    /// The door to chance.
    pub rng: Arc<dyn Rng>,
    /// The catalog's side.
    pub manifest: Arc<dyn Manifest>,
    /// All shard logs that exist.
    pub living: Vec<ShardLogId>,
    /// No shard log ever had this id or a higher one.
    pub next_shard: ShardLogId,
    /// Settings.
    pub config: Config,
}

/// Why the journal cannot go on, or not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("journal: cannot {op} segment {segment}: {source}")]
    Io {
        /// What was tried.
        op: &'static str,
        /// Which segment, 0 if none.
        segment: u64,
        /// Why not.
        source: io::Error,
    },
    /// There is no new segment to write to, for now.
    #[error("journal: no space for another segment")]
    Full,
    /// The catalog could not be written.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A file was written by a newer Nautilus.
    #[error(
        "journal: segment {segment} was written by a newer version of Nautilus; start that version"
    )]
    NewerFormat {
        /// Which segment.
        segment: u64,
    },
    /// The files belong to another catalog.
    #[error(
        "journal: segment {segment} belongs to another catalog; put back the catalog and the journal \
         that belong together"
    )]
    OtherJournal {
        /// Which segment.
        segment: u64,
    },
    /// There are records that the catalog knows nothing of.
    #[error(
        "journal: segment {segment} has records that the catalog does not know: the catalog is older \
         than the journal; put back the newest catalog"
    )]
    CatalogOlder {
        /// Which segment.
        segment: u64,
    },
    /// There are records and no catalog.
    #[error(
        "journal: segment {segment} has records, but there is no catalog beside it; put back the \
         catalog, or choose an empty data directory"
    )]
    NoCatalog {
        /// Which segment.
        segment: u64,
    },
}

/// What opening a journal found.
#[derive(Debug, Default)]
pub struct Report {
    /// Unsynced writes of the last life that were cut.
    pub cuts: Vec<Cut>,
    /// Bytes that were durable and are wrong.
    pub damage: Vec<Damage>,
    /// Segments whose footer was missing or bad and was written again.
    pub rebuilt: Vec<u64>,
}

/// A cut write.
#[derive(Debug)]
pub struct Cut {
    /// In which segment.
    pub segment: u64,
    /// From which offset.
    pub offset: u64,
    /// How many bytes.
    pub bytes: u64,
    /// The whole frames among it.
    pub shards: Vec<CutShard>,
}

/// Positions of a shard that were cut.
#[derive(Debug)]
pub struct CutShard {
    /// The shard.
    pub shard: ShardLogId,
    /// The first position.
    pub first: Position,
    /// The last position.
    pub last: Position,
    /// When they would have arrived, Unix ms.
    pub arrived_ms: u64,
}

/// Damaged bytes.
#[derive(Debug)]
pub struct Damage {
    /// In which segment, 0 if not known.
    pub segment: u64,
    /// From which offset.
    pub offset: u64,
    /// To which offset, exclusive.
    pub end: u64,
    /// What is wrong.
    pub what: &'static str,
}

/// What all parts of a journal share.
pub(crate) struct World {
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    manifest: Arc<dyn Manifest>,
    config: Config,
    shards: ShardTable,
    segments: SegmentTable,
    footers: Footers,
    queue: Queue,
    poisoned: AtomicBool,
    damage_met: AtomicU64,
    counters: Counters,
    /// Held while a segment's number is allotted.
    allotting: Mutex<()>,
}

impl World {
    /// Opens a segment's file.
    fn open_segment(&self, path: &str, how: Open) -> io::Result<Arc<dyn File>> {
        match self.config.durability {
            Durability::Fsync => self.disk.open_log(path, how),
            Durability::Os | Durability::Memory => self.disk.open_unsynced_log(path, how),
        }
    }

    /// Nothing more is written in this life: what waits is refused, the process is told.
    fn poison(&self, error: &Error) {
        tracing::error!(%error, "the journal takes nothing more; start again to recover");
        self.queue.poison().into_iter().for_each(|item| item.refuse(Refusal::Poisoned));
        if !self.poisoned.swap(true, Ordering::SeqCst) {
            (self.config.on_fatal)(error);
        }
    }
}

/// A journal of many shards. Clones are handles of one and the same.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

struct Inner {
    world: Arc<World>,
    pool: Pool,
    maker: Maker,
    sweeper: Sweeper,
    /// What is kept of records in memory.
    alive: Arc<Alive>,
    /// In [`Threads::Stepped`] the committer waits here for [`Journal::step`].
    stepped: Mutex<Option<Committer>>,
    running: Mutex<Option<Running>>,
}

/// The threads of [`Threads::Own`].
struct Running {
    committer: JoinHandle<()>,
    maker: JoinHandle<()>,
    sweeper: JoinHandle<()>,
}

impl Journal {
    /// Opens the journal in the disk's directory `journal`; recovers it if it was left in a hurry.
    pub fn open(options: Options) -> Result<(Journal, Report), Error> {
        let newborn = |&shard: &_| Shard::new(NextPosition { shard, next: 1, arrival_ms_max: 0 });
        let world = Arc::new(World {
            disk: options.disk,
            clock: options.clock,
            rng: options.rng,
            manifest: options.manifest,
            shards: ShardTable::new(options.living.iter().map(newborn)),
            segments: SegmentTable::default(),
            footers: Footers::new(options.config.footer_bytes_max),
            queue: Queue::default(),
            poisoned: AtomicBool::new(false),
            damage_met: AtomicU64::new(0),
            counters: Counters::default(),
            allotting: Mutex::default(),
            config: options.config,
        });
        let recovered = recovery::recover(&world, options.next_shard)?;
        let threads = world.config.threads;
        let maker = Maker::new(threads, recovered.ready);
        let (kept_bytes_max, alive) = (world.config.tail_bytes_max, Arc::<Alive>::default());
        let committer = Committer {
            world: world.clone(),
            maker: maker.clone(),
            active: recovered.active,
            next_group: recovered.next_group,
            clean: recovered.clean,
            tail: TailBudget::new(kept_bytes_max, alive.clone()),
            memory: InMemory::new(kept_bytes_max, alive.clone()),
        };
        let inner = Inner {
            pool: Pool::new(threads),
            maker,
            sweeper: Sweeper::new(threads),
            alive,
            world,
            stepped: Mutex::new(None),
            running: Mutex::new(None),
        };
        match threads {
            Threads::Stepped => *inner.stepped.lock() = Some(committer),
            Threads::Own => inner.start(committer)?,
        }
        Ok((Journal { inner: Arc::new(inner) }, recovered.report))
    }

    /// Appends one call's frames. Answers one result for each frame, in order, when all that is written is durable.
    ///
    /// A refused frame does not hold back the others. Dropping the future takes nothing back.
    pub fn append(
        &self,
        frames: SmallVec<[Frame; 1]>,
    ) -> impl Future<Output = SmallVec<[AppendResult; 1]>> + Send + use<> {
        let count = frames.len();
        let (answer, answered) = oneshot::channel();
        if let Err((item, refusal)) = self.inner.world.queue.push(Item::Append { frames, answer }) {
            self.inner.world.counters.refused(refusal, 1);
            item.refuse(refusal);
        }
        async move {
            let lost = |_| SmallVec::from_elem(AppendResult::Refused(Refusal::Poisoned), count);
            answered.await.unwrap_or_else(lost)
        }
    }

    /// Closes shards: behind this entry of the queue they take nothing. Answers each one's last position.
    pub fn close(
        &self,
        ids: Vec<ShardLogId>,
    ) -> impl Future<Output = Result<Vec<Position>, Refusal>> + Send + use<> {
        let (answer, answered) = oneshot::channel();
        if let Err((item, refusal)) = self.inner.world.queue.push(Item::Close { ids, answer }) {
            item.refuse(refusal);
        }
        async move { answered.await.unwrap_or(Err(Refusal::Poisoned)) }
    }

    /// Adds empty shards, from position 1. Only the catalog makes that durable; ids that exist stay as they are.
    pub fn create_shards(&self, ids: &[ShardLogId]) {
        self.inner.world.shards.insert(ids);
    }

    /// Forgets deleted shards; their records are gone for readers at once, their bytes with their segments.
    pub fn forget_shards(&self, ids: &[ShardLogId]) {
        self.inner.world.shards.remove(ids);
    }

    /// Where a shard ends now.
    pub fn tail(&self, shard: ShardLogId) -> Option<ShardTail> {
        Some(self.inner.world.shards.get(shard)?.tail())
    }

    /// Watches a shard, to learn of new records the moment that they are visible.
    pub fn watch(&self, shard: ShardLogId) -> Option<ShardWatch> {
        Some(ShardWatch::new(self.inner.world.shards.get(shard)?))
    }

    /// Reads a page of records. It may hold somewhat more than was asked for; the caller takes what it wants.
    pub async fn read(&self, request: ReadRequest) -> Result<Page, ReadError> {
        let world = &self.inner.world;
        let shard = self.shard(request.shard).ok_or(ReadError::UnknownShard)?;
        loop {
            let plan = plan::plan(&shard, &request);
            world.counters.read(!matches!(plan, Plan::Ready(_)));
            let page = match plan {
                Plan::Ready(page) => return Ok(page),
                Plan::Damaged { first, end } => {
                    return Err(ReadError::Damaged { shard: request.shard, first, end });
                }
                Plan::Runs(cold) => {
                    let (world, shard) = (world.clone(), shard.clone());
                    let read = move || reader::read_runs(&world, &shard, &request, &cold);
                    self.off_thread(read).await?
                }
                Plan::Span { span, start } => {
                    let (world, shard) = (world.clone(), shard.clone());
                    let read = move || reader::read_span(&world, &shard, &request, span, start);
                    self.off_thread(read).await?
                }
            };
            if let Some(page) = page {
                return Ok(page);
            }
            // What the plan led to was removed or rewritten meanwhile: the index knows better now.
        }
    }

    /// The first position whose effective time is `ms` or later: where reading from that moment begins. The shard's end
    /// if there is none. A record's effective time is the largest arrival at or before it that is not in the future.
    pub async fn position_at(&self, shard: ShardLogId, ms: u64) -> Result<Position, ReadError> {
        let world = &self.inner.world;
        let shard = self.shard(shard).ok_or(ReadError::UnknownShard)?;
        loop {
            let found = match plan::moment(&shard, ms) {
                Moment::At(position) => Some(position),
                Moment::InRun(run, before_ms) => {
                    let (world, shard) = (world.clone(), shard.clone());
                    let read = move || reader::moment_in_run(&world, &shard, run, before_ms, ms);
                    self.off_thread(read).await?
                }
                Moment::InSpan(span) => {
                    let (world, shard) = (world.clone(), shard.clone());
                    let read = move || reader::moment_in_span(&world, &shard, span, ms);
                    self.off_thread(read).await?
                }
            };
            if let Some(position) = found {
                return Ok(position.max(shard.floor()));
            }
        }
    }

    /// A shard whose times are right by the present clock.
    fn shard(&self, id: ShardLogId) -> Option<Arc<Shard>> {
        let world = &self.inner.world;
        let shard = world.shards.get(id)?;
        shard.settle(|| world.clock.now_ms());
        Some(shard)
    }

    async fn off_thread<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        self.inner.pool.run(read).await.unwrap_or(Err(ReadError::Stopped))
    }

    /// Tells what is expired: everything in a shard that arrived before its cutoff. Dead segments go soon after.
    pub fn trim(&self, shards: &[(ShardLogId, u64)]) {
        let world = &self.inner.world;
        let now_ms = world.clock.now_ms();
        for &(id, cutoff_ms) in shards {
            if let Some(shard) = world.shards.get(id) {
                shard.settle_for_arrival(&mut shard.index.write(), now_ms);
                shard.expire_before(cutoff_ms);
            }
        }
        self.inner.sweeper.sweep(world);
    }

    /// True when a write or sync failed: nothing more is taken in this life.
    pub fn is_poisoned(&self) -> bool {
        self.inner.world.poisoned.load(Ordering::SeqCst)
    }

    /// How many reads met damaged bytes in this life, whether or not they belonged to what was read.
    pub fn damage_met(&self) -> u64 {
        self.inner.world.damage_met.load(Ordering::Relaxed)
    }

    /// Its figures. Asks the file system how much space is left, so it may block.
    pub fn stats(&self) -> JournalStats {
        stats::look(&self.inner.world, self.inner.alive.bytes())
    }

    /// Commits what waits, at most one group. Only with [`Threads::Stepped`]; false if nothing waited.
    pub fn step(&self) -> bool {
        let mut stepped = self.inner.stepped.lock();
        let Some(committer) = stepped.as_mut() else { return false };
        let taken = self.inner.world.queue.try_take();
        let waited = matches!(taken, Taken::Group { .. });
        if !committer.turn(taken) {
            *stepped = None;
        }
        waited
    }

    /// Makes a segment ahead if none is ready. Only with [`Threads::Stepped`]; false if there is no space for one.
    pub fn make_ahead(&self, reserve: &Reserve) -> bool {
        self.inner.maker.step(&self.inner.world, reserve)
    }

    /// Commits everything that waits, notes in the catalog that the journal was left in peace, ends the threads.
    /// Blocks until that is done. What is appended later is refused.
    pub fn stop(&self) {
        self.inner.world.queue.stop();
        while self.inner.stepped.lock().is_some() {
            self.step();
        }
        let Some(Running { committer, maker, sweeper }) = self.inner.running.lock().take() else {
            return;
        };
        // The committer first: what still waits may need a segment. A panic of a thread was reported when it happened.
        let _ = committer.join();
        self.inner.maker.stop();
        self.inner.sweeper.stop();
        let _ = (maker.join(), sweeper.join());
    }
}

impl Inner {
    fn start(&self, committer: Committer) -> Result<(), Error> {
        let io = |source| Error::Io { op: "start a thread for", segment: 0, source };
        let maker = self.maker.start(self.world.clone()).map_err(io)?;
        let sweeper = self.sweeper.start(self.world.clone()).map_err(io)?;
        let committer = std::thread::Builder::new()
            .name("journal-commit".to_owned())
            .spawn(move || committer.run())
            .map_err(io)?;
        *self.running.lock() = Some(Running { committer, maker, sweeper });
        Ok(())
    }
}
