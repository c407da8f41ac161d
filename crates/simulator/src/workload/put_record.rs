//! PutRecord: acknowledged means that it is there for ever.

use std::collections::BTreeSet;

use serde_json::json;

use super::Prepared;
use crate::{
    counts::Outcome,
    model::{Acknowledged, Put, Sequence, Status, Violation},
    reply::{Call, Reply, data, shard_index, text},
    world::World,
};

struct PutRecord {
    name: String,
    /// The life of the stream that the call found; none if there is no stream.
    incarnation: Option<u64>,
    put: Put,
    before: Vec<Option<Sequence>>,
    /// The shards that were closed before the call.
    closed: BTreeSet<usize>,
    now_ms: u64,
}

pub(super) fn sample(world: &mut World) -> Option<Box<dyn Prepared>> {
    let name = world.some_name();
    Some(sample_for(world, name))
}

/// One to a stream of that name.
pub(super) fn sample_for(world: &mut World, name: String) -> Box<dyn Prepared> {
    let incarnation = world.model.stream(&name).map(|stream| stream.incarnation);
    let before = incarnation.map(|number| world.model.incarnation(number).highest_of_each());
    let closed = incarnation.map(|number| world.model.incarnation(number).topology().closed());
    let call = world.new_call();
    Box::new(PutRecord {
        name,
        incarnation,
        put: world.some_put(call),
        before: before.unwrap_or_default(),
        closed: closed.unwrap_or_default(),
        now_ms: world.now_ms(),
    })
}

impl Prepared for PutRecord {
    fn call(&self) -> Call {
        let mut input = json!({
            "StreamName": self.name,
            "PartitionKey": self.put.key,
            "Data": data(self.put.id, self.put.data_bytes),
        });
        if let Some(hash_key) = self.put.explicit_hash_key {
            input["ExplicitHashKey"] = hash_key.to_string().into();
        }
        Call { operation: "PutRecord", input }
    }

    fn settle(self: Box<Self>, world: &mut World, reply: Reply) -> Result<Outcome, Violation> {
        let may = may_write(world, &self.name, self.incarnation);
        match (&reply, may) {
            (Reply::Done(answer), May::Yes | May::Perhaps) => {
                let shard = shard_index(text(answer, "ShardId")?)?;
                let sequence = Sequence::new(text(answer, "SequenceNumber")?);
                let before = self.before.get(shard).and_then(Option::as_ref);
                let acknowledged = Acknowledged {
                    sequence,
                    arrival_ms: world.arrival_ms(self.now_ms, self.before.len() <= shard),
                    before,
                    closed_before: self.closed.contains(&shard),
                };
                world.taken();
                let put = world.sent(self.put);
                world.model.acknowledged(&self.name, shard, put, acknowledged)?;
                Ok(Outcome::Done)
            }
            (Reply::Refused { code, .. }, May::No | May::Perhaps)
                if code == "ResourceNotFoundException" =>
            {
                Ok(Outcome::Refused)
            }
            (Reply::Lost(_), _) => {
                if let Some(number) = self.incarnation {
                    let put = world.sent(self.put);
                    world.model.incarnation(number).lost(put);
                }
                Ok(Outcome::Lost)
            }
            (_, May::No) => Err(reply.unexpected("ResourceNotFoundException")),
            _ => Err(reply.unexpected("success")),
        }
    }
}

/// Whether a write must succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum May {
    Yes,
    No,
    /// The stream is being deleted.
    Perhaps,
}

/// Judged after the batch: a change of the stream may have run beside the write, or the last step of one before it.
pub(super) fn may_write(world: &World, name: &str, incarnation: Option<u64>) -> May {
    let stream = world.model.stream(name);
    match (incarnation, stream.map(|stream| stream.status)) {
        (None, _) | (Some(_), Some(Status::Creating { .. })) => May::No,
        (Some(_), Some(Status::Active | Status::Updating { .. })) if world.was_creating(name) => {
            May::Perhaps
        }
        (Some(_), Some(Status::Active | Status::Updating { .. })) => May::Yes,
        (Some(_), Some(Status::Deleting { .. }) | None) => May::Perhaps,
    }
}
