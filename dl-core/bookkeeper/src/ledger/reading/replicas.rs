//! Which replica to ask first.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use super::ReadOptions;
use crate::ledger::quorum::write_set;
use crate::types::{BookieId, Quorum};

/// What a reader has learned of the bookies of its ledger.
#[derive(Debug, Clone, Default)]
pub struct Replicas {
    /// Until when a bookie is asked last.
    avoided: BTreeMap<BookieId, u64>,
    /// The bookie that is kept to.
    preferred: Option<BookieId>,
    /// The bookie that told last how far the ledger is confirmed: it was alive just now.
    told: Option<BookieId>,
    /// How often in a row a request for many entries failed.
    failed_batches: u32,
    /// The bytes of an entry, on average, where many were read at once last.
    entry_bytes: Option<NonZeroUsize>,
}

/// After how many failures entries are asked for one by one: bookies before 4.17 break the connection each time.
const MAX_FAILED_BATCHES: u32 = 3;

impl Replicas {
    /// The places that have an entry, the best to ask first: not one that was slow or failed, then the one that told
    /// of the last news, then the one kept to, then as the entry's write set has them.
    pub(super) fn order(
        &self,
        options: &ReadOptions,
        quorum: Quorum,
        ensemble: &[BookieId],
        entry: u64,
        now_ms: u64,
    ) -> Vec<usize> {
        let sticky = options.sticky && quorum.ensemble() == quorum.write();
        let mut places: Vec<usize> = write_set(quorum, entry).collect();
        if sticky && self.preferred.is_none() {
            // Readers that have no reason yet to prefer another all start with the same bookie of a ledger.
            places.sort_unstable();
        }
        let rank = |place: &usize| {
            let bookie = ensemble.get(*place);
            let avoided = bookie.is_some_and(|bookie| self.avoids(bookie, now_ms));
            (avoided, self.told.as_ref() != bookie, !(sticky && self.preferred.as_ref() == bookie))
        };
        places.sort_by_key(rank);
        places
    }

    /// Whether to ask for many entries with one request.
    pub(super) fn takes_batches(&self) -> bool {
        self.failed_batches < MAX_FAILED_BATCHES
    }

    pub(super) fn batch_ended(&mut self, well: bool) {
        self.failed_batches = if well { 0 } else { self.failed_batches + 1 };
    }

    pub(super) fn entry_bytes(&self) -> Option<NonZeroUsize> {
        self.entry_bytes
    }

    /// So many entries with so many bytes came at once.
    pub(super) fn learn_size(&mut self, entries: usize, bytes: usize) {
        if let Some(average) = bytes.checked_div(entries) {
            self.entry_bytes = Some(NonZeroUsize::new(average).unwrap_or(NonZeroUsize::MIN));
        }
    }

    pub(super) fn avoids(&self, bookie: &BookieId, now_ms: u64) -> bool {
        self.avoided.get(bookie).is_some_and(|until| now_ms < *until)
    }

    /// A bookie was slow or failed.
    pub(super) fn avoid(&mut self, bookie: &BookieId, until_ms: u64) {
        self.avoided.insert(bookie.clone(), until_ms);
        if self.told.as_ref() == Some(bookie) {
            self.told = None;
        }
        if self.preferred.as_ref() == Some(bookie) {
            self.preferred = None;
        }
    }

    /// A bookie told of news, so it is alive, and most likely has the entries.
    pub fn told_by(&mut self, bookie: BookieId) {
        self.avoided.remove(&bookie);
        self.told = Some(bookie);
    }

    /// A bookie gave a good entry back.
    pub(super) fn good(&mut self, bookie: &BookieId) {
        self.avoided.remove(bookie);
        if self.preferred.is_none() {
            self.preferred = Some(bookie.clone());
        }
    }
}
