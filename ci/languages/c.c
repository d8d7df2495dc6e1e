/* The works of ci/languages/compare in C. */
#include <dl.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BYTES = 100, BATCH = 1000, IN_FLIGHT = 4, PASSES = 5, ALONE = 20000 };

static void ok(dl_error *error) {
  if (error != NULL) {
    fprintf(stderr, "%s\n", dl_error_text(error));
    exit(1);
  }
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void finish(dl_call *call) {
  dl_receipts *receipts;
  ok(dl_call_wait(call, -1));
  ok(dl_call_take_receipts(call, &receipts));
  ok(dl_receipts_first_error(receipts));
  dl_receipts_free(receipts);
  dl_call_free(call);
}

static double append(dl_writer *writer, const dl_bytes *payloads, size_t records, size_t in_flight) {
  dl_call *calls[IN_FLIGHT] = {0};
  size_t batches = records / BATCH;
  double started = now();
  for (size_t i = 0; i < batches + in_flight; i++) {
    dl_call **call = &calls[i % in_flight];
    if (*call != NULL) finish(*call);
    *call = NULL;
    if (i < batches) ok(dl_writer_append_many_start(writer, payloads, NULL, BATCH, NULL, call));
  }
  return (double)(batches * BATCH) / (now() - started);
}

static double read_all(dl_log *log) {
  dl_reader *reader;
  size_t read = 0, bytes = 0;
  double started = now();
  ok(dl_log_open_reader(log, NULL, -1, &reader));
  while (dl_reader_end(reader) == 0) {
    dl_records *records;
    ok(dl_reader_next_batch(reader, BATCH, -1, &records));
    dl_bytes payloads[BATCH];
    size_t count = dl_records_payloads(records, payloads, BATCH);
    for (size_t i = 0; i < count; i++) bytes += payloads[i].length;
    read += count;
    dl_records_free(records);
  }
  double took = now() - started;
  dl_reader_free(reader);
  if (bytes != read * BYTES) exit(1);
  return (double)read / took;
}

static int by_size(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

/* The first pass, and the median of the others. */
static void print(const char *work, double *figures) {
  printf("c %s-first %.0f\n", work, figures[0]);
  qsort(figures + 1, PASSES, sizeof *figures, by_size);
  printf("c %s %.0f\n", work, figures[1 + PASSES / 2]);
}

static dl_writer *open_writer(dl_namespace *namespace, const char *name, dl_log **log) {
  dl_writer *writer;
  ok(dl_namespace_create_log(namespace, name, -1));
  ok(dl_namespace_open_log(namespace, name, -1, log));
  ok(dl_log_open_writer(*log, NULL, -1, &writer));
  return writer;
}

static double alone(dl_writer *writer, dl_bytes payload) {
  static double took[ALONE];
  for (int i = 0; i < ALONE; i++) {
    dl_receipt *receipt;
    double started = now();
    ok(dl_writer_append(writer, payload, NULL, -1, &receipt));
    took[i] = (now() - started) * 1e6;
    dl_receipt_free(receipt);
  }
  qsort(took, ALONE, sizeof *took, by_size);
  return took[ALONE / 2];
}

int main(int argc, char **argv) {
  size_t records = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
  static uint8_t bytes[BATCH * BYTES];
  dl_bytes payloads[BATCH];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(rand() >> 7);
  for (int i = 0; i < BATCH; i++) payloads[i] = (dl_bytes){bytes + i * BYTES, BYTES};

  double figures[1 + PASSES];
  dl_namespace *namespace;
  dl_log *log;
  dl_writer *writer;
  ok(dl_namespace_open("memory:languages", NULL, -1, &namespace));
  for (int one = 0; one < 2; one++) {
    for (int pass = 0; pass <= PASSES; pass++) {
      writer = open_writer(namespace, "appended", &log);
      figures[pass] = append(writer, payloads, records, one ? 1 : IN_FLIGHT);
      ok(dl_writer_close(writer, -1));
      dl_writer_free(writer);
      dl_log_free(log);
      ok(dl_namespace_delete_log(namespace, "appended", -1));
    }
    print(one ? "append-one" : "append", figures);
  }
  writer = open_writer(namespace, "read", &log);
  for (size_t i = 0; i < records / BATCH; i++) {
    ok(dl_writer_append_batch(writer, payloads, NULL, BATCH, NULL, -1, NULL));
  }
  for (int pass = 0; pass <= PASSES; pass++) figures[pass] = read_all(log);
  print("read", figures);
  printf("c alone %.2f\n", alone(writer, payloads[0]));
  ok(dl_writer_close(writer, -1));
  dl_writer_free(writer);
  dl_log_free(log);
  ok(dl_namespace_close(namespace, -1));
  dl_namespace_free(namespace);
  return 0;
}
