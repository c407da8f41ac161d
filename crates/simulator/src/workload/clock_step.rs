//! The clock moves: a little, past the life of iterators, past retention, to the very edge of a record's life, and
//! sometimes a little back.

use std::mem;

use crate::{
    model::{Status, Violation},
    world::World,
};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;

pub(super) fn run(world: &mut World) -> Result<(), Violation> {
    let to_ms = sample(world).max(1);
    world.set_clock(to_ms)
}

/// Past the longest retention, and a little further, so that what is old is sealed and then let go. Sometimes there is no
/// space at first to note that it goes.
pub(super) fn expire_all(world: &mut World) -> Result<(), Violation> {
    let life = world.life();
    let mut short = world.chance.one_in(2);
    for ms in [8 * 24 * HOUR_MS, 2 * MINUTE_MS, 2 * MINUTE_MS, 2 * MINUTE_MS] {
        if short {
            // Who finds no space gives the reserve back; then that is gone too.
            world.take_space(0);
            world.make_ahead()?;
            world.take_space(0);
        }
        world.set_clock(world.now_ms() + ms)?;
        if mem::take(&mut short) {
            world.free_space();
        }
        world.idle();
    }
    match world.life() == life {
        true => world.check_space_given_back(),
        false => Ok(()),
    }
}

fn sample(world: &mut World) -> u64 {
    let now_ms = world.now_ms();
    let kind = world.chance.weighted(&[60, 15, 6, 6, 3, 6, 8, 1]);
    let edge_ms = if kind == 5 { edge_of_a_life(world) } else { None };
    let chance = &world.chance;
    match kind {
        0 => now_ms + chance.between(1, 2_000),
        1 => now_ms + chance.between(1, 3 * MINUTE_MS),
        2 => now_ms + chance.between(5 * MINUTE_MS, 10 * MINUTE_MS),
        3 => now_ms + chance.between(1, 3) * HOUR_MS,
        4 => now_ms + chance.between(24 * HOUR_MS - MINUTE_MS, 26 * HOUR_MS),
        5 => edge_ms.unwrap_or(now_ms) + chance.below(1_000),
        // What waits for space is due for sure.
        6 | 7 if world.is_short_of_space() => now_ms,
        6 => now_ms - chance.between(1, 3_000),
        _ => now_ms - chance.between(1, MINUTE_MS),
    }
}

/// A moment in which some record that is still there has just expired, and its neighbours perhaps not.
fn edge_of_a_life(world: &mut World) -> Option<u64> {
    let names = world.model.names(|status| status == Status::Active);
    let name = world.chance.pick(&names)?;
    let stream = world.model.stream(name)?.clone();
    let shard = world.chance.below(world.model.shard_count(name) as u64) as usize;
    let index = world.chance.below(1 << 20) as usize;
    let records = world.model.incarnation(stream.incarnation).shard(shard).ok()?;
    let edge_ms = records.arrival_ms_of(index)? + stream.retention_hours * HOUR_MS;
    (edge_ms > world.now_ms()).then_some(edge_ms)
}
