//! What holds when bytes that were durable are wrong or gone: no position is given twice, no loss is skipped silently,
//! nothing of what is left is removed; and a full disk, which is no damage, ends by itself.
#![allow(clippy::unwrap_used, clippy::panic)] // a test that fails here has failed

mod common;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
        mpsc,
    },
    time::Duration,
};

use common::{
    NOW_MS, frame, read_all, wait,
    watched_disk::{WatchedDisk, Watcher},
};
use nautilus_log::{
    AppendResult, Config, Disk, Journal, ManualClock, Options, Refusal, Report, SeededRng,
    ShardLogId, Threads, testing::MemoryManifest,
};

/// While it is full, files cannot grow.
#[derive(Default)]
struct Full(AtomicBool);

impl Watcher for Full {
    fn write(&self, end: u64, length: u64) -> io::Result<()> {
        let refused = self.0.load(SeqCst) && end > length;
        if refused { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

struct World {
    disk: WatchedDisk<Full>,
    manifest: Arc<MemoryManifest>,
    clock: Arc<ManualClock>,
    threads: Threads,
}

impl World {
    fn new(threads: Threads) -> World {
        let clock = Arc::new(ManualClock::new(NOW_MS));
        World { disk: WatchedDisk::default(), manifest: Arc::default(), clock, threads }
    }

    fn try_open(&self) -> Result<(Journal, Report), nautilus_log::Error> {
        Journal::open(Options {
            disk: Arc::new(self.disk.clone()),
            clock: self.clock.clone(),
            rng: Arc::new(SeededRng::new(1)),
            manifest: self.manifest.clone(),
            living: vec![ShardLogId(1), ShardLogId(2)],
            next_shard: ShardLogId(3),
            config: Config {
                durability: nautilus_log::Durability::Fsync,
                segment_bytes: 1500,
                tail_bytes_max: 0,
                footer_bytes_max: 1000,
                threads: self.threads,
                on_fatal: Box::new(|error| panic!("{error}")),
            },
        })
    }

    fn open(&self) -> (Journal, Report) {
        self.try_open().unwrap()
    }

    /// The path of the n-th segment, from 0.
    fn segment(&self, n: usize) -> String {
        self.disk.inner.paths().into_iter().filter(|path| path.ends_with(".seg")).nth(n).unwrap()
    }

    fn flip(&self, path: &str, what: &[u8]) {
        self.disk.inner.edit(path, |bytes| {
            let found = bytes.windows(what.len()).position(|window| window == what);
            bytes[found.unwrap()] ^= 1;
        });
    }
}

fn put(journal: &Journal, shard: u64, data: &str) -> AppendResult {
    let done = journal.append([frame(shard, &[data.as_bytes()])].into_iter().collect());
    while journal.step() {}
    wait(done)[0]
}

/// Puts `count` records into a shard: `record-1` and so on.
fn fill(journal: &Journal, shard: u64, count: u64) {
    for n in 1..=count {
        let put = put(journal, shard, &format!("record-{n} xxxxxxxxxxxx"));
        assert!(matches!(put, AppendResult::Written { first, .. } if first == n), "{put:?}");
    }
}

fn first_of(put: AppendResult) -> u64 {
    match put {
        AppendResult::Written { first, .. } => first,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_position_whose_record_is_damaged_is_not_given_again() {
    for clean in [false, true] {
        let world = World::new(Threads::Stepped);
        let (journal, _) = world.open();
        fill(&journal, 1, 3);
        if clean {
            journal.stop();
        }
        drop(journal);
        world.flip(&world.segment(0), b"record-3");
        // A second life, in which another shard writes and then dies, must not forget it.
        let (journal, report) = world.open();
        assert!(!report.damage.is_empty());
        put(&journal, 2, "other");
        drop(journal);
        let (journal, _) = world.open();
        let first = first_of(put(&journal, 1, "new"));
        assert!(first > 3, "clean {clean}: {first}");
        // A reader that had read all three goes on with the new one.
        assert_eq!(read_all(&journal, 1, 4, 0).unwrap(), [(first, b"new".to_vec())]);
    }
}

#[test]
fn a_cut_file_gives_no_position_again() {
    let world = World::new(Threads::Stepped);
    let (journal, _) = world.open();
    fill(&journal, 1, 3);
    drop(journal);
    world.disk.inner.edit(&world.segment(0), |bytes| {
        let second = bytes.windows(8).position(|window| window == b"record-2").unwrap();
        bytes.truncate(second - 64 - 10);
    });
    let (journal, report) = world.open();
    assert!(!report.damage.is_empty());
    assert!(first_of(put(&journal, 1, "new")) > 3);
}

#[test]
fn an_idle_shard_keeps_its_position_without_its_segments_and_without_the_newest_footer() {
    let world = World::new(Threads::Stepped);
    let (journal, _) = world.open();
    fill(&journal, 1, 3);
    world.clock.set_ms(NOW_MS + 1000);
    fill(&journal, 2, 24);
    let before = world.disk.inner.paths().len();
    journal.trim(&[(ShardLogId(1), NOW_MS + 500), (ShardLogId(2), NOW_MS + 1500)]);
    assert!(world.disk.inner.paths().len() < before);
    drop(journal);
    world.flip(&world.segment(0), b"NFT1");
    let (journal, _) = world.open();
    assert!(first_of(put(&journal, 1, "new")) > 3);
}

#[test]
fn a_lost_segment_is_an_error_to_readers_and_never_a_gap() {
    for (lost, whole) in [(0, true), (1, true), (1, false)] {
        let world = World::new(Threads::Stepped);
        let (journal, _) = world.open();
        fill(&journal, 1, 40);
        journal.stop();
        drop(journal);
        world.disk.inner.edit(&world.segment(lost), |bytes| {
            let from = if whole { 64 } else { bytes.len() * 2 / 3 };
            bytes[from..].fill(0xa5);
        });
        for life in 0..3 {
            let (journal, report) = world.open();
            assert!(!report.damage.is_empty(), "life {life} is told too");
            // By single positions: each is there or is an error.
            for position in 1..=40 {
                let read = read_all(&journal, 1, position, 0);
                let begins = |found: &Vec<(u64, Vec<u8>)>| {
                    found.first().is_some_and(|(first, _)| *first == position)
                };
                assert!(read.as_ref().map_or(true, begins), "{position}: {read:?}");
            }
            assert!(read_all(&journal, 1, 1, 0).is_err());
            assert!(read_all(&journal, 1, 40, 0).is_ok());
            // Nothing has expired: what is left of the segment stays.
            let before = world.disk.inner.paths();
            journal.trim(&[(ShardLogId(1), 1), (ShardLogId(2), 1)]);
            assert_eq!(world.disk.inner.paths(), before);
            drop(journal);
        }
    }
}

#[test]
fn a_missing_file_is_an_error_to_readers_whose_records_were_all_in_it() {
    let world = World::new(Threads::Stepped);
    let (journal, _) = world.open();
    fill(&journal, 1, 3);
    fill(&journal, 2, 24);
    drop(journal);
    world.disk.inner.remove(&world.segment(0)).unwrap();
    let (journal, _) = world.open();
    assert!(read_all(&journal, 1, 1, 0).is_err());
    assert_eq!(
        read_all(&journal, 1, 1, NOW_MS + 1).unwrap(),
        [],
        "expired, it is missed by nobody"
    );
}

#[test]
fn an_unlisted_segment_with_anything_in_it_is_a_reason_not_to_start() {
    let mut world = World::new(Threads::Stepped);
    let (journal, _) = world.open();
    fill(&journal, 1, 5);
    drop(journal);
    let path = world.segment(0);
    world.disk.inner.edit(&path, |bytes| bytes[20] ^= 1);
    world.manifest = Arc::default();
    let error = world.try_open().err().unwrap().to_string();
    assert!(error.contains("there is no catalog beside it"), "{error}");
    assert_eq!(world.segment(0), path);
}

#[test]
fn a_stop_with_a_backlog_of_many_segments_ends() {
    let world = World::new(Threads::Own);
    let (journal, _) = world.open();
    let large = vec![7; 100_000];
    let appends: Vec<_> =
        (0..60).map(|_| journal.append([frame(1, &[&large])].into_iter().collect())).collect();
    let (stopped, ended) = mpsc::channel();
    let stopping = journal.clone();
    std::thread::spawn(move || {
        stopping.stop();
        let _ = stopped.send(());
    });
    ended.recv_timeout(Duration::from_secs(60)).unwrap();
    for append in appends {
        let result = wait(append)[0];
        let refused = AppendResult::Refused(Refusal::Poisoned);
        assert!(matches!(result, AppendResult::Written { .. }) || result == refused, "{result:?}");
    }
    let written = journal.tail(ShardLogId(1)).unwrap().visible_end - 1;
    drop(journal);
    let (journal, report) = world.open();
    assert!(report.damage.is_empty() && report.cuts.is_empty(), "{report:?}");
    assert_eq!(journal.tail(ShardLogId(1)).unwrap().visible_end - 1, written);
    journal.stop();
}

#[test]
fn a_full_disk_refuses_writes_lets_reads_and_closes_pass_and_ends_by_itself() {
    let world = World::new(Threads::Stepped);
    let (journal, _) = world.open();
    fill(&journal, 1, 5);
    world.disk.watcher.0.store(true, SeqCst);
    let mut acknowledged = 5;
    while let AppendResult::Written { .. } = put(&journal, 1, "until the segment is full") {
        acknowledged += 1;
    }
    assert_eq!(put(&journal, 1, "more"), AppendResult::Refused(Refusal::Full));
    let refused = journal.append([frame(1, &[b"more"])].into_iter().collect());
    let closed = journal.close(vec![ShardLogId(2)]);
    while journal.step() {}
    assert_eq!(wait(refused)[0], AppendResult::Refused(Refusal::Full));
    assert_eq!(wait(closed), Ok(vec![0]));
    assert_eq!(read_all(&journal, 1, 1, 0).unwrap().len(), acknowledged);
    assert!(!journal.is_poisoned());

    world.disk.watcher.0.store(false, SeqCst);
    assert_eq!(first_of(put(&journal, 1, "space again")), acknowledged as u64 + 1);
    drop(journal);
    let (journal, report) = world.open();
    assert!(report.damage.is_empty(), "{report:?}");
    assert_eq!(read_all(&journal, 1, 1, 0).unwrap().len(), acknowledged + 1);
}

#[test]
fn a_clock_set_back_does_not_keep_a_disk_full() {
    let world = World::new(Threads::Own);
    world.disk.watcher.0.store(true, SeqCst);
    let (journal, _) = world.open();
    let append = || wait(journal.append([frame(1, &[b"x"])].into_iter().collect()))[0];
    assert_eq!(append(), AppendResult::Refused(Refusal::Full));
    world.disk.watcher.0.store(false, SeqCst);
    world.clock.set_ms(NOW_MS - 7_200_000);
    // One attempt may still find what the maker found before.
    let results = [append(), append(), append()];
    assert!(results.iter().any(|result| matches!(result, AppendResult::Written { .. })));
    journal.stop();
}
