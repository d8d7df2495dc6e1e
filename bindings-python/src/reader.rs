//! `dl.Reader`.

use std::sync::Arc;

use dl_core::{Error, ErrorKind, ReaderCloser};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::arguments::Number;
use crate::batch::Records;
use crate::cursor::Cursor;
use crate::delivery::Delivery;
use crate::dlsn::{self, Dlsn};
use crate::error::{invalid, raised};
use crate::info;
use crate::input;
use crate::owned::Owned;
use crate::reading::Shared;
use crate::record::Record;
use crate::session::Session;
use crate::wait;

/// Reads a log in order.
#[pyclass(frozen, module = "dl")]
pub(crate) struct Reader(Owned<Inner>);

struct Inner {
    session: Arc<Session>,
    shared: Arc<Shared>,
    closer: ReaderCloser,
    cursor: Option<dl_core::Cursor>,
}

impl Reader {
    pub(crate) fn object(
        py: Python<'_>,
        session: Arc<Session>,
        reader: dl_core::Reader,
        locked: bool,
    ) -> PyResult<Py<PyAny>> {
        let (closer, cursor) = (reader.closer(), reader.cursor().cloned());
        let inner = Inner { session, shared: Arc::new(Shared::new(reader, locked)), closer, cursor };
        Ok(Py::new(py, Self(Owned::new(inner)))?.into_any())
    }

    fn cursor_or_fail(&self) -> PyResult<(&Arc<Session>, dl_core::Cursor)> {
        let inner = self.0.get()?;
        let cursor = inner.cursor.clone().ok_or_else(|| {
            Python::attach(|py| invalid(py, "the reader was opened without a cursor".to_owned()))
        })?;
        Ok((&inner.session, cursor))
    }
}

fn one(py: Python<'_>, read: Delivery<Shared>) -> PyResult<Py<PyAny>> {
    read.give(py, |py, records| match records.share(0) {
        None => Ok(py.None()),
        Some(record) => Ok(Py::new(py, Record(record))?.into_any()),
    })
}

fn all(py: Python<'_>, read: Delivery<Shared>) -> PyResult<Py<PyAny>> {
    read.give(py, |py, records| Ok(Py::new(py, Records(records))?.into_any()))
}

#[pymethods]
impl Reader {
    /// The next record; nothing at the end.
    fn next(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let inner = self.0.get()?;
        let read = inner.shared.clone().read(1, None);
        let next = async move { read.await.map_err(|error| error.during("next")) };
        inner.session.deliver(py, next, one)
    }

    /// Up to so many records; waits for the first.
    #[pyo3(signature = (max, wait = None))]
    fn next_batch(
        &self,
        py: Python<'_>,
        max: Number<i128>,
        wait: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let max = usize::try_from(max.0)
            .map_err(|_| invalid(py, format!("max is {}; it is a number from 0", max.0)))?;
        let (inner, wait) = (self.0.get()?, input::wait(wait)?);
        let read = inner.shared.clone().read(max, wait);
        let batch = async move { read.await.map_err(|error| error.during("next_batch")) };
        inner.session.deliver(py, batch, all)
    }

    #[getter]
    fn position(&self) -> PyResult<Dlsn> {
        Ok(Dlsn(self.0.get()?.shared.position()))
    }

    #[getter]
    fn end(&self) -> PyResult<Option<&'static str>> {
        Ok(info::end(self.0.get()?.shared.end()))
    }

    #[getter]
    fn cursor(&self) -> PyResult<Option<Cursor>> {
        let inner = self.0.get()?;
        Ok(inner.cursor.clone().map(|cursor| Cursor::new(inner.session.clone(), cursor)))
    }

    fn advance(&self, py: Python<'_>, to: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let (to, (session, cursor)) = (dlsn::given("advance", to)?, self.cursor_or_fail()?);
        session.call(py, async move { cursor.advance(to).await }, dlsn::object)
    }

    fn reset(&self, py: Python<'_>, to: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let (to, (session, cursor)) = (dlsn::given("reset", to)?, self.cursor_or_fail()?);
        session.act(py, async move { cursor.reset(to).await })
    }

    /// Ends it, and the call that waits on it.
    fn close(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let inner = self.0.get()?;
        inner.session.runtime_during(py, "close")?;
        inner.closer.close();
        inner.shared.closing();
        let shared = inner.shared.clone();
        inner.session.act(py, async move { shared.close().await })
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let record = self.next(py)?;
        Ok((!record.is_none(py)).then_some(record))
    }

    /// As a closed file: what follows could not read.
    fn __enter__(slf: Py<Self>, py: Python<'_>) -> PyResult<Py<Self>> {
        if slf.get().0.get()?.shared.is_closed() {
            let closed = Error::new(ErrorKind::Closed, "the reader was closed; open another one");
            return Err(raised(py, &closed));
        }
        Ok(slf)
    }

    #[pyo3(signature = (*exception))]
    fn __exit__(&self, py: Python<'_>, exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        wait::end(exception, self.close(py))
    }
}
