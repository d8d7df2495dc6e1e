/* What an operator asks: events, verification, inspection. Argument: a folder to work in. */
#include "check.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <unistd.h>

static char uri[4096], folder[2048];

/* What the hook has heard. */
struct heard {
  dl_namespace *_Atomic namespace;
  atomic_int took_over, fenced, others;
  sem_t both;
};

/* Is told of events, and makes calls of its own meanwhile. */
static void hear(void *user_data, const dl_event *event) {
  struct heard *heard = user_data;
  bool exists = false;
  dl_error *error = dl_namespace_log_exists(heard->namespace, "orders", -1, &exists);
  /* What comes at the end finds the namespace closing. */
  CHECK(error == NULL ? exists : dl_error_kind(error) == DISTLOG_ERROR_CLOSED);
  dl_error_free(error);
  if (strcmp(dl_event_target(event), "writer.took_over") == 0) {
    CHECK(dl_event_level(event) == DISTLOG_LEVEL_INFO && dl_event_kind(event) == 0);
    heard->took_over++;
    sem_post(&heard->both);
  } else if (strcmp(dl_event_target(event), "writer.fenced") == 0) {
    CHECK(dl_event_level(event) == DISTLOG_LEVEL_WARN && dl_event_kind(event) == DISTLOG_ERROR_FENCED);
    CHECK(strcmp(dl_event_context(event, "log"), "orders") == 0);
    CHECK(dl_event_context(event, "nothing") == NULL && dl_event_context(event, NULL) == NULL);
    CHECK(strstr(dl_event_text(event), dl_event_message(event)) != NULL);
    heard->fenced++;
    sem_post(&heard->both);
  } else {
    heard->others++;
  }
}

static void events_are_told_before_a_namespace_is_closed(void) {
  struct heard heard = {0};
  CHECK(sem_init(&heard.both, 0, 0) == 0);
  dl_namespace *namespace;
  dl_log *log;
  dl_writer *first, *second;
  OK(dl_namespace_open_with_events("memory:c-events", NULL, hear, &heard, -1, &namespace));
  heard.namespace = namespace;
  OK(dl_namespace_create_log(namespace, "orders", -1));
  OK(dl_namespace_log(namespace, "orders", &log));
  OK(dl_log_open_writer(log, NULL, -1, &first));
  OK(dl_writer_append(first, text("one"), NULL, -1, NULL));
  OK(dl_log_open_writer(log, NULL, -1, &second));
  FAILS(DISTLOG_ERROR_FENCED, dl_writer_wait_fenced(first, -1));
  OK(dl_writer_close(second, -1));
  dl_writer_free(first);
  dl_writer_free(second);
  dl_log_free(log);
  /* The hook asks the namespace, so it has to have got through before that is closed. */
  CHECK(sem_wait(&heard.both) == 0 && sem_wait(&heard.both) == 0);
  OK(dl_namespace_close(namespace, -1));
  dl_namespace_free(namespace);
  CHECK(heard.took_over == 1 && heard.fenced == 1);
  CHECK(dl_event_target(NULL) == NULL && dl_event_level(NULL) == 0 && dl_event_kind(NULL) == 0);
}

static void a_namespace_can_be_opened_with_events_by_a_call(void) {
  dl_call *call;
  dl_namespace *namespace;
  OK(dl_namespace_open_with_events_start("memory:c-events-2", NULL, hear, NULL, &call));
  OK(dl_call_wait(call, -1));
  OK(dl_call_take_namespace(call, &namespace));
  dl_call_free(call);
  OK(dl_namespace_close(namespace, -1));
  dl_namespace_free(namespace);
}

static void verification_says_what_is_wrong_and_what_is_in_progress(void) {
  dl_namespace *namespace;
  dl_log *log;
  dl_writer *writer;
  dl_verification *found;
  dl_dlsn last;
  OK(dl_namespace_open(uri, NULL, -1, &namespace));
  OK(dl_namespace_create_log(namespace, "orders", -1));
  OK(dl_namespace_log(namespace, "orders", &log));
  OK(dl_log_open_writer(log, NULL, -1, &writer));
  OK(dl_writer_append(writer, text("one"), NULL, -1, NULL));

  OK(dl_namespace_verify(uri, NULL, "orders", -1, &found));
  CHECK(dl_verification_findings_count(found) == 0 && dl_verification_findings_at(found, 0) == NULL);
  CHECK(dl_verification_files(found) > 0 && dl_verification_bytes(found) > 0);
  CHECK(dl_verification_in_progress_count(found) == 1 && dl_verification_in_progress_at(found, 1) == NULL);
  const dl_in_progress *segment = dl_verification_in_progress_at(found, 0);
  CHECK(strcmp(dl_in_progress_log(segment), "orders") == 0 && dl_in_progress_segment(segment) == 1);
  CHECK(dl_in_progress_segment_id(segment) >= 0 && dl_in_progress_entries(segment) == 1);
  CHECK(dl_in_progress_records(segment) == 1 && dl_in_progress_unfinished_bytes(segment) == 0);
  (void)dl_in_progress_last_dlsn(segment, &last);
  CHECK(dl_in_progress_owner(segment) != NULL && dl_in_progress_owner_is_alive(segment));
  dl_verification_free(found);

  OK(dl_writer_close(writer, -1));
  dl_writer_free(writer);
  dl_log_free(log);
  OK(dl_namespace_close(namespace, -1));
  dl_namespace_free(namespace);

  char path[4096];
  snprintf(path, sizeof path, "%s/something", folder);
  FILE *stranger = fopen(path, "w");
  CHECK(stranger != NULL && fclose(stranger) == 0);
  dl_call *call;
  OK(dl_namespace_verify_start(uri, NULL, NULL, &call));
  OK(dl_call_wait(call, -1));
  OK(dl_call_take_verification(call, &found));
  dl_call_free(call);
  CHECK(dl_verification_findings_count(found) == 1 && !dl_verification_is_in_use(found));
  const dl_finding *finding = dl_verification_findings_at(found, 0);
  CHECK(strcmp(dl_finding_severity(finding), "notice") == 0 && strcmp(dl_finding_subject(finding), "stranger") == 0);
  CHECK(strlen(dl_finding_message(finding)) > 0 && strcmp(dl_finding_file(finding), path) == 0);
  CHECK(dl_finding_offset(finding) == -1 && dl_finding_segment_id(finding) == -1 && dl_finding_segment(finding) == -1);
  CHECK(dl_finding_log(finding) == NULL && dl_finding_whole_entries_count(finding) == 0);
  CHECK(!dl_finding_whole_entries_at(finding, 0, NULL, NULL));
  CHECK(dl_finding_safe_at(finding, dl_finding_safe_count(finding)) == NULL);
  (void)dl_finding_kept(finding);
  dl_verification_free(found);
  CHECK(remove(path) == 0);
}

static void inspection_says_what_a_namespace_is(void) {
  dl_namespace *namespace;
  dl_namespace_info *info;
  dl_call *call;
  OK(dl_namespace_open(uri, NULL, -1, &namespace));
  OK(dl_namespace_inspect(uri, NULL, -1, &info));
  CHECK(strcmp(dl_namespace_info_driver(info), "file") == 0 && dl_namespace_info_logs(info) == 1);
  CHECK(dl_namespace_info_has_format(info) && dl_namespace_info_format_version(info) > 0);
  CHECK(dl_namespace_info_format_is_known(info) && dl_namespace_info_format_incompatible(info) == 0);
  (void)dl_namespace_info_format_compatible(info);
  (void)dl_namespace_info_format_read_only_compatible(info);
  CHECK(dl_namespace_info_processes_count(info) == 1);
  CHECK(dl_namespace_info_processes_id(info, 0) == (uint32_t)getpid() && dl_namespace_info_processes_id(info, 1) == 0);
  CHECK(strlen(dl_namespace_info_processes_client_id(info, 0)) > 0);
  CHECK(dl_namespace_info_processes_client_id(info, 1) == NULL);
  CHECK(dl_namespace_info_journals(info) > 0 && dl_namespace_info_journal_bytes(info) > 0);
  CHECK(dl_namespace_info_segments(info) > 0 && dl_namespace_info_segment_bytes(info) > 0);
  CHECK(dl_namespace_info_metadata_bytes(info) > 0);
  dl_namespace_info_free(info);
  OK(dl_namespace_close(namespace, -1));
  dl_namespace_free(namespace);

  OK(dl_namespace_inspect_start(uri, NULL, &call));
  OK(dl_call_wait(call, -1));
  OK(dl_call_take_namespace_info(call, &info));
  dl_call_free(call);
  CHECK(dl_namespace_info_processes_count(info) == 0);
  dl_namespace_info_free(info);
  FAILS(DISTLOG_ERROR_NOT_FOUND, dl_namespace_inspect("file:///does/not/exist", NULL, -1, &info));
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  snprintf(folder, sizeof folder, "%s/operating", argv[1]);
  snprintf(uri, sizeof uri, "file://%s?unsafe_filesystem=true", folder);
  RUN(events_are_told_before_a_namespace_is_closed);
  RUN(a_namespace_can_be_opened_with_events_by_a_call);
  RUN(verification_says_what_is_wrong_and_what_is_in_progress);
  RUN(inspection_says_what_a_namespace_is);
  return finish();
}
