//! The services that `--apply` calls: the rooms themselves, in this process, through the same doors as a client's request.

use nautilus_cloudwatch::CloudWatch;
use nautilus_identity::{Caller, Identity};
use nautilus_kinesis::Kinesis;
use nautilus_sns::Sns;
use nautilus_wire::{AwsError, Protocol, json};
use serde_json::Value as Json;

use super::{engine::Engine, env::ACCESS_KEY};
use crate::apply::{Api, ApiError, Service};

/// The services of one region, as the operator.
pub(super) struct Operator {
    kinesis: Kinesis,
    cloudwatch: CloudWatch,
    sns: Sns,
    caller: Caller,
}

impl Operator {
    pub(super) fn new(engine: &Engine, identity: &Identity, region: &str) -> Operator {
        Operator {
            kinesis: engine.kinesis(),
            cloudwatch: engine.cloudwatch(),
            sns: engine.sns(),
            caller: identity.operator(ACCESS_KEY, region),
        }
    }
}

impl Api for Operator {
    async fn call(&self, service: Service, operation: &str, input: Json) -> Result<Json, ApiError> {
        let text = input.to_string();
        let input = json::parse(text.as_bytes()).map_err(api_error)?;
        let (protocol, caller) = (Protocol::Json10, &self.caller);
        let answer = match service {
            Service::Kinesis => self.kinesis.call(caller, operation, input).await,
            Service::CloudWatch => self.cloudwatch.call(protocol, caller, operation, input).await,
            Service::Sns => self.sns.call(protocol, caller, operation, input).await,
        };
        let answer = answer.map_err(api_error)?;
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
