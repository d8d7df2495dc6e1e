//! What a measurement found, and how it is told.

use std::time::{Duration, Instant};

use dl_core::Durability;
use serde::{Deserialize, Serialize};

use super::super::Shared;
use super::super::failure::Result;
use super::super::table;
use super::latency::{Latency, Percentiles};
use super::process;

/// What can be told as a table, or as one object.
pub(super) trait Report: Serialize {
    /// The rows of the table: a name and a value each.
    fn rows(&self) -> Vec<[String; 2]>;
}

/// Prints figures.
pub(super) fn print(figures: &impl Report, shared: &Shared) -> Result<()> {
    let mut output = shared.output();
    if shared.json {
        output.object(figures)?;
    } else {
        table::write(&mut output, &figures.rows())?;
    }
    output.flush()
}

/// A row of a table.
pub(super) fn row(name: &str, value: impl Into<String>) -> [String; 2] {
    [name.to_owned(), value.into()]
}

/// The figures of a run in which one thing was done many times.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    work: &'static str,
    /// What it was asked to do, in words.
    how: String,
    /// What an acknowledgement survives in this place.
    durability: Option<&'static str>,
    /// What is counted: records or logs.
    unit: &'static str,
    count: u64,
    seconds: f64,
    per_second: f64,
    record_bytes: Option<usize>,
    payload_bytes_per_second: Option<f64>,
    /// From when it was due to when it was done.
    latency: Option<Percentiles>,
    #[serde(flatten)]
    cost: Cost,
}

/// What a process cost, user and system, where the system tells.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Cost {
    processor_seconds: Option<f64>,
    processor_us_each: Option<f64>,
    peak_memory_bytes: Option<u64>,
}

/// What is measured.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) work: &'static str,
    pub(super) how: String,
    pub(super) durability: Option<Durability>,
    /// The length of its records; logs are counted if there is none.
    pub(super) record_bytes: Option<usize>,
}

/// A measurement that runs.
pub(super) struct Meter {
    started: Instant,
    processor: Option<Duration>,
}

impl Meter {
    /// Starts the clock.
    pub(super) fn start() -> Self {
        Self { processor: process::processor_time(), started: Instant::now() }
    }

    /// Stops it after something was done so often.
    pub(super) fn stop(self, subject: Subject, count: u64, latency: &Latency) -> Figures {
        let seconds = self.seconds();
        let Subject { work, how, durability, record_bytes } = subject;
        let per_second = approximate(count) / seconds;
        Figures {
            work,
            how,
            durability: durability.map(Durability::name),
            unit: if record_bytes.is_some() { "records" } else { "logs" },
            count,
            seconds,
            per_second,
            record_bytes,
            payload_bytes_per_second: record_bytes.map(|bytes| per_second * approximate(bytes as u64)),
            latency: latency.percentiles(),
            cost: self.cost(count),
        }
    }

    /// How long it has run.
    pub(super) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64().max(f64::EPSILON)
    }

    /// What this process cost meanwhile, in which something was done so often.
    pub(super) fn cost(&self, count: u64) -> Cost {
        let processor_seconds = process::processor_time()
            .zip(self.processor)
            .map(|(now, before)| now.saturating_sub(before).as_secs_f64());
        Cost {
            processor_seconds,
            processor_us_each: processor_seconds
                .filter(|_| count > 0)
                .map(|seconds| seconds * 1e6 / approximate(count)),
            peak_memory_bytes: process::peak_memory_bytes(),
        }
    }
}

impl Report for Figures {
    fn rows(&self) -> Vec<[String; 2]> {
        let mut rows = vec![row("work", format!("{}, {}", self.work, self.how))];
        rows.extend(self.record_bytes.map(|bytes| row("record", format!("{bytes} bytes"))));
        rows.extend(self.durability.map(|durability| row("durability", durability)));
        rows.extend([
            row(self.unit, format!("{} in {:.2} s", grouped(self.count), self.seconds)),
            row("a second", format!("{:.0}", self.per_second)),
        ]);
        rows.extend(
            self.payload_bytes_per_second
                .map(|bytes| row("payload", format!("{:.1} MB a second", bytes / 1e6))),
        );
        rows.extend(self.latency.map(|latency| row("latency", latency.to_string())));
        rows.extend(self.cost.rows());
        rows
    }
}

impl Cost {
    pub(super) fn rows(&self) -> Vec<[String; 2]> {
        let processor = self
            .processor_seconds
            .zip(self.processor_us_each)
            .map(|(seconds, each)| row("processor", format!("{seconds:.2} s, {each:.3} µs each")));
        let memory = self
            .peak_memory_bytes
            .map(|bytes| row("memory", format!("{:.1} MB at most", approximate(bytes) / 1e6)));
        processor.into_iter().chain(memory).collect()
    }
}

#[allow(clippy::cast_precision_loss, reason = "figures for people, with few digits")]
pub(super) fn approximate(count: u64) -> f64 {
    count as f64
}

/// With commas between thousands.
pub(super) fn grouped(count: u64) -> String {
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
