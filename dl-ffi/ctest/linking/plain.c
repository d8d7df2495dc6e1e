/* Uses dlopen and not the library. */
#include <dlfcn.h>
#include <stddef.h>

int main(void) {
  return dlopen(NULL, RTLD_NOW) == NULL;
}
