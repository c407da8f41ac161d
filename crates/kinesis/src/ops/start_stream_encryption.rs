//! StartStreamEncryption: refused, since nothing that is kept here is encrypted.
//!
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_StartStreamEncryption.html>
//! Not as AWS: what is asked for is checked, and then refused with KMSOptInRequired.

use nautilus_wire::Done;

pub(crate) use crate::encryption::Input;
use crate::{encryption, error::Error, kinesis::Ctx};

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Done, Error> {
    let text = "Records are not encrypted at rest by this version of Nautilus, and there is no key \
                management here, so server-side encryption cannot be started. The stream is \
                unchanged and its records are stored as they are.";
    encryption::decide(ctx, input, Err(Error::KmsOptInRequired(text.to_owned()))).await?;
    Ok(Done)
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    fn input(stream: &str, kind: &str) -> String {
        format!(
            r#"{{"StreamName":"{stream}","EncryptionType":"{kind}","KeyId":"alias/aws/kinesis"}}"#
        )
    }

    #[test]
    fn it_is_refused_with_the_reason() {
        let world = World::with_stream(1);
        let error = world.error("StartStreamEncryption", &input("s", "KMS"));
        let opening = "KMSOptInRequired: Records are not encrypted at rest by this version";
        assert!(error.starts_with(opening), "{error}");
        assert_eq!(world.status("s"), "ACTIVE");
        assert_eq!(world.summary("s")["EncryptionType"], "NONE");
    }

    #[test]
    fn what_is_wrong_is_told_first() {
        let world = World::with_stream(1);
        world.check(
            "StartStreamEncryption",
            &input("t", "KMS"),
            "ResourceNotFoundException: Stream t under account 000000000000 not found.",
        );
        world.check(
            "StartStreamEncryption",
            &input("s", "NONE"),
            "InvalidArgumentException: EncryptionType NONE is not valid here: the only valid value \
             is KMS.",
        );
        let error = world.error("StartStreamEncryption", r#"{"EncryptionType":"AES","KeyId":""}"#);
        assert!(error.starts_with("ValidationException: 2 validation errors detected"), "{error}");
    }
}
