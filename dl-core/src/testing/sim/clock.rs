//! Time of a simulated machine: that of the test's tokio runtime, which is paused or not.
#![allow(clippy::disallowed_methods, reason = "tokio's clock is the simulated one")]

use std::future::Future;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::seams::{BoxFuture, Clock};

/// The wall time at which a world begins: some day in 2025.
const BEGIN_MS: i64 = 1_750_000_000_000;

/// The clocks of a simulated machine.
pub(super) struct SimClock {
    begin: Instant,
    step_ms: AtomicI64,
}

impl SimClock {
    pub(super) fn new() -> Self {
        Self { begin: Instant::now(), step_ms: AtomicI64::new(0) }
    }

    /// Steps the wall clock.
    pub(super) fn step(&self, by_ms: i64) {
        self.step_ms.fetch_add(by_ms, Ordering::AcqRel);
    }
}

impl Clock for SimClock {
    fn monotonic(&self) -> Duration {
        self.begin.elapsed()
    }

    fn wall_ms(&self) -> i64 {
        let passed = i64::try_from(self.monotonic().as_millis()).unwrap_or(i64::MAX);
        BEGIN_MS.saturating_add(passed).saturating_add(self.step_ms.load(Ordering::Acquire))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Waits for the future, but no longer than this.
pub(super) async fn at_most(duration: Duration, future: impl Future<Output = ()>) {
    // Whether it came or not is the same to who waits with a limit.
    let _either = tokio::time::timeout(duration, future).await;
}
