//! AddTagsToStream: adds tags to a stream, or gives known ones another value.
//!
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_AddTagsToStream.html>

use nautilus_wire::{Done, Members, rules::kinesis as rules};

use crate::{
    error::Error,
    input::StreamRef,
    kinesis::{Ctx, Request},
    resource::Attached,
    tags::{self, Door, Given},
    transitions::{self, Effect},
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub stream: StreamRef<'a>,
    pub tags: Given<'a>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            stream: StreamRef::read(members),
            tags: members.required_string_map("Tags", &rules::TAG_MAP),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(self.stream.address(request.caller)?.arn())
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Done, Error> {
    let at = input.stream.address(ctx.caller)?;
    let tags = tags::owned(input.tags);

    transitions::update_stream(ctx.inner, at, move |stream| {
        tags::add(Attached::of_stream(stream), &tags, Door::Stream)?;
        Ok((Effect::Immediate, ()))
    })
    .await?;
    Ok(Done)
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[test]
    fn tags_are_added_and_overwritten() {
        let world = World::with_stream(1);
        world.check("AddTagsToStream", r#"{"StreamName":"s","Tags":{"a":"1","b":""}}"#, "");
        world.check("AddTagsToStream", r#"{"StreamName":"s","Tags":{"a":"2"}}"#, "");

        world.check(
            "ListTagsForStream",
            r#"{"StreamName":"s"}"#,
            r#"{"Tags":[{"Key":"a","Value":"2"},{"Key":"b","Value":""}],"HasMoreTags":false}"#,
        );
    }

    #[test]
    fn a_stream_that_is_being_created_keeps_its_tags_as_they_are() {
        let world = World::new();
        world.check("CreateStream", r#"{"StreamName":"s","ShardCount":1}"#, "");
        world.check(
            "AddTagsToStream",
            r#"{"StreamName":"s","Tags":{"a":"1"}}"#,
            "ResourceInUseException: Stream s under account 000000000000 not ACTIVE, instead in \
             state CREATING",
        );
    }

    #[test]
    fn an_unknown_stream_is_not_found() {
        World::new().check(
            "AddTagsToStream",
            r#"{"StreamName":"s","Tags":{"a":"1"}}"#,
            "ResourceNotFoundException: Stream s under account 000000000000 not found.",
        );
    }
}
