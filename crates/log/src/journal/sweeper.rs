//! The thread that gives space back: removes dead segments and rewrites mostly dead ones.
//!
//! Born with the journal, ends with [`Sweeper::stop`], in the middle of a segment if need be. If it hangs, space is not
//! given back, and nothing else.

use std::{io, sync::Arc, thread::JoinHandle, time::Duration};

use parking_lot::{Condvar, Mutex};

use crate::Threads;

use super::{Error, World, removal::remove_dead, rewrite::rewrite_mostly_dead};

/// Between two chunks of a rewriting, which so takes a part of the disk's time and not all of it.
const REST: Duration = Duration::from_millis(10);

/// See the module.
pub(crate) struct Sweeper {
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
    wanted: bool,
    stopping: bool,
}

impl Sweeper {
    pub fn new(threads: Threads) -> Sweeper {
        Sweeper { threads, orders: Arc::default() }
    }

    /// Starts the thread.
    pub fn start(&self, world: Arc<World>) -> io::Result<JoinHandle<()>> {
        let orders = self.orders.clone();
        let named = std::thread::Builder::new().name("journal-sweeper".to_owned());
        named.spawn(move || orders.serve(&world))
    }

    /// Has space given back soon.
    pub fn sweep(&self, world: &World) {
        if self.threads == Threads::Stepped {
            report(sweep(world, &|| true));
            return;
        }
        self.orders.state.lock().wanted = true;
        self.orders.changed.notify_all();
    }

    /// Ends the thread soon.
    pub fn stop(&self) {
        self.orders.state.lock().stopping = true;
        self.orders.changed.notify_all();
    }
}

impl Orders {
    fn serve(&self, world: &World) {
        let mut state = self.state.lock();
        while !state.stopping {
            if std::mem::take(&mut state.wanted) {
                drop(state);
                report(sweep(world, &|| self.rest()));
                state = self.state.lock();
            } else {
                self.changed.wait(&mut state);
            }
        }
    }

    /// Waits a moment; false if the thread shall end.
    fn rest(&self) -> bool {
        let mut state = self.state.lock();
        if !state.stopping {
            self.changed.wait_for(&mut state, REST);
        }
        !state.stopping
    }
}

fn sweep(world: &World, pause: &dyn Fn() -> bool) -> Result<(), Error> {
    remove_dead(world)?;
    rewrite_mostly_dead(world, pause)
}

fn report(swept: Result<(), Error>) {
    if let Err(error) = swept {
        tracing::error!(%error, "space is not given back for now");
    }
}
