//! Effective times, when a clock was wrong.
//!
//! An arrival in the future came by a clock that is wrong, then or now. It counts as arrived when something came behind
//! it that is not in the future, or as arrived now: so it keeps alive nothing that comes later, and loses nothing. What
//! really arrived is kept beside it, because it may be the present clock that is wrong: once an arrival is in the future
//! no more, it counts as what it is.
//!
//! Always: effective times never go back along a shard, and none is before the arrival of a record at or before it,
//! unless that is in the future.

use std::sync::atomic::Ordering;

use super::shard::{Index, Shard};

/// A clock may be set back by so much: then what was the newest time stays that for a while, and is not in the future.
/// And so often at most are the times of a shard worked out again as the clock passes over arrivals that were.
const SMALL_STEP_MS: u64 = 60_000;

impl Shard {
    /// Sees to it that effective times are right for the clock's present time.
    pub fn settle(&self, now_ms: impl FnOnce() -> u64) {
        if self.unsettled_from_ms.load(Ordering::Acquire) == u64::MAX {
            return;
        }
        let now_ms = now_ms();
        if now_ms >= self.unsettled_from_ms.load(Ordering::Acquire) {
            self.settle_times(&mut self.index.write(), now_ms);
        }
    }

    /// The same for what arrives at `now_ms`.
    pub(super) fn settle_for_arrival(&self, index: &mut Index, now_ms: u64) {
        let is_behind = self.arrival_ms_max() > now_ms.saturating_add(SMALL_STEP_MS);
        if is_behind || now_ms >= self.unsettled_from_ms.load(Ordering::Acquire) {
            self.settle_times(index, now_ms);
        }
    }

    fn settle_times(&self, index: &mut Index, now_ms: u64) {
        let mut times = Times::new(now_ms, SMALL_STEP_MS);
        let spans = index.spans.iter_mut().map(|span| {
            let effective_ms = &mut span.effective_ms;
            (span.first_arrival_ms, span.arrival_ms_max, effective_ms)
        });
        let runs = index
            .runs
            .iter_mut()
            .map(|run| (run.run.first_arrival_ms, run.run.arrival_ms_max, &mut run.effective_ms));
        for (first_ms, max_ms, effective_ms) in spans.chain(runs) {
            times.raw_ms = times.raw_ms.max(max_ms);
            times.next(first_ms, max_ms, effective_ms);
        }
        let (indexed_ms, mut next_ms) = times.end();

        // Older frames of the tail's first run may have left memory: each frame knows what was before it.
        let mut times = Times::new(now_ms, SMALL_STEP_MS);
        for frame in &mut index.tail {
            times.raw_ms = frame.raw_ms;
            let arrival_ms = frame.view.arrival_ms();
            times.next(arrival_ms, arrival_ms, &mut frame.effective_ms);
        }
        let (tail_ms, next_in_tail_ms) = times.end();
        next_ms = next_ms.min(next_in_tail_ms);

        let mut before_ms = 0;
        for span in &mut index.spans {
            span.effective_before_ms = before_ms;
            before_ms = span.effective_ms;
        }
        self.set_arrival_ms_max(match indexed_ms.max(tail_ms) {
            0 => self.arrival_ms_max().min(now_ms),
            ms => ms,
        });
        let next_ms = match next_ms {
            u64::MAX => u64::MAX,
            ms => (ms - SMALL_STEP_MS).max(now_ms + SMALL_STEP_MS),
        };
        self.unsettled_from_ms.store(next_ms, Ordering::Release);
    }
}

/// Works out effective times along a shard.
struct Times<'a> {
    now_ms: u64,
    /// What is later is in the future.
    known_ms: u64,
    /// The largest arrival so far.
    raw_ms: u64,
    /// The largest that is not in the future.
    effective_ms: u64,
    /// The effective times that are not known yet: something in the future was before them.
    pending: Vec<&'a mut u64>,
    /// The earliest arrival in the future.
    future_ms: u64,
}

impl<'a> Times<'a> {
    fn new(now_ms: u64, step_ms: u64) -> Times<'a> {
        Times {
            now_ms,
            known_ms: now_ms.saturating_add(step_ms),
            raw_ms: 0,
            effective_ms: 0,
            pending: Vec::new(),
            future_ms: u64::MAX,
        }
    }

    /// The next stretch of records, with the arrivals of its first and largest.
    fn next(&mut self, first_ms: u64, max_ms: u64, effective_ms: &'a mut u64) {
        if self.raw_ms <= self.known_ms {
            self.effective_ms = self.raw_ms;
            *effective_ms = self.raw_ms;
            return;
        }
        if (self.effective_ms..=self.known_ms).contains(&first_ms) {
            self.arrived_by(first_ms);
        }
        if max_ms > self.known_ms {
            let future_ms = if first_ms > self.known_ms { first_ms } else { max_ms };
            self.future_ms = self.future_ms.min(future_ms);
            self.pending.push(effective_ms);
            return;
        }
        let is_known = self.pending.is_empty() || max_ms >= self.effective_ms;
        self.pending.push(effective_ms);
        if is_known {
            self.arrived_by(self.effective_ms.max(max_ms));
        }
    }

    /// All that was so far had arrived by then.
    fn arrived_by(&mut self, ms: u64) {
        self.effective_ms = ms;
        self.pending.drain(..).for_each(|pending| *pending = ms);
    }

    /// The last effective time, and the earliest arrival in the future.
    fn end(mut self) -> (u64, u64) {
        if !self.pending.is_empty() {
            self.arrived_by(self.effective_ms.max(self.now_ms));
        }
        (self.effective_ms, self.future_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Effective times at `now_ms` of records that arrived at these times.
    fn settled(now_ms: u64, arrivals: &[u64]) -> Vec<u64> {
        let mut effective = vec![0; arrivals.len()];
        let mut times = Times::new(now_ms, 0);
        for (&arrival_ms, effective_ms) in arrivals.iter().zip(&mut effective) {
            times.raw_ms = times.raw_ms.max(arrival_ms);
            times.next(arrival_ms, arrival_ms, effective_ms);
        }
        times.end();
        effective
    }

    #[test]
    fn what_is_in_the_future_counts_as_arrived_when_the_clock_was_seen_to_be_right() {
        for (now_ms, arrivals, expected) in [
            (50, &[10, 20, 15, 30][..], &[10, 20, 20, 30][..]),
            // Wrong ahead, then set right.
            (50, &[10, 99, 30, 40], &[10, 30, 30, 40]),
            (50, &[10, 99, 98], &[10, 50, 50]),
            (50, &[99, 30, 98, 40], &[30, 30, 40, 40]),
            // Until that time comes.
            (99, &[10, 99, 30, 40], &[10, 99, 99, 99]),
            // Wrong behind, and it still is.
            (5, &[10, 20, 3, 4], &[3, 3, 3, 4]),
            (5, &[10, 20], &[5, 5]),
            // And set right.
            (50, &[10, 20, 3, 4, 30], &[10, 20, 20, 20, 30]),
            // Both.
            (50, &[10, 99, 3, 4], &[10, 50, 50, 50]),
            (50, &[10, 99, 3, 40, 4], &[10, 40, 40, 40, 40]),
        ] {
            assert_eq!(settled(now_ms, arrivals), expected, "{arrivals:?} at {now_ms}");
        }
    }

    #[test]
    fn effective_times_never_go_back_and_nothing_known_is_earlier_than_it_arrived() {
        let times = [0, 1, 2, 5, 9];
        for mut code in 0..5_u32.pow(6) {
            let mut arrivals = Vec::new();
            for _ in 0..5 {
                arrivals.push(times[(code % 5) as usize]);
                code /= 5;
            }
            for now_ms in times {
                let effective = settled(now_ms, &arrivals);
                assert!(effective.is_sorted(), "{arrivals:?} at {now_ms}: {effective:?}");
                for (arrival_ms, effective_ms) in arrivals.iter().zip(&effective) {
                    let known = *arrival_ms <= now_ms;
                    assert!(!known || effective_ms >= arrival_ms, "{arrivals:?} at {now_ms}");
                    assert!(*effective_ms <= now_ms, "{arrivals:?} at {now_ms}: {effective:?}");
                }
            }
        }
    }
}
