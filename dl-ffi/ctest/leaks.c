/* Opens, appends, reads and closes over and over: memory, descriptors and threads stay as many.
   Arguments: a folder to work in, and how many calls (default 20,000). */
#include "check.h"

#include <dirent.h>
#include <malloc.h>
#include <poll.h>

static long entries(const char *folder) {
  DIR *opened = opendir(folder);
  CHECK(opened != NULL);
  long count = 0;
  while (readdir(opened) != NULL) count++;
  closedir(opened);
  return count;
}

/* What is in memory, without what the allocator keeps for later: how much that is, is chance. */
static long memory_kib(void) {
  malloc_trim(0);
  FILE *status = fopen("/proc/self/status", "r");
  CHECK(status != NULL);
  char line[256];
  long kib = 0;
  while (fgets(line, sizeof line, status) != NULL) sscanf(line, "VmRSS: %ld", &kib);
  fclose(status);
  return kib;
}

/* Every kind of object of the daily round once. Answers how many calls it made. */
static int round_of_calls(const char *uri) {
  dl_namespace *namespace;
  dl_log *log;
  dl_writer *writer;
  dl_reader *reader;
  dl_receipt *receipt;
  dl_receipts *receipts;
  dl_record *record;
  dl_records *records;
  dl_call *call;
  dl_queue *queue;
  const dl_bytes payloads[] = {text("a"), text("b")};
  OK(dl_namespace_open(uri, NULL, -1, &namespace));
  OK(dl_namespace_create_log(namespace, "orders", -1));
  OK(dl_namespace_open_log(namespace, "orders", -1, &log));
  OK(dl_log_open_writer(log, NULL, -1, &writer));
  OK(dl_writer_append(writer, text("one"), NULL, -1, &receipt));
  dl_receipt_free(receipt);
  OK(dl_writer_append_many(writer, payloads, NULL, 2, NULL, -1, &receipts));
  dl_receipts_free(receipts);
  OK(dl_queue_new(&queue));
  OK(dl_writer_append_start(writer, text("two"), NULL, &call));
  OK(dl_call_enqueue(call, queue, NULL));
  dl_call *ended;
  size_t count;
  OK(dl_queue_next(queue, -1, 1, &ended, NULL, &count));
  dl_call_free(ended);
  OK(dl_log_open_reader(log, NULL, -1, &reader));
  OK(dl_reader_next(reader, -1, &record));
  dl_record_free(record);
  OK(dl_reader_next_batch(reader, 10, -1, &records));
  dl_records_free(records);
  OK(dl_reader_next_start(reader, &call));
  OK(dl_call_enqueue(call, queue, NULL));
  dl_call_free(call);
  dl_queue_free(queue);
  FAILS(DISTLOG_ERROR_ALREADY_EXISTS, dl_namespace_create_log(namespace, "orders", -1));
  OK(dl_reader_close(reader, -1));
  dl_reader_free(reader);
  OK(dl_writer_close(writer, -1));
  dl_writer_free(writer);
  dl_log_free(log);
  OK(dl_namespace_delete_log(namespace, "orders", -1));
  OK(dl_namespace_close(namespace, -1));
  dl_namespace_free(namespace);
  return 34;
}

static void run(const char *uri, long calls) {
  for (int warm = 0; warm < 100; warm++) round_of_calls(uri);
  long descriptors = entries("/proc/self/fd"), threads = entries("/proc/self/task"), kib = memory_kib();
  for (long made = 0; made < calls;) made += round_of_calls(uri);
  long more = memory_kib() - kib;
  printf("%ld calls on %.6s: %ld KiB more\n", calls, uri, more);
  CHECK(entries("/proc/self/fd") <= descriptors);
  /* A thread that has ended is listed until the system has cleared it away. */
  for (int tries = 0; entries("/proc/self/task") > threads && tries < 10000; tries++) poll(NULL, 0, 1);
  CHECK(entries("/proc/self/task") <= threads);
  CHECK(more < 16 * 1024);
}

int main(int argc, char **argv) {
  CHECK(argc == 2 || argc == 3);
  setvbuf(stdout, NULL, _IOLBF, 0);
  long calls = argc == 3 ? strtol(argv[2], NULL, 10) : 20000;
  char uri[4096];
  snprintf(uri, sizeof uri, "file://%s/leaks?unsafe_filesystem=true", argv[1]);
  run("memory:c-leaks", calls);
  passed++;
  run(uri, calls / 10);
  passed++;
  return finish();
}
