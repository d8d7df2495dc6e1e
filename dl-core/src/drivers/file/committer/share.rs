//! The entries of one writer in a round, from their places in the segment file to their acknowledgements.

use std::sync::Arc;

use bytes::Bytes;

use super::super::frame::FRAME_BYTES;
use super::super::index::Place;
use super::super::io;
use super::super::journal::BatchEntry;
use super::super::word::cut_off;
use super::slot::{WriterSlot, reserve};
use crate::error::{Error, ErrorKind, Result};

/// The system begins to write a segment to the disk in steps of this many bytes.
const WRITE_BYTES: u64 = if cfg!(test) { 8 << 10 } else { 1 << 20 };
const PAGE_BYTES: u64 = 4_096;

/// The entries of one writer in a round.
pub(super) struct Share {
    pub(super) slot: Arc<WriterSlot>,
    pub(super) first: Place,
    pub(super) end: Place,
    pub(super) entries: Vec<Placed>,
}

pub(super) struct Placed {
    pub(super) place: Place,
    pub(super) head: [u8; FRAME_BYTES],
    pub(super) bytes: Bytes,
}

/// What came of putting a share into its segment file.
pub(super) enum Placing {
    Done(Share),
    /// There was no room for it: nothing was written.
    Crowded(Share, Error),
    /// It failed, and the source was told.
    Failed,
}

impl Share {
    /// The bytes of its entries.
    pub(super) fn bytes(&self) -> usize {
        self.entries.iter().map(|placed| placed.bytes.len()).sum()
    }

    /// The bytes it takes in the segment file.
    pub(super) fn file_bytes(&self) -> u64 {
        self.end.offset - self.first.offset
    }

    /// Whether it is worth a sync of its own in its segment, and may have one; else the journal has to make it durable.
    pub(super) fn is_large(&self, large: u64) -> bool {
        self.file_bytes() >= large && !self.slot.segment.is_suspect()
    }

    /// Makes it durable in its segment.
    pub(super) fn sync(&self) -> Result<()> {
        let synced = self.slot.segment.sync_through(&*self.slot.file, self.end.offset);
        self.slot.state().started = self.end.offset / PAGE_BYTES * PAGE_BYTES;
        synced
    }

    /// Has the system write what only the journal has made durable, once that is some. If it was left to the sync that
    /// empties the journal, or to one of a large share, that would keep the disk for long, and the syncs of all other
    /// writers waiting behind it.
    pub(super) fn start_writing(&self) {
        let mut state = self.slot.state();
        let end = self.end.offset / PAGE_BYTES * PAGE_BYTES;
        if end >= state.started + WRITE_BYTES {
            self.slot.file.start_writing(state.started, end - state.started);
            state.started = end;
        }
    }

    /// Moves the commit word over the share, which is durable.
    pub(super) fn move_word(&self) -> Result<()> {
        self.slot.word.extend(self.first.offset, self.end.offset).map_err(cut_off)?;
        let mut index = self.slot.segment.index();
        for placed in &self.entries {
            let end = placed.place.offset + (FRAME_BYTES + placed.bytes.len()) as u64;
            index.extend(Place { entry: placed.place.entry + 1, offset: end });
        }
        Ok(())
    }

    /// Tells the writer, and readers here; answers how many records were acknowledged.
    pub(super) fn tell(self, moved: Result<()>) -> usize {
        if let Err(error) = moved {
            self.fail(&error);
            return 0;
        }
        let mut records = 0;
        for placed in self.entries {
            self.slot.source.give_back(placed.bytes);
            records += self.slot.source.settled(placed.place.entry, Ok(()));
        }
        self.slot.segment.notify();
        records
    }

    /// Refuses its entries before they got their places: whatever comes next gets the first one's.
    pub(super) fn refuse(&self, error: &Error) {
        for _ in &self.entries {
            self.slot.source.settled(self.first.entry, Err(error.clone()));
        }
    }

    /// Answers its entries where there is no journal to write to.
    pub(super) fn refuse_or_fail(&self, error: &Error) {
        if error.kind() == ErrorKind::StorageFull { self.refuse(error) } else { self.fail(error) }
    }

    /// Ends the writer: its entries fail, and it gets no more.
    pub(super) fn fail(&self, error: &Error) {
        self.slot.end(error.clone());
        self.slot.state().next = self.end;
        for placed in &self.entries {
            self.slot.source.settled(placed.place.entry, Err(error.clone()));
        }
    }
}

/// Takes space for a share and puts its bytes into the segment file.
pub(super) fn place(share: Share) -> Placing {
    let slot = share.slot.clone();
    if let Err(error) = reserve(&slot, share.end.offset) {
        let error = io::failed(error, "taking space for an entry", slot.segment.path());
        // No room: nothing was written and no entry got its place (rule F12).
        if error.kind() == ErrorKind::StorageFull {
            return Placing::Crowded(share, error);
        }
        share.fail(&error);
        return Placing::Failed;
    }
    let written = match &share.entries[..] {
        // Of many writers each has one, most of the time.
        [only] => slot.file.write_at(&[&only.head, &only.bytes], share.first.offset),
        entries => {
            let pieces: Vec<&[u8]> =
                entries.iter().flat_map(|placed| [&placed.head[..], &placed.bytes]).collect();
            slot.file.write_at(&pieces, share.first.offset)
        }
    };
    if let Err(error) = written {
        let error =
            Error::unavailable(format!("writing to a segment failed: {error}; open a new writer to go on"))
                .with("file", slot.segment.path().display())
                .maybe_effective();
        share.fail(&error);
        return Placing::Failed;
    }
    slot.state().next = share.end;
    Placing::Done(share)
}

pub(super) fn batch_entries(shares: &[Share]) -> Vec<BatchEntry<'_>> {
    let entries = shares.iter().flat_map(|share| share.entries.iter().map(move |placed| (share, placed)));
    entries
        .map(|(share, placed)| BatchEntry {
            segment: share.slot.segment.id,
            offset: placed.place.offset,
            frame_head: &placed.head,
            entry: &placed.bytes,
        })
        .collect()
}
