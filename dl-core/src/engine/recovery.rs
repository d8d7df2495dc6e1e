//! Ends the segments that earlier writers left in progress.

use crate::error::{ErrorKind, Result};
use crate::metadata::{Op, SegmentMetadata};
use crate::telemetry::RECOVERY_SEGMENT;

use super::ownership::{Content, Ownership, Refused};
use super::scan::{Kinds, SegmentScan, locate};

/// What becomes of a segment whose entries are not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damaged {
    /// It stays as it is, and recovery fails.
    Kept,
    /// It is completed as one without records, since the log is about to be deleted.
    GivenUp,
}

/// Cuts off the writers of all segments in progress and completes these in order.
///
/// A segment without records is completed too, never deleted, so that no number is used twice.
pub(crate) async fn recover(
    own: &mut Ownership,
    damaged: Damaged,
) -> Result<std::result::Result<(), Refused>> {
    while let Some(segment) = own.oldest_in_progress().cloned() {
        let end = match end_of(own, &segment).await {
            Err(error) if error.kind() == ErrorKind::Corrupt && damaged == Damaged::GivenUp => End::default(),
            end => end?,
        };
        if let Err(refused) = own.complete(end.content, end.complete_ops).await? {
            return Ok(Err(refused));
        }
        tell(own, segment.number, end.entries, end.content.records);
    }
    Ok(Ok(()))
}

/// What is there of a segment that was in progress. By default, nothing.
#[derive(Default)]
struct End {
    entries: u64,
    content: Content,
    complete_ops: Vec<Op>,
}

/// Cuts off the writer of a segment and looks for its end.
async fn end_of(own: &Ownership, segment: &SegmentMetadata) -> Result<End> {
    let store = own.engine.stores.segments.clone();
    let closed =
        store.recover(segment.segment_id).await.map_err(|error| locate(error, &own.log, segment.number))?;
    let entries = closed.last_entry.map_or(0, |last| last + 1);
    let last = match entries {
        0 => None,
        _ => SegmentScan::open(&*store, &own.log, segment).await?.last(entries, Kinds::Any).await?,
    };
    let content = last.map_or_else(Content::default, |last| Content {
        records: last.position,
        last_txid: last.txid,
        last: Some((last.dlsn.entry(), last.dlsn.slot())),
    });
    Ok(End { entries, content, complete_ops: closed.complete_ops })
}

/// Counts and tells of a segment that was completed.
fn tell(own: &Ownership, number: i64, entries: u64, records: u32) {
    let telemetry = &own.engine.telemetry;
    telemetry.metrics.segments_recovered.add(1);
    telemetry.metrics.entries_recovered.add(entries);
    telemetry.tell(RECOVERY_SEGMENT, "completed a segment that an earlier writer left", |event| {
        event.with("log", &own.log).with("segment", number).with("entries", entries).with("records", records)
    });
}
