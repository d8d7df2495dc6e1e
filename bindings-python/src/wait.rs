//! Waiting on the calling thread, with Python's lock let go, until the call ends or a signal does.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use tokio::runtime::Handle;

use crate::error::is_ours;

/// Where an exception has the one in whose handling it was raised.
const CONTEXT: &str = "__context__";

/// How long a signal such as Ctrl-C waits for the main thread to look at it.
const LOOK: Duration = Duration::from_millis(50);

/// For how long a call looks whether it is done before it sleeps. Waking up takes some 25 µs on an idle machine, and a thousand
/// records in memory are settled within this.
const MOST_LOOKING: Duration = Duration::from_micros(100);

/// How many calls do not look after one that looked in vain: few, as one slow answer says little about the next.
const WITHOUT_LOOKING: u32 = 8;

/// Whether it is worth it to look for an answer instead of sleeping at once: where it was the last time.
#[derive(Default)]
pub(crate) struct Looking(AtomicU32);

impl Looking {
    /// Whether to look now.
    pub(crate) fn is_worth_it(&self) -> bool {
        let without = self.0.load(Ordering::Relaxed);
        if without > 0 {
            self.0.store(without - 1, Ordering::Relaxed);
        }
        without == 0
    }

    /// Looks for a while; whether it is there. Who is to bring it runs meanwhile, also on this processor.
    #[expect(clippy::disallowed_methods, reason = "a caller's patience runs by the clock of the caller")]
    pub(crate) fn look(&self, is_there: impl Fn() -> bool) -> bool {
        let began = Instant::now();
        while !is_there() {
            if began.elapsed() > MOST_LOOKING {
                self.0.store(WITHOUT_LOOKING, Ordering::Relaxed);
                return false;
            }
            thread::yield_now();
        }
        true
    }
}

/// Runs a future to its end. A signal whose handler raises drops it.
pub(crate) fn until<F>(py: Python<'_>, runtime: &Handle, future: F) -> PyResult<F::Output>
where
    F: Future<Output: Send> + Send,
{
    until_done(py, Waiting::new(pin!(future), runtime, None))
}

fn until_done<F>(py: Python<'_>, mut waiting: Waiting<'_, F>) -> PyResult<F::Output>
where
    F: Future<Output: Send> + Send,
{
    let mut patience = Some(LOOK);
    loop {
        if let Some(output) = py.detach(|| waiting.run(patience)) {
            return Ok(output);
        }
        if !is_main(py)? {
            // Signals are the main thread's.
            patience = None;
        }
        py.check_signals()?;
    }
}

/// As [`until`], for calls that seldom wait: tries once without letting go of Python's lock, and may look before it sleeps.
pub(crate) fn quickly<F>(
    py: Python<'_>,
    runtime: &Handle,
    future: F,
    looking: Option<&Looking>,
) -> PyResult<F::Output>
where
    F: Future<Output: Send> + Send,
{
    let mut future = pin!(future);
    match try_once(runtime, future.as_mut()) {
        Some(output) => Ok(output),
        None => until_done(py, Waiting::new(future, runtime, looking)),
    }
}

/// What the future answers if it has not to wait.
pub(crate) fn try_once<F: Future>(runtime: &Handle, future: F) -> Option<F::Output> {
    let _entered = runtime.enter();
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// What a future answers that has not to wait. No timer says so, which may come late.
pub(crate) async fn at_once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let look = |context: &mut Context<'_>| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    };
    std::future::poll_fn(look).await
}

/// What the future answers; nothing, if it takes longer than that.
#[expect(clippy::disallowed_methods, reason = "a caller's patience runs by the clock of the caller")]
pub(crate) async fn at_most<T>(
    wait: Option<Duration>,
    future: impl Future<Output = dl_core::Result<T>>,
) -> dl_core::Result<Option<T>> {
    match wait {
        None => future.await.map(Some),
        Some(wait) => match tokio::time::timeout(wait, future).await {
            Ok(answer) => answer.map(Some),
            Err(_) => Ok(None),
        },
    }
}

/// What the end of a `with` block answers: the exception that ended the block, if there is one, says more than a failure to
/// close. What else ends the closing, Ctrl-C above all, is raised, and has that exception as its context.
pub(crate) fn end(exception: &Bound<'_, PyTuple>, closed: PyResult<Py<PyAny>>) -> PyResult<()> {
    let Err(error) = closed else { return Ok(()) };
    let of_the_block = exception.get_item(1).ok().filter(|raised| !raised.is_none());
    let Some(of_the_block) = of_the_block else { return Err(error) };
    let py = exception.py();
    if is_ours(py, &error) {
        return Ok(());
    }
    let value = error.value(py);
    if value.getattr(CONTEXT)?.is_none() && !value.is(&of_the_block) {
        value.setattr(CONTEXT, of_the_block)?;
    }
    Err(error)
}

fn is_main(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    Ok(threading.call_method0("current_thread")?.is(&threading.call_method0("main_thread")?))
}

struct Waiting<'a, F> {
    future: Pin<&'a mut F>,
    runtime: &'a Handle,
    looking: Option<&'a Looking>,
    parker: Arc<Parker>,
    waker: Waker,
}

impl<'a, F: Future> Waiting<'a, F> {
    fn new(future: Pin<&'a mut F>, runtime: &'a Handle, looking: Option<&'a Looking>) -> Self {
        let parker = Arc::new(Parker { thread: thread::current(), woken: AtomicBool::new(true) });
        let waker = Waker::from(parker.clone());
        let looking = looking.filter(|looking| looking.is_worth_it());
        Self { future, runtime, looking, parker, waker }
    }

    /// What the future answers; `None` if it took longer.
    fn run(&mut self, patience: Option<Duration>) -> Option<F::Output> {
        let _entered = self.runtime.enter();
        loop {
            while !self.parker.woken.swap(false, Ordering::Acquire) {
                match patience {
                    None => thread::park(),
                    Some(patience) => {
                        thread::park_timeout(patience);
                        if !self.parker.woken.load(Ordering::Acquire) {
                            return None;
                        }
                    }
                }
            }
            if let Poll::Ready(output) = self.future.as_mut().poll(&mut Context::from_waker(&self.waker)) {
                return Some(output);
            }
            if let Some(looking) = self.looking.take() {
                looking.look(|| self.parker.woken.load(Ordering::Acquire));
            }
        }
    }
}

struct Parker {
    thread: Thread,
    /// Beside the thread's own token, which something else may use up.
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
