//! The thread behind the committer: makes the next segment ahead.
//!
//! Born with the journal, ends with [`Maker::stop`]. If it hangs, the committer waits when its segment is full.

use std::{collections::VecDeque, io, sync::Arc, thread::JoinHandle};

use parking_lot::{Condvar, Mutex};

use crate::{Reserve, Threads};

use super::{Durability, Error, World, segment, segment::Segment};

/// Between two attempts to make a segment, when the first failed.
const REST_MS: u64 = 1000;

/// See the module.
#[derive(Clone)]
pub(crate) struct Maker {
    threads: Threads,
    orders: Arc<Orders>,
}

#[derive(Default)]
struct Orders {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Result<Arc<Segment>, Error>>,
    segment_wanted: bool,
    /// After a failure: until then no other attempt, Unix ms.
    rest_until_ms: u64,
    stopping: bool,
}

impl Maker {
    /// `ready`: segments that were made in an earlier life and are still unused.
    pub fn new(threads: Threads, ready: Vec<Arc<Segment>>) -> Maker {
        let state = State { ready: ready.into_iter().map(Ok).collect(), ..State::default() };
        let orders = Orders { state: Mutex::new(state), changed: Condvar::new() };
        Maker { threads, orders: Arc::new(orders) }
    }

    /// Starts the thread, which begins with a segment ahead if there is none.
    pub fn start(&self, world: Arc<World>) -> std::io::Result<JoinHandle<()>> {
        {
            let mut state = self.orders.state.lock();
            let on_disk = world.config.durability != Durability::Memory;
            state.segment_wanted = on_disk && state.ready.is_empty();
        }
        let orders = self.orders.clone();
        let reserve = Reserve::new(world.disk.clone());
        let name = "journal-maker".to_owned();
        std::thread::Builder::new().name(name).spawn(move || orders.serve(&world, &reserve))
    }

    /// What the thread does when nothing is ready, as a step of [`Threads::Stepped`]; false if that failed.
    pub fn step(&self, world: &World, reserve: &Reserve) -> bool {
        let idle = self.threads == Threads::Own || !self.orders.state.lock().ready.is_empty();
        if idle || world.config.durability == Durability::Memory {
            return true;
        }
        let made = make(world, reserve);
        let done = made.is_ok();
        self.orders.state.lock().ready.push_back(made);
        done
    }

    /// The next segment; waits for it if it is being made.
    pub fn take(&self, world: &World) -> Result<Arc<Segment>, Error> {
        let mut state = self.orders.state.lock();
        if self.threads == Threads::Stepped {
            let ready = state.ready.pop_front();
            return ready.unwrap_or_else(|| segment::make(world));
        }
        let rest_ms = state.rest_until_ms.saturating_sub(world.clock.now_ms());
        // A clock that was set back is no reason to rest for longer.
        if state.ready.is_empty() && (1..=REST_MS).contains(&rest_ms) {
            return Err(Error::Full);
        }
        loop {
            let ready = state.ready.pop_front();
            if matches!(ready, Some(Err(_))) {
                state.rest_until_ms = world.clock.now_ms() + REST_MS;
                return Err(Error::Full);
            }
            state.segment_wanted |= state.ready.is_empty();
            self.orders.changed.notify_all();
            match ready {
                Some(ready) => return ready,
                None => self.orders.changed.wait(&mut state),
            }
        }
    }

    /// Ends the thread when its present work is done.
    pub fn stop(&self) {
        self.orders.state.lock().stopping = true;
        self.orders.changed.notify_all();
    }
}

impl Orders {
    fn serve(&self, world: &World, reserve: &Reserve) {
        let mut state = self.state.lock();
        while !state.stopping {
            if std::mem::take(&mut state.segment_wanted) {
                drop(state);
                let made = make(world, reserve);
                if let Err(error) = &made {
                    tracing::error!(%error, "no new segment: when this one is full, writes are refused");
                }
                state = self.state.lock();
                state.ready.push_back(made);
                self.changed.notify_all();
            } else {
                self.changed.wait(&mut state);
            }
        }
    }
}

/// A segment and, before it, the reserve: a disk without space for both has none for records.
fn make(world: &World, reserve: &Reserve) -> Result<Arc<Segment>, Error> {
    let restored = reserve.restore();
    let made = restored.map_err(|source| Error::Io { op: "reserve space for", segment: 0, source });
    let made = made.and_then(|()| segment::make(world));
    if let Err(Error::Io { source, .. }) = &made
        && source.kind() == io::ErrorKind::StorageFull
    {
        reserve.release();
    }
    made
}
