//! What the data operations are counted as: the metrics of CloudWatch's namespace `AWS/Kinesis`.
//!
//! Counting takes no lock and, but for the first of its kind, allocates nothing: atomics that belong to the stream, to the
//! shard (only what EnableEnhancedMonitoring has switched on), to the consumer (`counts.rs`), and are shared by all
//! snapshots. What can be had from other counts is not counted: `tell.rs` makes it when it is asked.
//!
//! A call counts (`call.rs`) from where it has found its stream and is valid; from there on it succeeds, is throttled or
//! has failed, and a client that hangs up before the outcome is known has met a failure. It belongs to the minute in
//! which its outcome was known. Its latency is from there to there, without the body's way in and out.
//!
//! Bytes are of data and partition keys: what the shards' limits count, which these metrics are watched for.
//! AWS: <https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html>

mod call;
mod counts;
mod fan_out;
mod registry;
mod shards;
mod tell;
#[cfg(test)]
mod tests;

use nautilus_stats::Distribution;

pub(crate) use self::{
    call::{Call, fail_call},
    counts::{ConsumerCounts, GetRecords, PutRecord, PutRecords, ShardCounts, StreamCounts},
    fan_out::{Subscribing, ToldEvent, not_told, subscribed, told},
    registry::Meters,
};
use crate::kinesis::Kinesis;

const MINUTE_MS: u64 = 60_000;

/// What was counted of one metric in one minute.
#[derive(Debug)]
pub struct Measured<'a> {
    /// Whose it is.
    pub account: &'a str,
    /// Where.
    pub region: &'a str,
    /// AWS's name of the metric, in the namespace `AWS/Kinesis`.
    pub name: &'static str,
    /// AWS's name of the unit.
    pub unit: &'static str,
    /// By AWS's names, in the order in which AWS lists them.
    pub dimensions: &'a [(&'static str, &'a str)],
    /// The samples; there is at least one.
    pub distribution: Distribution,
}

impl Kinesis {
    /// Tells what was counted in a minute (since 1970), and forgets it: all that is told of a minute adds up to what
    /// happened in it. A metric without samples is not told, as it is missing with AWS.
    ///
    /// There is room for two minutes: what was not asked for is told with the minute after the next.
    pub fn measure(&self, minute: u64, tell: &mut dyn FnMut(Measured<'_>)) {
        self.inner().meters.measure(minute, tell);
    }
}
