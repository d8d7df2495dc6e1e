//! The journals of one namespace handle: the one being written, those being emptied, and the ones ready for use.
//!
//! Here is which journal is in which of these states. [`used`] is one that holds entries, [`emptying`] the work that is
//! done on those that are full, [`ahead`] the making of the next one, and [`room`] what is given back on a full disk.

mod ahead;
mod emptying;
mod room;
mod used;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::frame::MAX_STORED_ENTRY_BYTES;
use super::journal::{Journal, Making, batch_bytes, entry_bytes};
use super::layout::Layout;
use super::metadata::FileMetadata;
use super::presence::Presence;
use super::segment::Segment;
use crate::error::{Error, ErrorKind, Result};
use crate::seams::{File, Seams};
use crate::telemetry::Telemetry;
pub(super) use used::Used;

/// How many empty journals are kept for the next round of use, in memory and in the directory.
const SPARES: usize = 2;
/// How many journals may be full before writers wait for one to be emptied. A journal with entries of many logs takes
/// long to empty: a sync for each of them.
const MOST_FULL: usize = 3;

/// The journals of one namespace handle.
pub(super) struct JournalPool {
    seams: Seams,
    layout: Layout,
    namespace: u64,
    size: u64,
    metadata: Arc<FileMetadata>,
    presence: Arc<Presence>,
    telemetry: Arc<Telemetry>,
    state: Mutex<Pool>,
    /// Held by the one who empties journals.
    emptying: tokio::sync::Mutex<()>,
    /// Rung when a journal became full, and when one became empty.
    filled: Notify,
    emptied: Notify,
    /// Rung when more of the next journal should be made, or none.
    wanted: Notify,
    /// Held while some of a journal is made ahead.
    making: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Pool {
    active: Option<Arc<Used>>,
    full: Vec<Arc<Used>>,
    spare: Vec<Journal>,
    /// The next one, as far as it is made, and how much of it is to be made by now.
    begun: Option<Making>,
    due: u64,
    /// There was no room on the disk since the active one became active: none is made before it is needed.
    short: bool,
    closed: bool,
}

impl Pool {
    /// The journals that hold entries.
    fn in_use(&self) -> Vec<Arc<Used>> {
        self.full.iter().chain(&self.active).cloned().collect()
    }

    /// Whether writers wait for a journal to be emptied. Those that are stuck wait for another writer or for the disk: new
    /// ones take their place meanwhile.
    fn too_many_full(&self) -> bool {
        self.full.iter().filter(|used| !used.is_stuck()).count() >= MOST_FULL
    }
}

impl JournalPool {
    pub(super) fn new(
        seams: Seams,
        layout: Layout,
        namespace: u64,
        size: u64,
        metadata: Arc<FileMetadata>,
        presence: Arc<Presence>,
        telemetry: Arc<Telemetry>,
    ) -> Self {
        Self {
            seams,
            layout,
            namespace,
            size,
            metadata,
            presence,
            telemetry,
            state: Mutex::default(),
            emptying: tokio::sync::Mutex::default(),
            filled: Notify::new(),
            emptied: Notify::new(),
            wanted: Notify::new(),
            making: tokio::sync::Mutex::default(),
        }
    }

    /// The most that a batch of one entry may take.
    pub(super) fn largest_batch(&self) -> u64 {
        // Options leave room for the largest entry; only tests use smaller journals, and entries to fit.
        batch_bytes(entry_bytes(MAX_STORED_ENTRY_BYTES)).min(self.size / 2)
    }

    /// Takes in a journal that holds nothing; removes it if there are enough.
    pub(super) fn add_spare(&self, journal: Journal) -> Result<()> {
        let mut state = self.state();
        if state.spare.len() < SPARES && journal.size() == self.size {
            state.spare.push(journal);
            return Ok(());
        }
        drop(state);
        journal.remove(&*self.seams.files)
    }

    /// The journal to write to, with room for at least this many bytes. Waits for one to be emptied when too many are
    /// full, or when there is no room on the disk for another.
    ///
    /// # Errors
    /// `storage-full` if a new one does not fit on the disk.
    pub(super) async fn with_room(self: &Arc<Self>, bytes: u64) -> Result<Arc<Used>> {
        loop {
            if let Some(active) = self.active_with_room(bytes) {
                return Ok(active);
            }
            let emptied = self.emptied.notified();
            match self.next_journal() {
                Ok(Some(journal)) => {
                    let used = Used::new(journal);
                    let mut state = self.state();
                    (state.active, state.due, state.short) = (Some(used.clone()), 0, false);
                    return Ok(used);
                }
                Ok(None) => {
                    self.telemetry.metrics.journal_waits.add(1);
                    emptied.await;
                }
                Err(error) if error.kind() == ErrorKind::StorageFull && self.empty_now().await? => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The journal that is being written to, if it has room for at least this many bytes; else it is full.
    pub(super) fn active_with_room(&self, bytes: u64) -> Option<Arc<Used>> {
        let mut state = self.state();
        match state.active.take() {
            Some(active) if active.room() >= bytes => {
                self.look_ahead(&mut state, active.room());
                Some(state.active.insert(active).clone())
            }
            Some(full) => {
                state.full.push(full);
                self.telemetry.metrics.journals_filled.add(1);
                self.filled.notify_one();
                None
            }
            None => None,
        }
    }

    /// A spare or new journal; `None` if one has to be emptied first, or if a piece of one is just being made.
    fn next_journal(&self) -> Result<Option<Journal>> {
        let making = self.making.try_lock();
        let wait = {
            let mut state = self.state();
            if state.closed {
                return Err(Error::closed("the namespace was closed"));
            }
            if let Some(spare) = state.spare.pop() {
                return Ok(Some(spare));
            }
            state.too_many_full()
        };
        if wait || making.is_err() {
            return Ok(None);
        }
        let begun = self.state().begun.take();
        begun.map_or_else(|| self.begin_journal(), Ok)?.finish().map(Some)
    }

    /// Writes no more to the active journal: a sync of it failed.
    pub(super) fn retire_active(&self) {
        let mut state = self.state();
        let active = state.active.take();
        self.telemetry.metrics.journals_filled.add(active.is_some().into());
        state.full.extend(active);
        self.filled.notify_one();
    }

    /// Hands out no more journals, and ends the background task.
    pub(super) fn stop(&self) {
        self.state().closed = true;
        self.filled.notify_one();
        self.emptied.notify_one();
        self.wanted.notify_one();
    }

    /// Empties every journal, also the active one, and lets go of them. Those that cannot be emptied keep their
    /// entries for the next opener. Nobody may be writing any more.
    pub(super) async fn empty_all(self: &Arc<Self>) {
        self.retire_active();
        if let Ok(staying) = self.presence.stay() {
            self.empty_full(&staying, false).await;
        }
        self.let_go();
    }

    /// Gives up the locks of all journals, as soon as nobody works on them.
    pub(super) fn let_go(&self) {
        let mut state = self.state();
        let journals = (
            (state.active.take(), state.begun.take()),
            (std::mem::take(&mut state.full), std::mem::take(&mut state.spare)),
        );
        drop(state);
        drop(journals);
    }

    /// Writes every entry of a segment that is in a journal of ours into its file again: a sync of it failed.
    pub(super) fn write_again(&self, segment: &Segment, file: &dyn File) -> Result<()> {
        let in_use = self.state().in_use();
        for used in in_use {
            used.visit(|entry| {
                if entry.segment != segment.id {
                    return Ok(());
                }
                let written = file.write_at(&[entry.frame], entry.offset);
                written
                    .map_err(|error| super::io::failed(error, "writing to a segment again", segment.path()))
            })?;
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, Pool> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
