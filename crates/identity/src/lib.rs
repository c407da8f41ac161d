//! Who calls, and whether they may: a request's credential becomes a [`Caller`], and [`authorize`] decides what that
//! caller may do.
//!
//! A `Caller` is made only here, and nothing acts on a resource without the [`Authorized`] that only [`authorize`]
//! gives. So signatures, users and policies change this crate and no operation. Until they are built there is one
//! mode, `--dev`: every credential is believed, everything is allowed.

mod authorization;
mod caller;
pub mod sts;

pub use authorization::{Authorized, authorize};
pub use caller::{Caller, Identity, SignedParts};
