//! Records and receipts packed into one buffer each, from which JavaScript reads what is asked for.
//!
//! Numbers are those of the machine, 64 bits each. `lib/columns.ts` has the other half.

use bytes::Bytes;
use dl_core::{Dlsn, Durability, End, Receipt, Record};
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

/// Numbers of a receipt: segment, entry, slot, txid, sequence id, level of durability with the mark of a duplicate.
pub(crate) const RECEIPT: usize = 6;

/// Numbers of a record: segment, entry, slot, txid, sequence id, offset and length of its payload with the mark of a set.
const RECORD: usize = 7;

/// Stands for "not counted".
const NONE: i64 = -1;

/// Set in the last number of a duplicate's receipt.
const DUPLICATE: i64 = 1 << 8;

/// Set in the last number of a record set.
const SET: i64 = 1 << 40;

/// Records that were read, and where the reader is behind them.
#[napi(object, object_from_js = false)]
pub struct Batch {
    /// How many.
    pub count: u32,
    /// The numbers of each, then the payloads.
    pub data: Buffer,
    /// The position of the reader, as text.
    pub position: String,
    /// How the reader ended, if it has.
    pub end: Option<String>,
}

impl Batch {
    pub(crate) fn new(records: &[Record], position: Dlsn, end: Option<End>) -> Self {
        let payloads: usize = records.iter().map(|record| record.payload.len()).sum();
        let mut data = Vec::with_capacity(records.len() * RECORD * 8 + payloads);
        let mut offset = records.len() * RECORD * 8;
        for record in records {
            let length = record.payload.len();
            let numbers = place(record.dlsn, record.txid, record.sequence_id);
            let set = if record.record_set { SET } else { 0 };
            for number in numbers.into_iter().chain([signed(offset), signed(length) | set]) {
                data.extend_from_slice(&number.to_ne_bytes());
            }
            offset += length;
        }
        for record in records {
            data.extend_from_slice(&record.payload);
        }
        Self {
            count: u32::try_from(records.len()).unwrap_or(u32::MAX),
            data: data.into(),
            position: position.to_string(),
            end: end.map(|end| name_of(end).to_owned()),
        }
    }
}

/// Adds the numbers of a receipt.
pub(crate) fn receipt(receipt: &Receipt, numbers: &mut Vec<i64>) {
    let level = match receipt.durability {
        Durability::Memory => 0,
        Durability::PowerLoss => 1,
        Durability::Replicated => 2,
        _ => 255,
    };
    numbers.extend(place(receipt.dlsn, receipt.txid, receipt.sequence_id));
    numbers.push(level | if receipt.duplicate { DUPLICATE } else { 0 });
}

/// The receipts of a batch.
pub(crate) fn receipts(receipts: &[Receipt]) -> Buffer {
    let mut numbers = Vec::with_capacity(receipts.len() * RECEIPT);
    receipts.iter().for_each(|each| receipt(each, &mut numbers));
    let mut bytes = Vec::with_capacity(numbers.len() * 8);
    numbers.iter().for_each(|number| bytes.extend_from_slice(&number.to_ne_bytes()));
    bytes.into()
}

/// How a reader ended.
pub(crate) fn name_of(end: End) -> &'static str {
    match end {
        End::Bound => "bound",
        End::End => "end",
        End::Sealed => "sealed",
        _ => "unknown",
    }
}

/// A payload on its way out: of a batch of one, without its numbers.
pub(crate) fn payload(bytes: &Bytes) -> Buffer {
    bytes.to_vec().into()
}

fn place(dlsn: Dlsn, txid: i64, sequence_id: Option<u64>) -> [i64; 5] {
    let sequence_id = sequence_id.and_then(|id| i64::try_from(id).ok()).unwrap_or(NONE);
    [dlsn.segment(), dlsn.entry(), dlsn.slot(), txid, sequence_id]
}

fn signed(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
