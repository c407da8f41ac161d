//! The looks at one stream: each must show what the model says, in every state.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::{Prepared, shards};
use crate::{
    counts::Outcome,
    model::{Filter, Look, Status, Violation},
    reply::{Call, Reply, list, number, text},
    world::World,
};

/// A look that shows a part of a stream.
struct Describe {
    name: String,
    operation: &'static str,
    input: Json,
    filter: Filter,
    /// What an answer counts as.
    event: Option<&'static str>,
}

const OPERATIONS: [&str; 8] = [
    "DescribeStreamSummary",
    "DescribeStream",
    "ListShards",
    "ListShards",
    "ListShards",
    "ListTagsForStream",
    "ListTagsForResource",
    "DescribeLimits",
];

pub(super) fn sample(world: &mut World) -> Option<Box<dyn Prepared>> {
    let name = world.some_name();
    let operation = *world.chance.pick(&OPERATIONS)?;
    let (mut filter, mut event) = (Filter::All { after: None }, None);
    let input = match operation {
        "ListShards" => {
            let given;
            (filter, given, event) = shards::some_filter(world, &name);
            json!({ "StreamName": name, "ShardFilter": given })
        }
        "ListTagsForResource" => json!({ "ResourceARN": world.arn(&name) }),
        "DescribeLimits" => json!({}),
        _ => json!({ "StreamName": name }),
    };
    Some(Box::new(Describe { name, operation, input, filter, event }))
}

impl Prepared for Describe {
    fn call(&self) -> Call {
        Call { operation: self.operation, input: self.input.clone() }
    }

    fn settle(self: Box<Self>, world: &mut World, reply: Reply) -> Result<Outcome, Violation> {
        let stream = world.model.stream(&self.name);
        let passing = matches!(
            stream.map(|stream| stream.status),
            Some(Status::Creating { .. } | Status::Deleting { .. })
        );
        match &reply {
            Reply::Done(answer) => {
                self.compare(world, answer)?;
                Ok(Outcome::Done)
            }
            Reply::Refused { code, .. } if stream.is_none() => match code.as_str() {
                "ResourceNotFoundException" => Ok(Outcome::Refused),
                _ => Err(reply.unexpected("ResourceNotFoundException")),
            },
            Reply::Refused { code, .. } => {
                if self.operation == "ListShards" && passing && code == "ResourceInUseException" {
                    return Ok(Outcome::Refused);
                }
                Err(reply.unexpected("success"))
            }
            Reply::Lost(_) => Ok(Outcome::Lost),
        }
    }
}

impl Describe {
    fn compare(&self, world: &mut World, answer: &Json) -> Result<(), Violation> {
        if self.operation == "DescribeLimits" {
            let open = world.model.streams().values().map(|stream| stream.look().shard_count);
            return same("OpenShardCount", number(answer, "OpenShardCount")?, open.sum());
        }
        let name = &self.name;
        let stream = world.model.stream(name).cloned();
        let stream = stream.ok_or_else(|| Violation::new(format!("{name} is there: {answer}")))?;
        let look = stream.look();
        match self.operation {
            "DescribeStreamSummary" => {
                let summary = &answer["StreamDescriptionSummary"];
                same("summary", look_of(summary, look.tags.clone())?, look)
            }
            "DescribeStream" => {
                let description = &answer["StreamDescription"];
                same("status", text(description, "StreamStatus")?, &look.status)?;
                if description["HasMoreShards"] == true {
                    return Ok(());
                }
                self.check_shards(world, stream.incarnation, list(description, "Shards")?)
            }
            "ListShards" => self.check_shards(world, stream.incarnation, list(answer, "Shards")?),
            _ => same("tags", tags_of(answer)?, look.tags),
        }
    }

    /// The shards that the filter must find are there, and no others.
    fn check_shards(
        &self,
        world: &mut World,
        incarnation: u64,
        shards: &[Json],
    ) -> Result<(), Violation> {
        let found = shards.iter().map(|shard| Ok(shards::listed(shard)?.index));
        let found: Vec<usize> = found.collect::<Result<_, Violation>>()?;
        let floors = world.model.floors(&self.name, world.now_ms());
        // A stream that is being made has none, nor one that was given up then.
        if world.model.stream(&self.name).is_some_and(|stream| stream.look().shard_count == 0) {
            return same("shards", found, Vec::new());
        }
        world.counts.event(self.event.unwrap_or("list AT_LATEST"), u64::from(self.event.is_some()));
        let topology = world.model.incarnation(incarnation).topology();
        topology.check_filter(self.filter, &found, floors)
    }
}

/// Looks at a stream from all sides; nothing if there is none.
pub(crate) fn look(world: &mut World, name: &str) -> Result<Option<Look>, Violation> {
    let ask = |world: &mut World, operation| {
        let reply = world.ask(Call { operation, input: json!({ "StreamName": name }) })?;
        match reply {
            Reply::Done(answer) => Ok(Some(answer)),
            Reply::Refused { code, .. } if code == "ResourceNotFoundException" => Ok(None),
            other => Err(other.unexpected("a look or ResourceNotFoundException")),
        }
    };
    let summary = ask(world, "DescribeStreamSummary")?;
    let tags = ask(world, "ListTagsForStream")?;
    match (summary, tags) {
        (None, None) => Ok(None),
        (Some(summary), Some(tags)) => {
            look_of(&summary["StreamDescriptionSummary"], tags_of(&tags)?).map(Some)
        }
        (summary, tags) => {
            Err(Violation::new(format!("{name} is there and is not: {summary:?}, {tags:?}")))
        }
    }
}

fn look_of(summary: &Json, tags: BTreeMap<String, String>) -> Result<Look, Violation> {
    let metrics = list(&summary["EnhancedMonitoring"][0], "ShardLevelMetrics")?;
    let metrics: BTreeSet<String> =
        metrics.iter().filter_map(Json::as_str).map(str::to_owned).collect();
    Ok(Look {
        status: text(summary, "StreamStatus")?.to_owned(),
        retention_hours: number(summary, "RetentionPeriodHours")?,
        shard_count: number(summary, "OpenShardCount")?,
        metrics,
        tags,
    })
}

fn tags_of(answer: &Json) -> Result<BTreeMap<String, String>, Violation> {
    let tag = |tag: &Json| Ok((text(tag, "Key")?.to_owned(), text(tag, "Value")?.to_owned()));
    list(answer, "Tags")?.iter().map(tag).collect()
}

/// Compares what is seen with what must be.
pub(super) fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    seen: T,
    expected: T,
) -> Result<(), Violation> {
    if seen == expected {
        return Ok(());
    }
    Err(Violation::new(format!("{what}: expected {expected:?}, got {seen:?}")))
}
