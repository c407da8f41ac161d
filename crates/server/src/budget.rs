//! Memory that all connections share, and permission to use it.
//!
//! Always: what is small never waits for what is large, what has only been announced costs nothing, and whoever waits is
//! answered in bounded time. Bodies hold what they have while they wait for more; so that they cannot all wait for each
//! other, a few at a time may grow to their end whatever the rest holds.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::limits::{
    FINISHERS, Limits, PRESSED_AFTER, SMALL_ANSWER_BYTES_MAX, SMALL_BODY_BYTES_MAX,
};

/// A part of a [`Budget`], given back when it drops.
pub(crate) type Permit = OwnedSemaphorePermit;

/// So many bytes.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    semaphore: Arc<Semaphore>,
    bytes_max: u32,
    waiting: Arc<AtomicUsize>,
}

impl Budget {
    pub(crate) fn new(bytes_max: u32) -> Budget {
        let semaphore = Arc::new(Semaphore::new(bytes_max as usize));
        Budget { semaphore, bytes_max, waiting: Arc::default() }
    }

    /// Waits for `bytes` of the budget; `None` if they do not come free in `wait_max`. Who asks for more than there is
    /// gets all.
    pub(crate) async fn take(&self, bytes: usize, wait_max: Duration) -> Option<Permit> {
        match self.try_take(bytes) {
            Some(permit) => Some(permit),
            None => timeout(wait_max, self.wait(bytes)).await.ok()?,
        }
    }

    fn try_take(&self, bytes: usize) -> Option<Permit> {
        Arc::clone(&self.semaphore).try_acquire_many_owned(self.permits(bytes)).ok()
    }

    async fn wait(&self, bytes: usize) -> Option<Permit> {
        let mut taken = pin!(Arc::clone(&self.semaphore).acquire_many_owned(self.permits(bytes)));
        if let Ok(taken) = timeout(PRESSED_AFTER, taken.as_mut()).await {
            return taken.ok();
        }
        let _waiter = Waiter::new(&self.waiting);
        taken.await.ok()
    }

    fn permits(&self, bytes: usize) -> u32 {
        u32::try_from(bytes).unwrap_or(u32::MAX).min(self.bytes_max)
    }

    fn has_waiters(&self) -> bool {
        self.waiting.load(Relaxed) > 0
    }

    fn held(&self) -> Held {
        let bytes_max = self.bytes_max as usize;
        Held { bytes: bytes_max.saturating_sub(self.semaphore.available_permits()), bytes_max }
    }
}

/// How much of a budget is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) bytes: usize,
    pub(crate) bytes_max: usize,
}

/// Counts somebody who has waited for a while.
struct Waiter<'a>(&'a AtomicUsize);

impl Waiter<'_> {
    fn new(count: &AtomicUsize) -> Waiter<'_> {
        count.fetch_add(1, Relaxed);
        Waiter(count)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// What the bodies of requests may take.
#[derive(Debug)]
pub(crate) struct BodyBudget {
    small: Budget,
    large: Budget,
    finishers: Arc<Semaphore>,
    wait_max: Duration,
    received_bytes: AtomicU64,
}

/// What one body has taken. It must outlive what was made of the bytes, not only the bytes.
#[derive(Debug, Default)]
pub(crate) struct BodyPermit {
    small: Option<Permit>,
    large: Option<Permit>,
    finisher: Option<Permit>,
}

impl BodyBudget {
    pub(crate) fn new(limits: &Limits) -> BodyBudget {
        BodyBudget {
            small: Budget::new(limits.small_request_bytes_max),
            large: Budget::new(limits.request_bytes_max),
            finishers: Arc::new(Semaphore::new(FINISHERS)),
            wait_max: limits.budget_wait_max,
            received_bytes: AtomicU64::new(0),
        }
    }

    pub(crate) fn received(&self, bytes: usize) {
        self.received_bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// All that has arrived so far: grows while bodies make progress.
    pub(crate) fn received_bytes(&self) -> u64 {
        self.received_bytes.load(Relaxed)
    }

    /// What is held now, by what holds it.
    pub(crate) fn held(&self) -> [(&'static str, Held); 2] {
        [("small_requests", self.small.held()), ("requests", self.large.held())]
    }

    /// Lets a body have `bytes` in all; none if they do not come free in time.
    pub(crate) async fn grow(&self, permit: &mut BodyPermit, bytes: usize) -> Option<()> {
        let more = bytes.saturating_sub(permit.bytes());
        if permit.finisher.is_some() || more == 0 {
            return Some(());
        }
        if bytes <= SMALL_BODY_BYTES_MAX {
            let taken = self.small.take(more, self.wait_max).await?;
            merge(&mut permit.small, taken);
        } else if let Some(taken) = self.large.try_take(more) {
            merge(&mut permit.large, taken);
        } else {
            let finisher = Arc::clone(&self.finishers).acquire_owned();
            let wait = async {
                tokio::select! {
                    biased;
                    finisher = finisher => permit.finisher = Some(finisher.ok()?),
                    taken = self.large.wait(more) => merge(&mut permit.large, taken?),
                }
                Some(())
            };
            timeout(self.wait_max, wait).await.ok()??;
        }
        Some(())
    }
}

impl BodyPermit {
    pub(crate) fn bytes(&self) -> usize {
        [&self.small, &self.large].into_iter().flatten().map(Permit::num_permits).sum()
    }
}

fn merge(held: &mut Option<Permit>, more: Permit) {
    match held {
        Some(held) => held.merge(more),
        None => *held = Some(more),
    }
}

/// What answers may take until their clients have taken them.
#[derive(Debug, Clone)]
pub(crate) struct AnswerBudget {
    small: Budget,
    large: Budget,
    events: Budget,
    wait_max: Duration,
}

/// What somebody is being sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// What was asked for.
    Answer,
    /// A message of an answer that goes on.
    Event,
}

impl AnswerBudget {
    pub(crate) fn new(limits: &Limits) -> AnswerBudget {
        AnswerBudget {
            small: Budget::new(limits.small_answer_bytes_max),
            large: Budget::new(limits.answer_bytes_max),
            events: Budget::new(limits.event_bytes_max),
            wait_max: limits.budget_wait_max,
        }
    }

    /// What is held now, by what holds it.
    pub(crate) fn held(&self) -> [(&'static str, Held); 3] {
        let answers = [("small_answers", self.small.held()), ("answers", self.large.held())];
        [answers[0], answers[1], ("events", self.events.held())]
    }

    /// Room for an answer of up to `bytes`; none if it does not come free in time.
    pub(crate) async fn take(&self, bytes: usize) -> Option<Permit> {
        let budget = if bytes <= SMALL_ANSWER_BYTES_MAX { &self.small } else { &self.large };
        budget.take(bytes, self.wait_max).await
    }

    /// Room for a message of up to `bytes`, however long that takes: nobody waits for it who asked for it.
    pub(crate) async fn take_event(&self, bytes: usize) -> Option<Permit> {
        match self.events.try_take(bytes) {
            Some(permit) => Some(permit),
            None => self.events.wait(bytes).await,
        }
    }

    /// Whether somebody has waited for room too long: then clients that take such things slowly must go.
    pub(crate) fn is_pressed(&self, sent: Sent) -> bool {
        match sent {
            Sent::Answer => self.small.has_waiters() || self.large.has_waiters(),
            Sent::Event => self.events.has_waiters(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_millis(5);

    #[tokio::test]
    async fn a_budget_gives_no_more_than_it_has() {
        let budget = Budget::new(100);
        let first = budget.take(60, WAIT).await;
        assert!(first.is_some());
        assert_eq!(budget.held(), Held { bytes: 60, bytes_max: 100 });
        assert!(budget.take(60, WAIT).await.is_none());
        assert!(!budget.has_waiters());
        drop(first);
        assert!(budget.take(60, WAIT).await.is_some());
    }

    #[tokio::test]
    async fn one_that_asks_for_more_than_there_is_gets_all() {
        let budget = Budget::new(100);
        let all = budget.take(usize::MAX, Duration::ZERO).await;
        assert_eq!(all.map(|permit| permit.num_permits()), Some(100));
    }

    #[tokio::test]
    async fn bodies_that_hold_all_can_still_grow_a_few_at_a_time() {
        let limits = Limits {
            request_bytes_max: 300_000,
            small_request_bytes_max: 1000,
            budget_wait_max: WAIT,
            ..Limits::default()
        };
        let budget = BodyBudget::new(&limits);
        let mut permits: Vec<_> = (0..3).map(|_| BodyPermit::default()).collect();
        for permit in &mut permits {
            assert!(budget.grow(permit, 100_000).await.is_some());
        }
        for (index, permit) in permits.iter_mut().enumerate() {
            let grown = budget.grow(permit, 200_000).await;
            assert_eq!(grown.is_some(), index < FINISHERS);
        }
        // A small one waits for none of them, and has its own end.
        let mut small = BodyPermit::default();
        assert!(budget.grow(&mut small, 1000).await.is_some());
        assert!(budget.grow(&mut BodyPermit::default(), 1).await.is_none());
        permits.remove(0);
        assert!(budget.grow(&mut permits[1], 200_000).await.is_some());
    }
}
