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
    /// The largest txid of its completed segments; `None` if it never had a record, and of a sealed log, whose
    /// metadata has the mark of the seal in its place.
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

/// The first readable record whose txid is at least `txid`, given that these do not decrease; `None` if there is none yet.
pub(crate) async fn at_txid(
    engine: &Engine,
    log: &LogName,
    list: &SegmentList,
    txid: Txid,
) -> Result<Option<Found>> {
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
            return Ok(Some(found));
        }
        if let Some(found) = scan.first_at(first, entries).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// See [`crate::Log::dlsn_at_txid`].
pub(crate) async fn first_at_txid(engine: &Engine, log: &LogName, txid: Txid) -> Result<Option<Found>> {
    let mut attempt = 1;
    loop {
        let list = SegmentList::read(&*engine.stores.metadata, log).await?;
        let found = at_txid(engine, log, &list, txid).await;
        if !freed_meanwhile(&found, &mut attempt) {
            return found;
        }
    }
}

/// See [`crate::Log::last_record`].
pub(crate) async fn last(engine: &Engine, log: &LogName) -> Result<Option<Found>> {
    let mut attempt = 1;
    loop {
        let list = SegmentList::read(&*engine.stores.metadata, log).await?;
        let last = last_in(engine, log, &list).await;
        if !freed_meanwhile(&last, &mut attempt) {
            return last;
        }
    }
}

/// See [`crate::Log::count_between`].
pub(crate) async fn count(
    engine: &Engine,
    log: &LogName,
    from: Option<Dlsn>,
    until: Option<Dlsn>,
) -> Result<u64> {
    let mut attempt = 1;
    loop {
        let list = SegmentList::read(&*engine.stores.metadata, log).await?;
        let count = count_in(engine, log, &list, from, until).await;
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

async fn last_in(engine: &Engine, log: &LogName, list: &SegmentList) -> Result<Option<Found>> {
    for segment in list.readable().iter().rev() {
        // Of the oldest ones that Java wrote, the metadata does not know the last record.
        let completed = segment.metadata.completed.filter(|_| segment.metadata.version >= 2);
        if completed.is_some_and(|completed| completed.last_entry < 0) {
            continue;
        }
        let scan = SegmentScan::open(&*engine.stores.segments, log, &segment.metadata).await?;
        if let Some(last) = scan.last(scan.entries().await?, Kinds::User).await? {
            return Ok(Some(last).filter(|last| last.dlsn >= segment.first_readable()));
        }
    }
    Ok(None)
}

async fn count_in(
    engine: &Engine,
    log: &LogName,
    list: &SegmentList,
    from: Option<Dlsn>,
    until: Option<Dlsn>,
) -> Result<u64> {
    let first = list.first_readable();
    let from = from.map_or(first, |from| from.max(first));
    let mut count = 0;
    for metadata in list.readable().iter().map(|segment| &segment.metadata) {
        let starts_inside = from.segment() == metadata.number && from > metadata.first_dlsn();
        let end = until.filter(|until| until.segment() <= metadata.number).map(Dlsn::next);
        if from.segment() > metadata.number || end.is_some_and(|end| end <= metadata.first_dlsn()) {
            continue;
        }
        // Of a whole segment that is completed, the metadata says it.
        let counted = metadata.completed.map(|completed| u64::from(completed.records));
        if let Some(records) = counted.filter(|_| end.is_none() && !starts_inside) {
            count += records;
            continue;
        }
        let scan = SegmentScan::open(&*engine.stores.segments, log, metadata).await?;
        let entries = scan.entries().await?;
        let end = match end {
            Some(end) => records_below(&scan, entries, end).await?,
            None => records_in(&scan, entries).await?,
        };
        let start = if starts_inside { records_below(&scan, entries, from).await? } else { 0 };
        count += end.saturating_sub(start);
    }
    Ok(count)
}

/// The number of records of a segment in front of this position in it.
async fn records_below(scan: &SegmentScan<'_>, entries: u64, end: Dlsn) -> Result<u64> {
    match scan.first_at(end, entries).await? {
        Some(first) => Ok(u64::from(first.position).saturating_sub(1)),
        None => records_in(scan, entries).await,
    }
}

/// The number of records of a segment.
async fn records_in(scan: &SegmentScan<'_>, entries: u64) -> Result<u64> {
    let last = scan.last(entries, Kinds::Any).await?;
    Ok(last.map_or(0, |last| last.position.into()))
}
