/* Calls in flight, by the names that a case gives them. */
#ifndef CALLS_H
#define CALLS_H

#include "agent.h"

void keep_call(const char *name, struct request *request);
/* NULL if there is none. */
struct request *call_named(const char *name);
/* The same, and it is not kept any more. */
struct request *taken_call(const char *name);
void free_request(struct request *request);

#endif
