//! The commit queue: what waits for the next group, in the order in which it came.
//!
//! Bounded in bytes: what does not fit is refused at once, before it costs memory.

use std::{collections::VecDeque, time::Duration};

use parking_lot::{Condvar, Mutex};
use smallvec::SmallVec;
use tokio::sync::oneshot;

use crate::{AppendResult, Frame, Position, Refusal, ShardLogId};

/// Bytes of frames that may wait.
const WAITING_BYTES_MAX: usize = 96 << 20;
/// Bytes of one group, unless a single append is larger.
const GROUP_BYTES_MAX: usize = 8 << 20;

/// One answer for each frame of an append.
pub(crate) type AppendResults = SmallVec<[AppendResult; 1]>;

/// Each closed shard's last position.
pub(crate) type CloseResult = Result<Vec<Position>, Refusal>;

/// Something for the committer.
pub(crate) enum Item {
    Append { frames: SmallVec<[Frame; 1]>, answer: oneshot::Sender<AppendResults> },
    Close { ids: Vec<ShardLogId>, answer: oneshot::Sender<CloseResult> },
}

/// See the module.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    filled: Condvar,
}

#[derive(Default)]
struct Waiting {
    items: VecDeque<Item>,
    bytes: usize,
    refusing: Option<Refusal>,
    stopping: bool,
}

/// What the committer found in the queue.
pub(crate) enum Taken {
    Group {
        items: Vec<Item>,
        bytes: usize,
        more: bool,
    },
    /// Nothing came for a while.
    Idle,
    /// Nothing waits and nothing comes any more.
    Stopped,
}

impl Queue {
    /// Puts an item at the end, or gives it back with the reason.
    pub fn push(&self, item: Item) -> Result<(), (Item, Refusal)> {
        let bytes = item.bytes();
        let mut waiting = self.waiting.lock();
        if let Some(refusal) = waiting.refusing {
            return Err((item, refusal));
        }
        if waiting.bytes + bytes > WAITING_BYTES_MAX && waiting.bytes > 0 {
            return Err((item, Refusal::Overloaded));
        }
        waiting.bytes += bytes;
        waiting.items.push_back(item);
        // Only the first of a group has to wake the committer: it takes all that is there.
        let first = waiting.items.len() == 1;
        drop(waiting);
        if first {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Takes the next group without waiting.
    pub fn try_take(&self) -> Taken {
        self.waiting.lock().take_group()
    }

    /// Waits for the next group, at most for `idle`.
    pub fn take(&self, idle: Duration) -> Taken {
        let mut waiting = self.waiting.lock();
        if waiting.items.is_empty() && !waiting.stopping {
            self.filled.wait_for(&mut waiting, idle);
        }
        waiting.take_group()
    }

    /// How many items wait, and bytes of their frames.
    pub fn waiting(&self) -> (usize, usize) {
        let waiting = self.waiting.lock();
        (waiting.items.len(), waiting.bytes)
    }

    /// True if nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.lock().items.is_empty()
    }

    /// Takes nothing more in; what waits is still done.
    pub fn stop(&self) {
        let mut waiting = self.waiting.lock();
        waiting.refusing.get_or_insert(Refusal::Poisoned);
        waiting.stopping = true;
        drop(waiting);
        self.filled.notify_one();
    }

    /// Takes nothing more in and gives back what waits, to be refused.
    pub fn poison(&self) -> Vec<Item> {
        let mut waiting = self.waiting.lock();
        waiting.refusing = Some(Refusal::Poisoned);
        waiting.bytes = 0;
        waiting.items.drain(..).collect()
    }
}

impl Waiting {
    fn take_group(&mut self) -> Taken {
        if self.items.is_empty() {
            return if self.stopping { Taken::Stopped } else { Taken::Idle };
        }
        let mut items = Vec::with_capacity(self.items.len());
        let mut bytes = 0;
        while let Some(item) = self.items.front() {
            let more = item.bytes();
            if !items.is_empty() && bytes + more > GROUP_BYTES_MAX {
                break;
            }
            bytes += more;
            items.extend(self.items.pop_front());
        }
        self.bytes -= bytes;
        Taken::Group { items, bytes, more: !self.items.is_empty() }
    }
}

impl Item {
    fn bytes(&self) -> usize {
        match self {
            Item::Append { frames, .. } => frames.iter().map(Frame::len).sum(),
            Item::Close { .. } => 0,
        }
    }

    pub fn frame_count(&self) -> usize {
        match self {
            Item::Append { frames, .. } => frames.len(),
            Item::Close { .. } => 0,
        }
    }

    /// Answers that nothing was done.
    pub fn refuse(self, refusal: Refusal) {
        // Nobody may be listening any more; that is their business.
        match self {
            Item::Append { frames, answer } => {
                let _ =
                    answer.send(frames.iter().map(|_| AppendResult::Refused(refusal)).collect());
            }
            Item::Close { answer, .. } => {
                let _ = answer.send(Err(refusal));
            }
        }
    }
}
