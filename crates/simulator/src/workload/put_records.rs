//! PutRecords: one call, several shards, one answer for each record.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::{
    Prepared,
    put_record::{May, may_write},
};
use crate::{
    counts::Outcome,
    model::{Acknowledged, Put, Sequence, Violation},
    reply::{Call, Reply, THROTTLED, data, list, number, shard_index, text},
    world::World,
};

struct PutRecords {
    name: String,
    incarnation: Option<u64>,
    puts: Vec<Put>,
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
    let count = world.chance.between(1, 8);
    let call = world.new_call();
    Box::new(PutRecords {
        name,
        incarnation,
        puts: (0..count).map(|_| world.some_put(call)).collect(),
        before: before.unwrap_or_default(),
        closed: closed.unwrap_or_default(),
        now_ms: world.now_ms(),
    })
}

impl Prepared for PutRecords {
    fn call(&self) -> Call {
        let entry = |put: &Put| {
            let mut entry =
                json!({ "PartitionKey": put.key, "Data": data(put.id, put.data_bytes) });
            if let Some(hash_key) = put.explicit_hash_key {
                entry["ExplicitHashKey"] = hash_key.to_string().into();
            }
            entry
        };
        let records: Vec<Json> = self.puts.iter().map(entry).collect();
        let input = json!({ "StreamName": self.name, "Records": records });
        Call { operation: "PutRecords", input }
    }

    fn settle(self: Box<Self>, world: &mut World, reply: Reply) -> Result<Outcome, Violation> {
        let may = may_write(world, &self.name, self.incarnation);
        match (&reply, may) {
            (Reply::Done(answer), May::Yes | May::Perhaps) => self.settle_each(world, answer, may),
            (Reply::Refused { code, .. }, May::No | May::Perhaps)
                if code == "ResourceNotFoundException" =>
            {
                Ok(Outcome::Refused)
            }
            (Reply::Lost(_), _) => {
                if let Some(number) = self.incarnation {
                    for put in self.puts {
                        let put = world.sent(put);
                        world.model.incarnation(number).lost(put);
                    }
                }
                Ok(Outcome::Lost)
            }
            (_, May::No) => Err(reply.unexpected("ResourceNotFoundException")),
            _ => Err(reply.unexpected("success")),
        }
    }
}

impl PutRecords {
    fn settle_each(
        mut self,
        world: &mut World,
        answer: &Json,
        may: May,
    ) -> Result<Outcome, Violation> {
        let results = list(answer, "Records")?;
        if results.len() != self.puts.len() {
            return Err(Violation::new(format!("{} answers: {answer}", results.len())));
        }
        let mut failed = 0;
        for (put, result) in std::mem::take(&mut self.puts).into_iter().zip(results) {
            if result.get("ErrorCode").is_some() {
                failed += 1;
                self.settle_failed(world, put, result, may)?;
                continue;
            }
            let shard = shard_index(text(result, "ShardId")?)?;
            let sequence = Sequence::new(text(result, "SequenceNumber")?);
            let before = self.before.get(shard).and_then(Option::as_ref);
            let acknowledged = Acknowledged {
                sequence: sequence.clone(),
                arrival_ms: world.arrival_ms(self.now_ms, self.before.len() <= shard),
                before,
                closed_before: self.closed.contains(&shard),
            };
            world.taken();
            let put = world.sent(put);
            world.model.acknowledged(&self.name, shard, put, acknowledged)?;
            // Within the call the records of one shard keep their order.
            if let Some(before) = self.before.get_mut(shard) {
                *before = Some(sequence);
            }
        }
        if number(answer, "FailedRecordCount")? != failed {
            return Err(Violation::new(format!("{failed} records failed: {answer}")));
        }
        Ok(Outcome::Done)
    }

    /// A record that failed alone. For want of space: then it is not there. Otherwise its fate is open, and that may only
    /// be when the process is about to end.
    fn settle_failed(
        &self,
        world: &mut World,
        put: Put,
        result: &Json,
        may: May,
    ) -> Result<(), Violation> {
        if text(result, "ErrorMessage")?.contains("no space left") {
            return world.refused_for_space("PutRecords");
        }
        if result["ErrorCode"] == THROTTLED && !world.is_down() {
            return world.throttled();
        }
        if may == May::Yes && !world.is_down() {
            return Err(Violation::new(format!("record {} failed: {result}", put.id)));
        }
        if let Some(number) = self.incarnation {
            let put = world.sent(put);
            world.model.incarnation(number).lost(put);
        }
        Ok(())
    }
}
