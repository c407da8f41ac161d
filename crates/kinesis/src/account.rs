//! The settings of an account in a region: what DescribeAccountSettings and UpdateAccountSettings show.

use nautilus_wire::{Output, Writer};

use crate::model::commitment::CommitmentState;

/// See the module.
#[derive(Debug)]
pub(crate) struct Settings(pub CommitmentState);

impl Output for Settings {
    fn write<W: Writer>(&self, w: &mut W) {
        let CommitmentState { status, started_ms, ended_ms, earliest_allowed_end_ms } = self.0;
        let times = [
            ("StartedAt", started_ms),
            ("EndedAt", ended_ms),
            ("EarliestAllowedEndAt", earliest_allowed_end_ms),
        ];
        w.map(|w| {
            w.field_map("MinimumThroughputBillingCommitment", |w| {
                w.field_str("Status", status);
                for (name, ms) in times {
                    if let Some(ms) = ms {
                        w.field_timestamp_ms(name, ms);
                    }
                }
            });
        });
    }
}
