//! One segment file as this process knows it.
//!
//! A block of 4,096 bytes (what the file is, and the committed length that is durable), then frames. A segment has
//! one writer for its whole life and never shrinks.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};

use tokio::sync::watch;

use super::frame::{FRAME_BYTES, FrameHead, FrameSeed};
use super::index::{Index, Place};
use super::io;
use super::layout::Layout;
use super::names::Names;
use super::slots::Slots;
use super::word::WordCell;
use crate::error::{Error, Result};
use crate::seams::{File, Files, OpenMode};
use crate::types::SegmentId;

/// Where the first frame starts.
pub(super) const FIRST_OFFSET: u64 = 4_096;

const MAGIC: &[u8; 8] = b"dl\0seg\0\x01";
/// Bytes at the start of the file that say what it is.
pub(super) const HEAD_BYTES: usize = 28;
/// How much is read at once when a file is walked from frame to frame.
const WALK_BYTES: usize = 1 << 20;
/// How far the durable length in a file's head may lie behind what is synced there: after a crash, that is read and written
/// again.
const BEHIND_BYTES: u64 = 8 << 20;

/// A segment in use by this process: its file, its commit word, and what is known of both.
pub(super) struct Segment {
    pub(super) id: SegmentId,
    pub(super) seed: FrameSeed,
    namespace: u64,
    path: PathBuf,
    folder: PathBuf,
    segments: PathBuf,
    files: Arc<dyn Files>,
    names: Arc<Names>,
    /// What its name was counted as in its folder, when it was made or last opened for writing.
    name: AtomicU64,
    word: OnceLock<WordCell>,
    file: Mutex<Option<Opened>>,
    durable: Mutex<Durable>,
    index: Mutex<Index>,
    changed: watch::Sender<()>,
    /// The word when waiters were last told of it.
    told: AtomicU64,
}

struct Opened {
    file: Arc<dyn File>,
    writable: bool,
}

/// What is known to be on disk. Held locked through each sync, so that a process never has two of one file at once.
#[derive(Default)]
pub(super) struct Durable {
    slots: Option<Slots>,
    /// Everything below is on disk, by a sync of this process.
    synced: u64,
    name_synced: bool,
    /// A sync of the file failed in this process: what it covered may be lost although later ones succeed (rule F7).
    pub(super) suspect: bool,
}

impl Segment {
    pub(super) fn new(
        files: Arc<dyn Files>,
        names: Arc<Names>,
        layout: &Layout,
        namespace: u64,
        id: SegmentId,
    ) -> Self {
        Self {
            names,
            name: AtomicU64::new(u64::MAX),
            id,
            seed: FrameSeed::new(namespace, id),
            namespace,
            path: layout.segment(id),
            folder: layout.segment_folder(id),
            segments: layout.segments(),
            files,
            word: OnceLock::new(),
            file: Mutex::default(),
            durable: Mutex::default(),
            index: Mutex::new(Index::new(Place { entry: 0, offset: FIRST_OFFSET })),
            changed: watch::Sender::new(()),
            told: AtomicU64::new(0),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The commit word, once somebody here needed it.
    pub(super) fn word(&self) -> Option<&WordCell> {
        self.word.get()
    }

    /// Keeps the place of the commit word.
    pub(super) fn keep_word(&self, cell: WordCell) -> &WordCell {
        self.word.get_or_init(|| cell)
    }

    /// Told when the word may have changed after this call: look at it next.
    pub(super) fn subscribe(&self) -> watch::Receiver<()> {
        let changed = self.changed.subscribe();
        // Whoever moves the word sees this receiver, or its change is seen by the look that follows.
        fence(Ordering::SeqCst);
        changed
    }

    /// Tells those who wait in this process that the word may have changed.
    pub(super) fn notify(&self) {
        // Most segments that are written have nobody who waits, and telling nobody takes as long.
        fence(Ordering::SeqCst);
        if self.changed.receiver_count() > 0 {
            self.changed.send_replace(());
        }
    }

    /// Tells them if the word changed since this last looked.
    pub(super) fn notify_if_changed(&self) {
        let Some(word) = self.word().map(|cell| cell.load().bits()) else { return };
        if self.told.swap(word, Ordering::AcqRel) != word {
            self.notify();
        }
    }

    /// The place of the entry whose frame starts at this offset, or `None` if none seems to.
    pub(super) fn place_at(&self, file: &dyn File, offset: u64) -> Result<Option<Place>> {
        let mut head = [0; FRAME_BYTES];
        let read = file
            .read_at(&mut head, offset)
            .map_err(|error| io::failed(error, "reading a segment file", &self.path))?;
        Ok(FrameHead::parse(&head[..read]).map(|head| Place { entry: head.entry, offset }))
    }

    pub(super) fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn durable(&self) -> MutexGuard<'_, Durable> {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the file, which must not exist: segment ids are never used twice. Its first block and its name are durable
    /// before a log knows of it, so that a file that is missing or cut short is never taken for one without entries.
    pub(super) fn create(&self) -> Result<Arc<dyn File>> {
        let failed = |error| io::failed(error, "making a segment file", &self.path);
        self.files.create_dir(&self.folder).map_err(failed)?;
        let file = self.files.open(&self.path, OpenMode::CreateNew).map_err(failed)?;
        self.name.store(self.names.made(&self.folder), Ordering::Release);
        let rest = [0; FIRST_OFFSET as usize - HEAD_BYTES];
        let written = file.write_at(&[&self.head(), &rest], 0).map_err(failed);
        let mut durable = self.durable();
        if let Err(error) = written.and_then(|()| self.sync(&mut durable, &*file)) {
            // Another try makes another file. One that stays is empty, and its id is given out to nobody else.
            *durable = Durable::default();
            let _may_stay = self.remove();
            return Err(error);
        }
        *self.opened() = Some(Opened { file: file.clone(), writable: true });
        Ok(file)
    }

    /// The file for writing; made if it is missing, for who has its entries elsewhere.
    pub(super) fn for_writing(&self) -> Result<Arc<dyn File>> {
        let mut opened = self.opened();
        if let Some(Opened { file, writable: true }) = &*opened {
            return Ok(file.clone());
        }
        let failed = |error| io::failed(error, "opening a segment file", &self.path);
        self.files.create_dir(&self.folder).map_err(failed)?;
        let file = self.files.open(&self.path, OpenMode::Create).map_err(failed)?;
        self.name.store(self.names.made(&self.folder), Ordering::Release);
        let mut head = [0; HEAD_BYTES];
        file.read_at(&mut head, 0).map_err(failed)?;
        if head != self.head() {
            // A power loss or a failed sync may have taken it. It proves nothing that the checksums of frames and
            // slots do not prove as well.
            file.write_at(&[&self.head()], 0).map_err(failed)?;
        }
        *opened = Some(Opened { file: file.clone(), writable: true });
        Ok(file)
    }

    /// The file for reading, or `None` if there is none.
    pub(super) fn for_reading(&self) -> Result<Option<Arc<dyn File>>> {
        let mut opened = self.opened();
        if let Some(Opened { file, .. }) = &*opened {
            return Ok(Some(file.clone()));
        }
        let file = match self.files.open(&self.path, OpenMode::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io::failed(error, "opening a segment file", &self.path)),
        };
        *opened = Some(Opened { file: file.clone(), writable: false });
        Ok(Some(file))
    }

    /// Removes the file's name; not there is no error.
    pub(super) fn remove(&self) -> Result<()> {
        match self.files.remove(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(io::failed(error, "removing a segment file", &self.path))
            }
            _ => Ok(()),
        }
    }

    /// The folder of the file.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the removal of files from the folder durable.
    pub(super) fn sync_folder(&self) -> Result<()> {
        match self.files.sync_dir(&self.folder) {
            // A power loss took it, with all it held.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            result => result.map_err(|error| io::failed(error, "syncing a folder", &self.folder)),
        }
    }

    /// The committed length that is durable, by the file's own head, of a segment that a log knows of.
    ///
    /// # Errors
    /// `corrupt` if there is no file, or not this segment's.
    pub(super) fn durable_length(&self) -> Result<u64> {
        let file = self.for_reading()?.ok_or_else(|| self.gone(0))?;
        let length = self.slots(&mut self.durable(), &*file)?.value().max(FIRST_OFFSET);
        if length == FIRST_OFFSET && !self.is_begun(&*file)? {
            return Err(io::corrupt("the start of a segment file is not what was written", &self.path, 0));
        }
        Ok(length)
    }

    /// Whether the file is what [`create`](Self::create) makes durable, or more. One that says how much of it is durable need
    /// not be asked.
    pub(super) fn is_begun(&self, file: &dyn File) -> Result<bool> {
        let mut block = [0; FIRST_OFFSET as usize];
        let read = file.read_at(&mut block, 0);
        let read = read.map_err(|error| io::failed(error, "reading a segment file", &self.path))?;
        Ok(read == block.len() && self.has_its_head(&block))
    }

    /// The error for a file that is not there, with entries from this offset on.
    pub(super) fn gone(&self, offset: u64) -> Error {
        io::corrupt("a segment file is gone", &self.path, offset)
    }

    /// Makes the file durable up to `length` with its head saying so, and its names. `again` writes whatever a
    /// failed sync may have lost; it runs only after one.
    pub(super) fn make_durable(
        &self,
        length: u64,
        again: impl FnOnce(&dyn File) -> Result<()>,
    ) -> Result<()> {
        let file = self.for_writing()?;
        let mut durable = self.durable();
        let failed = |error| io::failed(error, "syncing a segment file", &self.path);
        if durable.suspect {
            file.write_at(&[&self.head()], 0).map_err(failed)?;
            again(&*file)?;
        }
        let mut slots = self.slots(&mut durable, &*file)?;
        if slots.value() < length {
            slots.write(&*file, self.slot_owner(), length).map_err(failed)?;
        }
        self.sync(&mut durable, &*file)?;
        durable.slots = Some(slots);
        Ok(())
    }

    /// Whether a sync of the file is known to have failed: then only a journal makes entries durable (rule F7). One that is
    /// under way is not waited for.
    pub(super) fn is_suspect(&self) -> bool {
        match self.durable.try_lock() {
            Ok(durable) => durable.suspect,
            Err(TryLockError::Poisoned(durable)) => durable.into_inner().suspect,
            Err(TryLockError::WouldBlock) => false,
        }
    }

    /// Syncs what was just written to the file, up to `end`, so that no journal has to hold it. Waits for a sync that is under
    /// way; if that fails, this does (rule F7).
    pub(super) fn sync_through(&self, file: &dyn File, end: u64) -> Result<()> {
        let mut durable = self.durable();
        if durable.suspect {
            let error =
                Error::unavailable("an earlier sync of the segment failed; open a new writer to go on");
            return Err(error.with("file", self.path.display()).maybe_effective());
        }
        self.sync_to(&mut durable, file, end).map_err(Error::maybe_effective)
    }

    fn sync_to(&self, durable: &mut Durable, file: &dyn File, end: u64) -> Result<()> {
        let mut slots = self.slots(durable, file)?;
        // The head vouches for what an earlier sync covered, never for what this one does.
        if durable.synced >= slots.value() + BEHIND_BYTES {
            let written = slots.write(file, self.slot_owner(), durable.synced);
            written.map_err(|error| io::failed(error, "writing the head of a segment file", &self.path))?;
        }
        self.sync(durable, file)?;
        (durable.slots, durable.synced) = (Some(slots), end);
        Ok(())
    }

    /// Syncs the file and, once, its names.
    pub(super) fn sync(&self, durable: &mut Durable, file: &dyn File) -> Result<()> {
        if let Err(error) = file.sync() {
            durable.suspect = true;
            return Err(io::failed(error, "syncing a segment file", &self.path));
        }
        if !durable.name_synced {
            let number = self.name.load(Ordering::Acquire);
            let synced = self.names.sync(&*self.files, &self.folder, &self.segments, number);
            synced.map_err(|error| io::failed(error, "syncing a folder", &self.folder))?;
            durable.name_synced = true;
        }
        Ok(())
    }

    /// Visits frames from a place on while they are whole and in order, up to `end`; answers where it stopped.
    pub(super) fn walk(
        &self,
        file: &dyn File,
        from: Place,
        end: u64,
        mut visit: impl FnMut(Place, &[u8]) -> Result<()>,
    ) -> Result<Place> {
        let failed = |error| io::failed(error, "reading a segment file", &self.path);
        let mut at = from;
        let mut wanted = WALK_BYTES;
        loop {
            let left = usize::try_from(end.saturating_sub(at.offset)).unwrap_or(usize::MAX);
            let mut buffer = vec![0; left.min(wanted)];
            let read = file.read_at(&mut buffer, at.offset).map_err(failed)?;
            let before = at;
            self.visit_frames(&buffer[..read], &mut at, end, &mut visit)?;
            wanted = WALK_BYTES;
            if at == before {
                // A frame longer than what was read is read again, whole.
                match FrameHead::parse(&buffer[..read]) {
                    Some(head) if read == buffer.len() && read < left && FRAME_BYTES + head.length > read => {
                        wanted = FRAME_BYTES + head.length;
                    }
                    _ => return Ok(at),
                }
            }
        }
    }

    fn visit_frames(
        &self,
        buffer: &[u8],
        at: &mut Place,
        end: u64,
        visit: &mut impl FnMut(Place, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut used = 0;
        while let Some(head) = FrameHead::parse(&buffer[used..]) {
            let Some(entry) = buffer.get(used + FRAME_BYTES..used + FRAME_BYTES + head.length) else { break };
            let whole = head.entry == at.entry
                && at.offset + head.frame_bytes() <= end
                && self.seed.verify(at.offset, &head, entry);
            if !whole {
                break;
            }
            visit(*at, &buffer[used..used + FRAME_BYTES + head.length])?;
            used += FRAME_BYTES + head.length;
            *at = Place { entry: at.entry + 1, offset: at.offset + head.frame_bytes() };
        }
        Ok(())
    }

    fn opened(&self) -> MutexGuard<'_, Option<Opened>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a file starts with the head that this segment's has.
    pub(super) fn has_its_head(&self, bytes: &[u8]) -> bool {
        bytes.starts_with(&self.head())
    }

    /// Whether both copies of the durable length are as they were written.
    pub(super) fn copies_are_whole(&self, file: &dyn File) -> Result<bool> {
        Slots::are_whole(file, self.slot_owner())
            .map_err(|error| io::failed(error, "reading a segment file", &self.path))
    }

    fn slots(&self, durable: &mut Durable, file: &dyn File) -> Result<Slots> {
        if let Some(slots) = durable.slots {
            return Ok(slots);
        }
        let read = Slots::read(file, self.slot_owner())
            .map_err(|error| io::failed(error, "reading a segment file", &self.path))?;
        Ok(*durable.slots.insert(read.unwrap_or_else(Slots::unwritten)))
    }

    fn slot_owner(&self) -> u64 {
        self.namespace ^ self.id.get().unsigned_abs().rotate_left(32)
    }

    fn head(&self) -> [u8; HEAD_BYTES] {
        let mut head = [0; HEAD_BYTES];
        head[..8].copy_from_slice(MAGIC);
        head[8..16].copy_from_slice(&self.namespace.to_le_bytes());
        head[16..24].copy_from_slice(&self.id.get().to_le_bytes());
        let check = crc32c::crc32c(&head[..24]);
        head[24..].copy_from_slice(&check.to_le_bytes());
        head
    }
}
