// One process of the conformance cases, in C++: dl-core/testdata/conformance/README.md says what requests and replies are.
#include <iostream>
#include <map>
#include <thread>
#include <variant>

#include "show.hpp"

namespace {

/// The request makes no sense.
struct wrong : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A call on its way.
struct pending {
  std::function<bool()> is_done;
  std::function<void()> cancel;
  std::function<json()> answer;
};

/// What is answered already.
pending answered(json result) {
  return {[] { return true; }, [] {}, [result] { return result; }};
}

/// What failed before it was on its way.
pending failed(const dl::error &error) {
  return {[] { return true; }, [] {}, [error]() -> json { throw error; }};
}

template <typename T, typename Show>
pending of(dl::call<T> call, Show shown) {
  auto kept = std::make_shared<dl::call<T>>(std::move(call));
  return {[kept] { return kept->is_done(); },
          [kept] {
            kept->cancel();
            kept->wait();
          },
          [kept, shown]() -> json {
            if constexpr (std::is_void_v<T>) {
              kept->get();
              return shown();
            } else {
              return shown(kept->get());
            }
          }};
}

/// A call whose answer needs no more than showing.
template <typename T>
pending of(dl::call<T> call) {
  return of(std::move(call), [](const T &value) { return show(value); });
}
pending of(dl::call<void> call) {
  return of(std::move(call), [] { return json::object(); });
}
pending of(dl::call<bool> call) {
  return of(std::move(call), [](bool value) { return json(value); });
}
pending of(dl::call<std::uint64_t> call) {
  return of(std::move(call), [](std::uint64_t value) { return json(value); });
}
pending of(dl::call<dl::dlsn> call) {
  return of(std::move(call), [](const dl::dlsn &value) { return json(value.to_string()); });
}
pending of(dl::call<std::optional<dl::dlsn>> call) {
  return of(std::move(call), [](const std::optional<dl::dlsn> &value) { return optional(value); });
}
pending of(dl::call<std::optional<dl::record>> call) {
  return of(std::move(call), [](const std::optional<dl::record> &value) {
    return optional(value, [](const dl::record &record) { return show(record); });
  });
}
pending of(dl::call<std::vector<std::string>> call) {
  return of(std::move(call), [](const std::vector<std::string> &value) { return json(value); });
}
pending of(dl::call<dl::buffer> call) {
  return of(std::move(call), [](const dl::buffer &value) { return json(hex(value.bytes())); });
}

template <typename T>
using shared = std::shared_ptr<T>;
using handle = std::variant<shared<dl::log>, shared<dl::writer>, shared<dl::reader>, shared<dl::cursor>,
                            shared<dl::byte_writer>, shared<dl::byte_reader>, shared<dl::log_watcher>,
                            shared<dl::segment_watcher>>;

std::map<std::string, handle> handles;
std::map<std::string, shared<dl::log_namespace>> namespaces;
std::map<std::string, pending> calls;

const json &field(const json &request, const char *name) {
  if (!request.contains(name)) throw wrong(std::string(name) + " is missing");
  return request.at(name);
}

std::string text(const json &request, const char *name) { return field(request, name).get<std::string>(); }

std::optional<std::string> maybe(const json &request, const char *name) {
  return request.contains(name) ? std::optional(text(request, name)) : std::nullopt;
}

std::optional<dl::dlsn> maybe_dlsn(const json &request, const char *name) {
  return request.contains(name) ? std::optional(dl::dlsn::parse(text(request, name))) : std::nullopt;
}

template <typename Options>
Options options(const json &request) {
  Options filled;
  const json given = request.value("options", json::object());
  for (const auto &option : given.items()) {
    const json &value = option.value();
    filled.set(option.key().c_str(), value.is_string() ? value.get<std::string>() : value.dump());
  }
  return filled;
}

/// The options of an append, if it asks for something.
std::optional<dl::append_options> append_options(const json &request, const json &record) {
  const auto last = maybe(request, "if_last");
  if (!last && !record.contains("txid")) return std::nullopt;
  dl::append_options filled;
  if (record.contains("txid")) filled = std::move(filled).txid(record.at("txid").get<std::int64_t>());
  if (last && *last == "none") return std::move(filled).expected_empty();
  if (last) return std::move(filled).expected_last(dl::dlsn::parse(*last));
  return filled;
}

struct records_to_append {
  std::vector<std::vector<std::uint8_t>> bytes;
  std::vector<dl::bytes_view> payloads;
  std::vector<std::int64_t> txids;

  explicit records_to_append(const json &list) {
    for (const json &record : list) {
      bytes.push_back(from_hex(text(record, "payload")));
      txids.push_back(record.contains("txid") ? record.at("txid").get<std::int64_t>() : -1);
    }
    payloads.assign(bytes.begin(), bytes.end());
  }
};

/// A call that opens something, which is kept under the name that the request gives.
template <typename T>
pending opening(dl::call<T> call, const json &request) {
  return of(std::move(call), [as = maybe(request, "as")](T opened) {
    if (as) handles.insert_or_assign(*as, std::make_shared<T>(std::move(opened)));
    return json::object();
  });
}

pending read_all(dl::log &log, const json &request) {
  auto reader = log.open_reader(options<dl::reader_options>(request));
  json records = json::array();
  for (const dl::record &record : reader) records.push_back(show(record));
  return answered({{"records", records}, {"end", show(reader.ended())}});
}

pending start(const std::string &verb, const json &request, dl::log &log) {
  if (verb == "open_writer") return opening(log.open_writer_start(options<dl::writer_options>(request)), request);
  if (verb == "open_reader") return opening(log.open_reader_start(options<dl::reader_options>(request)), request);
  if (verb == "open_byte_writer")
    return opening(log.open_byte_writer_start(options<dl::writer_options>(request)), request);
  if (verb == "open_byte_reader")
    return opening(log.open_byte_reader_start(options<dl::reader_options>(request)), request);
  if (verb == "open_cursor") return opening(log.cursor_start(text(request, "name")), request);
  if (verb == "read") return read_all(log, request);
  if (verb == "info") return of(log.info_start());
  if (verb == "segments") return of(log.segments_start());
  if (verb == "truncate") return of(log.truncate_start(dl::dlsn::parse(text(request, "before"))));
  if (verb == "dlsn_at_txid") return of(log.dlsn_at_txid_start(field(request, "txid").get<std::int64_t>()));
  if (verb == "count") return of(log.count_start(maybe_dlsn(request, "from"), maybe_dlsn(request, "until")));
  if (verb == "first_record") return of(log.first_record_start());
  if (verb == "last_record") return of(log.last_record_start());
  if (verb == "recover") return of(log.recover_start());
  if (verb == "apply_retention") return of(log.apply_retention_start());
  if (verb == "log_options") return of(log.options_start());
  if (verb == "set_log_options") return of(log.set_options_start(options<dl::log_options>(request)));
  if (verb == "cursors") return of(log.cursors_start());
  if (verb == "user_metadata") return of(log.user_metadata_start());
  if (verb == "set_user_metadata") return of(log.set_user_metadata_start(from_hex(text(request, "data"))));
  if (verb == "watch_segments") {
    handles.insert_or_assign(text(request, "as"), std::make_shared<dl::segment_watcher>(log.watch_segments()));
    return answered(json::object());
  }
  throw wrong(verb + " is nothing that a log does");
}

pending start(const std::string &verb, const json &request, shared<dl::writer> writer) {
  if (verb == "append" || verb == "try_append") {
    const json &record = field(request, "record");
    const auto payload = from_hex(text(record, "payload"));
    auto options = append_options(request, record);
    return of(verb == "append" ? writer->append_start(payload, options) : writer->try_append_start(payload, options));
  }
  if (verb == "append_many") {
    const records_to_append records(field(request, "records"));
    return of(writer->append_many_start(records.payloads, records.txids));
  }
  if (verb == "append_batch") {
    const records_to_append records(field(request, "records"));
    return of(writer->append_batch_start(records.payloads, records.txids, append_options(request, json::object())));
  }
  if (verb == "append_record_set") {
    const records_to_append records(field(request, "records"));
    const auto compression = maybe(request, "compression").value_or("none");
    return of(writer->append_record_set_start(records.payloads, compression.c_str(), append_options(request, request)));
  }
  if (verb == "flush") return of(writer->flush_start());
  if (verb == "truncate") return of(writer->truncate_start(dl::dlsn::parse(text(request, "before"))));
  if (verb == "seal") return of(writer->seal_start());
  if (verb == "close") return of(writer->close_start());
  if (verb == "fenced") return of(writer->fenced_start());
  if (verb == "last_dlsn") return answered(optional(writer->last_dlsn()));
  if (verb == "last_txid") return answered(optional(writer->last_txid()));
  if (verb != "abort") throw wrong(verb + " is nothing that a writer does");
  writer->abort();
  return answered(json::object());
}

pending start(const std::string &verb, const json &request, dl::cursor &cursor) {
  if (verb == "position") return of(cursor.position_start());
  if (verb == "delete") return of(cursor.remove_start());
  const auto to = dl::dlsn::parse(text(request, "to"));
  if (verb == "advance") return of(cursor.advance_start(to));
  if (verb == "reset") return of(cursor.reset_start(to));
  throw wrong(verb + " is nothing that a cursor does");
}

pending start(const std::string &verb, const json &request, shared<dl::reader> reader) {
  if (verb == "next")
    return of(reader->next_start(), [reader](const std::optional<dl::record> &record) {
      return record ? show(*record) : json{{"end", show(reader->ended())}};
    });
  if (verb == "next_batch")
    return of(reader->next_batch_start(field(request, "max").get<std::size_t>(),
                                       std::chrono::milliseconds(field(request, "wait_ms").get<std::int64_t>())),
              [reader](const dl::records &records) {
                return json{{"records", show(records)}, {"end", show(reader->ended())}};
              });
  if (verb == "position") return answered(reader->position().to_string());
  if (verb == "end") return answered(show(reader->ended()));
  if (verb == "close") return of(reader->close_start());
  auto cursor = reader->cursor();
  if (!cursor) throw wrong("the reader was opened without a cursor");
  return start(verb, request, *cursor);
}

pending start(const std::string &verb, const json &request, shared<dl::byte_writer> writer) {
  if (verb == "write")
    return of(writer->write_start(from_hex(text(request, "data"))), [writer] { return json(writer->position()); });
  if (verb == "position") return answered(writer->position());
  if (verb == "flush") return of(writer->flush_start());
  if (verb == "seal") return of(writer->seal_start());
  if (verb == "close") return of(writer->close_start());
  if (verb == "fenced") return of(writer->fenced_start());
  if (verb != "abort") throw wrong(verb + " is nothing that a byte writer does");
  writer->abort();
  return answered(json::object());
}

pending start(const std::string &verb, const json &request, shared<dl::byte_reader> reader) {
  if (verb == "read_bytes") {
    std::vector<std::uint8_t> bytes(field(request, "max").get<std::size_t>());
    std::size_t length = 0, count = 1;
    while (count > 0 && length < bytes.size()) length += count = reader->read(bytes.data() + length, bytes.size() - length);
    return answered({{"payload", hex({bytes.data(), length})}, {"end", show(reader->ended())}});
  }
  if (verb == "next_chunk")
    return of(reader->next_chunk_start(), [reader](const std::optional<dl::buffer> &chunk) {
      return chunk ? json{{"payload", hex(chunk->bytes())}} : json{{"end", show(reader->ended())}};
    });
  if (verb == "seek") return of(reader->seek_start(field(request, "offset").get<std::uint64_t>()));
  if (verb == "position") return answered(reader->position());
  if (verb == "end") return answered(show(reader->ended()));
  if (verb == "close") return of(reader->close_start());
  throw wrong(verb + " is nothing that a byte reader does");
}

pending start(const std::string &, const json &, shared<dl::log_watcher> watcher) { return of(watcher->next_start()); }
pending start(const std::string &, const json &, shared<dl::segment_watcher> watcher) {
  return of(watcher->next_start());
}
pending start(const std::string &verb, const json &request, shared<dl::log> log) { return start(verb, request, *log); }
pending start(const std::string &verb, const json &request, shared<dl::cursor> cursor) {
  return start(verb, request, *cursor);
}

pending open(const json &request, const std::string &process) {
  auto opened = dl::log_namespace::open_start(text(request, "uri"), options<dl::namespace_options>(request));
  return of(std::move(opened), [process](dl::log_namespace opened) {
    namespaces.insert_or_assign(process, std::make_shared<dl::log_namespace>(std::move(opened)));
    return json::object();
  });
}

pending on_namespace(const std::string &verb, const json &request) {
  const std::string process = maybe(request, "process").value_or("p");
  if (verb == "open") return open(request, process);
  if (verb == "parse_dlsn") return answered(dl::dlsn::parse(text(request, "text")).to_string());
  if (namespaces.count(process) == 0) throw wrong("process " + process + " has not opened the namespace");
  dl::log_namespace &opened = *namespaces.at(process);
  if (verb == "close") return of(opened.close_start());
  if (verb == "list_logs")
    return of(opened.list_logs_start(maybe(request, "prefix").value_or(""), maybe(request, "after"),
                                     request.value("limit", SIZE_MAX)));
  if (verb == "watch_logs") {
    auto watcher = opened.watch_logs(maybe(request, "prefix").value_or(""));
    handles.insert_or_assign(text(request, "as"), std::make_shared<dl::log_watcher>(std::move(watcher)));
    return answered(json::object());
  }
  const std::string name = text(request, "log");
  if (verb == "create_log") return of(opened.create_log_start(name));
  if (verb == "open_log") return opening(opened.open_log_start(name), request);
  if (verb == "log_exists") return of(opened.log_exists_start(name));
  if (verb == "delete_log") return of(opened.delete_log_start(name));
  if (verb == "rename_log") return of(opened.rename_log_start(name, text(request, "to")));
  dl::log log = opened.log(name);
  return start(verb, request, log);
}

pending started(const std::string &verb, const json &request) {
  try {
    const auto on = maybe(request, "on");
    if (!on) return on_namespace(verb, request);
    if (handles.count(*on) == 0) throw wrong("there is no handle " + *on);
    if (verb == "drop") {
      handles.erase(*on);
      return answered(json::object());
    }
    return std::visit([&](const auto &object) { return start(verb, request, object); }, handles.at(*on));
  } catch (const dl::error &error) {
    return failed(error);
  }
}

json handled(const json &request) {
  const std::string verb = text(request, "do");
  if (verb == "await" || verb == "cancel" || verb == "retry" || verb == "still_pending") {
    const auto call = calls.find(text(request, "call"));
    if (call == calls.end()) throw wrong("no such call is in flight");
    if (verb == "still_pending") {
      std::this_thread::sleep_for(std::chrono::milliseconds(field(request, "patience_ms").get<std::int64_t>()));
      return !call->second.is_done();
    }
    pending taken = std::move(call->second);
    calls.erase(call);
    if (verb == "await") return taken.answer();
    taken.cancel();
    if (verb == "cancel") return json::object();
    // What it may have answered was not taken, and goes back.
    taken = {};
    return handled(field(request, "again"));
  }
  pending call = started(verb, request);
  const auto name = maybe(request, "start");
  if (!name) return call.answer();
  calls.insert_or_assign(*name, std::move(call));
  return json::object();
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    json reply;
    try {
      reply["ok"] = handled(json::parse(line));
    } catch (const dl::error &error) {
      reply["error"] = show(error);
    } catch (const std::exception &mistake) {
      reply = json{{"wrong", mistake.what()}};
    }
    std::cout << "dl-agent:" << reply.dump() << std::endl;
  }
  // What is open belongs to objects that end before the library does.
  calls.clear();
  handles.clear();
  namespaces.clear();
}
