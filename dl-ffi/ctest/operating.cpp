// What an operator asks, in C++. Argument: a folder to work in.
#include <dl.hpp>

#include <cstdio>
#include <cstdlib>
#include <future>
#include <mutex>
#include <string>
#include <vector>

#define CHECK(condition) \
  do { \
    if (!(condition)) { \
      std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
      std::exit(1); \
    } \
  } while (0)

int main(int, char **arguments) {
  const std::string uri = "file://" + std::string(arguments[1]) + "/operating?unsafe_filesystem=true";
  // Told of by a thread of the library, which a sanitizer does not see into.
  std::mutex told_lock;
  std::vector<std::string> told;
  {
    auto space = dl::log_namespace::open_with_events(uri, [&](const dl::event &event) {
      if (event.target() != "writer.fenced") throw 1;  // harms nobody
      CHECK(event.kind() == dl::error_kind::fenced && event.level() == dl::event_level::warn);
      const std::lock_guard<std::mutex> held(told_lock);
      told.push_back(std::string(event.context("log").value_or("")));
    });
    auto moved = std::move(space);
    moved.create_log("orders");
    auto log = moved.open_log("orders");
    auto first = log.open_writer();
    auto second = log.open_writer();
    first.fenced_start();
    try {
      first.append("late");
      CHECK(false);
    } catch (const dl::fenced &) {
    }
    second.append("in time");

    auto reader = log.open_reader();
    CHECK(!reader.cursor());
    CHECK(log.open_reader(dl::reader_options().set("cursor", "billing")).cursor().has_value());
#ifndef __SANITIZE_THREAD__  // It does not see how the library hands the function to a thread of its own.
    auto next = reader.next_start();
    std::promise<void> called;
    next.then([&] {
      called.set_value();
      throw 1;  // harms nobody
    });
    called.get_future().wait();
    CHECK(next.get().has_value());
#endif

    const auto info = dl::inspect(uri);
    CHECK(info.driver == "file" && info.logs == 1 && info.format && info.format->known && info.processes.size() == 1);
    const auto found = dl::verify(uri, "orders");
    CHECK(found.findings.empty() && found.files > 0 && found.in_progress.size() == 1);
    CHECK(found.in_progress[0].log == "orders" && found.in_progress[0].owner_alive);
    second.close();
    moved.close();
  }
  const std::lock_guard<std::mutex> held(told_lock);
  CHECK(told == std::vector<std::string>{"orders"});
  CHECK(dl::verify_start(uri).get().in_progress.empty() && dl::inspect_start(uri).get().processes.empty());
  std::puts("test result: ok. 1 passed; 0 failed; 0 ignored");
}
