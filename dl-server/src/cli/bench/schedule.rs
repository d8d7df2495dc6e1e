//! When the next append is due.

use std::hint;
use std::thread;
use std::time::{Duration, Instant};

use dl_core::{Error, ErrorKind, Result};

/// A sleep may end this much late; the rest of a wait is spent awake.
const SLEEP_SLACK: Duration = Duration::from_micros(150);

/// The moments at which appends are due, until the time is over.
///
/// With a rate they are even, and do not move when something takes long: a latency that counts from them shows what a
/// caller would have waited who came at that moment. Without one, each is due when the one before it is done.
pub(super) struct Schedule {
    start: Instant,
    length: Duration,
    interval: Option<Duration>,
    next: u32,
}

impl Schedule {
    pub(super) fn new(length: Duration, rate: Option<f64>) -> Result<Self> {
        let interval = rate.map(interval).transpose()?;
        Ok(Self { start: Instant::now(), length, interval, next: 0 })
    }

    /// Waits until the next append is due, on this thread; answers since when it is due. `None` when the time is over.
    pub(super) fn next(&mut self) -> Option<Instant> {
        let Some(interval) = self.interval else {
            let now = Instant::now();
            return (now - self.start < self.length).then_some(now);
        };
        let offset = interval.checked_mul(self.next)?;
        self.next = self.next.checked_add(1)?;
        if offset >= self.length {
            return None;
        }
        let due = self.start + offset;
        wait_until(due);
        Some(due)
    }
}

fn interval(rate: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(1.0 / rate).ok().filter(|interval| !interval.is_zero()).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidArgument,
            format!("{rate} is no rate; write how many a second, such as 1000"),
        )
    })
}

fn wait_until(due: Instant) {
    let left = due.saturating_duration_since(Instant::now());
    if left > SLEEP_SLACK {
        thread::sleep(left - SLEEP_SLACK);
    }
    while Instant::now() < due {
        hint::spin_loop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_even_and_ends() {
        let mut schedule = Schedule::new(Duration::from_millis(2), Some(2_000.0)).unwrap();
        let start = schedule.start;
        let due: Vec<Duration> = std::iter::from_fn(|| schedule.next()).map(|due| due - start).collect();
        assert_eq!(due, [0, 500, 1_000, 1_500].map(Duration::from_micros));
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Schedule::new(Duration::ZERO, Some(rate)).is_err(), "{rate}");
        }
    }

    #[test]
    fn without_a_rate_it_is_due_now() {
        assert!(Schedule::new(Duration::from_secs(3_600), None).unwrap().next().is_some());
        assert!(Schedule::new(Duration::ZERO, None).unwrap().next().is_none());
    }
}
