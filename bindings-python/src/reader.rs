//! `dl.Reader`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dl_core::{End, ReaderCloser, RecordBatch};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::arguments::Number;
use crate::batch::Records;
use crate::cursor::Cursor;
use crate::delivery::{Delivery, Source, unless_given_back};
use crate::dlsn::{self, Dlsn};
use crate::error::invalid;
use crate::info;
use crate::input;
use crate::owned::Owned;
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

/// What calls in flight share.
struct Shared {
    reader: tokio::sync::Mutex<dl_core::Reader>,
    state: Mutex<State>,
    /// Wakes the call that reads when records are given back.
    given_back: Notify,
}

struct State {
    /// Records that were read for a call that was given up.
    returned: BTreeMap<dl_core::Dlsn, dl_core::Record>,
    position: dl_core::Dlsn,
    end: Option<End>,
}

impl Reader {
    pub(crate) fn object(
        py: Python<'_>,
        session: Arc<Session>,
        reader: dl_core::Reader,
    ) -> PyResult<Py<PyAny>> {
        let (closer, cursor) = (reader.closer(), reader.cursor().cloned());
        let state = State { returned: BTreeMap::new(), position: reader.position(), end: reader.end() };
        let (reader, state, given_back) = (tokio::sync::Mutex::new(reader), Mutex::new(state), Notify::new());
        let shared = Shared { reader, state, given_back };
        let inner = Inner { session, shared: Arc::new(shared), closer, cursor };
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

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Up to so many of those that calls gave back.
    fn returned(&self, max: usize) -> RecordBatch {
        let mut state = self.state();
        let next = std::iter::from_fn(|| state.returned.pop_first());
        next.take(max).map(|(_, record)| record).collect()
    }

    /// Up to so many records; those that calls gave back come first, in the order of the log. It waits once: behind other calls too.
    async fn read(self: Arc<Self>, max: usize, wait: Option<Duration>) -> dl_core::Result<Delivery<Self>> {
        let end = wait.and_then(|wait| Instant::now().checked_add(wait));
        let Some(mut reader) = before(end, self.reader.lock()).await else {
            return Ok(Delivery::new(self.clone(), RecordBatch::default()));
        };
        let read = loop {
            let returned = self.returned(max);
            if !returned.is_empty() {
                let delivery = Delivery::new(self.clone(), returned);
                // A lock that was lost is seen here too.
                reader.next_batch(0, Duration::ZERO).await?;
                return Ok(delivery);
            }
            let next = async {
                match (max, wait) {
                    (1, None) => reader.next().await.map(|record| record.into_iter().collect()),
                    _ => {
                        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
                        reader.next_batch(max, left.or(wait).unwrap_or(Duration::MAX)).await
                    }
                }
            };
            if let Some(read) = unless_given_back(&self.given_back, next).await {
                break read;
            }
        };
        let mut state = self.state();
        (state.position, state.end) = (reader.position(), reader.end());
        drop(state);
        let records = read?;
        drop(reader);
        Ok(Delivery::new(self, records))
    }
}

impl Source for Shared {
    type Item = RecordBatch;

    fn take_back(&self, records: RecordBatch) {
        let mut state = self.state();
        state.returned.extend(records.shares().map(|record| (record.dlsn, record)));
        drop(state);
        self.given_back.notify_one();
    }
}

/// What it answers until then, if it is over.
async fn before<T>(end: Option<Instant>, call: impl Future<Output = T>) -> Option<T> {
    match end {
        None => Some(call.await),
        Some(end) => timeout_at(end, call).await.ok(),
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
        max: Number<usize>,
        wait: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let (inner, wait) = (self.0.get()?, input::wait(wait)?);
        let read = inner.shared.clone().read(max.0, wait);
        let batch = async move { read.await.map_err(|error| error.during("next_batch")) };
        inner.session.deliver(py, batch, all)
    }

    #[getter]
    fn position(&self) -> PyResult<Dlsn> {
        let state = self.0.get()?.shared.state();
        Ok(Dlsn(state.returned.first_key_value().map_or(state.position, |(dlsn, _)| *dlsn)))
    }

    #[getter]
    fn end(&self) -> PyResult<Option<&'static str>> {
        let state = self.0.get()?.shared.state();
        Ok(info::end(state.end.filter(|_| state.returned.is_empty())))
    }

    #[getter]
    fn cursor(&self) -> PyResult<Option<Cursor>> {
        let inner = self.0.get()?;
        Ok(inner.cursor.clone().map(|cursor| Cursor::new(inner.session.clone(), cursor)))
    }

    fn advance(&self, py: Python<'_>, to: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let (to, (session, cursor)) = (dlsn::given(to)?, self.cursor_or_fail()?);
        session.call(py, async move { cursor.advance(to).await }, dlsn::object)
    }

    fn reset(&self, py: Python<'_>, to: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let (to, (session, cursor)) = (dlsn::given(to)?, self.cursor_or_fail()?);
        session.act(py, async move { cursor.reset(to).await })
    }

    /// Ends it, and the call that waits on it.
    fn close(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let inner = self.0.get()?;
        inner.session.runtime(py)?;
        inner.closer.close();
        let shared = inner.shared.clone();
        inner.session.act(py, async move {
            let mut reader = shared.reader.lock().await;
            shared.state().returned.clear();
            reader.close().await
        })
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let record = self.next(py)?;
        Ok((!record.is_none(py)).then_some(record))
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*exception))]
    fn __exit__(&self, py: Python<'_>, exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        wait::end(exception, self.close(py))
    }
}
