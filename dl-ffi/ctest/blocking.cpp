// What the forms that block say when their time runs out, and objects that take the place of others, in C++. Argument: a folder to
// work in.
#include <dl.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#define CHECK(condition) \
  do { \
    if (!(condition)) { \
      std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
      std::exit(1); \
    } \
  } while (0)

namespace {

using namespace std::chrono_literals;

// Calls it. Whether its time ran out: then it says of which call, and that it may have taken effect if it changes anything.
template <typename Verb>
bool times_out(const char *operation, bool changes, Verb verb) {
  try {
    verb();
  } catch (const dl::timed_out &error) {
    CHECK(error.operation() && *error.operation() == operation);
    CHECK(error.may_have_taken_effect() == changes);
    return true;
  }
  return false;
}

// Who tries again after an error that may not have taken effect must not find it twice.
void a_call_that_ran_out_of_time_says_what_may_have_become_of_it(const std::string &uri) {
  auto space = dl::log_namespace::open(uri);
  space.create_log("orders");
  auto log = space.open_log("orders");
  auto writer = log.open_writer();
  auto other = dl::log_namespace::open(uri);
  auto others = other.log("orders");
  CHECK(times_out("open_writer", true, [&] { others.open_writer(dl::writer_options().set("takeover", "wait:1h"), 1ms); }));
  CHECK(times_out("open_byte_writer", true, [&] { others.open_byte_writer(dl::writer_options().set("takeover", "wait:1h"), 1ms); }));

  // Whether these are in time is a race, what they say is not.
  const std::vector<dl::bytes_view> payloads(50, "payload");
  std::uint64_t appended = 0, maybe = 0;
  for (int round = 0; round < 50; round++) {
    const std::string name = "log-" + std::to_string(round);
    const bool unknown = times_out("append_record_set", true, [&] {
      appended += writer.append_record_set(payloads, "none", std::nullopt, 0ms).size();
    });
    if (unknown) maybe += payloads.size();
    times_out("truncate", true, [&] { writer.truncate(dl::dlsn(1, 0, 0), 0ms); });
    times_out("create_log", true, [&] { space.create_log(name, 0ms); });
    times_out("delete_log", true, [&] {
      try {
        space.delete_log(name, 0ms);
      } catch (const dl::not_found &) {
      }
    });
    times_out("count", false, [&] { log.count(std::nullopt, std::nullopt, 0ms); });
  }
  writer.flush();
  const auto there = log.count();
  CHECK(appended <= there && there <= appended + maybe);
  writer.close();
}

void a_call_that_is_kept_goes_on() {
  auto space = dl::log_namespace::open("memory:blocking");
  space.create_log("orders");
  auto log = space.open_log("orders");
  auto reader = log.open_reader(dl::reader_options().set("follow", true));
  auto next = reader.next_start();
  CHECK(times_out("next", false, [&] { next.get(0ms); }));
  CHECK(!next.is_done());
  auto first = log.open_writer();
  auto waiting = log.open_writer_start(dl::writer_options().set("takeover", "wait:1h"));
  CHECK(times_out("open_writer", true, [&] { waiting.get(1ms); }));
  first.append("first");
  CHECK(next.get()->payload().text() == "first");
  first.close();
  waiting.get().append("second");
  // What was cut off by its time is not read twice and not lost.
  while (times_out("next", false, [&] { CHECK(reader.next(0ms)->payload().text() == "second"); })) {
  }
}

// The function of a namespace lives until that is told nothing any more, also when another takes its place.
void a_namespace_takes_the_place_of_one_that_tells() {
#ifndef __SANITIZE_THREAD__  // It does not see that the library waits for the function.
  std::atomic<bool> inside{false};
  std::atomic<int> ended{0};
  const std::string state(100, 'x');
  auto space = dl::log_namespace::open_with_events("memory:assigned", [state, &inside, &ended](const dl::event &) {
    inside = true;
    // Long enough to be freed in, were it not waited for.
    for (int i = 0; i < 20; i++) std::this_thread::sleep_for(1ms);
    CHECK(state[50] == 'x');
    ended++;
  });
  {
    auto log = space.log("orders");
    log.open_writer(dl::writer_options().set("create_log", true));
    auto first = log.open_writer();
    auto second = log.open_writer();
    while (!inside) std::this_thread::yield();
  }
  space = dl::log_namespace::open("memory:other");
  CHECK(ended > 0);
  auto &same = space;
  space = std::move(same);
  CHECK(space.list_logs().empty());
#endif
}

// Each form that blocks is the one that starts and its answer.
void every_form_that_blocks_answers() {
  auto space = dl::log_namespace::open("memory:blocking-forms", std::nullopt, 1min);
  space.create_log("orders", 1min);
  CHECK(space.log_exists("orders", 1min) && !space.log_exists("others", 1min));
  auto log = space.open_log("orders", 1min);
  auto writer = log.open_writer(std::nullopt, 1min);
  const auto first = writer.append("first", dl::append_options().txid(10)).dlsn;
  const auto second = writer.append("second", dl::append_options().txid(20)).dlsn;

  CHECK(log.first_record(1min)->payload().text() == "first" && log.last_record(1min)->payload().text() == "second");
  CHECK(log.dlsn_at_txid(15, 1min) == second && !log.dlsn_at_txid(21, 1min));
  CHECK(log.count(std::nullopt, std::nullopt, 1min) == 2 && log.segments(1min).size() == 1);
  const auto info = log.info(1min);
  CHECK(info.name == "orders" && info.in_progress && !info.sealed && info.segments == 1);

  log.set_options(dl::log_options().set("retention_ms", "1h"), 1min);
  CHECK(log.options(1min).get("retention_ms") == "1h");
  log.apply_retention(1min);
  log.set_user_metadata("mine", 1min);
  CHECK(log.user_metadata(1min).bytes().text() == "mine");

  auto cursor = log.cursor("billing", 1min);
  CHECK(!cursor.position(1min));
  cursor.advance(second, 1min);
  CHECK(cursor.position(1min) == second);
  cursor.reset(first, 1min);
  const auto cursors = log.cursors(1min);
  CHECK(cursors.size() == 1 && cursors[0].name == "billing" && cursors[0].position == first);
  cursor.remove(1min);
  CHECK(log.cursors(1min).empty());

  CHECK(space.metrics_text(true, 1min).bytes().text().find("dl_") != std::string_view::npos);
  CHECK(writer.truncate(second, 1min) == second);
  writer.close(1min);
  log.recover(1min);
  space.rename_log("orders", "renamed", 1min);
  CHECK(space.list_logs({}, std::nullopt, 10, 1min) == std::vector<std::string>{"renamed"});
  space.delete_log("renamed", 1min);
  CHECK(space.list_logs().empty());
  space.close(1min);
}

// Each call in flight ends, and what it stood for can go before it.
void batches_are_looked_at_by_index_in_a_loop_and_all_at_once() {
  auto space = dl::log_namespace::open("memory:blocking-batches");
  space.create_log("a");
  auto log = space.open_log("a");
  auto writer = log.open_writer();
  const dl::receipts receipts = writer.append_many({"one", "", "three"});
  CHECK(receipts.size() == 3 && !receipts.empty());
  CHECK(receipts.front().sequence_id == 0 && receipts[1].sequence_id == 1 && receipts.back().sequence_id == 2);
  std::int64_t next = 0;
  for (const dl::receipt &receipt : receipts) CHECK(receipt.sequence_id == next++);
  CHECK(next == 3 && writer.append_many({}).empty());

  auto reader = log.open_reader();
  dl::records records = reader.next_batch(10);
  // They live as long as the records do, wherever these are moved.
  const std::vector<dl::bytes_view> payloads = records.payloads();
  const dl::records moved = std::move(records);
  CHECK(payloads.size() == 3 && payloads[0].text() == "one" && payloads[1].size() == 0 && payloads[2].text() == "three");
  CHECK(moved[2].payload().text() == "three" && moved[2].payload().data() == payloads[2].data());
  CHECK(reader.next_batch(10).payloads().empty());
  writer.close();
}

void closing_ends_calls_in_flight() {
  auto space = std::make_unique<dl::log_namespace>(dl::log_namespace::open("memory:blocking-closing"));
  space->create_log("orders");
  auto log = space->open_log("orders");
  auto writer = std::make_unique<dl::writer>(log.open_writer());
  auto reader = std::make_unique<dl::reader>(log.open_reader(dl::reader_options().set("follow", true)));
  auto next = reader->next_start();
  auto waiting = log.open_writer_start(dl::writer_options().set("takeover", "wait:1h"));
  auto fenced = writer->fenced_start();
  space->close();
  const auto ends_closed = [](auto &call) {
    try {
      call.get();
      return false;
    } catch (const dl::closed &) {
      return true;
    }
  };
  reader.reset();
  writer.reset();
  space.reset();
  CHECK(ends_closed(next) && ends_closed(waiting) && ends_closed(fenced));
}

}  // namespace

int main(int, char **arguments) {
  a_call_that_ran_out_of_time_says_what_may_have_become_of_it("file://" + std::string(arguments[1]) +
                                                              "/blocking?unsafe_filesystem=true");
  a_call_that_is_kept_goes_on();
  a_namespace_takes_the_place_of_one_that_tells();
  every_form_that_blocks_answers();
  batches_are_looked_at_by_index_in_a_loop_and_all_at_once();
  closing_ends_calls_in_flight();
  std::puts("test result: ok. 6 passed; 0 failed; 0 ignored");
}
