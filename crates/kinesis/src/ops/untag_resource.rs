//! UntagResource: takes tags from whatever an ARN names.
//!
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UntagResource.html>

use std::borrow::Cow;

use nautilus_wire::{Done, Members, rules::kinesis as rules};

use crate::{
    error::Error,
    kinesis::{Ctx, Request},
    resource::{Attached, ResourceRef},
    tags::{self, Door},
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub resource: ResourceRef<'a>,
    pub tag_keys: Vec<Cow<'a, str>>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            resource: ResourceRef::read(members),
            tag_keys: members.required_strings("TagKeys", &rules::TAG_KEY_LIST, &rules::TAG_KEY),
        }
    }

    pub(crate) fn resource(&self, _request: &Request<'_>) -> Result<String, Error> {
        Ok(self.resource.resource())
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Done, Error> {
    let keys: Vec<String> = input.tag_keys.iter().map(|key| key.clone().into_owned()).collect();

    let change = move |resource: Attached<'_>| tags::remove(resource, &keys, Door::Resource);
    input.resource.change(ctx, change).await?;
    Ok(Done)
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";

    #[test]
    fn a_tag_of_either_door_goes() {
        let world = World::with_stream(1);
        world.check("AddTagsToStream", r#"{"StreamName":"s","Tags":{"a":"1","b":"2"}}"#, "");
        let input = format!(r#"{{"ResourceARN":"{ARN}","TagKeys":["a","zz"]}}"#);
        world.check("UntagResource", &input, "");

        world.check(
            "ListTagsForResource",
            &format!(r#"{{"ResourceARN":"{ARN}"}}"#),
            r#"{"Tags":[{"Key":"b","Value":"2"}]}"#,
        );
    }

    #[test]
    fn some_keys_must_be_given() {
        World::with_stream(1).check(
            "UntagResource",
            &format!(r#"{{"ResourceARN":"{ARN}","TagKeys":[]}}"#),
            "ValidationException: 1 validation error detected: Value '[]' at 'tagKeys' failed to \
             satisfy constraint: Member must have length greater than or equal to 1",
        );
    }
}
