//! The message that a subscription tells again and again: records, or none, and where to go on.

use nautilus_wire::{Output, Writer};

use crate::{
    limits,
    model::{sequence_number::SequenceNumber, shard::Shard},
    page::{self, Page},
    start::Place,
};

/// AWS's SubscribeToShardEvent.
pub(crate) struct Event<'a> {
    /// None: nothing has happened, and the consumer is to know that.
    pub page: Option<Page>,
    pub shard: &'a Shard,
    /// Behind the records.
    pub place: Place,
    pub millis_behind_latest: u64,
    /// The shard has ended, and these follow it.
    pub children: Option<Vec<Shard>>,
}

impl Event<'_> {
    pub(crate) const TYPE: &'static str = "SubscribeToShardEvent";

    /// The number of the place just before what is told next: a reader that goes on AFTER it misses nothing and reads
    /// nothing twice.
    fn continuation(&self) -> SequenceNumber {
        match self.place.next {
            0 | 1 => self.shard.starting_sequence_number(),
            next => self.shard.sequence_number(next - 1, self.place.arrived_before_ms),
        }
    }
}

impl Output for Event<'_> {
    fn bytes_hint(&self) -> usize {
        limits::EVENT_WORD_BYTES + self.page.as_ref().map_or(0, Page::bytes_hint)
    }

    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            match &self.page {
                Some(page) => page.write_records(w, self.shard),
                None => w.field_list("Records", std::iter::empty::<()>(), |_, ()| {}),
            }
            // Consumers want either this or the shards that follow.
            if self.children.is_none() {
                w.field_str("ContinuationSequenceNumber", self.continuation().text().as_str());
            }
            w.field_i64("MillisBehindLatest", self.millis_behind_latest as i64);
            if let Some(children) = &self.children {
                page::write_children(w, children);
            }
        });
    }
}
