/* A process that forks: what the parent opened is closed in the child, which can open its own. The parent goes on. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

static char uri[4096];

struct opened {
  dl_namespace *namespace;
  dl_log *log;
  dl_writer *writer;
  dl_reader *reader;
  dl_queue *queue;
  dl_call *call;
};

static struct opened open_all(const char *at) {
  struct opened all;
  dl_writer_options *writing = dl_writer_options_new();
  dl_reader_options *reading = dl_reader_options_new();
  OK(dl_namespace_open(at, NULL, -1, &all.namespace));
  OK(dl_namespace_log(all.namespace, "orders", &all.log));
  OK(dl_writer_options_set_create_log(writing, true));
  OK(dl_log_open_writer(all.log, writing, -1, &all.writer));
  OK(dl_writer_append(all.writer, text("one"), NULL, -1, NULL));
  OK(dl_reader_options_set_follow(reading, true));
  OK(dl_reader_options_set_from(reading, "latest"));
  OK(dl_log_open_reader(all.log, reading, -1, &all.reader));
  OK(dl_reader_next_start(all.reader, &all.call));
  OK(dl_queue_new(&all.queue));
  dl_writer_options_free(writing);
  dl_reader_options_free(reading);
  return all;
}

static void free_all(struct opened all) {
  dl_call_free(all.call);
  dl_queue_free(all.queue);
  dl_reader_free(all.reader);
  dl_writer_free(all.writer);
  dl_log_free(all.log);
  dl_namespace_free(all.namespace);
}

static void everything_is_closed(struct opened all) {
  dl_record *record;
  dl_call *call;
  dl_names *names;
  size_t count;
  FAILS(DISTLOG_ERROR_CLOSED, dl_writer_append(all.writer, text("child"), NULL, -1, NULL));
  FAILS(DISTLOG_ERROR_CLOSED, dl_writer_append_start(all.writer, text("child"), NULL, &call));
  FAILS(DISTLOG_ERROR_CLOSED, dl_writer_close(all.writer, -1));
  FAILS(DISTLOG_ERROR_CLOSED, dl_reader_next(all.reader, -1, &record));
  FAILS(DISTLOG_ERROR_CLOSED, dl_reader_close(all.reader, -1));
  FAILS(DISTLOG_ERROR_CLOSED, dl_namespace_list_logs(all.namespace, NULL, NULL, 10, -1, &names));
  FAILS(DISTLOG_ERROR_CLOSED, dl_namespace_close(all.namespace, -1));
  FAILS(DISTLOG_ERROR_CLOSED, dl_log_recover(all.log, -1));
  FAILS(DISTLOG_ERROR_CLOSED, dl_call_wait(all.call, -1));
  FAILS(DISTLOG_ERROR_CLOSED, dl_call_finish(all.call));
  FAILS(DISTLOG_ERROR_CLOSED, dl_queue_next(all.queue, -1, 1, &call, NULL, &count));
  CHECK(dl_queue_fd(all.queue) == -1 && !dl_writer_last_dlsn(all.writer, NULL));
  dl_writer_abort(all.writer);
  dl_call_cancel(all.call);
  free_all(all);
}

static atomic_int told;

static void note(void *user_data, dl_call *call) {
  (void)user_data;
  OK(dl_call_finish(call));
  dl_call_free(call);
  atomic_store(&told, 1);
}

static void the_child_opens_its_own(const char *at) {
  struct opened all = open_all(at);
  dl_call *call;
  OK(dl_writer_append_start(all.writer, text("two"), NULL, &call));
  OK(dl_call_notify(call, note, NULL));
  while (!atomic_load(&told)) {
    usleep(1000);
  }
  OK(dl_call_wait(all.call, -1));
  OK(dl_writer_close(all.writer, -1));
  OK(dl_namespace_close(all.namespace, -1));
  free_all(all);
}

/* Runs something in a child that must come to its end. */
static void in_child(void (*work)(struct opened), struct opened all) {
  fflush(stdout);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    alarm(60);
    work(all);
    _exit(0);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void use_and_open(struct opened all) {
  everything_is_closed(all);
  the_child_opens_its_own("memory:c-fork-child");
}

static void take_over(struct opened all) {
  (void)all;
  the_child_opens_its_own(uri);
}

static void the_child_has_nothing_of_its_parent(void) {
  struct opened all = open_all("memory:c-fork");
  in_child(use_and_open, all);
  OK(dl_writer_append(all.writer, text("parent"), NULL, -1, NULL));
  OK(dl_call_wait(all.call, -1));
  OK(dl_call_finish(all.call));
  OK(dl_writer_close(all.writer, -1));
  OK(dl_namespace_close(all.namespace, -1));
  free_all(all);
}

static void the_child_takes_a_log_of_the_directory_over(void) {
  struct opened all = open_all(uri);
  in_child(use_and_open, all);
  OK(dl_writer_append(all.writer, text("parent"), NULL, -1, NULL));
  in_child(take_over, all);
  FAILS(DISTLOG_ERROR_FENCED, dl_writer_append(all.writer, text("late"), NULL, -1, NULL));
  uint64_t count;
  OK(dl_log_count(all.log, NULL, NULL, -1, &count));
  CHECK(count == 4);
  OK(dl_namespace_close(all.namespace, -1));
  free_all(all);
}

static atomic_int appending;

static void *append(void *writer) {
  while (atomic_load(&appending)) {
    dl_bytes payloads[100];
    for (int i = 0; i < 100; i++) payloads[i] = text("parent");
    dl_receipts *receipts;
    OK(dl_writer_append_many(writer, payloads, NULL, 100, NULL, -1, &receipts));
    dl_receipts_free(receipts);
  }
  return NULL;
}

/* Nothing of the parent's memory is there, whatever a thread of the parent was in the middle of. */
static void open_the_same_name(struct opened all) {
  (void)all;
  dl_namespace *namespace;
  dl_names *names;
  OK(dl_namespace_open("memory:c-fork-same", NULL, -1, &namespace));
  OK(dl_namespace_list_logs(namespace, NULL, NULL, 10, -1, &names));
  CHECK(dl_names_count(names) == 0);
  dl_names_free(names);
  dl_namespace_free(namespace);
  the_child_opens_its_own("memory:c-fork-same");
}

static void the_child_has_memory_of_its_own_under_a_name_of_its_parent(void) {
  struct opened all = open_all("memory:c-fork-same");
  pthread_t thread;
  atomic_store(&appending, 1);
  CHECK(pthread_create(&thread, NULL, append, all.writer) == 0);
  for (int i = 0; i < 40; i++) in_child(open_the_same_name, all);
  atomic_store(&appending, 0);
  CHECK(pthread_join(thread, NULL) == 0);
  OK(dl_namespace_close(all.namespace, -1));
  free_all(all);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  snprintf(uri, sizeof uri, "file://%s/forks?unsafe_filesystem=true", argv[1]);
  RUN(the_child_has_nothing_of_its_parent);
  RUN(the_child_takes_a_log_of_the_directory_over);
  RUN(the_child_has_memory_of_its_own_under_a_name_of_its_parent);
  return finish();
}
