//! dl and Java DistributedLog on one namespace of a real cluster: each writes, reads, follows, fences, recovers, renames and
//! deletes beside the other.
//!
//! Ignored unless asked for, since they need what builds Java: `ci/test interop`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod fencing;
mod java;
mod management;
mod reading;
mod tailing;
mod truncating;
mod world;
