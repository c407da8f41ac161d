//! A frame from the writer's side ([`FrameBuilder`], [`Frame`]) and from the reader's ([`FrameView`]).
//!
//! The request's own task builds the body and its checksum; the committer only fills the head. The buffer that
//! was written is the buffer that the tail serves.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;

use crate::{
    Position, ShardLogId,
    format::{self, HEAD_BYTES, Head, aligned},
};

/// Collects the records of one call in one shard.
#[derive(Debug)]
pub struct FrameBuilder {
    shard: ShardLogId,
    records: u32,
    /// Room for the head, then the body.
    bytes: Vec<u8>,
}

impl FrameBuilder {
    /// A frame for `shard` whose body will have about `body_bytes_hint` bytes.
    pub fn new(shard: ShardLogId, body_bytes_hint: usize) -> FrameBuilder {
        let mut bytes = Vec::with_capacity(aligned(HEAD_BYTES + body_bytes_hint));
        bytes.resize(HEAD_BYTES, 0);
        FrameBuilder { shard, records: 0, bytes }
    }

    /// Adds a record with `data_bytes` bytes of data, which `write` puts into the slice that it gets.
    ///
    /// An error of `write` is passed on, and the record is not in the frame. The caller bounds keys (65,535 bytes)
    /// and the body (16 MiB).
    pub fn push<E>(
        &mut self,
        partition_key: &[u8],
        explicit_hash_key: Option<u128>,
        data_bytes: usize,
        write: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        assert!(partition_key.len() <= usize::from(u16::MAX), "a key's length has 16 bits");
        let start = self.bytes.len();
        let data_length = u32::try_from(data_bytes).expect("a record's length has 32 bits");
        format::put_record_prefix(&mut self.bytes, partition_key, explicit_hash_key, data_length);
        let data_start = self.bytes.len();
        self.bytes.resize(data_start + data_bytes, 0);
        if let Err(error) = write(&mut self.bytes[data_start..]) {
            self.bytes.truncate(start);
            return Err(error);
        }
        self.records += 1;
        Ok(())
    }

    /// Records so far.
    pub fn record_count(&self) -> u32 {
        self.records
    }

    /// The shard that the records are for.
    pub fn shard(&self) -> ShardLogId {
        self.shard
    }

    /// The frame, with its body's checksum.
    pub fn finish(mut self) -> Frame {
        let body_bytes = self.bytes.len() - HEAD_BYTES;
        assert!(body_bytes <= format::BODY_BYTES_MAX, "a call's records fit one frame");
        assert!(self.records > 0, "only the journal itself writes empty frames");
        let body_crc = crc32c::crc32c(&self.bytes[HEAD_BYTES..]);
        self.bytes.resize(aligned(self.bytes.len()), 0);
        Frame {
            shard: self.shard,
            records: self.records,
            body_crc,
            body_bytes: body_bytes as u32,
            bytes: self.bytes,
        }
    }
}

/// Records of one call in one shard, ready to be appended.
#[derive(Debug)]
pub struct Frame {
    pub(crate) shard: ShardLogId,
    pub(crate) records: u32,
    body_crc: u32,
    body_bytes: u32,
    bytes: Vec<u8>,
}

impl Frame {
    /// Bytes that the frame takes in a segment.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Fills the head.
    pub(crate) fn place(&mut self, salt: u64, place: Place) -> Head {
        let head = Head {
            body_crc: self.body_crc,
            body_bytes: self.body_bytes,
            shard: self.shard,
            first: place.first,
            arrived_ms: place.arrived_ms,
            group: place.group,
            group_offset: place.group_offset,
            records: self.records,
            flags: place.flags,
        };
        head.encode(salt, &mut self.bytes[..HEAD_BYTES]);
        head
    }

    /// The frame for readers; it counts in `alive` until the last of them drops it.
    pub(crate) fn into_view(self, head: Head, alive: &Arc<Alive>) -> FrameView {
        let cost = self.bytes.capacity() + FRAME_OVERHEAD_BYTES;
        let buffer = Buffer { bytes: self.bytes, _counted: Counted::new(alive, cost) };
        FrameView { head, bytes: Bytes::from_owner(buffer) }
    }
}

/// Memory that a frame costs beside its bytes: its place in the shard's tail, its owner, what the allocator adds.
pub(crate) const FRAME_OVERHEAD_BYTES: usize = 256;

/// How many bytes of memory the frames take that were appended in this life, whoever holds them.
#[derive(Debug, Default)]
pub(crate) struct Alive(AtomicUsize);

impl Alive {
    pub fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Bytes that count in [`Alive`] as long as this lives.
struct Counted {
    alive: Arc<Alive>,
    bytes: usize,
}

impl Counted {
    fn new(alive: &Arc<Alive>, bytes: usize) -> Counted {
        alive.0.fetch_add(bytes, Ordering::Relaxed);
        Counted { alive: alive.clone(), bytes }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.alive.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The buffer that a request filled, on loan to readers.
struct Buffer {
    bytes: Vec<u8>,
    _counted: Counted,
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// What the committer decides about a frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub first: Position,
    pub arrived_ms: u64,
    pub group: u64,
    pub group_offset: u32,
    pub flags: u8,
}

/// A checked frame that a reader got.
#[derive(Debug, Clone)]
pub struct FrameView {
    head: Head,
    /// Head, body and padding.
    bytes: Bytes,
}

impl FrameView {
    /// Takes `bytes`, a frame that begins with `head`, if it is whole.
    pub(crate) fn checked(head: Head, bytes: Bytes) -> Option<FrameView> {
        head.owns(bytes.get(HEAD_BYTES..)?).then_some(FrameView { head, bytes })
    }

    /// Position of the first record.
    pub fn first(&self) -> Position {
        self.head.first
    }

    /// Position after the last record.
    pub fn end(&self) -> Position {
        self.head.end()
    }

    /// When the records arrived, Unix ms.
    pub fn arrival_ms(&self) -> u64 {
        self.head.arrived_ms
    }

    pub(crate) fn flags(&self) -> u8 {
        self.head.flags
    }

    /// Bytes that the frame holds in memory.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The records in the order of their positions.
    pub fn records(&self) -> impl Iterator<Item = RecordView<'_>> {
        let mut body = &self.bytes[HEAD_BYTES..HEAD_BYTES + self.head.body_bytes as usize];
        (self.head.first..self.end()).map_while(move |position| {
            let record = format::take_record(&mut body)?;
            Some(RecordView {
                position,
                partition_key: record.key,
                explicit_hash_key: record.hash_key,
                data: record.data,
            })
        })
    }
}

/// One record of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordView<'a> {
    /// Its position in the shard.
    pub position: Position,
    /// Its partition key, UTF-8.
    pub partition_key: &'a [u8],
    /// Its explicit hash key, if it came with one.
    pub explicit_hash_key: Option<u128>,
    /// Its data.
    pub data: &'a [u8],
}
