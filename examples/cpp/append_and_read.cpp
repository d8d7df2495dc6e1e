// Appends records and reads them back.
#include <dl.hpp>
#include <iostream>

int main(int count, char **arguments) try {
  auto space = dl::log_namespace::open(count > 1 ? arguments[1] : "memory:example");
  space.create_log("orders");
  auto log = space.open_log("orders");

  // A call that is started goes on by itself: many records are on their way at once, and one sync of the disk serves them.
  auto writer = log.open_writer();
  std::vector<dl::call<dl::receipt>> calls;
  for (int number = 1; number <= 3; number++) calls.push_back(writer.append_start("order " + std::to_string(number)));
  for (auto &call : calls) {
    const dl::receipt receipt = call.get();  // acknowledged: it survives what the driver promises
    std::cout << "acknowledged: number " << receipt.sequence_id.value_or(-1) << '\n';
  }
  writer.close();

  auto reader = log.open_reader();
  for (const dl::record &record : reader) std::cout << "read: " << record.payload().text() << '\n';

  space.delete_log("orders");
  space.close();
} catch (const dl::error &error) {
  std::cerr << error.what() << '\n';
  return 1;
}
