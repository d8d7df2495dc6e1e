//! What callers hand in: payloads, records, conditions, times.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use dl_core::{Condition, NewRecord, NewRecordView, Txid};
use pyo3::PyTypeInfo;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyByteArray, PyBytes, PyDelta, PyInt, PyIterator, PyMemoryView, PyString, PyTuple};

use crate::arguments::{Number, refused};
use crate::dlsn;
use crate::error::{for_call, invalid};
use crate::payload::Payload;

/// From so many bytes on an object is kept instead of being copied.
const KEPT_BYTES: usize = 1_024;

/// How much memory the small payloads of a batch share.
const SHARED_BYTES: usize = 64 * 1_024;

/// Where small payloads are copied to. Many in one piece of memory cost one allocation, and one to free it.
#[derive(Default)]
pub(crate) struct Copies(BytesMut);

impl Copies {
    fn copy(&mut self, bytes: &[u8]) -> Bytes {
        if self.0.capacity() < bytes.len() {
            self.0 = BytesMut::with_capacity(SHARED_BYTES);
        }
        self.0.extend_from_slice(bytes);
        self.0.split().freeze()
    }
}

/// Bytes where they lie. They do not change while this is there: those of a buffer that could are copied when it is handed in.
enum Shown<'py> {
    Object(Bound<'py, PyBytes>),
    Payload(Bound<'py, Payload>),
}

impl<'py> Shown<'py> {
    /// `what` names the argument in errors.
    fn new(what: &str, value: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = value.cast::<PyBytes>() {
            return Ok(Self::Object(bytes.clone()));
        }
        if let Ok(payload) = value.cast::<Payload>() {
            return Ok(Self::Payload(payload.clone()));
        }
        if value.is_instance_of::<PyString>() {
            let message = format!("{what} is bytes or another buffer, not str; encode it");
            return Err(PyTypeError::new_err(message));
        }
        let copy = PyMemoryView::from(value).and_then(|view| view.call_method0("tobytes"));
        let words = || format!("{what} is a buffer that does not give its bytes");
        let copy = copy.map_err(|error| no_buffer(what, value, refused(value.py(), error, words)))?;
        Ok(Self::Object(copy.cast_into::<PyBytes>()?))
    }

    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Object(bytes) => bytes.as_bytes(),
            Self::Payload(payload) => &payload.get().0,
        }
    }

    /// The same, for whoever knows nothing of Python.
    fn own(&self, copies: Option<&mut Copies>) -> Bytes {
        match (self, copies) {
            (Self::Payload(payload), _) => payload.get().0.clone(),
            (Self::Object(bytes), Some(copies)) if bytes.as_bytes().len() < KEPT_BYTES => {
                copies.copy(bytes.as_bytes())
            }
            (Self::Object(bytes), _) => of_object(bytes),
        }
    }
}

/// The bytes of a payload. Those of an object that cannot change are not copied; any other could change while we use them.
pub(crate) fn bytes(value: &Bound<'_, PyAny>) -> PyResult<Bytes> {
    bytes_of("a payload", value)
}

/// As [`bytes`], of what has this name in errors.
pub(crate) fn bytes_of(what: &str, value: &Bound<'_, PyAny>) -> PyResult<Bytes> {
    Ok(Shown::new(what, value)?.own(None))
}

/// What Python says of an object that is no buffer, in words that name it.
fn no_buffer(what: &str, value: &Bound<'_, PyAny>, error: PyErr) -> PyErr {
    let py = value.py();
    match value.get_type().name() {
        Ok(kind) if error.is_instance_of::<PyTypeError>(py) => {
            let named = PyTypeError::new_err(format!("{what} is bytes or another buffer, not {kind}"));
            named.set_cause(py, Some(error));
            named
        }
        _ => error,
    }
}

fn of_object(bytes: &Bound<'_, PyBytes>) -> Bytes {
    let slice = bytes.as_bytes();
    if slice.len() < KEPT_BYTES {
        return Bytes::copy_from_slice(slice);
    }
    Bytes::from_owner(PyBackedBytes::from(bytes.clone()))
}

/// One of many records, where its payload lies.
pub(crate) struct ShownRecord<'py> {
    payload: Shown<'py>,
    txid: Option<Txid>,
}

impl<'py> ShownRecord<'py> {
    /// A payload, or a pair of payload and txid.
    fn new(operation: &'static str, value: &Bound<'py, PyAny>) -> PyResult<Self> {
        let Ok(pair) = value.cast::<PyTuple>() else {
            return Ok(Self { payload: Shown::new("a payload", value)?, txid: None });
        };
        let words = || "a record is a payload, or a pair of payload and txid".to_owned();
        let parts = pair.extract::<(Bound<'py, PyAny>, Bound<'py, PyAny>)>();
        let (payload, chosen) = parts.map_err(|error| refused(value.py(), error, words))?;
        let payload = Shown::new("a payload", &payload)?;
        let chosen: Option<Number<i64>> = chosen.extract()?;
        let txid = chosen.map(|number| txid(value.py(), operation, number.0)).transpose()?;
        Ok(Self { payload, txid })
    }

    pub(crate) fn view(&self) -> NewRecordView<'_> {
        self.txid.into_iter().fold(NewRecordView::new(self.payload.as_slice()), NewRecordView::txid)
    }

    fn own(&self, copies: &mut Copies) -> NewRecord {
        self.txid.into_iter().fold(NewRecord::new(self.payload.own(Some(copies))), NewRecord::txid)
    }
}

/// A record of these parts.
pub(crate) fn record_of(
    operation: &'static str,
    payload: &Bound<'_, PyAny>,
    chosen: Option<Number<i64>>,
) -> PyResult<NewRecord> {
    let record = NewRecord::new(bytes(payload)?);
    match chosen {
        None => Ok(record),
        Some(number) => Ok(record.txid(txid(payload.py(), operation, number.0)?)),
    }
}

/// For how many records there is room before any has been seen.
const MOST_EXPECTED: usize = 4_096;

/// Many records, of whatever can be iterated.
pub(crate) fn records<'py>(
    operation: &'static str,
    values: &Bound<'py, PyAny>,
) -> PyResult<Vec<ShownRecord<'py>>> {
    let iterator = each(values)?;
    // What a length says need not be true.
    let mut records = Vec::with_capacity(length_hint(values)?.min(MOST_EXPECTED));
    for (index, value) in iterator.enumerate() {
        let record = ShownRecord::new(operation, &value?);
        records.push(record.map_err(|error| of_record(values.py(), index, error))?);
    }
    Ok(records)
}

/// How many items there may be. As for Python's own lists, what has no length says so with a `TypeError`, and any other is raised.
fn length_hint(values: &Bound<'_, PyAny>) -> PyResult<usize> {
    match values.len() {
        Err(error) if error.is_instance_of::<PyTypeError>(values.py()) => Ok(0),
        length => length,
    }
}

/// An error that says which of many records it is about.
pub(crate) fn of_record(py: Python<'_>, index: usize, error: PyErr) -> PyErr {
    if error.get_type(py).is(PyTypeError::type_object(py)) {
        let named = PyTypeError::new_err(format!("record {index}: {}", error.value(py)));
        named.set_cause(py, error.cause(py));
        return named;
    }
    // What a method of the value raises stays what it is.
    let _noted = error.value(py).call_method1("add_note", (format!("in record {index}"),));
    error
}

/// The same, for whoever knows nothing of Python.
pub(crate) fn own(records: &[ShownRecord<'_>]) -> Vec<NewRecord> {
    let mut copies = Copies::default();
    records.iter().map(|record| record.own(&mut copies)).collect()
}

/// The items of something iterable, which one text or buffer is not meant to be.
pub(crate) fn each<'py>(values: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyIterator>> {
    let alone = values.is_instance_of::<PyString>()
        || values.is_instance_of::<PyBytes>()
        || values.is_instance_of::<PyByteArray>()
        || values.is_instance_of::<PyMemoryView>();
    if alone {
        return Err(PyTypeError::new_err("many are given in a list, or as something else to iterate"));
    }
    values.try_iter()
}

/// A txid.
pub(crate) fn txid(py: Python<'_>, operation: &'static str, number: i64) -> PyResult<Txid> {
    for_call(py, operation, Txid::new(number))
}

/// What an append expects the last record to be.
pub(crate) fn condition(
    operation: &'static str,
    expected: Option<&Bound<'_, PyAny>>,
) -> PyResult<Option<Condition>> {
    let Some(expected) = expected else { return Ok(None) };
    if expected.cast::<PyString>().is_ok_and(|text| text == "empty") {
        return Ok(Some(Condition::Empty));
    }
    dlsn::given(operation, expected).map(|dlsn| Some(Condition::Last(dlsn)))
}

/// How long to wait, in seconds or as a timedelta; for ever, if it is not said.
pub(crate) fn wait(value: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Duration>> {
    let Some(value) = value else { return Ok(None) };
    let seconds = seconds(value)?;
    let refused = |_| invalid(value.py(), format!("{seconds:?} is no time to wait; give seconds from 0"));
    Duration::try_from_secs_f64(seconds).map(Some).map_err(refused)
}

/// Seconds that are a number or a timedelta.
pub(crate) fn seconds(value: &Bound<'_, PyAny>) -> PyResult<f64> {
    if value.is_instance_of::<PyDelta>() {
        return value.call_method0("total_seconds")?.extract();
    }
    if !value.is_instance_of::<PyInt>() {
        // What a method of its own raises goes through.
        return value.extract();
    }
    let words = || "the number of seconds is too large".to_owned();
    value.extract().map_err(|error| refused(value.py(), error, words))
}
