//! Tasks on a tokio runtime, and threads.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::thread::{self, Thread};

use tokio::runtime::Handle;

use super::place::Place;
use super::pool::{Pool, Start, Work};
use super::priority;
use crate::seams::{BoxFuture, Tasks};

/// The kernel keeps this much of a thread's name.
const THREAD_NAME_BYTES: usize = 15;

/// Tasks on a tokio runtime.
///
/// Blocking work has threads of its own, not the runtime's: when the system refuses the runtime one, the work waits
/// for a thread that never comes, and refusing the first one is a panic.
pub(super) struct SystemTasks {
    place: Place,
    pool: Arc<Pool>,
    /// Its threads give way to others.
    behind: Arc<Pool>,
}

impl SystemTasks {
    pub(super) fn new(place: Place) -> Self {
        let pool = Pool::new("dl-blocking", start_in(place.clone()));
        let start = start_in(place.clone());
        let give_way = move |work: Work| {
            let work = move || {
                priority::give_way();
                work();
            };
            Box::new(work) as Work
        };
        let behind = Pool::new("dl-behind", Box::new(move |name, work| start(name, give_way(work))));
        Self { place, pool, behind }
    }
}

impl Drop for SystemTasks {
    fn drop(&mut self) {
        self.rest();
    }
}

impl Tasks for SystemTasks {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        // Without a runtime it is dropped, as in one that has ended.
        if let Some(runtime) = self.place.runtime() {
            runtime.spawn(task);
        }
    }

    fn spawn_thread(&self, name: &str, task: BoxFuture<'static, ()>) -> io::Result<()> {
        start_in(self.place.clone())(name, Box::new(move || block_on(task)))
    }

    fn block_on(&self, task: BoxFuture<'_, ()>) {
        block_on(task);
    }

    fn run_blocking(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        run_in(&self.pool, work)
    }

    fn run_behind(&self, work: Work) -> BoxFuture<'static, ()> {
        run_in(&self.behind, work)
    }

    fn rest(&self) {
        self.pool.end();
        self.behind.end();
        self.place.let_go();
    }
}

fn run_in(pool: &Arc<Pool>, work: Work) -> BoxFuture<'static, ()> {
    let done = pool.run(work);
    Box::pin(async move {
        // An error says that the work panicked; whoever needs its result finds out.
        let _ended = done.await;
    })
}

/// Starts threads that may use the runtime, while there is one.
fn start_in(place: Place) -> Start {
    Box::new(move |name, work| {
        let runtime = place.runtime();
        let inside = move || {
            let _entered = runtime.as_ref().map(Handle::enter);
            work();
        };
        thread::Builder::new().name(shorten(name)).spawn(inside).map(drop)
    })
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
fn block_on(task: BoxFuture<'_, ()>) {
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
        let tasks = SystemTasks::new(Place::new(Handle::current()));
        let (ask, mut asked) = mpsc::unbounded_channel::<oneshot::Sender<String>>();
        tasks
            .spawn_thread(
                "a name that is too long",
                Box::pin(async move {
                    while let Some(reply) = asked.recv().await {
                        let name = thread::current().name().map(str::to_owned);
                        reply.send(name.unwrap_or_default()).unwrap();
                    }
                }),
            )
            .unwrap();
        for _ in 0..100 {
            let (reply, answer) = oneshot::channel();
            ask.send(reply).unwrap();
            assert_eq!(answer.await.unwrap(), "a name that is ");
        }
    }

    #[tokio::test]
    async fn a_thread_has_timers() {
        let tasks = SystemTasks::new(Place::new(Handle::current()));
        let (done, wait) = oneshot::channel();
        tasks
            .spawn_thread(
                "timer",
                Box::pin(async move {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    done.send(()).unwrap();
                }),
            )
            .unwrap();
        wait.await.unwrap();
    }

    #[tokio::test]
    async fn blocking_work_is_done_though_nobody_waits() {
        let tasks = SystemTasks::new(Place::new(Handle::current()));
        let (done, wait) = oneshot::channel();
        drop(tasks.run_blocking(Box::new(move || done.send(7).unwrap())));
        assert_eq!(wait.await, Ok(7));
    }

    #[test]
    fn blocking_work_is_done_after_the_runtime_is_gone() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let tasks = SystemTasks::new(Place::new(runtime.handle().clone()));
        drop(runtime);
        let (done, mut wait) = oneshot::channel();
        block_on(tasks.run_blocking(Box::new(move || done.send(7).unwrap())));
        assert_eq!(wait.try_recv(), Ok(7));
    }

    #[tokio::test]
    async fn at_rest_no_thread_waits_for_work_and_work_is_still_done() {
        let tasks = SystemTasks::new(Place::new(Handle::current()));
        for _ in 0..2 {
            for done in [tasks.run_blocking(Box::new(|| {})), tasks.run_behind(Box::new(|| {}))] {
                done.await;
            }
            tasks.rest();
            for pool in [&tasks.pool, &tasks.behind] {
                pool.wait_until_empty();
            }
        }
    }

    #[test]
    fn names_are_cut_between_characters() {
        assert_eq!(shorten("dl-journal"), "dl-journal");
        assert_eq!(shorten("0123456789abcd\u{e9}"), "0123456789abcd");
        assert_eq!(shorten("a\0b"), "ab");
    }
}
