//! One record as stored: a header of 20 bytes, then the payload.

use crate::error::{Error, Result};
use crate::types::{MAX_PAYLOAD_BYTES, RECORD_HEADER_BYTES};

/// The highest position within a segment.
pub(crate) const MAX_POSITION: u32 = i32::MAX.unsigned_abs();

/// The payload of the control records that a writer adds by itself.
pub(crate) const CONTROL_PAYLOAD: &[u8] = b"control";

/// The payload of the record that seals a log.
pub(crate) const END_OF_STREAM_PAYLOAD: &[u8] = b"endOfStream";

/// The txid of the record that seals a log; no user record has it.
pub(crate) const END_OF_STREAM_TXID: i64 = i64::MAX;

const FLAG_CONTROL: u8 = 1;
const FLAG_END_OF_STREAM: u8 = 2;
const FLAG_RECORD_SET: u8 = 4;

/// The header of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordHeader {
    pub(crate) kind: RecordKind,
    /// The number of user records in the segment up to this one, it included; at most [`MAX_POSITION`].
    pub(crate) position: u32,
    pub(crate) txid: i64,
    /// At most [`MAX_PAYLOAD_BYTES`].
    pub(crate) payload_bytes: u32,
}

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordKind {
    /// A user's record: takes one position.
    User,
    /// Many user records with one txid, packed into the payload of one: takes a position and a slot for each.
    RecordSet,
    /// A record for readers' machinery, never delivered: takes a slot, no position.
    Control,
    /// The mark behind the last record of a sealed log: takes a slot, no position.
    EndOfStream,
}

impl RecordHeader {
    /// The header as stored.
    #[inline]
    pub(crate) fn encode(&self) -> [u8; RECORD_HEADER_BYTES] {
        let word = u64::from(self.position) << 16 | u64::from(self.kind.flag());
        let mut bytes = [0; RECORD_HEADER_BYTES];
        bytes[..8].copy_from_slice(&word.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.txid.to_be_bytes());
        bytes[16..].copy_from_slice(&self.payload_bytes.to_be_bytes());
        bytes
    }

    /// Reads a stored header. Stricter than Java, which ignores unknown flags and ends the entry without a word at a
    /// negative length: it writes neither.
    #[inline]
    pub(crate) fn decode(bytes: &[u8; RECORD_HEADER_BYTES]) -> Result<Self> {
        let [w0, w1, p0, p1, p2, p3, f0, f1, t0, t1, t2, t3, t4, t5, t6, t7, n0, n1, n2, n3] = *bytes;
        let position = u32::from_be_bytes([p0, p1, p2, p3]);
        let payload_bytes = u32::from_be_bytes([n0, n1, n2, n3]);
        if w0 | w1 | f0 != 0 {
            return Err(corrupt("has flags that no version of the format knows"));
        }
        if position > MAX_POSITION {
            return Err(corrupt("has a position above 2^31-1"));
        }
        if payload_bytes as usize > MAX_PAYLOAD_BYTES {
            return Err(corrupt("has a negative length, or one over the limit of a record"));
        }
        Ok(Self {
            kind: RecordKind::from_flag(f1)?,
            position,
            txid: i64::from_be_bytes([t0, t1, t2, t3, t4, t5, t6, t7]),
            payload_bytes,
        })
    }
}

impl RecordKind {
    const fn flag(self) -> u8 {
        match self {
            Self::User => 0,
            Self::RecordSet => FLAG_RECORD_SET,
            Self::Control => FLAG_CONTROL,
            Self::EndOfStream => FLAG_END_OF_STREAM,
        }
    }

    #[inline]
    fn from_flag(flag: u8) -> Result<Self> {
        match flag {
            0 => Ok(Self::User),
            FLAG_RECORD_SET => Ok(Self::RecordSet),
            FLAG_CONTROL => Ok(Self::Control),
            FLAG_END_OF_STREAM => Ok(Self::EndOfStream),
            _ => Err(corrupt("has flags that no version of the format knows")),
        }
    }
}

/// Changes the position in an encoded header in place.
#[inline]
pub(crate) fn patch_position(header: &mut [u8; RECORD_HEADER_BYTES], position: u32) {
    header[2..6].copy_from_slice(&position.to_be_bytes());
}

#[cold]
fn corrupt(what: &'static str) -> Error {
    Error::corrupt(format!("a record header {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    const E3: [u8; 20] = [0, 0, 0, 0, 0, 3, 0, 2, 0x7f, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 11];

    #[test]
    fn a_header_reads_as_written() {
        let header = RecordHeader {
            kind: RecordKind::EndOfStream,
            position: 3,
            txid: END_OF_STREAM_TXID,
            payload_bytes: 11,
        };
        assert_eq!(header.encode(), E3);
        assert_eq!(RecordHeader::decode(&E3).unwrap(), header);
    }

    #[test]
    fn only_the_position_is_patched() {
        let mut bytes = E3;
        patch_position(&mut bytes, MAX_POSITION);
        let before = RecordHeader::decode(&E3).unwrap();
        assert_eq!(RecordHeader::decode(&bytes).unwrap(), RecordHeader { position: MAX_POSITION, ..before });
    }

    #[test]
    fn headers_that_nobody_writes_are_corrupt() {
        for (at, value) in [(0, 0x80), (1, 1), (2, 0x80), (6, 1), (7, 3), (7, 8), (16, 0x80), (16, 1)] {
            let mut bytes = E3;
            bytes[at] = value;
            let error = RecordHeader::decode(&bytes).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {at} = {value:#x}");
        }
    }
}
