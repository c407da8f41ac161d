//! A disk that fails or is slow while the journal runs: what is read is right or an error for just the records that are
//! concerned; what was not written and synced is not shown, not acknowledged and never synced again; who does not need
//! the slow call does not wait for it.
#![allow(clippy::unwrap_used, clippy::panic)] // a test that fails here has failed

mod common;

use std::sync::{Arc, atomic::Ordering::SeqCst};

use common::{
    faulty::{World, first_of, put, read_one, read_page, within_a_minute},
    frame, wait,
};
use nautilus_log::{AppendResult, Durability, Journal, ReadError, Refusal, ShardLogId, Threads};

/// Puts records `n`, each a little larger than 1,000 bytes and alone in its frame, at positions `n`.
fn fill(journal: &Journal, shard: u64, positions: std::ops::RangeInclusive<u64>) {
    for n in positions {
        assert_eq!(first_of(&put(journal, &[(shard, &data(shard, n))])[0]), n);
    }
}

fn data(shard: u64, n: u64) -> Vec<u8> {
    let mut data = format!("shard {shard} record {n} ").into_bytes();
    data.resize(1000 + n as usize, b'x');
    data
}

#[test]
fn a_cold_read_loses_only_the_frames_of_the_block_and_only_as_long_as_it_is_lost() {
    let world = World::new(Threads::Stepped);
    let (journal, _) = world.open();
    fill(&journal, 1, 1..=100);
    let paths = world.segments();
    assert!(paths.len() >= 3, "sealed segments, and an open one");
    for path in &paths {
        let blocks = world.bytes_of(path).len().div_ceil(4096) as u64;
        for block in 0..blocks {
            let bad = [(&**path, block)];
            world.disk.watcher.set_unreadable(&bad);
            let met = journal.damage_met();
            // Whoever begins at a time is told by the read that follows.
            assert_eq!(wait(journal.position_at(ShardLogId(1), 1)).unwrap(), 1);
            let mut lost = 0;
            for n in 1..=100 {
                match read_one(&journal, 1, n) {
                    Ok(found) => assert_eq!(found.as_ref(), Some(&data(1, n))),
                    Err(ReadError::Damaged { first, end, .. }) => {
                        assert!(world.stands_in(&data(1, n), &bad), "{bad:?}: {n}");
                        assert!((first..end).contains(&n) && end - first < 7, "{first}..{end}");
                        lost += 1;
                    }
                    Err(error) => panic!("{bad:?}: {n}: {error}"),
                }
            }
            assert!(lost == 0 || journal.damage_met() > met, "{bad:?}");
        }
    }
    world.disk.watcher.set_unreadable(&[]);
    for n in 1..=100 {
        assert_eq!(read_one(&journal, 1, n).unwrap(), Some(data(1, n)));
    }
    assert!(!journal.is_poisoned());
}

/// What is the same after any failed write or sync: nothing more is taken, what was durable is readable, the next life
/// has it all and goes on.
fn assert_poisoned(world: &World, journal: &Journal, acknowledged: u64) {
    // Who waits is answered first.
    while !journal.is_poisoned() || world.fatal.load(SeqCst) == 0 {
        std::thread::yield_now();
    }
    assert_eq!(world.fatal.load(SeqCst), 1, "the process is told once");
    let active = world.frame_of(&data(1, acknowledged)).0;
    let syncs = world.disk.watcher.syncs_of(&active);
    let refused = AppendResult::Refused(Refusal::Poisoned);
    assert_eq!(put(journal, &[(1, b"later"), (2, b"later")]), [refused, refused]);
    assert_eq!(wait(journal.close(vec![ShardLogId(1)])), Err(Refusal::Poisoned));
    for n in 1..=acknowledged {
        assert_eq!(read_one(journal, 1, n).unwrap(), Some(data(1, n)));
    }
    assert_eq!(journal.tail(ShardLogId(1)).unwrap().visible_end, acknowledged + 1);
    assert_eq!(read_page(journal, 1, acknowledged + 1).unwrap().frames.len(), 0, "seen early");
    assert_eq!(journal.tail(ShardLogId(2)).unwrap().visible_end, 1);
    journal.stop();
    assert_eq!(world.disk.watcher.syncs_of(&active), syncs, "the same pages are synced again");
    assert_eq!(world.fatal.load(SeqCst), 1);
}

/// What waits when the disk fails: the group that is written, and what came meanwhile.
fn append_much(journal: &Journal) -> Vec<Vec<AppendResult>> {
    let appends: Vec<_> = (0..20)
        .map(|_| {
            journal.append([frame(1, &[b"in vain"]), frame(2, &[b"in vain"])].into_iter().collect())
        })
        .collect();
    let closed = journal.close(vec![ShardLogId(2)]);
    while journal.step() {}
    assert_eq!(wait(closed), Err(Refusal::Poisoned));
    appends.into_iter().map(|append| wait(append).into_vec()).collect()
}

#[test]
fn a_write_that_fails_anywhere_is_seen_by_nobody_and_ends_this_life() {
    for threads in [Threads::Stepped, Threads::Own] {
        for torn_after in [0, 1, 63, 64, 100, 511, 512, 700, 1500] {
            let mut world = World::new(threads);
            world.tail_bytes_max = 5000;
            let (journal, _) = world.open();
            fill(&journal, 1, 1..=9);
            *world.disk.watcher.torn_after.lock() = Some(torn_after);
            let refused = AppendResult::Refused(Refusal::Poisoned);
            for results in append_much(&journal) {
                assert_eq!(results, [refused, refused], "{torn_after}");
            }
            assert_poisoned(&world, &journal, 9);
            drop(journal);

            let world = world.copy(Threads::Stepped);
            let (journal, report) = world.open();
            assert!(report.damage.is_empty(), "{torn_after}: {report:?}");
            // Of the failed group what is whole may stay: nobody was told of it.
            let next = first_of(&put(&journal, &[(1, &data(1, 10))])[0]);
            for n in 10..next {
                assert_eq!(read_one(&journal, 1, n).unwrap(), Some(b"in vain".to_vec()));
            }
            for n in 1..=9 {
                assert_eq!(read_one(&journal, 1, n).unwrap(), Some(data(1, n)));
            }
            assert_eq!(read_one(&journal, 1, next).unwrap(), Some(data(1, 10)));
        }
    }
}

#[test]
fn after_a_failed_sync_nothing_is_synced_again_and_the_next_life_writes_before_it_trusts() {
    for threads in [Threads::Stepped, Threads::Own] {
        let world = World::new(threads);
        let (journal, _) = world.open();
        fill(&journal, 1, 1..=9);
        *world.disk.watcher.sync_fails.lock() = true;
        let refused = AppendResult::Refused(Refusal::Poisoned);
        for results in append_much(&journal) {
            assert_eq!(results, [refused, refused]);
        }
        assert_poisoned(&world, &journal, 9);
        drop(journal);

        // The pages may be clean and yet not on the disk: what is taken over is written again, and synced.
        let world = world.copy(Threads::Stepped);
        *world.disk.watcher.sync_fails.lock() = true;
        let error = world.try_open().err().unwrap().to_string();
        assert!(error.contains("cannot sync segment"), "{error}");
        *world.disk.watcher.sync_fails.lock() = false;
        let (journal, report) = world.open();
        assert!(report.damage.is_empty() && report.cuts.is_empty(), "{report:?}");
        assert!(world.disk.watcher.syncs_of(&world.frame_of(&data(1, 9)).0) > 1);
        // What the failed group wrote was whole: it was told to nobody, and may stay.
        let end = journal.tail(ShardLogId(1)).unwrap().visible_end;
        assert_eq!(first_of(&put(&journal, &[(1, b"next")])[0]), end);
        for n in 1..=9 {
            assert_eq!(read_one(&journal, 1, n).unwrap(), Some(data(1, n)));
        }
    }
}

#[test]
fn without_syncs_a_failed_write_ends_this_life_too() {
    let mut world = World::new(Threads::Stepped);
    world.durability = Durability::Os;
    let (journal, _) = world.open();
    fill(&journal, 1, 1..=9);
    *world.disk.watcher.torn_after.lock() = Some(70);
    let refused = AppendResult::Refused(Refusal::Poisoned);
    assert!(append_much(&journal).iter().all(|results| *results == [refused, refused]));
    assert_poisoned(&world, &journal, 9);
}

#[test]
fn a_slow_sync_holds_up_writers_and_no_reader() {
    within_a_minute(|| {
        let mut world = World::new(Threads::Own);
        world.tail_bytes_max = 5000;
        let (journal, _) = world.open();
        fill(&journal, 1, 1..=60);
        world.disk.watcher.hold_syncs();
        let first = journal.append([frame(1, &[b"waits"])].into_iter().collect());
        world.disk.watcher.await_held(1);
        let second = journal.append([frame(2, &[b"waits too"])].into_iter().collect());
        // From sealed segments, from the open one and from memory.
        for n in 1..=60 {
            assert_eq!(read_one(&journal, 1, n).unwrap(), Some(data(1, n)));
        }
        assert_eq!(
            journal.tail(ShardLogId(1)).unwrap().visible_end,
            61,
            "seen before it is durable"
        );
        assert_eq!(wait(journal.position_at(ShardLogId(1), u64::MAX)).unwrap(), 61);
        journal.trim(&[(ShardLogId(1), 1)]);
        journal.create_shards(&[ShardLogId(7)]);
        assert_eq!(journal.tail(ShardLogId(7)).unwrap().visible_end, 1);

        world.disk.watcher.let_go();
        assert_eq!(first_of(&wait(first)[0]), 61);
        assert_eq!(first_of(&wait(second)[0]), 1);
        journal.stop();
    });
}

#[test]
fn a_slow_read_holds_up_nobody_who_needs_another_segment() {
    within_a_minute(|| {
        let mut world = World::new(Threads::Own);
        world.tail_bytes_max = 5000;
        let (journal, _) = world.open();
        fill(&journal, 1, 1..=100);
        let slow = world.segments().remove(0);
        let last_slow = (1..=100).rfind(|&n| world.frame_of(&data(1, n)).0 == slow).unwrap();
        world.disk.watcher.hold_reads_of(&slow);
        let journal = Arc::new(journal);
        // Two readers of one segment: the second waits for the footer that the first one reads.
        let readers: Vec<_> = [1, last_slow]
            .into_iter()
            .map(|n| {
                let journal = journal.clone();
                std::thread::spawn(move || read_one(&journal, 1, n).unwrap())
            })
            .collect();
        world.disk.watcher.await_held(1);
        for n in last_slow + 1..=100 {
            assert_eq!(read_one(&journal, 1, n).unwrap(), Some(data(1, n)));
        }
        fill(&journal, 1, 101..=140);
        assert_eq!(read_one(&journal, 1, 140).unwrap(), Some(data(1, 140)));

        world.disk.watcher.let_go();
        let found: Vec<_> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
        assert_eq!(found, [Some(data(1, 1)), Some(data(1, last_slow))]);
        journal.stop();
    });
}
