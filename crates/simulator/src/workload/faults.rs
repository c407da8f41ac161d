//! What goes on beside the calls: segments are made ahead, space gets short and comes back, calls of the disk fail.

use super::verify_all;
use crate::{model::Violation, world::World};

/// Sooner or later the product's other threads come to their work.
pub(super) fn between_steps(world: &mut World) -> Result<(), Violation> {
    if world.is_short_of_space() && world.chance.one_in(10) {
        world.free_space();
        // What waited for space is done now.
        world.set_clock(world.now_ms() + 1)?;
    }
    if world.chance.percent(30) {
        world.make_ahead()?;
    }
    Ok(())
}

/// Others fill the disk, or leave it.
pub(super) fn shortage(world: &mut World) -> Result<(), Violation> {
    let bytes = match world.chance.below(3) {
        0 => 0,
        1 => world.chance.below(40_000),
        _ => world.chance.below(200_000),
    };
    world.take_space(bytes);
    Ok(())
}

/// One of the next calls of the disk fails. In memory nothing does; there everything is looked at instead.
pub(super) fn one_call(world: &mut World) -> Result<(), Violation> {
    if world.is_in_memory() {
        return verify_all(world);
    }
    world.fail_some_call();
    Ok(())
}
