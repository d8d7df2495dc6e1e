//! The messages of protocol version 3 and of ledger metadata. `generated.rs` is written by `proto/generate`.

// Written by a program: its style is its own, and nothing of it is public. It has all that the protocol has, used or not.
#[rustfmt::skip]
#[allow(missing_docs, unreachable_pub, dead_code, clippy::all)]
mod generated;

pub(crate) use generated::*;
