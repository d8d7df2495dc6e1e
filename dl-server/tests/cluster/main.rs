//! The real binary beside real bookies and a real ZooKeeper.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test reaches the outside world and fails by panicking"
)]

mod bk;
mod copy;
mod recover;
#[path = "../cli/support.rs"]
#[allow(dead_code, reason = "the tests of the command line use the rest")]
mod support;
mod tls;
mod verify;
