/* Follows a log while another thread appends to it. */
#include <pthread.h>

#include "example.h"

static void *append(void *log) {
  dl_writer *writer = open_writer(log);
  const char *orders[] = {"order 1", "order 2", "order 3"};
  for (int i = 0; i < 3; i++) check(dl_writer_append(writer, bytes(orders[i]), NULL, FOREVER, NULL));
  /* No more will ever come; readers that follow are told. */
  check(dl_writer_seal(writer, FOREVER));
  close_writer(writer);
  return NULL;
}

int main(int count, char **arguments) {
  dl_namespace *namespace = open_namespace(count, arguments);
  dl_log *log = create_log(namespace, "orders");
  pthread_t appender;
  if (pthread_create(&appender, NULL, append, log) != 0) return 1;

  /* A record is delivered as soon as it is acknowledged: the reader is woken, it does not poll. */
  dl_reader_options *options = dl_reader_options_new();
  check(dl_reader_options_set_follow(options, true));
  dl_reader *reader = NULL;
  check(dl_log_open_reader(log, options, FOREVER, &reader));
  dl_reader_options_free(options);
  dl_record *record = NULL;
  for (;;) {
    check(dl_reader_next(reader, FOREVER, &record));
    if (record == NULL) break;
    printf("read: %.*s\n", SHOWN(dl_record_payload(record)));
    dl_record_free(record);
  }
  printf("the end: %s\n", dl_reader_end(reader) == DISTLOG_END_SEALED ? "sealed" : "not sealed");
  dl_reader_free(reader);

  pthread_join(appender, NULL);
  delete_log(namespace, log);
  close_namespace(namespace);
  return 0;
}
