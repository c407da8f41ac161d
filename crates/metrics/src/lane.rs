//! A thread that does one thing after the other, so that no caller's thread waits for the disk.

use std::{collections::VecDeque, sync::Arc};

use nautilus_log::Threads;
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::{Error, error::cannot};

type Job = Box<dyn FnOnce() + Send>;

/// See the module. Dropped, it does what waits, and ends.
pub(crate) struct Lane {
    threads: Threads,
    weight_max: usize,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    jobs: Mutex<Jobs>,
    changed: Condvar,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<(usize, Job)>,
    weight: usize,
    is_closed: bool,
}

impl Lane {
    /// One in which jobs of `weight_max` together may wait.
    pub fn new(name: &str, threads: Threads, weight_max: usize) -> Result<Lane, Error> {
        let state = Arc::new(State::default());
        if threads == Threads::Own {
            let state = state.clone();
            let named = std::thread::Builder::new().name(name.to_owned());
            named.spawn(move || state.serve()).map_err(cannot("start a thread"))?;
        }
        Ok(Lane { threads, weight_max, state })
    }

    /// Does `work`. Dropping the future takes nothing back.
    pub async fn run<T: Send + 'static>(
        &self,
        weight: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        if self.threads == Threads::Stepped {
            return Ok(work());
        }
        let (answer, answered) = oneshot::channel();
        {
            let mut jobs = self.state.jobs.lock();
            if jobs.weight > 0 && jobs.weight + weight > self.weight_max {
                return Err(Error::Busy);
            }
            jobs.weight += weight;
            // Nobody may be waiting any more; it is done all the same.
            let job = Box::new(move || drop(answer.send(work())));
            jobs.waiting.push_back((weight, job));
            self.state.changed.notify_one();
        }
        answered.await.map_err(|_| Error::Closed)
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.state.jobs.lock().is_closed = true;
        self.state.changed.notify_all();
    }
}

impl State {
    fn serve(&self) {
        let mut jobs = self.jobs.lock();
        loop {
            if let Some((weight, job)) = jobs.waiting.pop_front() {
                drop(jobs);
                job();
                jobs = self.jobs.lock();
                jobs.weight -= weight;
            } else if jobs.is_closed {
                return;
            } else {
                self.changed.wait(&mut jobs);
            }
        }
    }
}
