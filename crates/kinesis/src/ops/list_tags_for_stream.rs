//! ListTagsForStream: a stream's tags by key, all at once unless a Limit is given.
//!
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListTagsForStream.html>

use std::{borrow::Cow, ops::Bound, sync::Arc};

use nautilus_wire::{Members, Output as WireOutput, Writer, rules::kinesis as rules};

use crate::{
    error::Error,
    input::StreamRef,
    kinesis::{Ctx, Request},
    model::stream::Stream,
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub stream: StreamRef<'a>,
    pub exclusive_start_tag_key: Option<Cow<'a, str>>,
    pub limit: Option<i64>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            stream: StreamRef::read(members),
            exclusive_start_tag_key: members.string("ExclusiveStartTagKey", &rules::TAG_KEY),
            limit: members.integer("Limit", &rules::TAGS_LIMIT),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(self.stream.address(request.caller)?.arn())
    }
}

/// A page of a stream's tags.
#[derive(Debug)]
pub(crate) struct Output {
    stream: Arc<Stream>,
    after: Option<String>,
    limit: usize,
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Output, Error> {
    let stream = ctx.inner.stream(input.stream.address(ctx.caller)?)?;

    let limit = input.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(0));
    let after = input.exclusive_start_tag_key.map(Cow::into_owned);
    Ok(Output { stream, after, limit })
}

impl WireOutput for Output {
    fn write<W: Writer>(&self, w: &mut W) {
        let from = self.after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let rest = self.stream.tags.range::<str, _>((from, Bound::Unbounded));
        let count = rest.clone().count();
        w.map(|w| {
            w.field_list("Tags", rest.take(self.limit), |w, (key, value)| {
                w.map(|w| {
                    w.field_str("Key", key);
                    w.field_str("Value", value);
                });
            });
            w.field_bool("HasMoreTags", count > self.limit);
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[test]
    fn pages_follow_the_keys() {
        let world = World::with_stream(1);
        world.check(
            "AddTagsToStream",
            r#"{"StreamName":"s","Tags":{"a":"1","b":"2","c":"3"}}"#,
            "",
        );

        world.check(
            "ListTagsForStream",
            r#"{"StreamName":"s","Limit":2}"#,
            r#"{"Tags":[{"Key":"a","Value":"1"},{"Key":"b","Value":"2"}],"HasMoreTags":true}"#,
        );
        world.check(
            "ListTagsForStream",
            r#"{"StreamName":"s","Limit":2,"ExclusiveStartTagKey":"b"}"#,
            r#"{"Tags":[{"Key":"c","Value":"3"}],"HasMoreTags":false}"#,
        );
    }

    #[test]
    fn the_limit_ends_at_fifty() {
        World::with_stream(1).check(
            "ListTagsForStream",
            r#"{"StreamName":"s","Limit":51}"#,
            "ValidationException: 1 validation error detected: Value '51' at 'limit' failed to \
             satisfy constraint: Member must have value less than or equal to 50",
        );
    }
}
