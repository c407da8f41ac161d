// Goes over a shard's rates with the AWS SDK for JavaScript 3: its own retries must bring every call through. Of its usual
// three tries all may come within the fifth of a second that a shard asks for, hence more.

import assert from "node:assert/strict";
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  PutRecordsCommand,
} from "@aws-sdk/client-kinesis";

const StreamName = process.argv[2];
const client = new KinesisClient({ maxAttempts: 8 });
const once = new KinesisClient({ maxAttempts: 1 });

const ShardId = "shardId-000000000000";
const { ShardIterator } = await client.send(
  new GetShardIteratorCommand({ StreamName, ShardId, ShardIteratorType: "LATEST" }),
);
await assert.rejects(
  async () => {
    for (let i = 0; i < 10; i += 1) await once.send(new GetRecordsCommand({ ShardIterator }));
  },
  {
    name: "ProvisionedThroughputExceededException",
    message: `Rate exceeded for shard ${ShardId} in stream ${StreamName} under account 000000000000.`,
  },
);

let retried = 0;
for (let i = 0; i < 20; i += 1) {
  const page = await client.send(new GetRecordsCommand({ ShardIterator }));
  retried += page.$metadata.attempts - 1;
}
assert(retried > 0, "20 reads of one shard went through at once");

const Records = Array.from({ length: 500 }, (_, i) => ({ PartitionKey: "k", Data: Buffer.from(`${i}`) }));
let failed = 0;
for (let i = 0; failed === 0 && i < 100; i += 1) {
  const batch = await client.send(new PutRecordsCommand({ StreamName, Records }));
  const refused = batch.Records.filter((record) => record.ErrorCode === "ProvisionedThroughputExceededException");
  assert.equal(batch.FailedRecordCount, refused.length);
  failed += refused.length;
}
assert(failed > 0 && failed <= 500, `${failed} of 500 records were refused`);
console.log(`Node.js: 20 reads went through with ${retried} retries; PutRecords told ${failed} refused records`);
