//! Arguments: from what JavaScript passes to what the log takes.

use bytes::Bytes;
use dl_core::{Condition, Dlsn, Error, ErrorKind, NewRecord, Record, Result, Txid};
use napi::bindgen_prelude::{BigInt, BigInt64Array, Uint32Array};

use crate::columns::{Batch, Rows, Size};
use crate::error::out_of_range;

/// Stands for a record without a txid of its own.
const NO_TXID: i64 = i64::MIN;

/// Options, by name and text.
pub(crate) fn each_option(options: &[String], mut set: impl FnMut(&str, &str) -> Result<()>) -> Result<()> {
    options.chunks_exact(2).try_for_each(|pair| set(&pair[0], &pair[1]))
}

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

/// A position, if there is one.
pub(crate) fn optional_dlsn(text: Option<String>) -> Result<Option<Dlsn>> {
    text.map(|text| text.parse()).transpose()
}

/// What an append expects: a position, the text `none` for an empty log, or nothing.
pub(crate) fn condition(text: Option<String>) -> Result<Option<Condition>> {
    match text.as_deref() {
        None => Ok(None),
        Some("none") => Ok(Some(Condition::Empty)),
        Some(dlsn) => dlsn.parse().map(|dlsn| Some(Condition::Last(dlsn))),
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

/// Payloads that lie one behind the other.
pub(crate) fn payloads(data: &[u8], lengths: &Uint32Array) -> Result<Vec<Bytes>> {
    let mut data = Bytes::copy_from_slice(data);
    let mut payloads = Vec::with_capacity(lengths.len());
    for length in lengths.iter() {
        let length = usize::try_from(*length).unwrap_or(usize::MAX);
        if length > data.len() {
            return Err(Error::new(ErrorKind::Internal, "payloads are longer than their buffer"));
        }
        payloads.push(data.split_to(length));
    }
    Ok(payloads)
}

/// Records to append, whose payloads lie one behind the other.
pub(crate) fn records(
    data: &[u8],
    lengths: &Uint32Array,
    txids: Option<&BigInt64Array>,
) -> Result<Vec<NewRecord>> {
    let mut records: Vec<NewRecord> = payloads(data, lengths)?.into_iter().map(NewRecord::new).collect();
    if let Some(txids) = txids {
        for (record, txid) in records.iter_mut().zip(txids.iter()) {
            if *txid != NO_TXID {
                *record = record.clone().txid(Txid::new(*txid)?);
            }
        }
    }
    Ok(records)
}

/// A record that was looked up, as a batch of one; of none if there is none.
pub(crate) fn looked_up(record: Option<Record>) -> Batch {
    let mut rows = Rows::new(Size::default());
    record.iter().for_each(|record| rows.push(record.view()));
    rows.batch(record.as_ref().map_or(Dlsn::INVALID, |record| record.dlsn), None)
}
