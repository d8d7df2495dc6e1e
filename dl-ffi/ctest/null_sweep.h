/* What the generated sweep works on: an object of every type that is called the_ and its type, and room for results. */
#ifndef NULL_SWEEP_H
#define NULL_SWEEP_H

#include "check.h"

static dl_namespace *the_namespace;
static dl_log *the_log, *the_stream;
static dl_writer *the_writer;
static dl_reader *the_reader;
static dl_cursor *the_cursor;
static dl_byte_writer *the_byte_writer;
static dl_byte_reader *the_byte_reader;
static dl_log_watcher *the_log_watcher;
static dl_segment_watcher *the_segment_watcher;
static dl_queue *the_queue;
static dl_call *the_call;
static dl_namespace_options *the_namespace_options;
static dl_log_options *the_log_options;
static dl_writer_options *the_writer_options;
static dl_reader_options *the_reader_options;
static dl_append_options *the_append_options;
static dl_error *the_error;
static dl_receipts *the_receipts;
static const dl_receipt *the_receipt;
static dl_records *the_records;
static const dl_record *the_record;
static dl_record *the_whole_set;
static dl_record_set *the_record_set;
static dl_names *the_names;
static dl_buffer *the_buffer;
static dl_log_info *the_log_info;
static dl_segments *the_segments;
static const dl_segment *the_segment;
static dl_cursors *the_cursors;
static const dl_cursor_info *the_cursor_info;
static dl_log_change *the_log_change;
static dl_namespace_info *the_namespace_info;
static dl_verification *the_verification;

/* Where an object comes out, and where anything else does. */
static void *room[1];
static uint64_t scratch[64];
static dl_bytes room_for_payloads[2];
static dl_dlsn a_dlsn;
static const dl_dlsn some_dlsn = {1, 0, 0};
static const int64_t some_txids[] = {-1, -1};
static dl_bytes some_payloads[2];

static void some_callback(void *user_data, dl_call *call) {
  (void)user_data;
  (void)call;
}

static void some_hook(void *user_data, const dl_event *event) {
  (void)user_data;
  (void)event;
}

/* The result of the last call, if it had one; once. */
static void *taken(void) {
  void *result = room[0];
  memset(room, 0, sizeof room);
  return result;
}

static void make_objects(const char *folder) {
  char uri[4096];
  snprintf(uri, sizeof uri, "file://%s/null?unsafe_filesystem=true", folder);
  some_payloads[0] = some_payloads[1] = text("a");
  OK(dl_namespace_open(uri, NULL, -1, &the_namespace));
  OK(dl_namespace_inspect(uri, NULL, -1, &the_namespace_info));
  OK(dl_namespace_verify(uri, NULL, NULL, -1, &the_verification));
  OK(dl_namespace_create_log(the_namespace, "orders", -1));
  OK(dl_namespace_create_log(the_namespace, "stream", -1));
  OK(dl_namespace_list_logs(the_namespace, NULL, NULL, 10, -1, &the_names));
  OK(dl_namespace_log(the_namespace, "orders", &the_log));
  OK(dl_namespace_log(the_namespace, "stream", &the_stream));
  OK(dl_log_open_writer(the_log, NULL, -1, &the_writer));
  OK(dl_writer_append_many(the_writer, some_payloads, NULL, 2, NULL, -1, &the_receipts));
  OK(dl_writer_append_record_set(the_writer, some_payloads, 2, NULL, NULL, -1, NULL));
  the_receipt = dl_receipts_at(the_receipts, 0);
  OK(dl_log_open_reader(the_log, NULL, -1, &the_reader));
  OK(dl_reader_next_batch(the_reader, 2, -1, &the_records));
  the_record = dl_records_at(the_records, 0);
  OK(dl_log_open_cursor(the_log, "cursor", -1, &the_cursor));
  OK(dl_cursor_advance(the_cursor, some_dlsn, -1, NULL));
  OK(dl_log_list_cursors(the_log, -1, &the_cursors));
  the_cursor_info = dl_cursors_at(the_cursors, 0);
  OK(dl_log_get_info(the_log, -1, &the_log_info));
  OK(dl_log_list_segments(the_log, -1, &the_segments));
  the_segment = dl_segments_at(the_segments, 0);
  OK(dl_log_get_user_metadata(the_log, -1, &the_buffer));
  OK(dl_log_open_byte_writer(the_stream, NULL, -1, &the_byte_writer));
  OK(dl_log_open_byte_reader(the_stream, NULL, -1, &the_byte_reader));
  OK(dl_namespace_watch_logs(the_namespace, NULL, &the_log_watcher));
  OK(dl_log_watcher_next(the_log_watcher, -1, &the_log_change));
  OK(dl_log_watch_segments(the_log, &the_segment_watcher));
  OK(dl_queue_new(&the_queue));
  OK(dl_writer_flush_start(the_writer, &the_call));
  OK(dl_call_wait(the_call, -1));
  the_namespace_options = dl_namespace_options_new();
  the_log_options = dl_log_options_new();
  the_writer_options = dl_writer_options_new();
  the_reader_options = dl_reader_options_new();
  the_append_options = dl_append_options_new();
  the_error = dl_error_new(DISTLOG_ERROR_BUSY, "it waits");
  dl_reader_options *whole = dl_reader_options_new();
  dl_reader *reader;
  OK(dl_reader_options_set_whole_record_sets(whole, true));
  OK(dl_log_open_reader(the_log, whole, -1, &reader));
  do {
    dl_record_free(the_whole_set);
    OK(dl_reader_next(reader, -1, &the_whole_set));
  } while (!dl_record_is_record_set(the_whole_set));
  OK(dl_record_set_open(the_whole_set, &the_record_set));
  dl_reader_free(reader);
  dl_reader_options_free(whole);
}

static void free_objects(void) {
  dl_record_set_free(the_record_set);
  dl_record_free(the_whole_set);
  dl_error_free(the_error);
  dl_append_options_free(the_append_options);
  dl_reader_options_free(the_reader_options);
  dl_writer_options_free(the_writer_options);
  dl_log_options_free(the_log_options);
  dl_namespace_options_free(the_namespace_options);
  dl_call_free(the_call);
  dl_queue_free(the_queue);
  dl_segment_watcher_free(the_segment_watcher);
  dl_log_change_free(the_log_change);
  dl_log_watcher_free(the_log_watcher);
  dl_byte_reader_free(the_byte_reader);
  dl_byte_writer_free(the_byte_writer);
  dl_buffer_free(the_buffer);
  dl_segments_free(the_segments);
  dl_log_info_free(the_log_info);
  dl_cursors_free(the_cursors);
  dl_cursor_free(the_cursor);
  dl_records_free(the_records);
  dl_reader_free(the_reader);
  dl_receipts_free(the_receipts);
  dl_writer_free(the_writer);
  dl_log_free(the_stream);
  dl_log_free(the_log);
  dl_names_free(the_names);
  dl_verification_free(the_verification);
  dl_namespace_info_free(the_namespace_info);
  OK(dl_namespace_close(the_namespace, -1));
  dl_namespace_free(the_namespace);
}

/* The call failed as one that lacks an argument must. */
static void refused(const char *function, dl_error *error) {
  if (dl_error_kind(error) != DISTLOG_ERROR_INVALID_ARGUMENT) {
    fprintf(stderr, "%s without an argument: %s\n", function, error == NULL ? "no error" : dl_error_text(error));
    exit(1);
  }
  dl_error_free(error);
}

/* The call failed as one with a text that is not UTF-8 must: it says so. */
static void not_utf8(const char *function, dl_error *error) {
  const char *said = error == NULL ? "no error" : dl_error_text(error);
  if (dl_error_kind(error) != DISTLOG_ERROR_INVALID_ARGUMENT || strstr(said, "is not UTF-8") == NULL) {
    fprintf(stderr, "%s with a text that is not UTF-8: %s\n", function, said);
    exit(1);
  }
  dl_error_free(error);
}

/* The call came back. */
static void any(const char *function, dl_error *error) {
  (void)function;
  dl_error_free(error);
}

#endif
