"""A walk through every operation of a running server: what it answers, and which errors it has."""

import base64
import time

import harness

ACCOUNT, REGION = "000000000000", "us-east-1"
DATA = base64.b64encode(b"data").decode()
POLICY = (
    '{{"Version":"2012-10-17","Statement":[{{"Sid":"s","Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::'
    '111122223333:root"}},"Action":"kinesis:DescribeStreamSummary","Resource":"{}"}}]}}'
)


class Seen:
    def __init__(self, client):
        self.client, self.called, self.answers, self.errors = client, set(), {}, {}

    def ok(self, operation, **members):
        """A call that must succeed."""
        self.called.add(operation)
        answer = self.client.call(operation, members)
        self.answers.setdefault(operation, []).append(answer)
        return answer

    def refused(self, operation, **members):
        """A call that must fail; its code."""
        self.called.add(operation)
        try:
            answer = self.client.call(operation, members)
        except harness.ApiError as error:
            harness.check(error.status < 500, f"{operation} {members}: {error}")
            self.errors.setdefault(operation, set()).add(error.code)
            return error.code
        raise harness.Failed(f"{operation} {members}: succeeded with {answer}")


def arn(name):
    return f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{name}"


def active(seen, name):
    return harness.wait_for_status(seen.client, name)


def iterator(seen, name, shard, kind="TRIM_HORIZON", **more):
    return seen.ok("GetShardIterator", StreamName=name, ShardId=shard, ShardIteratorType=kind, **more)["ShardIterator"]


def streams(seen):
    seen.ok("CreateStream", StreamName="s", ShardCount=2, Tags={"a": "b"})
    seen.refused("DeleteStream", StreamName="none")
    active(seen, "s")
    seen.refused("CreateStream", StreamName="s", ShardCount=1)
    seen.refused("CreateStream", StreamName="t", ShardCount=1, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    seen.refused("CreateStream", StreamName="huge", ShardCount=100_000)
    seen.ok("CreateStream", StreamName="o", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    active(seen, "o")
    for name in ("s", "o"):
        seen.ok("DescribeStream", StreamName=name)
        seen.ok("DescribeStreamSummary", StreamName=name)
    for operation in ("DescribeStream", "DescribeStreamSummary", "ListShards", "ListTagsForStream"):
        seen.refused(operation, StreamName="none")
        seen.refused(operation, StreamName="")
    seen.ok("ListStreams", Limit=1)
    seen.ok("ListStreams")
    seen.refused("ListStreams", NextToken="x")
    seen.ok("DescribeLimits")


def settings(seen):
    # What is refused first: behind a change the stream is UPDATING for a moment, and refuses that.
    for operation, wrong, right in (
        ("IncreaseStreamRetentionPeriod", 10_000, 48),
        ("DecreaseStreamRetentionPeriod", 1, 24),
    ):
        seen.refused(operation, StreamName="s", RetentionPeriodHours=wrong)
        seen.refused(operation, StreamName="none", RetentionPeriodHours=right)
        seen.ok(operation, StreamName="s", RetentionPeriodHours=right)
        seen.refused(operation, StreamName="s", RetentionPeriodHours=right)
        active(seen, "s")
    for operation in ("EnableEnhancedMonitoring", "DisableEnhancedMonitoring"):
        seen.ok(operation, StreamName="s", ShardLevelMetrics=["ALL"])
        seen.refused(operation, StreamName="none", ShardLevelMetrics=["ALL"])
        seen.refused(operation, StreamName="s", ShardLevelMetrics=["x"])
        active(seen, "s")
    seen.ok("UpdateStreamMode", StreamARN=arn("o"), StreamModeDetails={"StreamMode": "PROVISIONED"})
    seen.refused("UpdateStreamMode", StreamARN=arn("none"), StreamModeDetails={"StreamMode": "PROVISIONED"})
    active(seen, "o")
    seen.ok("UpdateStreamMode", StreamARN=arn("o"), StreamModeDetails={"StreamMode": "ON_DEMAND"})
    active(seen, "o")
    seen.refused("UpdateStreamMode", StreamARN=arn("o"), StreamModeDetails={"StreamMode": "PROVISIONED"})
    seen.refused("UpdateMaxRecordSize", StreamARN=arn("none"), MaxRecordSizeInKiB=2048)
    seen.refused("UpdateMaxRecordSize", StreamARN=arn("s"), MaxRecordSizeInKiB=1)
    seen.ok("UpdateMaxRecordSize", StreamARN=arn("s"), MaxRecordSizeInKiB=2048)
    active(seen, "s")
    seen.refused("StartStreamEncryption", StreamName="s", EncryptionType="KMS", KeyId="alias/aws/kinesis")
    seen.refused("StartStreamEncryption", StreamName="none", EncryptionType="KMS", KeyId="alias/aws/kinesis")
    seen.ok("StopStreamEncryption", StreamName="s", EncryptionType="KMS", KeyId="alias/aws/kinesis")
    seen.refused("StopStreamEncryption", StreamName="none", EncryptionType="KMS", KeyId="alias/aws/kinesis")


def account(seen):
    seen.ok("DescribeAccountSettings")
    warm = {"StreamARN": arn("o"), "WarmThroughputMiBps": 8}
    seen.refused("UpdateStreamWarmThroughput", **warm)
    seen.ok("UpdateAccountSettings", MinimumThroughputBillingCommitment={"Status": "ENABLED"})
    seen.ok("DescribeAccountSettings")
    seen.refused("UpdateAccountSettings", MinimumThroughputBillingCommitment={"Status": "x"})
    seen.ok("UpdateStreamWarmThroughput", **warm)
    active(seen, "o")
    seen.ok("DescribeStreamSummary", StreamName="o")
    seen.ok("DescribeStream", StreamName="o")
    auto = {"RecordDistributionStrategy": "AUTO"}
    seen.ok("UpdateStreamRecordDistributionStrategy", StreamARN=arn("o"), **auto)
    active(seen, "o")
    seen.ok("DescribeStreamSummary", StreamName="o")
    seen.refused("UpdateStreamRecordDistributionStrategy", StreamARN=arn("none"), **auto)
    seen.refused("UpdateStreamRecordDistributionStrategy", StreamARN=arn("s"), **auto)
    seen.ok("UpdateAccountSettings", MinimumThroughputBillingCommitment={"Status": "DISABLED"})
    seen.ok("DescribeAccountSettings")


def tags(seen):
    seen.ok("AddTagsToStream", StreamName="s", Tags={"k": "v"})
    seen.refused("AddTagsToStream", StreamName="s", Tags={"k!": "v"})
    seen.refused("AddTagsToStream", StreamName="none", Tags={"k": "v"})
    seen.ok("ListTagsForStream", StreamName="s", Limit=1)
    seen.ok("RemoveTagsFromStream", StreamName="s", TagKeys=["k"])
    seen.refused("RemoveTagsFromStream", StreamName="none", TagKeys=["k"])
    seen.ok("TagResource", ResourceARN=arn("s"), Tags={"k": "v"})
    seen.ok("ListTagsForResource", ResourceARN=arn("s"))
    seen.ok("UntagResource", ResourceARN=arn("s"), TagKeys=["k"])
    seen.refused("TagResource", ResourceARN=arn("none"), Tags={"k": "v"})
    seen.refused("UntagResource", ResourceARN=arn("none"), TagKeys=["k"])
    seen.refused("ListTagsForResource", ResourceARN=arn("none"))


def policies(seen):
    seen.ok("PutResourcePolicy", ResourceARN=arn("s"), Policy=POLICY.format(arn("s")))
    seen.ok("GetResourcePolicy", ResourceARN=arn("s"))
    seen.ok("DeleteResourcePolicy", ResourceARN=arn("s"))
    seen.refused("PutResourcePolicy", ResourceARN=arn("s"), Policy="no policy")
    seen.refused("PutResourcePolicy", ResourceARN=arn("none"), Policy=POLICY.format(arn("none")))
    seen.refused("GetResourcePolicy", ResourceARN=arn("none"))
    seen.refused("DeleteResourcePolicy", ResourceARN=arn("none"))


def records(seen):
    seen.ok("PutRecord", StreamName="s", PartitionKey="k", ExplicitHashKey="0", Data=DATA)
    seen.refused("PutRecord", StreamName="none", PartitionKey="k", Data=DATA)
    seen.refused("PutRecord", StreamName="s", PartitionKey="k", ExplicitHashKey=str(1 << 128), Data=DATA)
    large = base64.b64encode(bytes(900_000)).decode()
    # Three times a shard's MiB of a second: some are refused, one by one.
    burst = [{"PartitionKey": "k", "Data": large} for _ in range(9)]
    seen.ok("PutRecords", StreamName="s", Records=[{"PartitionKey": "k", "Data": DATA}, *burst])
    seen.refused("PutRecords", StreamName="none", Records=[{"PartitionKey": "k", "Data": DATA}])
    seen.refused("PutRecords", StreamName="s", Records=[])
    shards = seen.ok("ListShards", StreamName="s", MaxResults=1)
    seen.ok("ListShards", NextToken=shards["NextToken"])
    seen.refused("ListShards", NextToken="x")
    shard = shards["Shards"][0]["ShardId"]
    seen.ok("GetRecords", ShardIterator=iterator(seen, "s", shard))
    seen.refused("GetRecords", ShardIterator="x")
    seen.refused("GetShardIterator", StreamName="s", ShardId="77", ShardIteratorType="LATEST")
    seen.refused("GetShardIterator", StreamName="s", ShardId=shard, ShardIteratorType="AT_SEQUENCE_NUMBER")


def consumers(seen):
    registered = seen.ok("RegisterStreamConsumer", StreamARN=arn("s"), ConsumerName="c", Tags={"k": "v"})["Consumer"]
    seen.refused("RegisterStreamConsumer", StreamARN=arn("s"), ConsumerName="c")
    seen.refused("RegisterStreamConsumer", StreamARN=arn("none"), ConsumerName="c")
    consumer = registered["ConsumerARN"]
    until = time.monotonic() + 10
    while seen.ok("DescribeStreamConsumer", ConsumerARN=consumer)["ConsumerDescription"]["ConsumerStatus"] != "ACTIVE":
        harness.check(time.monotonic() < until, "the consumer never becomes ACTIVE")
        time.sleep(0.05)
    seen.refused("DescribeStreamConsumer", StreamARN=arn("s"), ConsumerName="none")
    seen.ok("RegisterStreamConsumer", StreamARN=arn("s"), ConsumerName="d")
    page = seen.ok("ListStreamConsumers", StreamARN=arn("s"), MaxResults=1)
    seen.ok("ListStreamConsumers", StreamARN=arn("s"), NextToken=page["NextToken"], MaxResults=1)
    seen.refused("ListStreamConsumers", StreamARN=arn("none"))
    seen.refused("ListStreamConsumers", StreamARN=arn("s"), NextToken="x")
    seen.ok("ListTagsForResource", ResourceARN=consumer)
    seen.refused("DeleteStream", StreamName="s")
    seen.refused("SubscribeToShard", ConsumerARN=consumer, ShardId="77", StartingPosition={"Type": "LATEST"})
    # Its events are another suite's matter: the answer is a stream.
    seen.answers.setdefault("SubscribeToShard", []).append({"EventStream": {}})
    seen.ok("DeregisterStreamConsumer", ConsumerARN=consumer)
    seen.refused("DeregisterStreamConsumer", StreamARN=arn("s"), ConsumerName="none")


def shards(seen):
    seen.ok("SplitShard", StreamName="s", ShardToSplit="0", NewStartingHashKey="9")
    seen.refused("SplitShard", StreamName="s", ShardToSplit="1", NewStartingHashKey="9")
    active(seen, "s")
    seen.refused("SplitShard", StreamName="s", ShardToSplit="0", NewStartingHashKey="5")
    seen.refused("SplitShard", StreamName="none", ShardToSplit="0", NewStartingHashKey="9")
    seen.ok("MergeShards", StreamName="s", ShardToMerge="2", AdjacentShardToMerge="3")
    active(seen, "s")
    seen.refused("MergeShards", StreamName="s", ShardToMerge="1", AdjacentShardToMerge="4")
    seen.refused("MergeShards", StreamName="none", ShardToMerge="2", AdjacentShardToMerge="3")
    scaling = {"ScalingType": "UNIFORM_SCALING"}
    seen.refused("UpdateShardCount", StreamName="s", TargetShardCount=100, **scaling)
    seen.refused("UpdateShardCount", StreamName="none", TargetShardCount=1, **scaling)
    seen.ok("UpdateShardCount", StreamName="s", TargetShardCount=1, **scaling)
    active(seen, "s")
    closed = iterator(seen, "s", "0", "LATEST")
    # Once the reads of this second are through: the page at a closed shard's end.
    time.sleep(1.2)
    seen.ok("GetRecords", ShardIterator=closed)
    seen.ok("DescribeStream", StreamName="s")
    seen.ok("ListShards", StreamName="s")


def gone(seen):
    seen.ok("DeleteStream", StreamName="o")
    seen.ok("DeleteStream", StreamName="s", EnforceConsumerDeletion=True)


def walk():
    with harness.Server("conformance", "--transition-delay", "200ms", "--limit", "control-calls=off") as server:
        seen = Seen(server.client())
        for part in (streams, settings, account, tags, policies, records, consumers, shards, gone):
            part(seen)
        return seen
