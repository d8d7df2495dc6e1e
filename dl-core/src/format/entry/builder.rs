//! The records of one entry are gathered, and become what is stored.

use bytes::Bytes;

use super::VERSION;
use crate::error::{Error, Result};
use crate::format::compression::compress;
use crate::format::record::{MAX_POSITION, RecordHeader, RecordKind, patch_position};
use crate::format::record_set::RecordSet;
use crate::types::{Compression, ENVELOPE_BYTES, MAX_ENTRY_BYTES, MAX_PAYLOAD_BYTES, RECORD_HEADER_BYTES};

/// Gathers the records of one entry.
///
/// Records are copied once, to where they stay; their positions are filled in by [`finish`](Self::finish), since what
/// comes before the entry may change until then.
#[derive(Debug, Clone)]
pub(crate) struct EntryBuilder {
    /// Room for the envelope, then the records.
    bytes: Vec<u8>,
    records: u32,
    slots: u32,
    positions: u32,
}

impl EntryBuilder {
    /// An entry without records.
    #[cfg(any(test, feature = "test-util"))]
    pub(crate) fn new() -> Self {
        Self::with_capacity(ENVELOPE_BYTES)
    }

    /// An entry without records that grows to `bytes`, its envelope included, without moving.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self::with_memory(Vec::new(), bytes)
    }

    /// The same, in memory that was used before.
    pub(crate) fn with_memory(mut buffer: Vec<u8>, bytes: usize) -> Self {
        buffer.clear();
        buffer.reserve(bytes.clamp(ENVELOPE_BYTES, MAX_ENTRY_BYTES));
        buffer.resize(ENVELOPE_BYTES, 0);
        Self { bytes: buffer, records: 0, slots: 0, positions: 0 }
    }

    /// Whether a record with a payload of so many bytes still fits.
    #[inline]
    pub(crate) fn fits(&self, payload_bytes: usize) -> bool {
        payload_bytes <= MAX_PAYLOAD_BYTES
            && self.bytes.len() + RECORD_HEADER_BYTES + payload_bytes <= MAX_ENTRY_BYTES
    }

    /// Adds a record and returns its slot, the first one for a record set. The entry is unchanged after an error.
    ///
    /// # Errors
    /// `too-large` if the payload is over its limit or does not fit any more; `invalid-argument` for a record set that
    /// is none or empty.
    #[inline]
    pub(crate) fn push(&mut self, kind: RecordKind, txid: i64, payload: &[u8]) -> Result<u32> {
        if !self.fits(payload.len()) {
            return Err(does_not_fit(payload.len()));
        }
        let (slots, positions) = match kind {
            RecordKind::User => (1, 1),
            RecordKind::Control | RecordKind::EndOfStream => (1, 0),
            RecordKind::RecordSet => set_count(payload).map(|count| (count, count))?,
        };
        let slot = self.slots;
        let Some(next_slot) = slot.checked_add(slots) else {
            return Err(does_not_fit(payload.len()));
        };
        let header = RecordHeader { kind, position: 0, txid, payload_bytes: payload.len() as u32 };
        self.bytes.extend_from_slice(&header.encode());
        self.bytes.extend_from_slice(payload);
        self.records += 1;
        self.slots = next_slot;
        // No overflow: no record takes more positions than slots.
        self.positions += positions;
        Ok(slot)
    }

    /// The size of the entry so far without compression, its envelope included.
    pub(crate) fn len_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it has no records.
    pub(crate) fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// The slot that the next record gets.
    pub(crate) fn slots(&self) -> u32 {
        self.slots
    }

    /// How many positions its records take: what [`finish`](Self::finish) adds to the first position.
    pub(crate) fn positions(&self) -> u32 {
        self.positions
    }

    /// The entry as stored, and the position after its last. `first_position` is that of the next user record of the
    /// segment, from 1. Compression is left out where it would make the entry larger.
    ///
    /// # Errors
    /// `too-large` if the positions of the segment are used up.
    pub(crate) fn finish(mut self, first_position: u32, codec: Compression) -> Result<(Bytes, u32)> {
        let next_position = first_position
            .checked_add(self.positions)
            .filter(|next| *next <= MAX_POSITION + 1)
            .ok_or_else(|| Error::too_large("the segment has 2^31-1 records; start a new one"))?;
        self.fill_in_positions(first_position);
        let plain_bytes = self.bytes.len();
        let compressed = match codec {
            Compression::None => None,
            Compression::Lz4 => compress(&self.bytes, ENVELOPE_BYTES),
        };
        let codec = if compressed.is_some() { codec } else { Compression::None };
        let mut entry = compressed.unwrap_or(self.bytes);
        let envelope = envelope(codec, plain_bytes - ENVELOPE_BYTES, entry.len() - ENVELOPE_BYTES);
        entry[..ENVELOPE_BYTES].copy_from_slice(&envelope);
        Ok((Bytes::from(entry), next_position))
    }

    fn fill_in_positions(&mut self, first_position: u32) {
        let mut next = first_position;
        let mut rest = &mut self.bytes[ENVELOPE_BYTES..];
        while let Some((header, behind)) = rest.split_first_chunk_mut::<RECORD_HEADER_BYTES>() {
            let RecordHeader { kind, payload_bytes, .. } =
                RecordHeader::decode(header).expect("push wrote the header");
            let (payload, behind) = behind.split_at_mut(payload_bytes as usize);
            let (position, taken) = match kind {
                RecordKind::User => (next, 1),
                RecordKind::Control | RecordKind::EndOfStream => (next.saturating_sub(1), 0),
                RecordKind::RecordSet => (next, RecordSet::count(payload).expect("push counted the set")),
            };
            patch_position(header, position);
            next += taken;
            rest = behind;
        }
    }
}

fn envelope(codec: Compression, plain_bytes: usize, stored_bytes: usize) -> [u8; ENVELOPE_BYTES] {
    let mut envelope = [0; ENVELOPE_BYTES];
    envelope[0] = VERSION;
    envelope[1..5].copy_from_slice(&codec.code().to_be_bytes());
    envelope[5..9].copy_from_slice(&(plain_bytes as u32).to_be_bytes());
    envelope[9..13].copy_from_slice(&(stored_bytes as u32).to_be_bytes());
    envelope
}

fn set_count(payload: &[u8]) -> Result<u32> {
    let count = RecordSet::count(payload)
        .map_err(|error| Error::invalid_argument("the payload is not a record set").caused_by(error))?;
    if count == 0 {
        return Err(Error::invalid_argument("a record set needs at least one member"));
    }
    Ok(count)
}

#[cold]
fn does_not_fit(payload_bytes: usize) -> Error {
    if payload_bytes > MAX_PAYLOAD_BYTES {
        return Error::too_large(format!(
            "the payload has {payload_bytes} bytes, but a record holds at most {MAX_PAYLOAD_BYTES}"
        ));
    }
    Error::too_large(format!(
        "a payload of {payload_bytes} bytes does not fit into what is left of the entry"
    ))
}
