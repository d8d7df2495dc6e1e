#include <stdlib.h>

#include "agent.h"

/* Advances or resets the cursor with which a reader was opened. */
static dl_error *on_own_cursor(struct request *request, const char *verb, dl_reader *reader) {
  dl_cursor *cursor = NULL;
  dl_error *error = dl_reader_cursor(reader, &cursor);
  if (error == NULL && cursor == NULL) wrong("the reader was opened without a cursor");
  if (error == NULL && cursor != NULL) error = on_cursor(request, verb, cursor);
  dl_cursor_free(cursor);
  return error;
}

dl_error *on_reader(struct request *request, const char *verb, dl_reader *reader) {
  const json *fields = request->fields;
  dl_call **call = &request->call;
  if (is(verb, "next")) return CALL(take_next, dl_reader_next_start(reader, call));
  if (is(verb, "next_batch"))
    return CALL(take_batch, dl_reader_next_batch_start(reader, (size_t)number(fields, "max"),
                                                       number(fields, "wait_ms"), call));
  if (is(verb, "close")) return CALL(take_nothing, dl_reader_close_start(reader, call));
  if (is(verb, "advance") || is(verb, "reset")) return on_own_cursor(request, verb, reader);
  if (is(verb, "position"))
    request->result = show_dlsn(dl_reader_position(reader));
  else if (is(verb, "end"))
    request->result = show_end(dl_reader_end(reader));
  else
    wrong("%s is nothing that a reader does", verb);
  return NULL;
}

dl_error *on_cursor(struct request *request, const char *verb, dl_cursor *cursor) {
  dl_call **call = &request->call;
  if (is(verb, "position")) return CALL(take_dlsn, dl_cursor_position_start(cursor, call));
  if (is(verb, "delete")) return CALL(take_nothing, dl_cursor_delete_start(cursor, call));
  dl_dlsn to;
  dl_error *error = dl_dlsn_parse(text(request->fields, "to"), &to);
  if (error != NULL) return error;
  if (is(verb, "advance")) return CALL(take_dlsn, dl_cursor_advance_start(cursor, to, call));
  if (is(verb, "reset")) return CALL(take_nothing, dl_cursor_reset_start(cursor, to, call));
  wrong("%s is nothing that a cursor does", verb);
  return NULL;
}

/* Reads so many bytes, or up to the end. */
static dl_error *read_bytes(struct request *request, dl_byte_reader *reader) {
  size_t most = (size_t)number(request->fields, "max"), length = 0, count = 1;
  uint8_t *buffer = malloc(most + 1);
  if (buffer == NULL) abort();
  dl_error *error = NULL;
  while (error == NULL && count > 0 && length < most) {
    error = dl_byte_reader_read(reader, buffer + length, most - length, -1, &count);
    if (error == NULL) length += count;
  }
  if (error == NULL) {
    request->result = json_object_new_object();
    json_object_object_add(request->result, "payload", show_bytes((dl_bytes){buffer, length}));
    json_object_object_add(request->result, "end", show_end(dl_byte_reader_end(reader)));
  }
  free(buffer);
  return error;
}

dl_error *on_byte_reader(struct request *request, const char *verb, dl_byte_reader *reader) {
  dl_call **call = &request->call;
  if (is(verb, "next_chunk")) return CALL(take_chunk, dl_byte_reader_next_chunk_start(reader, call));
  if (is(verb, "read_bytes")) return read_bytes(request, reader);
  if (is(verb, "close")) return CALL(take_nothing, dl_byte_reader_close_start(reader, call));
  if (is(verb, "seek"))
    return CALL(take_nothing, dl_byte_reader_seek_start(reader, (uint64_t)number(request->fields, "offset"), call));
  if (is(verb, "position"))
    request->result = json_object_new_uint64(dl_byte_reader_position(reader));
  else if (is(verb, "end"))
    request->result = show_end(dl_byte_reader_end(reader));
  else
    wrong("%s is nothing that a byte reader does", verb);
  return NULL;
}

dl_error *on_watcher(struct request *request, const char *verb, struct handle watcher) {
  dl_call **call = &request->call;
  if (!is(verb, "next")) {
    wrong("%s is nothing that a watcher does", verb);
    return NULL;
  }
  if (watcher.kind == LOG_WATCHER) return CALL(take_change, dl_log_watcher_next_start(watcher.object, call));
  return CALL(take_segments, dl_segment_watcher_next_start(watcher.object, call));
}
