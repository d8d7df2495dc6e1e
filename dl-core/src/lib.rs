//! dl: a durable, strictly ordered, append-only log with exactly one writer at a time and many readers.

mod drivers;
mod error;
mod format;
mod metadata;
mod options;
mod seams;
mod store;
#[cfg(any(test, feature = "test-util"))]
pub mod testing;
mod types;

pub use error::{Error, ErrorKind, Result};
pub use options::{OnTruncated, Options, ReaderOptions, Start, WriterOptions, file_uri};
pub use types::{
    Compression, Dlsn, Durability, LogName, MAX_BATCH_BYTES, MAX_ENTRY_BYTES, MAX_PAYLOAD_BYTES,
    MAX_RECORD_BYTES, NewRecord, RECORD_HEADER_BYTES, Receipt, Record, SegmentId, SegmentNumber, Takeover,
    Txid,
};
