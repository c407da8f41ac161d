//! The shards of a stream as lists show them: what every list must agree with, and where the model learns them.

use serde_json::{Value as Json, json};

use crate::{
    model::{Filter, Listed, Range, Sequence, Status, Violation},
    reply::{Call, Reply, list, shard_id, shard_index, text},
    world::World,
};

/// A shard of ListShards or DescribeStream.
pub(super) fn listed(shard: &Json) -> Result<Listed, Violation> {
    let numbers = &shard["SequenceNumberRange"];
    let parents = ["ParentShardId", "AdjacentParentShardId"];
    let parents = parents.iter().filter_map(|name| shard[name].as_str()).map(shard_index);
    Ok(Listed {
        index: shard_index(text(shard, "ShardId")?)?,
        range: range(shard)?,
        parents: parents.collect::<Result<_, _>>()?,
        start: Sequence::new(text(numbers, "StartingSequenceNumber")?),
        end: numbers["EndingSequenceNumber"].as_str().map(Sequence::new),
    })
}

/// The HashKeyRange of a shard.
pub(super) fn range(shard: &Json) -> Result<Range, Violation> {
    let key = |name| {
        let key = text(&shard["HashKeyRange"], name)?.parse();
        key.map_err(|error| Violation::new(format!("{error} in {shard}")))
    };
    Ok(Range { start: key("StartingHashKey")?, end: key("EndingHashKey")? })
}

/// Learns the shards of every stream that has some. If the disk stopped, a reshard may be finished or not.
pub(crate) fn learn_all(world: &mut World) -> Result<(), Violation> {
    let has_shards = |status| matches!(status, Status::Active | Status::Updating { .. });
    for name in world.model.names(has_shards) {
        learn(world, &name).map_err(|violation| violation.at(&name))?;
    }
    world.looked();
    Ok(())
}

/// Learns the shards of one stream, by pages of its list; answers which are there, if there is an answer.
pub(super) fn learn(world: &mut World, name: &str) -> Result<Vec<usize>, Violation> {
    let max = *world.chance.pick(&[2, 5, 1000]).unwrap_or(&1000);
    let mut input = json!({ "StreamName": name, "MaxResults": max });
    let mut shards = Vec::new();
    loop {
        let call = Call { operation: "ListShards", input };
        let answer = match world.try_ask(call)? {
            Reply::Done(answer) => answer,
            _ if world.is_down() => return Ok(Vec::new()),
            other => return Err(other.unexpected("a list of shards")),
        };
        for shard in list(&answer, "Shards")? {
            shards.push(listed(shard)?);
        }
        let Some(token) = answer["NextToken"].as_str() else { break };
        input = json!({ "NextToken": token, "MaxResults": max });
    }
    let (is_early, at, now_ms) = (world.is_down(), world.since_last_look(), world.now_ms());
    let (made, vanished) = world.model.learn_shards(name, &shards, is_early, at, now_ms)?;
    world.counts.event("shards made by a reshard", made as u64);
    world.counts.event("closed shard vanished", vanished as u64);
    Ok(shards.iter().map(|shard| shard.index).collect())
}

/// A filter of ListShards, in our words and in AWS's, and the event that it counts as.
pub(super) fn some_filter(world: &mut World, name: &str) -> (Filter, Json, Option<&'static str>) {
    let count = world.model.shard_count(name).max(1);
    let back_ms = match world.chance.below(3) {
        0 => world.chance.below(2_000),
        1 => world.chance.below(600_000),
        _ => world.chance.below(30 * 3_600_000),
    };
    let ms = world.now_ms() - back_ms;
    let after = world.chance.below(count as u64) as usize;
    let filter = |kind| json!({ "Type": kind });
    let at = |kind| json!({ "Type": kind, "Timestamp": seconds(ms) });
    match world.chance.below(7) {
        0 => (Filter::Latest, filter("AT_LATEST"), Some("list AT_LATEST")),
        1 => (Filter::At(0), filter("AT_TRIM_HORIZON"), Some("list AT_TRIM_HORIZON")),
        2 => (Filter::At(ms), at("AT_TIMESTAMP"), Some("list AT_TIMESTAMP")),
        3 => (Filter::From(ms), at("FROM_TIMESTAMP"), Some("list FROM_TIMESTAMP")),
        4 => {
            let input = json!({ "Type": "AFTER_SHARD_ID", "ShardId": shard_id(after) });
            (Filter::All { after: Some(after) }, input, Some("list AFTER_SHARD_ID"))
        }
        5 => (Filter::All { after: None }, filter("FROM_TRIM_HORIZON"), None),
        _ => (Filter::All { after: None }, Json::Null, None),
    }
}

/// A moment as AWS's JSON writes it.
pub(super) fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}
