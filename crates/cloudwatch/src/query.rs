//! What metrics say: statistics of metrics, and metric math over them.
//!
//! [`Plan::new`] understands queries and tells what is wrong with them; [`run`] reads what they need and computes them
//! all. GetMetricData and alarms of several metrics are the same here.

mod fetch;
mod label;
pub(crate) mod limits;
mod math;
mod plan;
mod run;
mod search;

use std::{future::poll_fn, task::Poll};

pub(crate) use label::zone_minutes;
pub(crate) use math::Grid as Range;
pub(crate) use plan::{Plan, check_alarm, is_id, is_period};
pub(crate) use run::{Run, run};

/// Who asks, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'s> {
    pub account: &'s str,
    pub region: &'s str,
    pub now_ms: u64,
    /// Of the client's time zone, east of UTC: for labels.
    pub zone_minutes: i64,
}

/// A time series that a query has as its result. An expression may have several.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct QueryResult {
    pub id: String,
    pub label: String,
    /// Start of a period in Unix ms, and the value; oldest first.
    pub points: Vec<(u64, f64)>,
    pub messages: Vec<Message>,
}

/// Something that the client should know about a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub code: &'static str,
    pub value: String,
}

/// Lets others run on this thread: long work stops for it now and then.
async fn breathe() {
    let mut has_waited = false;
    poll_fn(|context| {
        if has_waited {
            return Poll::Ready(());
        }
        has_waited = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
