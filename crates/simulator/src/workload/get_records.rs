//! GetRecords: readers that follow NextShardIterator over crashes see every record once, in order.

use std::ops::Bound;

use serde_json::{Value as Json, json};

use super::{Prepared, describe::same, shards};
use crate::{
    counts::Outcome,
    model::{Seen, Status, Violation},
    reply::{Call, Reply, list, number, seen, shard_index, text},
    world::{Reader, World},
};

/// Milliseconds that an iterator lives.
const ITERATOR_MS: u64 = 300_000;

struct GetRecords {
    reader: Reader,
    limit: usize,
}

pub(super) fn sample(world: &mut World) -> Option<Box<dyn Prepared>> {
    let reader = world.take_reader()?;
    let limit = if world.chance.one_in(3) { world.chance.between(1, 5) } else { 10_000 } as usize;
    Some(Box::new(GetRecords { reader, limit }))
}

impl Prepared for GetRecords {
    fn call(&self) -> Call {
        let input = json!({ "ShardIterator": self.reader.iterator, "Limit": self.limit });
        Call { operation: "GetRecords", input }
    }

    fn settle(self: Box<Self>, world: &mut World, reply: Reply) -> Result<Outcome, Violation> {
        let reader = self.reader;
        let now_ms = world.now_ms();
        let status = match world.model.stream(&reader.name) {
            Some(stream) if stream.incarnation == reader.incarnation => Some(stream.status),
            _ => None,
        };
        let age_ms = now_ms.saturating_sub(reader.issued_ms);
        match (&reply, status) {
            (Reply::Done(_), None) => Err(reply.unexpected("an error: the stream is gone")),
            (Reply::Done(_), _) if age_ms > ITERATOR_MS => {
                Err(reply.unexpected("ExpiredIteratorException"))
            }
            (Reply::Done(answer), Some(_)) => {
                let page = Page::of(answer)?;
                if page.records.len() > self.limit {
                    return Err(Violation::new(format!("more than {} records", self.limit)));
                }
                page.check(world, &reader)?;
                // Sometimes the answer never reaches the reader: it asks again with the old iterator.
                if world.chance.one_in(8) {
                    world.add_reader(reader);
                } else if let Some(children) = &page.children {
                    world.follow_later(&reader, children);
                } else {
                    world.add_reader(page.next(reader, now_ms));
                }
                Ok(Outcome::Done)
            }
            (Reply::Refused { code, .. }, Some(_)) if code == "ExpiredIteratorException" => {
                if age_ms >= ITERATOR_MS {
                    Ok(Outcome::Refused)
                } else {
                    Err(reply.unexpected("success: the iterator is young"))
                }
            }
            (Reply::Refused { .. }, None | Some(Status::Deleting { .. })) => Ok(Outcome::Refused),
            (Reply::Refused { code, .. }, Some(_))
                if code == "ResourceNotFoundException"
                    && world.shard_may_be_gone(&reader.name, reader.shard) =>
            {
                Ok(Outcome::Refused)
            }
            (Reply::Refused { .. }, Some(_)) => Err(reply.unexpected("success")),
            (Reply::Lost(_), _) => {
                world.add_reader(reader);
                Ok(Outcome::Lost)
            }
        }
    }
}

/// An answer of GetRecords.
pub(super) struct Page {
    records: Vec<Seen>,
    next: Option<String>,
    /// The shards that follow one that is read to its end.
    pub children: Option<Vec<usize>>,
    pub reaches_end: bool,
    answer: Json,
}

impl Page {
    pub(super) fn of(answer: &Json) -> Result<Page, Violation> {
        let records = list(answer, "Records")?.iter().map(seen).collect::<Result<_, _>>()?;
        let children = match answer.get("ChildShards") {
            None => None,
            Some(_) => {
                let children = list(answer, "ChildShards")?.iter();
                let ids = children.map(|child| shard_index(text(child, "ShardId")?));
                Some(ids.collect::<Result<Vec<_>, Violation>>()?)
            }
        };
        let next = answer["NextShardIterator"].as_str().map(str::to_owned);
        if next.is_some() == children.is_some() {
            return Err(Violation::new(format!("an iterator or children: {answer}")));
        }
        let reaches_end = number(answer, "MillisBehindLatest")? == 0;
        if children.is_some() && !reaches_end {
            return Err(Violation::new(format!("the end, and more behind it: {answer}")));
        }
        Ok(Page { records, next, children, reaches_end, answer: answer["ChildShards"].clone() })
    }

    /// A shard's last page names the shards that follow it; no other page does.
    fn check_children(&self, world: &mut World, reader: &Reader) -> Result<(), Violation> {
        let topology = world.model.incarnation(reader.incarnation).topology();
        let Some(children) = &self.children else {
            return match topology.is_closed(reader.shard) && self.reaches_end {
                true => Err(Violation::new("the end of a closed shard has no children")),
                false => Ok(()),
            };
        };
        same("children", children, &topology.children(reader.shard))?;
        for (&index, child) in children.iter().zip(list(&json!({ "c": self.answer }), "c")?) {
            let parents = list(child, "ParentShards")?.iter().filter_map(Json::as_str);
            let parents = parents.map(shard_index).collect::<Result<Vec<_>, _>>()?;
            same("parents", &*parents, topology.parents(index))?;
            same("range", Some(shards::range(child)?), topology.range(index))?;
        }
        world.counts.event("end of a shard, with its children", 1);
        Ok(())
    }

    pub(super) fn check(&self, world: &mut World, reader: &Reader) -> Result<(), Violation> {
        let now_ms = world.now_ms();
        let Reader { name, shard, from, .. } = reader;
        world.counts.compared += self.records.len() as u64;
        let survived = world
            .model
            .check_page(name, *shard, from, &self.records, self.reaches_end, now_ms)
            .map_err(|violation| violation.at(format!("{name}, shard {shard}")))?;
        world.counts.survived += survived;
        self.check_children(world, reader)
            .map_err(|violation| violation.at(format!("{name}, shard {shard}")))
    }

    /// The reader after this page.
    pub(super) fn next(self, reader: Reader, now_ms: u64) -> Reader {
        let from = match self.records.last() {
            Some(last) => Bound::Excluded(last.sequence.clone()),
            None => reader.from,
        };
        let iterator = self.next.unwrap_or(reader.iterator);
        Reader { iterator, issued_ms: now_ms, from, ..reader }
    }
}
