//! Commit words: how far a segment is committed, and whether it may go further, in one atomic step.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::seams::Words;

const MADE: u64 = 1;
const FENCED: u64 = 2;
const CLOSED: u64 = 4;
const DELETED: u64 = 8;
const LENGTH_SHIFT: u32 = 8;

/// A value of a commit word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Word(u64);

impl Word {
    /// A segment committed up to this offset of its file, open for more.
    pub(super) fn open(length: u64) -> Self {
        Self(length << LENGTH_SHIFT | MADE)
    }

    /// All of it, to see whether anything changed.
    pub(super) fn bits(self) -> u64 {
        self.0
    }

    /// Whether it was made since the control file was.
    pub(super) fn is_made(self) -> bool {
        self.0 & MADE != 0
    }

    /// The offset in the segment's file at which the committed entries end.
    pub(super) fn length(self) -> u64 {
        self.0 >> LENGTH_SHIFT
    }

    pub(super) fn is_fenced(self) -> bool {
        self.0 & FENCED != 0
    }

    pub(super) fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    pub(super) fn is_deleted(self) -> bool {
        self.0 & DELETED != 0
    }

    /// Whether its writer may still extend it.
    pub(super) fn is_open(self) -> bool {
        self.0 & (FENCED | CLOSED | DELETED) == 0
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.length())?;
        for (set, name) in [
            (!self.is_made(), " unmade"),
            (self.is_fenced(), " fenced"),
            (self.is_closed(), " closed"),
            (self.is_deleted(), " deleted"),
        ] {
            if set {
                f.write_str(name)?;
            }
        }
        Ok(())
    }
}

/// The place of one segment's word in the memory that all processes share.
#[derive(Clone)]
pub(super) struct WordCell {
    words: Arc<dyn Words>,
    index: usize,
}

impl WordCell {
    /// The word at this index, which must exist.
    pub(super) fn new(words: Arc<dyn Words>, index: usize) -> Self {
        debug_assert!(index < words.words().len(), "the index lies in the map");
        Self { words, index }
    }

    fn cell(&self) -> &AtomicU64 {
        &self.words.words()[self.index]
    }

    pub(super) fn load(&self) -> Word {
        Word(self.cell().load(Ordering::Acquire))
    }

    /// Makes the word of a segment that has none; answers the word in force, which may be another's.
    pub(super) fn make(&self, word: Word) -> Word {
        match self.cell().compare_exchange(0, word.0, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => word,
            Err(there) => Word(there),
        }
    }

    /// Commits from `old` to `new`, unless anything happened to the segment: then answers its word.
    pub(super) fn extend(&self, old: u64, new: u64) -> std::result::Result<(), Word> {
        self.cell()
            .compare_exchange(Word::open(old).0, Word::open(new).0, Ordering::AcqRel, Ordering::Acquire)
            .map(drop)
            .map_err(Word)
    }

    /// Cuts off the segment's writer; answers the word, whose length cannot grow any more.
    pub(super) fn fence(&self) -> Word {
        self.set(FENCED)
    }

    /// Ends the segment; answers the word as it was before.
    pub(super) fn close(&self) -> Word {
        self.set(CLOSED)
    }

    /// Marks the segment as gone.
    pub(super) fn delete(&self) -> Word {
        self.set(DELETED)
    }

    fn set(&self, bit: u64) -> Word {
        Word(self.cell().fetch_or(bit, Ordering::AcqRel))
    }
}

/// Why a word cannot be moved.
pub(super) fn cut_off(word: Word) -> Error {
    if word.is_deleted() {
        return Error::not_found("the log was deleted").maybe_effective();
    }
    // After a power loss the journal may bring the entry back.
    Error::fenced("a newer writer owns the log; open a new writer to go on").maybe_effective()
}

/// The result of asking for the end of a word, for those who close a segment.
pub(super) fn close_word(cell: &WordCell) -> Result<u64> {
    let before = cell.close();
    if before.is_open() || before.is_closed() && !before.is_fenced() && !before.is_deleted() {
        return Ok(before.length());
    }
    Err(cut_off(before))
}
