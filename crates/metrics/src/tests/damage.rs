//! Files that are cut, flipped, or gone.

use nautilus_stats::Distribution;

use crate::{
    Error,
    Resolution::Minute,
    record_log,
    testing::{TestDisk, World, small},
};

const SERIES: usize = 6;

/// A world whose samples are partly in blocks and partly in the log.
fn world(minutes: u64) -> World {
    let mut world = World::new(small());
    for minute in 0..minutes {
        for number in 0..SERIES {
            let samples = Distribution::of((minute * 7 % 100) as f64, 1.0 + number as f64);
            world.put(vec![(number, world.now_ms, Minute, samples)]).unwrap();
        }
        world.advance_ms(60_000);
    }
    world
}

fn points(world: &World, number: usize) -> Vec<(u64, Distribution)> {
    world.read(number, world.now_ms - 3 * 3_600_000, world.now_ms, 60)
}

fn reopened(world: &World, disk: TestDisk) -> Result<World, Error> {
    let store = crate::testing::open(&disk, &world.clock, world.settings)?;
    Ok(World { disk, store, clock: world.clock.clone(), model: world.model.clone(), ..*world })
}

fn logs(disk: &TestDisk) -> Vec<String> {
    disk.paths().into_iter().filter(|path| path.contains("/log-")).collect()
}

fn has_tail(disk: &TestDisk, path: &str) -> bool {
    // One of which nothing was whole is gone.
    disk.paths().iter().any(|one| one == path)
        && record_log::read(disk, path, None, &mut |_| {}).unwrap().has_tail
}

#[test]
fn a_torn_end_of_the_log_is_cut_at_every_length() {
    let world = world(8);
    let path = logs(&world.disk).pop().unwrap();
    let whole = world.disk.bytes(&path).len();
    let before: usize = (0..SERIES).map(|number| points(&world, number).len()).sum();
    let mut least = before;
    for len in (0..=whole).rev() {
        let disk = world.disk.killed();
        disk.edit(&path, |bytes| bytes.truncate(len));
        let mut torn = reopened(&world, disk).unwrap();
        let all: Vec<_> = (0..SERIES).map(|number| points(&torn, number)).collect();
        // Never anything that was not put, and never less than a longer log had.
        for (number, found) in all.iter().enumerate() {
            let put = points(&world, number);
            assert!(found.iter().all(|point| put.contains(point)), "{len}");
        }
        let left = all.iter().map(Vec::len).sum();
        assert!(left <= least, "{len}");
        least = left;
        assert!(len == whole || !has_tail(&torn.disk, &path), "{len}");
        // It goes on, and what was cut does not come back.
        let at_ms = torn.now_ms;
        torn.put(vec![(0, at_ms, Minute, Distribution::of(1.0, 1.0))]).unwrap();
        let again = reopened(&torn, torn.disk.killed()).unwrap();
        let left: usize = (0..SERIES).map(|number| points(&again, number).len()).sum();
        assert_eq!(left, least, "{len}");
    }
    assert!(least < before);
}

#[test]
fn a_flipped_bit_is_never_served_and_costs_little() {
    let world = world(40);
    let files = world.disk.paths();
    assert!(files.iter().any(|path| path.contains("block")), "{files:?}");
    for path in files {
        let len = world.disk.bytes(&path).len();
        for at in (0..len).step_by(if len > 2000 { 37 } else { 1 }) {
            let disk = world.disk.killed();
            disk.edit(&path, |bytes| bytes[at] ^= 1 << (at % 8));
            let damaged = reopened(&world, disk).unwrap();
            let mut left = 0;
            for number in 0..SERIES {
                let put = points(&world, number);
                let found = points(&damaged, number);
                assert!(found.iter().all(|point| put.contains(point)), "{path} {at}: {number}");
                left += found.len();
            }
            // The log's pages are larger than these logs; a list of series is in few pages.
            assert!(left > 0 || path.contains("series"), "{path} {at}");
            if path.contains("manifest") {
                assert_eq!(left, SERIES * 40, "{path} {at}");
            }
        }
    }
}

#[test]
fn a_block_that_is_gone_costs_its_samples_only() {
    let world = world(40);
    let blocks = world.disk.paths().into_iter().filter(|path| path.contains("block"));
    for path in blocks {
        let disk = world.disk.killed();
        nautilus_log::Disk::remove(&disk, &path).unwrap();
        let mut damaged = reopened(&world, disk).unwrap();
        let left = points(&damaged, 0).len();
        assert!((1..40).contains(&left), "{path}: {left}");
        let at_ms = damaged.now_ms;
        damaged.put(vec![(0, at_ms, Minute, Distribution::of(1.0, 1.0))]).unwrap();
        let again = reopened(&damaged, damaged.disk.killed()).unwrap();
        assert_eq!(points(&again, 0).len(), left);
    }
}

#[test]
fn a_block_without_its_index_stays_until_it_would_be_too_old() {
    let world = world(40);
    let is_block = |path: &String| path.contains("block");
    let path = world.disk.paths().into_iter().find(is_block).unwrap();
    let disk = world.disk.killed();
    disk.edit(&path, |bytes| *bytes.last_mut().unwrap() ^= 1);
    let mut damaged = reopened(&world, disk).unwrap();
    for _ in 0..30 {
        damaged.advance_ms(60_000);
        let at_ms = damaged.now_ms;
        damaged.put(vec![(0, at_ms, Minute, Distribution::of(1.0, 1.0))]).unwrap();
    }
    let mut again = reopened(&damaged, damaged.disk.killed()).unwrap();
    assert!(again.disk.paths().contains(&path));
    again.advance_ms(500 * 86_400_000);
    again.store.tick();
    assert!(!again.disk.paths().iter().any(is_block), "{:?}", again.disk.paths());
}

#[test]
fn a_damaged_list_of_series_is_made_anew_from_what_is_left() {
    let world = world(40);
    let path = world.disk.paths().into_iter().find(|path| path.contains("series")).unwrap();
    let disk = world.disk.killed();
    disk.edit(&path, |bytes| bytes[100] ^= 1);
    let mut damaged = reopened(&world, disk).unwrap();
    damaged.model.clear();
    damaged.advance_ms(86_400_000);
    for _ in 0..30 {
        damaged.advance_ms(60_000);
        let at_ms = damaged.now_ms;
        damaged.put(vec![(SERIES, at_ms, Minute, Distribution::of(1.0, 1.0))]).unwrap();
    }
    let again = reopened(&damaged, damaged.disk.killed()).unwrap();
    again.check(SERIES, 0, again.now_ms + 1, 60);
    assert!(!again.disk.paths().contains(&path));
}

#[test]
fn files_of_another_format_are_refused_in_a_sentence() {
    let world = world(40);
    for path in world.disk.paths() {
        let disk = world.disk.killed();
        disk.edit(&path, |bytes| {
            bytes[8] = 2;
            let checksum = crc32c::crc32c(&bytes[..12]);
            bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
        });
        let refused = reopened(&world, disk).err().unwrap().to_string();
        assert_eq!(refused, format!("metrics: {path} has format 2, and this version knows 1 only"));
    }
}
