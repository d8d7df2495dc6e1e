#include "calls.h"

#include <stdlib.h>
#include <string.h>

struct kept {
  char *name;
  struct request *request;
  struct kept *next;
};

static struct kept *kept;

void keep_call(const char *name, struct request *request) {
  struct kept *added = malloc(sizeof *added);
  if (added == NULL) abort();
  *added = (struct kept){strdup(name), request, kept};
  kept = added;
}

struct request *call_named(const char *name) {
  for (struct kept *each = kept; each != NULL; each = each->next)
    if (strcmp(each->name, name) == 0) return each->request;
  return NULL;
}

struct request *taken_call(const char *name) {
  for (struct kept **link = &kept; *link != NULL; link = &(*link)->next) {
    struct kept *each = *link;
    if (strcmp(each->name, name) != 0) continue;
    struct request *request = each->request;
    *link = each->next;
    free(each->name);
    free(each);
    return request;
  }
  return NULL;
}

void free_request(struct request *request) {
  dl_call_free(request->call);
  dl_error_free(request->error);
  json_object_put(request->result);
  free(request->as);
  free(request->process);
  free(request);
}
