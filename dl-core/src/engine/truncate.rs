//! Moves the point of truncation: marks what lies below it, then frees whole segments.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::metadata::{Op, Outcome, SegmentMetadata, Truncation};
use crate::telemetry::SEGMENTS_FREED;
use crate::types::{Dlsn, LogName};

use super::Engine;
use super::layout::LogPaths;
use super::lock::CUT_OFF;
use super::segments::{Segment, SegmentList};

/// The most segments that one commit frees.
const AT_ONCE: usize = 100;

/// Truncates this incarnation of the log below `before`, as far as it is completed; answers the point in force. The writer
/// of the log passes the check of its lock instead.
pub(crate) async fn truncate(
    engine: &Arc<Engine>,
    log: &LogName,
    incarnation: Option<u64>,
    before: Dlsn,
    lock: Option<Op>,
) -> Result<Dlsn> {
    let metadata = &*engine.stores.metadata;
    let paths = LogPaths::new(log);
    loop {
        // What follows goes by the versions of the nodes in it.
        let list = SegmentList::read_of(metadata, log, incarnation).await?;
        let marks = marks(&list, before, &paths);
        if marks.is_empty() {
            let point = list.first_readable();
            free(engine, log, &list, &paths, lock.as_ref()).await?;
            return Ok(point);
        }
        // Refused: somebody else truncated. Either way the next round sees what is there now.
        commit(engine, lock.as_ref(), marks).await?;
    }
}

/// The operations that mark what lies below `before`: each node is made anew, so that watches on the list fire.
fn marks(list: &SegmentList, before: Dlsn, paths: &LogPaths) -> Vec<Op> {
    let mut ops = Vec::new();
    for segment in list.iter().take_while(|segment| segment.metadata.is_completed()) {
        let mut marked = segment.metadata.clone();
        let empty = Dlsn::new(marked.number, -1, -1);
        if marked.truncation == Truncation::Truncated {
            continue;
        } else if marked.last_dlsn().unwrap_or(empty) < before {
            marked.truncation = Truncation::Truncated;
        } else if segment.first_readable() < before && !keeps_no_place(&marked) {
            marked.truncation = Truncation::Partial;
            marked.min_active = (before.entry(), before.slot());
        } else {
            break;
        }
        let path = paths.segment(&segment.node);
        ops.push(Op::delete(&path, segment.version));
        ops.push(Op::create(path, marked.to_string()));
    }
    ops
}

/// Whether it is marked already and its old text has no room for a position.
fn keeps_no_place(segment: &SegmentMetadata) -> bool {
    segment.version < 3 && segment.truncation == Truncation::Partial
}

/// Frees the truncated segments, but not the newest one with records nor what follows it: it holds the last record and
/// counts the sequence ids.
async fn free(
    engine: &Arc<Engine>,
    log: &LogName,
    list: &SegmentList,
    paths: &LogPaths,
    lock: Option<&Op>,
) -> Result<()> {
    let segments: Vec<&Segment> = list.iter().collect();
    let kept = newest_with_records(&segments);
    let truncated = |segment: &&Segment| segment.metadata.truncation == Truncation::Truncated;
    let end = segments.iter().take(kept).position(|segment| !truncated(segment)).unwrap_or(kept);
    for some in segments[..end].chunks(AT_ONCE) {
        let ids: Vec<_> = some.iter().map(|segment| segment.metadata.segment_id).collect();
        let mut ops: Vec<_> =
            some.iter().map(|segment| Op::delete(paths.segment(&segment.node), segment.version)).collect();
        ops.extend(engine.stores.segments.delete(&ids).await?);
        if !commit(engine, lock, ops).await? {
            // Somebody else freed them.
            return Ok(());
        }
        freed(engine, log, ids.len());
    }
    Ok(())
}

/// Which of the segments is the newest completed one with records; the first, if none has any.
pub(super) fn newest_with_records(segments: &[&Segment]) -> usize {
    let has_records =
        |segment: &&Segment| segment.metadata.completed.is_some_and(|completed| completed.records > 0);
    segments.iter().rposition(has_records).unwrap_or(0)
}

/// Counts and tells of segments that are gone.
pub(super) fn freed(engine: &Engine, log: &LogName, segments: usize) {
    engine.telemetry.metrics.segments_freed.add(segments as u64);
    engine.telemetry.tell(SEGMENTS_FREED, "segments of a log were deleted", |event| {
        event.with("log", log).with("segments", segments)
    });
}

/// Whether the operations went through.
async fn commit(engine: &Arc<Engine>, lock: Option<&Op>, ops: Vec<Op>) -> Result<bool> {
    let mut checked: Vec<Op> = lock.cloned().into_iter().collect();
    checked.extend(ops);
    match engine.stores.metadata.commit(&checked).await? {
        Outcome::Committed(_) => Ok(true),
        Outcome::Refused(refusal) if lock.is_some() && refusal.index == 0 => Err(Error::fenced(CUT_OFF)),
        Outcome::Refused(_) => Ok(false),
    }
}
