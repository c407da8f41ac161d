//! TagResource: adds tags to whatever an ARN names.
//!
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_TagResource.html>

use nautilus_wire::{Done, Members, rules::kinesis as rules};

use crate::{
    error::Error,
    kinesis::{Ctx, Request},
    resource::{Attached, ResourceRef},
    tags::{self, Door, Given},
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub resource: ResourceRef<'a>,
    pub tags: Given<'a>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input {
            resource: ResourceRef::read(members),
            tags: members.required_string_map("Tags", &rules::TAG_MAP),
        }
    }

    pub(crate) fn resource(&self, _request: &Request<'_>) -> Result<String, Error> {
        Ok(self.resource.resource())
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Done, Error> {
    let tags = tags::owned(input.tags);

    let change = move |resource: Attached<'_>| tags::add(resource, &tags, Door::Resource);
    input.resource.change(ctx, change).await?;
    Ok(Done)
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";

    #[test]
    fn both_doors_lead_to_one_set_of_tags() {
        let world = World::with_stream(1);
        let input = format!(r#"{{"ResourceARN":"{ARN}","Tags":{{"cost:center":"7"}}}}"#);
        world.check("TagResource", &input, "");

        world.check(
            "ListTagsForStream",
            r#"{"StreamName":"s"}"#,
            r#"{"Tags":[{"Key":"cost:center","Value":"7"}],"HasMoreTags":false}"#,
        );
    }

    #[test]
    fn an_unknown_stream_is_not_found_by_its_arn() {
        let input = format!(r#"{{"ResourceARN":"{ARN}","Tags":{{"a":"7"}}}}"#);
        let expected = format!(
            "ResourceNotFoundException: Stream {ARN} under account 000000000000 not found."
        );
        World::new().check("TagResource", &input, &expected);
    }

    #[test]
    fn a_consumer_has_tags_of_its_own() {
        let mut world = World::with_stream(1);
        let arn = world.register("c");
        let input = format!(r#"{{"ResourceARN":"{arn}","Tags":{{"a":"7","b":"8"}}}}"#);
        let error = world.error("TagResource", &input);
        assert!(error.ends_with("is not in ACTIVE status."), "{error}");
        world.settle();
        world.check("TagResource", &input, "");
        let keys = format!(r#"{{"ResourceARN":"{arn}","TagKeys":["b","x"]}}"#);
        world.check("UntagResource", &keys, "");
        world.kill();
        let tags = |arn: &str, tags: &str| {
            let input = format!(r#"{{"ResourceARN":"{arn}"}}"#);
            world.check("ListTagsForResource", &input, &format!(r#"{{"Tags":[{tags}]}}"#));
        };
        tags(&arn, r#"{"Key":"a","Value":"7"}"#);
        tags(ARN, "");
    }

    #[test]
    fn what_is_neither_a_stream_nor_a_consumer_is_not_found() {
        for (resource, expected) in [
            ("stream/s/consumer/c:1", "Consumer <arn>, account 000000000000 not found."),
            ("queue/q", "Resource <arn> not found."),
            ("stream/s/consumer/c", "Resource <arn> not found."),
        ] {
            let arn = ARN.replace("stream/s", resource);
            let input = format!(r#"{{"ResourceARN":"{arn}","Tags":{{"a":"7"}}}}"#);
            let expected = expected.replace("<arn>", &arn);
            let expected = format!("ResourceNotFoundException: {expected}");
            World::with_stream(1).check("TagResource", &input, &expected);
        }
    }
}
