//! SplitShard: divides an open shard in two at a hash key.
//!
//! The shard takes records until the stream is ACTIVE again; then it is closed and its two children are open, at once.
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_SplitShard.html>

use std::borrow::Cow;

use nautilus_wire::{Done, Members, rules::kinesis as rules};

use crate::{
    catalog::Address,
    error::Error,
    input::{self, StreamRef},
    kinesis::{Ctx, Request},
    model::{
        hash_range::{HashKey, HashRange},
        ids::ShardId,
        shard::Shard,
        stream::Stream,
    },
    quota, transitions,
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub stream: StreamRef<'a>,
    pub shard_to_split: Cow<'a, str>,
    pub new_starting_hash_key: Cow<'a, str>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            stream: StreamRef::read(members),
            shard_to_split: members.required_string("ShardToSplit", &rules::SHARD_ID),
            new_starting_hash_key: members.required_string("NewStartingHashKey", &rules::HASH_KEY),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(self.stream.address(request.caller)?.arn())
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Done, Error> {
    let at = input.stream.address(ctx.caller)?;
    let id = input::shard_id(at, &input.shard_to_split)?;
    let key = input.new_starting_hash_key.into_owned();
    let limits = ctx.inner.config.limits;

    transitions::reshard_stream(ctx.inner, at, move |snapshot, stream, planner| {
        let shard = open_shard(stream, id)?;
        let key = split_key(stream, shard, &key)?;
        quota::check_new_shards(snapshot, Address::of(stream), 1, &limits)?;
        planner.split(shard.index, key);
        Ok(())
    })
    .await?;
    Ok(Done)
}

/// The shard, if it is there and has not been split or merged yet.
pub(super) fn open_shard(stream: &Stream, id: ShardId) -> Result<&Shard, Error> {
    let shard = stream.shard(id);
    let at = Address::of(stream);
    let shard = shard.ok_or_else(|| Error::shard_unreadable(at, id.text().as_str()))?;
    match shard.is_open() {
        true => Ok(shard),
        false => Err(Error::InvalidArgument(format!(
            "Shard {id} in stream {} under account {} has already been merged or split, and thus is \
             not eligible for merging or splitting.",
            at.name, at.account
        ))),
    }
}

fn split_key(stream: &Stream, shard: &Shard, text: &str) -> Result<HashKey, Error> {
    let HashRange { start, end } = shard.range;
    // 39 digits hold more than the space.
    let key = text.parse::<HashKey>().ok().filter(|key| key.0 > start.0.saturating_add(1));
    key.filter(|key| *key < end).ok_or_else(|| {
        Error::InvalidArgument(format!(
            "NewStartingHashKey {text} used in SplitShard() on shard {} in stream {} under account \
             {} is not both greater than one plus the shard's StartingHashKey {start} and less than \
             the shard's EndingHashKey {end}.",
            shard.id(),
            stream.name,
            stream.account
        ))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    const HALF: &str = "170141183460469231731687303715884105728";
    const END: &str = "340282366920938463463374607431768211455";

    fn input(shard: &str, key: &str) -> String {
        format!(r#"{{"StreamName":"s","ShardToSplit":"{shard}","NewStartingHashKey":"{key}"}}"#)
    }

    #[test]
    fn the_parent_takes_records_until_its_children_are_there() {
        let world = World::with_stream(1);
        world.put("s", "k", b"before");
        world.check("SplitShard", &input("shardId-000000000000", HALF), "");
        assert_eq!(world.status("s"), "UPDATING");
        let shards = world.shards("s");
        assert_eq!(shards.len(), 1, "no child is shown before its parent is closed");
        assert!(shards[0]["SequenceNumberRange"].get("EndingSequenceNumber").is_none());
        let last = world.put("s", "k", b"meanwhile");

        world.settle();
        assert_eq!(world.status("s"), "ACTIVE");
        let shards = world.shards("s");
        assert_eq!(shards.len(), 3);
        let end = shards[0]["SequenceNumberRange"]["EndingSequenceNumber"].as_str().expect("text");
        assert!(end > last.as_str());
        let ranges = [("0", "170141183460469231731687303715884105727"), (HALF, END)];
        for (shard, (start, end_key)) in shards[1..].iter().zip(ranges) {
            assert_eq!(shard["ParentShardId"], "shardId-000000000000");
            assert!(shard.get("AdjacentParentShardId").is_none());
            let range = json!({"StartingHashKey": start, "EndingHashKey": end_key});
            assert_eq!(shard["HashKeyRange"], range);
            let number = &shard["SequenceNumberRange"];
            assert!(number["StartingSequenceNumber"].as_str().expect("text") > end);
            assert!(number.get("EndingSequenceNumber").is_none());
        }
        assert_eq!(world.open_shard_count("s"), 2);
        assert_eq!(world.ok("DescribeLimits", "{}")["OpenShardCount"], 2);
        world.put("s", "k", b"after");
        assert_eq!(world.read_all("s", 0), [&b"before"[..], b"meanwhile"]);
    }

    #[test]
    fn what_is_wrong_is_told_in_awss_words() {
        let world = World::with_stream(2);
        let check = |shard: &str, key: &str, expected: &str| {
            world.check("SplitShard", &input(shard, key), expected);
        };
        for key in ["0", "1", "170141183460469231731687303715884105727", &"9".repeat(39)] {
            check(
                "0",
                key,
                &format!(
                    "InvalidArgumentException: NewStartingHashKey {key} used in SplitShard() on \
                     shard shardId-000000000000 in stream s under account 000000000000 is not both \
                     greater than one plus the shard's StartingHashKey 0 and less than the shard's \
                     EndingHashKey 170141183460469231731687303715884105727."
                ),
            );
        }
        let missing = |shard: &str| {
            format!(
                "ResourceNotFoundException: Could not find shard {shard} in stream s under account \
                 000000000000."
            )
        };
        check("shardId-5", "5", &missing("shardId-000000000005"));
        check("what", "5", &missing("what"));
        check("0", "2", "");
        check(
            "shardId-5",
            "5",
            "ResourceInUseException: Stream s under account 000000000000 not ACTIVE, instead in \
             state UPDATING",
        );
        world.settle();
        check(
            "0",
            "5",
            "InvalidArgumentException: Shard shardId-000000000000 in stream s under account \
             000000000000 has already been merged or split, and thus is not eligible for merging or \
             splitting.",
        );
        let elsewhere = input("0", "5").replace("\"s\"", "\"t\"");
        let not_found = "ResourceNotFoundException: Stream t under account 000000000000 not found.";
        world.check("SplitShard", &elsewhere, not_found);
    }

    #[test]
    fn a_stream_on_demand_is_not_split_by_hand() {
        let world = World::with_stream(1);
        let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
        let mode = r#"{"StreamMode":"ON_DEMAND"}"#;
        let to_demand = format!(r#"{{"StreamARN":"{arn}","StreamModeDetails":{mode}}}"#);
        world.check("UpdateStreamMode", &to_demand, "");
        world.settle();
        let expected = "ValidationException: Request is invalid. Stream s under account \
                        000000000000 is in On-Demand mode.";
        world.check("SplitShard", &input("0", HALF), expected);
    }

    #[test]
    fn the_shard_limit_is_the_accounts() {
        let world = World::new();
        world.create("big", 19_999);
        world.create("s", 1);
        let error = world.error("SplitShard", &input("0", HALF));
        assert!(
            error.starts_with(
                "LimitExceededException: This request would exceed the shard limit for the account \
                 000000000000 in us-east-1. Current shard count for the account: 20000. Limit: \
                 20000. Number of additional shards that would have resulted from this request: 1."
            ),
            "{error}"
        );
    }

    #[test]
    fn splits_within_a_second_keep_numbers_growing() {
        let world = World::with_stream(1);
        let mut last = world.put("s", "k", b"0");
        let mut keys: Vec<String> = (0..4).map(|bit| (1u128 << (120 - bit)).to_string()).collect();
        keys.insert(0, HALF.to_owned());
        for key in keys {
            let open = world.shard_of("s", "0");
            world.check("SplitShard", &input(&open, &key), "");
            // No time passes but what the transition takes.
            world.settle_without_time();
            let next = world.put_at("s", "0", b"x");
            assert!((next.len(), &next) > (last.len(), &last), "{last} {next}");
            last = next;
        }
    }
}
