//! Files where nobody has yet made sure of what the file driver needs: locks of open files, shared words, and
//! syncs that mean it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::seams::{File, FileSystem, Files, OpenMode};

/// No files.
pub(super) struct SystemFiles;

impl SystemFiles {
    /// # Errors
    /// None.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self)
    }
}

fn unsupported<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "files are supported on Linux only"))
}

impl Files for SystemFiles {
    fn open(&self, _path: &Path, _mode: OpenMode) -> io::Result<Arc<dyn File>> {
        unsupported()
    }

    fn create_dir(&self, _path: &Path) -> io::Result<()> {
        unsupported()
    }

    fn list(&self, _path: &Path) -> io::Result<Vec<String>> {
        unsupported()
    }

    fn rename(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        unsupported()
    }

    fn remove(&self, _path: &Path) -> io::Result<()> {
        unsupported()
    }

    fn sync_dir(&self, _path: &Path) -> io::Result<()> {
        unsupported()
    }

    fn exists(&self, _path: &Path) -> io::Result<bool> {
        unsupported()
    }

    fn canonical(&self, _path: &Path) -> io::Result<PathBuf> {
        unsupported()
    }

    fn file_system(&self, _path: &Path) -> io::Result<FileSystem> {
        unsupported()
    }

    fn boot_id(&self) -> io::Result<String> {
        unsupported()
    }

    fn process(&self) -> io::Result<(u32, u64)> {
        unsupported()
    }

    fn forks(&self) -> u64 {
        0
    }
}
