"""Reads a stream from its oldest shards on, from parents to children, until a record says `end`; writes a line
`<partition key> <data>` for each record. boto3: JSON over HTTP/1.1.
"""

import sys
import time

import boto3

stream, path = sys.argv[1:]
kinesis = boto3.client("kinesis")
iterators, finished = {}, set()


def start(shard):
    answer = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    iterators[shard] = answer["ShardIterator"]


def read(out):
    while iterators:
        count = 0
        for shard, iterator in list(iterators.items()):
            page = kinesis.get_records(ShardIterator=iterator)
            for record in page["Records"]:
                data = record["Data"].decode()
                if data == "end":
                    return
                print(record["PartitionKey"], data, file=out)
            count += len(page["Records"])
            if page.get("NextShardIterator"):
                iterators[shard] = page["NextShardIterator"]
                continue
            del iterators[shard]
            finished.add(shard)
            for child in page["ChildShards"]:
                if finished.issuperset(child["ParentShards"]):  # a child of two merged shards waits for both
                    start(child["ShardId"])
        if not count:
            time.sleep(0.05)


for oldest in kinesis.list_shards(StreamName=stream, ShardFilter={"Type": "AT_TRIM_HORIZON"})["Shards"]:
    start(oldest["ShardId"])
with open(path, "w") as out:
    print("ready", file=out, flush=True)
    read(out)
