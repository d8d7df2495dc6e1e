import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.distributedlog.DLSN;
import org.apache.distributedlog.DistributedLogConfiguration;
import org.apache.distributedlog.LogRecord;
import org.apache.distributedlog.LogRecordWithDLSN;
import org.apache.distributedlog.api.AsyncLogReader;
import org.apache.distributedlog.api.AsyncLogWriter;
import org.apache.distributedlog.api.DistributedLogManager;
import org.apache.distributedlog.api.namespace.Namespace;
import org.apache.distributedlog.api.namespace.NamespaceBuilder;

/**
 * The works of {@code dl bench} as Java DistributedLog does them, set up for speed; prints the same figures under the same
 * names, one object.
 *
 * <p>{@code Bench WORK --ns URI [--seconds N] [--warm-up N] [--bytes N] [--in-flight N] [--records N] [--logs N] [--rate N]},
 * where WORK is {@code append}, {@code pipelined}, {@code read}, {@code tail} or {@code many-logs}. It deletes the logs
 * that it makes. The same is done before for the seconds of --warm-up (3), which are not measured: the JVM compiles then.
 *
 * <p>One append at a time is an entry by itself, published at once by a control record, as dl does. All others gather
 * entries of 16 KiB for 2 ms at most. BookKeeper's client is not throttled.
 */
public final class Bench {
    private final String work;
    private final Map<String, String> options = new HashMap<>();
    private final List<String> logs = new ArrayList<>();
    private final Payloads payloads;
    private final Namespace namespace;
    private long lengthNanos;

    public static void main(String[] arguments) throws Exception {
        Bench bench = new Bench(arguments);
        try {
            System.out.println(bench.measure());
        } finally {
            bench.leave();
        }
        // Threads of the client are still about.
        Runtime.getRuntime().halt(0);
    }

    private Bench(String[] arguments) throws Exception {
        work = arguments[0];
        for (int at = 1; at + 1 < arguments.length; at += 2) {
            options.put(arguments[at], arguments[at + 1]);
        }
        payloads = new Payloads(Math.max(bytes(), Long.BYTES));
        namespace = open(work.equals("append") || work.equals("tail"));
    }

    private Namespace open(boolean atOnce) throws Exception {
        DistributedLogConfiguration configuration = new DistributedLogConfiguration();
        configuration.setProperty("bkc.throttle", 0);
        configuration.setProperty("writerOutputBufferSize", atOnce ? 0 : 16 * 1024);
        if (atOnce) {
            configuration.setProperty("enableImmediateFlush", true);
        } else {
            configuration.setProperty("periodicFlushFrequencyMilliSeconds", 2);
        }
        configuration.setProperty("readAheadMaxRecords", 1_000);
        configuration.setProperty("readAheadBatchSize", 100);
        // No segment is rolled in the time of a run.
        configuration.setProperty("logSegmentRollingMinutes", 600);
        configuration.setProperty("maxLogSegmentBytes", Long.MAX_VALUE);
        configuration.setProperty("createStreamIfNotExists", true);
        return NamespaceBuilder.newBuilder()
                .conf(configuration)
                .uri(URI.create(options.get("--ns")))
                .clientId("java-bench")
                .build();
    }

    private ObjectNode measure() throws Exception {
        long length = nanos("--seconds", "10");
        lengthNanos = nanos("--warm-up", "3");
        // The others begin with what takes long, and warm up behind that.
        if (lengthNanos > 0 && !work.equals("read") && !work.equals("many-logs")) {
            once();
        }
        lengthNanos = length;
        return once();
    }

    private ObjectNode once() throws Exception {
        return switch (work) {
            case "append" -> append();
            case "pipelined" -> pipelined();
            case "read" -> read();
            case "tail" -> tail();
            case "many-logs" -> manyLogs();
            default -> throw new IllegalArgumentException("there is no work " + work);
        };
    }

    private int number(String name, int otherwise) {
        return Integer.parseInt(options.getOrDefault(name, String.valueOf(otherwise)));
    }

    private int bytes() {
        return number("--bytes", 100);
    }

    private long nanos(String name, String otherwise) {
        return (long) (Double.parseDouble(options.getOrDefault(name, otherwise)) * 1e9);
    }

    private String log() {
        String name = "java-bench-" + ProcessHandle.current().pid() + "-" + System.nanoTime() + "-" + logs.size();
        logs.add(name);
        return name;
    }

    private void leave() throws Exception {
        for (String log : logs) {
            try {
                namespace.deleteLog(log);
            } catch (Exception kept) {
                System.err.println(log + " stays: " + kept);
            }
        }
    }

    private LogRecord record() {
        return new LogRecord(System.currentTimeMillis(), payloads.next(bytes()));
    }

    /** A writer of a new log, with its first segment begun. */
    private AsyncLogWriter writer(DistributedLogManager log) throws Exception {
        AsyncLogWriter writer = log.openAsyncLogWriter().get();
        writer.write(record()).get();
        return writer;
    }

    private ObjectNode append() throws Exception {
        AsyncLogWriter writer = writer(namespace.openLog(log()));
        Meter meter = new Meter();
        long start = System.nanoTime();
        long due = start;
        while (due - start < lengthNanos) {
            writer.write(record()).get();
            long now = System.nanoTime();
            meter.took(now - due);
            due = now;
        }
        ObjectNode figures = meter.stop(meter.count(), bytes());
        writer.asyncClose().get();
        return figures;
    }

    private ObjectNode pipelined() throws Exception {
        AsyncLogWriter writer = writer(namespace.openLog(log()));
        Meter meter = new Meter();
        long start = System.nanoTime();
        long count = 0;
        Window window = new Window(writer, number("--in-flight", 5_000));
        while (count % 64 != 0 || System.nanoTime() - start < lengthNanos) {
            window.write(record());
            count++;
        }
        window.drain();
        ObjectNode figures = meter.stop(count, bytes());
        writer.asyncClose().get();
        return figures;
    }

    private ObjectNode read() throws Exception {
        int records = number("--records", 1_000_000);
        DistributedLogManager log = namespace.openLog(log());
        AsyncLogWriter writer = writer(log);
        Window window = new Window(writer, 5_000);
        for (int count = 1; count < records; count++) {
            window.write(record());
        }
        window.drain();
        writer.asyncClose().get();
        for (long end = System.nanoTime() + nanos("--warm-up", "3"); System.nanoTime() < end; ) {
            pass(log, records);
        }
        Meter meter = new Meter();
        long start = System.nanoTime();
        long count = 0;
        do {
            pass(log, records);
            count += records;
        } while (System.nanoTime() - start < lengthNanos);
        return meter.stop(count, bytes());
    }

    private static void pass(DistributedLogManager log, int records) throws Exception {
        AsyncLogReader reader = log.openAsyncLogReader(DLSN.InitialDLSN).get();
        int count = 0;
        while (count < records) {
            count += reader.readBulk(4_096).get().size();
        }
        reader.asyncClose().get();
    }

    /** From when an append was due until a reader that follows, with a session and connections of its own, has it. */
    private ObjectNode tail() throws Exception {
        String name = log();
        DistributedLogManager log = namespace.openLog(name);
        AsyncLogWriter writer = writer(log);
        AsyncLogReader reader = open(true).openLog(name).openAsyncLogReader(DLSN.InitialDLSN).get();
        reader.readNext().get();
        double rate = number("--rate", 500);
        Meter meter = new Meter();
        // The txid of a record says when it was due.
        long first = System.currentTimeMillis();
        long start = System.nanoTime();
        long most = (long) (lengthNanos / 1e9 * rate);
        CompletableFuture<Void> followed = CompletableFuture.runAsync(() -> {
            for (long count = 0; count < most; count++) {
                LogRecordWithDLSN seen = reader.readNext().join();
                long due = start + (long) ((seen.getTransactionId() - first) * 1e9 / rate);
                meter.took(System.nanoTime() - due);
            }
        });
        for (long count = 0; count < most; count++) {
            long due = start + (long) (count * 1e9 / rate);
            while (System.nanoTime() < due) {
                Thread.onSpinWait();
            }
            writer.write(new LogRecord(first + count, payloads.next(bytes()))).get();
        }
        followed.get(60, TimeUnit.SECONDS);
        ObjectNode figures = meter.stop(most, bytes());
        figures.set("seen", figures.get("latency"));
        return figures;
    }

    private ObjectNode manyLogs() throws Exception {
        List<AsyncLogWriter> writers = new ArrayList<>();
        for (int count = 0; count < number("--logs", 200); count++) {
            writers.add(writer(namespace.openLog(log())));
        }
        spread(writers, nanos("--warm-up", "3"));
        Meter meter = new Meter();
        ObjectNode figures = meter.stop(spread(writers, lengthNanos), bytes());
        for (AsyncLogWriter writer : writers) {
            writer.asyncAbort().get();
        }
        return figures;
    }

    /** Writes to all of them, each with so many in flight; answers how many records were acknowledged. */
    private long spread(List<AsyncLogWriter> writers, long length) throws Exception {
        int inFlight = number("--in-flight", 1);
        long end = System.nanoTime() + length;
        List<CompletableFuture<Long>> running = new ArrayList<>();
        for (AsyncLogWriter writer : writers) {
            for (int each = 0; each < inFlight; each++) {
                CompletableFuture<Long> done = new CompletableFuture<>();
                again(writer, end, 0, done);
                running.add(done);
            }
        }
        long count = 0;
        for (CompletableFuture<Long> each : running) {
            count += each.get();
        }
        return count;
    }

    /** Writes one record after the other until the time is over. */
    private void again(AsyncLogWriter writer, long end, long count, CompletableFuture<Long> done) {
        if (System.nanoTime() >= end) {
            done.complete(count);
            return;
        }
        writer.write(record()).whenComplete((dlsn, failure) -> {
            if (failure == null) {
                again(writer, end, count + 1, done);
            } else {
                done.completeExceptionally(failure);
            }
        });
    }

    /** Appends in flight, whose acknowledgements are taken in order. */
    private static final class Window {
        private final AsyncLogWriter writer;
        private final int most;
        private final ArrayDeque<CompletableFuture<DLSN>> pending = new ArrayDeque<>();

        Window(AsyncLogWriter writer, int most) {
            this.writer = writer;
            this.most = most;
        }

        void write(LogRecord record) throws Exception {
            if (pending.size() >= most) {
                pending.removeFirst().get();
            }
            pending.addLast(writer.write(record));
        }

        void drain() throws Exception {
            while (!pending.isEmpty()) {
                pending.removeFirst().get();
            }
        }
    }

    /** Payloads of one length, cut from a pool of random bytes. */
    private static final class Payloads {
        private static final int POOL_BYTES = 128 * 1024;
        private final byte[] pool;
        private int at;

        Payloads(int bytes) {
            pool = new byte[POOL_BYTES + bytes];
            new Random(1).nextBytes(pool);
        }

        synchronized byte[] next(int bytes) {
            at = (at + bytes + 61) % POOL_BYTES;
            return Arrays.copyOfRange(pool, at, at + bytes);
        }
    }

    /** A measurement that runs. */
    private static final class Meter {
        private final long started = System.nanoTime();
        private final double processor = processorSeconds();
        private long[] took = new long[1 << 16];
        private int count;

        synchronized void took(long nanos) {
            if (count == took.length) {
                took = Arrays.copyOf(took, 2 * count);
            }
            took[count++] = nanos;
        }

        synchronized int count() {
            return count;
        }

        synchronized ObjectNode stop(long records, int bytes) {
            double seconds = (System.nanoTime() - started) / 1e9;
            double used = processorSeconds() - processor;
            ObjectNode figures = Interop.JSON.createObjectNode();
            figures.put("record_bytes", bytes);
            figures.put("unit", "records");
            figures.put("count", records);
            figures.put("seconds", seconds);
            figures.put("per_second", records / seconds);
            figures.put("payload_bytes_per_second", records * bytes / seconds);
            if (count > 0) {
                Arrays.sort(took, 0, count);
                ObjectNode latency = figures.putObject("latency");
                latency.put("p50_us", at(0.5));
                latency.put("p90_us", at(0.9));
                latency.put("p99_us", at(0.99));
                latency.put("p999_us", at(0.999));
                latency.put("max_us", at(1.0));
            }
            figures.put("processor_seconds", used);
            figures.put("processor_us_each", used * 1e6 / records);
            figures.put("peak_memory_bytes", peakMemoryBytes());
            return figures;
        }

        private double at(double quantile) {
            return took[Math.min(count - 1, (int) (quantile * count))] / 1e3;
        }

        /** Processor time so far, user and system; Linux counts it in hundredths. */
        private static double processorSeconds() {
            String stat = file("/proc/self/stat");
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / 100.0;
        }

        private static long peakMemoryBytes() {
            for (String line : file("/proc/self/status").split("\n")) {
                if (line.startsWith("VmHWM:")) {
                    return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
                }
            }
            return 0;
        }

        private static String file(String path) {
            try {
                return Files.readString(Path.of(path));
            } catch (java.io.IOException unreadable) {
                throw new IllegalStateException(unreadable);
            }
        }
    }
}
