//! How results, errors and payloads look as JSON.

use dl_core::{CursorInfo, End, Error, LogInfo, Receipt, Record, SegmentInfo, SegmentTruncation};
use serde_json::{Map, Value, json};

/// What stands for "there is none".
pub(crate) const NONE: &str = "none";

pub(crate) fn optional<T>(value: Option<T>, show: impl FnOnce(T) -> Value) -> Value {
    value.map_or_else(|| json!(NONE), show)
}

pub(crate) fn receipt(receipt: &Receipt) -> Value {
    json!({
        "dlsn": receipt.dlsn.to_string(),
        "txid": receipt.txid,
        "sequence_id": optional(receipt.sequence_id, |id| json!(id)),
        "durability": receipt.durability.name(),
        "duplicate": receipt.duplicate,
    })
}

pub(crate) fn record(record: &Record) -> Value {
    json!({
        "dlsn": record.dlsn.to_string(),
        "txid": record.txid,
        "sequence_id": optional(record.sequence_id, |id| json!(id)),
        "payload": hex(&record.payload),
        "record_set": record.record_set,
    })
}

pub(crate) fn end(end: Option<End>) -> Value {
    optional(end, |end| match end {
        End::Bound => json!("bound"),
        End::End => json!("end"),
        End::Sealed => json!("sealed"),
        _ => json!("unknown"),
    })
}

pub(crate) fn info(info: &LogInfo) -> Value {
    json!({
        "name": info.name.as_str(),
        "incarnation": info.incarnation,
        "segments": info.segments,
        "in_progress": info.in_progress,
        "sealed": info.sealed,
        "first_readable": info.first_readable.to_string(),
        "max_txid": optional(info.max_txid, |txid| json!(txid)),
        "owner": optional(info.owner.as_ref(), |owner| json!(owner)),
    })
}

pub(crate) fn segment(segment: &SegmentInfo) -> Value {
    let truncation = match segment.truncation {
        SegmentTruncation::None => json!(NONE),
        SegmentTruncation::Whole => json!("whole"),
        SegmentTruncation::Below(dlsn) => json!(dlsn.to_string()),
    };
    json!({
        "number": segment.number,
        "id": segment.id.get(),
        "truncation": truncation,
        "first_txid": segment.first_txid,
        "first_sequence_id": optional(segment.first_sequence_id, |id| json!(id)),
        "completed": optional(segment.completed, |end| json!({
            "records": end.records,
            "last_txid": end.last_txid,
            "last_dlsn": optional(end.last_dlsn, |dlsn| json!(dlsn.to_string())),
            "completed_ms": end.completed_ms,
        })),
    })
}

pub(crate) fn cursor(cursor: &CursorInfo) -> Value {
    json!({
        "name": cursor.name.as_str(),
        "position": optional(cursor.position, |dlsn| json!(dlsn.to_string())),
        "owner": optional(cursor.owner.as_ref(), |owner| json!(owner)),
    })
}

pub(crate) fn error(error: &Error) -> Value {
    let context: Map<String, Value> =
        error.context().map(|(key, value)| (key.to_owned(), json!(value))).collect();
    json!({
        "kind": error.kind().name(),
        "number": error.number(),
        "message": error.message(),
        "operation": optional(error.operation(), |operation| json!(operation)),
        "context": context,
        "dlsn": optional(error.dlsn(), |dlsn| json!(dlsn.to_string())),
        "owner": optional(error.owner(), |owner| json!(owner)),
        "retryable": error.is_retryable(),
        "may_have_taken_effect": error.may_have_taken_effect(),
    })
}

/// Written for speed without optimisation: cases have payloads of a megabyte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = Vec::with_capacity(bytes.len() * 2);
    for &byte in bytes {
        text.push(DIGITS[(byte >> 4) as usize]);
        text.push(DIGITS[(byte & 15) as usize]);
    }
    String::from_utf8(text).expect("digits are ASCII")
}

pub(crate) fn from_hex(text: &str) -> Result<Vec<u8>, String> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let mut bytes = Vec::with_capacity(pairs.len());
    for &[high, low] in pairs {
        match (VALUES[high as usize], VALUES[low as usize]) {
            (high @ 0..16, low @ 0..16) => bytes.push(high << 4 | low),
            _ => return Err(format!("{text:?} is not hexadecimal")),
        }
    }
    if rest.is_empty() { Ok(bytes) } else { Err(format!("{text:?} has an odd number of digits")) }
}

/// The value of each digit; 255 for what is none.
const VALUES: [u8; 256] = {
    let mut values = [255; 256];
    let mut digit = 0;
    while digit < 16 {
        values[b"0123456789abcdef"[digit as usize] as usize] = digit;
        values[b"0123456789ABCDEF"[digit as usize] as usize] = digit;
        digit += 1;
    }
    values
};
