//! Files that the catalog does not list: removed if they cannot matter, a reason not to start if they can.

use parking_lot::Mutex;

use crate::{Open, disk::is_unreadable, manifest::ManifestState};

use super::{
    Error, World, removal,
    scan::{Behind, LOOK_ON_BYTES, Walk},
    segment::{self, DIRECTORY, Segment, TEMPORARY},
};

/// Finishes removals; removes temporary names and unlisted files without a frame. An unlisted file with one means that
/// the catalog is older than the journal.
pub(crate) fn remove_leftovers(world: &World, state: &ManifestState) -> Result<(), Error> {
    let removing: Vec<u64> = state.removing.iter().copied().collect();
    if !removing.is_empty() {
        removal::finish_removal(world, &removing)?;
    }
    let io = |op| move |source| Error::Io { op, segment: 0, source };
    for name in world.disk.list(DIRECTORY).map_err(io("list"))? {
        let path = format!("{DIRECTORY}/{name}");
        if name.ends_with(TEMPORARY) {
            world.disk.remove(&path).map_err(io("remove"))?;
            continue;
        }
        let Some(number) = segment::number_of(&name) else { continue };
        if state.segments.contains_key(&number) || removing.contains(&number) {
            continue;
        }
        let file = world.open_segment(&path, Open::Existing).map_err(io("open"))?;
        let (header, headless) = match segment::read_header(&*file) {
            Err(error) if is_unreadable(&error) => (None, true),
            read => (read.map_err(io("read"))?, false),
        };
        let salt = header.map_or(0, |header| header.salt);
        let sealed = Mutex::new(None);
        let unlisted = Segment { number, place: number, salt, bytes: 0, file, sealed };
        let read = Walk::new(&unlisted).and_then(|mut walk| walk.look_on(LOOK_ON_BYTES));
        let outlook = read.map_err(|source| Error::Io { op: "read", segment: number, source })?;
        let unreadable = headless || (header.is_some() && outlook.behind == Behind::Unreadable);
        if unreadable && outlook.group_max == 0 && number < state.next_segment {
            // This catalog had it made, and listed nothing in it; what cannot be read is not removed.
            tracing::error!(segment = number, "an unlisted segment cannot be read and stays there");
            continue;
        }
        // One that was made and not listed has a whole header and nothing else.
        if header.is_none() || outlook.behind != Behind::Nothing {
            return Err(match state.journal_id {
                0 => Error::NoCatalog { segment: number },
                _ => Error::CatalogOlder { segment: number },
            });
        }
        world.disk.remove(&path).map_err(io("remove"))?;
    }
    Ok(())
}
