#include <stdlib.h>
#include <string.h>

#include "agent.h"

static void add(json *object, const char *name, json *value) { json_object_object_add(object, name, value); }

static json *count_or_none(int64_t number) {
  return number < 0 ? json_object_new_string("none") : json_object_new_int64(number);
}

json *text_or_none(const char *value) { return json_object_new_string(value == NULL ? "none" : value); }

json *show_dlsn(dl_dlsn dlsn) {
  char buffer[DISTLOG_DLSN_TEXT_BYTES];
  dl_error_free(dl_dlsn_format(dlsn, buffer, sizeof buffer));
  return json_object_new_string(buffer);
}

json *show_bytes(dl_bytes bytes) {
  static const char digits[] = "0123456789abcdef";
  char *hex = malloc(2 * bytes.length + 1);
  if (hex == NULL) abort();
  for (size_t i = 0; i < bytes.length; i++) {
    hex[2 * i] = digits[bytes.data[i] >> 4];
    hex[2 * i + 1] = digits[bytes.data[i] & 15];
  }
  json *shown = json_object_new_string_len(hex, (int)(2 * bytes.length));
  free(hex);
  return shown;
}

json *show_end(uint32_t end) {
  switch (end) {
    case 0: return json_object_new_string("none");
    case DISTLOG_END_BOUND: return json_object_new_string("bound");
    case DISTLOG_END_END: return json_object_new_string("end");
    case DISTLOG_END_SEALED: return json_object_new_string("sealed");
    default: return json_object_new_string("unknown");
  }
}

json *show_error(const dl_error *error) {
  json *shown = json_object_new_object(), *context = json_object_new_object();
  const char *key;
  for (size_t i = 0; (key = dl_error_context_key(error, i)) != NULL; i++)
    add(context, key, json_object_new_string(dl_error_context(error, key)));
  dl_dlsn dlsn;
  add(shown, "kind", json_object_new_string(dl_error_name(error)));
  add(shown, "number", json_object_new_int64(dl_error_kind(error)));
  add(shown, "message", json_object_new_string(dl_error_message(error)));
  add(shown, "operation", text_or_none(dl_error_operation(error)));
  add(shown, "context", context);
  add(shown, "dlsn", dl_error_dlsn(error, &dlsn) ? show_dlsn(dlsn) : text_or_none(NULL));
  add(shown, "owner", text_or_none(dl_error_owner(error)));
  add(shown, "retryable", json_object_new_boolean(dl_error_is_retryable(error)));
  add(shown, "may_have_taken_effect", json_object_new_boolean(dl_error_may_have_taken_effect(error)));
  return shown;
}

json *show_record(const dl_record *record) {
  json *shown = json_object_new_object();
  add(shown, "dlsn", show_dlsn(dl_record_dlsn(record)));
  add(shown, "txid", json_object_new_int64(dl_record_txid(record)));
  add(shown, "sequence_id", count_or_none(dl_record_sequence_id(record)));
  add(shown, "payload", show_bytes(dl_record_payload(record)));
  add(shown, "record_set", json_object_new_boolean(dl_record_is_record_set(record)));
  return shown;
}

json *show_receipt(const dl_receipt *receipt) {
  json *shown = json_object_new_object();
  add(shown, "dlsn", show_dlsn(dl_receipt_dlsn(receipt)));
  add(shown, "txid", json_object_new_int64(dl_receipt_txid(receipt)));
  add(shown, "sequence_id", count_or_none(dl_receipt_sequence_id(receipt)));
  add(shown, "durability", json_object_new_string(dl_receipt_durability_name(receipt)));
  add(shown, "duplicate", json_object_new_boolean(dl_receipt_is_duplicate(receipt)));
  return shown;
}

static json *show_truncation(const dl_segment *segment) {
  dl_dlsn below;
  switch (dl_segment_truncation(segment, &below)) {
    case DISTLOG_TRUNCATION_NONE: return json_object_new_string("none");
    case DISTLOG_TRUNCATION_WHOLE: return json_object_new_string("whole");
    default: return show_dlsn(below);
  }
}

static json *show_completed(const dl_segment *segment) {
  if (!dl_segment_is_completed(segment)) return json_object_new_string("none");
  json *shown = json_object_new_object();
  dl_dlsn last;
  add(shown, "records", json_object_new_int64(dl_segment_records(segment)));
  add(shown, "last_txid", json_object_new_int64(dl_segment_last_txid(segment)));
  add(shown, "last_dlsn", dl_segment_last_dlsn(segment, &last) ? show_dlsn(last) : text_or_none(NULL));
  add(shown, "completed_ms", json_object_new_int64(dl_segment_completed_ms(segment)));
  return shown;
}

json *show_segment(const dl_segment *segment) {
  json *shown = json_object_new_object();
  add(shown, "number", json_object_new_int64(dl_segment_number(segment)));
  add(shown, "id", json_object_new_int64(dl_segment_id(segment)));
  add(shown, "truncation", show_truncation(segment));
  add(shown, "first_txid", json_object_new_int64(dl_segment_first_txid(segment)));
  add(shown, "first_sequence_id", count_or_none(dl_segment_first_sequence_id(segment)));
  add(shown, "completed", show_completed(segment));
  return shown;
}

json *show_info(const dl_log_info *info) {
  json *shown = json_object_new_object();
  add(shown, "name", json_object_new_string(dl_log_info_name(info)));
  add(shown, "incarnation", json_object_new_uint64(dl_log_info_incarnation(info)));
  add(shown, "segments", json_object_new_uint64(dl_log_info_segments(info)));
  add(shown, "in_progress", json_object_new_boolean(dl_log_info_is_in_progress(info)));
  add(shown, "sealed", json_object_new_boolean(dl_log_info_is_sealed(info)));
  add(shown, "first_readable", show_dlsn(dl_log_info_first_readable(info)));
  add(shown, "max_txid", count_or_none(dl_log_info_max_txid(info)));
  add(shown, "owner", text_or_none(dl_log_info_owner(info)));
  return shown;
}

json *show_cursor(const dl_cursor_info *info) {
  json *shown = json_object_new_object();
  dl_dlsn position;
  add(shown, "name", json_object_new_string(dl_cursor_info_name(info)));
  add(shown, "position", dl_cursor_info_position(info, &position) ? show_dlsn(position) : text_or_none(NULL));
  add(shown, "owner", text_or_none(dl_cursor_info_owner(info)));
  return shown;
}
