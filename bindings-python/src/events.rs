//! Events on their way to Python: to a function of the caller's, or into `logging`.

use dl_core::Event;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokio::task::block_in_place;

use crate::info;

/// Who is told, if it is not the caller's function: `dl.events.log`.
const LOGGING: (&str, &str) = ("dl.events", "log");

/// Tells of an event. Runs on a thread of the runtime, which others do without while this one waits for Python's lock.
pub(crate) fn tell(function: Option<&Py<PyAny>>, event: &Event) {
    block_in_place(|| {
        // Nobody is told any more when the interpreter ends.
        Python::try_attach(|py| {
            if let Err(error) = call(py, function, event) {
                error.write_unraisable(py, function.map(|function| function.bind(py)));
            }
        });
    });
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
