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
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use dl_core::{Error, ErrorKind};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use tokio::runtime::Handle;

use crate::bell::{Bell, Ring};
use crate::error::raised;
use crate::listener::{Cancel, Listener};
use crate::owned::Owned;
use crate::session::{Convert, closed};
use crate::task::Task;
use crate::wait::Looking;

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
    pub(crate) event_loop: Py<PyAny>,
    pub(crate) bell: Arc<Bell>,
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
        self.0.get().map(Listener::new)
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
        let settle_one = |call: Call| settle(py, call.future.bind(py), Err(raised(py, &closed())));
        left.into_values().map(settle_one).fold(Ok(()), PyResult::and)
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
        self.start(py, runtime, None, Task::new(runtime, future), convert)
    }

    /// Starts a call that the loop's thread polls, now for the first time. It is dropped if its future is cancelled.
    pub(crate) fn start<T, F>(
        self: &Arc<Self>,
        py: Python<'_>,
        runtime: &Handle,
        looking: Option<&Looking>,
        future: F,
        convert: impl Convert<T>,
    ) -> PyResult<Py<PyAny>>
    where
        T: Send + 'static,
        F: Future<Output = dl_core::Result<T>> + Send + 'static,
    {
        let looking = looking.filter(|looking| self.is_idle(py) && looking.is_worth_it());
        let answer = async move {
            let answer = future.await;
            Box::new(move |py: Python<'_>| match answer {
                Ok(answer) => convert(py, answer),
                Err(error) => Err(raised(py, &error)),
            }) as Answer
        };
        let future = self.event_loop.bind(py).call_method0(intern!(py, "create_future"))?;
        let number = self.number(runtime);
        let ring = Arc::new(Ring::new(number, self.bell.clone(), looking.is_some()));
        let waker = Waker::from(ring.clone());
        let call = Call { work: Box::pin(answer), future: future.clone().unbind(), waker };
        let mut is_in_flight = self.poll(py, runtime, number, call)?;
        if let Some(looking) = looking.filter(|_| is_in_flight) {
            py.detach(|| looking.look(|| ring.was_heard()));
            let heard = if ring.listen() { self.state().in_flight.remove(&number) } else { None };
            if let Some(call) = heard {
                is_in_flight = self.poll(py, runtime, number, call)?;
            }
        }
        if is_in_flight {
            future.call_method1(intern!(py, "add_done_callback"), (Cancel::new(number, self),))?;
        }
        Ok(future.unbind())
    }

    /// A future of a call that has nothing to do.
    pub(crate) fn done(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let future = self.event_loop.bind(py).call_method0(intern!(py, "create_future"))?;
        future.call_method1(intern!(py, "set_result"), (py.None(),))?;
        Ok(future.unbind())
    }

    /// Whether nothing is in flight, and no other task of the loop wants to run, as far as a loop tells.
    fn is_idle(&self, py: Python<'_>) -> bool {
        let ready = || self.event_loop.bind(py).getattr(intern!(py, "_ready"))?.len();
        self.state().in_flight.is_empty() && ready().is_ok_and(|ready| ready == 0)
    }

    fn number(&self, runtime: &Handle) -> u64 {
        let mut state = self.state();
        state.last += 1;
        state.runtime.get_or_insert_with(|| runtime.clone());
        state.last
    }

    /// Lets the calls that were woken go on.
    pub(crate) fn look(&self, py: Python<'_>) -> PyResult<()> {
        let mut woken = Woken { numbers: self.bell.woken().into_iter(), bell: &self.bell };
        let Some(runtime) = self.state().runtime.clone() else { return Ok(()) };
        for number in woken.numbers.by_ref() {
            let call = self.state().in_flight.remove(&number);
            if let Some(call) = call {
                self.poll(py, &runtime, number, call)?;
            }
        }
        Ok(())
    }

    /// Drops a call, if it is in flight.
    pub(crate) fn forget_one(&self, number: u64) {
        let call = self.state().in_flight.remove(&number);
        drop(call);
    }

    /// Drops all that is in flight.
    pub(crate) fn forget(&self) {
        let left = std::mem::take(&mut self.state().in_flight);
        drop(left);
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
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.bell.ring(END);
    }
}

/// Calls that are looked at in turn. What interrupts that, such as the handler of a signal, leaves the others for the next look.
struct Woken<'a> {
    numbers: std::vec::IntoIter<u64>,
    bell: &'a Bell,
}

impl Drop for Woken<'_> {
    fn drop(&mut self) {
        self.numbers.by_ref().for_each(|number| self.bell.ring(number));
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
