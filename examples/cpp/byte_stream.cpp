// A log as one run of bytes.
#include <dl.hpp>
#include <iostream>

int main(int count, char **arguments) try {
  auto space = dl::log_namespace::open(count > 1 ? arguments[1] : "memory:example");
  space.create_log("image");
  auto log = space.open_log("image");
  {
    auto writer = log.open_byte_writer();
    writer.write("0123456789");
    writer.write("abcdefghij");
    writer.flush();  // durable, all that was written before
    std::cout << "written: " << writer.position() << " bytes\n";
    writer.close();
  }
  // A later writer goes on at the end; nobody else can write meanwhile.
  auto writer = log.open_byte_writer();
  writer.write("!");
  writer.seal();
  writer.close();

  auto reader = log.open_byte_reader();
  reader.seek(8);
  std::cout << "from byte 8: ";
  while (const auto chunk = reader.next_chunk()) std::cout << chunk->bytes().text();
  std::cout << '\n';

  space.delete_log("image");
  space.close();
} catch (const dl::error &error) {
  std::cerr << error.what() << '\n';
  return 1;
}
