//! Dead segments go: all their records are expired or of deleted shards, and a later footer is durable.

use std::{collections::BTreeMap, io, sync::Arc};

use crate::{
    Position, ShardLogId,
    manifest::ManifestChange,
    mutant::{self, Mutant},
};

use super::{
    Error, World,
    segment::{self, DIRECTORY, Sealed, Segment, Share},
    shard::Shard,
};

/// The sealed segments that may change, oldest first. The newest footer stays as it is: it holds the positions of the
/// shards that write nothing. So does what is damaged.
pub(crate) fn settled(world: &World) -> Vec<(Arc<Segment>, Sealed)> {
    let sealed = |segment: Arc<Segment>| {
        let sealed = segment.sealed.lock().clone().filter(|sealed| !sealed.damaged)?;
        Some((segment, sealed))
    };
    let mut settled: Vec<_> = world.segments.all().into_iter().filter_map(sealed).collect();
    if !mutant::is(Mutant::RemovalBeforeLaterFooter) {
        settled.pop();
    }
    settled
}

/// Removes what nothing alive needs.
pub(crate) fn remove_dead(world: &World) -> Result<(), Error> {
    let dead: Vec<u64> = settled(world)
        .iter()
        .filter(|(_, sealed)| sealed.shards.iter().all(|(&id, share)| is_dead(world, id, share)))
        .map(|(segment, _)| segment.number)
        .collect();
    if dead.is_empty() {
        return Ok(());
    }
    let known = world.manifest.state().trimmed;
    let end = |shard: &Arc<Shard>| {
        let index = shard.index.read();
        dead.iter().filter_map(|&number| index.end_in(number)).max().map(|end| (shard.id, end))
    };
    let mut trimmed = unknown(&known, world.shards.all().iter().filter_map(end));
    if mutant::is(Mutant::NoNextPositionInFooter) || mutant::is(Mutant::RemovalBeforeLaterFooter) {
        trimmed.clear();
    }
    let gone = |id: &ShardLogId| world.shards.get(*id).is_none();
    let forgotten = known.into_keys().filter(gone).collect();
    let numbers = dead.clone();
    world.manifest.record(ManifestChange::RemovalStarted { numbers, trimmed, forgotten })?;
    // Only now: what could not be recorded is dead the next time too.
    for shard in world.shards.all() {
        let mut index = shard.index.write();
        let end = dead.iter().filter_map(|&number| index.drop_segment(number)).max();
        end.into_iter().for_each(|end| shard.trim_to(end));
    }
    dead.iter().for_each(|&number| world.segments.remove(number));
    finish_removal(world, &dead)?;
    tracing::info!(segments = ?dead, "segments removed: all in them is expired or deleted");
    Ok(())
}

/// Which of these ends of removed records the catalog does not know yet. Segments go in any order: an older one may go
/// after a newer one.
pub(crate) fn unknown(
    known: &BTreeMap<ShardLogId, Position>,
    ends: impl Iterator<Item = (ShardLogId, Position)>,
) -> Vec<(ShardLogId, Position)> {
    ends.filter(|(id, end)| known.get(id).is_none_or(|known| known < end)).collect()
}

/// True if nothing of a shard's share is alive.
pub(crate) fn is_dead(world: &World, id: ShardLogId, share: &Share) -> bool {
    world.shards.get(id).is_none_or(|shard| share.last < shard.floor())
}

/// Unlinks segments of the removal list and takes them off it.
pub(crate) fn finish_removal(world: &World, numbers: &[u64]) -> Result<(), Error> {
    for &number in numbers {
        match world.disk.remove(&segment::path(number)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::Io { op: "remove", segment: number, source: error });
            }
            _ => {}
        }
    }
    let sync = world.disk.sync_dir(DIRECTORY);
    sync.map_err(|source| Error::Io { op: "sync directory", segment: 0, source })?;
    world.manifest.record(ManifestChange::RemovalFinished { numbers: numbers.to_vec() })?;
    Ok(())
}
