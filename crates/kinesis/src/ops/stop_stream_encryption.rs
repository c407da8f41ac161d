//! StopStreamEncryption: what is asked for is so already, since every stream is plain.
//!
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_StopStreamEncryption.html>

use nautilus_wire::Done;

pub(crate) use crate::encryption::Input;
use crate::{encryption, error::Error, kinesis::Ctx};

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Done, Error> {
    encryption::decide(ctx, input, Ok(())).await?;
    Ok(Done)
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    const STOP: &str = r#"{"StreamName":"s","EncryptionType":"KMS","KeyId":"alias/aws/kinesis"}"#;

    #[test]
    fn a_plain_stream_stays_plain() {
        let world = World::with_stream(1);
        world.check("StopStreamEncryption", STOP, "");
        assert_eq!(world.status("s"), "ACTIVE");
    }

    #[test]
    fn type_and_key_must_be_given_and_the_stream_active() {
        let world = World::new();
        let error = world.error("StopStreamEncryption", r#"{"StreamName":"s"}"#);
        assert!(error.starts_with("ValidationException: 2 validation errors detected"), "{error}");
        world.check("CreateStream", r#"{"StreamName":"s","ShardCount":1}"#, "");
        world.check(
            "StopStreamEncryption",
            STOP,
            "ResourceInUseException: Stream s under account 000000000000 not ACTIVE, instead in \
             state CREATING",
        );
    }
}
