//! Bookies that fail are left alone for a while.

use std::collections::BTreeMap;

use crate::types::BookieId;

/// When a bookie that fails is left alone.
#[derive(Debug, Clone, Copy)]
pub struct QuarantineOptions {
    /// For how long after a failure a bookie takes no one's place. Default 5 s.
    ///
    /// Bookies that are all down would else take each other's places as fast as the metadata can be written.
    pub rest_ms: u64,
    /// In which time failures are counted. Default 60 s.
    pub interval_ms: u64,
    /// How many of them are too many. Default 100.
    pub failures: u32,
    /// For how long a bookie with too many is used only where nothing else is left. Default 120 s.
    pub quarantine_ms: u64,
}

impl Default for QuarantineOptions {
    fn default() -> Self {
        Self { rest_ms: 5_000, interval_ms: 60_000, failures: 100, quarantine_ms: 120_000 }
    }
}

/// Who failed, and when.
#[derive(Debug, Default)]
pub(super) struct Quarantine {
    options: QuarantineOptions,
    known: BTreeMap<BookieId, Failures>,
}

#[derive(Debug, Default)]
struct Failures {
    last_ms: u64,
    counted_from_ms: u64,
    count: u32,
    quarantined_until_ms: u64,
}

impl Quarantine {
    pub(super) fn new(options: QuarantineOptions) -> Self {
        Self { options, known: BTreeMap::new() }
    }

    pub(super) fn failed(&mut self, bookie: &BookieId, now_ms: u64) {
        let failures = self.known.entry(bookie.clone()).or_default();
        if failures.count == 0 || now_ms.saturating_sub(failures.counted_from_ms) >= self.options.interval_ms
        {
            failures.counted_from_ms = now_ms;
            failures.count = 0;
        }
        failures.last_ms = now_ms;
        failures.count = failures.count.saturating_add(1);
        if failures.count >= self.options.failures {
            failures.quarantined_until_ms = now_ms.saturating_add(self.options.quarantine_ms);
        }
    }

    /// Whether the bookie failed a moment ago.
    pub(super) fn rests(&self, bookie: &BookieId, now_ms: u64) -> bool {
        let last = self.known.get(bookie).map(|failures| failures.last_ms);
        last.is_some_and(|last| now_ms.saturating_sub(last) < self.options.rest_ms)
    }

    /// Whether it failed too often.
    pub(super) fn holds(&self, bookie: &BookieId, now_ms: u64) -> bool {
        self.known.get(bookie).is_some_and(|failures| now_ms < failures.quarantined_until_ms)
    }

    /// Forgets bookies that are gone.
    pub(super) fn keep(&mut self, is_there: impl Fn(&BookieId) -> bool) {
        self.known.retain(|bookie, _| is_there(bookie));
    }
}
