#include <stdlib.h>
#include <string.h>

#include "agent.h"

bool has(const json *fields, const char *name) { return json_object_object_get_ex(fields, name, NULL); }

const char *optional_text(const json *fields, const char *name) {
  json *value = NULL;
  if (!json_object_object_get_ex(fields, name, &value)) return NULL;
  if (!json_object_is_type(value, json_type_string)) wrong("%s is no text", name);
  return json_object_get_string(value);
}

const char *text(const json *fields, const char *name) {
  const char *value = optional_text(fields, name);
  if (value == NULL) wrong("%s is missing", name);
  return value == NULL ? "" : value;
}

int64_t number(const json *fields, const char *name) {
  json *value = NULL;
  if (!json_object_object_get_ex(fields, name, &value)) wrong("%s is missing", name);
  return json_object_get_int64(value);
}

static int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  wrong("a payload is not hexadecimal");
  return 0;
}

size_t bytes_of(const char *hex, uint8_t **bytes) {
  size_t count = strlen(hex) / 2;
  *bytes = malloc(count + 1);
  if (*bytes == NULL) abort();
  for (size_t i = 0; i < count; i++) (*bytes)[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
  return count;
}

size_t records_of(const json *list, dl_bytes **payloads, int64_t **txids) {
  size_t count = json_object_array_length(list);
  *payloads = calloc(count + 1, sizeof **payloads);
  *txids = calloc(count + 1, sizeof **txids);
  if (*payloads == NULL || *txids == NULL) abort();
  for (size_t i = 0; i < count; i++) {
    json *record = json_object_array_get_idx(list, i);
    uint8_t *bytes = NULL;
    size_t length = bytes_of(text(record, "payload"), &bytes);
    (*payloads)[i] = (dl_bytes){bytes, length};
    (*txids)[i] = has(record, "txid") ? number(record, "txid") : -1;
  }
  return count;
}

void free_records(size_t count, dl_bytes *payloads, int64_t *txids) {
  for (size_t i = 0; i < count; i++) free((void *)payloads[i].data);
  free(payloads);
  free(txids);
}
