//! The look at everything: every stream, its settings and tags, every record of every shard.

use std::ops::Bound;

use serde_json::json;

use super::{describe, get_records::Page, shards};
use crate::{
    model::{Status, Violation},
    reply::{Call, Reply, shard_id, text},
    world::{NAMES, Reader, World},
};

/// Pages that a shard of a world can have at most: a reader that needs more does not come forward.
const PAGES_MAX: usize = 1000;

/// Compares everything that a client can see with the model. After it nothing is open.
pub(crate) fn verify_all(world: &mut World) -> Result<(), Violation> {
    look_at_all(world)?;
    let readable = |status| matches!(status, Status::Active | Status::Updating { .. });
    for name in world.model.names(readable) {
        let Some(stream) = world.model.stream(&name).cloned() else { continue };
        follow_all(world, &name, stream.incarnation)?;
        let open = world.model.incarnation(stream.incarnation).resolve_all();
        world.counts.vanished += open as u64;
    }
    Ok(())
}

/// Compares all that is not records.
pub(crate) fn look_at_all(world: &mut World) -> Result<(), Violation> {
    for name in NAMES {
        let look = describe::look(world, name)?;
        world.model.check_look(name, look.as_ref())?;
    }
    shards::learn_all(world)
}

/// Reads from the oldest shards on, and each other one when all its parents are read to their ends: that leads to every
/// shard, once, and to what has the same key in the order in which it was sent.
fn follow_all(world: &mut World, name: &str, incarnation: u64) -> Result<(), Violation> {
    let listed = shards::learn(world, name)?;
    let mut order = Vec::new();
    let topology = world.model.incarnation(incarnation).topology();
    let is_first =
        |shard: &usize| !topology.parents(*shard).iter().any(|parent| listed.contains(parent));
    let mut ready: Vec<usize> = listed.iter().copied().filter(is_first).collect();
    while let Some(shard) = ready.pop() {
        let children = read_all(world, name, incarnation, shard)?;
        order.push(shard);
        let topology = world.model.incarnation(incarnation).topology();
        let is_read = |it: &usize| order.contains(it) || !listed.contains(it);
        let is_next = |child: &usize| topology.parents(*child).iter().all(is_read);
        ready.extend(children.into_iter().filter(is_next));
    }
    world.model.incarnation(incarnation).check_key_order(&order)?;
    order.sort_unstable();
    describe::same("the shards that children lead to", order, listed)
}

/// Reads a shard to its end; answers what follows it.
fn read_all(
    world: &mut World,
    name: &str,
    incarnation: u64,
    shard: usize,
) -> Result<Vec<usize>, Violation> {
    let input = json!({
        "StreamName": name,
        "ShardId": shard_id(shard),
        "ShardIteratorType": "TRIM_HORIZON",
    });
    let answer = done(world.ask(Call { operation: "GetShardIterator", input })?)?;
    let mut reader = Reader {
        name: name.to_owned(),
        incarnation,
        shard,
        iterator: text(&answer, "ShardIterator")?.to_owned(),
        issued_ms: world.now_ms(),
        from: Bound::Unbounded,
    };
    for _ in 0..PAGES_MAX {
        let input = json!({ "ShardIterator": reader.iterator });
        let answer = done(world.ask(Call { operation: "GetRecords", input })?)?;
        let page = Page::of(&answer)?;
        page.check(world, &reader)?;
        if page.reaches_end {
            return Ok(page.children.unwrap_or_default());
        }
        let now_ms = world.now_ms();
        reader = page.next(reader, now_ms);
    }
    Err(Violation::new(format!("{name}, shard {shard}: a reader never reaches the end")))
}

fn done(reply: Reply) -> Result<serde_json::Value, Violation> {
    match reply {
        Reply::Done(answer) => Ok(answer),
        other => Err(other.unexpected("success")),
    }
}

/// What a process that cannot write any more still shows to readers: it counts as seen.
pub(crate) fn last_look(world: &mut World) -> Result<(), Violation> {
    let readable = |status| matches!(status, Status::Active | Status::Updating { .. });
    for name in world.model.names(readable) {
        let Some(stream) = world.model.stream(&name).cloned() else { continue };
        for shard in shards::learn(world, &name)? {
            look_behind(world, &name, stream.incarnation, shard)?;
        }
    }
    Ok(())
}

fn look_behind(
    world: &mut World,
    name: &str,
    incarnation: u64,
    shard: usize,
) -> Result<(), Violation> {
    let last = world.model.incarnation(incarnation).shard(shard)?.last().cloned();
    let mut input = json!({
        "StreamName": name,
        "ShardId": shard_id(shard),
        "ShardIteratorType": "TRIM_HORIZON",
    });
    if let Some(last) = &last {
        input["ShardIteratorType"] = json!("AFTER_SEQUENCE_NUMBER");
        input["StartingSequenceNumber"] = json!(last.to_string());
    }
    let Reply::Done(answer) = world.try_ask(Call { operation: "GetShardIterator", input })? else {
        return Ok(());
    };
    let reader = Reader {
        name: name.to_owned(),
        incarnation,
        shard,
        iterator: text(&answer, "ShardIterator")?.to_owned(),
        issued_ms: world.now_ms(),
        from: last.map_or(Bound::Unbounded, Bound::Excluded),
    };
    let input = json!({ "ShardIterator": reader.iterator });
    match world.try_ask(Call { operation: "GetRecords", input })? {
        Reply::Done(answer) => Page::of(&answer)?.check(world, &reader),
        _ => Ok(()),
    }
}
