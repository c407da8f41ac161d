//! TagResource: adds tags to whatever an ARN names; only streams have tags yet.
//!
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_TagResource.html>

use std::borrow::Cow;

use nautilus_wire::{Members, rules::kinesis as rules};

use super::Done;
use crate::{
    error::Error,
    kinesis::{Ctx, Request},
    tags::{self, Door, Given},
    transitions::{self, Effect},
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub resource_arn: Cow<'a, str>,
    pub tags: Given<'a>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        members.string("StreamId", &rules::STREAM_ID);
        Input {
            resource_arn: members.required_string("ResourceARN", &rules::RESOURCE_ARN),
            tags: members.required_string_map("Tags", &rules::TAG_MAP),
        }
    }

    pub(crate) fn resource(&self, _request: &Request<'_>) -> Result<String, Error> {
        Ok(self.resource_arn.clone().into_owned())
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Done, Error> {
    let at = tags::resource_address(&input.resource_arn, ctx)?;
    let tags = tags::owned(input.tags);

    transitions::update_stream(ctx.inner, at, move |stream| {
        tags::add(stream, &tags, Door::Resource)?;
        Ok((Effect::Immediate, ()))
    })
    .await?;
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
    fn there_are_no_consumers_yet() {
        let arn = format!("{ARN}/consumer/c:1");
        let input = format!(r#"{{"ResourceARN":"{arn}","Tags":{{"a":"7"}}}}"#);
        let expected = format!("ResourceNotFoundException: Resource {arn} not found.");
        World::with_stream(1).check("TagResource", &input, &expected);
    }
}
