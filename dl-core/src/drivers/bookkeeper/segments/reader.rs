//! The reading end of a segment.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use dl_bookkeeper::{
    BookKeeper, Confirmed, EntryId, Error as ClusterError, ErrorKind as ClusterErrorKind, LedgerReader,
};

use super::closing::Closing;
use super::error::of_segment;
use crate::error::{Error, Result};
use crate::store::{SegmentReader, Tail, TailState};
use crate::types::SegmentId;

/// Behind every entry.
const LAST: i64 = i64::MAX;

/// Reads a segment. It holds nothing but what it knows of the ledger while nobody waits.
pub(super) struct Reader {
    id: SegmentId,
    ledger: LedgerReader,
    bookkeeper: BookKeeper,
    closing: Closing,
    /// Whether it is known to be gone: bookies may still give its entries out for a while.
    deleted: AtomicBool,
}

impl Reader {
    pub(super) fn new(id: SegmentId, ledger: LedgerReader, bookkeeper: BookKeeper, closing: Closing) -> Self {
        Self { id, ledger, bookkeeper, closing, deleted: AtomicBool::new(false) }
    }

    /// Waits until a segment that gets no more entries is gone.
    async fn gone(&self) -> Result<Tail> {
        let (store, ledger) = (self.bookkeeper.store(), self.ledger.id());
        let mut watch = store.watch(ledger).map_err(|error| self.error(error))?;
        while store.read(ledger).await.map_err(|error| self.error(error))?.is_some() {
            if watch.changed().await.is_err() {
                // With the session, of whose end the caller hears.
                return std::future::pending().await;
            }
        }
        Ok(self.deleted())
    }

    fn tail_of(&self, found: std::result::Result<Confirmed, ClusterError>) -> Result<Tail> {
        match found {
            Ok(found) => Ok(self.tail_at(found)),
            Err(error) if error.kind() == ClusterErrorKind::NoSuchLedger => Ok(self.deleted()),
            Err(error) => Err(self.error(error)),
        }
    }

    /// A ledger in recovery counts as open: which of its last entries stay is known when it is closed.
    fn tail_at(&self, Confirmed { last, closed }: Confirmed) -> Tail {
        let state = if closed { TailState::Closed } else { TailState::Open };
        Tail { entries: entries_to(last), state }
    }

    fn deleted(&self) -> Tail {
        self.deleted.store(true, Ordering::Release);
        Tail { state: TailState::Deleted, ..self.tail_at(self.ledger.known()) }
    }

    fn error(&self, error: ClusterError) -> Error {
        of_segment(error, self.id)
    }

    async fn read_from(&self, from: i64, budget: usize) -> std::result::Result<Vec<Bytes>, ClusterError> {
        let (first, last) = (EntryId::new(from)?, EntryId::new(LAST)?);
        let known = self.ledger.known();
        if known.last < Some(first) && !known.closed {
            self.ledger.refresh().await?;
        }
        let entries = self.ledger.read(first, last, budget).await?;
        Ok(entries.into_iter().map(|entry| entry.payload).collect())
    }
}

#[async_trait]
impl SegmentReader for Reader {
    async fn tail(&self) -> Result<Tail> {
        self.tail_of(self.closing.guard(self.ledger.refresh()).await?)
    }

    async fn wait(&self, known: Tail) -> Result<Tail> {
        let waiting = async {
            if known.state >= TailState::Closed {
                return self.gone().await;
            }
            let last = known.entries.checked_sub(1).and_then(|last| i64::try_from(last).ok());
            let last = last.map(EntryId::new).transpose().map_err(|error| self.error(error))?;
            self.tail_of(self.ledger.wait(last).await)
        };
        self.closing.guard(waiting).await?
    }

    async fn read(&self, from: u64, budget: usize) -> Result<Vec<Bytes>> {
        self.closing.check()?;
        if self.deleted.load(Ordering::Acquire) {
            let gone = ClusterError::new(ClusterErrorKind::NoSuchLedger, "the ledger was deleted");
            return Err(self.error(gone));
        }
        match i64::try_from(from) {
            Ok(from) => {
                let read = self.closing.guard(self.read_from(from, budget)).await?;
                read.map_err(|error| self.error(error))
            }
            // No ledger has that many.
            Err(_) => Ok(Vec::new()),
        }
    }

    async fn bytes(&self) -> Result<u64> {
        self.closing.guard(self.ledger.length()).await?.map_err(|error| self.error(error))
    }
}

fn entries_to(last: Option<EntryId>) -> u64 {
    last.map_or(0, |last| last.number().unsigned_abs() + 1)
}
