// Follows a stream by SubscribeToShard from its oldest shards on, from parents to children, until a record says `end`;
// writes a line `<partition key> <data>` for each record. Where a subscription ends without the shard's end, it goes on
// AFTER the last ContinuationSequenceNumber. HTTP/2.

import { openSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { KinesisClient, ListShardsCommand, SubscribeToShardCommand } from "@aws-sdk/client-kinesis";

const [StreamName, ConsumerARN, path] = process.argv.slice(2);
const client = new KinesisClient({});
const out = openSync(path, "w");
const started = new Set();
const finished = new Set();

// Writes an event's records; ends all when everything has been told.
function tell(event) {
  const lines = event.Records.map((record) => `${record.PartitionKey} ${Buffer.from(record.Data)}\n`);
  const end = lines.indexOf("end end\n");
  writeSync(out, lines.slice(0, end < 0 ? undefined : end).join(""));
  if (end >= 0) process.exit(0);
}

async function listen(ShardId) {
  let StartingPosition = { Type: "TRIM_HORIZON" };
  for (;;) {
    try {
      const answer = await client.send(new SubscribeToShardCommand({ ConsumerARN, ShardId, StartingPosition }));
      for await (const { SubscribeToShardEvent: event } of answer.EventStream) {
        tell(event);
        if (!event.ContinuationSequenceNumber) return goOn(ShardId, event.ChildShards);
        StartingPosition = { Type: "AFTER_SEQUENCE_NUMBER", SequenceNumber: event.ContinuationSequenceNumber };
      }
    } catch (error) {
      const refused = error.name === "ResourceInUseException"; // the last call is less than five seconds old
      if (error.$fault && !refused) throw error;
      await sleep(refused ? 500 : 200); // or the server is not there
    }
  }
}

function goOn(shard, children) {
  finished.add(shard);
  // A child of two merged shards waits for both, and is named by both.
  const ready = children.filter((it) => it.ParentShards.every((parent) => finished.has(parent)));
  for (const { ShardId } of ready) start(ShardId);
}

function start(ShardId) {
  if (started.has(ShardId)) return;
  started.add(ShardId);
  listen(ShardId).catch((error) => {
    console.error(error);
    process.exit(1);
  });
}

const oldest = await client.send(new ListShardsCommand({ StreamName, ShardFilter: { Type: "AT_TRIM_HORIZON" } }));
for (const { ShardId } of oldest.Shards) start(ShardId);
writeSync(out, "ready\n");
