//! Crashes: at rest, and wherever a fuse strikes while other operations go on.

use crate::{counts, disk::Fuse, model::Violation, world::World};

/// The process ends here and now, between two calls.
pub(super) fn crash_now(world: &mut World) -> Result<(), Violation> {
    world.crash()
}

/// Some later call to the disk will be the last one.
pub(super) fn light_fuse(world: &mut World) -> Result<(), Violation> {
    let chance = &world.chance;
    let fuse = if chance.one_in(2) {
        Fuse::Calls(chance.below(30))
    } else {
        let sites: Vec<_> = counts::sites().collect();
        let site = *chance.pick(&sites).expect("there are sites");
        Fuse::Site(site, chance.below(3))
    };
    world.light(fuse);
    Ok(())
}
