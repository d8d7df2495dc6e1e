//! Deletes a log, and nothing that lies below its name.

use std::sync::Arc;

use bytes::Bytes;

use crate::error::{Error, ErrorKind, Result};
use crate::metadata::{Expect, MetadataStore, Op, Outcome, Takeover, Truncation};
use crate::types::{Dlsn, LogName};

use super::Engine;
use super::layout::LogPaths;
use super::open::take_over_with;
use super::ownership::Ownership;
use super::recovery::Damaged;
use super::segments::{Segment, SegmentList};
use super::truncate::{freed, truncate};

const ATTEMPTS: usize = 20;

/// Above every record.
const END: Dlsn = Dlsn::new(i64::MAX, i64::MAX, i64::MAX);

/// Takes the log over, truncates all of it, and removes its nodes in one commit.
///
/// Stores delete segments without asking who holds the lock. So only those are deleted that were truncated under it:
/// whoever overtakes a deletion finds either all records or none, and keeps its own.
pub(crate) async fn delete(engine: &Arc<Engine>, log: &LogName) -> Result<()> {
    let own = take_over_with(engine, log, Takeover::Force, Damaged::GivenUp).await?;
    for _ in 0..ATTEMPTS {
        if attempt(&own).await? {
            own.lock.forget();
            return Ok(());
        }
        if !own.lock.is_held().await? {
            return Err(Error::locked("another writer took the log while it was being deleted; try again")
                .with("log", log)
                .maybe_effective());
        }
    }
    Err(Error::unavailable("the log changes too fast to be deleted; try again").with("log", log))
}

async fn attempt(own: &Ownership) -> Result<bool> {
    let metadata = &*own.engine.stores.metadata;
    match truncate(&own.engine, &own.log, None, END, Some(own.lock.check())).await {
        Err(error) if error.kind() == ErrorKind::Fenced => return Ok(false),
        truncated => truncated?,
    };
    let list = SegmentList::read(metadata, &own.log).await?;
    let truncated = |segment: &Segment| segment.metadata.truncation == Truncation::Truncated;
    if !list.iter().all(truncated) {
        return Ok(false);
    }
    let ids: Vec<_> = list.iter().map(|segment| segment.metadata.segment_id).collect();
    let mut ops = vec![own.lock.check()];
    let given_out = own.given_out()?;
    ops.extend(own.engine.stores.segments.delete(&[&ids[..], &given_out].concat()).await?);
    for path in below(metadata, own.paths.root()).await?.into_iter().rev() {
        ops.push(Op::Delete { path, expect: Expect::Any });
    }
    ops.push(base_op(metadata, &own.paths).await?);
    let done = matches!(metadata.commit(&ops).await?, Outcome::Committed(_));
    if done && !ids.is_empty() {
        freed(&own.engine, &own.log, ids.len());
    }
    Ok(done)
}

/// The log's own node goes too, unless logs lie below it: then it is emptied.
pub(super) async fn base_op(metadata: &dyn MetadataStore, paths: &LogPaths) -> Result<Op> {
    let path = paths.base().to_owned();
    let children = metadata.children(&path).await?.unwrap_or_default();
    Ok(if children.len() <= 1 {
        Op::Delete { path, expect: Expect::Any }
    } else {
        Op::Set { path, data: Bytes::new(), expect: Expect::Any }
    })
}

/// The node and all below it, parents first.
pub(super) async fn below(metadata: &dyn MetadataStore, path: String) -> Result<Vec<String>> {
    let mut found = vec![path];
    let mut next = 0;
    while let Some(path) = found.get(next).cloned() {
        let children = metadata.children(&path).await?.unwrap_or_default();
        found.extend(children.into_iter().map(|child| format!("{path}/{}", child.name)));
        next += 1;
    }
    Ok(found)
}
