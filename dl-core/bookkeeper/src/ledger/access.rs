//! What it takes to write and read one ledger: its id, its key, its digest.

use std::time::Duration;

use bytes::Bytes;

use super::adds::AddKind;
use super::quorum::{entry_id, last_of};
use crate::codec::{Entry, EntryCodec};
use crate::error::Result;
use crate::protocol::{
    AddRequest, BatchReadRequest, EncodedEntry, LongPoll, Priority, ReadMode, ReadRequest, Request,
    WriteLacRequest,
};
use crate::types::{DigestType, EntryId, LedgerId, MasterKey};

/// One ledger as its client knows it.
#[derive(Debug)]
pub struct Access {
    id: LedgerId,
    key: MasterKey,
    codec: EntryCodec,
}

impl Access {
    /// The ledger with this digest and password.
    #[must_use]
    pub fn new(id: LedgerId, digest: DigestType, password: &[u8]) -> Self {
        Self { id, key: MasterKey::from_password(password), codec: EntryCodec::new(digest, password) }
    }

    /// The ledger.
    #[must_use]
    pub fn id(&self) -> LedgerId {
        self.id
    }

    pub(crate) fn seal(&self, entry: u64, confirmed: u64, length: u64, payload: Bytes) -> EncodedEntry {
        self.codec.seal(self.id, entry_id(entry), last_of(confirmed), length, payload)
    }

    /// The entry in what a bookie gave back, which must be this one if it was asked for by its id.
    ///
    /// # Errors
    /// `digest-mismatch` if it is not what the ledger's writer wrote.
    pub(crate) fn open(&self, entry: Option<u64>, body: &Bytes) -> Result<Entry> {
        self.codec.open(self.id, entry.map(entry_id), body)
    }

    pub(crate) fn add(&self, entry: u64, body: EncodedEntry, kind: AddKind) -> Request {
        Request::Add(AddRequest {
            ledger: self.id,
            entry: entry_id(entry),
            key: self.key,
            body,
            recovery: kind == AddKind::Recovery,
            deferred_sync: kind == AddKind::Deferred,
            priority: if kind == AddKind::Recovery { Priority::High } else { Priority::Normal },
        })
    }

    pub(crate) fn read(&self, entry: u64) -> Request {
        Request::Read(ReadRequest {
            ledger: self.id,
            entry: Some(entry_id(entry)),
            mode: ReadMode::Plain,
            priority: Priority::Normal,
        })
    }

    /// Reads an entry, or the last one, and fences the ledger first.
    pub(crate) fn fence(&self, entry: Option<u64>) -> Request {
        Request::Read(ReadRequest {
            ledger: self.id,
            entry: entry.map(entry_id),
            mode: ReadMode::Fence(self.key),
            priority: Priority::High,
        })
    }

    pub(crate) fn read_batch(&self, first: u64, max_entries: u32, max_bytes: usize) -> Request {
        Request::BatchRead(BatchReadRequest {
            ledger: self.id,
            first: entry_id(first),
            max_entries,
            max_bytes,
            fence: None,
            priority: Priority::Normal,
        })
    }

    /// Waits until more than so many entries are confirmed, for so long or not at all, and gives the next one back.
    pub(crate) fn poll(&self, confirmed: u64, timeout_ms: Option<u64>) -> Request {
        Request::Read(ReadRequest {
            ledger: self.id,
            entry: None,
            mode: ReadMode::LongPoll(LongPoll {
                previous_lac: last_of(confirmed),
                timeout: timeout_ms.map(Duration::from_millis),
                piggyback: true,
            }),
            priority: Priority::Normal,
        })
    }

    /// The LAC in a record that a bookie gave back.
    ///
    /// # Errors
    /// `digest-mismatch` if it is not what the ledger's writer wrote.
    pub(crate) fn open_lac(&self, record: &[u8]) -> Result<Option<EntryId>> {
        self.codec.open_lac(self.id, record)
    }

    pub(crate) fn write_lac(&self, confirmed: u64) -> Request {
        Request::WriteLac(WriteLacRequest {
            ledger: self.id,
            lac: last_of(confirmed),
            key: self.key,
            body: self.codec.seal_lac(self.id, last_of(confirmed)),
        })
    }
}
