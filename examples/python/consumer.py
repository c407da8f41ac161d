#!/usr/bin/env python3
"""Prints the records of a Kinesis stream as they come, from all of its shards, and from those that follow them when
the stream is scaled: what a closed shard holds comes before what its children hold.

    python3 consumer.py --stream nautilus-stream --region us-east-1
    python3 consumer.py --from TRIM_HORIZON

Works against AWS, and against Nautilus when AWS_ENDPOINT_URL names it. Ends when every shard is closed and read to its
end, or with Ctrl-C.
"""

import argparse
import sys
import time

import boto3
from botocore.exceptions import ClientError

# AWS allows five GetRecords calls a second on each shard; other readers of the shard share them.
POLL_SECONDS = 0.25
THROTTLED = ("ProvisionedThroughputExceededException", "LimitExceededException", "ThrottlingException")


class ShardReader:
    """Where we are in one shard."""

    def __init__(self, kinesis, stream, shard_id, start):
        self.kinesis, self.stream, self.shard_id, self.start = kinesis, stream, shard_id, start
        self.last, self.wait_until, self.pause = None, 0.0, POLL_SECONDS
        self.iterator = self.new_iterator()

    def new_iterator(self):
        position = {"ShardIteratorType": self.start}
        if self.last is not None:
            position = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": self.last}
        response = self.kinesis.get_shard_iterator(StreamName=self.stream, ShardId=self.shard_id, **position)
        return response["ShardIterator"]

    def read(self):
        """The records of one call and, at the end of a closed shard, its children. `iterator` is None then."""
        if time.monotonic() < self.wait_until:
            return [], []
        try:
            response = self.kinesis.get_records(ShardIterator=self.iterator)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in THROTTLED:
                self.pause = min(self.pause * 2, 10)
                self.wait_until = time.monotonic() + self.pause
                return [], []
            if code == "ExpiredIteratorException":
                # Five minutes without a call, on a machine that slept, say: go on after the last record.
                self.iterator = self.new_iterator()
                return [], []
            raise
        self.pause = POLL_SECONDS
        self.wait_until = time.monotonic() + self.pause
        if response["Records"]:
            self.last = response["Records"][-1]["SequenceNumber"]
        # A closed shard that has been read to its end gives no next iterator.
        self.iterator = response.get("NextShardIterator")
        return response["Records"], response.get("ChildShards", [])


def first_shards(kinesis, stream, start):
    """The shards to begin with: those that are open now, or the oldest ones. Each leads on to its children."""
    kind = {"LATEST": "AT_LATEST", "TRIM_HORIZON": "AT_TRIM_HORIZON"}[start]
    request = {"StreamName": stream, "ShardFilter": {"Type": kind}}
    while request:
        page = kinesis.list_shards(**request)
        yield from (shard["ShardId"] for shard in page["Shards"])
        # A token stands for the whole request. (boto3's paginator sends the name with it, which AWS refuses.)
        request = {"NextToken": page["NextToken"]} if page.get("NextToken") else None


def main():
    parser = argparse.ArgumentParser(description="Prints the records of a Kinesis stream as they come.")
    parser.add_argument("--stream", default="nautilus-stream", help="name of the stream (default: %(default)s)")
    parser.add_argument("--region", default=None, help="AWS region (default: AWS_REGION, then us-east-1)")
    parser.add_argument(
        "--from",
        dest="start",
        default="LATEST",
        choices=["LATEST", "TRIM_HORIZON"],
        help="new records only, or everything that the stream still keeps (default: %(default)s)",
    )
    arguments = parser.parse_args()

    region = arguments.region or boto3.session.Session().region_name or "us-east-1"
    kinesis = boto3.client("kinesis", region_name=region)
    readers = {
        shard_id: ShardReader(kinesis, arguments.stream, shard_id, arguments.start)
        for shard_id in first_shards(kinesis, arguments.stream, arguments.start)
    }
    finished = set()
    while readers:
        for shard_id, reader in list(readers.items()):
            records, children = reader.read()
            for record in records:
                print(record["Data"], flush=True)
            if reader.iterator is not None:
                continue
            print(f"{shard_id} is closed and read to its end", file=sys.stderr)
            finished.add(shard_id)
            del readers[shard_id]
            for child in children:
                # A child of two merged shards waits for both: so each partition key's records stay in order.
                if finished.issuperset(child["ParentShards"]):
                    child_id = child["ShardId"]
                    readers[child_id] = ShardReader(kinesis, arguments.stream, child_id, "TRIM_HORIZON")
        if readers:
            soonest = min(reader.wait_until for reader in readers.values())
            time.sleep(max(0.0, soonest - time.monotonic()))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
    except ClientError as error:
        sys.exit(f"consumer: {error}")
