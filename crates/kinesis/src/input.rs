//! What many inputs have in common: which stream is meant.

use std::borrow::Cow;

use nautilus_identity::Caller;
use nautilus_wire::{Members, rules::kinesis as rules};

use crate::{catalog::Address, error::Error, model::arn::StreamArn};

/// StreamName, StreamARN or both, if they agree. StreamId is accepted and ignored, as the model reserves it.
#[derive(Debug)]
pub(crate) struct StreamRef<'a> {
    pub name: Option<Cow<'a, str>>,
    pub arn: Option<Cow<'a, str>>,
}

impl<'a> StreamRef<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> StreamRef<'a> {
        let name = members.string("StreamName", &rules::STREAM_NAME);
        let arn = members.string("StreamARN", &rules::STREAM_ARN);
        members.string("StreamId", &rules::STREAM_ID);
        StreamRef { name, arn }
    }

    /// For the operations that know a stream only by its ARN.
    pub(crate) fn read_arn(members: &mut Members<'a>) -> StreamRef<'a> {
        let arn = Some(members.required_string("StreamARN", &rules::STREAM_ARN));
        members.string("StreamId", &rules::STREAM_ID);
        StreamRef { name: None, arn }
    }

    pub(crate) fn is_given(&self) -> bool {
        self.name.is_some() || self.arn.is_some()
    }

    /// The stream's address: by name in the caller's own account, by ARN in the ARN's.
    pub(crate) fn address<'s>(&'s self, caller: &'s Caller) -> Result<Address<'s>, Error> {
        let Some(arn) = &self.arn else {
            let Some(name) = &self.name else {
                let text = "Either StreamName or StreamARN should be provided.";
                return Err(Error::InvalidArgument(text.to_owned()));
            };
            return Ok(Address { account: &caller.account, region: &caller.region, name });
        };
        let at = arn_address(arn, caller)?;
        match &self.name {
            Some(name) if *name != at.name => Err(Error::InvalidArgument(format!(
                "StreamName {name} and StreamARN {arn} do not name the same stream."
            ))),
            _ => Ok(at),
        }
    }
}

/// The address that a stream's ARN gives. What only looks like a stream's is not found.
pub(crate) fn arn_address<'a>(arn: &'a str, caller: &'a Caller) -> Result<Address<'a>, Error> {
    let Some(StreamArn { region, account, name }) = StreamArn::parse(arn) else {
        return Err(Error::StreamNotFound {
            name: arn.to_owned(),
            account: caller.account.clone(),
        });
    };
    if region != caller.region {
        return Err(Error::InvalidArgument(format!(
            "StreamARN {arn} is not in the region {} of this request.",
            caller.region
        )));
    }
    Ok(Address { account, region, name })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn check(name: Option<&str>, arn: Option<&str>) -> Result<String, String> {
        let stream = StreamRef { name: name.map(Cow::Borrowed), arn: arn.map(Cow::Borrowed) };
        let caller = testing::caller();
        let address = stream.address(&caller);
        address
            .map(|at| format!("{}/{}/{}", at.account, at.region, at.name))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn name_and_arn_must_agree() {
        let arn = "arn:aws:kinesis:us-east-1:123456789012:stream/s";
        assert_eq!(check(Some("s"), None), Ok("000000000000/us-east-1/s".into()));
        assert_eq!(check(None, Some(arn)), Ok("123456789012/us-east-1/s".into()));
        assert_eq!(check(Some("s"), Some(arn)), Ok("123456789012/us-east-1/s".into()));
        assert!(check(Some("t"), Some(arn)).is_err());
        assert!(check(None, None).is_err());
    }

    #[test]
    fn another_region_and_another_resource_are_refused() {
        assert!(check(None, Some("arn:aws:kinesis:eu-west-1:123456789012:stream/s")).is_err());
        let consumer = "arn:aws:kinesis:us-east-1:123456789012:stream/s/consumer/c:1";
        assert!(check(None, Some(consumer)).is_err_and(|text| text.contains("not found")));
    }
}
