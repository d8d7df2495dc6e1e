//! Shared words: a mapped part of a file, and futexes in it.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicU64;

use super::fork;
use crate::seams::{BoxFuture, Words};

/// A wait returns after this long even if nothing happened, so that its thread can see that it is no longer needed.
static LONGEST_WAIT: libc::timespec = libc::timespec { tv_sec: 1, tv_nsec: 0 };

const ACCESS: libc::c_int = libc::PROT_READ | libc::PROT_WRITE;

/// Where in a 64-bit word the low 32 bits lie, which is what the kernel compares.
const LOW_HALF: usize = if cfg!(target_endian = "little") { 0 } else { 1 };

/// Words mapped from a file.
pub(super) struct MappedWords {
    /// Begin and length of the map, in whole pages of the system.
    base: NonNull<libc::c_void>,
    length: usize,
    first: NonNull<AtomicU64>,
    count: usize,
    forks: u64,
}

// SAFETY: the map belongs to this value until it is dropped, and is accessed through atomics only.
unsafe impl Send for MappedWords {}
// SAFETY: as above.
unsafe impl Sync for MappedWords {}

impl MappedWords {
    /// Maps `count` words at `offset` of a file of `size` bytes. If they are not `writable`, to change one is a fault.
    pub(super) fn new(
        file: BorrowedFd<'_>,
        size: u64,
        writable: bool,
        offset: u64,
        count: usize,
    ) -> io::Result<Self> {
        let bytes = count.checked_mul(size_of::<AtomicU64>()).filter(|bytes| *bytes > 0);
        let end = bytes.and_then(|bytes| offset.checked_add(bytes as u64));
        let (Some(bytes), Some(end)) = (bytes, end) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no words, or more than there can be"));
        };
        if !offset.is_multiple_of(4096) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the offset of words is not a multiple of 4096",
            ));
        }
        if end > size {
            // Access beyond the end of a file is a signal, not an error.
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file ends before the words to map",
            ));
        }
        // Pages of the system may be larger than 4,096 bytes.
        let before = offset % page_bytes();
        let length = bytes + before as usize;
        let base = map(file, offset - before, length, if writable { ACCESS } else { libc::PROT_READ })?;
        // SAFETY: the words lie within the map just made, aligned as the offset is.
        let first = unsafe { base.byte_add(before as usize) }.cast();
        Ok(Self { base, length, first, count, forks: fork::count() })
    }

    fn low_half(&self, index: usize) -> *const u32 {
        let word: *const AtomicU64 = &raw const self.words()[index];
        word.cast::<u32>().wrapping_add(LOW_HALF)
    }

    /// In a forked child the map is not there.
    fn is_forked(&self) -> bool {
        fork::count() != self.forks
    }
}

impl Words for MappedWords {
    fn words(&self) -> &[AtomicU64] {
        // SAFETY: `count` words from `first` on lie within the map, which lives as long as `self`, and every value
        // is valid for an atomic. Other processes change them with atomic operations only.
        unsafe { std::slice::from_raw_parts(self.first.as_ptr(), self.count) }
    }

    fn wake(&self, index: usize) {
        if self.is_forked() {
            return;
        }
        // SAFETY: the address is that of a word in the map; waking reads nothing from it.
        unsafe { libc::syscall(libc::SYS_futex, self.low_half(index), libc::FUTEX_WAKE, libc::c_int::MAX) };
    }

    fn wait(&self, index: usize, seen: u32) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if self.is_forked() {
                return;
            }
            // Not FUTEX_PRIVATE: other processes wake it. Whether it was woken, interrupted, timed out or found
            // another value, the caller looks at the word again.
            //
            // SAFETY: the address is that of a word in the map, aligned to 4 bytes, and the time is a constant.
            unsafe {
                libc::syscall(
                    libc::SYS_futex,
                    self.low_half(index),
                    libc::FUTEX_WAIT,
                    seen,
                    &raw const LONGEST_WAIT,
                )
            };
        })
    }

    fn let_go(&self) {
        if self.is_forked() {
            return;
        }
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
        // Memory in place of the file, in one step: whoever still looks at the words finds some. Should the system refuse,
        // the map stays until the value is dropped.
        //
        // SAFETY: the range is the map that belongs to this value, and zeros are valid for atomics.
        unsafe {
            if libc::mmap(self.base.as_ptr(), self.length, ACCESS, flags, -1, 0) != libc::MAP_FAILED {
                libc::madvise(self.base.as_ptr(), self.length, libc::MADV_DONTFORK);
            }
        }
    }
}

impl Drop for MappedWords {
    fn drop(&mut self) {
        if !self.is_forked() {
            // SAFETY: the map was made by `new` with this length, and nothing borrows from it any more.
            unsafe { libc::munmap(self.base.as_ptr(), self.length) };
        }
    }
}

fn map(
    file: BorrowedFd<'_>,
    offset: u64,
    length: usize,
    access: libc::c_int,
) -> io::Result<NonNull<libc::c_void>> {
    let offset = libc::off_t::try_from(offset).map_err(|_| io::Error::from_raw_os_error(libc::EOVERFLOW))?;
    // SAFETY: a new map at an address of the kernel's choice touches no memory in use.
    let base =
        unsafe { libc::mmap(ptr::null_mut(), length, access, libc::MAP_SHARED, file.as_raw_fd(), offset) };
    if base == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the range is the map just made.
    if unsafe { libc::madvise(base, length, libc::MADV_DONTFORK) } != 0 {
        let error = io::Error::last_os_error();
        // SAFETY: as above; nothing points into it yet.
        unsafe { libc::munmap(base, length) };
        return Err(error);
    }
    NonNull::new(base).ok_or_else(|| io::Error::other("the kernel mapped words at address 0"))
}

fn page_bytes() -> u64 {
    // SAFETY: the call has no preconditions.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(bytes).unwrap_or(4096).max(4096)
}
