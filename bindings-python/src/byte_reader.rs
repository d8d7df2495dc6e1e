//! `dl.ByteReader`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};

use bytes::Bytes;
use dl_core::{End, Error, ErrorKind};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use tokio::sync::{Mutex, Notify, watch};

use crate::ahead::Ahead;
use crate::arguments::Number;
use crate::delivery::{Delivery, Source, unless_given_back};
use crate::error::invalid;
use crate::owned::Owned;
use crate::payload::Payload;
use crate::session::Session;
use crate::{info, wait};

/// After so many bytes a read lets others run.
const PIECE_BYTES: usize = 1 << 20;

/// Reads a log as a stream of bytes.
#[pyclass(frozen, module = "dl")]
pub(crate) struct ByteReader(Owned<(Arc<Session>, Arc<Reading>)>);

struct Reading {
    reader: Mutex<dl_core::ByteReader>,
    place: StdMutex<Place>,
    /// Wakes the call that reads when bytes are given back.
    given_back: Notify,
    closed: watch::Sender<bool>,
}

/// Where the caller is. Never held across an `await`.
struct Place {
    /// Bytes that were read and that no call has taken: of a call that was given up, or that waits for more.
    ahead: Ahead,
    /// Where begins what calls were answered and have not taken: it may come back.
    underway: BTreeSet<u64>,
    /// Of the reader, behind what was read.
    position: u64,
    end: Option<End>,
    /// How often it went somewhere else. What was read before that does not come back.
    sought: u64,
}

impl ByteReader {
    pub(crate) fn object(
        py: Python<'_>,
        session: Arc<Session>,
        reader: dl_core::ByteReader,
    ) -> PyResult<Py<PyAny>> {
        let (position, end) = (reader.position(), reader.end());
        let (ahead, underway) = (Ahead::default(), BTreeSet::new());
        let place = StdMutex::new(Place { ahead, underway, position, end, sought: 0 });
        let (reader, closed) = (Mutex::new(reader), watch::Sender::new(false));
        let reading = Arc::new(Reading { reader, place, given_back: Notify::new(), closed });
        Ok(Py::new(py, Self(Owned::new((session, reading))))?.into_any())
    }
}

impl Reading {
    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a call answers, unless the reader is closed before.
    async fn while_open<T>(&self, call: impl Future<Output = dl_core::Result<T>>) -> dl_core::Result<T> {
        let mut closed = self.closed.subscribe();
        tokio::select! {
            biased;
            // The sender lives in `self`, so the wait ends only with the value.
            _ = closed.wait_for(|closed| *closed) => {
                Err(Error::new(ErrorKind::Closed, "the reader was closed; open another one"))
            }
            answer = call => answer,
        }
    }

    /// So many bytes, or what there is up to the end; fewer, if those behind them went to another call.
    async fn read(self: Arc<Self>, count: usize) -> dl_core::Result<Delivery<Self>> {
        let mut reader = self.reader.lock().await;
        // A reader that was closed is seen here too.
        reader.read(&mut []).await?;
        let mut since = 0;
        while self.place().ahead.count() < count {
            let Some(chunk) = unless_given_back(&self.given_back, reader.next_chunk()).await else {
                continue;
            };
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
        let piece = self.place().piece(|ahead| ahead.take(count));
        drop(reader);
        Ok(Delivery::new(self, piece))
    }

    /// Keeps what was read until a call takes it; how many bytes that were, none at the end.
    fn keep(
        &self,
        reader: &dl_core::ByteReader,
        chunk: dl_core::Result<Option<Bytes>>,
    ) -> dl_core::Result<usize> {
        let mut place = self.place();
        place.note(reader);
        let (chunk, end) = (chunk?.unwrap_or_default(), place.position);
        let count = chunk.len();
        place.ahead.add(end - count as u64, chunk);
        Ok(count)
    }

    /// The bytes of the next chunk, without copying them; nothing at the end.
    async fn next_chunk(self: Arc<Self>) -> dl_core::Result<Option<Delivery<Self>>> {
        let mut reader = self.reader.lock().await;
        reader.read(&mut []).await?;
        while self.place().ahead.count() == 0 {
            if let Some(chunk) = unless_given_back(&self.given_back, reader.next_chunk()).await
                && self.keep(&reader, chunk)? == 0
            {
                break;
            }
        }
        let piece = self.place().piece(|ahead| ahead.take_chunk().map(Ahead::from).unwrap_or_default());
        drop(reader);
        Ok((piece.bytes.count() > 0).then(|| Delivery::new(self, piece)))
    }

    /// Goes to an offset; what was read before is forgotten.
    async fn seek(&self, offset: u64) -> dl_core::Result<()> {
        let mut reader = self.reader.lock().await;
        let sought = reader.seek(offset).await;
        let mut place = self.place();
        if sought.is_ok() {
            place.ahead = Ahead::default();
            place.underway.clear();
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

    /// What is taken of the bytes ahead, which is on its way to the caller now.
    fn piece(&mut self, take: impl FnOnce(&mut Ahead) -> Ahead) -> Piece {
        let bytes = take(&mut self.ahead);
        self.underway.extend(bytes.start());
        Piece { bytes, sought: self.sought }
    }

    /// A piece is with the caller, or back; whether it is of where the reader is.
    fn ended(&mut self, piece: &Piece) -> bool {
        let is_here = self.sought == piece.sought;
        if let Some(start) = piece.bytes.start().filter(|_| is_here) {
            self.underway.remove(&start);
        }
        is_here
    }

    /// Lets the bytes go that no call took: they were not delivered, and never will be.
    fn let_go(&mut self) {
        if self.ahead.count() > 0 {
            (self.position, self.end) = (self.undelivered(), None);
        }
        self.ahead = Ahead::default();
    }

    /// Where begins what no call was answered.
    fn undelivered(&self) -> u64 {
        self.ahead.start().unwrap_or(self.position)
    }
}

/// Bytes, and how often the reader had gone somewhere else when they were read.
struct Piece {
    bytes: Ahead,
    sought: u64,
}

impl Source for Reading {
    type Item = Piece;

    fn take_back(&self, piece: Piece) {
        let mut place = self.place();
        if place.ended(&piece) {
            place.ahead.add_all(piece.bytes);
            drop(place);
            self.given_back.notify_one();
        }
    }

    fn arrived(&self, piece: &Piece) {
        self.place().ended(piece);
    }
}

#[pymethods]
impl ByteReader {
    /// So many bytes, or what there is up to the end.
    #[pyo3(signature = (size = None))]
    fn read(&self, py: Python<'_>, size: Option<Number<isize>>) -> PyResult<Py<PyAny>> {
        let (session, reading) = self.0.get()?;
        let count = size.and_then(|size| usize::try_from(size.0).ok()).unwrap_or(usize::MAX);
        let reading = reading.clone();
        let read = async move {
            let read = reading.while_open(reading.clone().read(count)).await;
            read.map_err(|error| error.during("read"))
        };
        session.deliver(py, read, |py, read| read.give(py, |py, piece| piece.bytes.object(py)))
    }

    /// What is left of the chunk at the position; nothing at the end.
    fn next_chunk(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, reading) = self.0.get()?;
        let reading = reading.clone();
        let next = async move {
            let next = reading.while_open(reading.clone().next_chunk()).await;
            next.map_err(|error| error.during("next_chunk"))
        };
        session.deliver(py, next, |py, read| match read {
            None => Ok(py.None()),
            Some(read) => read.give(py, |py, mut piece| {
                let (_, chunk) = piece.bytes.take_chunk().unwrap_or_default();
                Ok(Py::new(py, Payload(chunk))?.into_any())
            }),
        })
    }

    fn seek(&self, py: Python<'_>, offset: Number<i128>) -> PyResult<Py<PyAny>> {
        let offset =
            u64::try_from(offset.0).map_err(|_| invalid(py, "the offset is not in 0..=2^63-3".to_owned()))?;
        let (session, reading) = self.0.get()?;
        let reading = reading.clone();
        session.act(py, async move {
            let sought = reading.while_open(reading.seek(offset)).await;
            sought.map_err(|error| error.during("seek"))
        })
    }

    #[getter]
    fn position(&self) -> PyResult<u64> {
        let place = self.0.get()?.1.place();
        let undelivered = place.undelivered();
        Ok(place.underway.first().map_or(undelivered, |first| undelivered.min(*first)))
    }

    #[getter]
    fn end(&self) -> PyResult<Option<&'static str>> {
        let place = self.0.get()?.1.place();
        Ok(info::end(place.end.filter(|_| place.ahead.count() == 0)))
    }

    /// Ends it, and the calls that wait on it.
    fn close(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, reading) = self.0.get()?;
        session.runtime_during(py, "close")?;
        reading.closed.send_replace(true);
        let reading = reading.clone();
        session.act(py, async move {
            let mut reader = reading.reader.lock().await;
            reading.place().let_go();
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
