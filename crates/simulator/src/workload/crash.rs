//! Crashes: at rest, and wherever a fuse strikes while other operations go on.

use super::{batch, put_record, put_records};
use crate::{
    counts,
    disk::{Call, FileClass, Fuse, Site},
    model::Violation,
    world::World,
};

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

/// Groups that are torn, one after the other: what one recovery cuts, the next must not find again, even if the new
/// life's frames lie exactly over the old one's.
pub(super) fn torn_groups(world: &mut World) -> Result<(), Violation> {
    for _ in 0..world.chance.between(2, 4) {
        let call = if world.chance.one_in(3) { Call::Write } else { Call::Sync };
        world.light(Fuse::Site(Site { call, class: FileClass::Segment }, 0));
        let sample = if world.chance.one_in(2) { put_record::sample } else { put_records::sample };
        batch(world, sample)?;
    }
    Ok(())
}
