/* Records that are written all or none, and an append on a condition. */
#include "example.h"

int main(int count, char **arguments) {
  dl_namespace *namespace = open_namespace(count, arguments);
  dl_log *log = create_log(namespace, "accounts");
  dl_writer *writer = open_writer(log);

  /* A transfer is two records. No reader, and no crash, ever leaves only one of them. */
  const dl_bytes transfer[] = {bytes("alice -10"), bytes("bob +10")};
  dl_receipts *receipts = NULL;
  check(dl_writer_append_batch(writer, transfer, NULL, 2, NULL, FOREVER, &receipts));
  dl_dlsn first = dl_receipt_dlsn(dl_receipts_at(receipts, 0)), last = dl_receipt_dlsn(dl_receipts_at(receipts, 1));
  dl_receipts_free(receipts);
  printf("in one entry: %s\n", first.entry == last.entry ? "true" : "false");

  /* Only if nothing came in between. The condition is judged in the order of the appends. */
  dl_append_options *if_last = dl_append_options_new();
  check(dl_append_options_set_expected_last(if_last, last));
  check(dl_writer_append(writer, bytes("bob -3"), if_last, FOREVER, NULL));
  dl_error *refused = dl_writer_append(writer, bytes("bob -8"), if_last, FOREVER, NULL);
  printf("too late: %s\n", expect(DISTLOG_ERROR_CONDITION_FAILED, refused));
  dl_append_options_free(if_last);
  close_writer(writer);

  read_all(log);
  delete_log(namespace, log);
  close_namespace(namespace);
  return 0;
}
