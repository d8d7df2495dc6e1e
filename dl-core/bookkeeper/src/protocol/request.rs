//! Requests to one bookie.

use std::time::Duration;

use bytes::Bytes;

use crate::types::{EntryId, LedgerId, MasterKey};

/// One request to one bookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Store an entry. Answered when it is durable, unless a sync was deferred.
    Add(AddRequest),
    /// Read an entry; perhaps fence the ledger first, or wait for a later LAC.
    Read(ReadRequest),
    /// Read consecutive entries (version 2 of the protocol only, bookies from 4.17 on).
    BatchRead(BatchReadRequest),
    /// Store an explicit LAC (version 3 only).
    WriteLac(WriteLacRequest),
    /// Read the explicit LAC and the last entry (version 3 only).
    ReadLac(LedgerId),
    /// Sync what was added with a deferred sync (version 3 only).
    Force(LedgerId),
    /// Ask for the room on the bookie's disks (version 3 only).
    BookieInfo(BookieInfoRequest),
    /// Ask which entries of a ledger the bookie has (version 3 only).
    ListEntries(LedgerId),
    /// One step of authentication.
    Auth(AuthMessage),
    /// Ask to speak TLS from here on (version 3 only).
    StartTls,
}

impl Request {
    /// What it asks for.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        match self {
            Self::Add(_) => Operation::Add,
            Self::Read(_) => Operation::Read,
            Self::BatchRead(_) => Operation::BatchRead,
            Self::WriteLac(_) => Operation::WriteLac,
            Self::ReadLac(_) => Operation::ReadLac,
            Self::Force(_) => Operation::Force,
            Self::BookieInfo(_) => Operation::BookieInfo,
            Self::ListEntries(_) => Operation::ListEntries,
            Self::Auth(_) => Operation::Auth,
            Self::StartTls => Operation::StartTls,
        }
    }

    /// The ledger it is about, if it is about one.
    #[must_use]
    pub const fn ledger(&self) -> Option<LedgerId> {
        match self {
            Self::Add(add) => Some(add.ledger),
            Self::Read(read) => Some(read.ledger),
            Self::BatchRead(read) => Some(read.ledger),
            Self::WriteLac(write) => Some(write.ledger),
            Self::ReadLac(ledger) | Self::Force(ledger) | Self::ListEntries(ledger) => Some(*ledger),
            Self::BookieInfo(_) | Self::Auth(_) | Self::StartTls => None,
        }
    }

    /// The entry it is about, if it is about one.
    #[must_use]
    pub const fn entry(&self) -> Option<EntryId> {
        match self {
            Self::Add(add) => Some(add.entry),
            Self::Read(read) => read.entry,
            Self::BatchRead(read) => Some(read.first),
            _ => None,
        }
    }

    /// Whether a bookie changes something durable when it gets this: then a lost answer leaves it open whether it did.
    #[must_use]
    pub const fn has_effect(&self) -> bool {
        match self {
            Self::Add(_) | Self::WriteLac(_) | Self::Force(_) => true,
            Self::Read(read) => matches!(read.mode, ReadMode::Fence(_)),
            Self::BatchRead(read) => read.fence.is_some(),
            _ => false,
        }
    }

    /// How much of the budget it takes: the bytes sent, and those that the answer may bring.
    #[must_use]
    pub fn cost_bytes(&self) -> usize {
        const HEADERS: usize = 128;
        HEADERS
            + match self {
                Self::Add(add) => add.body.len(),
                Self::WriteLac(write) => write.body.len(),
                Self::BatchRead(read) => read.max_bytes,
                Self::Auth(auth) => auth.payload.len(),
                _ => 0,
            }
    }
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// [`Request::Add`].
    Add,
    /// [`Request::Read`].
    Read,
    /// [`Request::BatchRead`].
    BatchRead,
    /// [`Request::WriteLac`].
    WriteLac,
    /// [`Request::ReadLac`].
    ReadLac,
    /// [`Request::Force`].
    Force,
    /// [`Request::BookieInfo`].
    BookieInfo,
    /// [`Request::ListEntries`].
    ListEntries,
    /// [`Request::Auth`].
    Auth,
    /// [`Request::StartTls`].
    StartTls,
}

/// An entry as bookies store it, ready to be sent to all of them: cloning it copies no bytes.
///
/// The head (ids, LAC, length, digest) and the payload are apart, so that a payload is never copied to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedEntry {
    /// The bytes in front of the payload.
    pub head: Bytes,
    /// The payload.
    pub payload: Bytes,
}

impl EncodedEntry {
    /// An entry that is in one piece, such as one that was read from a bookie.
    #[must_use]
    pub const fn whole(stored: Bytes) -> Self {
        Self { head: stored, payload: Bytes::new() }
    }

    /// Bytes in all.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.head.len() + self.payload.len()
    }

    /// Whether there are no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes in one piece.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        if self.payload.is_empty() {
            return self.head.clone();
        }
        [&self.head[..], &self.payload[..]].concat().into()
    }
}

/// Which queue of the bookie a request goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Priority {
    /// Behind those that came before.
    #[default]
    Normal,
    /// Served by threads of their own, and by a bookie that is read-only as long as it has some room: for recovery.
    High,
}

/// Stores an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddRequest {
    /// The ledger; the same id stands in `body`.
    pub ledger: LedgerId,
    /// The entry; the same id stands in `body`.
    pub entry: EntryId,
    /// Must be what the bookie was first shown for this ledger.
    pub key: MasterKey,
    /// The entry.
    pub body: EncodedEntry,
    /// Whether it is written again by a recovery, which the fence lets pass. Goes with [`Priority::High`].
    pub recovery: bool,
    /// Whether the bookie may acknowledge before it has synced (version 3 only; see [`Request::Force`]).
    pub deferred_sync: bool,
    /// Which queue it goes to.
    pub priority: Priority,
}

/// Reads an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadRequest {
    /// The ledger.
    pub ledger: LedgerId,
    /// The entry, or `None` for the one with the highest id that the bookie has.
    pub entry: Option<EntryId>,
    /// What else to do.
    pub mode: ReadMode,
    /// Which queue it goes to.
    pub priority: Priority,
}

/// What a read does besides reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadMode {
    /// Nothing.
    Plain,
    /// Fences the ledger first: after any answer, this bookie refuses adds that are not a recovery's, for good.
    Fence(MasterKey),
    /// Waits for a later LAC (version 3 only).
    LongPoll(LongPoll),
}

/// How a read waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LongPoll {
    /// Wait until the bookie's LAC is above this.
    pub previous_lac: Option<EntryId>,
    /// The longest wait, in whole milliseconds; without one the bookie answers at once.
    pub timeout: Option<Duration>,
    /// Whether to answer with the entry after `previous_lac`, if the bookie has it by then. The request's entry must be
    /// `None` with this.
    pub piggyback: bool,
}

/// Reads consecutive entries from one bookie, which has them all only if the ensemble is as large as the write quorum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchReadRequest {
    /// The ledger.
    pub ledger: LedgerId,
    /// The first entry.
    pub first: EntryId,
    /// The most entries; 0 sets no limit.
    pub max_entries: u32,
    /// The most bytes, headers included; the first entry comes even if it is larger.
    pub max_bytes: usize,
    /// Fences the ledger first if there is a key.
    pub fence: Option<MasterKey>,
    /// Which queue it goes to.
    pub priority: Priority,
}

/// Stores an explicit LAC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteLacRequest {
    /// The ledger.
    pub ledger: LedgerId,
    /// The LAC; the same number stands in `body`.
    pub lac: Option<EntryId>,
    /// Must be what the bookie was first shown for this ledger.
    pub key: MasterKey,
    /// The LAC with its digest.
    pub body: Bytes,
}

/// Asks for the room on a bookie's disks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BookieInfoRequest {
    /// Ask for the size of the disks.
    pub total: bool,
    /// Ask for what is free.
    pub free: bool,
}

/// One step of authentication, either way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthMessage {
    /// The plugin that understands the payload, such as `sasl`.
    pub plugin: String,
    /// Its token.
    pub payload: Bytes,
}
