//! The segment store on BookKeeper: a segment is a ledger, as DistributedLog makes them.
//!
//! `parking` notes the ids of ledgers that no segment has yet; `writer` and `reader` are the ends of a segment.

mod closing;
mod error;
mod examine;
mod lease;
mod parking;
mod reader;
mod writer;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use dl_bookkeeper::{
    BookKeeper, CreateOptions, DigestType, Error as ClusterError, ErrorKind as ClusterErrorKind, LedgerState,
    Quorum,
};
use tokio::sync::OnceCell;

use self::closing::Closing;
use self::error::{from_bookies, of_segment, overtaken};
pub(crate) use self::lease::{Extent, Lease};
use self::parking::{Parked, Parking, ledger};
use self::reader::Reader;
use self::writer::Writer;
use super::connection::quorum;
use crate::error::{Error, Result};
use crate::metadata::{MetadataStore, Op};
use crate::seams::Tasks;
use crate::store::{
    Allocation, Closed, EntrySource, Replication, SegmentReader, SegmentStore, SegmentWriter, Visibility,
};
use crate::types::{Durability, SegmentId, SegmentNumber};

/// What kind of ledgers to make. It is not printed: the password is secret.
#[derive(Clone)]
pub(crate) struct LedgerOptions {
    /// On how many bookies.
    pub(crate) quorum: Quorum,
    /// What protects their entries. Java makes no others than CRC-32, and reads all.
    pub(crate) digest: DigestType,
    /// The one password of the namespace's ledgers; empty unless Java's `digestPw` is set.
    pub(crate) password: Bytes,
    /// What is stored with each ledger.
    pub(crate) custom: Vec<(String, Bytes)>,
    /// Whether the last entry is published by itself, which readers of Java's before version 4.5 do not see, instead of by a
    /// control record behind it.
    pub(crate) explicit_lac: bool,
    /// The number of the first segment of a log.
    pub(crate) first_number: SegmentNumber,
}

impl LedgerOptions {
    /// The quorum of a log that wants this.
    fn quorum(&self, wanted: Replication) -> Result<Quorum> {
        let own = |value: Option<u64>, own: usize| value.unwrap_or(own as u64);
        quorum(
            own(wanted.ensemble, self.quorum.ensemble()),
            own(wanted.write_quorum, self.quorum.write()),
            own(wanted.ack_quorum, self.quorum.ack()),
        )
    }
}

/// One opening of a namespace's segments.
pub(crate) struct LedgerSegments {
    bookkeeper: BookKeeper,
    options: LedgerOptions,
    parking: Parking,
    /// The ids that were given out and not used, with where they are noted.
    allocated: Mutex<BTreeMap<SegmentId, Parked>>,
    /// Makes the lease of a new segment's writer.
    leases: Box<dyn Fn() -> Lease + Send + Sync>,
    /// Set when the bookies have let us in.
    let_in: OnceCell<()>,
    closing: Closing,
    tasks: Arc<dyn Tasks>,
}

impl LedgerSegments {
    /// The segments of the namespace with this metadata. A segment's writer gets its lease from `leases` before the segment is
    /// part of its log, and acknowledges nothing while that does not run.
    pub(crate) fn new(
        bookkeeper: BookKeeper,
        metadata: Arc<dyn MetadataStore>,
        options: LedgerOptions,
        leases: impl Fn() -> Lease + Send + Sync + 'static,
        tasks: Arc<dyn Tasks>,
    ) -> Self {
        let parking = Parking::new(metadata, bookkeeper.store().clone());
        let (allocated, let_in, closing) = (Mutex::default(), OnceCell::new(), Closing::new());
        Self { bookkeeper, options, parking, allocated, leases: Box::new(leases), let_in, closing, tasks }
    }

    /// Ends every call with `closed`, those that wait and those to come.
    pub(crate) fn close(&self) {
        self.closing.close();
    }

    /// Fails if the bookies refuse us, before the first ledger is made or fenced: it would be left half done.
    async fn enter(&self) -> Result<()> {
        let greeting = async || self.bookkeeper.greet().await.map_err(from_bookies);
        self.let_in.get_or_try_init(greeting).await.map(drop)
    }

    async fn make(
        &self,
        id: SegmentId,
        source: Arc<dyn EntrySource>,
        wanted: Replication,
    ) -> Result<Arc<dyn SegmentWriter>> {
        let quorum = self.options.quorum(wanted)?;
        let parked = self.allocated().remove(&id).ok_or_else(|| {
            let message = "a segment is made once, by whom its id was given to; allocate another id";
            Error::already_exists(message).with("segment_id", id)
        })?;
        let (lease, closing, tasks) = ((self.leases)(), self.closing.clone(), self.tasks.clone());
        let writer = Writer::new(id, source, lease, closing, tasks, self.options.explicit_lac);
        let options = CreateOptions {
            quorum,
            digest: self.options.digest,
            password: self.options.password.clone(),
            custom: self.options.custom.clone(),
            id: Some(ledger(id)?),
        };
        let made = match self.bookkeeper.create_with(options, Some(writer.events())).await {
            Ok(made) => made,
            Err(error) => return Err(self.not_made(error, id, quorum).await),
        };
        // Whoever found the id in its node and deleted the ledger before it was there would not do so again.
        if !self.parking.is_there(&parked).await? {
            self.bookkeeper.delete(made.id()).await.map_err(|error| of_segment(error, id))?;
            return Err(overtaken());
        }
        writer.start(made);
        Ok(Arc::new(writer))
    }

    /// Why a ledger could not be made: bookies whose disks are full are there, and take no new entries.
    async fn not_made(&self, error: ClusterError, id: SegmentId, quorum: Quorum) -> Error {
        let too_few = error.kind() == ClusterErrorKind::NotEnoughBookies;
        let same = of_segment(error, id);
        if !too_few {
            return same;
        }
        match self.bookkeeper.bookies().await {
            Ok(bookies)
                if bookies.len() >= quorum.ensemble() && bookies.iter().any(|bookie| !bookie.writable) =>
            {
                let message =
                    "too few bookies take new entries; make room on their disks or add bookies, then go on";
                Error::storage_full(message).with("segment_id", id).caused_by(same)
            }
            _ => same,
        }
    }

    fn allocated(&self) -> MutexGuard<'_, BTreeMap<SegmentId, Parked>> {
        // Each change of it is one call.
        self.allocated.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SegmentStore for LedgerSegments {
    fn durability(&self) -> Durability {
        Durability::Replicated
    }

    fn visibility(&self) -> Visibility {
        if self.options.explicit_lac { Visibility::AfterAck } else { Visibility::AtNextEntry }
    }

    /// More than elsewhere: a read waits for other machines, and is more than one entry even where those are large.
    fn read_ahead_bytes(&self) -> u64 {
        4 << 20
    }

    fn first_number(&self) -> SegmentNumber {
        self.options.first_number
    }

    async fn allocate(&self, log_root: &str, guard: &[Op]) -> Result<Allocation> {
        let path = format!("{log_root}/allocation");
        let parking = async {
            self.enter().await?;
            self.parking.park(path, guard).await
        };
        let parked = self.closing.guard(parking).await??;
        let (id, start_ops) = (parked.id, vec![parked.leave()]);
        let mut allocated = self.allocated();
        // Another one that was noted there will never be used.
        allocated.retain(|_, other| !other.is_replaced_by(&parked));
        allocated.insert(id, parked);
        Ok(Allocation { id, start_ops })
    }

    async fn create(
        &self,
        id: SegmentId,
        source: Arc<dyn EntrySource>,
        wanted: Replication,
    ) -> Result<Arc<dyn SegmentWriter>> {
        self.closing.guard(self.make(id, source, wanted)).await?
    }

    async fn recover(&self, id: SegmentId) -> Result<Closed> {
        let recovery = async {
            self.enter().await?;
            self.bookkeeper
                .recover(ledger(id)?, &self.options.password)
                .await
                .map_err(|error| of_segment(error, id))
        };
        let known = self.closing.guard(recovery).await??;
        let LedgerState::Closed { last_entry, .. } = known.metadata.state else {
            return Err(Error::internal("a ledger was recovered and is not closed").with("segment_id", id));
        };
        let last_entry = last_entry.map(|last| last.number().unsigned_abs());
        Ok(Closed { last_entry, complete_ops: Vec::new() })
    }

    async fn open(&self, id: SegmentId) -> Result<Arc<dyn SegmentReader>> {
        let opening = async {
            let opened = self.bookkeeper.open_without_recovery(ledger(id)?, &self.options.password).await;
            opened.map_err(|error| of_segment(error, id))
        };
        let opened = self.closing.guard(opening).await??;
        Ok(Arc::new(Reader::new(id, opened, self.bookkeeper.clone(), self.closing.clone())))
    }

    async fn delete(&self, ids: &[SegmentId]) -> Result<Vec<Op>> {
        self.closing.check()?;
        for id in ids {
            self.allocated().remove(id);
            let deletion = self.bookkeeper.delete(ledger(*id)?);
            self.closing.guard(deletion).await?.map_err(|error| of_segment(error, *id))?;
        }
        Ok(Vec::new())
    }
}
