#include <stdlib.h>
#include <string.h>

#include "agent.h"

struct named {
  char *name;
  struct handle handle;
  struct named *next;
};

struct process {
  char *name;
  dl_namespace *opened;
  struct process *next;
};

static struct named *handles;
static struct process *processes;

struct handle handle_named(const char *name) {
  for (struct named *each = handles; each != NULL; each = each->next)
    if (strcmp(each->name, name) == 0) return each->handle;
  return (struct handle){NONE, NULL};
}

static void free_object(struct handle handle) {
  switch (handle.kind) {
    case LOG: dl_log_free(handle.object); break;
    case WRITER: dl_writer_free(handle.object); break;
    case READER: dl_reader_free(handle.object); break;
    case CURSOR: dl_cursor_free(handle.object); break;
    case BYTE_WRITER: dl_byte_writer_free(handle.object); break;
    case BYTE_READER: dl_byte_reader_free(handle.object); break;
    case LOG_WATCHER: dl_log_watcher_free(handle.object); break;
    case SEGMENT_WATCHER: dl_segment_watcher_free(handle.object); break;
    case NONE: break;
  }
}

void keep_handle(const char *name, enum kind kind, void *object) {
  if (name == NULL) { /* nobody wants it */
    free_object((struct handle){kind, object});
    return;
  }
  drop_handle(name);
  struct named *added = malloc(sizeof *added);
  if (added == NULL) abort();
  *added = (struct named){strdup(name), {kind, object}, handles};
  handles = added;
}

void drop_handle(const char *name) {
  for (struct named **link = &handles; *link != NULL; link = &(*link)->next) {
    struct named *each = *link;
    if (strcmp(each->name, name) != 0) continue;
    *link = each->next;
    free_object(each->handle);
    free(each->name);
    free(each);
    return;
  }
}

dl_namespace *namespace_of(const char *process) {
  for (struct process *each = processes; each != NULL; each = each->next)
    if (strcmp(each->name, process) == 0) return each->opened;
  wrong("process %s has not opened the namespace", process);
  return NULL;
}

void keep_namespace(const char *process, dl_namespace *opened) {
  for (struct process *each = processes; each != NULL; each = each->next) {
    if (strcmp(each->name, process) != 0) continue;
    dl_namespace_free(each->opened);
    each->opened = opened;
    return;
  }
  struct process *added = malloc(sizeof *added);
  if (added == NULL) abort();
  *added = (struct process){strdup(process), opened, processes};
  processes = added;
}
