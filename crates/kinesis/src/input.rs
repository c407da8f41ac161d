//! What many inputs have in common: which stream, consumer or shard is meant.

use std::{borrow::Cow, sync::Arc};

use nautilus_identity::Caller;
use nautilus_wire::{Members, rules::kinesis as rules};

use crate::{
    catalog::{Address, Snapshot},
    error::Error,
    model::{
        arn::{ConsumerArn, StreamArn},
        consumer::Consumer,
        ids::ShardId,
    },
};

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

    /// The same, where the model lets even the ARN be absent.
    pub(crate) fn read_optional_arn(members: &mut Members<'a>) -> StreamRef<'a> {
        let arn = members.string("StreamARN", &rules::STREAM_ARN);
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

/// A consumer by its ARN, by its stream's ARN and its name, or by all three, if they agree.
#[derive(Debug)]
pub(crate) struct ConsumerRef<'a> {
    pub stream_arn: Option<Cow<'a, str>>,
    pub name: Option<Cow<'a, str>>,
    pub arn: Option<Cow<'a, str>>,
}

impl<'a> ConsumerRef<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> ConsumerRef<'a> {
        let stream_arn = members.string("StreamARN", &rules::STREAM_ARN);
        let name = members.string("ConsumerName", &rules::CONSUMER_NAME);
        let arn = members.string("ConsumerARN", &rules::CONSUMER_ARN);
        members.string("StreamId", &rules::STREAM_ID);
        ConsumerRef { stream_arn, name, arn }
    }

    /// What is asked for: the consumer, or its stream if there is no such consumer. Another account's consumer is asked
    /// for by its ARN alone, as with AWS: nobody learns from a refusal what is there.
    pub(crate) fn resource(&self, snapshot: &Snapshot, caller: &Caller) -> Result<String, Error> {
        let given = || self.arn.as_deref().or(self.stream_arn.as_deref()).unwrap_or_default();
        match self.find(snapshot, caller) {
            Ok(consumer) if self.arn.is_some() || consumer.account == caller.account => {
                Ok(consumer.arn())
            }
            Ok(_) | Err(Error::ConsumerNotFound { .. } | Error::StreamNotFound { .. }) => {
                Ok(given().to_owned())
            }
            Err(error) => Err(error),
        }
    }

    /// The consumer, if it is there.
    pub(crate) fn find(
        &self,
        snapshot: &Snapshot,
        caller: &Caller,
    ) -> Result<Arc<Consumer>, Error> {
        if let Some(arn) = &self.arn {
            self.check_agreement(arn)?;
            return consumer_by_arn(snapshot, arn, caller).cloned();
        }
        let (Some(stream_arn), Some(name)) = (&self.stream_arn, &self.name) else {
            let text = "Either ConsumerARN or both StreamARN and ConsumerName should be provided.";
            return Err(Error::InvalidArgument(text.to_owned()));
        };
        let at = arn_address(stream_arn, caller)?;
        snapshot.stream(at).ok_or_else(|| Error::stream_not_found(at))?;
        let consumer = snapshot.consumer(at, name);
        consumer.cloned().ok_or_else(|| Error::consumer_not_found(name, at.account))
    }

    fn check_agreement(&self, arn: &str) -> Result<(), Error> {
        let Some(parts) = ConsumerArn::parse(arn) else { return Ok(()) };
        let conflict = |name: &str, value: &str| {
            Err(Error::InvalidArgument(format!(
                "{name} {value} and ConsumerARN {arn} do not name the same consumer."
            )))
        };
        match (&self.stream_arn, &self.name) {
            (Some(stream), _) if StreamArn::parse(stream) != Some(parts.stream) => {
                conflict("StreamARN", stream)
            }
            (_, Some(name)) if *name != parts.name => conflict("ConsumerName", name),
            _ => Ok(()),
        }
    }
}

/// The consumer of an ARN. What only looks like a consumer's is not found.
pub(crate) fn consumer_by_arn<'s>(
    snapshot: &'s Snapshot,
    arn: &str,
    caller: &Caller,
) -> Result<&'s Arc<Consumer>, Error> {
    let Some(parts) = ConsumerArn::parse(arn) else {
        return Err(Error::consumer_not_found(arn, &caller.account));
    };
    if parts.stream.region != caller.region {
        return Err(Error::InvalidArgument(format!(
            "ConsumerARN {arn} is not in the region {} of this request.",
            caller.region
        )));
    }
    let consumer = snapshot.consumer_by_arn(&parts);
    consumer.ok_or_else(|| Error::consumer_not_found(arn, parts.stream.account))
}

/// A shard id as a client writes it.
pub(crate) fn shard_id(at: Address<'_>, given: &str) -> Result<ShardId, Error> {
    ShardId::parse(given).ok_or_else(|| Error::shard_unreadable(at, given))
}

/// A member that a NextToken leaves no room for.
pub(crate) fn beside_token(name: &str) -> Error {
    Error::InvalidArgument(format!("NextToken and {name} cannot be provided together."))
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
