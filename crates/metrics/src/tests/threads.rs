//! The store with its threads: many write and read at once, while blocks are written and merged.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Waker},
    thread,
};

use nautilus_log::{Clock, Threads};
use nautilus_stats::Distribution;

use crate::{
    Error, MetricStore, Resolution,
    limits::POINTS_PER_BREATH,
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
