/* A replicated key-value store. Its commands are a log; who opened that log's writer last leads. Now and then the leader
 * writes the whole state into a second log, and frees the commands in front of it. It holds the writers of both logs: one that
 * does not lead any more must not put an old snapshot behind a newer one, whose commands are gone. */
#include <stdbool.h>

#include "example.h"

enum { KEYS = 16, LENGTH = 32 };

/* The state, sorted by key, as of a position in the log of commands. */
struct replica {
  char keys[KEYS][LENGTH], values[KEYS][LENGTH];
  int count;
  bool has_next;
  dl_dlsn next; /* of the first command that is not applied */
};

struct leader {
  dl_writer *writer, *snapshots;
  struct replica replica;
};

/* The place of a key, or where it belongs. */
static int place(const struct replica *replica, const char *key, bool *found) {
  int i = 0;
  while (i < replica->count && strcmp(replica->keys[i], key) < 0) i++;
  *found = i < replica->count && strcmp(replica->keys[i], key) == 0;
  return i;
}

static void apply(struct replica *replica, const char *command) {
  char key[LENGTH], value[LENGTH];
  bool found;
  if (sscanf(command, "set %31s %31s", key, value) == 2) {
    int i = place(replica, key, &found), behind = replica->count - i;
    if (!found && replica->count == KEYS) return;
    if (!found) {
      memmove(replica->keys[i + 1], replica->keys[i], (size_t)behind * LENGTH);
      memmove(replica->values[i + 1], replica->values[i], (size_t)behind * LENGTH);
      replica->count++;
    }
    strcpy(replica->keys[i], key);
    strcpy(replica->values[i], value);
  } else if (sscanf(command, "delete %31s", key) == 1) {
    int i = place(replica, key, &found), behind = replica->count - i - 1;
    if (!found) return;
    memmove(replica->keys[i], replica->keys[i + 1], (size_t)behind * LENGTH);
    memmove(replica->values[i], replica->values[i + 1], (size_t)behind * LENGTH);
    replica->count--;
  }
}

static void show(const char *who, const struct replica *replica) {
  printf("%s", who);
  for (int i = 0; i < replica->count; i++) printf(" %s=%s", replica->keys[i], replica->values[i]);
  printf("\n");
}

/* Text of bytes, to be freed. */
static char *text_of(dl_bytes bytes) {
  char *text = malloc(bytes.length + 1);
  if (text == NULL) exit(1);
  memcpy(text, bytes.data, bytes.length);
  text[bytes.length] = '\0';
  return text;
}

static void load_snapshot(struct replica *replica, dl_log *snapshots) {
  dl_record *snapshot = NULL;
  check(dl_log_last_record(snapshots, FOREVER, &snapshot));
  if (snapshot == NULL) return;
  char *text = text_of(dl_record_payload(snapshot)), *rest = NULL;
  check(dl_dlsn_parse(strtok_r(text, "\n", &rest), &replica->next));
  replica->has_next = true;
  for (char *line; (line = strtok_r(NULL, "\n", &rest)) != NULL;) apply(replica, line);
  free(text);
  dl_record_free(snapshot);
}

/* The newest snapshot, and every command behind it. */
static void load(struct replica *replica, dl_log *commands, dl_log *snapshots) {
  *replica = (struct replica){0};
  load_snapshot(replica, snapshots);
  dl_reader_options *options = dl_reader_options_new();
  if (replica->has_next) {
    char from[DISTLOG_DLSN_TEXT_BYTES];
    check(dl_dlsn_format(replica->next, from, sizeof from));
    check(dl_reader_options_set_from(options, from));
  }
  dl_reader *reader = NULL;
  dl_record *record = NULL;
  check(dl_log_open_reader(commands, options, FOREVER, &reader));
  dl_reader_options_free(options);
  for (;;) {
    check(dl_reader_next(reader, FOREVER, &record));
    if (record == NULL) break;
    char *command = text_of(dl_record_payload(record));
    apply(replica, command);
    free(command);
    replica->next = dl_dlsn_next(dl_record_dlsn(record));
    replica->has_next = true;
    dl_record_free(record);
  }
  dl_reader_free(reader);
}

static void lead(struct leader *leader, dl_log *commands, dl_log *snapshots) {
  /* First the writers, then the state: behind them nobody else is acknowledged, so the state is the newest there is, and
   * each snapshot of this leader is newer than all before it. Where two open at once, each may end with one of the logs.
   * That loses nothing: both are fenced from the other one, and whoever opens again leads. */
  leader->writer = open_writer(commands);
  leader->snapshots = open_writer(snapshots);
  load(&leader->replica, commands, snapshots);
}

/* Applies a command once it is acknowledged: every later leader will see it. */
static dl_error *execute(struct leader *leader, const char *command) {
  dl_receipt *receipt = NULL;
  dl_error *error = dl_writer_append(leader->writer, bytes(command), NULL, FOREVER, &receipt);
  if (error != NULL) return error;
  apply(&leader->replica, command);
  leader->replica.next = dl_dlsn_next(dl_receipt_dlsn(receipt));
  leader->replica.has_next = true;
  dl_receipt_free(receipt);
  return NULL;
}

/* Writes the state into the log of snapshots; then the commands that it holds may go. */
static dl_error *snapshot(struct leader *leader) {
  const struct replica *replica = &leader->replica;
  char text[KEYS * (2 * LENGTH + 6) + DISTLOG_DLSN_TEXT_BYTES + 1];
  check(dl_dlsn_format(replica->next, text, DISTLOG_DLSN_TEXT_BYTES));
  char *end = text + strlen(text);
  end += sprintf(end, "\n");
  for (int i = 0; i < replica->count; i++) end += sprintf(end, "set %s %s\n", replica->keys[i], replica->values[i]);
  /* Another leader's snapshot may be newer: it fenced this writer, too. */
  dl_error *error = dl_writer_append(leader->snapshots, bytes(text), NULL, FOREVER, NULL);
  if (error != NULL) return error;
  return dl_writer_truncate(leader->writer, replica->next, FOREVER, NULL);
}

int main(int count, char **arguments) {
  dl_namespace *namespace = open_namespace(count, arguments);
  dl_log *commands = create_log(namespace, "store/commands"), *snapshots = create_log(namespace, "store/snapshots");

  struct leader first, second;
  lead(&first, commands, snapshots);
  check(execute(&first, "set color blue"));
  check(execute(&first, "set size 7"));
  check(snapshot(&first));
  check(execute(&first, "set color red"));

  /* Another process would do the same: it knows all that was ever acknowledged before it leads. */
  lead(&second, commands, snapshots);
  show("second starts with", &second.replica);
  printf("first: %s\n", expect(DISTLOG_ERROR_FENCED, execute(&first, "set color green")));
  check(execute(&second, "delete size"));
  check(snapshot(&second));
  printf("its snapshot: %s\n", expect(DISTLOG_ERROR_FENCED, snapshot(&first)));

  /* One that only reads: a snapshot, and the commands behind it. */
  struct replica replica;
  load(&replica, commands, snapshots);
  show("a replica has", &replica);

  dl_writer_free(first.snapshots);
  dl_writer_free(first.writer);
  close_writer(second.snapshots);
  close_writer(second.writer);
  delete_log(namespace, commands);
  delete_log(namespace, snapshots);
  close_namespace(namespace);
  return 0;
}
