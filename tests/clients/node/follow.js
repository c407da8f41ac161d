// Reads a stream from its oldest shards on, from parents to children, until a record says `end`; writes a line
// `<partition key> <data>` for each record. JSON over HTTP/2.

import { closeSync, openSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { GetRecordsCommand, GetShardIteratorCommand, KinesisClient, ListShardsCommand } from "@aws-sdk/client-kinesis";

const [StreamName, path] = process.argv.slice(2);
const client = new KinesisClient({});
const out = openSync(path, "w");
const iterators = new Map();
const finished = new Set();

async function start(ShardId) {
  const request = { StreamName, ShardId, ShardIteratorType: "TRIM_HORIZON" };
  iterators.set(ShardId, (await client.send(new GetShardIteratorCommand(request))).ShardIterator);
}

// A child of two merged shards waits for both.
async function follow(shard, page) {
  if (page.NextShardIterator) {
    iterators.set(shard, page.NextShardIterator);
    return;
  }
  iterators.delete(shard);
  finished.add(shard);
  for (const child of page.ChildShards) {
    if (child.ParentShards.every((parent) => finished.has(parent))) await start(child.ShardId);
  }
}

async function read() {
  while (iterators.size > 0) {
    let count = 0;
    for (const [shard, ShardIterator] of [...iterators]) {
      const page = await client.send(new GetRecordsCommand({ ShardIterator }));
      const lines = page.Records.map((record) => `${record.PartitionKey} ${Buffer.from(record.Data)}\n`);
      const end = lines.indexOf("end end\n");
      writeSync(out, lines.slice(0, end < 0 ? undefined : end).join(""));
      if (end >= 0) return;
      count += lines.length;
      await follow(shard, page);
    }
    if (count === 0) await sleep(50);
  }
}

const oldest = await client.send(new ListShardsCommand({ StreamName, ShardFilter: { Type: "AT_TRIM_HORIZON" } }));
for (const { ShardId } of oldest.Shards) await start(ShardId);
writeSync(out, "ready\n");
await read();
closeSync(out);
client.destroy();
