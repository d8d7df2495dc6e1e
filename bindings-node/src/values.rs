//! Arguments: from what JavaScript passes to what the log takes.

use bytes::Bytes;
use dl_core::{Condition, Dlsn, Error, ErrorKind, NewRecord, NewRecordView, Record, Result, Txid};
use napi::bindgen_prelude::{BigInt, BigInt64Array, Uint32Array};

use crate::columns::{Batch, Rows, Size};
use crate::error::out_of_range;

/// Stands for a record without a txid of its own.
const NO_TXID: i64 = i64::MIN;

/// A number of 64 bits.
pub(crate) fn number(value: &BigInt, what: &str) -> Result<i64> {
    match value.get_i64() {
        (number, true) => Ok(number),
        _ => Err(out_of_range(what)),
    }
}

/// A txid, if there is one.
pub(crate) fn txid(value: Option<BigInt>) -> Result<Option<Txid>> {
    value.map(|value| number(&value, "txid").and_then(Txid::new)).transpose()
}

/// A position that was given to this call.
pub(crate) fn position(operation: &'static str, text: &str) -> Result<Dlsn> {
    text.parse().map_err(|error: Error| error.during(operation))
}

/// What an append expects: a position, the text `empty` for an empty log, or nothing.
pub(crate) fn condition(text: Option<String>) -> Result<Option<Condition>> {
    match text.as_deref() {
        None => Ok(None),
        Some("empty") => Ok(Some(Condition::Empty)),
        Some(dlsn) => match dlsn.parse() {
            Ok(dlsn) => Ok(Some(Condition::Last(dlsn))),
            Err(error) => {
                let message = format!("{}, or 'empty' or null for an empty log", error.message());
                Err(Error::new(ErrorKind::InvalidArgument, message))
            }
        },
    }
}

/// A record to append.
pub(crate) fn record(payload: &[u8], txid: Option<Txid>) -> NewRecord {
    let record = NewRecord::new(Bytes::copy_from_slice(payload));
    match txid {
        Some(txid) => record.txid(txid),
        None => record,
    }
}

/// Records of one call where JavaScript has them: their payloads lie one behind the other.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'a> {
    data: &'a [u8],
    lengths: &'a [u32],
    /// One for each, or none at all.
    txids: &'a [i64],
}

impl<'a> Shown<'a> {
    /// Records of which nothing is wrong: what else refuses one is its writer.
    pub(crate) fn new(
        data: &'a [u8],
        lengths: &'a Uint32Array,
        txids: Option<&'a BigInt64Array>,
    ) -> Result<Self> {
        let lengths: &[u32] = lengths;
        let total = lengths.iter().fold(0, |total: usize, length| total.saturating_add(wide(*length)));
        if total > data.len() {
            return Err(Error::new(ErrorKind::Internal, "payloads are longer than their buffer"));
        }
        let txids: &[i64] = txids.map_or(&[], |txids| txids);
        txids.iter().filter(|txid| **txid != NO_TXID).try_for_each(|txid| Txid::new(*txid).map(drop))?;
        Ok(Self { data, lengths, txids })
    }

    pub(crate) fn len(&self) -> usize {
        self.lengths.len()
    }

    /// The records, not copied.
    pub(crate) fn views(self) -> impl Iterator<Item = NewRecordView<'a>> {
        let mut data = self.data;
        self.lengths.iter().enumerate().map(move |(index, length)| {
            // They were checked.
            let (payload, behind) = data.split_at(wide(*length).min(data.len()));
            data = behind;
            let view = NewRecordView::new(payload);
            self.txid(index).into_iter().fold(view, NewRecordView::txid)
        })
    }

    /// Copies of those from this one on.
    pub(crate) fn copies(self, from: usize) -> Vec<NewRecord> {
        let (before, lengths) = self.lengths.split_at(from.min(self.len()));
        let before = before.iter().map(|length| wide(*length)).sum();
        let payloads = split(self.data.get(before..).unwrap_or_default(), lengths);
        let records = (from..).zip(payloads).map(|(index, payload)| {
            self.txid(index).into_iter().fold(NewRecord::new(payload), NewRecord::txid)
        });
        records.collect()
    }

    /// Copies of the payloads.
    pub(crate) fn payloads(self) -> Vec<Bytes> {
        split(self.data, self.lengths).collect()
    }

    fn txid(&self, index: usize) -> Option<Txid> {
        // They were checked: what is none is NO_TXID.
        self.txids.get(index).and_then(|txid| Txid::new(*txid).ok())
    }
}

/// Copies of payloads that lie one behind the other, which share one memory.
fn split(data: &[u8], lengths: &[u32]) -> impl Iterator<Item = Bytes> {
    let mut data = Bytes::copy_from_slice(data);
    lengths.iter().map(move |length| data.split_to(wide(*length).min(data.len())))
}

fn wide(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

/// A record that was looked up, as a batch of one; of none if there is none.
pub(crate) fn looked_up(record: Option<Record>) -> Batch {
    let mut rows = Rows::new(Size::default());
    record.iter().for_each(|record| rows.push(record.view()));
    rows.batch(record.as_ref().map_or(Dlsn::INVALID, |record| record.dlsn), None)
}
