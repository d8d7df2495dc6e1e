// What may be given as a time and as the value of an option in C++. Argument: not used.
#include <dl.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#define CHECK(condition) \
  do { \
    if (!(condition)) { \
      std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
      std::exit(1); \
    } \
  } while (0)

namespace {

using namespace std::chrono_literals;

// Whether options, with a name or without, can be set to a value of a type.
template <typename Options, typename Value, typename = void>
struct can_set : std::false_type {};
template <typename Options, typename Value>
struct can_set<Options, Value,
               std::void_t<decltype(std::declval<Options>().set("follow", std::declval<Value>()))>> : std::true_type {};
template <typename Value>
constexpr bool settable = can_set<dl::reader_options &, Value>::value;
template <typename Value>
constexpr bool settable_in_place = can_set<dl::reader_options, Value>::value;

template <typename... Values>
constexpr bool all = (... && (settable<Values> && settable_in_place<Values>));
template <typename... Values>
constexpr bool none = (... && !(settable<Values> || settable_in_place<Values>));

static_assert(all<bool, int, std::size_t, std::int64_t, const char *, char *, const char (&)[5], std::string, dl::dlsn>);
static_assert(all<std::chrono::seconds, std::chrono::microseconds, std::chrono::duration<double>>);
static_assert(none<int *, const void *, dl::reader *, void (*)(), float, double, std::optional<int>, std::nullptr_t>);

// What each duration is for dl.h.
static_assert(dl::forever.count() == -1);
static_assert(dl::timeout(30s).count() == 30'000 && dl::timeout(5ms).count() == 5 && dl::timeout(2h).count() == 7'200'000);
static_assert(dl::timeout(500us).count() == 1 && dl::timeout(1ns).count() == 1 && dl::timeout(1'000'001ns).count() == 2);
static_assert(dl::timeout(0ms).count() == 0 && dl::timeout(-1ms).count() == 0 && dl::timeout(-5h).count() == 0);
static_assert(dl::timeout(std::chrono::duration<double>(0.25)).count() == 250);
static_assert(dl::timeout(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN())).count() == 0);
static_assert(dl::timeout(std::chrono::duration<double>(std::numeric_limits<double>::infinity())).count() > 0);
static_assert(dl::timeout(std::chrono::duration<unsigned>(3)).count() == 3'000);
static_assert(dl::timeout(std::chrono::hours::max()).count() > 0 && dl::timeout(std::chrono::hours::min()).count() == 0);
static_assert(dl::timeout(std::chrono::nanoseconds::max()).count() > 0);

}  // namespace

int main() {
  auto space = dl::log_namespace::open("memory:values", std::nullopt, std::chrono::minutes(1));
  space.create_log("orders", 10s);
  auto reader = space.open_log("orders").open_reader(dl::reader_options().set("follow", true));

  // A deadline that has passed is no reason to wait for ever.
  const auto deadline = std::chrono::steady_clock::now();
  for (const dl::timeout most : {dl::timeout(deadline - std::chrono::steady_clock::now()), dl::timeout(-5ms), dl::timeout(500us)}) {
    try {
      reader.next(most);
      CHECK(false);
    } catch (const dl::timed_out &) {
    }
    CHECK(reader.next_batch(10, most).empty());
  }

  dl::writer_options options;
  options.set("close_timeout_ms", 1500us).set("takeover", std::string("never")).set("in_flight_records", 7U);
  CHECK(options.get("close_timeout_ms") == "2ms" && options.get("takeover") == "never" && options.get("in_flight_records") == "7");
  CHECK(dl::writer_options().set("close_timeout_ms", 3s).get("close_timeout_ms") == "3s");
  try {
    options.set("close_timeout_ms", -1s);
    CHECK(false);
  } catch (const dl::invalid_argument &) {
  }
  space.close();
  std::puts("test result: ok. 1 passed; 0 failed; 0 ignored");
}
