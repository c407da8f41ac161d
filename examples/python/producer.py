#!/usr/bin/env python3
"""Writes events to a Kinesis stream: one for each line of standard input, or one of its own.

    python3 producer.py --stream nautilus-stream --region us-east-1
    tail -f access.log | python3 producer.py

Works against AWS, and against Nautilus when AWS_ENDPOINT_URL names it.
"""

import argparse
import json
import random
import sys
import time
from datetime import datetime, timezone

import boto3
from botocore.exceptions import ClientError

# The codes with which Kinesis asks a producer to slow down.
THROTTLED = ("ProvisionedThroughputExceededException", "LimitExceededException", "ThrottlingException")


def put(kinesis, stream, data, partition_key):
    """Puts one record. Waits longer and longer while the shard's quota is used up; nothing is dropped."""
    pause = 0.1
    while True:
        try:
            return kinesis.put_record(StreamName=stream, Data=json.dumps(data), PartitionKey=partition_key)
        except ClientError as error:
            if error.response["Error"]["Code"] not in THROTTLED:
                raise
            print(f"throttled, trying again in about {pause:.1f} s", file=sys.stderr)
            time.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, 10)


def events():
    """What to send: the lines of standard input, or one event when nobody pipes anything in."""
    if sys.stdin is None or sys.stdin.isatty():
        yield {"event": "user_action", "timestamp": datetime.now(timezone.utc).isoformat(timespec="seconds")}
        return
    for line in sys.stdin:
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError:
                yield {"event": line.rstrip("\n"), "timestamp": datetime.now(timezone.utc).isoformat(timespec="seconds")}


def main():
    parser = argparse.ArgumentParser(description="Writes events to a Kinesis stream.")
    parser.add_argument("--stream", default="nautilus-stream", help="name of the stream (default: %(default)s)")
    parser.add_argument("--region", default=None, help="AWS region (default: AWS_REGION, then us-east-1)")
    parser.add_argument("--partition-key", default="partition_key", help="decides the shard (default: %(default)s)")
    arguments = parser.parse_args()

    region = arguments.region or boto3.session.Session().region_name or "us-east-1"
    kinesis = boto3.client("kinesis", region_name=region)
    for data in events():
        response = put(kinesis, arguments.stream, data, arguments.partition_key)
        print(f"Record added to shard: {response['ShardId']}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except ClientError as error:
        sys.exit(f"producer: {error}")
