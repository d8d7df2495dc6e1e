//! `dl.ByteWriter` and `dl.ByteReader`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use dl_core::End;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use tokio::sync::Mutex;

use crate::arguments::Number;
use crate::error::invalid;
use crate::owned::Owned;
use crate::payload::Payload;
use crate::session::Session;
use crate::writer::error_object;
use crate::{info, input, wait};

/// The most that is asked for at once.
const PIECE_BYTES: usize = 1 << 20;

/// Writes a log as a stream of bytes.
#[pyclass(frozen, module = "dl")]
pub(crate) struct ByteWriter(Owned<(Arc<Session>, Arc<Writing>)>);

struct Writing {
    writer: Mutex<dl_core::ByteWriter>,
    position: AtomicU64,
}

/// Reads a log as a stream of bytes.
#[pyclass(frozen, module = "dl")]
pub(crate) struct ByteReader(Owned<(Arc<Session>, Arc<Reading>)>);

struct Reading {
    reader: Mutex<dl_core::ByteReader>,
    place: StdMutex<(u64, Option<End>)>,
}

impl ByteWriter {
    pub(crate) fn object(
        py: Python<'_>,
        session: Arc<Session>,
        writer: dl_core::ByteWriter,
    ) -> PyResult<Py<PyAny>> {
        let position = AtomicU64::new(writer.position());
        let writing = Arc::new(Writing { writer: Mutex::new(writer), position });
        Ok(Py::new(py, Self(Owned::new((session, writing))))?.into_any())
    }
}

impl Writing {
    fn note(&self, writer: &dl_core::ByteWriter) {
        self.position.store(writer.position(), Ordering::Release);
    }
}

#[pymethods]
impl ByteWriter {
    /// Takes all of the bytes, and answers with the offset behind them.
    fn write(&self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let (data, (session, writing)) = (input::bytes(data)?, self.0.get()?);
        let writing = writing.clone();
        let write = async move {
            let mut writer = writing.writer.lock().await;
            let written = writer.write(data).await;
            writing.note(&writer);
            written.map(|()| writer.position())
        };
        session.quick_call(py, write, |py, position| Ok(position.into_pyobject(py)?.into_any().unbind()))
    }

    fn flush(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, writing) = self.0.get()?;
        let writing = writing.clone();
        session.act(py, async move {
            let mut writer = writing.writer.lock().await;
            let flushed = writer.flush().await;
            writing.note(&writer);
            flushed
        })
    }

    fn seal(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, writing) = self.0.get()?;
        let writing = writing.clone();
        session.act(py, async move { writing.writer.lock().await.seal().await })
    }

    fn close(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, writing) = self.0.get()?;
        let writing = writing.clone();
        session.act(py, async move { writing.writer.lock().await.close().await })
    }

    fn abort(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, writing) = self.0.get()?;
        let writing = writing.clone();
        session.act(py, async move {
            writing.writer.lock().await.abort();
            Ok(())
        })
    }

    #[getter]
    fn position(&self) -> PyResult<u64> {
        Ok(self.0.get()?.1.position.load(Ordering::Acquire))
    }

    #[pyo3(signature = (wait = None))]
    fn fenced(&self, py: Python<'_>, wait: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        let (wait, (session, writing)) = (input::wait(wait)?, self.0.get()?);
        let writing = writing.clone();
        let ended = async move {
            let ended = writing.writer.lock().await.fenced();
            Ok(ended.await)
        };
        session.call(py, wait::at_most(wait, ended), error_object)
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*exception))]
    fn __exit__(&self, py: Python<'_>, exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        wait::end(exception, self.close(py))
    }
}

impl ByteReader {
    pub(crate) fn object(
        py: Python<'_>,
        session: Arc<Session>,
        reader: dl_core::ByteReader,
    ) -> PyResult<Py<PyAny>> {
        let place = StdMutex::new((reader.position(), reader.end()));
        let reading = Arc::new(Reading { reader: Mutex::new(reader), place });
        Ok(Py::new(py, Self(Owned::new((session, reading))))?.into_any())
    }

    fn place(&self) -> PyResult<(u64, Option<End>)> {
        Ok(*self.0.get()?.1.place.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Reading {
    fn note(&self, reader: &dl_core::ByteReader) {
        let place = (reader.position(), reader.end());
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }

    /// So many bytes, or what there is up to the end.
    async fn read(self: Arc<Self>, count: usize) -> dl_core::Result<Vec<u8>> {
        let mut reader = self.reader.lock().await;
        let mut bytes = Vec::new();
        while bytes.len() < count {
            let filled = bytes.len();
            bytes.resize(filled + (count - filled).min(PIECE_BYTES), 0);
            let read = reader.read(&mut bytes[filled..]).await;
            self.note(&reader);
            let more = read?;
            bytes.truncate(filled + more);
            if more == 0 {
                break;
            }
        }
        Ok(bytes)
    }
}

#[pymethods]
impl ByteReader {
    /// So many bytes, or what there is up to the end.
    #[pyo3(signature = (size = None))]
    fn read(&self, py: Python<'_>, size: Option<Number<isize>>) -> PyResult<Py<PyAny>> {
        let (session, reading) = self.0.get()?;
        let count = size.and_then(|size| usize::try_from(size.0).ok()).unwrap_or(usize::MAX);
        session.call(py, reading.clone().read(count), |py, bytes| {
            Ok(PyBytes::new(py, &bytes).into_any().unbind())
        })
    }

    /// What is left of the chunk at the position; nothing at the end.
    fn next_chunk(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, reading) = self.0.get()?;
        let reading = reading.clone();
        let next = async move {
            let mut reader = reading.reader.lock().await;
            let chunk = reader.next_chunk().await;
            reading.note(&reader);
            chunk
        };
        session.quick_call(py, next, |py, chunk| match chunk {
            None => Ok(py.None()),
            Some(chunk) => Ok(Py::new(py, Payload(chunk))?.into_any()),
        })
    }

    fn seek(&self, py: Python<'_>, offset: Number<i128>) -> PyResult<Py<PyAny>> {
        let offset =
            u64::try_from(offset.0).map_err(|_| invalid(py, "the offset is not in 0..=2^63-3".to_owned()))?;
        let (session, reading) = self.0.get()?;
        let reading = reading.clone();
        session.act(py, async move {
            let mut reader = reading.reader.lock().await;
            let sought = reader.seek(offset).await;
            reading.note(&reader);
            sought
        })
    }

    #[getter]
    fn position(&self) -> PyResult<u64> {
        Ok(self.place()?.0)
    }

    #[getter]
    fn end(&self) -> PyResult<Option<&'static str>> {
        Ok(info::end(self.place()?.1))
    }

    fn close(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, reading) = self.0.get()?;
        let reading = reading.clone();
        session.act(py, async move { reading.reader.lock().await.close().await })
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let chunk = self.next_chunk(py)?;
        Ok((!chunk.is_none(py)).then_some(chunk))
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*exception))]
    fn __exit__(&self, py: Python<'_>, exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        wait::end(exception, self.close(py))
    }
}
