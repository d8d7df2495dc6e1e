import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.apache.distributedlog.exceptions.DLException;

/**
 * Java DistributedLog behind a pipe: a line of JSON in is one call, a line of JSON out its answer, in order.
 *
 * <p>A call is {@code {"do": NAME, …}}. Its answer is an object: what the call says it answers, or
 * {@code {"error": class, "code": DistributedLog's number or 0, "message": text}}. Payloads are in base64, a DLSN is
 * {@code "segment:entry:slot"}. The program ends with its input, without closing anything, as if it had crashed.
 *
 * <ul>
 *   <li>of a namespace, in {@link Namespaces}: bind, open, create, delete, rename, list, info, recover, purge
 *   <li>of a writer, in {@link Writers}: open_writer, write, write_set, acks, flush, truncate, seal, close_writer, abort
 *   <li>of a reader, in {@link Readers}: read, open_reader, next, close_reader
 * </ul>
 */
public final class Interop {
    static final ObjectMapper JSON = new ObjectMapper();

    private final Namespaces namespaces = new Namespaces();
    private final Writers writers = new Writers(namespaces);
    private final Readers readers = new Readers(namespaces);

    public static void main(String[] arguments) throws IOException {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Interop interop = new Interop();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(JSON.writeValueAsString(interop.answer(line)));
        }
        // Without the hooks that would end sessions and segments in an orderly way.
        Runtime.getRuntime().halt(0);
    }

    private ObjectNode answer(String line) {
        ObjectNode answer = JSON.createObjectNode();
        try {
            JsonNode call = JSON.readTree(line);
            String name = call.path("do").asText();
            if (!namespaces.call(name, call, answer)
                    && !writers.call(name, call, answer)
                    && !readers.call(name, call, answer)) {
                throw new IllegalArgumentException("there is no call " + name);
            }
            return answer;
        } catch (Exception failure) {
            return error(failure);
        }
    }

    /** What went wrong, without the wrappings that futures add. */
    static ObjectNode error(Throwable failure) {
        Throwable cause = failure;
        while ((cause instanceof ExecutionException || cause instanceof CompletionException) && cause.getCause() != null) {
            cause = cause.getCause();
        }
        ObjectNode answer = JSON.createObjectNode();
        answer.put("error", cause.getClass().getSimpleName());
        answer.put("code", cause instanceof DLException ? ((DLException) cause).getCode() : 0);
        answer.put("message", String.valueOf(cause.getMessage()));
        return answer;
    }
}
