//! A tokio runtime for those who have none: with all of its threads, or an error.
//!
//! Tokio's own builder panics if the system refuses it a thread, and then waits for ever for those it got.

use std::io;
use std::os::unix::net::UnixStream;
use std::panic::{catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use crate::error::{Error, Result};

/// What takes longer does not happen: starting threads, and clearing ended ones away.
const PATIENCE: Duration = Duration::from_secs(5);

/// A tokio runtime with so many threads of this name, and with timers.
///
/// Its threads block SIGPIPE: a program in C that leaves it as it is would end when the other side of a connection does. What the
/// program does with that signal is left as it is.
///
/// # Errors
/// `unavailable`, and nothing is left behind, if the system refuses the threads or descriptors it needs.
pub fn build_runtime(name: &'static str, threads: usize) -> Result<Runtime> {
    let asked = ask_for_descriptors().and_then(|()| ask_for_threads(name, threads));
    asked.map_err(|error| refused().caused_by(error))?;
    let gate = Arc::new(Gate::default());
    let wait = Arc::clone(&gate);
    let build = || {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(threads).thread_name(name).on_thread_start(move || {
            block_broken_pipes();
            wait.pass();
        });
        builder.enable_all().build()
    };
    // Between the question and the answer another process may have taken the threads.
    let runtime = catch_unwind(build).map_err(|_| refused())?.map_err(|error| refused().caused_by(error))?;
    if gate.open() {
        return Ok(runtime);
    }
    runtime.shutdown_background();
    Err(refused())
}

/// Who writes on this thread to what the other side has closed is told by the answer alone.
#[allow(unsafe_code)]
fn block_broken_pipes() {
    // SAFETY: a set of signals may be any bits, and is filled before it is used; the mask is this thread's.
    unsafe {
        let mut pipes: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut pipes);
        libc::sigaddset(&raw mut pipes, libc::SIGPIPE);
        // It fails for what is no command only.
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const pipes, std::ptr::null_mut());
    }
}

#[cold]
fn refused() -> Error {
    Error::unavailable(
        "the system refused the threads or descriptors to run on; raise the limits (ulimit -u, ulimit -n, the pids of \
         a container), ask for fewer threads, or try again when others have ended",
    )
}

/// Whether the system grants the descriptors for timers, wake-ups and signals: there are six, for some of which tokio panics.
fn ask_for_descriptors() -> io::Result<()> {
    (0..4).map(|_| UnixStream::pair()).collect::<io::Result<Vec<_>>>().map(drop)
}

/// Whether the system grants so many threads at once.
fn ask_for_threads(name: &str, count: usize) -> io::Result<()> {
    let barrier = Mutex::new(());
    let in_kernel: io::Result<Vec<PathBuf>> = thread::scope(|scope| {
        let all_wait_here = barrier.lock();
        let wait = || {
            drop(barrier.lock());
            this_thread_in_kernel()
        };
        let start = |_| thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, wait);
        let started: io::Result<Vec<_>> = (0..count).map(start).collect();
        drop(all_wait_here);
        Ok(started?.into_iter().filter_map(|thread| thread.join().ok().flatten()).collect())
    });
    wait_for_burial(in_kernel?);
    Ok(())
}

/// Where the kernel lists this thread, if it tells.
fn this_thread_in_kernel() -> Option<PathBuf> {
    std::fs::read_link("/proc/thread-self").ok().map(|link| Path::new("/proc").join(link))
}

/// A thread counts until the kernel has cleared it away, a moment after its end: the next one could be refused its place.
fn wait_for_burial(ended: Vec<PathBuf>) {
    let asked = Instant::now();
    for thread in ended {
        while thread.exists() && asked.elapsed() < PATIENCE {
            thread::yield_now();
        }
    }
}

/// Where the threads of a runtime wait until all of them are there, and end if they do not come.
#[derive(Default)]
struct Gate {
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Default, PartialEq, Eq)]
enum State {
    #[default]
    Shut,
    Open,
    /// A thread waited long enough, and is gone.
    GivenUp,
}

impl Gate {
    /// Lets the threads run; whether none has gone.
    fn open(&self) -> bool {
        let mut state = self.state();
        if *state == State::Shut {
            *state = State::Open;
        }
        self.bell.notify_all();
        *state == State::Open
    }

    /// A thread begins.
    fn pass(&self) {
        self.pass_within(PATIENCE);
    }

    fn pass_within(&self, patience: Duration) {
        let waited = self.bell.wait_timeout_while(self.state(), patience, |state| *state == State::Shut);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        if *state == State::Open {
            return;
        }
        *state = State::GivenUp;
        drop(state);
        // The builder waits for the end of this thread. Nobody is told of this panic.
        resume_unwind(Box::new(()));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_has_its_threads_and_timers() {
        let runtime = build_runtime("test", 3).unwrap();
        assert_eq!(runtime.metrics().num_workers(), 3);
        let slept = runtime.spawn(async { tokio::time::sleep(Duration::from_millis(1)).await });
        runtime.block_on(slept).unwrap();
    }

    #[test]
    fn threads_asked_for_no_longer_count() {
        let asked_for = thread::spawn(this_thread_in_kernel).join().unwrap();
        wait_for_burial(asked_for.clone().into_iter().collect());
        assert!(asked_for.is_none_or(|path| !path.exists()));
    }

    #[test]
    fn threads_that_wait_in_vain_end() {
        let gate = Gate::default();
        assert!(catch_unwind(std::panic::AssertUnwindSafe(|| gate.pass_within(Duration::ZERO))).is_err());
        assert!(!gate.open());
        // So does the next one, at once.
        assert!(catch_unwind(std::panic::AssertUnwindSafe(|| gate.pass_within(PATIENCE))).is_err());
    }

    #[test]
    fn an_open_gate_lets_all_pass() {
        let gate = Arc::new(Gate::default());
        let waits = Arc::clone(&gate);
        let thread = thread::spawn(move || waits.pass());
        assert!(gate.open());
        thread.join().unwrap();
        gate.pass_within(Duration::ZERO);
    }
}
