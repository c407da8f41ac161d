import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.function.Function;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisClient;
import software.amazon.awssdk.services.kinesis.model.GetRecordsResponse;
import software.amazon.awssdk.services.kinesis.model.InvalidArgumentException;
import software.amazon.awssdk.services.kinesis.model.KinesisException;
import software.amazon.awssdk.services.kinesis.model.PutRecordsRequestEntry;
import software.amazon.awssdk.services.kinesis.model.PutRecordsResponse;
import software.amazon.awssdk.services.kinesis.model.PutRecordsResultEntry;
import software.amazon.awssdk.services.kinesis.model.Record;
import software.amazon.awssdk.services.kinesis.model.ResourceInUseException;
import software.amazon.awssdk.services.kinesis.model.ResourceNotFoundException;
import software.amazon.awssdk.services.kinesis.model.ShardIteratorType;

/**
 * Puts records with one of the SDK's two clients and reads them with the other. The endpoint and the credentials come
 * from the environment; the protocol and the HTTP version are the SDK's defaults.
 */
public final class RoundTrip {
    private static final String STREAM = "java";
    private static final int SHARDS = 2;
    private static final int BATCH = 500;
    private static final int SINGLES = 200;

    public static void main(String[] arguments) {
        try (KinesisClient sync = KinesisClient.create(); KinesisAsyncClient async = KinesisAsyncClient.create()) {
            create(async);
            Map<String, byte[]> stored = new HashMap<>();
            putBatch(async, stored);
            putMany(async, stored);
            putBatch(sync, stored);
            checkEqual(2 * BATCH + SINGLES, stored.size(), "sequence numbers");
            check(readAll(request -> sync.getRecords(request), sync), stored, "sync");
            check(readAll(request -> async.getRecords(request).join(), sync), stored, "async");
            timestamps(sync);
            errors(sync, async);
        }
        System.out.println("java: " + (2 * BATCH + SINGLES) + " records put and read by the sync and the async client");
    }

    private static void create(KinesisAsyncClient client) {
        client.createStream(request -> request.streamName(STREAM).shardCount(SHARDS)).join();
        client.waiter().waitUntilStreamExists(request -> request.streamName(STREAM)).join();
        client.addTagsToStream(request -> request.streamName(STREAM).tags(Map.of("é", "ü"))).join();
        String tag = client.listTagsForStream(request -> request.streamName(STREAM)).join().tags().get(0).value();
        checkEqual("ü", tag, "tag");
        Instant created = client.describeStreamSummary(request -> request.streamName(STREAM)).join()
            .streamDescriptionSummary().streamCreationTimestamp();
        check(Duration.between(created, Instant.now()).abs().toMinutes() < 5, "created " + created);
    }

    private static List<PutRecordsRequestEntry> batch(int seed) {
        Random random = new Random(seed);
        List<PutRecordsRequestEntry> entries = new ArrayList<>();
        for (int i = 0; i < BATCH; i++) {
            byte[] data = new byte[random.nextInt(2000)];
            random.nextBytes(data);
            entries.add(PutRecordsRequestEntry.builder()
                .partitionKey("key-" + i).data(SdkBytes.fromByteArray(data)).build());
        }
        return entries;
    }

    private static void putBatch(KinesisClient client, Map<String, byte[]> stored) {
        List<PutRecordsRequestEntry> entries = batch(1);
        keep(client.putRecords(request -> request.streamName(STREAM).records(entries)), entries, stored);
    }

    private static void putBatch(KinesisAsyncClient client, Map<String, byte[]> stored) {
        List<PutRecordsRequestEntry> entries = batch(2);
        keep(client.putRecords(request -> request.streamName(STREAM).records(entries)).join(), entries, stored);
    }

    private static void keep(
            PutRecordsResponse response, List<PutRecordsRequestEntry> entries, Map<String, byte[]> stored) {
        checkEqual(0, response.failedRecordCount(), "failed records");
        checkEqual(entries.size(), response.records().size(), "answered records");
        for (int i = 0; i < entries.size(); i++) {
            PutRecordsResultEntry result = response.records().get(i);
            stored.put(result.shardId() + " " + result.sequenceNumber(), entries.get(i).data().asByteArray());
        }
    }

    /** Many calls at once, on few connections. */
    private static void putMany(KinesisAsyncClient client, Map<String, byte[]> stored) {
        Map<String, CompletableFuture<String>> puts = new HashMap<>();
        for (int i = 0; i < SINGLES; i++) {
            String text = "single " + i;
            puts.put(text, client.putRecord(request -> request.streamName(STREAM).partitionKey(text)
                .data(SdkBytes.fromUtf8String(text)))
                .thenApply(response -> response.shardId() + " " + response.sequenceNumber()));
        }
        puts.forEach((text, put) -> stored.put(put.join(), text.getBytes()));
    }

    private static Map<String, byte[]> readAll(
            Function<Consumer<software.amazon.awssdk.services.kinesis.model.GetRecordsRequest.Builder>, GetRecordsResponse> get,
            KinesisClient client) {
        Map<String, byte[]> read = new HashMap<>();
        for (var shard : client.listShards(request -> request.streamName(STREAM)).shards()) {
            String iterator = client.getShardIterator(request -> request.streamName(STREAM).shardId(shard.shardId())
                .shardIteratorType(ShardIteratorType.TRIM_HORIZON)).shardIterator();
            GetRecordsResponse page;
            do {
                String from = iterator;
                page = get.apply(request -> request.shardIterator(from).limit(150));
                for (Record record : page.records()) {
                    read.put(shard.shardId() + " " + record.sequenceNumber(), record.data().asByteArray());
                    Duration age = Duration.between(record.approximateArrivalTimestamp(), Instant.now());
                    check(age.abs().toMinutes() < 5, "arrived " + record.approximateArrivalTimestamp());
                }
                iterator = page.nextShardIterator();
            } while (page.millisBehindLatest() > 0);
        }
        return read;
    }

    private static void timestamps(KinesisClient client) {
        int records = 0;
        for (int shard = 0; shard < SHARDS; shard++) {
            String id = "shardId-00000000000" + shard;
            String iterator = client.getShardIterator(request -> request.streamName(STREAM).shardId(id)
                .shardIteratorType(ShardIteratorType.AT_TIMESTAMP)
                .timestamp(Instant.now().minusSeconds(600))).shardIterator();
            records += client.getRecords(request -> request.shardIterator(iterator)).records().size();
        }
        checkEqual(2 * BATCH + SINGLES, records, "records of the last ten minutes");
    }

    private static void errors(KinesisClient sync, KinesisAsyncClient async) {
        try {
            sync.describeStream(request -> request.streamName("none"));
            check(false, "a stream that is not there was described");
        } catch (ResourceNotFoundException error) {
            checkError(error, "ResourceNotFoundException", "Stream none under account 000000000000 not found.");
        }
        try {
            async.createStream(request -> request.streamName(STREAM).shardCount(1)).join();
            check(false, "a stream was made twice");
        } catch (CompletionException error) {
            check(error.getCause() instanceof ResourceInUseException, "made twice: " + error);
        }
        try {
            sync.getRecords(request -> request.shardIterator("AAAA"));
            check(false, "an iterator of nothing was read");
        } catch (InvalidArgumentException error) {
            checkError(error, "InvalidArgumentException", "Invalid ShardIterator.");
        }
        try {
            sync.describeStream(request -> request.streamName("a b"));
            check(false, "a bad name was taken");
        } catch (KinesisException error) {
            checkEqual("ValidationException", error.awsErrorDetails().errorCode(), "code");
        }
    }

    private static void checkError(KinesisException error, String code, String message) {
        checkEqual(code, error.awsErrorDetails().errorCode(), "code");
        checkEqual(message, error.awsErrorDetails().errorMessage(), "message");
        check(error.requestId() != null && error.statusCode() == 400, "request id and status of " + code);
    }

    private static void check(Map<String, byte[]> read, Map<String, byte[]> stored, String what) {
        checkEqual(stored.keySet(), read.keySet(), what);
        stored.forEach((key, data) -> check(Arrays.equals(data, read.get(key)), what + ": " + key));
    }

    private static void checkEqual(Object expected, Object found, String what) {
        check(expected.equals(found), what + ": " + found + " instead of " + expected);
    }

    private static void check(boolean truth, String what) {
        if (!truth) {
            throw new AssertionError(what);
        }
    }
}
