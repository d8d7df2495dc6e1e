#include <stdlib.h>

#include "agent.h"
#include "options.h"

/* Starts the append of one record. */
static dl_error *append(struct request *request, dl_writer *writer, bool try) {
  json *record = NULL;
  if (!json_object_object_get_ex(request->fields, "record", &record)) wrong("record is missing");
  dl_append_options *options = NULL;
  dl_error *error = append_options(request->fields, record, &options);
  uint8_t *data = NULL;
  dl_bytes payload = {NULL, bytes_of(text(record, "payload"), &data)};
  payload.data = data;
  if (error == NULL && try)
    error = CALL(take_receipt, dl_writer_try_append_start(writer, payload, options, &request->call));
  else if (error == NULL)
    error = CALL(take_receipt, dl_writer_append_start(writer, payload, options, &request->call));
  free(data);
  dl_append_options_free(options);
  return error;
}

static dl_error *append_many(struct request *request, dl_writer *writer) {
  json *list = NULL;
  if (!json_object_object_get_ex(request->fields, "records", &list)) wrong("records are missing");
  dl_bytes *payloads = NULL;
  int64_t *txids = NULL;
  size_t count = records_of(list, &payloads, &txids);
  dl_error *error = CALL(take_receipts,
                         dl_writer_append_many_start(writer, payloads, txids, count, NULL, &request->call));
  free_records(count, payloads, txids);
  return error;
}

static dl_error *append_batch(struct request *request, dl_writer *writer) {
  json *list = NULL;
  if (!json_object_object_get_ex(request->fields, "records", &list)) wrong("records are missing");
  dl_bytes *payloads = NULL;
  int64_t *txids = NULL;
  size_t count = records_of(list, &payloads, &txids);
  dl_append_options *options = NULL;
  dl_error *error = append_options(request->fields, NULL, &options);
  if (error == NULL)
    error = CALL(take_receipts,
                 dl_writer_append_batch_start(writer, payloads, txids, count, options, &request->call));
  free_records(count, payloads, txids);
  dl_append_options_free(options);
  return error;
}

static dl_error *append_record_set(struct request *request, dl_writer *writer) {
  const json *fields = request->fields;
  json *list = NULL;
  if (!json_object_object_get_ex(fields, "records", &list)) wrong("records are missing");
  dl_bytes *payloads = NULL;
  int64_t *txids = NULL;
  size_t count = records_of(list, &payloads, &txids);
  dl_append_options *options = NULL;
  dl_error *error = append_options(fields, fields, &options);
  if (error == NULL)
    error = CALL(take_receipts,
                 dl_writer_append_record_set_start(writer, payloads, count, optional_text(fields, "compression"),
                                                   options, &request->call));
  free_records(count, payloads, txids);
  dl_append_options_free(options);
  return error;
}

static dl_error *truncate_writer(struct request *request, dl_writer *writer) {
  dl_dlsn before;
  dl_error *error = dl_dlsn_parse(text(request->fields, "before"), &before);
  return error != NULL ? error : CALL(take_dlsn, dl_writer_truncate_start(writer, before, &request->call));
}

dl_error *on_writer(struct request *request, const char *verb, dl_writer *writer) {
  dl_call **call = &request->call;
  if (is(verb, "append")) return append(request, writer, false);
  if (is(verb, "try_append")) return append(request, writer, true);
  if (is(verb, "append_many")) return append_many(request, writer);
  if (is(verb, "append_batch")) return append_batch(request, writer);
  if (is(verb, "append_record_set")) return append_record_set(request, writer);
  if (is(verb, "flush")) return CALL(take_nothing, dl_writer_flush_start(writer, call));
  if (is(verb, "truncate")) return truncate_writer(request, writer);
  if (is(verb, "seal")) return CALL(take_nothing, dl_writer_seal_start(writer, call));
  if (is(verb, "close")) return CALL(take_nothing, dl_writer_close_start(writer, call));
  if (is(verb, "fenced")) return CALL(take_nothing, dl_writer_wait_fenced_start(writer, call));
  if (is(verb, "abort")) {
    dl_writer_abort(writer);
    request->result = json_object_new_object();
  } else if (is(verb, "last_dlsn")) {
    dl_dlsn last;
    request->result = dl_writer_last_dlsn(writer, &last) ? show_dlsn(last) : text_or_none(NULL);
  } else if (is(verb, "last_txid")) {
    int64_t last = dl_writer_last_txid(writer);
    request->result = last < 0 ? text_or_none(NULL) : json_object_new_int64(last);
  } else {
    wrong("%s is nothing that a writer does", verb);
  }
  return NULL;
}

dl_error *on_byte_writer(struct request *request, const char *verb, dl_byte_writer *writer) {
  dl_call **call = &request->call;
  if (is(verb, "flush")) return CALL(take_nothing, dl_byte_writer_flush_start(writer, call));
  if (is(verb, "seal")) return CALL(take_nothing, dl_byte_writer_seal_start(writer, call));
  if (is(verb, "close")) return CALL(take_nothing, dl_byte_writer_close_start(writer, call));
  if (is(verb, "fenced")) return CALL(take_nothing, dl_byte_writer_wait_fenced_start(writer, call));
  if (is(verb, "write")) {
    uint8_t *data = NULL;
    size_t length = bytes_of(text(request->fields, "data"), &data);
    dl_error *error = CALL(take_written, dl_byte_writer_write_start(writer, (dl_bytes){data, length}, call));
    free(data);
    return error;
  }
  if (is(verb, "abort")) {
    dl_byte_writer_abort(writer);
    request->result = json_object_new_object();
  } else if (is(verb, "position")) {
    request->result = json_object_new_uint64(dl_byte_writer_position(writer));
  } else {
    wrong("%s is nothing that a byte writer does", verb);
  }
  return NULL;
}
