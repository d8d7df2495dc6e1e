//! What the metadata store holds of a ledger: where it is in its life, who has its entries, how they are protected.
//!
//! Three formats are in use (lines, protobuf as text, protobuf). All are read; a ledger keeps the one it has, and what is
//! written again unchanged has the same bytes, so that Java clients and these can work on one ledger.

mod binary;
mod fields;
mod lines;
mod text;

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;

use crate::error::{Error, ErrorKind, Result};
use crate::types::{BookieId, DigestType, EntryId, Quorum};

const HEADER: &[u8] = b"BookieMetadataFormatVersion\t";

/// A ledger's metadata.
#[derive(Clone, PartialEq, Eq)]
pub struct LedgerMetadata {
    /// How it is written.
    pub format: MetadataFormat,
    /// The sizes of its quorums.
    pub quorum: Quorum,
    /// Where it is in its life.
    pub state: LedgerState,
    /// What protects its entries.
    pub digest: DigestType,
    /// The password, in clear.
    pub password: Bytes,
    /// When it was made, in milliseconds since 1970, if that is stored.
    pub created_ms: Option<i64>,
    /// What the application stored with it, in the order in which it is written.
    pub custom: Vec<(String, Bytes)>,
    /// A random number by which the creator knows its own work again; 0 once the ledger was changed. Format 3 only.
    pub creation_token: i64,
    ensembles: BTreeMap<EntryId, Vec<BookieId>>,
}

/// Where a ledger is in its life: from open through perhaps in recovery to closed, never back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerState {
    /// One client writes it.
    Open,
    /// Another client is ending it.
    InRecovery,
    /// It has an end.
    Closed {
        /// Its last entry; `None` if it has no entries.
        last_entry: Option<EntryId>,
        /// Bytes of all payloads.
        length: u64,
    },
}

/// How metadata is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MetadataFormat {
    /// Format 1, lines of text: no digest, no password, one quorum size.
    Lines = 1,
    /// Format 2, protobuf as text.
    Text = 2,
    /// Format 3, protobuf: that of new ledgers.
    Binary = 3,
}

impl LedgerMetadata {
    /// The most bytes that are read: what a ZooKeeper node can hold unless it was set up otherwise.
    pub const MAX_BYTES: usize = 1 << 20;

    /// The metadata of a new ledger, open, whose entries from the first on go to these bookies.
    ///
    /// # Errors
    /// `invalid-argument` unless there are as many bookies as the ensemble has places.
    pub fn new(quorum: Quorum, digest: DigestType, password: Bytes, bookies: Vec<BookieId>) -> Result<Self> {
        let mut metadata = Self {
            format: MetadataFormat::Binary,
            quorum,
            state: LedgerState::Open,
            digest,
            password,
            created_ms: None,
            custom: Vec::new(),
            creation_token: 0,
            ensembles: BTreeMap::new(),
        };
        metadata.set_ensemble(EntryId::FIRST, bookies)?;
        Ok(metadata)
    }

    /// Reads metadata in any of the formats.
    ///
    /// # Errors
    /// `too-large`, `unsupported` for a later format, `corrupt` for what is none or contradicts itself.
    pub fn decode(stored: &[u8]) -> Result<Self> {
        if stored.len() > Self::MAX_BYTES {
            let message = format!("metadata has {} bytes; the most is {}", stored.len(), Self::MAX_BYTES);
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        let (version, body) = split_version(stored)?;
        match version {
            1 => lines::decode(body),
            2 => fields::to_metadata(text::decode(body)?, MetadataFormat::Text),
            3 => fields::to_metadata(binary::decode(body)?, MetadataFormat::Binary),
            _ => Err(Error::new(
                ErrorKind::Unsupported,
                format!("metadata has format {version}, which this version of the client does not know"),
            )),
        }
    }

    /// Writes it in its format.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut stored = HEADER.to_vec();
        stored.extend_from_slice(format!("{}\n", self.format as u8).as_bytes());
        match self.format {
            MetadataFormat::Lines => lines::encode(self, &mut stored),
            MetadataFormat::Text => text::encode(&fields::from_metadata(self), &mut stored),
            MetadataFormat::Binary => binary::encode(&fields::from_metadata(self), &mut stored),
        }
        stored.into()
    }

    /// The ensembles: the first entry of each, and the bookies that have the entries from there on. The first starts at
    /// entry 0, and each has as many bookies as the ensemble size says.
    #[must_use]
    pub const fn ensembles(&self) -> &BTreeMap<EntryId, Vec<BookieId>> {
        &self.ensembles
    }

    /// The bookies that have an entry, each in its place, and the first entry that they have.
    #[must_use]
    pub fn ensemble_of(&self, entry: EntryId) -> (EntryId, &[BookieId]) {
        let (first, bookies) =
            self.ensembles.range(..=entry).next_back().expect("the first ensemble starts at entry 0");
        (*first, bookies)
    }

    /// The bookies that have the newest entries, each in its place, and the first entry that they have.
    #[must_use]
    pub fn last_ensemble(&self) -> (EntryId, &[BookieId]) {
        let (first, bookies) = self.ensembles.last_key_value().expect("there is at least one ensemble");
        (*first, bookies)
    }

    /// Puts entries from `first` on at these bookies: replaces the ensemble that starts there, or adds one.
    ///
    /// # Errors
    /// `invalid-argument` if the number of bookies is not the ensemble size, and if it would make the first ensemble
    /// start after entry 0.
    pub fn set_ensemble(&mut self, first: EntryId, bookies: Vec<BookieId>) -> Result<()> {
        if bookies.len() != self.quorum.ensemble() {
            return Err(Error::invalid_argument(format!(
                "an ensemble of {} has {} bookies",
                self.quorum.ensemble(),
                bookies.len()
            )));
        }
        if self.ensembles.is_empty() && first != EntryId::FIRST {
            return Err(Error::invalid_argument(format!(
                "the first ensemble starts at entry {first}, not at 0"
            )));
        }
        self.ensembles.insert(first, bookies);
        Ok(())
    }

    /// Whether the ledger has an end.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, LedgerState::Closed { .. })
    }
}

/// Without the password.
impl fmt::Debug for LedgerMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LedgerMetadata")
            .field("format", &self.format)
            .field("quorum", &self.quorum)
            .field("state", &self.state)
            .field("digest", &self.digest)
            .field("created_ms", &self.created_ms)
            .field("custom", &self.custom)
            .field("ensembles", &self.ensembles)
            .finish_non_exhaustive()
    }
}

/// The number in the first line, and what follows it.
fn split_version(stored: &[u8]) -> Result<(u32, &[u8])> {
    const MAX_DIGITS: usize = 9;
    let rest =
        stored.strip_prefix(HEADER).ok_or_else(|| Error::corrupt("this is no metadata of a ledger"))?;
    let digits = rest.iter().take(MAX_DIGITS).take_while(|byte| byte.is_ascii_digit()).count();
    let version = std::str::from_utf8(&rest[..digits]).ok().and_then(|digits| digits.parse().ok());
    match (version, rest.get(digits)) {
        (Some(version), Some(b'\n')) => Ok((version, &rest[digits + 1..])),
        _ => Err(Error::corrupt("metadata of a ledger does not say its format")),
    }
}

/// Metadata that was read, if what it says can be.
fn checked(metadata: LedgerMetadata, ensembles: Vec<(i64, Vec<BookieId>)>) -> Result<LedgerMetadata> {
    let mut metadata = metadata;
    let mut last = None;
    for (first, bookies) in ensembles {
        let first = EntryId::new(first).map_err(|_| Error::corrupt("an ensemble starts before entry 0"))?;
        if Some(first) <= last {
            return Err(Error::corrupt(format!("the ensemble from entry {first} on is not in order")));
        }
        metadata.set_ensemble(first, bookies).map_err(|error| Error::corrupt(error.message().to_owned()))?;
        last = Some(first);
    }
    if last.is_none() {
        return Err(Error::corrupt("metadata of a ledger names no bookies"));
    }
    Ok(metadata)
}

/// A quorum that was read.
fn quorum(ensemble: i64, write: i64, ack: i64) -> Result<Quorum> {
    let size = |number| usize::try_from(number).unwrap_or(0);
    Quorum::new(size(ensemble), size(write), size(ack))
        .map_err(|error| Error::corrupt(error.message().to_owned()))
}

/// The state of a closed ledger that was read.
fn closed(last_entry: i64, length: i64) -> Result<LedgerState> {
    let length =
        u64::try_from(length).map_err(|_| Error::corrupt("a closed ledger has a negative length"))?;
    Ok(LedgerState::Closed { last_entry: EntryId::from_wire(last_entry)?, length })
}

#[cfg(test)]
mod tests;
