//! The system's clocks, and tokio's timers.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::runtime::Handle;

use crate::seams::{BoxFuture, Clock};

/// The fixed moment from which [`Clock::monotonic`] counts: the first use in this process.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The system's clocks.
pub(super) struct SystemClock {
    runtime: Handle,
}

impl SystemClock {
    pub(super) fn new(runtime: Handle) -> Self {
        Self { runtime }
    }
}

impl Clock for SystemClock {
    fn monotonic(&self) -> Duration {
        START.elapsed()
    }

    fn wall_ms(&self) -> i64 {
        let saturate = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => saturate(since),
            Err(before) => -saturate(before.duration()),
        }
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        // A timer belongs to the runtime that is entered when it is made; the caller may be on a thread of its own.
        let _entered = self.runtime.enter();
        Box::pin(tokio::time::sleep(duration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_sleep_takes_its_time() {
        let clock = SystemClock::new(Handle::current());
        let start = tokio::time::Instant::now();
        clock.sleep(Duration::from_millis(70)).await;
        assert!(start.elapsed() >= Duration::from_millis(70));
    }

    #[tokio::test]
    async fn monotonic_time_does_not_go_back_and_wall_time_is_of_this_century() {
        let clock = SystemClock::new(Handle::current());
        let first = clock.monotonic();
        assert!(clock.monotonic() >= first);
        assert!(clock.wall_ms() > 1_577_836_800_000, "later than 2020");
    }
}
