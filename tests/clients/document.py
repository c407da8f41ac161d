"""The two programs that people copy from the description of this project's stream, to the letter."""

DOCUMENT_CONSUMER = """\
import boto3

kinesis = boto3.client('kinesis', region_name='us-east-1')

response = kinesis.get_shard_iterator(
    StreamName='nautilus-stream',
    ShardId='shardId-000000000000',
    ShardIteratorType='LATEST'
)

shard_iterator = response['ShardIterator']

while True:
    response = kinesis.get_records(ShardIterator=shard_iterator)
    records = response['Records']
    
    for record in records:
        print(record['Data'])
    
    shard_iterator = response['NextShardIterator']
"""
DOCUMENT_PRODUCER = """\
import boto3
import json

kinesis = boto3.client('kinesis', region_name='us-east-1')

data = {'event': 'user_action', 'timestamp': '2025-01-17T10:00:00Z'}

response = kinesis.put_record(
    StreamName='nautilus-stream',
    Data=json.dumps(data),
    PartitionKey='partition_key'
)

print(f"Record added to shard: {response['ShardId']}")
"""
DOCUMENT_DATA = b'{"event": "user_action", "timestamp": "2025-01-17T10:00:00Z"}'
