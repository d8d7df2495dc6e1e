//! The native half of the npm package `distributed-log`.
//!
//! It translates and has no semantics of its own. `lib/*.ts` is the face that users see; between the two, a call has a
//! number: it is begun by a function that returns at once, and settled later through the `port` of its
//! thread of JavaScript, many calls at a time. So the boundary is crossed seldom, and no promise is lost with the thread
//! that would have settled it.
//!
//! Nothing in here is called by users: `docs/node.md` is for them.

#![cfg_attr(test, allow(dead_code, reason = "the macros of napi export nothing in a test harness"))]
#![allow(unreachable_pub, reason = "what JavaScript sees, no crate does")]
#![allow(unsafe_code, reason = "what the macros of napi write; nothing else in this crate is unsafe")]

mod acks;
mod byte_streams;
mod columns;
mod cursor;
mod error;
mod info;
mod log;
mod looking;
mod namespace;
mod on_the_spot;
mod operating;
mod options;
mod port;
mod reader;
mod reading;
mod running;
mod runtime;
mod settler;
mod values;
mod watch;
mod writer;
