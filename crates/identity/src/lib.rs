//! Who calls, and whether they may: a request's credential becomes a [`Caller`], and [`authorize`] decides what that
//! caller may do.
//!
//! A `Caller` is made only here, and nothing acts on a resource without the [`Authorized`] that only this crate gives. So
//! signatures and users change this crate and no operation. Until they are built there is one mode, `--dev`: every
//! credential is believed, and every identity may do everything in its own account. Policies of resources hold: see
//! [`Policy`].

mod authorization;
mod caller;
mod policy;
pub mod sts;

pub use authorization::{Authorized, Resource, authorize, authorize_operator};
pub use caller::{Caller, Identity, SignedParts, partition};
pub use policy::{Policy, PolicyError, Statement};
