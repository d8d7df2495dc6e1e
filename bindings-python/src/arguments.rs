//! Arguments of Python's own types, for which a value that cannot be right is `dl.InvalidArgument`, as every other such value
//! is. A wrong type stays a `TypeError`, and what a method of the value raises stays what it is.

use std::ops::Deref;
use std::path::PathBuf;

use pyo3::exceptions::{PyBufferError, PyOverflowError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyInt, PyString};

use crate::error::{invalid, is_ours};

/// A text that is UTF-8.
pub(crate) struct Text(String);

/// A whole number in some range.
pub(crate) struct Number<T>(pub(crate) T);

/// A path that the system takes.
pub(crate) struct Place(pub(crate) PathBuf);

impl Text {
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl FromPyObject<'_, '_> for Text {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let text = value.cast::<PyString>().map_err(PyErr::from)?;
        text_of(&text).map(Self)
    }
}

impl<'a, 'py, T> FromPyObject<'a, 'py> for Number<T>
where
    T: for<'b> FromPyObject<'b, 'py, Error = PyErr>,
{
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        // The number is not repeated: it may have any length.
        let range = 8 * size_of::<T>();
        let words = || format!("the number is out of the range of {range} bits");
        let number = if value.is_exact_instance_of::<PyInt>() { value.to_owned() } else { index(&value)? };
        number.extract::<T>().map(Self).map_err(|error| refused(value.py(), error, words))
    }
}

impl FromPyObject<'_, '_> for Place {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let words = || "the path cannot be one of the system".to_owned();
        value.extract().map(Self).map_err(|error| refused(value.py(), error, words))
    }
}

/// The text of a `str`.
pub(crate) fn text_of(text: &Bound<'_, PyString>) -> PyResult<String> {
    let words = || "the text has half a surrogate pair, which has no bytes".to_owned();
    text.to_str().map(str::to_owned).map_err(|error| refused(text.py(), error, words))
}

/// The `int` that a whole number is, also of a subclass. What a method of its own raises goes through.
pub(crate) fn index<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    static INDEX: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    INDEX.import(value.py(), "operator", "index")?.call1((value,))
}

/// The decimal digits of an `int`. Python makes none of one that is very long.
pub(crate) fn digits(number: &Bound<'_, PyInt>) -> PyResult<String> {
    let words = || "the number has too many digits".to_owned();
    let text = number.str().map_err(|error| refused(number.py(), error, words))?;
    text_of(&text)
}

/// What Python says of a value that has the right type: `invalid-argument` with these words, caused by that.
pub(crate) fn refused(py: Python<'_>, error: PyErr, words: impl FnOnce() -> String) -> PyErr {
    let of_value = error.is_instance_of::<PyOverflowError>(py)
        || error.is_instance_of::<PyValueError>(py)
        || error.is_instance_of::<PyBufferError>(py);
    if !of_value || is_ours(py, &error) {
        return error;
    }
    let refusal = invalid(py, words());
    refusal.set_cause(py, Some(error));
    refusal
}
