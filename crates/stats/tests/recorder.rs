//! What is recorded by many and taken meanwhile is told once, and all of it.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use nautilus_stats::{Distribution, Recorder};
use proptest::prelude::*;

fn told(recorder: &Recorder, scale: f64, values: &[u64]) -> Option<Distribution> {
    values.iter().for_each(|value| recorder.record(7, *value));
    let mut all: Option<Distribution> = None;
    for value in values {
        let one = Distribution::of(*value as f64 / scale, 1.0);
        match &mut all {
            Some(all) => all.merge(&one),
            None => all = Some(one),
        }
    }
    all
}

proptest! {
    #[test]
    fn what_is_taken_is_what_was_recorded(
        values in prop::collection::vec(prop_oneof![0..200u64, 0..1u64 << 38], 0..100),
    ) {
        let recorder = Recorder::default();
        let wanted = told(&recorder, 1.0, &values);
        prop_assert_eq!(recorder.take(8), None);
        prop_assert_eq!(recorder.take(7), wanted);
        prop_assert_eq!(recorder.take(7), None);
    }

    #[test]
    fn scaled_samples_are_told_in_their_unit(values in prop::collection::vec(0..1u64 << 40, 1..50)) {
        let recorder = Recorder::scaled(1000.0);
        let wanted = told(&recorder, 1000.0, &values).unwrap();
        let found = recorder.take(9).unwrap();
        prop_assert!((found.sum - wanted.sum).abs() <= wanted.sum * 1e-12);
        prop_assert_eq!(found.bins, wanted.bins);
        prop_assert_eq!((found.min, found.max, found.count), (wanted.min, wanted.max, wanted.count));
    }

    #[test]
    fn takes_under_concurrent_writers_add_up(
        values in prop::collection::vec(prop::collection::vec(0..5_000u64, 100..400), 2..4),
    ) {
        let recorder = Recorder::default();
        let is_done = AtomicBool::new(false);
        let mut taken: [Vec<Distribution>; 2] = thread::scope(|scope| {
            let writers: Vec<_> = values.iter().map(|values| scope.spawn(|| {
                for (at, value) in values.iter().enumerate() {
                    recorder.record(at as u64 % 2, *value);
                }
            })).collect();
            let taker = scope.spawn(|| {
                let mut taken = [Vec::new(), Vec::new()];
                while !is_done.load(Ordering::SeqCst) {
                    for minute in [0, 1] {
                        taken[minute].extend(recorder.take(minute as u64));
                    }
                }
                taken
            });
            writers.into_iter().for_each(|writer| writer.join().unwrap());
            is_done.store(true, Ordering::SeqCst);
            taker.join().unwrap()
        });
        for minute in [0, 1] {
            taken[minute].extend(recorder.take(minute as u64));
            let recorded = values.iter().flat_map(|values| values.iter().skip(minute).step_by(2));
            let wanted = recorded.map(|value| Distribution::of(*value as f64, 1.0));
            let wanted = wanted.reduce(|mut all, one| { all.merge(&one); all }).unwrap();
            let found = taken[minute].drain(..).reduce(|mut all, one| { all.merge(&one); all });
            let found = found.unwrap();
            prop_assert_eq!((found.count, found.sum), (wanted.count, wanted.sum));
            prop_assert_eq!(found.bins, wanted.bins);
            prop_assert_eq!(found.max, wanted.max);
            // A least sample that was being counted during a take may be told as its bin's lower end.
            prop_assert!(found.min <= wanted.min && found.min >= wanted.min * (1.0 - 1.0 / 64.0));
        }
    }
}
