//! The clock moves: a little, past the life of iterators, past retention, and sometimes a little back.

use crate::{model::Violation, world::World};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;

pub(super) fn run(world: &mut World) -> Result<(), Violation> {
    let chance = &world.chance;
    let now_ms = world.now_ms();
    let to_ms = match chance.weighted(&[60, 15, 6, 6, 4, 9]) {
        0 => now_ms + chance.between(1, 2_000),
        1 => now_ms + chance.between(1, 3 * MINUTE_MS),
        2 => now_ms + chance.between(5 * MINUTE_MS, 10 * MINUTE_MS),
        3 => now_ms + chance.between(1, 3) * HOUR_MS,
        4 => now_ms + chance.between(24 * HOUR_MS - MINUTE_MS, 26 * HOUR_MS),
        _ => now_ms - chance.between(1, 3_000),
    };
    world.set_clock(to_ms)
}
