import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.awssdk.services.kinesis.model.ChildShard;
import software.amazon.awssdk.services.kinesis.model.GetRecordsResponse;
import software.amazon.awssdk.services.kinesis.model.Record;
import software.amazon.awssdk.services.kinesis.model.Shard;
import software.amazon.awssdk.services.kinesis.model.ShardFilterType;
import software.amazon.awssdk.services.kinesis.model.ShardIteratorType;

/**
 * Reads a stream from its oldest shards on, from parents to children, until a record says `end`; writes a line
 * `<partition key> <data>` for each record. The async client: CBOR over HTTP/2.
 */
public final class Follow {
    private final KinesisAsyncClient client;
    private final String stream;
    private final Map<String, String> iterators = new LinkedHashMap<>();
    private final Set<String> finished = new HashSet<>();

    private Follow(KinesisAsyncClient client, String stream) {
        this.client = client;
        this.stream = stream;
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        try (KinesisAsyncClient client = KinesisAsyncClient.create();
                PrintWriter out = new PrintWriter(Files.newBufferedWriter(Path.of(arguments[1])))) {
            new Follow(client, arguments[0]).run(out);
        }
    }

    private void run(PrintWriter out) throws InterruptedException {
        List<Shard> oldest = client.listShards(request -> request.streamName(stream)
            .shardFilter(filter -> filter.type(ShardFilterType.AT_TRIM_HORIZON))).join().shards();
        oldest.forEach(shard -> start(shard.shardId()));
        out.println("ready");
        out.flush();
        while (!iterators.isEmpty()) {
            int count = 0;
            for (String shard : List.copyOf(iterators.keySet())) {
                String iterator = iterators.get(shard);
                GetRecordsResponse page = client.getRecords(request -> request.shardIterator(iterator)).join();
                for (Record record : page.records()) {
                    String data = record.data().asUtf8String();
                    if (data.equals("end")) {
                        return;
                    }
                    out.println(record.partitionKey() + " " + data);
                }
                count += page.records().size();
                follow(shard, page);
            }
            if (count == 0) {
                Thread.sleep(50);
            }
        }
    }

    private void start(String shard) {
        iterators.put(shard, client.getShardIterator(request -> request.streamName(stream).shardId(shard)
            .shardIteratorType(ShardIteratorType.TRIM_HORIZON)).join().shardIterator());
    }

    /** A child of two merged shards waits for both. */
    private void follow(String shard, GetRecordsResponse page) {
        if (page.nextShardIterator() != null) {
            iterators.put(shard, page.nextShardIterator());
            return;
        }
        iterators.remove(shard);
        finished.add(shard);
        for (ChildShard child : page.childShards()) {
            if (finished.containsAll(child.parentShards())) {
                start(child.shardId());
            }
        }
    }
}
