//! Threads for work that may block: as many as there is work at once, gone when they had none for a while, or when little
//! more is to come.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

/// More work than this waits for the threads there are.
const MOST_THREADS: usize = 512;

/// A thread ends when it had nothing to do for so long.
const IDLE: Duration = Duration::from_secs(10);

/// Work for a thread.
pub(super) type Work = Box<dyn FnOnce() + Send>;

/// Starts a thread of this name.
pub(super) type Start = Box<dyn Fn(&str, Work) -> io::Result<()> + Send + Sync>;

/// Threads for blocking work.
pub(super) struct Pool {
    /// Of its threads.
    name: &'static str,
    start: Start,
    idle: Duration,
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Work>,
    threads: usize,
    /// How many of them have nothing to do.
    idle: usize,
    /// No thread waits for more.
    ended: bool,
}

impl Pool {
    /// No threads yet.
    pub(super) fn new(name: &'static str, start: Start) -> Arc<Self> {
        Arc::new(Self { name, start, idle: IDLE, state: Mutex::default(), bell: Condvar::new() })
    }

    /// Has the work done, in the order in which it came; the answer comes when it was, or an error if it panicked.
    ///
    /// If the system refuses threads, those there are do it one after another; without any, the caller does it, now.
    pub(super) fn run(self: &Arc<Self>, work: Work) -> oneshot::Receiver<()> {
        let (done, wait) = oneshot::channel();
        let work = Box::new(move || {
            work();
            // The receiver is gone only if nobody waits.
            let _nobody = done.send(());
        });
        if self.queue(work) {
            let pool = self.clone();
            let started = (self.start)(self.name, Box::new(move || pool.serve()));
            if started.is_err() {
                self.go_without();
            }
        }
        wait
    }

    /// No more work will come, or little: threads that have none end. What comes is done by a new one.
    pub(super) fn end(&self) {
        self.state().ended = true;
        self.bell.notify_all();
    }

    /// How many threads there are.
    #[cfg(test)]
    fn threads(&self) -> usize {
        self.state().threads
    }

    /// Returns when there are no threads, and panics if they stay as long as they would without [`end`](Self::end).
    #[cfg(test)]
    #[expect(clippy::disallowed_methods, reason = "threads wait by the system's clock")]
    pub(super) fn wait_until_empty(&self) {
        let began = std::time::Instant::now();
        while self.threads() > 0 {
            assert!(began.elapsed() < self.idle / 2, "{} threads of {} stay", self.threads(), self.name);
            std::thread::yield_now();
        }
    }

    /// Adds work; answers whether a thread is to be started for it, which counts from now on.
    fn queue(&self, work: Work) -> bool {
        let mut state = self.state();
        state.waiting.push_back(work);
        if state.idle >= state.waiting.len() {
            self.bell.notify_one();
            return false;
        }
        let more = state.threads < MOST_THREADS;
        state.threads += usize::from(more);
        more
    }

    /// A thread could not be started.
    fn go_without(&self) {
        let left = {
            let mut state = self.state();
            state.threads -= 1;
            if state.threads > 0 { VecDeque::new() } else { std::mem::take(&mut state.waiting) }
        };
        left.into_iter().for_each(attempt);
    }

    /// A thread's life.
    fn serve(&self) {
        while let Some(work) = self.next() {
            attempt(work);
        }
    }

    /// Waits for work; `None` if there was none for long, and the thread is to end.
    fn next(&self) -> Option<Work> {
        let mut state = self.state();
        if state.waiting.is_empty() {
            state.idle += 1;
            let nothing = |state: &mut State| state.waiting.is_empty() && !state.ended;
            let waited = self.bell.wait_timeout_while(state, self.idle, nothing);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.idle -= 1;
        }
        let work = state.waiting.pop_front();
        state.threads -= usize::from(work.is_none());
        work
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does work that may panic, which ends the work and not the thread.
fn attempt(work: Work) {
    let _said_by_the_hook = catch_unwind(AssertUnwindSafe(work));
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    /// A pool to which the system grants so many threads.
    fn pool(granted: usize, idle: Duration) -> Arc<Pool> {
        let started = AtomicUsize::new(0);
        let start: Start = Box::new(move |_, work| {
            if started.fetch_add(1, Ordering::SeqCst) >= granted {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            thread::spawn(work);
            Ok(())
        });
        Arc::new(Pool { name: "test", start, idle, state: Mutex::default(), bell: Condvar::new() })
    }

    #[test]
    fn work_that_waits_for_other_work_gets_a_thread_of_its_own() {
        let pool = pool(usize::MAX, IDLE);
        let (tell, told) = mpsc::channel();
        let first = pool.run(Box::new(move || told.recv().unwrap()));
        pool.run(Box::new(move || tell.send(()).unwrap())).blocking_recv().unwrap();
        first.blocking_recv().unwrap();
        assert_eq!(pool.threads(), 2);
        pool.run(Box::new(|| {})).blocking_recv().unwrap();
        assert!(pool.threads() <= 3);
    }

    #[test]
    fn without_threads_the_caller_does_it() {
        let pool = pool(0, IDLE);
        let here = thread::current().id();
        let mut done = pool.run(Box::new(move || assert_eq!(thread::current().id(), here)));
        assert_eq!(done.try_recv(), Ok(()));
        assert_eq!(pool.threads(), 0);
    }

    #[test]
    fn with_too_few_threads_work_waits_for_one() {
        let pool = pool(1, IDLE);
        let (tell, told) = mpsc::channel();
        let first = pool.run(Box::new(move || told.recv().unwrap()));
        let mut second = pool.run(Box::new(|| {}));
        assert!(second.try_recv().is_err(), "the only thread is busy");
        tell.send(()).unwrap();
        first.blocking_recv().unwrap();
        second.blocking_recv().unwrap();
    }

    #[test]
    fn a_panic_ends_the_work_and_not_the_thread() {
        let pool = pool(1, IDLE);
        assert!(pool.run(Box::new(|| std::panic::resume_unwind(Box::new(())))).blocking_recv().is_err());
        assert!(pool.run(Box::new(|| {})).blocking_recv().is_ok());
    }

    #[test]
    fn threads_end_when_no_more_work_can_come() {
        let pool = pool(usize::MAX, Duration::from_secs(3_600));
        pool.run(Box::new(|| {})).blocking_recv().unwrap();
        pool.end();
        pool.wait_until_empty();
    }

    #[test]
    fn threads_without_work_end() {
        let pool = pool(usize::MAX, Duration::from_millis(1));
        pool.run(Box::new(|| {})).blocking_recv().unwrap();
        // Each try waits for a change of the state that the thread makes when it ends.
        while pool.threads() > 0 {
            thread::yield_now();
        }
        pool.run(Box::new(|| {})).blocking_recv().unwrap();
    }
}
