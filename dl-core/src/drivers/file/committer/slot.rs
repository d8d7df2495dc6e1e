//! A segment being written: where its next entry goes, and whether it takes one.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use super::super::frame::FRAME_BYTES;
use super::super::index::Place;
use super::super::journal::entry_bytes;
use super::super::segment::{FIRST_OFFSET, Segment};
use super::super::word::WordCell;
use super::share::{Placed, Share};
use crate::error::Error;
use crate::seams::File;
use crate::store::EntrySource;

/// A segment being written by this process.
pub(in crate::drivers::file) struct WriterSlot {
    pub(in crate::drivers::file) segment: Arc<Segment>,
    pub(super) word: WordCell,
    pub(super) file: Arc<dyn File>,
    pub(super) source: Arc<dyn EntrySource>,
    pub(super) woken: AtomicBool,
    state: Mutex<WriteState>,
}

pub(super) struct WriteState {
    /// Where the next entry goes.
    pub(super) next: Place,
    /// Space is taken in the file up to here.
    pub(super) reserved: u64,
    /// The system was told to write the file to the disk up to here.
    pub(super) started: u64,
    /// Why no entry is taken any more.
    pub(super) ended: Option<Error>,
    /// There while it has a large flush.
    flush: Option<Behind>,
    /// The bytes of the last large flush, if what comes next is flushed like it.
    flushed: Option<u64>,
}

/// What is left for the end of a large flush: nothing is taken from a writer, nor told to it, while one of it runs.
#[derive(Default)]
pub(super) struct Behind {
    /// The writer has more.
    pub(super) more: bool,
    /// Its word may have changed elsewhere.
    pub(super) look: bool,
}

impl WriterSlot {
    pub(in crate::drivers::file) fn new(
        segment: Arc<Segment>,
        word: WordCell,
        file: Arc<dyn File>,
        source: Arc<dyn EntrySource>,
    ) -> Self {
        let first = Place { entry: 0, offset: FIRST_OFFSET };
        let state = Mutex::new(WriteState {
            next: first,
            reserved: FIRST_OFFSET,
            started: FIRST_OFFSET,
            ended: None,
            flush: None,
            flushed: None,
        });
        Self { segment, word, file, source, woken: AtomicBool::new(false), state }
    }

    /// Takes no more entries; those that still come get this error, or that of an earlier end. Answers whether there
    /// was none.
    pub(in crate::drivers::file) fn end(&self, error: Error) -> bool {
        let mut state = self.state();
        let first = state.ended.is_none();
        state.ended.get_or_insert(error);
        first
    }

    /// Ends a writer that may have nothing waiting, and tells it.
    pub(super) fn break_off(&self, error: Error) {
        if self.end(error.clone()) {
            self.source.broken(error);
        }
    }

    /// It has a large flush from now on.
    pub(super) fn begin_flush(&self) {
        self.state().flush = Some(Behind::default());
    }

    /// If it has a large flush, notes what to do at the end of that; answers whether it has.
    pub(super) fn awaits_flush(&self, note: impl FnOnce(&mut Behind)) -> bool {
        self.state().flush.as_mut().map(note).is_some()
    }

    /// The large flush is done, and the next one begins at once if `another` says so; answers what was left for now.
    pub(super) fn end_flush(&self, another: impl FnOnce(&Behind) -> bool) -> Behind {
        let mut state = self.state();
        let behind = state.flush.take().unwrap_or_default();
        state.flush = another(&behind).then(Behind::default);
        behind
    }

    /// Notes how much it flushes. A log at full speed has more and less by turns: what comes in while the one is synced.
    pub(super) fn note_flush(&self, bytes: u64, large: u64) {
        let mut state = self.state();
        let lately = bytes + state.flushed.unwrap_or(0);
        state.flushed = (lately >= large).then_some(bytes);
    }

    /// Whether what it has next is flushed like what it had last, without being part of a round.
    pub(super) fn stays_aside(&self) -> bool {
        self.state().flushed.is_some() && !self.segment.is_suspect()
    }

    pub(super) fn state(&self) -> std::sync::MutexGuard<'_, WriteState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes entries from a writer while there is room; the last one may go beyond it.
pub(super) fn pull(slot: &Arc<WriterSlot>, left: &mut usize) -> Option<Share> {
    let (mut at, ended) = {
        let state = slot.state();
        (state.next, state.ended.clone())
    };
    if let Some(error) = ended {
        refuse_waiting(slot, &error);
        return None;
    }
    let first = at;
    let mut entries = Vec::new();
    while *left > 0 {
        if !entries.is_empty() && slot.source.is_drained() {
            break;
        }
        let Some(bytes) = slot.source.next_entry() else { break };
        *left = left.saturating_sub(entry_bytes(bytes.len()));
        let head = slot.segment.seed.head(at.offset, at.entry, &bytes);
        let end = at.offset + (FRAME_BYTES + bytes.len()) as u64;
        entries.push(Placed { place: at, head, bytes });
        at = Place { entry: at.entry + 1, offset: end };
    }
    (!entries.is_empty()).then(|| Share { slot: slot.clone(), first, end: at, entries })
}

/// Answers what a writer still has after its end.
fn refuse_waiting(slot: &WriterSlot, error: &Error) {
    while slot.source.next_entry().is_some() {
        let entry = slot.state().next.entry;
        slot.state().next.entry += 1;
        slot.source.settled(entry, Err(error.clone()));
    }
}

/// Makes sure that the file has space up to `end`, in steps that grow with it.
pub(super) fn reserve(slot: &WriterSlot, end: u64) -> std::io::Result<()> {
    const LEAST: u64 = 16 << 10;
    const MOST: u64 = 4 << 20;
    let reserved = slot.state().reserved;
    if end <= reserved {
        return Ok(());
    }
    let step = (end / 2).clamp(LEAST, MOST);
    let target = (end + step).next_multiple_of(4_096);
    // A nearly full disk may still have room for the entry itself.
    let got = match slot.file.reserve(reserved, target - reserved) {
        Ok(()) => target,
        Err(_) => {
            slot.file.reserve(reserved, end - reserved)?;
            end
        }
    };
    slot.state().reserved = got;
    Ok(())
}
