//! The read path: across segments, from entries to records.
//!
//! [`ReaderCore::ready`] hands out what needs no waiting; when it has nothing, [`ReaderCore::advance`] brings more within
//! reach: the next chunk of entries of the segment being read (a [`stretch`]), the next segment, or, when following,
//! whatever comes next. [`start`] finds out where to begin.

mod advance;
mod ready;
mod seat;
mod start;
mod stretch;

use std::sync::Arc;

use super::cursor::{CursorCore, ReadLock};
use super::layout::LogPaths;
use super::roster::Entered;
use super::{Closing, Engine, layout};
use crate::error::{Error, Result};
use crate::format::EntryRecords;
use crate::metadata::Watch;
use crate::options::{OnTruncated, ReaderOptions, Start};
use crate::types::{CursorName, Dlsn, LogName};

pub(crate) use self::advance::Step;
pub(crate) use self::seat::Seat;
use self::seat::Tally;
use self::stretch::Stretch;

/// How a reader ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// It delivered what it was bounded to: the last position or the number of records.
    Bound,
    /// It reached the end of the log, and does not follow.
    End,
    /// It reached the end of a log that was sealed: nothing will ever follow.
    Sealed,
}

/// See the module.
pub(crate) struct ReaderCore {
    engine: Arc<Engine>,
    log: LogName,
    incarnation: u64,
    closing: Closing,
    /// That of a locked reader, until it is closed.
    lock: Option<ReadLock>,
    cursor: Option<CursorCore>,
    follow: bool,
    until: Option<Dlsn>,
    /// How many records may still be delivered.
    left: Option<u64>,
    /// Records are skipped until one has at least this txid.
    from_txid: Option<i64>,
    on_truncated: OnTruncated,
    /// Whether it starts behind a cursor, and a set of which that leaves members is delivered whole.
    resumes_sets: bool,
    /// Whether it starts wherever the log does, and has not started.
    anywhere: bool,
    /// Whether record sets are delivered as they are.
    whole_record_sets: bool,
    /// Half of it is fetched at once.
    read_ahead_bytes: u64,
    /// Everything below was delivered or passed.
    position: Dlsn,
    stretch: Option<Stretch>,
    /// The entry whose records are being delivered.
    entry: Option<OpenEntry>,
    /// The segment that was read to its end last, and the sequence id after its last record.
    passed: Option<(i64, i64)>,
    watch: Watch,
    end: Option<End>,
    /// Why an entry cannot be decoded, so that nothing behind it may be delivered.
    damaged: Option<Error>,
    tally: Tally,
    seat: Arc<Seat>,
    _listed: Entered<Seat>,
}

struct OpenEntry {
    records: EntryRecords,
    entry: i64,
}

impl ReaderCore {
    pub(crate) async fn open(engine: &Arc<Engine>, log: &LogName, options: &ReaderOptions) -> Result<Self> {
        let name = options.cursor.as_deref().map(CursorName::new).transpose()?;
        if !options.locked {
            let (cursor, processed) = match &name {
                None => (None, None),
                Some(name) => {
                    let cursor = CursorCore::open(engine, log, name).await?;
                    let processed = cursor.position().await?;
                    (Some(cursor), processed)
                }
            };
            return Self::start(engine, log, options, cursor, processed).await;
        }
        let lock = ReadLock::take(engine, log, name.as_ref(), options.takeover).await?;
        let started = async {
            let (cursor, processed) = match &name {
                None => (None, None),
                Some(name) => lock.claim(name).await.map(|(cursor, processed)| (Some(cursor), processed))?,
            };
            Self::start(engine, log, options, cursor, processed).await
        };
        match started.await {
            Ok(reader) => Ok(Self { lock: Some(lock), ..reader }),
            Err(error) => {
                // Not in the background: the caller's next try is not to find this one.
                let _best_effort = lock.release().await;
                Err(error)
            }
        }
    }

    /// Starts behind the record that was processed last, or else where the options say.
    async fn start(
        engine: &Arc<Engine>,
        log: &LogName,
        options: &ReaderOptions,
        cursor: Option<CursorCore>,
        processed: Option<Dlsn>,
    ) -> Result<Self> {
        let watch = engine.stores.metadata.watch(&LogPaths::new(log).ledgers())?;
        let incarnation = layout::incarnation(&*engine.stores.metadata, log).await?;
        let position = start::find(engine, log, options, processed).await?;
        let from = processed.map_or(options.from, Start::Dlsn);
        let from_txid = match from {
            Start::Txid(txid) => Some(txid.get()),
            Start::Earliest | Start::Latest | Start::Dlsn(_) => None,
        };
        let seat = Arc::new(Seat::new(log.clone()));
        seat.set(position);
        let read_ahead_bytes =
            options.read_ahead_bytes.unwrap_or_else(|| engine.stores.segments.read_ahead_bytes());
        Ok(Self {
            engine: engine.clone(),
            log: log.clone(),
            incarnation,
            closing: Closing::new("reader"),
            lock: None,
            cursor,
            follow: options.follow,
            until: options.until,
            left: options.count,
            from_txid,
            on_truncated: options.on_truncated,
            resumes_sets: processed.is_some() && options.whole_record_sets,
            anywhere: from == Start::Earliest,
            whole_record_sets: options.whole_record_sets,
            read_ahead_bytes,
            position,
            stretch: None,
            entry: None,
            passed: None,
            watch,
            end: None,
            damaged: None,
            tally: Tally::new(engine.telemetry.clone()),
            _listed: engine.readers.enter(&seat),
            seat,
        })
    }

    pub(crate) fn position(&self) -> Dlsn {
        self.position
    }

    pub(crate) fn read_ahead_bytes(&self) -> u64 {
        self.read_ahead_bytes
    }

    pub(crate) fn end(&self) -> Option<End> {
        self.end
    }

    pub(crate) fn follows(&self) -> bool {
        self.follow
    }

    pub(crate) fn closing(&self) -> &Closing {
        &self.closing
    }

    /// Whether it has a lock to look at.
    pub(crate) fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    /// # Errors
    /// `fenced` if this is a locked reader, and its lock is lost. Inlined, since most readers have none.
    #[inline]
    pub(crate) async fn check_lock(&self) -> Result<()> {
        match &self.lock {
            None => Ok(()),
            Some(lock) => self.closing.guard(self.engine.closing.guard(lock.check())).await,
        }
    }

    /// The lock, which is not this reader's any more.
    pub(crate) fn take_lock(&mut self) -> Option<ReadLock> {
        self.lock.take()
    }

    pub(crate) fn cursor(&self) -> Option<&CursorCore> {
        self.cursor.as_ref()
    }

    /// Counts a call that failed.
    pub(crate) fn failed_call(&self, error: &Error) {
        self.engine.telemetry.metrics.failed_calls.add(error.kind(), 1);
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// This is the end, for a reader that does not follow.
    pub(crate) fn stop(&mut self) {
        self.end.get_or_insert(End::End);
    }
}
