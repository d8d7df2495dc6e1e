//! The nouns: positions, names, numbers, records, receipts and the limits on them. No I/O.

mod batch;
mod choices;
mod dlsn;
mod finding;
mod ids;
mod info;
mod limits;
mod record;

pub use batch::{RecordBatch, RecordViews};
pub use choices::{Compression, Digest, Takeover};
pub use dlsn::Dlsn;
pub use finding::{Finding, InProgress, Severity, Subject, Verification};
pub use ids::{CursorName, LogName, SegmentId, SegmentNumber, Txid};
pub use info::{BindingInfo, FormatInfo, NamespaceInfo, ProcessInfo};
pub(crate) use limits::ENVELOPE_BYTES;
pub use limits::{
    MAX_BATCH_BYTES, MAX_ENTRY_BYTES, MAX_PAYLOAD_BYTES, MAX_RECORD_BYTES, MAX_USER_METADATA_BYTES,
    RECORD_HEADER_BYTES,
};
pub use record::{Durability, NewRecord, NewRecordView, Receipt, Record, RecordView};
