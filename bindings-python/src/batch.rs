//! `dl.Records` and `dl.Receipts`: what a batch call answers, turned into objects as they are asked for.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use dl_core::RecordBatch;
use pyo3::exceptions::{PyIndexError, PyOverflowError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PySlice};

use crate::record::{Receipt, Record};

/// Many records, in order. A sequence: objects are made of those that are looked at.
#[pyclass(frozen, sequence, module = "dl")]
pub(crate) struct Records(pub(crate) RecordBatch);

/// Many receipts, in the order of the appends. A sequence: objects are made of those that are looked at.
#[pyclass(frozen, sequence, module = "dl")]
pub(crate) struct Receipts {
    length: usize,
    /// Of records that were appended one after another, all of which are in the log. Gone once they were made.
    settled: Mutex<Option<dl_core::Receipts>>,
    /// The same one by one, which is more memory: made for the first who asks for one of them.
    made: OnceLock<Vec<dl_core::Receipt>>,
}

impl Receipts {
    /// Those of records that were made already.
    pub(crate) fn all(receipts: Vec<dl_core::Receipt>) -> Self {
        Self { length: receipts.len(), settled: Mutex::default(), made: receipts.into() }
    }

    /// Those of records of which each ended for itself, and well.
    pub(crate) fn each(settled: dl_core::Receipts) -> Self {
        Self { length: settled.len(), settled: Mutex::new(Some(settled)), made: OnceLock::new() }
    }

    pub(crate) fn object(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, self)?.into_any())
    }

    fn made(&self) -> &[dl_core::Receipt] {
        self.made.get_or_init(|| {
            let settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner).take();
            let mut made = Vec::with_capacity(self.length);
            if let Some(settled) = settled {
                made.extend(settled.iter().filter_map(dl_core::Result::ok));
            }
            made
        })
    }
}

#[pymethods]
impl Records {
    /// The payloads, copied: quicker than one by one.
    fn payloads<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.0.iter().map(|record| PyBytes::new(py, record.payload)))
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __getitem__(&self, py: Python<'_>, index: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        at(py, self.0.len(), index, |place| {
            self.0.share(place).map(|record| Ok(Py::new(py, Record(record))?.into_any()))
        })
    }

    fn __iter__(slf: Py<Self>) -> RecordsIterator {
        RecordsIterator { records: slf, next: AtomicUsize::new(0) }
    }

    fn __repr__(&self) -> String {
        format!("<dl.Records {} of them>", self.0.len())
    }
}

/// Goes through the records of a batch.
#[pyclass(frozen, module = "dl._dl")]
struct RecordsIterator {
    records: Py<Records>,
    next: AtomicUsize,
}

#[pymethods]
impl RecordsIterator {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self) -> Option<Record> {
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        self.records.get().0.share(place).map(Record)
    }
}

#[pymethods]
impl Receipts {
    fn __len__(&self) -> usize {
        self.length
    }

    fn __getitem__(&self, py: Python<'_>, index: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let made = self.made();
        at(py, made.len(), index, |place| {
            made.get(place).map(|receipt| Ok(Py::new(py, Receipt(*receipt))?.into_any()))
        })
    }

    fn __repr__(&self) -> String {
        format!("<dl.Receipts {} of them>", self.length)
    }
}

/// An item, or a list of those of a slice.
fn at(
    py: Python<'_>,
    length: usize,
    index: &Bound<'_, PyAny>,
    make: impl Fn(usize) -> Option<PyResult<Py<PyAny>>>,
) -> PyResult<Py<PyAny>> {
    let length = length.cast_signed();
    let item = |place: isize| usize::try_from(place).ok().and_then(&make);
    if let Ok(slice) = index.cast::<PySlice>() {
        let places = slice.indices(length)?;
        let list = PyList::empty(py);
        for step in 0..places.slicelength.cast_signed() {
            if let Some(item) = item(places.start + step * places.step) {
                list.append(item?)?;
            }
        }
        return Ok(list.into_any().unbind());
    }
    let place = place(index)?;
    let found = item(if place < 0 { place + length } else { place });
    found.unwrap_or_else(|| Err(PyIndexError::new_err("the batch has no such item")))
}

/// The place that an index means. One that is out of every range has no item, as in a list.
pub(crate) fn place(index: &Bound<'_, PyAny>) -> PyResult<isize> {
    index.extract().map_err(|error: PyErr| {
        if error.is_instance_of::<PyOverflowError>(index.py()) {
            return PyIndexError::new_err("there is no such item");
        }
        error
    })
}
