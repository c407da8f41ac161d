//! What an append survives in the modes that do not wait for the disk, and what the memory's limit does.
#![allow(clippy::unwrap_used, clippy::panic)] // a test that fails here has failed

mod common;

use std::sync::Arc;

use common::{NOW_MS, append, frame, read_all, wait};
use nautilus_log::{
    AppendResult, Config, Durability, Journal, ManualClock, Options, ReadRequest, Refusal, Report,
    SeededRng, ShardLogId, Threads,
    testing::{MemoryDisk, MemoryManifest},
};

struct World {
    disk: Arc<MemoryDisk>,
    manifest: Arc<MemoryManifest>,
    clock: Arc<ManualClock>,
    durability: Durability,
}

impl World {
    fn new(durability: Durability) -> World {
        let clock = Arc::new(ManualClock::new(NOW_MS));
        World { disk: Arc::default(), manifest: Arc::default(), clock, durability }
    }

    fn open(&self) -> (Journal, Report) {
        Journal::open(Options {
            disk: self.disk.clone(),
            clock: self.clock.clone(),
            rng: Arc::new(SeededRng::new(1)),
            manifest: self.manifest.clone(),
            living: vec![ShardLogId(1), ShardLogId(2)],
            next_shard: ShardLogId(3),
            config: Config {
                durability: self.durability,
                segment_bytes: 64 << 10,
                tail_bytes_max: 20_000,
                footer_bytes_max: 1000,
                threads: Threads::Stepped,
                on_fatal: Box::new(|error| panic!("{error}")),
            },
        })
        .unwrap()
    }
}

#[test]
fn without_syncs_the_end_of_the_process_loses_nothing_and_gives_no_position_twice() {
    let world = World::new(Durability::Os);
    let (journal, _) = world.open();
    for n in 1..=50u64 {
        assert_eq!(append(&journal, 1, &[&[7; 100]]), n);
    }
    append(&journal, 2, &[b"idle"]);
    drop(journal);
    let (journal, report) = world.open();
    assert!(report.damage.is_empty() && report.cuts.is_empty(), "{report:?}");
    assert_eq!(read_all(&journal, 1, 1, 0).unwrap().len(), 50);
    let closed = journal.close(vec![ShardLogId(2)]);
    while journal.step() {}
    assert_eq!(wait(closed), Ok(vec![1]), "what was left out was given to nobody");
    // What the operating system may have lost cannot be known: positions are left out.
    let next = append(&journal, 1, &[b"next"]);
    assert!(next > 1 << 32, "{next}");
    let all = read_all(&journal, 1, 50, 0).unwrap();
    assert_eq!(all.iter().map(|record| record.0).collect::<Vec<_>>(), [50, next]);
    assert_eq!(read_all(&journal, 1, 51, 0).unwrap(), [(next, b"next".to_vec())]);
    journal.stop();

    let (journal, report) = world.open();
    assert!(report.damage.is_empty() && report.cuts.is_empty(), "{report:?}");
    assert_eq!(append(&journal, 1, &[b"after a clean stop"]), next + 1);
    assert_eq!(append(&journal, 2, &[b"after a clean stop"]), 2 + (1 << 32));
}

#[test]
fn without_syncs_a_power_failure_keeps_a_prefix_and_is_no_damage() {
    for lost_sector in 1..12 {
        let world = World::new(Durability::Os);
        let (journal, _) = world.open();
        for n in 0..40u8 {
            append(&journal, 1 + u64::from(n % 4 / 3), &[&[n; 80]]);
        }
        let before = [1, 2].map(|shard| read_all(&journal, shard, 1, 0).unwrap());
        drop(journal);
        let path = world.disk.paths().remove(0);
        world.disk.edit(&path, |bytes| bytes[lost_sector * 512..][..512].fill(0));
        let (journal, report) = world.open();
        assert!(report.damage.is_empty(), "{report:?}");
        assert_eq!(report.cuts.len(), 1, "what was lost is told");
        for (shard, before) in (1..).zip(&before) {
            let after = read_all(&journal, shard, 1, 0).unwrap();
            assert_eq!(after, before[..after.len()], "sector {lost_sector}");
            assert!(after.len() < before.len());
        }
        // Nothing of what was cut comes back.
        let kept = read_all(&journal, 1, 1, 0).unwrap();
        append(&journal, 1, &[b"new"]);
        drop(journal);
        let (journal, report) = world.open();
        assert!(report.damage.is_empty(), "{report:?}");
        let now = read_all(&journal, 1, 1, 0).unwrap();
        assert_eq!((now.len(), &now[..kept.len()]), (kept.len() + 1, &kept[..]));
    }
}

#[test]
fn no_position_is_given_twice_when_power_fails_again_and_again() {
    for kept in 0..2 {
        let world = World::new(Durability::Os);
        let (journal, _) = world.open();
        let path = || world.disk.paths().remove(0);
        let mut given: Vec<u64> = (0..=kept).map(|_| append(&journal, 1, &[b"first"])).collect();
        drop(journal);
        let frames = 64 + kept as usize * 80;
        for _ in 0..5 {
            // All else that was written is lost, though it was acknowledged and perhaps read.
            world.disk.edit(&path(), |bytes| bytes[frames..].fill(0));
            let (journal, report) = world.open();
            assert!(report.damage.is_empty(), "{report:?}");
            assert_eq!(read_all(&journal, 1, 1, 0).unwrap().len() as u64, kept);
            given.push(append(&journal, 1, &[b"lost"]));
            assert!(given.windows(2).all(|pair| pair[0] < pair[1]), "{kept}: {given:?}");
        }
    }
}

#[test]
fn in_memory_nothing_reaches_the_disk_and_the_limit_is_a_full_disk() {
    let world = World::new(Durability::Memory);
    let (journal, _) = world.open();
    let mut taken = 0u64;
    let put = |shard| {
        let done = journal.append([frame(shard, &[&[1; 1000]])].into_iter().collect());
        while journal.step() {}
        wait(done)[0]
    };
    while let AppendResult::Written { first, .. } = put(1) {
        taken += 1;
        assert_eq!(first, taken);
    }
    assert!((12..20).contains(&taken), "{taken} of 1,000 bytes in 20,000");
    assert_eq!(put(1), AppendResult::Refused(Refusal::Full));
    assert_eq!(read_all(&journal, 1, 1, 0).unwrap().len() as u64, taken);
    assert!(world.disk.paths().is_empty(), "{:?}", world.disk.paths());

    // What expires makes room, and so does what is deleted.
    world.clock.set_ms(NOW_MS + 10_000);
    journal.trim(&[(ShardLogId(1), NOW_MS + 1)]);
    assert!(matches!(put(2), AppendResult::Written { first: 1, .. }));
    assert!(read_all(&journal, 1, 1, NOW_MS + 1).unwrap().is_empty());
    while let AppendResult::Written { .. } = put(2) {}
    journal.forget_shards(&[ShardLogId(2)]);
    world.clock.set_ms(NOW_MS + 20_000);
    assert!(matches!(put(1), AppendResult::Written { first, .. } if first == taken + 1));
    assert_eq!(read_all(&journal, 1, 1, NOW_MS + 1).unwrap().len(), 1);
    journal.stop();
}

#[test]
fn in_memory_a_page_that_a_reader_holds_takes_room() {
    let world = World::new(Durability::Memory);
    let (journal, _) = world.open();
    let put = |shard| {
        let done = journal.append([frame(shard, &[&[1; 1000]])].into_iter().collect());
        while journal.step() {}
        wait(done)[0]
    };
    while let AppendResult::Written { .. } = put(1) {}
    let page = wait(journal.read(ReadRequest {
        shard: ShardLogId(1),
        from: 1,
        records_max: 1000,
        bytes_max: 1 << 20,
        cutoff_ms: 0,
    }));
    journal.forget_shards(&[ShardLogId(1)]);
    world.clock.set_ms(NOW_MS + 10_000);
    assert_eq!(put(2), AppendResult::Refused(Refusal::Full));
    assert!(page.unwrap().frames.iter().all(|frame| frame.records().count() == 1));
    assert!(matches!(put(2), AppendResult::Written { first: 1, .. }));
}
