//! dl: a durable, strictly ordered, append-only log with exactly one writer at a time and many readers.
//!
//! A [`Namespace`] holds logs; a [`Log`] is an ordered run of records. Its one [`Writer`] appends, any number of
//! [`Reader`]s read and follow, in this process or in others.
//!
//! ```
//! use dl_core::{LogName, Namespace, Options, ReaderOptions, WriterOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> dl_core::Result<()> {
//! let namespace = Namespace::open("memory:tour", Options::default()).await?;
//! let orders = LogName::new("orders")?;
//! namespace.create_log(&orders).await?;
//! let log = namespace.open_log(&orders).await?;
//!
//! // From here on no earlier writer is acknowledged, wherever it runs and whatever state it is in.
//! let writer = log.open_writer(WriterOptions::default()).await?;
//!
//! // Two steps: wait for room, then for the record to be durable. Thousands may be in flight between the two.
//! let first = writer.append("first").await?;
//! let second = writer.append("second").await?;
//! assert!(first.await?.dlsn < second.await?.dlsn);
//!
//! // A bounded reader ends at the end; one that follows waits there for more.
//! let mut reader = log.open_reader(ReaderOptions::default()).await?;
//! while let Some(record) = reader.next().await? {
//!     println!("{} {:?}", record.dlsn, record.payload);
//! }
//! writer.close().await?;
//! namespace.close().await
//! # }
//! ```
//!
//! The repository's `docs/README.md` is a guide: durability, takeover, reading, operating a directory, errors.
//!
//! # Words
//!
//! A record has a payload, a [`Txid`] (the caller's number, never decreasing; by default the wall clock) and, once it is
//! written, a position: its [`Dlsn`] (segment, entry, slot), unique and increasing in append order. A log is kept in
//! *segments*, a segment is a run of *entries*, and an entry, the unit that is made durable, holds the records that
//! gathered while the one before it was on its way. So one sync of the disk serves them all, and a lone record waits for
//! nothing.
//!
//! *Fencing* cuts an earlier writer off for good: opening a writer first takes the log's lock, then ends every segment that
//! was being written. A writer that was cut off fails with [`ErrorKind::Fenced`] and acknowledges nothing more.
//!
//! # A payload's way
//!
//! To read the source, follow one payload. `writer` and `engine/writer` (append, pipeline, ticket), `store` (the contract:
//! the store pulls entries from the writer), a driver (`drivers/memory`, or `drivers/file` with its journal), and back
//! through `engine/reader` and `reader`. Beside that way, `engine/open` takes a log over, `engine/writer/keeper` starts and
//! completes segments, and `metadata` holds the tree of nodes in which both agree. `format` has the bytes, which are
//! Apache DistributedLog's; `seams` is the only door to clocks, threads and files, so that everything runs under a
//! simulator. The reasons stand in `docs/decisions`.

mod byte_stream;
mod cursor;
mod drivers;
mod engine;
mod error;
mod format;
mod log;
// Contracts are public as far as `testing` shows them, which depends on features.
#[allow(unreachable_pub, unused_imports)]
mod metadata;
mod namespace;
mod options;
mod reader;
#[allow(unreachable_pub, unused_imports)]
mod seams;
#[allow(unreachable_pub, unused_imports)]
mod store;
mod telemetry;
#[cfg(any(test, feature = "test-util"))]
pub mod testing;
mod types;
mod writer;

pub use byte_stream::{ByteReader, ByteWriter};
pub use cursor::Cursor;
#[cfg(feature = "bookkeeper")]
pub use drivers::bookkeeper::ClusterConnections;
pub use engine::cursor::CursorInfo;
pub use engine::queries::{LogInfo, SegmentEnd, SegmentInfo, SegmentTruncation};
pub use engine::reader::End;
pub use engine::watching::{LogChange, LogWatcher, SegmentWatcher};
pub use engine::writer::Condition;
pub use error::{Error, ErrorKind, Result};
pub use format::{NewRecordSet, RecordSet};
pub use log::Log;
pub use namespace::Namespace;
pub use options::{
    LogOptions, OnTruncated, Options, ReaderOptions, Start, WriterOptions, file_uri, shown_uri,
};
pub use reader::{Reader, ReaderCloser};
#[cfg(feature = "runtime")]
pub use seams::build_runtime;
pub use telemetry::{Distribution, Event, Level, Metric, MetricValue, Snapshot};
pub use types::{
    BindingInfo, Compression, CursorName, Digest, Dlsn, Durability, Finding, FormatInfo, InProgress, LogName,
    MAX_BATCH_BYTES, MAX_ENTRY_BYTES, MAX_PAYLOAD_BYTES, MAX_RECORD_BYTES, MAX_USER_METADATA_BYTES,
    NamespaceInfo, NewRecord, NewRecordView, ProcessInfo, RECORD_HEADER_BYTES, Receipt, Record, RecordBatch,
    RecordView, RecordViews, SegmentId, SegmentNumber, Severity, Subject, Takeover, Txid, Verification,
};
pub use writer::{BatchTicket, ManyTicket, Receipts, Ticket, Writer};

/// The examples of the README and the guide.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../README.md")]
    struct Readme;
    #[doc = include_str!("../../docs/guide/byte-streams.md")]
    struct ByteStreams;
    #[doc = include_str!("../../docs/guide/choosing-options.md")]
    struct ChoosingOptions;
    #[doc = include_str!("../../docs/guide/concepts.md")]
    struct Concepts;
    #[doc = include_str!("../../docs/guide/durability.md")]
    struct Durability;
    #[doc = include_str!("../../docs/guide/errors.md")]
    struct Errors;
    #[doc = include_str!("../../docs/guide/operating.md")]
    struct Operating;
    #[doc = include_str!("../../docs/guide/reading.md")]
    struct Reading;
    #[doc = include_str!("../../docs/guide/takeover.md")]
    struct Takeover;
}
