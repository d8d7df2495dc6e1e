import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.util.Iterator;
import java.util.Map;
import org.apache.distributedlog.DLSN;
import org.apache.distributedlog.DistributedLogConfiguration;
import org.apache.distributedlog.LogSegmentMetadata;
import org.apache.distributedlog.api.DistributedLogManager;
import org.apache.distributedlog.api.namespace.Namespace;
import org.apache.distributedlog.api.namespace.NamespaceBuilder;
import org.apache.distributedlog.impl.metadata.BKDLConfig;
import org.apache.distributedlog.metadata.DLMetadata;

/**
 * The namespace, and calls on its logs as a whole.
 *
 * <ul>
 *   <li>{@code bind uri [ledgers]}: makes it a namespace whose ledgers are below that path, {@code /ledgers} by default
 *   <li>{@code open uri [client_id] [conf]}: opens it with these settings; what follows goes to it, and what was opened
 *       before stays open
 *   <li>{@code create log}, {@code delete log}, {@code rename log to}
 *   <li>{@code list}: {@code logs}
 *   <li>{@code info log}: {@code first}, {@code last} (DLSNs), {@code last_txid}, {@code count}, {@code sealed},
 *       {@code segments}
 *   <li>{@code recover log}: completes the segments that a writer left in progress
 *   <li>{@code purge log before_ms}: deletes segments completed before that time
 * </ul>
 */
final class Namespaces {
    private Namespace current;

    boolean call(String name, JsonNode call, ObjectNode answer) throws Exception {
        switch (name) {
            case "bind" -> bind(URI.create(call.path("uri").asText()), call.path("ledgers").asText("/ledgers"));
            case "open" -> current = open(call);
            case "create" -> namespace().createLog(log(call));
            case "delete" -> namespace().deleteLog(log(call));
            case "rename" -> namespace().renameLog(log(call), call.path("to").asText()).get();
            case "list" -> list(answer.putArray("logs"));
            case "info" -> info(call, answer);
            case "recover" -> {
                try (DistributedLogManager manager = manager(call)) {
                    manager.recover();
                }
            }
            case "purge" -> {
                try (DistributedLogManager manager = manager(call)) {
                    manager.purgeLogsOlderThan(call.path("before_ms").asLong());
                }
            }
            default -> {
                return false;
            }
        }
        return true;
    }

    /** The log that a call is about. */
    DistributedLogManager manager(JsonNode call) throws Exception {
        return namespace().openLog(log(call));
    }

    static String text(DLSN dlsn) {
        return dlsn.getLogSegmentSequenceNo() + ":" + dlsn.getEntryId() + ":" + dlsn.getSlotId();
    }

    static DLSN dlsn(String text) {
        String[] parts = text.split(":");
        return new DLSN(Long.parseLong(parts[0]), Long.parseLong(parts[1]), Long.parseLong(parts[2]));
    }

    private Namespace namespace() {
        if (current == null) {
            throw new IllegalStateException("no namespace is open");
        }
        return current;
    }

    private static String log(JsonNode call) {
        return call.path("log").asText();
    }

    private static void bind(URI uri, String ledgers) throws Exception {
        String zookeeper = uri.getAuthority().replace(';', ',');
        DLMetadata.create(new BKDLConfig(zookeeper, ledgers)).create(uri);
    }

    private static Namespace open(JsonNode call) throws Exception {
        DistributedLogConfiguration configuration = new DistributedLogConfiguration();
        // Nothing waits for a lock unless a test says how long (lockTimeoutSeconds).
        configuration.setLockTimeout(0);
        Iterator<Map.Entry<String, JsonNode>> settings = call.path("conf").fields();
        while (settings.hasNext()) {
            Map.Entry<String, JsonNode> setting = settings.next();
            configuration.setProperty(setting.getKey(), setting.getValue().asText());
        }
        return NamespaceBuilder.newBuilder()
                .conf(configuration)
                .uri(URI.create(call.path("uri").asText()))
                .clientId(call.path("client_id").asText("java"))
                .build();
    }

    private void list(ArrayNode logs) throws Exception {
        Iterator<String> names = namespace().getLogs();
        while (names.hasNext()) {
            logs.add(names.next());
        }
    }

    private void info(JsonNode call, ObjectNode answer) throws Exception {
        try (DistributedLogManager manager = manager(call)) {
            ArrayNode segments = answer.putArray("segments");
            for (LogSegmentMetadata segment : manager.getLogSegments()) {
                ObjectNode each = segments.addObject();
                each.put("number", segment.getLogSegmentSequenceNumber());
                each.put("ledger", segment.getLogSegmentId());
                each.put("in_progress", segment.isInProgress());
                each.put("records", segment.getRecordCount());
                each.put("truncation", segment.getTruncationStatus().name());
                each.put("last", text(segment.getLastDLSN()));
            }
            answer.put("sealed", manager.isEndOfStreamMarked());
            answer.put("count", manager.getLogRecordCount());
            answer.put("first", text(manager.getFirstDLSNAsync().get()));
            answer.put("last", text(manager.getLastDLSN()));
            answer.put("last_txid", manager.getLastTxId());
        }
    }
}
