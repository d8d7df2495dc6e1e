/* A process that may start few threads or none: opening fails and says so, and does not hang; later it works. */
#include "check.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A user who has no processes; root itself is not limited. With so many threads everything works. */
enum { USER = 61235, ENOUGH = 24, OPENED = 10, REFUSED = 11 };

static char file_uri[4096];

static void limit_threads(rlim_t count) {
  struct rlimit limit;
  CHECK(getrlimit(RLIMIT_NPROC, &limit) == 0);
  limit.rlim_cur = count < limit.rlim_max ? count : limit.rlim_max;
  CHECK(setrlimit(RLIMIT_NPROC, &limit) == 0);
}

/* Becomes the user, who may still write where root may. */
static void become_user(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct files[2] = {{1u << CAP_DAC_OVERRIDE, 1u << CAP_DAC_OVERRIDE, 0}, {0, 0, 0}};
  CHECK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0);
  CHECK(setuid(USER) == 0);
  CHECK(syscall(SYS_capset, &header, files) == 0);
}

/* Opens a namespace and appends to a log of its, as far as there are threads for it. Answers whether there were. */
static bool use_namespace(const char *uri) {
  dl_namespace *namespace;
  dl_log *log;
  dl_writer *writer = NULL;
  dl_receipt *receipt = NULL;
  dl_writer_options *options = dl_writer_options_new();
  OK(dl_writer_options_set_create_log(options, true));
  dl_error *error = dl_namespace_open(uri, NULL, -1, &namespace);
  if (error != NULL) {
    CHECK(dl_error_is_retryable(error));
  } else {
    OK(dl_namespace_log(namespace, "orders", &log));
    error = dl_log_open_writer(log, options, -1, &writer);
    if (error == NULL) error = dl_writer_append(writer, text("order"), NULL, -1, &receipt);
    if (error == NULL) error = dl_writer_close(writer, -1);
    dl_receipt_free(receipt);
    dl_writer_free(writer);
    dl_log_free(log);
    dl_error *closed = dl_namespace_close(namespace, -1);
    if (error == NULL) error = closed;
    dl_namespace_free(namespace);
  }
  dl_writer_options_free(options);
  if (error == NULL) return true;
  if (dl_error_kind(error) != DISTLOG_ERROR_UNAVAILABLE || strstr(dl_error_message(error), "ulimit") == NULL) {
    fprintf(stderr, "another error: %s\n", dl_error_text(error));
    exit(1);
  }
  dl_error_free(error);
  return false;
}

/* The child: as a user with so many threads, and then with many. */
static void with_few_threads(const char *uri, int threads) {
  alarm(60);
  become_user();
  limit_threads((rlim_t)threads);
  bool opened = use_namespace(uri);
  limit_threads(RLIM_INFINITY);
  CHECK(use_namespace(uri));
  exit(opened ? OPENED : REFUSED);
}

static void each_limit(const char *uri) {
  bool none = false;
  for (int threads = 1; threads <= ENOUGH; threads = threads < 12 ? threads + 1 : threads * 2) {
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) with_few_threads(uri, threads);
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || (WEXITSTATUS(status) != OPENED && WEXITSTATUS(status) != REFUSED)) {
      fprintf(stderr, "with %d threads: status %d\n", threads, status);
      exit(1);
    }
    if (threads == 1) none = WEXITSTATUS(status) == REFUSED;
    if (threads == ENOUGH) CHECK(WEXITSTATUS(status) == OPENED);
  }
  CHECK(none);
}

static void without_threads_memory_is_unavailable(void) { each_limit("memory:limits"); }

static void without_threads_a_directory_is_unavailable(void) { each_limit(file_uri); }

int main(int argc, char **argv) {
  CHECK(argc == 2);
  if (geteuid() != 0) {
    printf("skipped without_threads_opening_is_unavailable: only root can become a user whose threads are limited\n");
    printf("test result: ok. 0 passed; 0 failed; 2 ignored\n");
    return 0;
  }
  snprintf(file_uri, sizeof file_uri, "file://%s/limits?unsafe_filesystem=true&journal_bytes=4MiB", argv[1]);
  RUN(without_threads_memory_is_unavailable);
  RUN(without_threads_a_directory_is_unavailable);
  return finish();
}
