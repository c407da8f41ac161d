//! RemoveTagsFromStream: takes tags from a stream; keys that it does not have are ignored.
//!
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_RemoveTagsFromStream.html>

use std::borrow::Cow;

use nautilus_wire::{Done, Members, rules::kinesis as rules};

use crate::{
    error::Error,
    input::StreamRef,
    kinesis::{Ctx, Request},
    resource::Attached,
    tags::{self, Door},
    transitions::{self, Effect},
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub stream: StreamRef<'a>,
    pub tag_keys: Vec<Cow<'a, str>>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            stream: StreamRef::read(members),
            tag_keys: members.required_strings("TagKeys", &rules::TAG_KEY_LIST, &rules::TAG_KEY),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(self.stream.address(request.caller)?.arn())
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Done, Error> {
    let at = input.stream.address(ctx.caller)?;
    let keys: Vec<String> = input.tag_keys.iter().map(|key| key.clone().into_owned()).collect();

    transitions::update_stream(ctx.inner, at, move |stream| {
        tags::remove(Attached::of_stream(stream), &keys, Door::Stream)?;
        Ok((Effect::Immediate, ()))
    })
    .await?;
    Ok(Done)
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[test]
    fn known_keys_go_and_unknown_ones_are_ignored() {
        let world = World::with_stream(1);
        world.check("AddTagsToStream", r#"{"StreamName":"s","Tags":{"a":"1","b":"2"}}"#, "");
        world.check("RemoveTagsFromStream", r#"{"StreamName":"s","TagKeys":["a","z"]}"#, "");

        world.check(
            "ListTagsForStream",
            r#"{"StreamName":"s"}"#,
            r#"{"Tags":[{"Key":"b","Value":"2"}],"HasMoreTags":false}"#,
        );
    }

    #[test]
    fn a_percent_sign_is_refused_in_its_own_words() {
        World::with_stream(1).check(
            "RemoveTagsFromStream",
            r#"{"StreamName":"s","TagKeys":["100%"]}"#,
            "InvalidArgumentException: Failed to remove tags from stream s under account \
             000000000000 because some tags contained illegal characters. The allowed characters \
             are Unicode letters, white-spaces, '_',',','/','=','+','-','@'.",
        );
    }
}
