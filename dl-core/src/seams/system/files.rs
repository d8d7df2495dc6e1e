//! Files of Linux.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::fs;
use std::io::{self, IoSlice};
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::words::MappedWords;
use super::{fork, locks};
use crate::seams::{File, FileSystem, Files, LockKind, OpenMode, Words};

/// As many pieces as the kernel takes at once.
const MOST_PIECES: usize = 1024;

/// The files of this machine.
pub(super) struct SystemFiles {
    forks: u64,
}

impl SystemFiles {
    /// # Errors
    /// Of the kernel, if forks cannot be watched.
    pub(super) fn new() -> io::Result<Self> {
        fork::watch()?;
        Ok(Self { forks: fork::count() })
    }
}

impl Files for SystemFiles {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(SystemFile::open(path, mode)?))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        match fs::create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            result => result,
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            // A name that is not text is none of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut options = fs::OpenOptions::new();
        options.read(true).custom_flags(libc::O_CLOEXEC | libc::O_DIRECTORY);
        options.open(path)?.sync_all()
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(path)
    }

    fn file_system(&self, path: &Path) -> io::Result<FileSystem> {
        let path = CString::new(path.as_os_str().as_bytes())?;
        // SAFETY: all fields are integers or arrays of them, for which zero is a value.
        let mut about: libc::statfs = unsafe { std::mem::zeroed() };
        // SAFETY: the path ends in a zero byte, and `about` is the structure the call fills.
        if unsafe { libc::statfs(path.as_ptr(), &raw mut about) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // Magic numbers have 32 bits, in a field whose type differs between architectures.
        Ok(file_system(about.f_type as u32))
    }

    fn boot_id(&self) -> io::Result<String> {
        Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
    }

    fn process(&self) -> io::Result<(u32, u64)> {
        let about = fs::read_to_string("/proc/self/stat")?;
        let start = start_ticks(&about)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc/self/stat has no start time"))?;
        Ok((std::process::id(), start))
    }

    fn forks(&self) -> u64 {
        fork::count() - self.forks
    }
}

/// The 22nd field. The second is the program's name in brackets, and may hold anything, brackets and spaces too.
fn start_ticks(about_process: &str) -> Option<u64> {
    let (_, after_name) = about_process.rsplit_once(')')?;
    after_name.split_ascii_whitespace().nth(19)?.parse().ok()
}

fn file_system(magic: u32) -> FileSystem {
    let name = match magic {
        // ext2, ext3 and ext4 share one; then xfs, btrfs, zfs, f2fs, overlayfs.
        0xef53 | 0x5846_5342 | 0x9123_683e | 0x2fc1_2fc1 | 0xf2f5_2010 | 0x794c_7630 => {
            return FileSystem::Disk;
        }
        0x0102_1994 => return FileSystem::Memory,
        0x8584_58f6 => "ramfs",
        0x6969 => "nfs",
        0x517b => "smb",
        0xfe53_4d42 => "smb2",
        0xff53_4d42 => "cifs",
        0x6573_5546 => "fuse",
        0x0102_1997 => "9p",
        0x00c3_6400 => "ceph",
        0x0bd0_0bd0 => "lustre",
        0x0116_1970 => "gfs2",
        0x7461_636f => "ocfs2",
        0x5346_414f | 0x6b41_4653 => "afs",
        0x4d44 => "vfat",
        0x2011_bab0 => "exfat",
        0x5346_544e | 0x7366_746e => "ntfs",
        0xca45_1a4e => "bcachefs",
        0x3153_464a => "jfs",
        0x5265_4973 => "reiserfs",
        0xf15f => "ecryptfs",
        0x7371_7368 => "squashfs",
        _ => return FileSystem::Other(format!("{magic:#x}")),
    };
    FileSystem::Other(name.to_owned())
}

/// An open file.
struct SystemFile {
    file: ManuallyDrop<fs::File>,
    /// The forks before it was opened.
    forks: u64,
    /// Whether it ever took a lock, by which a forked child has closed it.
    had_lock: AtomicBool,
    writable: bool,
}

impl SystemFile {
    fn open(path: &Path, mode: OpenMode) -> io::Result<Self> {
        let mut options = fs::OpenOptions::new();
        // Without waiting: to open a pipe would wait for somebody at its other end.
        let flags = libc::O_CLOEXEC | libc::O_NONBLOCK;
        options.read(true).write(mode != OpenMode::Read).custom_flags(flags);
        match mode {
            OpenMode::Read | OpenMode::Write => {}
            OpenMode::Create => _ = options.create(true),
            OpenMode::CreateNew => _ = options.create_new(true),
        }
        let forks = fork::count();
        let file = options.open(path)?;
        let kind = file.metadata()?.file_type();
        if !kind.is_file() && !kind.is_dir() {
            // What a device or a pipe gives may have no end.
            let message = "it is a device, a pipe or a socket";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
        }
        let file = ManuallyDrop::new(file);
        Ok(Self { file, forks, had_lock: AtomicBool::new(false), writable: mode != OpenMode::Read })
    }

    /// The file, unless the process forked since: then the number may be another file's.
    fn file(&self) -> io::Result<&fs::File> {
        if fork::count() == self.forks {
            Ok(&self.file)
        } else {
            Err(io::Error::other("the file was opened before the process forked"))
        }
    }
}

impl File for SystemFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let file = self.file()?;
        read_all(buffer, offset, |rest, at| file.read_at(rest, at))
    }

    fn write_at(&self, pieces: &[&[u8]], offset: u64) -> io::Result<()> {
        let file = self.file()?;
        write_all(pieces, offset, |rest, at| write_vectored(file, rest, at))
    }

    fn reserve(&self, offset: u64, bytes: u64) -> io::Result<()> {
        let file = self.file()?;
        let (Ok(offset), Ok(bytes)) = (libc::off64_t::try_from(offset), libc::off64_t::try_from(bytes))
        else {
            return Err(io::ErrorKind::FileTooLarge.into());
        };
        loop {
            // SAFETY: the call takes numbers only, and the descriptor is open as long as `file` is borrowed.
            if unsafe { libc::fallocate64(file.as_raw_fd(), 0, offset, bytes) } == 0 {
                return Ok(());
            }
            match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => {}
                // Where the file system cannot promise space, writing finds out.
                error if error.raw_os_error() == Some(libc::EOPNOTSUPP) => return Ok(()),
                error => return Err(error),
            }
        }
    }

    fn start_writing(&self, offset: u64, bytes: u64) {
        let (Ok(file), Ok(offset), Ok(bytes)) =
            (self.file(), libc::off64_t::try_from(offset), libc::off64_t::try_from(bytes))
        else {
            return;
        };
        // SAFETY: the call takes numbers only, and the descriptor is open as long as `file` is borrowed.
        let _only_a_hint =
            unsafe { libc::sync_file_range(file.as_raw_fd(), offset, bytes, libc::SYNC_FILE_RANGE_WRITE) };
    }

    fn sync(&self) -> io::Result<()> {
        self.file()?.sync_data()
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.file()?.metadata()?.len())
    }

    fn try_lock(&self, kind: LockKind) -> io::Result<bool> {
        let file = self.file()?;
        self.had_lock.store(true, Ordering::Release);
        fork::close_in_child(file.as_raw_fd())?;
        locks::try_lock(file.as_fd(), kind)
    }

    fn unlock(&self) -> io::Result<()> {
        locks::unlock(self.file()?.as_fd())
    }

    fn locked_by_other(&self) -> io::Result<bool> {
        locks::locked_by_other(self.file()?.as_fd())
    }

    fn map(&self, offset: u64, words: usize) -> io::Result<Arc<dyn Words>> {
        let size = self.size()?;
        Ok(Arc::new(MappedWords::new(self.file()?.as_fd(), size, self.writable, offset, words)?))
    }
}

impl Drop for SystemFile {
    fn drop(&mut self) {
        let had_lock = *self.had_lock.get_mut();
        if had_lock && fork::count() != self.forks {
            // The child handler closed it; the number may be another file's by now.
            return;
        }
        if had_lock {
            // Unlocked first: between forgetting and closing, a fork would carry a lock along.
            let _closing_unlocks_too = locks::unlock(self.file.as_fd());
            fork::forget(self.file.as_raw_fd());
        }
        // SAFETY: dropped here only, and not used afterwards.
        unsafe { ManuallyDrop::drop(&mut self.file) };
    }
}

/// Reads until the buffer is full or nothing more comes, through calls that may be interrupted or give less.
fn read_all(
    buffer: &mut [u8],
    offset: u64,
    mut read: impl FnMut(&mut [u8], u64) -> io::Result<usize>,
) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match read(&mut buffer[filled..], after(offset, filled)?) {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Writes all pieces, through calls that may be interrupted or take less.
fn write_all(
    pieces: &[&[u8]],
    offset: u64,
    mut write: impl FnMut(&[IoSlice<'_>], u64) -> io::Result<usize>,
) -> io::Result<()> {
    let mut written = 0;
    for pieces in pieces.chunks(MOST_PIECES) {
        let (mut two, mut many);
        let mut left = match pieces {
            // A small record, to one of many files: no list on the heap for it.
            [head, rest] => {
                two = [IoSlice::new(head), IoSlice::new(rest)];
                &mut two[..]
            }
            _ => {
                many = pieces.iter().map(|piece| IoSlice::new(piece)).collect::<Vec<_>>();
                &mut many[..]
            }
        };
        // Skips empty pieces, so that an empty rest is an empty slice.
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            match write(left, after(offset, written)?) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => {
                    written += bytes;
                    IoSlice::advance_slices(&mut left, bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

fn after(offset: u64, bytes: usize) -> io::Result<u64> {
    offset.checked_add(bytes as u64).filter(|end| i64::try_from(*end).is_ok()).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "the position is beyond what a file can hold")
    })
}

fn write_vectored(file: &fs::File, slices: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
    // SAFETY: std promises that an `IoSlice` is an `iovec`; the slices live through the call, and `after` has seen
    // to it that the offset fits.
    let written = unsafe {
        libc::pwritev(
            file.as_raw_fd(),
            slices.as_ptr().cast(),
            slices.len() as libc::c_int,
            offset as libc::off_t,
        )
    };
    usize::try_from(written).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests;
