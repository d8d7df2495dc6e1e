//! Records and receipts packed into one buffer or two, from which JavaScript reads what is asked for.
//!
//! Numbers are those of the machine, 64 bits each. `lib/columns.ts` has the other half.

use bytes::Bytes;
use dl_core::{Dlsn, Durability, End, Receipt, RecordView};
use napi::bindgen_prelude::{BigInt64Array, Buffer};
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
    /// The numbers of each.
    pub numbers: BigInt64Array,
    /// The payloads, one behind the other.
    pub payloads: Buffer,
    /// The position of the reader, as text.
    pub position: String,
    /// How the reader ended, if it has.
    pub end: Option<String>,
}

/// Records on their way into a batch.
#[derive(Default)]
pub(crate) struct Rows {
    numbers: Vec<i64>,
    payloads: Vec<u8>,
}

/// How large the last batch was: a guess at the next one, whose memory then does not move as it grows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Size {
    numbers: usize,
    bytes: usize,
}

impl Rows {
    pub(crate) fn new(usual: Size) -> Self {
        Self { numbers: Vec::with_capacity(usual.numbers), payloads: Vec::with_capacity(usual.bytes) }
    }

    pub(crate) fn push(&mut self, record: RecordView<'_>) {
        let (offset, length) = (self.payloads.len(), record.payload.len());
        let [segment, entry, slot, txid, sequence_id] = place(record.dlsn, record.txid, record.sequence_id);
        let set = if record.record_set { SET } else { 0 };
        let row: [i64; RECORD] =
            [segment, entry, slot, txid, sequence_id, signed(offset), signed(length) | set];
        self.numbers.extend_from_slice(&row);
        self.payloads.extend_from_slice(record.payload);
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len() / RECORD
    }

    /// The size of the payloads.
    pub(crate) fn bytes(&self) -> usize {
        self.payloads.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    pub(crate) fn size(&self) -> Size {
        Size { numbers: self.numbers.len(), bytes: self.payloads.len() }
    }

    /// The same, in memory of which most is needed.
    pub(crate) fn fitting(mut self) -> Self {
        fit(&mut self.numbers);
        fit(&mut self.payloads);
        self
    }

    /// A batch of them, from a reader that is at this position and ended so.
    pub(crate) fn batch(self, position: Dlsn, end: Option<End>) -> Batch {
        Batch {
            numbers: BigInt64Array::new(self.numbers),
            payloads: self.payloads.into(),
            position: position.to_string(),
            end: end.map(|end| name_of(end).to_owned()),
        }
    }
}

/// Gives back memory of which most is not needed: a record may be kept for long, and its batch with it.
fn fit<T>(list: &mut Vec<T>) {
    if list.len() < list.capacity() / 2 {
        list.shrink_to_fit();
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
