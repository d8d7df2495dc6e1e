/* What every test program has: checks that stop at the first failure, and a line of results as cargo prints it. */
#ifndef CHECK_H
#define CHECK_H

#include <dl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Stops the program unless the condition holds. */
#define CHECK(condition) \
  do { \
    if (!(condition)) { \
      fprintf(stderr, "%s:%d: %s does not hold: %s\n", __FILE__, __LINE__, __func__, #condition); \
      exit(1); \
    } \
  } while (0)

/* Stops the program unless the call succeeds. */
#define OK(call) check_ok((call), __FILE__, __LINE__, #call)

/* Stops the program unless the call fails with this kind. */
#define FAILS(kind, call) check_fails((kind), (call), __FILE__, __LINE__, #call)

/* Runs a test and says so. */
#define RUN(test) \
  do { \
    test(); \
    passed++; \
    printf("test %s ... ok\n", #test); \
  } while (0)

static int passed;

static inline void check_ok(dl_error *error, const char *file, int line, const char *call) {
  if (error != NULL) {
    fprintf(stderr, "%s:%d: %s: %s\n", file, line, call, dl_error_text(error));
    exit(1);
  }
}

static inline void check_fails(unsigned kind, dl_error *error, const char *file, int line, const char *call) {
  if (dl_error_kind(error) != kind) {
    fprintf(stderr, "%s:%d: %s: not kind %u but %s\n", file, line, call, kind, error ? dl_error_text(error) : "no error");
    exit(1);
  }
  dl_error_free(error);
}

/* The bytes of a text. */
static inline dl_bytes text(const char *text) {
  dl_bytes bytes = {(const uint8_t *)text, strlen(text)};
  return bytes;
}

/* Whether bytes are those of a text. */
static inline bool is(dl_bytes bytes, const char *text) {
  return bytes.length == strlen(text) && memcmp(bytes.data, text, bytes.length) == 0;
}

/* The line that is counted. */
static inline int finish(void) {
  printf("test result: ok. %d passed; 0 failed; 0 ignored\n", passed);
  return 0;
}

#endif
