//! Journals: files written from start to end, one batch for each group commit, and used again once every entry in
//! them is durable in its segment.
//!
//! A journal is created at full size with its blocks written, so that the hot path never waits for the file system's
//! own journal (rule F11). Its first block holds what it is and the generation in force; batches of any other
//! generation are leftovers. A journal belongs to whoever holds the lock on it.

mod batch;
mod examine;
mod making;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use batch::{BLOCK_BYTES, BatchHead};
pub(super) use batch::{Batch, BatchEntry, BatchKey, ReadEntry, batch_bytes, entry_bytes};
pub(super) use making::Making;

use super::io;
use super::slots::Slots;
use crate::error::{Error, Result};
use crate::seams::{File, Files, LockKind, OpenMode};

const MAGIC: &[u8; 8] = b"dl\0jrn\0\x01";
/// The generation of a journal that was never used from its start again.
const FIRST_GENERATION: u64 = 1;
const HEAD_BYTES: usize = 36;
/// The largest batch: bounds what a reader of a journal allocates.
pub(super) const MAX_BATCH_BYTES: usize = 16 << 20;

/// What became of a journal that somebody left.
pub(super) enum Adopted {
    /// It is ours now.
    Journal(Journal),
    /// Another holds it.
    Busy,
    /// It never held anything, and is gone.
    Nothing,
}

/// A journal that this process has locked.
pub(super) struct Journal {
    path: PathBuf,
    file: Arc<dyn File>,
    namespace: u64,
    id: u64,
    size: u64,
    generation: Slots,
    sequence: u64,
    end: u64,
}

impl Journal {
    /// Opens and locks a journal whose process is dead. One that was never finished is removed.
    ///
    /// # Errors
    /// `corrupt` if it is not what was written.
    pub(super) fn adopt(files: &dyn Files, path: &Path, namespace: u64, id: u64) -> Result<Adopted> {
        let failed = |error| io::failed(error, "opening a journal", path);
        let file = match files.open(path, OpenMode::Write) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Adopted::Nothing),
            Err(error) => return Err(failed(error)),
        };
        if !file.try_lock(LockKind::Exclusive).map_err(failed)? {
            return Ok(Adopted::Busy);
        }
        if !files.exists(path).map_err(failed)? {
            return Ok(Adopted::Nothing);
        }
        let mut bytes = [0; HEAD_BYTES];
        file.read_at(&mut bytes, 0).map_err(failed)?;
        let generation = Slots::read(&*file, id).map_err(failed)?;
        let size = u64::from_le_bytes(bytes[24..32].try_into().unwrap_or_default());
        match generation {
            Some(generation) if bytes == head(namespace, id, size) => Ok(Adopted::Journal(Self {
                path: path.to_owned(),
                file,
                namespace,
                id,
                size,
                generation,
                sequence: 0,
                end: BLOCK_BYTES,
            })),
            // Power was lost, or the process died, before the journal was made: it was synced before its first batch.
            _ if !holds_batches(&*file, id).map_err(failed)? => {
                files.remove(path).map_err(failed)?;
                Ok(Adopted::Nothing)
            }
            _ => Err(io::corrupt("the head of a journal is not what was written", path, 0)),
        }
    }

    /// Whether a journal, which may be another's, holds entries. Changes nothing.
    pub(super) fn holds_entries(files: &dyn Files, path: &Path, namespace: u64, id: u64) -> Result<bool> {
        let failed = |error| io::failed(error, "reading a journal", path);
        let file = files.open(path, OpenMode::Read).map_err(failed)?;
        let Some(generation) = Slots::read(&*file, id).map_err(failed)? else {
            return holds_batches(&*file, id).map_err(failed);
        };
        let size = file.size().map_err(failed)?;
        let end = BLOCK_BYTES;
        let journal = Self { path: path.to_owned(), file, namespace, id, size, generation, sequence: 0, end };
        Ok(journal.visit(u64::MAX, |_| Ok(()))?.1 > 0)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// How many more bytes of batches fit.
    pub(super) fn room(&self) -> u64 {
        self.size.saturating_sub(self.end)
    }

    /// Writes a batch and syncs it. After an error the journal takes no more.
    pub(super) fn append(&mut self, metadata: u64, entries: &[BatchEntry<'_>]) -> Result<()> {
        let key = self.key(self.sequence + 1);
        let batch = Batch::new(key, metadata, entries);
        debug_assert!(batch.bytes() <= self.room(), "the caller looked for room");
        let written = self.file.write_at(&batch.pieces(entries), self.end).and_then(|()| self.file.sync());
        written.map_err(|error| io::uncertain(error, "writing to the journal", &self.path))?;
        self.sequence += 1;
        self.end += batch.bytes();
        Ok(())
    }

    /// Visits every entry of the generation in force, in order, and leaves the journal ready for the next batch.
    /// `metadata` is the number of the newest metadata commit that is known.
    ///
    /// # Errors
    /// `corrupt` if a batch is damaged that is not the last, or speaks of newer metadata.
    pub(super) fn replay(
        &mut self,
        metadata: u64,
        visit: impl FnMut(ReadEntry<'_>) -> Result<()>,
    ) -> Result<()> {
        (self.end, self.sequence) = self.visit(metadata, visit)?;
        Ok(())
    }

    /// Visits every entry of the generation in force, in order; answers the end and the last sequence.
    pub(super) fn visit(
        &self,
        metadata: u64,
        mut visit: impl FnMut(ReadEntry<'_>) -> Result<()>,
    ) -> Result<(u64, u64)> {
        let failed = |error| io::failed(error, "reading a journal", &self.path);
        let mut at = BLOCK_BYTES;
        let mut sequence = 1;
        let mut buffer = Vec::new();
        while at < self.size {
            let key = self.key(sequence);
            let Some(head) = head_at(&*self.file, at).map_err(failed)?.filter(|head| key.is_of(head)) else {
                break;
            };
            let bytes = head.bytes();
            if bytes > MAX_BATCH_BYTES as u64 || at + bytes > self.size {
                break;
            }
            buffer.resize(usize::try_from(bytes).unwrap_or(MAX_BATCH_BYTES), 0);
            self.file.read_at(&mut buffer, at).map_err(failed)?;
            let Some(entries) = head.entries(self.namespace, &buffer) else { break };
            if head.metadata > metadata {
                let what = format!(
                    "a journal speaks of metadata commit {}, but the metadata ends at {metadata}: some was lost",
                    head.metadata
                );
                return Err(io::corrupt(what, &self.path, at));
            }
            entries.into_iter().try_for_each(&mut visit)?;
            at += bytes;
            sequence += 1;
        }
        self.refuse_if_more_follows(at, sequence)?;
        Ok((at, sequence - 1))
    }

    /// A batch is written only after the one before it was synced, so a later one behind a bad one proves damage.
    fn refuse_if_more_follows(&self, bad: u64, sequence: u64) -> Result<()> {
        let mut at = bad;
        while at < self.size {
            let head = head_at(&*self.file, at)
                .map_err(|error| io::failed(error, "reading a journal", &self.path))?;
            let in_force = (self.generation.value(), sequence);
            let later =
                |head: BatchHead| head.journal == self.id && (head.generation, head.sequence) > in_force;
            if head.is_some_and(later) {
                return Err(io::corrupt("a batch of a journal is not what was written", &self.path, bad));
            }
            at += BLOCK_BYTES;
        }
        Ok(())
    }

    /// Forgets what it holds, durably: every entry in it is safe elsewhere.
    pub(super) fn empty(&mut self) -> Result<()> {
        let failed = |error| io::failed(error, "emptying a journal", &self.path);
        let next = self
            .generation
            .value()
            .checked_add(1)
            .ok_or_else(|| Error::internal("a journal's generation overflowed"))?;
        // In force once it is durable: until then the next try must not touch the number before it. With the head,
        // which a failed sync may have lost before somebody else took the journal over.
        let mut generation = self.generation;
        let head = head(self.namespace, self.id, self.size);
        self.file.write_at(&[&head], 0).map_err(failed)?;
        generation.write(&*self.file, self.id, next).map_err(failed)?;
        self.file.sync().map_err(failed)?;
        (self.generation, self.sequence, self.end) = (generation, 0, BLOCK_BYTES);
        Ok(())
    }

    /// Removes it: every entry in it is safe elsewhere.
    pub(super) fn remove(self, files: &dyn Files) -> Result<()> {
        files.remove(&self.path).map_err(|error| io::failed(error, "removing a journal", &self.path))
    }

    fn key(&self, sequence: u64) -> BatchKey {
        BatchKey {
            namespace: self.namespace,
            journal: self.id,
            generation: self.generation.value(),
            sequence,
        }
    }
}

impl BatchKey {
    fn is_of(&self, head: &BatchHead) -> bool {
        (head.journal, head.generation, head.sequence) == (self.journal, self.generation, self.sequence)
    }
}

fn head(namespace: u64, id: u64, size: u64) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    head[..8].copy_from_slice(MAGIC);
    for (at, number) in [(8, namespace), (16, id), (24, size)] {
        head[at..at + 8].copy_from_slice(&number.to_le_bytes());
    }
    let check = crc32c::crc32c(&head[..32]);
    head[32..].copy_from_slice(&check.to_le_bytes());
    head
}

/// Whether a batch was ever written to the journal.
fn holds_batches(file: &dyn File, id: u64) -> std::io::Result<bool> {
    let size = file.size()?;
    let mut at = BLOCK_BYTES;
    while at < size {
        if head_at(file, at)?.is_some_and(|head| head.journal == id) {
            return Ok(true);
        }
        at += BLOCK_BYTES;
    }
    Ok(false)
}

fn head_at(file: &dyn File, offset: u64) -> std::io::Result<Option<BatchHead>> {
    let mut bytes = [0; 48];
    let read = file.read_at(&mut bytes, offset)?;
    Ok(BatchHead::parse(&bytes[..read]))
}
