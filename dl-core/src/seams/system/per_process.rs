//! What every process has for itself, though it was forked from one that has it too.
#![allow(unsafe_code)]

use std::process;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A static value that a forked child has a new one of: that of its parent tells of what is not the child's, and a lock of it may be
/// held for ever by a thread that the child does not have.
pub(crate) struct PerProcess<T> {
    make: fn() -> T,
    /// What this points to is never freed: a child leaves that of its parent where it is. No lock, which a fork could leave locked.
    current: AtomicPtr<Made<T>>,
}

struct Made<T> {
    process: u32,
    value: T,
}

impl<T> PerProcess<T> {
    /// Made when first asked for.
    pub(crate) const fn new(make: fn() -> T) -> Self {
        Self { make, current: AtomicPtr::new(ptr::null_mut()) }
    }

    /// That of this process.
    pub(crate) fn get(&'static self) -> &'static T {
        let process = process::id();
        let mut current = self.current.load(Ordering::Acquire);
        loop {
            // SAFETY: what `current` points to is never freed.
            if let Some(made) = unsafe { current.as_ref() }.filter(|made| made.process == process) {
                return &made.value;
            }
            let made = Box::into_raw(Box::new(Made { process, value: (self.make)() }));
            match self.current.compare_exchange(current, made, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => current = made,
                Err(other) => {
                    // SAFETY: it comes from `Box::into_raw` just above, and nobody else has seen it.
                    drop(unsafe { Box::from_raw(made) });
                    current = other;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn a_child_has_its_own_though_the_lock_of_the_parent_is_held() {
        static VALUES: PerProcess<Mutex<Vec<u32>>> = PerProcess::new(Mutex::default);
        VALUES.get().lock().unwrap().push(1);
        let held = VALUES.get().lock().unwrap();
        // SAFETY: the child uses memory only, and ends.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let own = VALUES.get().try_lock().is_ok_and(|mut values| {
                values.push(2);
                *values == [2]
            });
            // SAFETY: ends the child.
            unsafe { libc::_exit(i32::from(!own)) };
        }
        let mut status = -1;
        // SAFETY: `status` lives through the call.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!((status, held.as_slice()), (0, [1].as_slice()));
    }
}
