//! Tasks on a tokio runtime, and threads.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};
use std::thread::{self, Thread};

use tokio::runtime::Handle;

use crate::seams::{BoxFuture, Tasks};

/// The kernel keeps this much of a thread's name.
const THREAD_NAME_BYTES: usize = 15;

/// Tasks on a tokio runtime.
pub(super) struct SystemTasks {
    runtime: Handle,
}

impl SystemTasks {
    pub(super) fn new(runtime: Handle) -> Self {
        Self { runtime }
    }
}

impl Tasks for SystemTasks {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.runtime.spawn(task);
    }

    fn spawn_thread(&self, name: &str, task: BoxFuture<'static, ()>) {
        let work = Once::new({
            let runtime = self.runtime.clone();
            move || {
                let _entered = runtime.enter();
                block_on(task);
            }
        });
        let on_thread = work.clone();
        let spawned = thread::Builder::new().name(shorten(name)).spawn(move || on_thread.run());
        if spawned.is_err() {
            // Out of threads: the runtime's pool may have one left, or has one later.
            self.runtime.spawn_blocking(move || work.run());
        }
    }

    fn run_blocking(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        let work = Once::new(work);
        let on_pool = work.clone();
        let running = self.runtime.spawn_blocking(move || on_pool.run());
        Box::pin(async move {
            if running.await.is_err_and(|error| error.is_cancelled()) {
                // The runtime is shutting down and did not take it; whoever waits still is to have it done.
                work.run();
            }
        })
    }
}

/// Work that is done by whoever gets to it first, once.
struct Once<F>(Arc<Mutex<Option<F>>>);

impl<F: FnOnce()> Once<F> {
    fn new(work: F) -> Self {
        Self(Arc::new(Mutex::new(Some(work))))
    }

    fn run(&self) {
        let work = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(work) = work {
            work();
        }
    }
}

impl<F> Clone for Once<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// The longest start of the name that the kernel keeps, without what it cannot hold.
fn shorten(name: &str) -> String {
    let mut short = String::new();
    for character in name.chars().filter(|character| *character != '\0') {
        if short.len() + character.len_utf8() > THREAD_NAME_BYTES {
            break;
        }
        short.push(character);
    }
    short
}

/// Runs a future on this thread, which sleeps while the future waits. Unlike the runtime's own it goes on when the
/// runtime is shut down, so that a thread always gets to its end.
fn block_on(task: BoxFuture<'static, ()>) {
    let parker = Arc::new(Parker { thread: thread::current(), woken: AtomicBool::new(false) });
    let waker = Waker::from(Arc::clone(&parker));
    let mut context = Context::from_waker(&waker);
    let mut task = pin!(task);
    while task.as_mut().poll(&mut context).is_pending() {
        while !parker.woken.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

struct Parker {
    thread: Thread,
    /// Beside the thread's own token, which something that blocks inside the task may use up.
    woken: AtomicBool,
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::{mpsc, oneshot};

    use super::*;

    #[tokio::test]
    async fn a_thread_has_its_name_and_waits_for_tasks() {
        let tasks = SystemTasks::new(Handle::current());
        let (ask, mut asked) = mpsc::unbounded_channel::<oneshot::Sender<String>>();
        tasks.spawn_thread(
            "a name that is too long",
            Box::pin(async move {
                while let Some(reply) = asked.recv().await {
                    let name = thread::current().name().map(str::to_owned);
                    reply.send(name.unwrap_or_default()).unwrap();
                }
            }),
        );
        for _ in 0..100 {
            let (reply, answer) = oneshot::channel();
            ask.send(reply).unwrap();
            assert_eq!(answer.await.unwrap(), "a name that is ");
        }
    }

    #[tokio::test]
    async fn a_thread_has_timers() {
        let tasks = SystemTasks::new(Handle::current());
        let (done, wait) = oneshot::channel();
        tasks.spawn_thread(
            "timer",
            Box::pin(async move {
                tokio::time::sleep(Duration::from_millis(1)).await;
                done.send(()).unwrap();
            }),
        );
        wait.await.unwrap();
    }

    #[tokio::test]
    async fn blocking_work_is_done_though_nobody_waits() {
        let tasks = SystemTasks::new(Handle::current());
        let (done, wait) = oneshot::channel();
        drop(tasks.run_blocking(Box::new(move || done.send(7).unwrap())));
        assert_eq!(wait.await, Ok(7));
    }

    #[test]
    fn blocking_work_is_done_after_the_runtime_is_gone() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let tasks = SystemTasks::new(runtime.handle().clone());
        drop(runtime);
        let (done, mut wait) = oneshot::channel();
        block_on(tasks.run_blocking(Box::new(move || done.send(7).unwrap())));
        assert_eq!(wait.try_recv(), Ok(7));
    }

    #[test]
    fn names_are_cut_between_characters() {
        assert_eq!(shorten("dl-journal"), "dl-journal");
        assert_eq!(shorten("0123456789abcd\u{e9}"), "0123456789abcd");
        assert_eq!(shorten("a\0b"), "ab");
    }
}
