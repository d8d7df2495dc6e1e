//! The tokio runtime: one for each process, there while a namespace is open, and made anew after a fork.

use std::process;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;

/// The name of its threads.
const NAME: &str = "dl-runtime";

/// How many threads it has, if the variable does not say.
const THREADS: usize = 2;

/// Says how many threads it has.
const THREADS_VARIABLE: &str = "DL_RUNTIME_THREADS";

/// How long its end waits for its threads. They have nothing to do by then.
const MOST_TIME: Duration = Duration::from_secs(5);

/// A runtime that ends, with its threads, when the last namespace lets it go.
pub(crate) struct Runtime(Option<tokio::runtime::Runtime>, Handle);

/// That of one process.
struct Place {
    process: u32,
    runtime: Mutex<Weak<Runtime>>,
}

static PLACE: AtomicPtr<Place> = AtomicPtr::new(ptr::null_mut());

impl Runtime {
    /// The runtime of this process, made if there is none.
    ///
    /// # Errors
    /// `unavailable` if the system refuses threads.
    pub(crate) fn shared() -> dl_core::Result<Arc<Self>> {
        let mut place = place().runtime.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = place.upgrade() {
            return Ok(runtime);
        }
        let runtime = Arc::new(Self::new()?);
        *place = Arc::downgrade(&runtime);
        Ok(runtime)
    }

    fn new() -> dl_core::Result<Self> {
        let threads = std::env::var(THREADS_VARIABLE).ok().and_then(|text| text.parse().ok());
        let threads = threads.unwrap_or(THREADS).clamp(1, 1_024);
        let runtime = dl_core::build_runtime(NAME, threads)?;
        let handle = runtime.handle().clone();
        Ok(Self(Some(runtime), handle))
    }

    /// For entering it and starting tasks.
    pub(crate) fn handle(&self) -> &Handle {
        &self.1
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        let Some(runtime) = self.0.take() else { return };
        if thread::current().name() == Some(NAME) {
            // A thread does not wait for itself.
            runtime.shutdown_background();
        } else {
            runtime.shutdown_timeout(MOST_TIME);
        }
    }
}

/// Another one after a fork: the lock in the old one may be held by a thread that is not here.
#[allow(unsafe_code)]
fn place() -> &'static Place {
    let mut there = PLACE.load(Ordering::Acquire);
    loop {
        // SAFETY: what `PLACE` points to comes from `Box::into_raw` below and is never freed.
        if let Some(place) = unsafe { there.as_ref() }
            && place.process == process::id()
        {
            return place;
        }
        let new = Box::new(Place { process: process::id(), runtime: Mutex::default() });
        let new = Box::into_raw(new);
        match PLACE.compare_exchange(there, new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => there = new,
            Err(other) => {
                // SAFETY: nobody else has seen it.
                drop(unsafe { Box::from_raw(new) });
                there = other;
            }
        }
    }
}
