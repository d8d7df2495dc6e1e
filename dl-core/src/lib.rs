//! dl: a durable, strictly ordered, append-only log with exactly one writer at a time and many readers.

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
#[cfg(any(test, feature = "test-util"))]
pub mod testing;
mod types;
mod writer;

pub use engine::queries::{LogInfo, SegmentEnd, SegmentInfo, SegmentTruncation};
pub use engine::reader::End;
pub use engine::writer::Condition;
pub use error::{Error, ErrorKind, Result};
pub use log::Log;
pub use namespace::Namespace;
pub use options::{OnTruncated, Options, ReaderOptions, Start, WriterOptions, file_uri};
pub use reader::{Reader, ReaderCloser};
pub use types::{
    Compression, Dlsn, Durability, LogName, MAX_BATCH_BYTES, MAX_ENTRY_BYTES, MAX_PAYLOAD_BYTES,
    MAX_RECORD_BYTES, NewRecord, RECORD_HEADER_BYTES, Receipt, Record, SegmentId, SegmentNumber, Takeover,
    Txid,
};
pub use writer::{BatchTicket, Ticket, Writer};

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
