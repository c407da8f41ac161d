//! GetShardIterator: where each of the world's readers begins.

use std::ops::Bound;

use serde_json::{Value as Json, json};

use super::{
    Prepared,
    put_record::{May, may_write},
};
use crate::{
    counts::Outcome,
    model::{Sequence, Violation},
    reply::{Call, Reply, shard_id, text},
    world::{Reader, World},
};

struct GetShardIterator {
    name: String,
    incarnation: Option<u64>,
    shard: usize,
    shard_exists: bool,
    from: Bound<Sequence>,
    input: Json,
    now_ms: u64,
}

pub(super) fn sample(world: &mut World) -> Option<Box<dyn Prepared>> {
    let name = world.some_name();
    let (incarnation, shard_count) = match world.model.stream(&name) {
        Some(stream) => (Some(stream.incarnation), stream.shard_count.max(1)),
        None => (None, 1),
    };
    let beyond = world.chance.percent(5);
    let shard = if beyond { shard_count } else { world.chance.below(shard_count) } as usize;
    let (from, position) = match incarnation {
        Some(incarnation) if !beyond => some_start(world, incarnation, shard),
        _ => (Bound::Unbounded, json!({ "ShardIteratorType": "TRIM_HORIZON" })),
    };
    let mut input = position;
    input["StreamName"] = json!(name);
    input["ShardId"] = json!(shard_id(shard));
    let now_ms = world.now_ms();
    let shard_exists = !beyond;
    Some(Box::new(GetShardIterator { name, incarnation, shard, shard_exists, from, input, now_ms }))
}

fn some_start(world: &mut World, incarnation: u64, shard: usize) -> (Bound<Sequence>, Json) {
    let (kind, index) = (world.chance.below(5), world.chance.below(1 << 20) as usize);
    let incarnation = world.model.incarnation(incarnation);
    let resolved = incarnation.unresolved_count() == 0;
    let trim_horizon = (Bound::Unbounded, json!({ "ShardIteratorType": "TRIM_HORIZON" }));
    let Ok(records) = incarnation.shard(shard) else { return trim_horizon };
    let known = records.nth(index).cloned();
    let typed = |kind, sequence: &Sequence| json!({ "ShardIteratorType": kind, "StartingSequenceNumber": sequence.to_string() });
    match (kind, known) {
        // With a record whose fate is open nobody can tell what is the latest.
        (0, _) if resolved => {
            let from = records.last().cloned().map_or(Bound::Unbounded, Bound::Excluded);
            (from, json!({ "ShardIteratorType": "LATEST" }))
        }
        (1, Some(known)) => {
            let position = typed("AT_SEQUENCE_NUMBER", &known);
            (Bound::Included(known), position)
        }
        (2, Some(known)) => {
            let position = typed("AFTER_SEQUENCE_NUMBER", &known);
            (Bound::Excluded(known), position)
        }
        _ => trim_horizon,
    }
}

impl Prepared for GetShardIterator {
    fn call(&self) -> Call {
        Call { operation: "GetShardIterator", input: self.input.clone() }
    }

    fn settle(self: Box<Self>, world: &mut World, reply: Reply) -> Result<Outcome, Violation> {
        let may = match may_write(world, &self.name, self.incarnation) {
            may if self.shard_exists => may,
            _ => May::No,
        };
        match (&reply, may, self.incarnation) {
            (Reply::Done(answer), May::Yes | May::Perhaps, Some(incarnation)) => {
                world.add_reader(Reader {
                    name: self.name,
                    incarnation,
                    shard: self.shard,
                    iterator: text(answer, "ShardIterator")?.to_owned(),
                    issued_ms: self.now_ms,
                    from: self.from,
                });
                Ok(Outcome::Done)
            }
            (Reply::Refused { code, .. }, May::No | May::Perhaps, _)
                if code == "ResourceNotFoundException" =>
            {
                Ok(Outcome::Refused)
            }
            (Reply::Lost(_), ..) => Ok(Outcome::Lost),
            (_, May::No, _) => Err(reply.unexpected("ResourceNotFoundException")),
            _ => Err(reply.unexpected("success")),
        }
    }
}
