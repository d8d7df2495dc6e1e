//! Entries, the unit that is stored and made durable: an envelope, then records back to back.

mod builder;
mod heads;
mod records;

use bytes::Bytes;

use super::compression::{Body, length};
use crate::error::{Error, Result};
use crate::types::{Compression, ENVELOPE_BYTES, MAX_ENTRY_BYTES};

pub(crate) use self::builder::EntryBuilder;
pub(crate) use self::heads::{RecordHead, RecordHeads};
pub(crate) use self::records::{EntryRecords, Place, RawRecord};

const VERSION: u8 = 1;

/// The records of an entry, back to back, from the entry as stored: decompressed if need be, else a slice of `entry`.
///
/// Segments of metadata version 4 and later have enveloped entries, older ones bare records.
///
/// # Errors
/// `corrupt` if the envelope is not one that DistributedLog writes.
pub(crate) fn open_entry(entry: Bytes, enveloped: bool) -> Result<Bytes> {
    if !enveloped {
        return Ok(entry);
    }
    let Some(&[version, f0, f1, f2, f3, d0, d1, d2, d3, s0, s1, s2, s3]) = entry.first_chunk() else {
        return Err(Error::corrupt("an entry is shorter than its envelope"));
    };
    if version != VERSION {
        return Err(Error::corrupt(format!("an entry has the version {version} instead of {VERSION}")));
    }
    let body = Body {
        codec: Compression::from_code(i32::from_be_bytes([f0, f1, f2, f3]))?,
        decompressed_bytes: length([d0, d1, d2, d3])?,
        stored_bytes: length([s0, s1, s2, s3])?,
    };
    body.open(&entry, ENVELOPE_BYTES, MAX_ENTRY_BYTES)
}
