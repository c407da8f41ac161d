//! What an ARN names that may have tags and a policy: a stream, or one of its consumers.
//!
//! TagResource, UntagResource and the operations of resource policies differ only in what they change: here is how
//! they find it, and who may be changed.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use nautilus_wire::{Members, rules::kinesis as rules};

use crate::{
    catalog::Address,
    consumers,
    error::Error,
    input::{arn_address, consumer_by_arn},
    kinesis::Ctx,
    model::{
        arn::{ConsumerArn, StreamArn},
        consumer::Consumer,
        stream::Stream,
    },
    policy::ResourcePolicy,
    transitions::{self, Effect},
};

/// A ResourceARN as a call gives it.
#[derive(Debug)]
pub(crate) struct ResourceRef<'a> {
    pub arn: Cow<'a, str>,
}

/// A resource that is there.
#[derive(Debug)]
pub(crate) enum Resource {
    Stream(Arc<Stream>),
    Consumer(Arc<Consumer>),
}

/// What can be changed of any resource, with the words that name it in a message.
pub(crate) struct Attached<'r> {
    pub kind: &'static str,
    pub name: &'r str,
    pub account: &'r str,
    pub tags: &'r mut BTreeMap<String, String>,
    pub policy: &'r mut Option<ResourcePolicy>,
}

impl<'a> ResourceRef<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> ResourceRef<'a> {
        members.string("StreamId", &rules::STREAM_ID);
        ResourceRef { arn: members.required_string("ResourceARN", &rules::RESOURCE_ARN) }
    }

    /// What is asked for.
    pub(crate) fn resource(&self) -> String {
        self.arn.clone().into_owned()
    }

    /// The resource, if it is there.
    pub(crate) fn find(&self, ctx: &Ctx<'_>) -> Result<Resource, Error> {
        if StreamArn::parse(&self.arn).is_some() {
            let at = arn_address(&self.arn, ctx.caller)?;
            // Here AWS's message has the ARN where it has the name elsewhere.
            let not_found = |_| Error::stream_not_found(Address { name: &self.arn, ..at });
            return ctx.inner.stream(at).map(Resource::Stream).map_err(not_found);
        }
        if ConsumerArn::parse(&self.arn).is_none() {
            return Err(Error::ResourceNotFound { arn: self.resource() });
        }
        let snapshot = ctx.inner.catalog.load();
        let consumer = consumer_by_arn(&snapshot, &self.arn, ctx.caller)?;
        Ok(Resource::Consumer(consumer.clone()))
    }

    /// Changes a resource that must be there and ACTIVE. It passes through no other state.
    pub(crate) async fn change(
        &self,
        ctx: &Ctx<'_>,
        change: impl FnOnce(Attached<'_>) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        match self.find(ctx)? {
            Resource::Stream(stream) => {
                let change = move |stream: &mut Stream| {
                    change(Attached::of_stream(stream))?;
                    Ok((Effect::Immediate, ()))
                };
                transitions::update_stream(ctx.inner, Address::of(&stream), change).await
            }
            Resource::Consumer(consumer) => {
                let change = move |consumer: &mut Consumer| change(Attached::of_consumer(consumer));
                consumers::update(ctx.inner, &consumer, change).await
            }
        }
    }
}

impl Resource {
    pub(crate) fn tags(&self) -> &BTreeMap<String, String> {
        match self {
            Resource::Stream(stream) => &stream.tags,
            Resource::Consumer(consumer) => &consumer.tags,
        }
    }

    pub(crate) fn policy(&self) -> Option<&str> {
        match self {
            Resource::Stream(stream) => stream.policy.as_ref(),
            Resource::Consumer(consumer) => consumer.policy.as_ref(),
        }
        .map(ResourcePolicy::text)
    }
}

impl<'r> Attached<'r> {
    pub(crate) fn of_stream(stream: &'r mut Stream) -> Attached<'r> {
        let Stream { name, account, tags, policy, .. } = stream;
        Attached { kind: "stream", name, account, tags, policy }
    }

    pub(crate) fn of_consumer(consumer: &'r mut Consumer) -> Attached<'r> {
        let Consumer { name, account, tags, policy, .. } = consumer;
        Attached { kind: "consumer", name, account, tags, policy }
    }
}
