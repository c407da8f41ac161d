import java.util.concurrent.TimeUnit;
import software.amazon.awssdk.services.cloudwatch.CloudWatchAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.kinesis.common.ConfigsBuilder;
import software.amazon.kinesis.common.InitialPositionInStream;
import software.amazon.kinesis.common.InitialPositionInStreamExtended;
import software.amazon.kinesis.common.KinesisClientUtil;
import software.amazon.kinesis.coordinator.Scheduler;
import software.amazon.kinesis.leases.LeaseManagementConfig;
import software.amazon.kinesis.metrics.MetricsLevel;
import software.amazon.kinesis.processor.SingleStreamTracker;
import software.amazon.kinesis.retrieval.RetrievalSpecificConfig;
import software.amazon.kinesis.retrieval.fanout.FanOutConfig;
import software.amazon.kinesis.retrieval.polling.PollingConfig;

/**
 * One worker of a KCL application: `Application STREAM NAME WORKER polling|fan-out FILE`. It writes what happens to the
 * file (see Journal) and shuts itself down once the record `end` was processed, or at SIGTERM. Endpoints and credentials
 * come from the environment. Times are shorter than the library's, which are made for hours; all else is as the library
 * has it.
 */
public final class Application {
    private final ConfigsBuilder configs;
    private final RetrievalSpecificConfig retrieval;

    private Application(ConfigsBuilder configs, RetrievalSpecificConfig retrieval) {
        this.configs = configs;
        this.retrieval = retrieval;
    }

    public static void main(String[] arguments) throws Exception {
        String stream = arguments[0];
        String name = arguments[1];
        Thread main = Thread.currentThread();
        KinesisAsyncClient kinesis = KinesisClientUtil.createKinesisAsyncClient(KinesisAsyncClient.builder());
        try (Journal journal = new Journal(arguments[4]);
                DynamoDbAsyncClient dynamoDb = DynamoDbAsyncClient.create();
                CloudWatchAsyncClient cloudWatch = CloudWatchAsyncClient.create()) {
            // With LATEST, what is put before a worker has its iterator would not be processed.
            SingleStreamTracker tracker = new SingleStreamTracker(
                stream, InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.TRIM_HORIZON));
            ConfigsBuilder configs = new ConfigsBuilder(
                tracker, name, kinesis, dynamoDb, cloudWatch, arguments[2], () -> new Processor(journal));
            RetrievalSpecificConfig retrieval = switch (arguments[3]) {
                // Four reads a second: AWS allows a shard five.
                case "polling" -> new PollingConfig(stream, kinesis).idleTimeBetweenReadsInMillis(250);
                case "fan-out" -> new FanOutConfig(kinesis).streamName(stream).applicationName(name);
                default -> throw new IllegalArgumentException(arguments[3]);
            };
            Scheduler scheduler = new Application(configs, retrieval).scheduler();
            Thread worker = new Thread(scheduler, "scheduler");
            worker.start();
            Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(journal, main)));
            journal.awaitEnd();
            boolean graceful = scheduler.startGracefulShutdown().get(60, TimeUnit.SECONDS);
            worker.join(TimeUnit.SECONDS.toMillis(60));
            journal.write(graceful && !worker.isAlive() ? "closed" : "not-closed");
        }
        kinesis.close();
        Runtime.getRuntime().halt(0); // the library leaves threads of its own behind
    }

    /** At SIGTERM: the main thread shuts down and ends the process. */
    private static void stop(Journal journal, Thread main) {
        journal.end();
        try {
            main.join();
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        }
    }

    private Scheduler scheduler() {
        return new Scheduler(
            configs.checkpointConfig(),
            configs.coordinatorConfig().parentShardPollIntervalMillis(250).shardConsumerDispatchPollIntervalMillis(100),
            leases(),
            configs.lifecycleConfig().taskBackoffTimeMillis(100),
            configs.metricsConfig().metricsLevel(MetricsLevel.DETAILED).metricsBufferTimeMillis(1000),
            configs.processorConfig(),
            configs.retrievalConfig().retrievalSpecificConfig(retrieval));
    }

    private LeaseManagementConfig leases() {
        LeaseManagementConfig leases = configs.leaseManagementConfig()
            .failoverTimeMillis(5000)
            .leaseAssignmentIntervalMillis(1000L)
            .shardSyncIntervalMillis(2000)
            .leasesRecoveryAuditorExecutionFrequencyMillis(2000)
            .dynamoDbLockBasedLeaderLeaseDurationInMillis(3000)
            .dynamoDbLockBasedLeaderHeartbeatPeriodInMillis(1000);
        leases.workerUtilizationAwareAssignmentConfig()
            .disableWorkerMetrics(true) // they ask for EC2's metadata
            .workerMetricsReporterFreqInMillis(1000); // a worker that was not heard of for two of these is gone
        return leases;
    }
}
