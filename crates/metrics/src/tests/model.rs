//! Random puts, times, restarts and reads.

use nautilus_stats::Distribution;
use proptest::prelude::*;

use crate::{
    Resolution::{self, Minute, Second},
    testing::{World, small},
};

const SERIES: usize = 5;
const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

#[derive(Debug, Clone)]
enum Step {
    Put(Vec<(usize, i64, Resolution, Distribution)>),
    Advance(u64),
    Kill,
    Close,
    Check { number: usize, from_ms: i64, len_ms: u64, period_s: u32 },
}

/// Of whole numbers: their sums are the same in any order.
fn samples() -> impl Strategy<Value = Distribution> {
    let values = prop::collection::vec((0..3000u32, 1..4u32), 1..4);
    values.prop_map(|values| {
        let mut values =
            values.into_iter().map(|(value, count)| (f64::from(value), f64::from(count)));
        let (value, count) = values.next().unwrap();
        let mut all = Distribution::of(value, count);
        values.for_each(|(value, count)| all.record(value, count));
        all
    })
}

fn ago_ms() -> impl Strategy<Value = i64> {
    prop_oneof![
        6 => 0..60_000i64,
        3 => 0..2 * HOUR_MS as i64,
        2 => 0..14 * DAY_MS as i64,
        1 => -2 * HOUR_MS as i64..0,
        1 => 0..500 * DAY_MS as i64,
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let resolution = prop_oneof![2 => Just(Minute), 1 => Just(Second)];
    let put = prop::collection::vec((0..SERIES, ago_ms(), resolution, samples()), 1..12);
    let advance = prop_oneof![
        6 => 0..120_000u64,
        3 => 0..HOUR_MS,
        2 => 0..2 * DAY_MS,
        1 => 0..40 * DAY_MS,
    ];
    let period_s = prop::sample::select(vec![1, 10, 60, 120, 300, 3600, 86_400]);
    let check = (0..SERIES, ago_ms(), 0..20 * DAY_MS, period_s).prop_map(
        |(number, from_ms, len_ms, period_s)| Step::Check { number, from_ms, len_ms, period_s },
    );
    prop_oneof![
        8 => put.prop_map(Step::Put),
        5 => advance.prop_map(Step::Advance),
        1 => Just(Step::Kill),
        1 => Just(Step::Close),
        3 => check,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn the_store_answers_as_the_model(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::new(small());
        for step in steps {
            match step {
                Step::Put(samples) => {
                    let now_ms = world.now_ms as i64;
                    let samples = samples.into_iter().map(|(number, ago_ms, resolution, samples)| {
                        (number, (now_ms - ago_ms) as u64, resolution, samples)
                    });
                    world.put(samples.collect()).unwrap();
                }
                Step::Advance(ms) => {
                    world.advance_ms(ms);
                    world.store.tick();
                }
                Step::Kill => world.reopen(world.disk.killed()),
                Step::Close => {
                    crate::testing::wait(world.store.close()).unwrap();
                    world.reopen(world.disk.powered_off());
                }
                Step::Check { number, from_ms, len_ms, period_s } => {
                    let from_ms = (world.now_ms as i64 - from_ms) as u64;
                    world.check(number, from_ms, from_ms + len_ms, period_s);
                }
            }
        }
        world.check_all(SERIES);
        world.advance_ms(2 * HOUR_MS);
        world.store.tick();
        world.check_all(SERIES);
        world.reopen(world.disk.powered_off());
        world.check_all(SERIES);
    }
}
