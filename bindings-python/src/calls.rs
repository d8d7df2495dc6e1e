//! Calls in flight on an asyncio event loop.
//!
//! A call is a future of Rust that the loop's own thread polls, and a future of asyncio that gets what it answers. What
//! wakes a call notes its number and rings a descriptor that the loop watches; however many were woken meanwhile, the
//! loop looks once. So no thread runs Python, and there is none for each call.
//!
//! What the loop keeps does not keep the calls: they go with the last handle and the last call in flight, and ring once more,
//! upon which the loop lets the descriptor go.

use std::collections::BTreeMap;
use std::future::Future;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};

use dl_core::{Error, ErrorKind};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::error::raised;
use crate::owned::Owned;
use crate::session::{Convert, closed};

/// What a call answers, not yet an object. What it holds goes back to where it came from if it is dropped.
pub(crate) type Answer = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

type Work = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// No call has this number: rung when there are no calls any more.
const END: u64 = 0;

/// The calls of one namespace on one event loop.
#[pyclass(frozen, module = "dl._dl")]
pub(crate) struct Calls(Owned<Arc<Core>>);

/// See the module.
pub(crate) struct Core {
    event_loop: Py<PyAny>,
    bell: Arc<Bell>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    in_flight: BTreeMap<u64, Call>,
    last: u64,
    runtime: Option<Handle>,
}

struct Call {
    work: Work,
    future: Py<PyAny>,
    waker: Waker,
}

#[pymethods]
impl Calls {
    #[new]
    fn new(event_loop: Py<PyAny>) -> PyResult<Self> {
        let bell = Bell::new().map_err(|error| {
            let refused = Error::new(
                ErrorKind::Unavailable,
                "the system refuses descriptors for the calls of an event loop",
            );
            Python::attach(|py| raised(py, &refused.caused_by(error)))
        })?;
        let core = Core { event_loop, bell: Arc::new(bell), state: Mutex::default() };
        Ok(Self(Owned::new(Arc::new(core))))
    }

    /// What the loop watches.
    fn fileno(&self) -> PyResult<i32> {
        self.0.get()?.bell.fileno().ok_or_else(|| Python::attach(|py| raised(py, &closed())))
    }

    /// What the loop calls when the descriptor was rung.
    fn listener(&self) -> PyResult<Listener> {
        let core = self.0.get()?;
        Ok(Listener(Owned::new((Arc::downgrade(core), core.bell.clone()))))
    }

    /// Raises what a call that began here now would.
    fn check(&self, py: Python<'_>) -> PyResult<()> {
        self.0.get()?.check(py)
    }

    /// Ends all that is in flight, and lets the descriptors go.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let Some(core) = self.0.here() else { return Ok(()) };
        core.look(py)?;
        core.bell.close();
        let left = {
            let mut state = core.state();
            // A handle of the runtime keeps its descriptors.
            state.runtime = None;
            std::mem::take(&mut state.in_flight)
        };
        for call in left.into_values() {
            settle(py, call.future.bind(py), Err(raised(py, &closed())))?;
        }
        Ok(())
    }
}

/// Looks at the calls that were woken, and ends the listening when there will be none any more.
#[pyclass(frozen, module = "dl._dl")]
struct Listener(Owned<(Weak<Core>, Arc<Bell>)>);

#[pymethods]
impl Listener {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        let Some((core, bell)) = self.0.here() else { return Ok(()) };
        if let Some(core) = core.upgrade() {
            return core.look(py);
        }
        if let Some(descriptor) = bell.fileno() {
            let event_loop = py.import("asyncio")?.call_method0("get_running_loop")?;
            event_loop.call_method1("remove_reader", (descriptor,))?;
            bell.close();
        }
        Ok(())
    }
}

impl Drop for Listener {
    /// A loop that was closed looks at nothing any more: calls in flight, which keep their futures and are kept by them, go too.
    fn drop(&mut self) {
        let Some(core) = self.0.here().and_then(|(core, _)| core.upgrade()) else { return };
        Python::try_attach(|py| {
            let closed = core.event_loop.bind(py).call_method0(intern!(py, "is_closed"));
            if closed.and_then(|closed| closed.is_truthy()).unwrap_or(false) {
                let left = std::mem::take(&mut core.state().in_flight);
                drop(left);
            }
        });
    }
}

impl Calls {
    pub(crate) fn core(&self) -> PyResult<Arc<Core>> {
        self.0.get().cloned()
    }
}

impl Core {
    /// Whether calls can begin: on the thread that runs the event loop.
    ///
    /// # Errors
    /// `closed` if the loop was closed; `invalid-argument` if another one runs here, or none.
    pub(crate) fn check(&self, py: Python<'_>) -> PyResult<()> {
        static RUNNING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let event_loop = self.event_loop.bind(py);
        if RUNNING.import(py, "asyncio", "_get_running_loop")?.call0()?.is(event_loop) {
            return Ok(());
        }
        let error = if event_loop.call_method0(intern!(py, "is_closed"))?.is_truthy()? {
            Error::new(ErrorKind::Closed, "the event loop of the handle was closed; open the namespace again")
        } else {
            let message = "the handle belongs to another event loop; open the namespace on this one";
            Error::new(ErrorKind::InvalidArgument, message)
        };
        Err(raised(py, &error))
    }

    /// Starts a call as a task of the runtime. It is dropped if its future is cancelled.
    pub(crate) fn spawn<T, F>(
        self: &Arc<Self>,
        py: Python<'_>,
        runtime: &Handle,
        future: F,
        convert: impl Convert<T>,
    ) -> PyResult<Py<PyAny>>
    where
        T: Send + 'static,
        F: Future<Output = dl_core::Result<T>> + Send + 'static,
    {
        self.start(py, runtime, Task::new(runtime, future), convert)
    }

    /// Starts a call that the loop's thread polls, now for the first time. It is dropped if its future is cancelled.
    pub(crate) fn start<T, F>(
        self: &Arc<Self>,
        py: Python<'_>,
        runtime: &Handle,
        future: F,
        convert: impl Convert<T>,
    ) -> PyResult<Py<PyAny>>
    where
        T: Send + 'static,
        F: Future<Output = dl_core::Result<T>> + Send + 'static,
    {
        let answer = async move {
            let answer = future.await;
            Box::new(move |py: Python<'_>| match answer {
                Ok(answer) => convert(py, answer),
                Err(error) => Err(raised(py, &error)),
            }) as Answer
        };
        let future = self.event_loop.bind(py).call_method0(intern!(py, "create_future"))?;
        let number = self.number(runtime);
        let waker = Waker::from(Arc::new(Ring { number, bell: self.bell.clone() }));
        let call = Call { work: Box::pin(answer), future: future.clone().unbind(), waker };
        if self.poll(py, runtime, number, call)? {
            let cancel = Cancel { number, core: Owned::new(self.clone()) };
            future.call_method1(intern!(py, "add_done_callback"), (cancel,))?;
        }
        Ok(future.unbind())
    }

    /// A future of a call that has nothing to do.
    pub(crate) fn done(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let future = self.event_loop.bind(py).call_method0(intern!(py, "create_future"))?;
        future.call_method1(intern!(py, "set_result"), (py.None(),))?;
        Ok(future.unbind())
    }

    fn number(&self, runtime: &Handle) -> u64 {
        let mut state = self.state();
        state.last += 1;
        state.runtime.get_or_insert_with(|| runtime.clone());
        state.last
    }

    fn look(&self, py: Python<'_>) -> PyResult<()> {
        let woken = self.bell.woken();
        let Some(runtime) = self.state().runtime.clone() else { return Ok(()) };
        for number in woken {
            let call = self.state().in_flight.remove(&number);
            if let Some(call) = call {
                self.poll(py, &runtime, number, call)?;
            }
        }
        Ok(())
    }

    /// Lets a call go on; whether it is still in flight.
    fn poll(&self, py: Python<'_>, runtime: &Handle, number: u64, mut call: Call) -> PyResult<bool> {
        let polled = {
            let _entered = runtime.enter();
            call.work.as_mut().poll(&mut Context::from_waker(&call.waker))
        };
        match polled {
            Poll::Pending => {
                self.state().in_flight.insert(number, call);
                Ok(true)
            }
            Poll::Ready(answer) => {
                let future = call.future.bind(py);
                if !future.call_method0(intern!(py, "done"))?.is_truthy()? {
                    settle(py, future, answer(py))?;
                }
                Ok(false)
            }
        }
    }

    /// Never held while a call is polled, or Python runs.
    fn state(&self) -> MutexGuard<'_, State> {
        guard(&self.state)
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.bell.ring(END);
    }
}

fn settle(py: Python<'_>, future: &Bound<'_, PyAny>, answer: PyResult<Py<PyAny>>) -> PyResult<()> {
    if future.call_method0(intern!(py, "done"))?.is_truthy()? {
        return Ok(());
    }
    match answer {
        Ok(value) => future.call_method1(intern!(py, "set_result"), (value,))?,
        Err(error) => future.call_method1(intern!(py, "set_exception"), (error.into_value(py),))?,
    };
    Ok(())
}

/// Drops a call whose future was cancelled.
#[pyclass(frozen, module = "dl._dl")]
struct Cancel {
    number: u64,
    core: Owned<Arc<Core>>,
}

#[pymethods]
impl Cancel {
    fn __call__(&self, _future: &Bound<'_, PyAny>) {
        if let Some(core) = self.core.here() {
            let call = core.state().in_flight.remove(&self.number);
            drop(call);
        }
    }
}

/// A task that ends when nobody waits for it: its call is gone when this is dropped, and not a moment later, and so is the answer
/// that nobody took. Whoever cancelled an opening may open anew at once, and is not to be cut off by what was still running.
struct Task<T: Send> {
    task: JoinHandle<()>,
    running: Arc<Mutex<Running<T>>>,
}

/// Where a call stands.
enum Running<T> {
    Going(Pin<Box<dyn Future<Output = dl_core::Result<T>> + Send>>),
    /// Kept here, and not by the task, which would let it go at a time of its own.
    Ended(dl_core::Result<T>),
    /// Cancelled, or its answer was taken.
    Gone,
}

impl<T> Running<T> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Self::Going(call) = self else { return Poll::Ready(()) };
        call.as_mut().poll(context).map(|answer| *self = Self::Ended(answer))
    }

    fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Gone)
    }
}

impl<T: Send + 'static> Task<T> {
    fn new(runtime: &Handle, call: impl Future<Output = dl_core::Result<T>> + Send + 'static) -> Self {
        let running = Arc::new(Mutex::new(Running::Going(Box::pin(call))));
        let run = running.clone();
        let task = runtime.spawn(std::future::poll_fn(move |context| guard(&run).poll(context)));
        Self { task, running }
    }
}

impl<T: Send> Future for Task<T> {
    type Output = dl_core::Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.task).poll(context).map(|joined| match joined {
            Ok(()) => match guard(&self.running).take() {
                Running::Ended(answer) => answer,
                Running::Going(_) | Running::Gone => Err(closed()),
            },
            Err(error) if error.is_cancelled() => Err(closed()),
            Err(error) => Err(Error::new(ErrorKind::Internal, "a call panicked").caused_by(error)),
        })
    }
}

impl<T: Send> Drop for Task<T> {
    fn drop(&mut self) {
        self.task.abort();
        let running = &self.running;
        let call = running.try_lock().ok().map(|mut running| running.take());
        if call.is_none() {
            // A thread of the runtime is at it, and may need Python's lock to let go of an argument.
            let end = || drop(guard(running).take());
            Python::try_attach(|py| py.detach(end));
        }
    }
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells the event loop that there is something to look at.
struct Bell(Mutex<Ringing>);

struct Ringing {
    woken: Vec<u64>,
    /// The ends to write and to read.
    ends: Option<(UnixStream, UnixStream)>,
}

impl Bell {
    fn new() -> std::io::Result<Self> {
        let (write, read) = UnixStream::pair()?;
        write.set_nonblocking(true)?;
        read.set_nonblocking(true)?;
        Ok(Self(Mutex::new(Ringing { woken: Vec::new(), ends: Some((write, read)) })))
    }

    fn ringing(&self) -> MutexGuard<'_, Ringing> {
        guard(&self.0)
    }

    fn fileno(&self) -> Option<i32> {
        self.ringing().ends.as_ref().map(|(_, read)| read.as_raw_fd())
    }

    fn ring(&self, number: u64) {
        let mut ringing = self.ringing();
        ringing.woken.push(number);
        if ringing.woken.len() == 1
            && let Some((write, _)) = &mut ringing.ends
        {
            // It cannot be full: there is at most one byte in it. And if the loop is gone, nobody listens.
            let _rung = write.write(&[1]);
        }
    }

    fn woken(&self) -> Vec<u64> {
        let mut ringing = self.ringing();
        if !ringing.woken.is_empty()
            && let Some((_, read)) = &mut ringing.ends
        {
            let _byte = read.read(&mut [0]);
        }
        std::mem::take(&mut ringing.woken)
    }

    fn close(&self) {
        self.ringing().ends = None;
    }
}

struct Ring {
    number: u64,
    bell: Arc<Bell>,
}

impl Wake for Ring {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.bell.ring(self.number);
    }
}
