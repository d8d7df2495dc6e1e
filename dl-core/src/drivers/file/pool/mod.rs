//! The journals of one namespace handle: the one being written, those being emptied, and the ones ready for use.
//!
//! A journal is emptied once every entry in it is durable in its segment (rule F6). That happens in the background,
//! while the next journal takes the new batches.

mod ahead;
mod room;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::catalog::SegmentState;
use super::frame::MAX_STORED_ENTRY_BYTES;
use super::journal::{BatchEntry, Journal, Making, batch_bytes, entry_bytes};
use super::layout::Layout;
use super::metadata::FileMetadata;
use super::presence::{Presence, Staying};
use super::segment::Segment;
use crate::error::{Error, ErrorKind, Result};
use crate::seams::{File, Seams};
use crate::telemetry::{Event, JOURNAL_STUCK, Telemetry};
use crate::types::SegmentId;

/// How many empty journals are kept for the next round of use, in memory and in the directory.
const SPARES: usize = 2;
/// How many journals may be full before writers wait for one to be emptied. A journal with entries of many logs takes
/// long to empty: a sync for each of them.
const MOST_FULL: usize = 3;
/// How many segment files are synced at once while a journal is emptied.
const LANES: usize = 8;
/// So many files are synced in each lane before it is asked how urgent the rest is.
const LANE_SEGMENTS: usize = if cfg!(test) { 1 } else { 128 };
/// How long to wait before a journal that could not be emptied is tried again.
const RETRY: Duration = Duration::from_millis(100);

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

/// A journal that holds entries, and the segments they belong to.
pub(super) struct Used {
    state: Mutex<UsedState>,
    /// Emptying it was tried, and something has to stay: writers do not wait for it.
    stuck: AtomicBool,
}

struct UsedState {
    /// None once it was emptied and went its way.
    journal: Option<Journal>,
    /// For each segment: where the last of its entries in this journal ends. Keeping the segment keeps the
    /// descriptor open through which it was written, which reports a failed write-back (rule F7).
    segments: BTreeMap<SegmentId, (Arc<Segment>, u64)>,
}

impl Pool {
    /// Whether writers wait for a journal to be emptied. Those that are stuck wait for another writer or for the disk: new
    /// ones take their place meanwhile.
    fn too_many_full(&self) -> bool {
        self.full.iter().filter(|used| !used.stuck.load(Ordering::Acquire)).count() >= MOST_FULL
    }
}

impl Used {
    fn new(journal: Journal) -> Arc<Self> {
        let state = Mutex::new(UsedState { journal: Some(journal), segments: BTreeMap::new() });
        Arc::new(Self { state, stuck: AtomicBool::new(false) })
    }

    fn state(&self) -> MutexGuard<'_, UsedState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many more bytes of batches fit.
    pub(super) fn room(&self) -> u64 {
        self.state().journal.as_ref().map_or(0, Journal::room)
    }

    /// Writes a batch, syncs it, and notes where its entries end in each segment.
    pub(super) fn append<'a>(
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

    /// The background task: empties full journals.
    pub(super) async fn run(self: Arc<Self>) {
        loop {
            let filled = self.filled.notified();
            if self.state().closed {
                return;
            }
            let Ok(staying) = self.presence.stay() else { return };
            let left = self.empty_full(&staying, true).await;
            // Not while nothing is to do.
            drop(staying);
            if left == 0 {
                filled.await;
            } else {
                tokio::select! {
                    () = filled => {}
                    () = self.seams.clock.sleep(RETRY) => {}
                }
            }
        }
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

    /// Empties the full journals, `behind` other work or at once; answers how many could not be.
    async fn empty_full(self: &Arc<Self>, staying: &Staying, behind: bool) -> usize {
        let _one_at_a_time = self.emptying.lock().await;
        let full = self.state().full.clone();
        for used in full {
            match self.empty(&used, staying, behind).await {
                Ok(Some(journal)) => {
                    self.state().full.retain(|other| !Arc::ptr_eq(other, &used));
                    self.telemetry.metrics.journals_emptied.add(1);
                    // An emptied journal that cannot be removed is removed by the next opener.
                    let _kept = self.add_spare(journal);
                }
                Ok(None) => self.stuck(&used, None),
                Err(error) => self.stuck(&used, Some(&error)),
            }
            self.emptied.notify_one();
        }
        self.state().full.len()
    }

    /// Writers do not wait for this one.
    fn stuck(&self, used: &Used, error: Option<&Error>) {
        if used.stuck.swap(true, Ordering::AcqRel) {
            return;
        }
        let message = "a journal cannot be emptied yet; another takes its place meanwhile";
        self.telemetry.tell(JOURNAL_STUCK, message, |event| {
            let event = event.with("file", self.layout.journals().display());
            error.into_iter().fold(event, Event::caused_by)
        });
    }

    /// Makes the entries of a journal durable in their segments and forgets them; answers the journal. `None` if some
    /// have to stay.
    async fn empty(
        self: &Arc<Self>,
        used: &Arc<Used>,
        staying: &Staying,
        behind: bool,
    ) -> Result<Option<Journal>> {
        let segments: Vec<_> = used.state().segments.values().cloned().collect();
        let mut settled = Ok(());
        for some in segments.chunks(LANES * LANE_SEGMENTS) {
            // Thousands of syncs take a good part of a processor, for which those who append would wait. But where all
            // processors are busy, work behind others may never get to its end: not if the next journal is full, too.
            let behind = behind && self.may_wait();
            let these = self.settle_side_by_side(used, some, staying, behind).await;
            // One that fails does not keep the others from being settled.
            settled = settled.and(these);
        }
        settled?;
        if !used.state().segments.is_empty() {
            return Ok(None);
        }
        let (used, staying) = (used.clone(), staying.clone());
        let empty = move || {
            let mut state = used.state();
            if let Some(journal) = &mut state.journal {
                journal.empty()?;
            }
            drop(staying);
            Ok(state.journal.take())
        };
        self.seams.tasks.blocking(empty).await
    }

    /// Whether nobody waits for a journal to be emptied, nor soon will.
    fn may_wait(&self) -> bool {
        let state = self.state();
        state.full.len() < 2 && !state.short
    }

    /// Many files at once: the file system makes one commit of its own for all of them.
    async fn settle_side_by_side(
        self: &Arc<Self>,
        used: &Arc<Used>,
        segments: &[(Arc<Segment>, u64)],
        staying: &Staying,
        behind: bool,
    ) -> Result<()> {
        let work = segments.chunks(segments.len().div_ceil(LANES).max(1)).map(|lane| {
            let (pool, used, lane, staying) = (self.clone(), used.clone(), lane.to_vec(), staying.clone());
            move || {
                let settled = pool.settle_all(&used, lane);
                drop(staying);
                settled
            }
        });
        self.seams.tasks.blocking_each(behind, work).await.into_iter().collect()
    }

    fn settle_all(&self, used: &Used, segments: Vec<(Arc<Segment>, u64)>) -> Result<()> {
        for (segment, end) in segments {
            if self.settle(&segment, end)? {
                used.state().segments.remove(&segment.id);
            }
        }
        Ok(())
    }

    /// Makes what is committed of a segment durable in its file. Answers whether every entry up to `end` is either
    /// durable there or, for good, not part of the segment.
    fn settle(&self, segment: &Segment, end: u64) -> Result<bool> {
        // The word first: a segment completed after this line is complete at no less than this.
        let word = segment.word().map(|cell| cell.load().length());
        let (committed, is_final) = match self.metadata.segment_state(segment.id)? {
            None | Some(SegmentState::Deleted) => return Ok(true),
            Some(SegmentState::Closed { length, .. }) => (length, true),
            Some(SegmentState::Open) => (word.unwrap_or(0), false),
        };
        segment.make_durable(committed, |file| self.write_again(segment, file))?;
        Ok(is_final || end <= committed)
    }

    /// Writes every entry of a segment that is in a journal of ours into its file again: a sync of it failed.
    pub(super) fn write_again(&self, segment: &Segment, file: &dyn File) -> Result<()> {
        let journals: Vec<_> = {
            let state = self.state();
            state.full.iter().chain(&state.active).cloned().collect()
        };
        for used in journals {
            let state = used.state();
            let Some(journal) = &state.journal else { continue };
            journal.visit(u64::MAX, |entry| {
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
