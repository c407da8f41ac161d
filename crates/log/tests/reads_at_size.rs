//! A cold look-up costs a few disk reads, however many segments and records there are, and a tailing reader none.
#![allow(clippy::unwrap_used, clippy::panic)] // a test that fails here has failed

mod common;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::SeqCst},
};

use common::{
    NOW_MS, frame, wait,
    watched_disk::{WatchedDisk, Watcher},
};
use nautilus_log::{
    Config, Durability, Journal, ManualClock, Options, Page, ReadRequest, SeededRng, ShardLogId,
    Threads, testing::MemoryManifest,
};

/// Counts what is read.
#[derive(Default)]
struct Count {
    reads: AtomicU64,
    bytes: AtomicU64,
}

impl Watcher for Count {
    fn read(&self, bytes: usize) {
        self.reads.fetch_add(1, SeqCst);
        self.bytes.fetch_add(bytes as u64, SeqCst);
    }
}

type CountingDisk = WatchedDisk<Count>;

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
    let paths = disk.inner.paths();
    let segments = paths.iter().filter(|path| path.ends_with(".seg")).count();
    assert!(segments > 15, "{segments}");
    journal.stop();
    drop(journal);
    let journal = open(&disk, &manifest, &clock);

    let of_shard = RECORDS / SHARDS;
    let (mut reads_max, mut bytes_max) = (0, 0);
    for n in 0..500u64 {
        let from = 1 + n * 7919 % of_shard;
        disk.watcher.reads.store(0, SeqCst);
        disk.watcher.bytes.store(0, SeqCst);
        let page = read_one(&journal, 1 + n % SHARDS, from);
        assert!(page.frames[0].first() <= from && from < page.next);
        reads_max = reads_max.max(disk.watcher.reads.load(SeqCst));
        bytes_max = bytes_max.max(disk.watcher.bytes.load(SeqCst));

        let ms = NOW_MS + n * 7919 % RECORDS;
        disk.watcher.reads.store(0, SeqCst);
        let shard = 1 + n % SHARDS;
        let position = wait(journal.position_at(ShardLogId(shard), ms)).unwrap();
        let expected = (ms - NOW_MS).saturating_sub(shard - 1).div_ceil(SHARDS) + 1;
        assert_eq!(position, expected, "{} ms in", ms - NOW_MS);
        reads_max = reads_max.max(disk.watcher.reads.load(SeqCst));
    }
    // Trailer, footer, stretch.
    assert!(reads_max <= 3, "{reads_max} reads");
    assert!(bytes_max <= 80 << 10, "{bytes_max} bytes");

    // New records are read without the disk, by whoever follows the shard's end.
    let mut next = journal.tail(ShardLogId(1)).unwrap().visible_end;
    disk.watcher.reads.store(0, SeqCst);
    for _ in 0..50 {
        let done = journal.append([frame(1, &[&[1; 200]])].into_iter().collect());
        journal.step();
        wait(done);
        let page = read_one(&journal, 1, next);
        assert_eq!(page.frames.len(), 1);
        next = page.next;
    }
    assert_eq!(disk.watcher.reads.load(SeqCst), 0, "tailing reads the disk");
}
