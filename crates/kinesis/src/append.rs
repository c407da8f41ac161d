//! How records get into the log: what PutRecord and PutRecords share.
//!
//! All of a call's records are routed, decoded and checked before any is appended, and appended in one go: one frame
//! for each shard that is touched, in the order of the request. Which of them a shard's rates let in is decided in that
//! order too, before anything is decoded (`gate.rs`). A shard may close between routing and appending; then nothing of
//! its frame was written, and those records wait, bounded, for the catalog that says where they belong now.

use std::{
    borrow::Cow,
    future::poll_fn,
    pin::pin,
    sync::{Arc, atomic::Ordering},
    task::Poll,
};

use nautilus_log::{AppendResult, Frame, FrameBuilder, Refusal};
use nautilus_wire::{AwsError, Blob};
use smallvec::SmallVec;

use crate::{
    catalog::Address,
    error::Error,
    faults::FaultAction,
    gate::Gate,
    kinesis::Inner,
    limits,
    model::{
        hash_range::HashKey,
        ids::ShardId,
        sequence_number::SequenceNumber,
        shard::Shard,
        shards::Shards,
        stream::{Distribution, Stream},
    },
    ops::Operation,
};

/// A record on its way in, its data still as it came.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    /// Empty if there is none, which only AUTO streams take.
    pub partition_key: Cow<'a, str>,
    pub explicit_hash_key: Option<HashKey>,
    pub data: Blob<'a>,
}

impl Entry<'_> {
    /// What counts against the limits of records and requests.
    pub(crate) fn bytes(&self) -> usize {
        self.data.len() + self.partition_key.len()
    }

    fn hash_key(&self) -> HashKey {
        self.explicit_hash_key.unwrap_or_else(|| HashKey::of(&self.partition_key))
    }
}

/// Reads an ExplicitHashKey that has the right form.
pub(crate) fn explicit_hash_key(text: Option<&str>) -> Result<Option<HashKey>, Error> {
    let Some(text) = text else { return Ok(None) };
    // 39 digits hold more than the space.
    text.parse().map(Some).map_err(|_| {
        Error::InvalidArgument(format!(
            "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. \
             Specified value was {text}"
        ))
    })
}

/// What became of a call's records.
#[derive(Debug)]
pub(crate) struct Appended {
    /// In the order of the entries.
    pub placed: SmallVec<[Placed; 1]>,
    /// Records that were stored, and what they count, see [`Entry::bytes`].
    pub records: u64,
    pub bytes: u64,
    /// By shard, if that is counted.
    pub shards: SmallVec<[ShardPart; 1]>,
    counts_shards: bool,
    /// The stream as the last records were routed by, if that is a newer state.
    pub rerouted: Option<Arc<Stream>>,
}

/// A shard's part of a call: what was stored in it, and records that it throttled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ShardPart {
    pub shard: ShardId,
    pub records: u64,
    pub bytes: u64,
    pub throttled: u64,
}

impl Appended {
    fn nothing_of(entries: usize, counts_shards: bool) -> Appended {
        let nothing = Placed { shard: ShardId(0), result: Err(Failure::Internal) };
        Appended {
            placed: SmallVec::from_elem(nothing, entries),
            records: 0,
            bytes: 0,
            shards: SmallVec::new(),
            counts_shards,
            rerouted: None,
        }
    }

    fn stored(&mut self, shard: ShardId, records: u64, bytes: u64) {
        self.records += records;
        self.bytes += bytes;
        if let Some(part) = self.part(shard) {
            part.records += records;
            part.bytes += bytes;
        }
    }

    fn throttled(&mut self, shard: ShardId, records: u64) {
        if let Some(part) = self.part(shard) {
            part.throttled += records;
        }
    }

    fn part(&mut self, shard: ShardId) -> Option<&mut ShardPart> {
        if !self.counts_shards {
            return None;
        }
        let at = self.shards.binary_search_by_key(&shard, |part| part.shard);
        let at = at.unwrap_or_else(|at| {
            self.shards.insert(at, ShardPart { shard, records: 0, bytes: 0, throttled: 0 });
            at
        });
        Some(&mut self.shards[at])
    }
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placed {
    pub shard: ShardId,
    pub result: Result<SequenceNumber, Failure>,
}

/// Why a record was not stored, or perhaps not: after [`Failure::Internal`] nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The client may try again.
    Throttled,
    /// There is no space on the disk; the client may try again when there is.
    Full,
    Internal,
    /// A test wanted it so; nothing was stored.
    Injected(FaultAction),
}

impl Failure {
    /// Whether the client wrote too fast, or is told so.
    pub(crate) fn is_throttled(self) -> bool {
        match self {
            Failure::Throttled => true,
            Failure::Injected(action) => action.throttles(),
            Failure::Full | Failure::Internal => false,
        }
    }
}

/// A call's records to one shard.
struct Run<'s> {
    frame: FrameBuilder,
    shard: &'s Shard,
    /// Which of the call's records, in order.
    entries: SmallVec<[u32; 1]>,
    /// What they count, see [`Entry::bytes`].
    bytes: usize,
}

/// A frame that the journal has: its shard, which of the call's records are in it, and what they count.
type Sent<'s> = (&'s Shard, SmallVec<[u32; 1]>, usize);

/// Stores records of an operation in `stream`, whose address is `at`; answers what became of each, in the order of
/// `entries`. `counted_ms` is when the call began, if it is counted.
///
/// Dropping the future takes back no record that was on its way.
pub(crate) async fn append(
    inner: &Inner,
    operation: Operation,
    at: Address<'_>,
    stream: &Arc<Stream>,
    entries: &[Entry<'_>],
    counted_ms: Option<u64>,
) -> Result<Appended, Error> {
    let pending: SmallVec<[u32; 1]> = (0..entries.len() as u32).collect();
    let counts_shards = counted_ms.is_some() && !stream.metrics.is_empty();
    let mut appended = Appended::nothing_of(entries.len(), counts_shards);

    let gate = Gate::new(inner, operation, counted_ms);
    let runs = route(stream, at, entries, pending, &gate, &mut appended)?;
    let mut closed = append_runs(inner, runs, &mut appended).await;
    if !closed.is_empty() {
        let mut wait = Reroute::new(inner, Arc::clone(stream));
        while !closed.is_empty() && wait.for_newer(at).await {
            let gate = Gate::new(inner, operation, None);
            let runs = route(&wait.stream, at, entries, closed, &gate, &mut appended)?;
            closed = append_runs(inner, runs, &mut appended).await;
        }
        for &entry in &closed {
            let placed = &mut appended.placed[entry as usize];
            placed.result = Err(Failure::Throttled);
            let shard = placed.shard;
            appended.throttled(shard, 1);
        }
        appended.rerouted = Some(Arc::clone(&wait.stream));
    }
    Ok(appended)
}

/// Sorts the pending records by shard and puts those that are let in into frames, decoded.
fn route<'s>(
    stream: &'s Stream,
    at: Address<'_>,
    entries: &[Entry<'_>],
    mut pending: SmallVec<[u32; 1]>,
    gate: &Gate<'_>,
    appended: &mut Appended,
) -> Result<SmallVec<[Run<'s>; 1]>, Error> {
    let mut runs: SmallVec<[Run<'s>; 1]> = SmallVec::new();
    let mut run = |shard: &'s Shard, mut which: SmallVec<[u32; 1]>| {
        let throttled = gate.admit((stream, shard), entries, &mut which, &mut appended.placed);
        appended.throttled(shard.id(), throttled);
        if !which.is_empty() {
            let bytes = which.iter().map(|&entry| entries[entry as usize].bytes()).sum();
            let frame = fill(shard, entries, &which, bytes)?;
            runs.push(Run { frame, shard, entries: which, bytes });
        }
        Ok::<_, Error>(())
    };
    if let (Some(shard), 1) = (stream.shards.open().next(), stream.open_shard_count()) {
        run(shard, pending)?;
        return Ok(runs);
    }
    let mut routed: SmallVec<[(&Shard, u32); 1]> = SmallVec::with_capacity(pending.len());
    let mut spread = match stream.distribution {
        Distribution::Auto => Some(gate.spread.places(stream.open_shard_count(), pending.len())),
        Distribution::UserPartitionKey => None,
    };
    for entry in pending.drain(..) {
        let shard = match &mut spread {
            Some(places) => places.next().and_then(|place| stream.shards.open_at(place)),
            None => stream.route(entries[entry as usize].hash_key()),
        };
        // A stream that is being created has no shards, and to writers it does not exist.
        routed.push((shard.ok_or_else(|| Error::stream_not_found(at))?, entry));
    }
    routed.sort_unstable_by_key(|(shard, entry)| (shard.index, *entry));
    for of_shard in routed.chunk_by(|(a, _), (b, _)| a.index == b.index) {
        run(of_shard[0].0, of_shard.iter().map(|(_, entry)| *entry).collect())?;
    }
    Ok(runs)
}

/// The frame of some records in one shard. Fails if one of them is no Base64.
fn fill(
    shard: &Shard,
    entries: &[Entry<'_>],
    which: &[u32],
    bytes: usize,
) -> Result<FrameBuilder, AwsError> {
    const PREFIX_BYTES: usize = 7 + 16; // what the format puts before key and data, at most
    let mut frame = FrameBuilder::new(shard.log_id(), bytes + which.len() * PREFIX_BYTES);
    for entry in which.iter().map(|&entry| &entries[entry as usize]) {
        frame.push(
            entry.partition_key.as_bytes(),
            entry.explicit_hash_key.map(|key| key.0),
            entry.data.len(),
            |out| entry.data.decode_into(out),
        )?;
    }
    Ok(frame)
}

/// Appends, notes what became of each record, and answers those that met a closed shard.
async fn append_runs(
    inner: &Inner,
    runs: SmallVec<[Run<'_>; 1]>,
    appended: &mut Appended,
) -> SmallVec<[u32; 1]> {
    let mut closed = SmallVec::new();
    if runs.is_empty() {
        return closed;
    }
    let mut frames: SmallVec<[Frame; 1]> = SmallVec::with_capacity(runs.len());
    let mut sent: SmallVec<[Sent<'_>; 1]> = SmallVec::with_capacity(runs.len());
    for run in runs {
        frames.push(run.frame.finish());
        sent.push((run.shard, run.entries, run.bytes));
    }
    let results = inner.journal.append(frames).await;
    assert_eq!(results.len(), sent.len(), "the journal answers each frame");

    for ((shard, which, bytes), result) in sent.into_iter().zip(results) {
        let outcome = match result {
            AppendResult::Written { first, arrival_ms } => {
                for (&entry, position) in which.iter().zip(first..) {
                    let number = shard.sequence_number(position, arrival_ms);
                    let placed = Placed { shard: shard.id(), result: Ok(number) };
                    appended.placed[entry as usize] = placed;
                }
                shard.live.written.add(bytes as u64, which.len() as u64);
                appended.stored(shard.id(), which.len() as u64, bytes as u64);
                continue;
            }
            AppendResult::Refused(Refusal::Closed | Refusal::NotOwner) => {
                closed.extend_from_slice(&which);
                Failure::Throttled
            }
            AppendResult::Refused(Refusal::Overloaded) => {
                appended.throttled(shard.id(), which.len() as u64);
                Failure::Throttled
            }
            AppendResult::Refused(Refusal::Full) => Failure::Full,
            AppendResult::Refused(Refusal::Poisoned) => Failure::Internal,
        };
        for &entry in &which {
            appended.placed[entry as usize] = Placed { shard: shard.id(), result: Err(outcome) };
        }
    }
    closed
}

/// A write that met a closed shard and waits for the catalog to say what came after it.
struct Reroute<'a> {
    inner: &'a Inner,
    /// What the last attempt was routed by.
    stream: Arc<Stream>,
    deadline_ms: u64,
}

impl<'a> Reroute<'a> {
    fn new(inner: &'a Inner, stream: Arc<Stream>) -> Reroute<'a> {
        let deadline_ms = inner.now_ms() + limits::REROUTE_WAIT_MS;
        inner.rerouting.fetch_add(1, Ordering::SeqCst);
        inner.due_changed.notify_one();
        Reroute { inner, stream, deadline_ms }
    }

    /// Waits until the stream is another than before, or gone; false if that takes too long.
    async fn for_newer(&mut self, at: Address<'_>) -> bool {
        loop {
            // Both are made before the look at the catalog: nothing is missed in between.
            let mut versions = self.inner.catalog.subscribe();
            let mut ticked = pin!(self.inner.ticked.notified());
            ticked.as_mut().enable();
            match self.inner.stream(at) {
                Ok(stream) if Arc::ptr_eq(&stream, &self.stream) => {}
                Ok(stream) => {
                    self.stream = stream;
                    return true;
                }
                // Routing finds no shard then, which is the right answer.
                Err(_) => {
                    let gone = Stream { shards: Shards::default(), ..Stream::clone(&self.stream) };
                    self.stream = Arc::new(gone);
                    return true;
                }
            }
            // More is left than there was at first: the clock was set back.
            let left_ms = self.deadline_ms.saturating_sub(self.inner.now_ms());
            if left_ms == 0 || left_ms > limits::REROUTE_WAIT_MS {
                return false;
            }
            let mut changed = pin!(versions.changed());
            poll_fn(|cx| match changed.as_mut().poll(cx) {
                Poll::Ready(_) => Poll::Ready(()),
                Poll::Pending => ticked.as_mut().poll(cx),
            })
            .await;
        }
    }
}

impl Drop for Reroute<'_> {
    fn drop(&mut self) {
        self.inner.rerouting.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use nautilus_log::ShardLogId;
    use nautilus_wire::{Value, json};

    use super::*;
    use crate::testing::{self, World};

    const PUT: &str = r#"{"StreamName":"s","PartitionKey":"k","Data":""}"#;

    /// Closes the stream's shard behind the catalog's back, as a change under way does, puts a record, and lets
    /// `meanwhile` happen while that waits.
    fn put_while_closed(world: &World, meanwhile: impl FnOnce()) -> String {
        let Some(shard) = log_of(world) else { panic!("the stream has a shard") };
        let closed = world.run(world.room().journal.close(vec![shard]));
        assert!(closed.is_ok(), "{closed:?}");

        let input: Value<'_> = json::parse(PUT.as_bytes()).expect("an input");
        let (kinesis, caller) = (&world.room().kinesis, testing::caller());
        let mut call = pin!(kinesis.call(&caller, "PutRecord", input));
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..10 {
            assert!(call.as_mut().poll(&mut context).is_pending(), "it waits for the catalog");
            world.room().journal.step();
        }
        meanwhile();
        match world.run(call) {
            Ok(_) => "stored".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    fn log_of(world: &World) -> Option<ShardLogId> {
        let snapshot = world.room().kinesis.inner().catalog.snapshot();
        snapshot.shard_logs().first().copied()
    }

    #[test]
    fn a_write_to_a_closed_shard_learns_that_its_stream_is_gone() {
        let world = World::with_stream(1);
        world.check("DeleteStream", r#"{"StreamName":"s"}"#, "");
        assert_eq!(
            put_while_closed(&world, || world.settle()),
            "ResourceNotFoundException: Stream s under account 000000000000 not found."
        );
    }

    #[test]
    fn a_write_to_a_closed_shard_does_not_wait_for_ever() {
        let world = World::with_stream(1);
        assert_eq!(
            put_while_closed(&world, || world.advance(limits::REROUTE_WAIT_MS)),
            "ProvisionedThroughputExceededException: Rate exceeded for shard \
             shardId-000000000000 in stream s under account 000000000000."
        );
    }

    #[test]
    fn a_change_that_does_not_help_is_no_reason_to_give_up() {
        let world = World::with_stream(1);
        let answer = put_while_closed(&world, || {
            world.check("AddTagsToStream", r#"{"StreamName":"s","Tags":{"a":"b"}}"#, "");
            world.check("DeleteStream", r#"{"StreamName":"s"}"#, "");
            world.settle();
        });
        assert!(answer.starts_with("ResourceNotFoundException"), "{answer}");
    }
}
