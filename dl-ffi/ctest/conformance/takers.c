#include "agent.h"

/* The list of what `count` and `at` of an object give. */
#define LIST(result, count, shown) \
  do {                                                                 \
    *(result) = json_object_new_array();                               \
    for (size_t i = 0; i < (count); i++) json_object_array_add(*(result), (shown)); \
  } while (0)

dl_error *take_nothing(struct request *request, json **result) {
  dl_error *error = dl_call_finish(request->call);
  if (error == NULL) *result = json_object_new_object();
  return error;
}

dl_error *take_flag(struct request *request, json **result) {
  bool flag = false;
  dl_error *error = dl_call_take_flag(request->call, &flag);
  if (error == NULL) *result = json_object_new_boolean(flag);
  return error;
}

dl_error *take_count(struct request *request, json **result) {
  uint64_t count = 0;
  dl_error *error = dl_call_take_count(request->call, &count);
  if (error == NULL) *result = json_object_new_uint64(count);
  return error;
}

dl_error *take_dlsn(struct request *request, json **result) {
  dl_dlsn dlsn;
  bool found = false;
  dl_error *error = dl_call_take_dlsn(request->call, &dlsn, &found);
  if (error == NULL) *result = found ? show_dlsn(dlsn) : text_or_none(NULL);
  return error;
}

dl_error *take_receipt(struct request *request, json **result) {
  dl_receipt *receipt = NULL;
  dl_error *error = dl_call_take_receipt(request->call, &receipt);
  if (error == NULL) *result = show_receipt(receipt);
  dl_receipt_free(receipt);
  return error;
}

dl_error *take_receipts(struct request *request, json **result) {
  dl_receipts *receipts = NULL;
  dl_error *error = dl_call_take_receipts(request->call, &receipts);
  if (error == NULL) {
    error = dl_receipts_first_error(receipts);
    /* In front of the one that failed; whoever failed as a whole has none. */
    size_t count = 0;
    while (dl_receipts_at(receipts, count) != NULL) count++;
    LIST(result, count, show_receipt(dl_receipts_at(receipts, i)));
  }
  dl_receipts_free(receipts);
  return error;
}

dl_error *take_record(struct request *request, json **result) {
  dl_record *record = NULL;
  dl_error *error = dl_call_take_record(request->call, &record);
  if (error == NULL) *result = record == NULL ? text_or_none(NULL) : show_record(record);
  dl_record_free(record);
  return error;
}

dl_error *take_names(struct request *request, json **result) {
  dl_names *names = NULL;
  dl_error *error = dl_call_take_names(request->call, &names);
  if (error == NULL) LIST(result, dl_names_count(names), json_object_new_string(dl_names_at(names, i)));
  dl_names_free(names);
  return error;
}

dl_error *take_bytes(struct request *request, json **result) {
  dl_buffer *buffer = NULL;
  dl_error *error = dl_call_take_buffer(request->call, &buffer);
  if (error == NULL) *result = show_bytes(dl_buffer_bytes(buffer));
  dl_buffer_free(buffer);
  return error;
}

dl_error *take_info(struct request *request, json **result) {
  dl_log_info *info = NULL;
  dl_error *error = dl_call_take_log_info(request->call, &info);
  if (error == NULL) *result = show_info(info);
  dl_log_info_free(info);
  return error;
}

dl_error *take_segments(struct request *request, json **result) {
  dl_segments *segments = NULL;
  dl_error *error = dl_call_take_segments(request->call, &segments);
  if (error == NULL) LIST(result, dl_segments_count(segments), show_segment(dl_segments_at(segments, i)));
  dl_segments_free(segments);
  return error;
}

dl_error *take_options(struct request *request, json **result) {
  dl_log_options *options = NULL;
  const char *name;
  dl_error *error = dl_call_take_log_options(request->call, &options);
  if (error == NULL) *result = json_object_new_object();
  for (size_t i = 0; error == NULL && (name = dl_log_options_name(options, i)) != NULL; i++)
    json_object_object_add(*result, name, json_object_new_string(dl_log_options_get(options, name)));
  dl_log_options_free(options);
  return error;
}

dl_error *take_cursors(struct request *request, json **result) {
  dl_cursors *cursors = NULL;
  dl_error *error = dl_call_take_cursors(request->call, &cursors);
  if (error == NULL) LIST(result, dl_cursors_count(cursors), show_cursor(dl_cursors_at(cursors, i)));
  dl_cursors_free(cursors);
  return error;
}

dl_error *take_change(struct request *request, json **result) {
  dl_log_change *change = NULL;
  dl_error *error = dl_call_take_log_change(request->call, &change);
  if (error == NULL) {
    *result = json_object_new_object();
    switch (dl_log_change_kind(change)) {
      case DISTLOG_CHANGE_CREATED: json_object_object_add(*result, "created", text_or_none(dl_log_change_name(change))); break;
      case DISTLOG_CHANGE_DELETED: json_object_object_add(*result, "deleted", text_or_none(dl_log_change_name(change))); break;
      default: json_object_object_add(*result, "listed", json_object_new_boolean(true)); break;
    }
  }
  dl_log_change_free(change);
  return error;
}

dl_error *take_next(struct request *request, json **result) {
  dl_record *record = NULL;
  dl_error *error = dl_call_take_record(request->call, &record);
  if (error == NULL && record != NULL) {
    *result = show_record(record);
  } else if (error == NULL) {
    *result = json_object_new_object();
    json_object_object_add(*result, "end", show_end(dl_reader_end(request->on.object)));
  }
  dl_record_free(record);
  return error;
}

dl_error *take_batch(struct request *request, json **result) {
  dl_records *records = NULL;
  dl_error *error = dl_call_take_records(request->call, &records);
  if (error == NULL) {
    json *list = NULL;
    LIST(&list, dl_records_count(records), show_record(dl_records_at(records, i)));
    *result = json_object_new_object();
    json_object_object_add(*result, "records", list);
    json_object_object_add(*result, "end", show_end(dl_reader_end(request->on.object)));
  }
  dl_records_free(records);
  return error;
}

dl_error *take_chunk(struct request *request, json **result) {
  dl_buffer *chunk = NULL;
  dl_error *error = dl_call_take_chunk(request->call, &chunk);
  if (error == NULL) {
    *result = json_object_new_object();
    if (chunk != NULL)
      json_object_object_add(*result, "payload", show_bytes(dl_buffer_bytes(chunk)));
    else
      json_object_object_add(*result, "end", show_end(dl_byte_reader_end(request->on.object)));
  }
  dl_buffer_free(chunk);
  return error;
}

dl_error *take_written(struct request *request, json **result) {
  dl_error *error = dl_call_finish(request->call);
  if (error == NULL) *result = json_object_new_uint64(dl_byte_writer_position(request->on.object));
  return error;
}

dl_error *take_namespace(struct request *request, json **result) {
  dl_namespace *opened = NULL;
  dl_error *error = dl_call_take_namespace(request->call, &opened);
  if (error == NULL) {
    keep_namespace(request->process, opened);
    *result = json_object_new_object();
  }
  return error;
}

/* Keeps the object that a call opened under the name that the request gives it. */
#define TAKE_HANDLE(type, kind)                                     \
  dl_error *take_##type(struct request *request, json **result) {   \
    dl_##type *opened = NULL;                                       \
    dl_error *error = dl_call_take_##type(request->call, &opened);  \
    if (error == NULL) {                                            \
      keep_handle(request->as, kind, opened);                       \
      *result = json_object_new_object();                           \
    }                                                               \
    return error;                                                   \
  }

TAKE_HANDLE(log, LOG)
TAKE_HANDLE(writer, WRITER)
TAKE_HANDLE(reader, READER)
TAKE_HANDLE(cursor, CURSOR)
TAKE_HANDLE(byte_writer, BYTE_WRITER)
TAKE_HANDLE(byte_reader, BYTE_READER)
