/// @file dl.hpp
/// dl, a replicated log, for C++17. Header only, over dl.h: link with libdistlog.
///
/// - Objects own what they stand for, can be moved and not copied, and free it when they end. One that was moved from may only
///   be destroyed or assigned to.
/// - What fails throws dl::error, or the class of its kind below it, such as dl::fenced.
/// - What waits takes a timeout, dl::forever if none is given; one that runs out throws dl::timed_out, and what was begun may
///   take effect. Each has a sister that ends in _start, which does not wait: it returns a dl::call.
/// - Every object may be used by any number of threads at once, but for options. The destructor comes last.
/// - Bytes that are given are read before a function returns, never kept. Views of bytes live as long as the object they came
///   from.
/// - In a forked child every call on a namespace of the parent, and on what was opened there, throws dl::closed. Open it again there.
#ifndef DISTLOG_DL_HPP
#define DISTLOG_DL_HPP

#include <dl.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace dl {

// ---------------------------------------------------------------------------------------------------------------- errors

/// The kinds of errors. The numbers are those of every language; newer libraries may know more.
enum class error_kind : std::uint32_t {
  invalid_argument = DISTLOG_ERROR_INVALID_ARGUMENT,
  not_found = DISTLOG_ERROR_NOT_FOUND,
  already_exists = DISTLOG_ERROR_ALREADY_EXISTS,
  fenced = DISTLOG_ERROR_FENCED,
  sealed = DISTLOG_ERROR_SEALED,
  truncated = DISTLOG_ERROR_TRUNCATED,
  condition_failed = DISTLOG_ERROR_CONDITION_FAILED,
  too_large = DISTLOG_ERROR_TOO_LARGE,
  closed = DISTLOG_ERROR_CLOSED,
  cancelled = DISTLOG_ERROR_CANCELLED,
  timeout = DISTLOG_ERROR_TIMEOUT,
  unavailable = DISTLOG_ERROR_UNAVAILABLE,
  storage_full = DISTLOG_ERROR_STORAGE_FULL,
  corrupt = DISTLOG_ERROR_CORRUPT,
  permission_denied = DISTLOG_ERROR_PERMISSION_DENIED,
  unauthenticated = DISTLOG_ERROR_UNAUTHENTICATED,
  quota_exceeded = DISTLOG_ERROR_QUOTA_EXCEEDED,
  unsupported = DISTLOG_ERROR_UNSUPPORTED,
  locked = DISTLOG_ERROR_LOCKED,
  internal = DISTLOG_ERROR_INTERNAL,
  busy = DISTLOG_ERROR_BUSY,
};

/// How a reader ended.
enum class end_kind : std::uint32_t { bound = DISTLOG_END_BOUND, end = DISTLOG_END_END, sealed = DISTLOG_END_SEALED };

namespace detail {

/// Whole milliseconds, rounded up; the longest are more than any caller waits.
template <typename Number, typename Period>
constexpr std::int64_t milliseconds(std::chrono::duration<Number, Period> time) noexcept {
  constexpr std::int64_t longest = 9'000'000'000'000'000;
  // As a floating number first, which does not overflow.
  const std::chrono::duration<double, std::milli> about(time);
  if (about.count() >= static_cast<double>(longest)) return longest;
  if (about.count() <= -static_cast<double>(longest)) return -longest;
  return std::chrono::ceil<std::chrono::milliseconds>(time).count();
}

}  // namespace detail

/// How long a call may wait: any std::chrono duration, rounded up to milliseconds, or dl::forever. One that is not above zero, such as
/// what is left until a deadline that has passed, looks once and does not wait.
class timeout {
 public:
  /// So long.
  template <typename Number, typename Period>
  constexpr timeout(std::chrono::duration<Number, Period> most) noexcept
      : milliseconds_(most > most.zero() ? detail::milliseconds(most) : 0) {}
  /// As long as it takes: dl::forever.
  static constexpr timeout without_bound() noexcept { return timeout(); }
  /// The same for dl.h: milliseconds, below zero without bound.
  constexpr std::int64_t count() const noexcept { return milliseconds_; }

 private:
  constexpr timeout() noexcept = default;
  std::int64_t milliseconds_ = -1;
};

/// The timeout that waits as long as it takes.
inline constexpr timeout forever = timeout::without_bound();

class dlsn;
class error;
struct receipt;

namespace detail {
[[noreturn]] void raise_with(dl_error *failed, const dl_receipts *settled);
}

/// What went wrong, to what, and what to do next. Copies share it.
class error : public std::exception {
 public:
  /// Takes an error of dl.h over.
  explicit error(dl_error *taken) : error_(taken, dl_error_free) {}

  /// All of it as one text.
  const char *what() const noexcept override { return dl_error_text(error_.get()); }
  /// Its kind; a number that this header does not know stays that number.
  error_kind kind() const noexcept { return static_cast<error_kind>(dl_error_kind(error_.get())); }
  /// The name of the kind, such as "not-found".
  std::string_view name() const noexcept { return dl_error_name(error_.get()); }
  /// What happened, and what to do next.
  std::string_view message() const noexcept { return dl_error_message(error_.get()); }
  /// The operation that failed, if one is named.
  std::optional<std::string_view> operation() const noexcept { return some(dl_error_operation(error_.get())); }
  /// Whether the same call may succeed later.
  bool retryable() const noexcept { return dl_error_is_retryable(error_.get()); }
  /// Whether the operation could have taken effect although it failed.
  bool may_have_taken_effect() const noexcept { return dl_error_may_have_taken_effect(error_.get()); }
  /// The log that it happened to, if one is named.
  std::optional<std::string_view> log() const noexcept { return some(dl_error_log(error_.get())); }
  /// Who holds the log or the cursor, for fenced and locked, where that is known.
  std::optional<std::string_view> owner() const noexcept { return some(dl_error_owner(error_.get())); }
  /// The first readable position for truncated, the actual last one for condition_failed.
  std::optional<dl::dlsn> position() const noexcept;
  /// What else it was about: the value of a key such as "segment", "file" or "offset".
  std::optional<std::string_view> context(const char *key) const noexcept {
    return some(dl_error_context(error_.get(), key));
  }
  /// The keys that context has a value for.
  std::vector<std::string_view> context_keys() const {
    std::vector<std::string_view> keys;
    while (const char *key = dl_error_context_key(error_.get(), keys.size())) keys.emplace_back(key);
    return keys;
  }
  /// Of append_many: the receipts of the records in front of the one that failed.
  std::vector<receipt> receipts() const;
  /// The error of dl.h. It stays this object's.
  const dl_error *get() const noexcept { return error_.get(); }

 private:
  friend void detail::raise_with(dl_error *failed, const dl_receipts *settled);
  static std::optional<std::string_view> some(const char *text) noexcept {
    return text == nullptr ? std::nullopt : std::optional<std::string_view>(text);
  }
  std::shared_ptr<dl_error> error_;
  std::shared_ptr<const std::vector<receipt>> receipts_;
};

/// The class of one kind of errors.
template <error_kind Kind>
class error_of : public error {
 public:
  using error::error;
};

/// An argument cannot be right.
using invalid_argument = error_of<error_kind::invalid_argument>;
/// There is no such namespace, log, segment or cursor.
using not_found = error_of<error_kind::not_found>;
/// It exists already.
using already_exists = error_of<error_kind::already_exists>;
/// A later writer owns the log, or a later locked reader the cursor.
using fenced = error_of<error_kind::fenced>;
/// The log was sealed.
using sealed = error_of<error_kind::sealed>;
/// The position lies below the point of truncation.
using truncated = error_of<error_kind::truncated>;
/// The last record is not the expected one.
using condition_failed = error_of<error_kind::condition_failed>;
/// A record, batch or name is over its limit.
using too_large = error_of<error_kind::too_large>;
/// The object was closed, or belongs to the parent of a forked process.
using closed = error_of<error_kind::closed>;
/// The call was cancelled.
using cancelled = error_of<error_kind::cancelled>;
/// The time that was given ran out.
using timed_out = error_of<error_kind::timeout>;
/// Something that is needed does not answer now.
using unavailable = error_of<error_kind::unavailable>;
/// The disk, or the quota of the file system, is full.
using storage_full = error_of<error_kind::storage_full>;
/// Stored bytes are not what was written.
using corrupt = error_of<error_kind::corrupt>;
/// The operating system or an access rule forbids it.
using permission_denied = error_of<error_kind::permission_denied>;
/// The caller has not proved who it is.
using unauthenticated = error_of<error_kind::unauthenticated>;
/// A limit set by the operator is used up.
using quota_exceeded = error_of<error_kind::quota_exceeded>;
/// This build, driver or directory cannot do it.
using unsupported = error_of<error_kind::unsupported>;
/// Another holds the lock, and the call was not to take it; or took it while it was being opened.
using locked = error_of<error_kind::locked>;
/// A bug of ours.
using internal = error_of<error_kind::internal>;
/// It would have to wait, and was asked not to.
using busy = error_of<error_kind::busy>;

namespace detail {

/// Throws the error as the class of its kind.
template <error_kind... Kinds>
[[noreturn]] void raise_as(dl_error *failed) {
  const auto kind = static_cast<error_kind>(dl_error_kind(failed));
  error thrown(failed);
  (void)std::initializer_list<int>{
      (kind == Kinds ? throw error_of<Kinds>(dl_error_clone(thrown.get())) : 0)...};
  throw thrown;
}

[[noreturn]] inline void raise(dl_error *failed) {
  using kind = error_kind;
  raise_as<kind::invalid_argument, kind::not_found, kind::already_exists, kind::fenced, kind::sealed, kind::truncated,
           kind::condition_failed, kind::too_large, kind::closed, kind::cancelled, kind::timeout, kind::unavailable,
           kind::storage_full, kind::corrupt, kind::permission_denied, kind::unauthenticated, kind::quota_exceeded,
           kind::unsupported, kind::locked, kind::internal, kind::busy>(failed);
}

inline void check(dl_error *failed) {
  if (failed != nullptr) raise(failed);
}

/// Refuses what dl.h cannot be given.
[[noreturn]] inline void refuse(const char *message) { raise(dl_error_new(DISTLOG_ERROR_INVALID_ARGUMENT, message)); }

/// The text for dl.h, where a NUL ends it.
inline const char *c_text(const std::string &text) {
  if (text.find('\0') != std::string::npos) refuse("a text holds a NUL");
  return text.c_str();
}

/// Frees an object of dl.h.
template <typename T, void (*Free)(T *)>
struct freed {
  void operator()(T *object) const noexcept { Free(object); }
};

template <typename T, void (*Free)(T *)>
using owned = std::unique_ptr<T, freed<T, Free>>;

inline std::optional<std::string> text(const char *value) {
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

inline std::optional<std::int64_t> from_zero(std::int64_t value) {
  return value < 0 ? std::nullopt : std::optional<std::int64_t>(value);
}

}  // namespace detail

// ---------------------------------------------------------------------------------------------------------------- values

/// The position of a record in its log: unique, and increasing in append order.
class dlsn {
 public:
  /// The position of these parts.
  constexpr dlsn(std::int64_t segment, std::int64_t entry, std::int64_t slot) noexcept : value_{segment, entry, slot} {}
  /// A position of dl.h.
  constexpr dlsn(dl_dlsn value) noexcept : value_(value) {}

  /// Reads the text form, such as "3:120:0".
  static dlsn parse(const std::string &text) {
    dl_dlsn value{};
    detail::check(dl_dlsn_parse(detail::c_text(text), &value));
    return value;
  }

  /// The number of the segment, from 1.
  constexpr std::int64_t segment() const noexcept { return value_.segment; }
  /// The entry in the segment, from 0.
  constexpr std::int64_t entry() const noexcept { return value_.entry; }
  /// The slot in the entry, from 0.
  constexpr std::int64_t slot() const noexcept { return value_.slot; }
  /// The least position behind this one.
  dlsn next() const noexcept { return dl_dlsn_next(value_); }
  /// The text form.
  std::string to_string() const {
    char text[DISTLOG_DLSN_TEXT_BYTES];
    detail::check(dl_dlsn_format(value_, text, sizeof text));
    return text;
  }
  /// The same position for dl.h.
  constexpr operator dl_dlsn() const noexcept { return value_; }

  /// Whether they are the same.
  friend bool operator==(const dlsn &a, const dlsn &b) noexcept { return dl_dlsn_compare(a.value_, b.value_) == 0; }
  /// Whether they are two.
  friend bool operator!=(const dlsn &a, const dlsn &b) noexcept { return !(a == b); }
  /// Whether `a` is in front of `b`.
  friend bool operator<(const dlsn &a, const dlsn &b) noexcept { return dl_dlsn_compare(a.value_, b.value_) < 0; }
  /// Whether `a` is behind `b`.
  friend bool operator>(const dlsn &a, const dlsn &b) noexcept { return b < a; }
  /// Whether `a` is not behind `b`.
  friend bool operator<=(const dlsn &a, const dlsn &b) noexcept { return !(b < a); }
  /// Whether `a` is not in front of `b`.
  friend bool operator>=(const dlsn &a, const dlsn &b) noexcept { return !(a < b); }
  /// Writes the text form.
  friend std::ostream &operator<<(std::ostream &out, const dlsn &shown) { return out << shown.to_string(); }

 private:
  dl_dlsn value_;
};

inline std::optional<dlsn> error::position() const noexcept {
  dl_dlsn value{};
  return dl_error_dlsn(error_.get(), &value) ? std::optional<dlsn>(value) : std::nullopt;
}

/// A view of bytes, from anything that has them in one piece: a string, a vector of bytes, a span.
class bytes_view {
 public:
  constexpr bytes_view() noexcept = default;
  /// So many bytes from here on.
  bytes_view(const void *data, std::size_t size) noexcept : data_(static_cast<const std::uint8_t *>(data)), size_(size) {}
  /// The bytes of a text in front of its NUL.
  bytes_view(const char *text) noexcept : bytes_view(std::string_view(text)) {}
  /// A view of dl.h.
  bytes_view(dl_bytes bytes) noexcept : data_(bytes.data), size_(bytes.length) {}
  /// The bytes of anything with `data()` and `size()`.
  template <typename Bytes, typename Data = decltype(std::declval<const Bytes &>().data()),
            typename = std::enable_if_t<std::is_pointer_v<Data> && sizeof(std::remove_pointer_t<Data>) == 1>>
  bytes_view(const Bytes &bytes) noexcept : bytes_view(bytes.data(), bytes.size()) {}

  /// The first of them; may be null if there is none.
  const std::uint8_t *data() const noexcept { return data_; }
  /// Their number.
  std::size_t size() const noexcept { return size_; }
  /// Whether there is none.
  bool empty() const noexcept { return size_ == 0; }
  /// The first of them.
  const std::uint8_t *begin() const noexcept { return data_; }
  /// Behind the last.
  const std::uint8_t *end() const noexcept { return data_ + size_; }
  /// The same bytes as text.
  std::string_view text() const noexcept { return {reinterpret_cast<const char *>(data_), size_}; }
  /// The same view for dl.h.
  operator dl_bytes() const noexcept { return {data_, size_}; }

 private:
  const std::uint8_t *data_ = nullptr;
  std::size_t size_ = 0;
};

/// What an acknowledged record survives.
enum class durability : std::uint32_t {
  memory = DISTLOG_DURABILITY_MEMORY,
  power_loss = DISTLOG_DURABILITY_POWER_LOSS,
  replicated = DISTLOG_DURABILITY_REPLICATED,
};

/// The acknowledgement of an append.
struct receipt {
  /// Its position.
  dl::dlsn dlsn;
  /// Its txid.
  std::int64_t txid;
  /// The place of the record among all of the log, counted from 0; none where Java DistributedLog did not count.
  std::optional<std::int64_t> sequence_id;
  /// What it survives.
  dl::durability durability;
  /// Whether this was a retry of an append that had been acknowledged before.
  bool duplicate;
};

namespace detail {
receipt value(const dl_receipt *of);

/// Goes through something by its indices.
template <class All, class Item>
class indices {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = Item;
  using difference_type = std::ptrdiff_t;
  using pointer = const Item *;
  using reference = Item;
  indices(const All *all, std::size_t index) noexcept : all_(all), index_(index) {}
  Item operator*() const { return (*all_)[index_]; }
  indices &operator++() noexcept {
    ++index_;
    return *this;
  }
  indices operator++(int) noexcept {
    indices before = *this;
    ++index_;
    return before;
  }
  friend bool operator==(const indices &a, const indices &b) noexcept { return a.index_ == b.index_; }
  friend bool operator!=(const indices &a, const indices &b) noexcept { return !(a == b); }

 private:
  const All *all_;
  std::size_t index_;
};
}  // namespace detail

/// The receipts of one call, in the order of its records. Each is made when it is looked at.
class receipts {
 public:
  /// Goes through the receipts. It can be gone through once.
  using iterator = detail::indices<receipts, receipt>;

  /// Takes receipts of dl.h over, of which each was acknowledged.
  explicit receipts(dl_receipts *taken) noexcept : receipts_(taken) {}
  /// Their number.
  std::size_t size() const noexcept { return dl_receipts_count(receipts_.get()); }
  /// Whether there is none.
  bool empty() const noexcept { return size() == 0; }
  /// The receipt at an index below size().
  receipt operator[](std::size_t index) const { return detail::value(dl_receipts_at(receipts_.get(), index)); }
  /// The first one. There has to be one.
  receipt front() const { return (*this)[0]; }
  /// The last one. There has to be one.
  receipt back() const { return (*this)[size() - 1]; }
  /// The first one.
  iterator begin() const noexcept { return {this, 0}; }
  /// Behind the last.
  iterator end() const noexcept { return {this, size()}; }

 private:
  detail::owned<dl_receipts, dl_receipts_free> receipts_;
};

/// A record as read, of whatever owns it: a dl::record, or dl::records.
class record_view {
 public:
  /// A record of dl.h, which stays whose it is.
  explicit record_view(const dl_record *record) noexcept : record_(record) {}

  /// Its position.
  dl::dlsn dlsn() const noexcept { return dl_record_dlsn(record_); }
  /// Its txid.
  std::int64_t txid() const noexcept { return dl_record_txid(record_); }
  /// Its place among all of the log, from 0; nothing where Java DistributedLog did not count.
  std::optional<std::int64_t> sequence_id() const { return detail::from_zero(dl_record_sequence_id(record_)); }
  /// What was appended, where the reader put it. It lives as long as the owner of the record.
  bytes_view payload() const noexcept { return dl_record_payload(record_); }
  /// Whether the payload is a whole record set, which a reader delivers only if its options say so.
  bool is_record_set() const noexcept { return dl_record_is_record_set(record_); }

 protected:
  /// The record of dl.h.
  const dl_record *record_;
};

/// A record as read.
class record : public record_view {
 public:
  /// Takes a record of dl.h over.
  explicit record(dl_record *taken) noexcept : record_view(taken), owned_(taken) {}

 private:
  detail::owned<dl_record, dl_record_free> owned_;
};

/// Records as read, in the order of the log.
class records {
 public:
  /// Goes through the records. It can be gone through once.
  using iterator = detail::indices<records, record_view>;

  /// Takes records of dl.h over.
  explicit records(dl_records *taken) noexcept : records_(taken) {}
  /// Their number.
  std::size_t size() const noexcept { return dl_records_count(records_.get()); }
  /// Whether there is none.
  bool empty() const noexcept { return size() == 0; }
  /// The record at an index below size().
  record_view operator[](std::size_t index) const noexcept { return record_view(dl_records_at(records_.get(), index)); }
  /// All their payloads, with one call: faster than one after another. The bytes live as long as the records.
  std::vector<bytes_view> payloads() const {
    std::vector<dl_bytes> taken(size());
    taken.resize(dl_records_payloads(records_.get(), taken.data(), taken.size()));
    return {taken.begin(), taken.end()};
  }
  /// The first one.
  iterator begin() const noexcept { return {this, 0}; }
  /// Behind the last.
  iterator end() const noexcept { return {this, size()}; }

 private:
  detail::owned<dl_records, dl_records_free> records_;
};

/// Bytes that the library made.
class buffer {
 public:
  /// Takes a buffer of dl.h over.
  explicit buffer(dl_buffer *taken) noexcept : buffer_(taken) {}
  /// The bytes. They live as long as the buffer.
  bytes_view bytes() const noexcept { return dl_buffer_bytes(buffer_.get()); }

 private:
  detail::owned<dl_buffer, dl_buffer_free> buffer_;
};

/// What a log is, by its metadata alone.
struct log_info {
  /// Its name.
  std::string name;
  /// Another one each time a log of this name is made.
  std::uint64_t incarnation;
  /// The number of its segments.
  std::size_t segments;
  /// Whether a segment is being written, or was left so.
  bool in_progress;
  /// Whether it was sealed.
  bool sealed;
  /// No reader starts below it.
  dl::dlsn first_readable;
  /// The largest txid; nothing if it never had a record.
  std::optional<std::int64_t> max_txid;
  /// How the writer that holds the log named itself.
  std::optional<std::string> owner;
};

/// The end of a completed segment.
struct segment_end {
  /// The number of its records.
  std::int64_t records;
  /// The txid of the last.
  std::int64_t last_txid;
  /// The position of the last, which may be a control record; nothing if there is none.
  std::optional<dl::dlsn> last_dlsn;
  /// When it was completed: milliseconds since 1970, in UTC.
  std::int64_t completed_ms;
};

/// A segment of a log.
struct segment_info {
  /// Its number in the log.
  std::int64_t number;
  /// What its store calls it.
  std::int64_t id;
  /// Whether it was truncated as a whole.
  bool truncated;
  /// The position below which it was truncated, if a part of it was.
  std::optional<dl::dlsn> truncated_below;
  /// A lower bound of the txids of its records.
  std::int64_t first_txid;
  /// The sequence id of its first record, where counted and known.
  std::optional<std::int64_t> first_sequence_id;
  /// How it ended; nothing while it is in progress.
  std::optional<segment_end> completed;
};

/// A cursor of a log, as it stands.
struct cursor_info {
  /// Its name.
  std::string name;
  /// The record that was processed last; nothing if it was never moved.
  std::optional<dl::dlsn> position;
  /// How the locked reader that has it named itself.
  std::optional<std::string> owner;
};

inline std::vector<receipt> error::receipts() const { return receipts_ ? *receipts_ : std::vector<receipt>(); }

/// What a watcher of logs tells.
struct log_change {
  /// What can happen to a log.
  enum class kind : std::uint32_t {
    created = DISTLOG_CHANGE_CREATED,
    deleted = DISTLOG_CHANGE_DELETED,
    listed = DISTLOG_CHANGE_LISTED,
  };
  /// What happened.
  kind what;
  /// The log; nothing for listed.
  std::optional<std::string> name;
};

namespace detail {

inline receipt value(const dl_receipt *of) {
  return {dl_receipt_dlsn(of), dl_receipt_txid(of), from_zero(dl_receipt_sequence_id(of)),
          static_cast<durability>(dl_receipt_durability(of)), dl_receipt_is_duplicate(of)};
}

/// Those in front of the first that was not acknowledged, or all.
inline std::vector<receipt> values(const dl_receipts *of) {
  std::vector<receipt> all;
  all.reserve(dl_receipts_count(of));
  while (const dl_receipt *acknowledged = dl_receipts_at(of, all.size())) all.push_back(value(acknowledged));
  return all;
}

/// Throws what failed behind these.
[[noreturn]] inline void raise_with(dl_error *failed, const dl_receipts *settled) {
  try {
    raise(failed);
  } catch (error &thrown) {
    thrown.receipts_ = std::make_shared<const std::vector<receipt>>(values(settled));
    throw;
  }
}

inline segment_info value(const dl_segment *of) {
  dl_dlsn below{}, last{};
  const std::uint32_t truncation = dl_segment_truncation(of, &below);
  segment_info info{dl_segment_number(of), dl_segment_id(of), truncation == DISTLOG_TRUNCATION_WHOLE, std::nullopt,
                    dl_segment_first_txid(of), from_zero(dl_segment_first_sequence_id(of)), std::nullopt};
  if (truncation == DISTLOG_TRUNCATION_BELOW) info.truncated_below = below;
  if (dl_segment_is_completed(of)) {
    info.completed = segment_end{dl_segment_records(of), dl_segment_last_txid(of), std::nullopt, dl_segment_completed_ms(of)};
    if (dl_segment_last_dlsn(of, &last)) info.completed->last_dlsn = last;
  }
  return info;
}

inline log_info value(const dl_log_info *of) {
  return {dl_log_info_name(of),
          dl_log_info_incarnation(of),
          dl_log_info_segments(of),
          dl_log_info_is_in_progress(of),
          dl_log_info_is_sealed(of),
          dl_log_info_first_readable(of),
          from_zero(dl_log_info_max_txid(of)),
          text(dl_log_info_owner(of))};
}

inline cursor_info value(const dl_cursor_info *of) {
  dl_dlsn position{};
  const bool stands = dl_cursor_info_position(of, &position);
  return {dl_cursor_info_name(of), stands ? std::optional<dlsn>(position) : std::nullopt, text(dl_cursor_info_owner(of))};
}

inline log_change value(const dl_log_change *of) {
  return {static_cast<log_change::kind>(dl_log_change_kind(of)), text(dl_log_change_name(of))};
}

}  // namespace detail

// --------------------------------------------------------------------------------------------------------- calls in flight

/// A call in flight. It goes on by itself; one that is destroyed before it is done is cancelled.
template <typename T>
class call {
 public:
  /// How the answer is taken out of a call that is done.
  using taker = T (*)(dl_call *);

  /// Takes a call of dl.h over, and knows how to take what it answers.
  call(dl_call *taken, taker take) noexcept : call_(taken), take_(take) {}

  /// Whether it is done.
  bool is_done() const noexcept { return dl_call_is_done(call_.get()); }
  /// Waits until it is done, however it ended. Throws dl::timed_out, and the call goes on.
  void wait(timeout most = forever) const { detail::check(dl_call_wait(call_.get(), most.count())); }
  /// Waits and takes what it answers, once. Throws what it failed with; dl::timed_out, and the call goes on.
  T get(timeout most = forever) & {
    wait(most);
    return take_(call_.get());
  }
  /// The same for a call that nobody keeps, as in `log.open_writer_start().get(5s)`: it is cancelled when the time runs out.
  T get(timeout most = forever) && {
    detail::check(dl_call_wait_or_cancel(call_.get(), most.count()));
    return take_(call_.get());
  }
  /// Ends it: an opening is over when this returns. An append that was cancelled may still be in the log; a read that was
  /// cancelled loses no record.
  void cancel() const noexcept { dl_call_cancel(call_.get()); }
  /// Has a function called when it is done, on a thread of the library: see dl_call_notify. What it throws ends there.
  void then(std::function<void()> done) {
    auto kept = std::make_unique<std::function<void()>>(std::move(done));
    detail::check(dl_call_notify(
        call_.get(),
        [](void *given, dl_call *) {
          std::unique_ptr<std::function<void()>> called(static_cast<std::function<void()> *>(given));
          try {
            (*called)();
          } catch (...) {
          }
        },
        kept.get()));
    kept.release();
  }
  /// The call of dl.h, to be put into a dl_queue. It stays this object's.
  dl_call *get_call() const noexcept { return call_.get(); }

 private:
  detail::owned<dl_call, dl_call_free> call_;
  taker take_;
};

namespace detail {

inline void take_nothing(dl_call *from) { check(dl_call_finish(from)); }

inline bool take_flag(dl_call *from) {
  bool flag = false;
  check(dl_call_take_flag(from, &flag));
  return flag;
}

inline std::uint64_t take_count(dl_call *from) {
  std::uint64_t count = 0;
  check(dl_call_take_count(from, &count));
  return count;
}

inline dlsn take_dlsn(dl_call *from) {
  dl_dlsn value{};
  check(dl_call_take_dlsn(from, &value, nullptr));
  return value;
}

inline std::optional<dlsn> take_optional_dlsn(dl_call *from) {
  dl_dlsn value{};
  bool found = false;
  check(dl_call_take_dlsn(from, &value, &found));
  return found ? std::optional<dlsn>(value) : std::nullopt;
}

inline receipt take_receipt(dl_call *from) {
  dl_receipt *taken = nullptr;
  check(dl_call_take_receipt(from, &taken));
  return value(owned<dl_receipt, dl_receipt_free>(taken).get());
}

inline receipts take_receipts(dl_call *from) {
  dl_receipts *taken = nullptr;
  check(dl_call_take_receipts(from, &taken));
  receipts all(taken);
  if (dl_error *failed = dl_receipts_first_error(taken)) raise_with(failed, taken);
  return all;
}

inline std::optional<record> take_record(dl_call *from) {
  dl_record *taken = nullptr;
  check(dl_call_take_record(from, &taken));
  return taken == nullptr ? std::nullopt : std::optional<record>(record(taken));
}

inline records take_records(dl_call *from) {
  dl_records *taken = nullptr;
  check(dl_call_take_records(from, &taken));
  return records(taken);
}

inline std::vector<std::string> take_names(dl_call *from) {
  dl_names *taken = nullptr;
  check(dl_call_take_names(from, &taken));
  owned<dl_names, dl_names_free> names(taken);
  std::vector<std::string> all;
  for (std::size_t i = 0; i < dl_names_count(taken); i++) all.emplace_back(dl_names_at(taken, i));
  return all;
}

inline buffer take_buffer(dl_call *from) {
  dl_buffer *taken = nullptr;
  check(dl_call_take_buffer(from, &taken));
  return buffer(taken);
}

inline std::optional<buffer> take_chunk(dl_call *from) {
  dl_buffer *taken = nullptr;
  check(dl_call_take_chunk(from, &taken));
  return taken == nullptr ? std::nullopt : std::optional<buffer>(buffer(taken));
}

inline log_info take_info(dl_call *from) {
  dl_log_info *taken = nullptr;
  check(dl_call_take_log_info(from, &taken));
  return value(owned<dl_log_info, dl_log_info_free>(taken).get());
}

inline std::vector<segment_info> take_segments(dl_call *from) {
  dl_segments *taken = nullptr;
  check(dl_call_take_segments(from, &taken));
  owned<dl_segments, dl_segments_free> segments(taken);
  std::vector<segment_info> all;
  for (std::size_t i = 0; i < dl_segments_count(taken); i++) all.push_back(value(dl_segments_at(taken, i)));
  return all;
}

inline std::vector<cursor_info> take_cursors(dl_call *from) {
  dl_cursors *taken = nullptr;
  check(dl_call_take_cursors(from, &taken));
  owned<dl_cursors, dl_cursors_free> cursors(taken);
  std::vector<cursor_info> all;
  for (std::size_t i = 0; i < dl_cursors_count(taken); i++) all.push_back(value(dl_cursors_at(taken, i)));
  return all;
}

inline log_change take_change(dl_call *from) {
  dl_log_change *taken = nullptr;
  check(dl_call_take_log_change(from, &taken));
  return value(owned<dl_log_change, dl_log_change_free>(taken).get());
}

/// A call that was started, or the error with which it could not be.
template <typename T, typename Start>
call<T> started(T (*take)(dl_call *), Start start) {
  dl_call *begun = nullptr;
  check(start(&begun));
  return call<T>(begun, take);
}

/// Whether an option can be set to it: text, a position, a flag or a whole number.
template <typename Value>
struct is_option_value
    : std::bool_constant<std::is_integral_v<Value> || std::is_convertible_v<const Value &, dlsn> ||
                         (std::is_convertible_v<const Value &, std::string> && !std::is_null_pointer_v<Value>)> {};

/// A time can be an option.
template <typename Number, typename Period>
struct is_option_value<std::chrono::duration<Number, Period>> : std::true_type {};

}  // namespace detail

/// Options of one kind, set by the names of docs/options.md, one after another:
/// `dl::reader_options().set("from", "latest").set("follow", true)`. One thread at a time fills them.
template <typename Self, typename T, T *(*New)(), dl_error *(*Set)(T *, const char *, const char *),
          const char *(*Get)(const T *, const char *), const char *(*Name)(const T *, std::size_t), void (*Free)(T *)>
class basic_options {
 public:
  /// The defaults.
  basic_options() : options_(New()) {}
  /// Takes over options of dl.h.
  explicit basic_options(T *taken) noexcept : options_(taken) {}

  /// Sets an option from text, as in URIs: "64MiB", "30s", "true". Throws dl::invalid_argument for an unknown name, a text that is
  /// no value, and a value out of range, and changes nothing then; so do all others.
  Self &set(const char *name, const char *value) & {
    detail::check(Set(options_.get(), name, value));
    return static_cast<Self &>(*this);
  }
  /// Sets an option from text.
  Self &set(const char *name, const std::string &value) & { return set(name, detail::c_text(value)); }
  /// There is no text.
  Self &set(const char *name, std::nullptr_t) & = delete;
  /// Sets an option that is a time, rounded up to milliseconds.
  template <typename Number, typename Period>
  Self &set(const char *name, std::chrono::duration<Number, Period> value) & {
    return set(name, std::to_string(detail::milliseconds(value)));
  }
  /// Sets an option that is a position.
  Self &set(const char *name, const dlsn &value) & { return set(name, value.to_string()); }
  /// Sets an option that is true or false, or a whole number: the type says which. Nothing else turns into a flag.
  template <typename Value, typename = std::enable_if_t<std::is_integral_v<Value>>>
  Self &set(const char *name, Value value) & {
    if constexpr (std::is_same_v<Value, bool>) {
      return set(name, value ? "true" : "false");
    } else {
      return set(name, std::to_string(value));
    }
  }
  /// Sets an option of options that have no name of their own yet.
  template <typename Value, typename = std::enable_if_t<detail::is_option_value<Value>::value>>
  Self &&set(const char *name, const Value &value) && {
    return std::move(static_cast<basic_options &>(*this).set(name, value));
  }
  /// The value of an option as text, if it has one.
  std::optional<std::string> get(const char *name) const { return detail::text(Get(options_.get(), name)); }
  /// The names of the options that have a value.
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    while (const char *name = Name(options_.get(), all.size())) all.emplace_back(name);
    return all;
  }
  /// The options for dl.h. They stay this object's.
  const T *get() const noexcept { return options_.get(); }

 private:
  detail::owned<T, Free> options_;
};

/// Options of a namespace.
class namespace_options
    : public basic_options<namespace_options, dl_namespace_options, dl_namespace_options_new, dl_namespace_options_set,
                             dl_namespace_options_get, dl_namespace_options_name, dl_namespace_options_free> {
 public:
  using basic_options::basic_options;
};

/// Options kept with a log.
class log_options : public basic_options<log_options, dl_log_options, dl_log_options_new, dl_log_options_set,
                                           dl_log_options_get, dl_log_options_name, dl_log_options_free> {
 public:
  using basic_options::basic_options;
};

/// Options of a writer.
class writer_options : public basic_options<writer_options, dl_writer_options, dl_writer_options_new,
                                              dl_writer_options_set, dl_writer_options_get, dl_writer_options_name,
                                              dl_writer_options_free> {
 public:
  using basic_options::basic_options;
};

/// Options of a reader.
class reader_options : public basic_options<reader_options, dl_reader_options, dl_reader_options_new,
                                              dl_reader_options_set, dl_reader_options_get, dl_reader_options_name,
                                              dl_reader_options_free> {
 public:
  using basic_options::basic_options;
};

/// What an append may ask for.
class append_options {
 public:
  append_options() : options_(dl_append_options_new()) {}
  /// The txid of the record; without it the wall clock in milliseconds.
  append_options &&txid(std::int64_t value) && {
    detail::check(dl_append_options_set_txid(options_.get(), value));
    return std::move(*this);
  }
  /// The append fails with condition_failed unless the last record of the log then has this position.
  append_options &&expected_last(const dlsn &value) && {
    detail::check(dl_append_options_set_expected_last(options_.get(), value));
    return std::move(*this);
  }
  /// The append fails with condition_failed unless the log then holds no record.
  append_options &&expected_empty() && {
    detail::check(dl_append_options_set_expected_empty(options_.get()));
    return std::move(*this);
  }
  /// The options for dl.h. They stay this object's.
  const dl_append_options *get() const noexcept { return options_.get(); }

 private:
  detail::owned<dl_append_options, dl_append_options_free> options_;
};

namespace detail {

template <typename Options>
auto get(const std::optional<Options> &options) -> decltype(options->get()) {
  return options ? options->get() : nullptr;
}

inline log_options take_log_options(dl_call *from) {
  dl_log_options *taken = nullptr;
  check(dl_call_take_log_options(from, &taken));
  return log_options(taken);
}

}  // namespace detail

// ---------------------------------------------------------------------------------------------------------------- writer

/// The one writer of a log, open. See dl_writer.
class writer {
 public:
  /// Takes a writer of dl.h over.
  explicit writer(dl_writer *taken) noexcept : writer_(taken) {}

  /// Appends a record and waits until it is durable.
  dl::receipt append(bytes_view payload, const std::optional<append_options> &options = std::nullopt,
                     timeout most = forever) {
    dl_receipt *taken = nullptr;
    detail::check(dl_writer_append(writer_.get(), payload, detail::get(options), most.count(), &taken));
    return detail::value(detail::owned<dl_receipt, dl_receipt_free>(taken).get());
  }
  /// Starts an append: thousands may be in flight. Waits for room within the call when too much is.
  call<receipt> append_start(bytes_view payload, const std::optional<append_options> &options = std::nullopt) {
    return detail::started(detail::take_receipt, [&](dl_call **begun) {
      return dl_writer_append_start(writer_.get(), payload, detail::get(options), begun);
    });
  }
  /// The same, or dl::busy if there is no room now.
  call<receipt> try_append_start(bytes_view payload, const std::optional<append_options> &options = std::nullopt) {
    return detail::started(detail::take_receipt, [&](dl_call **begun) {
      return dl_writer_try_append_start(writer_.get(), payload, detail::get(options), begun);
    });
  }
  /// Appends many records, each for itself, with one call, up to the first that is refused. `txids` has as many, of which -1
  /// stands for none, or is empty. Throws the error of the first that was not acknowledged, which has the receipts of those in front.
  receipts append_many(const std::vector<bytes_view> &payloads, const std::vector<std::int64_t> &txids = {},
                                   timeout most = forever) {
    return many(payloads, matching(payloads, txids), nullptr, most, dl_writer_append_many);
  }
  /// Starts append_many.
  call<receipts> append_many_start(const std::vector<bytes_view> &payloads,
                                               const std::vector<std::int64_t> &txids = {}) {
    return many_start(payloads, matching(payloads, txids), nullptr, dl_writer_append_many_start);
  }
  /// Appends records that are all in the log, in consecutive slots, or none of them. `txids` has as many, of which -1 stands for none, or
  /// is empty.
  receipts append_batch(const std::vector<bytes_view> &payloads, const std::vector<std::int64_t> &txids = {},
                                    const std::optional<append_options> &options = std::nullopt, timeout most = forever) {
    return many(payloads, matching(payloads, txids), detail::get(options), most, dl_writer_append_batch);
  }
  /// Starts append_batch.
  call<receipts> append_batch_start(const std::vector<bytes_view> &payloads,
                                                const std::vector<std::int64_t> &txids = {},
                                                const std::optional<append_options> &options = std::nullopt) {
    return many_start(payloads, matching(payloads, txids), detail::get(options), dl_writer_append_batch_start);
  }
  /// Appends a record set, as DistributedLog's. `compression` is "none" or "lz4".
  receipts append_record_set(const std::vector<bytes_view> &payloads, const char *compression = "none",
                                         const std::optional<append_options> &options = std::nullopt,
                                         timeout most = forever) {
    return append_record_set_start(payloads, compression, options).get(most);
  }
  /// Starts append_record_set.
  call<receipts> append_record_set_start(const std::vector<bytes_view> &payloads,
                                                     const char *compression = "none",
                                                     const std::optional<append_options> &options = std::nullopt) {
    const std::vector<dl_bytes> bytes(payloads.begin(), payloads.end());
    return detail::started(detail::take_receipts, [&](dl_call **begun) {
      return dl_writer_append_record_set_start(writer_.get(), bytes.data(), bytes.size(), compression,
                                               detail::get(options), begun);
    });
  }
  /// Waits until all appends that have their places are settled.
  void flush(timeout most = forever) { detail::check(dl_writer_flush(writer_.get(), most.count())); }
  /// Starts flush.
  call<void> flush_start() {
    return detail::started(detail::take_nothing, [&](dl_call **begun) { return dl_writer_flush_start(writer_.get(), begun); });
  }
  /// Truncates the log below a position; answers the point in force.
  dlsn truncate(const dlsn &before, timeout most = forever) { return truncate_start(before).get(most); }
  /// Starts truncate.
  call<dlsn> truncate_start(const dlsn &before) {
    return detail::started(detail::take_dlsn,
                           [&](dl_call **begun) { return dl_writer_truncate_start(writer_.get(), before, begun); });
  }
  /// Ends the log for ever.
  void seal(timeout most = forever) { detail::check(dl_writer_seal(writer_.get(), most.count())); }
  /// Starts seal.
  call<void> seal_start() {
    return detail::started(detail::take_nothing, [&](dl_call **begun) { return dl_writer_seal_start(writer_.get(), begun); });
  }
  /// Settles what was appended, completes the segment and lets the log go. A writer that is only destroyed is aborted.
  void close(timeout most = forever) { detail::check(dl_writer_close(writer_.get(), most.count())); }
  /// Starts close.
  call<void> close_start() {
    return detail::started(detail::take_nothing, [&](dl_call **begun) { return dl_writer_close_start(writer_.get(), begun); });
  }
  /// Ends the writer now: all that is not acknowledged fails with closed.
  void abort() noexcept { dl_writer_abort(writer_.get()); }
  /// The position of the log's last acknowledged record; nothing if there is none.
  std::optional<dlsn> last_dlsn() const {
    dl_dlsn last{};
    return dl_writer_last_dlsn(writer_.get(), &last) ? std::optional<dlsn>(last) : std::nullopt;
  }
  /// The txid of the log's last acknowledged record; nothing if there is none.
  std::optional<std::int64_t> last_txid() const { return detail::from_zero(dl_writer_last_txid(writer_.get())); }
  /// Fails when the writer is cut off or ends otherwise, with the error that its calls then throw.
  call<void> fenced_start() {
    return detail::started(detail::take_nothing,
                           [&](dl_call **begun) { return dl_writer_wait_fenced_start(writer_.get(), begun); });
  }
  /// The object of dl.h. It stays this object's.
  dl_writer *get() const noexcept { return writer_.get(); }

 private:
  static const std::int64_t *matching(const std::vector<bytes_view> &payloads, const std::vector<std::int64_t> &txids) {
    if (txids.empty()) return nullptr;
    // The library reads as many as there are payloads.
    if (txids.size() != payloads.size()) detail::refuse("give as many txids as payloads, or none");
    return txids.data();
  }
  template <typename Append>
  receipts many(const std::vector<bytes_view> &payloads, const std::int64_t *txids,
                const dl_append_options *options, timeout most, Append verb) {
    const std::vector<dl_bytes> bytes(payloads.begin(), payloads.end());
    dl_receipts *taken = nullptr;
    dl_error *failed = verb(writer_.get(), bytes.data(), txids, bytes.size(), options, most.count(), &taken);
    receipts all(taken);
    if (failed != nullptr) detail::raise_with(failed, taken);
    return all;
  }
  template <typename Start>
  call<receipts> many_start(const std::vector<bytes_view> &payloads, const std::int64_t *txids,
                                        const dl_append_options *options, Start start) {
    const std::vector<dl_bytes> bytes(payloads.begin(), payloads.end());
    return detail::started(detail::take_receipts, [&](dl_call **begun) {
      return start(writer_.get(), bytes.data(), txids, bytes.size(), options, begun);
    });
  }

  detail::owned<dl_writer, dl_writer_free> writer_;
};

// ---------------------------------------------------------------------------------------------------------------- reader

/// A named place in a log, kept durably: the last record that somebody has processed.
class cursor {
 public:
  /// Takes a cursor of dl.h over.
  explicit cursor(dl_cursor *taken) noexcept : cursor_(taken) {}

  /// Its name.
  std::string name() const { return dl_cursor_name(cursor_.get()); }
  /// The record that was processed last; nothing if it was never moved.
  std::optional<dlsn> position(timeout most = forever) { return position_start().get(most); }
  /// Starts position.
  call<std::optional<dlsn>> position_start() {
    return detail::started(detail::take_optional_dlsn,
                           [&](dl_call **begun) { return dl_cursor_position_start(cursor_.get(), begun); });
  }
  /// Moves it forward, never back; answers the position in force. Whether there is a record at the position is not checked: one behind
  /// the end of the log skips every record to come up to it.
  dlsn advance(const dlsn &to, timeout most = forever) { return advance_start(to).get(most); }
  /// Starts advance.
  call<dlsn> advance_start(const dlsn &to) {
    return detail::started(detail::take_dlsn,
                           [&](dl_call **begun) { return dl_cursor_advance_start(cursor_.get(), to, begun); });
  }
  /// Moves it, also back. The position is not checked, as in advance.
  void reset(const dlsn &to, timeout most = forever) { reset_start(to).get(most); }
  /// Starts reset.
  call<void> reset_start(const dlsn &to) {
    return detail::started(detail::take_nothing,
                           [&](dl_call **begun) { return dl_cursor_reset_start(cursor_.get(), to, begun); });
  }
  /// Removes it.
  void remove(timeout most = forever) { remove_start().get(most); }
  /// Starts remove.
  call<void> remove_start() {
    return detail::started(detail::take_nothing,
                           [&](dl_call **begun) { return dl_cursor_delete_start(cursor_.get(), begun); });
  }

 private:
  detail::owned<dl_cursor, dl_cursor_free> cursor_;
};

/// Reads a log from some position on, in order: acknowledged records only, none twice, none left out.
class reader {
 public:
  /// Goes over the records up to the end; of a reader that follows, for ever.
  class iterator {
   public:
    /// It can be gone through once.
    using iterator_category = std::input_iterator_tag;
    /// What it goes through.
    using value_type = record;
    /// A distance, as iterators have to name it.
    using difference_type = std::ptrdiff_t;
    /// What looking at it gives.
    using pointer = const record *;
    /// What looking at it gives.
    using reference = const record &;
    iterator() noexcept = default;
    /// Reads the first record.
    explicit iterator(reader *from) : from_(from) { ++*this; }
    /// The record.
    const record &operator*() const noexcept { return *current_; }
    /// The record.
    const record *operator->() const noexcept { return &*current_; }
    /// Reads the next one.
    iterator &operator++() {
      current_ = from_->next();
      if (!current_) from_ = nullptr;
      return *this;
    }
    /// Reads the next one.
    void operator++(int) { ++*this; }
    /// Whether both are at the end, or go through the same reader.
    friend bool operator==(const iterator &a, const iterator &b) noexcept { return a.from_ == b.from_; }
    /// Whether only one is at the end.
    friend bool operator!=(const iterator &a, const iterator &b) noexcept { return !(a == b); }

   private:
    reader *from_ = nullptr;
    std::optional<record> current_;
  };

  /// Takes a reader of dl.h over.
  explicit reader(dl_reader *taken) noexcept : reader_(taken) {}

  /// The next record; none at the end, about which ended() says more. One that runs out of time loses no record.
  std::optional<record> next(timeout most = forever) {
    dl_record *taken = nullptr;
    detail::check(dl_reader_next(reader_.get(), most.count(), &taken));
    return taken == nullptr ? std::nullopt : std::optional<record>(record(taken));
  }
  /// Starts next.
  call<std::optional<record>> next_start() {
    return detail::started(detail::take_record, [&](dl_call **begun) { return dl_reader_next_start(reader_.get(), begun); });
  }
  /// All records that are there, up to `most`; waits at most `wait` for the first.
  dl::records next_batch(std::size_t most, timeout wait = forever) {
    dl_records *taken = nullptr;
    detail::check(dl_reader_next_batch(reader_.get(), most, wait.count(), &taken));
    return dl::records(taken);
  }
  /// Starts next_batch.
  call<dl::records> next_batch_start(std::size_t most, timeout wait = forever) {
    return detail::started(detail::take_records, [&](dl_call **begun) {
      return dl_reader_next_batch_start(reader_.get(), most, wait.count(), begun);
    });
  }
  /// Where the next record will be, or before it: everything below was delivered.
  dlsn position() const noexcept { return dl_reader_position(reader_.get()); }
  /// How it ended, if it has.
  std::optional<end_kind> ended() const noexcept {
    const std::uint32_t kind = dl_reader_end(reader_.get());
    return kind == 0 ? std::nullopt : std::optional<end_kind>(static_cast<end_kind>(kind));
  }
  /// The cursor it was opened with, if it was.
  std::optional<dl::cursor> cursor() const {
    dl_cursor *taken = nullptr;
    dl_error *none = dl_reader_cursor(reader_.get(), &taken);
    if (none == nullptr) return dl::cursor(taken);
    if (static_cast<error_kind>(dl_error_kind(none)) != error_kind::not_found) detail::raise(none);
    dl_error_free(none);
    return std::nullopt;
  }
  /// Ends the reader: calls that wait, and every later one, fail with closed.
  void close(timeout most = forever) { detail::check(dl_reader_close(reader_.get(), most.count())); }
  /// Starts close.
  call<void> close_start() {
    return detail::started(detail::take_nothing, [&](dl_call **begun) { return dl_reader_close_start(reader_.get(), begun); });
  }
  /// Reads the first record.
  iterator begin() { return iterator(this); }
  /// Behind the last.
  iterator end() noexcept { return iterator(); }
  /// The object of dl.h. It stays this object's.
  dl_reader *get() const noexcept { return reader_.get(); }

 private:
  detail::owned<dl_reader, dl_reader_free> reader_;
};

// ---------------------------------------------------------------------------------------------------------- byte streams

/// Appends bytes to a log, as its one writer.
class byte_writer {
 public:
  /// Takes a byte writer of dl.h over.
  explicit byte_writer(dl_byte_writer *taken) noexcept : writer_(taken) {}

  /// Writes all of these bytes; they are durable once flush() returns.
  void write(bytes_view bytes, timeout most = forever) {
    detail::check(dl_byte_writer_write(writer_.get(), bytes, most.count()));
  }
  /// Starts write.
  call<void> write_start(bytes_view bytes) {
    return detail::started(detail::take_nothing,
                           [&](dl_call **begun) { return dl_byte_writer_write_start(writer_.get(), bytes, begun); });
  }
  /// Waits until everything that was written is durable.
  void flush(timeout most = forever) { detail::check(dl_byte_writer_flush(writer_.get(), most.count())); }
  /// Starts flush.
  call<void> flush_start() {
    return detail::started(detail::take_nothing,
                           [&](dl_call **begun) { return dl_byte_writer_flush_start(writer_.get(), begun); });
  }
  /// The offset behind what was written.
  std::uint64_t position() const noexcept { return dl_byte_writer_position(writer_.get()); }
  /// Ends the stream for ever.
  void seal(timeout most = forever) { detail::check(dl_byte_writer_seal(writer_.get(), most.count())); }
  /// Starts seal.
  call<void> seal_start() {
    return detail::started(detail::take_nothing,
                           [&](dl_call **begun) { return dl_byte_writer_seal_start(writer_.get(), begun); });
  }
  /// Waits until what was written is durable, completes the segment and lets the log go.
  void close(timeout most = forever) { detail::check(dl_byte_writer_close(writer_.get(), most.count())); }
  /// Starts close.
  call<void> close_start() {
    return detail::started(detail::take_nothing,
                           [&](dl_call **begun) { return dl_byte_writer_close_start(writer_.get(), begun); });
  }
  /// Ends the writer now, and every call on it with closed.
  void abort() noexcept { dl_byte_writer_abort(writer_.get()); }
  /// The call fails when the writer ends, with the error that its calls then throw.
  call<void> fenced_start() {
    return detail::started(detail::take_nothing,
                           [&](dl_call **begun) { return dl_byte_writer_wait_fenced_start(writer_.get(), begun); });
  }

 private:
  detail::owned<dl_byte_writer, dl_byte_writer_free> writer_;
};

/// Reads a log as one run of bytes.
class byte_reader {
 public:
  /// Takes a byte reader of dl.h over.
  explicit byte_reader(dl_byte_reader *taken) noexcept : reader_(taken) {}

  /// Reads at least one byte, unless `length` is 0 or this is the end; answers how many.
  std::size_t read(void *into, std::size_t length, timeout most = forever) {
    std::size_t count = 0;
    detail::check(
        dl_byte_reader_read(reader_.get(), static_cast<std::uint8_t *>(into), length, most.count(), &count));
    return count;
  }
  /// The next bytes without copying them; none at the end.
  std::optional<buffer> next_chunk(timeout most = forever) { return next_chunk_start().get(most); }
  /// Starts next_chunk.
  call<std::optional<buffer>> next_chunk_start() {
    return detail::started(detail::take_chunk,
                           [&](dl_call **begun) { return dl_byte_reader_next_chunk_start(reader_.get(), begun); });
  }
  /// Goes to an offset, in either direction.
  void seek(std::uint64_t offset, timeout most = forever) {
    detail::check(dl_byte_reader_seek(reader_.get(), offset, most.count()));
  }
  /// Starts seek.
  call<void> seek_start(std::uint64_t offset) {
    return detail::started(detail::take_nothing,
                           [&](dl_call **begun) { return dl_byte_reader_seek_start(reader_.get(), offset, begun); });
  }
  /// The offset of the next byte.
  std::uint64_t position() const noexcept { return dl_byte_reader_position(reader_.get()); }
  /// How the reader ended; nothing while it has not.
  std::optional<end_kind> ended() const noexcept {
    const std::uint32_t kind = dl_byte_reader_end(reader_.get());
    return kind == 0 ? std::nullopt : std::optional<end_kind>(static_cast<end_kind>(kind));
  }
  /// Ends the reader: calls that wait, and every later one, fail with closed.
  void close(timeout most = forever) { detail::check(dl_byte_reader_close(reader_.get(), most.count())); }
  /// Starts close.
  call<void> close_start() {
    return detail::started(detail::take_nothing,
                           [&](dl_call **begun) { return dl_byte_reader_close_start(reader_.get(), begun); });
  }

 private:
  detail::owned<dl_byte_reader, dl_byte_reader_free> reader_;
};

// -------------------------------------------------------------------------------------------------------------- watchers

/// Tells of logs that are made and deleted.
class log_watcher {
 public:
  /// Takes a watcher of dl.h over.
  explicit log_watcher(dl_log_watcher *taken) noexcept : watcher_(taken) {}
  /// The next change; waits for one, and loses none.
  log_change next(timeout most = forever) { return next_start().get(most); }
  /// Starts next.
  call<log_change> next_start() {
    return detail::started(detail::take_change,
                           [&](dl_call **begun) { return dl_log_watcher_next_start(watcher_.get(), begun); });
  }
  /// Ends the watching: calls that wait, and every later one, fail with closed.
  void close() noexcept { dl_log_watcher_close(watcher_.get()); }

 private:
  detail::owned<dl_log_watcher, dl_log_watcher_free> watcher_;
};

/// Tells of changes of a log's segments: all of them, each time.
class segment_watcher {
 public:
  /// Takes a watcher of dl.h over.
  explicit segment_watcher(dl_segment_watcher *taken) noexcept : watcher_(taken) {}
  /// The segments, once they are others than those told last.
  std::vector<segment_info> next(timeout most = forever) { return next_start().get(most); }
  /// Starts next.
  call<std::vector<segment_info>> next_start() {
    return detail::started(detail::take_segments,
                           [&](dl_call **begun) { return dl_segment_watcher_next_start(watcher_.get(), begun); });
  }
  /// Ends the watching: calls that wait, and every later one, fail with closed.
  void close() noexcept { dl_segment_watcher_close(watcher_.get()); }

 private:
  detail::owned<dl_segment_watcher, dl_segment_watcher_free> watcher_;
};

namespace detail {

/// Takes an opened object out of a call.
#define DISTLOG_TAKE(type)                            \
  inline type take_##type(dl_call *from) {            \
    dl_##type *taken = nullptr;                       \
    check(dl_call_take_##type(from, &taken));         \
    return type(taken);                               \
  }
DISTLOG_TAKE(writer)
DISTLOG_TAKE(reader)
DISTLOG_TAKE(cursor)
DISTLOG_TAKE(byte_writer)
DISTLOG_TAKE(byte_reader)
#undef DISTLOG_TAKE

}  // namespace detail

// ------------------------------------------------------------------------------------------------------------------- log

/// A log: where writers and readers are opened.
class log {
 public:
  /// Takes a log of dl.h over.
  explicit log(dl_log *taken) noexcept : log_(taken) {}

  /// Its name.
  std::string name() const { return dl_log_name(log_.get()); }

  /// Opens the writer. When it returns, every earlier writer is cut off for good.
  dl::writer open_writer(const std::optional<writer_options> &options = std::nullopt, timeout most = forever) {
    return open_writer_start(options).get(most);
  }
  /// Starts open_writer.
  call<writer> open_writer_start(const std::optional<writer_options> &options = std::nullopt) {
    return detail::started(detail::take_writer, [&](dl_call **begun) {
      return dl_log_open_writer_start(log_.get(), detail::get(options), begun);
    });
  }
  /// Opens a reader: from the first record to the end, if the options say nothing else.
  dl::reader open_reader(const std::optional<reader_options> &options = std::nullopt, timeout most = forever) {
    return open_reader_start(options).get(most);
  }
  /// Starts open_reader.
  call<reader> open_reader_start(const std::optional<reader_options> &options = std::nullopt) {
    return detail::started(detail::take_reader, [&](dl_call **begun) {
      return dl_log_open_reader_start(log_.get(), detail::get(options), begun);
    });
  }
  /// Opens the writer to write a stream of bytes, at the end of what is there.
  dl::byte_writer open_byte_writer(const std::optional<writer_options> &options = std::nullopt, timeout most = forever) {
    return open_byte_writer_start(options).get(most);
  }
  /// Starts open_byte_writer.
  call<byte_writer> open_byte_writer_start(const std::optional<writer_options> &options = std::nullopt) {
    return detail::started(detail::take_byte_writer, [&](dl_call **begun) {
      return dl_log_open_byte_writer_start(log_.get(), detail::get(options), begun);
    });
  }
  /// Opens a reader of a stream of bytes; "txid:N" starts at the offset N.
  dl::byte_reader open_byte_reader(const std::optional<reader_options> &options = std::nullopt, timeout most = forever) {
    return open_byte_reader_start(options).get(most);
  }
  /// Starts open_byte_reader.
  call<byte_reader> open_byte_reader_start(const std::optional<reader_options> &options = std::nullopt) {
    return detail::started(detail::take_byte_reader, [&](dl_call **begun) {
      return dl_log_open_byte_reader_start(log_.get(), detail::get(options), begun);
    });
  }
  /// What the log is, by its metadata alone.
  log_info info(timeout most = forever) { return info_start().get(most); }
  /// Starts info.
  call<log_info> info_start() {
    return detail::started(detail::take_info, [&](dl_call **begun) { return dl_log_get_info_start(log_.get(), begun); });
  }
  /// Its segments, oldest first.
  std::vector<segment_info> segments(timeout most = forever) { return segments_start().get(most); }
  /// Starts segments.
  call<std::vector<segment_info>> segments_start() {
    return detail::started(detail::take_segments,
                           [&](dl_call **begun) { return dl_log_list_segments_start(log_.get(), begun); });
  }
  /// Watches its segments. Does not wait.
  segment_watcher watch_segments() {
    dl_segment_watcher *taken = nullptr;
    detail::check(dl_log_watch_segments(log_.get(), &taken));
    return segment_watcher(taken);
  }
  /// Truncates below a position, at most up to the segment being written; answers the point in force.
  dlsn truncate(const dlsn &before, timeout most = forever) { return truncate_start(before).get(most); }
  /// Starts truncate.
  call<dlsn> truncate_start(const dlsn &before) {
    return detail::started(detail::take_dlsn,
                           [&](dl_call **begun) { return dl_log_truncate_start(log_.get(), before, begun); });
  }
  /// The position of the first record whose txid is at least this one, if there is one yet.
  std::optional<dlsn> dlsn_at_txid(std::int64_t txid, timeout most = forever) { return dlsn_at_txid_start(txid).get(most); }
  /// Starts dlsn_at_txid.
  call<std::optional<dlsn>> dlsn_at_txid_start(std::int64_t txid) {
    return detail::started(detail::take_optional_dlsn,
                           [&](dl_call **begun) { return dl_log_dlsn_at_txid_start(log_.get(), txid, begun); });
  }
  /// The number of readable records between two positions, both included.
  std::uint64_t count(std::optional<dlsn> from = std::nullopt, std::optional<dlsn> until = std::nullopt,
                      timeout most = forever) {
    return count_start(from, until).get(most);
  }
  /// Starts count.
  call<std::uint64_t> count_start(std::optional<dlsn> from = std::nullopt, std::optional<dlsn> until = std::nullopt) {
    const dl_dlsn first = from ? dl_dlsn(*from) : dl_dlsn{}, last = until ? dl_dlsn(*until) : dl_dlsn{};
    return detail::started(detail::take_count, [&](dl_call **begun) {
      return dl_log_count_start(log_.get(), from ? &first : nullptr, until ? &last : nullptr, begun);
    });
  }
  /// The first readable record, if there is one.
  std::optional<record> first_record(timeout most = forever) { return first_record_start().get(most); }
  /// Starts first_record.
  call<std::optional<record>> first_record_start() {
    return detail::started(detail::take_record,
                           [&](dl_call **begun) { return dl_log_first_record_start(log_.get(), begun); });
  }
  /// The last record, if there is one.
  std::optional<record> last_record(timeout most = forever) { return last_record_start().get(most); }
  /// Starts last_record.
  call<std::optional<record>> last_record_start() {
    return detail::started(detail::take_record,
                           [&](dl_call **begun) { return dl_log_last_record_start(log_.get(), begun); });
  }
  /// Completes what a writer that is gone left in progress.
  void recover(timeout most = forever) { recover_start().get(most); }
  /// Starts recover.
  call<void> recover_start() {
    return detail::started(detail::take_nothing, [&](dl_call **begun) { return dl_log_recover_start(log_.get(), begun); });
  }
  /// Frees what is too old or too much by the log's options; answers the point in force.
  dlsn apply_retention(timeout most = forever) { return apply_retention_start().get(most); }
  /// Starts apply_retention.
  call<dlsn> apply_retention_start() {
    return detail::started(detail::take_dlsn,
                           [&](dl_call **begun) { return dl_log_apply_retention_start(log_.get(), begun); });
  }
  /// The options kept with the log.
  log_options options(timeout most = forever) { return options_start().get(most); }
  /// Starts options.
  call<log_options> options_start() {
    return detail::started(detail::take_log_options,
                           [&](dl_call **begun) { return dl_log_get_options_start(log_.get(), begun); });
  }
  /// Replaces the options kept with the log.
  void set_options(const log_options &options, timeout most = forever) { set_options_start(options).get(most); }
  /// Starts set_options.
  call<void> set_options_start(const log_options &options) {
    return detail::started(detail::take_nothing, [&](dl_call **begun) {
      return dl_log_set_options_start(log_.get(), options.get(), begun);
    });
  }
  /// The cursor of this name, which need not exist: its first move makes it.
  dl::cursor cursor(const std::string &name, timeout most = forever) { return cursor_start(name).get(most); }
  /// Starts cursor.
  call<dl::cursor> cursor_start(const std::string &name) {
    return detail::started(detail::take_cursor, [&](dl_call **begun) {
      return dl_log_open_cursor_start(log_.get(), detail::c_text(name), begun);
    });
  }
  /// Its cursors, in byte order of their names.
  std::vector<cursor_info> cursors(timeout most = forever) { return cursors_start().get(most); }
  /// Starts cursors.
  call<std::vector<cursor_info>> cursors_start() {
    return detail::started(detail::take_cursors,
                           [&](dl_call **begun) { return dl_log_list_cursors_start(log_.get(), begun); });
  }
  /// Bytes that the user keeps with the log; empty if none were set.
  buffer user_metadata(timeout most = forever) { return user_metadata_start().get(most); }
  /// Starts user_metadata.
  call<buffer> user_metadata_start() {
    return detail::started(detail::take_buffer,
                           [&](dl_call **begun) { return dl_log_get_user_metadata_start(log_.get(), begun); });
  }
  /// Sets the bytes that the user keeps with the log; none removes them.
  void set_user_metadata(bytes_view data, timeout most = forever) { set_user_metadata_start(data).get(most); }
  /// Starts set_user_metadata.
  call<void> set_user_metadata_start(bytes_view data) {
    return detail::started(detail::take_nothing, [&](dl_call **begun) {
      return dl_log_set_user_metadata_start(log_.get(), data, begun);
    });
  }
  /// The object of dl.h. It stays this object's.
  dl_log *get() const noexcept { return log_.get(); }

 private:
  detail::owned<dl_log, dl_log_free> log_;
};

// ------------------------------------------------------------------------------------------------------------- namespace

/// How much an event matters.
enum class event_level : std::uint32_t {
  info = DISTLOG_LEVEL_INFO,
  warn = DISTLOG_LEVEL_WARN,
  error = DISTLOG_LEVEL_ERROR,
};

/// Something that an operator wants to hear of: docs/metrics.md lists them. It lives while the function runs that is told of it.
class event {
 public:
  /// An event of dl.h, which stays whose it is.
  explicit event(const dl_event *told) noexcept : event_(told) {}
  /// Area and name, such as "writer.fenced". It never changes.
  std::string_view target() const noexcept { return dl_event_target(event_); }
  /// How much it matters.
  event_level level() const noexcept { return static_cast<event_level>(dl_event_level(event_)); }
  /// What happened, in words that may change.
  std::string_view message() const noexcept { return dl_event_message(event_); }
  /// The kind of the error behind it, if there is one.
  std::optional<error_kind> kind() const noexcept {
    const auto kind = dl_event_kind(event_);
    return kind == 0 ? std::nullopt : std::optional<error_kind>(static_cast<error_kind>(kind));
  }
  /// What it happened to: the value of a key such as "log", "file" or "owner".
  std::optional<std::string_view> context(const char *key) const noexcept {
    const char *value = dl_event_context(event_, key);
    return value == nullptr ? std::nullopt : std::optional<std::string_view>(value);
  }
  /// All of it as one line.
  std::string_view text() const noexcept { return dl_event_text(event_); }

 private:
  const dl_event *event_;
};

/// What is told of events.
using event_hook = std::function<void(const event &)>;

/// One thing that is not as it was written, or not where it belongs.
struct finding {
  /// How bad it is: "notice", if no acknowledged record depends on it, or "damage".
  std::string severity;
  /// What kind of file it is about: "format", "control", "metadata", "journal", "segment" or "stranger".
  std::string subject;
  /// What is wrong, in words.
  std::string message;
  /// The file; nothing if it is about what several say.
  std::optional<std::string> file;
  /// The place in the file.
  std::optional<std::int64_t> offset;
  /// The segment, as its store calls it.
  std::optional<std::int64_t> segment_id;
  /// The log that the segment belongs to, where known.
  std::optional<std::string> log;
  /// The number of the segment in its log, where known.
  std::optional<std::int64_t> segment;
  /// The entries of the segment that are whole: first and last of each run.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> whole_entries;
  /// What is provably kept, in words.
  std::optional<std::string> kept;
  /// What is safe to do: commands.
  std::vector<std::string> safe;
};

/// A segment in progress, as the next writer would find it.
struct unfinished_segment {
  /// Its log.
  std::string log;
  /// Its number.
  std::int64_t segment;
  /// What its store calls it.
  std::int64_t segment_id;
  /// The number of its entries that are provably kept.
  std::uint64_t entries;
  /// The number of records in them; nothing if the last entry is only in a journal.
  std::optional<std::int64_t> records;
  /// The position of the last of them, where known.
  std::optional<dl::dlsn> last_dlsn;
  /// Bytes behind them that are no whole entry: they were never acknowledged, or power was lost.
  std::uint64_t unfinished_bytes;
  /// How the writer that holds the log named itself.
  std::optional<std::string> owner;
  /// Whether that writer's process lives.
  bool owner_alive;
};

/// What verifying a namespace found. No findings: every byte that counts is as it was written.
struct verification {
  /// What is not as it was written.
  std::vector<finding> findings;
  /// The number of files that were read.
  std::uint64_t files;
  /// The bytes that were read.
  std::uint64_t bytes;
  /// Whether other processes have the namespace open.
  bool in_use;
  /// The segments that a writer has in progress, or left so.
  std::vector<unfinished_segment> in_progress;
};

/// The format of a namespace directory: its version and the features that it uses, as bits.
struct format_info {
  /// Its version.
  std::uint64_t version;
  /// Features that a library which does not know them may ignore.
  std::uint64_t compatible;
  /// Features with which such a library may only read.
  std::uint64_t read_only_compatible;
  /// Features with which such a library may do nothing.
  std::uint64_t incompatible;
  /// Whether this library knows all that it must know to write.
  bool known;
};

/// A process that has a namespace open.
struct process_info {
  /// Its process id.
  std::uint32_t id;
  /// How it names itself as the owner of a log.
  std::string client_id;
};

/// What a namespace is, seen from outside.
struct namespace_info {
  /// The driver: "memory", "file" or "bookkeeper".
  std::string driver;
  /// What its format file says, where there is one.
  std::optional<format_info> format;
  /// The number of its logs; nothing if its metadata cannot be read.
  std::optional<std::int64_t> logs;
  /// The processes that have it open for writing.
  std::vector<process_info> processes;
  /// The number of journals.
  std::uint64_t journals;
  /// The bytes that these take.
  std::uint64_t journal_bytes;
  /// The number of segment files.
  std::uint64_t segments;
  /// The bytes that these take.
  std::uint64_t segment_bytes;
  /// The bytes that the metadata takes.
  std::uint64_t metadata_bytes;
};

namespace detail {

inline finding value(const dl_finding *of) {
  finding found{dl_finding_severity(of),
                dl_finding_subject(of),
                dl_finding_message(of),
                text(dl_finding_file(of)),
                from_zero(dl_finding_offset(of)),
                from_zero(dl_finding_segment_id(of)),
                text(dl_finding_log(of)),
                from_zero(dl_finding_segment(of)),
                {},
                text(dl_finding_kept(of)),
                {}};
  std::uint64_t first = 0, last = 0;
  for (std::size_t i = 0; dl_finding_whole_entries_at(of, i, &first, &last); i++)
    found.whole_entries.emplace_back(first, last);
  for (std::size_t i = 0; i < dl_finding_safe_count(of); i++) found.safe.emplace_back(dl_finding_safe_at(of, i));
  return found;
}

inline unfinished_segment value(const dl_in_progress *of) {
  dl_dlsn last{};
  const bool known = dl_in_progress_last_dlsn(of, &last);
  return {dl_in_progress_log(of),
          dl_in_progress_segment(of),
          dl_in_progress_segment_id(of),
          dl_in_progress_entries(of),
          from_zero(dl_in_progress_records(of)),
          known ? std::optional<dlsn>(last) : std::nullopt,
          dl_in_progress_unfinished_bytes(of),
          text(dl_in_progress_owner(of)),
          dl_in_progress_owner_is_alive(of)};
}

inline verification take_verification(dl_call *from) {
  dl_verification *taken = nullptr;
  check(dl_call_take_verification(from, &taken));
  owned<dl_verification, dl_verification_free> found(taken);
  verification all{{}, dl_verification_files(taken), dl_verification_bytes(taken), dl_verification_is_in_use(taken), {}};
  for (std::size_t i = 0; i < dl_verification_findings_count(taken); i++)
    all.findings.push_back(value(dl_verification_findings_at(taken, i)));
  for (std::size_t i = 0; i < dl_verification_in_progress_count(taken); i++)
    all.in_progress.push_back(value(dl_verification_in_progress_at(taken, i)));
  return all;
}

inline namespace_info take_namespace_info(dl_call *from) {
  dl_namespace_info *taken = nullptr;
  check(dl_call_take_namespace_info(from, &taken));
  owned<dl_namespace_info, dl_namespace_info_free> info(taken);
  namespace_info all{dl_namespace_info_driver(taken),
                     std::nullopt,
                     from_zero(dl_namespace_info_logs(taken)),
                     {},
                     dl_namespace_info_journals(taken),
                     dl_namespace_info_journal_bytes(taken),
                     dl_namespace_info_segments(taken),
                     dl_namespace_info_segment_bytes(taken),
                     dl_namespace_info_metadata_bytes(taken)};
  if (dl_namespace_info_has_format(taken))
    all.format = format_info{dl_namespace_info_format_version(taken), dl_namespace_info_format_compatible(taken),
                             dl_namespace_info_format_read_only_compatible(taken),
                             dl_namespace_info_format_incompatible(taken), dl_namespace_info_format_is_known(taken)};
  for (std::size_t i = 0; i < dl_namespace_info_processes_count(taken); i++)
    all.processes.push_back({dl_namespace_info_processes_id(taken, i), dl_namespace_info_processes_client_id(taken, i)});
  return all;
}

/// What the library calls: an exception ends here.
inline void tell(void *hook, const dl_event *told) {
  try {
    (*static_cast<event_hook *>(hook))(event(told));
  } catch (...) {
  }
}

}  // namespace detail

/// Starts verify.
inline call<verification> verify_start(const std::string &uri, const std::optional<std::string> &log = std::nullopt,
                                       const std::optional<namespace_options> &options = std::nullopt) {
  return detail::started(detail::take_verification, [&](dl_call **begun) {
    return dl_namespace_verify_start(detail::c_text(uri), detail::get(options), log ? detail::c_text(*log) : nullptr, begun);
  });
}
/// Reads every byte that belongs to the namespace at a URI, or to one log of it, and says what is not as it was written. It changes
/// nothing, and works beside processes that write, and where opening fails.
inline verification verify(const std::string &uri, const std::optional<std::string> &log = std::nullopt,
                           const std::optional<namespace_options> &options = std::nullopt, timeout most = forever) {
  return verify_start(uri, log, options).get(most);
}

/// Starts inspect.
inline call<namespace_info> inspect_start(const std::string &uri,
                                          const std::optional<namespace_options> &options = std::nullopt) {
  return detail::started(detail::take_namespace_info, [&](dl_call **begun) {
    return dl_namespace_inspect_start(detail::c_text(uri), detail::get(options), begun);
  });
}
/// What the namespace at a URI is: its format, how much it holds, and who has it open. Opens and changes nothing.
inline namespace_info inspect(const std::string &uri, const std::optional<namespace_options> &options = std::nullopt,
                              timeout most = forever) {
  return inspect_start(uri, options).get(most);
}

/// An open namespace: logs, by their names. (The word namespace is taken.)
class log_namespace {
 public:
  /// Takes a namespace of dl.h over.
  explicit log_namespace(dl_namespace *taken) noexcept : namespace_(taken) {}
  /// Moves it.
  log_namespace(log_namespace &&) noexcept = default;
  /// Frees this one, and moves the other to its place.
  log_namespace &operator=(log_namespace &&other) noexcept {
    namespace_ = std::move(other.namespace_);
    told_ = std::move(other.told_);
    return *this;
  }

  /// Opens the namespace at a URI, such as "memory:name" or "file:///path".
  static log_namespace open(const std::string &uri, const std::optional<namespace_options> &options = std::nullopt,
                            timeout most = forever) {
    return open_start(uri, options).get(most);
  }
  /// Starts open.
  static call<log_namespace> open_start(const std::string &uri,
                                        const std::optional<namespace_options> &options = std::nullopt) {
    return detail::started(take, [&](dl_call **begun) {
      return dl_namespace_open_start(detail::c_text(uri), detail::get(options), begun);
    });
  }
  /// As open, with a function that is told of events: what an operator wants to hear of, such as a writer that was cut off.
  ///
  /// It is called for one event after another, on threads of the library, and should not take long: events that come faster are
  /// dropped. What it throws is lost. It must not close or end this namespace. What happened before a close is told before that returns.
  static log_namespace open_with_events(const std::string &uri, event_hook hook,
                                        const std::optional<namespace_options> &options = std::nullopt,
                                        timeout most = forever) {
    auto told = std::make_unique<event_hook>(std::move(hook));
    dl_namespace *taken = nullptr;
    detail::check(dl_namespace_open_with_events(detail::c_text(uri), detail::get(options), detail::tell, told.get(),
                                                most.count(), &taken));
    log_namespace opened(taken);
    opened.told_ = std::move(told);
    return opened;
  }
  /// Closes it: every pending call on it, its logs, writers and readers ends with closed. Close writers first.
  void close(timeout most = forever) { detail::check(dl_namespace_close(namespace_.get(), most.count())); }
  /// Starts close.
  call<void> close_start() {
    return detail::started(detail::take_nothing,
                           [&](dl_call **begun) { return dl_namespace_close_start(namespace_.get(), begun); });
  }
  /// Makes a log.
  void create_log(const std::string &name, timeout most = forever) { create_log_start(name).get(most); }
  /// Starts create_log.
  call<void> create_log_start(const std::string &name) {
    return detail::started(detail::take_nothing, [&](dl_call **begun) {
      return dl_namespace_create_log_start(namespace_.get(), detail::c_text(name), begun);
    });
  }
  /// Opens a log that exists.
  dl::log open_log(const std::string &name, timeout most = forever) { return open_log_start(name).get(most); }
  /// Starts open_log.
  call<dl::log> open_log_start(const std::string &name) {
    return detail::started(take_log, [&](dl_call **begun) {
      return dl_namespace_open_log_start(namespace_.get(), detail::c_text(name), begun);
    });
  }
  /// A log that may not exist yet.
  dl::log log(const std::string &name) {
    dl_log *taken = nullptr;
    detail::check(dl_namespace_log(namespace_.get(), detail::c_text(name), &taken));
    return dl::log(taken);
  }
  /// Whether the log exists.
  bool log_exists(const std::string &name, timeout most = forever) { return log_exists_start(name).get(most); }
  /// Starts log_exists.
  call<bool> log_exists_start(const std::string &name) {
    return detail::started(detail::take_flag, [&](dl_call **begun) {
      return dl_namespace_log_exists_start(namespace_.get(), detail::c_text(name), begun);
    });
  }
  /// Takes a log from whoever writes it, frees all it holds and removes it.
  void delete_log(const std::string &name, timeout most = forever) { delete_log_start(name).get(most); }
  /// Starts delete_log.
  call<void> delete_log_start(const std::string &name) {
    return detail::started(detail::take_nothing, [&](dl_call **begun) {
      return dl_namespace_delete_log_start(namespace_.get(), detail::c_text(name), begun);
    });
  }
  /// Gives a log another name.
  void rename_log(const std::string &from, const std::string &to, timeout most = forever) {
    rename_log_start(from, to).get(most);
  }
  /// Starts rename_log.
  call<void> rename_log_start(const std::string &from, const std::string &to) {
    return detail::started(detail::take_nothing, [&](dl_call **begun) {
      return dl_namespace_rename_log_start(namespace_.get(), detail::c_text(from), detail::c_text(to), begun);
    });
  }
  /// The full names of the logs below `prefix` and behind `after`, in byte order, at most `limit`.
  std::vector<std::string> list_logs(const std::string &prefix = {}, const std::optional<std::string> &after = std::nullopt,
                                     std::size_t limit = SIZE_MAX, timeout most = forever) {
    return list_logs_start(prefix, after, limit).get(most);
  }
  /// Starts list_logs.
  call<std::vector<std::string>> list_logs_start(const std::string &prefix = {},
                                                 const std::optional<std::string> &after = std::nullopt,
                                                 std::size_t limit = SIZE_MAX) {
    return detail::started(detail::take_names, [&](dl_call **begun) {
      return dl_namespace_list_logs_start(namespace_.get(), detail::c_text(prefix), after ? detail::c_text(*after) : nullptr, limit, begun);
    });
  }
  /// Watches the logs below `prefix`. Does not wait.
  log_watcher watch_logs(const std::string &prefix = {}) {
    dl_log_watcher *taken = nullptr;
    detail::check(dl_namespace_watch_logs(namespace_.get(), detail::c_text(prefix), &taken));
    return log_watcher(taken);
  }
  /// What it counted and measured since it was opened, as Prometheus text.
  buffer metrics_text(bool by_log = false, timeout most = forever) {
    return detail::started(detail::take_buffer, [&](dl_call **begun) {
             return dl_namespace_metrics_text_start(namespace_.get(), by_log, begun);
           }).get(most);
  }
  /// The object of dl.h. It stays this object's.
  dl_namespace *get() const noexcept { return namespace_.get(); }

 private:
  static log_namespace take(dl_call *from) {
    dl_namespace *taken = nullptr;
    detail::check(dl_call_take_namespace(from, &taken));
    return log_namespace(taken);
  }
  static dl::log take_log(dl_call *from) {
    dl_log *taken = nullptr;
    detail::check(dl_call_take_log(from, &taken));
    return dl::log(taken);
  }

  // Told until the namespace is freed: so it comes first, to go last, also when another is assigned.
  std::unique_ptr<event_hook> told_;
  detail::owned<dl_namespace, dl_namespace_free> namespace_;
};

}  // namespace dl

namespace std {

/// Hashes a position.
template <>
struct hash<dl::dlsn> {
  /// The hash of a position.
  std::size_t operator()(const dl::dlsn &of) const noexcept {
    const hash<std::int64_t> part;
    return (part(of.segment()) * 31 + part(of.entry())) * 31 + part(of.slot());
  }
};

}  // namespace std

#endif
