//! Takes a log over: after this, no earlier writer's append is acknowledged unless it is in the log already.

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::metadata::{Takeover, Truncation};
use crate::telemetry::WRITER_TOOK_OVER;
use crate::types::{Dlsn, LogName};

use super::layout::{LogPaths, require};
use super::lock::{HeldLock, lost_while_opening};
use super::ownership::{Ownership, Refused};
use super::recovery::{self, Damaged};
use super::scan::{Found, Kinds, SegmentScan};
use super::segments::{Segment, SegmentList};
use super::{Engine, layout};

/// The last user record of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LastRecord {
    pub(crate) dlsn: Dlsn,
    pub(crate) txid: i64,
}

/// Takes the lock, recovers what is in progress, and shuts out whoever held the log before.
///
/// # Errors
/// `locked` if another holds the log and `takeover` does not allow to take it, or if another took it meanwhile;
/// `not-found` if there is no such log.
pub(crate) async fn take_over(engine: &Arc<Engine>, log: &LogName, takeover: Takeover) -> Result<Ownership> {
    take_over_with(engine, log, takeover, Damaged::Kept).await
}

/// [`take_over`], with what becomes of damaged segments in progress.
pub(super) async fn take_over_with(
    engine: &Arc<Engine>,
    log: &LogName,
    takeover: Takeover,
    damaged: Damaged,
) -> Result<Ownership> {
    let paths = LogPaths::new(log);
    let metadata = &engine.stores.metadata;
    require(&**metadata, log, &paths.ledgers()).await?;
    // Only to be named: whoever it is by the time the lock is taken is cut off as well.
    let before = metadata.lock_owner(&paths.lock()).await.ok().flatten();
    let lock = match HeldLock::take(engine, &paths.lock(), takeover).await {
        Ok(lock) => lock,
        Err(error) => return Err(not_taken(engine, log, error).await),
    };
    let (known, _) = Ownership::read(engine, log, &paths).await?;
    let mut own = Ownership { engine: engine.clone(), log: log.clone(), paths, lock, known };
    loop {
        let refused = match settle(&mut own, damaged).await? {
            Ok(()) => {
                if let Some(owner) = before.filter(|_| takeover == Takeover::Force) {
                    took_over(&own, &owner);
                }
                return Ok(own);
            }
            Err(refused) => refused,
        };
        if matches!(refused, Refused::Lock) {
            return Err(lost(&own).await);
        }
        own.known = Ownership::read(engine, log, &own.paths).await?.0;
    }
}

/// Why the lock of a log was not taken: there is none any more if the log was deleted meanwhile.
pub(super) async fn not_taken(engine: &Engine, log: &LogName, error: Error) -> Error {
    match layout::exists(&*engine.stores.metadata, log).await {
        Ok(false) if error.kind() == ErrorKind::NotFound => layout::no_log(log),
        _ => error.with("log", log),
    }
}

fn took_over(own: &Ownership, owner: &str) {
    let telemetry = &own.engine.telemetry;
    telemetry.metrics.takeovers.add(1);
    telemetry.tell(WRITER_TOOK_OVER, "took the log from another writer", |event| {
        event.with("log", &own.log).with("owner", owner)
    });
}

/// One attempt from the list read last.
async fn settle(own: &mut Ownership, damaged: Damaged) -> Result<std::result::Result<(), Refused>> {
    if !own.lock.is_held().await? {
        return Ok(Err(Refused::Lock));
    }
    if let Err(refused) = recovery::recover(own, damaged).await? {
        return Ok(Err(refused));
    }
    own.claim().await
}

async fn lost(own: &Ownership) -> Error {
    let metadata = &*own.engine.stores.metadata;
    match layout::exists(metadata, &own.log).await {
        Ok(false) => layout::no_log(&own.log),
        _ => lost_while_opening(metadata, &own.paths).await.with("log", &own.log),
    }
}

/// The last user record of a log whose segments are all completed, if any is left.
pub(crate) async fn last_record(own: &Ownership) -> Result<Option<LastRecord>> {
    let list = SegmentList::read(&*own.engine.stores.metadata, &own.log).await?;
    for segment in list.iter().rev() {
        let empty = segment.metadata.completed.is_some_and(|completed| completed.last_entry < 0);
        if empty && segment.metadata.version >= 2 {
            continue;
        }
        match last_of(own, segment).await {
            Ok(None) => {}
            Ok(Some(last)) => return Ok(Some(LastRecord { dlsn: last.dlsn, txid: last.txid })),
            // A truncation was interrupted after it had freed the segment.
            Err(error)
                if error.kind() == ErrorKind::NotFound
                    && segment.metadata.truncation == Truncation::Truncated =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

async fn last_of(own: &Ownership, segment: &Segment) -> Result<Option<Found>> {
    let scan = SegmentScan::open(&*own.engine.stores.segments, &own.log, &segment.metadata).await?;
    scan.last(scan.entries().await?, Kinds::User).await
}
