#include "options.h"

#include <string.h>

#define OPTIONS(type)                                                                          \
  dl_error *type##_options(const json *fields, dl_##type##_options **options) {                \
    *options = dl_##type##_options_new();                                                      \
    json *given = NULL;                                                                        \
    if (!json_object_object_get_ex(fields, "options", &given)) return NULL;                    \
    dl_error *error = NULL;                                                                    \
    json_object_object_foreach(given, name, value) {                                           \
      if (error == NULL) error = dl_##type##_options_set(*options, name, json_object_get_string(value)); \
    }                                                                                          \
    if (error == NULL) return NULL;                                                            \
    dl_##type##_options_free(*options);                                                        \
    *options = NULL;                                                                           \
    return error;                                                                              \
  }

OPTIONS(namespace)
OPTIONS(log)
OPTIONS(writer)
OPTIONS(reader)

dl_error *append_options(const json *fields, const json *record, dl_append_options **options) {
  const char *last = optional_text(fields, "if_last");
  *options = NULL;
  if (last == NULL && !has(record, "txid")) return NULL;
  *options = dl_append_options_new();
  dl_error *error = NULL;
  dl_dlsn dlsn;
  if (has(record, "txid")) error = dl_append_options_set_txid(*options, number(record, "txid"));
  if (error == NULL && last != NULL && strcmp(last, "none") == 0) {
    error = dl_append_options_set_expected_empty(*options);
  } else if (error == NULL && last != NULL) {
    error = dl_dlsn_parse(last, &dlsn);
    if (error == NULL) error = dl_append_options_set_expected_last(*options, dlsn);
  }
  if (error != NULL) {
    dl_append_options_free(*options);
    *options = NULL;
  }
  return error;
}
