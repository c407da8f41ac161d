//! GetShardIterator: where each of the world's readers begins.

use std::ops::Bound;

use serde_json::{Value as Json, json};

use super::{
    Prepared,
    put_record::{May, may_write},
    shards::seconds,
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
    if let Some((name, incarnation, shard)) = world.take_child()
        && world.model.stream(&name).is_some_and(|stream| stream.incarnation == incarnation)
    {
        world.counts.event("child followed", 1);
        let start = (Bound::Unbounded, json!({ "ShardIteratorType": "TRIM_HORIZON" }));
        return Some(Box::new(GetShardIterator::new(world, name, shard, start)));
    }
    let name = world.some_name();
    let incarnation = world.model.stream(&name).map(|stream| stream.incarnation);
    let count = world.model.shard_count(&name).max(1) as u64;
    let beyond = world.chance.percent(5);
    let shard = if beyond { count } else { world.chance.below(count) } as usize;
    let start = match incarnation {
        Some(incarnation) if !beyond => some_start(world, incarnation, shard),
        _ => (Bound::Unbounded, json!({ "ShardIteratorType": "TRIM_HORIZON" })),
    };
    Some(Box::new(GetShardIterator::new(world, name, shard, start)))
}

impl GetShardIterator {
    fn new(
        world: &World,
        name: String,
        shard: usize,
        (from, mut input): (Bound<Sequence>, Json),
    ) -> GetShardIterator {
        input["StreamName"] = json!(name);
        input["ShardId"] = json!(shard_id(shard));
        let incarnation = world.model.stream(&name).map(|stream| stream.incarnation);
        let shard_exists = shard < world.model.shard_count(&name).max(1);
        let now_ms = world.now_ms();
        GetShardIterator { name, incarnation, shard, shard_exists, from, input, now_ms }
    }
}

fn some_start(world: &mut World, incarnation: u64, shard: usize) -> (Bound<Sequence>, Json) {
    let (kind, index) = (world.chance.below(6), world.chance.below(1 << 20) as usize);
    let (now_ms, back_ms) = (world.now_ms(), world.chance.below(60_000));
    let exact = world.chance.one_in(2);
    let incarnation = world.model.incarnation(incarnation);
    let opened = incarnation.opened(shard);
    let resolved = incarnation.unresolved_count() == 0;
    let trim_horizon = (Bound::Unbounded, json!({ "ShardIteratorType": "TRIM_HORIZON" }));
    let Ok(records) = incarnation.shard(shard) else { return trim_horizon };
    let known = records.nth(index).cloned();
    let lost = records.lost().get(index % records.lost().len().max(1)).cloned();
    let typed = |kind, sequence: &Sequence| json!({ "ShardIteratorType": kind, "StartingSequenceNumber": sequence.to_string() });
    if let Some(lost) = lost.filter(|_| kind == 5) {
        // Nothing stands there any more, and nothing ever will: reading goes on behind it.
        let kind = if exact { "AT_SEQUENCE_NUMBER" } else { "AFTER_SEQUENCE_NUMBER" };
        return (Bound::Excluded(lost.clone()), typed(kind, &lost));
    }
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
        (3 | 4, _) if resolved => {
            let edge_ms = records.arrival_ms_of(index).filter(|_| exact);
            let ms = edge_ms.unwrap_or(now_ms - back_ms).min(now_ms);
            let first = records.first_since(ms).cloned().map(Bound::Included);
            let last = records.last().cloned().map(Bound::Excluded);
            let input = json!({ "ShardIteratorType": "AT_TIMESTAMP", "Timestamp": seconds(ms) });
            match () {
                () if ms > opened.to_ms => (first.or(last).unwrap_or(Bound::Unbounded), input),
                // Before there was the shard, all of it came later, whatever the clock said then.
                () if ms <= opened.from_ms && opened.to_ms <= now_ms => (Bound::Unbounded, input),
                () => trim_horizon,
            }
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
            May::Yes if world.shard_may_be_gone(&self.name, self.shard) && self.shard_exists => {
                May::Perhaps
            }
            may if self.shard_exists => may,
            _ => May::No,
        };
        match (&reply, may, self.incarnation) {
            (Reply::Done(answer), May::Yes | May::Perhaps, Some(incarnation)) => {
                if self.input["ShardIteratorType"] == "AT_TIMESTAMP" {
                    world.counts.event("iterator at a timestamp", 1);
                }
                let records = world.model.incarnation(incarnation).shard(self.shard);
                let is_lost = |at: &Sequence| records.is_ok_and(|it| it.lost().contains(at));
                if matches!(&self.from, Bound::Excluded(at) if is_lost(at)) {
                    world.counts.event("os: iterator at the number of a lost record", 1);
                }
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
