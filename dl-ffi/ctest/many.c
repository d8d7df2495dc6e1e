/* Many records with one call: what there is room for is taken from the caller's memory at once, and the rest waits. */
#include "check.h"

enum { COUNT = 10, BYTES = 16, CALLS = 20 };

static dl_namespace *namespace;
static dl_log *log;
static dl_writer *writer;

/* A writer, of a namespace of its own, that has so many records in flight at most. */
static void open_writer(uint64_t in_flight) {
  static int namespaces;
  char uri[32];
  snprintf(uri, sizeof uri, "memory:c-many-%d", ++namespaces);
  dl_writer_options *options = dl_writer_options_new();
  OK(dl_namespace_open(uri, NULL, -1, &namespace));
  OK(dl_namespace_log(namespace, "orders", &log));
  OK(dl_writer_options_set_create_log(options, true));
  OK(dl_writer_options_set_in_flight_records(options, in_flight));
  OK(dl_log_open_writer(log, options, -1, &writer));
  dl_writer_options_free(options);
}

static void close_all(void) {
  OK(dl_writer_close(writer, -1));
  dl_writer_free(writer);
  dl_log_free(log);
  OK(dl_namespace_close(namespace, -1));
  dl_namespace_free(namespace);
}

/* Starts a call from memory that is overwritten as soon as it is started. */
static dl_call *start(int number) {
  char memory[COUNT][BYTES];
  dl_bytes payloads[COUNT];
  for (int i = 0; i < COUNT; i++) {
    snprintf(memory[i], BYTES, "%d-%d", number, i);
    payloads[i] = text(memory[i]);
  }
  dl_call *call;
  OK(dl_writer_append_many_start(writer, payloads, NULL, COUNT, NULL, &call));
  memset(memory, 'x', sizeof memory);
  return call;
}

/* What is in the log is of each call what it appended, from its first record on. Answers how many records those are. */
static size_t check_what_was_appended(void) {
  dl_reader *reader;
  dl_record *record;
  size_t count = 0;
  int next[CALLS] = {0};
  OK(dl_log_open_reader(log, NULL, -1, &reader));
  for (;; count++) {
    OK(dl_reader_next(reader, -1, &record));
    if (record == NULL) break;
    int number, index;
    char payload[BYTES];
    dl_bytes bytes = dl_record_payload(record);
    CHECK(bytes.length < BYTES);
    memcpy(payload, bytes.data, bytes.length);
    payload[bytes.length] = 0;
    CHECK(sscanf(payload, "%d-%d", &number, &index) == 2);
    CHECK(number < CALLS && next[number] == index);
    next[number]++;
    dl_record_free(record);
  }
  dl_reader_free(reader);
  return count;
}

static void take(dl_call *call) {
  dl_receipts *receipts;
  OK(dl_call_wait(call, -1));
  OK(dl_call_take_receipts(call, &receipts));
  CHECK(dl_receipts_count(receipts) == COUNT);
  OK(dl_receipts_first_error(receipts));
  int64_t before = -1;
  for (int i = 0; i < COUNT; i++) {
    int64_t place = dl_receipt_sequence_id(dl_receipts_at(receipts, i));
    CHECK(place > before);
    before = place;
  }
  dl_receipts_free(receipts);
  dl_call_free(call);
}

static void memory_is_the_callers_again_at_once(void) {
  const uint64_t rooms[] = {1, 3, COUNT, 10 * CALLS * COUNT};
  for (int round = 0; round < 4; round++) {
    open_writer(rooms[round]);
    dl_call *calls[CALLS];
    for (int i = 0; i < CALLS; i++) calls[i] = start(i);
    for (int i = 0; i < CALLS; i++) take(calls[i]);
    CHECK(check_what_was_appended() == CALLS * COUNT);
    close_all();
  }
}

static void calls_that_wait_are_told_in_turn(void) {
  open_writer(3);
  dl_queue *queue;
  dl_call *calls[CALLS];
  OK(dl_queue_new(&queue));
  for (int i = 0; i < CALLS; i++) {
    calls[i] = start(i);
    OK(dl_call_enqueue(calls[i], queue, NULL));
  }
  for (int i = 0; i < CALLS; i++) {
    dl_call *ended;
    size_t count;
    OK(dl_queue_next(queue, -1, 1, &ended, NULL, &count));
    CHECK(count == 1 && ended == calls[i]);
    take(ended);
  }
  dl_queue_free(queue);
  close_all();
}

/* With room for all and with room for one. */
static void it_ends_at_the_first_that_is_refused(void) {
  for (uint64_t room = 1; room <= COUNT; room += COUNT - 1) {
    open_writer(room);
    static const uint8_t large[2 << 20];
    const dl_bytes falling[] = {text("a"), text("b"), text("no"), text("behind")};
    const dl_bytes too_large[] = {text("c"), text("d"), {large, sizeof large}, text("behind"), {NULL, 1}};
    const int64_t txids[] = {1, 2, 1, 2};
    const unsigned kinds[] = {DISTLOG_ERROR_INVALID_ARGUMENT, DISTLOG_ERROR_TOO_LARGE};
    for (int i = 0; i < 2; i++) {
      dl_receipts *receipts;
      dl_call *call;
      OK(dl_writer_append_many_start(writer, i ? too_large : falling, i ? NULL : txids, 4 + i, NULL, &call));
      OK(dl_call_wait(call, -1));
      OK(dl_call_take_receipts(call, &receipts));
      dl_call_free(call);
      FAILS(kinds[i], dl_receipts_first_error(receipts));
      CHECK(dl_receipts_count(receipts) == 3);
      CHECK(dl_receipts_at(receipts, 1) != NULL && dl_receipts_at(receipts, 2) == NULL);
      OK(dl_receipts_error(receipts, 1));
      FAILS(kinds[i], dl_receipts_error(receipts, 2));
      CHECK(dl_receipts_count(receipts) == 3 && dl_receipts_at(receipts, 3) == NULL);
      dl_receipts_free(receipts);
    }
    uint64_t count;
    OK(dl_log_count(log, NULL, NULL, -1, &count));
    CHECK(count == 4);
    close_all();
  }
}

/* Nothing of a call that is wrong as a whole is appended. */
static void wrong_calls_append_nothing(void) {
  open_writer(COUNT);
  const dl_bytes missing[] = {text("a"), {NULL, 1}}, payloads[] = {text("a"), text("b")};
  const int64_t txids[] = {1, -2};
  dl_call *call;
  FAILS(DISTLOG_ERROR_INVALID_ARGUMENT, dl_writer_append_many_start(writer, missing, NULL, 2, NULL, &call));
  FAILS(DISTLOG_ERROR_INVALID_ARGUMENT, dl_writer_append_many_start(writer, payloads, txids, 2, NULL, &call));
  FAILS(DISTLOG_ERROR_INVALID_ARGUMENT, dl_writer_append_many_start(writer, payloads, NULL, 2, NULL, NULL));
  /* This one is wrong as well, but says so when it is done. */
  dl_append_options *options = dl_append_options_new();
  OK(dl_append_options_set_expected_empty(options));
  OK(dl_writer_append_many_start(writer, payloads, NULL, 2, options, &call));
  OK(dl_call_wait(call, -1));
  FAILS(DISTLOG_ERROR_INVALID_ARGUMENT, dl_call_finish(call));
  dl_call_free(call);
  dl_append_options_free(options);
  uint64_t count;
  OK(dl_writer_flush(writer, -1));
  OK(dl_log_count(log, NULL, NULL, -1, &count));
  CHECK(count == 0);
  close_all();
}

/* What has its place is in the log, and the rest is not: from the first record of each call on. */
static void given_up_while_they_wait(void) {
  for (int round = 0; round < 20; round++) {
    open_writer(1 + round);
    dl_call *calls[CALLS];
    for (int i = 0; i < CALLS; i++) calls[i] = start(i);
    for (int i = round % 2; i < CALLS; i++) {
      dl_call_cancel(calls[i]);
      dl_call_free(calls[i]);
    }
    if (round % 2) take(calls[0]);
    OK(dl_writer_flush(writer, -1));
    CHECK(check_what_was_appended() >= (round % 2 ? COUNT : 1));
    OK(dl_writer_append(writer, text("behind"), NULL, -1, NULL));
    close_all();
  }
}

int main(void) {
  RUN(memory_is_the_callers_again_at_once);
  RUN(calls_that_wait_are_told_in_turn);
  RUN(it_ends_at_the_first_that_is_refused);
  RUN(wrong_calls_append_nothing);
  RUN(given_up_while_they_wait);
  return finish();
}
