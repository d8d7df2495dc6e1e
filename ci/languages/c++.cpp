// The works of ci/languages/compare in C++.
#include <dl.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <random>
#include <string>
#include <vector>

namespace {

constexpr std::size_t bytes_each = 100, batch = 1000, passes = 5, alone_appends = 20000;

using instant = std::chrono::steady_clock::time_point;

instant now() { return std::chrono::steady_clock::now(); }

double seconds_since(instant began) { return std::chrono::duration<double>(now() - began).count(); }

double append(dl::writer &writer, const std::vector<dl::bytes_view> &payloads, std::size_t records,
              std::size_t in_flight) {
  const instant began = now();
  std::deque<dl::call<dl::receipts>> flying;
  const std::size_t batches = records / batch;
  for (std::size_t number = 0; number < batches; number++) {
    if (flying.size() == in_flight) {
      flying.front().get();
      flying.pop_front();
    }
    flying.push_back(writer.append_many_start(payloads));
  }
  for (auto &call : flying) call.get();
  return static_cast<double>(batches * batch) / seconds_since(began);
}

double read(dl::log &log) {
  const instant began = now();
  auto reader = log.open_reader();
  std::size_t count = 0, bytes = 0;
  while (!reader.ended()) {
    const dl::records records = reader.next_batch(batch);
    for (const dl::bytes_view payload : records.payloads()) bytes += payload.size();
    count += records.size();
  }
  const double took = seconds_since(began);
  if (bytes != count * bytes_each) std::exit(1);
  return static_cast<double>(count) / took;
}

double alone(dl::writer &writer, dl::bytes_view payload) {
  std::vector<double> took;
  for (std::size_t number = 0; number < alone_appends; number++) {
    const instant began = now();
    writer.append(payload);
    took.push_back(seconds_since(began) * 1e6);
  }
  std::sort(took.begin(), took.end());
  return took[took.size() / 2];
}

// The first pass, and the median of the others.
void print(const char *work, std::vector<double> figures) {
  std::printf("c++ %s-first %.0f\n", work, figures.front());
  std::sort(figures.begin() + 1, figures.end());
  std::printf("c++ %s %.0f\n", work, figures[1 + passes / 2]);
}

}  // namespace

int main(int count, char **arguments) try {
  const std::size_t records = count > 1 ? std::stoul(arguments[1]) : 1000000;
  std::string data(batch * bytes_each, '\0');
  std::minstd_rand random(1);
  for (char &byte : data) byte = static_cast<char>(random() >> 7);
  std::vector<dl::bytes_view> payloads;
  for (std::size_t number = 0; number < batch; number++) {
    payloads.emplace_back(data.data() + number * bytes_each, bytes_each);
  }

  auto space = dl::log_namespace::open("memory:languages");
  for (const std::size_t in_flight : {4, 1}) {
    std::vector<double> figures;
    for (std::size_t pass = 0; pass <= passes; pass++) {
      space.create_log("appended");
      auto writer = space.open_log("appended").open_writer();
      figures.push_back(append(writer, payloads, records, in_flight));
      writer.close();
      space.delete_log("appended");
    }
    print(in_flight == 1 ? "append-one" : "append", figures);
  }
  space.create_log("read");
  auto log = space.open_log("read");
  auto writer = log.open_writer();
  for (std::size_t number = 0; number < records / batch; number++) writer.append_batch(payloads);
  std::vector<double> figures;
  for (std::size_t pass = 0; pass <= passes; pass++) figures.push_back(read(log));
  print("read", figures);
  std::printf("c++ alone %.2f\n", alone(writer, payloads.front()));
  writer.close();
  space.close();
} catch (const dl::error &error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
