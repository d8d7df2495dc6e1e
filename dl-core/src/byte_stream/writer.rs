//! The writing end of a stream of bytes.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::{end_of, first_offset, is_truncated, no_offsets, start_of};
use crate::error::{Error, ErrorKind, Result};
use crate::log::Log;
use crate::options::{Start, WriterOptions};
use crate::types::{MAX_PAYLOAD_BYTES, NewRecord, Txid};
use crate::writer::{Ticket, Writer};

/// Appends bytes to a log. The one writer of the log, as [`Writer`] is.
///
/// Nothing is held back to be written with what follows: what [`write`](Self::write) took is on its way.
///
/// `storage-full` refuses what was not yet durable and leaves the writer as it was: go on from
/// [`position`](Self::position). After any other error of a write every later call returns it.
pub struct ByteWriter {
    writer: Writer,
    /// Of the next byte. Shared with those who ask while a call is at the writer.
    position: Arc<AtomicU64>,
    /// Of the last chunk. What is in front of it is settled no later, and never refused without it.
    newest: Option<Ticket>,
}

impl ByteWriter {
    /// See [`Log::open_byte_writer`].
    pub(crate) async fn open(log: &Log, options: WriterOptions) -> Result<Self> {
        let writer = log.open_writer(options).await?;
        let position = match appendable(log, writer.accepted_txid()).await {
            Ok(position) => position,
            Err(error) => {
                // Says it better than a failure to close would.
                let _unclosed = writer.close().await;
                return Err(error.with("log", log.name()).during("open_byte_writer"));
            }
        };
        Ok(Self { writer, position: Arc::new(AtomicU64::new(position)), newest: None })
    }

    /// Writes all of these bytes behind what was written before, and waits for nothing but room. They are durable, in
    /// order, once [`flush`](Self::flush) returns.
    ///
    /// Dropping this future may leave a first part of them written: [`position`](Self::position) says how much.
    ///
    /// # Errors
    /// What ended the writer; `storage-full` if earlier bytes were refused, and then these are too.
    pub async fn write(&mut self, bytes: impl Into<Bytes>) -> Result<()> {
        let mut bytes = bytes.into();
        while !bytes.is_empty() {
            let chunk = bytes.split_to(bytes.len().min(MAX_PAYLOAD_BYTES));
            self.write_chunk(chunk).await.map_err(|error| error.during("write"))?;
        }
        Ok(())
    }

    async fn write_chunk(&mut self, chunk: Bytes) -> Result<()> {
        let after = i64::try_from(self.position()).unwrap_or(i64::MAX);
        let end = after.saturating_add(i64::try_from(chunk.len()).unwrap_or(i64::MAX));
        let txid = Txid::new(end).map_err(|_| Error::too_large("the stream has no offsets left"))?;
        match self.writer.append_after(after, NewRecord::new(chunk).txid(txid)).await {
            Ok(ticket) => {
                self.newest = Some(ticket);
                self.position.store(end.unsigned_abs(), Ordering::Release);
                Ok(())
            }
            // A chunk in front was refused, so its bytes would be missing: say what it was refused for.
            Err(error) if error.kind() == ErrorKind::ConditionFailed => {
                self.settle().await?;
                Err(Error::internal("the log was written beside its byte writer").caused_by(error))
            }
            Err(error) => Err(error),
        }
    }

    /// Waits until everything that was written is durable. Dropping this future loses nothing.
    ///
    /// # Errors
    /// What ended the writer; `storage-full` if bytes were refused, after which [`position`](Self::position) is where
    /// the durable ones end.
    pub async fn flush(&mut self) -> Result<()> {
        self.settle().await.map_err(|error| error.during("flush"))?;
        // Whoever asks again after an error, or with nothing on its way, hears what ended the writer.
        self.writer.flush().await
    }

    /// Waits for the chunks on their way.
    async fn settle(&mut self) -> Result<()> {
        let Some(newest) = &mut self.newest else { return Ok(()) };
        let settled = Pin::new(newest).await;
        self.newest = None;
        settled.map(drop).inspect_err(|_| {
            self.position.store(self.writer.accepted_txid().unsigned_abs(), Ordering::Release)
        })
    }

    /// The offset behind what was written: that of the next byte.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position.load(Ordering::Acquire)
    }

    /// Answers what [`position`](Self::position) does, also while a call is at the writer.
    pub fn locator(&self) -> impl Fn() -> u64 + Send + Sync + use<> {
        let position = self.position.clone();
        move || position.load(Ordering::Acquire)
    }

    /// Ends the stream for ever: readers are told at its end, and nobody can append to the log any more.
    ///
    /// # Errors
    /// As [`flush`](Self::flush), and the log is not sealed.
    pub async fn seal(&mut self) -> Result<()> {
        self.flush().await.map_err(|error| error.during("seal"))?;
        self.writer.seal().await
    }

    /// Waits until what was written is durable, completes the segment and lets the log go.
    ///
    /// # Errors
    /// As [`Writer::close`]; `storage-full` if bytes were refused.
    pub async fn close(&mut self) -> Result<()> {
        self.writer.close().await?;
        self.settle().await.map_err(|error| error.during("close"))
    }

    /// Ends the writer now: what is not durable may be in the log, up to some byte, or not.
    pub fn abort(&self) {
        self.writer.abort();
    }

    /// Does what [`abort`](Self::abort) does, also while a call is at the writer: that one ends with `closed`.
    pub fn aborter(&self) -> impl Fn() + Send + Sync + use<> {
        let writer = self.writer.clone();
        move || writer.abort()
    }

    /// Completes when the writer is cut off by another, or ends for any other reason, with the error that its calls then
    /// return.
    pub fn fenced(&self) -> impl Future<Output = Error> + Send + use<> {
        self.writer.fenced()
    }
}

/// The offset at which a log whose last accepted txid is this goes on.
///
/// # Errors
/// `invalid-argument` if its txids are seen not to be offsets: the first chunk does not begin at 0, or the last one does
/// not begin where another ends.
async fn appendable(log: &Log, accepted: i64) -> Result<u64> {
    let end = u64::try_from(accepted).unwrap_or(0);
    let Some(last) = log.last_record().await? else {
        // Whatever there was is truncated, or is nothing but marks.
        return Ok(end);
    };
    let start = start_of(&last)?;
    first_offset(log).await?;
    let meets = match log.record_at(Start::Txid(Txid::new(start.cast_signed())?)).await? {
        // Nothing of what was in front of it is left.
        Some(previous) if previous.dlsn == last.dlsn => start == 0 || is_truncated(log).await?,
        Some(previous) => previous.txid.unsigned_abs() == start,
        None => false,
    };
    if !meets || end_of(log).await? != end { Err(no_offsets(&last)) } else { Ok(end) }
}
