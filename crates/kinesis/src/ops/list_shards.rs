//! ListShards: a page of a stream's shards, open and closed, or of those that a filter finds.
//!
//! All pages of a list show the shards as they were when the first was asked for: a token keeps what was wanted and the
//! highest index of that moment. Only expired shards go meanwhile.
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListShards.html>

use std::{borrow::Cow, sync::Arc};

use nautilus_wire::{Members, Output as WireOutput, Writer, rules::kinesis as rules};

use crate::{
    catalog::Address,
    error::Error,
    input::{self, StreamRef, beside_token},
    kinesis::{Ctx, Request},
    limits,
    model::{
        ids::ShardId,
        seal::Kind,
        shard::Shard,
        stream::{Status, Stream},
    },
    next_token, retention,
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub stream: StreamRef<'a>,
    pub next_token: Option<Cow<'a, str>>,
    pub exclusive_start_shard_id: Option<Cow<'a, str>>,
    pub max_results: Option<i64>,
    pub stream_creation_timestamp_ms: Option<i64>,
    pub shard_filter: Option<ShardFilter<'a>>,
}

/// Which shards are wanted, in the client's words.
#[derive(Debug)]
pub(crate) struct ShardFilter<'a> {
    kind: Cow<'a, str>,
    shard_id: Option<Cow<'a, str>>,
    timestamp_ms: Option<i64>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            stream: StreamRef::read(members),
            next_token: members.string("NextToken", &rules::NEXT_TOKEN),
            exclusive_start_shard_id: members.string("ExclusiveStartShardId", &rules::SHARD_ID),
            max_results: members.integer("MaxResults", &rules::LIMIT),
            stream_creation_timestamp_ms: members.timestamp_ms("StreamCreationTimestamp"),
            shard_filter: members.structure("ShardFilter", |filter| ShardFilter {
                kind: filter.required_string("Type", &rules::SHARD_FILTER_TYPE),
                shard_id: filter.string("ShardId", &rules::SHARD_ID),
                timestamp_ms: filter.timestamp_ms("Timestamp"),
            }),
        }
    }

    /// The stream that is named, or that the token goes on with.
    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        let Some(token) = &self.next_token else {
            return Ok(self.named(request)?.arn());
        };
        if self.stream.is_given() {
            let name = if self.stream.name.is_some() { "StreamName" } else { "StreamARN" };
            return Err(beside_token(name));
        }
        Ok(Place::open(request, token)?.address().arn())
    }

    fn named<'s>(&'s self, request: &'s Request<'_>) -> Result<Address<'s>, Error> {
        if !self.stream.is_given() {
            let text = "Either NextToken or StreamName should be provided.";
            return Err(Error::InvalidArgument(text.to_owned()));
        }
        self.stream.address(request.caller)
    }

    fn refuse_beside_token(&self) -> Result<(), Error> {
        let excluded = [
            ("ExclusiveStartShardId", self.exclusive_start_shard_id.is_some()),
            ("StreamCreationTimestamp", self.stream_creation_timestamp_ms.is_some()),
            ("ShardFilter", self.shard_filter.is_some()),
        ];
        match excluded.iter().find(|(_, given)| *given) {
            Some((name, _)) => Err(beside_token(name)),
            None => Ok(()),
        }
    }
}

/// A list of shards: what its pages have in common, and where the next one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct List {
    wanted: Wanted,
    /// The first index that no shard had when the list was begun.
    next_index: u32,
    after: Option<ShardId>,
}

/// Which shards are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// The open ones.
    Latest,
    /// Those that were open at a moment.
    At(u64),
    /// Those that were open at a moment or later.
    From(u64),
}

impl Wanted {
    /// What a filter means now. The horizon is the earliest moment there is; but the shards of a moment must tile the
    /// hash space, and a clock that was wrong may have taken some of the horizon's away.
    fn by(filter: &ShardFilter<'_>, stream: &Stream, horizon_ms: u64) -> Result<Wanted, Error> {
        let timestamp_ms = || match filter.timestamp_ms {
            Some(given) => Ok(u64::try_from(given).unwrap_or(0).max(horizon_ms)),
            None => Err(filter.lacks("Timestamp")),
        };
        let at = |ms: u64| Wanted::At(ms.max(stream.shards.tile_from_ms()));
        Ok(match &*filter.kind {
            "AT_LATEST" => Wanted::Latest,
            "AT_TRIM_HORIZON" => at(horizon_ms),
            "AT_TIMESTAMP" => at(timestamp_ms()?),
            "FROM_TIMESTAMP" => Wanted::From(timestamp_ms()?),
            "AFTER_SHARD_ID" if filter.shard_id.is_none() => return Err(filter.lacks("ShardId")),
            _ => Wanted::From(horizon_ms),
        })
    }

    fn parse(kind: &str, ms: &str) -> Option<Wanted> {
        let ms = ms.parse().ok()?;
        match kind {
            "latest" => Some(Wanted::Latest),
            "at" => Some(Wanted::At(ms)),
            "from" => Some(Wanted::From(ms)),
            _ => None,
        }
    }

    fn parts(self) -> (&'static str, String) {
        match self {
            Wanted::Latest => ("latest", "0".to_owned()),
            Wanted::At(ms) => ("at", ms.to_string()),
            Wanted::From(ms) => ("from", ms.to_string()),
        }
    }
}

impl ShardFilter<'_> {
    fn lacks(&self, name: &str) -> Error {
        Error::InvalidArgument(format!(
            "{name} must be provided for a ShardFilter of type {}.",
            self.kind
        ))
    }
}

/// Where a list goes on: what its token holds.
struct Place {
    account: String,
    region: String,
    name: String,
    stream_id: String,
    list: List,
}

impl Place {
    fn open(request: &Request<'_>, token: &str) -> Result<Place, Error> {
        let (seal, now) = (&request.inner.seal, request.inner.now_ms());
        let [account, region, name, stream_id, kind, ms, next_index, after] =
            next_token::open(seal, Kind::ListShards, now, token)?;
        let list = || {
            let wanted = Wanted::parse(&kind, &ms)?;
            let after = Some(ShardId::parse(&after)?);
            Some(List { wanted, next_index: next_index.parse().ok()?, after })
        };
        let list = list().ok_or_else(|| Error::InvalidArgument("Invalid NextToken.".to_owned()))?;
        Ok(Place { account, region, name, stream_id, list })
    }

    fn address(&self) -> Address<'_> {
        Address { account: &self.account, region: &self.region, name: &self.name }
    }
}

#[derive(Debug)]
pub(crate) struct Output {
    shards: Vec<Shard>,
    next_token: Option<String>,
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Output, Error> {
    let request = Request { inner: ctx.inner, caller: ctx.caller };
    let (stream, list) = match &input.next_token {
        Some(token) => {
            input.refuse_beside_token()?;
            continued(ctx, &Place::open(&request, token)?)?
        }
        None => started(ctx, input.named(&request)?, &input)?,
    };

    let limit = input.max_results.and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.unwrap_or(usize::MAX).min(limits::LIST_SHARDS_MAX);
    let horizon_ms = retention::horizon_ms(&stream, ctx.inner.expiry_now_ms());
    let mut rest = list.shards(&stream, horizon_ms);
    let shards: Vec<Shard> = rest.by_ref().take(limit).collect();
    let next_token = match (rest.next(), shards.last()) {
        (Some(_), Some(last)) => Some(list.sealed_after(ctx, &stream, last.id())),
        _ => None,
    };
    Ok(Output { shards, next_token })
}

fn started(
    ctx: &Ctx<'_>,
    at: Address<'_>,
    input: &Input<'_>,
) -> Result<(Arc<Stream>, List), Error> {
    let stream = ctx.inner.stream(at)?;
    if input.stream_creation_timestamp_ms.is_some_and(|ms| !stream.was_created_at(ms)) {
        return Err(Error::stream_not_found(at));
    }
    if stream.status == Status::Creating {
        return Err(Error::not_active(at, stream.status));
    }
    let horizon_ms = retention::horizon_ms(&stream, ctx.inner.expiry_now_ms());
    let filter = input.shard_filter.as_ref();
    let wanted = |it| Wanted::by(it, &stream, horizon_ms);
    let wanted = filter.map_or(Ok(Wanted::From(horizon_ms)), wanted)?;
    let parse = |given: &str| input::shard_id(at, given);
    let start = input.exclusive_start_shard_id.as_deref().map(parse).transpose()?;
    let filtered = filter.filter(|filter| filter.kind == "AFTER_SHARD_ID");
    let filtered = filtered.and_then(|filter| filter.shard_id.as_deref()).map(parse).transpose()?;
    let list = List { wanted, next_index: stream.shards.next_index(), after: start.max(filtered) };
    Ok((stream, list))
}

fn continued(ctx: &Ctx<'_>, place: &Place) -> Result<(Arc<Stream>, List), Error> {
    let stream = ctx.inner.stream(place.address())?;
    match stream.id.to_string() == place.stream_id {
        true => Ok((stream, place.list)),
        false => Err(Error::stream_not_found(place.address())),
    }
}

impl List {
    /// The shards that are left, as they were when the list was begun.
    fn shards(self, stream: &Stream, horizon_ms: u64) -> impl Iterator<Item = Shard> {
        let rest = stream.shards.all().iter().filter(move |shard| {
            Some(shard.id()) > self.after
                && shard.index < self.next_index
                && shard.ended_not_before(horizon_ms)
        });
        rest.map(move |shard| self.as_it_was(shard)).filter(move |shard| match self.wanted {
            Wanted::Latest => shard.is_open(),
            Wanted::At(ms) => shard.was_open_at(ms),
            Wanted::From(ms) => shard.ended_not_before(ms),
        })
    }

    /// A shard whose children came after the list was begun was open then.
    fn as_it_was(self, shard: &Shard) -> Shard {
        let mut shard = shard.clone();
        shard.closed = shard
            .closed
            .filter(|closed| closed.children.iter().all(|&child| child < self.next_index));
        shard
    }

    fn sealed_after(self, ctx: &Ctx<'_>, stream: &Stream, last: ShardId) -> String {
        let Stream { account, region, name, id, .. } = stream;
        let (kind, ms) = self.wanted.parts();
        let (id, next_index, last) = (id.to_string(), self.next_index.to_string(), last.text());
        let parts = [account, region, name, &*id, kind, &ms, &next_index, last.as_str()];
        next_token::seal(&ctx.inner.seal, Kind::ListShards, ctx.inner.now_ms(), &parts)
    }
}

impl WireOutput for Output {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_list("Shards", &self.shards, |w, shard| shard.write(w));
            if let Some(token) = &self.next_token {
                w.field_str("NextToken", token);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    fn list(world: &World, input: &str) -> (Vec<String>, Option<String>) {
        let answer = world.ok("ListShards", input);
        let shards = answer["Shards"].as_array().expect("a list");
        let ids = shards.iter().map(|shard| shard["ShardId"].as_str().expect("text").to_owned());
        let token = answer.get("NextToken").map(|token| token.as_str().expect("text").to_owned());
        (ids.collect(), token)
    }

    #[test]
    fn pages_go_on_by_token() {
        let world = World::with_stream(3);
        let (first, token) = list(&world, r#"{"StreamName":"s","MaxResults":2}"#);
        assert_eq!(first, ["shardId-000000000000", "shardId-000000000001"]);
        let token = token.expect("there is more");
        let input = format!(r#"{{"NextToken":"{token}","MaxResults":2}}"#);
        assert_eq!(list(&world, &input), (vec!["shardId-000000000002".to_owned()], None));

        world.check(
            "ListShards",
            &format!(r#"{{"NextToken":"{token}","StreamName":"s"}}"#),
            "InvalidArgumentException: NextToken and StreamName cannot be provided together.",
        );
        for (rest, name) in [
            (r#""StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s""#, "StreamARN"),
            (r#""ShardFilter":{"Type":"AT_LATEST"}"#, "ShardFilter"),
            (r#""ExclusiveStartShardId":"0""#, "ExclusiveStartShardId"),
        ] {
            let input = format!(r#"{{"NextToken":"{token}",{rest}}}"#);
            let expected = format!(
                "InvalidArgumentException: NextToken and {name} cannot be provided together."
            );
            world.check("ListShards", &input, &expected);
        }
        world.advance(300_001);
        let error = world.error("ListShards", &input);
        assert!(error.starts_with("ExpiredNextTokenException: "), "{error}");
    }

    #[test]
    fn a_token_does_not_outlive_its_stream() {
        let world = World::with_stream(3);
        let (_, token) = list(&world, r#"{"StreamName":"s","MaxResults":2}"#);
        world.check("DeleteStream", r#"{"StreamName":"s"}"#, "");
        world.settle();
        world.create("s", 3);
        world.check(
            "ListShards",
            &format!(r#"{{"NextToken":"{}"}}"#, token.expect("there is more")),
            "ResourceNotFoundException: Stream s under account 000000000000 not found.",
        );
    }

    #[test]
    fn every_filter_finds_the_open_shards() {
        let world = World::with_stream(2);
        for filter in [
            r#"{"Type":"AT_TRIM_HORIZON"}"#,
            r#"{"Type":"FROM_TRIM_HORIZON"}"#,
            r#"{"Type":"AT_LATEST"}"#,
            r#"{"Type":"AT_TIMESTAMP","Timestamp":1}"#,
            r#"{"Type":"FROM_TIMESTAMP","Timestamp":1795489205.5}"#,
        ] {
            let input = format!(r#"{{"StreamName":"s","ShardFilter":{filter}}}"#);
            assert_eq!(list(&world, &input).0.len(), 2, "{filter}");
        }
        let after = r#"{"StreamName":"s","ShardFilter":{"Type":"AFTER_SHARD_ID","ShardId":"0"}}"#;
        assert_eq!(list(&world, after).0, ["shardId-000000000001"]);
        let after = r#"{"StreamName":"s","ExclusiveStartShardId":"shardId-000000000000"}"#;
        assert_eq!(list(&world, after).0, ["shardId-000000000001"]);
        let error = world
            .error("ListShards", r#"{"StreamName":"s","ShardFilter":{"Type":"AT_TIMESTAMP"}}"#);
        assert!(error.starts_with("InvalidArgumentException: Timestamp must"), "{error}");
    }

    #[test]
    fn a_stream_must_be_named_and_exist_and_be_created() {
        let world = World::new();
        world.check(
            "ListShards",
            "{}",
            "InvalidArgumentException: Either NextToken or StreamName should be provided.",
        );
        world.check(
            "ListShards",
            r#"{"StreamName":"s"}"#,
            "ResourceNotFoundException: Stream s under account 000000000000 not found.",
        );
        world.check("CreateStream", r#"{"StreamName":"s","ShardCount":1}"#, "");
        world.check(
            "ListShards",
            r#"{"StreamName":"s"}"#,
            "ResourceInUseException: Stream s under account 000000000000 not ACTIVE, instead in \
             state CREATING",
        );
    }

    #[test]
    fn the_creation_time_tells_namesakes_apart() {
        let world = World::with_stream(1);
        let created = world.created_second("s");
        let input =
            |second: u64| format!(r#"{{"StreamName":"s","StreamCreationTimestamp":{second}}}"#);
        assert_eq!(list(&world, &input(created)).0.len(), 1);
        world.check(
            "ListShards",
            &input(created - 1),
            "ResourceNotFoundException: Stream s under account 000000000000 not found.",
        );
    }

    /// The indexes of the shards that a filter finds, in pages of two.
    fn found(world: &World, filter: &str) -> Vec<u32> {
        let input = format!(r#"{{"StreamName":"s","MaxResults":2,"ShardFilter":{{{filter}}}}}"#);
        let shards = world.list_shards(&input);
        let index = |shard: &serde_json::Value| {
            let id = shard["ShardId"].as_str().expect("text");
            id.trim_start_matches("shardId-").parse().expect("a number")
        };
        shards.iter().map(index).collect()
    }

    fn at(world: &World, kind: &str, ms: u64) -> Vec<u32> {
        let time = format!("{}.{:03}", ms / 1000, ms % 1000);
        found(world, &format!(r#""Type":"{kind}_TIMESTAMP","Timestamp":{time}"#))
    }

    #[test]
    fn each_filter_is_right_at_every_moment() {
        let world = World::with_stream(2);
        world.advance(10_000);
        world.split("s", "0", "1000");
        let split_ms = world.now_ms();
        world.advance(10_000);
        world.merge("s", "3", "1");
        let merge_ms = world.now_ms();
        world.advance(10_000);

        for (ms, open, from) in [
            (1, &[0, 1][..], &[0, 1, 2, 3, 4][..]),
            (split_ms, &[0, 1], &[0, 1, 2, 3, 4]),
            (split_ms + 1, &[1, 2, 3], &[1, 2, 3, 4]),
            (merge_ms, &[1, 2, 3], &[1, 2, 3, 4]),
            (merge_ms + 1, &[2, 4], &[2, 4]),
        ] {
            assert_eq!(at(&world, "AT", ms), open, "{ms}");
            assert_eq!(at(&world, "FROM", ms), from, "{ms}");
        }
        assert_eq!(found(&world, r#""Type":"AT_LATEST""#), [2, 4]);
        assert_eq!(found(&world, r#""Type":"FROM_TRIM_HORIZON""#), [0, 1, 2, 3, 4]);
        assert_eq!(found(&world, r#""Type":"AFTER_SHARD_ID","ShardId":"1""#), [2, 3, 4]);

        // The horizon passes over the split, then over the merge, ticked or not.
        let day_ms = 24 * 3_600_000;
        for (now_ms, open, from) in [
            (split_ms, &[0, 1][..], &[0, 1, 2, 3, 4][..]),
            (split_ms + 1, &[1, 2, 3], &[1, 2, 3, 4]),
            (merge_ms, &[1, 2, 3], &[1, 2, 3, 4]),
            (merge_ms + 1, &[2, 4], &[2, 4]),
        ] {
            for tick in [false, true] {
                world.set_now(now_ms + day_ms);
                if tick {
                    world.run(world.room().kinesis.tick());
                }
                assert_eq!(found(&world, r#""Type":"AT_TRIM_HORIZON""#), open, "{now_ms}");
                assert_eq!(found(&world, r#""Type":"FROM_TRIM_HORIZON""#), from, "{now_ms}");
                assert_eq!(at(&world, "AT", 1), open, "before the horizon is at the horizon");
                assert_eq!(at(&world, "FROM", 1), from);
            }
        }
    }

    #[test]
    fn intermediates_were_open_at_no_moment() {
        let world = World::with_stream(2);
        let input = r#"{"StreamName":"s","TargetShardCount":3,"ScalingType":"UNIFORM_SCALING"}"#;
        world.ok("UpdateShardCount", input);
        world.settle();
        let now = world.now_ms();
        let open = found(&world, r#""Type":"AT_LATEST""#);
        assert_eq!(open.len(), 3);
        assert!(found(&world, r#""Type":"FROM_TRIM_HORIZON""#).len() > 5, "there are some");
        assert_eq!(at(&world, "AT", now), [0, 1]);
        world.advance(1);
        assert_eq!(at(&world, "AT", now + 1), open);
    }

    #[test]
    fn the_pages_of_a_list_show_one_moment() {
        let world = World::with_stream(3);
        for filter in ["", r#","ShardFilter":{"Type":"AT_LATEST"}"#] {
            let input = format!(r#"{{"StreamName":"s","MaxResults":2{filter}}}"#);
            let (_, token) = list(&world, &input);
            let open = world.shards("s").pop().expect("the last one is open");
            let last = open["ShardId"].as_str().expect("text").to_owned();
            let key = |name: &str| -> u128 {
                open["HashKeyRange"][name].as_str().expect("text").parse().expect("a number")
            };
            let (start, end) = (key("StartingHashKey"), key("EndingHashKey"));
            let key = start + (end - start) / 2;
            let before =
                list(&world, &format!(r#"{{"NextToken":"{}"}}"#, token.clone().expect("more")));

            world.split("s", &last, &key.to_string());
            let input = format!(r#"{{"NextToken":"{}"}}"#, token.expect("more"));
            assert_eq!(list(&world, &input), before, "no child of that split is in it");
            let shown =
                world.ok("ListShards", &input)["Shards"].as_array().expect("a list").clone();
            let shown = shown.last().expect("the one that was split");
            assert!(shown["SequenceNumberRange"].get("EndingSequenceNumber").is_none());
        }
    }
}
