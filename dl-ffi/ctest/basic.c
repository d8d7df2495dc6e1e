/* The main way through the interface: each of the three ways to wait, batches, errors and what they say. */
#include "check.h"

#include <poll.h>
#include <stdatomic.h>

static dl_namespace *open_namespace(const char *uri) {
  dl_namespace *namespace;
  OK(dl_namespace_open(uri, NULL, -1, &namespace));
  return namespace;
}

static dl_log *open_log(dl_namespace *namespace, const char *name) {
  dl_log *log;
  OK(dl_namespace_create_log(namespace, name, -1));
  OK(dl_namespace_open_log(namespace, name, -1, &log));
  return log;
}

static void close_all(dl_namespace *namespace, dl_log *log, dl_writer *writer) {
  OK(dl_writer_close(writer, -1));
  dl_writer_free(writer);
  dl_log_free(log);
  OK(dl_namespace_close(namespace, -1));
  dl_namespace_free(namespace);
}

static void what_is_appended_is_read(void) {
  dl_namespace *namespace = open_namespace("memory:c-basic");
  dl_log *log = open_log(namespace, "orders");
  dl_writer *writer;
  OK(dl_log_open_writer(log, NULL, 5000, &writer));

  dl_receipt *receipt;
  OK(dl_writer_append(writer, text("first"), NULL, -1, &receipt));
  dl_dlsn first = dl_receipt_dlsn(receipt);
  CHECK(dl_receipt_sequence_id(receipt) == 0 && !dl_receipt_is_duplicate(receipt));
  CHECK(dl_receipt_durability(receipt) == DISTLOG_DURABILITY_MEMORY);
  CHECK(strcmp(dl_receipt_durability_name(receipt), "memory") == 0);
  dl_receipt_free(receipt);

  dl_append_options *options = dl_append_options_new();
  OK(dl_append_options_set_txid(options, INT64_C(9000000000000000000)));
  OK(dl_append_options_set_expected_last(options, first));
  OK(dl_writer_append(writer, text("second"), options, 5000, NULL));
  FAILS(DISTLOG_ERROR_CONDITION_FAILED, dl_writer_append(writer, text("third"), options, -1, NULL));
  dl_append_options_free(options);

  dl_reader *reader;
  dl_record *record;
  OK(dl_log_open_reader(log, NULL, -1, &reader));
  OK(dl_reader_next(reader, -1, &record));
  CHECK(is(dl_record_payload(record), "first") && dl_dlsn_compare(dl_record_dlsn(record), first) == 0);
  dl_record_free(record);
  dl_records *records;
  OK(dl_reader_next_batch(reader, 10, -1, &records));
  CHECK(dl_records_count(records) == 1 && dl_records_at(records, 1) == NULL);
  CHECK(is(dl_record_payload(dl_records_at(records, 0)), "second"));
  dl_bytes payloads[2];
  CHECK(dl_records_payloads(records, payloads, 2) == 1 && is(payloads[0], "second"));
  CHECK(dl_record_txid(dl_records_at(records, 0)) == INT64_C(9000000000000000000));
  dl_records_free(records);
  CHECK(dl_reader_end(reader) == 0);
  OK(dl_reader_next(reader, -1, &record));
  CHECK(record == NULL && dl_reader_end(reader) == DISTLOG_END_END);
  OK(dl_reader_close(reader, -1));
  FAILS(DISTLOG_ERROR_CLOSED, dl_reader_next(reader, -1, &record));
  dl_reader_free(reader);
  close_all(namespace, log, writer);
}

/* Whether the call was refused, under this name. */
static void refused(const char *operation, dl_error *error) {
  CHECK(error != NULL && dl_error_operation(error) != NULL && strcmp(dl_error_operation(error), operation) == 0);
  if (dl_error_kind(error) == DISTLOG_ERROR_TOO_LARGE && strcmp(operation, "append_record_set") != 0)
    CHECK(strstr(dl_error_message(error), "split it into several records") != NULL);
  dl_error_free(error);
}

static void many_records_go_in_one_call(void) {
  dl_namespace *namespace = open_namespace("memory:c-many");
  dl_log *log = open_log(namespace, "orders");
  dl_writer *writer;
  OK(dl_log_open_writer(log, NULL, -1, &writer));

  const dl_bytes payloads[] = {text("a"), text("bb"), text("")};
  const int64_t txids[] = {10, 20, 20};
  dl_receipts *receipts;
  OK(dl_writer_append_many(writer, payloads, txids, 3, NULL, -1, &receipts));
  CHECK(dl_receipts_count(receipts) == 3 && dl_receipts_first_error(receipts) == NULL);
  CHECK(dl_receipt_txid(dl_receipts_at(receipts, 1)) == 20);
  dl_receipts_free(receipts);

  /* The second one is refused, and nothing behind it is appended. */
  const int64_t falling[] = {30, 5, 30};
  FAILS(DISTLOG_ERROR_INVALID_ARGUMENT, dl_writer_append_many(writer, payloads, falling, 3, NULL, -1, &receipts));
  CHECK(dl_receipts_at(receipts, 0) != NULL && dl_receipts_at(receipts, 1) == NULL);
  FAILS(DISTLOG_ERROR_INVALID_ARGUMENT, dl_receipts_error(receipts, 1));
  CHECK(dl_receipts_count(receipts) == 2 && dl_receipts_at(receipts, 2) == NULL);
  dl_error *none = dl_receipts_error(receipts, 2);
  CHECK(dl_error_kind(none) == DISTLOG_ERROR_INVALID_ARGUMENT && strstr(dl_error_message(none), "no record 2") != NULL);
  dl_error_free(none);
  dl_receipts_free(receipts);

  /* What is refused before it comes to the writer names the call too, and says what to do. */
  static uint8_t much[1040365];
  const dl_bytes large = {much, sizeof much};
  const int64_t wrong = -2;
  dl_call *call;
  refused("append", dl_writer_append(writer, large, NULL, -1, NULL));
  refused("append", dl_writer_append_start(writer, large, NULL, &call));
  refused("try_append", dl_writer_try_append_start(writer, large, NULL, &call));
  refused("append_many", dl_writer_append_many(writer, &large, NULL, 1, NULL, -1, NULL));
  refused("append_many", dl_writer_append_many(writer, payloads, &wrong, 1, NULL, -1, NULL));
  refused("append_batch", dl_writer_append_batch(writer, &large, NULL, 1, NULL, -1, NULL));
  refused("append_batch", dl_writer_append_batch(writer, payloads, &wrong, 1, NULL, -1, NULL));
  refused("append_record_set", dl_writer_append_record_set(writer, &large, 1, NULL, NULL, -1, NULL));

  /* A batch is all or nothing. */
  FAILS(DISTLOG_ERROR_INVALID_ARGUMENT, dl_writer_append_batch(writer, payloads, falling, 3, NULL, -1, NULL));
  OK(dl_writer_append_batch(writer, payloads, NULL, 3, NULL, -1, &receipts));
  dl_dlsn last = dl_receipt_dlsn(dl_receipts_at(receipts, 2));
  CHECK(last.slot == 2);
  dl_receipts_free(receipts);
  OK(dl_writer_append_record_set(writer, payloads, 3, "lz4", NULL, -1, NULL));

  uint64_t count;
  OK(dl_log_count(log, NULL, NULL, -1, &count));
  CHECK(count == 10);
  OK(dl_log_count(log, NULL, &last, -1, &count));
  CHECK(count == 7);
  close_all(namespace, log, writer);
}

/* What the function of a call notes. */
struct noted {
  atomic_int calls;
  int64_t sequence_id;
};

static void note(void *user_data, dl_call *call) {
  struct noted *noted = user_data;
  dl_receipt *receipt;
  OK(dl_call_take_receipt(call, &receipt));
  noted->sequence_id = dl_receipt_sequence_id(receipt);
  dl_receipt_free(receipt);
  dl_call_free(call);
  atomic_fetch_add(&noted->calls, 1);
}

static void note_the_end(void *user_data, dl_call *call) {
  (void)call;
  atomic_fetch_add((atomic_int *)user_data, 1);
}

static void wait_for(atomic_int *value, int wanted) {
  while (atomic_load(value) < wanted) {
    poll(NULL, 0, 1);
  }
}

static void each_way_to_wait_works(void) {
  dl_namespace *namespace = open_namespace("memory:c-waiting");
  dl_log *log = open_log(namespace, "orders");
  dl_writer *writer;
  OK(dl_log_open_writer(log, NULL, -1, &writer));

  /* Waiting for the call itself. */
  dl_call *call;
  dl_receipt *receipt;
  OK(dl_writer_append_start(writer, text("one"), NULL, &call));
  OK(dl_call_wait(call, -1));
  CHECK(dl_call_is_done(call));
  OK(dl_call_finish(call));
  uint64_t count;
  FAILS(DISTLOG_ERROR_INVALID_ARGUMENT, dl_call_take_count(call, &count));
  OK(dl_call_take_receipt(call, &receipt));
  FAILS(DISTLOG_ERROR_INVALID_ARGUMENT, dl_call_take_receipt(call, &receipt));
  dl_receipt_free(receipt);
  dl_call_free(call);

  /* A function. */
  static struct noted noted;
  OK(dl_writer_append_start(writer, text("two"), NULL, &call));
  OK(dl_call_notify(call, note, &noted));
  wait_for(&noted.calls, 1);
  CHECK(noted.sequence_id == 1);

  /* A queue with a descriptor. */
  dl_queue *queue;
  OK(dl_queue_new(&queue));
  dl_call *calls[3];
  for (int i = 0; i < 3; i++) {
    OK(dl_writer_append_start(writer, text("more"), NULL, &calls[i]));
    OK(dl_call_enqueue(calls[i], queue, &calls[i]));
    FAILS(DISTLOG_ERROR_ALREADY_EXISTS, dl_call_enqueue(calls[i], queue, NULL));
  }
  int done = 0;
  while (done < 3) {
    struct pollfd polled = {.fd = dl_queue_fd(queue), .events = POLLIN};
    CHECK(poll(&polled, 1, 10000) == 1);
    dl_call *ended[2];
    void *data[2];
    size_t taken;
    OK(dl_queue_next(queue, 0, 2, ended, data, &taken));
    for (size_t i = 0; i < taken; i++) {
      CHECK(data[i] == &calls[done] && ended[i] == calls[done]);
      OK(dl_call_finish(ended[i]));
      dl_call_free(ended[i]);
      done++;
    }
  }
  size_t taken;
  dl_call *none;
  OK(dl_queue_next(queue, 0, 1, &none, NULL, &taken));
  CHECK(taken == 0);
  /* Who wants none has none at once. */
  taken = 1;
  OK(dl_queue_next(queue, -1, 0, NULL, NULL, &taken));
  CHECK(taken == 0);
  dl_queue_free(queue);
  close_all(namespace, log, writer);
}

static void a_read_that_ends_early_loses_nothing(void) {
  dl_namespace *namespace = open_namespace("memory:c-cancel");
  dl_log *log = open_log(namespace, "orders");
  dl_writer *writer;
  dl_reader *reader;
  dl_record *record;
  dl_call *call;
  OK(dl_log_open_writer(log, NULL, -1, &writer));
  dl_reader_options *options = dl_reader_options_new();
  OK(dl_reader_options_set_follow(options, true));
  OK(dl_log_open_reader(log, options, -1, &reader));
  dl_reader_options_free(options);

  FAILS(DISTLOG_ERROR_TIMEOUT, dl_reader_next(reader, 1, &record));
  OK(dl_reader_next_start(reader, &call));
  FAILS(DISTLOG_ERROR_BUSY, dl_call_finish(call));
  FAILS(DISTLOG_ERROR_TIMEOUT, dl_call_wait(call, 0));
  dl_call_cancel(call);
  OK(dl_call_wait(call, -1));
  FAILS(DISTLOG_ERROR_CANCELLED, dl_call_finish(call));
  dl_call_free(call);

  /* Read, but never taken. */
  OK(dl_writer_append(writer, text("one"), NULL, -1, NULL));
  OK(dl_writer_append(writer, text("two"), NULL, -1, NULL));
  dl_dlsn before = dl_reader_position(reader);
  OK(dl_reader_next_start(reader, &call));
  OK(dl_call_wait(call, -1));
  /* Whoever goes on from the position after a crash must find what was not taken. */
  CHECK(dl_dlsn_compare(dl_reader_position(reader), before) == 0);
  dl_call_free(call);
  CHECK(dl_dlsn_compare(dl_reader_position(reader), before) == 0);
  dl_call *calls[2];
  for (int i = 0; i < 2; i++) OK(dl_reader_next_start(reader, &calls[i]));
  for (int i = 0; i < 2; i++) OK(dl_call_wait(calls[i], -1));
  OK(dl_call_take_record(calls[1], &record));
  CHECK(is(dl_record_payload(record), "two"));
  dl_record_free(record);
  CHECK(dl_dlsn_compare(dl_reader_position(reader), before) == 0);
  OK(dl_call_take_record(calls[0], &record));
  dl_dlsn one = dl_record_dlsn(record);
  dl_record_free(record);
  CHECK(dl_dlsn_compare(dl_reader_position(reader), one) > 0);
  for (int i = 0; i < 2; i++) dl_call_free(calls[i]);
  dl_reader_free(reader);
  OK(dl_log_open_reader(log, NULL, -1, &reader));
  before = dl_reader_position(reader);
  dl_records *records;
  OK(dl_reader_next_batch_start(reader, 2, -1, &call));
  OK(dl_call_wait(call, -1));
  CHECK(dl_dlsn_compare(dl_reader_position(reader), one) <= 0);
  OK(dl_call_take_records(call, &records));
  CHECK(dl_records_count(records) > 0 && dl_dlsn_compare(dl_reader_position(reader), one) > 0);
  dl_records_free(records);
  dl_call_free(call);
  dl_reader_free(reader);
  options = dl_reader_options_new();
  OK(dl_reader_options_set_follow(options, true));
  OK(dl_log_open_reader(log, options, -1, &reader));
  dl_reader_options_free(options);
  OK(dl_reader_next(reader, -1, &record));
  CHECK(is(dl_record_payload(record), "one"));
  dl_record_free(record);
  OK(dl_reader_next(reader, -1, &record));
  CHECK(is(dl_record_payload(record), "two"));
  dl_record_free(record);

  /* Freed while it waits: its function is called nevertheless. */
  static atomic_int ends;
  OK(dl_reader_next_start(reader, &call));
  OK(dl_call_notify(call, note_the_end, &ends));
  dl_call_free(call);
  wait_for(&ends, 1);

  /* Closed while it waits. */
  OK(dl_reader_next_start(reader, &call));
  OK(dl_reader_close(reader, -1));
  OK(dl_call_wait(call, -1));
  FAILS(DISTLOG_ERROR_CLOSED, dl_call_take_record(call, &record));
  dl_call_free(call);
  dl_reader_free(reader);
  close_all(namespace, log, writer);
}

static void a_writer_is_fenced_by_the_next(void) {
  dl_namespace *namespace = open_namespace("memory:c-fencing?client_id=the first");
  dl_namespace *other = open_namespace("memory:c-fencing?client_id=the second");
  dl_log *log = open_log(namespace, "orders");
  dl_log *same;
  dl_writer *first;
  dl_writer *second;
  dl_call *fenced;
  OK(dl_log_open_writer(log, NULL, -1, &first));
  OK(dl_writer_wait_fenced_start(first, &fenced));
  FAILS(DISTLOG_ERROR_TIMEOUT, dl_writer_wait_fenced(first, 0));
  OK(dl_namespace_log(other, "orders", &same));

  dl_writer_options *never = dl_writer_options_new();
  OK(dl_writer_options_set_takeover(never, "never"));
  dl_error *error = dl_log_open_writer(same, never, -1, &second);
  CHECK(dl_error_kind(error) == DISTLOG_ERROR_LOCKED && dl_error_is_retryable(error));
  CHECK(strcmp(dl_error_owner(error), "the first") == 0 && strcmp(dl_error_log(error), "orders") == 0);
  CHECK(!dl_error_may_have_taken_effect(error) && strcmp(dl_error_name(error), "locked") == 0);
  dl_error_free(error);
  dl_writer_options_free(never);

  OK(dl_log_open_writer(same, NULL, -1, &second));
  OK(dl_call_wait(fenced, -1));
  error = dl_call_finish(fenced);
  CHECK(dl_error_kind(error) == DISTLOG_ERROR_FENCED && strcmp(dl_error_owner(error), "the second") == 0);
  dl_error_free(error);
  dl_call_free(fenced);
  FAILS(DISTLOG_ERROR_FENCED, dl_writer_append(first, text("late"), NULL, -1, NULL));
  dl_writer_free(first);
  dl_log_free(same);
  close_all(namespace, log, second);
  OK(dl_namespace_close(other, -1));
  dl_namespace_free(other);
}

static void arguments_are_checked(void) {
  dl_namespace *namespace;
  FAILS(DISTLOG_ERROR_INVALID_ARGUMENT, dl_namespace_open("nonsense", NULL, -1, &namespace));
  FAILS(DISTLOG_ERROR_INVALID_ARGUMENT, dl_namespace_open("memory:\xff", NULL, -1, &namespace));
  namespace = open_namespace("memory:c-arguments");
  FAILS(DISTLOG_ERROR_INVALID_ARGUMENT, dl_namespace_create_log(namespace, "a//b", -1));
  FAILS(DISTLOG_ERROR_NOT_FOUND, dl_namespace_delete_log(namespace, "none", -1));

  dl_writer_options *options = dl_writer_options_new();
  FAILS(DISTLOG_ERROR_INVALID_ARGUMENT, dl_writer_options_set(options, "novel", "1"));
  FAILS(DISTLOG_ERROR_INVALID_ARGUMENT, dl_writer_options_set_roll_bytes(options, 1));
  OK(dl_writer_options_set(options, "roll_bytes", "64MiB"));
  CHECK(strcmp(dl_writer_options_get(options, "roll_bytes"), "64MiB") == 0);
  CHECK(dl_writer_options_get(options, "roll_ms") == NULL);
  dl_writer_options_free(options);

  char buffer[DISTLOG_DLSN_TEXT_BYTES];
  dl_dlsn dlsn;
  OK(dl_dlsn_parse("3:120:0", &dlsn));
  CHECK(dlsn.segment == 3 && dlsn.entry == 120 && dlsn.slot == 0);
  OK(dl_dlsn_format(dl_dlsn_next(dlsn), buffer, sizeof buffer));
  CHECK(strcmp(buffer, "3:120:1") == 0);
  FAILS(DISTLOG_ERROR_TOO_LARGE, dl_dlsn_format(dlsn, buffer, 7));
  FAILS(DISTLOG_ERROR_INVALID_ARGUMENT, dl_dlsn_parse("3:120", &dlsn));
  OK(dl_namespace_close(namespace, -1));
  dl_namespace_free(namespace);
}

int main(void) {
  RUN(what_is_appended_is_read);
  RUN(many_records_go_in_one_call);
  RUN(each_way_to_wait_works);
  RUN(a_read_that_ends_early_loses_nothing);
  RUN(a_writer_is_fenced_by_the_next);
  RUN(arguments_are_checked);
  return finish();
}
