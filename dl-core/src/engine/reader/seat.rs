//! What is known of a reader from outside: how far it is, and what it delivered.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::telemetry::Telemetry;
use crate::types::{Dlsn, LogName};

/// How far a reader is.
#[derive(Debug)]
pub(crate) struct Seat {
    log: LogName,
    segment: AtomicI64,
    /// Entries of the segment that were delivered as a whole.
    delivered: AtomicU64,
}

impl Seat {
    pub(super) fn new(log: LogName) -> Self {
        Self { log, segment: AtomicI64::new(0), delivered: AtomicU64::new(0) }
    }

    pub(crate) fn log(&self) -> &LogName {
        &self.log
    }

    /// The segment it reads, and how many entries of it it is through with.
    pub(crate) fn place(&self) -> (i64, u64) {
        (self.segment.load(Ordering::Relaxed), self.delivered.load(Ordering::Relaxed))
    }

    /// Notes where the reader is: everything below was delivered.
    pub(super) fn set(&self, position: Dlsn) {
        self.segment.store(position.segment(), Ordering::Relaxed);
        self.delivered.store(u64::try_from(position.entry()).unwrap_or(0), Ordering::Relaxed);
    }
}

/// What a reader delivered and did not count yet: once for each entry, since it delivers millions of records a second.
pub(super) struct Tally {
    telemetry: Arc<Telemetry>,
    pub(super) records: u64,
    pub(super) bytes: u64,
}

impl Tally {
    pub(super) fn new(telemetry: Arc<Telemetry>) -> Self {
        Self { telemetry, records: 0, bytes: 0 }
    }

    pub(super) fn count(&mut self) {
        self.telemetry.metrics.read_records.add(std::mem::take(&mut self.records));
        self.telemetry.metrics.read_bytes.add(std::mem::take(&mut self.bytes));
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.count();
    }
}
