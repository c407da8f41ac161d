//! A small SNS: topics, subscriptions, and messages that reach HTTP endpoints at least once.
//!
//! The door is [`Sns`]: [`Sns::call`] answers operations, [`Sns::publish`] takes messages of other rooms. What is to be
//! sent is told by [`Sns::due`], what became of it is told to [`Sns::report`]: this room keeps the state of deliveries and
//! opens no socket, reads no clock but the one it was given, and spawns nothing.
//!
//! `ops.rs` is the table of operations, `catalog.rs` what is durable, `outbox.rs` the way of a message, `reach.rs` which
//! endpoints may be reached at all, `envelope.rs` what they get.

mod catalog;
mod dead_letters;
mod delivery_policy;
mod envelope;
mod error;
mod figures;
mod filter;
mod ids;
mod limits;
mod model;
mod ops;
mod outbox;
mod paging;
mod policy;
mod reach;
mod rules;
mod signature;
mod sns;
mod tags;
#[cfg(test)]
mod testing;

pub use envelope::Request;
pub use error::Error;
pub use figures::Figures;
pub use outbox::{Attempt, DeliveryOutcome, DeliveryResult, Outcome, Publish};
pub use reach::{Reach, Refused, Target};
pub use signature::CERTIFICATE_PATH;
pub use sns::{Options, SERVICE, Sns};
