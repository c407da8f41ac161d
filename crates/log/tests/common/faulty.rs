//! A journal on a disk in memory that fails as disks do: blocks that cannot be read, writes that end in the middle,
//! syncs that fail, calls that take long.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)] // not every test uses all of it

use std::{
    collections::BTreeMap,
    io,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use nautilus_log::{
    AppendResult, Config, Durability, Journal, Manifest, ManualClock, MemoryDisk, Options, Page,
    ReadError, ReadRequest, Report, SeededRng, ShardLogId, Threads, testing::MemoryManifest,
};
use parking_lot::{Condvar, Mutex};

use super::{
    NOW_MS, frame, wait,
    watched_disk::{WatchedDisk, Watcher},
};

const EIO: i32 = 5;
const BLOCK: u64 = 4096;

/// What a disk does wrong, now.
#[derive(Default)]
pub struct Faults {
    /// By path, numbers of blocks.
    unreadable: Mutex<BTreeMap<String, Vec<u64>>>,
    /// Writes to segments end after so many bytes.
    pub torn_after: Mutex<Option<usize>>,
    pub sync_fails: Mutex<bool>,
    /// By path, also of those that failed.
    syncs: Mutex<BTreeMap<String, usize>>,
    held: Mutex<Held>,
    changed: Condvar,
}

#[derive(Default)]
struct Held {
    syncs: bool,
    reads_of: Option<String>,
    waiting: usize,
}

impl Faults {
    /// From now on these are all the blocks that cannot be read.
    pub fn set_unreadable(&self, blocks: &[(&str, u64)]) {
        let mut unreadable = self.unreadable.lock();
        unreadable.clear();
        for (path, block) in blocks {
            unreadable.entry((*path).to_owned()).or_default().push(*block);
        }
    }

    /// How often a file was synced, or that was tried.
    pub fn syncs_of(&self, path: &str) -> usize {
        self.syncs.lock().get(path).copied().unwrap_or(0)
    }

    /// Syncs take until they are let go.
    pub fn hold_syncs(&self) {
        self.held.lock().syncs = true;
    }

    /// Reads of this file take until they are let go.
    pub fn hold_reads_of(&self, path: &str) {
        self.held.lock().reads_of = Some(path.to_owned());
    }

    pub fn let_go(&self) {
        let mut held = self.held.lock();
        (held.syncs, held.reads_of) = (false, None);
        self.changed.notify_all();
    }

    /// Waits until so many calls are held.
    pub fn await_held(&self, calls: usize) {
        let mut held = self.held.lock();
        while held.waiting < calls {
            self.changed.wait(&mut held);
        }
    }

    fn hold(&self, applies: impl Fn(&Held) -> bool) {
        let mut held = self.held.lock();
        if !applies(&held) {
            return;
        }
        held.waiting += 1;
        self.changed.notify_all();
        while applies(&held) {
            self.changed.wait(&mut held);
        }
        held.waiting -= 1;
    }
}

impl Watcher for Faults {
    fn read_at(&self, path: &str, offset: u64, bytes: usize) -> io::Result<()> {
        self.hold(|held| held.reads_of.as_deref() == Some(path));
        let read = offset / BLOCK..(offset + bytes as u64).div_ceil(BLOCK);
        let unreadable = self.unreadable.lock();
        match unreadable.get(path).is_some_and(|all| all.iter().any(|b| read.contains(b))) {
            true => Err(io::Error::from_raw_os_error(EIO)),
            false => Ok(()),
        }
    }

    /// A disk that is given a whole block has it again; for a part of one, what stands beside it must be read.
    fn write_at(&self, path: &str, offset: u64, bytes: u64) -> io::Result<()> {
        let end = offset + bytes;
        let mut unreadable = self.unreadable.lock();
        let Some(blocks) = unreadable.get_mut(path) else { return Ok(()) };
        let touched = |block: u64| block * BLOCK < end && offset < (block + 1) * BLOCK;
        let whole = |block: u64| offset <= block * BLOCK && (block + 1) * BLOCK <= end;
        if blocks.iter().any(|&block| touched(block) && !whole(block)) {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        blocks.retain(|&block| !touched(block));
        Ok(())
    }

    fn torn_after(&self, path: &str) -> Option<usize> {
        self.torn_after.lock().filter(|_| path.ends_with(".seg"))
    }

    fn sync(&self, path: &str) -> io::Result<()> {
        self.hold(|held| held.syncs && path.ends_with(".seg"));
        *self.syncs.lock().entry(path.to_owned()).or_default() += 1;
        match *self.sync_fails.lock() {
            true => Err(io::Error::from_raw_os_error(EIO)),
            false => Ok(()),
        }
    }
}

/// A data directory with its catalog's side, on a disk that fails as it is told.
pub struct World {
    pub disk: WatchedDisk<Faults>,
    pub manifest: Arc<MemoryManifest>,
    pub durability: Durability,
    pub threads: Threads,
    pub segment_bytes: u64,
    pub tail_bytes_max: usize,
    pub footer_bytes_max: usize,
    /// How often a journal said that it cannot go on.
    pub fatal: Arc<AtomicUsize>,
}

impl World {
    pub fn new(threads: Threads) -> World {
        World {
            disk: WatchedDisk::default(),
            manifest: Arc::default(),
            durability: Durability::Fsync,
            threads,
            segment_bytes: 40 << 10,
            tail_bytes_max: 0,
            footer_bytes_max: 0,
            fatal: Arc::default(),
        }
    }

    /// What a journal finds whose process ended now; on a disk without faults.
    pub fn copy(&self, threads: Threads) -> World {
        let manifest = Arc::new(MemoryManifest::new(self.manifest.state()));
        let inner: Arc<MemoryDisk> = Arc::new(self.disk.inner.copy());
        let disk = WatchedDisk { inner, watcher: Arc::default() };
        World { disk, manifest, threads, fatal: Arc::default(), ..*self }
    }

    pub fn try_open(&self) -> Result<(Journal, Report), nautilus_log::Error> {
        let fatal = self.fatal.clone();
        Journal::open(Options {
            disk: Arc::new(self.disk.clone()),
            clock: Arc::new(ManualClock::new(NOW_MS)),
            rng: Arc::new(SeededRng::new(self.disk.inner.paths().len() as u64)),
            manifest: self.manifest.clone(),
            living: vec![ShardLogId(1), ShardLogId(2)],
            next_shard: ShardLogId(3),
            config: Config {
                durability: self.durability,
                segment_bytes: self.segment_bytes,
                tail_bytes_max: self.tail_bytes_max,
                footer_bytes_max: self.footer_bytes_max,
                threads: self.threads,
                on_fatal: Box::new(move |_| {
                    fatal.fetch_add(1, SeqCst);
                }),
            },
        })
    }

    pub fn open(&self) -> (Journal, Report) {
        self.try_open().unwrap()
    }

    /// The segments' paths, oldest first.
    pub fn segments(&self) -> Vec<String> {
        self.disk.inner.paths().into_iter().filter(|path| path.ends_with(".seg")).collect()
    }

    pub fn bytes_of(&self, path: &str) -> Vec<u8> {
        let mut copy = Vec::new();
        self.disk.inner.edit(path, |bytes| copy.clone_from(bytes));
        copy
    }

    /// Where a record with this data stands, its whole frame: segment and bytes. The frame has no other record.
    pub fn frame_of(&self, data: &[u8]) -> (String, Range<u64>) {
        let found = self.segments().into_iter().find_map(|path| {
            let bytes = self.bytes_of(&path);
            let at = bytes.windows(data.len()).position(|window| window == data)?;
            // Head, prefix and the key "key" stand before it.
            let start = (at - 64 - 7 - 3) as u64;
            Some((path, start..(at + data.len()).next_multiple_of(8) as u64))
        });
        found.unwrap()
    }

    /// True if a record with this data stands in one of these blocks.
    pub fn stands_in(&self, data: &[u8], blocks: &[(&str, u64)]) -> bool {
        let (path, bytes) = self.frame_of(data);
        let block_bytes = |block: u64| block * BLOCK..(block + 1) * BLOCK;
        let overlap = |b: Range<u64>| b.start < bytes.end && bytes.start < b.end;
        blocks.iter().any(|(of, block)| *of == path && overlap(block_bytes(*block)))
    }
}

/// Appends frames as one call, each with one record.
pub fn put(journal: &Journal, frames: &[(u64, &[u8])]) -> Vec<AppendResult> {
    let frames = frames.iter().map(|(shard, data)| frame(*shard, &[data])).collect();
    let done = journal.append(frames);
    while journal.step() {}
    wait(done).into_vec()
}

pub fn first_of(put: &AppendResult) -> u64 {
    match put {
        AppendResult::Written { first, .. } => *first,
        other => panic!("{other:?}"),
    }
}

pub fn read_page(journal: &Journal, shard: u64, from: u64) -> Result<Page, ReadError> {
    let shard = ShardLogId(shard);
    let request = ReadRequest { shard, from, records_max: 1, bytes_max: 1 << 20, cutoff_ms: 0 };
    wait(journal.read(request))
}

/// The record at a position; `None` if the shard goes on behind it, or ends before.
pub fn read_one(journal: &Journal, shard: u64, at: u64) -> Result<Option<Vec<u8>>, ReadError> {
    let page = read_page(journal, shard, at)?;
    let mut records = page.frames.iter().flat_map(|frame| frame.records());
    Ok(records.find(|record| record.position == at).map(|record| record.data.to_vec()))
}

/// Runs `test` on a thread of its own: what waits for ever fails.
pub fn within_a_minute<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    let running = thread::spawn(test);
    for _ in 0..6000 {
        if running.is_finished() {
            return running.join().unwrap();
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("it waits for ever");
}
