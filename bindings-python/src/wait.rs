//! Waiting on the calling thread, with Python's lock let go, until the call ends or a signal does.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use tokio::runtime::Handle;

/// How long a signal such as Ctrl-C waits for the main thread to look at it.
const LOOK: Duration = Duration::from_millis(50);

/// Runs a future to its end. A signal whose handler raises drops it.
pub(crate) fn until<F>(py: Python<'_>, runtime: &Handle, future: F) -> PyResult<F::Output>
where
    F: Future<Output: Send> + Send,
{
    let future = pin!(future);
    let mut waiting = Waiting::new(future, runtime);
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

/// As [`until`], for calls that seldom wait: tries once without letting go of Python's lock.
pub(crate) fn quickly<F>(py: Python<'_>, runtime: &Handle, future: F) -> PyResult<F::Output>
where
    F: Future<Output: Send> + Send,
{
    let mut future = pin!(future);
    match try_once(runtime, future.as_mut()) {
        Some(output) => Ok(output),
        None => until(py, runtime, future),
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
/// close.
pub(crate) fn end(exception: &Bound<'_, PyTuple>, closed: PyResult<Py<PyAny>>) -> PyResult<()> {
    match closed {
        Err(_) if exception.get_item(0).is_ok_and(|class| !class.is_none()) => Ok(()),
        closed => closed.map(drop),
    }
}

fn is_main(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    Ok(threading.call_method0("current_thread")?.is(&threading.call_method0("main_thread")?))
}

struct Waiting<'a, F> {
    future: Pin<&'a mut F>,
    runtime: &'a Handle,
    parker: Arc<Parker>,
    waker: Waker,
}

impl<'a, F: Future> Waiting<'a, F> {
    fn new(future: Pin<&'a mut F>, runtime: &'a Handle) -> Self {
        let parker = Arc::new(Parker { thread: thread::current(), woken: AtomicBool::new(true) });
        let waker = Waker::from(parker.clone());
        Self { future, runtime, parker, waker }
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
