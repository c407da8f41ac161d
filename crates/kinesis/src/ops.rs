//! The one table of operations: names, dispatch and IAM actions come from it.
//!
//! An operation is a file of this name with `Input::read` (the service model's shape), `Input::resource` (what is
//! asked for), `act` and what it answers. Adding one is one file and one line here. The way of a call is the same
//! for all: read the input, authorise its resource, act, write the answer.

use nautilus_wire::{Answer, Members, Output, Protocol, Value};

use crate::{error::Error, kinesis::Request};

macro_rules! operations {
    ($($file:ident: $name:ident,)*) => {
        $(mod $file;)*

        /// An operation of the service.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Operation {
            $($name,)*
        }

        impl Operation {
            #[cfg(test)]
            pub(crate) const ALL: &[Operation] = &[$(Operation::$name,)*];

            pub(crate) fn from_name(name: &str) -> Option<Operation> {
                match name {
                    $(stringify!($name) => Some(Operation::$name),)*
                    _ => None,
                }
            }

            #[cfg(test)]
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
            ) -> Result<Answer, Error> {
                let mut members = Members::new(input, protocol)?;
                match self {
                    $(Operation::$name => {
                        let input = $file::Input::read(&mut members);
                        members.finish()?;
                        let resource = input.resource(&request)?;
                        let action = concat!("kinesis:", stringify!($name));
                        let ctx = request.authorize(action, &resource)?;
                        let output = $file::act(&ctx, input).await?;
                        Ok(output.into_answer(protocol))
                    })*
                }
            }
        }
    };
}

operations! {
    add_tags_to_stream: AddTagsToStream,
    create_stream: CreateStream,
    decrease_stream_retention_period: DecreaseStreamRetentionPeriod,
    delete_stream: DeleteStream,
    describe_limits: DescribeLimits,
    describe_stream: DescribeStream,
    describe_stream_summary: DescribeStreamSummary,
    disable_enhanced_monitoring: DisableEnhancedMonitoring,
    enable_enhanced_monitoring: EnableEnhancedMonitoring,
    get_records: GetRecords,
    get_shard_iterator: GetShardIterator,
    increase_stream_retention_period: IncreaseStreamRetentionPeriod,
    list_shards: ListShards,
    list_streams: ListStreams,
    list_tags_for_resource: ListTagsForResource,
    list_tags_for_stream: ListTagsForStream,
    merge_shards: MergeShards,
    put_record: PutRecord,
    put_records: PutRecords,
    remove_tags_from_stream: RemoveTagsFromStream,
    split_shard: SplitShard,
    tag_resource: TagResource,
    untag_resource: UntagResource,
    update_shard_count: UpdateShardCount,
    update_stream_mode: UpdateStreamMode,
}

/// The resource of calls that are about no single stream.
pub(crate) const ANY_RESOURCE: &str = "*";

/// What `act` gives, made into what the client gets.
trait IntoAnswer {
    fn into_answer(self, protocol: Protocol) -> Answer;
}

/// An operation without output: the body is empty.
pub(crate) struct Done;

impl IntoAnswer for Done {
    fn into_answer(self, protocol: Protocol) -> Answer {
        protocol.empty()
    }
}

impl<O: Output> IntoAnswer for O {
    fn into_answer(self, protocol: Protocol) -> Answer {
        protocol.answer(&self)
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
        assert_eq!(Operation::from_name("SubscribeToShard"), None);
        assert_eq!(Operation::from_name("putrecord"), None);
    }
}
