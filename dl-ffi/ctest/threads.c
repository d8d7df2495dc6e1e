/* Many threads at once, and handles that are closed or freed under calls in flight. */
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { THREADS = 8, RECORDS = 200, CALLS = 500 };

static dl_namespace *namespace;
static dl_log *log;
/* Handed to the thread of the library's functions, which a sanitizer does not see. */
static dl_writer *_Atomic writer;

static void open_writer(const char *uri) {
  OK(dl_namespace_open(uri, NULL, -1, &namespace));
  OK(dl_namespace_create_log(namespace, "orders", -1));
  OK(dl_namespace_open_log(namespace, "orders", -1, &log));
  dl_writer *opened;
  OK(dl_log_open_writer(log, NULL, -1, &opened));
  atomic_store(&writer, opened);
}

static void close_namespace(void) {
  dl_log_free(log);
  OK(dl_namespace_close(namespace, -1));
  dl_namespace_free(namespace);
}

static dl_reader *open_following(void) {
  dl_reader *reader;
  dl_reader_options *options = dl_reader_options_new();
  OK(dl_reader_options_set_follow(options, true));
  OK(dl_log_open_reader(log, options, -1, &reader));
  dl_reader_options_free(options);
  return reader;
}

static void run_threads(void *(*work)(void *)) {
  pthread_t threads[THREADS];
  for (intptr_t i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, work, (void *)i) == 0);
  for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
}

static void *append_and_count(void *argument) {
  char payload[32];
  snprintf(payload, sizeof payload, "thread %d", (int)(intptr_t)argument);
  for (int i = 0; i < RECORDS; i++) {
    uint64_t count;
    OK(dl_writer_append(writer, text(payload), NULL, i % 2 ? -1 : 60000, NULL));
    if (i % 50 == 0) OK(dl_log_count(log, NULL, NULL, -1, &count));
  }
  return NULL;
}

static void eight_threads_share_a_writer(void) {
  open_writer("memory:c-threads");
  run_threads(append_and_count);
  uint64_t count;
  OK(dl_log_count(log, NULL, NULL, -1, &count));
  CHECK(count == THREADS * RECORDS);
  OK(dl_writer_close(writer, -1));
  dl_writer_free(writer);
  close_namespace();
}

static dl_reader *shared;
static atomic_uint read_records;

static void *read_until_closed(void *argument) {
  (void)argument;
  for (;;) {
    dl_record *record;
    dl_error *error = dl_reader_next(shared, -1, &record);
    if (error != NULL) {
      CHECK(dl_error_kind(error) == DISTLOG_ERROR_CLOSED);
      dl_error_free(error);
      return NULL;
    }
    dl_record_free(record);
    if (atomic_fetch_add(&read_records, 1) + 1 == RECORDS) OK(dl_reader_close(shared, -1));
  }
}

static void a_reader_is_closed_under_eight_threads(void) {
  open_writer("memory:c-readers");
  shared = open_following();
  for (int i = 0; i < RECORDS; i++) OK(dl_writer_append(writer, text("payload"), NULL, -1, NULL));
  run_threads(read_until_closed);
  CHECK(atomic_load(&read_records) == RECORDS);
  dl_reader_free(shared);
  OK(dl_writer_close(writer, -1));
  dl_writer_free(writer);
  close_namespace();
}

/* What the functions of calls note; they run on one thread. */
static atomic_int told, kinds[32], in_order;
static atomic_llong last_sequence_id;

static void note(void *user_data, dl_call *call) {
  (void)user_data;
  dl_receipt *receipt;
  dl_error *error = dl_call_take_receipt(call, &receipt);
  if (error == NULL) {
    int64_t sequence_id = dl_receipt_sequence_id(receipt);
    if (sequence_id > atomic_exchange(&last_sequence_id, sequence_id)) atomic_fetch_add(&in_order, 1);
    dl_receipt_free(receipt);
  }
  atomic_fetch_add(&kinds[dl_error_kind(error)], 1);
  dl_error_free(error);
  dl_call_free(call);
  atomic_fetch_add(&told, 1);
}

static void await_told(int wanted) {
  while (atomic_load(&told) < wanted) sched_yield();
}

static void forget_told(void) {
  atomic_store(&told, 0);
  atomic_store(&in_order, 0);
  atomic_store(&last_sequence_id, -1);
  for (int i = 0; i < 32; i++) atomic_store(&kinds[i], 0);
}

static void *start_appends(void *argument) {
  (void)argument;
  for (int i = 0; i < CALLS; i++) {
    dl_call *call;
    OK(dl_writer_append_start(writer, text("payload"), NULL, &call));
    OK(dl_call_notify(call, note, NULL));
  }
  return NULL;
}

static void functions_are_called_once_in_the_order_of_the_log(void) {
  open_writer("memory:c-told");
  forget_told();
  start_appends(NULL);
  await_told(CALLS);
  CHECK(atomic_load(&kinds[0]) == CALLS && atomic_load(&in_order) == CALLS);
  forget_told();
  run_threads(start_appends);
  await_told(THREADS * CALLS);
  CHECK(atomic_load(&kinds[0]) == THREADS * CALLS);
  OK(dl_writer_close(writer, -1));
  dl_writer_free(writer);
  close_namespace();
}

static void *abort_soon(void *argument) {
  (void)argument;
  while (atomic_load(&told) < CALLS) sched_yield();
  dl_writer_abort(writer);
  return NULL;
}

static void an_abort_settles_what_is_in_flight(void) {
  open_writer("memory:c-abort");
  forget_told();
  pthread_t aborting;
  CHECK(pthread_create(&aborting, NULL, abort_soon, NULL) == 0);
  run_threads(start_appends);
  CHECK(pthread_join(aborting, NULL) == 0);
  await_told(THREADS * CALLS);
  CHECK(atomic_load(&told) == THREADS * CALLS);
  CHECK(atomic_load(&kinds[0]) + atomic_load(&kinds[DISTLOG_ERROR_CLOSED]) == THREADS * CALLS);
  dl_writer_free(writer);
  close_namespace();
}

static void freed_handles_leave_calls_in_flight_alone(void) {
  open_writer("memory:c-freed");
  dl_reader *reader = open_following();
  dl_call *append, *read, *fenced;
  OK(dl_writer_wait_fenced_start(writer, &fenced));
  OK(dl_reader_next_start(reader, &read));
  OK(dl_writer_append_start(writer, text("payload"), NULL, &append));
  dl_writer_free(writer);
  dl_reader_free(reader);
  dl_log_free(log);
  OK(dl_call_wait(append, -1));
  OK(dl_call_finish(append));
  OK(dl_call_wait(read, -1));
  dl_record *record;
  OK(dl_call_take_record(read, &record));
  CHECK(is(dl_record_payload(record), "payload"));
  dl_record_free(record);

  /* Nobody holds the writer any more: it was aborted. */
  OK(dl_call_wait(fenced, -1));
  FAILS(DISTLOG_ERROR_CLOSED, dl_call_finish(fenced));
  dl_call_free(append);
  dl_call_free(read);
  dl_call_free(fenced);
  log = NULL;
  close_namespace();
}

static void closing_the_namespace_ends_every_call(void) {
  open_writer("memory:c-closing");
  dl_reader *reader = open_following();
  dl_log_watcher *watcher;
  OK(dl_namespace_watch_logs(namespace, NULL, &watcher));
  for (int i = 0; i < 2; i++) {
    dl_log_change *change;
    OK(dl_log_watcher_next(watcher, -1, &change));
    dl_log_change_free(change);
  }
  dl_call *calls[3];
  OK(dl_reader_next_start(reader, &calls[0]));
  OK(dl_writer_wait_fenced_start(writer, &calls[1]));
  OK(dl_log_watcher_next_start(watcher, &calls[2]));
  OK(dl_namespace_close(namespace, -1));
  for (int i = 0; i < 3; i++) {
    OK(dl_call_wait(calls[i], -1));
    FAILS(DISTLOG_ERROR_CLOSED, dl_call_finish(calls[i]));
    dl_call_free(calls[i]);
  }
  FAILS(DISTLOG_ERROR_CLOSED, dl_writer_append(writer, text("late"), NULL, -1, NULL));
  dl_log_watcher_free(watcher);
  dl_reader_free(reader);
  dl_writer_free(writer);
  close_namespace();
}

static void call_again(void *user_data, dl_call *call) {
  dl_receipt *receipt;
  OK(dl_call_finish(call));
  dl_call_free(call);
  /* Any function may be called here, also one that waits. */
  OK(dl_writer_append(writer, text("from a function"), NULL, 60000, &receipt));
  dl_receipt_free(receipt);
  atomic_store((atomic_int *)user_data, 1);
}

static void a_function_may_wait(void) {
  open_writer("memory:c-nested");
  static atomic_int done;
  dl_call *call;
  OK(dl_writer_append_start(writer, text("payload"), NULL, &call));
  OK(dl_call_notify(call, call_again, &done));
  while (!atomic_load(&done)) sched_yield();
  OK(dl_writer_close(writer, -1));
  dl_writer_free(writer);
  close_namespace();
}

static dl_queue *queue;
static atomic_int popped;

static void *take_from_queue(void *argument) {
  (void)argument;
  while (atomic_load(&popped) < THREADS * RECORDS) {
    dl_call *calls[16];
    size_t count;
    OK(dl_queue_next(queue, 1, 16, calls, NULL, &count));
    for (size_t i = 0; i < count; i++) {
      OK(dl_call_finish(calls[i]));
      dl_call_free(calls[i]);
    }
    atomic_fetch_add(&popped, (int)count);
  }
  return NULL;
}

static void *fill_queue(void *argument) {
  (void)argument;
  for (int i = 0; i < RECORDS; i++) {
    dl_call *call;
    OK(dl_writer_append_start(writer, text("payload"), NULL, &call));
    OK(dl_call_enqueue(call, queue, NULL));
  }
  return NULL;
}

static void eight_threads_share_a_queue(void) {
  open_writer("memory:c-queue");
  OK(dl_queue_new(&queue));
  pthread_t filling[THREADS];
  for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&filling[i], NULL, fill_queue, NULL) == 0);
  run_threads(take_from_queue);
  for (int i = 0; i < THREADS; i++) CHECK(pthread_join(filling[i], NULL) == 0);
  CHECK(atomic_load(&popped) == THREADS * RECORDS);
  dl_queue_free(queue);
  OK(dl_writer_close(writer, -1));
  dl_writer_free(writer);
  close_namespace();
}

static void room_runs_out_and_comes_back(void) {
  dl_writer_options *options = dl_writer_options_new();
  OK(dl_namespace_open("memory:c-room", NULL, -1, &namespace));
  OK(dl_namespace_log(namespace, "orders", &log));
  OK(dl_writer_options_set_create_log(options, true));
  OK(dl_writer_options_set_in_flight_records(options, 1));
  dl_writer *opened;
  OK(dl_log_open_writer(log, options, -1, &opened));
  atomic_store(&writer, opened);
  dl_writer_options_free(options);
  int busy = 0;
  for (int i = 0; i < 10 * CALLS; i++) {
    dl_call *call;
    dl_error *error = dl_writer_try_append_start(writer, text("payload"), NULL, &call);
    if (dl_error_kind(error) == DISTLOG_ERROR_BUSY) {
      CHECK(dl_error_is_retryable(error) && !dl_error_may_have_taken_effect(error));
      dl_error_free(error);
      busy++;
      OK(dl_writer_append(writer, text("payload"), NULL, -1, NULL));
    } else {
      OK(error);
      dl_call_free(call);
    }
  }
  printf("found no room %d times\n", busy);
  OK(dl_writer_close(writer, -1));
  dl_writer_free(writer);
  uint64_t count;
  OK(dl_log_count(log, NULL, NULL, -1, &count));
  CHECK(count == 10 * CALLS);
  close_namespace();
}

int main(void) {
  OK(dl_runtime_set_threads(2));
  FAILS(DISTLOG_ERROR_INVALID_ARGUMENT, dl_runtime_set_threads(0));
  RUN(eight_threads_share_a_writer);
  FAILS(DISTLOG_ERROR_ALREADY_EXISTS, dl_runtime_set_threads(2));
  RUN(a_reader_is_closed_under_eight_threads);
  RUN(functions_are_called_once_in_the_order_of_the_log);
  RUN(an_abort_settles_what_is_in_flight);
  RUN(freed_handles_leave_calls_in_flight_alone);
  RUN(closing_the_namespace_ends_every_call);
  RUN(a_function_may_wait);
  RUN(eight_threads_share_a_queue);
  RUN(room_runs_out_and_comes_back);
  return finish();
}
