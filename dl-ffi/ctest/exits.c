/* A process that ends with appends in flight, and closes nothing: it ends, and what was acknowledged is there. */
#include "check.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { APPENDS = 2000, ENOUGH = 100, ROUNDS = 10 };

static char uri[4096];

/* In memory that the parent sees: what all children together were told of as acknowledged. */
static atomic_int *acknowledged;

static void count(void *user_data, dl_call *call) {
  dl_error *error = dl_call_finish(call);
  int so_far = error == NULL ? atomic_fetch_add(acknowledged, 1) + 1 : 0;
  dl_error_free(error);
  dl_call_free(call);
  if (user_data != NULL && so_far == *(int *)user_data) exit(0);
}

/* The child: starts appends until it ends, here or in the function of one of them. */
static void append_and_exit(bool in_a_function) {
  int enough = atomic_load(acknowledged) + ENOUGH;
  dl_namespace *namespace;
  dl_log *log;
  dl_writer *writer;
  dl_writer_options *options = dl_writer_options_new();
  OK(dl_namespace_open(uri, NULL, -1, &namespace));
  OK(dl_namespace_log(namespace, "orders", &log));
  OK(dl_writer_options_set_create_log(options, true));
  OK(dl_log_open_writer(log, options, -1, &writer));
  for (int i = 0; i < APPENDS; i++) {
    dl_call *call;
    OK(dl_writer_append_start(writer, text("order"), NULL, &call));
    OK(dl_call_notify(call, count, in_a_function ? &enough : NULL));
    if (!in_a_function && atomic_load(acknowledged) >= enough) exit(0);
  }
  while (in_a_function || atomic_load(acknowledged) < enough) usleep(1000);
  exit(0);
}

static void in_children(bool in_a_function) {
  for (int round = 0; round < ROUNDS; round++) {
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
      alarm(60);
      append_and_exit(in_a_function);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    dl_namespace *namespace;
    dl_log *log;
    uint64_t there;
    OK(dl_namespace_open(uri, NULL, -1, &namespace));
    OK(dl_namespace_open_log(namespace, "orders", -1, &log));
    OK(dl_log_recover(log, -1));
    OK(dl_log_count(log, NULL, NULL, -1, &there));
    CHECK(there >= (uint64_t)atomic_load(acknowledged));
    dl_log_free(log);
    OK(dl_namespace_close(namespace, -1));
    dl_namespace_free(namespace);
  }
}

static void a_program_may_end_with_appends_in_flight(void) { in_children(false); }

static void a_function_may_end_the_program(void) { in_children(true); }

int main(int argc, char **argv) {
  CHECK(argc == 2);
  snprintf(uri, sizeof uri, "file://%s/exits?unsafe_filesystem=true", argv[1]);
  acknowledged = mmap(NULL, sizeof *acknowledged, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(acknowledged != MAP_FAILED);
  RUN(a_program_may_end_with_appends_in_flight);
  RUN(a_function_may_end_the_program);
  return finish();
}
