//! What the journal's tests share: a journal in a temporary directory, appends and reads that wait.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

pub mod faulty;
pub mod watched_disk;

use std::{path::Path, sync::Arc};

pub use nautilus_log::wait;
use nautilus_log::{
    AppendResult, Config, Durability, Frame, FrameBuilder, Journal, ManualClock, Options, Position,
    ReadError, ReadRequest, RealDisk, Report, SeededRng, ShardLogId, Threads,
    testing::MemoryManifest,
};

pub const NOW_MS: u64 = 1_795_489_200_000;

/// A data directory, its catalog's side and its clock: what survives a journal.
pub struct Home {
    pub directory: tempfile::TempDir,
    pub manifest: Arc<MemoryManifest>,
    pub clock: Arc<ManualClock>,
    pub segment_bytes: u64,
    pub threads: Threads,
    pub durability: Durability,
    pub tail_bytes_max: usize,
}

impl Home {
    pub fn new() -> Home {
        Home {
            directory: tempfile::tempdir().unwrap(),
            manifest: Arc::default(),
            clock: Arc::new(ManualClock::new(NOW_MS)),
            segment_bytes: 1 << 20,
            threads: Threads::Own,
            durability: Durability::Fsync,
            tail_bytes_max: 1 << 20,
        }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn open(&self, living: &[u64]) -> (Journal, Report) {
        self.try_open(living).unwrap()
    }

    pub fn try_open(&self, living: &[u64]) -> Result<(Journal, Report), nautilus_log::Error> {
        Journal::open(Options {
            disk: Arc::new(RealDisk::new(self.path()).unwrap()),
            clock: self.clock.clone(),
            rng: Arc::new(SeededRng::new(7)),
            manifest: self.manifest.clone(),
            living: living.iter().copied().map(ShardLogId).collect(),
            next_shard: ShardLogId(100),
            config: Config {
                durability: self.durability,
                segment_bytes: self.segment_bytes,
                tail_bytes_max: self.tail_bytes_max,
                footer_bytes_max: 4_000,
                threads: self.threads,
                on_fatal: Box::new(|error| panic!("{error}")),
            },
        })
    }

    /// Files of the journal's directory that are segments, oldest first.
    pub fn segments(&self) -> Vec<std::path::PathBuf> {
        let mut paths: Vec<_> = std::fs::read_dir(self.path().join("journal"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "seg"))
            .collect();
        paths.sort();
        paths
    }
}

pub fn frame(shard: u64, records: &[&[u8]]) -> Frame {
    let bytes = records.iter().map(|data| data.len() + 32).sum();
    let mut builder = FrameBuilder::new(ShardLogId(shard), bytes);
    for data in records {
        let write = |out: &mut [u8]| {
            out.copy_from_slice(data);
            Ok::<_, ()>(())
        };
        builder.push(b"key", None, data.len(), write).unwrap();
    }
    builder.finish()
}

/// Appends one frame and answers its first position.
pub fn append(journal: &Journal, shard: u64, records: &[&[u8]]) -> Position {
    let done = journal.append([frame(shard, records)].into_iter().collect());
    while journal.step() {} // with threads of its own the journal does this itself
    match wait(done)[0] {
        AppendResult::Written { first, .. } => first,
        other => panic!("{other:?}"),
    }
}

/// Everything in the shard from `from`, by following pages.
pub fn read_all(
    journal: &Journal,
    shard: u64,
    from: Position,
    cutoff_ms: u64,
) -> Result<Vec<(Position, Vec<u8>)>, ReadError> {
    let mut records = Vec::new();
    let mut from = from;
    loop {
        let page = wait(journal.read(ReadRequest {
            shard: ShardLogId(shard),
            from,
            records_max: 7,
            bytes_max: 1 << 20,
            cutoff_ms,
        }))?;
        for record in page.frames.iter().flat_map(|frame| frame.records()) {
            if record.position >= from {
                records.push((record.position, record.data.to_vec()));
            }
        }
        assert!(page.next >= from, "a page never goes back");
        if page.next >= page.visible_end {
            return Ok(records);
        }
        assert!(page.next > from, "a page goes on");
        from = page.next;
    }
}
