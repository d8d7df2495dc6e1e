//! Whether the process was forked since something was made: then threads and descriptors of it are the parent's.

use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use dl_core::{Error, ErrorKind, Result};

/// Forks between the start of the program and this process.
static FORKS: AtomicU64 = AtomicU64::new(0);

/// When something was made, counted in forks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Birth(u64);

impl Birth {
    /// Of what is made now.
    pub(crate) fn now() -> Self {
        watch();
        Self(FORKS.load(Ordering::Acquire))
    }

    /// Whether it was made in this process.
    pub(crate) fn is_here(self) -> bool {
        self.0 == FORKS.load(Ordering::Acquire)
    }

    /// # Errors
    /// `closed` if it was made in a process that this one was forked from.
    pub(crate) fn check(self) -> Result<()> {
        if self.is_here() { Ok(()) } else { Err(forked()) }
    }
}

#[cold]
fn forked() -> Error {
    let message =
        "the process was forked, and this belongs to the parent; open the namespace again in the child";
    Error::new(ErrorKind::Closed, message)
}

/// Counts forks from now on.
fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the handler lives as long as the program, and may run between fork and exec: it adds to an atomic.
        // Its answer is not looked at: it fails for lack of memory only, and then forks are not noticed here, but
        // still by dl-core.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
}

extern "C" fn in_child() {
    FORKS.fetch_add(1, Ordering::AcqRel);
}
