//! The protocols that AWS's clients speak, and nothing else.
//!
//! A request's body becomes a [`Value`]; an operation reads its input from it through [`Members`], which gathers
//! every violated constraint in AWS's words; it answers with an [`Output`], which a [`Writer`] turns into bytes;
//! whatever goes wrong on the way is an [`AwsError`]. This crate keeps no state, opens no file, reads no clock and
//! knows no stream: the same bytes always give the same answer, and no bytes at all make it panic.

mod answer;
mod blob;
pub mod cbor;
mod error;
pub mod event_stream;
pub mod json;
pub mod limits;
mod members;
mod output;
mod protocol;
pub mod query;
mod report;
pub mod rules;
mod service;
pub mod time;
mod uuid;
mod value;

pub use answer::{Answer, Done, Empty, IntoAnswer};
pub use blob::Blob;
pub use error::AwsError;
pub use members::Members;
pub use output::{Output, Writer};
pub use protocol::Protocol;
pub use report::{MemberSpec, Shape};
pub use service::Service;
pub use uuid::Uuid;
pub use value::{Number, Value};
