//! DescribeStreamSummary: a stream without its shards. Terraform and waiters live by it.
//!
//! AWS: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeStreamSummary.html>

use std::sync::Arc;

use nautilus_wire::{Members, Output as WireOutput, Writer};

use crate::{
    description,
    error::Error,
    input::StreamRef,
    kinesis::{Ctx, Request},
    model::stream::{Stream, StreamMode},
};

#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub stream: StreamRef<'a>,
}

impl<'a> Input<'a> {
    pub(crate) fn read(members: &mut Members<'a>) -> Input<'a> {
        Input { stream: StreamRef::read(members) }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        Ok(self.stream.address(request.caller)?.arn())
    }
}

#[derive(Debug)]
pub(crate) struct Output {
    stream: Arc<Stream>,
    consumer_count: usize,
    /// Whether the account's commitment holds: only then there is a warm throughput.
    is_advantage: bool,
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input<'_>) -> Result<Output, Error> {
    let at = input.stream.address(ctx.caller)?;
    let snapshot = ctx.inner.catalog.load();
    let stream = snapshot.stream(at).ok_or_else(|| Error::stream_not_found(at))?.clone();
    let consumer_count = snapshot.consumers(at).map_or(0, |consumers| consumers.len());
    let commitment = snapshot.commitment(at.account, at.region);
    let is_advantage = commitment.holds_at(ctx.inner.now_ms());
    Ok(Output { stream, consumer_count, is_advantage })
}

impl WireOutput for Output {
    fn write<W: Writer>(&self, w: &mut W) {
        let stream = &*self.stream;
        w.map(|w| {
            w.field_map("StreamDescriptionSummary", |w| {
                description::write_identity(w, stream);
                description::write_settings(w, stream);
                w.field_i64("OpenShardCount", stream.open_shard_count() as i64);
                w.field_i64("ConsumerCount", self.consumer_count as i64);
                w.field_i64("MaxRecordSizeInKiB", i64::from(stream.max_record_kib));
                if stream.mode == StreamMode::OnDemand {
                    w.field_str("RecordDistributionStrategy", stream.distribution.as_str());
                }
                if self.is_advantage && stream.mode == StreamMode::OnDemand {
                    description::write_warm_throughput(w, stream);
                }
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[test]
    fn a_fresh_stream_is_summed_up() {
        let world = World::with_stream(2);
        let created = world.created_second("s");
        let expected = format!(
            r#"{{"StreamDescriptionSummary":{{"StreamName":"s","StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s","StreamStatus":"ACTIVE","StreamModeDetails":{{"StreamMode":"PROVISIONED"}},"StreamCreationTimestamp":{created},"RetentionPeriodHours":24,"EncryptionType":"NONE","EnhancedMonitoring":[{{"ShardLevelMetrics":[]}}],"OpenShardCount":2,"ConsumerCount":0,"MaxRecordSizeInKiB":1024}}}}"#
        );
        world.check("DescribeStreamSummary", r#"{"StreamName":"s"}"#, &expected);
        let by_arn = r#"{"StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s"}"#;
        world.check("DescribeStreamSummary", by_arn, &expected);
    }

    #[test]
    fn an_unknown_stream_is_not_found() {
        World::new().check(
            "DescribeStreamSummary",
            r#"{"StreamName":"s"}"#,
            "ResourceNotFoundException: Stream s under account 000000000000 not found.",
        );
    }

    #[test]
    fn several_violations_are_told_at_once() {
        World::new().check(
            "DescribeStreamSummary",
            r#"{"StreamName":""}"#,
            "ValidationException: 2 validation errors detected: Value '' at 'streamName' failed \
             to satisfy constraint: Member must satisfy regular expression pattern: \
             [a-zA-Z0-9_.-]+; Value '' at 'streamName' failed to satisfy constraint: Member must \
             have length greater than or equal to 1",
        );
    }
}
