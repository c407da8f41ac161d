// Writes to a stream until its standard input ends: PutRecords of small records, one call after another in each lane,
// and as many calls at once as there are lanes. A lane has keys of its own, so that the order of each is known. Prints
// `<lane> <records acknowledged>` after each answer. JSON over HTTP/2.

import { KinesisClient, PutRecordsCommand } from "@aws-sdk/client-kinesis";

const [StreamName, first, lanes, keys, perCall] = process.argv.slice(2).map((it, at) => (at ? Number(it) : it));
const client = new KinesisClient({ maxAttempts: 1 }); // a call that is sent again could double its records
let stopping = false;

async function write(lane) {
  let acknowledged = 0;
  while (!stopping) {
    const Records = Array.from({ length: perCall }, (_, at) => ({
      PartitionKey: `${lane}-${(acknowledged + at) % keys}`,
      Data: Buffer.from(String(acknowledged + at)),
    }));
    const answer = await client.send(new PutRecordsCommand({ StreamName, Records }));
    if (answer.FailedRecordCount !== 0) {
      const refused = answer.Records.find((record) => record.ErrorCode);
      throw new Error(`${answer.FailedRecordCount} records were refused: ${refused.ErrorCode} ${refused.ErrorMessage}`);
    }
    acknowledged += perCall;
    process.stdout.write(`${lane} ${acknowledged}\n`);
  }
}

process.stdin.on("end", () => (stopping = true)).resume();
await Promise.all(Array.from({ length: lanes }, (_, at) => write(first + at)));
client.destroy();
