//! ListStreamConsumers: a page of a stream's consumers, in order of their names.
//!
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListStreamConsumers.html>

use std::{borrow::Cow, ops::Bound, sync::Arc};

use nautilus_wire::{Members, Output as WireOutput, Writer, rules::kinesis as rules};

use crate::{
    catalog::Address,
    error::Error,
    input::{self, StreamRef},
    kinesis::{Ctx, Request},
    limits,
    model::{consumer::Consumer, seal::Kind, stream::Stream},
    next_token,
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub stream: StreamRef<'a>,
    pub next_token: Option<Cow<'a, str>>,
    pub max_results: Option<i64>,
    pub stream_creation_timestamp_ms: Option<i64>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            stream: StreamRef::read_arn(members),
            next_token: members.string("NextToken", &rules::NEXT_TOKEN),
            max_results: members.integer("MaxResults", &rules::LIMIT),
            stream_creation_timestamp_ms: members.timestamp_ms("StreamCreationTimestamp"),
        }
    }

    /// The ARN is there beside a token too: then both must mean one stream.
    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(self.stream.address(request.caller)?.arn())
    }
}

#[derive(Debug)]
pub(crate) struct Output {
    consumers: Vec<Arc<Consumer>>,
    next_token: Option<String>,
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Output, Error> {
    let at = input.stream.address(ctx.caller)?;
    if input.next_token.is_some() && input.stream_creation_timestamp_ms.is_some() {
        return Err(input::beside_token("StreamCreationTimestamp"));
    }
    let snapshot = ctx.inner.catalog.snapshot();
    let stream = snapshot.stream(at).ok_or_else(|| Error::stream_not_found(at))?;
    if input.stream_creation_timestamp_ms.is_some_and(|ms| !stream.was_created_at(ms)) {
        return Err(Error::stream_not_found(at));
    }
    let after = input.next_token.as_deref().map(|token| place(ctx, stream, token)).transpose()?;
    let limit = input.max_results.and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.unwrap_or(usize::MAX).min(limits::LIST_CONSUMERS_MAX);

    let from = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    let mut rest = snapshot
        .consumers(at)
        .into_iter()
        .flat_map(|consumers| consumers.range::<str, _>((from, Bound::Unbounded)))
        .map(|(_, consumer)| consumer.clone());
    let consumers: Vec<_> = rest.by_ref().take(limit).collect();
    let last = consumers.last().filter(|_| rest.next().is_some());
    let next_token = last.map(|last| sealed_after(ctx, stream, &last.name));
    Ok(Output { consumers, next_token })
}

/// The name behind which a token goes on, if it is one of this stream's.
fn place(ctx: &Ctx<'_>, stream: &Stream, token: &str) -> Result<String, Error> {
    let (seal, now_ms) = (&ctx.inner.seal, ctx.inner.now_ms());
    let [account, region, name, id, after] =
        next_token::open(seal, Kind::ListStreamConsumers, now_ms, token)?;
    let at = Address { account: &account, region: &region, name: &name };
    if at != Address::of(stream) {
        return Err(Error::InvalidArgument("Invalid NextToken.".to_owned()));
    }
    match stream.id.to_string() == id {
        true => Ok(after),
        false => Err(Error::stream_not_found(at)),
    }
}

fn sealed_after(ctx: &Ctx<'_>, stream: &Stream, after: &str) -> String {
    let Stream { account, region, name, id, .. } = stream;
    let parts = [account, region, name, &*id.to_string(), after];
    next_token::seal(&ctx.inner.seal, Kind::ListStreamConsumers, ctx.inner.now_ms(), &parts)
}

impl WireOutput for Output {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_list("Consumers", &self.consumers, |w, consumer| consumer.write(w));
            if let Some(token) = &self.next_token {
                w.field_str("NextToken", token);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    fn input(stream: &str, rest: &str) -> String {
        format!(r#"{{"StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/{stream}"{rest}}}"#)
    }

    fn list(world: &World, rest: &str) -> (Vec<String>, Option<String>) {
        let answer = world.ok("ListStreamConsumers", &input("s", rest));
        let consumers = answer["Consumers"].as_array().expect("a list");
        let name = |it: &serde_json::Value| it["ConsumerName"].as_str().expect("text").to_owned();
        let token = answer.get("NextToken").map(|token| token.as_str().expect("text").to_owned());
        (consumers.iter().map(name).collect(), token)
    }

    #[test]
    fn pages_go_on_by_token() {
        let world = World::with_stream(1);
        for name in ["b", "c", "a"] {
            world.register(name);
        }
        let (first, token) = list(&world, r#","MaxResults":2"#);
        assert_eq!(first, ["a", "b"]);
        let next = format!(r#","NextToken":"{}""#, token.expect("there is more"));
        assert_eq!(list(&world, &next), (vec!["c".to_owned()], None));
        world.check(
            "ListStreamConsumers",
            &input("s", &format!(r#"{next},"StreamCreationTimestamp":1"#)),
            "InvalidArgumentException: NextToken and StreamCreationTimestamp cannot be provided \
             together.",
        );
        world.create("t", 1);
        let invalid = "InvalidArgumentException: Invalid NextToken.";
        world.check("ListStreamConsumers", &input("t", &next), invalid);
        world.advance(300_001);
        let error = world.error("ListStreamConsumers", &input("s", &next));
        assert!(error.starts_with("ExpiredNextTokenException: "), "{error}");
    }

    #[test]
    fn a_consumer_is_listed_without_its_streams_arn() {
        let world = World::with_stream(1);
        world.check("ListStreamConsumers", &input("s", ""), r#"{"Consumers":[]}"#);
        world.register("c");
        let answer = world.ok("ListStreamConsumers", &input("s", ""));
        let consumer = answer["Consumers"][0].as_object().expect("a map");
        let names: Vec<_> = consumer.keys().map(String::as_str).collect();
        let shown = ["ConsumerARN", "ConsumerCreationTimestamp", "ConsumerName", "ConsumerStatus"];
        assert_eq!(names, shown);
    }

    #[test]
    fn the_creation_time_tells_namesakes_apart() {
        let world = World::with_stream(1);
        world.register("c");
        let second = world.created_second("s");
        let at = |second: u64| format!(r#","StreamCreationTimestamp":{second}"#);
        assert_eq!(list(&world, &at(second)).0, ["c"]);
        world.check(
            "ListStreamConsumers",
            &input("s", &at(second - 1)),
            "ResourceNotFoundException: Stream s under account 000000000000 not found.",
        );
    }

    #[test]
    fn a_token_does_not_outlive_its_stream() {
        let world = World::with_stream(1);
        (0..2).for_each(|n| drop(world.register(&format!("c{n}"))));
        let (_, token) = list(&world, r#","MaxResults":1"#);
        let enforced = r#"{"StreamName":"s","EnforceConsumerDeletion":true}"#;
        world.check("DeleteStream", enforced, "");
        world.settle();
        world.create("s", 1);
        world.check(
            "ListStreamConsumers",
            &input("s", &format!(r#","NextToken":"{}""#, token.expect("there is more"))),
            "ResourceNotFoundException: Stream s under account 000000000000 not found.",
        );
    }
}
