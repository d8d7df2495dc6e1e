//! Time.

use std::time::Duration;

use super::BoxFuture;

/// Tells the time and waits for it to pass.
pub trait Clock: Send + Sync + 'static {
    /// Time since some fixed moment, also that in which the machine sleeps; never goes back.
    fn monotonic(&self) -> Duration;

    /// Milliseconds since 1970 UTC; may jump either way.
    fn wall_ms(&self) -> i64;

    /// Completes when this much time has passed. Dropping it cancels the wait.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}
