//! `dl.Dlsn`.

use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::arguments::{Number, Text, text_of};
use crate::error::{for_call, raised};

/// The position of a record in its log: segment, entry in the segment, slot in the entry.
#[pyclass(frozen, eq, ord, hash, from_py_object, module = "dl")]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Dlsn(pub(crate) dl_core::Dlsn);

#[pymethods]
impl Dlsn {
    #[new]
    fn new(segment: Number<i64>, entry: Number<i64>, slot: Number<i64>) -> Self {
        Self(dl_core::Dlsn::new(segment.0, entry.0, slot.0))
    }

    /// Reads the text form, such as `3:120:0`.
    #[staticmethod]
    fn parse(py: Python<'_>, text: Text) -> PyResult<Self> {
        text.parse().map(Self).map_err(|error| raised(py, &error))
    }

    #[getter]
    fn segment(&self) -> i64 {
        self.0.segment()
    }

    #[getter]
    fn entry(&self) -> i64 {
        self.0.entry()
    }

    #[getter]
    fn slot(&self) -> i64 {
        self.0.slot()
    }

    /// The least position after this one.
    fn next(&self) -> Self {
        Self(self.0.next())
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("dl.Dlsn({}, {}, {})", self.0.segment(), self.0.entry(), self.0.slot())
    }

    fn __getnewargs__(&self) -> (i64, i64, i64) {
        (self.0.segment(), self.0.entry(), self.0.slot())
    }
}

/// A DLSN that was given to this call as one, or as its text.
pub(crate) fn given(operation: &'static str, value: &Bound<'_, PyAny>) -> PyResult<dl_core::Dlsn> {
    match value.cast::<PyString>() {
        Ok(text) => for_call(value.py(), operation, text_of(text)?.parse()),
        Err(_) => Ok(value.extract::<Dlsn>()?.0),
    }
}

pub(crate) fn object(py: Python<'_>, dlsn: dl_core::Dlsn) -> PyResult<Py<PyAny>> {
    Ok(Py::new(py, Dlsn(dlsn))?.into_any())
}

pub(crate) fn optional(py: Python<'_>, dlsn: Option<dl_core::Dlsn>) -> PyResult<Py<PyAny>> {
    dlsn.map_or_else(|| Ok(py.None()), |dlsn| object(py, dlsn))
}
