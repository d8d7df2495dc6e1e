//! The system's clocks, and tokio's timers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::place::Place;
use crate::seams::{BoxFuture, Clock};

/// The system's clocks.
pub(super) struct SystemClock {
    place: Place,
}

impl SystemClock {
    pub(super) fn new(place: Place) -> Self {
        Self { place }
    }
}

impl Clock for SystemClock {
    fn monotonic(&self) -> Duration {
        since_boot()
    }

    fn wall_ms(&self) -> i64 {
        coarse_wall_ms().unwrap_or_else(wall_ms)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        // A timer belongs to the runtime that is entered when it is made; the caller may be on a thread of its own.
        // What waits without a runtime is over, and is to find that out.
        let Some(runtime) = self.place.runtime() else { return Box::pin(std::future::ready(())) };
        let _entered = runtime.enter();
        Box::pin(tokio::time::sleep(duration))
    }
}

/// The time since the system started, also that in which it slept: what others did meanwhile they have done.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn since_boot() -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a timespec of ours, which the call fills in. It cannot fail: the clock is there since Linux 2.6.39.
    unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut now) };
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default())
}

/// The time since the first use in this process, without that in which the system slept.
#[cfg(not(target_os = "linux"))]
fn since_boot() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

/// The wall clock as of the kernel's last tick, at most 10 ms ago: asked for each record, it takes a tenth of the time.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn coarse_wall_ms() -> Option<i64> {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a timespec of ours, which the call fills in.
    let read = unsafe { libc::clock_gettime(libc::CLOCK_REALTIME_COARSE, &raw mut now) };
    (read == 0).then(|| now.tv_sec.saturating_mul(1_000).saturating_add(now.tv_nsec / 1_000_000))
}

#[cfg(not(target_os = "linux"))]
fn coarse_wall_ms() -> Option<i64> {
    None
}

fn wall_ms() -> i64 {
    let saturate = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => saturate(since),
        Err(before) => -saturate(before.duration()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::{Builder, Handle};

    use super::*;

    #[test]
    fn a_sleep_without_a_runtime_ends_at_once() {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let place = Place::new(runtime.handle().clone());
        let clock = SystemClock::new(place.clone());
        place.let_go();
        let mut slept = std::pin::pin!(clock.sleep(Duration::from_secs(3_600)));
        let waker = std::task::Waker::noop();
        assert!(slept.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_ready());
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleep_takes_its_time() {
        let clock = SystemClock::new(Place::new(Handle::current()));
        let start = tokio::time::Instant::now();
        clock.sleep(Duration::from_millis(70)).await;
        assert!(start.elapsed() >= Duration::from_millis(70));
    }

    #[tokio::test]
    async fn monotonic_time_does_not_go_back_and_wall_time_is_of_this_century() {
        let clock = SystemClock::new(Place::new(Handle::current()));
        let first = clock.monotonic();
        assert!(clock.monotonic() >= first);
        assert!(clock.wall_ms() > 1_577_836_800_000, "later than 2020");
        let (before, coarse) = (wall_ms(), clock.wall_ms());
        assert!((before - 1_000..=before + 1_000).contains(&coarse), "{coarse} is not about {before}");
    }
}
