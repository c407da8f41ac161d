//! MergeShards: makes one shard of two open neighbours.
//!
//! Both take records until the stream is ACTIVE again; then they are closed and their child is open, at once.
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_MergeShards.html>

use std::borrow::Cow;

use nautilus_wire::{Done, Members, rules::kinesis as rules};

use super::split_shard::open_shard;
use crate::{
    error::Error,
    input::{self, StreamRef},
    kinesis::{Ctx, Request},
    transitions,
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub stream: StreamRef<'a>,
    pub shard_to_merge: Cow<'a, str>,
    pub adjacent_shard_to_merge: Cow<'a, str>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            stream: StreamRef::read(members),
            shard_to_merge: members.required_string("ShardToMerge", &rules::SHARD_ID),
            adjacent_shard_to_merge: members
                .required_string("AdjacentShardToMerge", &rules::SHARD_ID),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(self.stream.address(request.caller)?.arn())
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Done, Error> {
    let at = input.stream.address(ctx.caller)?;
    let id = input::shard_id(at, &input.shard_to_merge)?;
    let adjacent = input::shard_id(at, &input.adjacent_shard_to_merge)?;

    transitions::reshard_stream(ctx.inner, at, move |_, stream, planner| {
        let (lower, upper) = (open_shard(stream, id)?, open_shard(stream, adjacent)?);
        // The lower one comes first: AWS refuses the other order.
        if !lower.range.is_followed_by(&upper.range) {
            return Err(Error::InvalidArgument(format!(
                "Shards {id} and {adjacent} in stream {} under account {} are not an adjacent pair \
                 of shards eligible for merging",
                stream.name, stream.account
            )));
        }
        planner.merge(lower.index, upper.index);
        Ok(())
    })
    .await?;
    Ok(Done)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    fn input(shard: &str, adjacent: &str) -> String {
        format!(
            r#"{{"StreamName":"s","ShardToMerge":"{shard}","AdjacentShardToMerge":"{adjacent}"}}"#
        )
    }

    #[test]
    fn the_child_has_both_ranges_and_names_both_parents() {
        let world = World::with_stream(3);
        let start = world.ok("ListShards", r#"{"StreamName":"s"}"#)["Shards"][1]["HashKeyRange"]
            ["StartingHashKey"]
            .clone();
        world.check("MergeShards", &input("1", "shardId-000000000002"), "");
        assert_eq!(world.open_shard_count("s"), 3);
        world.settle();

        let shards = world.shards("s");
        assert_eq!((shards.len(), world.open_shard_count("s")), (4, 2));
        for parent in &shards[1..3] {
            assert!(parent["SequenceNumberRange"]["EndingSequenceNumber"].is_string());
        }
        let child = &shards[3];
        assert_eq!(child["ParentShardId"], "shardId-000000000001");
        assert_eq!(child["AdjacentParentShardId"], "shardId-000000000002");
        let end = "340282366920938463463374607431768211455";
        assert_eq!(child["HashKeyRange"], json!({"StartingHashKey": start, "EndingHashKey": end}));
    }

    #[test]
    fn what_is_wrong_is_told_in_awss_words() {
        let world = World::with_stream(3);
        let check = |shard: &str, adjacent: &str, expected: &str| {
            world.check("MergeShards", &input(shard, adjacent), expected);
        };
        for (shard, adjacent) in [(0, 2), (1, 0), (1, 1)] {
            check(
                &shard.to_string(),
                &adjacent.to_string(),
                &format!(
                    "InvalidArgumentException: Shards shardId-00000000000{shard} and \
                     shardId-00000000000{adjacent} in stream s under account 000000000000 are not \
                     an adjacent pair of shards eligible for merging"
                ),
            );
        }
        check(
            "0",
            "7",
            "ResourceNotFoundException: Could not find shard shardId-000000000007 in stream s under \
             account 000000000000.",
        );
        check("0", "1", "");
        world.settle();
        check(
            "1",
            "2",
            "InvalidArgumentException: Shard shardId-000000000001 in stream s under account \
             000000000000 has already been merged or split, and thus is not eligible for merging or \
             splitting.",
        );
    }
}
