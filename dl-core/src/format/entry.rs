//! Entries, the unit that is stored and made durable: an envelope, then records back to back.

use std::ops::Range;

use bytes::Bytes;

use super::compression::{Body, compress, length};
use super::record::{MAX_POSITION, RecordHeader, RecordKind, patch_position};
use super::record_set::RecordSet;
use crate::error::{Error, Result};
use crate::types::{Compression, ENVELOPE_BYTES, MAX_ENTRY_BYTES, MAX_PAYLOAD_BYTES, RECORD_HEADER_BYTES};

const VERSION: u8 = 1;

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

/// A record as an entry holds it, or a member of a record set, which reads as a user record. A record set itself only where
/// sets are asked for whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawRecord<P = Bytes> {
    pub(crate) slot: u32,
    /// How many slots it takes: one, or as many as a record set has members.
    pub(crate) slots: u32,
    pub(crate) kind: RecordKind,
    pub(crate) txid: i64,
    /// Its position within the segment; 0 in user records where Java did not count. Of a record set, its first member's.
    pub(crate) position: u32,
    /// A slice of the records area, or of a decompressed record set; or where that is.
    pub(crate) payload: P,
}

/// Where the payload of a record is.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// In the records area.
    Area(Range<usize>),
    /// In a record set, which has memory of its own if it was compressed.
    Set(Bytes),
}

/// Walks the records of an entry; members of record sets one by one.
///
/// Yields an error `corrupt` and then nothing more where the bytes are no records.
#[derive(Debug, Clone)]
pub(crate) struct EntryRecords {
    area: Bytes,
    heads: HeadCursor,
    set: Option<OpenSet>,
    whole_sets: bool,
}

impl EntryRecords {
    /// The records in what [`open_entry`] returned.
    pub(crate) fn new(area: Bytes) -> Self {
        Self { area, heads: HeadCursor::default(), set: None, whole_sets: false }
    }

    /// Yields a record set as one record instead of its members, unless [`skip_to`](Self::skip_to) goes inside it.
    pub(crate) fn whole_sets(mut self, whole: bool) -> Self {
        self.whole_sets = whole;
        self
    }

    /// Passes over the records whose slot is below `slot`; costs a look at each header, and at no payload.
    pub(crate) fn skip_to(&mut self, slot: u32) -> Result<()> {
        let skipped = self.pass_to(slot);
        if skipped.is_err() {
            self.stop();
        }
        skipped
    }

    /// Passes over the records in front of the one that holds `slot`, which may be a whole set; answers its first slot.
    pub(crate) fn skip_to_record(&mut self, slot: u32) -> Result<u32> {
        loop {
            let before = self.heads.clone();
            match self.heads.next(&self.area) {
                Ok(Some(head)) if head.end_slot() <= slot => {}
                Ok(found) => {
                    self.heads = before;
                    return Ok(found.map_or(slot, |head| head.slot));
                }
                Err(error) => {
                    self.stop();
                    return Err(error);
                }
            }
        }
    }

    fn pass_to(&mut self, slot: u32) -> Result<()> {
        if let Some(set) = &mut self.set {
            set.skip_to(slot)?;
        }
        while self.heads.slot < slot {
            self.set = None;
            let Some(head) = self.heads.next(&self.area)? else { break };
            // Only a record set takes more than one slot.
            if head.end_slot() > slot {
                let mut set = self.open(&head)?;
                set.skip_to(slot)?;
                self.set = Some(set);
            }
        }
        Ok(())
    }

    /// The next record, whose payload is only looked for: [`payload`](Self::payload) has it.
    #[inline]
    pub(crate) fn find(&mut self) -> Option<Result<RawRecord<Place>>> {
        let found = self.advance();
        if found.is_err() {
            self.stop();
        }
        found.transpose()
    }

    /// The payload that was found there.
    #[inline]
    pub(crate) fn payload<'a>(&'a self, place: &'a Place) -> &'a [u8] {
        match place {
            Place::Area(range) => &self.area[range.clone()],
            Place::Set(payload) => payload,
        }
    }

    /// The same, with a share of its memory.
    #[inline]
    pub(crate) fn share(&self, place: Place) -> Bytes {
        match place {
            Place::Area(range) => self.area.slice(range),
            Place::Set(payload) => payload,
        }
    }

    #[inline]
    fn advance(&mut self) -> Result<Option<RawRecord<Place>>> {
        loop {
            if let Some(set) = &mut self.set {
                if let Some(member) = set.next()? {
                    return Ok(Some(member));
                }
                self.set = None;
            }
            let Some(head) = self.heads.next(&self.area)? else { return Ok(None) };
            if head.kind == RecordKind::RecordSet && (!self.whole_sets || head.slots == 0) {
                self.set = Some(self.open(&head)?);
                continue;
            }
            return Ok(Some(RawRecord {
                slot: head.slot,
                slots: head.slots,
                kind: head.kind,
                txid: head.txid,
                position: head.position,
                payload: Place::Area(head.payload),
            }));
        }
    }

    fn stop(&mut self) {
        self.heads.at = self.area.len();
        self.set = None;
    }

    fn open(&self, head: &RecordHead) -> Result<OpenSet> {
        let members = RecordSet::open(&self.area.slice(head.payload.clone()))
            .map_err(|error| error.with("slot", head.slot))?;
        Ok(OpenSet { members, slot: head.slot, position: head.position, txid: head.txid })
    }
}

impl Iterator for EntryRecords {
    type Item = Result<RawRecord>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let found = self.find()?;
        Some(found.map(|raw| {
            let RawRecord { slot, slots, kind, txid, position, payload } = raw;
            RawRecord { slot, slots, kind, txid, position, payload: self.share(payload) }
        }))
    }
}

impl Place {
    /// How long the payload is.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Area(range) => range.len(),
            Self::Set(payload) => payload.len(),
        }
    }
}

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
struct HeadCursor {
    at: usize,
    slot: u32,
}

impl HeadCursor {
    #[inline]
    fn next(&mut self, area: &[u8]) -> Result<Option<RecordHead>> {
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

/// A record set that is being walked.
#[derive(Debug, Clone)]
struct OpenSet {
    members: RecordSet,
    /// Of the next member, as the position is.
    slot: u32,
    position: u32,
    txid: i64,
}

impl OpenSet {
    fn next(&mut self) -> Result<Option<RawRecord<Place>>> {
        let Some(payload) = self.members.next() else { return Ok(None) };
        let payload = payload.map_err(|error| error.with("slot", self.slot))?;
        let record = RawRecord {
            slot: self.slot,
            slots: 1,
            kind: RecordKind::User,
            txid: self.txid,
            position: self.position,
            payload: Place::Set(payload),
        };
        self.slot += 1;
        self.position += 1;
        Ok(Some(record))
    }

    fn skip_to(&mut self, slot: u32) -> Result<()> {
        while self.slot < slot && self.next()?.is_some() {}
        Ok(())
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
