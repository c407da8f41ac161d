//! Reads a segment's frames from the start, without a footer's help: what recovery and tools see.
//!
//! A frame is accepted only if its head and body are whole and its group is not below the one before: stale frames of
//! an earlier life lie behind a cut. What stops the walk is described, not judged: `recovery.rs` judges.
//!
//! Bytes that cannot be read are zeros to the walk, which so stops at them as at any damage; but zeros that were really
//! read may be the journal's end, and these may not.

use std::io;

use crate::{
    disk::Unreadable,
    format::{ALIGN, Bad, FLAG_UNSYNCED, FOOTER_MAGIC, HEAD_BYTES, Head},
};

use super::segment::Segment;

/// How far behind a stop the walk looks on. An unsynced group is all that a crash may leave behind the last synced one,
/// and it is smaller than this: 8 MiB, or one append of at most a frame's largest body and its heads.
pub(crate) const LOOK_ON_BYTES: u64 = 32 << 20;

/// A file seen through a buffer that moves forward.
struct Window<'a> {
    segment: &'a Segment,
    file_bytes: u64,
    start: u64,
    bytes: Vec<u8>,
    /// Of `bytes`, by the file's offsets.
    unreadable: Unreadable,
}

impl<'a> Window<'a> {
    const AHEAD: usize = 1 << 20;

    fn new(segment: &'a Segment) -> io::Result<Window<'a>> {
        let file_bytes = segment.file.len()?;
        Ok(Window { segment, file_bytes, start: 0, bytes: Vec::new(), unreadable: Vec::new() })
    }

    /// The bytes from `offset`, at least `wanted` of them unless the file ends before.
    fn at(&mut self, offset: u64, wanted: usize) -> io::Result<&[u8]> {
        if offset >= self.file_bytes {
            return Ok(&[]);
        }
        let have = self.start + self.bytes.len() as u64;
        if offset < self.start || offset + wanted as u64 > have {
            let end = self.file_bytes.min(offset + wanted.max(Self::AHEAD) as u64);
            self.bytes.resize(end.saturating_sub(offset) as usize, 0);
            self.unreadable = self.segment.read(&mut self.bytes, offset)?;
            self.start = offset;
        }
        Ok(&self.bytes[(offset - self.start) as usize..])
    }

    /// The last byte in the buffer, from `offset` on, that cannot be read.
    fn last_unreadable(&self, offset: u64) -> Option<u64> {
        self.unreadable.last().filter(|range| range.end > offset).map(|range| range.end - 1)
    }
}

/// Walks a segment frame by frame.
pub(crate) struct Walk<'a> {
    window: Window<'a>,
    salt: u64,
    /// Where the next frame must stand.
    pub offset: u64,
    /// The group of the last accepted frame, 0 if there is none.
    pub group: u64,
    /// Where that group starts.
    pub group_start: u64,
    /// The last accepted frame was written without a sync.
    pub unsynced: bool,
    resumed: bool,
}

/// What the walk found at its offset.
pub(crate) enum Step {
    Accepted {
        head: Head,
        offset: u64,
    },
    /// No acceptable frame.
    Stopped,
    /// A whole frame of a newer version.
    Newer,
}

/// What stands behind the place where a walk stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behind {
    /// Nothing but zeros, or the file's end.
    Nothing,
    /// Bytes that cannot be read: records that were synced once may have stood there, whatever else there is.
    Unreadable,
    /// A footer, whole or not.
    Footer,
    /// Bytes, but no whole head of the last accepted group or of a later one.
    Garbage,
    /// The highest group behind is the last accepted one: it is torn.
    SameGroup,
    /// The highest group behind begins right here: it is torn, and nothing else is missing.
    LaterGroupHere,
    /// The highest group behind begins further on: what stands before it was synced once.
    LaterGroupBeyond,
}

/// See [`Walk::look_on`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outlook {
    pub behind: Behind,
    /// The first whole head behind, if any.
    pub resume_at: Option<u64>,
    /// There are whole heads behind, and all of them were written without a sync.
    pub unsynced: bool,
    /// The highest group number behind, 0 if none.
    pub group_max: u64,
    /// Where the last byte behind stands that is not zero, or cannot be read; the walk's offset if there is none.
    pub last_byte: u64,
}

impl<'a> Walk<'a> {
    pub fn new(segment: &'a Segment) -> io::Result<Walk<'a>> {
        Ok(Walk {
            window: Window::new(segment)?,
            salt: segment.salt,
            offset: HEAD_BYTES as u64,
            group: 0,
            group_start: 0,
            unsynced: false,
            resumed: false,
        })
    }

    /// Tries the frame at the offset.
    pub fn step(&mut self) -> io::Result<Step> {
        let offset = self.offset;
        let head = match Head::decode(self.salt, self.window.at(offset, HEAD_BYTES)?) {
            Ok(head) => head,
            Err(Bad::Newer) => return Ok(Step::Newer),
            Err(Bad::Invalid) => return Ok(Step::Stopped),
        };
        let in_group = if head.group == self.group {
            offset - self.group_start == u64::from(head.group_offset)
        } else {
            head.group > self.group && (head.group_offset == 0 || self.resumed)
        };
        let frame_bytes = head.frame_bytes() as usize;
        let bytes = self.window.at(offset, frame_bytes)?;
        if !in_group || !bytes.get(HEAD_BYTES..frame_bytes).is_some_and(|rest| head.owns(rest)) {
            return Ok(Step::Stopped);
        }
        if head.group != self.group {
            self.group = head.group;
            self.group_start = offset.saturating_sub(u64::from(head.group_offset));
        }
        self.resumed = false;
        self.unsynced = head.flags & FLAG_UNSYNCED != 0;
        self.offset += frame_bytes as u64;
        Ok(Step::Accepted { head, offset })
    }

    /// The bytes of the frame that was accepted last.
    pub fn frame(&mut self, offset: u64, head: &Head) -> io::Result<&[u8]> {
        let length = head.frame_bytes() as usize;
        Ok(&self.window.at(offset, length)?[..length])
    }

    /// Goes on at a later offset, behind damage: perhaps in the middle of a group.
    pub fn resume(&mut self, offset: u64) {
        self.offset = offset;
        self.resumed = true;
    }

    /// Describes what stands behind the offset, as far as `bytes_max`.
    pub fn look_on(&mut self, bytes_max: u64) -> io::Result<Outlook> {
        let stop = self.offset;
        let is_footer = self.window.at(stop, 4)?.get(..4) == Some(&FOOTER_MAGIC);
        let mut last_byte = stop;
        let mut unreadable = None;
        let mut resume_at = None;
        let mut unsynced = None;
        let (mut group_max, mut group_start) = (0, 0);
        let file_bytes = self.window.file_bytes.min(stop.saturating_add(bytes_max));
        let mut at = stop;
        loop {
            let bytes = self.window.at(at, Window::AHEAD.min(HEAD_BYTES * 64))?;
            if bytes.is_empty() {
                break;
            }
            let usable = bytes.len() - bytes.len() % ALIGN;
            let ends_here = at + bytes.len() as u64 >= file_bytes;
            // A head must lie whole in the window; the next round begins where one could still begin.
            let span = if ends_here { bytes.len() } else { usable.saturating_sub(HEAD_BYTES) };
            if let Some(last) = bytes[..span].iter().rposition(|&byte| byte != 0) {
                last_byte = at + last as u64;
                for start in (0..span).step_by(ALIGN) {
                    let Ok(head) = Head::decode(self.salt, &bytes[start..]) else { continue };
                    if head.group < self.group {
                        continue;
                    }
                    let offset = at + start as u64;
                    let written_without = head.flags & FLAG_UNSYNCED != 0;
                    unsynced = Some(unsynced.unwrap_or(true) && written_without);
                    // The head at the stop itself has a bad body or is out of place.
                    if offset > stop {
                        resume_at.get_or_insert(offset);
                    }
                    let begins = offset.saturating_sub(u64::from(head.group_offset));
                    if head.group > group_max {
                        (group_max, group_start) = (head.group, begins);
                    }
                }
            }
            unreadable = self.window.last_unreadable(stop).or(unreadable);
            at += span as u64;
            if ends_here || span == 0 {
                break;
            }
        }
        let behind = if let Some(unreadable) = unreadable {
            last_byte = last_byte.max(unreadable);
            Behind::Unreadable
        } else if is_footer {
            Behind::Footer
        } else if group_max == 0 {
            if last_byte == stop && self.window.at(stop, 1)?.first().is_none_or(|&byte| byte == 0) {
                Behind::Nothing
            } else {
                Behind::Garbage
            }
        } else if group_max == self.group {
            Behind::SameGroup
        } else if group_start <= stop {
            Behind::LaterGroupHere
        } else {
            Behind::LaterGroupBeyond
        };
        let unsynced = unsynced.unwrap_or(false);
        Ok(Outlook { behind, resume_at, unsynced, group_max, last_byte })
    }
}
