//! Events on their way to Python: to a function of the caller's, or into `logging`.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use dl_core::Event;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokio::task::block_in_place;

use crate::info;

/// Who is told, if it is not the caller's function: `dl.events.log`.
const LOGGING: (&str, &str) = ("dl.events", "log");

/// For how long the end of the interpreter waits for a function that is told of an event.
const PATIENCE: Duration = Duration::from_secs(5);

static TELLING: Telling =
    Telling { state: Mutex::new(State { ended: false, process: 0, threads: 0 }), left: Condvar::new() };

/// Who is telling. A thread that runs Python when the interpreter ends is ended in the middle, which ends the process.
struct Telling {
    state: Mutex<State>,
    left: Condvar,
}

struct State {
    ended: bool,
    /// The process that the threads are in: a fork has none of them.
    process: u32,
    threads: usize,
}

impl Telling {
    fn during(&self, tell: impl FnOnce()) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.ended {
            return;
        }
        let process = std::process::id();
        if state.process != process {
            (state.process, state.threads) = (process, 0);
        }
        state.threads += 1;
        drop(state);
        tell();
        self.state.lock().unwrap_or_else(PoisonError::into_inner).threads -= 1;
        self.left.notify_all();
    }

    fn end(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.ended = true;
        let process = std::process::id();
        let telling = |state: &mut State| state.process == process && state.threads > 0;
        drop(self.left.wait_timeout_while(state, PATIENCE, telling));
    }
}

/// The function of the caller's that is told, while it is. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Hook(Arc<Mutex<Option<Py<PyAny>>>>);

impl Hook {
    /// This function is told from now on.
    pub(crate) fn told_by(&self, function: Py<PyAny>) -> Self {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(function);
        self.clone()
    }

    /// Nothing is told any more: what the function holds is not kept, the namespace itself above all.
    pub(crate) fn let_go(&self) {
        let function = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Outside of the lock: it may run anything.
        drop(function);
    }

    fn get(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        let function = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        function.as_ref().map(|function| function.clone_ref(py))
    }
}

/// Tells of an event: the hook, or `logging`. Runs on a thread of the runtime, which others do without while this one waits for
/// Python's lock.
pub(crate) fn tell(hook: Option<&Hook>, event: &Event) {
    block_in_place(|| {
        TELLING.during(|| {
            Python::try_attach(|py| {
                let function = hook.map(|hook| hook.get(py));
                if matches!(function, Some(None)) {
                    return;
                }
                let function = function.flatten();
                if let Err(error) = call(py, function.as_ref(), event) {
                    error.write_unraisable(py, function.as_ref().map(|function| function.bind(py)));
                }
            });
        });
    });
}

/// Nobody is told any more: run by `atexit`, before the interpreter ends.
#[pyfunction]
pub(crate) fn end_telling(py: Python<'_>) {
    py.detach(|| TELLING.end());
}

fn call(py: Python<'_>, function: Option<&Py<PyAny>>, event: &Event) -> PyResult<()> {
    let context = PyDict::new(py);
    for (key, value) in event.context() {
        context.set_item(key, value)?;
    }
    let kind = event.kind().map(dl_core::ErrorKind::name);
    let fields = (event.target(), event.level().name(), event.message(), kind, context, event.to_string());
    let event = info::make(py, "Event", fields)?;
    match function {
        Some(function) => function.bind(py).call1((event,))?,
        None => py.import(LOGGING.0)?.getattr(LOGGING.1)?.call1((event,))?,
    };
    Ok(())
}
