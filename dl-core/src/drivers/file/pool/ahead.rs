//! The next journal, made ahead.
//!
//! While the disk syncs what was written of a new file, the sync of a group commit waits behind it: 40 ms for all of a journal at
//! once. So it is made piece by piece, at the pace at which the one before it is used, and no clock is needed for that.

use std::sync::Arc;

use super::super::journal::{Journal, Making};
use super::{JournalPool, Pool};
use crate::error::Result;

/// How much is written and synced at once.
const PIECE_BYTES: u64 = if cfg!(test) { 8 << 10 } else { 1 << 20 };

impl JournalPool {
    /// Has more of the next journal made, twice as fast as the one before it is used, once three eighths of that are.
    pub(super) fn look_ahead(&self, state: &mut Pool, room: u64) {
        let used = self.size.saturating_sub(room);
        let due = (2 * used).saturating_sub(self.size / 4 * 3).min(self.size);
        let piece = if due < self.size { PIECE_BYTES } else { 1 };
        if due < state.due + piece || state.short || !state.spare.is_empty() {
            return;
        }
        state.due = due;
        self.wanted.notify_one();
    }

    /// The background task that makes the next journal while there is still room in the one before it, so that no writer
    /// waits while a file of that size is written.
    pub(in crate::drivers::file) async fn run_ahead(self: Arc<Self>) {
        loop {
            self.wanted.notified().await;
            if self.state().closed {
                return;
            }
            let Ok(staying) = self.presence.stay() else { return };
            let making = self.making.lock().await;
            let pool = self.clone();
            let work = move || {
                pool.make_some();
                drop(staying);
            };
            self.seams.tasks.blocking(work).await;
            drop(making);
            // Who needs one takes it, or makes what is left of it.
            self.emptied.notify_one();
        }
    }

    /// Makes as much of the next journal as is due.
    fn make_some(&self) {
        let begun = {
            let mut state = self.state();
            // Asked for while the journal before was in use, it may be done already.
            let is_due = state.due > 0 && state.active.is_some();
            let wanted = is_due && state.spare.is_empty() && !state.too_many_full();
            if !wanted || state.is_over() {
                return;
            }
            state.begun.take()
        };
        let made = begun.map_or_else(|| self.begin_journal(), Ok).and_then(|making| self.make_on(making));
        let mut state = self.state();
        match made {
            // Whoever closes the pool lets all its journals go: the lock on this one goes with it.
            Ok(_) if state.closed => {}
            Ok((begun, whole)) => {
                state.begun = begun;
                state.spare.extend(whole);
            }
            // Whoever needs one gets the error, if it cannot be made then either.
            Err(_) => state.due = self.size,
        }
    }

    /// Makes more of a journal, while that is due and nobody waits for it; answers it as what it is then.
    fn make_on(&self, mut making: Making) -> Result<(Option<Making>, Option<Journal>)> {
        loop {
            let due = {
                let state = self.state();
                if state.is_over() || state.active.is_none() { 0 } else { state.due }
            };
            if making.written() >= due {
                return Ok((Some(making), None));
            }
            making.write_to(due.min(making.written() + PIECE_BYTES))?;
            if making.is_whole() {
                return Ok((None, Some(making.finish()?)));
            }
        }
    }

    pub(super) fn begin_journal(&self) -> Result<Making> {
        let (files, folder) = (self.seams.files.clone(), self.layout.journals());
        Making::begin(files, folder, self.namespace, self.seams.random.next_u64(), self.size)
    }
}

impl Pool {
    /// Whether nothing is to be made ahead any more.
    fn is_over(&self) -> bool {
        self.closed || self.short
    }
}
