//! Locks of open files ("open file description locks"), always on the whole file.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use crate::seams::LockKind;

/// Takes or changes the lock of this open file if no other one is in the way.
pub(super) fn try_lock(file: BorrowedFd<'_>, kind: LockKind) -> io::Result<bool> {
    let mut lock = whole_file(match kind {
        LockKind::Shared => libc::F_RDLCK,
        LockKind::Exclusive => libc::F_WRLCK,
    });
    match control(file, libc::F_OFD_SETLK, &mut lock) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives up the lock of this open file.
pub(super) fn unlock(file: BorrowedFd<'_>) -> io::Result<()> {
    control(file, libc::F_OFD_SETLK, &mut whole_file(libc::F_UNLCK))
}

/// Whether any other open file has a lock.
pub(super) fn locked_by_other(file: BorrowedFd<'_>) -> io::Result<bool> {
    let mut lock = whole_file(libc::F_WRLCK);
    control(file, libc::F_OFD_GETLK, &mut lock)?;
    Ok(i32::from(lock.l_type) != libc::F_UNLCK)
}

fn whole_file(kind: libc::c_int) -> libc::flock {
    // SAFETY: all fields are integers, for which zero is a value. The kernel wants `l_pid` to be 0; start 0 from the
    // file's begin and length 0 mean the whole file, however long it gets.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock
}

fn control(file: BorrowedFd<'_>, command: libc::c_int, lock: &mut libc::flock) -> io::Result<()> {
    loop {
        // SAFETY: the descriptor is open, and `lock` is the structure these commands read and write.
        let result = unsafe { libc::fcntl(file.as_raw_fd(), command, &raw mut *lock) };
        if result == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
