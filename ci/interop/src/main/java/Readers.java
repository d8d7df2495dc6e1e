import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.distributedlog.DLSN;
import org.apache.distributedlog.LogRecordWithDLSN;
import org.apache.distributedlog.api.AsyncLogReader;
import org.apache.distributedlog.api.DistributedLogManager;
import org.apache.distributedlog.exceptions.EndOfStreamException;
import org.apache.distributedlog.exceptions.LogEmptyException;
import org.apache.distributedlog.exceptions.ReadCancelledException;

/**
 * Readers, by the names that the calls give them.
 *
 * <ul>
 *   <li>{@code read log [from]}: what can be read now, as {@code records}; {@code sealed} says whether that is all for ever
 *   <li>{@code open_reader reader log [from]}: one that follows the log
 *   <li>{@code next reader [count] [timeout_ms]}: as many {@code records}, or those that came in time
 *   <li>{@code close_reader reader}
 * </ul>
 *
 * {@code from} is a DLSN (by default the first) or {@code "txid:N"}. A record has {@code dlsn}, {@code txid},
 * {@code sequence_id} and {@code payload}.
 */
final class Readers {
    private final Namespaces namespaces;
    private final Map<String, Reader> open = new HashMap<>();

    Readers(Namespaces namespaces) {
        this.namespaces = namespaces;
    }

    /**
     * A reader, and where it is. Now and then Java's gives up by itself: asked for more while it moves from a segment that
     * it has read to the end to the next, it asks that segment once more and closes it, and tells that as a read that was
     * cancelled. Here nobody closes a reader that is waited for, so then another one goes on behind the last record.
     */
    private static final class Reader {
        final DistributedLogManager manager;
        private AsyncLogReader reader;
        /** The next record, asked for already. */
        private CompletableFuture<LogRecordWithDLSN> next;
        /** Where one that goes on begins: a DLSN or {@code "txid:N"}. */
        private String from;

        Reader(DistributedLogManager manager, String from) throws Exception {
            this.manager = manager;
            this.from = from;
            open();
        }

        private void open() throws Exception {
            reader = from.startsWith("txid:")
                    ? manager.openAsyncLogReader(Long.parseLong(from.substring(5))).get()
                    : manager.openAsyncLogReader(Namespaces.dlsn(from)).get();
        }

        LogRecordWithDLSN next(long end) throws Exception {
            while (true) {
                if (next == null) {
                    next = reader.readNext();
                }
                try {
                    LogRecordWithDLSN record = next.get(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS);
                    next = null;
                    from = Namespaces.text(record.getDlsn().getNextDLSN());
                    return record;
                } catch (ExecutionException failure) {
                    if (!(failure.getCause() instanceof ReadCancelledException)) {
                        throw failure;
                    }
                    next = null;
                    reader.asyncClose().get();
                    open();
                }
            }
        }

        void close() throws Exception {
            reader.asyncClose().get();
            manager.close();
        }
    }

    boolean call(String name, JsonNode call, ObjectNode answer) throws Exception {
        switch (name) {
            case "read" -> read(call, answer);
            case "open_reader" -> open.put(call.path("reader").asText(), open(call));
            case "next" -> next(call, answer);
            case "close_reader" -> {
                Reader reader = reader(call);
                open.remove(call.path("reader").asText());
                reader.close();
            }
            default -> {
                return false;
            }
        }
        return true;
    }

    /** By the reader that follows: the other one may take "nothing yet" for the end, or wait for ever behind it. */
    private void read(JsonNode call, ObjectNode answer) throws Exception {
        ArrayNode records = answer.putArray("records");
        Reader reader = open(call);
        long end = end(call);
        try {
            DLSN last = last(reader.manager);
            for (DLSN at = DLSN.InvalidDLSN; at.compareTo(last) < 0; ) {
                LogRecordWithDLSN each = reader.next(end);
                add(records, each);
                at = each.getDlsn();
            }
            boolean sealed = reader.manager.isEndOfStreamMarked();
            answer.put("sealed", sealed);
            if (sealed) {
                add(records, reader.next(end));
            }
        } catch (ExecutionException failure) {
            if (!(failure.getCause() instanceof EndOfStreamException)) {
                throw failure;
            }
        } finally {
            reader.close();
        }
    }

    private static DLSN last(DistributedLogManager manager) throws Exception {
        try {
            return manager.getLastDLSN();
        } catch (LogEmptyException empty) {
            return DLSN.InvalidDLSN;
        }
    }

    private Reader open(JsonNode call) throws Exception {
        return new Reader(namespaces.manager(call), call.path("from").asText("1:0:0"));
    }

    private Reader reader(JsonNode call) {
        Reader reader = open.get(call.path("reader").asText());
        if (reader == null) {
            throw new IllegalStateException("no such reader is open");
        }
        return reader;
    }

    private void next(JsonNode call, ObjectNode answer) throws Exception {
        Reader reader = reader(call);
        ArrayNode records = answer.putArray("records");
        long end = end(call);
        while (records.size() < call.path("count").asInt(1)) {
            try {
                add(records, reader.next(end));
            } catch (TimeoutException late) {
                return;
            } catch (Exception failure) {
                answer.set("ended", Interop.error(failure));
                return;
            }
        }
    }

    private static long end(JsonNode call) {
        return System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(call.path("timeout_ms").asLong(60_000));
    }

    private static void add(ArrayNode records, LogRecordWithDLSN record) {
        ObjectNode each = records.addObject();
        each.put("dlsn", Namespaces.text(record.getDlsn()));
        each.put("txid", record.getTransactionId());
        each.put("sequence_id", record.getSequenceId());
        each.put("payload", record.getPayload());
    }
}
