//! The one table of operations: names, dispatch, IAM actions and rates of calls come from it.
//!
//! An operation is a file of this name with `Input::read` (the service model's shape), `Input::resource` (what is
//! asked for), `act` and what it answers. Adding one is one file and one line here. The way of a call is the same
//! for all: read the input, authorise its resource, let it in by its rate, act, write the answer.

use nautilus_wire::{Answer, IntoAnswer, MemberSpec, Members, Protocol, Value};

use crate::{
    error::Error,
    faults,
    kinesis::{Ctx, Door, Request},
    metrics,
    model::arn,
    rates::control::CallRate::{self, OfShards, PerAccount, PerStream},
    subscription::Subscription,
};

macro_rules! operations {
    ($($file:ident: $name:ident $(=> $rate:expr)?,)*) => {
        $(mod $file;)*

        /// An operation of the service.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Operation {
            $($name,)*
        }

        impl Operation {
            pub(crate) const ALL: &[Operation] = &[$(Operation::$name,)*];

            /// The members that it reads, with their constraints.
            pub(crate) fn input(self) -> Vec<MemberSpec> {
                match self {
                    $(Operation::$name => Members::describe(|members| {
                        $file::Input::read(members);
                    }),)*
                }
            }

            pub(crate) fn from_name(name: &str) -> Option<Operation> {
                match name {
                    $(stringify!($name) => Some(Operation::$name),)*
                    _ => None,
                }
            }

            /// How often AWS answers it.
            pub(crate) const fn rate(self) -> CallRate {
                match self {
                    $(Operation::$name => {
                        let _rate = AWS_USUAL;
                        $(let _rate = $rate;)?
                        _rate
                    })*
                }
            }

            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Operation::$name => stringify!($name),)*
                }
            }

            pub(crate) async fn call(
                self,
                request: Request<'_>,
                input: Value<'_>,
                protocol: Protocol,
                door: Door,
            ) -> Result<Response, Error> {
                let mut members = Members::new(input, protocol)?;
                match self {
                    $(Operation::$name => {
                        let input = $file::Input::read(&mut members);
                        members.finish()?;
                        let resource = input.resource(&request)?;
                        let action = concat!("kinesis:", stringify!($name));
                        let ctx = request.authorize(door, action, &resource)?;
                        if door == Door::Clients {
                            admit(&ctx, Operation::$name, &resource)?;
                        }
                        let output = $file::act(&ctx, input).await?;
                        output.into_response(protocol)
                    })*
                }
            }
        }
    };
}

/// What most control operations have.
const AWS_USUAL: CallRate = PerAccount(5);

operations! {
    add_tags_to_stream: AddTagsToStream,
    create_stream: CreateStream,
    decrease_stream_retention_period: DecreaseStreamRetentionPeriod,
    delete_resource_policy: DeleteResourcePolicy,
    delete_stream: DeleteStream,
    deregister_stream_consumer: DeregisterStreamConsumer => PerStream(5),
    describe_account_settings: DescribeAccountSettings,
    describe_limits: DescribeLimits => PerAccount(1),
    describe_stream: DescribeStream => PerAccount(10),
    describe_stream_consumer: DescribeStreamConsumer => PerStream(20),
    describe_stream_summary: DescribeStreamSummary => PerAccount(20),
    disable_enhanced_monitoring: DisableEnhancedMonitoring,
    enable_enhanced_monitoring: EnableEnhancedMonitoring,
    get_records: GetRecords => OfShards,
    get_resource_policy: GetResourcePolicy,
    get_shard_iterator: GetShardIterator => OfShards,
    increase_stream_retention_period: IncreaseStreamRetentionPeriod,
    list_shards: ListShards => PerStream(1000),
    list_stream_consumers: ListStreamConsumers => PerStream(5),
    list_streams: ListStreams,
    list_tags_for_resource: ListTagsForResource,
    list_tags_for_stream: ListTagsForStream,
    merge_shards: MergeShards,
    put_record: PutRecord => OfShards,
    put_records: PutRecords => OfShards,
    put_resource_policy: PutResourcePolicy,
    register_stream_consumer: RegisterStreamConsumer,
    remove_tags_from_stream: RemoveTagsFromStream,
    split_shard: SplitShard,
    start_stream_encryption: StartStreamEncryption,
    stop_stream_encryption: StopStreamEncryption,
    subscribe_to_shard: SubscribeToShard => OfShards,
    tag_resource: TagResource,
    untag_resource: UntagResource,
    update_account_settings: UpdateAccountSettings,
    update_max_record_size: UpdateMaxRecordSize,
    update_shard_count: UpdateShardCount => PerAccount(10),
    update_stream_mode: UpdateStreamMode,
    update_stream_record_distribution_strategy: UpdateStreamRecordDistributionStrategy,
    update_stream_warm_throughput: UpdateStreamWarmThroughput,
}

/// Lets a client's call in by the rate of its operation, unless a fault is injected.
fn admit(ctx: &Ctx<'_>, operation: Operation, resource: &str) -> Result<(), Error> {
    if ctx.inner.faults.are_there()
        && let Some(action) = ctx.inner.faults.of_call(operation, arn::stream_in(resource))
    {
        metrics::fail_call(ctx.inner, operation, resource);
        return Err(faults::error(action, None, None));
    }
    if operation.rate() == OfShards || !ctx.inner.rates.control.hold() {
        return Ok(());
    }
    let (account, region) = (&*ctx.caller.account, &*ctx.caller.region);
    let (control, now_ms) = (&ctx.inner.rates.control, ctx.inner.now_ms());
    let is_in = match operation.rate() {
        OfShards => true,
        PerAccount(calls) => control.take((operation.name(), account, region), calls, now_ms),
        PerStream(calls) => {
            let stream = resource.split("/consumer/").next(); // consumers are counted with their stream
            control.take((operation.name(), stream), calls, now_ms)
        }
    };
    match is_in {
        true => Ok(()),
        false => Err(Error::calls_exceeded(resource, account)),
    }
}

/// The resource of calls that are about no single stream.
pub(crate) const ANY_RESOURCE: &str = "*";

/// How a call is answered.
#[derive(Debug)]
pub enum Response {
    /// With a body.
    Answer(Answer),
    /// With one message after another.
    Events(Box<Subscription>),
}

/// What `act` gives, made into what the client gets.
trait IntoResponse {
    fn into_response(self, protocol: Protocol) -> Result<Response, Error>;
}

impl<A: IntoAnswer> IntoResponse for A {
    fn into_response(self, protocol: Protocol) -> Result<Response, Error> {
        Ok(Response::Answer(self.into_answer(protocol)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_again() {
        for &operation in Operation::ALL {
            assert_eq!(Operation::from_name(operation.name()), Some(operation));
        }
        assert_eq!(Operation::from_name("CreateQueue"), None);
        assert_eq!(Operation::from_name("putrecord"), None);
    }
}
