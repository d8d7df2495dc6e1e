import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.distributedlog.DLSN;
import org.apache.distributedlog.LogRecord;
import org.apache.distributedlog.LogRecordSet;
import org.apache.distributedlog.api.AsyncLogWriter;
import org.apache.distributedlog.api.DistributedLogManager;
import org.apache.distributedlog.api.LogWriter;
import org.apache.distributedlog.io.CompressionCodec;

/**
 * Writers, by the names that the calls give them.
 *
 * <ul>
 *   <li>{@code open_writer writer log [sync]}: an asynchronous one, or the one that gathers entries until it is flushed
 *   <li>{@code write writer records [wait]}: each record has {@code txid}, {@code payload} and perhaps
 *       {@code control: true}; answers {@code acks}, or nothing yet if {@code wait} is false
 *   <li>{@code write_set writer txid payloads [codec]}: one record set; answers {@code acks}, a DLSN for each member
 *   <li>{@code acks writer [timeout_ms]}: the {@code acks} of what was written without waiting: a DLSN or an error each
 *   <li>{@code flush writer}: a synchronous writer's entries are stored and made visible by a control record
 *   <li>{@code truncate writer dlsn}, {@code seal writer}, {@code close_writer writer}, {@code abort writer}
 * </ul>
 */
final class Writers {
    private final Namespaces namespaces;
    private final Map<String, Writer> open = new HashMap<>();

    Writers(Namespaces namespaces) {
        this.namespaces = namespaces;
    }

    private static final class Writer {
        DistributedLogManager manager;
        AsyncLogWriter async;
        LogWriter sync;
        final List<CompletableFuture<DLSN>> pending = new ArrayList<>();
    }

    boolean call(String name, JsonNode call, ObjectNode answer) throws Exception {
        switch (name) {
            case "open_writer" -> open.put(call.path("writer").asText(), open(call));
            case "write" -> write(call, answer);
            case "write_set" -> writeSet(call, answer);
            case "acks" -> acks(writer(call), call.path("timeout_ms").asLong(60_000), answer);
            case "flush" -> {
                writer(call).sync.flush();
                writer(call).sync.commit();
            }
            case "truncate" -> truncate(call, answer);
            case "seal" -> seal(writer(call));
            case "close_writer" -> end(call, false);
            case "abort" -> end(call, true);
            default -> {
                return false;
            }
        }
        return true;
    }

    private Writer open(JsonNode call) throws Exception {
        Writer writer = new Writer();
        writer.manager = namespaces.manager(call);
        if (call.path("sync").asBoolean()) {
            writer.sync = writer.manager.openLogWriter();
        } else {
            writer.async = writer.manager.openAsyncLogWriter().get();
        }
        return writer;
    }

    private Writer writer(JsonNode call) {
        Writer writer = open.get(call.path("writer").asText());
        if (writer == null) {
            throw new IllegalStateException("no such writer is open");
        }
        return writer;
    }

    private void write(JsonNode call, ObjectNode answer) throws Exception {
        Writer writer = writer(call);
        for (JsonNode each : call.path("records")) {
            LogRecord record = new LogRecord(each.path("txid").asLong(), each.path("payload").binaryValue());
            if (each.path("control").asBoolean()) {
                record.setControl();
            }
            if (writer.sync != null) {
                writer.sync.write(record);
            } else {
                writer.pending.add(writer.async.write(record));
            }
        }
        if (call.path("wait").asBoolean(true)) {
            acks(writer, 60_000, answer);
        }
    }

    private void writeSet(JsonNode call, ObjectNode answer) throws Exception {
        Writer writer = writer(call);
        String codec = call.path("codec").asText("none").toUpperCase(Locale.ROOT);
        LogRecordSet.Writer set = LogRecordSet.newWriter(4_096, CompressionCodec.Type.valueOf(codec));
        for (JsonNode payload : call.path("payloads")) {
            CompletableFuture<DLSN> member = new CompletableFuture<>();
            set.writeRecord(ByteBuffer.wrap(payload.binaryValue()), member);
            writer.pending.add(member);
        }
        LogRecord record = new LogRecord(call.path("txid").asLong(), set.getBuffer());
        record.setRecordSet();
        writer.async.write(record).whenComplete((first, failure) -> {
            if (failure == null) {
                set.completeTransmit(first.getLogSegmentSequenceNo(), first.getEntryId(), first.getSlotId());
            } else {
                set.abortTransmit(failure);
            }
        });
        acks(writer, 60_000, answer);
    }

    private static void acks(Writer writer, long timeoutMs, ObjectNode answer) {
        ArrayNode acks = answer.putArray("acks");
        for (CompletableFuture<DLSN> each : writer.pending) {
            try {
                acks.add(Namespaces.text(each.get(timeoutMs, TimeUnit.MILLISECONDS)));
            } catch (Exception failure) {
                acks.add(Interop.error(failure));
            }
        }
        writer.pending.clear();
    }

    private void truncate(JsonNode call, ObjectNode answer) throws Exception {
        DLSN dlsn = Namespaces.dlsn(call.path("dlsn").asText());
        answer.put("truncated", writer(call).async.truncate(dlsn).get());
    }

    private static void seal(Writer writer) throws Exception {
        if (writer.sync != null) {
            writer.sync.markEndOfStream();
        } else {
            writer.async.markEndOfStream().get();
        }
    }

    private void end(JsonNode call, boolean abort) throws Exception {
        Writer writer = writer(call);
        open.remove(call.path("writer").asText());
        if (writer.sync != null && abort) {
            writer.sync.abort();
        } else if (writer.sync != null) {
            writer.sync.close();
        } else if (abort) {
            writer.async.asyncAbort().get();
        } else {
            writer.async.asyncClose().get();
        }
        writer.manager.close();
    }
}
