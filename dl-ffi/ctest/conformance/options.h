/* Options of each kind, filled from the table `options` of a request. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "agent.h"

dl_error *namespace_options(const json *fields, dl_namespace_options **options);
dl_error *log_options(const json *fields, dl_log_options **options);
dl_error *writer_options(const json *fields, dl_writer_options **options);
dl_error *reader_options(const json *fields, dl_reader_options **options);
/* NULL if the request asks for nothing: a txid, a condition. */
dl_error *append_options(const json *fields, const json *record, dl_append_options **options);

#endif
