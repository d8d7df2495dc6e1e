//! What may go wrong in a simulated world, on request.

use std::path::Path;

/// A kind of call on files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Op {
    /// Opening a file that exists.
    Open,
    /// Making a file by opening it.
    Create,
    /// Making a directory.
    CreateDir,
    /// Reading from a file.
    Read,
    /// Writing to a file.
    Write,
    /// Making a file's data durable.
    Sync,
    /// Having the system begin to write a file's data. It is a hint: nothing comes of it here, and a failure is told to nobody.
    StartWriting,
    /// Making a directory's names durable.
    SyncDir,
    /// Renaming a file.
    Rename,
    /// Removing a file.
    Remove,
    /// Listing a directory.
    List,
    /// Taking, changing, giving up or asking for a lock.
    Lock,
    /// Mapping words.
    Map,
    /// Asking about a path, a file or the machine.
    Ask,
}

impl Op {
    /// Whether it changes what a power loss leaves, so that the moments around it are worth a crash each.
    pub(super) fn is_boundary(self) -> bool {
        matches!(
            self,
            Self::Create
                | Self::CreateDir
                | Self::Write
                | Self::Sync
                | Self::SyncDir
                | Self::Rename
                | Self::Remove
        )
    }
}

/// A call that fails.
///
/// A failing write may write a part; a failing sync makes a random part durable, and what it did not is never
/// written by a later sync, though reads see it until power is lost, as on Linux. A failing directory sync loses nothing
/// for good.
#[derive(Debug, Clone)]
pub struct Fault {
    op: Op,
    errno: i32,
    path: String,
    process: Option<u32>,
    skip: u64,
    times: u64,
}

impl Fault {
    /// The next call of this kind fails with this error number, such as `libc::EIO`.
    #[must_use]
    pub fn new(op: Op, errno: i32) -> Self {
        Self { op, errno, path: String::new(), process: None, skip: 0, times: 1 }
    }

    /// Only on paths that contain this. The path of an open file is the one it was opened by.
    #[must_use]
    pub fn on(mut self, part_of_path: impl Into<String>) -> Self {
        self.path = part_of_path.into();
        self
    }

    /// Only in the process of this number.
    #[must_use]
    pub fn by(mut self, process: u32) -> Self {
        self.process = Some(process);
        self
    }

    /// Only after so many of these calls went well.
    #[must_use]
    pub fn after(mut self, calls: u64) -> Self {
        self.skip = calls;
        self
    }

    /// So many times, instead of once.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// Every time, until the faults are cleared.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(u64::MAX)
    }

    /// The error of this call, if it is to fail.
    pub(super) fn strike(&mut self, op: Op, path: &Path, process: u32) -> Option<i32> {
        let meant = op == self.op
            && self.process.is_none_or(|only| only == process)
            && path.to_string_lossy().contains(&self.path);
        if !meant || self.times == 0 {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        self.times -= 1;
        Some(self.errno)
    }
}
