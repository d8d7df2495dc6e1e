#include "agent.h"
#include "options.h"

static dl_error *open_namespace(struct request *request) {
  dl_namespace_options *options = NULL;
  dl_error *error = namespace_options(request->fields, &options);
  if (error == NULL)
    error = CALL(take_namespace, dl_namespace_open_start(text(request->fields, "uri"), options, &request->call));
  dl_namespace_options_free(options);
  return error;
}

static dl_error *list_logs(struct request *request, dl_namespace *opened) {
  const json *fields = request->fields;
  size_t limit = has(fields, "limit") ? (size_t)number(fields, "limit") : SIZE_MAX;
  return CALL(take_names, dl_namespace_list_logs_start(opened, optional_text(fields, "prefix"),
                                                       optional_text(fields, "after"), limit, &request->call));
}

static dl_error *watch_logs(struct request *request, dl_namespace *opened) {
  dl_log_watcher *watcher = NULL;
  dl_error *error = dl_namespace_watch_logs(opened, optional_text(request->fields, "prefix"), &watcher);
  if (error == NULL) {
    keep_handle(request->as, LOG_WATCHER, watcher);
    request->result = json_object_new_object();
  }
  return error;
}

static dl_error *parse_dlsn(struct request *request) {
  dl_dlsn dlsn;
  dl_error *error = dl_dlsn_parse(text(request->fields, "text"), &dlsn);
  if (error == NULL) request->result = show_dlsn(dlsn);
  return error;
}

dl_error *on_namespace(struct request *request, const char *verb) {
  if (is(verb, "open")) return open_namespace(request);
  if (is(verb, "parse_dlsn")) return parse_dlsn(request);
  dl_namespace *opened = namespace_of(request->process);
  dl_call **call = &request->call;
  if (is(verb, "close")) return CALL(take_nothing, dl_namespace_close_start(opened, call));
  if (is(verb, "list_logs")) return list_logs(request, opened);
  if (is(verb, "watch_logs")) return watch_logs(request, opened);
  const char *name = text(request->fields, "log");
  if (is(verb, "create_log")) return CALL(take_nothing, dl_namespace_create_log_start(opened, name, call));
  if (is(verb, "open_log")) return CALL(take_log, dl_namespace_open_log_start(opened, name, call));
  if (is(verb, "log_exists")) return CALL(take_flag, dl_namespace_log_exists_start(opened, name, call));
  if (is(verb, "delete_log")) return CALL(take_nothing, dl_namespace_delete_log_start(opened, name, call));
  if (is(verb, "rename_log"))
    return CALL(take_nothing, dl_namespace_rename_log_start(opened, name, text(request->fields, "to"), call));
  dl_log *log = NULL;
  dl_error *error = dl_namespace_log(opened, name, &log);
  if (error == NULL) error = on_log(request, verb, log);
  dl_log_free(log);
  return error;
}
