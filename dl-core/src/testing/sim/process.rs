//! Processes of a simulated machine, and the tasks that run in them.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::machine::Shared;
use super::random::Rng;
use crate::seams::{BoxFuture, Clock, Tasks};

/// A task is put off at one in so many polls, so that each seed has its own order of events.
const PUT_OFF_ONE_IN: u64 = 4;

/// The process was killed, or the machine lost power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Killed;

impl fmt::Display for Killed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the simulated process was killed")
    }
}

impl std::error::Error for Killed {}

/// The test's hold on a process.
///
/// What a process does is to be started through [`run`](Self::run), or by what it spawned itself: only that stops
/// when it is killed or frozen. A handle of a dead process used outside gets errors, or waits for ever.
#[derive(Clone)]
pub struct ProcessHandle(pub(super) Arc<Process>);

impl ProcessHandle {
    /// The process's number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.0.id
    }

    /// Whether it was neither killed nor lost to a power loss.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.0.is_alive()
    }

    /// Ends the process at once: its tasks never run again and its locks go; the page cache and shared words stay.
    pub fn kill(&self) {
        self.0.shared.machine().end_process(&self.0);
        self.0.bury();
    }

    /// Stops all its tasks where they wait. Its locks stay.
    pub fn freeze(&self) {
        self.0.frozen.store(true, Ordering::Release);
    }

    /// Lets its tasks go on.
    pub fn thaw(&self) {
        self.0.frozen.store(false, Ordering::Release);
        self.0.wake_all();
    }

    /// Stops its threads where they wait, or lets them go on; its other tasks are not concerned.
    pub fn stop_threads(&self, stop: bool) {
        self.0.threads_stopped.store(stop, Ordering::Release);
        self.0.wake_all();
    }

    /// Refuses it further threads, or grants them again.
    pub fn refuse_threads(&self, refuse: bool) {
        self.0.threads_refused.store(refuse, Ordering::Release);
    }

    /// Work behind other work gets a processor only after so long.
    pub fn keep_busy(&self, for_ms: u64) {
        self.0.busy_ms.store(for_ms, Ordering::Release);
    }

    /// Runs a future inside of the process.
    ///
    /// # Errors
    /// [`Killed`] as soon as the process is.
    pub async fn run<T>(&self, future: impl Future<Output = T>) -> Result<T, Killed> {
        let task = TaskSlot::new(&self.0, None, false);
        let mut future = pin!(future);
        poll_fn(|context| {
            match task.may_run(context) {
                MayRun::Never => return Poll::Ready(Err(Killed)),
                MayRun::NotNow => return Poll::Pending,
                MayRun::Now => {}
            }
            let polled = future.as_mut().poll(context);
            if self.0.is_alive() { polled.map(Ok) } else { Poll::Ready(Err(Killed)) }
        })
        .await
    }
}

/// A process.
pub(super) struct Process {
    pub(super) id: u32,
    pub(super) started: u64,
    pub(super) shared: Arc<Shared>,
    runtime: Handle,
    alive: AtomicBool,
    frozen: AtomicBool,
    threads_stopped: AtomicBool,
    threads_refused: AtomicBool,
    busy_ms: AtomicU64,
    tasks: Mutex<TaskTable>,
    order: Mutex<Rng>,
}

#[derive(Default)]
struct TaskTable {
    next: u64,
    tasks: BTreeMap<u64, Task>,
}

struct Task {
    waker: Option<Waker>,
    /// Here while it waits, so that killing drops it; with the one who polls it while it runs.
    future: Option<BoxFuture<'static, ()>>,
}

enum MayRun {
    Now,
    NotNow,
    Never,
}

impl Process {
    pub(super) fn new(shared: Arc<Shared>, runtime: Handle, id: u32, started: u64, order: Rng) -> Self {
        Self {
            id,
            started,
            shared,
            runtime,
            alive: AtomicBool::new(true),
            frozen: AtomicBool::new(false),
            threads_stopped: AtomicBool::new(false),
            threads_refused: AtomicBool::new(false),
            busy_ms: AtomicU64::new(0),
            tasks: Mutex::default(),
            order: Mutex::new(order),
        }
    }

    pub(super) fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Acquire)
    }

    /// From now on nothing it does has an effect. Its tasks end when they are polled next, or by [`bury`](Self::bury).
    pub(super) fn die(&self) {
        self.alive.store(false, Ordering::Release);
        self.wake_all();
    }

    /// Drops what its tasks were doing. Not to be called from within a call of a process: what is dropped may want
    /// a lock that the caller has.
    pub(super) fn bury(&self) {
        let futures: Vec<_> = self.tasks().tasks.values_mut().filter_map(|task| task.future.take()).collect();
        drop(futures);
    }

    fn wake_all(&self) {
        let wakers: Vec<Waker> =
            self.tasks().tasks.values_mut().filter_map(|task| task.waker.take()).collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    fn tasks(&self) -> MutexGuard<'_, TaskTable> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task's place in its process, until dropped.
struct TaskSlot {
    process: Arc<Process>,
    id: u64,
    is_thread: bool,
}

impl TaskSlot {
    fn new(process: &Arc<Process>, future: Option<BoxFuture<'static, ()>>, is_thread: bool) -> Self {
        let mut table = process.tasks();
        let id = table.next;
        table.next += 1;
        table.tasks.insert(id, Task { waker: None, future });
        Self { process: Arc::clone(process), id, is_thread }
    }

    fn may_run(&self, context: &mut Context<'_>) -> MayRun {
        let process = &self.process;
        if !process.is_alive() {
            return MayRun::Never;
        }
        if let Some(task) = process.tasks().tasks.get_mut(&self.id) {
            task.waker = Some(context.waker().clone());
        }
        let stopped = self.is_thread && process.threads_stopped.load(Ordering::Acquire);
        if stopped || process.frozen.load(Ordering::Acquire) {
            return MayRun::NotNow;
        }
        let put_off = process.order.lock().unwrap_or_else(PoisonError::into_inner).one_in(PUT_OFF_ONE_IN);
        if put_off && process.shared.shuffles() {
            context.waker().wake_by_ref();
            return MayRun::NotNow;
        }
        MayRun::Now
    }

    fn take(&self) -> Option<BoxFuture<'static, ()>> {
        self.process.tasks().tasks.get_mut(&self.id)?.future.take()
    }

    fn put_back(&self, future: BoxFuture<'static, ()>) {
        if let Some(task) = self.process.tasks().tasks.get_mut(&self.id) {
            task.future = Some(future);
        }
    }
}

impl Drop for TaskSlot {
    fn drop(&mut self) {
        // Bound to a name, so that it is dropped when the table is no longer locked.
        let removed = self.process.tasks().tasks.remove(&self.id);
        drop(removed);
    }
}

/// A task of a process, as the runtime polls it.
impl Future for TaskSlot {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.may_run(context) {
            MayRun::Never => return Poll::Ready(()),
            MayRun::NotNow => return Poll::Pending,
            MayRun::Now => {}
        }
        let Some(mut future) = self.take() else { return Poll::Ready(()) };
        if future.as_mut().poll(context).is_ready() || !self.process.is_alive() {
            return Poll::Ready(());
        }
        self.put_back(future);
        Poll::Pending
    }
}

/// Tasks of a process: threads and blocking work too, all on the test's runtime.
pub(super) struct SimTasks(pub(super) Arc<Process>);

impl Tasks for SimTasks {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        if self.0.is_alive() {
            self.0.runtime.spawn(TaskSlot::new(&self.0, Some(task), false));
        }
    }

    fn spawn_thread(&self, _name: &str, task: BoxFuture<'static, ()>) -> io::Result<()> {
        if self.0.is_alive() {
            if self.0.threads_refused.load(Ordering::Acquire) {
                return Err(io::Error::from_raw_os_error(libc::EAGAIN));
            }
            self.0.runtime.spawn(TaskSlot::new(&self.0, Some(task), true));
        }
        Ok(())
    }

    fn block_on(&self, mut task: BoxFuture<'_, ()>) {
        // Its threads are tasks of one runtime, which nobody else can run meanwhile.
        let now = task.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(now.is_ready(), "a simulated thread cannot sleep");
    }

    fn run_blocking(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        // The calls of a dead one fail; who waits for it is to learn that.
        if !self.0.is_alive() || self.0.threads_refused.load(Ordering::Acquire) {
            work();
            return Box::pin(std::future::ready(()));
        }
        let (done, wait) = oneshot::channel();
        self.spawn(Box::pin(async move {
            work();
            // The receiver is gone only if nobody waits.
            let _nobody = done.send(());
        }));
        Box::pin(async move {
            if wait.await.is_err() {
                // Killed before it was done: who waits is dead as well.
                std::future::pending::<()>().await;
            }
        })
    }

    fn run_behind(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        let busy = Duration::from_millis(self.0.busy_ms.load(Ordering::Acquire));
        if busy.is_zero() {
            return self.run_blocking(work);
        }
        let (clock, tasks) = (Arc::clone(&self.0.shared.clock), Self(Arc::clone(&self.0)));
        Box::pin(async move {
            clock.sleep(busy).await;
            tasks.run_blocking(work).await;
        })
    }
}
