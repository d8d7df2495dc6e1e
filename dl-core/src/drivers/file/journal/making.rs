//! Making a journal, which may take as long as the one before it is used: a file of that size that is synced in one piece keeps
//! the disk from all other syncs meanwhile.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{BLOCK_BYTES, FIRST_GENERATION, Journal, head};
use crate::drivers::file::slots::Slots;
use crate::drivers::file::{io, layout};
use crate::error::{Error, Result};
use crate::seams::{File, Files, LockKind, OpenMode};

/// How much is written at once.
const WRITE_BYTES: usize = 1 << 20;

/// A journal that is being made, and locked. What was made of it goes when this is dropped: it holds nothing.
pub(in crate::drivers::file) struct Making {
    files: Arc<dyn Files>,
    folder: PathBuf,
    path: PathBuf,
    file: Arc<dyn File>,
    namespace: u64,
    id: u64,
    size: u64,
    /// Up to here its blocks are written.
    written: u64,
    finished: bool,
}

impl Making {
    /// Begins a journal of `size` bytes.
    pub(in crate::drivers::file) fn begin(
        files: Arc<dyn Files>,
        folder: PathBuf,
        namespace: u64,
        id: u64,
        size: u64,
    ) -> Result<Self> {
        let path = folder.join(layout::hex(id));
        let file = files.open(&path, OpenMode::CreateNew).map_err(|error| failed(error, &path))?;
        let making = Self { files, folder, path, file, namespace, id, size, written: 0, finished: false };
        if !making.file.try_lock(LockKind::Exclusive).map_err(|error| making.failed(error))? {
            return Err(Error::internal("a journal that was just made is locked by another"));
        }
        Ok(making)
    }

    /// Up to where its blocks are written.
    pub(in crate::drivers::file) fn written(&self) -> u64 {
        self.written
    }

    /// Whether all its blocks are written.
    pub(in crate::drivers::file) fn is_whole(&self) -> bool {
        self.written >= self.size
    }

    /// Writes its blocks up to here and syncs them. It is of no use after an error.
    pub(in crate::drivers::file) fn write_to(&mut self, end: u64) -> Result<()> {
        let end = end.min(self.size);
        if self.written >= end {
            return Ok(());
        }
        let zeros = vec![0; WRITE_BYTES];
        while self.written < end {
            let bytes = usize::try_from(end - self.written).unwrap_or(WRITE_BYTES).min(WRITE_BYTES);
            self.file.write_at(&[&zeros[..bytes]], self.written).map_err(|error| self.failed(error))?;
            self.written += bytes as u64;
        }
        self.file.sync().map_err(|error| self.failed(error))
    }

    /// Writes what is left of it, and makes it durable with its name.
    pub(in crate::drivers::file) fn finish(mut self) -> Result<Journal> {
        self.write_to(self.size)?;
        let mut generation = Slots::unwritten();
        self.file
            .write_at(&[&head(self.namespace, self.id, self.size)], 0)
            .and_then(|()| generation.write(&*self.file, self.id, FIRST_GENERATION))
            .and_then(|()| self.file.sync())
            .and_then(|()| self.files.sync_dir(&self.folder))
            .map_err(|error| self.failed(error))?;
        self.finished = true;
        Ok(Journal {
            path: self.path.clone(),
            file: self.file.clone(),
            namespace: self.namespace,
            id: self.id,
            size: self.size,
            generation,
            sequence: 0,
            end: BLOCK_BYTES,
        })
    }

    fn failed(&self, error: std::io::Error) -> Error {
        failed(error, &self.path)
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        // In a forked child it is the parent's.
        if !self.finished && self.files.forks() == 0 {
            // If it cannot be removed, the next opener does.
            let _left_for_the_next_opener = self.files.remove(&self.path);
        }
    }
}

fn failed(error: std::io::Error, path: &Path) -> Error {
    io::failed(error, "making a journal", path)
}
