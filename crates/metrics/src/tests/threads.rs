//! The store with its threads: many write and read at once, while blocks are written and merged.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    thread,
};

use nautilus_log::{Clock, Threads};
use nautilus_stats::Distribution;

use crate::{
    Error, Listed, MetricStore, Resolution,
    limits::{POINTS_PER_BREATH, ROW_BYTES_PER_BREATH, SERIES_PER_HOLD},
    settings::Settings,
    testing::{TestDisk, World, small, wait},
};

/// A minute passes at each look.
struct RushingClock(AtomicU64);

impl Clock for RushingClock {
    fn now_ms(&self) -> u64 {
        self.0.fetch_add(60_000, Ordering::SeqCst)
    }
}

#[test]
fn each_sample_is_counted_once_whatever_happens_meanwhile() {
    const WRITERS: usize = 3;
    const PUTS: u64 = 400;
    let settings = Settings { turn_bytes: 2 << 10, memory_bytes: 4 << 10, ..small() };
    let disk = TestDisk::default();
    let begin_ms = World::new(small()).now_ms;
    let clock = Arc::new(RushingClock(AtomicU64::new(begin_ms)));
    let open =
        |clock| MetricStore::open_with(Arc::new(disk.clone()), clock, Threads::Own, settings);
    let store = open(clock.clone()).unwrap();
    let is_done = AtomicBool::new(false);
    let put = |store: &MetricStore, number, put: u64| {
        let samples = (0..5).map(|at| {
            let at_ms = begin_ms + (put * 5 + at) * 60_000;
            World::sample(number, at_ms, Resolution::Minute, Distribution::of(1.0, 1.0))
        });
        wait(store.put(samples.collect()))
    };
    let count = |store: &MetricStore, number| {
        let found = store.find(&World::series(number));
        let Some((id, _)) = found.first() else { return 0.0 };
        let day_ms = 86_400_000;
        let read =
            wait(store.read(*id, begin_ms - day_ms, begin_ms + 30 * day_ms, 86_400)).unwrap();
        read.iter().map(|(_, samples)| samples.count).sum::<f64>()
    };
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                let (store, put) = (&store, &put);
                scope.spawn(move || (0..PUTS).for_each(|at| put(store, number, at).unwrap()))
            })
            .collect();
        let keeper = scope.spawn(|| {
            while !is_done.load(Ordering::SeqCst) {
                store.tick();
            }
        });
        let reader = scope.spawn(|| {
            let mut last = [0.0; WRITERS];
            while !is_done.load(Ordering::SeqCst) {
                for (number, last) in last.iter_mut().enumerate() {
                    let now = count(&store, number);
                    assert!(now >= *last && now <= (PUTS * 5) as f64, "{last} and then {now}");
                    *last = now;
                }
            }
        });
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        is_done.store(true, Ordering::SeqCst);
        keeper.join().unwrap();
        reader.join().unwrap();
    });
    assert!(disk.paths().iter().any(|path| path.contains("block")), "{:?}", disk.paths());
    wait(store.close()).unwrap();
    assert!(matches!(put(&store, 0, 0), Err(Error::Closed)));
    let calls = disk.calls();
    store.tick();
    assert_eq!(disk.calls(), calls, "a closed store touches nothing");

    let store = open(clock).unwrap();
    for number in 0..WRITERS {
        assert_eq!(count(&store, number), (PUTS * 5) as f64);
    }
}

/// Polls until it answers; how often it let others have the thread. They are told how many times that was.
fn breaths<T>(future: impl Future<Output = T>, mut in_between: impl FnMut(usize)) -> (T, usize) {
    let mut future = pin!(future);
    let mut breaths = 0;
    loop {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return (answer, breaths);
        }
        breaths += 1;
        in_between(breaths);
    }
}

#[test]
fn a_read_takes_few_points_and_bytes_at_a_time() {
    let long = |_| {
        let mut samples = Distribution::of(1.0, 1.0);
        (0..3000).for_each(|value| samples.record(1.01f64.powi(value), 1.0));
        samples
    };
    let short = |_| Distribution::of(1.0, 1.0);
    let check = |points: usize, samples: &dyn Fn(u64) -> Distribution, expected: usize| {
        let mut world = World::new(Settings::new(true));
        let begin_ms = world.now_ms - 3_600_000;
        let sample = |second| (0, begin_ms + second * 1000, Resolution::Second, samples(second));
        world.put((0..points as u64).map(sample).collect()).unwrap();
        let (id, _) = world.store.find(&World::series(0)).remove(0);
        let read = world.store.read(id, begin_ms, begin_ms + points as u64 * 1000, 1);
        let (read, breaths) = breaths(read, |_| {
            let core = world.store.core();
            assert!(core.tables.try_write().is_some(), "a put can go on");
        });
        assert_eq!(read.unwrap().len(), points);
        assert_eq!(breaths, expected, "{points}");
    };
    check(10 * POINTS_PER_BREATH - 1, &short, 9);
    let row = {
        let mut bytes = Vec::new();
        crate::codec::put(&mut bytes, &long(0));
        bytes.len()
    };
    let points = ROW_BYTES_PER_BREATH.div_ceil(row);
    assert!(points < POINTS_PER_BREATH / 2);
    check(3 * points - 1, &long, 2);
}

/// Whatever happens between the parts of a read: what was there before it is in it once.
#[test]
fn a_read_sees_what_was_there_through_turns_and_flushes() {
    const POINTS: u64 = 4 * POINTS_PER_BREATH as u64;
    // The tables are frozen, written as blocks and merged as the test says.
    let settings = Settings {
        turn_bytes: 1 << 20,
        turn_log_bytes: 1 << 20,
        log_bytes: 1 << 20,
        memory_bytes: 1 << 20,
        ..small()
    };
    let put = |world: &mut World, from: u64| {
        let begin_ms = world.now_ms - 3_600_000;
        let sample = |second| {
            (0, begin_ms + second * 1000, Resolution::Second, Distribution::of(second as f64, 1.0))
        };
        world.put((from..from + POINTS).map(sample).collect()).unwrap();
    };
    for flush_at in [0, 1, 3, 5, 8, 9, 100] {
        for does_flush in [false, true] {
            let mut world = World::new(settings);
            let (from_ms, to_ms) = (world.now_ms - 3_600_000, world.now_ms);
            put(&mut world, 0);
            world.store.core().turn();
            put(&mut world, POINTS / 2);
            assert_eq!(world.store.core().tables.read().frozen.len(), 1);
            let (id, _) = world.store.find(&World::series(0)).remove(0);
            let read = world.store.read(id, from_ms, to_ms, 1);
            let (read, _) = breaths(read, |breath| {
                if breath == flush_at {
                    world.store.core().turn();
                    if does_flush {
                        world.clock.set_ms(world.now_ms + settings.window_ms);
                        world.store.tick();
                    }
                }
            });
            let expected = world.expected(0, from_ms, to_ms, 1);
            assert!(read.unwrap() == expected, "{flush_at} {does_flush}");
        }
    }
}

#[test]
fn a_list_that_refuses_everything_lets_others_have_the_thread() {
    let mut world = World::new(Settings::new(true));
    const SERIES: usize = 3 * SERIES_PER_HOLD + 1;
    let sample = |number| (number, world.now_ms, Resolution::Minute, Distribution::of(1.0, 1.0));
    world.put((0..SERIES).map(sample).collect()).unwrap();
    let (account, region) = ("123456789012", "us-east-1");
    let looked = AtomicUsize::new(0);
    let refuse = |_: &Listed| {
        looked.fetch_add(1, Ordering::SeqCst);
        false
    };
    let list = world.store.list(account, region, None, 1, refuse);
    let (found, breaths) = breaths(list, |breath| {
        assert_eq!(looked.load(Ordering::SeqCst), breath * SERIES_PER_HOLD);
    });
    assert_eq!((found.len(), breaths, looked.into_inner()), (0, 3, SERIES));
}

#[test]
fn a_large_read_from_memory_lets_others_have_the_thread() {
    let mut world = World::new(Settings::new(true));
    let begin_ms = world.now_ms - 3_600_000;
    let seconds = POINTS_PER_BREATH as u64;
    let sample = |number, second: u64| {
        (number, begin_ms + second * 1000, Resolution::Second, Distribution::of(1.0, 1.0))
    };
    let large = (0..seconds).map(|second| sample(0, second));
    let small = (1..seconds).map(|second| sample(1, second));
    world.put(large.chain(small).collect()).unwrap();
    let is_ready_at_once = |number| {
        let (id, _) = world.store.find(&World::series(number)).remove(0);
        let read = pin!(world.store.read(id, begin_ms, begin_ms + seconds * 1000, 1));
        read.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    };
    assert!(!is_ready_at_once(0));
    assert!(is_ready_at_once(1));
}
