//! Batches that are ready before a caller asks for them, for one who catches up. docs/decisions/0026 says what it keeps to.

use std::sync::{Arc, MutexGuard};

use dl_core::{Dlsn, End, RecordBatch};
use tokio::runtime::Handle;

use crate::reading::{Shared, State};

/// Batches smaller than that are quicker read than prepared.
const WORTH_PREPARING: usize = 100;

/// How many records are ready at most, or one batch.
const MOST_PREPARED: usize = 3_000;

/// How often a call looks for a batch that is being prepared before it sleeps: some twenty microseconds, less than waking up takes.
const LOOKS: usize = 50;

/// A batch, and where the reader is behind it.
pub(crate) struct Prepared {
    records: RecordBatch,
    position: Dlsn,
    end: Option<End>,
}

impl Shared {
    /// What is prepared for a call that wants so many, if no other call is to get it.
    pub(crate) fn prepared(self: &Arc<Self>, max: usize) -> Option<RecordBatch> {
        let state = self.state();
        let first = state.waiting == 0 && state.returned.is_empty() && state.full == Some(max);
        if first { self.take_prepared(state, max) } else { None }
    }

    /// The same, also if it is prepared at this moment.
    pub(crate) fn prepared_soon(self: &Arc<Self>, max: usize) -> Option<RecordBatch> {
        for _ in 0..LOOKS {
            let prepared = self.prepared(max);
            if prepared.is_some() || self.preparing.try_lock().is_ok() {
                return prepared;
            }
            (0..8).for_each(|_| std::hint::spin_loop());
        }
        None
    }

    /// What is prepared for a call that has the reader. What is too much for it is then there as if it had been given back.
    pub(crate) fn prepared_in_turn(self: &Arc<Self>, max: usize) -> Option<RecordBatch> {
        let mut state = self.state();
        let fits = state.prepared.front()?.records.len() <= max;
        // Whoever wants another number of records may want yet another next time.
        state.full = state.full.filter(|full| *full == max);
        if fits {
            return self.take_prepared(state, max);
        }
        while let Some(Prepared { records, position, end }) = state.prepared.pop_front() {
            state.returned.extend(records.shares().map(|record| (record.dlsn, record)));
            (state.position, state.end) = (position, end);
        }
        drop(state);
        Some(self.returned(max))
    }

    fn take_prepared(self: &Arc<Self>, mut state: MutexGuard<'_, State>, max: usize) -> Option<RecordBatch> {
        let Prepared { records, position, end } = state.prepared.pop_front()?;
        (state.position, state.end) = (position, end);
        state.leaves(&records);
        self.prepare_more(state, max);
        Some(records)
    }

    /// Notes what a call got that wanted so many. If it is full, and the one before was, the next one is wanted at once.
    pub(crate) fn catches_up(self: &Arc<Self>, max: usize, got: usize) {
        let mut state = self.state();
        let full = (got == max && max >= WORTH_PREPARING && self.prepares).then_some(max);
        let again = full.is_some() && state.full == full;
        state.full = full;
        if again {
            self.prepare_more(state, max);
        }
    }

    /// Starts a task that prepares, if there is none and half of what may be ready is gone, so that it seldom wakes up for a single
    /// batch. Calls call it, in the runtime.
    fn prepare_more(self: &Arc<Self>, mut state: MutexGuard<'_, State>, max: usize) {
        let goes_on = state.full == Some(max) && !state.closed;
        if goes_on && !state.is_preparing && state.prepared.len() <= most_batches(max) / 2 {
            state.is_preparing = true;
            drop(state);
            Handle::current().spawn(self.clone().prepare(max));
        }
    }

    /// Has the next batches of so many ready, as far as there are records. What fails here fails again in the call that comes next.
    async fn prepare(self: Arc<Self>, max: usize) {
        while self.prepare_one(max).await {}
    }

    /// Whether there is more to prepare.
    async fn prepare_one(&self, max: usize) -> bool {
        let _preparing = self.preparing.lock().await;
        let Ok(mut reader) = self.reader.try_lock() else {
            // A call was quicker.
            self.state().is_preparing = false;
            return false;
        };
        let records = reader.next_batch_ahead(max).await.unwrap_or_default();
        let read = Prepared { records, position: reader.position(), end: reader.end() };
        let mut state = self.state();
        if read.records.is_empty() || state.closed {
            state.is_preparing = false;
            return false;
        }
        let more = read.end.is_none() && state.full == Some(max);
        state.prepared.push_back(read);
        state.is_preparing = more && state.prepared.len() < most_batches(max);
        state.is_preparing
    }
}

/// How many batches of so many are ready at most.
fn most_batches(max: usize) -> usize {
    (MOST_PREPARED / max.max(1)).clamp(1, 3)
}
