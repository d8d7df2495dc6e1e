/* What every example needs: to end when something failed, and to show text and bytes. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <dl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Waits without bound. */
#define FOREVER (-1)

/* Ends the program if there is an error. */
static inline void check(dl_error *error) {
  if (error == NULL) return;
  fprintf(stderr, "%s\n", dl_error_text(error));
  exit(1);
}

/* Ends the program unless the error is of this kind; answers its name, which lives for ever. */
static inline const char *expect(uint32_t kind, dl_error *error) {
  if (error == NULL) {
    fprintf(stderr, "it did not fail\n");
    exit(1);
  }
  if (dl_error_kind(error) != kind) check(error);
  const char *name = dl_error_name(error);
  dl_error_free(error);
  return name;
}

static inline dl_bytes bytes(const char *text) { return (dl_bytes){(const uint8_t *)text, strlen(text)}; }

/* The bytes as text for "%.*s". */
#define SHOWN(bytes) (int)(bytes).length, (const char *)(bytes).data

/* Opens the namespace of the command line, or one in memory. */
static inline dl_namespace *open_namespace(int count, char **arguments) {
  dl_namespace *opened = NULL;
  check(dl_namespace_open(count > 1 ? arguments[1] : "memory:example", NULL, FOREVER, &opened));
  return opened;
}

/* Makes a log and opens it. */
static inline dl_log *create_log(dl_namespace *in, const char *name) {
  dl_log *log = NULL;
  check(dl_namespace_create_log(in, name, FOREVER));
  check(dl_namespace_open_log(in, name, FOREVER, &log));
  return log;
}

static inline dl_writer *open_writer(dl_log *log) {
  dl_writer *writer = NULL;
  check(dl_log_open_writer(log, NULL, FOREVER, &writer));
  return writer;
}

static inline void close_writer(dl_writer *writer) {
  check(dl_writer_close(writer, FOREVER));
  dl_writer_free(writer);
}

/* Reads a log from its first record to its end and shows each. */
static inline void read_all(dl_log *log) {
  dl_reader *reader = NULL;
  dl_record *record = NULL;
  check(dl_log_open_reader(log, NULL, FOREVER, &reader));
  for (;;) {
    check(dl_reader_next(reader, FOREVER, &record));
    if (record == NULL) break;
    printf("read: %.*s\n", SHOWN(dl_record_payload(record)));
    dl_record_free(record);
  }
  dl_reader_free(reader);
}

static inline void delete_log(dl_namespace *in, dl_log *log) {
  check(dl_namespace_delete_log(in, dl_log_name(log), FOREVER));
  dl_log_free(log);
}

static inline void close_namespace(dl_namespace *opened) {
  check(dl_namespace_close(opened, FOREVER));
  dl_namespace_free(opened);
}

#endif
