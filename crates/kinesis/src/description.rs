//! The parts of streams and shards that several outputs show.

use nautilus_wire::{Output, Writer};

use crate::{
    limits,
    model::{
        hash_range::HashRange,
        ids::ShardId,
        shard::Shard,
        shard_metrics::{ShardMetric, ShardMetrics},
        stream::{Stream, StreamMode},
    },
};

/// What every description of a stream begins with. Never a StreamId: see [`Stream::id`].
pub(crate) fn write_identity<W: Writer>(w: &mut W, stream: &Stream) {
    w.field_str("StreamName", &stream.name);
    w.field_str("StreamARN", &stream.arn());
    w.field_str("StreamStatus", stream.status.as_str());
    write_mode(w, stream.mode);
    w.field_timestamp_ms("StreamCreationTimestamp", stream.created_ms);
}

/// The settings that both DescribeStream and DescribeStreamSummary show.
pub(crate) fn write_settings<W: Writer>(w: &mut W, stream: &Stream) {
    w.field_i64("RetentionPeriodHours", i64::from(stream.retention_hours));
    w.field_str("EncryptionType", "NONE");
    w.field_list("EnhancedMonitoring", [()], |w, ()| {
        w.map(|w| write_metrics(w, "ShardLevelMetrics", stream.metrics));
    });
}

pub(crate) fn write_metrics<W: Writer>(w: &mut W, name: &str, metrics: ShardMetrics) {
    w.field_strings(name, metrics.iter().map(ShardMetric::as_str));
}

fn write_mode<W: Writer>(w: &mut W, mode: StreamMode) {
    w.field_map("StreamModeDetails", |w| w.field_str("StreamMode", mode.as_str()));
}

/// What a stream on demand was told to be ready for, and what its shards take.
pub(crate) fn write_warm_throughput<W: Writer>(w: &mut W, stream: &Stream) {
    let current = stream.open_shard_count() as i64 * i64::from(limits::SHARD_MIBPS);
    w.field_map("WarmThroughput", |w| {
        w.field_i64("TargetMiBps", stream.warm_mibps.map_or(current, i64::from));
        w.field_i64("CurrentMiBps", current);
    });
}

/// A shard's part of the hash space.
pub(crate) fn write_hash_range<W: Writer>(w: &mut W, range: HashRange) {
    w.field_map("HashKeyRange", |w| {
        w.field_str("StartingHashKey", &range.start.to_string());
        w.field_str("EndingHashKey", &range.end.to_string());
    });
}

impl Output for Shard {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_str("ShardId", self.id().text().as_str());
            for (name, &parent) in
                ["ParentShardId", "AdjacentParentShardId"].iter().zip(&self.parents)
            {
                w.field_str(name, ShardId(parent).text().as_str());
            }
            write_hash_range(w, self.range);
            w.field_map("SequenceNumberRange", |w| {
                let start = self.starting_sequence_number();
                w.field_str("StartingSequenceNumber", start.text().as_str());
                if let Some(end) = self.ending_sequence_number() {
                    w.field_str("EndingSequenceNumber", end.text().as_str());
                }
            });
        });
    }
}
