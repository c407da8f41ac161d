//! Encryption at rest: what StartStreamEncryption and StopStreamEncryption share. Nothing is encrypted yet.

use std::borrow::Cow;

use nautilus_wire::{Members, rules::kinesis as rules};

use crate::{
    error::Error,
    input::StreamRef,
    kinesis::{Ctx, Request},
    transitions::{self, Effect},
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    stream: StreamRef<'a>,
    encryption_type: Cow<'a, str>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        members.required_string("KeyId", &rules::KEY_ID);
        Input {
            stream: StreamRef::read(members),
            encryption_type: members.required_string("EncryptionType", &rules::ENCRYPTION_TYPE),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(self.stream.address(request.caller)?.arn())
    }
}

/// Decides about a stream that must be ACTIVE. It stays as it is: plain.
pub(crate) async fn decide(
    ctx: &Ctx<'_>,
    input: Input<'_>,
    decision: Result<(), Error>,
) -> Result<(), Error> {
    let at = input.stream.address(ctx.caller)?;
    let is_kms = input.encryption_type == "KMS";
    transitions::update_stream(ctx.inner, at, move |_| {
        if !is_kms {
            let text = "EncryptionType NONE is not valid here: the only valid value is KMS.";
            return Err(Error::InvalidArgument(text.to_owned()));
        }
        decision.map(|()| (Effect::Nothing, ()))
    })
    .await
}
