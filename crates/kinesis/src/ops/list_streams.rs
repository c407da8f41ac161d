//! ListStreams: the names and summaries of the account's streams in the region, in order of their names.
//!
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListStreams.html>

use std::{borrow::Cow, ops::Bound, sync::Arc};

use nautilus_wire::{Members, Output as WireOutput, Writer, rules::kinesis as rules};

use super::ANY_RESOURCE;
use crate::{
    description,
    error::Error,
    kinesis::{Ctx, Request},
    limits,
    model::{seal::Kind, stream::Stream},
    next_token,
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub limit: Option<i64>,
    pub exclusive_start_stream_name: Option<Cow<'a, str>>,
    pub next_token: Option<Cow<'a, str>>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            limit: members.integer("Limit", &rules::LIMIT),
            exclusive_start_stream_name: members
                .string("ExclusiveStartStreamName", &rules::STREAM_NAME),
            next_token: members.string("NextToken", &rules::NEXT_TOKEN),
        }
    }

    pub(crate) fn resource(&self, _request: &Request<'_>) -> Result<String, Error> {
        Ok(ANY_RESOURCE.to_owned())
    }
}

#[derive(Debug)]
pub(crate) struct Output {
    streams: Vec<Arc<Stream>>,
    next_token: Option<String>,
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Output, Error> {
    let (seal, now) = (&ctx.inner.seal, ctx.inner.now_ms());
    let after = match &input.next_token {
        Some(token) => {
            let [after] = next_token::open(seal, Kind::ListStreams, now, token)?;
            Some(after)
        }
        // The name need not be a stream's.
        None => input.exclusive_start_stream_name.map(Cow::into_owned),
    };
    let limit = input.limit.and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.unwrap_or(usize::MAX).min(limits::LIST_STREAMS_MAX);

    let snapshot = ctx.inner.catalog.snapshot();
    let from = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    let region = snapshot.region(&ctx.caller.account, &ctx.caller.region);
    let mut rest = region
        .into_iter()
        .flat_map(|region| region.streams().range::<str, _>((from, Bound::Unbounded)))
        .map(|(_, stream)| stream.clone());
    let streams: Vec<_> = rest.by_ref().take(limit).collect();
    let last = streams.last().filter(|_| rest.next().is_some());
    let next_token = last.map(|last| next_token::seal(seal, Kind::ListStreams, now, &[&last.name]));
    Ok(Output { streams, next_token })
}

impl WireOutput for Output {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_strings("StreamNames", self.streams.iter().map(|stream| &stream.name));
            w.field_bool("HasMoreStreams", self.next_token.is_some());
            if let Some(token) = &self.next_token {
                w.field_str("NextToken", token);
            }
            w.field_list("StreamSummaries", &self.streams, |w, stream| {
                w.map(|w| description::write_identity(w, stream));
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    fn names(world: &World, input: &str) -> (Vec<String>, Option<String>) {
        let answer = world.ok("ListStreams", input);
        let names = answer["StreamNames"].as_array().expect("a list");
        let names = names.iter().map(|name| name.as_str().expect("text").to_owned()).collect();
        let token = answer.get("NextToken").map(|token| token.as_str().expect("text").to_owned());
        assert_eq!(answer["HasMoreStreams"], token.is_some());
        (names, token)
    }

    #[test]
    fn pages_go_on_by_token_and_by_name() {
        let world = World::new();
        for name in ["c", "a", "b"] {
            world.create(name, 1);
        }
        let (first, token) = names(&world, r#"{"Limit":2}"#);
        assert_eq!(first, ["a", "b"]);
        let input = format!(r#"{{"NextToken":"{}"}}"#, token.expect("there is more"));
        assert_eq!(names(&world, &input), (vec!["c".to_owned()], None));
        let by_name = r#"{"ExclusiveStartStreamName":"aa"}"#;
        assert_eq!(names(&world, by_name), (vec!["b".to_owned(), "c".to_owned()], None));
    }

    #[test]
    fn summaries_stand_beside_the_names() {
        let world = World::with_stream(1);
        let created = world.created_second("s");
        let expected = format!(
            r#"{{"StreamNames":["s"],"HasMoreStreams":false,"StreamSummaries":[{{"StreamName":"s","StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s","StreamStatus":"ACTIVE","StreamModeDetails":{{"StreamMode":"PROVISIONED"}},"StreamCreationTimestamp":{created}}}]}}"#
        );
        world.check("ListStreams", "{}", &expected);
    }
}
