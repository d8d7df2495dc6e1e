//! dl for C: the functions that `include/dl.h` declares.
//!
//! Conversion and lifetimes only; what a log does is in dl-core. Every function's documentation here is its documentation
//! in the header, which cbindgen makes (`ci/header`), and which begins with the conventions that hold for all of them.
//!
//! Each body runs in `boundary`, where a panic becomes an error. Pointers are looked into by `handle`, `bytes` and `text`
//! alone, which say what the header demands of the caller. A verb that waits stands there twice: it blocks with a time-out,
//! or starts a `dl_call`. Both run the same future, on the runtime of `runtime`.

#![allow(unsafe_code, reason = "pointers come in from C, and symbols go out")]
#![allow(unreachable_pub, reason = "cbindgen declares what is public, and C reaches it by its symbol")]
#![allow(non_camel_case_types, reason = "types are called as in C")]

mod boundary;
mod byte_reader;
mod byte_writer;
mod bytes;
mod codes;
mod completion;
mod cursor;
mod dlsn;
mod error;
mod event;
mod forks;
mod handle;
mod log;
mod log_info;
mod log_queries;
mod log_settings;
mod namespace;
mod namespace_info;
mod options;
mod reader;
mod receipt;
mod record;
mod record_set;
mod runtime;
mod text;
mod turn_taking;
mod unread;
mod verification;
mod version;
mod waiting;
mod watch;
mod watching;
mod writer;
