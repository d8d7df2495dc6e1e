#include "agent.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "calls.h"

/* What is wrong with the request at hand; empty if nothing is. */
static char mistake[512];

void wrong(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  if (mistake[0] == '\0') vsnprintf(mistake, sizeof mistake, format, arguments);
  va_end(arguments);
}

bool is(const char *verb, const char *name) { return strcmp(verb, name) == 0; }

static void reply(const char *how, json *value) {
  json *line = json_object_new_object();
  json_object_object_add(line, how, value);
  printf("dl-agent:%s\n", json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN));
  fflush(stdout);
  json_object_put(line);
}

/* Waits for a request and answers it. */
static void answer(struct request *request) {
  json *result = NULL;
  dl_error *error = request->error;
  request->error = NULL;
  if (error == NULL && request->call != NULL) {
    error = dl_call_wait(request->call, -1);
    if (error == NULL) error = request->take(request, &result);
  } else if (error == NULL) {
    result = request->result;
    request->result = NULL;
  }
  if (error != NULL) {
    json *shown = show_error(error);
    /* An append of many has the receipts of those in front of the one that failed. */
    if (result != NULL) json_object_object_add(shown, "receipts", result);
    reply("error", shown);
    dl_error_free(error);
  } else {
    reply("ok", result);
  }
  free_request(request);
}

/* Starts what a request says. */
static struct request *started(const json *fields, const char *verb) {
  struct request *request = calloc(1, sizeof *request);
  if (request == NULL) abort();
  const char *as = optional_text(fields, "as"), *process = optional_text(fields, "process");
  request->fields = fields;
  request->as = as == NULL ? NULL : strdup(as);
  request->process = strdup(process == NULL ? "p" : process);
  const char *on = optional_text(fields, "on");
  if (on == NULL) {
    request->error = on_namespace(request, verb);
    return request;
  }
  request->on = handle_named(on);
  if (is(verb, "drop")) {
    drop_handle(on);
    request->result = json_object_new_object();
    return request;
  }
  void *object = request->on.object;
  switch (request->on.kind) {
    case LOG: request->error = on_log(request, verb, object); break;
    case WRITER: request->error = on_writer(request, verb, object); break;
    case READER: request->error = on_reader(request, verb, object); break;
    case CURSOR: request->error = on_cursor(request, verb, object); break;
    case BYTE_WRITER: request->error = on_byte_writer(request, verb, object); break;
    case BYTE_READER: request->error = on_byte_reader(request, verb, object); break;
    case LOG_WATCHER:
    case SEGMENT_WATCHER: request->error = on_watcher(request, verb, request->on); break;
    case NONE: wrong("there is no handle %s", on); break;
  }
  return request;
}

static void handle(const json *fields);

/* A word about a call in flight: await, cancel, retry, still_pending. */
static void ask(const json *fields, const char *verb) {
  const char *name = text(fields, "call");
  struct request *request = is(verb, "still_pending") ? call_named(name) : taken_call(name);
  if (request == NULL) {
    wrong("no call %s is in flight", name);
  } else if (is(verb, "await")) {
    answer(request);
  } else if (is(verb, "cancel")) {
    dl_call_cancel(request->call);
    if (request->call != NULL) dl_error_free(dl_call_wait(request->call, -1));
    free_request(request);
    reply("ok", json_object_new_object());
  } else if (is(verb, "retry")) {
    /* What it may have answered was not taken. */
    dl_call_cancel(request->call);
    free_request(request);
    handle(json_object_object_get(fields, "again"));
  } else {
    int64_t patience = number(fields, "patience_ms");
    struct timespec time = {patience / 1000, patience % 1000 * 1000000};
    nanosleep(&time, NULL);
    reply("ok", json_object_new_boolean(request->call != NULL && !dl_call_is_done(request->call)));
  }
}

static void handle(const json *fields) {
  const char *verb = text(fields, "do");
  if (is(verb, "await") || is(verb, "cancel") || is(verb, "retry") || is(verb, "still_pending")) {
    ask(fields, verb);
    return;
  }
  struct request *request = started(fields, verb);
  request->fields = NULL;
  const char *start = optional_text(fields, "start");
  if (mistake[0] != '\0') {
    free_request(request);
  } else if (start != NULL) {
    keep_call(start, request);
    reply("ok", json_object_new_object());
  } else {
    answer(request);
  }
}

int main(void) {
  char *line = NULL;
  size_t size = 0;
  while (getline(&line, &size, stdin) > 0) {
    json *fields = json_tokener_parse(line);
    mistake[0] = '\0';
    handle(fields);
    if (mistake[0] != '\0') reply("wrong", json_object_new_string(mistake));
    json_object_put(fields);
  }
  free(line);
  return 0;
}
