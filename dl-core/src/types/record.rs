//! Records on their way in and out, and the receipt for an append.

use bytes::Bytes;

use super::{Dlsn, Txid};

/// A record to append: a payload, and a txid if the caller chooses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    pub(crate) payload: Bytes,
    pub(crate) txid: Option<Txid>,
}

impl NewRecord {
    /// A record with this payload, 0 to [`MAX_PAYLOAD_BYTES`](super::MAX_PAYLOAD_BYTES) bytes. Its txid will be the
    /// wall clock in milliseconds, held at the log's last txid when the clock is behind it.
    pub fn new(payload: impl Into<Bytes>) -> Self {
        Self { payload: payload.into(), txid: None }
    }

    /// Sets the txid. Appending it fails with `invalid-argument` if it is smaller than the log's last.
    #[must_use]
    pub fn txid(mut self, txid: Txid) -> Self {
        self.txid = Some(txid);
        self
    }
}

impl<T: Into<Bytes>> From<T> for NewRecord {
    fn from(payload: T) -> Self {
        Self::new(payload)
    }
}

/// A record to be appended, shown where its payload lies, from where it is copied: see
/// [`Writer::append_many`](crate::Writer::append_many).
#[derive(Debug, Clone, Copy)]
pub struct NewRecordView<'a> {
    pub(crate) payload: &'a [u8],
    pub(crate) txid: Option<Txid>,
}

impl<'a> NewRecordView<'a> {
    /// As [`NewRecord::new`].
    pub fn new(payload: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Self { payload: payload.as_ref(), txid: None }
    }

    /// As [`NewRecord::txid`].
    #[must_use]
    pub fn txid(mut self, txid: Txid) -> Self {
        self.txid = Some(txid);
        self
    }
}

impl<'a> From<&'a NewRecord> for NewRecordView<'a> {
    fn from(record: &'a NewRecord) -> Self {
        let NewRecord { payload, txid } = record;
        Self { payload, txid: *txid }
    }
}

impl<'a, T: AsRef<[u8]> + ?Sized> From<&'a T> for NewRecordView<'a> {
    fn from(payload: &'a T) -> Self {
        Self::new(payload)
    }
}

/// A record as read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// Its position.
    pub dlsn: Dlsn,
    /// Its txid.
    pub txid: i64,
    /// Its place among all records of the log, counted from 0, truncated ones included; `None` where Java
    /// DistributedLog wrote a segment without counting.
    pub sequence_id: Option<u64>,
    /// What was appended.
    pub payload: Bytes,
    /// Whether the payload is a whole record set, which a reader delivers only if its options say so.
    pub record_set: bool,
}

impl Record {
    /// The same, without a share of its payload.
    #[must_use]
    pub fn view(&self) -> RecordView<'_> {
        let Self { dlsn, txid, sequence_id, ref payload, record_set } = *self;
        RecordView { dlsn, txid, sequence_id, payload, record_set }
    }
}

/// A record as read, shown where its payload lies: see [`RecordBatch`](crate::RecordBatch).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordView<'a> {
    /// As [`Record::dlsn`].
    pub dlsn: Dlsn,
    /// As [`Record::txid`].
    pub txid: i64,
    /// As [`Record::sequence_id`].
    pub sequence_id: Option<u64>,
    /// As [`Record::payload`].
    pub payload: &'a [u8],
    /// As [`Record::record_set`].
    pub record_set: bool,
}

/// What an acknowledged append survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Durability {
    /// Nothing: it lives in this process's memory, or on a memory file system.
    Memory,
    /// Power loss: a sync of the disk that holds it has returned.
    PowerLoss,
    /// The loss of an ack quorum − 1 of bookies, given that they sync their journals.
    Replicated,
}

impl Durability {
    /// The name in texts and other languages: `memory`, `power-loss`, `replicated`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::PowerLoss => "power-loss",
            Self::Replicated => "replicated",
        }
    }
}

/// The acknowledgement of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The record's position.
    pub dlsn: Dlsn,
    /// Its txid.
    pub txid: i64,
    /// Its place among all records of the log, counted from 0; `None` where Java DistributedLog did not count.
    pub sequence_id: Option<u64>,
    /// What it survives.
    pub durability: Durability,
    /// Whether this was a retry of an append that had been acknowledged before.
    pub duplicate: bool,
}
