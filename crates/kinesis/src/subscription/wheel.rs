//! One timer for all subscriptions: what is due at about the same time is rung together, at a tick of the room.
//!
//! A subscription has one due time here at most, and a later one costs nothing: whoever is rung too early says when it
//! wants to be rung again. So a subscription that is busy touches the wheel once in a while only.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering::SeqCst},
};

use parking_lot::Mutex;

use super::register::Bell;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Wheel {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    due: BTreeMap<u64, Vec<Arc<Bell>>>,
    rung_ms: u64,
    /// What the ticker knows of.
    told_ms: Option<u64>,
}

/// What is due within this time is rung together, at its end.
const SLOT_MS: u64 = 250;
/// The same of what is due at once: a rate lets go on.
const SHORT_SLOT_MS: u64 = 10;
const SHORT_MS: u64 = 2_000;

impl Wheel {
    /// Has a bell rung at `due_ms`, or a moment later. True if that is earlier than the next tick is wanted for.
    pub(crate) fn ring_at(&self, bell: &Arc<Bell>, due_ms: u64) -> bool {
        if bell.due_ms.load(SeqCst) <= due_ms {
            return false;
        }
        let mut state = self.state.lock();
        let is_short = due_ms < state.rung_ms.saturating_add(SHORT_MS);
        let slot_ms = if is_short { SHORT_SLOT_MS } else { SLOT_MS };
        let due_ms = due_ms.div_ceil(slot_ms).saturating_mul(slot_ms);
        bell.due_ms.store(due_ms, SeqCst);
        state.due.entry(due_ms).or_default().push(bell.clone());
        let is_news = state.told_ms.is_none_or(|told_ms| due_ms < told_ms);
        if is_news {
            state.told_ms = Some(due_ms);
        }
        is_news
    }

    /// When to ring next.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.state.lock().told_ms
    }

    /// Rings what is due.
    pub(crate) fn ring(&self, now_ms: u64) {
        let mut state = self.state.lock();
        // A clock that was set back would leave all waiting.
        let was_set_back = now_ms < state.rung_ms;
        state.rung_ms = now_ms;
        let later = match was_set_back {
            true => BTreeMap::new(),
            false => state.due.split_off(&now_ms.saturating_add(1)),
        };
        let due = std::mem::replace(&mut state.due, later);
        state.told_ms = state.due.keys().next().copied();
        drop(state);
        for (due_ms, bells) in due {
            for bell in bells {
                // Another time may have been asked for since.
                let is_its = bell.due_ms.compare_exchange(due_ms, u64::MAX, SeqCst, SeqCst);
                if is_its.is_ok() {
                    bell.ring();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Waker},
    };

    use super::*;

    fn is_rung(bell: &Bell) -> bool {
        pin!(bell.rung()).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    const NOW_MS: u64 = 1_795_489_200_000;

    #[test]
    fn what_is_due_at_about_the_same_time_is_rung_together_and_never_too_early() {
        let (wheel, bells) = (Wheel::default(), [Arc::default(), Arc::default()]);
        wheel.ring(NOW_MS);
        assert!(wheel.ring_at(&bells[0], NOW_MS + 5_001), "the ticker must learn of the first");
        assert!(!wheel.ring_at(&bells[1], NOW_MS + 5_200), "and not of what is rung with it");
        wheel.ring(NOW_MS + 5_200);
        assert_eq!(wheel.next_ms(), Some(NOW_MS + 5_250));
        assert!(bells.iter().all(|bell| !is_rung(bell)));
        wheel.ring(NOW_MS + 5_250);
        assert_eq!(wheel.next_ms(), None);
        assert!(bells.iter().all(|bell| is_rung(bell)));
    }

    #[test]
    fn the_earliest_of_the_times_of_a_bell_counts_and_only_once() {
        let (wheel, bell) = (Wheel::default(), Arc::default());
        wheel.ring(NOW_MS);
        wheel.ring_at(&bell, NOW_MS + 5_000);
        assert!(!wheel.ring_at(&bell, NOW_MS + 6_000), "it is rung before anyway");
        assert!(wheel.ring_at(&bell, NOW_MS + 15));
        wheel.ring(NOW_MS + 20);
        assert_eq!(wheel.next_ms(), Some(NOW_MS + 5_000));
        assert!(is_rung(&bell));
        wheel.ring(NOW_MS + 5_000);
        assert_eq!(wheel.next_ms(), None);
        assert!(!is_rung(&bell), "that time is not its any more");
    }

    #[test]
    fn a_clock_that_is_set_back_rings_all() {
        let (wheel, bell) = (Wheel::default(), Arc::default());
        wheel.ring(NOW_MS);
        wheel.ring_at(&bell, NOW_MS + 5_000);
        wheel.ring(NOW_MS - 3_600_000);
        assert_eq!(wheel.next_ms(), None);
        assert!(is_rung(&bell));
    }
}
