/* Two writers of one log: the second cuts the first one off. */
#include "example.h"

int main(int count, char **arguments) {
  dl_namespace *namespace = open_namespace(count, arguments);
  dl_log *log = create_log(namespace, "orders");
  dl_writer *first = open_writer(log);
  check(dl_writer_append(first, bytes("order 1"), NULL, FOREVER, NULL));

  /* Who does not want to take the log over asks politely ... */
  dl_writer *second = NULL;
  dl_writer_options *polite = dl_writer_options_new();
  check(dl_writer_options_set_takeover(polite, "never"));
  printf("polite: %s\n", expect(DISTLOG_ERROR_LOCKED, dl_log_open_writer(log, polite, FOREVER, &second)));
  dl_writer_options_free(polite);

  /* ... and who does, opens a writer, here or in any process: from now on the first one is never acknowledged again. */
  second = open_writer(log);
  dl_error *refused = dl_writer_append(first, bytes("from the past"), NULL, FOREVER, NULL);
  printf("first: %s\n", expect(DISTLOG_ERROR_FENCED, refused));
  check(dl_writer_append(second, bytes("order 2"), NULL, FOREVER, NULL));
  dl_writer_free(first);
  close_writer(second);

  read_all(log);
  delete_log(namespace, log);
  close_namespace(namespace);
  return 0;
}
