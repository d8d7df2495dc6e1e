//! What an open namespace tells its operator: metrics, to be asked for, and events, which go to a hook.
//!
//! `metrics.toml` is the one table of both. [`instruments`] are what is counted with, [`snapshot`] what callers get,
//! [`event`] the way to the hook. Nothing here is global: each open namespace has one [`Telemetry`].

mod event;
mod generated;
mod instruments;
mod prometheus;
mod snapshot;
#[cfg(test)]
mod tests;

pub use event::{Event, Level};
pub(crate) use event::{Events, Hook};
pub(crate) use generated::*;
pub(crate) use snapshot::Descriptor;
pub use snapshot::{Distribution, Metric, MetricValue, Snapshot};

use crate::error::{Error, ErrorKind};
use event::Topic;
pub(crate) use instruments::{Counter, Histogram};

/// The metrics and events of an open namespace.
#[derive(Debug, Default)]
pub(crate) struct Telemetry {
    pub(crate) metrics: Metrics,
    pub(crate) events: Events,
}

impl Telemetry {
    pub(crate) fn new(events: Events) -> Self {
        Self { metrics: Metrics::default(), events }
    }

    /// Tells the hook, if there is one. Never blocks; may be called anywhere.
    pub(crate) fn tell(&self, topic: Topic, message: &'static str, describe: impl FnOnce(Event) -> Event) {
        if !self.events.send(|| describe(Event::new(topic, message))) {
            self.metrics.events_dropped.add(1);
        }
    }

    /// Counts a call that failed.
    pub(crate) fn failed(&self, error: &Error) {
        self.metrics.failed_calls.add(error.kind(), 1);
        self.corrupt(error);
    }

    /// Counts and tells of damage, if that is what the error says.
    pub(crate) fn corrupt(&self, error: &Error) {
        if error.kind() == ErrorKind::Corrupt {
            self.metrics.corrupt_found.add(1);
            self.tell(DATA_CORRUPT, "stored bytes are not what was written", |event| event.caused_by(error));
        }
    }

    /// Counts an entry that is acknowledged.
    pub(crate) fn acknowledged(&self, records: usize, bytes: usize) {
        self.metrics.append_records.add(records as u64);
        self.metrics.append_bytes.add(bytes as u64);
        self.metrics.entry_records.record(records as u64);
    }

    /// Counts a group commit, of which `records` were acknowledged.
    pub(crate) fn round(&self, entries: usize, bytes: usize, records: usize) {
        self.metrics.rounds.add(1);
        self.metrics.round_entries.record(entries as u64);
        self.metrics.round_bytes.record(bytes as u64);
        self.metrics.round_records.record(records as u64);
    }
}

/// The names of the methods in a block of source code, sorted: what measures by calling another has to have them all.
#[cfg(test)]
pub(crate) fn methods_of(source: &'static str, block: &str) -> std::collections::BTreeSet<&'static str> {
    let (_, block) = source.split_once(block).expect("the block is there");
    let lines = block.lines().take_while(|line| *line != "}");
    let names = lines.filter_map(|line| {
        let name = line.strip_prefix("    fn ").or_else(|| line.strip_prefix("    async fn "))?;
        name.split(['(', '<']).next()
    });
    names.collect()
}
