import java.util.Collections;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.kinesis.KinesisClient;
import software.amazon.awssdk.services.kinesis.model.GetRecordsResponse;
import software.amazon.awssdk.services.kinesis.model.PutRecordsRequestEntry;
import software.amazon.awssdk.services.kinesis.model.PutRecordsResponse;
import software.amazon.awssdk.services.kinesis.model.ProvisionedThroughputExceededException;
import software.amazon.awssdk.services.kinesis.model.ShardIteratorType;

/** Goes over a shard's rates: the SDK's own retries must bring every call through. In CBOR. */
public final class Throttled {
    private static final String SHARD = "shardId-000000000000";

    private Throttled() {
    }

    public static void main(String[] arguments) {
        String stream = arguments[0];
        try (KinesisClient client = tries(8);
                KinesisClient once = tries(1)) {
            String iterator = client.getShardIterator(it -> it.streamName(stream).shardId(SHARD)
                .shardIteratorType(ShardIteratorType.LATEST)).shardIterator();
            String wanted = "Rate exceeded for shard " + SHARD + " in stream " + stream
                + " under account 000000000000.";
            check(refusal(once, iterator).equals(wanted), refusal(once, iterator));

            long began = System.nanoTime();
            for (int i = 0; i < 20; i++) {
                GetRecordsResponse page = client.getRecords(it -> it.shardIterator(iterator));
                check(page.nextShardIterator() != null, "no iterator");
            }
            double seconds = (System.nanoTime() - began) / 1e9;
            check(seconds > 2.8, "20 reads of one shard took only " + seconds + " s");

            PutRecordsRequestEntry record = PutRecordsRequestEntry.builder().partitionKey("k")
                .data(SdkBytes.fromUtf8String("x")).build();
            int failed = 0;
            for (int i = 0; failed == 0 && i < 100; i++) {
                PutRecordsResponse batch = client.putRecords(it -> it.streamName(stream)
                    .records(Collections.nCopies(500, record)));
                failed = batch.failedRecordCount();
            }
            check(failed > 0 && failed <= 500, failed + " of 500 records were refused");
            System.out.printf("Java: 20 reads went through in %.1f s; PutRecords told %d refused records%n", seconds, failed);
        }
    }

    /** Of the usual four tries all may come within the fifth of a second that a shard asks for. */
    private static KinesisClient tries(int count) {
        return KinesisClient.builder()
            .overrideConfiguration(it -> it.retryStrategy(retries -> retries.maxAttempts(count))).build();
    }

    private static String refusal(KinesisClient once, String iterator) {
        try {
            for (int i = 0; i < 10; i++) {
                once.getRecords(it -> it.shardIterator(iterator));
            }
        } catch (ProvisionedThroughputExceededException error) {
            return error.awsErrorDetails().errorMessage();
        }
        return "never refused";
    }

    private static void check(boolean truth, String what) {
        if (!truth) {
            throw new AssertionError(what);
        }
    }
}
