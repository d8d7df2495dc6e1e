//! A reader of a log.

use std::time::Duration;

use crate::cursor::Cursor;
use crate::engine::Closing;
use crate::engine::reader::{End, ReaderCore, Step};
use crate::error::{Error, Result};
use crate::format::RecordSet;
use crate::types::{Dlsn, Record, RecordBatch, RecordView};

/// Reads a log from some position on, in order: acknowledged records only, none twice, none left out. Many may read at
/// once, in any process, also while the log is written.
///
/// A locked one ([`ReaderOptions::locked`](crate::ReaderOptions::locked)) reads alone: once another has taken its lock, each
/// of its calls fails with `fenced`, one that waits at once. It looks at the lock in each call; where the metadata is not on
/// this machine, [`next_batch`](Self::next_batch) does so for many records at a time. Dropping it lets the lock go soon.
///
/// ```
/// # use dl_core::{End, LogName, Namespace, Options, ReaderOptions, WriterOptions};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> dl_core::Result<()> {
/// # let namespace = Namespace::open("memory:reader-page", Options::default()).await?;
/// # let log = namespace.log(&LogName::new("orders")?);
/// # let writer = log.open_writer(WriterOptions::default().create_log(true)).await?;
/// # writer.append("order 1").await?.await?;
/// # writer.seal().await?;
/// // It waits at the end for more, until the log is sealed.
/// let mut reader = log.open_reader(ReaderOptions::default().follow(true)).await?;
/// while let Some(record) = reader.next().await? {
///     println!("{} {:?}", record.dlsn, record.payload);
/// }
/// assert_eq!(reader.end(), Some(End::Sealed));
/// # Ok(())
/// # }
/// ```
pub struct Reader {
    core: ReaderCore,
    cursor: Option<Cursor>,
    /// How many records the last batch had: a guess at the next one, whose memory then does not move as it grows.
    usual: usize,
}

impl Reader {
    pub(crate) fn new(core: ReaderCore) -> Self {
        let cursor = core.cursor().cloned().map(Cursor::new);
        Self { core, cursor, usual: 0 }
    }

    /// The next record; `None` at the end, about which [`end`](Self::end) says more. A reader that follows waits for one.
    ///
    /// Dropping this future loses no record.
    ///
    /// # Errors
    /// `corrupt` with segment, entry and place if stored bytes are not what was written; `truncated` with the first
    /// readable position if a truncation overtook the reader; `not-found` if the log was deleted; `fenced` if a locked
    /// reader lost its lock.
    pub async fn next(&mut self) -> Result<Option<Record>> {
        loop {
            self.core.check_lock().await.map_err(in_next)?;
            if let Some(record) = self.core.ready().map_err(in_next)? {
                return Ok(Some(record));
            }
            if !self.advance(true).await.map_err(in_next)? {
                return Ok(None);
            }
        }
    }

    /// Up to `max` records: at least one, unless the reader ends or `wait` passes before there is any. There may be fewer than are in
    /// the log: it brings what was read at once, at most `read_ahead_bytes` or one entry. A `max` of 0 brings none and does not wait:
    /// it fails if the next call would for want of the lock, or because the reader or its namespace is closed.
    ///
    /// Dropping this future loses no record.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn next_batch(&mut self, max: usize, wait: Duration) -> Result<RecordBatch> {
        self.core.check_open().map_err(in_batch)?;
        let mut records = RecordBatch::with_capacity(self.usual.min(max));
        if !self.core.is_locked() {
            // Who finds records at once, as most do, needs no timer.
            self.core.batch_ready(max, &mut records).map_err(in_batch)?;
            if !records.is_empty() {
                self.usual = records.len();
                return Ok(records);
            }
        }
        let mut timeout = (!wait.is_zero()).then(|| self.core.engine().seams.clock.sleep(wait));
        loop {
            self.core.check_lock().await.map_err(in_batch)?;
            if max == 0 {
                return Ok(records);
            }
            self.core.batch_ready(max, &mut records).map_err(in_batch)?;
            if !records.is_empty() {
                self.usual = records.len();
                return Ok(records);
            }
            let more = match &mut timeout {
                None => self.advance(false).await.map_err(in_batch)?,
                Some(timeout) => tokio::select! {
                    biased;
                    more = self.advance(true) => more.map_err(in_batch)?,
                    () = timeout => false,
                },
            };
            if !more {
                return Ok(records);
            }
        }
    }

    /// Up to `max` records as [`next_batch`](Self::next_batch) brings them with no wait, for who reads before it is asked to: at the
    /// end of the log, where there may be more until then, it brings none, and the reader has not ended.
    ///
    /// Dropping this future loses no record.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn next_batch_ahead(&mut self, max: usize) -> Result<RecordBatch> {
        self.core.check_open().map_err(in_batch)?;
        let mut records = RecordBatch::with_capacity(self.usual.min(max));
        while records.is_empty() && max > 0 {
            self.core.check_lock().await.map_err(in_batch)?;
            self.core.batch_ready(max, &mut records).map_err(in_batch)?;
            let more = !records.is_empty()
                || self.core.end().is_none() && self.step(false).await.map_err(in_batch)? == Step::More;
            if !more {
                break;
            }
        }
        if !records.is_empty() {
            self.usual = records.len();
        }
        Ok(records)
    }

    /// Where the next record will be, or before it: everything below was delivered.
    #[must_use]
    pub fn position(&self) -> Dlsn {
        self.core.position()
    }

    /// How many bytes it reads ahead at most: as [`ReaderOptions::read_ahead_bytes`](crate::ReaderOptions#structfield.read_ahead_bytes)
    /// says, or as suits its driver if that does not.
    #[must_use]
    pub fn read_ahead_bytes(&self) -> u64 {
        self.core.read_ahead_bytes()
    }

    /// How the reader ended; `None` while it has not.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.core.end()
    }

    /// The cursor that it was opened with. That of a locked reader moves only while the reader has its lock.
    #[must_use]
    pub fn cursor(&self) -> Option<&Cursor> {
        self.cursor.as_ref()
    }

    /// Ends the reader, and lets its lock go: every later call fails with `closed`.
    ///
    /// # Errors
    /// What letting the lock go ran into; it then ends with the namespace or this process.
    pub async fn close(&mut self) -> Result<()> {
        self.core.closing().close();
        match self.core.take_lock() {
            None => Ok(()),
            Some(lock) => lock.release().await.map_err(|error| error.during("close")),
        }
    }

    /// A handle that ends the reader while another task waits in [`next`](Self::next), which then fails with `closed`.
    #[must_use]
    pub fn closer(&self) -> ReaderCloser {
        ReaderCloser(self.core.closing().clone())
    }

    /// Brings more records within reach, and if `wait` lets a reader that follows wait for them; `false` if there are none.
    async fn advance(&mut self, wait: bool) -> Result<bool> {
        if self.core.end().is_some() {
            return Ok(false);
        }
        let follows = self.core.follows();
        if self.step(wait && follows).await? == Step::AtEnd {
            if !follows {
                self.core.stop();
            }
            return Ok(false);
        }
        Ok(self.core.end().is_none())
    }

    /// Goes a step on; one that fails is counted.
    async fn step(&mut self, wait: bool) -> Result<Step> {
        // In a box: it is large, seldom needed, and would be moved with each call that reads.
        let step = Box::pin(self.core.advance(wait)).await;
        step.inspect_err(|error| self.core.failed_call(error))
    }
}

fn in_next(error: Error) -> Error {
    error.during("next")
}

fn in_batch(error: Error) -> Error {
    error.during("next_batch")
}

/// Ends a reader from elsewhere.
#[derive(Debug, Clone)]
pub struct ReaderCloser(Closing);

impl ReaderCloser {
    /// Ends the reader: what it waits for, and every later call on it, fails with `closed`. A lock stays held until the
    /// reader itself is closed or dropped.
    pub fn close(&self) {
        self.0.close();
    }
}

impl Record {
    /// The position of the last record that it stands for: of a whole record set that of its last member, of any other its
    /// own. Who has processed it moves a cursor there.
    #[must_use]
    pub fn last_dlsn(&self) -> Dlsn {
        self.view().last_dlsn()
    }
}

impl RecordView<'_> {
    /// As [`Record::last_dlsn`].
    #[must_use]
    pub fn last_dlsn(&self) -> Dlsn {
        let members = self.record_set.then(|| RecordSet::count(self.payload).ok()).flatten();
        let further = i64::from(members.unwrap_or(1).saturating_sub(1));
        Dlsn::new(self.dlsn.segment(), self.dlsn.entry(), self.dlsn.slot().saturating_add(further))
    }
}
