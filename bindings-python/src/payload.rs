//! `dl.Payload`: the bytes of a record, where the reader has them.

use std::ffi::c_int;

use bytes::Bytes;
use pyo3::exceptions::PyIndexError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PySlice, PyString};

use crate::batch;
use crate::input;

/// Bytes that cannot be changed, not copied: whatever takes a buffer takes it, `bytes(payload)` copies.
#[pyclass(frozen, module = "dl")]
pub(crate) struct Payload(pub(crate) Bytes);

#[pymethods]
impl Payload {
    #[new]
    fn new(data: &Bound<'_, PyAny>) -> PyResult<Self> {
        input::bytes_of("data", data).map(Self)
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0)
    }

    /// The text that the bytes are in this encoding.
    #[pyo3(signature = (encoding = "utf-8", errors = "strict"))]
    fn decode<'py>(&self, py: Python<'py>, encoding: &str, errors: &str) -> PyResult<Bound<'py, PyAny>> {
        match (encoding, std::str::from_utf8(&self.0)) {
            ("utf-8", Ok(text)) => Ok(PyString::new(py, text).into_any()),
            _ => self.__bytes__(py).call_method1("decode", (encoding, errors)),
        }
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __getitem__<'py>(&self, py: Python<'py>, index: &Bound<'py, PyAny>) -> PyResult<Py<PyAny>> {
        if let Ok(slice) = index.cast::<PySlice>() {
            let places = slice.indices(self.0.len().cast_signed())?;
            if places.step == 1 {
                let start = places.start.cast_unsigned();
                let part = self.0.slice(start..start + places.slicelength);
                return Ok(Py::new(py, Self(part))?.into_any());
            }
            return Ok(self.__bytes__(py).get_item(index)?.unbind());
        }
        let place = batch::place(index)?;
        let place = if place < 0 { place + self.0.len().cast_signed() } else { place };
        let byte = usize::try_from(place).ok().and_then(|place| self.0.get(place));
        let byte = byte.ok_or_else(|| PyIndexError::new_err("the payload has no such byte"))?;
        Ok(byte.into_pyobject(py)?.into_any().unbind())
    }

    fn __contains__(&self, part: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.__bytes__(part.py()).contains(part)
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let py = other.py();
        if let Ok(other) = other.cast::<Self>() {
            return Ok((self.0 == other.get().0).into_pyobject(py)?.to_owned().into_any().unbind());
        }
        if let Ok(other) = other.cast::<PyBytes>() {
            return Ok((self.0 == other.as_bytes()).into_pyobject(py)?.to_owned().into_any().unbind());
        }
        // Bytearrays and views know how to compare themselves.
        Ok(self.__bytes__(py).rich_compare(other, pyo3::basic::CompareOp::Eq)?.unbind())
    }

    /// That of the bytes.
    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        self.__bytes__(py).hash()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("dl.Payload({})", self.__bytes__(py).repr()?))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> (Bound<'py, PyAny>, (Bound<'py, PyBytes>,)) {
        (slf.get_type().into_any(), (slf.get().__bytes__(slf.py()),))
    }

    /// # Safety
    /// Called by Python, with a view to fill.
    #[allow(unsafe_code)]
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let bytes = &slf.get().0;
        let (start, length) = (bytes.as_ptr().cast_mut().cast(), bytes.len().cast_signed());
        // SAFETY: Python hands in a view to fill. The object, which the view keeps alive, holds the bytes where they are
        // until it ends; as they are said to be read-only, nobody writes through the pointer.
        let filled = unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), start, length, 1, flags) };
        if filled == 0 { Ok(()) } else { Err(PyErr::fetch(slf.py())) }
    }
}
