/* One process of the conformance cases, in C: dl-core/testdata/conformance/README.md says what requests and replies are.
 *
 * Every request becomes a call of dl.h that is started, and then waited for or kept in flight. */
#ifndef AGENT_H
#define AGENT_H

#include <dl.h>
#include <json-c/json.h>

typedef struct json_object json;

/* What is open under a name of the case. */
enum kind { NONE, LOG, WRITER, READER, CURSOR, BYTE_WRITER, BYTE_READER, LOG_WATCHER, SEGMENT_WATCHER };

struct handle {
  enum kind kind;
  void *object;
};

struct request;

/* Takes what a call that is done answers, as JSON; with an error, what it answers besides. */
typedef dl_error *(*taker)(struct request *request, json **result);

/* A request on its way. */
struct request {
  const json *fields; /* of the line it came in: only until it is started */
  dl_call *call;      /* NULL if it was answered without one */
  taker take;
  json *result;       /* if there is no call */
  dl_error *error;    /* if it was refused at once */
  char *as;           /* the name of the handle that it opens */
  char *process;
  struct handle on;
};

/* main.c: says that a request makes no sense. */
void wrong(const char *format, ...);

/* fields.c: the arguments of a request; a missing one is wrong. */
const char *text(const json *fields, const char *name);
const char *optional_text(const json *fields, const char *name);
int64_t number(const json *fields, const char *name);
bool has(const json *fields, const char *name);
size_t bytes_of(const char *hex, uint8_t **bytes);
/* A list of records: `payloads` and `txids` are the caller's, freed by free_records. */
size_t records_of(const json *list, dl_bytes **payloads, int64_t **txids);
void free_records(size_t count, dl_bytes *payloads, int64_t *txids);

/* handles.c */
struct handle handle_named(const char *name);
void keep_handle(const char *name, enum kind kind, void *object);
void drop_handle(const char *name);
dl_namespace *namespace_of(const char *process);
void keep_namespace(const char *process, dl_namespace *opened);

/* show.c */
json *show_error(const dl_error *error);
json *show_dlsn(dl_dlsn dlsn);
json *show_bytes(dl_bytes bytes);
json *show_end(uint32_t end);
json *show_record(const dl_record *record);
json *show_receipt(const dl_receipt *receipt);
json *show_segment(const dl_segment *segment);
json *show_info(const dl_log_info *info);
json *show_cursor(const dl_cursor_info *info);
json *text_or_none(const char *value);

/* takers.c */
dl_error *take_nothing(struct request *request, json **result);
dl_error *take_flag(struct request *request, json **result);
dl_error *take_count(struct request *request, json **result);
dl_error *take_dlsn(struct request *request, json **result);
dl_error *take_receipt(struct request *request, json **result);
dl_error *take_receipts(struct request *request, json **result);
dl_error *take_record(struct request *request, json **result);
dl_error *take_names(struct request *request, json **result);
dl_error *take_bytes(struct request *request, json **result);
dl_error *take_info(struct request *request, json **result);
dl_error *take_segments(struct request *request, json **result);
dl_error *take_options(struct request *request, json **result);
dl_error *take_cursors(struct request *request, json **result);
dl_error *take_change(struct request *request, json **result);
dl_error *take_next(struct request *request, json **result);
dl_error *take_batch(struct request *request, json **result);
dl_error *take_chunk(struct request *request, json **result);
dl_error *take_written(struct request *request, json **result);
dl_error *take_namespace(struct request *request, json **result);
dl_error *take_log(struct request *request, json **result);
dl_error *take_writer(struct request *request, json **result);
dl_error *take_reader(struct request *request, json **result);
dl_error *take_cursor(struct request *request, json **result);
dl_error *take_byte_writer(struct request *request, json **result);
dl_error *take_byte_reader(struct request *request, json **result);

/* verbs_*.c: start what a request says, on an object of each kind. */
dl_error *on_namespace(struct request *request, const char *verb);
dl_error *on_log(struct request *request, const char *verb, dl_log *log);
dl_error *on_writer(struct request *request, const char *verb, dl_writer *writer);
dl_error *on_reader(struct request *request, const char *verb, dl_reader *reader);
dl_error *on_cursor(struct request *request, const char *verb, dl_cursor *cursor);
dl_error *on_byte_writer(struct request *request, const char *verb, dl_byte_writer *writer);
dl_error *on_byte_reader(struct request *request, const char *verb, dl_byte_reader *reader);
dl_error *on_watcher(struct request *request, const char *verb, struct handle watcher);

/* Sets how the answer of a call is taken; what is started goes into request->call. */
#define CALL(taken_by, started) (request->take = (taken_by), (started))

bool is(const char *verb, const char *name);

#endif
