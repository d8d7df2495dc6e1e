//! Records and receipts packed into one buffer or two, from which JavaScript reads what is asked for.
//!
//! Numbers are those of the machine, 64 bits each. `lib/columns.ts` has the other half.

use bytes::Bytes;
use dl_core::{Dlsn, Durability, End, Receipt, RecordView};
use napi::bindgen_prelude::{BigInt64Array, Buffer};
use napi_derive::napi;

/// Numbers of a receipt: segment, entry, slot, txid, sequence id, level of durability with the mark of a duplicate.
pub(crate) const RECEIPT: usize = 6;

/// Numbers of a run: index of its first record with the mark of a set, and of that one segment, entry, slot, txid and sequence id.
const RUN: usize = 6;

/// Stands for "not counted".
const NONE: i64 = -1;

/// Set in the last number of a duplicate's receipt.
const DUPLICATE: i64 = 1 << 8;

/// Set in the first number of a run of record sets.
const SET: i64 = 1 << 40;

/// Records that were read, and where the reader is behind them.
#[napi(object, object_from_js = false)]
pub struct Batch {
    /// How many.
    pub records: u32,
    /// For each the offset of its payload, and in the upper half the index of its run; behind the last one where its payload ends.
    /// Then the numbers of each run. 32 bits are enough: no more are read together than `read_ahead_bytes`, at most 64 MiB, and 256
    /// records more, of 1 MiB each.
    pub numbers: BigInt64Array,
    /// The payloads, one behind the other.
    pub payloads: Buffer,
    /// The position of the reader, as text.
    pub position: String,
    /// How the reader ended, if it has.
    pub end: Option<String>,
}

/// Records on their way into a batch. Those that follow one another in an entry, with the same txid, are a run: what they have in
/// common is there once.
#[derive(Default)]
pub(crate) struct Rows {
    /// As in [`Batch::numbers`].
    rows: Vec<i64>,
    runs: Vec<i64>,
    payloads: Vec<u8>,
    /// What the next record is if it goes on with the last run.
    next: Option<Facts>,
}

/// What a record is, but for its payload.
#[derive(Clone, Copy)]
struct Facts {
    place: [i64; 5],
    set: bool,
}

/// How large the last batch was: a guess at the next one, whose memory then does not move as it grows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Size {
    numbers: usize,
    bytes: usize,
}

impl Rows {
    pub(crate) fn new(usual: Size) -> Self {
        Self {
            rows: Vec::with_capacity(usual.numbers),
            payloads: Vec::with_capacity(usual.bytes),
            ..Self::default()
        }
    }

    pub(crate) fn push(&mut self, record: RecordView<'_>) {
        let facts =
            Facts { place: place(record.dlsn, record.txid, record.sequence_id), set: record.record_set };
        if !self.next.is_some_and(|next| next.is(facts)) {
            self.runs.push(signed(self.rows.len()) | if facts.set { SET } else { 0 });
            self.runs.extend_from_slice(&facts.place);
        }
        self.next = Some(facts.next());
        self.rows.push(signed(self.payloads.len()) | signed(self.runs.len() / RUN - 1) << 32);
        self.payloads.extend_from_slice(record.payload);
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The size of the payloads.
    pub(crate) fn bytes(&self) -> usize {
        self.payloads.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn size(&self) -> Size {
        Size { numbers: self.rows.len() + 1 + self.runs.len(), bytes: self.payloads.len() }
    }

    /// The same, in memory of which most is needed.
    pub(crate) fn fitting(mut self) -> Self {
        let Size { numbers, bytes } = self.size();
        fit(&mut self.rows, numbers);
        fit(&mut self.payloads, bytes);
        self
    }

    /// A batch of them, from a reader that is at this position and ended so.
    pub(crate) fn batch(mut self, position: Dlsn, end: Option<End>) -> Batch {
        let records = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        self.rows.push(signed(self.payloads.len()));
        self.rows.append(&mut self.runs);
        Batch {
            records,
            numbers: BigInt64Array::new(self.rows),
            payloads: self.payloads.into(),
            position: position.to_string(),
            end: end.map(|end| name_of(end).to_owned()),
        }
    }
}

/// Gives back memory of which most is not needed: a record may be kept for long, and its batch with it.
fn fit<T>(list: &mut Vec<T>, needed: usize) {
    if needed < list.capacity() / 2 {
        list.shrink_to(needed);
    }
}

impl Facts {
    /// Whether it is the same. Number by number: a call that compares memory would wait for what was just written there, which was felt.
    fn is(self, other: Self) -> bool {
        let differing = |bits, (one, other): (&i64, &i64)| bits | (one ^ other);
        self.place.iter().zip(&other.place).fold(0, differing) == 0 && self.set == other.set
    }

    /// What the record behind it is, in the same entry.
    fn next(self) -> Self {
        let [segment, entry, slot, txid, sequence_id] = self.place;
        let sequence_id = if sequence_id == NONE { NONE } else { sequence_id.wrapping_add(1) };
        Self { place: [segment, entry, slot.wrapping_add(1), txid, sequence_id], ..self }
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
pub(crate) fn receipts(receipts: &[Receipt]) -> BigInt64Array {
    let mut numbers = Vec::with_capacity(receipts.len() * RECEIPT);
    receipts.iter().for_each(|each| receipt(each, &mut numbers));
    BigInt64Array::new(numbers)
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
