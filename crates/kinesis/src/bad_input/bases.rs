//! A right request for every operation, with all its members: what the wrong ones are made from.

use serde_json::{Value, json};

use crate::testing::World;

/// What the requests are about.
pub(super) struct Bases {
    pub world: World,
    shard: String,
    number: String,
    iterator: String,
    consumer: String,
}

const STREAM: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
const ON_DEMAND: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/o";

impl Bases {
    /// A stream with a record, an on-demand one, a consumer.
    pub fn new() -> Bases {
        let world = World::with_stream(2);
        world.check(
            "CreateStream",
            r#"{"StreamName":"o","StreamModeDetails":{"StreamMode":"ON_DEMAND"}}"#,
            "",
        );
        world.settle();
        let register = json!({ "StreamARN": STREAM, "ConsumerName": "c" }).to_string();
        let consumer = world.ok("RegisterStreamConsumer", &register);
        let consumer = consumer["Consumer"]["ConsumerARN"].as_str().unwrap_or_default().to_owned();
        world.settle();
        let number = world.put_at("s", "0", b"data");
        let shard = world.shard_of("s", "0");
        let iterator = world.iterator("s", 0, "TRIM_HORIZON");
        Bases { world, shard, number, iterator, consumer }
    }

    /// The request of an operation; it need not succeed, but nothing in it violates a constraint.
    pub fn of(&self, operation: &str) -> Value {
        let (shard, number) = (&self.shard, &self.number);
        let tags = json!({ "k": "v" });
        let mode = json!({ "StreamMode": "ON_DEMAND" });
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "AWS": "arn:aws:iam::111122223333:root" },
                "Action": "kinesis:PutRecord",
                "Resource": STREAM,
            }],
        });
        let encryption =
            json!({ "StreamName": "s", "EncryptionType": "KMS", "KeyId": "alias/aws/kinesis" });
        match operation {
            "AddTagsToStream" => json!({ "StreamName": "s", "Tags": tags }),
            "CreateStream" => json!({
                "StreamName": "n", "ShardCount": 1, "Tags": tags, "MaxRecordSizeInKiB": 1024,
                "StreamModeDetails": { "StreamMode": "PROVISIONED" },
            }),
            "DecreaseStreamRetentionPeriod" | "IncreaseStreamRetentionPeriod" => {
                json!({ "StreamName": "s", "RetentionPeriodHours": 24 })
            }
            "DeleteResourcePolicy" | "GetResourcePolicy" | "ListTagsForResource" => {
                json!({ "ResourceARN": STREAM })
            }
            "PutResourcePolicy" => json!({ "ResourceARN": STREAM, "Policy": policy.to_string() }),
            "DeleteStream" => json!({ "StreamName": "s", "EnforceConsumerDeletion": true }),
            "DescribeStreamConsumer" | "DeregisterStreamConsumer" => {
                json!({ "ConsumerARN": self.consumer })
            }
            "RegisterStreamConsumer" => {
                json!({ "StreamARN": STREAM, "ConsumerName": "d", "Tags": tags })
            }
            "ListStreamConsumers" => json!({ "StreamARN": STREAM, "MaxResults": 10 }),
            "DescribeLimits" | "DescribeAccountSettings" => json!({}),
            "UpdateAccountSettings" => {
                json!({ "MinimumThroughputBillingCommitment": { "Status": "ENABLED" } })
            }
            "DescribeStream" => {
                json!({ "StreamName": "s", "Limit": 10, "ExclusiveStartShardId": shard })
            }
            "DescribeStreamSummary" => json!({ "StreamName": "s" }),
            "EnableEnhancedMonitoring" | "DisableEnhancedMonitoring" => {
                json!({ "StreamName": "s", "ShardLevelMetrics": ["ALL"] })
            }
            "GetRecords" => json!({ "ShardIterator": self.iterator, "Limit": 10 }),
            "GetShardIterator" => json!({
                "StreamName": "s", "ShardId": shard, "ShardIteratorType": "AT_SEQUENCE_NUMBER",
                "StartingSequenceNumber": number,
            }),
            "ListShards" => {
                json!({ "StreamName": "s", "MaxResults": 10, "ShardFilter": { "Type": "AT_LATEST" } })
            }
            "ListStreams" => json!({ "Limit": 10, "ExclusiveStartStreamName": "a" }),
            "ListTagsForStream" => {
                json!({ "StreamName": "s", "Limit": 10, "ExclusiveStartTagKey": "a" })
            }
            "MergeShards" => {
                json!({ "StreamName": "s", "ShardToMerge": shard, "AdjacentShardToMerge": "1" })
            }
            "PutRecord" => json!({
                "StreamName": "s", "PartitionKey": "k", "ExplicitHashKey": "7", "Data": "ZGF0YQ==",
                "SequenceNumberForOrdering": number,
            }),
            "PutRecords" => json!({
                "StreamName": "s",
                "Records": [
                    { "PartitionKey": "k", "Data": "ZGF0YQ==" },
                    { "PartitionKey": "l", "ExplicitHashKey": "7", "Data": "" },
                ],
            }),
            "RemoveTagsFromStream" => json!({ "StreamName": "s", "TagKeys": ["k"] }),
            "SplitShard" => {
                json!({ "StreamName": "s", "ShardToSplit": shard, "NewStartingHashKey": "9" })
            }
            "StartStreamEncryption" | "StopStreamEncryption" => encryption,
            "SubscribeToShard" => json!({
                "ConsumerARN": self.consumer, "ShardId": shard,
                "StartingPosition": { "Type": "AT_SEQUENCE_NUMBER", "SequenceNumber": number },
            }),
            "TagResource" => json!({ "ResourceARN": self.consumer, "Tags": tags }),
            "UntagResource" => json!({ "ResourceARN": self.consumer, "TagKeys": ["k"] }),
            "UpdateMaxRecordSize" => json!({ "StreamARN": STREAM, "MaxRecordSizeInKiB": 2048 }),
            "UpdateShardCount" => {
                json!({ "StreamName": "s", "TargetShardCount": 4, "ScalingType": "UNIFORM_SCALING" })
            }
            "UpdateStreamMode" => json!({ "StreamARN": STREAM, "StreamModeDetails": mode }),
            "UpdateStreamRecordDistributionStrategy" => {
                json!({ "StreamARN": ON_DEMAND, "RecordDistributionStrategy": "AUTO" })
            }
            "UpdateStreamWarmThroughput" => {
                json!({ "StreamARN": ON_DEMAND, "WarmThroughputMiBps": 8 })
            }
            other => panic!("no request for {other}: every operation has one here"),
        }
    }
}
