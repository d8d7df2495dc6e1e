/* A log as one run of bytes. */
#include "example.h"

static dl_byte_writer *open_byte_writer(dl_log *log) {
  dl_byte_writer *writer = NULL;
  check(dl_log_open_byte_writer(log, NULL, FOREVER, &writer));
  return writer;
}

int main(int count, char **arguments) {
  dl_namespace *namespace = open_namespace(count, arguments);
  dl_log *log = create_log(namespace, "image");

  dl_byte_writer *writer = open_byte_writer(log);
  check(dl_byte_writer_write(writer, bytes("0123456789"), FOREVER));
  check(dl_byte_writer_write(writer, bytes("abcdefghij"), FOREVER));
  check(dl_byte_writer_flush(writer, FOREVER)); /* durable, all that was written before */
  printf("written: %llu bytes\n", (unsigned long long)dl_byte_writer_position(writer));
  check(dl_byte_writer_close(writer, FOREVER));
  dl_byte_writer_free(writer);

  /* A later writer goes on at the end; nobody else can write meanwhile. */
  writer = open_byte_writer(log);
  check(dl_byte_writer_write(writer, bytes("!"), FOREVER));
  check(dl_byte_writer_seal(writer, FOREVER));
  check(dl_byte_writer_close(writer, FOREVER));
  dl_byte_writer_free(writer);

  dl_byte_reader *reader = NULL;
  check(dl_log_open_byte_reader(log, NULL, FOREVER, &reader));
  check(dl_byte_reader_seek(reader, 8, FOREVER));
  printf("from byte 8: ");
  uint8_t buffer[16];
  size_t length = 0;
  do {
    check(dl_byte_reader_read(reader, buffer, sizeof buffer, FOREVER, &length));
    printf("%.*s", (int)length, (const char *)buffer);
  } while (length > 0);
  printf("\n");
  dl_byte_reader_free(reader);

  delete_log(namespace, log);
  close_namespace(namespace);
  return 0;
}
