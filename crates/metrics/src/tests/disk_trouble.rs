//! A process that dies anywhere, a power loss, a disk that is full, a sync that fails.

use nautilus_stats::Distribution;

use crate::{
    Error,
    Resolution::Minute,
    record_log,
    testing::{World, small},
};

const SERIES: usize = 3;

fn minute(world: &mut World) -> Vec<(usize, u64, crate::Resolution, Distribution)> {
    let samples =
        |number| Distribution::of((world.now_ms / 60_000 % 100) as f64, 1.0 + number as f64);
    (0..SERIES).map(|number| (number, world.now_ms, Minute, samples(number))).collect()
}

/// Puts for so many minutes.
fn run(world: &mut World, minutes: u64) {
    for _ in 0..minutes {
        let samples = minute(world);
        world.put(samples).unwrap();
        world.advance_ms(60_000);
    }
}

#[test]
fn a_kill_anywhere_loses_nothing_that_was_answered() {
    let mut whole = World::new(small());
    run(&mut whole, 60);
    let calls = whole.disk.calls();
    assert!(calls > 200, "{calls}");
    for dies_after in 0..calls {
        let mut world = World::new(small());
        world.disk.stop_after(dies_after);
        // The store does not stop at a dead disk, but what is put from then on is not on it.
        let mut answered = World::new(small());
        for _ in 0..60 {
            let samples = minute(&mut world);
            let before = world.disk.calls();
            if before >= dies_after {
                break;
            }
            world.put(samples).unwrap();
            world.advance_ms(60_000);
            if world.disk.calls() <= dies_after {
                answered.model = world.model.clone();
            }
        }
        let in_doubt = std::mem::take(&mut world.model);
        world.reopen(world.disk.killed());
        let blocks = world.disk.paths().iter().filter(|path| path.contains("block")).count();
        assert_eq!(world.store.figures().blocks, blocks as u64, "{dies_after}: none is left over");
        for number in 0..SERIES {
            let (from_ms, to_ms) = (0, world.now_ms + 60_000);
            let found = world.read(number, from_ms, to_ms, 60);
            world.model = answered.model.clone();
            let least = world.expected(number, from_ms, to_ms, 60);
            world.model = in_doubt.clone();
            let most = world.expected(number, from_ms, to_ms, 60);
            assert!(least.iter().all(|point| found.contains(point)), "{dies_after}: {number}");
            assert!(found.iter().all(|point| most.contains(point)), "{dies_after}: {number}");
        }
        // And it goes on.
        world.model.clear();
        world.advance_ms(86_400_000);
        run(&mut world, 3);
        world.check(0, world.now_ms - 3_600_000, world.now_ms, 60);
    }
}

#[test]
fn a_power_loss_anywhere_loses_the_last_two_minutes_at_most() {
    let mut whole = World::new(small());
    run(&mut whole, 60);
    for stops_after in 0..whole.disk.calls() {
        let mut world = World::new(small());
        world.disk.stop_after(stops_after);
        while world.disk.calls() < stops_after {
            run(&mut world, 1);
        }
        let in_doubt_ms = world.now_ms.saturating_sub(120_000);
        let dead = world.disk.clone();
        for disk in [dead.powered_off(), dead.powered_off_after_renames()] {
            world.reopen(disk);
            world.check(0, 0, in_doubt_ms, 60);
            world.check(2, 0, in_doubt_ms, 60);
            for number in 0..SERIES {
                let found = world.read(number, 0, world.now_ms, 60);
                let most = world.expected(number, 0, world.now_ms, 60);
                assert!(found.iter().all(|point| most.contains(point)), "{stops_after}: {number}");
            }
        }
    }
}

#[test]
fn a_power_loss_loses_what_was_not_synced_only() {
    for minutes in 1..80 {
        let mut world = World::new(small());
        run(&mut world, minutes);
        let last_ms = world.now_ms - 60_000;
        world.reopen(world.disk.powered_off());
        // Each put's minute was synced by the next one's.
        world.check(0, 0, last_ms, 60);
        world.check(1, 0, last_ms, 60);
        run(&mut world, 2);
        world.check(0, last_ms + 60_000, world.now_ms, 60);
    }
}

#[test]
fn a_full_disk_stops_nobody_and_nothing_is_lost_when_there_is_room_again() {
    let mut world = World::new(small());
    for full_minutes in [1, 5, 30] {
        run(&mut world, 20);
        world.disk.set_full(true);
        run(&mut world, full_minutes);
        world.check_all(SERIES);
        // Each of them is looked at by every read.
        let frozen = world.store.core().tables.read().frozen.len();
        assert!(frozen <= 12, "{frozen}");
        let logs = world.disk.paths().into_iter().filter(|path| path.contains("/log-"));
        for path in logs {
            // Records that found no room are cut off: they are no damage at the next start.
            let found = record_log::read(&world.disk, &path, None, &mut |_| {}).unwrap();
            assert!(!found.has_tail && found.damaged == 0, "{path}");
        }
        world.disk.set_full(false);
        run(&mut world, 2);
        world.check_all(SERIES);
        world.reopen(world.disk.killed());
        world.check_all(SERIES);
    }
}

#[test]
fn what_a_failed_sync_left_in_doubt_is_written_again() {
    let mut world = World::new(small());
    run(&mut world, 7);
    world.disk.set_fails_syncs(true);
    run(&mut world, 4);
    world.disk.set_fails_syncs(false);
    run(&mut world, 3);
    let last_ms = world.now_ms - 60_000;
    world.check_all(SERIES);
    world.reopen(world.disk.powered_off());
    world.check(0, 0, last_ms, 60);
    world.check(2, 0, last_ms, 60);
}

#[test]
fn what_was_frozen_before_a_sync_failed_is_written_again_though_nothing_new_comes() {
    let mut world = World::new(small());
    run(&mut world, 1);
    world.store.tick();
    let samples = minute(&mut world);
    world.put(samples).unwrap();
    world.store.core().turn();
    world.disk.set_fails_syncs(true);
    world.advance_ms(60_000);
    world.store.tick();
    world.disk.set_fails_syncs(false);
    world.advance_ms(60_000);
    world.store.tick();
    world.check_all(SERIES);
    world.reopen(world.disk.powered_off());
    world.check_all(SERIES);
}

#[test]
fn memory_is_bounded_while_the_disk_is_full() {
    let settings = crate::settings::Settings { memory_bytes_max: 20 << 10, ..small() };
    let mut world = World::new(settings);
    world.disk.set_full(true);
    run(&mut world, 600);
    let from_ms = world.now_ms - 20 * 60_000;
    world.check(0, from_ms, world.now_ms, 60);
    assert!(world.read(0, 0, world.now_ms, 60).len() < 400, "the oldest are given up");
    world.disk.set_full(false);
    run(&mut world, 2);
    world.reopen(world.disk.powered_off());
    world.check(0, from_ms, world.now_ms - 60_000, 60);
}

#[test]
fn the_log_is_bounded_though_all_samples_are_of_one_minute() {
    let mut world = World::new(small());
    for _ in 0..2000 {
        let samples = minute(&mut world);
        world.put(samples).unwrap();
        let logs = world.disk.paths().into_iter().filter(|path| path.contains("/log-"));
        let bytes: usize = logs.map(|path| world.disk.bytes(&path).len()).sum();
        assert!(bytes < 50 << 10, "{bytes}");
    }
    world.check(0, 0, world.now_ms + 1, 60);
    world.reopen(world.disk.killed());
    world.check(0, 0, world.now_ms + 1, 60);
}

#[test]
fn too_many_series_are_refused_and_the_others_are_stored() {
    let settings = crate::settings::Settings { registry_bytes_max: 4096, ..small() };
    let mut world = World::new(settings);
    let samples = (0..100).map(|number| (number, world.now_ms, Minute, Distribution::of(1.0, 1.0)));
    let samples: Vec<_> = samples.collect();
    match world.put(samples.clone()) {
        Err(Error::TooManySeries { left_out }) => {
            assert!((80..95).contains(&left_out), "{left_out}")
        }
        other => panic!("{other:?}"),
    }
    world.expect(samples[0].clone());
    world.check(0, 0, world.now_ms + 1, 60);
    world.put(vec![samples[0].clone()]).unwrap();
    world.check(0, 0, world.now_ms + 1, 60);
}

#[test]
fn memory_mode_writes_nothing_and_forgets_the_oldest() {
    let settings =
        crate::settings::Settings { has_log: false, blocks_bytes_max: 20_000, ..small() };
    let mut world = World::new(settings);
    for _ in 0..3000 {
        let samples = minute(&mut world);
        world.put(samples).unwrap();
        world.advance_ms(3_600_000);
    }
    let blocks = world.disk.paths().into_iter().filter(|path| path.contains("block"));
    let bytes: usize = blocks.map(|path| world.disk.bytes(&path).len()).sum();
    assert!((5_000..=20_000).contains(&bytes), "{bytes}");
    assert!(!world.disk.paths().iter().any(|path| path.contains("/log-")));
    world.check(0, world.now_ms - 86_400_000, world.now_ms, 60);
}
