// Puts records and reads them with the AWS SDK for JavaScript 3. The endpoint and the credentials come from the
// environment; the protocol and the HTTP version are the SDK's defaults.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  CreateStreamCommand,
  DescribeStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  ResourceInUseException,
  waitUntilStreamExists,
} from "@aws-sdk/client-kinesis";

const StreamName = "node";
const client = new KinesisClient({});
const stored = new Map();

await client.send(new CreateStreamCommand({ StreamName, ShardCount: 2 }));
await waitUntilStreamExists({ client, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }, { StreamName });
const summary = await client.send(new DescribeStreamSummaryCommand({ StreamName }));
assert(Math.abs(Date.now() - summary.StreamDescriptionSummary.StreamCreationTimestamp) < 300_000);

const Records = Array.from({ length: 500 }, (_, i) => ({ PartitionKey: `key-${i}`, Data: randomBytes(i * 4) }));
const batch = await client.send(new PutRecordsCommand({ StreamName, Records }));
assert.equal(batch.FailedRecordCount, 0);
batch.Records.forEach((result, i) => stored.set(`${result.ShardId} ${result.SequenceNumber}`, Records[i].Data));

// Many at once, on one connection.
await Promise.all(
  Array.from({ length: 200 }, async (_, i) => {
    const Data = Buffer.from(`single ${i}`);
    const result = await client.send(new PutRecordCommand({ StreamName, PartitionKey: `single-${i}`, Data }));
    stored.set(`${result.ShardId} ${result.SequenceNumber}`, Data);
  }),
);
assert.equal(stored.size, 700);

const { Shards } = await client.send(new ListShardsCommand({ StreamName }));
let read = 0;
for (const start of [
  { ShardIteratorType: "TRIM_HORIZON" },
  { ShardIteratorType: "AT_TIMESTAMP", Timestamp: new Date(Date.now() - 600_000) },
]) {
  for (const { ShardId } of Shards) {
    let { ShardIterator } = await client.send(new GetShardIteratorCommand({ StreamName, ShardId, ...start }));
    let page;
    do {
      page = await client.send(new GetRecordsCommand({ ShardIterator, Limit: 150 }));
      for (const record of page.Records) {
        const data = stored.get(`${ShardId} ${record.SequenceNumber}`);
        assert(data && data.equals(Buffer.from(record.Data)), record.SequenceNumber);
        assert(Math.abs(Date.now() - record.ApproximateArrivalTimestamp) < 300_000);
        read += 1;
      }
      ShardIterator = page.NextShardIterator;
    } while (page.MillisBehindLatest > 0);
  }
}
assert.equal(read, 1400);

await assert.rejects(client.send(new DescribeStreamCommand({ StreamName: "none" })), {
  name: "ResourceNotFoundException",
  message: "Stream none under account 000000000000 not found.",
});
await assert.rejects(
  client.send(new CreateStreamCommand({ StreamName, ShardCount: 1 })),
  (error) => error instanceof ResourceInUseException && Boolean(error.$metadata.requestId),
);

client.destroy();
console.log("node: 700 records put, and read twice");
