/* Connections that the other side closed end no program, and what a program does with SIGPIPE stays its own. */
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

static int broken;
static atomic_int told;

/* Runs where the library keeps its connections: what it writes there must not end the program. */
static void write_to_the_broken_pipe(void *user_data, const dl_event *event) {
  (void)user_data;
  (void)event;
  CHECK(write(broken, "x", 1) == -1 && errno == EPIPE);
  atomic_store(&told, 1);
}

static void break_a_pipe(void) {
  int ends[2];
  CHECK(pipe(ends) == 0);
  close(ends[0]);
  broken = ends[1];
}

static void a_broken_connection_is_an_error_on_the_threads_of_the_library(void) {
  dl_namespace *namespace;
  dl_log *log;
  dl_writer *first, *second;
  dl_writer_options *options = dl_writer_options_new();
  OK(dl_writer_options_set_create_log(options, true));
  OK(dl_namespace_open_with_events("memory:c-pipes", NULL, write_to_the_broken_pipe, NULL, -1, &namespace));
  OK(dl_namespace_log(namespace, "orders", &log));
  OK(dl_log_open_writer(log, options, -1, &first));
  OK(dl_log_open_writer(log, options, -1, &second));
  FAILS(DISTLOG_ERROR_FENCED, dl_writer_append(first, text("late"), NULL, -1, NULL));
  while (!atomic_load(&told)) sched_yield();
  OK(dl_writer_close(second, -1));
  dl_writer_options_free(options);
  dl_writer_free(first);
  dl_writer_free(second);
  dl_log_free(log);
  OK(dl_namespace_close(namespace, -1));
  dl_namespace_free(namespace);
}

static void what_the_program_does_with_the_signal_is_its_own(void) {
  struct sigaction action;
  sigset_t blocked;
  CHECK(sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
  CHECK(pthread_sigmask(SIG_BLOCK, NULL, &blocked) == 0 && !sigismember(&blocked, SIGPIPE));
  fflush(stdout);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    (void)!write(broken, "x", 1);
    _exit(0);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
}

int main(void) {
  signal(SIGPIPE, SIG_DFL);
  break_a_pipe();
  RUN(a_broken_connection_is_an_error_on_the_threads_of_the_library);
  RUN(what_the_program_does_with_the_signal_is_its_own);
  return finish();
}
