//! `dl.Log`.

use std::sync::Arc;

use dl_core::{CursorName, LogOptions, ReaderOptions, WriterOptions};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arguments::{Number, Text};
use crate::byte_reader::ByteReader;
use crate::byte_writer::ByteWriter;
use crate::cursor::Cursor;
use crate::dlsn;
use crate::error::raised;
use crate::owned::Owned;
use crate::payload::Payload;
use crate::reader::Reader;
use crate::record::Record;
use crate::session::Session;
use crate::watcher::SegmentWatcher;
use crate::writer::Writer;
use crate::{info, input, options};

/// A log: where writers and readers are opened.
#[pyclass(frozen, module = "dl")]
pub(crate) struct Log {
    inner: Owned<(Arc<Session>, dl_core::Log)>,
}

impl Log {
    pub(crate) fn object(py: Python<'_>, session: Arc<Session>, log: dl_core::Log) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, Self { inner: Owned::new((session, log)) })?.into_any())
    }

    fn parts(&self) -> PyResult<(&Arc<Session>, dl_core::Log)> {
        let (session, log) = self.inner.get()?;
        Ok((session, log.clone()))
    }
}

#[pymethods]
impl Log {
    #[getter]
    fn name(&self) -> PyResult<String> {
        Ok(self.inner.get()?.1.name().to_string())
    }

    #[pyo3(signature = (**given))]
    fn open_writer(&self, py: Python<'_>, given: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
        let (options, (session, log)) = (writer_options(given)?, self.parts()?);
        let own = session.clone();
        session.call(py, async move { log.open_writer(options).await }, move |py, writer| {
            Writer::object(py, own, writer)
        })
    }

    #[pyo3(signature = (**given))]
    fn open_reader(&self, py: Python<'_>, given: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
        let (options, (session, log)) = (reader_options(given)?, self.parts()?);
        let (own, locked) = (session.clone(), options.locked);
        session.call(py, async move { log.open_reader(options).await }, move |py, reader| {
            Reader::object(py, own, reader, locked)
        })
    }

    #[pyo3(signature = (**given))]
    fn open_byte_writer(&self, py: Python<'_>, given: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
        let (options, (session, log)) = (writer_options(given)?, self.parts()?);
        let own = session.clone();
        session.call(py, async move { log.open_byte_writer(options).await }, move |py, writer| {
            ByteWriter::object(py, own, writer)
        })
    }

    #[pyo3(signature = (**given))]
    fn open_byte_reader(&self, py: Python<'_>, given: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
        let (options, (session, log)) = (reader_options(given)?, self.parts()?);
        let own = session.clone();
        session.call(py, async move { log.open_byte_reader(options).await }, move |py, reader| {
            ByteReader::object(py, own, reader)
        })
    }

    fn info(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, log) = self.parts()?;
        session.call(py, async move { log.info().await }, info::log)
    }

    fn segments(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, log) = self.parts()?;
        session.call(py, async move { log.segments().await }, info::segments)
    }

    fn watch_segments(&self, py: Python<'_>) -> PyResult<SegmentWatcher> {
        let (session, log) = self.parts()?;
        let runtime = session.runtime_during(py, "watch_segments")?;
        let _entered = runtime.handle().enter();
        let watcher = log.watch_segments().map_err(|error| raised(py, &error))?;
        Ok(SegmentWatcher::new(session.clone(), watcher))
    }

    fn truncate(&self, py: Python<'_>, before: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let (before, (session, log)) = (dlsn::given("truncate", before)?, self.parts()?);
        session.call(py, async move { log.truncate(before).await }, dlsn::object)
    }

    fn dlsn_at_txid(&self, py: Python<'_>, txid: Number<i64>) -> PyResult<Py<PyAny>> {
        let (txid, (session, log)) = (input::txid(py, "dlsn_at_txid", txid.0)?, self.parts()?);
        session.call(py, async move { log.dlsn_at_txid(txid).await }, dlsn::optional)
    }

    fn first_record(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, log) = self.parts()?;
        session.call(py, async move { log.first_record().await }, record)
    }

    fn last_record(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, log) = self.parts()?;
        session.call(py, async move { log.last_record().await }, record)
    }

    #[pyo3(signature = (*, from_ = None, until = None))]
    fn count(
        &self,
        py: Python<'_>,
        from_: Option<&Bound<'_, PyAny>>,
        until: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let given = |bound| dlsn::given("count_between", bound);
        let (from, until) = (from_.map(given).transpose()?, until.map(given).transpose()?);
        let (session, log) = self.parts()?;
        let count = async move {
            match (from, until) {
                (None, None) => log.count().await,
                (from, until) => log.count_between(from, until).await,
            }
        };
        session.call(py, count, |py, count| Ok(count.into_pyobject(py)?.into_any().unbind()))
    }

    fn recover(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, log) = self.parts()?;
        session.act(py, async move { log.recover().await })
    }

    fn apply_retention(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, log) = self.parts()?;
        session.call(py, async move { log.apply_retention().await }, dlsn::object)
    }

    /// The options kept with the log, by name, as texts.
    fn options(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, log) = self.parts()?;
        session.call(py, async move { log.options().await }, |py, options| {
            let texts = PyDict::new(py);
            for (name, text) in options.texts() {
                texts.set_item(name, text)?;
            }
            Ok(texts.into_any().unbind())
        })
    }

    #[pyo3(signature = (**given))]
    fn set_options(&self, py: Python<'_>, given: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
        let mut options = LogOptions::default();
        options::set_each(given, |name, value| options.set(name, value))?;
        let (session, log) = self.parts()?;
        session.act(py, async move { log.set_options(options).await })
    }

    fn cursor(&self, py: Python<'_>, name: Text) -> PyResult<Py<PyAny>> {
        let name = CursorName::new(&name).map_err(|error| raised(py, &error))?;
        let (session, log) = self.parts()?;
        let own = session.clone();
        session.call(py, async move { log.cursor(&name).await }, move |py, cursor| {
            Ok(Py::new(py, Cursor::new(own, cursor))?.into_any())
        })
    }

    fn cursors(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, log) = self.parts()?;
        session.call(py, async move { log.cursors().await }, info::cursors)
    }

    fn user_metadata(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, log) = self.parts()?;
        session.call(py, async move { log.user_metadata().await }, |py, data| {
            Ok(Py::new(py, Payload(data))?.into_any())
        })
    }

    fn set_user_metadata(&self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let (data, (session, log)) = (input::bytes_of("data", data)?, self.parts()?);
        session.act(py, async move { log.set_user_metadata(data).await })
    }

    fn __repr__(&self) -> PyResult<String> {
        Ok(format!("<dl.Log {}>", self.inner.get()?.1.name()))
    }
}

fn record(py: Python<'_>, record: Option<dl_core::Record>) -> PyResult<Py<PyAny>> {
    match record {
        None => Ok(py.None()),
        Some(record) => Ok(Py::new(py, Record(record))?.into_any()),
    }
}

fn writer_options(given: Option<&Bound<'_, PyDict>>) -> PyResult<WriterOptions> {
    let mut options = WriterOptions::default();
    options::set_each(given, |name, value| options.set(name, value))?;
    Ok(options)
}

fn reader_options(given: Option<&Bound<'_, PyDict>>) -> PyResult<ReaderOptions> {
    let mut options = ReaderOptions::default();
    options::set_each(given, |name, value| options.set(name, value))?;
    Ok(options)
}
