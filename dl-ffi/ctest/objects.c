/* What a namespace and a log can do beside appending and reading. */
#include "check.h"

#include <time.h>

static dl_namespace *namespace;
static dl_log *log;

static void open_log(const char *uri, const char *name) {
  OK(dl_namespace_open(uri, NULL, -1, &namespace));
  OK(dl_namespace_create_log(namespace, name, -1));
  OK(dl_namespace_open_log(namespace, name, -1, &log));
}

static void close_log(void) {
  dl_log_free(log);
  OK(dl_namespace_close(namespace, -1));
  dl_namespace_free(namespace);
}

static dl_writer *open_writer(void) {
  dl_writer *writer;
  OK(dl_log_open_writer(log, NULL, -1, &writer));
  return writer;
}

static void append(dl_writer *writer, const char *payload, dl_dlsn *dlsn) {
  dl_receipt *receipt;
  OK(dl_writer_append(writer, text(payload), NULL, -1, &receipt));
  if (dlsn != NULL) *dlsn = dl_receipt_dlsn(receipt);
  dl_receipt_free(receipt);
}

static void close_writer(dl_writer *writer) {
  OK(dl_writer_close(writer, -1));
  dl_writer_free(writer);
}

static void logs_are_made_listed_renamed_and_deleted(void) {
  open_log("memory:c-logs", "eu/paid");
  CHECK(strcmp(dl_log_name(log), "eu/paid") == 0);
  OK(dl_namespace_create_log(namespace, "eu/sent", -1));
  OK(dl_namespace_create_log(namespace, "us/paid", -1));
  FAILS(DISTLOG_ERROR_ALREADY_EXISTS, dl_namespace_create_log(namespace, "us/paid", -1));

  dl_names *names;
  OK(dl_namespace_list_logs(namespace, "eu", NULL, 1, -1, &names));
  CHECK(dl_names_count(names) == 1 && strcmp(dl_names_at(names, 0), "eu/paid") == 0);
  CHECK(dl_names_at(names, 1) == NULL);
  dl_names_free(names);
  OK(dl_namespace_list_logs(namespace, NULL, "eu/paid", 100, -1, &names));
  CHECK(dl_names_count(names) == 2 && strcmp(dl_names_at(names, 1), "us/paid") == 0);
  dl_names_free(names);

  bool exists;
  OK(dl_namespace_rename_log(namespace, "us/paid", "us/done", -1));
  OK(dl_namespace_log_exists(namespace, "us/paid", -1, &exists));
  CHECK(!exists);
  OK(dl_namespace_delete_log(namespace, "us/done", -1));
  FAILS(DISTLOG_ERROR_NOT_FOUND, dl_namespace_delete_log(namespace, "us/done", -1));

  dl_buffer *metrics;
  OK(dl_namespace_metrics_text(namespace, true, -1, &metrics));
  CHECK(dl_buffer_bytes(metrics).length > 100);
  dl_buffer_free(metrics);
  close_log();
}

static void a_log_tells_about_itself(void) {
  open_log("memory:c-info?client_id=somebody", "orders");
  dl_log_info *info;
  OK(dl_log_get_info(log, -1, &info));
  uint64_t incarnation = dl_log_info_incarnation(info);
  CHECK(strcmp(dl_log_info_name(info), "orders") == 0 && dl_log_info_owner(info) == NULL);
  CHECK(dl_log_info_segments(info) == 0 && !dl_log_info_is_in_progress(info) && !dl_log_info_is_sealed(info));
  CHECK(dl_log_info_max_txid(info) == -1);
  dl_log_info_free(info);

  dl_dlsn first, second, at, in_force;
  bool found;
  dl_writer *writer = open_writer();
  append(writer, "one", &first);
  append(writer, "two", &second);
  CHECK(dl_writer_last_dlsn(writer, &at) && dl_dlsn_compare(at, second) == 0);
  CHECK(dl_writer_last_txid(writer) > 0);
  dl_error *wrong = dl_log_dlsn_at_txid(log, -1, -1, &at, &found);
  CHECK(dl_error_kind(wrong) == DISTLOG_ERROR_INVALID_ARGUMENT);
  CHECK(dl_error_operation(wrong) != NULL && strcmp(dl_error_operation(wrong), "dlsn_at_txid") == 0);
  dl_error_free(wrong);
  OK(dl_log_dlsn_at_txid(log, 0, -1, &at, &found));
  CHECK(found && dl_dlsn_compare(at, first) == 0);
  OK(dl_log_dlsn_at_txid(log, INT64_MAX - 1, -1, &at, &found));
  CHECK(!found);
  OK(dl_log_get_info(log, -1, &info));
  CHECK(strcmp(dl_log_info_owner(info), "somebody") == 0 && dl_log_info_is_in_progress(info));
  dl_log_info_free(info);

  /* The writer completes the segment in which the point of truncation lies. */
  OK(dl_writer_truncate(writer, second, -1, &in_force));
  CHECK(dl_dlsn_compare(in_force, second) == 0);
  append(writer, "three", NULL);
  OK(dl_writer_flush(writer, -1));
  OK(dl_writer_seal(writer, -1));
  FAILS(DISTLOG_ERROR_SEALED, dl_writer_append(writer, text("four"), NULL, -1, NULL));
  dl_writer_free(writer);

  dl_record *record;
  OK(dl_log_first_record(log, -1, &record));
  CHECK(is(dl_record_payload(record), "two"));
  dl_record_free(record);
  OK(dl_log_last_record(log, -1, &record));
  CHECK(is(dl_record_payload(record), "three") && dl_record_sequence_id(record) == 2);
  dl_record_free(record);
  OK(dl_log_get_info(log, -1, &info));
  CHECK(dl_log_info_is_sealed(info) && dl_log_info_incarnation(info) == incarnation);
  CHECK(dl_dlsn_compare(dl_log_info_first_readable(info), second) == 0);
  dl_log_info_free(info);

  dl_segments *segments;
  OK(dl_log_list_segments(log, -1, &segments));
  CHECK(dl_segments_count(segments) == 2 && dl_segments_at(segments, 2) == NULL);
  const dl_segment *segment = dl_segments_at(segments, 0);
  CHECK(dl_segment_number(segment) == 1 && dl_segment_is_completed(segment) && dl_segment_records(segment) == 2);
  CHECK(dl_segment_truncation(segment, &at) == DISTLOG_TRUNCATION_BELOW && dl_dlsn_compare(at, second) == 0);
  CHECK(dl_segment_first_sequence_id(segment) == 0 && dl_segment_completed_ms(segment) > 0);
  CHECK(dl_segment_first_txid(segment) <= dl_segment_last_txid(segment) && dl_segment_id(segment) >= 0);
  CHECK(dl_segment_last_dlsn(segment, &at) && dl_dlsn_compare(at, second) == 0);
  dl_segments_free(segments);

  /* A start below the point says where reading can begin. */
  char start[DISTLOG_DLSN_TEXT_BYTES];
  dl_reader *reader;
  dl_reader_options *options = dl_reader_options_new();
  OK(dl_dlsn_format(first, start, sizeof start));
  OK(dl_reader_options_set_from(options, start));
  dl_error *error = dl_log_open_reader(log, options, -1, &reader);
  CHECK(dl_error_kind(error) == DISTLOG_ERROR_TRUNCATED);
  CHECK(dl_error_dlsn(error, &at) && dl_dlsn_compare(at, second) == 0);
  dl_error_free(error);
  OK(dl_reader_options_set_on_truncated(options, "skip"));
  OK(dl_log_open_reader(log, options, -1, &reader));
  dl_reader_options_free(options);
  int read = 0;
  for (OK(dl_reader_next(reader, -1, &record)); record != NULL; read++) {
    dl_record_free(record);
    OK(dl_reader_next(reader, -1, &record));
  }
  CHECK(read == 2 && dl_reader_end(reader) == DISTLOG_END_SEALED);
  dl_reader_free(reader);
  OK(dl_log_recover(log, -1));
  OK(dl_log_truncate(log, first, -1, NULL));
  OK(dl_log_apply_retention(log, -1, &at));
  close_log();
}

static void settings_are_kept_with_a_log(void) {
  open_log("memory:c-settings", "orders");
  dl_log_options *options = dl_log_options_new();
  OK(dl_log_options_set_retention_ms(options, 3600000));
  OK(dl_log_options_set_compression(options, "lz4"));
  OK(dl_log_set_options(log, options, -1));
  dl_log_options_free(options);
  OK(dl_log_get_options(log, -1, &options));
  CHECK(strcmp(dl_log_options_get(options, "retention_ms"), "1h") == 0);
  CHECK(strcmp(dl_log_options_get(options, "compression"), "lz4") == 0);
  dl_log_options_free(options);

  dl_buffer *data;
  OK(dl_log_get_user_metadata(log, -1, &data));
  CHECK(dl_buffer_bytes(data).length == 0);
  dl_buffer_free(data);
  OK(dl_log_set_user_metadata(log, text("of mine"), -1));
  OK(dl_log_get_user_metadata(log, -1, &data));
  CHECK(is(dl_buffer_bytes(data), "of mine"));
  dl_buffer_free(data);
  close_log();
}

static dl_reader *open_locked(const char *takeover) {
  dl_reader *reader;
  dl_reader_options *options = dl_reader_options_new();
  OK(dl_reader_options_set_cursor(options, "billing"));
  OK(dl_reader_options_set_locked(options, true));
  OK(dl_reader_options_set_takeover(options, takeover));
  OK(dl_log_open_reader(log, options, -1, &reader));
  dl_reader_options_free(options);
  return reader;
}

static void read_for_nobody(dl_reader *reader) {
  dl_call *call;
  OK(dl_reader_next_start(reader, &call));
  OK(dl_call_wait(call, -1));
  dl_call_free(call);
}

static void what_nobody_took_goes_with_the_lock_and_the_namespace(void) {
  open_log("memory:c-untaken", "orders");
  dl_writer *writer = open_writer();
  dl_dlsn at;
  append(writer, "one", &at);
  append(writer, "two", &at);
  dl_record *record;
  dl_records *records;

  dl_reader *locked = open_locked("force");
  read_for_nobody(locked);
  dl_reader *later = open_locked("force");
  FAILS(DISTLOG_ERROR_FENCED, dl_reader_next(locked, -1, &record));
  FAILS(DISTLOG_ERROR_FENCED, dl_reader_next_batch(locked, 10, -1, &records));
  dl_reader_free(locked);
  dl_reader_free(later);

  dl_reader *reader;
  OK(dl_log_open_reader(log, NULL, -1, &reader));
  read_for_nobody(reader);
  close_writer(writer);
  OK(dl_namespace_close(namespace, -1));
  FAILS(DISTLOG_ERROR_CLOSED, dl_reader_next(reader, -1, &record));
  FAILS(DISTLOG_ERROR_CLOSED, dl_reader_next_batch(reader, 10, -1, &records));
  dl_reader_free(reader);
  close_log();
}

static void chunks_and_changes_nobody_took_go_with_the_namespace(void) {
  open_log("memory:c-untaken-others", "bytes");
  dl_byte_writer *writer;
  OK(dl_log_open_byte_writer(log, NULL, -1, &writer));
  OK(dl_byte_writer_write(writer, text("one"), -1));
  OK(dl_byte_writer_write(writer, text("two"), -1));
  OK(dl_byte_writer_close(writer, -1));
  dl_byte_writer_free(writer);

  dl_byte_reader *reader, *half;
  dl_log_watcher *logs;
  dl_segment_watcher *segments;
  OK(dl_log_open_byte_reader(log, NULL, -1, &reader));
  OK(dl_log_open_byte_reader(log, NULL, -1, &half));
  OK(dl_namespace_watch_logs(namespace, NULL, &logs));
  OK(dl_log_watch_segments(log, &segments));
  dl_call *calls[3];
  OK(dl_byte_reader_next_chunk_start(reader, &calls[0]));
  OK(dl_log_watcher_next_start(logs, &calls[1]));
  OK(dl_segment_watcher_next_start(segments, &calls[2]));
  for (int i = 0; i < 3; i++) {
    OK(dl_call_wait(calls[i], -1));
    dl_call_free(calls[i]);
  }
  uint8_t byte;
  size_t count;
  OK(dl_byte_reader_read(half, &byte, 1, -1, &count));
  OK(dl_namespace_close(namespace, -1));

  dl_buffer *chunk;
  dl_log_change *change;
  dl_segments *there;
  FAILS(DISTLOG_ERROR_CLOSED, dl_byte_reader_next_chunk(reader, -1, &chunk));
  FAILS(DISTLOG_ERROR_CLOSED, dl_byte_reader_read(reader, &byte, 1, -1, &count));
  FAILS(DISTLOG_ERROR_CLOSED, dl_byte_reader_read(half, &byte, 1, -1, &count));
  FAILS(DISTLOG_ERROR_CLOSED, dl_log_watcher_next(logs, -1, &change));
  FAILS(DISTLOG_ERROR_CLOSED, dl_segment_watcher_next(segments, -1, &there));
  dl_byte_reader_free(reader);
  dl_byte_reader_free(half);
  dl_log_watcher_free(logs);
  dl_segment_watcher_free(segments);
  close_log();
}

static double seconds(void) {
  struct timespec now;
  CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* One call was answered and another waits: what nobody takes of the first is the other's. */
static dl_call *given_back(dl_call *answered, dl_call *waiting) {
  OK(dl_call_wait(answered, -1));
  CHECK(!dl_call_is_done(waiting));
  dl_call_free(answered);
  OK(dl_call_wait(waiting, 10000));
  return waiting;
}

static void who_waits_is_woken_by_what_is_given_back(void) {
  open_log("memory:c-given-back", "bytes");
  dl_byte_writer *writer;
  OK(dl_log_open_byte_writer(log, NULL, -1, &writer));
  OK(dl_byte_writer_write(writer, text("one"), -1));
  OK(dl_byte_writer_flush(writer, -1));
  dl_reader_options *options = dl_reader_options_new();
  OK(dl_reader_options_set_follow(options, true));
  dl_reader *reader;
  dl_byte_reader *bytes;
  dl_log_watcher *logs;
  dl_segment_watcher *segments;
  OK(dl_log_open_reader(log, options, -1, &reader));
  OK(dl_log_open_byte_reader(log, options, -1, &bytes));
  OK(dl_namespace_watch_logs(namespace, "none", &logs));
  OK(dl_log_watch_segments(log, &segments));
  dl_reader_options_free(options);
  dl_call *first, *second;

  dl_record *record;
  OK(dl_reader_next_start(reader, &first));
  OK(dl_reader_next_start(reader, &second));
  OK(dl_call_take_record(given_back(first, second), &record));
  CHECK(is(dl_record_payload(record), "one"));
  dl_call_free(second);
  dl_record_free(record);

  OK(dl_byte_writer_write(writer, text("two"), -1));
  dl_records *records;
  OK(dl_reader_next_start(reader, &first));
  OK(dl_reader_next_batch_start(reader, 9, -1, &second));
  OK(dl_call_take_records(given_back(first, second), &records));
  CHECK(dl_records_count(records) == 1 && is(dl_record_payload(dl_records_at(records, 0)), "two"));
  dl_call_free(second);
  dl_records_free(records);

  dl_buffer *chunk;
  OK(dl_byte_reader_next_chunk(bytes, -1, &chunk));
  CHECK(is(dl_buffer_bytes(chunk), "one"));
  dl_buffer_free(chunk);
  OK(dl_byte_reader_next_chunk_start(bytes, &first));
  OK(dl_byte_reader_next_chunk_start(bytes, &second));
  OK(dl_call_take_chunk(given_back(first, second), &chunk));
  CHECK(is(dl_buffer_bytes(chunk), "two"));
  dl_call_free(second);
  dl_buffer_free(chunk);

  dl_log_change *change;
  OK(dl_log_watcher_next_start(logs, &first));
  OK(dl_log_watcher_next_start(logs, &second));
  OK(dl_call_take_log_change(given_back(first, second), &change));
  CHECK(dl_log_change_kind(change) == DISTLOG_CHANGE_LISTED);
  dl_call_free(second);
  dl_log_change_free(change);

  dl_segments *there;
  OK(dl_segment_watcher_next_start(segments, &first));
  OK(dl_segment_watcher_next_start(segments, &second));
  OK(dl_call_take_segments(given_back(first, second), &there));
  CHECK(dl_segments_count(there) == 1);
  dl_call_free(second);
  dl_segments_free(there);

  OK(dl_byte_writer_close(writer, -1));
  dl_byte_writer_free(writer);
  dl_reader_free(reader);
  dl_byte_reader_free(bytes);
  dl_log_watcher_free(logs);
  dl_segment_watcher_free(segments);
  close_log();
}

/* A call that was given up says which one it was, and whether it may have happened. */
static void expect_given_up(dl_error *error, unsigned kind, const char *operation, bool maybe) {
  CHECK(dl_error_kind(error) == kind);
  CHECK(strcmp(dl_error_operation(error), operation) == 0);
  CHECK(dl_error_may_have_taken_effect(error) == maybe);
  dl_error_free(error);
}

static void expect_cancelled(dl_call *call, const char *operation) {
  dl_call_cancel(call);
  OK(dl_call_wait(call, -1));
  expect_given_up(dl_call_finish(call), DISTLOG_ERROR_CANCELLED, operation, false);
  dl_call_free(call);
}

static void who_gives_up_is_told_which_call_it_was(void) {
  open_log("memory:c-given-up", "bytes");
  dl_reader_options *options = dl_reader_options_new();
  OK(dl_reader_options_set(options, "follow", "true"));
  dl_reader *reader;
  dl_byte_reader *bytes;
  OK(dl_log_open_reader(log, options, -1, &reader));
  OK(dl_log_open_byte_reader(log, options, -1, &bytes));
  dl_reader_options_free(options);
  dl_record *record;
  dl_buffer *chunk;
  uint8_t byte;
  size_t count;
  expect_given_up(dl_reader_next(reader, 0, &record), DISTLOG_ERROR_TIMEOUT, "next", false);
  expect_given_up(dl_byte_reader_read(bytes, &byte, 1, 0, &count), DISTLOG_ERROR_TIMEOUT, "read", false);
  expect_given_up(dl_byte_reader_next_chunk(bytes, 0, &chunk), DISTLOG_ERROR_TIMEOUT, "next_chunk", false);
  dl_call *call;
  OK(dl_reader_next_start(reader, &call));
  expect_cancelled(call, "next");
  OK(dl_reader_next_batch_start(reader, 9, -1, &call));
  expect_cancelled(call, "next_batch");
  OK(dl_byte_reader_next_chunk_start(bytes, &call));
  expect_cancelled(call, "next_chunk");
  dl_writer *writer = open_writer();
  OK(dl_writer_wait_fenced_start(writer, &call));
  expect_cancelled(call, "fenced");
  close_writer(writer);
  OK(dl_byte_reader_close(bytes, -1));
  dl_error *closed = dl_byte_reader_read(bytes, &byte, 1, -1, &count);
  CHECK(strcmp(dl_error_operation(closed), "read") == 0);
  dl_error_free(closed);
  dl_reader_free(reader);
  dl_byte_reader_free(bytes);
  close_log();
}

static void a_batch_waits_as_long_as_it_says_and_not_for_another_call_too(void) {
  open_log("memory:c-waits", "orders");
  dl_reader_options *options = dl_reader_options_new();
  OK(dl_reader_options_set_follow(options, true));
  dl_reader *reader;
  OK(dl_log_open_reader(log, options, -1, &reader));
  dl_reader_options_free(options);
  dl_call *other;
  dl_records *records;
  double began = seconds();
  OK(dl_reader_next_batch_start(reader, 1, 1000, &other));
  OK(dl_reader_next_batch(reader, 1, 1100, &records));
  CHECK(dl_records_count(records) == 0);
  CHECK(seconds() - began < 2);
  dl_records_free(records);
  OK(dl_call_wait(other, -1));
  dl_call_free(other);
  dl_reader_free(reader);
  close_log();
}

static void cursors_move_under_their_reader(void) {
  open_log("memory:c-cursors?client_id=somebody", "orders");
  dl_writer *writer = open_writer();
  dl_dlsn one, two, at;
  append(writer, "one", &one);
  append(writer, "two", &two);

  dl_cursor *cursor;
  bool found;
  OK(dl_log_open_cursor(log, "billing", -1, &cursor));
  CHECK(strcmp(dl_cursor_name(cursor), "billing") == 0);
  OK(dl_cursor_position(cursor, -1, &at, &found));
  CHECK(!found);
  OK(dl_cursor_advance(cursor, two, -1, NULL));
  OK(dl_cursor_advance(cursor, one, -1, &at));
  CHECK(dl_dlsn_compare(at, two) == 0);
  OK(dl_cursor_reset(cursor, one, -1));

  dl_reader *reader = open_locked("force");
  FAILS(DISTLOG_ERROR_LOCKED, dl_cursor_advance(cursor, two, -1, NULL));
  dl_record *record;
  OK(dl_reader_next(reader, -1, &record));
  CHECK(is(dl_record_payload(record), "two"));
  dl_record_free(record);
  dl_cursor *own;
  OK(dl_reader_cursor(reader, &own));
  OK(dl_cursor_advance(own, two, -1, NULL));

  dl_cursors *cursors;
  OK(dl_log_list_cursors(log, -1, &cursors));
  CHECK(dl_cursors_count(cursors) == 1);
  const dl_cursor_info *info = dl_cursors_at(cursors, 0);
  CHECK(strcmp(dl_cursor_info_name(info), "billing") == 0 && strcmp(dl_cursor_info_owner(info), "somebody") == 0);
  CHECK(dl_cursor_info_position(info, &at) && dl_dlsn_compare(at, two) == 0);
  dl_cursors_free(cursors);

  dl_reader *later = open_locked("force");
  FAILS(DISTLOG_ERROR_FENCED, dl_reader_next(reader, -1, &record));
  FAILS(DISTLOG_ERROR_FENCED, dl_cursor_advance(own, two, -1, NULL));
  dl_cursor_free(own);
  dl_reader_free(reader);
  OK(dl_reader_close(later, -1));
  dl_reader_free(later);
  OK(dl_cursor_delete(cursor, -1));
  FAILS(DISTLOG_ERROR_NOT_FOUND, dl_cursor_delete(cursor, -1));
  dl_cursor_free(cursor);

  OK(dl_log_open_reader(log, NULL, -1, &reader));
  FAILS(DISTLOG_ERROR_NOT_FOUND, dl_reader_cursor(reader, &own));
  dl_reader_free(reader);
  close_writer(writer);
  close_log();
}

static void bytes_are_written_and_read_from_any_offset(void) {
  open_log("memory:c-bytes", "stream");
  dl_byte_writer *writer;
  OK(dl_log_open_byte_writer(log, NULL, -1, &writer));
  OK(dl_byte_writer_write(writer, text("hello, "), -1));
  OK(dl_byte_writer_write(writer, text("world"), -1));
  CHECK(dl_byte_writer_position(writer) == 12);
  OK(dl_byte_writer_flush(writer, -1));
  FAILS(DISTLOG_ERROR_TIMEOUT, dl_byte_writer_wait_fenced(writer, 0));

  dl_byte_reader *reader;
  uint8_t buffer[4];
  size_t count;
  OK(dl_log_open_byte_reader(log, NULL, -1, &reader));
  OK(dl_byte_reader_read(reader, buffer, sizeof buffer, -1, &count));
  CHECK(count == 4 && memcmp(buffer, "hell", 4) == 0 && dl_byte_reader_position(reader) == 4);
  dl_buffer *chunk;
  OK(dl_byte_reader_next_chunk(reader, -1, &chunk));
  CHECK(is(dl_buffer_bytes(chunk), "o, "));
  dl_buffer_free(chunk);

  /* A chunk that nobody took is read again. */
  dl_call *call;
  OK(dl_byte_reader_next_chunk_start(reader, &call));
  OK(dl_call_wait(call, -1));
  dl_call_free(call);
  CHECK(dl_byte_reader_position(reader) == 7 && dl_byte_reader_end(reader) == 0);
  OK(dl_byte_reader_next_chunk_start(reader, &call));
  OK(dl_call_wait(call, -1));
  CHECK(dl_byte_reader_position(reader) == 7);
  OK(dl_call_take_chunk(call, &chunk));
  CHECK(is(dl_buffer_bytes(chunk), "world") && dl_byte_reader_position(reader) == 12);
  dl_buffer_free(chunk);
  dl_call_free(call);
  OK(dl_byte_reader_next_chunk(reader, -1, &chunk));
  CHECK(chunk == NULL && dl_byte_reader_end(reader) == DISTLOG_END_END);

  OK(dl_byte_reader_seek(reader, 9, -1));
  OK(dl_byte_reader_read(reader, buffer, sizeof buffer, -1, &count));
  CHECK(count == 3 && memcmp(buffer, "rld", 3) == 0);
  OK(dl_byte_reader_read(reader, buffer, 0, -1, &count));
  CHECK(count == 0);
  OK(dl_byte_reader_close(reader, -1));
  FAILS(DISTLOG_ERROR_CLOSED, dl_byte_reader_read(reader, buffer, sizeof buffer, -1, &count));
  dl_byte_reader_free(reader);
  OK(dl_byte_writer_close(writer, -1));
  FAILS(DISTLOG_ERROR_CLOSED, dl_byte_writer_write(writer, text("late"), -1));
  dl_byte_writer_free(writer);

  OK(dl_log_open_byte_writer(log, NULL, -1, &writer));
  dl_byte_writer_abort(writer);
  FAILS(DISTLOG_ERROR_CLOSED, dl_byte_writer_flush(writer, -1));
  dl_byte_writer_free(writer);
  close_log();
}

static void expect_change(dl_log_watcher *watcher, unsigned kind, const char *name) {
  dl_log_change *change;
  OK(dl_log_watcher_next(watcher, 10000, &change));
  CHECK(dl_log_change_kind(change) == kind);
  CHECK(name == NULL ? dl_log_change_name(change) == NULL : strcmp(dl_log_change_name(change), name) == 0);
  dl_log_change_free(change);
}

static void changes_are_told(void) {
  open_log("memory:c-watch", "eu/paid");
  dl_log_watcher *logs;
  dl_segment_watcher *watcher;
  dl_log_change *change;
  dl_call *call, *calls[2];
  OK(dl_namespace_watch_logs(namespace, NULL, &logs));

  /* Told to calls that nobody took them from, and then again, in their order, whichever call is freed first. */
  for (int round = 0; round < 2; round++) {
    for (int at = 0; at < 2; at++) {
      OK(dl_log_watcher_next_start(logs, &calls[at]));
      OK(dl_call_wait(calls[at], -1));
    }
    dl_call_free(calls[round]);
    dl_call_free(calls[1 - round]);
  }
  expect_change(logs, DISTLOG_CHANGE_CREATED, "eu/paid");
  expect_change(logs, DISTLOG_CHANGE_LISTED, NULL);
  FAILS(DISTLOG_ERROR_TIMEOUT, dl_log_watcher_next(logs, 0, &change));
  OK(dl_namespace_create_log(namespace, "eu/sent", -1));
  expect_change(logs, DISTLOG_CHANGE_CREATED, "eu/sent");
  OK(dl_namespace_delete_log(namespace, "eu/sent", -1));
  expect_change(logs, DISTLOG_CHANGE_DELETED, "eu/sent");
  dl_log_watcher_close(logs);
  FAILS(DISTLOG_ERROR_CLOSED, dl_log_watcher_next(logs, -1, &change));
  dl_log_watcher_free(logs);

  dl_segments *segments;
  OK(dl_log_watch_segments(log, &watcher));
  OK(dl_segment_watcher_next(watcher, -1, &segments));
  CHECK(dl_segments_count(segments) == 0);
  dl_segments_free(segments);
  dl_writer *writer = open_writer();
  append(writer, "one", NULL);
  OK(dl_segment_watcher_next_start(watcher, &call));
  OK(dl_call_wait(call, -1));
  OK(dl_call_take_segments(call, &segments));
  CHECK(dl_segments_count(segments) == 1);
  dl_segments_free(segments);
  dl_call_free(call);
  dl_segment_watcher_close(watcher);
  dl_segment_watcher_free(watcher);
  close_writer(writer);
  close_log();
}

static void a_record_set_is_unpacked_or_delivered_whole(void) {
  open_log("memory:c-sets", "orders");
  dl_writer *writer = open_writer();
  const dl_bytes payloads[] = {text("a"), text(""), text("ccc")};
  OK(dl_writer_append_record_set(writer, payloads, 3, NULL, NULL, -1, NULL));
  FAILS(DISTLOG_ERROR_INVALID_ARGUMENT, dl_writer_append_record_set(writer, payloads, 3, "zip", NULL, -1, NULL));
  FAILS(DISTLOG_ERROR_INVALID_ARGUMENT, dl_writer_append_record_set(writer, payloads, 0, NULL, NULL, -1, NULL));

  dl_reader *reader;
  dl_record *record;
  dl_record_set *set;
  dl_reader_options *options = dl_reader_options_new();
  OK(dl_reader_options_set_whole_record_sets(options, true));
  OK(dl_log_open_reader(log, options, -1, &reader));
  dl_reader_options_free(options);
  OK(dl_reader_next(reader, -1, &record));
  CHECK(dl_record_is_record_set(record));
  OK(dl_record_set_open(record, &set));
  dl_record_free(record);
  CHECK(dl_record_set_count(set) == 3 && is(dl_record_set_payload(set, 2), "ccc"));
  CHECK(dl_record_set_payload(set, 3).length == 0);
  dl_record_set_free(set);
  dl_reader_free(reader);

  OK(dl_log_open_reader(log, NULL, -1, &reader));
  OK(dl_reader_next(reader, -1, &record));
  CHECK(!dl_record_is_record_set(record) && is(dl_record_payload(record), "a"));
  FAILS(DISTLOG_ERROR_CORRUPT, dl_record_set_open(record, &set));
  dl_record_free(record);
  dl_reader_free(reader);
  close_writer(writer);
  close_log();
}

static dl_call *done(dl_error *error, dl_call **call) {
  OK(error);
  OK(dl_call_wait(*call, -1));
  return *call;
}

/* Every verb that waits has a sister that does not, and its answer is taken by type. */
static void each_verb_can_be_started(void) {
  dl_call *call;
  bool flag;
  uint64_t count;
  dl_dlsn dlsn, last;
  dl_namespace *other;
#define TAKE(start, take) \
  do { \
    done((start), &call); \
    OK(take); \
    dl_call_free(call); \
  } while (0)
  TAKE(dl_namespace_open_start("memory:c-started", NULL, &call), dl_call_take_namespace(call, &namespace));
  TAKE(dl_namespace_create_log_start(namespace, "orders", &call), dl_call_finish(call));
  TAKE(dl_namespace_open_log_start(namespace, "orders", &call), dl_call_take_log(call, &log));
  TAKE(dl_namespace_log_exists_start(namespace, "orders", &call), dl_call_take_flag(call, &flag));
  CHECK(flag);
  dl_names *names;
  TAKE(dl_namespace_list_logs_start(namespace, NULL, NULL, 10, &call), dl_call_take_names(call, &names));
  dl_names_free(names);
  dl_buffer *buffer;
  TAKE(dl_namespace_metrics_text_start(namespace, false, &call), dl_call_take_buffer(call, &buffer));
  dl_buffer_free(buffer);

  dl_writer *writer;
  dl_receipt *receipt;
  dl_receipts *receipts;
  const dl_bytes payloads[] = {text("a"), text("b")};
  TAKE(dl_log_open_writer_start(log, NULL, &call), dl_call_take_writer(call, &writer));
  TAKE(dl_writer_append_start(writer, text("one"), NULL, &call), dl_call_take_receipt(call, &receipt));
  dl_receipt_free(receipt);
  TAKE(dl_writer_try_append_start(writer, text("two"), NULL, &call), dl_call_take_receipt(call, &receipt));
  dl_receipt_free(receipt);
  TAKE(dl_writer_append_many_start(writer, payloads, NULL, 2, NULL, &call), dl_call_take_receipts(call, &receipts));
  dl_receipts_free(receipts);
  TAKE(dl_writer_append_batch_start(writer, payloads, NULL, 2, NULL, &call), dl_call_take_receipts(call, &receipts));
  dl_receipts_free(receipts);
  TAKE(dl_writer_append_record_set_start(writer, payloads, 2, NULL, NULL, &call), dl_call_take_receipts(call, &receipts));
  dl_receipts_free(receipts);
  TAKE(dl_writer_flush_start(writer, &call), dl_call_finish(call));
  TAKE(dl_log_count_start(log, NULL, NULL, &call), dl_call_take_count(call, &count));
  CHECK(count == 8);
  TAKE(dl_log_dlsn_at_txid_start(log, 0, &call), dl_call_take_dlsn(call, &dlsn, &flag));
  CHECK(flag);

  dl_reader *reader;
  dl_record *record;
  dl_records *records;
  TAKE(dl_log_open_reader_start(log, NULL, &call), dl_call_take_reader(call, &reader));
  TAKE(dl_reader_next_start(reader, &call), dl_call_take_record(call, &record));
  CHECK(is(dl_record_payload(record), "one"));
  dl_record_free(record);
  TAKE(dl_reader_next_batch_start(reader, 100, -1, &call), dl_call_take_records(call, &records));
  CHECK(dl_records_count(records) >= 1);
  dl_records_free(records);
  last = dl_reader_position(reader);
  TAKE(dl_reader_close_start(reader, &call), dl_call_finish(call));
  dl_reader_free(reader);
  TAKE(dl_log_first_record_start(log, &call), dl_call_take_record(call, &record));
  dl_record_free(record);
  TAKE(dl_log_last_record_start(log, &call), dl_call_take_record(call, &record));
  dl_record_free(record);

  dl_cursor *cursor;
  dl_cursors *cursors;
  TAKE(dl_log_open_cursor_start(log, "billing", &call), dl_call_take_cursor(call, &cursor));
  TAKE(dl_cursor_advance_start(cursor, last, &call), dl_call_take_dlsn(call, &dlsn, NULL));
  TAKE(dl_cursor_reset_start(cursor, last, &call), dl_call_finish(call));
  TAKE(dl_cursor_position_start(cursor, &call), dl_call_take_dlsn(call, &dlsn, &flag));
  CHECK(flag && dl_dlsn_compare(dlsn, last) == 0);
  TAKE(dl_log_list_cursors_start(log, &call), dl_call_take_cursors(call, &cursors));
  dl_cursors_free(cursors);
  TAKE(dl_cursor_delete_start(cursor, &call), dl_call_finish(call));
  dl_cursor_free(cursor);

  dl_log_info *info;
  dl_log_options *options;
  dl_segments *segments;
  TAKE(dl_log_get_info_start(log, &call), dl_call_take_log_info(call, &info));
  dl_log_info_free(info);
  TAKE(dl_log_get_options_start(log, &call), dl_call_take_log_options(call, &options));
  TAKE(dl_log_set_options_start(log, options, &call), dl_call_finish(call));
  dl_log_options_free(options);
  TAKE(dl_log_set_user_metadata_start(log, text("mine"), &call), dl_call_finish(call));
  TAKE(dl_log_get_user_metadata_start(log, &call), dl_call_take_buffer(call, &buffer));
  dl_buffer_free(buffer);
  TAKE(dl_log_list_segments_start(log, &call), dl_call_take_segments(call, &segments));
  dl_segments_free(segments);
  TAKE(dl_log_truncate_start(log, last, &call), dl_call_take_dlsn(call, &dlsn, NULL));
  TAKE(dl_writer_truncate_start(writer, last, &call), dl_call_take_dlsn(call, &dlsn, NULL));
  TAKE(dl_writer_close_start(writer, &call), dl_call_finish(call));
  dl_writer_free(writer);
  TAKE(dl_log_recover_start(log, &call), dl_call_finish(call));
  TAKE(dl_log_apply_retention_start(log, &call), dl_call_take_dlsn(call, &dlsn, NULL));

  dl_log *stream;
  dl_byte_writer *bytes;
  dl_byte_reader *chunks;
  OK(dl_namespace_create_log(namespace, "stream", -1));
  OK(dl_namespace_log(namespace, "stream", &stream));
  TAKE(dl_log_open_byte_writer_start(stream, NULL, &call), dl_call_take_byte_writer(call, &bytes));
  TAKE(dl_byte_writer_write_start(bytes, text("some"), &call), dl_call_finish(call));
  TAKE(dl_byte_writer_flush_start(bytes, &call), dl_call_finish(call));
  TAKE(dl_log_open_byte_reader_start(stream, NULL, &call), dl_call_take_byte_reader(call, &chunks));
  TAKE(dl_byte_reader_seek_start(chunks, 2, &call), dl_call_finish(call));
  TAKE(dl_byte_reader_next_chunk_start(chunks, &call), dl_call_take_chunk(call, &buffer));
  CHECK(is(dl_buffer_bytes(buffer), "me"));
  dl_buffer_free(buffer);
  TAKE(dl_byte_reader_close_start(chunks, &call), dl_call_finish(call));
  dl_byte_reader_free(chunks);
  TAKE(dl_byte_writer_seal_start(bytes, &call), dl_call_finish(call));
  dl_call *fenced;
  OK(dl_byte_writer_wait_fenced_start(bytes, &fenced));
  done(dl_byte_writer_close_start(bytes, &call), &call);
  dl_call_free(call);
  dl_call_free(fenced);
  dl_byte_writer_free(bytes);
  dl_log_free(stream);

  TAKE(dl_namespace_rename_log_start(namespace, "stream", "river", &call), dl_call_finish(call));
  TAKE(dl_namespace_delete_log_start(namespace, "river", &call), dl_call_finish(call));
  TAKE(dl_namespace_open_start("memory:c-started", NULL, &call), dl_call_take_namespace(call, &other));
  TAKE(dl_namespace_close_start(other, &call), dl_call_finish(call));
  dl_namespace_free(other);
  close_log();
}

int main(void) {
  RUN(logs_are_made_listed_renamed_and_deleted);
  RUN(a_log_tells_about_itself);
  RUN(settings_are_kept_with_a_log);
  RUN(what_nobody_took_goes_with_the_lock_and_the_namespace);
  RUN(chunks_and_changes_nobody_took_go_with_the_namespace);
  RUN(who_waits_is_woken_by_what_is_given_back);
  RUN(who_gives_up_is_told_which_call_it_was);
  RUN(a_batch_waits_as_long_as_it_says_and_not_for_another_call_too);
  RUN(cursors_move_under_their_reader);
  RUN(bytes_are_written_and_read_from_any_offset);
  RUN(changes_are_told);
  RUN(a_record_set_is_unpacked_or_delivered_whole);
  RUN(each_verb_can_be_started);
  return finish();
}
