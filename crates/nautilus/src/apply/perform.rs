//! Talks to the services: looks at resources, makes the plan's calls, waits until each resource is settled again.

use std::time::Duration;

use serde_json::Value as Json;
use tokio::time::{sleep, timeout};

use super::{
    api::{Api, ApiError},
    fault::{ApplyError, Fault},
    plan::Plan,
    resource::{Call, Look, Step},
    scope::Found,
    wanted::{Item, Wanted},
};

/// Between two looks at what is in a passing state, and before a call that was throttled is made again.
const PAUSE: Duration = Duration::from_millis(20);

/// Everything that the module wants and the service has, in no passing state.
pub(super) async fn look(api: &impl Api, wanted: &Wanted) -> Result<Found, ApplyError> {
    let mut found = Found::new();
    for item in &wanted.items {
        let present = patiently(item, item.resource.patience(), present(api, item)).await?;
        found.extend(present.map(|present| (item.address.clone(), present)));
    }
    Ok(found)
}

/// Does the plan's work. What failed names its call; what was done before it stays done.
pub(super) async fn perform(api: &impl Api, plan: &Plan<'_>) -> Result<(), ApplyError> {
    for work in &plan.work {
        for step in &work.steps {
            let limit = step.wait.unwrap_or(work.item.resource.patience());
            let taken = patiently(work.item, limit, take(api, work.item, step)).await;
            taken.map_err(|fault| ApplyError::from(fault).half_way())?;
        }
    }
    Ok(())
}

async fn patiently<T>(
    item: &Item,
    limit: Duration,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let late = || item.place.fault(format!("{}: is not ACTIVE after {limit:?}", item.address));
    timeout(limit, work).await.map_err(|_| late())?
}

async fn take(api: &impl Api, item: &Item, step: &Step) -> Result<(), Fault> {
    call(api, item, &step.call).await?;
    if step.wait.is_some() {
        present(api, item).await?;
    }
    Ok(())
}

/// The resource as it is, in no passing state, all answers about it taken together; nothing if there is none.
async fn present(api: &impl Api, item: &Item) -> Result<Option<Json>, Fault> {
    let mut answers = Vec::new();
    loop {
        match item.resource.look(&answers) {
            Look::Ask(call) => {
                match api.call(call.service, call.operation, call.input.clone()).await {
                    Ok(answer) => answers.push(answer),
                    Err(error) if is_absent(&error) => return Ok(None),
                    Err(error) if is_throttled(&error) => sleep(PAUSE).await,
                    Err(error) => return Err(refused(item, &call, &error)),
                }
            }
            Look::Absent => return Ok(None),
            Look::Passing => {
                answers.clear();
                sleep(PAUSE).await;
            }
            Look::Settled => return Ok(Some(together(answers))),
        }
    }
}

/// One object of all answers; what two of them have is the later one's.
fn together(answers: Vec<Json>) -> Json {
    let members = answers.into_iter().flat_map(|answer| match answer {
        Json::Object(members) => members,
        _ => serde_json::Map::new(),
    });
    Json::Object(members.collect())
}

async fn call(api: &impl Api, item: &Item, call: &Call) -> Result<Json, Fault> {
    loop {
        match api.call(call.service, call.operation, call.input.clone()).await {
            Ok(answer) => return Ok(answer),
            Err(error) if is_throttled(&error) => sleep(PAUSE).await,
            Err(error) => return Err(refused(item, call, &error)),
        }
    }
}

/// That there is no such thing, in the words of Kinesis and CloudWatch, and of SNS.
fn is_absent(error: &ApiError) -> bool {
    matches!(error.code.as_str(), "ResourceNotFoundException" | "ResourceNotFound" | "NotFound")
}

/// What Terraform's provider tries again.
fn is_throttled(error: &ApiError) -> bool {
    let limit = ["simultaneously be in CREATING or DELETING", "Rate exceeded for stream"];
    match error.code.as_str() {
        "ThrottlingException" | "Throttling" | "Throttled" => true,
        "ProvisionedThroughputExceededException" => true,
        "LimitExceededException" => limit.iter().any(|text| error.message.contains(text)),
        _ => false,
    }
}

fn refused(item: &Item, call: &Call, error: &ApiError) -> Fault {
    item.place.fault(format!("{}: {}: {error}", item.address, call.operation))
}
