// A replicated key-value store. Its commands are a log; who opened that log's writer last leads. Now and then the leader
// writes the whole state into a second log, and frees the commands in front of it. It holds the writers of both logs: one that
// does not lead any more must not put an old snapshot behind a newer one, whose commands are gone.
#include <dl.hpp>
#include <iostream>
#include <map>
#include <sstream>

namespace {

/// The state, as of a position in the log of commands.
struct replica {
  std::map<std::string, std::string> state;
  /// Of the first command that is not applied.
  std::optional<dl::dlsn> next;

  void apply(const std::string &command) {
    std::istringstream words(command);
    std::string verb, key, value;
    words >> verb >> key;
    if (verb == "set" && words >> value) state[key] = value;
    if (verb == "delete") state.erase(key);
  }

  /// The newest snapshot, and every command behind it.
  static replica load(dl::log &commands, dl::log &snapshots) {
    replica loaded;
    if (const auto snapshot = snapshots.last_record()) {
      std::istringstream lines{std::string(snapshot->payload().text())};
      std::string line;
      std::getline(lines, line);
      loaded.next = dl::dlsn::parse(line);
      while (std::getline(lines, line)) loaded.apply(line);
    }
    dl::reader_options options;
    if (loaded.next) options.set("from", *loaded.next);
    auto reader = commands.open_reader(std::move(options));
    for (const dl::record &record : reader) {
      loaded.apply(std::string(record.payload().text()));
      loaded.next = record.dlsn().next();
    }
    return loaded;
  }
};

std::ostream &operator<<(std::ostream &out, const replica &shown) {
  for (const auto &[key, value] : shown.state) out << ' ' << key << '=' << value;
  return out;
}

class leader {
 public:
  // First the writers, then the state: behind them nobody else is acknowledged, so the state is the newest there is, and
  // each snapshot of this leader is newer than all before it. Where two open at once, each may end with one of the logs.
  // That loses nothing: both are fenced from the other one, and whoever opens again leads.
  leader(dl::log &commands, dl::log &snapshots)
      : writer_(commands.open_writer()),
        snapshots_(snapshots.open_writer()),
        replica_(replica::load(commands, snapshots)) {}

  /// Applies a command once it is acknowledged: every later leader will see it.
  void execute(const std::string &command) {
    const dl::receipt receipt = writer_.append(command);
    replica_.apply(command);
    replica_.next = receipt.dlsn.next();
  }

  /// Writes the state into the log of snapshots; then the commands that it holds may go.
  void snapshot() {
    std::ostringstream text;
    text << replica_.next.value() << '\n';
    for (const auto &[key, value] : replica_.state) text << "set " << key << ' ' << value << '\n';
    // Another leader's snapshot may be newer: it fenced this writer, too.
    snapshots_.append(text.str());
    writer_.truncate(*replica_.next);
  }

  void close() {
    snapshots_.close();
    writer_.close();
  }
  const replica &state() const { return replica_; }

 private:
  // In the order in which they are opened.
  dl::writer writer_, snapshots_;
  replica replica_;
};

}  // namespace

int main(int count, char **arguments) try {
  auto space = dl::log_namespace::open(count > 1 ? arguments[1] : "memory:example");
  for (const char *name : {"store/commands", "store/snapshots"}) space.create_log(name);
  auto commands = space.open_log("store/commands"), snapshots = space.open_log("store/snapshots");

  leader first(commands, snapshots);
  first.execute("set color blue");
  first.execute("set size 7");
  first.snapshot();
  first.execute("set color red");

  // Another process would do the same: it knows all that was ever acknowledged before it leads.
  leader second(commands, snapshots);
  std::cout << "second starts with" << second.state() << '\n';
  try {
    first.execute("set color green");
  } catch (const dl::fenced &error) {
    std::cout << "first: " << error.name() << '\n';
  }
  second.execute("delete size");
  second.snapshot();
  try {
    first.snapshot();
  } catch (const dl::fenced &error) {
    std::cout << "its snapshot: " << error.name() << '\n';
  }

  // One that only reads: a snapshot, and the commands behind it.
  std::cout << "a replica has" << replica::load(commands, snapshots) << '\n';

  second.close();
  for (const char *name : {"store/commands", "store/snapshots"}) space.delete_log(name);
  space.close();
} catch (const dl::error &error) {
  std::cerr << error.what() << '\n';
  return 1;
}
