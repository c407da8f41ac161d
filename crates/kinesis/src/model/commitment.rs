//! The account setting MinimumThroughputBillingCommitment, which makes "On-demand Advantage" of an account in a region.
//!
//! Always: a commitment ends no earlier than a day after its beginning. Its end is a moment, not an event: nothing
//! happens then, and whoever asks is told by the clock.

use serde::{Deserialize, Serialize};

use crate::limits::COMMITMENT_MS_MIN;

/// See the module. The default was never asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Commitment {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    started_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends_ms: Option<u64>,
}

/// What a commitment is at some moment, as AWS shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CommitmentState {
    pub status: &'static str,
    pub started_ms: Option<u64>,
    pub ended_ms: Option<u64>,
    pub earliest_allowed_end_ms: Option<u64>,
}

impl Commitment {
    /// Asked for at that moment. One that is to end goes on.
    pub(crate) fn enabled(self, now_ms: u64) -> Commitment {
        let started_ms = self.started_ms.filter(|_| self.holds_at(now_ms)).or(Some(now_ms));
        Commitment { started_ms, ends_ms: None }
    }

    /// Given up at that moment: it ends as soon as it may.
    pub(crate) fn disabled(self, now_ms: u64) -> Commitment {
        match (self.started_ms, self.ends_ms) {
            (Some(started_ms), None) => {
                let ends_ms = now_ms.max(started_ms + COMMITMENT_MS_MIN);
                Commitment { ends_ms: Some(ends_ms), ..self }
            }
            _ => self,
        }
    }

    /// Whether what it unlocks may be had at that moment.
    pub(crate) fn holds_at(self, now_ms: u64) -> bool {
        self.started_ms.is_some() && self.ends_ms.is_none_or(|ends_ms| now_ms < ends_ms)
    }

    pub(crate) fn state_at(self, now_ms: u64) -> CommitmentState {
        let Commitment { started_ms, ends_ms } = self;
        let holds = self.holds_at(now_ms);
        CommitmentState {
            status: match (holds, ends_ms) {
                (false, _) => "DISABLED",
                (true, None) => "ENABLED",
                (true, Some(_)) => "ENABLED_UNTIL_EARLIEST_ALLOWED_END",
            },
            started_ms,
            ended_ms: ends_ms.filter(|_| !holds),
            earliest_allowed_end_ms: started_ms
                .filter(|_| holds)
                .map(|started_ms| started_ms + COMMITMENT_MS_MIN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_795_489_200_000;
    const DAY_MS: u64 = 24 * 3_600_000;

    #[test]
    fn a_commitment_lasts_a_day_at_least() {
        let never = Commitment::default();
        assert_eq!(never.state_at(NOW_MS).status, "DISABLED");
        assert_eq!(never.disabled(NOW_MS), never);

        let ending = never.enabled(NOW_MS).disabled(NOW_MS + 5);
        let state = ending.state_at(NOW_MS + DAY_MS - 1);
        assert_eq!(state.status, "ENABLED_UNTIL_EARLIEST_ALLOWED_END");
        assert_eq!(state.earliest_allowed_end_ms, Some(NOW_MS + DAY_MS));
        assert_eq!(ending.disabled(NOW_MS + 9), ending, "asked twice");
        let state = ending.state_at(NOW_MS + DAY_MS);
        assert_eq!((state.status, state.ended_ms), ("DISABLED", Some(NOW_MS + DAY_MS)));
    }

    #[test]
    fn after_a_day_it_ends_at_once() {
        let later = NOW_MS + 2 * DAY_MS;
        let ended = Commitment::default().enabled(NOW_MS).disabled(later);
        assert_eq!(ended.state_at(later).ended_ms, Some(later));
    }

    #[test]
    fn an_end_that_is_to_come_can_be_taken_back_and_one_that_came_cannot() {
        let ending = Commitment::default().enabled(NOW_MS).disabled(NOW_MS);
        assert_eq!(ending.enabled(NOW_MS + 9).state_at(NOW_MS + 9).started_ms, Some(NOW_MS));
        let later = NOW_MS + DAY_MS;
        assert_eq!(ending.enabled(later).state_at(later).started_ms, Some(later));
    }
}
