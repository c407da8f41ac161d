//! SubscribeToShard: a consumer is told a shard's records as they come, for five minutes.
//!
//! The answer is a stream of messages (`subscription.rs`). What is wrong with the call is an answer as everywhere; what goes
//! wrong later is a message of the stream.
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_SubscribeToShard.html>

use std::{borrow::Cow, sync::Arc};

use nautilus_wire::{AwsError, Members, Protocol, rules::kinesis as rules};

use super::{IntoResponse, Operation, Response};
use crate::{
    catalog::Address,
    error::Error,
    faults,
    input::{consumer_by_arn, shard_id},
    kinesis::{Ctx, Inner, Request},
    metrics::{self, Subscribing},
    model::{
        consumer::{Consumer, ConsumerStatus},
        shard::Shard,
        stream::Stream,
    },
    start::{Place, Start},
    subscription::Subscription,
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub consumer_arn: Cow<'a, str>,
    pub shard_id: Cow<'a, str>,
    pub start: Option<Start<'a>>,
    pub dry_run: bool,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        members.string("StreamId", &rules::STREAM_ID);
        Input {
            consumer_arn: members.required_string("ConsumerARN", &rules::CONSUMER_ARN),
            shard_id: members.required_string("ShardId", &rules::SHARD_ID),
            start: members.required_structure("StartingPosition", |position| Start {
                kind: position.required_string("Type", &rules::SHARD_ITERATOR_TYPE),
                sequence_number: position.string("SequenceNumber", &rules::SEQUENCE_NUMBER),
                timestamp_ms: position.timestamp_ms("Timestamp"),
            }),
            dry_run: members.boolean("DryRun").unwrap_or(false),
        }
    }

    /// The consumer: who may read as it is not who may read its stream.
    pub(crate) fn resource(&self, _request: &Request<'_>) -> Result<String, Error> {
        Ok(self.consumer_arn.clone().into_owned())
    }
}

/// What a subscription begins with.
pub(crate) struct Output {
    inner: Arc<Inner>,
    consumer: Arc<Consumer>,
    stream: Arc<Stream>,
    shard: Shard,
    place: Place,
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Output, Error> {
    let snapshot = ctx.inner.catalog.snapshot();
    let consumer = consumer_by_arn(&snapshot, &input.consumer_arn, ctx.caller)?;
    if consumer.status != ConsumerStatus::Active {
        return Err(Error::consumer_not_active(consumer));
    }
    let at = Address::of_consumer(consumer);
    let stream = snapshot.stream(at).ok_or_else(|| Error::stream_not_found(at))?;
    let id = shard_id(at, &input.shard_id)?;
    let shard = stream.shard(id).ok_or_else(|| Error::shard_not_found(at, id))?;
    // `Members` has refused a call without.
    let Some(start) = input.start else { return Err(Error::Wire(AwsError::internal_failure())) };
    let place = start.resolve(ctx.inner, Operation::SubscribeToShard, stream, shard).await?;
    if input.dry_run {
        return Err(Error::DryRun);
    }
    if let Some(action) = ctx.inner.faults.of_shard(Operation::SubscribeToShard, at.name, id) {
        let how = match action.throttles() {
            true => Subscribing::RateExceeded,
            false => Subscribing::Failed,
        };
        metrics::subscribed(ctx.inner, consumer, how);
        return Err(faults::error(action, Some(at), Some(id)));
    }
    Ok(Output {
        inner: ctx.inner.clone(),
        consumer: consumer.clone(),
        stream: stream.clone(),
        shard: shard.clone(),
        place,
    })
}

impl IntoResponse for Output {
    fn into_response(self, protocol: Protocol) -> Result<Response, Error> {
        let Output { inner, consumer, stream, shard, place } = self;
        let of = Arc::clone(&consumer);
        let begun = Subscription::begin(&inner, protocol, consumer, stream, shard, place);
        metrics::subscribed(&inner, &of, Subscribing::of(&begun));
        Ok(Response::Events(Box::new(begun?)))
    }
}
