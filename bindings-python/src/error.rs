//! Errors of the core as exceptions. `dl.errors` has the classes, one for each kind.

use std::error::Error as _;

use dl_core::{Error, ErrorKind};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};

use crate::dlsn::Dlsn;

/// The exception for an error.
pub(crate) fn raised(py: Python<'_>, error: &Error) -> PyErr {
    match exception(py, error) {
        Ok(exception) => PyErr::from_value(exception),
        // Such as no memory, or an interpreter that ends.
        Err(worse) => worse,
    }
}

/// What is made of the arguments of a call, whose name an error of it bears.
pub(crate) fn for_call<T>(py: Python<'_>, operation: &'static str, made: dl_core::Result<T>) -> PyResult<T> {
    made.map_err(|error| raised(py, &error.during(operation)))
}

/// The exception as a value.
pub(crate) fn exception<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let context = PyDict::new(py);
    for (key, value) in error.context() {
        context.set_item(key, value)?;
    }
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(next) = cause {
        causes.push(next.to_string());
        cause = next.source();
    }
    base(py)?.call_method1(
        "_of_kind",
        (
            error.number(),
            error.message(),
            error.operation(),
            context,
            error.dlsn().map(Dlsn),
            error.is_retryable(),
            error.may_have_taken_effect(),
            causes,
            error.to_string(),
        ),
    )
}

/// Whether it is below `dl.Error`.
pub(crate) fn is_ours(py: Python<'_>, error: &PyErr) -> bool {
    base(py).is_ok_and(|base| error.matches(py, base).unwrap_or(false))
}

fn base<'py>(py: Python<'py>) -> PyResult<&'py Bound<'py, PyType>> {
    static BASE: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    BASE.import(py, "dl.errors", "Error")
}

/// `invalid-argument` with these words.
pub(crate) fn invalid(py: Python<'_>, message: String) -> PyErr {
    raised(py, &Error::new(ErrorKind::InvalidArgument, message))
}

/// What a handle of the parent process raises in a forked child.
pub(crate) fn forked() -> PyErr {
    let message = "the handle belongs to the parent of this forked process; open the namespace here again";
    let error = Error::new(ErrorKind::Closed, message).with("forked", true);
    Python::attach(|py| raised(py, &error))
}
