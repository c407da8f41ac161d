//! ListShards: a page of a stream's shards, all of which are open.
//!
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListShards.html>

use std::{borrow::Cow, sync::Arc};

use nautilus_wire::{Members, Output as WireOutput, Writer, rules::kinesis as rules};

use crate::{
    catalog::Address,
    error::Error,
    input::StreamRef,
    kinesis::{Ctx, Request},
    limits,
    model::{
        ids::ShardId,
        seal::Kind,
        stream::{Status, Stream},
    },
    next_token,
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

/// Which shards are wanted.
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
            let text = "NextToken and StreamName cannot be provided together.";
            return Err(Error::InvalidArgument(text.to_owned()));
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
        ];
        match excluded.iter().find(|(_, given)| *given) {
            Some((name, _)) => Err(Error::InvalidArgument(format!(
                "NextToken and {name} cannot be provided together."
            ))),
            None => Ok(()),
        }
    }
}

/// Where a list goes on: what its token holds.
struct Place {
    account: String,
    region: String,
    name: String,
    stream_id: String,
    after: ShardId,
}

impl Place {
    fn open(request: &Request<'_>, token: &str) -> Result<Place, Error> {
        let (seal, now) = (&request.inner.seal, request.inner.now_ms());
        let [account, region, name, stream_id, after] =
            next_token::open(seal, Kind::ListShards, now, token)?;
        let after = ShardId::parse(&after)
            .ok_or_else(|| Error::InvalidArgument("Invalid NextToken.".to_owned()))?;
        Ok(Place { account, region, name, stream_id, after })
    }

    fn address(&self) -> Address<'_> {
        Address { account: &self.account, region: &self.region, name: &self.name }
    }
}

#[derive(Debug)]
pub(crate) struct Output {
    stream: Arc<Stream>,
    after: Option<ShardId>,
    limit: usize,
    next_token: Option<String>,
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Output, Error> {
    let request = Request { inner: ctx.inner, caller: ctx.caller };
    let (stream, after) = match &input.next_token {
        Some(token) => {
            input.refuse_beside_token()?;
            continued(ctx, &Place::open(&request, token)?)?
        }
        None => started(ctx, input.named(&request)?, &input)?,
    };

    let limit = input.max_results.and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.unwrap_or(usize::MAX).min(limits::LIST_SHARDS_MAX);
    let mut output = Output { stream, after, limit, next_token: None };
    output.next_token = output.sealed_place(ctx);
    Ok(output)
}

fn started(
    ctx: &Ctx<'_>,
    at: Address<'_>,
    input: &Input<'_>,
) -> Result<(Arc<Stream>, Option<ShardId>), Error> {
    let stream = ctx.inner.stream(at)?;
    let created_second = stream.created_ms as i64 / 1000;
    if input.stream_creation_timestamp_ms.is_some_and(|wanted| wanted / 1000 != created_second) {
        return Err(Error::stream_not_found(at));
    }
    if stream.status == Status::Creating {
        return Err(Error::not_active(at, stream.status));
    }
    let filtered = input.shard_filter.as_ref().and_then(|filter| filter.shard_id.as_deref());
    let after = match &input.shard_filter {
        Some(filter) => {
            filter.check()?;
            filtered.filter(|_| filter.kind == "AFTER_SHARD_ID")
        }
        None => None,
    };
    let after = after.or(input.exclusive_start_shard_id.as_deref());
    let after = match after {
        Some(given) => {
            Some(ShardId::parse(given).ok_or_else(|| Error::shard_unreadable(at, given))?)
        }
        None => None,
    };
    Ok((stream, after))
}

fn continued(ctx: &Ctx<'_>, place: &Place) -> Result<(Arc<Stream>, Option<ShardId>), Error> {
    let stream = ctx.inner.stream(place.address())?;
    match stream.id.to_string() == place.stream_id {
        true => Ok((stream, Some(place.after))),
        false => Err(Error::stream_not_found(place.address())),
    }
}

impl ShardFilter<'_> {
    /// All shards are open, and of the stream's first generation: every time at or after the stream's beginning finds
    /// all of them, and earlier ones are moved up to it. So only what a type needs is looked at.
    fn check(&self) -> Result<(), Error> {
        let missing = match &*self.kind {
            "AFTER_SHARD_ID" => self.shard_id.is_none().then_some("ShardId"),
            "AT_TIMESTAMP" | "FROM_TIMESTAMP" => self.timestamp_ms.is_none().then_some("Timestamp"),
            _ => None,
        };
        match missing {
            Some(name) => Err(Error::InvalidArgument(format!(
                "{name} must be provided for a ShardFilter of type {}.",
                self.kind
            ))),
            None => Ok(()),
        }
    }
}

impl Output {
    fn rest(&self) -> impl Iterator<Item = &crate::model::shard::Shard> + Clone {
        self.stream.shards.iter().filter(|shard| Some(shard.id()) > self.after)
    }

    fn sealed_place(&self, ctx: &Ctx<'_>) -> Option<String> {
        self.rest().nth(self.limit)?;
        let last = self.rest().nth(self.limit - 1)?;
        let Stream { account, region, name, id, .. } = &*self.stream;
        let (id, last) = (id.to_string(), last.id().text());
        let parts = [account, region, name, &*id, last.as_str()];
        Some(next_token::seal(&ctx.inner.seal, Kind::ListShards, ctx.inner.now_ms(), &parts))
    }
}

impl WireOutput for Output {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_list("Shards", self.rest().take(self.limit), |w, shard| shard.write(w));
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
        let error = world.error(
            "ListShards",
            r#"{"StreamName":"s","ShardFilter":{"Type":"AT_TIMESTAMP"}}"#,
        );
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
        let input = |second: u64| {
            format!(r#"{{"StreamName":"s","StreamCreationTimestamp":{second}}}"#)
        };
        assert_eq!(list(&world, &input(created)).0.len(), 1);
        world.check(
            "ListShards",
            &input(created - 1),
            "ResourceNotFoundException: Stream s under account 000000000000 not found.",
        );
    }
}
