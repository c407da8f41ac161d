//! Kinesis Data Streams: the model of streams and shards, and one file for each operation.
//!
//! The door is [`Kinesis`]: [`Kinesis::call`] takes a caller, an operation's name and its input, authorises it once,
//! and answers in AWS's words. This room keeps its state in the catalog and its records in the journal, both given
//! to it; it knows no HTTP, opens no file, reads no clock but the one it was given, and spawns nothing.
//!
//! `ops.rs` is the table of operations, `append.rs` the way of a record in, `transitions.rs` what happens between
//! calls, `catalog.rs` what is durable. `model/` holds what Kinesis is made of; shards divide in `model/reshard.rs`
//! (plans) and `model/shards.rs` (their result), and `transitions.rs` brings the one to the other.

mod account;
mod append;
#[cfg(test)]
mod bad_input;
mod catalog;
mod consumers;
mod description;
mod encryption;
mod error;
mod faults;
mod figures;
mod gate;
mod input;
mod kinesis;
mod limits;
mod metrics;
mod model;
mod monitoring;
mod next_token;
mod on_demand;
mod ops;
mod owner;
mod page;
mod policy;
mod quota;
mod rates;
#[cfg(test)]
mod regressions;
#[cfg(test)]
mod reshard_tests;
mod resource;
mod retention;
mod retention_period;
mod service;
mod start;
mod subscription;
mod tags;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod time_tables;
mod transitions;
mod utc;

pub use error::Error;
pub use faults::{AddedFault, Fault, FaultAction, Faults};
pub use figures::Figures;
pub use kinesis::{Config, Kinesis, Shards, living_shards};
pub use limits::{Limit, Limits};
pub use metrics::Measured;
pub use ops::Response;
pub use owner::ShardOwner;
pub use service::{OperationSpec, operations};
pub use subscription::{Subscription, Told};
