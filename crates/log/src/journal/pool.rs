//! A few threads that wait for the disk, so that no caller's thread does. Started by the first read that needs one.

use std::{collections::VecDeque, sync::Arc};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::Threads;

type Job = Box<dyn FnOnce() + Send>;

/// See the module.
pub(crate) struct Pool {
    threads: Threads,
    state: Arc<PoolState>,
}

#[derive(Default)]
struct PoolState {
    jobs: Mutex<Jobs>,
    changed: Condvar,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    threads: usize,
    idle: usize,
    stopping: bool,
}

impl Pool {
    const THREADS_MAX: usize = 4;

    pub fn new(threads: Threads) -> Pool {
        Pool { threads, state: Arc::default() }
    }

    /// Runs `work` off the caller's thread.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        if self.threads == Threads::Stepped {
            return Some(work());
        }
        let (answer, answered) = oneshot::channel();
        self.submit(Box::new(move || {
            let _ = answer.send(work());
        }));
        answered.await.ok()
    }

    fn submit(&self, job: Job) {
        let mut jobs = self.state.jobs.lock();
        jobs.waiting.push_back(job);
        if jobs.idle == 0 && jobs.threads < Self::THREADS_MAX {
            let state = self.state.clone();
            let named = std::thread::Builder::new().name("journal-reader".to_owned());
            if named.spawn(move || state.serve()).is_ok() {
                jobs.threads += 1;
            }
        }
        if jobs.threads == 0 {
            // No thread can be had: whoever waits is told by the job's end.
            jobs.waiting.clear();
        }
        self.state.changed.notify_one();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.state.jobs.lock().stopping = true;
        self.state.changed.notify_all();
    }
}

impl PoolState {
    fn serve(&self) {
        let mut jobs = self.jobs.lock();
        while !jobs.stopping {
            if let Some(job) = jobs.waiting.pop_front() {
                drop(jobs);
                job();
                jobs = self.jobs.lock();
            } else {
                jobs.idle += 1;
                self.changed.wait(&mut jobs);
                jobs.idle -= 1;
            }
        }
    }
}
