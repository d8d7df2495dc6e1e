/* Appends records and reads them back. */
#include "example.h"

int main(int count, char **arguments) {
  dl_namespace *namespace = open_namespace(count, arguments);
  dl_log *log = create_log(namespace, "orders");

  /* A call that is started goes on by itself: many records are on their way at once, and one sync of the disk serves them. */
  dl_writer *writer = open_writer(log);
  const char *orders[] = {"order 1", "order 2", "order 3"};
  dl_call *calls[3];
  for (int i = 0; i < 3; i++) check(dl_writer_append_start(writer, bytes(orders[i]), NULL, &calls[i]));
  for (int i = 0; i < 3; i++) {
    dl_receipt *receipt = NULL;
    check(dl_call_wait(calls[i], FOREVER));
    check(dl_call_take_receipt(calls[i], &receipt)); /* acknowledged: it survives what the driver promises */
    printf("acknowledged: number %lld\n", (long long)dl_receipt_sequence_id(receipt));
    dl_receipt_free(receipt);
    dl_call_free(calls[i]);
  }
  close_writer(writer);

  read_all(log);
  delete_log(namespace, log);
  close_namespace(namespace);
  return 0;
}
