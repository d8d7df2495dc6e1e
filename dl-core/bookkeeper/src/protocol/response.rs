//! Answers of one bookie that say that a request succeeded. What failed is a [`Status`](super::Status).

use bytes::Bytes;

use super::{AuthMessage, EntryList};
use crate::types::EntryId;

/// What one bookie answered to a request that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// The entry is stored.
    Add,
    /// What a read found.
    Read(ReadResponse),
    /// What a batched read found.
    BatchRead(BatchReadResponse),
    /// The explicit LAC is stored.
    WriteLac,
    /// What the bookie knows of the LAC.
    ReadLac(ReadLacResponse),
    /// What was added is synced.
    Force,
    /// The room on the bookie's disks.
    BookieInfo(BookieInfo),
    /// The entries that the bookie has.
    ListEntries(EntryList),
    /// The bookie's step of authentication.
    Auth(AuthMessage),
    /// TLS begins.
    StartTls,
}

/// What a read found. Nothing in it has been checked against a digest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadResponse {
    /// The entry that `body` is; `None` where the last one was asked for, or a long poll brought none.
    pub entry: Option<EntryId>,
    /// The entry as it is stored. Absent only where a long poll ended without one.
    pub body: Option<Bytes>,
    /// The bookie's idea of the LAC, where it says one (version 3, not when fencing): the inner option is the LAC.
    pub max_lac: Option<Option<EntryId>>,
    /// When the LAC that ended a long poll came, in milliseconds since 1970.
    pub lac_updated_ms: Option<i64>,
}

/// What a batched read found: consecutive entries from the first one asked for, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchReadResponse {
    /// The first entry.
    pub first: EntryId,
    /// The entries as they are stored. Nothing in them has been checked against a digest.
    pub bodies: Vec<Bytes>,
}

/// What a bookie knows of a ledger's LAC. Both are to be checked against their digests; the LAC is the larger one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadLacResponse {
    /// The explicit LAC, if one was written.
    pub explicit_lac: Option<Bytes>,
    /// The entry with the highest id, which carries a LAC.
    pub last_entry: Option<Bytes>,
}

/// The room on a bookie's disks, as far as it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BookieInfo {
    /// Bytes of all ledger directories.
    pub total_bytes: Option<u64>,
    /// Bytes that are free in them.
    pub free_bytes: Option<u64>,
}
