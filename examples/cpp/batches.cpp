// Records that are written all or none, and an append on a condition.
#include <dl.hpp>
#include <iostream>

int main(int count, char **arguments) try {
  auto space = dl::log_namespace::open(count > 1 ? arguments[1] : "memory:example");
  space.create_log("accounts");
  auto log = space.open_log("accounts");
  auto writer = log.open_writer();

  // A transfer is two records. No reader, and no crash, ever leaves only one of them.
  const auto receipts = writer.append_batch({"alice -10", "bob +10"});
  const dl::dlsn last = receipts[1].dlsn;
  std::cout << "in one entry: " << std::boolalpha << (receipts[0].dlsn.entry() == last.entry()) << '\n';

  // Only if nothing came in between. The condition is judged in the order of the appends.
  writer.append("bob -3", dl::append_options().expected_last(last));
  try {
    writer.append("bob -8", dl::append_options().expected_last(last));
  } catch (const dl::condition_failed &error) {
    std::cout << "too late: " << error.name() << '\n';
  }
  writer.close();

  auto reader = log.open_reader();
  for (const dl::record &record : reader) std::cout << "read: " << record.payload().text() << '\n';

  space.delete_log("accounts");
  space.close();
} catch (const dl::error &error) {
  std::cerr << error.what() << '\n';
  return 1;
}
