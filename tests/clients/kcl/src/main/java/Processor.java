import java.nio.charset.StandardCharsets;
import software.amazon.kinesis.exceptions.InvalidStateException;
import software.amazon.kinesis.exceptions.ShutdownException;
import software.amazon.kinesis.lifecycle.events.InitializationInput;
import software.amazon.kinesis.lifecycle.events.LeaseLostInput;
import software.amazon.kinesis.lifecycle.events.ProcessRecordsInput;
import software.amazon.kinesis.lifecycle.events.ShardEndedInput;
import software.amazon.kinesis.lifecycle.events.ShutdownRequestedInput;
import software.amazon.kinesis.processor.RecordProcessorCheckpointer;
import software.amazon.kinesis.processor.ShardRecordProcessor;
import software.amazon.kinesis.retrieval.KinesisClientRecord;

/**
 * One shard. Lines: `began SHARD`, `record SHARD SEQUENCE SUBSEQUENCE KEY DATA`, `ended SHARD`, `lost SHARD`,
 * `stopped SHARD`.
 */
final class Processor implements ShardRecordProcessor {
    private final Journal journal;
    private String shard;

    Processor(Journal journal) {
        this.journal = journal;
    }

    @Override
    public void initialize(InitializationInput input) {
        shard = input.shardId();
        journal.write("began " + shard);
    }

    @Override
    public void processRecords(ProcessRecordsInput input) {
        boolean end = false;
        String[] lines = new String[input.records().size()];
        for (int i = 0; i < lines.length; i++) {
            KinesisClientRecord record = input.records().get(i);
            String data = StandardCharsets.UTF_8.decode(record.data()).toString();
            lines[i] = String.join(" ", "record", shard, record.sequenceNumber(),
                Long.toString(record.subSequenceNumber()), record.partitionKey(), data);
            end |= data.equals("end");
        }
        journal.write(lines);
        checkpoint(input.checkpointer());
        if (end) {
            journal.end();
        }
    }

    @Override
    public void leaseLost(LeaseLostInput input) {
        journal.write("lost " + shard);
    }

    @Override
    public void shardEnded(ShardEndedInput input) {
        journal.write("ended " + shard);
        checkpoint(input.checkpointer());
    }

    @Override
    public void shutdownRequested(ShutdownRequestedInput input) {
        journal.write("stopped " + shard);
        checkpoint(input.checkpointer());
    }

    private void checkpoint(RecordProcessorCheckpointer checkpointer) {
        try {
            checkpointer.checkpoint();
        } catch (ShutdownException lost) {
            journal.write("lost-before-checkpoint " + shard);
        } catch (InvalidStateException error) {
            throw new IllegalStateException(error);
        }
    }
}
