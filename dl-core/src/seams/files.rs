//! Files, locks on them, and words of memory shared through them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::BoxFuture;

/// A file system as one process sees it. All calls block; interrupted calls are repeated, short ones continued.
///
/// Nothing is durable but what [`File::sync`] and [`Files::sync_dir`] made so: a new, renamed or removed name is
/// durable once its directory was synced.
pub trait Files: Send + Sync + 'static {
    /// Opens a file. Descriptors are closed on exec. What is neither a file nor a folder is `AlreadyExists`, at once.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>>;

    /// Makes a directory whose parent exists; an existing directory is no error.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// The names in a directory, in byte order.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;

    /// Moves a file to another name in the same directory, over whatever is there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a name. Open files stay usable.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a directory durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Whether the path exists.
    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// The path without symbolic links, `.` and `..`: the same for all who mean the same directory.
    fn canonical(&self, path: &Path) -> io::Result<PathBuf>;

    /// The kind of file system that holds the path.
    fn file_system(&self, path: &Path) -> io::Result<FileSystem>;

    /// Random text that changes with each start of the kernel.
    fn boot_id(&self) -> io::Result<String>;

    /// The process id and the moment it started, in the kernel's ticks: together they name a process of this boot.
    fn process(&self) -> io::Result<(u32, u64)>;

    /// Counts the forks between the process that opened these files and the one that calls: 0 in the former. What
    /// was open before a fork must not be used after it.
    fn forks(&self) -> u64;
}

/// What to open a file for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// Reading; it must exist.
    Read,
    /// Reading and writing; it must exist.
    Write,
    /// Reading and writing; made if it does not exist.
    Create,
    /// Reading and writing; must not exist.
    CreateNew,
}

/// Which lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockKind {
    /// Many may hold it at once.
    Shared,
    /// Nobody else holds any lock.
    Exclusive,
}

/// The kind of a file system, as far as it matters to durability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileSystem {
    /// On a disk, with locks and shared maps that hold: ext2/3/4, xfs, btrfs, zfs, f2fs, overlayfs.
    Disk,
    /// In memory: tmpfs.
    Memory,
    /// Anything else, by name or magic number.
    Other(String),
}

/// An open file (measured by one that calls another: a new method is passed on there too). Positions are explicit; there is no cursor. Closed when dropped, which gives up its lock.
pub trait File: Send + Sync + 'static {
    /// Reads at `offset` until the buffer is full or the file ends; answers how many bytes.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all the pieces, one after another, at `offset`, extending the file if needed.
    ///
    /// On an error any part may have been written.
    fn write_at(&self, pieces: &[&[u8]], offset: u64) -> io::Result<()>;

    /// Takes space for `bytes` bytes at `offset`, the present end of the file or beyond it: they read as zeros, and
    /// writing them cannot fail for want of space (on file systems that write in place).
    ///
    /// On an error nothing is lost, and any part of the space may have been taken.
    fn reserve(&self, offset: u64, bytes: u64) -> io::Result<()> {
        static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
        let end = offset.saturating_add(bytes);
        let mut at = offset.max(self.size()?);
        while at < end {
            let piece = usize::try_from(end - at).unwrap_or(ZEROS.len()).min(ZEROS.len());
            self.write_at(&[&ZEROS[..piece]], at)?;
            at += piece as u64;
        }
        Ok(())
    }

    /// Has the system begin to write `bytes` bytes at `offset` to the disk, so that the next sync finds little left to do.
    ///
    /// A hint: it promises nothing, waits for nothing, and what fails is told by the next [`sync`](Self::sync).
    fn start_writing(&self, _offset: u64, _bytes: u64) {}

    /// Makes durable what was written to the file, and its size (not its name). A failure is reported once; what it
    /// covered may be lost even if a later call succeeds.
    fn sync(&self) -> io::Result<()>;

    /// The size in bytes.
    fn size(&self) -> io::Result<u64>;

    /// Tries to take a lock that belongs to this open file, or to change the one it has (in one step where the
    /// kernel allows). Answers whether it could. Locks of other open files count, also of the same process.
    fn try_lock(&self, kind: LockKind) -> io::Result<bool>;

    /// Gives up the lock.
    fn unlock(&self) -> io::Result<()>;

    /// Whether another open file holds a lock on this file.
    fn locked_by_other(&self) -> io::Result<bool>;

    /// Maps `words` 64-bit words at `offset`, a multiple of 4,096, shared with every process that maps them. They
    /// must have been written, and are not to be changed if the file was opened for reading only. The map is never undone
    /// while the value lives, and is not inherited by a fork.
    fn map(&self, offset: u64, words: usize) -> io::Result<Arc<dyn Words>>;
}

/// Words of memory shared between processes.
pub trait Words: Send + Sync + 'static {
    /// The words. Atomic also towards other processes.
    fn words(&self) -> &[AtomicU64];

    /// Wakes everyone, in every process, who waits for word `index` to change.
    fn wake(&self, index: usize);

    /// Waits until the low 32 bits of word `index` are no longer `seen`, or somebody woke it. May return early.
    ///
    /// The future blocks its thread: use it on a thread of its own only ([`Tasks::spawn_thread`](super::Tasks)).
    fn wait(&self, index: usize, seen: u32) -> BoxFuture<'_, ()>;

    /// Gives up what the system holds for the map. From then on the words are this value's own, and start as zeros.
    fn let_go(&self) {}
}
