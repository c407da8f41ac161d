//! A stop in peace and a new start.

use crate::{model::Violation, world::World};

pub(super) fn run(world: &mut World) -> Result<(), Violation> {
    world.restart()
}
