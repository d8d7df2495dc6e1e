//! The only door to the outside world: time, randomness, tasks, files, shared words and wake-ups.
//!
//! The engine and the drivers reach the outside through a [`Seams`] value, so that tests run them in a simulated
//! world: one that loses power, tears writes, fails syncs and freezes processes. [`Seams::system`] is the real one.

mod clock;
mod files;
mod random;
mod system;
mod tasks;

use std::sync::Arc;

pub use clock::Clock;
pub use files::{File, FileSystem, Files, LockKind, OpenMode, Words};
pub use random::Random;
pub(crate) use system::PerProcess;
#[cfg(feature = "runtime")]
pub use system::build_runtime;
pub use tasks::{BoxFuture, Tasks};

/// The outside world as one process sees it.
#[derive(Clone)]
pub struct Seams {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Tasks and threads.
    pub tasks: Arc<dyn Tasks>,
    /// Files, locks on them, and memory shared through them.
    pub files: Arc<dyn Files>,
}
