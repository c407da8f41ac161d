//! The streams of `--stream`: made before the server is ready, unless there are some of their names.

use std::time::Duration;

use nautilus_identity::Identity;
use serde_json::json;
use tokio::time::sleep;

use super::{
    engine::Engine,
    failure::{CONFIG, Failure},
    provision::Operator,
};
use crate::{
    apply::{Api, Service},
    config::InitialStream,
};

/// The region of a stream whose own is not said.
const USUAL_REGION: &str = "us-east-1";
/// Before a call that was throttled is made again, and between two looks at a stream.
const PAUSE: Duration = Duration::from_millis(20);

/// Makes them; answers when all of them are ACTIVE.
pub(super) async fn make(streams: &[InitialStream], engine: &Engine) -> Result<(), Failure> {
    for stream in streams {
        create(stream, &operator(stream, engine)).await?;
    }
    for stream in streams {
        while !is_active(stream, &operator(stream, engine)).await? {
            sleep(PAUSE).await;
        }
    }
    Ok(())
}

fn operator(stream: &InitialStream, engine: &Engine) -> Operator {
    let region = stream.region.as_deref().unwrap_or(USUAL_REGION);
    Operator::new(engine, &Identity::dev(), region)
}

async fn create(stream: &InitialStream, api: &Operator) -> Result<(), Failure> {
    let input = json!({ "StreamName": stream.name, "ShardCount": stream.shard_count });
    while let Err(error) = api.call(Service::Kinesis, "CreateStream", input.clone()).await {
        match error.code.as_str() {
            "ResourceInUseException" => return Ok(()),
            "LimitExceededException" if error.message.contains("simultaneously") => {
                sleep(PAUSE).await;
            }
            _ => return Err(refused(stream, &error.to_string())),
        }
    }
    Ok(())
}

async fn is_active(stream: &InitialStream, api: &Operator) -> Result<bool, Failure> {
    let input = json!({ "StreamName": stream.name });
    let answer = api.call(Service::Kinesis, "DescribeStreamSummary", input).await;
    let answer = answer.map_err(|error| refused(stream, &error.to_string()))?;
    Ok(answer["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE")
}

fn refused(stream: &InitialStream, why: &str) -> Failure {
    Failure::new(CONFIG, format!("the stream `{}` cannot be made: {why}", stream.name))
}
