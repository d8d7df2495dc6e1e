//! A journal that holds entries, with the segments they belong to: what is written to it, and what keeps it from being
//! emptied. Apart from the pool, which only knows which journals are in use.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::drivers::file::journal::{BatchEntry, Journal, ReadEntry};
use crate::drivers::file::segment::Segment;
use crate::error::{Error, Result};
use crate::types::SegmentId;

/// A journal that holds entries.
pub(in crate::drivers::file) struct Used {
    state: Mutex<State>,
    /// Emptying it was tried, and something has to stay: writers do not wait for it.
    stuck: AtomicBool,
}

struct State {
    /// None once it was emptied and went its way.
    journal: Option<Journal>,
    /// For each segment: where the last of its entries in this journal ends. Keeping the segment keeps the
    /// descriptor open through which it was written, which reports a failed write-back (rule F7).
    segments: BTreeMap<SegmentId, (Arc<Segment>, u64)>,
}

impl Used {
    pub(super) fn new(journal: Journal) -> Arc<Self> {
        let state = Mutex::new(State { journal: Some(journal), segments: BTreeMap::new() });
        Arc::new(Self { state, stuck: AtomicBool::new(false) })
    }

    /// How many more bytes of batches fit.
    pub(in crate::drivers::file) fn room(&self) -> u64 {
        self.state().journal.as_ref().map_or(0, Journal::room)
    }

    /// Writes a batch, syncs it, and notes where its entries end in each segment.
    pub(in crate::drivers::file) fn append<'a>(
        &self,
        metadata: u64,
        entries: &[BatchEntry<'_>],
        ends: impl Iterator<Item = (&'a Arc<Segment>, u64)>,
    ) -> Result<()> {
        let mut state = self.state();
        // Also when the sync fails: the entries may be there.
        for (segment, end) in ends {
            state.segments.entry(segment.id).or_insert_with(|| (segment.clone(), 0)).1 = end;
        }
        let journal = state.journal.as_mut();
        journal
            .ok_or_else(|| Error::internal("a journal was emptied while it was written"))?
            .append(metadata, entries)
    }

    /// Visits every entry; none once it was emptied.
    pub(super) fn visit(&self, visit: impl FnMut(ReadEntry<'_>) -> Result<()>) -> Result<()> {
        let state = self.state();
        state.journal.as_ref().map_or(Ok(()), |journal| journal.visit(u64::MAX, visit).map(drop))
    }

    /// The segments that have entries in it, and where the last of these ends.
    pub(super) fn segments(&self) -> Vec<(Arc<Segment>, u64)> {
        self.state().segments.values().cloned().collect()
    }

    /// Nobody needs the entries of this segment any more, or they are durable in its file.
    pub(super) fn forget(&self, id: SegmentId) {
        self.state().segments.remove(&id);
    }

    /// Forgets the entries, if those of no segment have to stay; answers the journal.
    pub(super) fn empty(&self) -> Result<Option<Journal>> {
        let mut state = self.state();
        if !state.segments.is_empty() {
            return Ok(None);
        }
        if let Some(journal) = &mut state.journal {
            journal.empty()?;
        }
        Ok(state.journal.take())
    }

    pub(super) fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Acquire)
    }

    /// Notes that something has to stay; answers whether that is news.
    pub(super) fn mark_stuck(&self) -> bool {
        !self.stuck.swap(true, Ordering::AcqRel)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
