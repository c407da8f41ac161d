import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.awssdk.services.kinesis.model.ChildShard;
import software.amazon.awssdk.services.kinesis.model.KinesisException;
import software.amazon.awssdk.services.kinesis.model.Record;
import software.amazon.awssdk.services.kinesis.model.ResourceInUseException;
import software.amazon.awssdk.services.kinesis.model.Shard;
import software.amazon.awssdk.services.kinesis.model.ShardFilterType;
import software.amazon.awssdk.services.kinesis.model.ShardIteratorType;
import software.amazon.awssdk.services.kinesis.model.StartingPosition;
import software.amazon.awssdk.services.kinesis.model.SubscribeToShardEvent;
import software.amazon.awssdk.services.kinesis.model.SubscribeToShardRequest;
import software.amazon.awssdk.services.kinesis.model.SubscribeToShardResponseHandler;

/**
 * Follows a stream by SubscribeToShard from its oldest shards on, from parents to children, until a record says `end`;
 * writes a line `<partition key> <data>` for each record. Where a subscription ends without the shard's end, it goes on
 * AFTER the last ContinuationSequenceNumber. HTTP/2 with Netty.
 */
public final class FanOut {
    private final KinesisAsyncClient client;
    private final String consumer;
    private final PrintWriter out;
    private final Set<String> started = new HashSet<>();
    private final Set<String> finished = new HashSet<>();
    private final CountDownLatch done = new CountDownLatch(1);
    private int code;

    private FanOut(KinesisAsyncClient client, String consumer, PrintWriter out) {
        this.client = client;
        this.consumer = consumer;
        this.out = out;
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        PrintWriter out = new PrintWriter(Files.newBufferedWriter(Path.of(arguments[2])));
        FanOut fanOut = new FanOut(KinesisAsyncClient.create(), arguments[1], out);
        fanOut.run(arguments[0]);
        System.exit(fanOut.code); // other threads hang in their subscriptions
    }

    private void run(String stream) throws InterruptedException {
        List<Shard> oldest = client.listShards(request -> request.streamName(stream)
            .shardFilter(filter -> filter.type(ShardFilterType.AT_TRIM_HORIZON))).join().shards();
        synchronized (this) {
            out.println("ready");
            out.flush();
            oldest.forEach(shard -> start(shard.shardId()));
        }
        done.await();
        synchronized (this) {
            out.close();
        }
    }

    /** Called with the lock. */
    private void start(String shard) {
        if (started.add(shard)) {
            Thread thread = new Thread(() -> listen(shard));
            thread.setDaemon(true);
            thread.start();
        }
    }

    private void listen(String shard) {
        Subscription subscription = new Subscription(shard);
        while (!subscription.ended && done.getCount() > 0) {
            try {
                subscription.subscribe();
            } catch (CompletionException failed) {
                Throwable why = failed.getCause();
                if (why instanceof KinesisException && !(why instanceof ResourceInUseException)) {
                    why.printStackTrace();
                    code = 1;
                    done.countDown();
                    return;
                }
                pause(why instanceof ResourceInUseException ? 500 : 200); // the server may not be there
            }
        }
    }

    private static void pause(long milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private final class Subscription {
        private final String shard;
        private volatile boolean ended;
        private volatile StartingPosition position =
            StartingPosition.builder().type(ShardIteratorType.TRIM_HORIZON).build();

        Subscription(String shard) {
            this.shard = shard;
        }

        void subscribe() {
            SubscribeToShardRequest request = SubscribeToShardRequest.builder()
                .consumerARN(consumer).shardId(shard).startingPosition(position).build();
            SubscribeToShardResponseHandler handler = SubscribeToShardResponseHandler.builder()
                .subscriber(SubscribeToShardResponseHandler.Visitor.builder()
                    .onSubscribeToShardEvent(this::tell).build())
                .build();
            client.subscribeToShard(request, handler).join();
        }

        private void tell(SubscribeToShardEvent event) {
            synchronized (FanOut.this) {
                for (Record record : event.records()) {
                    String data = record.data().asUtf8String();
                    if (data.equals("end")) {
                        done.countDown();
                        return;
                    }
                    out.println(record.partitionKey() + " " + data);
                }
                if (event.continuationSequenceNumber() != null) {
                    position = StartingPosition.builder().type(ShardIteratorType.AFTER_SEQUENCE_NUMBER)
                        .sequenceNumber(event.continuationSequenceNumber()).build();
                    return;
                }
                ended = true;
                finished.add(shard);
                // A child of two merged shards waits for both, and is named by both.
                for (ChildShard child : event.childShards()) {
                    if (finished.containsAll(child.parentShards())) {
                        start(child.shardId());
                    }
                }
            }
        }
    }
}
