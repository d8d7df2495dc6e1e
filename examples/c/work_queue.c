/* Jobs in a log. Workers share a cursor: one works at a time, and the next goes on where it stopped. */
#include "example.h"

/* A reader that starts behind the cursor and is the only one of it. */
static dl_reader *open_worker(dl_log *log) {
  dl_reader_options *options = dl_reader_options_new();
  dl_reader *reader = NULL;
  check(dl_reader_options_set_cursor(options, "workers"));
  check(dl_reader_options_set_locked(options, true));
  check(dl_log_open_reader(log, options, FOREVER, &reader));
  dl_reader_options_free(options);
  return reader;
}

/* Does at most `most` jobs. One that is done and not yet noted when a worker dies is done again: at least once. */
static void work(dl_reader *reader, const char *who, int most) {
  dl_cursor *cursor = NULL;
  dl_record *job = NULL;
  check(dl_reader_cursor(reader, &cursor));
  for (int i = 0; i < most; i++) {
    check(dl_reader_next(reader, FOREVER, &job));
    if (job == NULL) break;
    printf("%s: %.*s\n", who, SHOWN(dl_record_payload(job)));
    check(dl_cursor_advance(cursor, dl_record_dlsn(job), FOREVER, NULL));
    dl_record_free(job);
  }
  dl_cursor_free(cursor);
}

int main(int count, char **arguments) {
  dl_namespace *namespace = open_namespace(count, arguments);
  dl_log *log = create_log(namespace, "jobs");
  dl_writer *writer = open_writer(log);
  const dl_bytes jobs[] = {bytes("resize"), bytes("rotate"), bytes("upload"), bytes("notify")};
  check(dl_writer_append_many(writer, jobs, NULL, 4, NULL, FOREVER, NULL));
  close_writer(writer);

  dl_reader *anna = open_worker(log);
  work(anna, "anna", 2);

  /* Another worker takes the queue over, as one does when the first has hung: it starts behind the last job that was noted
   * as done, and the first one is told. */
  dl_reader *bert = open_worker(log);
  dl_record *job = NULL;
  printf("anna: %s\n", expect(DISTLOG_ERROR_FENCED, dl_reader_next(anna, FOREVER, &job)));
  work(bert, "bert", 10);
  dl_reader_free(anna);
  dl_reader_free(bert);

  delete_log(namespace, log);
  close_namespace(namespace);
  return 0;
}
