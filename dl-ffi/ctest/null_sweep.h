/* What the generated sweep works on. */
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

static void make_objects(void) {
  OK(dl_namespace_open("memory:c-null", NULL, -1, &the_namespace));
  OK(dl_namespace_create_log(the_namespace, "orders", -1));
  OK(dl_namespace_create_log(the_namespace, "stream", -1));
  OK(dl_namespace_log(the_namespace, "orders", &the_log));
  OK(dl_namespace_log(the_namespace, "stream", &the_stream));
  OK(dl_log_open_writer(the_log, NULL, -1, &the_writer));
  OK(dl_log_open_reader(the_log, NULL, -1, &the_reader));
  OK(dl_log_open_cursor(the_log, "cursor", -1, &the_cursor));
  OK(dl_log_open_byte_writer(the_stream, NULL, -1, &the_byte_writer));
  OK(dl_log_open_byte_reader(the_stream, NULL, -1, &the_byte_reader));
  OK(dl_namespace_watch_logs(the_namespace, NULL, &the_log_watcher));
  OK(dl_log_watch_segments(the_log, &the_segment_watcher));
  OK(dl_queue_new(&the_queue));
  OK(dl_writer_flush_start(the_writer, &the_call));
  the_namespace_options = dl_namespace_options_new();
  the_log_options = dl_log_options_new();
  the_writer_options = dl_writer_options_new();
  the_reader_options = dl_reader_options_new();
  the_append_options = dl_append_options_new();
}

static void free_objects(void) {
  dl_append_options_free(the_append_options);
  dl_reader_options_free(the_reader_options);
  dl_writer_options_free(the_writer_options);
  dl_log_options_free(the_log_options);
  dl_namespace_options_free(the_namespace_options);
  dl_call_free(the_call);
  dl_queue_free(the_queue);
  dl_segment_watcher_free(the_segment_watcher);
  dl_log_watcher_free(the_log_watcher);
  dl_byte_reader_free(the_byte_reader);
  dl_byte_writer_free(the_byte_writer);
  dl_cursor_free(the_cursor);
  dl_reader_free(the_reader);
  dl_writer_free(the_writer);
  dl_log_free(the_stream);
  dl_log_free(the_log);
  dl_namespace_free(the_namespace);
}

/* The call failed as one without its arguments must. */
static void refused(const char *function, dl_error *error) {
  if (dl_error_kind(error) != DISTLOG_ERROR_INVALID_ARGUMENT) {
    fprintf(stderr, "%s of nothing: %s\n", function, error == NULL ? "no error" : dl_error_text(error));
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
