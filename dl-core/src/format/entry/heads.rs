//! What the headers of an entry's records say, and where their payloads are.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::format::record::{MAX_POSITION, RecordHeader, RecordKind};
use crate::format::record_set::RecordSet;
use crate::types::RECORD_HEADER_BYTES;

/// Walks the headers of an entry's records and looks at no payload; a record set is one item.
///
/// Yields an error `corrupt` and then nothing more where the bytes are no records.
#[derive(Debug, Clone)]
pub(crate) struct RecordHeads<'a> {
    area: &'a [u8],
    cursor: HeadCursor,
}

/// Where a record lies in its entry, and what its header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordHead {
    /// Its slot; of a record set, its first member's.
    pub(crate) slot: u32,
    /// How many slots it takes: one, or as many as a record set has members.
    pub(crate) slots: u32,
    pub(crate) kind: RecordKind,
    pub(crate) txid: i64,
    /// Its position within the segment; of a record set, its first member's.
    pub(crate) position: u32,
    /// Where its payload is in the records area.
    pub(crate) payload: Range<usize>,
}

impl<'a> RecordHeads<'a> {
    /// The headers in what [`open_entry`] returned.
    pub(crate) fn new(area: &'a [u8]) -> Self {
        Self { area, cursor: HeadCursor::default() }
    }
}

impl Iterator for RecordHeads<'_> {
    type Item = Result<RecordHead>;

    fn next(&mut self) -> Option<Self::Item> {
        let head = self.cursor.next(self.area);
        if head.is_err() {
            self.cursor.at = self.area.len();
        }
        head.transpose()
    }
}

impl RecordHead {
    /// The slot after its last.
    pub(crate) fn end_slot(&self) -> u32 {
        self.slot + self.slots
    }

    /// The position of its last record: of a record set, its last member's.
    pub(crate) fn last_position(&self) -> u32 {
        match self.kind {
            RecordKind::RecordSet => self.position + self.slots.saturating_sub(1),
            RecordKind::User | RecordKind::Control | RecordKind::EndOfStream => self.position,
        }
    }
}

/// How far a walk over a records area has come.
#[derive(Debug, Clone, Default)]
pub(super) struct HeadCursor {
    pub(super) at: usize,
    pub(super) slot: u32,
}

impl HeadCursor {
    #[inline]
    pub(super) fn next(&mut self, area: &[u8]) -> Result<Option<RecordHead>> {
        let rest = &area[self.at..];
        let Some((header, behind)) = rest.split_first_chunk::<RECORD_HEADER_BYTES>() else {
            return if rest.is_empty() { Ok(None) } else { Err(self.corrupt("ends within a record header")) };
        };
        let RecordHeader { kind, position, txid, payload_bytes } =
            RecordHeader::decode(header).map_err(|error| self.locate(error))?;
        let Some(payload) = behind.get(..payload_bytes as usize) else {
            return Err(self.corrupt("has a record that runs past its end"));
        };
        let slots = match kind {
            RecordKind::RecordSet => self.set_slots(position, payload)?,
            RecordKind::User | RecordKind::Control | RecordKind::EndOfStream => 1,
        };
        let slot = self.slot;
        self.slot = slot.checked_add(slots).ok_or_else(|| self.corrupt("has more than 2^32-1 records"))?;
        let start = self.at + RECORD_HEADER_BYTES;
        self.at = start + payload.len();
        Ok(Some(RecordHead { slot, slots, kind, txid, position, payload: start..self.at }))
    }

    /// The next record if it is one of a user and nothing is the matter with it; else moves nowhere, and says nothing.
    #[inline]
    pub(super) fn plain(&mut self, area: &[u8]) -> Option<RecordHead> {
        let (header, behind) = area.get(self.at..)?.split_first_chunk::<RECORD_HEADER_BYTES>()?;
        let RecordHeader { kind, position, txid, payload_bytes } = RecordHeader::decode(header).ok()?;
        let bytes = payload_bytes as usize;
        if kind != RecordKind::User || behind.len() < bytes {
            return None;
        }
        let (slot, start) = (self.slot, self.at + RECORD_HEADER_BYTES);
        self.slot = slot.checked_add(1)?;
        self.at = start + bytes;
        Some(RecordHead { slot, slots: 1, kind, txid, position, payload: start..self.at })
    }

    fn set_slots(&self, position: u32, payload: &[u8]) -> Result<u32> {
        let count = RecordSet::count(payload).map_err(|error| self.locate(error))?;
        if position.saturating_add(count.saturating_sub(1)) > MAX_POSITION {
            return Err(self.corrupt("has a record set with positions above 2^31-1"));
        }
        Ok(count)
    }

    #[cold]
    fn corrupt(&self, what: &'static str) -> Error {
        self.locate(Error::corrupt(format!("an entry {what}")))
    }

    #[cold]
    fn locate(&self, error: Error) -> Error {
        error.with("slot", self.slot).with("byte", self.at)
    }
}
