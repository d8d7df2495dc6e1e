import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Set;
import org.apache.zookeeper.server.DataNode;
import org.apache.zookeeper.server.ServerCnxnFactory;
import org.apache.zookeeper.server.ZKDatabase;
import org.apache.zookeeper.server.ZooKeeperServer;

/**
 * One ZooKeeper server, and a door for tests: what no client can ask of a server, such as to end a session.
 *
 * <p>Arguments: the folder for its data, its port, and the file that gets the port of the door. Each connection to the
 * door sends one line and reads the answer:
 *
 * <ul>
 *   <li>{@code created PATH}: the transaction that made the node, or none if it is not there
 *   <li>{@code sessions}: the sessions that have ephemeral nodes, a line each, in hexadecimal, with their nodes
 *   <li>{@code expire SESSION|PATH}: ends the session, or that of the ephemeral node, as if its time were up
 * </ul>
 */
public final class ZooKeeper {
    private static final int TICK_MS = 500;
    private static final int LEAST_SESSION_MS = 1_000;
    private static final int MOST_SESSION_MS = 120_000;

    private final ZooKeeperServer server;

    private ZooKeeper(ZooKeeperServer server) {
        this.server = server;
    }

    public static void main(String[] arguments) throws Exception {
        File data = new File(arguments[0]);
        ZooKeeperServer server = new ZooKeeperServer(data, data, TICK_MS);
        server.setMinSessionTimeout(LEAST_SESSION_MS);
        server.setMaxSessionTimeout(MOST_SESSION_MS);
        InetAddress loopback = InetAddress.getLoopbackAddress();
        int port = Integer.parseInt(arguments[1]);
        ServerCnxnFactory.createFactory(new InetSocketAddress(loopback, port), 0).startup(server);
        try (ServerSocket door = new ServerSocket(0, 50, loopback)) {
            // Moved into place, so that nobody reads half of it.
            Path file = Path.of(arguments[2]);
            Path draft = Path.of(arguments[2] + ".new");
            Files.writeString(draft, door.getLocalPort() + "\n");
            Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE);
            ZooKeeper zookeeper = new ZooKeeper(server);
            while (true) {
                try (Socket caller = door.accept()) {
                    zookeeper.serve(caller);
                } catch (java.io.IOException gone) {
                    System.err.println("a caller at the door went away: " + gone);
                }
            }
        }
    }

    private void serve(Socket caller) throws java.io.IOException {
        String line = new BufferedReader(new InputStreamReader(caller.getInputStream())).readLine();
        String[] words = (line == null ? "" : line).split(" ", 2);
        String argument = words.length > 1 ? words[1] : "";
        PrintStream answer = new PrintStream(caller.getOutputStream());
        switch (words[0]) {
            case "created" -> answer.println(created(argument));
            case "sessions" -> sessions(answer);
            case "expire" -> answer.println(expire(argument));
            default -> answer.println("unknown: " + line);
        }
        answer.flush();
    }

    private String created(String path) {
        DataNode node = database().getNode(path);
        return node == null ? "none" : Long.toString(node.stat.getCzxid());
    }

    private void sessions(PrintStream answer) {
        for (long session : database().getSessions()) {
            Set<String> nodes = database().getEphemerals(session);
            answer.printf("0x%x %s%n", session, String.join(" ", nodes));
        }
    }

    private String expire(String which) {
        long session;
        if (which.startsWith("/")) {
            DataNode node = database().getNode(which);
            if (node == null || node.stat.getEphemeralOwner() == 0) {
                return "no ephemeral node: " + which;
            }
            session = node.stat.getEphemeralOwner();
        } else {
            session = Long.parseUnsignedLong(which.replaceFirst("^0x", ""), 16);
        }
        server.closeSession(session);
        return String.format("0x%x ended", session);
    }

    private ZKDatabase database() {
        return server.getZKDatabase();
    }
}
