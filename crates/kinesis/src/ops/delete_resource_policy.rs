//! DeleteResourcePolicy: takes the policy of a stream or a consumer away; that it had none is no error.
//!
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DeleteResourcePolicy.html>

use nautilus_wire::Done;

pub(crate) use super::get_resource_policy::Input;
use crate::{error::Error, kinesis::Ctx, resource::Attached};

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Done, Error> {
    let change = |resource: Attached<'_>| {
        *resource.policy = None;
        Ok(())
    };
    input.resource.change(ctx, change).await?;
    Ok(Done)
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    const INPUT: &str = r#"{"ResourceARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s"}"#;

    #[test]
    fn the_resource_must_be_active() {
        let world = World::new();
        world.check("CreateStream", r#"{"StreamName":"s","ShardCount":1}"#, "");
        let error = world.error("DeleteResourcePolicy", INPUT);
        assert!(error.starts_with("ResourceInUseException: "), "{error}");
        world.settle();
        world.check("DeleteResourcePolicy", INPUT, "");
    }
}
