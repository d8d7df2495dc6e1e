//! What a measurement found, and how it is told.

use std::time::{Duration, Instant};

use dl_core::Durability;
use serde::Serialize;

use super::super::Shared;
use super::super::failure::Result;
use super::super::table;
use super::latency::{Latency, Percentiles};
use super::process;

/// The figures of one run.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    work: &'static str,
    /// What it was asked to do, in words.
    how: String,
    /// What an acknowledgement survives in this place.
    durability: Option<&'static str>,
    record_bytes: usize,
    records: u64,
    seconds: f64,
    records_per_second: f64,
    payload_bytes_per_second: f64,
    /// From when it was due to when it was done.
    latency: Option<Percentiles>,
    /// Of this process, user and system.
    processor_seconds: Option<f64>,
    processor_us_per_record: Option<f64>,
    peak_memory_bytes: Option<u64>,
}

/// What is measured: the work, its words, and the length of its records.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) work: &'static str,
    pub(super) how: String,
    pub(super) record_bytes: usize,
}

/// A measurement that runs.
pub(super) struct Meter {
    subject: Subject,
    started: Instant,
    processor: Option<Duration>,
}

impl Meter {
    /// Starts the clock.
    pub(super) fn start(subject: Subject) -> Self {
        Self { subject, processor: process::processor_time(), started: Instant::now() }
    }

    /// Stops it after so many records.
    pub(super) fn stop(self, records: u64, latency: &Latency, durability: Option<Durability>) -> Figures {
        let seconds = self.started.elapsed().as_secs_f64().max(f64::EPSILON);
        let processor_seconds = process::processor_time()
            .zip(self.processor)
            .map(|(now, before)| now.saturating_sub(before).as_secs_f64());
        let Subject { work, how, record_bytes } = self.subject;
        let count = approximate(records);
        Figures {
            work,
            how,
            durability: durability.map(Durability::name),
            record_bytes,
            records,
            seconds,
            records_per_second: count / seconds,
            payload_bytes_per_second: count * approximate(record_bytes as u64) / seconds,
            latency: latency.percentiles(),
            processor_seconds,
            processor_us_per_record: processor_seconds
                .filter(|_| records > 0)
                .map(|seconds| seconds * 1e6 / count),
            peak_memory_bytes: process::peak_memory_bytes(),
        }
    }
}

impl Figures {
    /// Prints them as a table, or as one object.
    pub(super) fn print(&self, shared: &Shared) -> Result<()> {
        let mut output = shared.output();
        if shared.json {
            output.object(self)?;
        } else {
            table::write(&mut output, &self.rows())?;
        }
        output.flush()
    }

    fn rows(&self) -> Vec<[String; 2]> {
        let row = |name: &str, value: String| [name.to_owned(), value];
        let mut rows = vec![
            row("work", format!("{}, {}", self.work, self.how)),
            row("record", format!("{} bytes", self.record_bytes)),
        ];
        rows.extend(self.durability.map(|durability| row("durability", durability.to_owned())));
        rows.extend([
            row("records", format!("{} in {:.2} s", grouped(self.records), self.seconds)),
            row("a second", format!("{:.0}", self.records_per_second)),
            row("payload", format!("{:.1} MB a second", self.payload_bytes_per_second / 1e6)),
        ]);
        if let Some(latency) = &self.latency {
            rows.push(row("latency", latency.to_string()));
        }
        if let Some((seconds, each)) = self.processor_seconds.zip(self.processor_us_per_record) {
            rows.push(row("processor", format!("{seconds:.2} s, {each:.3} µs a record")));
        }
        if let Some(bytes) = self.peak_memory_bytes {
            rows.push(row("memory", format!("{:.1} MB at most", approximate(bytes) / 1e6)));
        }
        rows
    }
}

#[allow(clippy::cast_precision_loss, reason = "figures for people, with few digits")]
pub(super) fn approximate(count: u64) -> f64 {
    count as f64
}

/// With commas between thousands.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_told_apart() {
        for (count, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(count), text);
        }
    }
}
