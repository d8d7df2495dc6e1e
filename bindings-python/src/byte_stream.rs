//! `dl.ByteWriter` and `dl.ByteReader`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use dl_core::End;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use tokio::sync::Mutex;

use crate::arguments::Number;
use crate::delivery::{Delivery, Source};
use crate::error::invalid;
use crate::owned::Owned;
use crate::payload::Payload;
use crate::session::Session;
use crate::writer::error_object;
use crate::{info, input, wait};

/// After so many bytes a read lets others run.
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
    place: StdMutex<Place>,
}

/// Where the caller is. Never held across an `await`.
struct Place {
    /// Bytes that were read and that no call has taken: of a call that was given up, or that waits for more.
    ahead: BytesMut,
    /// Where those end.
    position: u64,
    end: Option<End>,
    /// How often it went somewhere else. What was read before that does not come back.
    sought: u64,
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
        let (position, end) = (reader.position(), reader.end());
        let place = StdMutex::new(Place { ahead: BytesMut::new(), position, end, sought: 0 });
        let reading = Arc::new(Reading { reader: Mutex::new(reader), place });
        Ok(Py::new(py, Self(Owned::new((session, reading))))?.into_any())
    }
}

impl Reading {
    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many bytes, or what there is up to the end.
    async fn read(self: Arc<Self>, count: usize) -> dl_core::Result<Delivery<Self>> {
        let mut reader = self.reader.lock().await;
        // A reader that was closed is seen here too.
        reader.read(&mut []).await?;
        let mut since = 0;
        while self.place().ahead.len() < count {
            let chunk = reader.next_chunk().await;
            let more = self.keep(&reader, chunk)?;
            if more == 0 {
                break;
            }
            since += more;
            if since >= PIECE_BYTES {
                since = 0;
                tokio::task::yield_now().await;
            }
        }
        let mut place = self.place();
        let count = place.ahead.len().min(count);
        let (bytes, sought) = (place.ahead.split_to(count).freeze(), place.sought);
        drop(place);
        drop(reader);
        Ok(Delivery::new(self, Piece { bytes, sought }))
    }

    /// Keeps what was read until a call takes it; how many bytes that were, none at the end.
    fn keep(
        &self,
        reader: &dl_core::ByteReader,
        chunk: dl_core::Result<Option<Bytes>>,
    ) -> dl_core::Result<usize> {
        let mut place = self.place();
        place.note(reader);
        let chunk = chunk?.unwrap_or_default();
        place.ahead.extend_from_slice(&chunk);
        Ok(chunk.len())
    }

    /// The bytes that are there, without copying them; nothing at the end.
    async fn next_chunk(self: Arc<Self>) -> dl_core::Result<Option<Delivery<Self>>> {
        let mut reader = self.reader.lock().await;
        reader.read(&mut []).await?;
        let chunk = if self.place().ahead.is_empty() { reader.next_chunk().await } else { Ok(None) };
        let mut place = self.place();
        place.note(&reader);
        let chunk = chunk?;
        let bytes = if place.ahead.is_empty() {
            chunk
        } else {
            // A call gave them back, perhaps while this one waited.
            place.ahead.extend_from_slice(&chunk.unwrap_or_default());
            Some(place.ahead.split().freeze())
        };
        let sought = place.sought;
        drop(place);
        drop(reader);
        Ok(bytes.map(|bytes| Delivery::new(self, Piece { bytes, sought })))
    }

    /// Goes to an offset; what was read before is forgotten.
    async fn seek(&self, offset: u64) -> dl_core::Result<()> {
        let mut reader = self.reader.lock().await;
        let sought = reader.seek(offset).await;
        let mut place = self.place();
        if sought.is_ok() {
            place.ahead.clear();
            place.sought += 1;
        }
        place.note(&reader);
        sought
    }
}

impl Place {
    fn note(&mut self, reader: &dl_core::ByteReader) {
        (self.position, self.end) = (reader.position(), reader.end());
    }
}

/// Bytes, and how often the reader had gone somewhere else when they were read.
struct Piece {
    bytes: Bytes,
    sought: u64,
}

impl Source for Reading {
    type Item = Piece;

    fn take_back(&self, piece: Piece) {
        let mut place = self.place();
        if place.sought == piece.sought {
            let behind = std::mem::replace(&mut place.ahead, BytesMut::from(piece.bytes));
            place.ahead.unsplit(behind);
        }
    }
}

#[pymethods]
impl ByteReader {
    /// So many bytes, or what there is up to the end.
    #[pyo3(signature = (size = None))]
    fn read(&self, py: Python<'_>, size: Option<Number<isize>>) -> PyResult<Py<PyAny>> {
        let (session, reading) = self.0.get()?;
        let count = size.and_then(|size| usize::try_from(size.0).ok()).unwrap_or(usize::MAX);
        let read = reading.clone().read(count);
        let read = async move { read.await.map_err(|error| error.during("read")) };
        session.deliver(py, read, |py, read| {
            read.give(py, |py, piece| Ok(PyBytes::new(py, &piece.bytes).into_any().unbind()))
        })
    }

    /// What is left of the chunk at the position; nothing at the end.
    fn next_chunk(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, reading) = self.0.get()?;
        let next = reading.clone().next_chunk();
        let next = async move { next.await.map_err(|error| error.during("next_chunk")) };
        session.deliver(py, next, |py, read| match read {
            None => Ok(py.None()),
            Some(read) => read.give(py, |py, piece| Ok(Py::new(py, Payload(piece.bytes))?.into_any())),
        })
    }

    fn seek(&self, py: Python<'_>, offset: Number<i128>) -> PyResult<Py<PyAny>> {
        let offset =
            u64::try_from(offset.0).map_err(|_| invalid(py, "the offset is not in 0..=2^63-3".to_owned()))?;
        let (session, reading) = self.0.get()?;
        let reading = reading.clone();
        session.act(py, async move { reading.seek(offset).await })
    }

    #[getter]
    fn position(&self) -> PyResult<u64> {
        let place = self.0.get()?.1.place();
        Ok(place.position - place.ahead.len() as u64)
    }

    #[getter]
    fn end(&self) -> PyResult<Option<&'static str>> {
        let place = self.0.get()?.1.place();
        Ok(info::end(place.end.filter(|_| place.ahead.is_empty())))
    }

    fn close(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, reading) = self.0.get()?;
        let reading = reading.clone();
        session.act(py, async move {
            let mut reader = reading.reader.lock().await;
            reading.place().ahead.clear();
            reader.close().await
        })
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
