// Two writers of one log: the second cuts the first one off.
#include <dl.hpp>
#include <iostream>

int main(int count, char **arguments) try {
  auto space = dl::log_namespace::open(count > 1 ? arguments[1] : "memory:example");
  space.create_log("orders");
  auto log = space.open_log("orders");
  auto first = log.open_writer();
  first.append("order 1");

  // Who does not want to take the log over asks politely ...
  try {
    log.open_writer(dl::writer_options().set("takeover", "never"));
  } catch (const dl::locked &error) {
    std::cout << "polite: " << error.name() << '\n';
  }

  // ... and who does, opens a writer, here or in any process: from now on the first one is never acknowledged again.
  auto second = log.open_writer();
  try {
    first.append("from the past");
  } catch (const dl::fenced &error) {
    std::cout << "first: " << error.name() << '\n';
  }
  second.append("order 2");
  second.close();

  auto reader = log.open_reader();
  for (const dl::record &record : reader) std::cout << "read: " << record.payload().text() << '\n';

  space.delete_log("orders");
  space.close();
} catch (const dl::error &error) {
  std::cerr << error.what() << '\n';
  return 1;
}
