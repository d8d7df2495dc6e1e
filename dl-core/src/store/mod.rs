//! The contract of a segment store: append-only runs of entries, each with one writer for its whole life.

mod examine;
mod stores;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::{Error, Result};
use crate::metadata::Op;
use crate::types::{Durability, SegmentId, SegmentNumber};

pub(crate) use examine::{Examination, Extent, SegmentExaminer};
pub use stores::{StoreSession, Stores};

/// Keeps segments: append-only runs of entries, numbered from 0 without a gap.
///
/// **What every implementation promises** (`testing::stores::segment_suite` checks it):
///
/// 1. A segment id is never used twice, and a segment has one writer for its whole life.
/// 2. An entry is *committed* when its writer's [`EntrySource::settled`] says so, or when recovery counted it. What
///    is committed is never lost (as far as [`durability`](Self::durability) goes), never changed, and always
///    forms a run from entry 0.
/// 3. Once [`recover`](Self::recover) returned, no entry that is not in the run it answered is ever committed,
///    whatever state the segment's writer is in. Two recoveries answer the same run.
/// 4. Readers see committed entries only, each whole and unchanged, or an error `corrupt` that names the place.
/// 5. Deleting is idempotent; whoever waits on a deleted segment is told.
#[async_trait]
pub trait SegmentStore: Send + Sync + 'static {
    /// What a committed entry survives.
    fn durability(&self) -> Durability;

    /// When readers elsewhere see a committed entry.
    fn visibility(&self) -> Visibility;

    /// How much a reader fetches ahead where its options do not say.
    fn read_ahead_bytes(&self) -> u64 {
        1 << 20
    }

    /// The number of the first segment of a log.
    fn first_number(&self) -> SegmentNumber {
        SegmentNumber::FIRST
    }

    /// Gives out a new id for a segment of the log whose nodes lie below `log_root`.
    ///
    /// Nothing is leaked for good if the caller dies before it used the id. A store that notes the id in metadata opens each
    /// commit with the operations of `guard`, such as the check of the log's lock.
    ///
    /// # Errors
    /// `fenced` if the guard does not hold.
    async fn allocate(&self, log_root: &str, guard: &[Op]) -> Result<Allocation>;

    /// Makes the segment `id`, open for writing, before the commit that makes it part of its log.
    ///
    /// Its entries come from `source`, and it has the copies that `wanted` says, in a store that keeps copies. The segment
    /// is abandoned (left as it is, for recovery) when the writer is dropped.
    async fn create(
        &self,
        id: SegmentId,
        source: Arc<dyn EntrySource>,
        wanted: Replication,
    ) -> Result<Arc<dyn SegmentWriter>>;

    /// Cuts off the segment's writer for good and finds out which entries are committed.
    ///
    /// On return these entries are durable, whatever happens to the segment's writer.
    async fn recover(&self, id: SegmentId) -> Result<Closed>;

    /// Opens a segment for reading. Many readers may read it, also while it is written. Takes no descriptor until
    /// something is read.
    async fn open(&self, id: SegmentId) -> Result<Arc<dyn SegmentReader>>;

    /// Deletes segments with all they hold; those already gone are no error. The operations it returns join the
    /// commit that removes the segments from their log.
    async fn delete(&self, ids: &[SegmentId]) -> Result<Vec<Op>>;
}

/// When readers elsewhere see a committed entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// As soon as it is committed.
    AtAck,
    /// By itself soon after it is committed. How far a segment really got is known when it is closed.
    #[cfg_attr(not(feature = "bookkeeper"), expect(dead_code, reason = "only bookies publish by themselves"))]
    AfterAck,
    /// When an entry that was taken since is committed, or the segment closed: the writer adds a control record when it falls
    /// idle.
    AtNextEntry,
}

/// How many copies of its segments a log wants; what is absent is as the store has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Replication {
    /// On how many servers a segment lies.
    pub ensemble: Option<u64>,
    /// On how many of them each entry.
    pub write_quorum: Option<u64>,
    /// On how many of those before it is acknowledged.
    pub ack_quorum: Option<u64>,
}

/// A new segment id.
#[derive(Debug)]
pub struct Allocation {
    /// The id.
    pub id: SegmentId,
    /// Operations that open the commit that makes the segment part of its log.
    pub start_ops: Vec<Op>,
}

/// The end of a segment that accepts no more entries.
#[derive(Debug)]
pub struct Closed {
    /// Its last entry; `None` if it has none.
    pub last_entry: Option<u64>,
    /// Operations that join the commit that completes the segment in its log.
    pub complete_ops: Vec<Op>,
}

/// Where the entries of a segment being written come from. The store calls it, from any thread, one call at a time.
///
/// The store pulls: while it is busy making one entry durable, its writer gathers the records of the next.
pub trait EntrySource: Send + Sync + 'static {
    /// The next entry to write, or `None` if nothing waits. It gets the entry id after that of the one before it.
    fn next_entry(&self) -> Option<Bytes>;

    /// Whether the entry that was handed out last was the last one waiting, so that asking for another is not worth it:
    /// the store is woken when there is one. A source that cannot tell says no.
    fn is_drained(&self) -> bool {
        false
    }

    /// The bytes of an entry, which the store needs no more: the source may use their memory again. Optional, and called
    /// before the entry is settled.
    fn give_back(&self, entry: Bytes) {
        drop(entry);
    }

    /// How the entry ended; called once for each entry, in order.
    ///
    /// After an error no later entry of this segment is committed, except after a `storage-full` that cannot have taken
    /// effect, which says that the entry was refused before it got its place. Those taken behind it are then refused
    /// too, and the entry taken after all these are settled gets its id.
    ///
    /// Answers how many records that acknowledged, for the store's counts.
    fn settled(&self, entry: u64, result: Result<()>) -> usize;

    /// The segment can take no more entries although none was waiting: it was fenced, deleted, or its store failed.
    fn broken(&self, error: Error);
}

/// The writing end of a segment.
#[async_trait]
pub trait SegmentWriter: Send + Sync + 'static {
    /// Tells the store that its source has an entry. Cheap, and never blocks.
    fn wake(&self);

    /// [`wake`](Self::wake) by a caller whose thread has nothing else to do until the entry is settled: a store may do on
    /// it, blocking, what it would wake a thread of its own for. It need not have settled the entry on return.
    fn wake_and_work(&self) {
        self.wake();
    }

    /// Ends the segment after the last entry that was settled without error. The source has nothing waiting.
    async fn close(&self) -> Result<Closed>;
}

/// The reading end of a segment.
#[async_trait]
pub trait SegmentReader: Send + Sync + 'static {
    /// What is committed now.
    async fn tail(&self) -> Result<Tail>;

    /// Waits until more is committed than `known`, or the segment is no longer as open as `known` says.
    /// Cancelling it loses nothing.
    async fn wait(&self, known: Tail) -> Result<Tail>;

    /// Committed entries from entry `from` on: as many as fit into `budget` bytes, but one at least; none if
    /// nothing is committed there. Entries in front of a damaged one are given before its error.
    ///
    /// # Errors
    /// `corrupt` with file and offset (or bookie) if a committed entry is not what was written; `not-found` if the
    /// segment was deleted.
    async fn read(&self, from: u64, budget: usize) -> Result<Vec<Bytes>>;

    /// About how many bytes the committed entries take in the store: no less than the entries themselves.
    ///
    /// # Errors
    /// `not-found` if the segment was deleted.
    async fn bytes(&self) -> Result<u64>;
}

/// A segment in progress, as it was found without asking its writer.
#[derive(Debug)]
pub(crate) struct Unfinished {
    pub(crate) id: SegmentId,
    /// The number of its entries that are provably kept.
    pub(crate) entries: u64,
    /// The last of them, where it could be read.
    pub(crate) last: Option<Bytes>,
    /// Bytes behind them that are no whole entry.
    pub(crate) unfinished_bytes: u64,
}

/// How far a segment has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    /// The number of committed entries; they are `0..entries`.
    pub entries: u64,
    /// Whether there may be more.
    pub state: TailState,
}

/// Whether a segment may get more entries, from open to gone: it only ever becomes a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TailState {
    /// Its writer may add entries.
    Open,
    /// A newer writer cut its writer off: what is committed now is all, unless power is lost before it is completed.
    Fenced,
    /// It is complete.
    Closed,
    /// It is gone.
    Deleted,
}
