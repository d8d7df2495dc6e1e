//! How long things took.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Durations, each kept to three digits.
pub(super) struct Latency(Histogram<u64>);

/// What is told of them, in microseconds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Percentiles {
    pub(super) p50_us: f64,
    pub(super) p90_us: f64,
    pub(super) p99_us: f64,
    pub(super) p999_us: f64,
    pub(super) max_us: f64,
}

impl Latency {
    pub(super) fn new() -> Self {
        Self(Histogram::new(3).expect("three digits are allowed"))
    }

    pub(super) fn record(&mut self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.0.record(nanoseconds).expect("it grows as it needs to");
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("it grows as it needs to");
    }

    /// `None` if nothing was recorded.
    pub(super) fn percentiles(&self) -> Option<Percentiles> {
        let at = |quantile| microseconds(self.0.value_at_quantile(quantile));
        (!self.0.is_empty()).then(|| Percentiles {
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: microseconds(self.0.max()),
        })
    }
}

impl fmt::Display for Percentiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { p50_us, p90_us, p99_us, p999_us, max_us } = self;
        write!(
            f,
            "p50 {p50_us:.1} µs, p90 {p90_us:.1} µs, p99 {p99_us:.1} µs, p99.9 {p999_us:.1} µs, max {max_us:.1} µs"
        )
    }
}

#[allow(clippy::cast_precision_loss, reason = "a latency has far fewer than 52 bits of nanoseconds")]
fn microseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_all_that_was_recorded() {
        let (mut one, mut other) = (Latency::new(), Latency::new());
        assert!(one.percentiles().is_none());
        for number in 1..=500 {
            one.record(Duration::from_micros(number));
            other.record(Duration::from_micros(500 + number));
        }
        one.add(&other);
        let found = one.percentiles().unwrap();
        let near = |value: f64, expected: f64| (value - expected).abs() <= expected / 500.0;
        assert!(
            near(found.p50_us, 500.0) && near(found.p90_us, 900.0) && near(found.p99_us, 990.0),
            "{found:?}"
        );
        assert!(near(found.p999_us, 999.0) && near(found.max_us, 1_000.0), "{found:?}");
    }
}
