// Jobs in a log. Workers share a cursor: one works at a time, and the next goes on where it stopped.
#include <dl.hpp>
#include <iostream>

namespace {

/// A reader that starts behind the cursor and is the only one of it.
dl::reader open_worker(dl::log &log) {
  return log.open_reader(dl::reader_options().set("cursor", "workers").set("locked", true));
}

/// Does at most `most` jobs. One that is done and not yet noted when a worker dies is done again: at least once.
void work(dl::reader &reader, const char *who, int most) {
  auto cursor = reader.cursor().value();
  for (int i = 0; i < most; i++) {
    const auto job = reader.next();
    if (!job) break;
    std::cout << who << ": " << job->payload().text() << '\n';
    cursor.advance(job->dlsn());
  }
}

}  // namespace

int main(int count, char **arguments) try {
  auto space = dl::log_namespace::open(count > 1 ? arguments[1] : "memory:example");
  space.create_log("jobs");
  auto log = space.open_log("jobs");
  auto writer = log.open_writer();
  writer.append_many({"resize", "rotate", "upload", "notify"});
  writer.close();

  auto anna = open_worker(log);
  work(anna, "anna", 2);

  // Another worker takes the queue over, as one does when the first has hung: it starts behind the last job that was noted
  // as done, and the first one is told.
  auto bert = open_worker(log);
  try {
    anna.next();
  } catch (const dl::fenced &error) {
    std::cout << "anna: " << error.name() << '\n';
  }
  work(bert, "bert", 10);
  bert.close();

  space.delete_log("jobs");
  space.close();
} catch (const dl::error &error) {
  std::cerr << error.what() << '\n';
  return 1;
}
