//! What must hold for any bytes given to a decoder: the door for `dl-core/fuzz`, and for property tests.
//!
//! Each function panics where a decoder breaks its promise: it reads what was written, or says `corrupt`.

use bytes::Bytes;

use crate::error::{Error, ErrorKind};
use crate::format::{
    EntryBuilder, EntryRecords, RawRecord, RecordHead, RecordHeader, RecordHeads, RecordKind, RecordSet,
    encode_record_set, open_entry,
};
use crate::metadata::{SegmentMetadata, completed_name, completed_number};
use crate::types::{Compression, Dlsn, MAX_ENTRY_BYTES};

/// An entry, enveloped and bare.
pub fn entry(stored: &[u8]) {
    for enveloped in [true, false] {
        match open_entry(Bytes::copy_from_slice(stored), enveloped) {
            Ok(area) => records(&area, stored.len()),
            Err(error) => is_corrupt(&error),
        }
    }
}

/// The payload of a record that carries a record set.
pub fn record_set(payload: &[u8]) {
    let payload = Bytes::copy_from_slice(payload);
    let members = match RecordSet::open(&payload).and_then(Iterator::collect::<Result<Vec<Bytes>, Error>>) {
        Ok(members) => members,
        Err(error) => return is_corrupt(&error),
    };
    assert_eq!(RecordSet::count(&payload).ok(), u32::try_from(members.len()).ok());
    for codec in [Compression::None, Compression::Lz4] {
        // Without members, or too large for a record: read, but never written.
        if let Ok(again) = encode_record_set(&members, codec) {
            let read = RecordSet::open(&again).and_then(Iterator::collect::<Result<Vec<Bytes>, Error>>);
            assert_eq!(read.ok().as_ref(), Some(&members));
        }
    }
}

/// The data of a segment's node.
pub fn segment_text(data: &[u8]) {
    match SegmentMetadata::parse(data) {
        Ok(segment) => {
            assert_eq!(segment.to_string().as_bytes(), data);
            let name = completed_name(segment.number);
            assert_eq!(completed_number(&name), Some(segment.number));
        }
        Err(error) if error.kind() == ErrorKind::Unsupported => {}
        Err(error) => is_corrupt(&error),
    }
}

/// The stored forms and the text of a position.
pub fn dlsn(stored: &[u8]) {
    if let Ok(dlsn) = Dlsn::from_bytes(stored) {
        assert!(dlsn.to_bytes() == stored || dlsn.to_bytes_v0() == stored);
    }
    let Ok(text) = std::str::from_utf8(stored) else { return };
    if let Ok(dlsn) = Dlsn::from_base64(text) {
        let standard = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
        let forms = [dlsn.to_base64(), dlsn.to_base64_v0()];
        assert!(forms.iter().any(|form| form.trim_end_matches('=') == standard));
    }
    if let Ok(dlsn) = text.parse::<Dlsn>() {
        assert_eq!(dlsn.to_string().parse::<Dlsn>().ok(), Some(dlsn));
    }
}

fn records(area: &Bytes, stored_bytes: usize) {
    assert!(area.len() <= stored_bytes.max(MAX_ENTRY_BYTES));
    let heads: Vec<RecordHead> = match RecordHeads::new(area).collect() {
        Ok(heads) => heads,
        Err(error) => {
            is_corrupt(&error);
            Vec::new()
        }
    };
    assert!(heads.is_empty() || again(area, &heads) == area[..]);
    let mut walk = EntryRecords::new(area.clone());
    let mut slot = 0;
    for record in walk.by_ref() {
        match record {
            Ok(record) => {
                assert_eq!(record.slot, slot);
                slot += 1;
            }
            Err(error) => {
                is_corrupt(&error);
                assert!(walk.next().is_none(), "a walk ends with its error");
                return;
            }
        }
    }
    assert_eq!(heads.last().map_or(0, RecordHead::end_slot), slot);
    if let Some(built) = build(area, &heads) {
        let read = |area: &Bytes| -> Vec<RawRecord> {
            EntryRecords::new(area.clone())
                .flatten()
                .map(|record| RawRecord { position: 0, ..record })
                .collect()
        };
        assert_eq!(read(&built), read(area));
    }
}

/// The same records with their headers written again.
fn again(area: &[u8], heads: &[RecordHead]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(area.len());
    for RecordHead { kind, position, txid, payload, .. } in heads {
        let payload = &area[payload.clone()];
        let header = RecordHeader {
            kind: *kind,
            position: *position,
            txid: *txid,
            payload_bytes: payload.len() as u32,
        };
        bytes.extend_from_slice(&header.encode());
        bytes.extend_from_slice(payload);
    }
    bytes
}

/// The same records in a compressed entry of ours; `None` where we would not write them.
fn build(area: &Bytes, heads: &[RecordHead]) -> Option<Bytes> {
    let mut builder = EntryBuilder::new();
    for head in heads {
        builder.push(head.kind, head.txid, &area[head.payload.clone()]).ok()?;
    }
    let (entry, next) = builder.finish(1, Compression::Lz4).ok()?;
    let counted = heads.iter().filter(|head| matches!(head.kind, RecordKind::User | RecordKind::RecordSet));
    assert_eq!(u64::from(next), 1 + counted.map(|head| u64::from(head.slots)).sum::<u64>());
    open_entry(entry, true).ok()
}

fn is_corrupt(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
}
