//! CloudWatch: what was measured, what is asked of it, alarms that fire.
//!
//! The door is [`CloudWatch`]: [`CloudWatch::call`] takes a caller, an operation's name and its input, authorises it
//! once, and answers in AWS's words. This room keeps alarms in the catalog and samples in the metric store, both given to
//! it; it knows no HTTP, opens no file, reads no clock but the one it was given, and spawns nothing.
//!
//! `ops.rs` is the table of operations, `catalog.rs` what is durable, `collect.rs` the way of a sample into the store.
//! `query/` answers what metrics say; `alarm/` holds what an alarm is, when it is looked at, and what its change does.

mod alarm;
#[cfg(test)]
mod bad_input;
mod catalog;
mod cloudwatch;
mod collect;
mod error;
mod figures;
mod limits;
mod metric;
mod ops;
mod query;
mod rules;
mod source;
#[cfg(test)]
mod testing;
mod token;
mod totals;

pub use cloudwatch::{CloudWatch, Parts};
pub use error::Error;
pub use figures::{Figures, StoreFigures};
pub use nautilus_metrics::{Dimension, Series};
pub use source::Source;
pub use totals::Total;

/// How the service is called on the wire.
pub const SERVICE: nautilus_wire::Service = nautilus_wire::Service {
    signing_name: "monitoring",
    target_prefix: "GraniteServiceVersion20100801",
    version: "2010-08-01",
    xml_namespace: "http://monitoring.amazonaws.com/doc/2010-08-01/",
    error_prefix: "com.amazonaws.cloudwatch.v2010_08_01#",
};
