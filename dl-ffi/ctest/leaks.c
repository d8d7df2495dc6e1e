/* Opens, appends, reads and closes over and over: memory, descriptors and threads stay as many, to the byte but for chance.
   Arguments: a folder to work in, and how many calls (default 18,000). */
#include "check.h"

#include <dirent.h>
#include <malloc.h>
#include <poll.h>
#include <unistd.h>

/* The bytes in use may be more by what chance makes, and one in each round. Chance was -6,400 to 2,592 on a busy machine, after any
   number of calls: threads at once leave what the C library keeps for the next. So one object of 48 bytes, lost in each of the 300
   rounds of CALLS, is 8,000 bytes at least, of which 4,396 are allowed. */
enum { MOST_BYTES = 4096, MOST_KIB = 4 * 1024, WARM = 30, CALLS = 18000, CALLS_IN_ROUND = 60 };

/* Whether each round loses an object, to see that it would be noticed. */
static bool losing;

static long entries(const char *folder) {
  DIR *opened = opendir(folder);
  CHECK(opened != NULL);
  long count = 0;
  while (readdir(opened) != NULL) count++;
  closedir(opened);
  return count;
}

/* Whether a folder comes to have no more entries: a thread that has ended is listed until the system has cleared it away, and what
   a call in flight held goes when it was told of its end. */
static bool comes_to(const char *folder, long most) {
  for (int tries = 0; tries < 10000; tries++) {
    if (entries(folder) <= most) return true;
    poll(NULL, 0, 1);
  }
  return false;
}

/* The bytes that were allocated and not freed, exactly: without caches of threads, see main. When they have not changed for a while,
   since threads that end have things of their own. */
static long bytes_in_use(void) {
  long bytes = 0;
  for (int same = 0; same < 100; same++) {
    struct mallinfo2 all = mallinfo2();
    long now = (long)(all.uordblks + all.hblkhd);
    if (now != bytes) same = 0;
    bytes = now;
    poll(NULL, 0, 1);
  }
  return bytes;
}

/* What is in memory, of which files that are mapped are a part, without what the allocator keeps for later: how much that is, is
   chance. */
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

static void note(void *user_data, const dl_event *event) {
  CHECK(user_data == NULL && *dl_event_target(event) != 0);
}

/* A stream of bytes, of which one chunk is read and not taken. */
static void stream_of_bytes(dl_namespace *namespace) {
  dl_log *log;
  dl_byte_writer *writer;
  dl_byte_reader *reader;
  dl_buffer *chunk;
  dl_call *call;
  uint8_t buffer[2];
  size_t count;
  OK(dl_namespace_create_log(namespace, "stream", -1));
  OK(dl_namespace_open_log(namespace, "stream", -1, &log));
  OK(dl_log_open_byte_writer(log, NULL, -1, &writer));
  OK(dl_byte_writer_write(writer, text("hello"), -1));
  OK(dl_byte_writer_flush(writer, -1));
  OK(dl_log_open_byte_reader(log, NULL, -1, &reader));
  OK(dl_byte_reader_read(reader, buffer, sizeof buffer, -1, &count));
  OK(dl_byte_reader_next_chunk_start(reader, &call));
  OK(dl_call_wait(call, -1));
  dl_call_free(call);
  OK(dl_byte_reader_next_chunk(reader, -1, &chunk));
  dl_buffer_free(chunk);
  OK(dl_byte_reader_close(reader, -1));
  dl_byte_reader_free(reader);
  OK(dl_byte_writer_close(writer, -1));
  dl_byte_writer_free(writer);
  dl_log_free(log);
  OK(dl_namespace_delete_log(namespace, "stream", -1));
}

/* What stands beside a log: its cursors, and who watches it. */
static void cursors_and_watchers(dl_namespace *namespace, dl_log *log) {
  dl_cursor *cursor;
  dl_cursors *cursors;
  dl_log_watcher *logs;
  dl_segment_watcher *segments;
  dl_log_change *change;
  dl_segments *seen;
  dl_dlsn at = {1, 0, 0};
  OK(dl_log_open_cursor(log, "billing", -1, &cursor));
  OK(dl_cursor_advance(cursor, at, -1, NULL));
  OK(dl_log_list_cursors(log, -1, &cursors));
  dl_cursors_free(cursors);
  OK(dl_cursor_delete(cursor, -1));
  dl_cursor_free(cursor);
  OK(dl_namespace_watch_logs(namespace, NULL, &logs));
  OK(dl_log_watcher_next(logs, -1, &change));
  dl_log_change_free(change);
  dl_log_watcher_free(logs);
  OK(dl_log_watch_segments(log, &segments));
  OK(dl_segment_watcher_next(segments, -1, &seen));
  dl_segments_free(seen);
  dl_segment_watcher_free(segments);
}

/* Every kind of object of the daily round once. */
static void round_of_calls(const char *uri) {
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
  OK(dl_namespace_open_with_events(uri, NULL, note, NULL, -1, &namespace));
  OK(dl_namespace_create_log(namespace, "orders", -1));
  OK(dl_namespace_open_log(namespace, "orders", -1, &log));
  OK(dl_log_open_writer(log, NULL, -1, &writer));
  OK(dl_writer_append(writer, text("one"), NULL, -1, &receipt));
  if (!losing) dl_receipt_free(receipt);
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
  cursors_and_watchers(namespace, log);
  stream_of_bytes(namespace);
  OK(dl_reader_close(reader, -1));
  dl_reader_free(reader);
  OK(dl_writer_close(writer, -1));
  dl_writer_free(writer);
  dl_log_free(log);
  OK(dl_namespace_delete_log(namespace, "orders", -1));
  OK(dl_namespace_close(namespace, -1));
  dl_namespace_free(namespace);
}

/* Makes so many calls. Answers whether they lost memory. */
static bool lose_memory(const char *uri, long calls) {
  for (int warm = 0; warm < WARM; warm++) round_of_calls(uri);
  long descriptors = entries("/proc/self/fd"), threads = entries("/proc/self/task");
  long kib = memory_kib(), bytes = bytes_in_use(), rounds = calls / CALLS_IN_ROUND;
  for (long made = 0; made < rounds; made++) round_of_calls(uri);
  CHECK(comes_to("/proc/self/fd", descriptors) && comes_to("/proc/self/task", threads));
  long more = bytes_in_use() - bytes, kib_more = memory_kib() - kib;
  printf("%ld calls on %.6s: %ld bytes more in use, %ld KiB more in memory\n", calls, uri, more, kib_more);
  return more >= MOST_BYTES + rounds || kib_more >= MOST_KIB;
}

static char file_uri[4096];
static long calls = CALLS;

static void an_object_lost_in_each_round_is_noticed(void) {
  losing = true;
  CHECK(lose_memory("memory:c-leaks", CALLS));
  losing = false;
}

static void calls_in_memory_leak_nothing(void) { CHECK(!lose_memory("memory:c-leaks", calls)); }

static void calls_on_files_leak_nothing(void) { CHECK(!lose_memory(file_uri, calls)); }

int main(int argc, char **argv) {
  CHECK(argc == 2 || argc == 3);
  if (getenv("GLIBC_TUNABLES") == NULL) {
    /* What threads keep for later counts as in use, and so does the head of each of their arenas: without these nothing is chance. It
       is read when a program starts. */
    CHECK(setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0:glibc.malloc.arena_max=1", 1) == 0);
    execv("/proc/self/exe", argv);
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc == 3) calls = strtol(argv[2], NULL, 10);
  snprintf(file_uri, sizeof file_uri, "file://%s/leaks?unsafe_filesystem=true&journal_bytes=4MiB", argv[1]);
  RUN(an_object_lost_in_each_round_is_noticed);
  RUN(calls_in_memory_leak_nothing);
  RUN(calls_on_files_leak_nothing);
  return finish();
}
