//! The end of a server as a path: stop accepting, let requests finish, close, each step bounded.
//!
//! `Running` → `Draining`: nothing is accepted any more; a connection closes after its next answer, or when it has been
//! idle for a moment.
//! `Draining` → `Ended`: when no connection is left, or when only requests that are still arriving are left and their
//! short time is over and hardly a byte comes, or when the long time for answers is over. Whatever is open then is cut; nothing that was
//! acknowledged depends on it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, Semaphore, watch},
    time::{sleep, timeout},
};
use tracing::warn;

use crate::{budget::BodyBudget, limits::Limits};

/// How far the end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Running,
    Draining,
    Ended,
}

/// Counts the requests that have arrived whole and whose answers are not written.
#[derive(Debug, Default)]
pub(crate) struct InFlightCount {
    count: AtomicUsize,
    none_left: Notify,
}

/// One such request.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<InFlightCount>);

/// What a drain left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Requests that had arrived and got no whole answer.
    pub unanswered: usize,
    /// Connections that had to be cut.
    pub connections_cut: usize,
}

impl InFlightCount {
    pub(crate) fn enter(self: &Arc<InFlightCount>) -> InFlight {
        self.count.fetch_add(1, SeqCst);
        InFlight(Arc::clone(self))
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(SeqCst)
    }

    async fn wait_for_none(&self) {
        loop {
            let notified = self.none_left.notified();
            if self.count() == 0 {
                return;
            }
            notified.await;
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, SeqCst) == 1 {
            self.0.none_left.notify_waiters();
        }
    }
}

/// Takes a server that has stopped accepting to its end. `connections` has a permit for each connection that is gone.
pub(crate) async fn drain(
    phase: &watch::Sender<Phase>,
    connections: &Semaphore,
    in_flight: &InFlightCount,
    bodies: &BodyBudget,
    limits: &Limits,
) -> Drained {
    // What a socket takes after the last answer was handed to it.
    const LAST_BYTES: Duration = Duration::from_millis(50);
    // In the time of `drain_arriving`: less than this is a client that has stopped sending.
    const PROGRESS_BYTES: u64 = 64 << 10;

    phase.send_replace(Phase::Draining);
    let all_gone = async {
        // Nothing closes the semaphore, so that waiting for all of it cannot fail.
        let _ = connections.acquire_many(limits.connections_max).await;
    };
    let only_arriving_left = async {
        loop {
            let received = bodies.received_bytes();
            sleep(limits.drain_arriving).await;
            in_flight.wait_for_none().await;
            if bodies.received_bytes() - received < PROGRESS_BYTES {
                break;
            }
        }
        sleep(LAST_BYTES).await;
    };
    let drained_by_itself = async {
        tokio::select! {
            biased;
            () = all_gone => {}
            () = only_arriving_left => {}
        }
    };
    if timeout(limits.drain_answering, drained_by_itself).await.is_err() {
        warn!(limit = ?limits.drain_answering, "requests are still unanswered; ending all the same");
    }
    let drained = Drained {
        unanswered: in_flight.count(),
        connections_cut: limits.connections_max as usize - connections.available_permits(),
    };
    phase.send_replace(Phase::Ended);
    drained
}
