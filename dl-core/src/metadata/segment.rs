//! What a log's metadata says about a segment: the names and texts of the nodes below `ledgers`.

use std::fmt;

use crate::error::{Error, Result};
use crate::types::{Dlsn, SegmentId};

/// What a node below `ledgers` says about one segment.
///
/// The text is a row of decimal numbers separated by `;`, whose layout follows from the version. [`parse`](Self::parse)
/// and [`to_string`](ToString::to_string) are exact inverses of each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SegmentMetadata {
    /// 1 to [`CURRENT_VERSION`](Self::CURRENT_VERSION). It stays what it is when the segment changes.
    pub(crate) version: u8,
    pub(crate) truncation: Truncation,
    /// 0 to 15.
    pub(crate) region: u8,
    pub(crate) segment_id: SegmentId,
    /// A lower bound of the records' txids, as far as these do not decrease.
    pub(crate) first_txid: i64,
    /// The segment's number; 0 in version 1, which has none.
    pub(crate) number: i64,
    /// Entry and slot of the first record that was not truncated, in a partially truncated segment.
    pub(crate) min_active: (i64, i64),
    /// As stored: −1 before completion, and where none was counted. See [`first_sequence_id`](Self::first_sequence_id).
    pub(crate) start_sequence_id: i64,
    /// `None` as long as the segment is in progress.
    pub(crate) completed: Option<Completed>,
}

/// What completion adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Completed {
    pub(crate) last_txid: i64,
    pub(crate) completed_ms: i64,
    /// The number of user records: the position of the last one. At most 2^31 − 1.
    pub(crate) records: u32,
    /// Entry and slot of the last record, which may be a control record; both −1 if there is none.
    pub(crate) last_entry: i64,
    pub(crate) last_slot: i64,
}

/// How much of a segment was truncated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Truncation {
    #[default]
    Active = 0,
    Partial = 1,
    Truncated = 2,
    /// Java has this value, but nothing that sets it.
    Unknown = 3,
}

const COMPLETED: &str = "logrecs_";
const IN_PROGRESS: &str = "inprogress";
const MOST_FIELDS: usize = 11;
const NO_SEQUENCE_ID: i64 = -1;

impl SegmentMetadata {
    /// The version that new segments get.
    pub(crate) const CURRENT_VERSION: u8 = 5;

    /// A new segment.
    pub(crate) fn in_progress(number: i64, segment_id: SegmentId, first_txid: i64, region: u8) -> Self {
        Self {
            version: Self::CURRENT_VERSION,
            truncation: Truncation::Active,
            region,
            segment_id,
            first_txid,
            number,
            min_active: (0, 0),
            start_sequence_id: NO_SEQUENCE_ID,
            completed: None,
        }
    }

    /// Reads the data of a node.
    ///
    /// # Errors
    /// `unsupported` for a version above ours; `corrupt` for what no version writes.
    pub(crate) fn parse(data: impl AsRef<[u8]>) -> Result<Self> {
        let data = data.as_ref();
        Self::read(data).map_err(|error| error.with("metadata", data[..data.len().min(200)].escape_ascii()))
    }

    fn read(data: &[u8]) -> Result<Self> {
        let mut fields = [0; MOST_FIELDS];
        let mut count = 0;
        for text in data.split(|byte| *byte == b';') {
            let field = fields.get_mut(count).ok_or_else(|| corrupt("has too many fields"))?;
            *field = number(text)?;
            count += 1;
        }
        let word = Word::unpack(fields[0])?;
        let completed = match count {
            _ if count == field_count(word.version, true) => true,
            _ if count == field_count(word.version, false) && word.records == 0 => false,
            _ => return Err(corrupt("has a number of fields that its version does not have")),
        };
        Self::from_fields(&word, completed, &mut fields.into_iter().skip(1))
    }

    fn from_fields(word: &Word, completed: bool, fields: &mut dyn Iterator<Item = i64>) -> Result<Self> {
        let mut field = || fields.next().ok_or_else(|| corrupt("has too few fields"));
        let segment_id = field()?;
        let first_txid = field()?;
        let (last_txid, completed_ms) = if completed { (field()?, field()?) } else { (0, 0) };
        let number = if word.version >= 2 { field()? } else { 0 };
        let (last_entry, last_slot) =
            if completed && word.version >= 2 { (field()?, field()?) } else { (-1, -1) };
        let min_active = if word.version >= 3 { (field()?, field()?) } else { (0, 0) };
        let start_sequence_id = if word.version >= 5 { field()? } else { NO_SEQUENCE_ID };
        // Readers go on at the next number.
        if !(0..i64::MAX).contains(&number) {
            return Err(corrupt("has a segment number that no segment can have"));
        }
        Ok(Self {
            version: word.version,
            truncation: word.truncation,
            region: word.region,
            segment_id: SegmentId::new(segment_id).map_err(|_| corrupt("has a negative segment id"))?,
            first_txid,
            number,
            min_active,
            start_sequence_id,
            completed: completed.then_some(Completed {
                last_txid,
                completed_ms,
                records: word.records,
                last_entry,
                last_slot,
            }),
        })
    }

    /// Whether its entries are enveloped.
    pub(crate) fn enveloped(&self) -> bool {
        self.version >= 4
    }

    pub(crate) fn is_completed(&self) -> bool {
        self.completed.is_some()
    }

    /// The position of its first record.
    pub(crate) fn first_dlsn(&self) -> Dlsn {
        Dlsn::new(self.number, 0, 0)
    }

    /// The position of its last record, which may be a control record; `None` in progress or without records.
    pub(crate) fn last_dlsn(&self) -> Option<Dlsn> {
        let completed = self.completed.filter(|completed| completed.last_entry >= 0)?;
        Some(Dlsn::new(self.number, completed.last_entry, completed.last_slot))
    }

    /// The position of its first record that was not truncated, in a partially truncated segment.
    pub(crate) fn min_active_dlsn(&self) -> Dlsn {
        Dlsn::new(self.number, self.min_active.0, self.min_active.1)
    }

    /// What segments are sorted by: those without a number first, by txid; then by number.
    ///
    /// Java sorts two segments by txid if either has no number, which is no order at all. Both agree on what can be
    /// written, since segments without a number are those in front of an upgrade.
    pub(crate) fn sort_key(&self) -> (i64, i64, bool) {
        let txid = if self.number == 0 { self.first_txid } else { 0 };
        (self.number, txid, self.is_completed())
    }

    /// The sequence id of the first user record of a completed segment. Hugely negative where none was counted.
    pub(crate) fn first_sequence_id(&self) -> i64 {
        if self.version >= 5 && self.start_sequence_id != NO_SEQUENCE_ID {
            self.start_sequence_id
        } else {
            i64::MIN.wrapping_add(self.number << 32)
        }
    }

    /// The sequence id of the first user record of a segment of the current version, from the segment in front of it:
    /// what readers take for the first segment in progress, and what completion stores.
    ///
    /// # Errors
    /// `internal` if the segment in front is in progress: it has to be completed first.
    pub(crate) fn sequence_id_after(previous: Option<&Self>) -> Result<i64> {
        let Some(previous) = previous.filter(|previous| previous.version >= 5) else { return Ok(0) };
        let completed = previous.completed.ok_or_else(|| {
            Error::internal("the segment in front is still in progress").with("segment", previous.number)
        })?;
        Ok(previous.first_sequence_id().wrapping_add(completed.records.into()))
    }
}

impl fmt::Display for SegmentMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Word {
            version: self.version,
            truncation: self.truncation,
            region: self.region,
            records: self.completed.map_or(0, |completed| completed.records),
        };
        write!(f, "{};{};{}", word.pack(), self.segment_id, self.first_txid)?;
        if let Some(completed) = &self.completed {
            write!(f, ";{};{}", completed.last_txid, completed.completed_ms)?;
        }
        if self.version >= 2 {
            write!(f, ";{}", self.number)?;
        }
        if let Some(completed) = self.completed.filter(|_| self.version >= 2) {
            write!(f, ";{};{}", completed.last_entry, completed.last_slot)?;
        }
        if self.version >= 3 {
            write!(f, ";{};{}", self.min_active.0, self.min_active.1)?;
        }
        if self.version >= 5 {
            write!(f, ";{}", self.start_sequence_id)?;
        }
        Ok(())
    }
}

/// The sequence id of a user record; `None` where Java did not count.
pub(crate) fn sequence_id(first_sequence_id: i64, position: u32) -> Option<u64> {
    let after_first = i64::from(position.checked_sub(1)?);
    u64::try_from(first_sequence_id.checked_add(after_first)?).ok()
}

/// The name of the node of a segment in progress.
pub(crate) fn in_progress_name(number: i64) -> String {
    format!("{IN_PROGRESS}_{number:018}")
}

/// The name of the node of a completed segment.
pub(crate) fn completed_name(number: i64) -> String {
    format!("{COMPLETED}{number:018}")
}

/// The number of a completed segment, where its name has it: `logrecs_<number>`, or the old
/// `logrecs_<first>_<last>_<number>_<ledger>_<region>`.
#[cfg(any(test, feature = "test-util"))]
pub(crate) fn completed_number(name: &str) -> Option<i64> {
    let mut parts = name.strip_prefix(COMPLETED)?.split('_');
    let text = match parts.clone().count() {
        1 => parts.next(),
        5 => parts.nth(2),
        _ => None,
    }?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The first field: version, status, region and record count in one number.
struct Word {
    version: u8,
    truncation: Truncation,
    region: u8,
    records: u32,
}

impl Word {
    const UNUSED: i64 = 0x0fff_fc00;

    fn unpack(word: i64) -> Result<Self> {
        let version = (word & 0xff) as u8;
        if !(1..=SegmentMetadata::CURRENT_VERSION).contains(&version) {
            return Err(Error::unsupported(format!(
                "the segment metadata has the version {version}, but this build knows 1 to {}",
                SegmentMetadata::CURRENT_VERSION
            )));
        }
        let unused = if version == 1 { 0xffff_ff00 } else { Self::UNUSED };
        if word & unused != 0 || word < 0 {
            return Err(corrupt("has a first field that no version has"));
        }
        let truncation = match word >> 8 & 3 {
            0 => Truncation::Active,
            1 => Truncation::Partial,
            2 => Truncation::Truncated,
            _ => Truncation::Unknown,
        };
        Ok(Self { version, truncation, region: (word >> 28 & 0xf) as u8, records: (word >> 32) as u32 })
    }

    fn pack(&self) -> i64 {
        i64::from(self.version)
            | (self.truncation as i64) << 8
            | i64::from(self.region & 0xf) << 28
            | i64::from(self.records) << 32
    }
}

/// The fields of a text.
fn field_count(version: u8, completed: bool) -> usize {
    match (version, completed) {
        (1, false) => 3,
        (1, true) => 5,
        (2, false) => 4,
        (2, true) => 8,
        (3 | 4, false) => 6,
        (3 | 4, true) => 10,
        (_, false) => 7,
        (_, true) => 11,
    }
}

/// A number exactly as Java prints it.
fn number(text: &[u8]) -> Result<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let canonical = match digits {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    let number = std::str::from_utf8(text).ok().filter(|_| canonical).and_then(|text| text.parse().ok());
    number.ok_or_else(|| corrupt("has a field that is not a decimal number of 64 bits"))
}

fn corrupt(what: &'static str) -> Error {
    Error::corrupt(format!("the segment metadata {what}"))
}

#[cfg(test)]
mod tests;
