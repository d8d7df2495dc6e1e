//! Ends the segments that earlier writers left in progress.

use crate::error::Result;
use crate::telemetry::RECOVERY_SEGMENT;

use super::ownership::{Content, Ownership, Refused};
use super::scan::{Kinds, SegmentScan, locate};

/// Cuts off the writers of all segments in progress and completes these in order.
///
/// A segment without records is completed too, never deleted, so that no number is used twice.
pub(crate) async fn recover(own: &mut Ownership) -> Result<std::result::Result<(), Refused>> {
    while let Some(segment) = own.oldest_in_progress().cloned() {
        let store = own.engine.stores.segments.clone();
        let closed = store
            .recover(segment.segment_id)
            .await
            .map_err(|error| locate(error, &own.log, segment.number))?;
        let entries = closed.last_entry.map_or(0, |last| last + 1);
        let last = match entries {
            0 => None,
            _ => SegmentScan::open(&*store, &own.log, &segment).await?.last(entries, Kinds::Any).await?,
        };
        let content = match last {
            Some(last) => Content {
                records: last.position,
                last_txid: last.txid,
                last: Some((last.dlsn.entry(), last.dlsn.slot())),
            },
            None => Content { records: 0, last_txid: 0, last: None },
        };
        if let Err(refused) = own.complete(content, closed.complete_ops).await? {
            return Ok(Err(refused));
        }
        tell(own, segment.number, entries, content.records);
    }
    Ok(Ok(()))
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
