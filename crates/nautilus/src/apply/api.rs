//! The services that `--apply` talks to: a trait, so that the same plan runs against the real rooms and a model.

use std::future::Future;

use serde_json::Value as Json;

/// Whose operation it is: names like `TagResource` exist in several services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Kinesis Data Streams.
    Kinesis,
    /// CloudWatch.
    CloudWatch,
    /// SNS.
    Sns,
}

/// The services of one region, called as account 000000000000.
pub trait Api: Send + Sync {
    /// Calls an operation with its JSON input; an operation without output answers `null`.
    fn call(
        &self,
        service: Service,
        operation: &str,
        input: Json,
    ) -> impl Future<Output = Result<Json, ApiError>> + Send;
}

/// An error as AWS answers it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// `ResourceNotFoundException`, for example.
    pub code: String,
    /// AWS's text.
    pub message: String,
}
