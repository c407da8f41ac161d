//! GetRecords: readers that follow NextShardIterator over crashes see every record once, in order.

use std::ops::Bound;

use serde_json::{Value as Json, json};

use super::Prepared;
use crate::{
    counts::Outcome,
    model::{Seen, Status, Violation},
    reply::{Call, Reply, list, number, seen, text},
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
                let next = if world.chance.one_in(8) { reader } else { page.next(reader, now_ms) };
                world.add_reader(next);
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
    pub next: String,
    pub reaches_end: bool,
}

impl Page {
    pub(super) fn of(answer: &Json) -> Result<Page, Violation> {
        let records = list(answer, "Records")?.iter().map(seen).collect::<Result<_, _>>()?;
        Ok(Page {
            records,
            next: text(answer, "NextShardIterator")?.to_owned(),
            reaches_end: number(answer, "MillisBehindLatest")? == 0,
        })
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
        Ok(())
    }

    /// The reader after this page.
    pub(super) fn next(self, reader: Reader, now_ms: u64) -> Reader {
        let from = match self.records.last() {
            Some(last) => Bound::Excluded(last.sequence.clone()),
            None => reader.from,
        };
        Reader { iterator: self.next, issued_ms: now_ms, from, ..reader }
    }
}
