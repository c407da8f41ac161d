//! Kinesis Data Streams: the model of streams and shards, and one file for each operation.
//!
//! The door is [`Kinesis`]: [`Kinesis::call`] takes a caller, an operation's name and its input, authorises it once,
//! and answers in AWS's words. This room keeps its state in the catalog and its records in the journal, both given
//! to it; it knows no HTTP, opens no file, reads no clock but the one it was given, and spawns nothing.
//!
//! `ops.rs` is the table of operations, `append.rs` the way of a record in, `transitions.rs` what happens between
//! calls, `catalog.rs` what is durable. `model/` holds what Kinesis is made of; shards divide in `model/reshard.rs`
//! (plans) and `model/shards.rs` (their result), and `transitions.rs` brings the one to the other.

mod append;
mod catalog;
mod description;
mod error;
mod input;
mod kinesis;
mod limits;
mod model;
mod monitoring;
mod next_token;
mod ops;
mod owner;
mod quota;
#[cfg(test)]
mod reshard_tests;
mod retention;
mod retention_period;
mod tags;
#[cfg(test)]
mod testing;
mod transitions;
mod utc;

pub use error::Error;
pub use kinesis::{Config, Kinesis, Shards, living_shards};
pub use owner::ShardOwner;
