//! How fast: what a shard takes and gives in a second, and how often a control operation is answered.
//!
//! Everything here is decided by one look at one or two atomics, without a timer; what an operator lifted costs a
//! branch. A refusal takes nothing.

pub(crate) mod bucket;
pub(crate) mod control;
pub(crate) mod shard;

use self::{
    bucket::Rate,
    control::ControlRates,
    shard::{ReadRates, WriteRates},
};
use crate::limits::{Limit, Limits};

/// The rates that hold.
#[derive(Debug)]
pub(crate) struct Rates {
    pub writes: Option<WriteRates>,
    pub reads: Option<ReadRates>,
    /// Of each consumer's subscription to a shard.
    pub fan_out: Option<Rate>,
    /// Of the calls that ask for one.
    pub subscribe: Option<Rate>,
    pub control: ControlRates,
}

impl Rates {
    pub(crate) fn new(limits: &Limits) -> Rates {
        Rates {
            writes: WriteRates::new(limits),
            reads: ReadRates::new(limits),
            fan_out: limits.get(Limit::FanOutBytesPerShard).map(Rate::per_second),
            subscribe: limits.get(Limit::SubscribeCallsPerShard).map(Rate::per_second),
            control: ControlRates::new(limits),
        }
    }
}

#[cfg(test)]
mod tests;
