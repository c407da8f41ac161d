//! GetResourcePolicy: the policy of a stream or a consumer, as it was given; an empty one if it has none.
//!
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetResourcePolicy.html>

use nautilus_wire::{Members, Output as WireOutput, Writer};

use crate::{
    error::Error,
    kinesis::{Ctx, Request},
    policy,
    resource::{Resource, ResourceRef},
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub resource: ResourceRef<'a>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input { resource: ResourceRef::read(members) }
    }

    pub(crate) fn resource(&self, _request: &Request<'_>) -> Result<String, Error> {
        Ok(self.resource.resource())
    }
}

#[derive(Debug)]
pub(crate) struct Output(Resource);

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Output, Error> {
    Ok(Output(input.resource.find(ctx)?))
}

impl WireOutput for Output {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| w.field_str("Policy", self.0.policy().unwrap_or(policy::NONE)));
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    const INPUT: &str = r#"{"ResourceARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s"}"#;

    #[test]
    fn a_resource_without_a_policy_has_an_empty_one() {
        World::with_stream(1).check("GetResourcePolicy", INPUT, r#"{"Policy":"{}"}"#);
    }

    #[test]
    fn an_unknown_resource_has_none() {
        let world = World::new();
        let error = world.error("GetResourcePolicy", INPUT);
        assert!(error.starts_with("ResourceNotFoundException: "), "{error}");
        let queue = r#"{"ResourceARN":"arn:aws:kinesis:us-east-1:000000000000:queue/q"}"#;
        world.check(
            "GetResourcePolicy",
            queue,
            "ResourceNotFoundException: Resource arn:aws:kinesis:us-east-1:000000000000:queue/q \
             not found.",
        );
    }
}
