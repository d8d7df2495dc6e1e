#include <stdlib.h>

#include "agent.h"
#include "options.h"

static dl_error *open_writer(struct request *request, dl_log *log, bool bytes) {
  dl_writer_options *options = NULL;
  dl_error *error = writer_options(request->fields, &options);
  if (error == NULL && bytes)
    error = CALL(take_byte_writer, dl_log_open_byte_writer_start(log, options, &request->call));
  else if (error == NULL)
    error = CALL(take_writer, dl_log_open_writer_start(log, options, &request->call));
  dl_writer_options_free(options);
  return error;
}

static dl_error *open_reader(struct request *request, dl_log *log, bool bytes) {
  dl_reader_options *options = NULL;
  dl_error *error = reader_options(request->fields, &options);
  if (error == NULL && bytes)
    error = CALL(take_byte_reader, dl_log_open_byte_reader_start(log, options, &request->call));
  else if (error == NULL)
    error = CALL(take_reader, dl_log_open_reader_start(log, options, &request->call));
  dl_reader_options_free(options);
  return error;
}

/* Opens a reader, takes every record until it ends, and closes it. */
static dl_error *read_all(struct request *request, dl_log *log) {
  dl_reader_options *options = NULL;
  dl_reader *reader = NULL;
  dl_error *error = reader_options(request->fields, &options);
  if (error == NULL) error = dl_log_open_reader(log, options, -1, &reader);
  json *records = json_object_new_array();
  dl_record *record = NULL;
  while (error == NULL && (error = dl_reader_next(reader, -1, &record)) == NULL && record != NULL) {
    json_object_array_add(records, show_record(record));
    dl_record_free(record);
  }
  if (error == NULL) {
    request->result = json_object_new_object();
    json_object_object_add(request->result, "records", json_object_get(records));
    json_object_object_add(request->result, "end", show_end(dl_reader_end(reader)));
  }
  json_object_put(records);
  dl_reader_free(reader);
  dl_reader_options_free(options);
  return error;
}

static dl_error *truncate_log(struct request *request, dl_log *log) {
  dl_dlsn before;
  dl_error *error = dl_dlsn_parse(text(request->fields, "before"), &before);
  return error != NULL ? error : CALL(take_dlsn, dl_log_truncate_start(log, before, &request->call));
}

static dl_error *count(struct request *request, dl_log *log) {
  const char *from = optional_text(request->fields, "from"), *until = optional_text(request->fields, "until");
  dl_dlsn first, last;
  dl_error *error = from == NULL ? NULL : dl_dlsn_parse(from, &first);
  if (error == NULL && until != NULL) error = dl_dlsn_parse(until, &last);
  if (error != NULL) return error;
  return CALL(take_count, dl_log_count_start(log, from == NULL ? NULL : &first, until == NULL ? NULL : &last,
                                             &request->call));
}

static dl_error *set_options(struct request *request, dl_log *log) {
  dl_log_options *options = NULL;
  dl_error *error = log_options(request->fields, &options);
  if (error == NULL) error = CALL(take_nothing, dl_log_set_options_start(log, options, &request->call));
  dl_log_options_free(options);
  return error;
}

static dl_error *set_user_metadata(struct request *request, dl_log *log) {
  uint8_t *data = NULL;
  size_t length = bytes_of(text(request->fields, "data"), &data);
  dl_error *error = CALL(take_nothing, dl_log_set_user_metadata_start(log, (dl_bytes){data, length}, &request->call));
  free(data);
  return error;
}

static dl_error *watch_segments(struct request *request, dl_log *log) {
  dl_segment_watcher *watcher = NULL;
  dl_error *error = dl_log_watch_segments(log, &watcher);
  if (error == NULL) {
    keep_handle(request->as, SEGMENT_WATCHER, watcher);
    request->result = json_object_new_object();
  }
  return error;
}

dl_error *on_log(struct request *request, const char *verb, dl_log *log) {
  const json *fields = request->fields;
  dl_call **call = &request->call;
  if (is(verb, "open_writer")) return open_writer(request, log, false);
  if (is(verb, "open_reader")) return open_reader(request, log, false);
  if (is(verb, "open_byte_writer")) return open_writer(request, log, true);
  if (is(verb, "open_byte_reader")) return open_reader(request, log, true);
  if (is(verb, "read")) return read_all(request, log);
  if (is(verb, "info")) return CALL(take_info, dl_log_get_info_start(log, call));
  if (is(verb, "segments")) return CALL(take_segments, dl_log_list_segments_start(log, call));
  if (is(verb, "watch_segments")) return watch_segments(request, log);
  if (is(verb, "truncate")) return truncate_log(request, log);
  if (is(verb, "dlsn_at_txid")) return CALL(take_dlsn, dl_log_dlsn_at_txid_start(log, number(fields, "txid"), call));
  if (is(verb, "count")) return count(request, log);
  if (is(verb, "first_record")) return CALL(take_record, dl_log_first_record_start(log, call));
  if (is(verb, "last_record")) return CALL(take_record, dl_log_last_record_start(log, call));
  if (is(verb, "recover")) return CALL(take_nothing, dl_log_recover_start(log, call));
  if (is(verb, "apply_retention")) return CALL(take_dlsn, dl_log_apply_retention_start(log, call));
  if (is(verb, "log_options")) return CALL(take_options, dl_log_get_options_start(log, call));
  if (is(verb, "set_log_options")) return set_options(request, log);
  if (is(verb, "open_cursor")) return CALL(take_cursor, dl_log_open_cursor_start(log, text(fields, "name"), call));
  if (is(verb, "cursors")) return CALL(take_cursors, dl_log_list_cursors_start(log, call));
  if (is(verb, "user_metadata")) return CALL(take_bytes, dl_log_get_user_metadata_start(log, call));
  if (is(verb, "set_user_metadata")) return set_user_metadata(request, log);
  wrong("%s is nothing that a log does", verb);
  return NULL;
}
