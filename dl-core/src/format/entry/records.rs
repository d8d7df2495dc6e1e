//! The records of an entry, one after another.

use std::ops::Range;

use bytes::Bytes;

use super::heads::{HeadCursor, RecordHead};
use crate::error::Result;
use crate::format::record::RecordKind;
use crate::format::record_set::RecordSet;

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

    /// The next record if it is one of a user, which most are; else [`find`](Self::find) has it, or the error.
    #[inline]
    pub(crate) fn plain(&mut self) -> Option<RawRecord<Range<usize>>> {
        if self.set.is_some() {
            return None;
        }
        let RecordHead { slot, slots, kind, txid, position, payload } = self.heads.plain(&self.area)?;
        Some(RawRecord { slot, slots, kind, txid, position, payload })
    }

    /// The memory that [`plain`](Self::plain) records are in.
    #[inline]
    pub(crate) fn area(&self) -> &Bytes {
        &self.area
    }

    /// The memory that it is in, and where in it.
    #[inline]
    pub(crate) fn memory<'a>(&'a self, place: &'a Place) -> (&'a Bytes, Range<usize>) {
        match place {
            Place::Area(range) => (&self.area, range.clone()),
            Place::Set(payload) => (payload, 0..payload.len()),
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
