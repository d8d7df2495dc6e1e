//! A log: where writers and readers are opened.

use std::sync::Arc;

use bytes::Bytes;

use crate::byte_stream::{ByteReader, ByteWriter};
use crate::cursor::Cursor;
use crate::engine::cursor::{self, CursorCore};
use crate::engine::layout::LogPaths;
use crate::engine::reader::ReaderCore;
use crate::engine::{Engine, layout, log_options, open, queries, retention, truncate, writer};
use crate::error::{ErrorKind, Result};
use crate::options::{LogOptions, OnTruncated, ReaderOptions, Start, WriterOptions};
use crate::reader::Reader;
use crate::types::{CursorName, Dlsn, LogName, Record, Takeover, Txid};
use crate::writer::Writer;
use crate::{CursorInfo, LogInfo, SegmentInfo, SegmentWatcher};

/// A handle on a log, from [`Namespace::log`](crate::Namespace::log) or
/// [`Namespace::open_log`](crate::Namespace::open_log). Holds nothing; cheap to clone. One from `open_log` is of the log that
/// was there then, and never acts on another that got its name later.
///
/// Writers and readers are opened here. What else it can do takes nothing from its writer: ask what there is, watch it,
/// truncate what is completed, keep cursors and options with the log.
///
/// ```
/// # use dl_core::{LogName, Namespace, Options, Txid, WriterOptions, NewRecord};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> dl_core::Result<()> {
/// # let namespace = Namespace::open("memory:log-page", Options::default()).await?;
/// let log = namespace.log(&LogName::new("orders")?);
/// let writer = log.open_writer(WriterOptions::default().create_log(true)).await?;
/// for txid in [10, 20, 30] {
///     writer.append(NewRecord::new("an order").txid(Txid::new(txid)?)).await?.await?;
/// }
/// assert_eq!(log.count().await?, 3);
/// let second = log.dlsn_at_txid(Txid::new(15)?).await?;
/// assert_eq!(log.count_between(second, None).await?, 2);
/// assert!(log.info().await?.owner.is_some());
/// writer.close().await
/// # }
/// ```
#[derive(Clone)]
pub struct Log {
    engine: Arc<Engine>,
    name: LogName,
    /// Which of the logs that ever had the name; any, without it.
    incarnation: Option<u64>,
}

impl Log {
    pub(crate) fn new(engine: Arc<Engine>, name: LogName, incarnation: Option<u64>) -> Self {
        Self { engine, name, incarnation }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &LogName {
        &self.name
    }

    /// Opens the writer of this log. When it returns, every earlier writer is cut off for good: no append of theirs that
    /// is not in the log by then will ever be acknowledged.
    ///
    /// # Errors
    /// `locked` if another holds the log and [`WriterOptions::takeover`] does not allow to take it, or if another took it
    /// at the same time; `not-found` if there is no such log and `create_log` is off.
    pub async fn open_writer(&self, options: WriterOptions) -> Result<Writer> {
        let opening = async {
            options.validate()?;
            self.check().await?;
            if options.create_log
                && self.incarnation.is_none()
                && let Err(error) = layout::create(&*self.engine.stores.metadata, &self.name).await
                && error.kind() != ErrorKind::AlreadyExists
            {
                return Err(error);
            }
            // A writer that lets the log go when it is dropped, should the caller give up now.
            let writer = Writer::new(writer::open(&self.engine, &self.name, &options, None).await?);
            // It owns the log that is there now.
            self.check().await?;
            // What let it in may be that the namespace let the log go as it was closed.
            self.engine.closing.check()?;
            Ok(writer)
        };
        let writer = self.engine.change("open_writer", opening).await?;
        self.engine.telemetry.metrics.writers_opened.add(1);
        Ok(writer)
    }

    /// Opens a reader.
    ///
    /// # Errors
    /// `truncated` with the first readable position, if the start lies below it and the options do not say to skip;
    /// `not-found` if there is no such log; for a locked reader `locked` if another holds the lock and
    /// [`ReaderOptions::takeover`] does not allow to take it, or if another took it at the same time.
    pub async fn open_reader(&self, options: ReaderOptions) -> Result<Reader> {
        let opening = async {
            options.validate()?;
            ReaderCore::open(&self.engine, &self.name, &options).await
        };
        let reader = self.look("open_reader", opening).await?;
        self.engine.telemetry.metrics.readers_opened.add(1);
        Ok(Reader::new(reader))
    }

    /// Opens the writer of this log to write a stream of bytes, in chunks whose txids are the offsets behind them, as
    /// DistributedLog does. It goes on at the end of what is there.
    ///
    /// # Errors
    /// As [`open_writer`](Self::open_writer); `invalid-argument` if the txids in the log are seen not to be offsets.
    pub async fn open_byte_writer(&self, options: WriterOptions) -> Result<ByteWriter> {
        ByteWriter::open(self, options).await.map_err(|error| error.during("open_byte_writer"))
    }

    /// Opens a reader of the stream of bytes that a [`ByteWriter`] wrote. In its options `txid:N` starts at the byte with
    /// the offset N, a DLSN at the start of a chunk, `earliest` at the first byte that was not truncated, and `latest`
    /// behind the last; `count` and `until` count chunks, from each seek on.
    ///
    /// # Errors
    /// `invalid-argument` if the txids in the log are seen not to be offsets; `not-found` if there is no such log.
    pub async fn open_byte_reader(&self, options: ReaderOptions) -> Result<ByteReader> {
        ByteReader::open(self, options).await.map_err(|error| error.during("open_byte_reader"))
    }

    /// What the metadata says about the log.
    ///
    /// # Errors
    /// `not-found` if there is no such log.
    pub async fn info(&self) -> Result<LogInfo> {
        self.look("info", queries::info(&self.engine, &self.name)).await
    }

    /// Its segments, oldest first, truncated ones that are still kept included.
    ///
    /// # Errors
    /// `not-found` if there is no such log.
    pub async fn segments(&self) -> Result<Vec<SegmentInfo>> {
        self.look("segments", queries::segments(&self.engine, &self.name)).await
    }

    /// Watches its segments: tells which there are, then which there are after each change, made by whatever process.
    ///
    /// # Errors
    /// `unavailable` if the system lacks the means, such as a thread, to hear of changes made elsewhere.
    pub fn watch_segments(&self) -> Result<SegmentWatcher> {
        SegmentWatcher::new(&self.engine, &self.name, self.incarnation)
            .map_err(|error| error.during("watch_segments"))
    }

    /// Truncates the log below `before`, at most up to the segment that is being written ([`Writer::truncate`] gets
    /// further). Answers the point in force: from then on no reader starts below it. Whole segments below are freed.
    ///
    /// # Errors
    /// `not-found` if there is no such log.
    ///
    /// [`Writer::truncate`]: crate::Writer::truncate
    pub async fn truncate(&self, before: Dlsn) -> Result<Dlsn> {
        self.engine
            .change("truncate", truncate::truncate(&self.engine, &self.name, self.incarnation, before, None))
            .await
    }

    /// The position of the first record whose txid is at least `txid`; `None` if there is none yet. Exact if txids never
    /// fell, which dl sees to and Java DistributedLog does not.
    ///
    /// # Errors
    /// `not-found` if there is no such log.
    pub async fn dlsn_at_txid(&self, txid: Txid) -> Result<Option<Dlsn>> {
        let first = self.look("dlsn_at_txid", queries::first_at_txid(&self.engine, &self.name, txid)).await?;
        Ok(first.map(|first| first.dlsn))
    }

    /// The first readable record, with its position and txid; `None` if there is none yet.
    ///
    /// # Errors
    /// `not-found` if there is no such log.
    pub async fn first_record(&self) -> Result<Option<Record>> {
        self.record_at(Start::Earliest).await.map_err(|error| error.during("first_record"))
    }

    /// The last record, with its position and txid; `None` if there is none that was not truncated. Looked for from the
    /// end, at as few entries as hold it.
    ///
    /// # Errors
    /// `not-found` if there is no such log.
    pub async fn last_record(&self) -> Result<Option<Record>> {
        match self.look("last_record", queries::last(&self.engine, &self.name)).await? {
            Some(last) => {
                let record = self.record_at(Start::Dlsn(last.dlsn)).await;
                record.map_err(|error| error.during("last_record"))
            }
            None => Ok(None),
        }
    }

    /// The first record at or behind a start; what was truncated meanwhile is passed over.
    pub(crate) async fn record_at(&self, start: Start) -> Result<Option<Record>> {
        let options = ReaderOptions::default().from(start).count(1).on_truncated(OnTruncated::Skip);
        self.open_reader(options).await?.next().await
    }

    /// The number of readable records.
    ///
    /// # Errors
    /// `not-found` if there is no such log.
    pub async fn count(&self) -> Result<u64> {
        self.look("count", queries::count(&self.engine, &self.name, None, None)).await
    }

    /// The number of readable records from `from` to `until`, both included: as many as a reader with these bounds
    /// delivers. `None` is no bound. Of segments between the bounds the metadata says how many they hold; where a bound
    /// lies inside a segment, the entry there is looked at.
    ///
    /// # Errors
    /// `not-found` if there is no such log.
    pub async fn count_between(&self, from: Option<Dlsn>, until: Option<Dlsn>) -> Result<u64> {
        self.look("count_between", queries::count(&self.engine, &self.name, from, until)).await
    }

    /// Completes what a writer that is gone left in progress, as opening a writer and closing it would.
    ///
    /// # Errors
    /// `locked` if a writer holds the log.
    pub async fn recover(&self) -> Result<()> {
        self.engine
            .change("recover", async {
                self.check().await?;
                let own = open::take_over(&self.engine, &self.name, Takeover::Never).await?;
                let same = self.check().await;
                own.lock.release().await?;
                same
            })
            .await
    }

    /// Frees what is too old or too much by the options kept with the log, as its writer does while it is open. Answers the
    /// point of truncation in force.
    ///
    /// For logs without a writer: it completes what one that is gone left in progress, and leaves alone what one that
    /// lives writes. Call it from time to time; an age counts from when a segment was completed, by the wall clock.
    ///
    /// # Errors
    /// `not-found` if there is no such log.
    pub async fn apply_retention(&self) -> Result<Dlsn> {
        self.engine
            .change("apply_retention", retention::apply(&self.engine, &self.name, self.incarnation))
            .await
    }

    /// The options kept with the log; the defaults, if none were set.
    ///
    /// # Errors
    /// `not-found` if there is no such log.
    pub async fn options(&self) -> Result<LogOptions> {
        self.look("options", log_options::read(&*self.engine.stores.metadata, &self.name)).await
    }

    /// Replaces the options kept with the log. Writers that are opened from now on go by them.
    ///
    /// # Errors
    /// `not-found` if there is no such log; `invalid-argument` for a value out of range.
    pub async fn set_options(&self, options: LogOptions) -> Result<()> {
        let setting = async {
            options.validate()?;
            options.check_quorums()?;
            let metadata = &*self.engine.stores.metadata;
            log_options::write(metadata, &self.name, self.incarnation, &options).await
        };
        self.engine.change("set_options", setting).await
    }

    /// The cursor of this name, which need not exist: its first move makes it.
    ///
    /// # Errors
    /// `not-found` if there is no such log.
    pub async fn cursor(&self, name: &CursorName) -> Result<Cursor> {
        self.look("cursor", CursorCore::open(&self.engine, &self.name, name)).await.map(Cursor::new)
    }

    /// Its cursors, in byte order of their names.
    ///
    /// # Errors
    /// `not-found` if there is no such log; `corrupt` if a cursor holds something else than a position.
    pub async fn cursors(&self) -> Result<Vec<CursorInfo>> {
        self.look("cursors", cursor::list(&self.engine, &self.name)).await
    }

    /// Bytes that the user keeps with the log; empty if none were set.
    ///
    /// # Errors
    /// `not-found` if there is no such log.
    pub async fn user_metadata(&self) -> Result<Bytes> {
        self.look("user_metadata", async {
            let (metadata, paths) = (&*self.engine.stores.metadata, LogPaths::new(&self.name));
            layout::require(metadata, &self.name, &paths.ledgers()).await?;
            Ok(layout::require(metadata, &self.name, paths.base()).await?.data)
        })
        .await
    }

    /// Sets the bytes that the user keeps with the log, at most
    /// [`MAX_USER_METADATA_BYTES`](crate::MAX_USER_METADATA_BYTES); none removes them.
    ///
    /// # Errors
    /// `not-found` if there is no such log; `too-large`.
    pub async fn set_user_metadata(&self, data: impl Into<Bytes>) -> Result<()> {
        self.engine
            .change(
                "set_user_metadata",
                layout::set_user_metadata(
                    &*self.engine.stores.metadata,
                    &self.name,
                    self.incarnation,
                    data.into(),
                ),
            )
            .await
    }

    /// A call that changes nothing: what it found counts if the log is the same behind it.
    async fn look<T>(&self, operation: &'static str, look: impl Future<Output = Result<T>>) -> Result<T> {
        self.engine
            .call(operation, async {
                let found = look.await?;
                self.check().await?;
                Ok(found)
            })
            .await
    }

    /// # Errors
    /// `not-found` if this is a handle of one log, and that is gone.
    async fn check(&self) -> Result<()> {
        match self.incarnation {
            None => Ok(()),
            same => layout::require_same(&*self.engine.stores.metadata, &self.name, same).await.map(drop),
        }
    }
}
