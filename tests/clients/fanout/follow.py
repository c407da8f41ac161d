"""Follows a stream by SubscribeToShard from its oldest shards on, from parents to children, until a record says `end`;
writes a line `<partition key> <data>` for each record. Where a subscription ends without the shard's end (its five
minutes are over, the server was restarted), it goes on AFTER the last ContinuationSequenceNumber. boto3: HTTP/1.1.
"""

import os
import sys
import threading
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError, HTTPClientError
from urllib3.exceptions import HTTPError

stream, consumer, path = sys.argv[1:]
kinesis = boto3.client("kinesis", config=Config(max_pool_connections=64))
lock, finished, started = threading.Lock(), set(), set()
done = threading.Event()


def listen(shard, out):
    position = {"Type": "TRIM_HORIZON"}
    while not done.is_set():
        try:
            answer = kinesis.subscribe_to_shard(ConsumerARN=consumer, ShardId=shard, StartingPosition=position)
            for event in answer["EventStream"]:
                event = event["SubscribeToShardEvent"]
                if tell(event, out):
                    return
                if "ContinuationSequenceNumber" not in event:
                    return go_on(shard, event["ChildShards"], out)
                position = {
                    "Type": "AFTER_SEQUENCE_NUMBER",
                    "SequenceNumber": event["ContinuationSequenceNumber"],
                }
        except ClientError as error:  # EventStreamError is one
            if error.response["Error"]["Code"] != "ResourceInUseException" or isinstance(error, EventStreamError):
                raise
            time.sleep(0.5)  # the last call is less than five seconds old
        except (HTTPClientError, HTTPError, OSError):
            time.sleep(0.2)  # the server is not there


def tell(event, out):
    """Writes an event's records; true if everything has been told."""
    with lock:
        for record in event["Records"]:
            data = record["Data"].decode()
            if data == "end":
                done.set()
                return True
            print(record["PartitionKey"], data, file=out)
    return done.is_set()


def go_on(shard, children, out):
    with lock:
        finished.add(shard)
        # A child of two merged shards waits for both, and is named by both.
        ready = [it["ShardId"] for it in children if finished.issuperset(it["ParentShards"])]
        ready = [it for it in ready if it not in started]
        started.update(ready)
    for child in ready:
        start(child, out)


def start(shard, out):
    def run():
        try:
            listen(shard, out)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)

    threading.Thread(target=run, daemon=True).start()


with open(path, "w") as out:
    for oldest in kinesis.list_shards(StreamName=stream, ShardFilter={"Type": "AT_TRIM_HORIZON"})["Shards"]:
        started.add(oldest["ShardId"])
        start(oldest["ShardId"], out)
    print("ready", file=out, flush=True)
    done.wait()
    with lock:
        out.flush()
        os._exit(0)  # other threads hang in their subscriptions
