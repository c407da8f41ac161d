//! The one question about permissions, asked by the dispatcher before an operation acts.

use nautilus_wire::AwsError;

use crate::Caller;

/// Proof that the caller may do what was asked. Not to be made elsewhere, not to be kept.
#[derive(Debug)]
#[must_use = "an operation acts only with the proof that it may"]
pub struct Authorized(());

/// Whether `caller` may do `action` (`kinesis:PutRecord`) on `resource` (an ARN, or `*`).
///
/// With `--dev`, the only mode so far, everyone may do everything. The refusal will be an AccessDeniedException.
pub fn authorize(_caller: &Caller, _action: &str, _resource: &str) -> Result<Authorized, AwsError> {
    Ok(Authorized(()))
}
