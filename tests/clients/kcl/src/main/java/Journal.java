import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;

/** What the application was told, a line for each, in the order in which it was told. */
final class Journal implements AutoCloseable {
    private final Writer out;
    private final CountDownLatch end = new CountDownLatch(1);

    Journal(String path) throws IOException {
        out = Files.newBufferedWriter(Path.of(path));
    }

    synchronized void write(String... lines) {
        try {
            for (String line : lines) {
                out.write(line + "\n");
            }
            out.flush();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    /** The worker is to end. */
    void end() {
        end.countDown();
    }

    void awaitEnd() throws InterruptedException {
        end.await();
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
