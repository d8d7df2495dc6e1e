//! The one runtime of the process: made by the first call that needs it, and made anew in a forked child.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "time-outs of callers in C run on it"
)]

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::time::Duration;

use dl_core::{Error, ErrorKind, Result};
use tokio::runtime::{EnterGuard, Runtime};

use crate::boundary::boundary;
use crate::completion::callback::Callbacks;
use crate::error::dl_error;
use crate::forks::Birth;

/// Threads, unless the caller says otherwise: the library works on few, and waits on the others.
const MOST_THREADS_UNASKED: usize = 4;
const MOST_THREADS: usize = 1_024;

/// The number of threads that the caller asked for; 0 if it did not.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// The runtime in use. What it points to is never freed: a forked child leaves that of its parent where it is. No lock, which
/// a fork could leave locked.
static CURRENT: AtomicPtr<Process> = AtomicPtr::new(ptr::null_mut());

/// What the process has once.
pub(crate) struct Process {
    birth: Birth,
    runtime: Runtime,
    /// The thread that calls the caller's functions.
    pub(crate) callbacks: Callbacks,
}

/// What this process has once.
///
/// # Errors
/// `unavailable` if the system refuses threads.
pub(crate) fn process() -> Result<&'static Process> {
    let current = CURRENT.load(Ordering::Acquire);
    match known(current) {
        Some(process) => Ok(process),
        None => make(current),
    }
}

/// Enters the runtime, for code that looks for one.
///
/// # Errors
/// As [`process`].
pub(crate) fn enter() -> Option<EnterGuard<'static>> {
    process().ok().map(|process| process.runtime.enter())
}

impl Process {
    /// Runs a future on the thread of the caller, as long as it may take; `None` if it takes longer.
    pub(crate) fn block_on<T>(&self, limit: Option<Duration>, future: impl Future<Output = T>) -> Option<T> {
        self.runtime.block_on(async {
            match limit {
                None => Some(future.await),
                Some(limit) => within(limit, future).await,
            }
        })
    }

    /// Runs a future to its end on the threads of the runtime.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(future);
    }

    pub(crate) fn enter(&self) -> EnterGuard<'_> {
        self.runtime.enter()
    }
}

/// What a future answers within a time; `None` if it takes longer.
pub(crate) async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, future).await.ok()
}

fn known(pointer: *mut Process) -> Option<&'static Process> {
    // SAFETY: what `CURRENT` points to is never freed.
    unsafe { pointer.as_ref() }.filter(|process| process.birth.is_here())
}

#[cold]
fn make(current: *mut Process) -> Result<&'static Process> {
    let birth = Birth::now();
    let runtime = dl_core::build_runtime("dl-runtime", threads())?;
    let made = Box::into_raw(Box::new(Process { birth, runtime, callbacks: Callbacks::default() }));
    let (winner, lost) = match CURRENT.compare_exchange(current, made, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => (made, None),
        Err(other) => (other, Some(made)),
    };
    if let Some(lost) = lost {
        // SAFETY: it comes from `Box::into_raw` just above, and nobody else has seen it.
        let lost = unsafe { Box::from_raw(lost) };
        lost.runtime.shutdown_background();
    }
    known(winner).ok_or_else(|| Error::new(ErrorKind::Internal, "the runtime is that of another process"))
}

fn threads() -> usize {
    match THREADS.load(Ordering::Acquire) {
        0 => std::thread::available_parallelism().map_or(2, |number| number.get().min(MOST_THREADS_UNASKED)),
        asked => asked,
    }
}

/// Says how many threads the library's runtime has. Unless it is called there are as many as processors, at most 4.
///
/// The threads of a process that was forked afterwards are as many. Errors: invalid-argument if it is not 1 to 1,024;
/// already-exists if the runtime has begun to run, which the first call that opens a namespace makes it do.
#[unsafe(no_mangle)]
pub extern "C" fn dl_runtime_set_threads(threads: usize) -> *mut dl_error {
    boundary(|| {
        if !(1..=MOST_THREADS).contains(&threads) {
            let message = format!("{threads} threads are not 1 to {MOST_THREADS}");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        if known(CURRENT.load(Ordering::Acquire)).is_some() {
            let message = "the runtime runs already; set its threads before anything else is called";
            return Err(Error::new(ErrorKind::AlreadyExists, message));
        }
        THREADS.store(threads, Ordering::Release);
        Ok(())
    })
}
