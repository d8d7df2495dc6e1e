//! The reading end of a stream of bytes.

use std::time::Duration;

use bytes::{Buf, Bytes};

use super::{at, end_of, first_offset, is_truncated, no_offsets, start_of};
use crate::engine::reader::End;
use crate::error::{Error, Result};
use crate::log::Log;
use crate::options::{OnTruncated, ReaderOptions, Start};
use crate::reader::Reader;
use crate::types::Record;

/// Reads a log as a stream of bytes, from any offset on. Delivers durable bytes only; one that follows waits at the end
/// for more.
///
/// Dropping the future of a read or a seek loses nothing.
pub struct ByteReader {
    log: Log,
    options: ReaderOptions,
    reader: Reader,
    position: u64,
    /// The bytes at the position, up to the end of their chunk.
    chunk: Bytes,
    /// The record behind them, if it was read and not taken.
    next: Option<Record>,
    /// Whether no chunk was taken since the position was set: the first one may begin in front of it.
    placed: bool,
    closed: bool,
}

impl ByteReader {
    /// See [`Log::open_byte_reader`].
    pub(crate) async fn open(log: &Log, options: ReaderOptions) -> Result<Self> {
        let options = options.whole_record_sets(false);
        options.validate()?;
        if options.cursor.is_some() || options.locked {
            let message = "a byte reader has no cursor and no lock: keep its position beside what was made of the bytes";
            return Err(Error::invalid_argument(message));
        }
        let position = match options.from {
            Start::Earliest => first_offset(log).await?,
            Start::Latest => end_of(log).await?,
            Start::Txid(offset) => offset.get().unsigned_abs(),
            Start::Dlsn(_) => {
                let probe = ReaderOptions { follow: false, until: None, count: Some(1), ..options.clone() };
                match log.open_reader(probe).await?.next().await? {
                    Some(chunk) => start_of(&chunk)?,
                    None => end_of(log).await?,
                }
            }
        };
        let reader = log.open_reader(options.clone().from(at(position)?)).await?;
        Ok(Self {
            log: log.clone(),
            options,
            reader,
            position,
            chunk: Bytes::new(),
            next: None,
            placed: true,
            closed: false,
        })
    }

    /// Reads bytes into `buffer`: at least one, unless that is empty or this is the end, about which [`end`](Self::end)
    /// says more. A reader that follows waits for one. Into an empty buffer it reads nothing, and says whether it is closed.
    ///
    /// # Errors
    /// `invalid-argument` if the log turns out to be no stream of bytes; `truncated` if the bytes were truncated and the
    /// options do not say to skip; else as [`Reader::next`].
    pub async fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.read_some(buffer).await.map_err(|error| error.during("read"))
    }

    async fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if buffer.is_empty() {
            self.check().await?;
            return Ok(0);
        }
        if !self.fill().await? {
            return Ok(0);
        }
        let count = buffer.len().min(self.chunk.len());
        self.chunk.copy_to_slice(&mut buffer[..count]);
        self.position += count as u64;
        Ok(count)
    }

    /// The next bytes without copying them: what is left of the chunk at the position; `None` at the end.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>> {
        if !self.fill().await.map_err(|error| error.during("next_chunk"))? {
            return Ok(None);
        }
        self.position += self.chunk.len() as u64;
        Ok(Some(std::mem::take(&mut self.chunk)))
    }

    /// The offset of the next byte.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Goes to an offset, in either direction. One behind the last byte is the end for now: a reader that follows
    /// waits there until that byte is written.
    ///
    /// # Errors
    /// As [`Log::open_byte_reader`]; the reader is then where it was.
    pub async fn seek(&mut self, offset: u64) -> Result<()> {
        self.go_to(offset).await.map_err(|error| error.during("seek"))
    }

    async fn go_to(&mut self, offset: u64) -> Result<()> {
        if self.closed {
            return Err(Error::closed("the reader was closed; open another one"));
        }
        let ahead = offset.checked_sub(self.position).and_then(|ahead| usize::try_from(ahead).ok());
        if let Some(ahead) = ahead.filter(|ahead| *ahead < self.chunk.len()) {
            self.chunk.advance(ahead);
        } else {
            self.reader = self.log.open_reader(self.options.clone().from(at(offset)?)).await?;
            self.chunk = Bytes::new();
            self.next = None;
            self.placed = true;
        }
        self.position = offset;
        Ok(())
    }

    /// How the reader ended; `None` while it has not, or is somewhere else since.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.reader.end().filter(|_| self.chunk.is_empty())
    }

    /// Ends the reader: every later call fails with `closed`.
    ///
    /// # Errors
    /// As [`Reader::close`].
    pub async fn close(&mut self) -> Result<()> {
        (self.chunk, self.next, self.closed) = (Bytes::new(), None, true);
        self.reader.close().await
    }

    /// Sees to it that there are bytes in the chunk; `false` at the end.
    async fn fill(&mut self) -> Result<bool> {
        if !self.chunk.is_empty() {
            self.check().await?;
        }
        while self.chunk.is_empty() {
            if self.next.is_none() {
                self.next = self.reader.next().await?;
            }
            let Some(record) = &self.next else { return Ok(false) };
            let start = start_of(record).map_err(|error| error.with("log", self.log.name()))?;
            if self.placed && start > self.position && is_truncated(&self.log).await? {
                self.pass_truncated(start)?;
            }
            self.take(start).map_err(|error| error.with("log", self.log.name()))?;
        }
        Ok(true)
    }

    /// Whether what was read before may still be handed out: a reader that is closed, or whose namespace is, has nothing.
    async fn check(&mut self) -> Result<()> {
        self.reader.next_batch(0, Duration::ZERO).await.map(drop)
    }

    /// The bytes at the position are gone; those from `start` on are there.
    fn pass_truncated(&mut self, start: u64) -> Result<()> {
        if self.options.on_truncated == OnTruncated::Skip {
            self.position = start;
            return Ok(());
        }
        let message =
            "the offset lies below the point of truncation; start at the first readable one, or skip to it";
        let error = Error::truncated(message)
            .with("log", self.log.name())
            .with("offset", self.position)
            .with("first", start);
        Err(self.next.iter().fold(error, |error, record| error.at(record.dlsn)))
    }

    /// Takes the next record, whose first byte has the offset `start`, if it lies where the position says.
    fn take(&mut self, start: u64) -> Result<()> {
        let Some(record) = &self.next else { return Ok(()) };
        let inside = self.position.checked_sub(start).filter(|inside| *inside == 0 || self.placed);
        let inside = inside.and_then(|inside| usize::try_from(inside).ok());
        let inside =
            inside.filter(|inside| *inside <= record.payload.len()).ok_or_else(|| no_offsets(record))?;
        self.chunk = record.payload.slice(inside..);
        self.placed = false;
        self.next = None;
        Ok(())
    }
}
