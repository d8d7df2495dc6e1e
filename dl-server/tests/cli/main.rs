//! The real binary, from outside: what goes in, what comes out, and how it ends.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test reaches the outside world and fails by panicking"
)]

mod append;
mod bench;
mod cursor;
mod damage;
mod errors;
mod follow;
mod guards;
mod inspect;
mod manage;
mod round_trip;
mod support;
mod takeover;
mod watching;
