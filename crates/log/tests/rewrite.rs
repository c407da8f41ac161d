//! Space of mostly dead segments comes back, and nobody who reads what is alive notices: not at once, not after a start,
//! not when a disk fails in the middle. What has expired stays so, whatever a clock says later.
#![allow(clippy::unwrap_used, clippy::panic)] // a test that fails here has failed

mod common;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
};

use common::{
    Home, NOW_MS, append, read_all, wait,
    watched_disk::{WatchedDisk, Watcher},
};
use nautilus_log::{
    Config, Journal, ManualClock, Options, Report, SeededRng, ShardLogId, Threads,
    testing::MemoryManifest,
};

const HOUR_MS: u64 = 3_600_000;
/// The stream that is deleted, the one that stays, and one that writes once.
const DEAD: u64 = 1;
const ALIVE: u64 = 2;
const IDLE: u64 = 3;
const BIG: usize = 3000;

/// Refuses writes from the n-th on.
struct Failing(AtomicU64);

impl Default for Failing {
    fn default() -> Failing {
        Failing(AtomicU64::new(u64::MAX))
    }
}

impl Watcher for Failing {
    fn write(&self, _end: u64, _length: u64) -> io::Result<()> {
        let left = self.0.load(SeqCst);
        if left == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.store(left - 1, SeqCst);
        Ok(())
    }
}

#[derive(Default)]
struct World {
    disk: WatchedDisk<Failing>,
    manifest: Arc<MemoryManifest>,
    clock: Arc<Clock>,
}

struct Clock(ManualClock);

impl Default for Clock {
    fn default() -> Clock {
        Clock(ManualClock::new(NOW_MS))
    }
}

impl nautilus_log::Clock for Clock {
    fn now_ms(&self) -> u64 {
        self.0.now_ms()
    }
}

impl World {
    fn open(&self, living: &[u64]) -> (Journal, Report) {
        Journal::open(Options {
            disk: Arc::new(self.disk.clone()),
            clock: self.clock.clone(),
            rng: Arc::new(SeededRng::new(1)),
            manifest: self.manifest.clone(),
            living: living.iter().copied().map(ShardLogId).collect(),
            next_shard: ShardLogId(9),
            config: Config {
                durability: nautilus_log::Durability::Fsync,
                segment_bytes: 64 << 10,
                tail_bytes_max: 0,
                footer_bytes_max: 1000,
                threads: Threads::Stepped,
                on_fatal: Box::new(|error| panic!("{error}")),
            },
        })
        .unwrap()
    }

    /// Bytes of all segments.
    fn bytes(&self) -> u64 {
        let mut bytes = 0;
        for path in self.disk.inner.paths().iter().filter(|path| path.starts_with("journal/")) {
            self.disk.inner.edit(path, |file| bytes += file.len() as u64);
        }
        bytes
    }
}

/// Several segments: nine bytes in ten are of [`DEAD`].
fn fill(journal: &Journal) {
    append(journal, IDLE, &[b"once"]);
    for n in 1..=100_u64 {
        append(journal, DEAD, &[&[1; BIG]]);
        let (a, b) = (format!("a{n}"), format!("b{n}"));
        append(journal, ALIVE, &[a.as_bytes(), b.as_bytes()]);
    }
}

fn expected(from: u64) -> Vec<(u64, Vec<u8>)> {
    let record = |n: u64| [(2 * n - 1, format!("a{n}")), (2 * n, format!("b{n}"))];
    let all = (1..=100).flat_map(record).filter(|(position, _)| *position >= from);
    all.map(|(position, data)| (position, data.into_bytes())).collect()
}

fn check(journal: &Journal) {
    for from in [1, 2, 77, 200] {
        assert_eq!(read_all(journal, ALIVE, from, 0).unwrap(), expected(from));
    }
    assert_eq!(read_all(journal, IDLE, 1, 0).unwrap(), [(1, b"once".to_vec())]);
}

/// Everything of the shards is alive, and for long.
fn sweep(journal: &Journal) {
    let cutoff_ms = NOW_MS - 24 * HOUR_MS;
    journal.trim(&[ALIVE, IDLE, DEAD].map(|shard| (ShardLogId(shard), cutoff_ms)));
}

#[test]
fn a_deleted_stream_gives_its_space_back_though_another_lives_in_the_same_segments() {
    for clean in [true, false] {
        let world = World::default();
        let (journal, _) = world.open(&[DEAD, ALIVE, IDLE]);
        fill(&journal);
        let before = world.bytes();
        sweep(&journal);
        assert_eq!(world.bytes(), before, "all is alive");

        journal.forget_shards(&[ShardLogId(DEAD)]);
        sweep(&journal);
        let after = world.bytes();
        // The newest sealed one and the one that takes the writes stay.
        assert!(after < 3 * (64 << 10), "{before} -> {after}");
        check(&journal);
        if clean {
            journal.stop();
        }
        drop(journal);
        for _ in 0..2 {
            let (journal, report) = world.open(&[ALIVE, IDLE]);
            assert!(report.damage.is_empty() && report.rebuilt.is_empty(), "{report:?}");
            check(&journal);
            sweep(&journal);
            check(&journal);
            drop(journal);
        }
        let (journal, _) = world.open(&[ALIVE, IDLE]);
        assert_eq!(append(&journal, ALIVE, &[b"next"]), 201);
        assert_eq!(append(&journal, IDLE, &[b"next"]), 2);
    }
}

#[test]
fn segments_of_an_earlier_life_are_counted_before_they_are_rewritten() {
    let world = World::default();
    let (journal, _) = world.open(&[DEAD, ALIVE, IDLE]);
    fill(&journal);
    drop(journal);
    // By records the dead are a third.
    let (journal, _) = world.open(&[ALIVE, IDLE]);
    let before = world.bytes();
    sweep(&journal);
    assert_eq!(
        world.bytes(),
        before,
        "an estimate by records alone is no reason to read all of it"
    );
    append(&journal, ALIVE, &[b"x"]);
    drop(journal);

    let world = World::default();
    let (journal, _) = world.open(&[DEAD, ALIVE, IDLE]);
    for _ in 0..100 {
        append(&journal, DEAD, &[&[1; 500][..]; 6]);
        append(&journal, ALIVE, &[b"a"]);
    }
    drop(journal);
    let (journal, _) = world.open(&[ALIVE, IDLE]);
    let before = world.bytes();
    sweep(&journal);
    assert!(world.bytes() < before);
    assert_eq!(read_all(&journal, ALIVE, 1, 0).unwrap().len(), 100);
}

#[test]
fn what_has_expired_of_a_living_shard_is_left_out_and_missed_by_nobody() {
    let world = World::default();
    let (journal, _) = world.open(&[DEAD, ALIVE, IDLE]);
    fill(&journal);
    // The next records come an hour and a half later, in a segment that has the old ones too.
    let later_ms = NOW_MS + 3 * HOUR_MS / 2;
    world.clock.0.set_ms(later_ms);
    let next = append(&journal, ALIVE, &[b"later"]);
    for _ in 0..30 {
        append(&journal, DEAD, &[&[1; BIG]]);
    }
    journal.forget_shards(&[ShardLogId(DEAD)]);
    journal.trim(&[(ShardLogId(ALIVE), NOW_MS + 1), (ShardLogId(IDLE), NOW_MS + 1)]);
    let later = [(next, b"later".to_vec())];
    assert_eq!(read_all(&journal, ALIVE, 1, NOW_MS + 1).unwrap(), later);
    // A clock that is behind, in this life or the next, brings nothing back and finds nothing missing.
    assert_eq!(read_all(&journal, ALIVE, 1, 0).unwrap(), later);
    drop(journal);
    world.clock.0.set_ms(NOW_MS - HOUR_MS);
    let (journal, report) = world.open(&[ALIVE, IDLE]);
    assert!(report.damage.is_empty(), "{report:?}");
    for from in [1, 50, next] {
        assert_eq!(read_all(&journal, ALIVE, from, 0).unwrap(), later);
    }
    assert_eq!(wait(journal.position_at(ShardLogId(ALIVE), 0)).unwrap(), next);
    assert_eq!(append(&journal, IDLE, &[b"y"]), 2);
}

#[test]
fn a_segment_with_damage_is_not_rewritten() {
    let world = World::default();
    let (journal, _) = world.open(&[DEAD, ALIVE, IDLE]);
    fill(&journal);
    journal.forget_shards(&[ShardLogId(DEAD)]);
    let path = world.disk.inner.paths().into_iter().find(|path| path.ends_with(".seg")).unwrap();
    world.disk.inner.edit(&path, |bytes| {
        let found = bytes.windows(2).position(|window| window == b"a5").unwrap();
        bytes[found] ^= 1;
    });
    sweep(&journal);
    assert!(world.disk.inner.paths().contains(&path));
    assert!(read_all(&journal, ALIVE, 1, 0).is_err());
    assert_eq!(read_all(&journal, ALIVE, 11, 0).unwrap(), expected(11), "behind it all is there");
}

#[test]
fn a_disk_that_fills_in_the_middle_leaves_everything_as_it_was() {
    for refuse_from in 0..12 {
        let world = World::default();
        let (journal, _) = world.open(&[DEAD, ALIVE, IDLE]);
        fill(&journal);
        journal.forget_shards(&[ShardLogId(DEAD)]);
        world.disk.watcher.0.store(refuse_from, SeqCst);
        sweep(&journal);
        check(&journal);
        world.disk.watcher.0.store(u64::MAX, SeqCst);
        drop(journal);
        let (journal, report) = world.open(&[ALIVE, IDLE]);
        assert!(report.damage.is_empty(), "{report:?}");
        check(&journal);
        sweep(&journal);
        check(&journal);
    }
}

#[test]
fn readers_go_on_while_their_segments_are_rewritten() {
    let mut home = Home::new();
    home.segment_bytes = 64 << 10;
    home.tail_bytes_max = 0;
    let (journal, _) = home.open(&[DEAD, ALIVE, IDLE]);
    fill(&journal);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut rounds = 0;
                    while !done.load(SeqCst) || rounds == 0 {
                        assert_eq!(read_all(&journal, ALIVE, 1, 0).unwrap(), expected(1));
                        rounds += 1;
                    }
                })
            })
            .collect();
        journal.forget_shards(&[ShardLogId(DEAD)]);
        let before = home.segments().len();
        sweep(&journal);
        let rewritten = || home.segments().iter().filter(|path| len(path) < 16 << 10).count() >= 3;
        for _ in 0..2000 {
            if rewritten() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert!(rewritten(), "{before} segments, {:?}", home.segments());
        done.store(true, SeqCst);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
    journal.stop();
}

fn len(path: &std::path::Path) -> u64 {
    path.metadata().map_or(u64::MAX, |metadata| metadata.len())
}

#[test]
fn records_that_come_after_a_wrong_clock_was_set_right_are_alive() {
    const TEN_YEARS_MS: u64 = 10 * 365 * 24 * HOUR_MS;
    let world = World::default();
    let (journal, _) = world.open(&[ALIVE]);
    let shard = ShardLogId(ALIVE);
    append(&journal, ALIVE, &[b"1"]);
    world.clock.0.set_ms(NOW_MS + TEN_YEARS_MS);
    append(&journal, ALIVE, &[b"2"]);
    let cutoff_ms = NOW_MS + TEN_YEARS_MS - 24 * HOUR_MS;
    journal.trim(&[(shard, cutoff_ms)]);
    world.clock.0.set_ms(NOW_MS + 1000);
    append(&journal, ALIVE, &[b"3"]);
    let now_cutoff_ms = NOW_MS + 1000 - 24 * HOUR_MS;
    journal.trim(&[(shard, now_cutoff_ms)]);
    let alive: Vec<_> = [(2, "2"), (3, "3")].map(|(at, data)| (at, data.into())).into();
    assert_eq!(read_all(&journal, ALIVE, 2, now_cutoff_ms).unwrap(), alive);
    // What came by the wrong clock counts as arrived when the clock was right again.
    assert_eq!(wait(journal.position_at(shard, NOW_MS + 500)).unwrap(), 2);
    assert_eq!(wait(journal.position_at(shard, NOW_MS + 1001)).unwrap(), 4);
    for _ in 0..60 {
        append(&journal, ALIVE, &[&[1; BIG]]);
    }
    let segments = world.disk.inner.paths().len();
    world.clock.0.set_ms(NOW_MS + 30 * HOUR_MS);
    journal.trim(&[(shard, NOW_MS + 6 * HOUR_MS)]);
    assert!(world.disk.inner.paths().len() < segments, "and so it is not kept for ten years");
}
