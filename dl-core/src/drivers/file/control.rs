//! The control file: commit words and doorbells in memory that every process of the namespace maps.
//!
//! It coordinates live processes and is never evidence of anything durable (rule F3): the first opener of the
//! namespace makes a new one, it is never synced, and no word of it is used for a second segment.
//!
//! The file is a run of pages of 512 words. The first page holds the words named below. The word of segment `id`
//! lies in a page of its own range of ids, at a place that depends on the id alone; the first word of each such page
//! says that the page was written, so that no access to the map can fail for want of space.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::io;
use super::layout::Layout;
use super::word::{Word, WordCell};
use crate::error::{Error, Result};
use crate::seams::{BoxFuture, File, LockKind, OpenMode, Seams, Words};
use crate::types::SegmentId;

const PAGE_BYTES: u64 = 4_096;
const PAGE_WORDS: usize = 512;
/// Words of a page that belong to segments: all but the first.
const PAGE_SEGMENTS: u64 = PAGE_WORDS as u64 - 1;

const READY: usize = 0;
const DATA_BELL: usize = 1;
const METADATA_BELL: usize = 2;
const METADATA_PUBLISHED: usize = 3;
const WRITTEN: u64 = 1;
/// A second or so of giving up the processor.
const LOCK_TRIES: u32 = 1_000_000;

/// Which doorbell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bell {
    /// A commit word changed.
    Data,
    /// The metadata changed.
    Metadata,
}

/// The mapped control file.
pub(super) struct Control {
    path: PathBuf,
    /// None if nobody shares it.
    file: Option<Arc<dyn File>>,
    /// Whether its words may be changed: those that were mapped for reading only may not.
    writable: bool,
    first: Arc<dyn Words>,
    pages: Mutex<BTreeMap<u64, Arc<dyn Words>>>,
}

impl Control {
    /// Makes a new control file, not ready, in place of any other. For the first opener only.
    pub(super) fn create(seams: &Seams, layout: &Layout) -> Result<Self> {
        let path = layout.control();
        let failed = |error| io::failed(error, "making the control file", &path);
        // Nobody maps the old one any more. Removed first, it leaves its space to the new one on a full disk.
        if seams.files.exists(&path).map_err(failed)? {
            seams.files.remove(&path).map_err(failed)?;
        }
        let file = seams.files.open(&path, OpenMode::CreateNew).map_err(failed)?;
        file.write_at(&[&[0; PAGE_BYTES as usize]], 0).map_err(failed)?;
        let first = file.map(0, PAGE_WORDS).map_err(failed)?;
        Ok(Self { path, file: Some(file), writable: true, first, pages: Mutex::default() })
    }

    /// A control page of this process's own, for a handle that only reads and found nobody else.
    pub(super) fn detached(layout: &Layout) -> Self {
        let words = Box::new([const { AtomicU64::new(0) }; PAGE_WORDS]);
        let first = Arc::new(OwnWords { words, rung: Notify::new() });
        Self { path: layout.control(), file: None, writable: true, first, pages: Mutex::default() }
    }

    /// Opens the control file if it was made ready since the kernel started; for those who share the lock. With
    /// `OpenMode::Read` nothing of it can be changed.
    pub(super) fn open(seams: &Seams, layout: &Layout, mode: OpenMode) -> Result<Option<Self>> {
        let path = layout.control();
        let failed = |error| io::failed(error, "opening the control file", &path);
        if !seams.files.exists(&path).map_err(failed)? {
            return Ok(None);
        }
        let file = seams.files.open(&path, mode).map_err(failed)?;
        if file.size().map_err(failed)? < PAGE_BYTES {
            return Ok(None);
        }
        let first = file.map(0, PAGE_WORDS).map_err(failed)?;
        let ready = first.words()[READY].load(Ordering::Acquire) == boot_mark(seams)?;
        let writable = mode != OpenMode::Read;
        Ok(ready.then(|| Self { path, file: Some(file), writable, first, pages: Mutex::default() }))
    }

    /// Declares every word good. The first opener's last act before it shares its lock.
    pub(super) fn set_ready(&self, seams: &Seams) -> Result<()> {
        self.first.words()[READY].store(boot_mark(seams)?, Ordering::Release);
        Ok(())
    }

    /// The word of a segment; its page is written first if need be.
    pub(super) fn word(&self, id: SegmentId) -> Result<WordCell> {
        let (page, index) = place(id);
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(words) = pages.get(&page) {
            return Ok(WordCell::new(words.clone(), index));
        }
        let Some(file) = self.file.as_ref().filter(|_| self.writable) else {
            return Err(Error::internal("a handle that only reads asked for a commit word"));
        };
        let words = prepare(&**file, page)
            .map_err(|error| io::failed(error, "growing the control file", &self.path))?;
        pages.insert(page, words.clone());
        Ok(WordCell::new(words, index))
    }

    /// The word of a segment if its page is there. Writes nothing.
    pub(super) fn word_if_there(&self, id: SegmentId) -> Result<Option<WordCell>> {
        let Some(file) = &self.file else { return Ok(None) };
        let (page, index) = place(id);
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(words) = pages.get(&page) {
            return Ok(Some(WordCell::new(words.clone(), index)));
        }
        let offset = page.saturating_mul(PAGE_BYTES);
        let map = || is_written(&**file, offset)?.then(|| file.map(offset, PAGE_WORDS)).transpose();
        let words = map().map_err(|error| io::failed(error, "reading the control file", &self.path))?;
        let Some(words) = words else { return Ok(None) };
        pages.insert(page, words.clone());
        Ok(Some(WordCell::new(words, index)))
    }

    /// The word of a segment as it is now; `None` if nobody needed it yet. Writes nothing.
    pub(super) fn peek(&self, id: SegmentId) -> Result<Option<Word>> {
        Ok(self.word_if_there(id)?.map(|cell| cell.load()).filter(|word| word.is_made()))
    }

    /// The number of the last metadata commit that is durable.
    pub(super) fn metadata_published(&self) -> u64 {
        self.first.words()[METADATA_PUBLISHED].load(Ordering::Acquire)
    }

    /// Publishes a durable metadata commit. Under the metadata lock.
    pub(super) fn publish_metadata(&self, sequence: u64) {
        self.first.words()[METADATA_PUBLISHED].store(sequence, Ordering::Release);
    }

    /// Wakes every process that waits on a bell. Whoever is only about to wait hears of it if the words may be changed.
    pub(super) fn ring(&self, bell: Bell) {
        if self.writable {
            self.first.words()[bell.index()].fetch_add(1, Ordering::AcqRel);
        }
        self.first.wake(bell.index());
    }

    /// Wakes whoever waits on any bell.
    pub(super) fn ring_all(&self) {
        self.ring(Bell::Data);
        self.ring(Bell::Metadata);
    }

    /// How often a bell rang.
    pub(super) fn rung(&self, bell: Bell) -> u32 {
        // The low half is what waiters compare.
        self.first.words()[bell.index()].load(Ordering::Acquire) as u32
    }

    /// Waits until a bell rang more often than `seen`; may return early. Blocks its thread.
    pub(super) fn wait(&self, bell: Bell, seen: u32) -> BoxFuture<'_, ()> {
        self.first.wait(bell.index(), seen)
    }
}

/// Words that no other process sees.
struct OwnWords {
    words: Box<[AtomicU64; PAGE_WORDS]>,
    rung: Notify,
}

impl Words for OwnWords {
    fn words(&self) -> &[AtomicU64] {
        &*self.words
    }

    fn wake(&self, _index: usize) {
        self.rung.notify_waiters();
    }

    fn wait(&self, index: usize, seen: u32) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let rung = self.rung.notified();
            if self.words[index].load(Ordering::Acquire) as u32 == seen {
                rung.await;
            }
        })
    }
}

impl Bell {
    fn index(self) -> usize {
        match self {
            Self::Data => DATA_BELL,
            Self::Metadata => METADATA_BELL,
        }
    }
}

/// The page and the index of a segment's word.
fn place(id: SegmentId) -> (u64, usize) {
    let id = id.get().unsigned_abs();
    (1 + id / PAGE_SEGMENTS, 1 + usize::try_from(id % PAGE_SEGMENTS).unwrap_or_default())
}

/// Writes and maps a page. Under a lock, since two processes may do it at once.
fn prepare(file: &dyn File, page: u64) -> std::io::Result<Arc<dyn Words>> {
    let offset = page.checked_mul(PAGE_BYTES).ok_or(std::io::ErrorKind::FileTooLarge)?;
    let mut tries = 0;
    while !file.try_lock(LockKind::Exclusive)? {
        // Held by another process for the few microseconds of this function, unless that process is stopped.
        tries += 1;
        if tries > LOCK_TRIES {
            return Err(std::io::Error::other("another process was stopped while it grew the control file"));
        }
        std::thread::yield_now();
    }
    let mapped = write_page(file, offset).and_then(|()| file.map(offset, PAGE_WORDS));
    // Once more if it fails, since everybody waits for it.
    file.unlock().or_else(|_| file.unlock())?;
    mapped
}

fn write_page(file: &dyn File, offset: u64) -> std::io::Result<()> {
    if is_written(file, offset)? {
        return Ok(());
    }
    // The mark last: whoever dies in between leaves a page that is written again.
    file.write_at(&[&[0; PAGE_BYTES as usize]], offset)?;
    file.write_at(&[&WRITTEN.to_le_bytes()], offset)
}

fn is_written(file: &dyn File, offset: u64) -> std::io::Result<bool> {
    let mut mark = [0; 8];
    let read = file.read_at(&mut mark, offset)?;
    Ok(read == mark.len() && u64::from_le_bytes(mark) == WRITTEN)
}

/// A number that stands for this start of the kernel; never 0.
fn boot_mark(seams: &Seams) -> Result<u64> {
    let boot =
        seams.files.boot_id().map_err(|error| io::unanswered(error, "asking for the kernel's boot id"))?;
    let check = u64::from(crc32c::crc32c(boot.as_bytes()));
    let reversed: Vec<u8> = boot.bytes().rev().collect();
    Ok(u64::from(crc32c::crc32c(&reversed)) << 32 | check | 1)
}
