//! A cold look-up costs a few disk reads, however many segments and records there are, and a tailing reader none.
#![allow(clippy::unwrap_used, clippy::panic)] // a test that fails here has failed

mod common;

use std::{
    io::{self, IoSlice},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use common::{NOW_MS, frame, wait};
use nautilus_log::{
    Config, Disk, Durability, File, Journal, ManualClock, MemoryDisk, Open, Options, Page,
    ReadRequest, SeededRng, ShardLogId, Threads, testing::MemoryManifest,
};

/// Counts what is read from a disk in memory.
#[derive(Clone, Default)]
struct CountingDisk {
    inner: Arc<MemoryDisk>,
    reads: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
}

struct CountingFile(Arc<dyn File>, CountingDisk);

impl Disk for CountingDisk {
    fn open(&self, path: &str, how: Open) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(CountingFile(self.inner.open(path, how)?, self.clone())))
    }
    fn create_dir(&self, path: &str) -> io::Result<()> {
        self.inner.create_dir(path)
    }
    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        self.inner.list(path)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }
    fn remove(&self, path: &str) -> io::Result<()> {
        self.inner.remove(path)
    }
    fn sync_dir(&self, path: &str) -> io::Result<()> {
        self.inner.sync_dir(path)
    }
}

impl File for CountingFile {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.1.reads.fetch_add(1, SeqCst);
        self.1.bytes.fetch_add(buf.len() as u64, SeqCst);
        self.0.read_at(buf, offset)
    }
    fn write_at(&self, bufs: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
        self.0.write_at(bufs, offset)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }
}

const SHARDS: u64 = 5;
const RECORDS: u64 = 20_000;

fn open(disk: &CountingDisk, manifest: &Arc<MemoryManifest>, clock: &Arc<ManualClock>) -> Journal {
    let opened = Journal::open(Options {
        disk: Arc::new(disk.clone()),
        clock: clock.clone(),
        rng: Arc::new(SeededRng::new(1)),
        manifest: manifest.clone(),
        living: (1..=SHARDS).map(ShardLogId).collect(),
        next_shard: ShardLogId(SHARDS + 1),
        config: Config {
            durability: Durability::Fsync,
            segment_bytes: 256 << 10,
            tail_bytes_max: 100_000,
            // One footer: every look-up in another segment reads its footer.
            footer_bytes_max: 0,
            threads: Threads::Stepped,
            on_fatal: Box::new(|error| panic!("{error}")),
        },
    });
    opened.unwrap().0
}

fn read_one(journal: &Journal, shard: u64, from: u64) -> Page {
    let shard = ShardLogId(shard);
    let request = ReadRequest { shard, from, records_max: 1, bytes_max: 1 << 20, cutoff_ms: 0 };
    wait(journal.read(request)).unwrap()
}

#[test]
fn a_cold_look_up_reads_a_footer_and_a_stretch_and_the_tail_is_free() {
    let disk = CountingDisk::default();
    let manifest: Arc<MemoryManifest> = Arc::default();
    let clock = Arc::new(ManualClock::new(NOW_MS));
    let journal = open(&disk, &manifest, &clock);
    for n in 0..RECORDS {
        clock.set_ms(NOW_MS + n);
        let done =
            journal.append([frame(1 + n % SHARDS, &[&[n as u8; 200]])].into_iter().collect());
        journal.step();
        wait(done);
    }
    let segments = disk.paths_of_segments();
    assert!(segments > 15, "{segments}");
    journal.stop();
    drop(journal);
    let journal = open(&disk, &manifest, &clock);

    let of_shard = RECORDS / SHARDS;
    let (mut reads_max, mut bytes_max) = (0, 0);
    for n in 0..500u64 {
        let from = 1 + n * 7919 % of_shard;
        disk.reads.store(0, SeqCst);
        disk.bytes.store(0, SeqCst);
        let page = read_one(&journal, 1 + n % SHARDS, from);
        assert!(page.frames[0].first() <= from && from < page.next);
        reads_max = reads_max.max(disk.reads.load(SeqCst));
        bytes_max = bytes_max.max(disk.bytes.load(SeqCst));

        let ms = NOW_MS + n * 7919 % RECORDS;
        disk.reads.store(0, SeqCst);
        let shard = 1 + n % SHARDS;
        let position = wait(journal.position_at(ShardLogId(shard), ms)).unwrap();
        let expected = (ms - NOW_MS).saturating_sub(shard - 1).div_ceil(SHARDS) + 1;
        assert_eq!(position, expected, "{} ms in", ms - NOW_MS);
        reads_max = reads_max.max(disk.reads.load(SeqCst));
    }
    // Trailer, footer, stretch.
    assert!(reads_max <= 3, "{reads_max} reads");
    assert!(bytes_max <= 80 << 10, "{bytes_max} bytes");

    // New records are read without the disk, by whoever follows the shard's end.
    let mut next = journal.tail(ShardLogId(1)).unwrap().visible_end;
    disk.reads.store(0, SeqCst);
    for _ in 0..50 {
        let done = journal.append([frame(1, &[&[1; 200]])].into_iter().collect());
        journal.step();
        wait(done);
        let page = read_one(&journal, 1, next);
        assert_eq!(page.frames.len(), 1);
        next = page.next;
    }
    assert_eq!(disk.reads.load(SeqCst), 0, "tailing reads the disk");
}

impl CountingDisk {
    fn paths_of_segments(&self) -> usize {
        self.inner.paths().iter().filter(|path| path.ends_with(".seg")).count()
    }
}
