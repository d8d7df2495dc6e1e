//! The bytes of DistributedLog: records, record sets, entries, positions. No I/O.

mod compression;
mod dlsn;
mod entry;
mod record;
mod record_set;

pub(crate) use entry::{EntryBuilder, EntryRecords, Place, RawRecord, RecordHead, RecordHeads, open_entry};
#[cfg(any(test, feature = "test-util"))]
pub(crate) use record::RecordHeader;
pub(crate) use record::{CONTROL_PAYLOAD, END_OF_STREAM_PAYLOAD, END_OF_STREAM_TXID, RecordKind};
#[cfg(any(test, feature = "test-util"))]
pub(crate) use record_set::encode_record_set;
pub use record_set::{NewRecordSet, RecordSet};

#[cfg(test)]
pub(crate) mod golden_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;
