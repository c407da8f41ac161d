//! ListTagsForResource: all tags of whatever an ARN names, without pages.
//!
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListTagsForResource.html>

use nautilus_wire::{Output as WireOutput, Writer};

pub(crate) use super::get_resource_policy::Input;
use crate::{error::Error, kinesis::Ctx, resource::Resource};

#[derive(Debug)]
pub(crate) struct Output(Resource);

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Output, Error> {
    Ok(Output(input.resource.find(ctx)?))
}

impl WireOutput for Output {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_list("Tags", self.0.tags(), |w, (key, value)| {
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
