//! A page of a shard's records: what GetRecords answers and SubscribeToShard pushes.
//!
//! Records go from the log's buffers straight into the answer. What has expired is never given: a page that begins there
//! slides to the horizon. That a closed shard is read to its end, and which shards follow it, comes from one state of the
//! catalog.

use nautilus_log::{FrameView, Position, ReadError, ReadRequest, RecordView};
use nautilus_wire::Writer;

use crate::{
    catalog::Address,
    description,
    error::Error,
    kinesis::Inner,
    limits,
    model::{ids::ShardId, shard::Shard, stream::Stream},
    retention,
};

/// How much a page may hold. A single record may be larger.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub records: usize,
    /// Of data and keys.
    pub bytes: usize,
}

/// `frames` are shared with the log and hold at least the records that are given.
pub(crate) struct Page {
    frames: Vec<FrameView>,
    from: Position,
    /// Behind the last record given, or where the expired ones end.
    next: Position,
    room: Room,
    count: usize,
    bytes: usize,
    cutoff_ms: u64,
    opened_ms: u64,
    last_arrival_ms: Option<u64>,
    visible_end: Position,
    /// When the shard's newest record arrived.
    newest_ms: Option<u64>,
}

impl Page {
    /// Reads from a position until the page is full, the shard's end is reached, or a call has read enough.
    pub(crate) async fn read(
        inner: &Inner,
        stream: &Stream,
        shard: &Shard,
        from: Position,
        room: Room,
    ) -> Result<Page, Error> {
        let mut page = Page {
            frames: Vec::new(),
            from,
            next: from,
            room,
            count: 0,
            bytes: 0,
            cutoff_ms: retention::cutoff_ms(stream, shard, inner.expiry_now_ms()),
            opened_ms: retention::opened_ms(stream, shard),
            last_arrival_ms: None,
            visible_end: 0,
            newest_ms: None,
        };
        if !shard.has_ended_before(from) {
            let filled = page.fill(inner, shard).await;
            filled.map_err(|error| read_error(error, Address::of(stream), shard))?;
        }
        Ok(page)
    }

    async fn fill(&mut self, inner: &Inner, shard: &Shard) -> Result<(), ReadError> {
        let tail = inner.journal.tail(shard.log_id()).ok_or(ReadError::UnknownShard)?;
        (self.visible_end, self.newest_ms) = (tail.visible_end, Some(tail.last_arrival_ms));
        for _ in 0..limits::GET_RECORDS_READS_MAX {
            if self.next >= self.visible_end || self.is_full() {
                break;
            }
            let request = ReadRequest {
                shard: shard.log_id(),
                from: self.next,
                records_max: self.room.records - self.count,
                bytes_max: self.room.bytes.saturating_sub(self.bytes),
                cutoff_ms: self.cutoff_ms,
            };
            let page = match inner.journal.read(request).await {
                // What stands before the damage is given; the next page meets it first.
                Err(ReadError::Damaged { .. }) if self.count > 0 => break,
                read => read?,
            };
            (self.visible_end, self.newest_ms) = (page.visible_end, Some(page.last_arrival_ms));
            let before = self.next;
            let taken_whole = page.frames.into_iter().all(|frame| self.take(frame));
            if !taken_whole {
                break;
            }
            self.next = self.next.max(page.next);
            if self.next == before {
                break;
            }
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.count >= self.room.records || self.bytes >= self.room.bytes
    }

    /// Counts in as many of a frame's records as the page has room for; false if some were left.
    fn take(&mut self, frame: FrameView) -> bool {
        let (mut whole, before, from) = (true, self.count, self.next);
        for record in frame.records().filter(|record| record.position >= from) {
            let bytes = record.data.len() + record.partition_key.len();
            let fits = self.count == 0 || self.bytes + bytes <= self.room.bytes;
            if self.count >= self.room.records || !fits {
                whole = false;
                break;
            }
            self.count += 1;
            self.bytes += bytes;
            self.next = record.position + 1;
        }
        if self.count > before {
            self.last_arrival_ms = Some(frame.arrival_ms());
            self.frames.push(frame);
        }
        whole
    }

    /// Where reading goes on.
    pub(crate) fn next(&self) -> Position {
        self.next
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn record_count(&self) -> usize {
        self.count
    }

    /// Of data and keys.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// When the record before [`Page::next`] arrived, if that is known.
    pub(crate) fn arrived_before_ms(&self) -> Option<u64> {
        self.last_arrival_ms.or(self.newest_ms.filter(|_| self.next >= self.visible_end))
    }

    /// 0 at the tip; else how old the last record given is, and never 0.
    pub(crate) fn millis_behind_latest(&self, now: u64) -> u64 {
        if self.next >= self.visible_end {
            return 0;
        }
        // Without a record the page has slid over expired ones: the next is at the horizon or later.
        let reached_ms = self.last_arrival_ms.unwrap_or(self.cutoff_ms.max(self.opened_ms));
        now.saturating_sub(reached_ms).max(1)
    }

    /// What the metric IteratorAgeMilliseconds says: how old the last record given is. Without one, how far the page is
    /// behind the tip: 0 for a reader that has caught up.
    pub(crate) fn age_ms(&self, now: u64) -> u64 {
        let age_ms = self.last_arrival_ms.map(|arrival_ms| now.saturating_sub(arrival_ms));
        age_ms.unwrap_or_else(|| self.millis_behind_latest(now))
    }

    /// The shards that follow, if the page reaches the end of a closed one.
    pub(crate) fn children(
        &self,
        stream: &Stream,
        shard: &Shard,
    ) -> Result<Option<Vec<Shard>>, Error> {
        match &shard.closed {
            // Children expire after their parents.
            Some(closed) if shard.has_ended_before(self.next) => {
                let children = closed.children.iter();
                let children = children.filter_map(|&index| stream.shard(ShardId(index)));
                Ok(Some(children.cloned().collect()))
            }
            Some(closed) if self.next >= self.visible_end => Err(Error::Log(format!(
                "{} of {} ends at position {} and not at {} as the catalog says",
                shard.id(),
                stream.name,
                self.visible_end - 1,
                closed.last
            ))),
            _ => Ok(None),
        }
    }

    fn records(&self) -> impl Iterator<Item = (u64, RecordView<'_>)> {
        self.frames
            .iter()
            .flat_map(|frame| frame.records().map(|record| (frame.arrival_ms(), record)))
            .filter(|(_, record)| record.position >= self.from)
            .take(self.count)
    }

    /// About how long [`Page::write_records`] gets.
    pub(crate) fn bytes_hint(&self) -> usize {
        // Base64, and the members' names, number and time of each record.
        self.bytes / 3 * 4 + RECORD_OVERHEAD_BYTES * self.count
    }

    /// The member `Records`.
    pub(crate) fn write_records<W: Writer>(&self, w: &mut W, shard: &Shard) {
        w.field_list("Records", self.records(), |w, (arrival_ms, record)| {
            let number = shard.sequence_number(record.position, arrival_ms);
            w.map(|w| {
                w.field_str("SequenceNumber", number.text().as_str());
                w.field_timestamp_ms("ApproximateArrivalTimestamp", arrival_ms);
                w.field_blob("Data", record.data);
                // Where records are distributed without keys, one may have none.
                if !record.partition_key.is_empty() {
                    w.field_str("PartitionKey", &String::from_utf8_lossy(record.partition_key));
                }
            });
        });
    }
}

/// What a record takes in an answer beside its data and key.
pub(crate) const RECORD_OVERHEAD_BYTES: usize = 180;

/// The member `ChildShards`. A child names both shards that it was merged from, whichever of them is read.
pub(crate) fn write_children<W: Writer>(w: &mut W, children: &[Shard]) {
    w.field_list("ChildShards", children, |w, child| {
        w.map(|w| {
            w.field_str("ShardId", child.id().text().as_str());
            let parents = child.parents.iter().map(|&parent| ShardId(parent).to_string());
            w.field_list("ParentShards", parents, |w, parent| w.str(&parent));
            description::write_hash_range(w, child.range);
        });
    });
}

/// A read of the journal that has no answer.
pub(crate) fn read_error(error: ReadError, at: Address<'_>, shard: &Shard) -> Error {
    let id = shard.id();
    match error {
        // The stream was deleted while we read.
        ReadError::UnknownShard => Error::shard_not_found(at, id),
        ReadError::Damaged { first, end, .. } => {
            // When they arrived is lost with them; the order of numbers does not depend on it.
            let number = |position| shard.sequence_number(position, shard.created_second * 1000);
            Error::Log(format!(
                "records of stream {}, {id}, are damaged from sequence number {} to before {}; \
                 those behind are readable AT_SEQUENCE_NUMBER",
                at.name,
                number(first),
                number(end)
            ))
        }
        other => Error::Log(format!("reading {id} of stream {}: {other}", at.name)),
    }
}
