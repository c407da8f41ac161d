//! A block that cannot be read takes its own records and nothing else: the journal starts, tells it, serves the rest,
//! writes nothing over it, and gives no position twice, also when the block can be read again later.
#![allow(clippy::unwrap_used, clippy::panic)] // a test that fails here has failed

mod common;

use std::{collections::BTreeMap, sync::Arc};

use common::{
    faulty::{World, first_of, put, read_one},
    frame, wait,
};
use nautilus_log::{
    Damage, Durability, Journal, Manifest, ReadError, Report, Threads, testing::MemoryManifest,
};

const BLOCK: usize = 4096;

/// What was acknowledged, by shard and position.
type Acknowledged = BTreeMap<(u64, u64), Vec<u8>>;

fn data(shard: u64, n: usize) -> Vec<u8> {
    let mut data = format!("shard {shard} record {n} ").into_bytes();
    data.resize(600 * shard as usize, b'a' + n as u8);
    data
}

/// Writes calls with a frame for each of two shards: frames begin and end in the middle of blocks. `None` if the
/// journal takes nothing more.
fn try_write(journal: &Journal, calls: std::ops::Range<usize>) -> Option<Acknowledged> {
    let mut acknowledged = Acknowledged::new();
    for n in calls {
        let (one, two) = (data(1, n), data(2, n));
        let results = put(journal, &[(1, &one), (2, &two)]);
        if journal.is_poisoned() {
            return None;
        }
        for ((shard, data), result) in [(1, one), (2, two)].into_iter().zip(&results) {
            assert!(acknowledged.insert((shard, first_of(result)), data).is_none());
        }
    }
    Some(acknowledged)
}

fn write(journal: &Journal, calls: std::ops::Range<usize>) -> Acknowledged {
    try_write(journal, calls).unwrap()
}

/// A journal with a sealed segment, one that takes the groups and one that was made ahead; left in peace or not.
fn written(durability: Durability, clean: bool) -> (World, Acknowledged) {
    let mut world = World::new(Threads::Stepped);
    world.durability = durability;
    let (journal, _) = world.open();
    let acknowledged = write(&journal, 0..26);
    drop(journal);
    // Only a life with threads makes a segment ahead.
    world.threads = Threads::Own;
    let (journal, _) = world.open();
    while world.manifest.state().segments.len() < 3 {
        std::thread::yield_now();
    }
    let left = world.copy(Threads::Stepped);
    journal.stop();
    assert_eq!(world.segments().len(), 3);
    (if clean { world.copy(Threads::Stepped) } else { left }, acknowledged)
}

/// Reads every position: what stands elsewhere is there, what stands in the blocks is there or an error, or was told.
fn check(
    world: &World,
    (journal, report): &(Journal, Report),
    acknowledged: &Acknowledged,
    blocks: &[(&str, u64)],
    what: &str,
) -> Acknowledged {
    let mut visible = Acknowledged::new();
    for (&(shard, position), data) in acknowledged {
        let lost = || world.stands_in(data, blocks);
        match read_one(journal, shard, position) {
            Ok(Some(found)) => {
                assert_eq!(&found, data, "{what}");
                visible.insert((shard, position), found);
            }
            Ok(None) => assert!(lost() && !report.damage.is_empty(), "{what}: {shard} {position}"),
            Err(ReadError::Damaged { first, end, .. }) => {
                assert!(
                    lost(),
                    "{what}: {shard} {position} of {first}..{end} stands elsewhere: {report:?}"
                );
                assert!((first..end).contains(&position), "{what}: {position} in {first}..{end}");
            }
            Err(error) => panic!("{what}: {shard} {position}: {error}"),
        }
    }
    visible
}

/// A block that cannot be read, in four lives, and then can.
fn try_block(start: &World, acknowledged: &Acknowledged, path: &str, block: u64, what: &str) {
    let world = start.copy(Threads::Stepped);
    let bytes = || {
        let bytes = world.bytes_of(path);
        let end = bytes.len().min((block as usize + 1) * BLOCK);
        bytes[block as usize * BLOCK..end].to_vec()
    };
    let before = bytes();
    let blocks = [(path, block)];
    let clean_start = world.manifest.state().clean_stop.is_some();
    world.disk.watcher.set_unreadable(&blocks);
    let mut all = acknowledged.clone();

    let opened = world.open();
    let seen = check(&world, &opened, &all, &blocks, what);
    let elsewhere =
        |damage: &Damage| damage.segment > 0 && !path.contains(&format!("{:020}", damage.segment));
    assert!(!opened.1.damage.iter().any(elsewhere), "{what}: {:?}", opened.1);
    let used = before.iter().any(|&byte| byte != 0);
    assert!(!used || !opened.1.damage.is_empty() || opened.0.damage_met() > 0, "{what}: not told");
    // Ended at once, with the block whole again: what was seen is still there.
    let healed = world.copy(Threads::Stepped);
    let again = healed.open();
    assert_eq!(check(&healed, &again, &seen, &[], what), seen, "{what}");
    drop(again);

    // Behind a clean stop nobody looks: then a write may fail, and the next start looks.
    let mut opened = opened;
    let mut failures = 0;
    for (life, clean) in [false, false, false, true].into_iter().enumerate() {
        if life > 0 {
            opened = world.open();
        }
        check(&world, &opened, &all, &blocks, what);
        let calls = 30 + life * 30..32 + life * if clean { 40 } else { 30 };
        let Some(new) = try_write(&opened.0, calls) else {
            failures += 1;
            continue;
        };
        assert!(new.keys().all(|key| !all.contains_key(key)), "{what}: given twice");
        all.extend(new);
        check(&world, &opened, &all, &blocks, what);
        if clean {
            opened.0.stop();
        }
    }
    let unseen = clean_start && !used;
    assert!(failures <= usize::from(unseen), "{what}: {failures} lives took nothing");
    world.disk.watcher.set_unreadable(&[]);
    let opened = world.open();
    let now = check(&world, &opened, &all, &[], what);
    assert_eq!(now, all, "{what}: lost for ever");
    let length = before.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    assert_eq!(bytes()[..length], before[..length], "{what}: written over");
}

#[test]
fn any_block_may_be_unreadable_at_start_and_the_rest_is_served() {
    for durability in [Durability::Fsync, Durability::Os] {
        for clean in [false, true] {
            let (world, acknowledged) = written(durability, clean);
            for path in world.segments() {
                let blocks = world.bytes_of(&path).len().div_ceil(BLOCK) as u64;
                for block in 0..blocks {
                    let what = format!("{durability:?} clean {clean} {path} block {block}");
                    try_block(&world, &acknowledged, &path, block, &what);
                }
            }
        }
    }
}

/// A journal whose last group is of many calls, and was not acknowledged; that group's bytes and records.
fn with_a_last_group() -> (World, Acknowledged, std::ops::Range<u64>, Acknowledged) {
    let (world, acknowledged) = written(Durability::Fsync, false);
    let (journal, _) = world.open();
    let calls: Vec<_> = (50..56).map(|n| (data(1, n), data(2, n))).collect();
    let appends: Vec<_> = calls
        .iter()
        .map(|(one, two)| {
            let frames = [frame(1, &[one]), frame(2, &[two])].into_iter().collect();
            journal.append(frames)
        })
        .collect();
    assert!(journal.step() && !journal.step(), "one group");
    let mut last = Acknowledged::new();
    for ((one, two), append) in calls.into_iter().zip(appends) {
        let results = wait(append);
        last.insert((1, first_of(&results[0])), one);
        last.insert((2, first_of(&results[1])), two);
    }
    let frames: Vec<_> = last.values().map(|data| world.frame_of(data).1).collect();
    let start = frames.iter().map(|frame| frame.start).min().unwrap();
    let end = frames.iter().map(|frame| frame.end).max().unwrap();
    (world, acknowledged, start..end, last)
}

#[test]
fn a_torn_group_beside_an_unreadable_block_is_either_cut_unseen_or_stays() {
    let (whole, acknowledged, group, last) = with_a_last_group();
    let path = whole.segments().remove(1);
    let blocks = whole.bytes_of(&path).len().div_ceil(BLOCK) as u64;
    for sector in (group.start / 512..=(group.end - 1) / 512).step_by(2) {
        let torn = whole.copy(Threads::Stepped);
        torn.disk.inner.edit(&path, |bytes| {
            let from = group.start.max(sector * 512) as usize;
            bytes[from..(sector as usize + 1) * 512].fill(0);
            // The frame that opens the next group would prove that this one was synced.
            bytes[group.end as usize..].fill(0);
        });
        for block in 0..blocks {
            let what = format!("sector {sector}, block {block}");
            let world = torn.copy(Threads::Stepped);
            let blocks = [(&*path, block)];
            world.disk.watcher.set_unreadable(&blocks);
            let opened = world.open();
            let mut seen = check(&world, &opened, &acknowledged, &blocks, &what);
            for (&(shard, position), data) in &last {
                if let Ok(Some(found)) = read_one(&opened.0, shard, position) {
                    assert_eq!(&found, data, "{what}");
                    seen.insert((shard, position), found);
                }
            }
            drop(opened);
            for healed in [false, true] {
                let world = world.copy(Threads::Stepped);
                world.disk.watcher.set_unreadable(if healed { &[] } else { &blocks });
                let opened = world.open();
                for (&(shard, position), data) in &seen {
                    let again = read_one(&opened.0, shard, position);
                    let again = again.unwrap_or_else(|error| panic!("{what}: {error}"));
                    assert_eq!(again.as_ref(), Some(data), "{what}, healed {healed}: vanished");
                }
                let new = write(&opened.0, 60..61);
                assert!(new.keys().all(|key| !seen.contains_key(key)), "{what}: given twice");
            }
        }
    }
}

#[test]
fn an_unlisted_segment_that_cannot_be_read_is_left_if_this_catalog_had_it_made() {
    let (world, acknowledged) = written(Durability::Fsync, true);
    let path = world.segments().remove(2);
    for block in [0, 3] {
        for known in [true, false] {
            let mut world = world.copy(Threads::Stepped);
            let mut state = world.manifest.state();
            // A crash came between its making and its listing; or the catalog is older than that.
            let (number, _) = state.segments.pop_last().unwrap();
            state.next_segment = if known { number + 1 } else { number };
            world.manifest = Arc::new(MemoryManifest::new(state));
            world.disk.watcher.set_unreadable(&[(&path, block)]);
            let Ok(opened) = world.try_open() else {
                assert!(!known, "block {block}");
                continue;
            };
            assert!(known, "block {block}");
            check(&world, &opened, &acknowledged, &[], "unlisted");
            write(&opened.0, 30..60);
            assert!(world.segments().contains(&path));
        }
    }
}
