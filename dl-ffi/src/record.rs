//! Records as read.

use std::ptr;
use std::sync::OnceLock;

use bytes::Bytes;
use dl_core::{Dlsn, Record, RecordBatch};

use crate::boundary::answer;
use crate::bytes::dl_bytes;
use crate::dlsn::dl_dlsn;
use crate::handle::{self, Boxed, Object, Out};
use crate::unread::Unread;

/// A record as read. Its payload stays where the reader put it, and lives as long as the record.
// It has the layout of what a reader answers, so that a batch is handed over as it is. What applies always is said as a condition,
// because cbindgen would make an alias of a transparent type, and the header has an opaque one.
#[derive(Debug)]
#[cfg_attr(all(), repr(transparent))]
pub struct dl_record {
    record: Record,
}

/// Records as read, in the order of the log.
#[derive(Debug)]
pub struct dl_records {
    batch: RecordBatch,
    /// The records one by one, made for the first who asks for one of them.
    records: OnceLock<Vec<Record>>,
}

impl Object for dl_record {
    const NAME: &'static str = "the record";
}

impl Boxed for dl_record {}

impl Object for dl_records {
    const NAME: &'static str = "the records";
}

impl Boxed for dl_records {}

impl dl_record {
    pub(crate) fn new(record: Record) -> Self {
        Self { record }
    }

    pub(crate) fn payload(&self) -> &Bytes {
        &self.record.payload
    }
}

impl From<Unread<RecordBatch>> for dl_records {
    fn from(unread: Unread<RecordBatch>) -> Self {
        Self { batch: unread.read().pop().unwrap_or_default(), records: OnceLock::new() }
    }
}

/// The position of the record.
#[unsafe(no_mangle)]
pub extern "C" fn dl_record_dlsn(record: *const dl_record) -> dl_dlsn {
    answer(Dlsn::INVALID.into(), || Ok(handle::borrow(record)?.record.dlsn.into()))
}

/// The txid of the record.
#[unsafe(no_mangle)]
pub extern "C" fn dl_record_txid(record: *const dl_record) -> i64 {
    answer(-1, || Ok(handle::borrow(record)?.record.txid))
}

/// The place of the record among all of the log, counted from 0; -1 where Java DistributedLog did not count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_record_sequence_id(record: *const dl_record) -> i64 {
    answer(-1, || Ok(handle::borrow(record)?.record.sequence_id.map_or(-1, u64::cast_signed)))
}

/// What was appended. It lives as long as the record, or the records to which that belongs.
#[unsafe(no_mangle)]
pub extern "C" fn dl_record_payload(record: *const dl_record) -> dl_bytes {
    answer(dl_bytes::EMPTY, || Ok(dl_bytes::of(&handle::borrow(record)?.record.payload)))
}

/// Whether the payload is a whole record set, which a reader delivers only if its options say so.
#[unsafe(no_mangle)]
pub extern "C" fn dl_record_is_record_set(record: *const dl_record) -> bool {
    answer(false, || Ok(handle::borrow(record)?.record.record_set))
}

/// Frees a record, but not one that belongs to records.
#[unsafe(no_mangle)]
pub extern "C" fn dl_record_free(record: *mut dl_record) {
    handle::free(record);
}

/// The number of records.
#[unsafe(no_mangle)]
pub extern "C" fn dl_records_count(records: *const dl_records) -> usize {
    answer(0, || Ok(handle::borrow(records)?.batch.len()))
}

/// The record at this index, from 0; NULL behind the last. It belongs to the records.
#[unsafe(no_mangle)]
pub extern "C" fn dl_records_at(records: *const dl_records, index: usize) -> *const dl_record {
    answer(ptr::null(), || {
        let dl_records { batch, records } = handle::borrow(records)?;
        let record = records.get_or_init(|| batch.shares().collect()).get(index);
        Ok(record.map_or(ptr::null(), |record| ptr::from_ref(record).cast()))
    })
}

/// Writes views of the payloads, from the first record on, into an array of `max`. Answers how many that were. They live as long
/// as the records.
#[unsafe(no_mangle)]
pub extern "C" fn dl_records_payloads(
    records: *const dl_records,
    payloads: *mut dl_bytes,
    max: usize,
) -> usize {
    answer(0, || {
        let batch = &handle::borrow(records)?.batch;
        let count = max.min(batch.len());
        Out::new(payloads, "payloads")?
            .put_each(batch.iter().take(count).map(|record| dl_bytes::of(record.payload)));
        Ok(count)
    })
}

/// Frees records, and with them every view of their payloads.
#[unsafe(no_mangle)]
pub extern "C" fn dl_records_free(records: *mut dl_records) {
    handle::free(records);
}
