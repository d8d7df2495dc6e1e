/* Calls that are given up: they are over, and have let go of all they had, when the function returns that gives them up. */
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { ROUNDS = 120, THREADS = 4 };

static char file_uri[4096];
static dl_namespace *namespace;
static dl_log *log;
static dl_writer_options *writer_options;
static dl_reader_options *reader_options;

/* Goes on with a log that is empty: opening one takes the longer the more segments it has. */
static void begin_log(void) {
  static int logs;
  char name[32];
  snprintf(name, sizeof name, "orders-%d", ++logs);
  dl_log_free(log);
  OK(dl_namespace_create_log(namespace, name, -1));
  OK(dl_namespace_open_log(namespace, name, -1, &log));
}

static void open_namespace(const char *uri) {
  OK(dl_namespace_open(uri, NULL, -1, &namespace));
  writer_options = dl_writer_options_new();
  reader_options = dl_reader_options_new();
  OK(dl_reader_options_set_cursor(reader_options, "billing"));
  OK(dl_reader_options_set_locked(reader_options, true));
  OK(dl_reader_options_set_takeover(reader_options, "never"));
  OK(dl_writer_options_set_takeover(writer_options, "never"));
}

static void close_namespace(void) {
  dl_writer_options_free(writer_options);
  dl_reader_options_free(reader_options);
  dl_log_free(log);
  log = NULL;
  OK(dl_namespace_close(namespace, -1));
  dl_namespace_free(namespace);
}

/* Gives a call up after some time, and says how: by both functions, or by the one that frees. */
static void give_up(dl_call *call, int round) {
  for (int i = 0; i < round % 50; i++) sched_yield();
  if (round % 4 < 2) {
    dl_call_cancel(call);
    CHECK(dl_call_is_done(call));
  }
  dl_call_free(call);
}

static void write_and_close(void) {
  dl_writer *writer;
  OK(dl_log_open_writer(log, writer_options, -1, &writer));
  OK(dl_writer_append(writer, text("kept"), NULL, -1, NULL));
  OK(dl_writer_close(writer, -1));
  dl_writer_free(writer);
}

static void write_bytes_and_close(void) {
  dl_byte_writer *writer;
  OK(dl_log_open_byte_writer(log, writer_options, -1, &writer));
  OK(dl_byte_writer_write(writer, text("kept"), -1));
  OK(dl_byte_writer_close(writer, -1));
  dl_byte_writer_free(writer);
}

static void read_and_close(void) {
  dl_reader *reader;
  dl_record *record;
  OK(dl_log_open_reader(log, reader_options, -1, &reader));
  OK(dl_reader_next(reader, -1, &record));
  CHECK(is(dl_record_payload(record), "kept"));
  dl_record_free(record);
  OK(dl_reader_close(reader, -1));
  dl_reader_free(reader);
}

/* Who opens next is neither cut off nor refused by an opening that was given up. */
static void open_after_openings_that_were_given_up(const char *uri, int rounds, bool bytes) {
  open_namespace(uri);
  for (int round = 0; round < rounds; round++) {
    if (round % 20 == 0) {
      begin_log();
      write_bytes_and_close();
    }
    const char *takeover = round % 2 ? "never" : "force";
    OK(dl_writer_options_set_takeover(writer_options, takeover));
    OK(dl_reader_options_set_takeover(reader_options, takeover));
    dl_call *call;
    if (bytes) {
      OK(dl_log_open_byte_writer_start(log, writer_options, &call));
    } else {
      OK(dl_log_open_writer_start(log, writer_options, &call));
    }
    give_up(call, round);
    if (bytes) {
      write_bytes_and_close();
    } else {
      write_and_close();
    }
    OK(dl_log_open_reader_start(log, reader_options, &call));
    give_up(call, round);
    read_and_close();
  }
  close_namespace();
}

static void an_opening_that_was_given_up_is_in_nobodys_way(void) {
  open_after_openings_that_were_given_up("memory:c-given-up", ROUNDS, false);
  open_after_openings_that_were_given_up("memory:c-given-up-bytes", ROUNDS, true);
}

static void nor_on_files(void) {
  open_after_openings_that_were_given_up(file_uri, ROUNDS / 5, false);
}

static atomic_int told, cancelled, opened, freed;

static void note(void *user_data, dl_call *call) {
  if (call == NULL) {
    atomic_fetch_add(&freed, 1);
  } else {
    dl_error *error = dl_call_finish(call);
    CHECK(error == NULL || dl_error_kind(error) == DISTLOG_ERROR_CANCELLED);
    atomic_fetch_add(error == NULL ? &opened : &cancelled, 1);
    dl_error_free(error);
    /* Who frees a call is also the function that is told of it. */
    if (user_data != NULL) dl_call_free(call);
  }
  atomic_fetch_add(&told, 1);
}

static void *cancel(void *call) {
  dl_call_cancel(call);
  CHECK(dl_call_is_done(call));
  return NULL;
}

static void several_threads_cancel_and_the_function_is_called_once(void) {
  open_namespace("memory:c-cancelled-often");
  for (int round = 0; round < ROUNDS; round++) {
    if (round % 20 == 0) begin_log();
    dl_call *call;
    OK(dl_log_open_writer_start(log, writer_options, &call));
    OK(dl_call_notify(call, note, NULL));
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, cancel, call) == 0);
    cancel(call);
    for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    while (atomic_load(&told) <= round) sched_yield();
    dl_call_free(call);
    write_and_close();
  }
  CHECK(atomic_load(&told) == ROUNDS && atomic_load(&freed) == 0);
  CHECK(atomic_load(&cancelled) + atomic_load(&opened) == ROUNDS);
  close_namespace();
}

static void a_function_frees_its_call_or_finds_it_freed(void) {
  open_namespace("memory:c-freed-by-function");
  atomic_store(&told, 0);
  for (int round = 0; round < ROUNDS; round++) {
    if (round % 20 == 0) begin_log();
    dl_call *call;
    OK(dl_log_open_writer_start(log, writer_options, &call));
    bool in_function = round % 2;
    OK(dl_call_notify(call, note, in_function ? &told : NULL));
    if (in_function) {
      /* It waits for nobody else, so it is done, cancelled or not. */
      if (round % 4 == 1) sched_yield();
    } else {
      dl_call_free(call);
    }
    while (atomic_load(&told) <= round) sched_yield();
    write_and_close();
  }
  CHECK(atomic_load(&told) == ROUNDS);
  close_namespace();
}

static dl_call *other;

static void give_the_other_up(void *user_data, dl_call *call) {
  /* Thread sanitizer does not see how the library hands over what was written before. */
  CHECK(atomic_load((atomic_int *)user_data) == 0);
  dl_call_free(call);
  dl_call_free(other);
  write_and_close();
  atomic_store((atomic_int *)user_data, 1);
}

static void a_function_gives_another_call_up(void) {
  open_namespace("memory:c-given-up-by-function");
  for (int round = 0; round < ROUNDS; round++) {
    if (round % 20 == 0) begin_log();
    static atomic_int done;
    dl_call *call;
    OK(dl_log_open_writer_start(log, writer_options, &other));
    OK(dl_log_get_info_start(log, &call));
    atomic_store(&done, 0);
    OK(dl_call_notify(call, give_the_other_up, &done));
    while (!atomic_load(&done)) sched_yield();
  }
  close_namespace();
}

static void a_queue_has_each_call_once(void) {
  open_namespace("memory:c-given-up-in-queue");
  dl_queue *queue;
  OK(dl_queue_new(&queue));
  for (int round = 0; round < ROUNDS; round++) {
    if (round % 20 == 0) begin_log();
    dl_call *call, *taken;
    size_t count;
    OK(dl_log_open_writer_start(log, writer_options, &call));
    OK(dl_call_enqueue(call, queue, NULL));
    dl_call_cancel(call);
    OK(dl_queue_next(queue, 0, 1, &taken, NULL, &count));
    CHECK(count == 1 && taken == call);
    OK(dl_queue_next(queue, 0, 1, &taken, NULL, &count));
    CHECK(count == 0);
    dl_call_free(call);
    write_and_close();
  }
  dl_queue_free(queue);
  close_namespace();
}

static void closing_ends_what_is_given_up_meanwhile(void) {
  for (int round = 0; round < ROUNDS; round++) {
    open_namespace("memory:c-given-up-closing");
    begin_log();
    dl_call *calls[2], *closing;
    OK(dl_log_open_writer_start(log, NULL, &calls[0]));
    OK(dl_log_open_reader_start(log, reader_options, &calls[1]));
    OK(dl_namespace_close_start(namespace, &closing));
    for (int i = 0; i < 2; i++) give_up(calls[i], round + i);
    OK(dl_call_wait(closing, -1));
    OK(dl_call_finish(closing));
    dl_call_free(closing);
    close_namespace();
  }
}

int main(int argc, char **argv) {
  CHECK(argc > 1);
  snprintf(file_uri, sizeof file_uri, "file://%s/given-up?unsafe_filesystem=true", argv[1]);
  RUN(an_opening_that_was_given_up_is_in_nobodys_way);
  RUN(nor_on_files);
  RUN(several_threads_cancel_and_the_function_is_called_once);
  RUN(a_function_frees_its_call_or_finds_it_freed);
  RUN(a_function_gives_another_call_up);
  RUN(a_queue_has_each_call_once);
  RUN(closing_ends_what_is_given_up_meanwhile);
  return finish();
}
