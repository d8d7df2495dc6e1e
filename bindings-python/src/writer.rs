//! `dl.Writer`.

use std::sync::Arc;

use dl_core::{Compression, Error, NewRecordSet};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::arguments::{Number, Text};
use crate::batch;
use crate::dlsn::{self, Dlsn};
use crate::error::{exception, for_call, raised};
use crate::input::{self, ShownRecord};
use crate::owned::Owned;
use crate::record::{receipt, receipts};
use crate::session::Session;
use crate::ticket::Ticket;
use crate::wait;

const APPEND: &str = "append";
const TRY_APPEND: &str = "try_append";
const APPEND_MANY: &str = "append_many";
const APPEND_BATCH: &str = "append_batch";
const APPEND_RECORD_SET: &str = "append_record_set";

/// The one writer of a log.
#[pyclass(frozen, module = "dl")]
pub(crate) struct Writer {
    inner: Owned<(Arc<Session>, dl_core::Writer)>,
}

impl Writer {
    pub(crate) fn object(
        py: Python<'_>,
        session: Arc<Session>,
        writer: dl_core::Writer,
    ) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, Self { inner: Owned::new((session, writer)) })?.into_any())
    }

    fn parts(&self) -> PyResult<(&Arc<Session>, dl_core::Writer)> {
        let (session, writer) = self.inner.get()?;
        Ok((session, writer.clone()))
    }
}

#[pymethods]
impl Writer {
    /// Appends a record, and answers with its receipt when it is durable.
    #[pyo3(signature = (payload, *, txid = None, if_last = None))]
    fn append(
        &self,
        py: Python<'_>,
        payload: &Bound<'_, PyAny>,
        txid: Option<Number<i64>>,
        if_last: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let (record, condition) =
            (input::record_of(APPEND, payload, txid)?, input::condition(APPEND, if_last)?);
        let (session, writer) = self.parts()?;
        if session.lends_threads() && condition.is_none() {
            // Two switches between threads are saved. Signals wait as long as the disk does, which is all that it waits for:
            // on bookies, that may be for ever.
            let _running = session.runtime_during(py, APPEND)?;
            let appended = py.detach(|| writer.blocking_append(record));
            return receipt(py, appended.map_err(|error| raised(py, &error))?);
        }
        let append = async move {
            let ticket = match condition {
                None => writer.append(record).await?,
                Some(condition) => writer.append_if(record, condition).await?,
            };
            ticket.await
        };
        session.append(py, append, receipt)
    }

    /// Waits for room only, and answers with a ticket.
    #[pyo3(signature = (payload, *, txid = None, if_last = None))]
    fn append_nowait(
        &self,
        py: Python<'_>,
        payload: &Bound<'_, PyAny>,
        txid: Option<Number<i64>>,
        if_last: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let (record, condition) =
            (input::record_of(APPEND, payload, txid)?, input::condition(APPEND, if_last)?);
        let (session, writer) = self.parts()?;
        let own = session.clone();
        let append = async move {
            match condition {
                None => writer.append(record).await,
                Some(condition) => writer.append_if(record, condition).await,
            }
        };
        session.quick_call(py, append, move |py, ticket| Ticket::object(py, &own, ticket))
    }

    /// Appends if there is room now, and answers with a ticket.
    #[pyo3(signature = (payload, *, txid = None))]
    fn try_append(
        &self,
        py: Python<'_>,
        payload: &Bound<'_, PyAny>,
        txid: Option<Number<i64>>,
    ) -> PyResult<Py<PyAny>> {
        let record = input::record_of(TRY_APPEND, payload, txid)?;
        let (session, writer) = self.parts()?;
        let runtime = session.runtime_during(py, TRY_APPEND)?;
        let _entered = runtime.handle().enter();
        let ticket = writer.try_append(record).map_err(|error| raised(py, &error))?;
        Ticket::object(py, session, ticket)
    }

    /// Appends records one by one, all in flight at once.
    fn append_many(&self, py: Python<'_>, records: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let records = input::records(APPEND_MANY, records)?;
        let (session, writer) = self.parts()?;
        // Those for which there is room are copied once, to where they stay. Only the rest needs memory of its own.
        let placed = {
            let runtime = session.runtime_during(py, APPEND_MANY)?;
            let _entered = runtime.handle().enter();
            writer.try_append_many(records.iter().map(ShownRecord::view))
        };
        let rest = input::own(records.get(placed.len()..).unwrap_or_default());
        let append = async move { Ok(writer.append_rest(placed, rest).await) };
        let appended = session.append(py, append, |py, (settled, refused)| {
            let Some(failure) = settled.first_error().or(refused) else {
                return batch::Receipts::each(settled).object(py);
            };
            // The first one is what the caller has to know of, with the receipts of those in front of it.
            let done = settled.into_iter().map_while(dl_core::Result::ok).collect();
            let failure = exception(py, &failure)?;
            failure.setattr("receipts", receipts(py, done)?)?;
            Err(PyErr::from_value(failure))
        });
        // Not before the call is under way: the end of an object may run what closes the namespace, or appends.
        drop(records);
        appended
    }

    /// Appends all of the records, next to each other, or none.
    #[pyo3(signature = (records, *, if_last = None))]
    fn append_batch(
        &self,
        py: Python<'_>,
        records: &Bound<'_, PyAny>,
        if_last: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let (records, condition) =
            (input::records(APPEND_BATCH, records)?, input::condition(APPEND_BATCH, if_last)?);
        let (session, writer) = self.parts()?;
        let records = input::own(&records);
        let append = async move { writer.append_batch(records, condition).await?.await };
        session.append(py, append, receipts)
    }

    /// Appends a record set.
    #[pyo3(signature = (payloads, *, txid = None, compression = None, if_last = None))]
    fn append_record_set(
        &self,
        py: Python<'_>,
        payloads: &Bound<'_, PyAny>,
        txid: Option<Number<i64>>,
        compression: Option<Text>,
        if_last: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let mut members = Vec::new();
        for (index, payload) in input::each(payloads)?.enumerate() {
            let member = input::bytes(&payload?);
            members.push(member.map_err(|error| input::of_record(py, index, error))?);
        }
        let compression = compression.map_or(Ok(Compression::None), |text| text.parse());
        let set = compression.and_then(|compression| NewRecordSet::pack(&members, compression));
        let mut set = for_call(py, APPEND_RECORD_SET, set)?;
        if let Some(txid) = txid {
            set = set.txid(input::txid(py, APPEND_RECORD_SET, txid.0)?);
        }
        let condition = input::condition(APPEND_RECORD_SET, if_last)?;
        let (session, writer) = self.parts()?;
        let append = async move { writer.append_record_set(set, condition).await?.await };
        session.append(py, append, receipts)
    }

    fn flush(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, writer) = self.parts()?;
        // Its place among the calls is settled when this returns.
        session.quick_call(py, async move { writer.flush().await }, |py, ()| Ok(py.None()))
    }

    fn truncate(&self, py: Python<'_>, before: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let (before, (session, writer)) = (dlsn::given("truncate", before)?, self.parts()?);
        session.call(py, async move { writer.truncate(before).await }, dlsn::object)
    }

    fn seal(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, writer) = self.parts()?;
        session.act(py, async move { writer.seal().await })
    }

    fn close(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, writer) = self.parts()?;
        session.act(py, async move { writer.close().await })
    }

    fn abort(&self) -> PyResult<()> {
        self.inner.get()?.1.abort();
        Ok(())
    }

    #[getter]
    fn last_dlsn(&self) -> PyResult<Option<Dlsn>> {
        Ok(self.inner.get()?.1.last_dlsn().map(Dlsn))
    }

    #[getter]
    fn last_txid(&self) -> PyResult<Option<i64>> {
        Ok(self.inner.get()?.1.last_txid())
    }

    /// Waits until the writer is cut off, or ends otherwise, and answers with that error; with nothing, if it took longer.
    #[pyo3(signature = (wait = None))]
    fn fenced(&self, py: Python<'_>, wait: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        let wait = input::wait(wait)?;
        let (session, writer) = self.parts()?;
        let ended = writer.fenced();
        session.call(py, wait::at_most(wait, async move { Ok(ended.await) }), error_object)
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*exception))]
    fn __exit__(&self, py: Python<'_>, exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        wait::end(exception, self.close(py))
    }
}

pub(crate) fn error_object(py: Python<'_>, error: Option<Error>) -> PyResult<Py<PyAny>> {
    match error {
        None => Ok(py.None()),
        Some(error) => Ok(exception(py, &error)?.unbind()),
    }
}
