//! ListTagsForResource: all tags of whatever an ARN names, without pages.
//!
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListTagsForResource.html>

use std::{borrow::Cow, sync::Arc};

use nautilus_wire::{Members, Output as WireOutput, Writer, rules::kinesis as rules};

use crate::{
    error::Error,
    kinesis::{Ctx, Request},
    model::stream::Stream,
    tags,
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub resource_arn: Cow<'a, str>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        members.string("StreamId", &rules::STREAM_ID);
        Input { resource_arn: members.required_string("ResourceARN", &rules::RESOURCE_ARN) }
    }

    pub(crate) fn resource(&self, _request: &Request<'_>) -> Result<String, Error> {
        Ok(self.resource_arn.clone().into_owned())
    }
}

/// A stream's tags.
#[derive(Debug)]
pub(crate) struct Output(Arc<Stream>);

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Output, Error> {
    let at = tags::resource_address(&input.resource_arn, ctx)?;
    Ok(Output(ctx.inner.stream(at)?))
}

impl WireOutput for Output {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_list("Tags", &self.0.tags, |w, (key, value)| {
                w.map(|w| {
                    w.field_str("Key", key);
                    w.field_str("Value", value);
                });
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    const INPUT: &str = r#"{"ResourceARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s"}"#;

    #[test]
    fn a_stream_without_tags_has_an_empty_list() {
        World::with_stream(1).check("ListTagsForResource", INPUT, r#"{"Tags":[]}"#);
    }

    #[test]
    fn an_arn_must_look_like_one() {
        World::new().check(
            "ListTagsForResource",
            r#"{"ResourceARN":"s"}"#,
            "ValidationException: 1 validation error detected: Value 's' at 'resourceARN' failed \
             to satisfy constraint: Member must satisfy regular expression pattern: \
             arn:aws.*:kinesis:.*:\\d{12}:.*(stream|channel|queue)/\\S+",
        );
    }
}
