//! A stream goes, and with it most of some segments: what else is alive in them moves into others, and a crash comes in
//! between.

use super::{delete_stream, one};
use crate::{
    disk::{Call, FileClass, Fuse, Site},
    model::Violation,
    world::World,
};

/// Longer than the journal waits between two looks at what is dead.
const SWEEP_MS: u64 = 61_000;

pub(super) fn run(world: &mut World) -> Result<(), Violation> {
    one(world, delete_stream::sample)?;
    world.set_clock(world.now_ms() + world.delay_ms())?;
    // Only what takes another segment's place is made under a final name.
    let made = Site { call: Call::Create, class: FileClass::Segment };
    let fuse = match world.chance.below(3) {
        0 => Fuse::Site(made, 0),
        _ => Fuse::Calls(world.chance.below(25)),
    };
    world.light(fuse);
    let (before, life) = (world.calls_at(made), world.life());
    world.set_clock(world.now_ms() + SWEEP_MS)?;
    let crashed = world.calls_at(made) > before && world.life() != life;
    world.counts.event("crash while segments are rewritten", u64::from(crashed));
    Ok(())
}
