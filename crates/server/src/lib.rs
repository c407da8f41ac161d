//! The way in: sockets, HTTP, limits, and from bytes to the service that answers them.
//!
//! This room knows HTTP and nothing of streams. Always: memory that a client can make us hold is bounded from the
//! request's head on (`limits.rs` names every bound), nothing that a client sends panics, and a stop lets every request
//! that has arrived be answered.

mod body;
mod budget;
mod calls;
mod dev;
mod drain;
mod events;
mod health;
mod host;
mod limits;
mod listener;
mod query;
mod reply;
mod request_id;
mod rooms;
mod route;
mod service;
mod stream;
mod ticker;
mod watch;
mod webhook;

pub use drain::Drained;
pub use limits::Limits;
pub use listener::{Config, Handle, Server, Services, Socket};
