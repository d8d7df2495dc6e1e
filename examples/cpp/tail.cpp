// Follows a log while another thread appends to it.
#include <dl.hpp>
#include <iostream>
#include <thread>

int main(int count, char **arguments) try {
  auto space = dl::log_namespace::open(count > 1 ? arguments[1] : "memory:example");
  space.create_log("orders");
  auto log = space.open_log("orders");

  std::thread appender([&log] {
    auto writer = log.open_writer();
    for (const char *order : {"order 1", "order 2", "order 3"}) writer.append(order);
    writer.seal();  // no more will ever come; readers that follow are told
    writer.close();
  });

  // A record is delivered as soon as it is acknowledged: the reader is woken, it does not poll.
  auto reader = log.open_reader(dl::reader_options().set("follow", true));
  for (const dl::record &record : reader) std::cout << "read: " << record.payload().text() << '\n';
  std::cout << "the end: " << (reader.ended() == dl::end_kind::sealed ? "sealed" : "not sealed") << '\n';

  appender.join();
  space.delete_log("orders");
  space.close();
} catch (const dl::error &error) {
  std::cerr << error.what() << '\n';
  return 1;
}
