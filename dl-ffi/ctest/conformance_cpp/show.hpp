/// How results, errors and payloads look as JSON: dl-core/testdata/conformance/README.md.
#pragma once

#include <dl.hpp>
#include <nlohmann/json.hpp>

using json = nlohmann::json;

/// A value, or "none".
template <typename T, typename Show>
json optional(const std::optional<T> &value, Show show) {
  return value ? json(show(*value)) : json("none");
}

inline json optional(const std::optional<std::int64_t> &value) { return value ? json(*value) : json("none"); }
inline json optional(const std::optional<std::string> &value) { return value ? json(*value) : json("none"); }
inline json optional(const std::optional<std::string_view> &value) { return value ? json(*value) : json("none"); }
inline json optional(const std::optional<dl::dlsn> &value) { return value ? json(value->to_string()) : json("none"); }

inline std::string hex(dl::bytes_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text.push_back(digits[byte >> 4]);
    text.push_back(digits[byte & 15]);
  }
  return text;
}

inline std::vector<std::uint8_t> from_hex(const std::string &text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::vector<std::uint8_t> bytes(text.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); i++)
    bytes[i] = static_cast<std::uint8_t>(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
  return bytes;
}

inline json show(const dl::receipt &receipt) {
  const char *survives = receipt.durability == dl::durability::memory       ? "memory"
                         : receipt.durability == dl::durability::power_loss ? "power-loss"
                                                                           : "replicated";
  return {{"dlsn", receipt.dlsn.to_string()},
          {"txid", receipt.txid},
          {"sequence_id", optional(receipt.sequence_id)},
          {"durability", survives},
          {"duplicate", receipt.duplicate}};
}

inline json show(const dl::record_view &record) {
  return {{"dlsn", record.dlsn().to_string()},
          {"txid", record.txid()},
          {"sequence_id", optional(record.sequence_id())},
          {"payload", hex(record.payload())},
          {"record_set", record.is_record_set()}};
}

inline json show(const dl::records &records) {
  json list = json::array();
  for (const dl::record_view record : records) list.push_back(show(record));
  return list;
}

inline json show(const std::optional<dl::end_kind> &end) {
  if (!end) return "none";
  switch (*end) {
    case dl::end_kind::bound: return "bound";
    case dl::end_kind::end: return "end";
    case dl::end_kind::sealed: return "sealed";
  }
  return "unknown";
}

inline json show(const dl::log_info &info) {
  return {{"name", info.name},
          {"incarnation", info.incarnation},
          {"segments", info.segments},
          {"in_progress", info.in_progress},
          {"sealed", info.sealed},
          {"first_readable", info.first_readable.to_string()},
          {"max_txid", optional(info.max_txid)},
          {"owner", optional(info.owner)}};
}

inline json show(const dl::segment_info &segment) {
  const auto end = [](const dl::segment_end &end) {
    return json{{"records", end.records},
                {"last_txid", end.last_txid},
                {"last_dlsn", optional(end.last_dlsn)},
                {"completed_ms", end.completed_ms}};
  };
  return {{"number", segment.number},
          {"id", segment.id},
          {"truncation", segment.truncated ? json("whole") : optional(segment.truncated_below)},
          {"first_txid", segment.first_txid},
          {"first_sequence_id", optional(segment.first_sequence_id)},
          {"completed", optional(segment.completed, end)}};
}

inline json show(const dl::cursor_info &cursor) {
  return {{"name", cursor.name}, {"position", optional(cursor.position)}, {"owner", optional(cursor.owner)}};
}

inline json show(const dl::log_change &change) {
  switch (change.what) {
    case dl::log_change::kind::created: return {{"created", optional(change.name)}};
    case dl::log_change::kind::deleted: return {{"deleted", optional(change.name)}};
    case dl::log_change::kind::listed: return {{"listed", true}};
  }
  return "unknown";
}

inline json show(const dl::log_options &options) {
  json shown = json::object();
  for (const std::string &name : options.names()) shown[name] = *options.get(name.c_str());
  return shown;
}

inline json show(const dl::receipts &all) {
  json shown = json::array();
  for (const dl::receipt &receipt : all) shown.push_back(show(receipt));
  return shown;
}

template <typename T>
json show(const std::vector<T> &all) {
  json list = json::array();
  for (const T &each : all) list.push_back(show(each));
  return list;
}

inline json show(const dl::error &error) {
  json context = json::object();
  for (const std::string_view key : error.context_keys()) context[std::string(key)] = *error.context(key.data());
  return {{"kind", error.name()},
          {"number", static_cast<std::uint32_t>(error.kind())},
          {"message", error.message()},
          {"operation", optional(error.operation())},
          {"context", context},
          {"dlsn", optional(error.position())},
          {"owner", optional(error.owner())},
          {"retryable", error.retryable()},
          {"may_have_taken_effect", error.may_have_taken_effect()},
          {"receipts", show(error.receipts())}};
}
