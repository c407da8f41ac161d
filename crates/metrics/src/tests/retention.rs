//! Time passes: what is rolled up, what goes, and that nothing is left behind.

use nautilus_stats::Distribution;

use crate::{
    Resolution::{Minute, Second},
    testing::{World, small, wait},
};

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

fn value(number: u64) -> Distribution {
    Distribution::of((number % 1000) as f64, 1.0)
}

#[test]
fn a_store_lives_through_455_days_and_forgets() {
    let mut world = World::new(small());
    let begin_ms = world.now_ms;
    let mut number = 0;
    // A burst each day: seconds, minutes, and late ones.
    for day in 0..470 {
        for minute in 0..20 {
            number += 1;
            let at_ms = world.now_ms;
            world
                .put(vec![
                    (0, at_ms, Minute, value(number)),
                    (1, at_ms, Second, value(number)),
                    (0, at_ms.saturating_sub(13 * DAY_MS + minute * 60_000), Minute, value(number)),
                ])
                .unwrap();
            world.advance_ms(60_000);
        }
        world.advance_ms(DAY_MS - 20 * 60_000);
        world.store.tick();
        if day % 50 == 0 {
            world.reopen(world.disk.killed());
            world.check_all(2);
        }
    }
    world.check_all(2);
    // The first weeks have gone, and blocks have not gathered.
    assert!(world.read(0, 0, begin_ms + 10 * DAY_MS, 3600).is_empty());
    let files = world.disk.paths().len();
    assert!(files < 120, "{files}: {:?}", world.disk.paths());

    // Nobody puts any more: in the end there is nothing.
    for _ in 0..40 {
        world.advance_ms(14 * DAY_MS);
        world.store.tick();
    }
    assert!(world.store.find(&World::series(0)).is_empty());
    let left: Vec<String> =
        world.disk.paths().into_iter().filter(|path| path.contains("block")).collect();
    assert!(left.is_empty(), "{left:?}");
    // A number is not given to another one, though nothing in the files has it.
    world.reopen(world.disk.killed());
    world.put(vec![(7, world.now_ms, Minute, value(1))]).unwrap();
    assert_eq!(world.store.find(&World::series(7))[0].0.0, 2);
    world.reopen(world.disk.killed());
    assert_eq!(world.store.find(&World::series(7))[0].0.0, 2);
}

#[test]
fn a_number_is_never_given_again_though_nothing_in_the_files_has_it() {
    let mut world = World::new(small());
    let now_ms = world.now_ms;
    world.put((0..1200).map(|number| (number, now_ms, Minute, value(1))).collect()).unwrap();
    for _ in 0..40 {
        world.advance_ms(14 * DAY_MS);
        world.store.tick();
    }
    let left = world.disk.paths().iter().map(|path| world.disk.bytes(path).len()).sum::<usize>();
    assert!(left < 500, "{left} bytes are left: {:?}", world.disk.paths());
    world.reopen(world.disk.killed());
    world.put(vec![(7, world.now_ms, Minute, value(1))]).unwrap();
    assert_eq!(world.store.find(&World::series(7))[0].0.0, 1200);
}

#[test]
fn series_are_listed_in_order_with_their_newest_samples() {
    let mut world = World::new(small());
    for number in 0..3000 {
        world.put(vec![(number, world.now_ms - number as u64 * 60_000, Minute, value(1))]).unwrap();
    }
    world.advance_ms(3 * HOUR_MS);
    world.store.tick();
    world.reopen(world.disk.powered_off());

    let account = "123456789012";
    let recent_ms = world.now_ms - 24 * HOUR_MS;
    let list = |after: Option<&crate::Series>, count| {
        let is_recent = |listed: &crate::Listed| listed.newest_ms >= recent_ms;
        wait(world.store.list(account, "us-east-1", after, count, is_recent))
    };
    let all = list(None, usize::MAX);
    assert_eq!(all.len(), 1261, "of 21 hours, as of 3 hours ago");
    assert!(all.windows(2).all(|pair| pair[0].series < pair[1].series));
    let mut paged = Vec::new();
    loop {
        let page = list(paged.last().map(|listed: &crate::Listed| &*listed.series), 100);
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert!(paged.iter().map(|listed| listed.id).eq(all.iter().map(|listed| listed.id)));
    assert!(wait(world.store.list(account, "us-east-2", None, 10, |_| true)).is_empty());
    assert!(wait(world.store.list("", "", None, 10, |_| true)).is_empty());
    let one = &all[0];
    assert_eq!(world.store.series(one.id).unwrap(), one.series);
    assert!(wait(world.store.read(one.id, 0, u64::MAX, 0)).unwrap().is_empty());
}
