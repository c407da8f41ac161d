//! Talks to the service: looks at streams, makes the plan's calls, waits until each stream is ACTIVE again.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value as Json, json};
use tokio::time::{sleep, timeout};

use super::{
    api::{Api, ApiError},
    fault::{ApplyError, Fault},
    plan::{Plan, Present, Step},
    stream::{ON_DEMAND, PROVISIONED, Stream},
};

/// Between two looks at a stream that is not ACTIVE, and before a call that was throttled is made again.
const PAUSE: Duration = Duration::from_millis(20);

/// Does the plan's work. What failed names its call; what was done before it stays done.
pub(super) async fn perform(api: &impl Api, plan: &Plan) -> Result<(), ApplyError> {
    for work in &plan.work {
        for step in &work.steps {
            let limit = step.wait.unwrap_or(work.stream.update_wait);
            let done = timeout(limit, take(api, &work.stream, step)).await;
            done.map_err(|_| {
                refused(&work.stream, step.operation, "the stream is not ACTIVE yet")
            })??;
        }
    }
    Ok(())
}

async fn take(api: &impl Api, stream: &Stream, step: &Step) -> Result<(), Fault> {
    while let Err(error) = api.call(step.operation, step.input.clone()).await {
        if !is_throttled(&error) {
            return Err(refused(stream, step.operation, &error.to_string()));
        }
        sleep(PAUSE).await;
    }
    if step.wait.is_some() {
        settled(api, stream).await?;
    }
    Ok(())
}

/// What Terraform's provider tries again.
fn is_throttled(error: &ApiError) -> bool {
    let limit = ["simultaneously be in CREATING or DELETING", "Rate exceeded for stream"];
    match error.code.as_str() {
        "ThrottlingException" | "ProvisionedThroughputExceededException" => true,
        "LimitExceededException" => limit.iter().any(|text| error.message.contains(text)),
        _ => false,
    }
}

/// The stream as it is, once it is in no passing state; nothing if there is none of its name.
pub(super) async fn present(
    api: &impl Api,
    stream: &Stream,
) -> Result<Option<Present>, ApplyError> {
    let settled = timeout(stream.update_wait, settled(api, stream)).await;
    let Some(summary) = settled
        .map_err(|_| refused(stream, "DescribeStreamSummary", "the stream is not ACTIVE yet"))??
    else {
        return Ok(None);
    };
    let tags = tags(api, stream).await?;
    let on_demand = summary["StreamModeDetails"]["StreamMode"] == ON_DEMAND;
    let metrics = items(&summary, "EnhancedMonitoring")
        .flat_map(|monitoring| items(monitoring, "ShardLevelMetrics"))
        .filter_map(|name| name.as_str().map(str::to_owned));
    Ok(Some(Present {
        mode: if on_demand { ON_DEMAND } else { PROVISIONED },
        shard_count: number(&summary, "OpenShardCount"),
        retention_hours: number(&summary, "RetentionPeriodHours"),
        metrics: metrics.collect(),
        tags,
    }))
}

/// Waits until the stream is ACTIVE or does not exist.
async fn settled(api: &impl Api, stream: &Stream) -> Result<Option<Json>, Fault> {
    let operation = "DescribeStreamSummary";
    loop {
        match api.call(operation, json!({ "StreamName": stream.name })).await {
            Ok(mut answer) => {
                let summary = answer["StreamDescriptionSummary"].take();
                if summary["StreamStatus"] == "ACTIVE" {
                    return Ok(Some(summary));
                }
            }
            Err(error) if error.code == "ResourceNotFoundException" => return Ok(None),
            Err(error) if is_throttled(&error) => {}
            Err(error) => return Err(refused(stream, operation, &error.to_string())),
        }
        sleep(PAUSE).await;
    }
}

/// The stream's tags but AWS's own, which no module can set.
async fn tags(api: &impl Api, stream: &Stream) -> Result<BTreeMap<String, String>, Fault> {
    let operation = "ListTagsForStream";
    let answer = api.call(operation, json!({ "StreamName": stream.name })).await;
    let answer = answer.map_err(|error| refused(stream, operation, &error.to_string()))?;
    let text = |tag: &Json, name: &str| tag[name].as_str().unwrap_or_default().to_owned();
    let tags = items(&answer, "Tags").map(|tag| (text(tag, "Key"), text(tag, "Value")));
    Ok(tags.filter(|(key, _)| !key.starts_with("aws:")).collect())
}

fn number(answer: &Json, name: &str) -> u64 {
    answer[name].as_u64().unwrap_or_default()
}

fn items<'j>(answer: &'j Json, name: &str) -> impl Iterator<Item = &'j Json> {
    answer[name].as_array().into_iter().flatten()
}

fn refused(stream: &Stream, operation: &str, why: &str) -> Fault {
    stream.fault(format!("{}: {operation}: {why}", stream.address))
}
