/* Uses the library and dlopen: both are there, however it was linked. */
#define _GNU_SOURCE
#include <dl.h>

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

static int count(struct dl_phdr_info *info, size_t size, void *data) {
  (void)info;
  (void)size;
  ++*(int *)data;
  return 0;
}

int main(void) {
  int objects = 0;
  dl_iterate_phdr(count, &objects);
  void *itself = dlopen(NULL, RTLD_NOW);
  dl_namespace *namespace;
  dl_error *error = dl_namespace_open("memory:c-linking", NULL, -1, &namespace);
  if (error != NULL || itself == NULL || objects == 0) {
    fprintf(stderr, "%s\n", error != NULL ? dl_error_text(error) : "dlopen does not work");
    return 1;
  }
  dlclose(itself);
  error = dl_namespace_close(namespace, -1);
  dl_namespace_free(namespace);
  dl_error_free(error);
  return error != NULL || strcmp(dl_library_version(), VERSION) != 0;
}
