//! The service that `--apply` calls: Kinesis itself, in this process, through the same door as a client's request.

use nautilus_identity::{Caller, Identity};
use nautilus_kinesis::Kinesis;
use nautilus_wire::{AwsError, json};
use serde_json::Value as Json;

use super::env::ACCESS_KEY;
use crate::apply::{Api, ApiError};

/// Kinesis in one region, as the operator.
pub(super) struct Operator {
    kinesis: Kinesis,
    caller: Caller,
}

impl Operator {
    pub(super) fn new(kinesis: Kinesis, identity: &Identity, region: &str) -> Operator {
        Operator { kinesis, caller: identity.operator(ACCESS_KEY, region) }
    }
}

impl Api for Operator {
    async fn call(&self, operation: &str, input: Json) -> Result<Json, ApiError> {
        let text = input.to_string();
        let input = json::parse(text.as_bytes()).map_err(api_error)?;
        let answer = self.kinesis.call(&self.caller, operation, input).await.map_err(api_error)?;
        match answer.body.is_empty() {
            true => Ok(Json::Null),
            false => serde_json::from_slice(&answer.body).map_err(|error| ApiError {
                code: "InternalFailure".to_owned(),
                message: format!("{operation} answered what is no JSON: {error}"),
            }),
        }
    }
}

fn api_error(error: AwsError) -> ApiError {
    ApiError { code: error.code.into_owned(), message: error.message.unwrap_or_default() }
}
