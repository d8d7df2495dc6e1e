//! Questions about a log that take no lock.

use crate::error::{ErrorKind, Result};
use crate::format::END_OF_STREAM_TXID;
use crate::metadata::{SegmentMetadata, Truncation};
use crate::types::{Dlsn, LogName, SegmentId, Txid};

use super::Engine;
use super::layout::{self, LogPaths, Number, require};
use super::scan::{Found, Kinds, SegmentScan};
use super::segments::SegmentList;

/// What the metadata says about a log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogInfo {
    /// Its name.
    pub name: LogName,
    /// Tells a log from an earlier one of the same name.
    pub incarnation: u64,
    /// The number of its segments, truncated ones that are still kept included.
    pub segments: usize,
    /// Whether a segment is in progress: a writer is open, or was and did not end it.
    pub in_progress: bool,
    /// Whether it was sealed.
    pub sealed: bool,
    /// The point of truncation: no record below it is read.
    pub first_readable: Dlsn,
    /// The largest txid of its completed segments; `None` if it never had a record.
    pub max_txid: Option<i64>,
    /// How its writer named itself, if there is one.
    pub owner: Option<String>,
}

/// What the metadata says about a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentInfo {
    /// Its number; 0 for the oldest ones that Java DistributedLog wrote.
    pub number: i64,
    /// What it is called in its store.
    pub id: SegmentId,
    /// How much of it was truncated.
    pub truncation: SegmentTruncation,
    /// A lower bound of the txids of its records.
    pub first_txid: i64,
    /// The sequence id of its first record, where counted and known.
    pub first_sequence_id: Option<u64>,
    /// What completion said; `None` while it is in progress.
    pub completed: Option<SegmentEnd>,
}

/// How much of a segment was truncated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentTruncation {
    /// Nothing.
    None,
    /// What lies below this position.
    Below(Dlsn),
    /// All; it is kept to count on from.
    Whole,
}

/// The end of a completed segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentEnd {
    /// The number of its records.
    pub records: u64,
    /// The txid of its last record.
    pub last_txid: i64,
    /// The position of its last record, which may be a control record; `None` if it has none.
    pub last_dlsn: Option<Dlsn>,
    /// When it was completed, in milliseconds since 1970 UTC.
    pub completed_ms: i64,
}

/// See [`crate::Log::info`].
pub(crate) async fn info(engine: &Engine, log: &LogName) -> Result<LogInfo> {
    let metadata = &*engine.stores.metadata;
    let paths = LogPaths::new(log);
    let incarnation = layout::incarnation(metadata, log).await?;
    let max_txid = require(metadata, log, &paths.max_txid()).await?;
    let max_txid = Number::parse(&max_txid, log, &paths.max_txid())?.value;
    let list = SegmentList::read(metadata, log).await?;
    let last_txid = list.newest_completed().and_then(|segment| segment.metadata.completed);
    let sealed = max_txid == END_OF_STREAM_TXID;
    Ok(LogInfo {
        name: log.clone(),
        incarnation,
        segments: list.len(),
        in_progress: list.in_progress().next().is_some(),
        sealed,
        first_readable: list.first_readable(),
        max_txid: last_txid.map(|_| max_txid).filter(|_| !sealed),
        owner: metadata.lock_owner(&paths.lock()).await?,
    })
}

/// See [`crate::Log::segments`].
pub(crate) async fn segments(engine: &Engine, log: &LogName) -> Result<Vec<SegmentInfo>> {
    let list = SegmentList::read(&*engine.stores.metadata, log).await?;
    let info = |segment: &SegmentMetadata| SegmentInfo {
        number: segment.number,
        id: segment.segment_id,
        truncation: match segment.truncation {
            Truncation::Truncated => SegmentTruncation::Whole,
            Truncation::Partial => SegmentTruncation::Below(segment.min_active_dlsn()),
            Truncation::Active | Truncation::Unknown => SegmentTruncation::None,
        },
        first_txid: segment.first_txid,
        first_sequence_id: list.first_sequence_id(segment).and_then(|id| u64::try_from(id).ok()),
        completed: segment.completed.map(|completed| SegmentEnd {
            records: completed.records.into(),
            last_txid: completed.last_txid,
            last_dlsn: segment.last_dlsn(),
            completed_ms: completed.completed_ms,
        }),
    };
    Ok(list.iter().map(|segment| info(&segment.metadata)).collect())
}

/// The position of the first readable record whose txid is at least `txid`, given that these do not decrease; `None`
/// if there is none yet.
pub(crate) async fn at_txid(
    engine: &Engine,
    log: &LogName,
    list: &SegmentList,
    txid: Txid,
) -> Result<Option<Dlsn>> {
    let txid = txid.get();
    for segment in list.readable() {
        if segment.metadata.completed.is_some_and(|completed| completed.last_txid < txid) {
            continue;
        }
        let scan = SegmentScan::open(&*engine.stores.segments, log, &segment.metadata).await?;
        let entries = scan.entries().await?;
        let Some(found) = scan.first_at_txid(entries, txid).await? else { continue };
        let first = segment.first_readable();
        if found.dlsn >= first {
            return Ok(Some(found.dlsn));
        }
        if let Some(found) = scan.first_at(first, entries).await? {
            return Ok(Some(found.dlsn));
        }
    }
    Ok(None)
}

/// See [`crate::Log::dlsn_at_txid`].
pub(crate) async fn dlsn_at_txid(engine: &Engine, log: &LogName, txid: Txid) -> Result<Option<Dlsn>> {
    let mut attempt = 1;
    loop {
        let list = SegmentList::read(&*engine.stores.metadata, log).await?;
        let found = at_txid(engine, log, &list, txid).await;
        if !freed_meanwhile(&found, &mut attempt) {
            return found;
        }
    }
}

/// The number of readable records.
pub(crate) async fn count(engine: &Engine, log: &LogName) -> Result<u64> {
    let mut attempt = 1;
    loop {
        let list = SegmentList::read(&*engine.stores.metadata, log).await?;
        let count = count_in(engine, log, &list).await;
        if !freed_meanwhile(&count, &mut attempt) {
            return count;
        }
    }
}

/// Whether to ask again, since a truncation may have freed a segment under the question.
fn freed_meanwhile<T>(answer: &Result<T>, attempt: &mut u32) -> bool {
    const ATTEMPTS: u32 = 5;
    *attempt += 1;
    *attempt <= ATTEMPTS && matches!(answer, Err(error) if error.kind() == ErrorKind::NotFound)
}

async fn count_in(engine: &Engine, log: &LogName, list: &SegmentList) -> Result<u64> {
    let mut count = 0;
    for segment in list.readable() {
        let last = match segment.metadata.completed {
            Some(completed) => u64::from(completed.records),
            None => last_position(engine, log, &segment.metadata).await?,
        };
        count += last - truncated_records(engine, log, segment).await?.min(last);
    }
    Ok(count)
}

async fn last_position(engine: &Engine, log: &LogName, segment: &SegmentMetadata) -> Result<u64> {
    let scan = SegmentScan::open(&*engine.stores.segments, log, segment).await?;
    let last = scan.last(scan.entries().await?, Kinds::Any).await?;
    Ok(last.map_or(0, |last| last.position.into()))
}

/// The number of records of a segment below the point of truncation.
async fn truncated_records(
    engine: &Engine,
    log: &LogName,
    segment: &super::segments::Segment,
) -> Result<u64> {
    if segment.metadata.truncation != Truncation::Partial {
        return Ok(0);
    }
    let scan = SegmentScan::open(&*engine.stores.segments, log, &segment.metadata).await?;
    let first: Option<Found> = scan.first_at(segment.first_readable(), scan.entries().await?).await?;
    let records = segment.metadata.completed.map_or(0, |completed| completed.records.into());
    Ok(first.map_or(records, |first| u64::from(first.position).saturating_sub(1)))
}
