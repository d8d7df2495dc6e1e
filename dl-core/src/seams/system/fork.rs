//! What happens to open files in a forked child.
//!
//! A lock of an open file belongs to parent and child together: it would outlive a dead owner as long as any child
//! lives. So the child closes, before anything else runs in it, every descriptor that holds a lock. It also counts
//! the fork, by which everything that was open before knows that it must not be used, nor closed again: its number
//! may by then be another file's.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::RawFd;
use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU64, Ordering};

/// Forks between the start of the program and this process.
static FORKS: AtomicU64 = AtomicU64::new(0);

/// Which descriptors hold locks, a bit each, in pages made when first needed and never freed. The child handler
/// may only read memory that is there already: after a fork the allocator's locks may be held by nobody.
static LOCKED: [AtomicPtr<Page>; PAGES] = [const { AtomicPtr::new(ptr::null_mut()) }; PAGES];

const PAGES: usize = 1024;
const PAGE_WORDS: usize = 1024;
const PAGE_BITS: usize = PAGE_WORDS * 64;

type Page = [AtomicU64; PAGE_WORDS];

/// The number of forks between the start of the program and this process.
pub(super) fn count() -> u64 {
    FORKS.load(Ordering::Acquire)
}

/// Watches for forks from now on. May be called again.
pub(super) fn watch() -> io::Result<()> {
    static ONCE: Once = Once::new();
    static RESULT: AtomicI32 = AtomicI32::new(0);
    ONCE.call_once(|| {
        // SAFETY: the handler lives as long as the program and is safe to run between fork and exec: it reads and
        // writes atomics and calls close.
        let result = unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
        RESULT.store(result, Ordering::Release);
    });
    match RESULT.load(Ordering::Acquire) {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// From now on a forked child closes this descriptor at once. To be called before it takes a lock.
pub(super) fn close_in_child(descriptor: RawFd) -> io::Result<()> {
    let (page, word, bit) = place(descriptor)?;
    page_or_new(page)[word].fetch_or(bit, Ordering::AcqRel);
    Ok(())
}

/// The descriptor is about to be closed, and holds no lock any more.
pub(super) fn forget(descriptor: RawFd) {
    if let Ok((page, word, bit)) = place(descriptor) {
        page_or_new(page)[word].fetch_and(!bit, Ordering::AcqRel);
    }
}

/// Index of the page, index of the word in it, and the bit.
fn place(descriptor: RawFd) -> io::Result<(usize, usize, u64)> {
    usize::try_from(descriptor)
        .ok()
        .map(|number| (number / PAGE_BITS, number % PAGE_BITS / 64, 1 << (number % 64)))
        .filter(|(page, _, _)| *page < PAGES)
        .ok_or_else(|| io::Error::from_raw_os_error(libc::EMFILE))
}

fn page_or_new(index: usize) -> &'static Page {
    let there = LOCKED[index].load(Ordering::Acquire);
    let page = if there.is_null() {
        let new = Box::into_raw(Box::new([const { AtomicU64::new(0) }; PAGE_WORDS]));
        match LOCKED[index].compare_exchange(ptr::null_mut(), new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => new,
            Err(other) => {
                // SAFETY: `new` comes from `Box::into_raw` just above and nobody else has seen it.
                drop(unsafe { Box::from_raw(new) });
                other
            }
        }
    } else {
        there
    };
    // SAFETY: what `LOCKED` points to is never freed, and holds atomics only.
    unsafe { &*page }
}

/// Runs in the child between `fork` and its return there, so only what is async-signal-safe is allowed.
extern "C" fn in_child() {
    FORKS.fetch_add(1, Ordering::AcqRel);
    for (index, page) in LOCKED.iter().enumerate() {
        let page = page.load(Ordering::Acquire);
        if page.is_null() {
            continue;
        }
        // SAFETY: what `LOCKED` points to is never freed, and holds atomics only.
        let page = unsafe { &*page };
        for (word_index, word) in page.iter().enumerate() {
            let mut bits = word.swap(0, Ordering::AcqRel);
            while bits != 0 {
                let number = index * PAGE_BITS + word_index * 64 + bits.trailing_zeros() as usize;
                // SAFETY: the descriptor belongs to an open file of this module's user, which by the count above
                // knows that it was closed.
                unsafe { libc::close(number as RawFd) };
                bits &= bits - 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_descriptor_has_its_own_bit() {
        assert_eq!(place(0).unwrap(), (0, 0, 1));
        assert_eq!(place(63).unwrap(), (0, 0, 1 << 63));
        assert_eq!(place(64).unwrap(), (0, 1, 1));
        assert_eq!(place(PAGE_BITS as RawFd + 65).unwrap(), (1, 1, 2));
        assert!(place(-1).is_err());
        assert!(place(RawFd::MAX).is_err());
    }

    #[test]
    fn watching_twice_is_fine() {
        watch().unwrap();
        watch().unwrap();
    }
}
